/*
 * services/kad/kad_table.h -- the routing table: who is where in the key space.
 *
 * Spec: libp2p/specs kad-dht/README.md, "Kademlia routing table"; rules as
 * go-libp2p-kbucket has them.  One bucket for each number of leading bits that
 * a peer's key has in common with ours, of at most KAD_K peers, or as many as
 * the parameters say.
 *
 * No lock, no clock, no I/O: the caller holds the table's lock, and time is an
 * argument.  A table takes what it is given: whether a peer is a server, and
 * answers, is the caller's business to find out first.
 */
#ifndef KAD_TABLE_H
#define KAD_TABLE_H

#include <sys/queue.h>

#include "base/bytes.h"
#include "services/kad/kad_key.h"

#define KAD_K		20	/* peers of a bucket, and of an answer */
#define KAD_GROUPS_MAX	8	/* address groups that one peer counts in */
#define KAD_REFRESH_CPL	15	/* the last bucket that is refreshed alone */

struct kad_table;

/* A peer of the table.  Read it; the table alone writes it. */
struct kad_entry {
	TAILQ_ENTRY(kad_entry)	next;
	struct p2p_peer_id	peer;
	struct kad_key		key;
	bool			replaceable;	/* may give way to another */
	uint8_t			ngroups;
	uint64_t		added;		/* when, all in ns */
	uint64_t		useful;		/* answered a look-up; 0: no */
	uint64_t		answered;	/* a query of ours; 0: never */
	uint64_t		told_at;	/* when it was made; 0: again */
	struct rd		told;		/* owned; may be empty */
	uint64_t		groups[];
};

struct kad_table_params {
	struct p2p_peer_id	self;
	/*
	 * Peers of one address group (see kad_group()) in the table, and in a
	 * bucket; 0: as many as there are.
	 */
	unsigned		group_table, group_bucket;
	unsigned		bucket;		/* peers of one; 0: KAD_K */
};

/* Returns 0, P2P_ERR_CRYPTO or -ENOMEM. */
int	kad_table_new(const struct kad_table_params *params,
	    struct kad_table **out) MUST_CHECK;
void	kad_table_free(struct kad_table *t);

/*
 * Add a peer, with the groups of its addresses (at most KAD_GROUPS_MAX count).
 * One that is there already stays, and is irreplaceable from now on if it is
 * not replaceable this time.  In a full bucket it takes the place of one that
 * is replaceable.  Returns 0, P2P_ERR_EXISTS, P2P_ERR_LIMIT (the bucket is
 * full), P2P_ERR_REFUSED (too many of an address group), P2P_ERR_SELF,
 * P2P_ERR_CRYPTO or -ENOMEM.
 */
int	kad_table_add(struct kad_table *t, const struct p2p_peer_id *peer,
	    const uint64_t *groups, size_t n, bool replaceable, uint64_t now)
	    MUST_CHECK;

/* Who gave way to the peer that was added last; false: nobody had to. */
bool	kad_table_gave_way(const struct kad_table *t, struct p2p_peer_id *out);

/* Returns 0 or P2P_ERR_NOT_FOUND. */
int	kad_table_remove(struct kad_table *t, const struct p2p_peer_id *peer);

/* NULL when it is not there; until the next change of the table. */
const struct kad_entry	*kad_table_find(const struct kad_table *t,
			    const struct p2p_peer_id *peer);

/* It answered a query; it helped a look-up on.  Unknown peers are no matter. */
void	kad_table_answered(struct kad_table *t,
	    const struct p2p_peer_id *peer, uint64_t now);
void	kad_table_useful(struct kad_table *t, const struct p2p_peer_id *peer,
	    uint64_t now);

/*
 * Keep how a peer is told of, a copy of bytes that only the caller understands;
 * make it anew.  A peer that has left, and no memory, are no matter.
 */
void	kad_table_tell(struct kad_table *t, const struct p2p_peer_id *peer,
	    struct rd told, uint64_t now);
void	kad_table_tell_anew(struct kad_table *t,
	    const struct p2p_peer_id *peer);

/* From now on nobody gives way: the beginning is over. */
void	kad_table_settle(struct kad_table *t);

/*
 * The nearest to target, at most n of them, nearest first, without the one that
 * is left out (or NULL).  Returns how many.
 */
size_t	kad_table_nearest(const struct kad_table *t,
	    const struct kad_key *target, const struct p2p_peer_id *without,
	    struct p2p_peer_id *out, size_t n);
/* The same, n at most 2 * KAD_K; until the next change of the table. */
size_t	kad_table_nearest_entries(const struct kad_table *t,
	    const struct kad_key *target, const struct p2p_peer_id *without,
	    const struct kad_entry **out, size_t n);

/*
 * Those that have not answered since then, at most n: they are to be asked, and
 * removed if they do not answer.  Returns how many.
 */
size_t	kad_table_stale(const struct kad_table *t, uint64_t since,
	    struct p2p_peer_id *out, size_t n);

size_t	kad_table_size(const struct kad_table *t);
size_t	kad_table_bucket_size(const struct kad_table *t, unsigned cpl);
/* The entries of a bucket, for who shows the table; NULL behind the last. */
const struct kad_entry	*kad_table_first(const struct kad_table *t,
			    unsigned cpl);
unsigned	kad_table_max_cpl(const struct kad_table *t);
const struct kad_key	*kad_table_key(const struct kad_table *t); /* ours */

/* When the bucket was last looked up; 0: never. */
uint64_t	kad_table_refreshed(const struct kad_table *t, unsigned cpl);
void		kad_table_set_refreshed(struct kad_table *t, unsigned cpl,
		    uint64_t now);

#endif
