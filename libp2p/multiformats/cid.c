/*
 * Version 0 is told by its first two bytes, 12 20, which no version number
 * will ever be.  It has no multibase: one that comes with a prefix is refused,
 * as the specification wants it, lest a name have two spellings of one kind.
 */
#include "multiformats/cid.h"

#include "base/varint.h"
#include "multiformats/multicodec.h"
#include "multiformats/multihash.h"
#include "p2p/error.h"

#define CID_V0_TEXT_LEN	46	/* characters */

/* Printing needs a plain copy of version 1: 9 + 9 bytes and a multihash. */
#define CID_PRINT_MAX	MULTIBASE_BIG_MAX

int
cid_decode(struct rd bytes, struct cid *out)
{
	struct cid cid = { .version = 0, .codec = MULTICODEC_DAG_PB };
	struct multihash mh;
	uint64_t version;
	int e;

	if (bytes.len < 2 || bytes.p[0] != MULTICODEC_SHA2_256 ||
	    bytes.p[1] != MULTIHASH_SHA2_256_LEN) {
		if ((e = varint_get(&bytes, &version)) != 0)
			return e;
		if (version != 1)
			return version == 0 ? P2P_ERR_FORMAT :
			    P2P_ERR_UNSUPPORTED;
		cid.version = 1;
		if ((e = varint_get(&bytes, &cid.codec)) != 0)
			return e;
	}
	if ((e = multihash_decode(bytes, &mh)) != 0)
		return e;
	cid.hash = bytes;
	*out = cid;
	return 0;
}

void
cid_put(struct wr *w, const struct cid *cid)
{
	if (cid->version == 1) {
		varint_put(w, 1);
		varint_put(w, cid->codec);
	}
	wr_bytes(w, cid->hash.p, cid->hash.len);
}

int
cid_parse(struct rd text, struct wr *store, struct cid *out)
{
	struct wr w = *store;
	struct cid cid;
	bool v0;
	int e;

	v0 = text.len == CID_V0_TEXT_LEN && text.p[0] == 'Q' &&
	    text.p[1] == 'm';
	e = v0 ? multibase_decode_bare(MULTIBASE_58, text, &w) :
	    multibase_decode(text, &w);
	if (e != 0)
		return e;
	if ((e = cid_decode((struct rd){ store->p + store->len,
	    w.len - store->len }, &cid)) != 0)
		return e;
	if (v0 != (cid.version == 0))
		return P2P_ERR_FORMAT;
	*store = w;
	*out = cid;
	return 0;
}

void
cid_print(struct wr *w, const struct cid *cid, enum multibase base)
{
	uint8_t buf[CID_PRINT_MAX];
	struct wr bin;

	wr_init(&bin, buf, sizeof(buf));
	cid_put(&bin, cid);
	if (bin.full)
		w->full = true;
	else if (cid->version == 0)
		multibase_encode_bare(MULTIBASE_58,
		    (struct rd){ buf, bin.len }, w);
	else
		multibase_encode(base, (struct rd){ buf, bin.len }, w);
}
