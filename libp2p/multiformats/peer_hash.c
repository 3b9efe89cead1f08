/*
 * Which of the two texts it is shows in the first characters: in base58 a
 * sha2-256 multihash begins with "Qm" and an identity one with "1", neither of
 * which is a multibase that a CIDv1 could come in.
 */
#include "multiformats/peer_hash.h"

#include "multiformats/cid.h"
#include "multiformats/multicodec.h"
#include "multiformats/multihash.h"
#include "p2p/error.h"

/* A CIDv1 is that and two bytes; more is no peer id in any base. */
#define CID_MAX		(2 + PEER_HASH_MAX)

int
peer_hash_check(struct rd bytes)
{
	struct multihash mh;

	if (multihash_decode(bytes, &mh) != 0)
		return P2P_ERR_FORMAT;
	if (mh.code == MULTICODEC_SHA2_256)
		return 0;
	if (mh.code != MULTICODEC_IDENTITY)
		return P2P_ERR_UNSUPPORTED;
	if (mh.digest.len == 0 || mh.digest.len > PEER_HASH_IDENTITY_MAX)
		return P2P_ERR_FORMAT;
	return 0;
}

static int
cid_key(struct rd text, struct wr *store, struct rd *hash)
{
	struct cid cid;
	int e;

	if ((e = cid_parse(text, store, &cid)) != 0)
		return e == P2P_ERR_UNSUPPORTED ? e : P2P_ERR_FORMAT;
	if (cid.codec != MULTICODEC_LIBP2P_KEY)
		return P2P_ERR_UNSUPPORTED;
	*hash = cid.hash;
	return 0;
}

int
peer_hash_parse(struct rd text, struct wr *out)
{
	uint8_t buf[CID_MAX];
	struct wr store;
	struct rd hash;
	int e;

	wr_init(&store, buf, sizeof(buf));
	if ((text.len > 0 && text.p[0] == '1') ||
	    (text.len > 1 && text.p[0] == 'Q' && text.p[1] == 'm')) {
		if (multibase_decode_bare(MULTIBASE_58, text, &store) != 0)
			return P2P_ERR_FORMAT;
		hash = (struct rd){ buf, store.len };
	} else if ((e = cid_key(text, &store, &hash)) != 0) {
		return e;
	}
	if ((e = peer_hash_check(hash)) != 0)
		return e;
	if (hash.len > wr_room(out))
		return P2P_ERR_TOO_LARGE;
	wr_bytes(out, hash.p, hash.len);
	return 0;
}

void
peer_hash_print(struct wr *w, struct rd bytes)
{
	multibase_encode_bare(MULTIBASE_58, bytes, w);
}

void
peer_hash_print_cid(struct wr *w, struct rd bytes)
{
	struct cid cid = { .version = 1, .codec = MULTICODEC_LIBP2P_KEY,
	    .hash = bytes };

	cid_print(w, &cid, MULTIBASE_32);
}
