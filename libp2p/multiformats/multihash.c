#include "multiformats/multihash.h"

#include "base/varint.h"
#include "p2p/error.h"

int
multihash_get(struct rd *r, struct multihash *out)
{
	struct rd in = *r;
	int e;

	if ((e = varint_get(&in, &out->code)) != 0 ||
	    (e = varint_get_bytes(&in, &out->digest)) != 0)
		return e;
	*r = in;
	return 0;
}

void
multihash_put(struct wr *w, uint64_t code, const void *digest, size_t len)
{
	varint_put(w, code);
	varint_put_bytes(w, digest, len);
}

int
multihash_check_peer(struct rd in)
{
	struct multihash mh;
	int e;

	if ((e = multihash_get(&in, &mh)) != 0)
		return e;
	if (in.len != 0)
		return P2P_ERR_FORMAT;
	if (mh.code == MULTIHASH_SHA2_256)
		return mh.digest.len == MULTIHASH_SHA2_256_LEN ? 0 :
		    P2P_ERR_FORMAT;
	if (mh.code != MULTIHASH_IDENTITY)
		return P2P_ERR_UNSUPPORTED;
	return mh.digest.len > 0 && mh.digest.len <= MULTIHASH_KEY_MAX ? 0 :
	    P2P_ERR_FORMAT;
}
