/*
 * base/limit.h -- what a peer can make us hold is counted against a name.
 *
 * A limit is a counter with a ceiling and a count of its refusals.  Limits
 * nest: taking from one takes from its parents too, all or nothing.  Atomic,
 * no lock, any thread.
 */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include <stdatomic.h>
#include <stdint.h>

struct limit {
	const char	*name;
	struct limit	*parent;	/* or NULL */
	struct limit	*setting;	/* or NULL, see limit_under() */
	uint64_t	 max;
	_Atomic uint64_t used;
	_Atomic uint64_t refused;
};

void	limit_init(struct limit *l, const char *name, uint64_t max,
	    struct limit *parent);

/*
 * One of many that a setting bounds (each connection's streams, say): it has
 * the setting's name and ceiling, and what all of them use and refuse is
 * counted there as well, where it can be seen.
 */
void	limit_under(struct limit *l, struct limit *setting,
	    struct limit *parent);

/* Returns 0 or P2P_ERR_LIMIT; the limit that refused counts it. */
int	limit_take(struct limit *l, uint64_t n);
void	limit_give(struct limit *l, uint64_t n);

#endif
