/*
 * Making and checking certificates.  OpenSSL parses X.509; nothing here asks
 * it to build or judge a chain.  What lies inside the libp2p extension is read
 * by hand, as strict DER: minimal lengths, nothing left over, so that there is
 * one encoding of a binding and no more.
 *
 * Our own certificate has the extension first and alone, and the same name as
 * subject and issuer: js looks at the first extension only and compares the
 * names.  The extension is not critical, as go's: nobody minds.  A peer's
 * certificate is searched for the extension, as py puts others before it.
 */
#include "security/tls_cert.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "p2p/error.h"
#include "p2p/key.h"

#define RSA_MIN_BITS	2048	/* of certificate keys, as of identities */
#define RSA_MAX_BITS	8192

#define DER_OCTETS	0x04
#define DER_SEQUENCE	0x30
#define DER_ROOM	16	/* tags and lengths of the extension */

#define EXTENSION_MAX	(P2P_KEY_PUBLIC_MAX + P2P_KEY_SIGNATURE_MAX + DER_ROOM)

static const char extension_oid[] = "1.3.6.1.4.1.53594.1.1";

/* The same without tag and length. */
static const uint8_t extension_der[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83,
    0xa2, 0x5a, 0x01, 0x01 };

static const char prefix[] = "libp2p-tls-handshake:";

#define PREFIX_LEN	(sizeof(prefix) - 1)

/* One value with its tag; lengths up to 65535 in their shortest form. */
static int
der_get(struct rd *r, uint8_t tag, struct rd *out)
{
	struct rd t = *r;
	uint8_t got, first, byte;
	uint16_t len;
	int e;

	if ((e = rd_u8(&t, &got)) != 0 || (e = rd_u8(&t, &first)) != 0)
		return e;
	len = first;
	if (first == 0x81) {
		if ((e = rd_u8(&t, &byte)) != 0)
			return e;
		len = byte;
		if (len < 0x80)
			return P2P_ERR_FORMAT;
	} else if (first == 0x82) {
		if ((e = rd_be16(&t, &len)) != 0)
			return e;
		if (len < 0x100)
			return P2P_ERR_FORMAT;
	} else if (first >= 0x80) {
		return P2P_ERR_FORMAT;
	}
	if (got != tag)
		return P2P_ERR_FORMAT;
	if ((e = rd_bytes(&t, len, out)) != 0)
		return e;
	*r = t;
	return 0;
}

static void
der_put(struct wr *w, uint8_t tag, const uint8_t *p, size_t len)
{
	wr_u8(w, tag);
	if (len >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)len);
	} else {
		if (len >= 0x80)
			wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)len);
	}
	wr_bytes(w, p, len);
}

/* What the identity signs; new memory. */
static int
signed_bytes(X509 *cert, uint8_t **out, size_t *len)
{
	X509_PUBKEY *pub = X509_get_X509_PUBKEY(cert);
	uint8_t *buf, *p;
	int n;

	if (pub == NULL || (n = i2d_X509_PUBKEY(pub, NULL)) <= 0)
		return P2P_ERR_CRYPTO;
	if ((buf = malloc(PREFIX_LEN + (size_t)n)) == NULL)
		return -ENOMEM;
	memcpy(buf, prefix, PREFIX_LEN);
	p = buf + PREFIX_LEN;
	if (i2d_X509_PUBKEY(pub, &p) != n) {
		free(buf);
		return P2P_ERR_CRYPTO;
	}
	*out = buf;
	*len = PREFIX_LEN + (size_t)n;
	return 0;
}

/* The extension's value into w. */
static int
bind_identity(X509 *cert, const struct p2p_key *key, struct wr *w)
{
	uint8_t inner[EXTENSION_MAX], sig[P2P_KEY_SIGNATURE_MAX];
	uint8_t *msg = NULL;
	const uint8_t *pub;
	size_t len, publen, siglen;
	struct wr in;
	int e;

	if ((e = signed_bytes(cert, &msg, &len)) != 0 ||
	    (e = p2p_key_sign(key, msg, len, sig, &siglen)) != 0)
		goto done;
	pub = p2p_key_public(key, &publen);
	wr_init(&in, inner, sizeof(inner));
	der_put(&in, DER_OCTETS, pub, publen);
	der_put(&in, DER_OCTETS, sig, siglen);
	der_put(w, DER_SEQUENCE, inner, in.len);
	if (in.full || w->full)
		e = P2P_ERR_CRYPTO;
done:
	free(msg);
	return e;
}

