/*
 * X25519 by OpenSSL, whose derivation refuses an all-zero result by itself; the
 * check here does not rely on it.
 */
#include "crypto/dh.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "crypto/rand.h"
#include "crypto/wipe.h"
#include "p2p/error.h"

static const uint8_t zero[DH_SIZE];

int
dh_from_secret(struct dh_pair *pair)
{
	EVP_PKEY *key;
	size_t len = DH_SIZE;
	int e = P2P_ERR_CRYPTO;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
	    pair->secret, DH_SIZE);
	if (key != NULL &&
	    EVP_PKEY_get_raw_public_key(key, pair->public, &len) == 1)
		e = 0;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return e;
}

int
dh_new(struct dh_pair *out)
{
	int e;

	if ((e = rand_bytes(out->secret, DH_SIZE)) != 0)
		return e;
	return dh_from_secret(out);
}

static int
derive(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t out[DH_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
	size_t len = DH_SIZE;
	int e = P2P_ERR_CRYPTO;

	if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, theirs) == 1)
		e = EVP_PKEY_derive(ctx, out, &len) == 1 && len == DH_SIZE &&
		    CRYPTO_memcmp(out, zero, DH_SIZE) != 0 ? 0 :
		    P2P_ERR_SECURITY;
	EVP_PKEY_CTX_free(ctx);
	return e;
}

int
dh_shared(const struct dh_pair *ours, const uint8_t theirs[DH_SIZE],
    uint8_t out[DH_SIZE])
{
	EVP_PKEY *a, *b;
	int e = P2P_ERR_CRYPTO;

	a = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, ours->secret,
	    DH_SIZE);
	b = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs,
	    DH_SIZE);
	if (a != NULL && b != NULL)
		e = derive(a, b, out);
	if (e != 0)
		wipe(out, DH_SIZE);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	ERR_clear_error();
	return e;
}
