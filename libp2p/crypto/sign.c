/*
 * A sign_key is an EVP_PKEY that has passed our checks, so that no later
 * function needs to ask what it is: the type is one of four, the curve is the
 * right one, RSA has 2048 to 8192 bits and a public exponent of at most 31
 * (go refuses larger ones; a long exponent makes every check of a signature as
 * dear as signing), and a private half belongs to its public half.
 *
 * Public keys come from strangers.  What libcrypto sees of them is short and
 * of a known shape: the DER around a key is compared with the one form that
 * there is before any parser runs, so explicit curve parameters, other
 * algorithms and other point forms never reach it.  Private keys come from our
 * own files and get the complete check, which takes seconds for large RSA.
 *
 * The error queue of libcrypto belongs to the thread: whoever fails here
 * empties it.
 */
#include "crypto/sign.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wipe.h"
#include "p2p/error.h"

#define COORD_LEN	32	/* bytes: scalars and coordinates of a curve */
#define RSA_E_MAX_BITS	31

struct sign_key {
	EVP_PKEY		*pkey;	/* [I] owned */
	enum p2p_key_type	 type;	/* [I] */
	bool			 private; /* [I] */
};

/* RFC 3279: rsaEncryption, NULL. */
static const uint8_t rsa_alg[] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
	0x01, 0x05, 0x00,
};

/* RFC 5480: id-ecPublicKey on prime256v1, then an uncompressed point. */
static const uint8_t p256_spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00,
};

/* RFC 5915 around a scalar of secp256k1, without its public key. */
static const uint8_t secp_sec1_head[] = { 0x30, 0x2e, 0x02, 0x01, 0x01, 0x04,
    0x20 };
static const uint8_t secp_sec1_tail[] = { 0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81,
    0x04, 0x00, 0x0a };

#define SECP_SEC1_LEN	(sizeof(secp_sec1_head) + COORD_LEN + \
			    sizeof(secp_sec1_tail))

/* SEC 2, 2.4.1: the order of secp256k1. */
static const uint8_t secp_order[COORD_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
	0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
	0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
};

static const char *
curve_name(enum p2p_key_type type)
{
	return type == P2P_KEY_SECP256K1 ? "secp256k1" : "prime256v1";
}

/* Takes pkey on success. */
static int
key_new(EVP_PKEY *pkey, enum p2p_key_type type, bool private,
    struct sign_key **out)
{
	struct sign_key *key;

	if ((key = malloc(sizeof(*key))) == NULL)
		return -ENOMEM;
	*key = (struct sign_key){ pkey, type, private };
	*out = key;
	return 0;
}

void
sign_free(struct sign_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);	/* clears the secret numbers */
	free(key);
}

int
sign_dup(const struct sign_key *key, struct sign_key **out)
{
	EVP_PKEY *pkey;
	int e;

	if ((pkey = EVP_PKEY_dup(key->pkey)) == NULL) {
		ERR_clear_error();
		return P2P_ERR_CRYPTO;
	}
	if ((e = key_new(pkey, key->type, key->private, out)) != 0)
		EVP_PKEY_free(pkey);
	return e;
}

bool
sign_is_private(const struct sign_key *key)
{
	return key->private;
}

enum p2p_key_type
sign_type(const struct sign_key *key)
{
	return key->type;
}

int
sign_generate(enum p2p_key_type type, unsigned bits, struct sign_key **out)
{
	EVP_PKEY *pkey = NULL;
	int e;

	switch (type) {
	case P2P_KEY_RSA:
		if (bits < P2P_KEY_RSA_MIN_BITS || bits > P2P_KEY_RSA_MAX_BITS)
			return P2P_ERR_UNSUPPORTED;
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
		break;
	case P2P_KEY_ED25519:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case P2P_KEY_SECP256K1:
	case P2P_KEY_ECDSA:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve_name(type));
		break;
	default:
		return P2P_ERR_UNSUPPORTED;
	}
	if (pkey == NULL) {
		ERR_clear_error();
		return P2P_ERR_CRYPTO;
	}
	if ((e = key_new(pkey, type, true, out)) != 0)
		EVP_PKEY_free(pkey);
	return e;
}

