#include "crypto/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

void
hash_sha256(const void *bytes, size_t len, uint8_t *out)
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}
