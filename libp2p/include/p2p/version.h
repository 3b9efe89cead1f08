/*
 * p2p/version.h -- which library this is.
 */
#ifndef P2P_VERSION_H
#define P2P_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0"; of the library that runs, not of the header. */
const char	*p2p_version(void);

/* What this build can do ("tcp", "tls", "yamux", ...); ends in NULL. */
const char *const	*p2p_features(void);

#ifdef __cplusplus
}
#endif
#endif
