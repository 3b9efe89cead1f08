/*
 * multiformats/cid.h -- the names of content, and of keys.
 *
 * Spec: multiformats/cid README.md.
 * Wire: version 0 is a bare sha2-256 multihash and means dag-pb; version 1 is
 *       varint(1) varint(codec) multihash.
 * Text: version 0 is base58btc without a prefix ("Qm..."), version 1 is in any
 *       multibase.
 */
#ifndef MULTIFORMATS_CID_H
#define MULTIFORMATS_CID_H

#include "base/bytes.h"
#include "multiformats/multibase.h"

#define CID_V0_LEN	34	/* bytes */

struct cid {
	unsigned	version;	/* 0 or 1 */
	uint64_t	codec;		/* multicodec.h */
	struct rd	hash;		/* a view of the whole multihash */
};

/*
 * From all of bytes.  Returns 0, P2P_ERR_SHORT, P2P_ERR_FORMAT or
 * P2P_ERR_UNSUPPORTED (a version above 1).
 */
int	cid_decode(struct rd bytes, struct cid *out) MUST_CHECK;

void	cid_put(struct wr *w, const struct cid *cid);

/*
 * From text; the bytes go to store, which *out then has views of.
 * Returns as cid_decode() and multibase_decode().
 */
int	cid_parse(struct rd text, struct wr *store, struct cid *out) MUST_CHECK;

/*
 * As text without a final zero; base is for version 1.  Sets w->full when it
 * does not fit.
 */
void	cid_print(struct wr *w, const struct cid *cid, enum multibase base);

#endif
