/*
 * security/tls_cert.h -- the certificate that carries a libp2p identity.
 *
 * Spec: libp2p/specs tls/tls.md.  A self-signed X.509 certificate with a key
 * of its own and the extension 1.3.6.1.4.1.53594.1.1, in DER:
 *
 *	SEQUENCE {
 *		OCTET STRING	the identity's PublicKey message
 *		OCTET STRING	its signature over "libp2p-tls-handshake:"
 *				and the certificate's SubjectPublicKeyInfo
 *	}
 */
#ifndef SECURITY_TLS_CERT_H
#define SECURITY_TLS_CERT_H

#include <openssl/types.h>
#include <time.h>

struct p2p_key;

#define TLS_CERT_BACKDATE	(24 * 60 * 60)	/* seconds: clocks differ */
#define TLS_CERT_DAYS		36500		/* go, js and py: 100 years */

/*
 * A fresh P-256 key and a certificate that binds it to the identity key, valid
 * around now (seconds since 1970).  Any thread.
 * Returns 0, -ENOMEM, P2P_ERR_UNSUPPORTED (key has no private half) or
 * P2P_ERR_CRYPTO.
 */
int	tls_cert_new(const struct p2p_key *key, time_t now, X509 **cert,
	    EVP_PKEY **cert_key);

/*
 * Whose certificate is it?  Checks everything that can be checked without the
 * rest of the handshake; that the peer holds the certificate's key is for TLS
 * to prove.  Names, key usage and the like are ignored.  *identity is new.
 * Returns 0, -ENOMEM, or
 * P2P_ERR_SECURITY	not valid at this time, no libp2p extension
 * P2P_ERR_UNSUPPORTED	an algorithm or key type, an unknown critical extension
 * P2P_ERR_FORMAT	not of version 3; the extension or the key in it is
 *			malformed, or twice
 * P2P_ERR_SIGNATURE	its own signature or that of the identity is wrong
 */
int	tls_cert_check(X509 *cert, time_t now, struct p2p_key **identity);

#endif