/* The size first, then the shape of the numbers; all of it is cheap. */
static int
rsa_check(const EVP_PKEY *pkey)
{
	BIGNUM *n = NULL, *exp = NULL;
	int bits, e = P2P_ERR_FORMAT;

	if (!EVP_PKEY_is_a(pkey, "RSA"))
		goto done;
	bits = EVP_PKEY_get_bits(pkey);
	if (bits < P2P_KEY_RSA_MIN_BITS || bits > P2P_KEY_RSA_MAX_BITS) {
		e = P2P_ERR_UNSUPPORTED;
		goto done;
	}
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exp) != 1)
		goto done;
	if (BN_is_odd(n) && BN_is_odd(exp) && !BN_is_one(exp) &&
	    BN_num_bits(exp) <= RSA_E_MAX_BITS)
		e = 0;
done:
	BN_free(exp);
	BN_free(n);
	return e;
}

/* Is this really on the curve that the type names? */
static int
curve_check(const EVP_PKEY *pkey, enum p2p_key_type type)
{
	char name[32];

	if (!EVP_PKEY_is_a(pkey, "EC"))
		return P2P_ERR_FORMAT;
	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) != 1 ||
	    strcmp(name, curve_name(type)) != 0)
		return P2P_ERR_UNSUPPORTED;
	return 0;
}

/* X.690, 8.1.3: past the tag and the length of a SEQUENCE. */
static int
skip_sequence(struct rd *r)
{
	uint8_t tag, len;
	struct rd rest;

	if (rd_u8(r, &tag) != 0 || tag != 0x30 || rd_u8(r, &len) != 0)
		return P2P_ERR_FORMAT;
	return len < 0x80 ? 0 : rd_bytes(r, len & 3, &rest);
}

static EVP_PKEY *
rsa_public(struct rd in)
{
	EVP_PKEY *pkey;
	const uint8_t *p = in.p;
	struct rd r = in, alg;

	if (skip_sequence(&r) != 0 ||
	    rd_bytes(&r, sizeof(rsa_alg), &alg) != 0 ||
	    !rd_equal(&alg, rsa_alg, sizeof(rsa_alg)))
		return NULL;
	pkey = d2i_PUBKEY(NULL, &p, (long)in.len);
	if (pkey != NULL && p != in.p + in.len) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

/* libcrypto refuses a point that is not on the curve. */
static EVP_PKEY *
curve_public(enum p2p_key_type type, struct rd point)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char *)(uintptr_t)curve_name(type), 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    (void *)(uintptr_t)point.p, point.len),
		OSSL_PARAM_construct_end(),
	};

	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
secp_public(struct rd in)
{
	if (in.len != 1 + COORD_LEN || (in.p[0] != 2 && in.p[0] != 3))
		return NULL;
	return curve_public(P2P_KEY_SECP256K1, in);
}

static EVP_PKEY *
p256_public(struct rd in)
{
	struct rd point = in, head;

	if (rd_bytes(&point, sizeof(p256_spki), &head) != 0 ||
	    !rd_equal(&head, p256_spki, sizeof(p256_spki)) ||
	    point.len != 1 + 2 * COORD_LEN || point.p[0] != 4)
		return NULL;
	return curve_public(P2P_KEY_ECDSA, point);
}

/* One key, one encoding: what we would write is what we have read. */
static int
canonical(const struct sign_key *key, struct rd in)
{
	uint8_t buf[SIGN_PUBLIC_MAX];
	struct wr w;
	int e;

	wr_init(&w, buf, sizeof(buf));
	if ((e = sign_export_public(key, &w)) != 0)
		return e;
	return rd_equal(&in, buf, w.len) ? 0 : P2P_ERR_FORMAT;
}

int
sign_import_public(enum p2p_key_type type, struct rd in,
    struct sign_key **out)
{
	struct sign_key *key = NULL;
	EVP_PKEY *pkey = NULL;
	int e = P2P_ERR_FORMAT;

	if (type == P2P_KEY_RSA && in.len > SIGN_PUBLIC_MAX)
		return P2P_ERR_UNSUPPORTED;
	switch (type) {
	case P2P_KEY_RSA:
		pkey = rsa_public(in);
		break;
	case P2P_KEY_ED25519:
		if (in.len == SIGN_ED25519_LEN)
			pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
			    NULL, in.p, in.len);
		break;
	case P2P_KEY_SECP256K1:
		pkey = secp_public(in);
		break;
	case P2P_KEY_ECDSA:
		pkey = p256_public(in);
		break;
	default:
		return P2P_ERR_UNSUPPORTED;
	}
	if (pkey == NULL || (type == P2P_KEY_RSA && (e = rsa_check(pkey)) != 0))
		goto done;
	if ((e = key_new(pkey, type, false, &key)) != 0)
		goto done;
	pkey = NULL;
	if ((e = canonical(key, in)) != 0)
		goto done;
	*out = key;
	key = NULL;
