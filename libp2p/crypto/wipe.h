/*
 * crypto/wipe.h -- forget a secret.
 */
#ifndef CRYPTO_WIPE_H
#define CRYPTO_WIPE_H

#include <stddef.h>

/* Zero len bytes in a way that no optimiser removes; p may be NULL. */
void	wipe(void *p, size_t len);

#endif
