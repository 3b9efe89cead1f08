/*
 * services/identify_msg.h -- the Identify message, without a stream.
 *
 * Spec: libp2p/specs identify/README.md; spec digest IDF-1 to IDF-13.
 */
#ifndef SERVICES_IDENTIFY_MSG_H
#define SERVICES_IDENTIFY_MSG_H

#include "base/bytes.h"
#include "identity/envelope.h"
#include "p2p/identify.h"

#define IDENTIFY_SEND_MAX	4096	/* bytes, prefix included: rust */
#define IDENTIFY_READ_MAX	8192	/* bytes of one message: go, js */
#define IDENTIFY_MESSAGES_MAX	10
#define IDENTIFY_PROTOCOLS_MAX	256
#define IDENTIFY_PROTOCOL_LEN	256
#define IDENTIFY_ADDRS_MAX	64
#define IDENTIFY_TEXT_MAX	256	/* agent, protocol version */

/* What we say of ourselves. */
struct identify_self {
	const struct p2p_key	*key;
	const char		*agent;
	char *const		*protocols;	/* ends in NULL */
	struct p2p_multiaddr *const *addrs;	/* ends in NULL */
	const struct p2p_multiaddr *observed;	/* of the peer, or NULL */
	uint64_t		 seq;		/* of the signed record */
};

/*
 * One message with its length in front, at most IDENTIFY_SEND_MAX bytes: what
 * does not fit is left out, the record first, then the last of the list that
 * takes more, protocols or addresses.
 */
int	identify_put(const struct identify_self *self, struct wr *w) MUST_CHECK;

/* What several messages said, merged. */
struct identify_seen {
	struct p2p_identity	*identity;	/* owned */
	size_t			 nprotocols, naddrs;
	struct peer_record	 record;	/* owned */
	bool			 have_record;
};

/*
 * Merge one message (without its length) of the authenticated peer.  Returns 0,
 * P2P_ERR_FORMAT, P2P_ERR_TOO_LARGE, or P2P_ERR_WRONG_PEER: its key is not the
 * peer's, and nothing of it is to be used.
 */
int	identify_get(struct identify_seen *seen, const struct p2p_peer_id *peer,
	    struct rd msg) MUST_CHECK;
void	identify_clear(struct identify_seen *seen);

#endif
