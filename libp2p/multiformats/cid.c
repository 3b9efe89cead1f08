#include "multiformats/cid.h"

#include <string.h>

#include "base/varint.h"
#include "p2p/error.h"

#define V0_LEN		34	/* 12 20 and 32 bytes */
#define V0_TEXT_LEN	46

/* The rest of in is the multihash, exactly. */
static int
take_hash(struct rd in, struct cid *out)
{
	struct multihash mh;
	struct rd whole = in;
	int e;

	if ((e = multihash_get(&in, &mh)) != 0)
		return e == P2P_ERR_SHORT ? P2P_ERR_FORMAT : e;
	if (in.len != 0)
		return P2P_ERR_FORMAT;
	if (mh.code == MULTIHASH_SHA2_256 &&
	    mh.digest.len != MULTIHASH_SHA2_256_LEN)
		return P2P_ERR_FORMAT;
	if (whole.len > sizeof(out->hash))
		return P2P_ERR_TOO_LARGE;
	memcpy(out->hash, whole.p, whole.len);
	out->hashlen = whole.len;
	return 0;
}

int
cid_decode(struct rd in, struct cid *out)
{
	uint64_t version, codec;

	if (in.len == V0_LEN && in.p[0] == MULTIHASH_SHA2_256 &&
	    in.p[1] == MULTIHASH_SHA2_256_LEN) {
		out->version = 0;
		out->codec = CID_CODEC_DAG_PB;
		return take_hash(in, out);
	}
	if (varint_get(&in, &version) != 0 || varint_get(&in, &codec) != 0)
		return P2P_ERR_FORMAT;
	if (version != 1)
		return P2P_ERR_UNSUPPORTED;
	out->version = 1;
	out->codec = codec;
	return take_hash(in, out);
}

int
cid_parse(const char *text, size_t len, struct cid *out)
{
	uint8_t bytes[CID_MAX + 16];
	size_t n = sizeof(bytes);
	int e;

	if (len == V0_TEXT_LEN && memcmp(text, "Qm", 2) == 0)
		e = multibase_decode_raw(MULTIBASE_58BTC, text, len, bytes, &n);
	else
		e = multibase_decode(text, len, bytes, &n);
	return e != 0 ? e : cid_decode((struct rd){ bytes, n }, out);
}

void
cid_put(struct wr *w, const struct cid *c)
{
	if (c->version != 0) {
		varint_put(w, c->version);
		varint_put(w, c->codec);
	}
	wr_bytes(w, c->hash, c->hashlen);
}

void
cid_print(struct wr *w, const struct cid *c, enum multibase base)
{
	uint8_t bytes[CID_MAX + 16];
	struct wr b;

	if (c->version == 0) {
		multibase_encode_raw(MULTIBASE_58BTC, c->hash, c->hashlen, w);
		return;
	}
	wr_init(&b, bytes, sizeof(bytes));
	cid_put(&b, c);
	multibase_encode(base, bytes, b.len, w);
}
