/*
 * multiformats/multiaddr_proto.h -- the protocols of addresses, as a table.
 *
 * Spec: multiformats/multiaddr protocols.csv and its protocols/ directory.
 * The table holds also what we cannot dial (yet): an address is refused as a
 * whole when it has one protocol that is not known.
 */
#ifndef MULTIFORMATS_MULTIADDR_PROTO_H
#define MULTIFORMATS_MULTIADDR_PROTO_H

#include "base/bytes.h"

#define MULTIADDR_PROTO_VAR	(-1)	/* varint length before the value */

enum {
	MULTIADDR_IP4 = 4,
	MULTIADDR_TCP = 6,
	MULTIADDR_DCCP = 33,
	MULTIADDR_IP6 = 41,
	MULTIADDR_IP6ZONE = 42,
	MULTIADDR_IPCIDR = 43,
	MULTIADDR_DNS = 53,
	MULTIADDR_DNS4 = 54,
	MULTIADDR_DNS6 = 55,
	MULTIADDR_DNSADDR = 56,
	MULTIADDR_SCTP = 132,
	MULTIADDR_UDP = 273,
	MULTIADDR_WEBRTC_DIRECT = 280,
	MULTIADDR_WEBRTC = 281,
	MULTIADDR_P2P_CIRCUIT = 290,
	MULTIADDR_UNIX = 400,
	MULTIADDR_P2P = 421,
	MULTIADDR_TLS = 448,
	MULTIADDR_SNI = 449,
	MULTIADDR_NOISE = 454,
	MULTIADDR_QUIC_V1 = 461,
	MULTIADDR_WEBTRANSPORT = 465,
	MULTIADDR_CERTHASH = 466,
	MULTIADDR_WS = 477,
	MULTIADDR_WSS = 478,
	MULTIADDR_HTTP = 480,
	MULTIADDR_HTTP_PATH = 481,
	MULTIADDR_MEMORY = 777,
};

/*
 * One protocol.  parse appends the value that text stands for; print checks a
 * value of the right size and appends its canonical text.  Both return 0 or
 * P2P_ERR_FORMAT; what does not fit shows in w->full.  Both are NULL when
 * size is 0.
 */
struct multiaddr_proto {
	uint32_t	 code;
	const char	*name;
	int		 size;		/* bytes, or MULTIADDR_PROTO_VAR */
	int		(*parse)(struct rd text, struct wr *w);
	int		(*print)(struct rd value, struct wr *w);
	bool		 path;		/* takes the rest of the text */
};

/* Both return NULL for what is not in the table; "ipfs" finds "p2p". */
const struct multiaddr_proto	*multiaddr_proto_by_code(uint64_t code);
const struct multiaddr_proto	*multiaddr_proto_by_name(struct rd name);

#endif
