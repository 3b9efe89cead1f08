/*
 * One shot hashing.  It can fail: libcrypto fetches and allocates.  Where there
 * is no way to go on without (the seed of hash tables), it aborts.
 */
#include "crypto/hash.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rand.h"
#include "p2p/error.h"

static uint8_t seed[16];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

int
hash_sha256(const void *bytes, size_t len, uint8_t out[HASH_SHA256_SIZE])
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1)
		return 0;
	ERR_clear_error();
	return P2P_ERR_CRYPTO;
}

static void
make_seed(void)
{
	if (rand_bytes(seed, sizeof(seed)) != 0)
		abort();
}

unsigned
hash_keyed(const void *bytes, size_t len)
{
	uint8_t in[sizeof(seed) + HASH_KEYED_MAX], out[HASH_SHA256_SIZE];
	unsigned h;

	assert(len <= HASH_KEYED_MAX);
	pthread_once(&seeded, make_seed);
	memcpy(in, seed, sizeof(seed));
	memcpy(in + sizeof(seed), bytes, len);
	if (hash_sha256(in, sizeof(seed) + len, out) != 0)
		abort();
	memcpy(&h, out, sizeof(h));
	return h;
}
