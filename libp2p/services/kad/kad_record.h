/*
 * services/kad/kad_record.h -- the rules of records: which is valid, which of
 * two is better.
 *
 * Spec: libp2p/specs kad-dht/README.md, "Entry validation"; spec digest
 * services.md.  No I/O and no clock: now comes from the caller.
 */
#ifndef KAD_RECORD_H
#define KAD_RECORD_H

#include "base/bytes.h"
#include "p2p/record.h"

/* The namespaces that are known: borrowed.  A key of any other is refused. */
struct kad_rules {
	const struct p2p_record_rule	*list;
	size_t				 n;
};

/*
 * Is a record valid at this time?  Returns 0; P2P_ERR_TOO_LARGE (key or
 * value); P2P_ERR_FORMAT (the key is not "/" namespace "/" rest, with neither
 * empty); P2P_ERR_UNSUPPORTED (no rule has that namespace); or what the rule
 * says.
 */
int	kad_rules_validate(const struct kad_rules *rules,
	    const struct p2p_record *r, uint64_t now) MUST_CHECK;

/* Whether a key could be one of a valid record: 0, or as above. */
int	kad_rules_check_key(const struct kad_rules *rules, struct rd key)
	    MUST_CHECK;

/*
 * Of two valid records with one key: > 0 when a is better, < 0 when b is, 0
 * alike.
 */
int	kad_rules_compare(const struct kad_rules *rules,
	    const struct p2p_record *a, const struct p2p_record *b);

/* The two parts of a key, as views of it.  Returns 0 or P2P_ERR_FORMAT. */
int	kad_record_split(const struct p2p_record *r, struct rd *ns,
	    struct rd *rest) MUST_CHECK;

/*
 * A new block that begins with head bytes of the caller's and has a copy of the
 * record behind them, which *out points into; or NULL.
 */
void	*kad_record_dup(const struct p2p_record *r, size_t head,
	    struct p2p_record *out);

/* The peer whose id is the rest of a key.  Returns 0 or P2P_ERR_FORMAT. */
int	kad_record_peer(const struct p2p_record *r, struct p2p_peer_id *out)
	    MUST_CHECK;

#endif
