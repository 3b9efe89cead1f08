/*
 * The key space and the routing table: vectors of the spec digest (services.md
 * 1.2 and 4.6), then the table's rules.
 */
#include "services/kad/kad_table.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"
#include "sim/peer.h"

static const struct {
	const char	*peer, *key;
} peers[] = {
	{ "12D3KooWLU2znyJMtDiHArqAGbZn8CgUGp92kxDBtefftEEaHSZS",
	  "e43d28f0996557c0d5571d75c62a57a59d7ac1d30a51ecedcdb9d5e4afa56100" },
	{ "12D3KooWRqGdmFVwspgLBajUQacY1TrkBkAUqmjqjbHSFGEoZs9R",
	  "c509ba97c2f7b99335fd7f03792aa3085e58744b7c03893d8027cd85e1109bca" },
	{ "QmWS3xmxj1i659VUoustPU8KGzXkziqzF7BBGXS9fDwyz1",
	  "1805c4b6adaf50e035f4b9ac22208ba81b82c459dba518480b2c264b5703ce57" },
	{ "16Uiu2HAmPu9PZESp4keskcfDkdBvDhs1Dra1aLjfeHRCFHgQoD6L",
	  "1ed029a754c826c2fcbd719bcc349de7224ee58c8d05a71c7732db6e390d7a15" },
	{ "12D3KooWDaHkRyb4Nkf8L6WHbsWB9Krt491NDk8PaPGogXvj2pcY",
	  "13707dc5000a90aa00de262c14489ce4e6cabfd274867a64511608685b57bc54" },
	{ "QmPFdSzvgd1HbZSd6oX2N2vCSnhSEeocbQZsMB42UG8smE",
	  "81626a43fce2d47b0b40b996b7ba6dc34b4d079ae4f43a4a52f49b2823541447" },
	{ "16Uiu2HAm7txvwZbeK5g3oB3DrRhnARTEjTNorVreWJomfHJHbEu2",
	  "53ecee9daf68afbefce05b3e3dec53a733e7c039961d1f64b80ef78d3b049ed4" },
};

/* Multihashes of two CIDs. */
static const struct {
	const char	*bytes, *key;
} hashes[] = {
	{ "1220"
	  "e536c7f88d731f374dccb568aff6f56e838a19382e488039b1ca8ad2599e82fe",
	  "d623250f3f660ab4c3a53d3c97b3f6a0194c548053488d093520206248253bcb" },
	{ "1220"
	  "71d06777738897f4c23c702fedb2ade902cf580439ef4c44e64716150dd92e68",
	  "4af0338073f856116d251ab007114a5dd6ae3df84b0941d00e168037c9538911" },
};

static void
keys_are_those_of_the_vectors(void)
{
	struct p2p_peer_id id;
	struct kad_key key;
	uint8_t *bytes, *want;
	size_t i, len, n;

	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		CHECK_OK(p2p_peer_id_parse(peers[i].peer, &id));
		CHECK_OK(kad_key_of_peer(&id, &key));
		want = check_unhex(peers[i].key, &n);
		CHECK_BYTES(key.b, KAD_KEY_SIZE, want, n);
		free(want);
	}
	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		bytes = check_unhex(hashes[i].bytes, &len);
		CHECK_OK(kad_key_of(bytes, len, &key));
		want = check_unhex(hashes[i].key, &n);
		CHECK_BYTES(key.b, KAD_KEY_SIZE, want, n);
		free(want);
		free(bytes);
	}
}

static void
bits_in_common_are_counted_and_distances_compared(void)
{
	struct kad_key a = { { 0 } }, b = { { 0 } }, zero = { { 0 } };
	unsigned i;

	CHECK_EQ(kad_cpl(&a, &b), KAD_KEY_BITS);
	CHECK_EQ(kad_compare(&zero, &a, &b), 0);
	for (i = 0; i < KAD_KEY_BITS; i++) {
		memset(&b, 0, sizeof(b));
		b.b[i / 8] = (uint8_t)(0x80 >> (i % 8));
		CHECK_EQ(kad_cpl(&a, &b), i);
		CHECK_EQ(kad_cpl(&b, &a), i);
		CHECK(kad_compare(&zero, &a, &b) < 0);
		CHECK(kad_compare(&b, &a, &b) > 0);
		b.b[KAD_KEY_SIZE - 1] |= 1;	/* bits behind do not count */
		CHECK_EQ(kad_cpl(&a, &b), i);
	}
}

static struct kad_table *
table(unsigned group_table, unsigned group_bucket)
{
	struct kad_table_params p = { .self = peer(0),
	    .group_table = group_table, .group_bucket = group_bucket };
	struct kad_table *t = NULL;

	CHECK_OK(kad_table_new(&p, &t));
	CHECK_FATAL(t != NULL);
	return t;
}

