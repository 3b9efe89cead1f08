/*
 * crypto/dh.h -- X25519 (RFC 7748).
 */
#ifndef CRYPTO_DH_H
#define CRYPTO_DH_H

#include <stdint.h>

#include "base/bytes.h"

#define DH_SIZE	32	/* bytes of a private, a public, a shared value */

/* A key pair.  Whoever holds it wipes it. */
struct dh_pair {
	uint8_t	secret[DH_SIZE];
	uint8_t	public[DH_SIZE];
};

/* Returns 0 or P2P_ERR_CRYPTO. */
int	dh_new(struct dh_pair *out) MUST_CHECK;

/* Fill in the public half of a secret.  Returns 0 or P2P_ERR_CRYPTO. */
int	dh_from_secret(struct dh_pair *pair) MUST_CHECK;

/*
 * What both ends of two key pairs can compute.  Returns 0, P2P_ERR_SECURITY
 * (the other value is one of few that make the result all zero, RFC 7748, 6.1)
 * or P2P_ERR_CRYPTO.
 */
int	dh_shared(const struct dh_pair *ours, const uint8_t theirs[DH_SIZE],
	    uint8_t out[DH_SIZE]) MUST_CHECK;

#endif
