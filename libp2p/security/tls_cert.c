/*
 * libp2p/specs tls/tls.md, spec digest TLS-1 to TLS-17.
 *
 * The extension is the first and only one (js looks at index 0), not critical,
 * the names are equal (js compares them), the signature is ecdsa-with-SHA256
 * (rust wants the scheme to fit the key).
 */
#include "security/tls_cert.h"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/rand.h"
#include "p2p/error.h"
#include "p2p/key.h"

#define OID		"1.3.6.1.4.1.53594.1.1"
#define PREFIX		"libp2p-tls-handshake:"
#define BACKDATE_S	(24 * 3600)
#define YEARS_DAYS	36500
#define SPKI_MAX	1024	/* bytes: an RSA key of 4096 bits is 550 */
#define EXT_MAX		(P2P_KEY_PUBLIC_MAX + P2P_KEY_SIGNATURE_MAX + 16)
#define DER_SEQUENCE	0x30
#define DER_OCTETS	0x04

static void
der_put(struct wr *w, uint8_t tag, const void *bytes, size_t len)
{
	wr_u8(w, tag);
	if (len >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)len);
	} else if (len >= 0x80) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)len);
	} else {
		wr_u8(w, (uint8_t)len);
	}
	wr_bytes(w, bytes, len);
}

/* One element of that tag, definite and minimal length as DER demands. */
static int
der_get(struct rd *r, uint8_t tag, struct rd *out)
{
	uint8_t t, n;
	uint16_t len;

	if (rd_u8(r, &t) != 0 || t != tag || rd_u8(r, &n) != 0)
		return P2P_ERR_FORMAT;
	len = n;
	if (n == 0x81) {
		if (rd_u8(r, &n) != 0 || n < 0x80)
			return P2P_ERR_FORMAT;
		len = n;
	} else if (n == 0x82) {
		if (rd_be16(r, &len) != 0 || len < 0x100)
			return P2P_ERR_FORMAT;
	} else if (n >= 0x80) {
		return P2P_ERR_FORMAT;
	}
	return rd_bytes(r, len, out) == 0 ? 0 : P2P_ERR_FORMAT;
}

/* What the identity signs: the prefix and the encoded public key of cert. */
static int
signed_bytes(X509 *cert, struct wr *w)
{
	unsigned char *spki = NULL;
	int n;

	/* The cached encoding: i2d_PUBKEY would cost 80 us more. */
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (n <= 0)
		return P2P_ERR_CRYPTO;
	wr_bytes(w, PREFIX, strlen(PREFIX));
	wr_bytes(w, spki, (size_t)n);
	OPENSSL_free(spki);
	return w->full ? P2P_ERR_SECURITY : 0;
}

static int
make_extension(const struct p2p_key *identity, X509 *cert, struct wr *out)
{
	uint8_t msg[SPKI_MAX], sig[P2P_KEY_SIGNATURE_MAX], inner[EXT_MAX];
	const uint8_t *pub;
	size_t publen, siglen;
	struct wr m, w;
	int e;

	wr_init(&m, msg, sizeof(msg));
	if ((e = signed_bytes(cert, &m)) != 0 ||
	    (e = p2p_key_sign(identity, msg, m.len, sig, &siglen)) != 0)
		return e;
	pub = p2p_key_public(identity, &publen);
	wr_init(&w, inner, sizeof(inner));
	der_put(&w, DER_OCTETS, pub, publen);
	der_put(&w, DER_OCTETS, sig, siglen);
	der_put(out, DER_SEQUENCE, inner, w.len);
	return w.full || out->full ? P2P_ERR_CRYPTO : 0;
}

static int
add_extension(X509 *cert, const struct wr *value)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID, 1);
	ASN1_OCTET_STRING *os = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	int e = P2P_ERR_CRYPTO;

	if (oid != NULL && os != NULL &&
	    ASN1_OCTET_STRING_set(os, value->p, (int)value->len) == 1 &&
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, os)) != NULL &&
	    X509_add_ext(cert, ext, -1) == 1)
		e = 0;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(os);
	ASN1_OBJECT_free(oid);
	return e;
}

static int
set_serial(X509 *cert)
{
	uint64_t serial;

	if (rand_bytes(&serial, sizeof(serial)) != 0)
		return P2P_ERR_CRYPTO;
	serial = (serial >> 2) | 1;		/* positive, 62 bits as go's */
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial) ==
	    1 ? 0 : P2P_ERR_CRYPTO;
}

