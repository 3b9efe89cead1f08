/*
 * Structure only: what a hash is good for is its reader's business.
 */
#include "multiformats/multihash.h"

#include "base/varint.h"
#include "multiformats/multicodec.h"
#include "p2p/error.h"

int
multihash_get(struct rd *r, struct multihash *out)
{
	struct rd in = *r;
	struct multihash mh;
	int e;

	if ((e = varint_get(&in, &mh.code)) != 0 ||
	    (e = varint_get_bytes(&in, &mh.digest)) != 0)
		return e;
	if (mh.code == MULTICODEC_SHA2_256 &&
	    mh.digest.len != MULTIHASH_SHA2_256_LEN)
		return P2P_ERR_FORMAT;
	*out = mh;
	*r = in;
	return 0;
}

int
multihash_decode(struct rd bytes, struct multihash *out)
{
	struct multihash mh;
	int e;

	if ((e = multihash_get(&bytes, &mh)) != 0)
		return e;
	if (bytes.len != 0)
		return P2P_ERR_FORMAT;
	*out = mh;
	return 0;
}

void
multihash_put(struct wr *w, const struct multihash *mh)
{
	varint_put(w, mh->code);
	varint_put_bytes(w, mh->digest.p, mh->digest.len);
}
