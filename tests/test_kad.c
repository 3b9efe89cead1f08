/*
 * The DHT as an application has it: hosts over loopback that put, get, provide
 * and find.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "dht.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"

#define HASH	"\x12\x20" "0123456789abcdef0123456789abcdef"

static const struct p2p_record hello = { (const uint8_t *)"/test/hello", 11,
    (const uint8_t *)"world", 5 };

static void
a_record_is_found_from_everywhere(void)
{
	struct p2p_kad_result r;
	struct p2p_record *got;
	struct dht d;
	size_t i;

	dht_start(&d, 8, 6, NULL);
	CHECK_OK(p2p_kad_put(d.node[7].kad, &hello, NULL, &r));
	CHECK_EQ(r.stored, 6);
	CHECK_EQ(r.refused, 0);
	for (i = 0; i < d.n; i++) {
		got = NULL;
		CHECK_OK(p2p_kad_get(d.node[i].kad, hello.key, hello.key_len,
		    NULL, &got, &r));
		if (got != NULL)
			CHECK_BYTES(got->value, got->len, "world", 5);
		free(got);
	}
	CHECK_ERR(p2p_kad_get(d.node[0].kad, "/test/other", 11, NULL, &got,
	    &r), P2P_ERR_NOT_FOUND);
	dht_stop(&d);
}

struct found {
	struct p2p_peer_id	peer[8];
	size_t			n;
};

static bool
on_found(const struct p2p_kad_event *ev, void *arg)
{
	struct found *f = arg;

	if (ev->kind == P2P_KAD_FOUND && f->n < 8)
		f->peer[f->n++] = ev->peer;
	return true;
}

static void
a_provider_is_found_from_everywhere(void)
{
	struct found f = { .n = 0 };
	struct p2p_kad_options o = { .event = on_found, .event_arg = &f };
	struct p2p_kad_result r;
	struct dht d;
	size_t i;

	dht_start(&d, 8, 6, NULL);
	CHECK_ERR(p2p_kad_find_providers(d.node[1].kad, HASH, 34, &o, &r),
	    P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_kad_provide(d.node[6].kad, HASH, 34, NULL, &r));
	CHECK_EQ(r.stored, 6);
	for (i = 0; i < d.n; i++) {
		f.n = 0;
		CHECK_OK(p2p_kad_find_providers(d.node[i].kad, HASH, 34, &o,
		    &r));
		CHECK_EQ(r.found, 1);
		CHECK_EQ(f.n, 1);
		CHECK(p2p_peer_id_equal(&f.peer[0],
		    p2p_host_id(d.node[6].host)));
	}
	dht_stop(&d);
}

static void
a_peer_is_found_and_the_nearest_answer(void)
{
	struct p2p_peer_id near[P2P_KAD_K];
	struct p2p_multiaddr **addrs;
	struct p2p_kad_result r;
	struct dht d;
	size_t n = 0;

	dht_start(&d, 6, 6, NULL);
	CHECK_OK(p2p_kad_find_peer(d.node[1].kad, p2p_host_id(d.node[5].host),
	    NULL, &addrs, &r));
	CHECK(addrs[0] != NULL);
	p2p_host_addresses_free(addrs);
	CHECK_OK(p2p_kad_closest(d.node[2].kad, "anything", 8, NULL, near, &n,
	    &r));
	CHECK_EQ(n, 5);
	dht_stop(&d);
}

/* In how many seconds the only thing that is kept is due. */
static uint64_t
due_in(struct p2p_kad *k)
{
	const struct kad_kept *kept;
	uint64_t due = 0;

	lock_lock(&k->mtx);
	if ((kept = TAILQ_FIRST(&k->kept)) != NULL)
		due = (kept->due - clock_now()) / CLOCK_S;
	lock_unlock(&k->mtx);
	return due;
}

static void
what_reached_nobody_is_due_soon(void)
{
	const struct p2p_kad_options keep = { .keep = true };
	struct dht d;

	dht_start(&d, 1, 1, NULL);
	CHECK_ERR(p2p_kad_put(d.node[0].kad, &hello, &keep, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK(due_in(d.node[0].kad) > 200 && due_in(d.node[0].kad) <= 300);
	dht_stop(&d);
	dht_start(&d, 2, 2, NULL);
	CHECK_OK(p2p_kad_put(d.node[1].kad, &hello, &keep, NULL));
	CHECK(due_in(d.node[1].kad) > 21 * 3600);
	dht_stop(&d);
}

static bool
forget(const struct p2p_kad_event *ev, void *arg)
{
	if (ev->kind == P2P_KAD_STORED)
		CHECK_OK(p2p_kad_forget(arg, hello.key, hello.key_len));
	return true;
}

static void
what_was_forgotten_meanwhile_stays_so(void)
{
	struct p2p_kad_options keep = { .keep = true, .event = forget };
	struct dht d;

	dht_start(&d, 2, 2, NULL);
	keep.event_arg = d.node[1].kad;
	CHECK_OK(p2p_kad_put(d.node[1].kad, &hello, &keep, NULL));
	CHECK_ERR(p2p_kad_forget(d.node[1].kad, hello.key, hello.key_len),
	    P2P_ERR_NOT_FOUND);
	dht_stop(&d);
}

/* Also over a stream that was being served before. */
static void
who_is_closed_answers_nobody(void)
{
	struct p2p_record *got;
	struct dht d;

	dht_start(&d, 2, 2, NULL);
	CHECK_OK(p2p_kad_put(d.node[1].kad, &hello, NULL, NULL));
	p2p_kad_close(d.node[0].kad);
	CHECK_ERR(p2p_kad_get(d.node[1].kad, "/test/other", 11, NULL, &got,
	    NULL), P2P_ERR_NOT_FOUND);
	CHECK(d.node[0].kad->stats.refused >= 1);
	dht_stop(&d);
}

TESTS("kad",
    { "a record is found from everywhere", a_record_is_found_from_everywhere },
    { "a provider is found from everywhere",
	a_provider_is_found_from_everywhere },
    { "what reached nobody is due soon", what_reached_nobody_is_due_soon },
    { "what was forgotten meanwhile stays so",
      what_was_forgotten_meanwhile_stays_so },
    { "who is closed answers nobody", who_is_closed_answers_nobody },
    { "a peer is found, and the nearest answer",
	a_peer_is_found_and_the_nearest_answer })
