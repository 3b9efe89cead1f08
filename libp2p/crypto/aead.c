/*
 * One cipher context holds the key schedule; a message sets its nonce and
 * direction and nothing else.
 */
#include "crypto/aead.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "p2p/error.h"

#define NONCE	12

struct aead {
	EVP_CIPHER_CTX	*ctx;
};

int
aead_new(const uint8_t key[AEAD_KEY], struct aead **out)
{
	struct aead *a;

	if ((a = calloc(1, sizeof(*a))) == NULL ||
	    (a->ctx = EVP_CIPHER_CTX_new()) == NULL ||
	    EVP_CipherInit_ex(a->ctx, EVP_chacha20_poly1305(), NULL, key, NULL,
	    1) != 1) {
		aead_free(a);
		ERR_clear_error();
		return P2P_ERR_CRYPTO;
	}
	*out = a;
	return 0;
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->ctx);	/* and cleanses it */
	free(a);
}

static bool
begin(struct aead *a, uint64_t nonce, struct rd ad, bool seal)
{
	uint8_t iv[NONCE] = { 0 };
	int i, n;

	for (i = 0; i < 8; i++)
		iv[4 + i] = (uint8_t)(nonce >> (8 * i));
	return EVP_CipherInit_ex(a->ctx, NULL, NULL, NULL, iv, seal) == 1 &&
	    (ad.len == 0 || (ad.len <= INT_MAX &&
	    EVP_CipherUpdate(a->ctx, NULL, &n, ad.p, (int)ad.len) == 1));
}

/* A length of 0 would end the cipher: it is left out. */
static bool
turn(struct aead *a, const uint8_t *in, size_t len, uint8_t *out)
{
	int n;

	return len == 0 || (len <= INT_MAX &&
	    EVP_CipherUpdate(a->ctx, out, &n, in, (int)len) == 1);
}

int
aead_seal(struct aead *a, uint64_t nonce, struct rd ad, const uint8_t *plain,
    size_t len, uint8_t *out)
{
	int n;

	if (begin(a, nonce, ad, true) && turn(a, plain, len, out) &&
	    EVP_CipherFinal_ex(a->ctx, out + len, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG,
	    out + len) == 1)
		return 0;
	ERR_clear_error();
	return P2P_ERR_CRYPTO;
}

int
aead_open(struct aead *a, uint64_t nonce, struct rd ad, const uint8_t *sealed,
    size_t len, uint8_t *out)
{
	uint8_t tag[AEAD_TAG], none[1];
	struct rd in = { sealed, len };
	int n;

	if (len < AEAD_TAG)
		return P2P_ERR_SECURITY;
	len -= AEAD_TAG;
	in.p += len;
	in.len = AEAD_TAG;
	if (rd_copy(&in, tag, AEAD_TAG) == 0 && begin(a, nonce, ad, false) &&
	    EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG,
	    tag) == 1 && turn(a, sealed, len, out) &&
	    EVP_CipherFinal_ex(a->ctx, none, &n) == 1)
		return 0;
	ERR_clear_error();
	return P2P_ERR_SECURITY;
}
