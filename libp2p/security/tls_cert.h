/*
 * security/tls_cert.h -- the certificate that binds a TLS key to a peer.
 *
 * Spec: libp2p/specs tls/tls.md.  A self-signed certificate of a fresh P-256 key
 * with one extension, 1.3.6.1.4.1.53594.1.1: SEQUENCE { OCTET STRING public key
 * message, OCTET STRING signature of "libp2p-tls-handshake:" and the
 * certificate's SubjectPublicKeyInfo by that key }.
 */
#ifndef SECURITY_TLS_CERT_H
#define SECURITY_TLS_CERT_H

#include <openssl/x509.h>

struct p2p_key;

/* Make one for an identity.  Returns 0, P2P_ERR_CRYPTO or -ENOMEM. */
int	tls_cert_make(const struct p2p_key *identity, EVP_PKEY **pkey,
	    X509 **cert);

/*
 * Check everything but the chain's length: version, times, its own signature,
 * critical extensions, the libp2p extension and its signature.  *identity is
 * the new public key of the peer.  Returns 0 or P2P_ERR_SECURITY.
 */
int	tls_cert_check(X509 *cert, struct p2p_key **identity);

#endif