static int
fill(X509 *cert, EVP_PKEY *pkey, const struct p2p_key *identity)
{
	uint8_t ext[EXT_MAX];
	X509_NAME *name = X509_get_subject_name(cert);
	struct wr w;
	int e;

	if (X509_set_version(cert, X509_VERSION_3) != 1 ||
	    set_serial(cert) != 0 ||
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
	    (const unsigned char *)"libp2p", -1, -1, 0) != 1 ||
	    X509_set_issuer_name(cert, name) != 1 ||
	    X509_time_adj_ex(X509_getm_notBefore(cert), 0, -BACKDATE_S, NULL) ==
	    NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(cert), YEARS_DAYS, 0, NULL) ==
	    NULL ||
	    X509_set_pubkey(cert, pkey) != 1)
		return P2P_ERR_CRYPTO;
	wr_init(&w, ext, sizeof(ext));
	if ((e = make_extension(identity, cert, &w)) != 0 ||
	    (e = add_extension(cert, &w)) != 0)
		return e;
	return X509_sign(cert, pkey, EVP_sha256()) > 0 ? 0 : P2P_ERR_CRYPTO;
}

int
tls_cert_make(const struct p2p_key *identity, EVP_PKEY **pkey, X509 **cert)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *c = X509_new();
	int e = P2P_ERR_CRYPTO;

	if (k != NULL && c != NULL)
		e = fill(c, k, identity);
	if (e != 0) {
		X509_free(c);
		EVP_PKEY_free(k);
		return e;
	}
	*pkey = k;
	*cert = c;
	return 0;
}

static bool
is_current(const X509 *cert)
{
	return X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
	    X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

/* Signed by its own key, with a hash that still means something. */
static bool
is_self_signed(X509 *cert)
{
	EVP_PKEY *pkey = X509_get0_pubkey(cert);
	int md = NID_undef;

	if (pkey == NULL ||
	    X509_get_signature_info(cert, &md, NULL, NULL, NULL) != 1 ||
	    md == NID_md5 || md == NID_sha1)
		return false;
	return X509_verify(cert, pkey) == 1;
}

/* The libp2p extension, the only one of its kind, and no other critical one. */
static int
find_extension(const X509 *cert, struct rd *out)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID, 1);
	X509_EXTENSION *ext;
	const ASN1_OCTET_STRING *os;
	int i, found = 0, e = 0;

	if (oid == NULL)
		return P2P_ERR_CRYPTO;
	for (i = 0; i < X509_get_ext_count(cert); i++) {
		ext = X509_get_ext(cert, i);
		if (OBJ_cmp(X509_EXTENSION_get_object(ext), oid) == 0) {
			os = X509_EXTENSION_get_data(ext);
			*out = (struct rd){ ASN1_STRING_get0_data(os),
			    (size_t)ASN1_STRING_length(os) };
			found++;
		} else if (X509_EXTENSION_get_critical(ext)) {
			e = P2P_ERR_SECURITY;
		}
	}
	ASN1_OBJECT_free(oid);
	return found == 1 ? e : P2P_ERR_SECURITY;
}

static int
check_extension(X509 *cert, struct rd ext, struct p2p_key **identity)
{
	uint8_t msg[SPKI_MAX];
	struct rd seq, pub, sig;
	struct p2p_key *key;
	struct wr m;
	int e;

	if (der_get(&ext, DER_SEQUENCE, &seq) != 0 || ext.len != 0 ||
	    der_get(&seq, DER_OCTETS, &pub) != 0 ||
	    der_get(&seq, DER_OCTETS, &sig) != 0 || seq.len != 0)
		return P2P_ERR_SECURITY;
	if (p2p_key_decode_public(pub.p, pub.len, &key) != 0)
		return P2P_ERR_SECURITY;
	wr_init(&m, msg, sizeof(msg));
	if ((e = signed_bytes(cert, &m)) != 0 ||
	    p2p_key_verify(key, msg, m.len, sig.p, sig.len) != 0) {
		p2p_key_free(key);
		return P2P_ERR_SECURITY;
	}
	*identity = key;
	return 0;
}

int
tls_cert_check(X509 *cert, struct p2p_key **identity)
{
	struct rd ext = { NULL, 0 };

	if (X509_get_version(cert) != X509_VERSION_3 || !is_current(cert) ||
	    find_extension(cert, &ext) != 0 || !is_self_signed(cert))
		return P2P_ERR_SECURITY;
	return check_extension(cert, ext, identity);
}
