/*
 * host/host.h -- the inside of a host, for the files of this room and for the
 * services above it.
 *
 * Locks: HOST guards handlers, listeners and the state; SWARM guards
 * connections, upgrades and dials.  See base/lock.h for the order.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/bufpool.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wake.h"
#include "host/gate.h"
#include "host/limits.h"
#include "muxer/session.h"
#include "negotiate/multistream.h"
#include "negotiate/upgrade.h"
#include "p2p/host.h"
#include "transport/transport.h"

struct conn;
struct dial_group;
struct flusher;
struct p2p_store;
struct peerstore;
struct pool;
struct resolver;

#define HOST_TRANSPORTS_MAX	4
#define HOST_HOOKS_MAX		8
#define HOST_WATCHES_MAX	8
#define HOST_STREAM_TIMEOUT	(10 * CLOCK_S)	/* inbound negotiation */
#define HOST_UPGRADE_TIMEOUT	(15 * CLOCK_S)	/* accept to muxer ready */
#define HOST_DIAL_TIMEOUT_MS	15000

struct host_transport {
	const struct transport_ops *ops;
	void			*context;
};

struct handler_entry {
	TAILQ_ENTRY(handler_entry) link;
	char		 protocol[MSS_NAME_MAX + 1];
	p2p_stream_fn	 fn;
	void		*arg;
	struct limit	*per_peer;	/* or NULL */
	unsigned	 refs;		/* [h] the list, each serving */
};

/* A stream that a handler serves. */
struct serving {
	TAILQ_ENTRY(serving) link;
	struct handler_entry *handler;
	const struct p2p_peer_id *peer;
};

/*
 * A service that is told when something new is known of a peer: what it speaks,
 * where it is; and asked whether it would miss a connection to a peer.  Called
 * from any thread, holding nothing; must not block.
 */
struct host_watch {
	TAILQ_ENTRY(host_watch) link;
	void		 (*learned)(void *arg, const struct p2p_peer_id *peer);
	bool		 (*values)(void *arg, const struct p2p_peer_id *peer);
	void		*arg;
	unsigned	 calls;		/* [h] that are being made */
};

struct listener {
	TAILQ_ENTRY(listener) link;
	struct p2p_host	*host;
	const struct transport_ops *ops;
	struct transport_listener *l;
	struct wake	 stop;
	struct thread	 thread;
};

/* A service that wants to know of connections; called in a pool thread. */
struct host_hook {
	void	(*connected)(struct p2p_host *host, struct conn *conn,
		    void *arg);
	/* Listeners or handlers have changed; must not block. */
	void	(*changed)(struct p2p_host *host, void *arg);
	void	(*free)(void *arg);
	void	*arg;
};

/*
 *	I	after host_new()	h	holder of mtx (LOCK_HOST)
 *	w	holder of swarm (LOCK_SWARM)	a	atomic
 */
