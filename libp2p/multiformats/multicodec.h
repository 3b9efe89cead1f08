/*
 * multiformats/multicodec.h -- the codes of multiformats that we meet.
 *
 * Spec: multiformats/multicodec table.csv.  Those of addresses are in
 * multiaddr_proto.c.
 */
#ifndef MULTIFORMATS_MULTICODEC_H
#define MULTIFORMATS_MULTICODEC_H

#include <stdint.h>

enum multicodec {
	MULTICODEC_IDENTITY = 0x00,
	MULTICODEC_SHA2_256 = 0x12,
	MULTICODEC_RAW = 0x55,
	MULTICODEC_DAG_PB = 0x70,
	MULTICODEC_LIBP2P_KEY = 0x72,
};

/* The name in table.csv, static, or NULL for a code not listed above. */
const char	*multicodec_name(uint64_t code);

#endif
