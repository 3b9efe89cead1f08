/*
 * Peer ids, libp2p/specs peer-ids/peer-ids.md, spec digest PID-1 to PID-7.
 */
#include "p2p/peer_id.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "multiformats/cid.h"
#include "p2p/error.h"
#include "p2p/key.h"

int
p2p_peer_id_decode(const uint8_t *bytes, size_t len, struct p2p_peer_id *out)
{
	int e;

	if (len > P2P_PEER_ID_MAX)
		return P2P_ERR_FORMAT;
	if ((e = multihash_check_peer((struct rd){ bytes, len })) != 0)
		return e == P2P_ERR_SHORT ? P2P_ERR_FORMAT : e;
	memset(out, 0, sizeof(*out));
	out->len = (uint8_t)len;
	memcpy(out->bytes, bytes, len);
	return 0;
}

int
p2p_peer_id_parse(const char *text, struct p2p_peer_id *out)
{
	uint8_t bytes[MULTIBASE_TEXT_MAX];
	size_t len = sizeof(bytes);
	struct cid c;
	int e;

	if (text[0] == '1' || strncmp(text, "Qm", 2) == 0) {
		e = multibase_decode_raw(MULTIBASE_58BTC, text, strlen(text),
		    bytes, &len);
		return e != 0 ? P2P_ERR_FORMAT :
		    p2p_peer_id_decode(bytes, len, out);
	}
	if ((e = cid_parse(text, strlen(text), &c)) != 0)
		return P2P_ERR_FORMAT;
	if (c.codec != CID_CODEC_LIBP2P_KEY)
		return P2P_ERR_UNSUPPORTED;
	return p2p_peer_id_decode(c.hash, c.hashlen, out);
}

void
p2p_peer_id_from_key(const struct p2p_key *key, struct p2p_peer_id *out)
{
	uint8_t digest[HASH_SHA256_SIZE];
	const uint8_t *pub;
	struct wr w;
	size_t len;

	pub = p2p_key_public(key, &len);
	memset(out, 0, sizeof(*out));
	wr_init(&w, out->bytes, sizeof(out->bytes));
	if (len <= MULTIHASH_KEY_MAX) {
		multihash_put(&w, MULTIHASH_IDENTITY, pub, len);
	} else {
		hash_sha256(pub, len, digest);
		multihash_put(&w, MULTIHASH_SHA2_256, digest, sizeof(digest));
	}
	out->len = (uint8_t)w.len;
}

char *
p2p_peer_id_text(const struct p2p_peer_id *id, char *out)
{
	struct wr w;

	wr_init(&w, out, P2P_PEER_ID_TEXT_MAX);
	multibase_encode_raw(MULTIBASE_58BTC, id->bytes, id->len, &w);
	wr_u8(&w, '\0');
	return out;
}

char *
p2p_peer_id_cid(const struct p2p_peer_id *id, char *out)
{
	struct cid c = { .version = 1, .codec = CID_CODEC_LIBP2P_KEY,
	    .hashlen = id->len };
	struct wr w;

	memcpy(c.hash, id->bytes, id->len);
	wr_init(&w, out, P2P_PEER_ID_TEXT_MAX);
	cid_print(&w, &c, MULTIBASE_32);
	wr_u8(&w, '\0');
	return out;
}

bool
p2p_peer_id_equal(const struct p2p_peer_id *a, const struct p2p_peer_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

int
p2p_peer_id_key(const struct p2p_peer_id *id, struct p2p_key **out)
{
	struct rd r = { id->bytes, id->len };
	struct multihash mh;

	if (multihash_get(&r, &mh) != 0 || mh.code != MULTIHASH_IDENTITY ||
	    p2p_key_decode_public(mh.digest.p, mh.digest.len, out) != 0)
		return P2P_ERR_NOT_FOUND;
	return 0;
}
