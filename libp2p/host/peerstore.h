/*
 * host/peerstore.h -- what is known of peers, in memory, capped.
 *
 * One lock (LOCK_STORE), held for look-ups and copies only.  Expiry is by the
 * monotonic clock; peers without a live address, key use or connection are the
 * first to go when the cap is reached.
 */
#ifndef HOST_PEERSTORE_H
#define HOST_PEERSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/peer_id.h"

struct limit;
struct p2p_key;
struct p2p_multiaddr;
struct peerstore;

struct peerstore_caps {
	size_t	peers;		/* 4096 */
	size_t	addrs;		/* a peer, 64 */
	size_t	protocols;	/* a peer, 256 */
	size_t	metadata;	/* bytes a peer, 4096 */
	struct limit	*peers_told;	/* use and refusals go there; or NULL */
	struct limit	*addrs_told;
};

int	peerstore_new(const struct peerstore_caps *caps,
	    struct peerstore **out);
void	peerstore_free(struct peerstore *ps);

/* As the public functions of p2p/peerstore.h; ttl_ns UINT64_MAX: for ever. */
int	peerstore_add(struct peerstore *ps, const struct p2p_peer_id *peer,
	    const struct p2p_multiaddr *ma, uint64_t ttl_ns);
int	peerstore_addresses(struct peerstore *ps,
	    const struct p2p_peer_id *peer, struct p2p_multiaddr ***out);

/*
 * Those that may be dialed now: an address that failed is left alone for 5 s
 * and the square of its failures in s more, up to 5 minutes, each time up to a
 * fifth longer or shorter.  P2P_ERR_NOT_FOUND when none is known,
 * P2P_ERR_UNREACHABLE when all are to be left alone.
 */
int	peerstore_dialable(struct peerstore *ps,
	    const struct p2p_peer_id *peer, uint64_t now,
	    struct p2p_multiaddr ***out);
void	peerstore_dialed(struct peerstore *ps, const struct p2p_peer_id *peer,
	    const struct p2p_multiaddr *ma, bool good, uint64_t now);

int	peerstore_remove(struct peerstore *ps, const struct p2p_peer_id *peer);
int	peerstore_protocols(struct peerstore *ps,
	    const struct p2p_peer_id *peer, char ***out);
int	peerstore_key(struct peerstore *ps, const struct p2p_peer_id *peer,
	    struct p2p_key **out);
int	peerstore_put(struct peerstore *ps, const struct p2p_peer_id *peer,
	    const char *name, const void *value, size_t len);
int	peerstore_get(struct peerstore *ps, const struct p2p_peer_id *peer,
	    const char *name, void *value, size_t cap, size_t *len);
int	peerstore_peers(struct peerstore *ps, struct p2p_peer_id **out,
	    size_t *n);

/* Replace the protocols: n strings, cut at the cap. */
int	peerstore_set_protocols(struct peerstore *ps,
	    const struct p2p_peer_id *peer, const char *const *protocols,
	    size_t n);
/* Remember a key that hashes to the peer's id; else P2P_ERR_WRONG_PEER. */
int	peerstore_set_key(struct peerstore *ps, const struct p2p_peer_id *peer,
	    const struct p2p_key *key);
/*
 * A certified record: accepted unless a newer one was (P2P_ERR_EXISTS), whose
 * seq was greater; addresses of the record before it are forgotten.  The same
 * record again lets its addresses last longer, and adds some only if there are
 * none left.
 */
int	peerstore_certify(struct peerstore *ps, const struct p2p_peer_id *peer,
	    uint64_t seq, struct p2p_multiaddr *const *addrs, size_t n,
	    uint64_t ttl_ns);
/*
 * A connected peer is neither evicted nor forgotten.  Whether there was room
 * for it; only then it is unpinned again.
 */
bool	peerstore_pin(struct peerstore *ps, const struct p2p_peer_id *peer);
void	peerstore_unpin(struct peerstore *ps, const struct p2p_peer_id *peer);

/*
 * For who saves it: peers that have changed since they were named last, at most
 * n of them; what of one is worth it.
 */
size_t	peerstore_changed(struct peerstore *ps, struct p2p_peer_id *out,
	    size_t n);

struct peerstore_saved {
	struct p2p_multiaddr	**addrs;	/* owned; n of them */
	uint64_t		*expires;	/* monotonic; owned */
	size_t			 n;
};
/* Returns 0, P2P_ERR_NOT_FOUND (no live address) or -ENOMEM. */
int	peerstore_save(struct peerstore *ps, const struct p2p_peer_id *peer,
	    struct peerstore_saved *out);
void	peerstore_saved_clear(struct peerstore_saved *s);

/* Forget what has expired by now. */
void	peerstore_expire(struct peerstore *ps, uint64_t now);

#endif