static int
add(struct kad_table *t, uint32_t n, bool replaceable)
{
	struct p2p_peer_id id = peer(n);

	return kad_table_add(t, &id, NULL, 0, replaceable, 1);
}

/* The next number above n whose key shares cpl bits with ours. */
static uint32_t
in_bucket(const struct kad_table *t, unsigned cpl, uint32_t n)
{
	struct p2p_peer_id id;
	struct kad_key key;

	do {
		id = peer(++n);
		CHECK_OK(kad_key_of_peer(&id, &key));
	} while (kad_cpl(kad_table_key(t), &key) != cpl);
	return n;
}

static void
a_bucket_takes_twenty_and_keeps_them(void)
{
	struct kad_table *t = table(0, 0);
	struct p2p_peer_id id;
	uint32_t n = 0, first = 0;
	int i;

	CHECK_ERR(add(t, 0, false), P2P_ERR_SELF);
	for (i = 0; i < KAD_K; i++) {
		n = in_bucket(t, 1, n);
		first = i == 0 ? n : first;
		CHECK_OK(add(t, n, false));
		CHECK_ERR(add(t, n, false), P2P_ERR_EXISTS);
	}
	n = in_bucket(t, 1, n);
	CHECK_ERR(add(t, n, false), P2P_ERR_LIMIT);
	CHECK_OK(add(t, in_bucket(t, 2, 0), false));	/* another has room */
	CHECK_EQ(kad_table_size(t), KAD_K + 1);
	CHECK_EQ(kad_table_bucket_size(t, 1), KAD_K);
	id = peer(first);
	CHECK_OK(kad_table_remove(t, &id));
	CHECK_ERR(kad_table_remove(t, &id), P2P_ERR_NOT_FOUND);
	CHECK(kad_table_find(t, &id) == NULL);
	CHECK_OK(add(t, n, false));
	kad_table_free(t);
}

static void
who_is_replaceable_gives_way_until_the_table_settles(void)
{
	struct kad_table *t = table(0, 0);
	struct p2p_peer_id oldest, newer;
	uint32_t n = 0, list[KAD_K + 4];
	int i;

	for (i = 0; i < KAD_K + 4; i++)
		list[i] = n = in_bucket(t, 0, n);
	for (i = 0; i < KAD_K; i++)
		CHECK_OK(add(t, list[i], i < 3));
	oldest = peer(list[0]);
	newer = peer(list[1]);
	CHECK_OK(add(t, list[KAD_K], false));
	CHECK(kad_table_find(t, &oldest) == NULL);
	/* Named again as one that stays. */
	CHECK_ERR(add(t, list[1], false), P2P_ERR_EXISTS);
	CHECK_OK(add(t, list[KAD_K + 1], false));
	CHECK(kad_table_find(t, &newer) != NULL);
	CHECK_ERR(add(t, list[KAD_K + 2], false), P2P_ERR_LIMIT);
	CHECK_EQ(kad_table_size(t), KAD_K);
	kad_table_free(t);
	t = table(0, 0);
	for (i = 0; i < KAD_K; i++)
		CHECK_OK(add(t, list[i], true));
	kad_table_settle(t);
	CHECK_ERR(add(t, list[KAD_K], false), P2P_ERR_LIMIT);
	kad_table_free(t);
}

/* D1: two of a group in a bucket, three in the table. */
static void
address_groups_are_limited(void)
{
	struct kad_table *t = table(3, 2);
	uint64_t group = 7, both[] = { 7, 9 };
	struct p2p_peer_id id;
	uint32_t n = 0, i, taken = 0;

	for (i = 0; i < 3; i++) {
		id = peer(n = in_bucket(t, 0, n));
		CHECK_ERR(kad_table_add(t, &id, &group, 1, false, 1),
		    i < 2 ? 0 : P2P_ERR_REFUSED);
	}
	id = peer(in_bucket(t, 1, 0));
	CHECK_OK(kad_table_add(t, &id, both, 2, false, 1));
	id = peer(in_bucket(t, 2, 0));
	CHECK_ERR(kad_table_add(t, &id, both, 2, false, 1), P2P_ERR_REFUSED);
	CHECK_OK(kad_table_add(t, &id, &both[1], 1, false, 1));
	for (i = 1000; i < 1200; i++) {
		id = peer(i);
		taken += kad_table_add(t, &id, &group, 1, false, 1) == 0;
	}
	CHECK_EQ(taken, 0);
	for (i = 0; i < 3; i++)		/* without an address: no group */
		CHECK_OK(add(t, n = in_bucket(t, 3, n), false));
	kad_table_free(t);
}

