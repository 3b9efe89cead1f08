/*
 * One shot hashing.  It can fail: libcrypto fetches and allocates.
 */
#include "crypto/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "p2p/error.h"

int
hash_sha256(const void *bytes, size_t len, uint8_t out[HASH_SHA256_SIZE])
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1)
		return 0;
	ERR_clear_error();
	return P2P_ERR_CRYPTO;
}