static int
add_identity(X509 *cert, const struct p2p_key *key)
{
	uint8_t buf[EXTENSION_MAX];
	ASN1_OCTET_STRING *value = NULL;
	ASN1_OBJECT *oid = NULL;
	X509_EXTENSION *ext = NULL;
	struct wr w;
	int e;

	wr_init(&w, buf, sizeof(buf));
	if ((e = bind_identity(cert, key, &w)) != 0)
		goto done;
	e = -ENOMEM;
	if ((oid = OBJ_txt2obj(extension_oid, 1)) == NULL ||
	    (value = ASN1_OCTET_STRING_new()) == NULL ||
	    !ASN1_OCTET_STRING_set(value, buf, (int)w.len) ||
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value)) == NULL ||
	    !X509_add_ext(cert, ext, -1))
		goto done;
	e = 0;
done:
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return e;
}

/* Serial number, name and times; false without memory or randomness. */
static bool
fill_in(X509 *cert, EVP_PKEY *pkey, time_t now)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char text[17];
	uint64_t serial;

	/* Positive, never 0, as go's: 62 random bits. */
	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;
	serial = (serial >> 2) | 1;
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)serial);
	return X509_set_version(cert, X509_VERSION_3) &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial) &&
	    X509_NAME_add_entry_by_NID(name, NID_serialNumber, MBSTRING_ASC,
	    (const unsigned char *)text, -1, -1, 0) &&
	    X509_set_issuer_name(cert, name) &&
	    X509_time_adj_ex(X509_getm_notBefore(cert), 0, -TLS_CERT_BACKDATE,
	    &now) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), TLS_CERT_DAYS, 0,
	    &now) != NULL &&
	    X509_set_pubkey(cert, pkey);
}

int
tls_cert_new(const struct p2p_key *key, time_t now, X509 **cert,
    EVP_PKEY **cert_key)
{
	EVP_PKEY *pkey = NULL;
	X509 *x = NULL;
	int e = P2P_ERR_CRYPTO;

	ERR_clear_error();
	if ((x = X509_new()) == NULL ||
	    (pkey = EVP_EC_gen("P-256")) == NULL || !fill_in(x, pkey, now))
		goto done;
	if ((e = add_identity(x, key)) != 0)
		goto done;
	if (X509_sign(x, pkey, EVP_sha256()) <= 0) {
		e = P2P_ERR_CRYPTO;
		goto done;
	}
	*cert = x;
	*cert_key = pkey;
	x = NULL;
	pkey = NULL;
done:
	EVP_PKEY_free(pkey);
	X509_free(x);
	ERR_clear_error();
	return e;
}

/*
 * Curves by their name only: parameters spelled out have been a way into
 * OpenSSL before (CVE-2022-0778), and no libp2p sends them.
 */
static bool
known_key(X509 *cert)
{
	ASN1_OBJECT *oid, *curve;
	const void *param;
	X509_ALGOR *alg;
	EVP_PKEY *pkey;
	int type, bits;

	if (!X509_PUBKEY_get0_param(&oid, NULL, NULL, &alg,
	    X509_get_X509_PUBKEY(cert)) ||
	    (pkey = X509_get0_pubkey(cert)) == NULL)
		return false;
	switch (OBJ_obj2nid(oid)) {
	case NID_ED25519:
		return true;
	case NID_X9_62_id_ecPublicKey:
		X509_ALGOR_get0(NULL, &type, &param, alg);
		if (type != V_ASN1_OBJECT)
			return false;
		curve = (ASN1_OBJECT *)(uintptr_t)param;
		return OBJ_obj2nid(curve) == NID_X9_62_prime256v1 ||
		    OBJ_obj2nid(curve) == NID_secp384r1 ||
		    OBJ_obj2nid(curve) == NID_secp521r1;
	case NID_rsaEncryption:
		bits = EVP_PKEY_get_bits(pkey);
		return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
	default:
		return false;
	}
}

