/*
 * crypto/rand.h -- random bytes and the wiping of secrets.
 */
#ifndef CRYPTO_RAND_H
#define CRYPTO_RAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Returns 0 or P2P_ERR_CRYPTO: then there are no bytes, and no way on. */
int	rand_bytes(void *out, size_t len) MUST_CHECK;

/* Overwrite, whatever the compiler thinks of it. */
void	rand_wipe(void *secret, size_t len);

#endif
