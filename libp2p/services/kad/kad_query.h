/*
 * services/kad/kad_query.h -- one iterative look-up: whom to ask next, and when
 * to stop.
 *
 * Spec: libp2p/specs kad-dht/README.md, "Client mode"; rules of
 * go-libp2p-kad-dht, spec digest L-1 to L-5.
 *
 * No lock, no clock, no I/O: who runs it asks the peers, tells what came, and
 * decides how long to wait for an answer.
 */
#ifndef KAD_QUERY_H
#define KAD_QUERY_H

#include "services/kad/kad_key.h"

#define KAD_ALPHA	10	/* asked at once */
#define KAD_BETA	3	/* nearest that must have answered */
#define KAD_ASKED_MAX	200	/* peers that one look-up asks at the most */
#define KAD_KNOWN_MAX	512	/* peers that one look-up remembers */
#define KAD_CLOSER_MAX	40	/* peers of one answer that count, C-3 */

enum kad_peer_state {
	KAD_HEARD,		/* of somebody, or from the table */
	KAD_WAITING,		/* for its answer */
	KAD_QUERIED,		/* it answered */
	KAD_UNREACHABLE,	/* it did not */
};

struct kad_query;

struct kad_query_params {
	struct kad_key		 target;
	struct p2p_peer_id	 self;		/* never asked */
	size_t			 k;		/* wanted, 0: 20 */
	unsigned		 alpha, beta;	/* 0: as above */
	unsigned		 asked_max;	/* 0: as above */
};

/*
 * Begin with some peers, as the table has them.  Returns 0, P2P_ERR_CRYPTO,
 * P2P_ERR_NOT_FOUND (nobody to begin with) or -ENOMEM.
 */
int	kad_query_new(const struct kad_query_params *params,
	    const struct p2p_peer_id *seeds, size_t n, struct kad_query **out)
	    MUST_CHECK;
void	kad_query_free(struct kad_query *q);

/*
 * The next one to ask, who is being waited for from now on.  False: nobody now,
 * but an answer or a failure may change that, unless it is done.
 */
bool	kad_query_next(struct kad_query *q, struct p2p_peer_id *out);

/* It could not be asked now: as if it had not been named. */
void	kad_query_put_back(struct kad_query *q,
	    const struct p2p_peer_id *peer);

/*
 * What a peer that is waited for answered: peers that it says are closer, of
 * which no more than KAD_CLOSER_MAX count; or that it did not answer.  An
 * answer of another is ignored.
 */
int	kad_query_answered(struct kad_query *q, const struct p2p_peer_id *peer,
	    const struct p2p_peer_id *closer, size_t n) MUST_CHECK;
void	kad_query_failed(struct kad_query *q, const struct p2p_peer_id *peer);

/*
 * Whether it is over: the nearest beta have answered, or there is nobody left
 * to ask.  Nobody new is named then; who is waited for need not be any more.
 */
bool	kad_query_done(const struct kad_query *q);

/* Go on until all of the nearest k have answered or failed (L-5). */
void	kad_query_follow_up(struct kad_query *q);

/* The nearest that answered, at most n, nearest first; how many. */
size_t	kad_query_result(const struct kad_query *q, struct p2p_peer_id *out,
	    size_t n);

unsigned	kad_query_asked(const struct kad_query *q);
unsigned	kad_query_failures(const struct kad_query *q);
/* Whether its turn has come, however that went. */
bool	kad_query_was_asked(const struct kad_query *q,
	    const struct p2p_peer_id *peer);
/* How many others led to this one: 0 for a seed, KAD_KNOWN_MAX for unknown. */
unsigned	kad_query_hops(const struct kad_query *q,
		    const struct p2p_peer_id *peer);

#endif
