/*
 * The calls of a client of the DHT, over hosts on loopback: which of several
 * records comes out, what is told meanwhile, and how a call ends early.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "dht.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "rogue.h"
#include "services/kad/kad.h"

#define HASH	"\x12\x20" "0123456789abcdef0123456789abcdef"
#define HASH_LEN 34
#define KEY	"/seq/key"

/* Values are digits: the higher is the better. */
static int
digit(const struct p2p_record *r, uint64_t now, void *arg)
{
	(void)now;
	(void)arg;
	return r->len == 1 && r->value[0] >= '0' && r->value[0] <= '9' ? 0 :
	    P2P_ERR_FORMAT;
}

static int
higher(const struct p2p_record *a, const struct p2p_record *b, void *arg)
{
	(void)arg;
	return a->value[0] - b->value[0];
}

static const struct p2p_record_rule rules[] = {
	{ .name = "seq", .validate = digit, .compare = higher },
	{ .name = NULL },
};

static struct p2p_kad_config
config(enum p2p_kad_mode mode)
{
	struct p2p_kad_config c = dht_config(mode);

	c.rules = rules;
	return c;
}

static struct p2p_record
version(const char *value)
{
	return (struct p2p_record){ (const uint8_t *)KEY, strlen(KEY),
	    (const uint8_t *)value, 1 };
}

/* n servers and one client behind them, who all know each other. */
static void
start(struct dht *d, size_t servers)
{
	struct p2p_kad_config c = config(P2P_KAD_SERVER);
	size_t i, j;

	dht_start(d, servers + 1, servers, &c);
	for (i = 0; i <= servers; i++) {
		for (j = 0; j < servers; j++)
			if (i != j)
				dht_join(&d->node[i], &d->node[j]);
		dht_settles(&d->node[i], servers - (i < servers));
	}
}

/* As if somebody had put it there. */
static void
plant(struct dht_node *n, const char *value)
{
	struct p2p_record r = version(value);

	CHECK_OK(kad_store_put(&n->kad->store, &r, NULL, clock_wall_ns()));
}

/* What a node keeps: a digit, or a space. */
static char
kept_by(struct dht_node *n)
{
	struct kad_stored *s;
	char c = ' ';

	if (kad_store_get(&n->kad->store, KEY, strlen(KEY), clock_wall_ns(),
	    &s) == 0) {
		c = (char)s->record.value[0];
		free(s);
	}
	return c;
}

/* The value that comes out, or a space and the error. */
static char
get(struct dht_node *n, const struct p2p_kad_options *o,
    struct p2p_kad_result *r, int *e)
{
	struct p2p_record *got = NULL;
	char c = ' ';

	*e = p2p_kad_get(n->kad, KEY, strlen(KEY), o, &got, r);
	if (*e == 0) {
		CHECK_BYTES(got->key, got->key_len, KEY, strlen(KEY));
		CHECK_EQ(got->len, 1);
		c = (char)got->value[0];
	}
	free(got);
	return c;
}

/* O-2, O-3. */
static void
the_best_version_comes_out_and_spreads(void)
{
	static const char *const versions[] = { "3", "7", NULL, "5", NULL };
	struct p2p_kad_result r;
	struct dht d;
	size_t i;
	int e;

	start(&d, 5);
	for (i = 0; i < 5; i++)
		if (versions[i] != NULL)
			plant(&d.node[i], versions[i]);
	CHECK_EQ(get(&d.node[5], NULL, &r, &e), '7');
	CHECK_OK(e);
	CHECK_EQ(r.asked, 5);
	CHECK_EQ(r.found, 3);
	for (i = 0; i < 5; i++)
		CHECK_EQ(kept_by(&d.node[i]), '7');
	/* What we keep ourselves is one answer more, and may be the best. */
	plant(&d.node[5], "9");
	CHECK_EQ(get(&d.node[5], NULL, &r, &e), '9');
	CHECK_EQ(r.found, 6);
	for (i = 0; i < 5; i++)
		CHECK_EQ(kept_by(&d.node[i]), '9');
	dht_stop(&d);
}

