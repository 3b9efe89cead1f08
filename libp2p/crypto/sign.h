/*
 * crypto/sign.h -- signature keys of the four types, over EVP.
 *
 * Forms of the halves, as libp2p's key messages carry them (libp2p/specs
 * peer-ids/peer-ids.md):
 *
 *	type		public			private
 *	RSA		DER SubjectPublicKeyInfo DER PKCS#1 RSAPrivateKey
 *	Ed25519		32 bytes		32-byte seed
 *	secp256k1	33-byte point		32-byte scalar
 *	ECDSA P-256	DER SubjectPublicKeyInfo DER SEC 1 ECPrivateKey
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "p2p/key.h"

struct sign_key;

void	sign_free(struct sign_key *k);		/* NULL is fine */

int	sign_generate(enum p2p_key_type type, unsigned bits,
	    struct sign_key **out) MUST_CHECK;

/*
 * Import.  Sizes and RSA lengths are looked at before anything is computed.
 * Returns 0, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED (curve, RSA size) or
 * P2P_ERR_CRYPTO.
 */
int	sign_import_public(enum p2p_key_type type, struct rd in,
	    struct sign_key **out) MUST_CHECK;
int	sign_import_private(enum p2p_key_type type, struct rd in,
	    struct sign_key **out) MUST_CHECK;

/* Export; P2P_ERR_TOO_LARGE or P2P_ERR_CRYPTO. */
int	sign_export_public(const struct sign_key *k, struct wr *out) MUST_CHECK;
int	sign_export_private(const struct sign_key *k, struct wr *out)
	    MUST_CHECK;

/* secp256k1 signatures have a low S; verifying does not ask for it. */
int	sign_sign(const struct sign_key *k, struct rd msg, struct wr *sig)
	    MUST_CHECK;
int	sign_verify(const struct sign_key *k, struct rd msg, struct rd sig)
	    MUST_CHECK;

#endif