done:
	sign_free(key);
	EVP_PKEY_free(pkey);
	if (e != 0)
		ERR_clear_error();
	return e;
}

static EVP_PKEY *
der_private(int evp_type, struct rd in)
{
	EVP_PKEY *pkey;
	const uint8_t *p = in.p;

	if (in.len == 0 || in.len > SIGN_PRIVATE_MAX)
		return NULL;
	pkey = d2i_PrivateKey(evp_type, NULL, &p, (long)in.len);
	if (pkey != NULL && p != in.p + in.len) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

/* Dressed as SEC 1, so that libcrypto computes the public half. */
static EVP_PKEY *
secp_private(struct rd in)
{
	uint8_t der[SECP_SEC1_LEN];
	EVP_PKEY *pkey;
	struct wr w;

	if (in.len != COORD_LEN)
		return NULL;
	wr_init(&w, der, sizeof(der));
	wr_bytes(&w, secp_sec1_head, sizeof(secp_sec1_head));
	wr_bytes(&w, in.p, in.len);
	wr_bytes(&w, secp_sec1_tail, sizeof(secp_sec1_tail));
	pkey = der_private(EVP_PKEY_EC, (struct rd){ der, w.len });
	wipe(der, sizeof(der));
	return pkey;
}

/* Everything libcrypto can find wrong with a key pair. */
static int
pair_check(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx;
	bool good;

	if ((ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL)) == NULL)
		return -ENOMEM;
	good = EVP_PKEY_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? 0 : P2P_ERR_FORMAT;
}

int
sign_import_private(enum p2p_key_type type, struct rd in,
    struct sign_key **out)
{
	EVP_PKEY *pkey = NULL;
	int e = 0;

	switch (type) {
	case P2P_KEY_RSA:
		if ((pkey = der_private(EVP_PKEY_RSA, in)) != NULL)
			e = rsa_check(pkey);
		break;
	case P2P_KEY_ED25519:
		if (in.len == SIGN_ED25519_LEN)
			pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
			    NULL, in.p, in.len);
		break;
	case P2P_KEY_SECP256K1:
		pkey = secp_private(in);
		break;
	case P2P_KEY_ECDSA:
		if ((pkey = der_private(EVP_PKEY_EC, in)) != NULL)
			e = curve_check(pkey, type);
		break;
	default:
		return P2P_ERR_UNSUPPORTED;
	}
	if (pkey == NULL)
		e = P2P_ERR_FORMAT;
	if (e != 0 || (e = pair_check(pkey)) != 0 ||
	    (e = key_new(pkey, type, true, out)) != 0)
		goto done;
	pkey = NULL;
done:
	EVP_PKEY_free(pkey);
	if (e != 0)
		ERR_clear_error();
	return e;
}

/* A number of a key as 32 big endian bytes. */
static int
put_number(const EVP_PKEY *pkey, const char *name, uint8_t *out)
{
	BIGNUM *bn = NULL;
	int e = P2P_ERR_CRYPTO;

	if (EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 &&
	    BN_bn2binpad(bn, out, COORD_LEN) == COORD_LEN)
		e = 0;
	BN_clear_free(bn);
	return e;
}

/* X9.62: 04 x y, or 02 | (y odd), x. */
static int
put_point(const struct sign_key *key, struct wr *w)
{
	uint8_t x[COORD_LEN], y[COORD_LEN];

	if (put_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, x) != 0 ||
	    put_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y) != 0)
		return P2P_ERR_CRYPTO;
	if (key->type == P2P_KEY_SECP256K1) {
		wr_u8(w, 2 | (y[COORD_LEN - 1] & 1));
		wr_bytes(w, x, sizeof(x));
	} else {
		wr_bytes(w, p256_spki, sizeof(p256_spki));
		wr_u8(w, 4);
		wr_bytes(w, x, sizeof(x));
		wr_bytes(w, y, sizeof(y));
	}
	return 0;
}

int
sign_export_public(const struct sign_key *key, struct wr *w)
{
	uint8_t raw[SIGN_ED25519_LEN], *der = NULL;
	size_t len = sizeof(raw);
	int n, e = 0;

	switch (key->type) {
	case P2P_KEY_RSA:
		if ((n = i2d_PUBKEY(key->pkey, &der)) > 0)
			wr_bytes(w, der, (size_t)n);
		else
			e = P2P_ERR_CRYPTO;
		OPENSSL_free(der);
		break;
	case P2P_KEY_ED25519:
		if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) == 1)
			wr_bytes(w, raw, len);
		else
			e = P2P_ERR_CRYPTO;
		break;
	case P2P_KEY_SECP256K1:
	case P2P_KEY_ECDSA:
		e = put_point(key, w);
		break;
	}
	if (e != 0)
		ERR_clear_error();
	return e != 0 || w->full ? P2P_ERR_CRYPTO : 0;
}