#define ROGUES	5

/* Rogues of which the farthest says nothing before the others were heard. */
struct latecomer {
	struct rogue	 rogue[ROGUES];
	atomic_bool	 heard;
	unsigned	 answers;
};

static bool
is_set(void *flag)
{
	return atomic_load((atomic_bool *)flag);
}

static bool
say_value(struct p2p_stream *s, const struct kad_msg *m, const char *value)
{
	struct kad_record r = { .key = m->key,
	    .value = { (const uint8_t *)value, 1 } };
	struct kad_say say = { .type = m->type, .key = m->key, .record = &r };

	return rogue_say(s, &say);
}

static bool
say_three(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	return say_value(s, m, "3");
}

static bool
say_nine_late(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	CHECK(dht_wait(is_set, r->arg));
	return say_value(s, m, "9");
}

static bool
hear_them(const struct p2p_kad_event *ev, void *arg)
{
	struct latecomer *l = arg;

	l->answers += ev->kind == P2P_KAD_ANSWERED;
	if (l->answers == ROGUES - 1)
		atomic_store(&l->heard, true);
	return true;
}

static int
nearer(const void *a, const void *b)
{
	struct kad_key target, x, y;

	CHECK_OK(kad_key_of(KEY, strlen(KEY), &target));
	CHECK_OK(kad_key_of_peer(p2p_host_id(*(struct p2p_host *const *)a),
	    &x));
	CHECK_OK(kad_key_of_peer(p2p_host_id(*(struct p2p_host *const *)b),
	    &y));
	return kad_compare(&target, &x, &y);
}

/* O-2, O-3: the three nearest are not all there are. */
static void
the_last_of_the_nearest_is_waited_for(void)
{
	static struct latecomer l;
	struct p2p_kad_options o = { .event = hear_them, .event_arg = &l };
	struct p2p_kad_config c = config(P2P_KAD_CLIENT);
	struct p2p_host *hosts[ROGUES];
	struct p2p_kad_result r;
	struct dht_node n;
	size_t i;
	int e;

	dht_node_start(&n, &c);
	atomic_init(&l.heard, false);
	for (i = 0; i < ROGUES; i++) {
		rogue_start(&l.rogue[i], DHT_PROTOCOL, false);
		rogue_join(&l.rogue[i], &n);
		hosts[i] = l.rogue[i].host;
	}
	qsort(hosts, ROGUES, sizeof(hosts[0]), nearer);
	for (i = 0; i < ROGUES; i++) {
		l.rogue[i].arg = &l.heard;
		l.rogue[i].on[KAD_GET_VALUE] = l.rogue[i].host ==
		    hosts[ROGUES - 1] ? say_nine_late : say_three;
	}
	CHECK_EQ(get(&n, &o, &r, &e), '9');
	CHECK_EQ(r.found, ROGUES);
	for (i = 0; i < ROGUES; i++)
		CHECK_EQ(l.rogue[i].asked[KAD_PUT_VALUE],
		    l.rogue[i].host != hosts[ROGUES - 1]);
	dht_node_stop(&n);
	for (i = 0; i < ROGUES; i++)
		rogue_stop(&l.rogue[i]);
}

struct counts {
	unsigned	n[P2P_KAD_STORED + 1];
	unsigned	last, stop_after, disorder;
	struct p2p_peer_id asked[16];
	unsigned	nasked;
	char		values[16];
};

static bool
was_asked(const struct counts *c, const struct p2p_peer_id *peer)
{
	unsigned i;

	for (i = 0; i < c->nasked; i++)
		if (p2p_peer_id_equal(&c->asked[i], peer))
			return true;
	return false;
}

