/*
 * p2p/host.h -- a node: one key, its listeners, connections and handlers.
 *
 * Everything may be called from any thread.  A host prints nothing, installs
 * no signal handler, listens nowhere and contacts nobody unless told to.
 */
#ifndef P2P_HOST_H
#define P2P_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/log.h"
#include "p2p/peer_id.h"

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_key;
struct p2p_multiaddr;
struct p2p_psk;
struct p2p_store;
struct p2p_stream;

/* What happened to a connection, for p2p_event_fn. */
enum p2p_event_kind {
	P2P_EVENT_CONNECTED = 1,
	P2P_EVENT_DISCONNECTED,
	P2P_EVENT_IDENTIFIED,	/* the peer store has its protocols now */
};

struct p2p_event {
	enum p2p_event_kind	 kind;
	uint64_t		 connection;	/* number, unique in the host */
	struct p2p_peer_id	 peer;
	const struct p2p_multiaddr *remote;	/* borrowed for the call */
	bool			 outbound;	/* we dialed */
	const char		*security;	/* "/tls/1.0.0" */
	const char		*muxer;		/* "/yamux/1.0.0" */
	int			 reason;	/* disconnected: error, or 0 */
	bool			 by_us;		/* disconnected: we began it */
};

/*
 * Called from a thread of the host that does nothing else, holding nothing, one
 * call at a time, in order.  It may open streams; while it blocks, later events
 * wait.  It must not stop or free the host.
 */
typedef void (*p2p_event_fn)(const struct p2p_event *event, void *arg);

/*
 * A handler owns its thread for as long as it runs.  The stream is freed when
 * it returns, with a proper end unless the handler reset it: a handler must
 * not free it, nor leave it to another thread.
 */
typedef void (*p2p_stream_fn)(struct p2p_stream *stream, void *arg);

/*
 * Ceilings of what the host will hold, by name, see p2p_host(3).
 */
struct p2p_limit_setting {
	const char	*name;
	uint64_t	 value;
};

struct p2p_limit_info {
	const char	*name;		/* static */
	uint64_t	 max;
	uint64_t	 used;
	uint64_t	 refused;	/* how often it said no */
};

/* A line of text, without its newline, for debugging. */
typedef void (*p2p_line_fn)(const char *line, void *arg);

/*
 * All zero means: fresh Ed25519 key, /tls/1.0.0 and /noise, /yamux/1.0.0,
 * default limits.
 * Everything is copied; lists end in NULL or { NULL, 0 }.
 */
struct p2p_host_config {
	const struct p2p_key	*key;
	const char *const	*security;	/* protocol ids by preference */
	const char *const	*muxers;	/* protocol ids by preference */
	const char		*agent;		/* default "libp2p-c/VERSION" */
	const struct p2p_limit_setting *limits;
	p2p_event_fn		 event;
	void			*event_arg;
	p2p_log_fn		 log;
	void			*log_arg;
	enum p2p_log_level	 log_level;	/* 0: warnings and errors */
	bool			 no_identify;	/* neither serve nor ask it */
	const struct p2p_psk	*psk;		/* a private network's key */
	/* Keeps what the peer store knows; yours, freed after the host. */
	struct p2p_store	*store;
	/*
	 * Told the secrets of every connection: whoever reads them can read
	 * what was said.  Called from any thread; must not call the host.
	 */
	p2p_line_fn		 keylog;
	void			*keylog_arg;
	/*
	 * Told every frame of every connection, decrypted, as text; the same
	 * holds.  See p2p_host(3), Debugging, for both forms.
	 */
	p2p_line_fn		 capture;
	void			*capture_arg;
};

/*
 * Make a host.  config may be NULL.  *out is freed with p2p_host_free().
 * Returns 0, P2P_ERR_UNSUPPORTED (an unknown protocol id in a list, or twice
 * the same, an empty list, a key without its private half, plaintext in a
 * private network, or that without libsodium), P2P_ERR_REFUSED (no psk, but
 * LIBP2P_FORCE_PNET=1 is in the environment), P2P_ERR_TOO_LARGE (more than
 * eight in a list), P2P_ERR_NOT_FOUND (an unknown limit), P2P_ERR_LIMIT (a
 * limit that is too small, or that the file descriptors of the process cannot
 * carry), P2P_ERR_CRYPTO or -errno.
 */
