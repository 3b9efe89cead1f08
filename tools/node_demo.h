/*
 * tools/node_demo.h -- five nodes in one process, and what they show.
 */
#ifndef TOOLS_NODE_DEMO_H
#define TOOLS_NODE_DEMO_H

#include "node_check.h"
#include "node.h"
#include "p2p/kad.h"

#define DEMO_NODES	5
#define DEMO_MS		4000	/* the bound of anything that waits */

struct demo {
	struct check_sum	 sum;
	const struct options	*o;
	struct p2p_host		*h[DEMO_NODES];
	char			 address[DEMO_NODES][256];	/* with /p2p */
	struct p2p_kad		*k[DEMO_NODES];
	char			 detail[256];	/* of the check that runs */
};

/*
 * Checks: 0, or the error that detail does not explain.  Those of the DHT are
 * in node_demo_dht.c.
 */
int	demo_dht_join(struct demo *d);
int	demo_dht_record(struct demo *d);
int	demo_dht_provider(struct demo *d);
void	demo_dht_end(struct demo *d);

#endif
