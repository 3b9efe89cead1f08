/*
 * services/kad/kad_addr.h -- which addresses count, and which belong together.
 */
#ifndef KAD_ADDR_H
#define KAD_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/kad.h"

/* Whether an address may be asked, told and listed in a DHT of that reach. */
bool	kad_addr_counts(const struct p2p_multiaddr *ma,
	    enum p2p_kad_reach reach);

/* Whether one of them makes its peer one for the table of that reach. */
bool	kad_addr_routable(struct p2p_multiaddr *const *addrs,
	    enum p2p_kad_reach reach);

/*
 * The address group: IPv4 /16, or /8 of those that were given away so; IPv6
 * /32, as registries give them to networks.  False: it has none.
 */
bool	kad_addr_group(const struct p2p_multiaddr *ma, uint64_t *out);

/* Those of a list that ends in NULL, each once; how many, at most max. */
size_t	kad_addr_groups(struct p2p_multiaddr *const *addrs, uint64_t *out,
	    size_t max);

#endif
