/*
 * services/kad/kad_key.h -- the key space of Kademlia.
 *
 * Spec: libp2p/specs kad-dht/README.md: a key is the SHA-256 of what it stands
 * for (the bytes of a peer id, of a record's key, of a multihash), and the
 * distance of two is their XOR as a number.
 */
#ifndef KAD_KEY_H
#define KAD_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "p2p/peer_id.h"

#define KAD_KEY_SIZE	32	/* bytes */
#define KAD_KEY_BITS	256

struct kad_key {
	uint8_t	b[KAD_KEY_SIZE];
};

/* Returns 0 or P2P_ERR_CRYPTO. */
int	kad_key_of(const void *bytes, size_t len, struct kad_key *out)
	    MUST_CHECK;
int	kad_key_of_peer(const struct p2p_peer_id *peer, struct kad_key *out)
	    MUST_CHECK;

/* Leading bits that two have in common, KAD_KEY_BITS if they are equal. */
unsigned	kad_cpl(const struct kad_key *a, const struct kad_key *b);

/* Whose distance to target is less: < 0 that of a, > 0 that of b, 0 equal. */
int	kad_compare(const struct kad_key *target, const struct kad_key *a,
	    const struct kad_key *b);

#endif
