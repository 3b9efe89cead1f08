/*
 * A switch without a default over the enum, so that -Wswitch finds a missing
 * name; what is not of the enum falls out below.
 */
#include "multiformats/multicodec.h"

#include <stddef.h>

const char *
multicodec_name(uint64_t code)
{
	if (code > MULTICODEC_LIBP2P_KEY)
		return NULL;
	switch ((enum multicodec)code) {
	case MULTICODEC_IDENTITY:
		return "identity";
	case MULTICODEC_SHA2_256:
		return "sha2-256";
	case MULTICODEC_RAW:
		return "raw";
	case MULTICODEC_DAG_PB:
		return "dag-pb";
	case MULTICODEC_LIBP2P_KEY:
		return "libp2p-key";
	}
	return NULL;
}
