/*
 * p2p/peer_id.h -- the name of a peer: a hash of its public key.
 *
 * Spec: libp2p/specs peer-ids/peer-ids.md.  Binary: the identity multihash of
 * the serialised public key up to 42 bytes, else its sha2-256 multihash.
 * Text: base58btc (the form that is printed) or a CIDv1 of codec libp2p-key
 * in any multibase (accepted everywhere).
 */
#ifndef P2P_PEER_ID_H
#define P2P_PEER_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define P2P_PEER_ID_MAX		44	/* bytes of the binary form */
#define P2P_PEER_ID_TEXT_MAX	96	/* a text form with its zero */

struct p2p_key;

/* A plain value: copy it, compare it with p2p_peer_id_equal(). */
struct p2p_peer_id {
	uint8_t	len;
	uint8_t	bytes[P2P_PEER_ID_MAX];
};

/*
 * From text in either form.  Returns 0, P2P_ERR_FORMAT, or P2P_ERR_UNSUPPORTED
 * (a CID of another codec, another hash).
 */
int	p2p_peer_id_parse(const char *text, struct p2p_peer_id *out);

/* From exactly len bytes of the binary form; returns as above. */
int	p2p_peer_id_decode(const uint8_t *bytes, size_t len,
	    struct p2p_peer_id *out);

/* The id of a key's public half. */
void	p2p_peer_id_from_key(const struct p2p_key *key,
	    struct p2p_peer_id *out);

/*
 * Write the base58btc form, or the CIDv1 in base32, with a final zero into
 * out[P2P_PEER_ID_TEXT_MAX], and return out.
 */
char	*p2p_peer_id_text(const struct p2p_peer_id *id, char *out);
char	*p2p_peer_id_cid(const struct p2p_peer_id *id, char *out);

bool	p2p_peer_id_equal(const struct p2p_peer_id *a,
	    const struct p2p_peer_id *b);

/*
 * The public key inside an id that contains it (Ed25519, secp256k1).
 * *out is new and freed with p2p_key_free().
 * Returns 0 or P2P_ERR_NOT_FOUND (the id is only a hash).
 */
int	p2p_peer_id_key(const struct p2p_peer_id *id, struct p2p_key **out);

#ifdef __cplusplus
}
#endif
#endif
