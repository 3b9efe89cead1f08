/*
 * Which bucket is looked up next, and by what: spec digest T-7.
 */
#include "services/kad/kad_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"
#include "sim/peer.h"

#define AGE	600
#define NOW	100000

static struct kad_table *
table(void)
{
	struct kad_table_params p = { .self = peer(0) };
	struct kad_table *t = NULL;

	CHECK_OK(kad_table_new(&p, &t));
	CHECK_FATAL(t != NULL);
	return t;
}

/* Some peer of that bucket. */
static struct p2p_peer_id
fill(struct kad_table *t, unsigned cpl)
{
	struct p2p_peer_id id;
	struct kad_key key;
	uint32_t n = 0;

	do {
		id = peer(++n);
		CHECK_OK(kad_key_of_peer(&id, &key));
	} while (kad_cpl(kad_table_key(t), &key) != cpl);
	CHECK_OK(kad_table_add(t, &id, NULL, 0, false, 1));
	return id;
}

/* All that is due, from the widest on, each looked up as it comes. */
static uint64_t
round_of(struct kad_table *t, uint64_t now)
{
	uint64_t seen = 0;
	int cpl = -1;

	while ((cpl = kad_refresh_next(t, (unsigned)(cpl + 1), now, AGE)) >=
	    0) {
		CHECK_EQ(seen >> cpl, 0);	/* in order, each once */
		seen |= UINT64_C(1) << cpl;
		kad_table_set_refreshed(t, (unsigned)cpl, now);
	}
	return seen;
}

static void
buckets_come_in_order_and_when_they_are_due(void)
{
	struct kad_table *t = table();
	unsigned i;

	for (i = 0; i < 5; i++)
		(void)fill(t, i);
	CHECK_EQ(kad_refresh_next(t, 0, NOW, AGE), 0);
	CHECK_EQ(kad_refresh_next(t, 3, NOW, AGE), 3);
	CHECK_EQ(kad_refresh_next(t, 5, NOW, AGE), -1);
	CHECK_EQ(round_of(t, NOW), 0x1f);
	CHECK_EQ(round_of(t, NOW), 0);
	CHECK_EQ(round_of(t, NOW + AGE - 1), 0);
	kad_table_set_refreshed(t, 2, NOW + 1);
	CHECK_EQ(round_of(t, NOW + AGE), 0x1b);
	CHECK_EQ(round_of(t, NOW + AGE + 1), 0x04);
	kad_table_free(t);
}

static void
an_empty_table_has_its_first_bucket(void)
{
	struct kad_table *t = table();

	CHECK_EQ(round_of(t, NOW), 0x1);
	kad_table_free(t);
}

/* With nothing in bucket c, none behind 2(c + 1) is looked up. */
static void
a_gap_bounds_what_is_behind_it(void)
{
	static const struct {
		unsigned	filled;		/* all but the last: from 0 */
		uint64_t	seen;
	} list[] = {
		{ 0, 0x007 },		/* gap 0: to 2 */
		{ 1, 0x01f },		/* gap 1: to 4 */
		{ 2, 0x07f },
		{ 3, 0x1ff },
		{ 4, 0x3ff },		/* to 10, but 9 is the last */
		{ 9, 0x3ff },		/* none */
	};
	struct p2p_peer_id last;
	struct kad_table *t;
	unsigned i, j;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		t = table();
		for (j = 0; j < list[i].filled; j++)
			(void)fill(t, j);
		last = fill(t, 9);
		CHECK_EQ(round_of(t, NOW), list[i].seen);
		/* The gap is known from the beginning now. */
		CHECK_EQ(round_of(t, NOW + AGE), list[i].seen);
		CHECK_OK(kad_table_remove(t, &last));
		kad_table_free(t);
	}
}

static void
nothing_is_looked_up_beyond_the_last(void)
{
	struct kad_table *t = table();
	unsigned i;

	for (i = 0; i <= KAD_REFRESH_CPL + 1; i++)
		(void)fill(t, i);
	CHECK_EQ(round_of(t, NOW), 0xffff);
	kad_table_free(t);
}

static void
an_id_is_as_near_as_it_should_be(void)
{
	uint8_t out[KAD_REFRESH_ID_SIZE], other[KAD_REFRESH_ID_SIZE];
	struct p2p_peer_id self, id;
	struct kad_key ours, seed, key;
	uint32_t i;
	unsigned cpl;

	for (cpl = 0; cpl <= KAD_REFRESH_CPL; cpl++) {
		memset(other, 0, sizeof(other));
		for (i = 0; i < 8; i++) {
			self = peer(i);
			CHECK_OK(kad_key_of_peer(&self, &ours));
			CHECK_OK(kad_key_of(&i, sizeof(i), &seed));
			CHECK_OK(kad_refresh_id(&ours, cpl, seed.b, out));
			CHECK_OK(kad_key_of(out, sizeof(out), &key));
			CHECK_EQ(kad_cpl(&ours, &key), cpl);
			/* Others take it for a peer id, and never the same. */
			CHECK_OK(p2p_peer_id_decode(out, sizeof(out), &id));
			CHECK(memcmp(out, other, sizeof(out)) != 0);
			memcpy(other, out, sizeof(out));
		}
		/* The same of the same. */
		CHECK_OK(kad_refresh_id(&ours, cpl, seed.b, out));
		CHECK_BYTES(out, sizeof(out), other, sizeof(other));
	}
}

TESTS("kad_refresh",
    { "buckets come in order and when they are due",
      buckets_come_in_order_and_when_they_are_due },
    { "an empty table has its first bucket",
      an_empty_table_has_its_first_bucket },
    { "a gap bounds what is behind it", a_gap_bounds_what_is_behind_it },
    { "nothing is looked up beyond the last",
      nothing_is_looked_up_beyond_the_last },
    { "an id is as near as it should be", an_id_is_as_near_as_it_should_be })