int	p2p_host_new(const struct p2p_host_config *config,
	    struct p2p_host **out);

/*
 * End everything: no new connection or stream, peers are told, every waiter is
 * woken, all threads are joined.  Returns 0 within timeout_ms (0: 2000)
 * whatever the peers do.  P2P_ERR_BUSY: handlers still sit in code of yours,
 * see p2p_host_busy(), or another thread is at it; call again.
 * P2P_ERR_DEADLOCK from a handler or an event function.  Idempotent.
 */
int	p2p_host_stop(struct p2p_host *host, unsigned timeout_ms);

/*
 * How many handlers still run, and the protocol of the one that has run
 * longest; protocol is left alone when there is none.
 */
unsigned	p2p_host_busy(struct p2p_host *host, char *protocol,
		    size_t cap);

/*
 * Stop, if that was not done, and free.  Aborts while handlers are busy.  All
 * streams must have been freed, and no thread may be inside a call.
 */
void	p2p_host_free(struct p2p_host *host);

const struct p2p_peer_id	*p2p_host_id(const struct p2p_host *host);
const struct p2p_key		*p2p_host_key(const struct p2p_host *host);

/*
 * Listen on a multiaddr; port 0 takes a free one.  *bound, if not NULL, is the
 * address with its real port, without /p2p, new.  Returns 0, P2P_ERR_FORMAT,
 * P2P_ERR_UNSUPPORTED, P2P_ERR_STOPPED or -errno (-EADDRINUSE).
 */
int	p2p_host_listen(struct p2p_host *host, const char *address,
	    struct p2p_multiaddr **bound);

/*
 * Stop listening on an address as p2p_host_listen() returned it; connections
 * stay.  Returns 0 or P2P_ERR_NOT_FOUND.
 */
int	p2p_host_unlisten(struct p2p_host *host,
	    const struct p2p_multiaddr *bound);

/*
 * The addresses others can dial: concrete ones for listeners on 0.0.0.0 and ::,
 * without /p2p.  *out is a new array that ends in NULL, freed with
 * p2p_host_addresses_free().
 */
int	p2p_host_addresses(struct p2p_host *host,
	    struct p2p_multiaddr ***out);
void	p2p_host_addresses_free(struct p2p_multiaddr **addresses);

/*
 * Run fn for each inbound stream that asks for this protocol.  Returns 0,
 * P2P_ERR_EXISTS, P2P_ERR_FORMAT (empty, over 140 bytes, not printable ASCII)
 * or -ENOMEM.
 */
int	p2p_host_handle(struct p2p_host *host, const char *protocol,
	    p2p_stream_fn fn, void *arg);
/* No new calls of it; those that run go on.  Returns 0 or P2P_ERR_NOT_FOUND. */
int	p2p_host_unhandle(struct p2p_host *host, const char *protocol);

/* How far a dial of one address came. */
enum p2p_stage {
	P2P_STAGE_RESOLVE = 1,
	P2P_STAGE_CONNECT,
	P2P_STAGE_SECURITY,	/* negotiation and handshake */
	P2P_STAGE_MUXER,
	P2P_STAGE_DONE,
};

const char	*p2p_stage_name(enum p2p_stage stage);	/* "connect" */

struct p2p_attempt {
	const char		*address;	/* borrowed from the report */
	enum p2p_stage		 stage;		/* reached */
	int			 error;		/* 0: this one won;
						   P2P_ERR_CLOSED: another */
	uint64_t		 time_us;	/* without the look-up */
	struct p2p_peer_id	 actual;	/* who answered, once known */
};

/* What a dial tried, address by address. */
struct p2p_report;
size_t	p2p_report_count(const struct p2p_report *report);
const struct p2p_attempt	*p2p_report_attempt(
				    const struct p2p_report *report, size_t i);
