#include "crypto/rand.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "p2p/error.h"

int
rand_bytes(void *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1 ? 0 : P2P_ERR_CRYPTO;
}

void
rand_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}