static bool
count(const struct p2p_kad_event *ev, void *arg)
{
	struct counts *c = arg;

	if (ev->kind == P2P_KAD_ASKING && c->nasked < 16) {
		c->disorder += was_asked(c, &ev->peer);
		c->asked[c->nasked++] = ev->peer;
		CHECK_EQ(ev->error, 0);
	}
	if (ev->kind == P2P_KAD_ANSWERED || ev->kind == P2P_KAD_FAILED) {
		c->disorder += !was_asked(c, &ev->peer);
		CHECK(ev->distance > 0 && ev->distance <= 256);
		CHECK(ev->time_us > 0);
	}
	if (ev->kind == P2P_KAD_VALUE)
		c->values[c->n[P2P_KAD_VALUE]] = (char)ev->record->value[0];
	if (ev->kind == P2P_KAD_STORED)
		c->disorder += c->n[P2P_KAD_ANSWERED] == 0;
	if (ev->kind == P2P_KAD_FAILED)
		CHECK(ev->error != 0);
	c->last = ev->kind;
	c->n[ev->kind]++;
	c->n[0]++;
	return c->n[0] != c->stop_after;
}

/* It ends with the answer that makes it full: others may come, or not. */
static void
a_quorum_is_enough(void)
{
	struct counts c = { .n = { 0 } };
	struct p2p_kad_options o = { .event = count, .event_arg = &c };
	static const unsigned quorums[] = { 1, 3, 5, 6, 0 };
	struct p2p_kad_result r;
	struct dht d;
	size_t i;
	int e;

	start(&d, 5);
	for (i = 0; i < 5; i++)
		plant(&d.node[i], "4");
	for (i = 0; i < 5; i++) {
		memset(&c, 0, sizeof(c));
		o.quorum = quorums[i];
		CHECK_EQ(get(&d.node[5], &o, &r, &e), '4');
		CHECK_OK(e);
		CHECK_EQ(r.found, i < 3 ? quorums[i] : 5);
		CHECK_EQ(c.n[P2P_KAD_VALUE], r.found);
	}
	/* Our own is one of them. */
	plant(&d.node[5], "4");
	o.quorum = 1;
	memset(&c, 0, sizeof(c));
	CHECK_EQ(get(&d.node[5], &o, &r, &e), '4');
	CHECK_EQ(r.asked, 0);
	CHECK_EQ(r.found, 1);
	CHECK_EQ(c.n[0], 1);
	dht_stop(&d);
}

