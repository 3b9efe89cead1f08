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
struct peerstore;
struct pool;
struct resolver;

#define HOST_TRANSPORTS_MAX	4
#define HOST_HOOKS_MAX		8
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
};

/* A stream that a handler serves and of which a peer may not have more. */
struct serving {
	TAILQ_ENTRY(serving) link;
	struct limit	*per_peer;	/* which kind */
	const struct p2p_peer_id *peer;
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
	struct resolver		*resolver;	/* [I] */
	struct gate		*gate;		/* [I] sources of inbound */
	struct wake		 stopping;	/* [I] set once at stop */
	atomic_bool		 stopped;	/* [a] stop has begun */
	struct lock		 mtx;		/* LOCK_HOST */
	TAILQ_HEAD(, handler_entry) handlers;	/* [h] */
	TAILQ_HEAD(, serving)	 servings;	/* [h] */
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

/* The handler of a protocol, copied; false when there is none. */
bool	host_find_handler(struct p2p_host *host, const char *protocol,
	    struct handler_entry *out);

/*
 * Around the handler of a stream: 0 or P2P_ERR_LIMIT.  sv is set up by the
 * caller and stays in its hands until the end.
 */
int	host_serve_begin(struct p2p_host *host, struct serving *sv);
void	host_serve_end(struct p2p_host *host, struct serving *sv);

/* Our protocols as one block: an array ending in NULL; free(3) it. */
int	host_protocols(struct p2p_host *host, char ***out);

/* The transport that speaks an address, or NULL. */
const struct host_transport *host_transport_for(const struct p2p_host *host,
    const struct p2p_multiaddr *ma);

#endif
