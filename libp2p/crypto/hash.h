/*
 * crypto/hash.h -- SHA-256.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_SIZE	32

/* Aborts if the crypto library has no SHA-256: nothing here works then. */
void	hash_sha256(const void *bytes, size_t len, uint8_t *out);

#endif
