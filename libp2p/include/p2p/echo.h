/*
 * p2p/echo.h -- everything comes back: "/echo/1.0.0", to test with.
 *
 * Wire: the peer copies all bytes back until the opener's half ends, then ends
 * its own.
 */
#ifndef P2P_ECHO_H
#define P2P_ECHO_H

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;

#define P2P_ECHO_ID	"/echo/1.0.0"

/* Serve it.  Returns as p2p_host_handle(). */
int	p2p_echo_serve(struct p2p_host *host);

#ifdef __cplusplus
}
#endif
#endif
