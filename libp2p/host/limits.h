/*
 * host/limits.h -- every ceiling of a host by name; defaults of spec/faults.md
 * 2c.
 */
#ifndef HOST_LIMITS_H
#define HOST_LIMITS_H

#include "base/limit.h"
#include "p2p/host.h"

enum host_limit {
	LIMIT_THREADS,			/* of connections, dials, handlers */
	LIMIT_CONNECTIONS,		/* all */
	LIMIT_CONNECTIONS_IN,
	LIMIT_CONNECTIONS_OUT,
	LIMIT_CONNECTIONS_PEER,		/* setting: to one peer */
	LIMIT_CONNECTIONS_HIGH,		/* setting: above it, the idle go */
	LIMIT_CONNECTIONS_LOW,		/* setting: down to here */
	LIMIT_GRACE_S,			/* setting: seconds nobody goes */
	LIMIT_CONNECTIONS_IP,		/* setting: from one IPv4, IPv6 /56 */
	LIMIT_CONNECTIONS_NET,		/* setting: from one IPv6 /48 */
	LIMIT_ACCEPT_BURST,		/* setting: of one source, at once */
	LIMIT_ACCEPT_EVERY_S,		/* setting: and then; 0: no rate */
	LIMIT_PENALTY_S,		/* setting: of one source, seconds */
	LIMIT_COUNT_LOOPBACK,		/* setting: 1: loopback is a source */
	LIMIT_UPGRADES,			/* inbound, not secured yet */
	LIMIT_DIALS,			/* addresses tried at once */
	LIMIT_HANDLERS,			/* threads */
	LIMIT_STREAMS_IN,		/* setting: on one connection */
	LIMIT_STREAMS_OUT,		/* setting: on one connection */
	LIMIT_NEGOTIATING,		/* setting: on one connection */
	LIMIT_PINGS_PEER,		/* setting: inbound, of one peer */
	LIMIT_KAD_PEER,			/* setting: DHT streams of one peer */
	LIMIT_PUSH_BURST,		/* setting: identify pushes of a peer */
	LIMIT_PUSH_EVERY_S,		/* setting: and then */
	LIMIT_WINDOW,			/* setting: bytes, one stream */
	LIMIT_WINDOWS,			/* bytes promised above initial */
	LIMIT_WINDOWS_CONNECTION,	/* setting: bytes */
	LIMIT_BUFFERED,			/* bytes queued unread */
	LIMIT_BUFFERED_CONNECTION,	/* setting: bytes */
	LIMIT_IDLE_S,			/* setting: seconds without streams */
	LIMIT_PEERS,			/* setting: peer store */
	LIMIT_PEER_ADDRS,		/* setting: peer store, one peer */
	LIMIT_COUNT
};

/*
 * Set up all of them; settings ends in { NULL, 0 } or is NULL.  Returns 0,
 * P2P_ERR_NOT_FOUND (an unknown name), or P2P_ERR_LIMIT (more connections than
 * file descriptors, or a zero where nothing would work).
 */
int	limits_init(struct limit *limits,
	    const struct p2p_limit_setting *settings);

#endif
