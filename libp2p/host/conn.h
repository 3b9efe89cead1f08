/*
 * host/conn.h -- one upgraded connection: who, over what, and its worker.
 *
 * References: the swarm's table (until the worker was joined), each stream,
 * each event about it, each caller in the middle of something.  The last one
 * frees it, and closes its descriptor with the session.
 */
#ifndef HOST_CONN_H
#define HOST_CONN_H

#include "host/host.h"

/* One thing to be told of a connection; it is told at most once. */
struct conn_event {
	STAILQ_ENTRY(conn_event) link;	/* the event queue's */
	struct conn	*conn;
};

/*
 *	I	after conn_start()	w	holder of host->swarm
 *	W	the worker		a	atomic
 */
struct conn {
	TAILQ_ENTRY(conn) link;		/* [w] host->conns or ->dead */
	struct p2p_host	*host;		/* [I] */
	uint64_t	 number;	/* [I] */
	struct p2p_peer_id peer;	/* [I] */
	bool		 outbound;	/* [I] */
	const char	*security;	/* [I] static */
	const char	*muxer;		/* [I] static */
	uint64_t	 time_us;	/* [I] what the dial took */
	struct session	*session;	/* [I] counted */
	struct thread	 worker;	/* [w] */
	bool		 started;	/* [w] worker may be joined */
	struct limit	*slot;		/* [I] held until freed */
	struct gate_pass pass;		/* [I] the same */
	struct limit	 negotiating;	/* [a] */
	bool		 pinned;	/* [I] in the peer store */
	uint64_t	 due;		/* [w] told to go: ended then; or 0 */
	bool		 keep;		/* [w] asked for: never idle */
	bool		 asking;	/* [w] a service asks who it is */
	bool		 valued;	/* [w] a service would miss it */
	_Atomic uint64_t told;		/* [a] the newest of identify here */
	int		 reason;	/* [W] */
	bool		 by_us;		/* [W] */
	struct conn_event events[P2P_EVENT_IDENTIFIED];	/* by kind */
	atomic_uint	 refs;		/* [a] */
};

struct conn_params {
	struct p2p_host	*host;
	struct raw	*raw;		/* taken on success */
	struct gate_pass *pass;		/* taken on success; or NULL */
	struct upgraded	*up;		/* taken on success */
	bool		 outbound;
	bool		 keep;
	uint64_t	 time_us;
};

/*
 * Make it, count it, put it into the table and start its worker.  On success
 * *out is referenced for the caller.  Returns 0, P2P_ERR_LIMIT,
 * P2P_ERR_STOPPED or -errno.
 */
int	conn_start(const struct conn_params *p, struct conn **out);

void	conn_ref(struct conn *c);
void	conn_unref(struct conn *c);

const struct p2p_multiaddr	*conn_remote(const struct conn *c);
const struct p2p_multiaddr	*conn_local(const struct conn *c);

/*
 * Open and negotiate a stream: P2P_ERR_NO_PROTOCOL when all are refused.
 */
int	conn_open(struct conn *c, const char *const *protocols,
	    uint64_t deadline, struct p2p_stream **out);

/*
 * Wait while a service still asks the peer who it is: js resets a second
 * identify stream at once.  Returns at the deadline at the latest.
 */
void	conn_wait_asked(struct conn *c, uint64_t deadline);

/* The public stream around an mstream; takes it, and a reference to c. */
int	stream_new(struct conn *c, struct mstream *ms, const char *protocol,
	    struct p2p_stream **out);

/* Borrowed, as long as the stream lives. */
struct conn	*stream_conn(const struct p2p_stream *s);

/*
 * From now on no read or write of the stream waits beyond this time, whatever
 * its timeouts; for services whose calls promise a time for the whole.
 */
void	stream_deadline(struct p2p_stream *s, uint64_t deadline);

/* The oldest live connection to a peer, referenced, or NULL. */
struct conn	*swarm_find(struct p2p_host *host,
		    const struct p2p_peer_id *peer);
/* The same with host->swarm held, not referenced. */
struct conn	*swarm_find_locked(struct p2p_host *host,
		    const struct p2p_peer_id *peer);
struct conn	*swarm_find_number(struct p2p_host *host, uint64_t number);

/* The housekeeping thread, and what stop does of its work. */
void	house_run(void *host);
void	house_reap(struct p2p_host *host);

/* One more than is needed: it goes, kindly, unless somebody uses it already. */
void	house_dismiss(struct conn *c);

/*
 * For stop: end all connections kindly, then at once.  False: some have not
 * ended at the deadline.
 */
bool	swarm_shutdown(struct p2p_host *host, uint64_t soft, uint64_t hard);

/* Tell the application and the services; conn.c and events.c. */
int	events_new(struct p2p_host *host, struct events **out);
/* Each kind once; nothing is told of a connection after its end. */
void	events_post(struct events *ev, enum p2p_event_kind kind,
	    struct conn *c);
int	events_stop(struct events *ev, uint64_t deadline);
void	events_free(struct events *ev);

/* Whether the calling thread runs a handler or an event of this host. */
bool	host_is_inside(const struct p2p_host *host);
void	host_enter(const struct p2p_host *host);	/* NULL: leave */

#endif
