/*
 * A peer's certificate.  An even first byte: the rest is one as it comes, for
 * OpenSSL's parser and the checks up to its own signature; the vectors of
 * test_tls_cert.c make seeds.  An odd one: the rest is the libp2p extension's
 * value in a certificate that is fine otherwise.
 */
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "p2p/key.h"
#include "security/tls_cert.h"

#define NOW	((time_t)1700000000)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static EVP_PKEY *pkey;

static X509 *
carry(const uint8_t *value, size_t len)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.53594.1.1", 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	X509 *cert = X509_new();
	time_t now = NOW;

	ASN1_OCTET_STRING_set(s, value, (int)len);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, s);
	X509_set_version(cert, X509_VERSION_3);
	X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now);
	X509_time_adj_ex(X509_getm_notAfter(cert), 1, 0, &now);
	X509_set_pubkey(cert, pkey);
	X509_add_ext(cert, ext, -1);
	if (X509_sign(cert, pkey, EVP_sha256()) <= 0)
		abort();
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(oid);
	return cert;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const unsigned char *p = data + 1;
	struct p2p_key *key = NULL;
	X509 *cert;
	int e;

	if (len < 1 || len > 16 * 1024)
		return 0;
	if (pkey == NULL && (pkey = EVP_EC_gen("P-256")) == NULL)
		abort();
	cert = data[0] % 2 == 0 ? d2i_X509(NULL, &p, (long)len - 1) :
	    carry(data + 1, len - 1);
	if (cert == NULL)
		return 0;
	e = tls_cert_check(cert, NOW, &key);
	if ((e == 0) != (key != NULL) || e > 0)
		abort();
	p2p_key_free(key);
	X509_free(cert);
	return 0;
}
