#include "base/bucket.h"

void
bucket_init(struct bucket *b, uint64_t burst, uint64_t period, uint64_t now)
{
	const uint64_t full = burst > UINT64_MAX / period ? UINT64_MAX :
	    burst * period;

	*b = (struct bucket){ period, full, full, now };
}

static uint64_t
fill_at(const struct bucket *b, uint64_t now)
{
	/* Threads that race may bring their times out of order. */
	uint64_t gain = now > b->time ? now - b->time : 0;

	return gain > b->full - b->fill ? b->full : b->fill + gain;
}

bool
bucket_full(const struct bucket *b, uint64_t now)
{
	return fill_at(b, now) == b->full;
}

bool
bucket_take(struct bucket *b, uint64_t now)
{
	b->fill = fill_at(b, now);
	b->time = now > b->time ? now : b->time;
	if (b->fill < b->period)
		return false;
	b->fill -= b->period;
	return true;
}
