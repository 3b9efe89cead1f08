/*
 * How large the network is, from simulated ones of known size; and whether
 * somebody sits around a key.
 */
#include "services/kad/kad_size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define NEAR	20
#define LARGEST	10000
#define LOOKUPS	1000

static struct kad_key net[LARGEST];

/* Keys by number: the same in each run. */
static struct kad_key
key_of(uint32_t kind, uint32_t i)
{
	uint32_t bytes[2] = { kind, i };
	struct kad_key key;

	CHECK_OK(kad_key_of(bytes, sizeof(bytes), &key));
	return key;
}

static void
populate(uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		net[i] = key_of(n, i);
}

/* The nearest of a list, nearest first. */
static void
nearest(const struct kad_key *list, size_t n, const struct kad_key *target,
    struct kad_key *out)
{
	size_t i, at, have = 0;

	for (i = 0; i < n; i++) {
		if (have == NEAR && kad_compare(target, &list[i],
		    &out[NEAR - 1]) >= 0)
			continue;
		at = have < NEAR ? have++ : NEAR - 1;
		for (; at > 0 && kad_compare(target, &list[i], &out[at - 1]) <
		    0; at--)
			out[at] = out[at - 1];
		out[at] = list[i];
	}
}

static void
sample(struct kad_size *s, uint32_t n, uint32_t which)
{
	struct kad_key target = key_of(1, which), near[NEAR];

	nearest(net, n, &target, near);
	kad_size_sample(s, &target, near, NEAR);
}

static void
a_network_is_guessed_within_a_quarter(void)
{
	static const uint32_t sizes[] = { 100, 1000, LARGEST };
	struct kad_size s;
	double guess;
	uint32_t j;
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(&s, 0, sizeof(s));
		populate(sizes[i]);
		for (j = 0; j < KAD_SIZE_LEAST; j++) {
			CHECK(kad_size_guess(&s) == 0);
			sample(&s, sizes[i], j);
		}
		/* The first guess is rough, but no wild one. */
		guess = kad_size_guess(&s);
		CHECK(guess > sizes[i] / 2.0 && guess < sizes[i] * 2.0);
		for (; j < 2 * KAD_SIZE_SAMPLES; j++)
			sample(&s, sizes[i], j);
		guess = kad_size_guess(&s);
		CHECK(guess > sizes[i] / 1.25 && guess < sizes[i] * 1.25);
	}
}

/* The latest count: a network that has grown is not what it was. */
static void
old_samples_are_forgotten(void)
{
	struct kad_size s = { .n = 0 };
	uint32_t j;

	populate(100);
	for (j = 0; j < KAD_SIZE_SAMPLES; j++)
		sample(&s, 100, j);
	CHECK(kad_size_guess(&s) < 150);
	populate(1000);
	for (j = 0; j < KAD_SIZE_SAMPLES; j++)
		sample(&s, 1000, j);
	CHECK(kad_size_guess(&s) > 700);
}

static void
what_says_little_is_no_sample(void)
{
	struct kad_key target = key_of(1, 0), near[NEAR];
	struct kad_size s = { .n = 0 };
	int i;

	populate(100);
	nearest(net, 100, &target, near);
	kad_size_sample(&s, &target, near, 7);
	kad_size_sample(&s, &target, near, 0);
	CHECK_EQ(s.n, 0);
	kad_size_sample(&s, &target, near, 8);
	CHECK_EQ(s.n, 1);
	/* All at the target itself: no division by nothing. */
	for (i = 0; i < NEAR; i++)
		near[i] = target;
	kad_size_sample(&s, &target, near, NEAR);
	CHECK_EQ(s.n, 1);
	CHECK(!kad_size_crowded(&s, &target, near, NEAR));
}

/* D6: nobody is accused in a thousand look-ups. */
static void
an_honest_network_is_not_crowded(void)
{
	static const uint32_t sizes[] = { 100, 1000, LARGEST };
	struct kad_key target, near[NEAR];
	struct kad_size s;
	uint32_t j, alarms;
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(&s, 0, sizeof(s));
		populate(sizes[i]);
		for (j = 0; j < KAD_SIZE_SAMPLES; j++)
			sample(&s, sizes[i], j);
		for (j = alarms = 0; j < LOOKUPS; j++) {
			target = key_of(2, j);
			nearest(net, sizes[i], &target, near);
			alarms += kad_size_crowded(&s, &target, near, NEAR);
		}
		CHECK_EQ(alarms, 0);
	}
}

/*
 * Twenty of somebody's are nearer to a key than all others: they have so many
 * bits in common with it as one in 4 n has.
 */
static void
surround(const struct kad_key *target, uint32_t n, uint32_t which,
    struct kad_key *out)
{
	unsigned bits = (unsigned)ceil(log2(4.0 * n)), b;
	struct kad_key all[NEAR];
	uint32_t i;

	for (i = 0; i < NEAR; i++) {
		all[i] = key_of(3, which * NEAR + i);
		for (b = 0; b < bits; b++) {
			all[i].b[b / 8] &= (uint8_t)~(0x80 >> b % 8);
			all[i].b[b / 8] |= target->b[b / 8] & 0x80 >> b % 8;
		}
	}
	nearest(all, NEAR, target, out);
}

/* D6: arXiv 2307.12212, "content censorship". */
static void
twenty_around_a_key_are_a_crowd(void)
{
	static const uint32_t sizes[] = { 100, 1000, LARGEST };
	struct kad_key target, near[NEAR];
	struct kad_size s;
	uint32_t j, alarms;
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(&s, 0, sizeof(s));
		populate(sizes[i]);
		target = key_of(2, 0);
		surround(&target, sizes[i], 0, near);
		CHECK(!kad_size_crowded(&s, &target, near, NEAR));
		for (j = 0; j < KAD_SIZE_SAMPLES; j++)
			sample(&s, sizes[i], j);
		for (j = alarms = 0; j < 100; j++) {
			target = key_of(2, j);
			surround(&target, sizes[i], j, near);
			alarms += kad_size_crowded(&s, &target, near, NEAR);
			/* Nineteen are no answer to go by. */
			CHECK(!kad_size_crowded(&s, &target, near, NEAR - 1));
		}
		CHECK_EQ(alarms, 100);
	}
}

TESTS("kad_size",
    { "a network is guessed within a quarter",
      a_network_is_guessed_within_a_quarter },
    { "old samples are forgotten", old_samples_are_forgotten },
    { "what says little is no sample", what_says_little_is_no_sample },
    { "an honest network is not crowded", an_honest_network_is_not_crowded },
    { "twenty around a key are a crowd", twenty_around_a_key_are_a_crowd })
