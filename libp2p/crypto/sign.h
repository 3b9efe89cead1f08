/*
 * crypto/sign.h -- the four signature schemes of libp2p.
 *
 * Spec: libp2p/specs peer-ids/peer-ids.md, "Keys".  The bytes that go in and
 * out are the Data fields of its messages:
 *
 *	type		public			private		signature
 *	RSA		SubjectPublicKeyInfo	PKCS#1		PKCS#1 v1.5
 *	Ed25519		32 raw			32 raw (seed)	64 (RFC 8032)
 *	secp256k1	33, compressed point	32, scalar	ECDSA in DER
 *	P-256		SubjectPublicKeyInfo	SEC 1 in DER	ECDSA in DER
 *
 * All but Ed25519 sign the SHA-256 of the message.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "p2p/key.h"

#define SIGN_ED25519_LEN	32	/* bytes of a seed, of a public key */
#define SIGN_ED25519_SIG_LEN	64	/* RFC 8032, 5.1.6 */
#define SIGN_PUBLIC_MAX		1100	/* bytes: RSA of 8192 bits, 1062 */
#define SIGN_PRIVATE_MAX	5000	/* bytes: the same, 4684 at most */

/* A key pair or a public key.  Immutable; any thread may use it. */
struct sign_key;

/*
 * bits is for RSA alone.  Returns 0, P2P_ERR_UNSUPPORTED (type, bits) or
 * P2P_ERR_CRYPTO.
 */
int	sign_generate(enum p2p_key_type type, unsigned bits,
	    struct sign_key **out) MUST_CHECK;

/*
 * Import exactly these bytes.  A public key must be in its one canonical
 * encoding: every other is refused, lest one key have two peer ids.  A private
 * key is proved sound, and to match the public half it may carry.
 * Returns 0, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED (type, curve, RSA outside
 * 2048 to 8192 bits), -ENOMEM.
 */
int	sign_import_public(enum p2p_key_type type, struct rd in,
	    struct sign_key **out) MUST_CHECK;
int	sign_import_private(enum p2p_key_type type, struct rd in,
	    struct sign_key **out) MUST_CHECK;

void	sign_free(struct sign_key *key);	/* wipes it; NULL is fine */

/* A key of its own, not a reference.  Returns 0 or P2P_ERR_CRYPTO. */
int	sign_dup(const struct sign_key *key, struct sign_key **out) MUST_CHECK;

/* Append; the private form needs a private key.  0 or P2P_ERR_CRYPTO. */
int	sign_export_public(const struct sign_key *key, struct wr *w) MUST_CHECK;
int	sign_export_private(const struct sign_key *key, struct wr *w)
	    MUST_CHECK;

bool			sign_is_private(const struct sign_key *key);
enum p2p_key_type	sign_type(const struct sign_key *key);

/*
 * Sign into sig[P2P_KEY_SIGNATURE_MAX]; the key is a private one.  secp256k1
 * signatures have the low S that rust and js insist on.
 * Returns 0 or P2P_ERR_CRYPTO.
 */
int	sign_sign(const struct sign_key *key, struct rd msg, uint8_t *sig,
	    size_t *siglen) MUST_CHECK;

/*
 * Returns 0 or P2P_ERR_SIGNATURE.  Both values of S verify: go sends either
 * on P-256, and accepts either on secp256k1.
 */
int	sign_verify(const struct sign_key *key, struct rd msg, struct rd sig)
	    MUST_CHECK;

#endif
