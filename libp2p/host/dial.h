/*
 * host/dial.h -- from a target to a connection: addresses, attempts, a report.
 */
#ifndef HOST_DIAL_H
#define HOST_DIAL_H

#include "host/conn.h"

/* What to reach.  addrs are tried in this order, staggered. */
struct dial_target {
	bool			 any_peer;
	struct p2p_peer_id	 peer;		/* unless any_peer */
	struct p2p_multiaddr	*addrs[16];	/* owned */
	int			 errors[16];	/* of a name: why it has none */
	size_t			 n;
};

/* How to reach it; see struct p2p_connect_options. */
struct dial_options {
	bool			 any_peer, fresh;
	bool			 keep;		/* never ended for being idle */
	uint64_t		 deadline;
	/*
	 * Or NULL: once it is true, and dial_poke() was called, the dial ends
	 * with P2P_ERR_CLOSED.
	 */
	const atomic_bool	*given_up;
};

/*
 * A live connection to the target, or a new one; referenced.  *report, if
 * report is not NULL, is new when something was tried.  Errors as
 * p2p_host_connect().
 */
int	dial_target_conn(struct p2p_host *host, const char *target,
	    const struct dial_options *options, struct conn **out,
	    struct p2p_report **report);

/* A stream to the target, over whatever connection; errors as there. */
int	host_open(struct p2p_host *host, const char *target,
	    const char *const *protocols, const struct dial_options *options,
	    struct p2p_stream **out);

/* Those who dial look again whether they have given up. */
void	dial_poke(struct p2p_host *host);

/* Wake everybody who dials; for stop. */
void	dial_stop(struct p2p_host *host);
/* Wait until nobody dials any more; false: at the deadline somebody did. */
bool	dial_wait(struct p2p_host *host, uint64_t deadline);

#endif