/* O-1. */
static void
a_worse_record_is_not_put(void)
{
	struct p2p_record five = version("5"), four = version("4"),
	    bad = version("x");
	struct p2p_kad_result r;
	struct dht d;
	size_t i;

	start(&d, 4);
	CHECK_OK(p2p_kad_put(d.node[4].kad, &five, NULL, &r));
	CHECK_EQ(r.stored, 4);
	CHECK_ERR(p2p_kad_put(d.node[4].kad, &four, NULL, &r),
	    P2P_ERR_EXISTS);
	CHECK_EQ(r.asked, 0);
	CHECK_ERR(p2p_kad_put(d.node[4].kad, &bad, NULL, &r), P2P_ERR_FORMAT);
	CHECK_EQ(r.asked, 0);
	/* Alike is as good. */
	CHECK_OK(p2p_kad_put(d.node[4].kad, &five, NULL, &r));
	CHECK_EQ(r.stored, 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(kept_by(&d.node[i]), '5');
	dht_stop(&d);
}

/* Who does not know of the better one is told by all. */
static void
a_worse_record_is_refused_by_those_who_know(void)
{
	struct counts c = { .n = { 0 } };
	struct p2p_kad_options o = { .event = count, .event_arg = &c };
	struct p2p_record four = version("4");
	struct p2p_kad_result r;
	struct dht d;
	size_t i;

	start(&d, 4);
	for (i = 0; i < 4; i++)
		plant(&d.node[i], "5");
	CHECK_ERR(p2p_kad_put(d.node[4].kad, &four, &o, &r), P2P_ERR_REFUSED);
	CHECK_EQ(r.stored, 0);
	CHECK_EQ(r.refused, 4);
	CHECK_EQ(c.n[P2P_KAD_STORED], 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(kept_by(&d.node[i]), '5');
	/* They refuse, but are there. */
	dht_settles(&d.node[4], 4);
	dht_stop(&d);
}

static void
a_call_with_nobody_to_ask_says_so(void)
{
	struct p2p_kad_config c = config(P2P_KAD_CLIENT);
	struct p2p_peer_id out[P2P_KAD_K], other;
	struct p2p_record five = version("5");
	struct p2p_multiaddr **addrs;
	const char *target;
	struct p2p_key *key;
	struct dht_node n;
	size_t len = 0;
	int e;

	dht_node_start(&n, &c);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &other);
	p2p_key_free(key);
	CHECK_ERR(p2p_kad_put(n.kad, &five, NULL, NULL), P2P_ERR_NOT_FOUND);
	CHECK_EQ(get(&n, NULL, NULL, &e), '5');	/* it is ours */
	CHECK_ERR(p2p_kad_provide(n.kad, HASH, HASH_LEN, NULL, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_kad_closest(n.kad, "x", 1, NULL, out, &len, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_kad_find_peer(n.kad, &other, NULL, &addrs, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_kad_find_peer(n.kad, p2p_host_id(n.host), NULL, &addrs,
	    NULL), P2P_ERR_SELF);
	CHECK_ERR(p2p_kad_bootstrap(n.kad, NULL, 0, NULL, NULL),
	    P2P_ERR_UNREACHABLE);
	target = n.target;
	CHECK_ERR(p2p_kad_bootstrap(n.kad, &target, 1, NULL, NULL),
	    P2P_ERR_UNREACHABLE);
	target = "/ip4/127.0.0.1/tcp/1";
	CHECK_ERR(p2p_kad_bootstrap(n.kad, &target, 1, NULL, NULL),
	    P2P_ERR_NO_PEER);
	target = "/ip4/nonsense";
	CHECK_ERR(p2p_kad_bootstrap(n.kad, &target, 1, NULL, NULL),
	    P2P_ERR_FORMAT);
	dht_node_stop(&n);
}

static void
arguments_are_looked_at(void)
{
	static const uint8_t key[P2P_RECORD_KEY_MAX + 1] = "/seq/";
	struct p2p_kad_config c = config(P2P_KAD_CLIENT);
	struct p2p_peer_id out[P2P_KAD_K];
	struct p2p_record *got;
	struct dht_node n;
	size_t len;

	dht_node_start(&n, &c);
	CHECK_ERR(p2p_kad_get(n.kad, key, sizeof(key), NULL, &got, NULL),
	    P2P_ERR_TOO_LARGE);
	CHECK_ERR(p2p_kad_get(n.kad, "x", 1, NULL, &got, NULL),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_get(n.kad, "/no/x", 5, NULL, &got, NULL),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(p2p_kad_closest(n.kad, key, sizeof(key), NULL, out, &len,
	    NULL), P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_closest(n.kad, key, 0, NULL, out, &len, NULL),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_provide(n.kad, key, 81, NULL, NULL),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_provide(n.kad, key, 0, NULL, NULL),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_find_providers(n.kad, key, 81, NULL, NULL),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_kad_forget(n.kad, "never", 5), P2P_ERR_NOT_FOUND);
	dht_node_stop(&n);
}

/* O-4. */
static void
who_cannot_be_reached_provides_nothing(void)
{
	struct p2p_kad_config c = config(P2P_KAD_CLIENT);
	struct p2p_kad_stats st;
	struct dht_node n;

	c.reach = P2P_KAD_PUBLIC;	/* and listens on loopback */
	dht_node_start(&n, &c);
	CHECK_ERR(p2p_kad_provide(n.kad, HASH, HASH_LEN, NULL, NULL),
	    P2P_ERR_NO_ADDRESS);
	p2p_kad_stats(n.kad, &st);
	CHECK_EQ(st.providers, 0);
	dht_node_stop(&n);
}

/* O-5: each once, our own first, and no more than are wanted. */
static void
as_many_providers_are_found_as_are_wanted(void)
{
	struct counts c = { .n = { 0 } };
	struct p2p_kad_options o = { .event = count, .event_arg = &c };
	static const size_t wants[] = { 1, 2, 3, 0, 9 };
	static const unsigned found[] = { 1, 2, 3, 4, 4 };
	struct p2p_kad_result r;
	struct dht d;
	size_t i;

	start(&d, 5);
	for (i = 1; i < 5; i++)
		CHECK_OK(p2p_kad_provide(d.node[i].kad, HASH, HASH_LEN, NULL,
		    NULL));
	for (i = 0; i < 5; i++) {
		memset(&c, 0, sizeof(c));
		o.want = wants[i];
		CHECK_OK(p2p_kad_find_providers(d.node[5].kad, HASH, HASH_LEN,
		    &o, &r));
		CHECK_EQ(r.found, found[i]);
		CHECK_EQ(c.n[P2P_KAD_FOUND], found[i]);
	}
	/* Who provides it is found without anybody being asked. */
	memset(&c, 0, sizeof(c));
	o.want = 1;
	CHECK_OK(p2p_kad_find_providers(d.node[1].kad, HASH, HASH_LEN, &o,
	    &r));
	CHECK_EQ(r.asked, 0);
	CHECK_EQ(c.n[0], 1);
	dht_stop(&d);
}

static void
events_come_in_order_and_are_what_the_result_says(void)
{
	struct counts c = { .n = { 0 } };
	struct p2p_kad_options o = { .event = count, .event_arg = &c };
	struct p2p_record five = version("5");
	struct p2p_kad_result r;
	struct dht d;
	int e;

	start(&d, 4);
	/* Known, but gone: without the time to say that it serves no more. */
	CHECK_OK(p2p_host_stop(d.node[3].host, 5000));
	dht_node_stop(&d.node[3]);
	CHECK_OK(p2p_kad_put(d.node[4].kad, &five, &o, &r));
	CHECK_EQ(c.disorder, 0);
	CHECK_EQ(c.n[P2P_KAD_ASKING], 4);
	CHECK_EQ(c.n[P2P_KAD_ANSWERED], 3);
	CHECK_EQ(c.n[P2P_KAD_FAILED], 1);
	CHECK_EQ(c.n[P2P_KAD_STORED], 3);
	CHECK_EQ(c.last, P2P_KAD_STORED);
	CHECK_EQ(c.n[0], 11);
	CHECK_EQ(r.asked, 4);
	CHECK_EQ(r.failed, 1);
	CHECK_EQ(r.stored, 3);
	CHECK(r.time_us > 0);
	memset(&c, 0, sizeof(c));
	CHECK_EQ(get(&d.node[4], &o, &r, &e), '5');
	CHECK_EQ(c.disorder, 0);
	CHECK_EQ(c.n[P2P_KAD_ASKING], r.asked);
	CHECK_EQ(c.n[P2P_KAD_ANSWERED], 3);
	CHECK_EQ(c.n[P2P_KAD_FAILED], r.failed);
	CHECK_EQ(c.n[P2P_KAD_VALUE], 4);	/* and our own, first */
	CHECK_EQ(c.n[P2P_KAD_FOUND] + c.n[P2P_KAD_STORED], 0);
	dht_node_stop(&d.node[4]);
	d.n = 3;
	dht_stop(&d);
}

/* Whoever does not want to hear more hears no more. */
static void
a_call_ends_when_its_events_are_not_wanted(void)
{
	struct counts c = { .n = { 0 } };
	struct p2p_kad_options o = { .event = count, .event_arg = &c };
	struct p2p_peer_id out[P2P_KAD_K];
	struct p2p_record five = version("5"), *got;
	struct p2p_kad_result r;
	struct dht d;
	unsigned i, all;
	size_t n;

	start(&d, 3);
	CHECK_OK(p2p_kad_put(d.node[3].kad, &five, &o, &r));
	all = c.n[0];
	CHECK_EQ(all, 9);
	for (i = 1; i <= all; i++) {
		c = (struct counts){ .stop_after = i };
		CHECK_ERR(p2p_kad_put(d.node[3].kad, &five, &o, &r),
		    P2P_ERR_CLOSED);
		CHECK_EQ(c.n[0], i);
	}
	for (i = 1; i <= 6; i++) {
		c = (struct counts){ .stop_after = i };
		CHECK_ERR(p2p_kad_closest(d.node[3].kad, "x", 1, &o, out, &n,
		    &r), P2P_ERR_CLOSED);
		CHECK_EQ(c.n[0], i);
		c = (struct counts){ .stop_after = i };
		CHECK_ERR(p2p_kad_get(d.node[3].kad, KEY, strlen(KEY), &o,
		    &got, &r), P2P_ERR_CLOSED);
		CHECK_EQ(c.n[0], i);
	}
	dht_settles(&d.node[3], 3);	/* nobody is to blame */
	dht_stop(&d);
}

/* A client, and one in its table who does not answer look-ups for values. */
struct stuck {
	struct dht_node	 node;
	struct rogue	 rogue;
	struct p2p_kad_cancel *cancel;
	void		(*then)(struct stuck *);
	struct thread	 thread;
};

static void
stuck_begin(struct stuck *s)
{
	struct p2p_kad_config c = config(P2P_KAD_CLIENT);

	memset(s, 0, sizeof(*s));
	dht_node_start(&s->node, &c);
	rogue_start(&s->rogue, DHT_PROTOCOL, false);
	rogue_join(&s->rogue, &s->node);
	s->rogue.on[KAD_GET_VALUE] = rogue_silent;
	CHECK_OK(p2p_kad_cancel_new(s->node.kad, &s->cancel));
}

static void
stuck_end(struct stuck *s)
{
	p2p_kad_cancel_free(s->cancel);
	dht_node_stop(&s->node);
	rogue_stop(&s->rogue);
}

/* Another thread, once the request is under way. */
static void
meanwhile(void *arg)
{
	struct stuck *s = arg;

	rogue_is_asked(&s->rogue, KAD_GET_VALUE, 1);
	s->then(s);
}

/* How long the call took, in ms. */
static uint64_t
get_meanwhile(struct stuck *s, void (*then)(struct stuck *),
    const struct p2p_kad_options *o, int want)
{
	uint64_t begun = clock_now();
	int e;

	s->then = then;
	if (then != NULL)
		CHECK_OK(thread_start(&s->thread, "test-then", THREAD_STACK,
		    meanwhile, s));
	(void)get(&s->node, o, NULL, &e);
	CHECK_ERR(e, want);
	begun = (clock_now() - begun) / CLOCK_MS;
	thread_join(&s->thread);
	return begun;
}

static void
cancel_it(struct stuck *s)
{
	p2p_kad_cancel(s->cancel);
}

static void
close_it(struct stuck *s)
{
	p2p_kad_close(s->node.kad);
}

static void
a_call_is_cancelled_at_once(void)
{
	struct p2p_kad_options o = { .timeout_ms = 8000 };
	struct p2p_kad_result r;
	struct stuck s;
	int e;

	stuck_begin(&s);
	o.cancel = s.cancel;
	CHECK(get_meanwhile(&s, cancel_it, &o, P2P_ERR_CLOSED) < 1000);
	/* From then on, for that handle, and no other. */
	(void)get(&s.node, &o, &r, &e);
	CHECK_ERR(e, P2P_ERR_CLOSED);
	CHECK_EQ(r.asked, 0);
	CHECK_EQ(s.rogue.asked[KAD_GET_VALUE], 1);
	s.rogue.on[KAD_GET_VALUE] = NULL;
	o.cancel = NULL;
	(void)get(&s.node, &o, &r, &e);
	CHECK_ERR(e, P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, 1);
	p2p_kad_cancel(s.cancel);		/* nobody is in it: no matter */
	stuck_end(&s);
}

static void
a_call_ends_at_its_deadline(void)
{
	struct p2p_kad_options o = { .timeout_ms = 300 };
	struct stuck s;
	uint64_t took;

	stuck_begin(&s);
	took = get_meanwhile(&s, NULL, &o, P2P_ERR_TIMEOUT);
	CHECK(took >= 300 && took < 1500);
	stuck_end(&s);
}

static void
close_ends_all_calls(void)
{
	struct p2p_peer_id out[P2P_KAD_K];
	struct p2p_multiaddr **addrs;
	struct p2p_record five = version("5"), *got;
	struct stuck s;
	size_t n;

	stuck_begin(&s);
	CHECK(get_meanwhile(&s, close_it, NULL, P2P_ERR_CLOSED) < 1000);
	CHECK_ERR(p2p_kad_put(s.node.kad, &five, NULL, NULL),
	    P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_get(s.node.kad, KEY, strlen(KEY), NULL, &got, NULL),
	    P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_provide(s.node.kad, HASH, HASH_LEN, NULL, NULL),
	    P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_find_providers(s.node.kad, HASH, HASH_LEN, NULL,
	    NULL), P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_closest(s.node.kad, "x", 1, NULL, out, &n, NULL),
	    P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_find_peer(s.node.kad, p2p_host_id(s.rogue.host),
	    NULL, &addrs, NULL), P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_bootstrap(s.node.kad, NULL, 0, NULL, NULL),
	    P2P_ERR_CLOSED);
	CHECK_ERR(p2p_kad_set_mode(s.node.kad, P2P_KAD_SERVER),
	    P2P_ERR_CLOSED);
	p2p_kad_close(s.node.kad);
	stuck_end(&s);
}

static bool
knows_where(void *arg)
{
	const struct dht *d = arg;
	struct p2p_multiaddr **addrs;

	if (p2p_peerstore_addresses(d->node[0].host,
	    p2p_host_id(d->node[2].host), &addrs) != 0)
		return false;
	p2p_host_addresses_free(addrs);
	return true;
}

/* S-6: whoever is connected is found by way of who knows it. */
static void
a_client_is_found_by_way_of_its_server(void)
{
	struct p2p_kad_config c = config(P2P_KAD_SERVER);
	struct p2p_multiaddr **addrs = NULL;
	struct p2p_kad_result r;
	struct dht d;

	dht_start(&d, 3, 1, &c);
	CHECK(dht_wait(knows_where, &d));
	CHECK_OK(p2p_kad_find_peer(d.node[1].kad, p2p_host_id(d.node[2].host),
	    NULL, &addrs, &r));
	CHECK_EQ(r.found, 1);
	CHECK_FATAL(addrs != NULL && addrs[0] != NULL);
	CHECK(strncmp(p2p_multiaddr_text(addrs[0]), d.node[2].target,
	    strlen(p2p_multiaddr_text(addrs[0]))) == 0);
	p2p_host_addresses_free(addrs);
	/* And is nobody's member. */
	CHECK(!dht_knows(&d.node[0], p2p_host_id(d.node[1].host)));
	CHECK(!dht_knows(&d.node[0], p2p_host_id(d.node[2].host)));
	CHECK(!dht_knows(&d.node[1], p2p_host_id(d.node[2].host)));
	dht_stop(&d);
}

TESTS("kad_client",
    { "the best version comes out and spreads",
      the_best_version_comes_out_and_spreads },
    { "the last of the nearest is waited for",
      the_last_of_the_nearest_is_waited_for },
    { "a quorum is enough", a_quorum_is_enough },
    { "a worse record is not put", a_worse_record_is_not_put },
    { "a worse record is refused by those who know",
      a_worse_record_is_refused_by_those_who_know },
    { "a call with nobody to ask says so",
      a_call_with_nobody_to_ask_says_so },
    { "arguments are looked at", arguments_are_looked_at },
    { "who cannot be reached provides nothing",
      who_cannot_be_reached_provides_nothing },
    { "as many providers are found as are wanted",
      as_many_providers_are_found_as_are_wanted },
    { "events come in order, and are what the result says",
      events_come_in_order_and_are_what_the_result_says },
    { "a call ends when its events are not wanted",
      a_call_ends_when_its_events_are_not_wanted },
    { "a call is cancelled at once", a_call_is_cancelled_at_once },
    { "a call ends at its deadline", a_call_ends_at_its_deadline },
    { "close ends all calls", close_ends_all_calls },
    { "a client is found by way of its server",
      a_client_is_found_by_way_of_its_server })
