/*
 * crypto/hash.h -- SHA-256 (FIPS 180-4).
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

/*
 * For hash tables whose keys strangers choose: no one outside this process can
 * tell which keys collide.  At most HASH_KEYED_MAX bytes.
 */
#define HASH_KEYED_MAX	128
unsigned	hash_keyed(const void *bytes, size_t len);

#endif
