/*
 * One EVP_PKEY a key.  The four types differ in how their halves are read and
 * written, and in whether the message is hashed first (all but Ed25519).
 */
#include "crypto/sign.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"

#define ED25519_SIZE	32
#define SCALAR_SIZE	32
#define POINT_SIZE	33
#define RSA_DER_MAX	(P2P_KEY_PRIVATE_MAX - 16)

struct sign_key {
	enum p2p_key_type	 type;
	EVP_PKEY		*pkey;
};

static int
wrap(enum p2p_key_type type, EVP_PKEY *pkey, int otherwise,
    struct sign_key **out)
{
	struct sign_key *k;

	if (pkey == NULL)
		return otherwise;
	if ((k = malloc(sizeof(*k))) == NULL) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	k->type = type;
	k->pkey = pkey;
	*out = k;
	return 0;
}

void
sign_free(struct sign_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

int
sign_generate(enum p2p_key_type type, unsigned bits, struct sign_key **out)
{
	EVP_PKEY *pkey = NULL;

	switch (type) {
	case P2P_KEY_RSA:
		bits = bits == 0 ? P2P_KEY_RSA_MIN_BITS : bits;
		if (bits < P2P_KEY_RSA_MIN_BITS || bits > P2P_KEY_RSA_MAX_BITS)
			return P2P_ERR_UNSUPPORTED;
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
		break;
	case P2P_KEY_ED25519:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case P2P_KEY_SECP256K1:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
		break;
	case P2P_KEY_ECDSA:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		break;
	}
	return wrap(type, pkey, P2P_ERR_CRYPTO, out);
}

/* An EC key of a named group from a point, and a scalar when priv is not NULL. */
static EVP_PKEY *
ec_from_parts(const char *group, struct rd point, const BIGNUM *priv)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	if (bld == NULL || ctx == NULL ||
	    !OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point.p, point.len) ||
	    (priv != NULL && !OSSL_PARAM_BLD_push_BN(bld,
	    OSSL_PKEY_PARAM_PRIV_KEY, priv)) ||
	    (params = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, priv != NULL ? EVP_PKEY_KEYPAIR :
	    EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The compressed point of a secp256k1 scalar. */
static int
point_of(const BIGNUM *scalar, uint8_t *out)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	int e = P2P_ERR_CRYPTO;

	if (point == NULL)
		goto done;
	if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >=
	    0) {
		e = P2P_ERR_FORMAT;
		goto done;
	}
	if (EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_COMPRESSED, out,
	    POINT_SIZE, NULL) == POINT_SIZE)
		e = 0;
done:
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return e;
}

static int
secp256k1_private(struct rd in, EVP_PKEY **out)
{
	uint8_t point[POINT_SIZE];
	BIGNUM *scalar;
	int e;

	if (in.len != SCALAR_SIZE)
		return P2P_ERR_FORMAT;
	if ((scalar = BN_secure_new()) == NULL ||
	    BN_bin2bn(in.p, (int)in.len, scalar) == NULL) {
		BN_clear_free(scalar);
		return P2P_ERR_CRYPTO;
	}
	if ((e = point_of(scalar, point)) == 0) {
		*out = ec_from_parts("secp256k1",
		    (struct rd){ point, sizeof(point) }, scalar);
		e = *out != NULL ? 0 : P2P_ERR_CRYPTO;
	}
	BN_clear_free(scalar);
	return e;
}

/* Whether it is the kind of key the type says: curve, RSA size. */
static int
check_kind(enum p2p_key_type type, EVP_PKEY *pkey)
{
	char group[32];
	size_t len;
	int bits;

	if (type == P2P_KEY_RSA) {
		if (!EVP_PKEY_is_a(pkey, "RSA"))
			return P2P_ERR_FORMAT;
		bits = EVP_PKEY_get_bits(pkey);
		return bits >= P2P_KEY_RSA_MIN_BITS &&
		    bits <= P2P_KEY_RSA_MAX_BITS ? 0 : P2P_ERR_UNSUPPORTED;
	}
	if (!EVP_PKEY_is_a(pkey, "EC"))
		return P2P_ERR_FORMAT;
	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1 ||
	    strcmp(group, "prime256v1") != 0)
		return P2P_ERR_UNSUPPORTED;
	return 0;
}