struct p2p_host {
	struct p2p_key		*key;		/* [I] */
	struct p2p_peer_id	 id;		/* [I] */
	char			*agent;		/* [I] */
	struct log		 log;		/* [I] */
	p2p_event_fn		 event;		/* [I] */
	void			*event_arg;	/* [I] */
	struct limit		 limits[LIMIT_COUNT];	/* [a] */
	struct upgrader		 upgrader;	/* [I] */
	struct host_transport	 transports[HOST_TRANSPORTS_MAX]; /* [I] */
	size_t			 ntransports;	/* [I] */
	struct host_hook	 hooks[HOST_HOOKS_MAX];	/* [I] */
	size_t			 nhooks;	/* [I] */
	struct bufpool		 bufs;		/* staging, sealing, reading */
	struct bufpool		 segments;	/* of receive queues */
	struct flusher		*flusher;	/* [I] */
	struct pool		*pool;		/* [I] handlers */
	struct peerstore	*peerstore;	/* [I] */
	struct p2p_store	*store;		/* [I] the caller's, or NULL */
	atomic_bool		 saving;	/* [a] a job of it runs */
	struct resolver		*resolver;	/* [I] */
	struct gate		*gate;		/* [I] sources of inbound */
	struct wake		 stopping;	/* [I] set once at stop */
	atomic_bool		 stopped;	/* [a] stop has begun */
	struct lock		 mtx;		/* LOCK_HOST */
	TAILQ_HEAD(, handler_entry) handlers;	/* [h] */
	TAILQ_HEAD(, serving)	 servings;	/* [h] */
	TAILQ_HEAD(, host_watch) watches;	/* [h] */
	struct cond		 idle;		/* mtx: a hold was dropped */
	TAILQ_HEAD(, listener)	 listeners;	/* [h] */
	struct lock		 swarm;		/* LOCK_SWARM */
	struct cond		 swarm_changed;	/* swarm */
	TAILQ_HEAD(, conn)	 conns;		/* [w] live */
	TAILQ_HEAD(, conn)	 dead;		/* [w] to be joined */
	TAILQ_HEAD(, upgrading)	 upgrades;	/* [w] inbound */
	TAILQ_HEAD(, dial_group) dials;		/* [w] */
	uint64_t		 next_number;	/* [w] */
	bool			 house_stop;	/* [w] */
	bool			 in_stop;	/* [w] a thread is in it */
	struct thread		 house;		/* [I] */
	struct events		*events;	/* [I] */
	atomic_uint		 refs;		/* [a] the caller, each conn */
};

/*
 * What connections use of a host lives as long as they do: the last stream may
 * be freed after the host.
 */
void	host_ref(struct p2p_host *h);
void	host_unref(struct p2p_host *h);

/* Stop accepting, join the thread, free; it is in no list. */
void	listener_end(struct listener *l);

/*
 * A host without services; p2p_host_new() of services/ adds them.
 */
int	host_new(const struct p2p_host_config *config, struct p2p_host **out);

/* Before anything else is done with the host. */
int	host_add_hook(struct p2p_host *host, const struct host_hook *hook);
int	host_add_transport(struct p2p_host *host,
	    const struct transport_ops *ops, void *context);

/* Printable ASCII, and not too long for a negotiation. */
bool	host_is_protocol(const char *protocol);

/* Something that identify tells has changed. */
void	host_changed(struct p2p_host *host);

/*
 * As p2p_host_handle(), for a protocol of which a peer may have at most
 * per_peer->max streams served at once.
 */
int	host_handle(struct p2p_host *host, const char *protocol,
	    p2p_stream_fn fn, void *arg, struct limit *per_peer);

bool	host_has_handler(struct p2p_host *host, const char *protocol);

/*
 * Around the handler of a stream, which is sv->handler in between.  Returns 0,
 * P2P_ERR_NO_PROTOCOL or P2P_ERR_LIMIT.  sv stays in its caller's hands until
 * the end.
 */
int	host_serve_begin(struct p2p_host *host, const char *protocol,
	    struct serving *sv);
void	host_serve_end(struct p2p_host *host, struct serving *sv);

/*
 * p2p_host_unhandle() for who must know when nobody is in the handler any more:
 * begin; wake those inside; end, which waits for them.  NULL: there was none.
 */
struct handler_entry	*host_unhandle_begin(struct p2p_host *host,
			    const char *protocol);
void	host_unhandle_end(struct p2p_host *host, struct handler_entry *e);
void	handlers_fini(struct p2p_host *host);

/*
 * At most HOST_WATCHES_MAX are called.  Unwatch returns when none of its calls
 * is being made any more; not from inside of one.
 */
void	host_watch(struct p2p_host *host, struct host_watch *w);
void	host_unwatch(struct p2p_host *host, struct host_watch *w);
void	host_learned(struct p2p_host *host, const struct p2p_peer_id *peer);
bool	host_values(struct p2p_host *host, const struct p2p_peer_id *peer);

/* Our protocols as one block: an array ending in NULL; free(3) it. */
int	host_protocols(struct p2p_host *host, char ***out);

/* The transport that speaks an address, or NULL. */
const struct host_transport *host_transport_for(const struct p2p_host *host,
    const struct p2p_multiaddr *ma);

#endif
