/*
 * services/kad/kad_size.h -- how many peers there are, from what look-ups find.
 *
 * Among n keys that fell evenly, the i-th nearest to a random target is at
 * i/(n+1) of the space.  Look-ups for random targets give samples; who then
 * finds many more peers near one key than there should be looks at somebody's
 * Sybils.
 */
#ifndef KAD_SIZE_H
#define KAD_SIZE_H

#include "services/kad/kad_key.h"

#define KAD_SIZE_SAMPLES	32	/* the latest */
#define KAD_SIZE_LEAST		3	/* below it there is no guess */

struct kad_size {
	double		samples[KAD_SIZE_SAMPLES];	/* peers, as guessed */
	unsigned	n, next;
};

/* The keys nearest to a random target, nearest first; a few say little. */
void	kad_size_sample(struct kad_size *s, const struct kad_key *target,
	    const struct kad_key *nearest, size_t n);

/* The median of the samples; 0: too few. */
double	kad_size_guess(const struct kad_size *s);

/*
 * Whether so many keys so near to a target are no accident: fewer than one
 * network in ten million of that size would have them.  False without a guess.
 */
bool	kad_size_crowded(const struct kad_size *s,
	    const struct kad_key *target, const struct kad_key *nearest,
	    size_t n);

#endif
