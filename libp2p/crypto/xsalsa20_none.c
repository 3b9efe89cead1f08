/*
 * A build without libsodium.  Whoever calls more than xsalsa20_ready() has not
 * looked at what it returned, and would send secrets as they are.
 */
#include "crypto/xsalsa20.h"

#include <stdlib.h>

#include "p2p/error.h"

int
xsalsa20_ready(void)
{
	return P2P_ERR_UNSUPPORTED;
}

void
xsalsa20_init(struct xsalsa20 *x, const uint8_t key[XSALSA20_KEY],
    const uint8_t nonce[XSALSA20_NONCE])
{
	(void)x;
	(void)key;
	(void)nonce;
	abort();
}

void
xsalsa20_xor(struct xsalsa20 *x, uint8_t *buf, size_t len)
{
	(void)x;
	(void)buf;
	(void)len;
	abort();
}

void
xsalsa20_short(const uint8_t key[XSALSA20_KEY],
    const uint8_t nonce[XSALSA20_SHORT], uint8_t out[XSALSA20_BLOCK])
{
	(void)key;
	(void)nonce;
	(void)out;
	abort();
}
