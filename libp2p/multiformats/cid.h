/*
 * multiformats/cid.h -- content identifiers.
 *
 * Spec: multiformats/cid.  Version 1: 01, varint(codec), multihash; as text in
 * any multibase.  Version 0: a sha2-256 multihash of dag-pb, as base58btc text
 * without a prefix ("Qm...").
 */
#ifndef MULTIFORMATS_CID_H
#define MULTIFORMATS_CID_H

#include "multiformats/multibase.h"
#include "multiformats/multihash.h"

#define CID_CODEC_RAW		0x55
#define CID_CODEC_DAG_PB	0x70
#define CID_CODEC_LIBP2P_KEY	0x72
#define CID_MAX			128	/* bytes of the binary form we take */

struct cid {
	unsigned	version;	/* 0 or 1 */
	uint64_t	codec;
	uint8_t		hash[CID_MAX];	/* the multihash */
	size_t		hashlen;
};

/* Exactly one CID.  0, P2P_ERR_FORMAT, P2P_ERR_TOO_LARGE, P2P_ERR_UNSUPPORTED */
int	cid_decode(struct rd in, struct cid *out) MUST_CHECK;
int	cid_parse(const char *text, size_t len, struct cid *out) MUST_CHECK;

void	cid_put(struct wr *w, const struct cid *c);
/* Version 0 prints as base58btc, version 1 in the base given. */
void	cid_print(struct wr *w, const struct cid *c, enum multibase base);

#endif
