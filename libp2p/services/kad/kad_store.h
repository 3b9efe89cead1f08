/*
 * services/kad/kad_store.h -- records and providers that a node keeps.
 *
 * Rules of go-libp2p-kad-dht, spec digest S-12 to S-18: everything is checked
 * before it is kept and again before it is given away, by our clock and never
 * by the sender's.  Time is an argument: wall time in ns.
 */
#ifndef KAD_STORE_H
#define KAD_STORE_H

#include <sys/queue.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "p2p/store.h"
#include "services/kad/kad_msg.h"
#include "services/kad/kad_record.h"

#define KAD_STORE_AGE		(48 * 3600 * UINT64_C(1000000000))
#define KAD_STORE_ADDRS_AGE	(24 * 3600 * UINT64_C(1000000000))
#define KAD_STORE_LISTED	1000	/* providers looked at, of a key */

/* A key that somebody puts just now. */
struct kad_putting {
	TAILQ_ENTRY(kad_putting) link;
	struct rd	 key;
};

struct kad_store {
	struct p2p_store *store;	/* the caller's */
	const struct kad_rules *rules;	/* the caller's */
	char		 records[P2P_STORE_SPACE_MAX];	/* names of spaces */
	char		 providers[P2P_STORE_SPACE_MAX];
	struct lock	 mtx;		/* LOCK_LEAF: putting */
	struct cond	 done;
	TAILQ_HEAD(, kad_putting) putting;
};

/* Where records and providers are, and how many; 0: the defaults. */
struct kad_store_params {
	struct p2p_store	*store;
	const struct kad_rules	*rules;
	const char		*protocol;
	struct p2p_store_caps	 records, providers;
};

/* The spaces of a protocol in a store.  Returns 0 or as p2p_store_cap(). */
int	kad_store_init(struct kad_store *ks,
	    const struct kad_store_params *params) MUST_CHECK;
void	kad_store_fini(struct kad_store *ks);

/*
 * Keep a record that somebody sent; owner is NULL for ourselves.  Returns 0,
 * what its rule says, P2P_ERR_EXISTS (a better one is here) or as
 * p2p_store_put().
 */
int	kad_store_put(struct kad_store *ks, const struct p2p_record *record,
	    const struct p2p_peer_id *owner, uint64_t now) MUST_CHECK;

/*
 * A record that is valid now, as one new block with the time it came at;
 * free(3) it.  Returns 0, P2P_ERR_NOT_FOUND or -errno.
 */
struct kad_stored {
	struct p2p_record	record;
	uint64_t		received;
};
int	kad_store_get(struct kad_store *ks, const void *key, size_t len,
	    uint64_t now, struct kad_stored **out) MUST_CHECK;

/*
 * Keep that a peer provides what a key names, and where it is; addrs is NULL
 * for ourselves.  Returns 0 or as p2p_store_put().
 */
int	kad_store_provide(struct kad_store *ks, struct rd key,
	    const struct p2p_peer_id *peer, struct p2p_multiaddr *const *addrs,
	    size_t naddrs, uint64_t now) MUST_CHECK;
int	kad_store_unprovide(struct kad_store *ks, struct rd key,
	    const struct p2p_peer_id *peer) MUST_CHECK;

/*
 * At most max providers of a key, by chance if there are more; *out is new,
 * with *n contacts, and freed with kad_contacts_free().
 */
int	kad_store_providers(struct kad_store *ks, struct rd key, size_t max,
	    uint64_t now, struct kad_contact **out, size_t *n) MUST_CHECK;

/* Addresses of a peer as one value, and back: for what is kept of peers. */
void	kad_store_put_addrs(struct wr *w, struct p2p_multiaddr *const *addrs,
	    size_t n);
int	kad_store_get_addrs(struct rd *r, struct kad_contact *c) MUST_CHECK;

#endif