/* What the peer was expected to be, or NULL when anyone was. */
const struct p2p_peer_id	*p2p_report_expected(
				    const struct p2p_report *report);
void	p2p_report_free(struct p2p_report *report);

struct p2p_connect_options {
	unsigned	timeout_ms;	/* 0: 15000 */
	bool		any_peer;	/* accept whoever answers */
	bool		fresh;		/* a new connection even if one lives */
};

/* A live connection, as a value. */
struct p2p_connection {
	uint64_t		 number;	/* as in events */
	struct p2p_peer_id	 peer;
	struct p2p_multiaddr	*remote;	/* new; see the function */
	bool			 outbound;
	const char		*security;	/* static */
	const char		*muxer;		/* static */
	uint64_t		 time_us;	/* of the dial, 0: inbound */
	unsigned		 streams;
};

/*
 * Connect to target: a multiaddr that ends in /p2p/ID, or a bare peer id whose
 * addresses the peer store knows; without /p2p/ID only with any_peer.  A live
 * connection to the peer is reused, in whichever direction it was made.  The
 * connection is kept until it is closed, however idle.
 * options may be NULL.  On success *out, if not NULL, describes the connection
 * (free out->remote).  *report, if not NULL, is new either way, NULL when
 * nothing was tried.
 * Blocks up to the timeout.  Returns 0 or P2P_ERR_FORMAT, P2P_ERR_NO_PEER,
 * P2P_ERR_NO_ADDRESS, P2P_ERR_SELF, P2P_ERR_WRONG_PEER, P2P_ERR_UNREACHABLE
 * (several addresses failed, or all are left alone for a while after failures;
 * with one, its own error), P2P_ERR_TIMEOUT, P2P_ERR_LIMIT, P2P_ERR_STOPPED.
 */
int	p2p_host_connect(struct p2p_host *host, const char *target,
	    const struct p2p_connect_options *options,
	    struct p2p_connection *out, struct p2p_report **report);

/*
 * End one connection by number, or all to a peer that there are now.  Blocks up
 * to half a second for each, until the peer has ended it too.  Returns 0 or
 * P2P_ERR_NOT_FOUND.
 */
int	p2p_host_close(struct p2p_host *host, uint64_t connection);
int	p2p_host_disconnect(struct p2p_host *host,
	    const struct p2p_peer_id *peer);

/*
 * Live connections.  *out is a new array of *n, freed with
 * p2p_host_connections_free().
 */
int	p2p_host_connections(struct p2p_host *host,
	    struct p2p_connection **out, size_t *n);
void	p2p_host_connections_free(struct p2p_connection *c, size_t n);

/*
 * Open a stream for a protocol, connecting first if needed; target as above.
 * timeout_ms covers all of it (0: 15000).  Returns 0 or the errors of
 * p2p_host_connect() or P2P_ERR_FORMAT (no name of a protocol),
 * P2P_ERR_NO_PROTOCOL, P2P_ERR_LIMIT, P2P_ERR_DISCONNECTED, P2P_ERR_RESET.
 */
int	p2p_host_open(struct p2p_host *host, const char *target,
	    const char *protocol, unsigned timeout_ms,
	    struct p2p_stream **out);

/*
 * The same by peer id, offering several protocols, at least one, preferred
 * first; ends in NULL.  p2p_stream_protocol() says which one the peer took.
 */
int	p2p_host_open_peer(struct p2p_host *host,
	    const struct p2p_peer_id *peer, const char *const *protocols,
	    unsigned timeout_ms, struct p2p_stream **out);

/* The same on one live connection, by number; or P2P_ERR_NOT_FOUND. */
int	p2p_host_open_on(struct p2p_host *host, uint64_t connection,
	    const char *const *protocols, unsigned timeout_ms,
	    struct p2p_stream **out);

/*
 * All limits with their use and refusals, by index from 0.  Returns 0 or
 * P2P_ERR_NOT_FOUND.
 */
size_t	p2p_host_limit_count(const struct p2p_host *host);
int	p2p_host_limit(const struct p2p_host *host, size_t i,
	    struct p2p_limit_info *out);

#ifdef __cplusplus
}
#endif
#endif
