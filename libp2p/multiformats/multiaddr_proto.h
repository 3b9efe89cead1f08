/*
 * multiformats/multiaddr_proto.h -- the protocols of a multiaddr, and how the
 * value of each goes between text and bytes.
 *
 * Spec: multiformats/multiaddr protocols.csv.
 */
#ifndef MULTIFORMATS_MULTIADDR_PROTO_H
#define MULTIFORMATS_MULTIADDR_PROTO_H

#include "base/bytes.h"

#define MULTIADDR_P2P		421
#define MULTIADDR_VALUE_MAX	1024

struct multiaddr_proto {
	uint32_t	 code;
	const char	*name;
	int		 size;	/* bytes; MULTIADDR_VARIABLE */
	bool		 path;	/* the text is all that follows */
	/* Text (not ended by a zero) to bytes. */
	int		(*parse)(struct rd text, struct wr *out);
	/* Bytes, which may be anything, to text; refuses what parse would. */
	int		(*print)(struct rd value, struct wr *out);
};

#define MULTIADDR_VARIABLE	(-1)

const struct multiaddr_proto	*multiaddr_proto_code(uint64_t code);
const struct multiaddr_proto	*multiaddr_proto_name(struct rd name);

#endif
