/*
 * crypto/aead.h -- ChaCha20-Poly1305 (RFC 8439) with the nonce of Noise: four
 * zero bytes and a little-endian counter.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define AEAD_KEY	32	/* bytes */
#define AEAD_TAG	16	/* bytes that sealing adds */

/* One key.  One thread at a time. */
struct aead;

/* Returns 0 or P2P_ERR_CRYPTO. */
int	aead_new(const uint8_t key[AEAD_KEY], struct aead **out) MUST_CHECK;
void	aead_free(struct aead *a);	/* wipes the key; NULL is fine */

/*
 * len bytes of plain become len + AEAD_TAG at out, which may be plain itself
 * but not overlap it otherwise.  A nonce must never be used twice.
 * Returns 0 or P2P_ERR_CRYPTO.
 */
int	aead_seal(struct aead *a, uint64_t nonce, struct rd ad,
	    const uint8_t *plain, size_t len, uint8_t *out) MUST_CHECK;

/*
 * The reverse: len bytes with their tag become len - AEAD_TAG.
 * Returns 0 or P2P_ERR_SECURITY (short, or not sealed with this key, nonce
 * and ad: then out holds nothing that may be used).
 */
int	aead_open(struct aead *a, uint64_t nonce, struct rd ad,
	    const uint8_t *sealed, size_t len, uint8_t *out) MUST_CHECK;

#endif
