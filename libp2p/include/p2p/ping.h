/*
 * p2p/ping.h -- round-trip time to a peer.
 *
 * Spec: libp2p/specs ping/ping.md, protocol "/ipfs/ping/1.0.0".
 * Wire: the opener sends 32 random bytes, the peer sends the same 32 back, as
 *       often as the opener likes on one stream.  No framing.
 */
#ifndef P2P_PING_H
#define P2P_PING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_peer_id;
struct p2p_ping;

#define P2P_PING_ID	"/ipfs/ping/1.0.0"
#define P2P_PING_SIZE	32	/* bytes */

/*
 * Answer pings (a host does so from its beginning; p2p_host_unhandle() ends
 * it).  Returns as p2p_host_handle().
 */
int	p2p_ping_serve(struct p2p_host *host);

/*
 * Send one ping to a peer, connecting if needed, and wait for the echo.
 * All of it takes at most timeout_ms (0: 10000).  On
 * success *rtt_us is the round trip in microseconds.  Returns 0,
 * P2P_ERR_TIMEOUT, P2P_ERR_PROTOCOL (a wrong echo) or the errors of
 * p2p_host_open().
 */
int	p2p_ping(struct p2p_host *host, const struct p2p_peer_id *peer,
	    unsigned timeout_ms, uint64_t *rtt_us);

/*
 * A series over one stream, which is opened again when the peer ended it (go
 * does after 30 seconds, js after 10).  One thread at a time.  Each call takes
 * at most its timeout_ms (0: 10000).  Close takes NULL, and comes
 * before the host is freed.
 */
int	p2p_ping_open(struct p2p_host *host, const struct p2p_peer_id *peer,
	    unsigned timeout_ms, struct p2p_ping **out);
int	p2p_ping_once(struct p2p_ping *ping, unsigned timeout_ms,
	    uint64_t *rtt_us);
void	p2p_ping_close(struct p2p_ping *ping);

#ifdef __cplusplus
}
#endif
#endif
