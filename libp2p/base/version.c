#include "p2p/version.h"

#include <stddef.h>

const char *
p2p_version(void)
{
	return PACKAGE_VERSION;
}

const char *const *
p2p_features(void)
{
	static const char *const features[] = { "tcp", "tls", "noise",
	    "plaintext", FEATURE_PNET "yamux", "mplex", "dns", "identify",
	    "ping", "perf", "echo", FEATURE_SQLITE NULL };

	return features;
}
