/*
 * p2p/key.h -- identity keys, and the files they live in.
 *
 * Spec: libp2p/specs peer-ids/peer-ids.md: PublicKey and PrivateKey are
 * protobuf messages { 1: type, 2: data }.  A key file holds the raw bytes of a
 * PrivateKey message, as go's and rust's identity.key.
 */
#ifndef P2P_KEY_H
#define P2P_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are those of the protobuf enum. */
enum p2p_key_type {
	P2P_KEY_RSA = 0,
	P2P_KEY_ED25519 = 1,
	P2P_KEY_SECP256K1 = 2,
	P2P_KEY_ECDSA = 3,	/* on P-256 */
};

#define P2P_KEY_PUBLIC_MAX	1200	/* bytes: an RSA key of 8192 bits */
#define P2P_KEY_PRIVATE_MAX	5120	/* bytes: the same */
#define P2P_KEY_SIGNATURE_MAX	1024	/* bytes: the same */
#define P2P_KEY_RSA_MIN_BITS	2048
#define P2P_KEY_RSA_MAX_BITS	8192

/* A key pair, or a public key alone.  Immutable; any thread may use it. */
struct p2p_key;

/*
 * A fresh key pair; bits is for RSA alone (0: 2048).
 * Returns 0, P2P_ERR_UNSUPPORTED (type, bits) or P2P_ERR_CRYPTO.
 */
int	p2p_key_generate(enum p2p_key_type type, unsigned bits,
	    struct p2p_key **out);
void	p2p_key_free(struct p2p_key *key);	/* wipes it; NULL is fine */

/* A new key that shares nothing with key. */
int	p2p_key_dup(const struct p2p_key *key, struct p2p_key **out);

enum p2p_key_type	p2p_key_type(const struct p2p_key *key);
bool			p2p_key_is_private(const struct p2p_key *key);

/* "ed25519", "secp256k1", "ecdsa", "rsa"; static.  P2P_ERR_UNSUPPORTED. */
const char	*p2p_key_type_name(enum p2p_key_type type);
int		 p2p_key_type_parse(const char *name,
		    enum p2p_key_type *out);

/*
 * The PublicKey message, borrowed from the key: these bytes make the peer id.
 */
const uint8_t	*p2p_key_public(const struct p2p_key *key, size_t *len);

/*
 * Read a PublicKey or a PrivateKey message.  A private key must reproduce the
 * public key that it carries.  Returns 0, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED
 * (type, curve, RSA outside 2048 to 8192 bits) or -ENOMEM.
 */
int	p2p_key_decode_public(const uint8_t *bytes, size_t len,
	    struct p2p_key **out);
int	p2p_key_decode_private(const uint8_t *bytes, size_t len,
	    struct p2p_key **out);

/*
 * Write the PrivateKey message into out[P2P_KEY_PRIVATE_MAX]; the caller wipes
 * it.  Returns 0 or P2P_ERR_UNSUPPORTED (no private half).
 */
int	p2p_key_encode_private(const struct p2p_key *key, uint8_t *out,
	    size_t *len);

/*
 * Sign, into sig[P2P_KEY_SIGNATURE_MAX].  Returns 0, P2P_ERR_UNSUPPORTED (no
 * private half) or P2P_ERR_CRYPTO.
 */
int	p2p_key_sign(const struct p2p_key *key, const uint8_t *msg, size_t len,
	    uint8_t *sig, size_t *siglen);

/* Returns 0 or P2P_ERR_SIGNATURE. */
int	p2p_key_verify(const struct p2p_key *key, const uint8_t *msg,
	    size_t len, const uint8_t *sig, size_t siglen);

/*
 * Load a key file.  It must be a regular file of ours (no symbolic link), not
 * accessible to group or others, and hold one sound private key.
 * Returns 0, -errno, or P2P_ERR_KEY_FILE: then *why, if why is not NULL, is a
 * static text that says what is wrong.
 */
int	p2p_key_load(const char *path, struct p2p_key **out,
	    const char **why);

/*
 * Save a key as a new file of mode 0600; missing directories are made with
 * mode 0700.  Never replaces a file.  Blocks until the disk has it.  Returns
 * 0, P2P_ERR_EXISTS, P2P_ERR_UNSUPPORTED (no private half) or -errno; after a
 * failure there is no new file.
 */
int	p2p_key_save(const struct p2p_key *key, const char *path);

#ifdef __cplusplus
}
#endif
#endif
