/*
 * multiformats/multihash.h -- varint(code), varint(length), digest.
 *
 * Spec: multiformats/multihash.  Two functions are known: identity, and
 * sha2-256 with its 32 bytes.
 */
#ifndef MULTIFORMATS_MULTIHASH_H
#define MULTIFORMATS_MULTIHASH_H

#include "base/bytes.h"

#define MULTIHASH_IDENTITY	0x00
#define MULTIHASH_SHA2_256	0x12
#define MULTIHASH_SHA2_256_LEN	32
#define MULTIHASH_KEY_MAX	42	/* identity digests of peer ids */

struct multihash {
	uint64_t	code;
	struct rd	digest;		/* view into the input */
};

/* One multihash of any code from the front of r. */
int	multihash_get(struct rd *r, struct multihash *out) MUST_CHECK;
void	multihash_put(struct wr *w, uint64_t code, const void *digest,
	    size_t len);

/*
 * Whether bytes are exactly one multihash that may be a peer id: sha2-256 of 32
 * bytes, or identity of 1 to MULTIHASH_KEY_MAX.  Returns 0, P2P_ERR_FORMAT,
 * P2P_ERR_SHORT or P2P_ERR_UNSUPPORTED.
 */
int	multihash_check_peer(struct rd bytes) MUST_CHECK;

#endif
