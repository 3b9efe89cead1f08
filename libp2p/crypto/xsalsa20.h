/*
 * crypto/xsalsa20.h -- the stream cipher of private networks.
 *
 * Spec: D. J. Bernstein, "Extending the Salsa20 nonce".  OpenSSL has none of
 * it, and libsodium, which has, is optional: xsalsa20.c is built with it,
 * xsalsa20_none.c without.
 */
#ifndef CRYPTO_XSALSA20_H
#define CRYPTO_XSALSA20_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define XSALSA20_KEY	32	/* bytes */
#define XSALSA20_NONCE	24	/* bytes */
#define XSALSA20_BLOCK	64	/* bytes of keystream */
#define XSALSA20_SHORT	8	/* bytes of a nonce of Salsa20 itself */

/* One keystream and how far it is used up; a value that its owner wipes. */
struct xsalsa20 {
	uint8_t		key[XSALSA20_KEY];	/* of Salsa20: HSalsa20's */
	uint8_t		nonce[XSALSA20_SHORT];
	uint64_t	block;			/* the next to be made */
	uint8_t		rest[XSALSA20_BLOCK];	/* its end is not used yet */
	size_t		restlen;
};

/*
 * Must have returned 0 before anything below is called; any thread, as often
 * as it likes.  P2P_ERR_UNSUPPORTED (a build without libsodium) or
 * P2P_ERR_CRYPTO.
 */
int	xsalsa20_ready(void) MUST_CHECK;

/* The beginning of the stream of this key and nonce. */
void	xsalsa20_init(struct xsalsa20 *x, const uint8_t key[XSALSA20_KEY],
	    const uint8_t nonce[XSALSA20_NONCE]);

/* XOR the next len bytes of the stream into buf. */
void	xsalsa20_xor(struct xsalsa20 *x, uint8_t *buf, size_t len);

/* The first block of Salsa20 itself. */
void	xsalsa20_short(const uint8_t key[XSALSA20_KEY],
	    const uint8_t nonce[XSALSA20_SHORT], uint8_t out[XSALSA20_BLOCK]);

#endif
