/*
 * base/bucket.h -- a token bucket: so many at once, then one every so often.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t	period;		/* ns that a token takes */
	uint64_t	full;		/* fill of a full bucket */
	uint64_t	fill;		/* ns worth of tokens */
	uint64_t	time;		/* of fill, base/clock.h */
};

/* Full at the time now; period is not 0. */
void	bucket_init(struct bucket *b, uint64_t burst, uint64_t period,
	    uint64_t now);

/* Take one token; false when there is none. */
bool	bucket_take(struct bucket *b, uint64_t now);

/* Whether it is full at that time: nothing is lost when it is forgotten. */
bool	bucket_full(const struct bucket *b, uint64_t now);

#endif
