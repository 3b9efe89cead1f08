/*
 * Look-ups over a made-up network: every node knows some others, and answers
 * with the nearest that it knows.
 */
#include "services/kad/kad_query.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"
#include "services/kad/kad_table.h"
#include "sim/peer.h"

#define NODES	300

struct net {
	struct kad_table	*tables[NODES];
	bool			 dead[NODES];
};

static void
net_init(struct net *net)
{
	struct kad_table_params p = { .group_table = 0 };
	struct p2p_peer_id id;
	uint32_t i, j;

	memset(net, 0, sizeof(*net));
	for (i = 0; i < NODES; i++) {
		p.self = peer(i);
		CHECK_OK(kad_table_new(&p, &net->tables[i]));
		for (j = 0; j < NODES; j++) {
			id = peer((i * 7 + j * 11) % NODES);
			(void)!kad_table_add(net->tables[i], &id, NULL, 0,
			    false, 1);
		}
	}
}

static void
net_fini(struct net *net)
{
	size_t i;

	for (i = 0; i < NODES; i++)
		kad_table_free(net->tables[i]);
}

static struct kad_query *
begin(const struct net *net, uint32_t from, const struct kad_key *target)
{
	struct kad_query_params p = { .target = *target, .self = peer(from) };
	struct p2p_peer_id seeds[KAD_K];
	struct kad_query *q = NULL;
	size_t n;

	n = kad_table_nearest(net->tables[from], target, NULL, seeds, KAD_K);
	CHECK_OK(kad_query_new(&p, seeds, n, &q));
	CHECK_FATAL(q != NULL);
	return q;
}

/* Everybody who is asked answers, or is dead, in the order of asking. */
static void
run(const struct net *net, struct kad_query *q)
{
	struct p2p_peer_id ask, closer[KAD_K];
	struct kad_key target = { { 0 } };
	uint32_t who;
	size_t n;

	CHECK_OK(kad_key_of("target", 6, &target));
	while (!kad_query_done(q)) {
		CHECK_FATAL(kad_query_next(q, &ask));
		who = number(&ask);
		if (who >= NODES || net->dead[who]) {
			kad_query_failed(q, &ask);
			continue;
		}
		n = kad_table_nearest(net->tables[who], &target, NULL, closer,
		    KAD_K);
		CHECK_OK(kad_query_answered(q, &ask, closer, n));
	}
	CHECK(!kad_query_next(q, &ask));
}

static const struct kad_key *by_target;

static int
nearer(const void *a, const void *b)
{
	struct kad_key x, y;

	CHECK_OK(kad_key_of_peer(a, &x));
	CHECK_OK(kad_key_of_peer(b, &y));
	return kad_compare(by_target, &x, &y);
}

/* The live ones in order of their distance, without the one who asks. */
static size_t
sorted(const struct net *net, uint32_t without, const struct kad_key *target,
    struct p2p_peer_id *out)
{
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < NODES; i++)
		if (i != without && !net->dead[i])
			out[n++] = peer(i);
	by_target = target;
	qsort(out, n, sizeof(out[0]), nearer);
	return n;
}

static void
a_lookup_finds_the_nearest_of_all(void)
{
	struct p2p_peer_id all[NODES], got[KAD_K];
	struct kad_key target;
	struct kad_query *q;
	struct net net;
	uint32_t from;

	net_init(&net);
	CHECK_OK(kad_key_of("target", 6, &target));
	for (from = 0; from < 30; from++) {
		(void)sorted(&net, from, &target, all);
		q = begin(&net, from, &target);
		run(&net, q);
		CHECK_EQ(kad_query_result(q, got, KAD_BETA), KAD_BETA);
		CHECK(memcmp(got, all, KAD_BETA * sizeof(got[0])) == 0);
		CHECK(kad_query_asked(q) <= 40);
		kad_query_follow_up(q);
		run(&net, q);
		CHECK_EQ(kad_query_result(q, got, KAD_K), KAD_K);
		CHECK(memcmp(got, all, sizeof(got)) == 0);
		CHECK_EQ(kad_query_failures(q), 0);
		kad_query_free(q);
	}
	net_fini(&net);
}

/* KAD-5: half of all are gone; the rest is found all the same. */
static void
dead_peers_are_passed_over(void)
{
	struct p2p_peer_id all[NODES], got[KAD_K];
	struct kad_key target;
	struct kad_query *q;
	struct net net;
	size_t i;

	net_init(&net);
	for (i = 1; i < NODES; i += 2)
		net.dead[i] = true;
	CHECK_OK(kad_key_of("target", 6, &target));
	(void)sorted(&net, 0, &target, all);
	q = begin(&net, 0, &target);
	kad_query_follow_up(q);
	run(&net, q);
	CHECK_EQ(kad_query_result(q, got, KAD_K), KAD_K);
	CHECK(memcmp(got, all, sizeof(got)) == 0);
	CHECK(kad_query_failures(q) > 0);
	kad_query_free(q);
	net_fini(&net);
}

