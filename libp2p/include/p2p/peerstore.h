/*
 * p2p/peerstore.h -- what the host remembers of peers.
 *
 * Addresses with a time to live, protocols, public keys and free metadata, in
 * memory, each capped (limits peerstore-*).  What comes from the peer itself is
 * put there by identify; the caller may add what it knows.
 */
#ifndef P2P_PEERSTORE_H
#define P2P_PEERSTORE_H

#include <stddef.h>
#include <stdint.h>

#include "p2p/peer_id.h"

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_key;
struct p2p_multiaddr;

#define P2P_TTL_FOREVER		UINT64_MAX	/* until removed */

/*
 * Remember an address (with or without the peer's /p2p) for ttl_s seconds; a
 * longer life already there stays.  Returns 0, P2P_ERR_WRONG_PEER (it ends in
 * another /p2p), P2P_ERR_FORMAT (it is nothing else), P2P_ERR_LIMIT or -ENOMEM.
 */
int	p2p_peerstore_add(struct p2p_host *host,
	    const struct p2p_peer_id *peer, const struct p2p_multiaddr *ma,
	    uint64_t ttl_s);

/*
 * Live addresses: a new array ending in NULL, p2p_host_addresses_free().
 * P2P_ERR_NOT_FOUND when there is none.
 */
int	p2p_peerstore_addresses(struct p2p_host *host,
	    const struct p2p_peer_id *peer, struct p2p_multiaddr ***out);

/*
 * Forget a peer altogether; or P2P_ERR_NOT_FOUND.  With a store of the host's
 * this waits for it, so that the peer is not there again after a restart.
 */
int	p2p_peerstore_remove(struct p2p_host *host,
	    const struct p2p_peer_id *peer);

/*
 * The protocols the peer said it accepts, as one new block: an array of
 * strings that ends in NULL; free(3) it.  P2P_ERR_NOT_FOUND before identify.
 */
int	p2p_peerstore_protocols(struct p2p_host *host,
	    const struct p2p_peer_id *peer, char ***out);

/* The peer's public key, new; P2P_ERR_NOT_FOUND when never seen. */
int	p2p_peerstore_key(struct p2p_host *host,
	    const struct p2p_peer_id *peer, struct p2p_key **out);

/*
 * Free metadata: small values by name ("agent" and "protocol-version" are set
 * by identify, without a final zero).  get copies at most cap bytes (0: none)
 * and sets *len to the whole size.  put: P2P_ERR_TOO_LARGE (a name over 63
 * bytes, a value over 4096), P2P_ERR_LIMIT (4096 for all of a peer, names
 * too); get: P2P_ERR_NOT_FOUND.
 */
int	p2p_peerstore_put(struct p2p_host *host,
	    const struct p2p_peer_id *peer, const char *name,
	    const void *value, size_t len);
int	p2p_peerstore_get(struct p2p_host *host,
	    const struct p2p_peer_id *peer, const char *name,
	    void *value, size_t cap, size_t *len);

/* Known peers: a new array of *n; free(3) it. */
int	p2p_peerstore_peers(struct p2p_host *host, struct p2p_peer_id **out,
	    size_t *n);

#ifdef __cplusplus
}
#endif
#endif