/* DER of exactly the input's length. */
static int
from_der(enum p2p_key_type type, bool private, struct rd in, EVP_PKEY **out)
{
	const unsigned char *p = in.p;
	EVP_PKEY *pkey;
	int e;

	if (in.len > RSA_DER_MAX)
		return P2P_ERR_UNSUPPORTED;
	if (private)
		pkey = d2i_PrivateKey(type == P2P_KEY_RSA ? EVP_PKEY_RSA :
		    EVP_PKEY_EC, NULL, &p, (long)in.len);
	else
		pkey = d2i_PUBKEY(NULL, &p, (long)in.len);
	if (pkey == NULL)
		return P2P_ERR_FORMAT;
	e = p == in.p + in.len ? check_kind(type, pkey) : P2P_ERR_FORMAT;
	if (e != 0) {
		EVP_PKEY_free(pkey);
		return e;
	}
	*out = pkey;
	return 0;
}

int
sign_import_public(enum p2p_key_type type, struct rd in, struct sign_key **out)
{
	EVP_PKEY *pkey = NULL;
	int e = P2P_ERR_FORMAT;

	switch (type) {
	case P2P_KEY_RSA:
	case P2P_KEY_ECDSA:
		if ((e = from_der(type, false, in, &pkey)) != 0)
			return e;
		break;
	case P2P_KEY_ED25519:
		if (in.len == ED25519_SIZE)
			pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
			    NULL, in.p, in.len);
		break;
	case P2P_KEY_SECP256K1:
		if (in.len == POINT_SIZE)
			pkey = ec_from_parts("secp256k1", in, NULL);
		break;
	}
	return wrap(type, pkey, P2P_ERR_FORMAT, out);
}

int
sign_import_private(enum p2p_key_type type, struct rd in,
    struct sign_key **out)
{
	EVP_PKEY *pkey = NULL;
	int e = P2P_ERR_FORMAT;

	switch (type) {
	case P2P_KEY_RSA:
	case P2P_KEY_ECDSA:
		if ((e = from_der(type, true, in, &pkey)) != 0)
			return e;
		break;
	case P2P_KEY_ED25519:
		if (in.len == ED25519_SIZE)
			pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519,
			    NULL, in.p, in.len);
		break;
	case P2P_KEY_SECP256K1:
		if ((e = secp256k1_private(in, &pkey)) != 0)
			return e;
		break;
	}
	return wrap(type, pkey, P2P_ERR_FORMAT, out);
}

static int
put_der(unsigned char *der, int len, struct wr *out)
{
	if (len <= 0)
		return P2P_ERR_CRYPTO;
	wr_bytes(out, der, (size_t)len);
	OPENSSL_clear_free(der, (size_t)len);
	return out->full ? P2P_ERR_TOO_LARGE : 0;
}

static int
put_point(EVP_PKEY *pkey, struct wr *out)
{
	uint8_t point[65];
	size_t len;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY,
	    point, sizeof(point), &len) != 1 || (len != 65 && len != 33))
		return P2P_ERR_CRYPTO;
	wr_u8(out, len == 65 ? (uint8_t)(2 + (point[64] & 1)) : point[0]);
	wr_bytes(out, point + 1, SCALAR_SIZE);
	return out->full ? P2P_ERR_TOO_LARGE : 0;
}

int
sign_export_public(const struct sign_key *k, struct wr *out)
{
	uint8_t raw[ED25519_SIZE];
	unsigned char *der = NULL;
	size_t len = sizeof(raw);
	int n;

	switch (k->type) {
	case P2P_KEY_RSA:
	case P2P_KEY_ECDSA:
		n = i2d_PUBKEY(k->pkey, &der);
		return put_der(der, n, out);
	case P2P_KEY_ED25519:
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &len) != 1)
			return P2P_ERR_CRYPTO;
		wr_bytes(out, raw, len);
		return out->full ? P2P_ERR_TOO_LARGE : 0;
	case P2P_KEY_SECP256K1:
		return put_point(k->pkey, out);
	}
	return P2P_ERR_UNSUPPORTED;
}