static void
few_peers_are_enough(void)
{
	struct kad_query_params p = { .self = peer(0) };
	struct p2p_peer_id one[3] = { peer(1), peer(0), peer(2) }, ask, got[4];
	struct kad_query *q;

	CHECK_OK(kad_key_of("x", 1, &p.target));
	CHECK_ERR(kad_query_new(&p, NULL, 0, &q), P2P_ERR_NOT_FOUND);
	CHECK_ERR(kad_query_new(&p, &one[1], 1, &q), P2P_ERR_NOT_FOUND);
	CHECK_OK(kad_query_new(&p, one, 1, &q));
	CHECK(!kad_query_done(q));
	CHECK(kad_query_next(q, &ask));
	CHECK(!kad_query_next(q, &ask));
	CHECK(!kad_query_done(q));
	/* It names itself, the one who asks, and nobody else. */
	CHECK_OK(kad_query_answered(q, &one[0], one, 2));
	CHECK(kad_query_done(q));
	CHECK_EQ(kad_query_result(q, got, 4), 1);
	CHECK(p2p_peer_id_equal(&got[0], &one[0]));
	CHECK_EQ(kad_query_hops(q, &one[0]), 0);
	kad_query_free(q);
	CHECK_OK(kad_query_new(&p, one, 1, &q));
	CHECK(kad_query_next(q, &ask));
	CHECK_OK(kad_query_answered(q, &one[0], &one[2], 1));
	CHECK_EQ(kad_query_hops(q, &one[2]), 1);
	CHECK(kad_query_next(q, &ask));
	kad_query_failed(q, &ask);
	CHECK(kad_query_done(q));
	CHECK_EQ(kad_query_result(q, got, 4), 1);
	CHECK_EQ(kad_query_asked(q), 2);
	CHECK_EQ(kad_query_failures(q), 1);
	kad_query_free(q);
}

/* No more than alpha at once; answers that nobody waits for do not count. */
static void
who_was_not_asked_does_not_answer(void)
{
	struct kad_query_params p = { .self = peer(0), .alpha = 2 };
	struct p2p_peer_id seeds[5], ask[2], more;
	struct kad_query *q;
	size_t i;

	for (i = 0; i < 5; i++)
		seeds[i] = peer((uint32_t)i + 1);
	CHECK_OK(kad_key_of("x", 1, &p.target));
	CHECK_OK(kad_query_new(&p, seeds, 5, &q));
	CHECK(kad_query_next(q, &ask[0]));
	CHECK(kad_query_next(q, &ask[1]));
	CHECK(!kad_query_next(q, &more));
	for (i = 0; i < 5; i++)
		if (!p2p_peer_id_equal(&seeds[i], &ask[0]) &&
		    !p2p_peer_id_equal(&seeds[i], &ask[1]))
			CHECK_OK(kad_query_answered(q, &seeds[i], seeds, 5));
	CHECK(!kad_query_next(q, &more));
	CHECK_OK(kad_query_answered(q, &ask[0], NULL, 0));
	CHECK_OK(kad_query_answered(q, &ask[0], NULL, 0));
	kad_query_failed(q, &ask[0]);
	CHECK_EQ(kad_query_failures(q), 0);
	CHECK(kad_query_next(q, &more));
	CHECK(!kad_query_next(q, &more));
	kad_query_free(q);
}

/* Who could not be asked has not failed: it is next again, and counts once. */
static void
who_could_not_be_asked_is_asked_again(void)
{
	struct kad_query_params p = { .self = peer(0), .alpha = 1,
	    .asked_max = 2 };
	struct p2p_peer_id seeds[3], ask, again;
	struct kad_query *q;
	size_t i;

	for (i = 0; i < 3; i++)
		seeds[i] = peer((uint32_t)i + 1);
	CHECK_OK(kad_key_of("x", 1, &p.target));
	CHECK_OK(kad_query_new(&p, seeds, 3, &q));
	for (i = 0; i < 5; i++) {
		CHECK(kad_query_next(q, &ask));
		CHECK(!kad_query_next(q, &again));
		kad_query_put_back(q, &ask);
		CHECK(!kad_query_done(q));
		CHECK_EQ(kad_query_asked(q), 0);
	}
	CHECK(kad_query_next(q, &again));
	CHECK(p2p_peer_id_equal(&ask, &again));
	CHECK_OK(kad_query_answered(q, &again, NULL, 0));
	kad_query_put_back(q, &again);		/* it was asked */
	CHECK(kad_query_next(q, &again));
	CHECK(!p2p_peer_id_equal(&ask, &again));
	CHECK_EQ(kad_query_failures(q), 0);
	CHECK_EQ(kad_query_asked(q), 2);
	kad_query_free(q);
}

