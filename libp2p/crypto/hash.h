/*
 * crypto/hash.h -- SHA-256 (FIPS 180-4) with what is made of it, and SHAKE128
 * (FIPS 202).
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define HASH_SHA256_SIZE	32	/* bytes */

/* Returns 0 or P2P_ERR_CRYPTO. */
int	hash_sha256(const void *bytes, size_t len,
	    uint8_t out[HASH_SHA256_SIZE]) MUST_CHECK;

/* Of two pieces, one after the other. */
int	hash_sha256_pair(struct rd a, struct rd b,
	    uint8_t out[HASH_SHA256_SIZE]) MUST_CHECK;

/*
 * HKDF with HMAC-SHA-256 (RFC 5869) without info: len bytes from a salt and
 * what is known, which may be nothing.  Returns 0 or P2P_ERR_CRYPTO.
 */
int	hash_hkdf(struct rd salt, struct rd known, uint8_t *out, size_t len)
	    MUST_CHECK;

/* As many bytes as are asked for.  Returns 0 or P2P_ERR_CRYPTO. */
int	hash_shake128(const void *bytes, size_t len, uint8_t *out,
	    size_t outlen) MUST_CHECK;

/*
 * For hash tables whose keys strangers choose: no one outside this process can
 * tell which keys collide.  At most HASH_KEYED_MAX bytes.
 */
#define HASH_KEYED_MAX	128
unsigned	hash_keyed(const void *bytes, size_t len);

#endif