/* PKCS#1 or SEC 1, not PKCS#8. */
static int
put_traditional(EVP_PKEY *pkey, struct wr *out)
{
	OSSL_ENCODER_CTX *ctx;
	unsigned char *der = NULL;
	size_t len = 0;
	int e = P2P_ERR_CRYPTO;

	ctx = OSSL_ENCODER_CTX_new_for_pkey(pkey, EVP_PKEY_KEYPAIR, "DER",
	    "type-specific", NULL);
	if (ctx != NULL && OSSL_ENCODER_to_data(ctx, &der, &len) == 1)
		e = put_der(der, (int)len, out);
	OSSL_ENCODER_CTX_free(ctx);
	return e;
}

static int
put_scalar(EVP_PKEY *pkey, struct wr *out)
{
	uint8_t scalar[SCALAR_SIZE];
	BIGNUM *bn = NULL;
	int e = P2P_ERR_CRYPTO;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 &&
	    BN_bn2binpad(bn, scalar, sizeof(scalar)) == SCALAR_SIZE) {
		wr_bytes(out, scalar, sizeof(scalar));
		e = out->full ? P2P_ERR_TOO_LARGE : 0;
	}
	OPENSSL_cleanse(scalar, sizeof(scalar));
	BN_clear_free(bn);
	return e;
}

int
sign_export_private(const struct sign_key *k, struct wr *out)
{
	uint8_t raw[ED25519_SIZE];
	size_t len = sizeof(raw);

	switch (k->type) {
	case P2P_KEY_RSA:
	case P2P_KEY_ECDSA:
		return put_traditional(k->pkey, out);
	case P2P_KEY_ED25519:
		if (EVP_PKEY_get_raw_private_key(k->pkey, raw, &len) != 1)
			return P2P_ERR_CRYPTO;
		wr_bytes(out, raw, len);
		OPENSSL_cleanse(raw, sizeof(raw));
		return out->full ? P2P_ERR_TOO_LARGE : 0;
	case P2P_KEY_SECP256K1:
		return put_scalar(k->pkey, out);
	}
	return P2P_ERR_UNSUPPORTED;
}

/* Replace S by n - S when it is above n / 2 (spec digest KEY-5). */
static int
lower_s(uint8_t *sig, size_t *len)
{
	const unsigned char *in = sig;
	unsigned char *out = sig;
	ECDSA_SIG *es = d2i_ECDSA_SIG(NULL, &in, (long)*len);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
	BIGNUM *half = BN_new(), *s = NULL, *r = NULL;
	int n, e = P2P_ERR_CRYPTO;

	if (es == NULL || group == NULL || half == NULL ||
	    BN_rshift1(half, EC_GROUP_get0_order(group)) != 1 ||
	    (s = BN_dup(ECDSA_SIG_get0_s(es))) == NULL ||
	    (r = BN_dup(ECDSA_SIG_get0_r(es))) == NULL)
		goto done;
	if (BN_cmp(s, half) > 0 &&
	    BN_sub(s, EC_GROUP_get0_order(group), s) != 1)
		goto done;
	if (ECDSA_SIG_set0(es, r, s) != 1)
		goto done;
	r = s = NULL;
	if ((n = i2d_ECDSA_SIG(es, &out)) > 0) {
		*len = (size_t)n;	/* a low S is never longer */
		e = 0;
	}
done:
	BN_free(r);
	BN_free(s);
	BN_free(half);
	EC_GROUP_free(group);
	ECDSA_SIG_free(es);
	return e;
}

static const EVP_MD *
digest_of(const struct sign_key *k)
{
	return k->type == P2P_KEY_ED25519 ? NULL : EVP_sha256();
}

int
sign_sign(const struct sign_key *k, struct rd msg, struct wr *out)
{
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	size_t len = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int e = P2P_ERR_CRYPTO;

	if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest_of(k), NULL,
	    k->pkey) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, msg.p, msg.len) == 1)
		e = k->type == P2P_KEY_SECP256K1 ? lower_s(sig, &len) : 0;
	EVP_MD_CTX_free(ctx);
	if (e == 0)
		wr_bytes(out, sig, len);
	return e == 0 && out->full ? P2P_ERR_TOO_LARGE : e;
}

int
sign_verify(const struct sign_key *k, struct rd msg, struct rd sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int e = P2P_ERR_SIGNATURE;

	if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, digest_of(k), NULL,
	    k->pkey) == 1 &&
	    EVP_DigestVerify(ctx, sig.p, sig.len, msg.p, msg.len) == 1)
		e = 0;
	EVP_MD_CTX_free(ctx);
	return e;
}
