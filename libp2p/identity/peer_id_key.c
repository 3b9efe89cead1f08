/*
 * Between keys and peer ids.  The id of a key was made with the key; the other
 * way leads through the identity multihash: 00 length PublicKey.
 */
#include "base/bytes.h"
#include "base/varint.h"
#include "identity/key.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

#define MH_IDENTITY	0x00

void
p2p_peer_id_from_key(const struct p2p_key *key, struct p2p_peer_id *out)
{
	*out = *key_peer_id(key);
}

int
p2p_peer_id_key(const struct p2p_peer_id *id, struct p2p_key **out)
{
	struct rd r = { id->bytes, id->len }, pub;
	struct p2p_key *key;
	uint64_t code;

	if (varint_get(&r, &code) != 0 || code != MH_IDENTITY ||
	    varint_get_bytes(&r, &pub) != 0 || r.len != 0 ||
	    p2p_key_decode_public(pub.p, pub.len, &key) != 0)
		return P2P_ERR_NOT_FOUND;
	*out = key;
	return 0;
}
