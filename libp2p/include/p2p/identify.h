/*
 * p2p/identify.h -- who is there, and what it speaks.
 *
 * Spec: libp2p/specs identify/README.md, protocols "/ipfs/id/1.0.0" and
 * "/ipfs/id/push/1.0.0".  Wire: varint(length) and an Identify message, ours
 * always one of at most 4096 bytes, then the end of the stream.
 */
#ifndef P2P_IDENTIFY_H
#define P2P_IDENTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "p2p/peer_id.h"

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_key;
struct p2p_multiaddr;

#define P2P_IDENTIFY_ID		"/ipfs/id/1.0.0"
#define P2P_IDENTIFY_PUSH_ID	"/ipfs/id/push/1.0.0"

/* Text in here is the peer's: clean it before a terminal sees it. */
struct p2p_identity {
	struct p2p_peer_id	 peer;
	struct p2p_key		*key;			/* or NULL */
	char			*protocol_version;	/* or NULL */
	char			*agent_version;		/* or NULL */
	char			**protocols;		/* ends in NULL */
	struct p2p_multiaddr	**addresses;		/* ends in NULL */
	struct p2p_multiaddr	*observed;		/* of us, or NULL */
	bool			 signed_record;	/* one came too: the peer
						   store has its addresses */
};

/*
 * Ask a peer, connecting if needed; the peer store learns the answer.  A host
 * asks every new connection by itself; this asks again.  Blocks up to
 * timeout_ms (0: 5000) in all.  *out, if out is not NULL, is freed with
 * p2p_identity_free().  Returns 0, P2P_ERR_FORMAT, P2P_ERR_PROTOCOL,
 * P2P_ERR_TOO_LARGE (the answer), P2P_ERR_WRONG_PEER (its key is not its own)
 * or as p2p_host_open().
 */
int	p2p_identify(struct p2p_host *host, const struct p2p_peer_id *peer,
	    unsigned timeout_ms, struct p2p_identity **out);
void	p2p_identity_free(struct p2p_identity *identity);

/*
 * Tell every connected peer that speaks push what has changed; a host does so
 * by itself when a listener or a handler comes or goes.  One after the other,
 * up to timeout_ms (0: 5000) to open and 5 s to write for each.  Returns the
 * number of peers told, P2P_ERR_UNSUPPORTED (no_identify) or -ENOMEM.
 */
int	p2p_identify_push(struct p2p_host *host, unsigned timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