/* The n-th of ever closer ids, which nobody has. */
static struct p2p_peer_id
invent(const struct kad_key *target, uint32_t *from)
{
	struct p2p_peer_id id;
	struct kad_key key;

	do {
		id = peer(NODES + ++*from);
		CHECK_OK(kad_key_of_peer(&id, &key));
	} while (kad_cpl(&key, target) < 8);
	return id;
}

/* D4: a liar costs a few messages and no more. */
static void
ever_closer_inventions_do_not_keep_it_busy(void)
{
	struct p2p_peer_id all[NODES], got[KAD_BETA], lies[KAD_K], ask;
	struct p2p_peer_id closer[KAD_K];
	struct kad_key target;
	struct kad_query *q;
	struct net net;
	uint32_t from = 0, who;
	size_t n, i;

	net_init(&net);
	CHECK_OK(kad_key_of("target", 6, &target));
	(void)sorted(&net, 0, &target, all);
	q = begin(&net, 0, &target);
	while (!kad_query_done(q)) {
		CHECK_FATAL(kad_query_next(q, &ask));
		if ((who = number(&ask)) >= NODES) {
			kad_query_failed(q, &ask);
			continue;
		}
		n = kad_table_nearest(net.tables[who], &target, NULL, closer,
		    KAD_K);
		for (i = 0; i < KAD_K; i++)
			lies[i] = invent(&target, &from);
		/* Every fourth is one, the best nodes excepted. */
		if (who % 4 == 0 && !p2p_peer_id_equal(&ask, &all[0]))
			CHECK_OK(kad_query_answered(q, &ask, lies, KAD_K));
		else
			CHECK_OK(kad_query_answered(q, &ask, closer, n));
	}
	CHECK_EQ(kad_query_result(q, got, KAD_BETA), KAD_BETA);
	CHECK(p2p_peer_id_equal(&got[0], &all[0]));
	CHECK(kad_query_asked(q) <= 100);
	kad_query_free(q);
	net_fini(&net);
}

static void
a_lookup_ends_after_so_many_questions(void)
{
	struct kad_query_params p = { .self = peer(0), .asked_max = 50 };
	struct p2p_peer_id seed = peer(1), ask, next[2 * KAD_CLOSER_MAX];
	struct kad_query *q;
	uint32_t n = 1, asked = 0;
	size_t i;

	CHECK_OK(kad_key_of("x", 1, &p.target));
	CHECK_OK(kad_query_new(&p, &seed, 1, &q));
	kad_query_follow_up(q);
	while (kad_query_next(q, &ask)) {
		asked++;
		for (i = 0; i < 2 * KAD_CLOSER_MAX; i++)
			next[i] = peer(++n);
		/* They all answer, with others, for ever. */
		CHECK_OK(kad_query_answered(q, &ask, next,
		    2 * KAD_CLOSER_MAX));
	}
	CHECK(asked <= 50);
	CHECK(kad_query_done(q));
	kad_query_free(q);
}

static void
who_was_put_back_is_asked_again(void)
{
	struct kad_query_params p = { .self = peer(0), .asked_max = 1 };
	struct p2p_peer_id seed = peer(1), ask;
	struct kad_query *q;
	int i;

	CHECK_OK(kad_key_of("x", 1, &p.target));
	CHECK_OK(kad_query_new(&p, &seed, 1, &q));
	for (i = 0; i < 3; i++) {
		CHECK(kad_query_next(q, &ask));
		CHECK(p2p_peer_id_equal(&ask, &seed));
		CHECK_EQ(kad_query_asked(q), 1);
		kad_query_put_back(q, &ask);
		CHECK_EQ(kad_query_asked(q), 0);
		CHECK(!kad_query_done(q));
		kad_query_put_back(q, &ask);
		CHECK_EQ(kad_query_asked(q), 0);
	}
	CHECK(kad_query_next(q, &ask));
	CHECK_OK(kad_query_answered(q, &ask, NULL, 0));
	CHECK_EQ(kad_query_failures(q), 0);
	CHECK(kad_query_done(q));
	kad_query_free(q);
}

TESTS("kad_query",
    { "a lookup finds the nearest of all", a_lookup_finds_the_nearest_of_all },
    { "dead peers are passed over", dead_peers_are_passed_over },
    { "few peers are enough", few_peers_are_enough },
    { "who was not asked does not answer",
      who_was_not_asked_does_not_answer },
    { "who could not be asked is asked again",
      who_could_not_be_asked_is_asked_again },
    { "ever closer inventions do not keep it busy",
      ever_closer_inventions_do_not_keep_it_busy },
    { "who was put back is asked again", who_was_put_back_is_asked_again },
    { "a lookup ends after so many questions",
      a_lookup_ends_after_so_many_questions })