/* Nothing signed with MD5, SHA-1 or worse. */
static bool
known_signature(X509 *cert)
{
	int md;

	if (!X509_get_signature_info(cert, &md, NULL, NULL, NULL))
		return false;
	switch (md) {
	case NID_undef:
		return X509_get_signature_nid(cert) == NID_ED25519;
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
		return true;
	default:
		return false;
	}
}

/* X509_cmp_time() says 0 for a time that it cannot read. */
static bool
valid_at(X509 *cert, time_t now)
{
	return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(cert), &now) > 0;
}

static bool
is_identity(const X509_EXTENSION *ext)
{
	const ASN1_OBJECT *oid =
	    X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext);

	return OBJ_length(oid) == sizeof(extension_der) &&
	    memcmp(OBJ_get0_data(oid), extension_der,
	    sizeof(extension_der)) == 0;
}

/*
 * The one libp2p extension.  Every other critical one is unknown to us, as to
 * rust; none of the implementations makes any.
 */
static int
find_identity(X509 *cert, struct rd *out)
{
	const ASN1_OCTET_STRING *value = NULL;
	X509_EXTENSION *ext;
	int i;

	for (i = 0; i < X509_get_ext_count(cert); i++) {
		ext = X509_get_ext(cert, i);
		if (is_identity(ext)) {
			if (value != NULL)
				return P2P_ERR_FORMAT;
			value = X509_EXTENSION_get_data(ext);
		} else if (X509_EXTENSION_get_critical(ext)) {
			return P2P_ERR_UNSUPPORTED;
		}
	}
	if (value == NULL)
		return P2P_ERR_SECURITY;
	*out = (struct rd){ ASN1_STRING_get0_data(value),
	    (size_t)ASN1_STRING_length(value) };
	return 0;
}

static int
parse_identity(struct rd in, struct rd *pub, struct rd *sig)
{
	struct rd seq;

	if (der_get(&in, DER_SEQUENCE, &seq) != 0 || in.len > 0 ||
	    der_get(&seq, DER_OCTETS, pub) != 0 ||
	    der_get(&seq, DER_OCTETS, sig) != 0 || seq.len > 0)
		return P2P_ERR_FORMAT;
	return 0;
}

static int
check_identity(X509 *cert, struct p2p_key **identity)
{
	struct p2p_key *key = NULL;
	struct rd ext, pub, sig;
	uint8_t *msg = NULL;
	size_t len;
	int e;

	if ((e = find_identity(cert, &ext)) != 0 ||
	    (e = parse_identity(ext, &pub, &sig)) != 0 ||
	    (e = p2p_key_decode_public(pub.p, pub.len, &key)) != 0 ||
	    (e = signed_bytes(cert, &msg, &len)) != 0 ||
	    (e = p2p_key_verify(key, msg, len, sig.p, sig.len)) != 0)
		goto done;
	*identity = key;
	key = NULL;
done:
	free(msg);
	p2p_key_free(key);
	return e;
}

int
tls_cert_check(X509 *cert, time_t now, struct p2p_key **identity)
{
	int e;

	ERR_clear_error();
	if (X509_get_version(cert) != X509_VERSION_3)
		e = P2P_ERR_FORMAT;	/* no other may have extensions */
	else if (!valid_at(cert, now))
		e = P2P_ERR_SECURITY;
	else if (!known_key(cert) || !known_signature(cert))
		e = P2P_ERR_UNSUPPORTED;
	else if (X509_verify(cert, X509_get0_pubkey(cert)) != 1)
		e = P2P_ERR_SIGNATURE;
	else
		e = check_identity(cert, identity);
	ERR_clear_error();
	return e;
}
