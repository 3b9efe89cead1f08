/*
 * One shot hashing.  It can fail: libcrypto fetches and allocates.  Where there
 * is no way to go on without (the seed of hash tables), it aborts.
 */
#include "crypto/hash.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rand.h"
#include "p2p/error.h"

static uint8_t seed[16];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

/* Fetched once: a lookup by name costs as much as the hash of a short text. */
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

int
hash_sha256(const void *bytes, size_t len, uint8_t out[HASH_SHA256_SIZE])
{
	pthread_once(&fetched, fetch);
	if (sha256 != NULL &&
	    EVP_Digest(bytes, len, out, NULL, sha256, NULL) == 1)
		return 0;
	ERR_clear_error();
	return P2P_ERR_CRYPTO;
}

int
hash_sha256_pair(struct rd a, struct rd b, uint8_t out[HASH_SHA256_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, a.p, a.len) == 1 &&
	    EVP_DigestUpdate(ctx, b.p, b.len) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok)
		return 0;
	ERR_clear_error();
	return P2P_ERR_CRYPTO;
}

/* OpenSSL only reads through the pointers of parameters it is given. */
static OSSL_PARAM
octets(const char *name, struct rd bytes)
{
	return OSSL_PARAM_construct_octet_string(name,
	    (void *)(uintptr_t)bytes.p, bytes.len);
}

int
hash_hkdf(struct rd salt, struct rd known, uint8_t *out, size_t len)
{
	static const uint8_t nothing[1];
	char digest[] = "SHA256";
	OSSL_PARAM params[4];
	EVP_KDF_CTX *ctx;
	EVP_KDF *kdf;
	bool ok;

	if (known.len == 0)
		known.p = nothing;
	if (salt.len == 0)
		salt.p = nothing;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    digest, 0);
	params[1] = octets(OSSL_KDF_PARAM_SALT, salt);
	params[2] = octets(OSSL_KDF_PARAM_KEY, known);
	params[3] = OSSL_PARAM_construct_end();
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	ctx = EVP_KDF_CTX_new(kdf);
	ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return ok ? 0 : P2P_ERR_CRYPTO;
}

/* EVP_Digest() cannot be told how many bytes an XOF shall give. */
int
hash_shake128(const void *bytes, size_t len, uint8_t *out, size_t outlen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	good = ctx != NULL &&
	    EVP_DigestInit_ex(ctx, EVP_shake128(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, bytes, len) == 1 &&
	    EVP_DigestFinalXOF(ctx, out, outlen) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 : P2P_ERR_CRYPTO;
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
