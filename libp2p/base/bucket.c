#include "base/bucket.h"

#include "base/clock.h"

void
bucket_init(struct bucket *b, uint64_t burst, uint64_t per_s, uint64_t now)
{
	*b = (struct bucket){ burst, per_s, burst * CLOCK_S, now };
}

bool
bucket_take(struct bucket *b, uint64_t now)
{
	const uint64_t most = b->burst * CLOCK_S;
	uint64_t gain = now - b->time;

	gain = gain > most / b->per_s ? most : gain * b->per_s;
	b->fill = gain > most - b->fill ? most : b->fill + gain;
	b->time = now;
	if (b->fill < CLOCK_S)
		return false;
	b->fill -= CLOCK_S;
	return true;
}
