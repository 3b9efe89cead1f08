#include "base/bucket.h"

#include "base/clock.h"
#include "check.h"

#define MANY	1000000

/* How many it gives at one moment, at most MANY. */
static unsigned
drain(struct bucket *b, uint64_t now)
{
	unsigned n = 0;

	while (n < MANY && bucket_take(b, now))
		n++;
	return n;
}

static void
a_new_bucket_holds_its_burst(void)
{
	struct bucket b;

	bucket_init(&b, 5, CLOCK_S, CLOCK_S);
	CHECK_EQ(drain(&b, CLOCK_S), 5);
	CHECK(!bucket_take(&b, CLOCK_S));
	bucket_init(&b, 0, CLOCK_S, 0);
	CHECK_EQ(drain(&b, 3600 * CLOCK_S), 0);
}

static void
a_token_comes_when_its_time_has_passed(void)
{
	struct bucket b;

	bucket_init(&b, 5, CLOCK_S / 4, 7);
	CHECK_EQ(drain(&b, 7), 5);
	CHECK(!bucket_take(&b, 7 + 250 * CLOCK_MS - 1));
	CHECK(bucket_take(&b, 7 + 250 * CLOCK_MS));
	CHECK(!bucket_take(&b, 7 + 250 * CLOCK_MS));
	CHECK_EQ(drain(&b, 7 + CLOCK_S), 3);
}

/* A thousand refusals in between lose no fraction of a token. */
static void
fractions_add_up(void)
{
	struct bucket b;
	uint64_t i;

	bucket_init(&b, 1, CLOCK_S, 0);
	CHECK(bucket_take(&b, 0));
	for (i = 1; i < 1000; i++)
		CHECK(!bucket_take(&b, i * CLOCK_MS));
	CHECK(bucket_take(&b, CLOCK_S));
}

static void
an_hour_gives_the_burst_and_the_rate(void)
{
	struct bucket b;
	unsigned n = 0;
	uint64_t ms;

	bucket_init(&b, 100, 125 * CLOCK_MS, 0);
	for (ms = 0; ms <= 3600 * 1000; ms++)
		n += bucket_take(&b, ms * CLOCK_MS);
	CHECK_EQ(n, 100 + 8 * 3600);
}

static void
a_long_pause_gives_the_burst_and_no_more(void)
{
	struct bucket b;

	bucket_init(&b, 1000, 30 * CLOCK_MS, 0);
	CHECK_EQ(drain(&b, 0), 1000);
	CHECK_EQ(drain(&b, 365 * 24 * 3600 * CLOCK_S), 1000);
	CHECK_EQ(drain(&b, UINT64_MAX), 1000);
	bucket_init(&b, 10, CLOCK_S, 0);	/* or half of it */
	CHECK(bucket_take(&b, 0));
	CHECK_EQ(drain(&b, UINT64_MAX / 2), 10);
}

static void
a_bucket_is_full_until_it_gives_and_once_refilled(void)
{
	struct bucket b;

	bucket_init(&b, 2, CLOCK_S, 5);
	CHECK(bucket_full(&b, 5));
	CHECK(bucket_take(&b, 5));
	CHECK(!bucket_full(&b, 5));
	CHECK(!bucket_full(&b, 5 + CLOCK_S - 1));
	CHECK(bucket_full(&b, 5 + CLOCK_S));
	CHECK(bucket_full(&b, UINT64_MAX));
	CHECK_EQ(drain(&b, 5), 1);	/* to look takes and gives nothing */
}

/* The longest period and the largest burst do not fit: they saturate. */
static void
large_figures_do_not_wrap(void)
{
	struct bucket b;

	bucket_init(&b, UINT64_MAX, 1, 0);
	CHECK_EQ(drain(&b, 0), MANY);
	CHECK(bucket_take(&b, UINT64_MAX));
	CHECK(b.fill == UINT64_MAX - 1);
	bucket_init(&b, 3, UINT64_MAX, 0);
	CHECK_EQ(drain(&b, 0), 1);
	CHECK(!bucket_take(&b, UINT64_MAX - 1));
	CHECK(bucket_take(&b, UINT64_MAX));
	bucket_init(&b, UINT64_MAX, UINT64_MAX, 0);
	CHECK(bucket_full(&b, 0));
	CHECK_EQ(drain(&b, 0), 1);
}

/* Who read the clock first may come second. */
static void
time_that_runs_backwards_gives_nothing(void)
{
	struct bucket b;

	bucket_init(&b, 5, CLOCK_S, 100 * CLOCK_S);
	CHECK_EQ(drain(&b, 100 * CLOCK_S), 5);
	CHECK(!bucket_full(&b, 100 * CLOCK_S - 1));
	CHECK(!bucket_take(&b, 100 * CLOCK_S - 1));
	CHECK(!bucket_take(&b, 1));
	CHECK(!bucket_take(&b, 101 * CLOCK_S - 1));
	CHECK_EQ(drain(&b, 101 * CLOCK_S), 1);
}

TESTS("bucket",
	{ "a new bucket holds its burst", a_new_bucket_holds_its_burst },
	{ "a token comes when its time has passed",
	    a_token_comes_when_its_time_has_passed },
	{ "fractions add up", fractions_add_up },
	{ "an hour gives the burst and the rate",
	    an_hour_gives_the_burst_and_the_rate },
	{ "a long pause gives the burst and no more",
	    a_long_pause_gives_the_burst_and_no_more },
	{ "a bucket is full until it gives and once refilled",
	    a_bucket_is_full_until_it_gives_and_once_refilled },
	{ "time that runs backwards gives nothing",
	    time_that_runs_backwards_gives_nothing },
	{ "large figures do not wrap", large_figures_do_not_wrap })
