/*
 * multiformats/peer_hash.h -- the multihash that names a peer, and its texts.
 *
 * Spec: libp2p/specs peer-ids/peer-ids.md, "Peer Ids" and "String
 * representation".  It lives below identity/ because addresses carry it.
 */
#ifndef MULTIFORMATS_PEER_HASH_H
#define MULTIFORMATS_PEER_HASH_H

#include "base/bytes.h"

#define PEER_HASH_IDENTITY_MAX	42	/* bytes of a key kept whole */
#define PEER_HASH_MAX		(2 + PEER_HASH_IDENTITY_MAX)

/*
 * All of bytes is the identity of 1 to 42 bytes, or a sha2-256.
 * Returns 0, P2P_ERR_FORMAT or P2P_ERR_UNSUPPORTED (another hash).
 */
int	peer_hash_check(struct rd bytes) MUST_CHECK;

/*
 * Text, base58btc or a CIDv1 of codec libp2p-key, as checked bytes into out.
 * Returns as above (a CID of another codec is unsupported) or
 * P2P_ERR_TOO_LARGE (out is too small); out is changed only by success.
 */
int	peer_hash_parse(struct rd text, struct wr *out) MUST_CHECK;

/* Checked bytes in base58btc, or as a CIDv1 in base32; no final zero. */
void	peer_hash_print(struct wr *w, struct rd bytes);
void	peer_hash_print_cid(struct wr *w, struct rd bytes);

#endif
