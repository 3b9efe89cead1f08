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

/*
 * A live connection to the target, or a new one; referenced.  keep: it is not
 * ended for being idle.  *report, if report is not NULL, is new when something
 * was tried.  Errors as p2p_host_connect().
 */
int	dial_target_conn(struct p2p_host *host, const char *target,
	    const struct p2p_connect_options *options, bool keep,
	    uint64_t deadline, struct conn **out, struct p2p_report **report);

/* Wake everybody who dials; for stop. */
void	dial_stop(struct p2p_host *host);
/* Wait until nobody dials any more; false: at the deadline somebody did. */
bool	dial_wait(struct p2p_host *host, uint64_t deadline);

#endif
