/*
 * crypto/rand.h -- bytes that nobody can guess.
 */
#ifndef CRYPTO_RAND_H
#define CRYPTO_RAND_H

#include <stddef.h>

#include "base/bytes.h"

/*
 * Fill out with len random bytes.  Returns 0 or P2P_ERR_CRYPTO; then out is
 * zero and must not be used.
 */
int	rand_bytes(void *out, size_t len) MUST_CHECK;

#endif
