/*
 * services/kad/kad_refresh.h -- which part of the table to look up next.
 *
 * Rules of go-libp2p-kad-dht, spec digest T-7: each bucket that was not looked
 * up for an interval, from the widest on, and not far beyond the last that has
 * peers.
 */
#ifndef KAD_REFRESH_H
#define KAD_REFRESH_H

#include "services/kad/kad_table.h"

#define KAD_REFRESH_ID_SIZE	34	/* bytes: a sha2-256 multihash */

/*
 * The first bucket from from on that is due, or -1.  A bucket without peers
 * that was looked up bounds those behind it.
 */
int	kad_refresh_next(const struct kad_table *t, unsigned from,
	    uint64_t now, uint64_t age);

/*
 * Something that looks like a peer id, whose key has exactly cpl (at most
 * KAD_REFRESH_CPL) bits in common with ours.  seed: 32 random bytes.
 * Returns 0 or P2P_ERR_CRYPTO.
 */
int	kad_refresh_id(const struct kad_key *ours, unsigned cpl,
	    const uint8_t seed[KAD_KEY_SIZE], uint8_t out[KAD_REFRESH_ID_SIZE])
	    MUST_CHECK;

#endif
