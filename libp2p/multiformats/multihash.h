/*
 * multiformats/multihash.h -- a digest that names its function.
 *
 * Spec: multiformats/multihash README.md.
 * Wire: varint(code) varint(length) digest.
 */
#ifndef MULTIFORMATS_MULTIHASH_H
#define MULTIFORMATS_MULTIHASH_H

#include "base/bytes.h"

#define MULTIHASH_SHA2_256_LEN	32	/* bytes of the digest */

struct multihash {
	uint64_t	code;
	struct rd	digest;		/* a view */
};

/*
 * Take one multihash.  A sha2-256 has 32 bytes; of functions that we do not
 * know only the length is held against the input.
 * Returns 0, P2P_ERR_SHORT or P2P_ERR_FORMAT; r is left alone by failure.
 */
int	multihash_get(struct rd *r, struct multihash *out) MUST_CHECK;

/* The same from all of bytes: P2P_ERR_FORMAT when something is left over. */
int	multihash_decode(struct rd bytes, struct multihash *out) MUST_CHECK;

void	multihash_put(struct wr *w, const struct multihash *mh);

#endif