int
sign_export_private(const struct sign_key *key, struct wr *w)
{
	uint8_t raw[COORD_LEN], *der = NULL;
	size_t len = sizeof(raw);
	int n, e = 0;

	switch (key->type) {
	case P2P_KEY_ED25519:
		if (EVP_PKEY_get_raw_private_key(key->pkey, raw, &len) == 1)
			wr_bytes(w, raw, len);
		else
			e = P2P_ERR_CRYPTO;
		break;
	case P2P_KEY_SECP256K1:
		e = put_number(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, raw);
		if (e == 0)
			wr_bytes(w, raw, sizeof(raw));
		break;
	case P2P_KEY_RSA:
	case P2P_KEY_ECDSA:
		if ((n = i2d_PrivateKey(key->pkey, &der)) <= 0) {
			e = P2P_ERR_CRYPTO;
			break;
		}
		wr_bytes(w, der, (size_t)n);
		OPENSSL_clear_free(der, (size_t)n);
		break;
	}
	wipe(raw, sizeof(raw));
	if (e != 0)
		ERR_clear_error();
	return e != 0 || w->full ? P2P_ERR_CRYPTO : 0;
}

/* Replace s by n - s if that is the smaller one; both sign the same. */
static int
low_s(uint8_t *sig, size_t *siglen)
{
	const uint8_t *p = sig;
	ECDSA_SIG *es;
	BIGNUM *order, *r = NULL, *s = NULL;
	uint8_t *q = sig;
	int n, e = P2P_ERR_CRYPTO;

	es = d2i_ECDSA_SIG(NULL, &p, (long)*siglen);
	order = BN_bin2bn(secp_order, sizeof(secp_order), NULL);
	if (es == NULL || order == NULL ||
	    (s = BN_new()) == NULL ||
	    BN_sub(s, order, ECDSA_SIG_get0_s(es)) != 1)
		goto done;
	if (BN_cmp(ECDSA_SIG_get0_s(es), s) <= 0) {
		e = 0;
		goto done;
	}
	if ((r = BN_dup(ECDSA_SIG_get0_r(es))) == NULL ||
	    ECDSA_SIG_set0(es, r, s) != 1)
		goto done;
	r = s = NULL;		/* es owns them */
	if ((n = i2d_ECDSA_SIG(es, &q)) <= 0)	/* never longer than it was */
		goto done;
	*siglen = (size_t)n;
	e = 0;
done:
	BN_free(s);
	BN_free(r);
	BN_free(order);
	ECDSA_SIG_free(es);
	return e;
}

static const EVP_MD *
digest_of(const struct sign_key *key)
{
	return key->type == P2P_KEY_ED25519 ? NULL : EVP_sha256();
}

int
sign_sign(const struct sign_key *key, struct rd msg, uint8_t *sig,
    size_t *siglen)
{
	EVP_MD_CTX *ctx;
	size_t len = P2P_KEY_SIGNATURE_MAX;
	int e = P2P_ERR_CRYPTO;

	if ((ctx = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestSignInit(ctx, NULL, digest_of(key), NULL,
	    key->pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, msg.p, msg.len) != 1)
		goto done;
	if (key->type == P2P_KEY_SECP256K1 && low_s(sig, &len) != 0)
		goto done;
	*siglen = len;
	e = 0;
done:
	EVP_MD_CTX_free(ctx);
	if (e != 0)
		ERR_clear_error();
	return e;
}

int
sign_verify(const struct sign_key *key, struct rd msg, struct rd sig)
{
	EVP_MD_CTX *ctx;
	int e = P2P_ERR_SIGNATURE;

	if (sig.len > P2P_KEY_SIGNATURE_MAX)
		return P2P_ERR_SIGNATURE;
	if ((ctx = EVP_MD_CTX_new()) != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, digest_of(key), NULL,
	    key->pkey) == 1 &&
	    EVP_DigestVerify(ctx, sig.p, sig.len, msg.p, msg.len) == 1)
		e = 0;
	EVP_MD_CTX_free(ctx);
	if (e != 0)
		ERR_clear_error();
	return e;
}
