/*
 * XSalsa20 is Salsa20 under a key that HSalsa20 makes of the real key and the
 * first 16 bytes of the nonce; the last 8 are Salsa20's nonce.  That is done
 * once a stream here, not once a call as crypto_stream_xsalsa20_xor_ic() does.
 *
 * Whole blocks go to libsodium in one call.  A block that is used in part is
 * kept as keystream, so that many short calls make it once.
 */
#include "crypto/xsalsa20.h"

#include <sodium.h>
#include <string.h>

#include "p2p/error.h"

_Static_assert(XSALSA20_KEY == crypto_stream_xsalsa20_KEYBYTES &&
    XSALSA20_NONCE == crypto_stream_xsalsa20_NONCEBYTES &&
    XSALSA20_NONCE - crypto_core_hsalsa20_INPUTBYTES == XSALSA20_SHORT,
    "the sizes are libsodium's");

/* It chooses the code for this processor; without, the slow one is used. */
int
xsalsa20_ready(void)
{
	return sodium_init() < 0 ? P2P_ERR_CRYPTO : 0;
}

void
xsalsa20_init(struct xsalsa20 *x, const uint8_t key[XSALSA20_KEY],
    const uint8_t nonce[XSALSA20_NONCE])
{
	memset(x, 0, sizeof(*x));
	(void)crypto_core_hsalsa20(x->key, nonce, key, NULL);
	memcpy(x->nonce, nonce + crypto_core_hsalsa20_INPUTBYTES,
	    XSALSA20_SHORT);
}

/* XOR n whole blocks into buf. */
static void
xor_blocks(struct xsalsa20 *x, uint8_t *buf, size_t n)
{
	(void)crypto_stream_salsa20_xor_ic(buf, buf, n * XSALSA20_BLOCK,
	    x->nonce, x->block, x->key);
	x->block += n;
}

/* XOR what is left of the block in use, at most len bytes; how many. */
static size_t
xor_rest(struct xsalsa20 *x, uint8_t *buf, size_t len)
{
	const uint8_t *rest = x->rest + XSALSA20_BLOCK - x->restlen;
	size_t i, n = len < x->restlen ? len : x->restlen;

	for (i = 0; i < n; i++)
		buf[i] ^= rest[i];
	x->restlen -= n;
	return n;
}

void
xsalsa20_xor(struct xsalsa20 *x, uint8_t *buf, size_t len)
{
	size_t n = xor_rest(x, buf, len);

	if ((len -= n) == 0)
		return;			/* buf may be NULL */
	buf += n;
	if ((n = len / XSALSA20_BLOCK) > 0)
		xor_blocks(x, buf, n);
	buf += n * XSALSA20_BLOCK;
	if ((len %= XSALSA20_BLOCK) == 0)
		return;
	memset(x->rest, 0, XSALSA20_BLOCK);
	xor_blocks(x, x->rest, 1);
	x->restlen = XSALSA20_BLOCK;
	(void)xor_rest(x, buf, len);
}

void
xsalsa20_short(const uint8_t key[XSALSA20_KEY],
    const uint8_t nonce[XSALSA20_SHORT], uint8_t out[XSALSA20_BLOCK])
{
	(void)crypto_stream_salsa20(out, XSALSA20_BLOCK, nonce, key);
}