/* All that there is, sorted, against what the table finds. */
static const struct kad_key *by_target;

static int
nearer(const void *a, const void *b)
{
	struct kad_key x, y;

	CHECK_OK(kad_key_of_peer(a, &x));
	CHECK_OK(kad_key_of_peer(b, &y));
	return kad_compare(by_target, &x, &y);
}

static void
the_nearest_are_the_nearest(void)
{
	struct kad_table *t = table(0, 0);
	struct p2p_peer_id in[2000], out[2 * KAD_K], self = peer(0);
	struct kad_key target;
	size_t n = 0, got, want, k;
	uint32_t i, bad = 0;

	for (i = 1; i <= 2000; i++)
		if (add(t, i, false) == 0)
			in[n++] = peer(i);
	CHECK_EQ(kad_table_size(t), n);
	for (i = 0; i < 300; i++) {
		CHECK_OK(kad_key_of(&i, sizeof(i), &target));
		if (i == 0)
			target = *kad_table_key(t);
		by_target = &target;
		qsort(in, n, sizeof(in[0]), nearer);
		k = 1 + i % (2 * KAD_K);
		got = kad_table_nearest(t, &target, NULL, out, k);
		want = k < n ? k : n;
		CHECK_EQ(got, want);
		bad += memcmp(in, out, got * sizeof(out[0])) != 0;
		got = kad_table_nearest(t, &target, &in[0], out, k);
		bad += memcmp(in + 1, out, got * sizeof(out[0])) != 0;
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(kad_table_nearest(t, &target, &self, out, 0), 0);
	kad_table_free(t);
}

static void
how_a_peer_is_told_of_is_kept_with_it(void)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct kad_table *t = table(0, 0);
	struct p2p_peer_id a = peer(1), b = peer(2);
	const struct kad_entry *en;

	CHECK_OK(add(t, 1, false));
	kad_table_tell(t, &b, (struct rd){ bytes, 3 }, 5);	/* not there */
	en = kad_table_find(t, &a);
	CHECK(en->told_at == 0 && en->told.len == 0);
	kad_table_tell(t, &a, (struct rd){ bytes, 2 }, 5);
	kad_table_tell(t, &a, (struct rd){ bytes, 3 }, 7);
	CHECK(en->told_at == 7 && rd_equal(&en->told, bytes, 3));
	kad_table_tell_anew(t, &a);
	kad_table_tell_anew(t, &b);
	CHECK(en->told_at == 0 && rd_equal(&en->told, bytes, 3));
	kad_table_tell(t, &a, (struct rd){ NULL, 0 }, 8);
	CHECK(en->told_at == 8 && en->told.len == 0);
	kad_table_tell(t, &a, (struct rd){ bytes, 3 }, 9);
	CHECK_OK(kad_table_remove(t, &a));
	kad_table_free(t);
}

static void
who_has_not_answered_for_long_is_stale(void)
{
	struct kad_table *t = table(0, 0);
	struct p2p_peer_id a = peer(1), b = peer(2), c = peer(3), out[4];

	CHECK_OK(kad_table_add(t, &a, NULL, 0, false, 100));
	CHECK_OK(kad_table_add(t, &b, NULL, 0, false, 100));
	CHECK_OK(kad_table_add(t, &c, NULL, 0, false, 500));
	kad_table_answered(t, &a, 400);
	kad_table_useful(t, &a, 401);
	CHECK_EQ(kad_table_stale(t, 300, out, 4), 1);
	CHECK(p2p_peer_id_equal(&out[0], &b));
	CHECK_EQ(kad_table_stale(t, 450, out, 4), 2);
	CHECK_EQ(kad_table_stale(t, 1000, out, 2), 2);
	CHECK_EQ(kad_table_find(t, &a)->useful, 401);
	kad_table_free(t);
}

TESTS("kad_table",
    { "keys are those of the vectors", keys_are_those_of_the_vectors },
    { "bits in common are counted and distances compared",
      bits_in_common_are_counted_and_distances_compared },
    { "a bucket takes twenty and keeps them",
      a_bucket_takes_twenty_and_keeps_them },
    { "who is replaceable gives way until the table settles",
      who_is_replaceable_gives_way_until_the_table_settles },
    { "address groups are limited", address_groups_are_limited },
    { "the nearest are the nearest", the_nearest_are_the_nearest },
    { "how a peer is told of is kept with it",
      how_a_peer_is_told_of_is_kept_with_it },
    { "who has not answered for long is stale",
      who_has_not_answered_for_long_is_stale })
