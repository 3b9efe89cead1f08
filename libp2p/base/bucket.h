/*
 * base/bucket.h -- a token bucket: so many at once, so many a second.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t	burst, per_s;	/* tokens */
	uint64_t	fill;		/* in units of a token's 1/10^9 */
	uint64_t	time;		/* of fill, base/clock.h */
};

/* Full at the time now. */
void	bucket_init(struct bucket *b, uint64_t burst, uint64_t per_s,
	    uint64_t now);

/* Take one token; false when there is none. */
bool	bucket_take(struct bucket *b, uint64_t now);

#endif
