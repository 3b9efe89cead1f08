/*
 * What a client of the DHT makes of bad answers: of each it goes on, or says
 * so; nothing invalid comes out, and who does it is no member any more.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/varint.h"
#include "check.h"
#include "dht.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/stream.h"
#include "rogue.h"
#include "services/kad/kad_frame.h"

#define HASH	"\x12\x20" "0123456789abcdef0123456789abcdef"

static int
good_only(const struct p2p_record *r, uint64_t now, void *arg)
{
	(void)now;
	(void)arg;
	return r->len >= 4 && memcmp(r->value, "good", 4) == 0 ? 0 :
	    P2P_ERR_SIGNATURE;
}

static const struct p2p_record_rule rules[] = {
	{ .name = "good", .validate = good_only },
	{ .name = NULL },
};

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

/* One who asks, and one who answers badly. */
struct affair {
	struct dht_node	 node;
	struct rogue	 rogue;
};

static void
affair_begin(struct affair *a)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_CLIENT);

	c.rules = rules;
	dht_node_start(&a->node, &c);
	rogue_start(&a->rogue, DHT_PROTOCOL, false);
	rogue_join(&a->rogue, &a->node);
	CHECK(dht_knows(&a->node, p2p_host_id(a->rogue.host)));
}

static void
affair_end(struct affair *a)
{
	dht_node_stop(&a->node);
	rogue_stop(&a->rogue);
}

static int
get(struct affair *a, const char *key, struct p2p_kad_result *r)
{
	struct p2p_record *got = NULL;
	int e;

	e = p2p_kad_get(a->node.kad, key, strlen(key), NULL, &got, r);
	if (e == 0)
		CHECK(got->len >= 4 && memcmp(got->value, "good", 4) == 0);
	free(got);
	return e;
}

static bool
say_record(struct p2p_stream *s, const struct kad_msg *m, struct rd key,
    struct rd value)
{
	struct kad_record r = { .key = key, .value = value };
	struct kad_say say = { .type = KAD_GET_VALUE, .key = m->key,
	    .record = &r };

	return rogue_say(s, &say);
}

static bool
good(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	return say_record(s, m, m->key, text("good"));
}

static bool
of_another_key(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	return say_record(s, m, text("/good/other"), text("good"));
}

static bool
without_its_key(struct rogue *r, struct p2p_stream *s,
    const struct kad_msg *m)
{
	(void)r;
	return say_record(s, m, text(""), text("good"));
}

static bool
invalid(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	return say_record(s, m, m->key, text("bad"));
}

/* A bit more than a record may have; what it says is good. */
static bool
huge(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	static uint8_t value[P2P_RECORD_VALUE_MAX + 1] = "good";

	(void)r;
	return say_record(s, m, m->key, (struct rd){ value, sizeof(value) });
}

static bool
of_another_type(struct rogue *r, struct p2p_stream *s,
    const struct kad_msg *m)
{
	struct kad_record record = { .key = m->key, .value = text("good") };
	struct kad_say say = { .type = KAD_FIND_NODE, .key = m->key,
	    .record = &record };

	(void)r;
	return rogue_say(s, &say);
}

static bool
garbage(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	(void)m;
	return rogue_write(s, "\x05\xff\xff\xff\xff\xff", 6);
}

static bool
empty(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	(void)m;
	return rogue_write(s, "\0", 1);
}

static bool
boundless(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)m;
	return rogue_write(s, "\xff\xff\xff\xff\x7f", 5) &&
	    rogue_silent(r, s, m);
}

static bool
nothing(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	(void)s;
	(void)m;
	return false;
}

static bool
half(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	(void)m;
	(void)rogue_write(s, "\x05\x08\x01", 3);
	return false;
}

static bool
half_and_late(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	return rogue_write(s, "\x05\x08\x01", 3) && rogue_late(r, s, m);
}

static bool
reset(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	(void)r;
	(void)m;
	p2p_stream_reset(s);
	return false;
}

/* Two answers to one request. */
static bool
twice(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	static const uint8_t bytes[] = { 2, 8, 1, 2, 8, 1 };

	(void)r;
	(void)m;
	return rogue_write(s, bytes, sizeof(bytes));
}

/* D3: ten thousand peers of a thousand addresses each: as far as it gets. */
static bool
flood(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	static const uint8_t addr[] = { 0x12, 8, 4, 127, 0, 0, 1, 6, 0, 1 };
	const size_t len = 12 + 1000 * sizeof(addr);
	uint64_t all = 2 + 10000 * (uint64_t)len;
	uint8_t *peer = malloc(len);
	uint8_t head[VARINT_MAX_LEN];
	struct wr w;
	unsigned i;

	(void)r;
	(void)m;
	wr_init(&w, head, sizeof(head));
	varint_put(&w, all);
	CHECK_FATAL(peer != NULL);
	if (!rogue_write(s, head, w.len) || !rogue_write(s, "\x08\x01", 2)) {
		free(peer);
		return false;
	}
	wr_init(&w, peer, len);
	wr_u8(&w, 0x42);
	varint_put(&w, 8 + 1000 * sizeof(addr));
	wr_bytes(&w, "\x0a\x06\0\4abcd", 8);
	for (i = 0; i < 1000; i++)
		wr_bytes(&w, addr, sizeof(addr));
	for (i = 0; i < 10000 && rogue_write(s, peer, w.len); i++)
		;
	free(peer);
	return false;
}

static void
bad_answers_are_not_answers(void)
{
	static const struct {
		rogue_fn	fn;
		bool		stays;	/* it is of use all the same */
		bool		kept;	/* or may be, another time */
		bool		late;	/* takes ten seconds to find out */
	} list[] = {
		{ of_another_key, false, false, false },
		{ without_its_key, false, false, false },
		{ invalid, true, true, false },
		{ huge, true, true, false },
		{ of_another_type, false, false, false },
		{ garbage, false, false, false },
		{ empty, false, false, false },
		{ boundless, false, false, false },
		{ nothing, false, false, false },
		{ half, false, false, false },
		{ half_and_late, false, false, true },
		{ reset, false, true, false },
		{ rogue_late, false, false, true },
		{ twice, false, false, false },
		{ flood, false, false, false },
	};
	struct p2p_kad_result r;
	struct p2p_kad_stats st;
	struct affair a;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		affair_begin(&a);
		a.rogue.on[KAD_GET_VALUE] = list[i].fn;
		CHECK_ERR(get(&a, "/good/key", &r), P2P_ERR_NOT_FOUND);
		CHECK_EQ(r.asked, 1);
		CHECK_EQ(r.failed, !list[i].stays);
		CHECK_EQ(r.found, 0);
		CHECK_EQ(r.time_us >= 5 * CLOCK_S / CLOCK_US, list[i].late);
		/* A probe under way may have it back at once. */
		p2p_kad_stats(a.node.kad, &st);
		CHECK_EQ(st.evicted == 0, list[i].kept);
		affair_end(&a);
	}
}

/* It is the others' word that counts. */
static void
one_good_answer_is_enough(void)
{
	struct p2p_kad_result r;
	struct rogue other;
	struct affair a;

	affair_begin(&a);
	rogue_start(&other, DHT_PROTOCOL, false);
	rogue_join(&other, &a.node);
	a.rogue.on[KAD_GET_VALUE] = invalid;
	other.on[KAD_GET_VALUE] = good;
	CHECK_OK(get(&a, "/good/key", &r));
	CHECK_EQ(r.found, 1);
	CHECK_EQ(r.asked, 2);
	/* Who gave a bad one is given the good one: O-3. */
	CHECK_EQ(a.rogue.asked[KAD_PUT_VALUE], 1);
	CHECK_EQ(other.asked[KAD_PUT_VALUE], 0);
	affair_end(&a);
	rogue_stop(&other);
}

static bool
ends_and_resets(struct rogue *r, struct p2p_stream *s,
    const struct kad_msg *m)
{
	(void)r;
	CHECK(say_record(s, m, m->key, text("good")));
	(void)p2p_stream_close_write(s);
	p2p_stream_reset(s);
	return false;
}

/* js resets what has ended; C-1: the next request has a stream of its own. */
static void
a_reset_behind_the_answer_is_no_matter(void)
{
	struct p2p_kad_result r;
	struct affair a;
	int i;

	affair_begin(&a);
	a.rogue.on[KAD_GET_VALUE] = ends_and_resets;
	for (i = 0; i < 4; i++) {
		CHECK_OK(get(&a, "/good/key", &r));
		CHECK_EQ(r.failed, 0);
	}
	CHECK(dht_knows(&a.node, p2p_host_id(a.rogue.host)));
	affair_end(&a);
}

/* Peers that an answer names: addresses as bytes, with whatever behind. */
struct naming {
	struct p2p_peer_id	 peer[4];
	struct p2p_multiaddr	*addr[4];
	size_t			 n;
};

static bool
name_them(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	const struct naming *all = r->arg;
	struct kad_say say = { .type = m->type, .key = m->key };
	struct kad_tell tell[4];
	size_t i;

	for (i = 0; i < all->n; i++)
		tell[i] = (struct kad_tell){ all->peer[i], &all->addr[i], 1 };
	say.closer = tell;
	say.ncloser = all->n;
	return rogue_say(s, &say);
}

static void
add_name(struct naming *all, const struct p2p_peer_id *peer, const char *addr)
{
	all->peer[all->n] = *peer;
	all->addr[all->n++] = check_maddr(addr);
}

static void
naming_clear(struct naming *all)
{
	while (all->n > 0)
		p2p_multiaddr_free(all->addr[--all->n]);
}

static void
name_from_now_on(struct rogue *r, struct naming *all)
{
	r->arg = all;
	r->on[KAD_GET_VALUE] = r->on[KAD_GET_PROVIDERS] =
	    r->on[KAD_FIND_NODE] = name_them;
}

/* D-6, D-7: js names the one who asks, and itself. */
static void
who_asks_walks_into_nobody_twice(void)
{
	struct naming all = { .n = 0 };
	struct p2p_peer_id out[P2P_KAD_K];
	struct p2p_kad_result r;
	struct affair a;
	size_t n = 0;

	affair_begin(&a);
	add_name(&all, p2p_host_id(a.node.host), a.node.target);
	add_name(&all, p2p_host_id(a.rogue.host), a.rogue.target);
	add_name(&all, p2p_host_id(a.node.host), "/ip4/127.0.0.1/tcp/1");
	name_from_now_on(&a.rogue, &all);
	CHECK_ERR(get(&a, "/good/key", &r), P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, 1);
	CHECK_ERR(p2p_kad_find_providers(a.node.kad, HASH, 34, NULL, &r),
	    P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, 1);
	CHECK_OK(p2p_kad_closest(a.node.kad, "x", 1, NULL, out, &n, &r));
	CHECK_EQ(r.asked, 1);
	CHECK_EQ(n, 1);
	CHECK(!dht_knows(&a.node, p2p_host_id(a.node.host)));
	affair_end(&a);
	naming_clear(&all);
}

/* C-4, D-8: rust's addresses have /p2p; that of another is no address. */
static void
an_address_of_another_peer_is_none(void)
{
	struct naming all = { .n = 0 };
	struct p2p_kad_result r;
	struct p2p_peer_id made_up;
	struct p2p_key *key;
	struct rogue other;
	struct affair a;

	affair_begin(&a);
	rogue_start(&other, DHT_PROTOCOL, false);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &made_up);
	p2p_key_free(key);
	add_name(&all, &made_up, other.target);
	name_from_now_on(&a.rogue, &all);
	CHECK_ERR(get(&a, "/good/key", &r), P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, 1);
	CHECK_EQ(other.asked[KAD_GET_VALUE], 0);
	/* With its own: it is asked. */
	add_name(&all, p2p_host_id(other.host), other.target);
	CHECK_ERR(get(&a, "/good/key", &r), P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, 2);
	CHECK_EQ(other.asked[KAD_GET_VALUE], 1);
	affair_end(&a);
	rogue_stop(&other);
	naming_clear(&all);
}

/* Who was first to name a peer may have lied about where it is. */
static void
a_lie_does_not_hide_where_a_peer_is(void)
{
	struct naming lies = { .n = 0 }, truth = { .n = 0 };
	struct p2p_kad_result r;
	struct rogue other, third;
	struct affair a;

	affair_begin(&a);
	rogue_start(&other, DHT_PROTOCOL, false);
	rogue_start(&third, DHT_PROTOCOL, false);
	/* The first names the second, who comes after it. */
	add_name(&lies, p2p_host_id(third.host), "/ip4/127.0.0.1/tcp/1");
	add_name(&lies, p2p_host_id(other.host), other.target);
	add_name(&truth, p2p_host_id(third.host), third.target);
	name_from_now_on(&a.rogue, &lies);
	name_from_now_on(&other, &truth);
	third.on[KAD_GET_VALUE] = good;
	/* It may have been tried in vain before the truth was heard. */
	if (get(&a, "/good/key", &r) != 0)
		CHECK_OK(get(&a, "/good/key", &r));
	CHECK_EQ(third.asked[KAD_GET_VALUE], 1);
	affair_end(&a);
	rogue_stop(&other);
	rogue_stop(&third);
	naming_clear(&lies);
	naming_clear(&truth);
}

/* As many as an answer may have: the 64th part of D3. */
static bool
crowd(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	uint8_t addr[] = { 0x12, 8, 4, 127, 0, 0, 1, 6, 0, 0 };
	uint8_t *buf = malloc(KAD_MSG_ANSWER_MAX), head[VARINT_MAX_LEN];
	struct wr w, h;
	unsigned i, j;
	bool more;

	(void)r;
	CHECK_FATAL(buf != NULL);
	wr_init(&w, buf, KAD_MSG_ANSWER_MAX);
	wr_u8(&w, 8);
	wr_u8(&w, (uint8_t)m->type);
	for (i = 0; wr_room(&w) > 12 + 100 * sizeof(addr); i++) {
		wr_u8(&w, 0x42);
		varint_put(&w, 8 + 100 * sizeof(addr));
		wr_bytes(&w, "\x0a\x06\0\4", 4);
		wr_be32(&w, i);
		for (j = 0; j < 100; j++) {
			addr[sizeof(addr) - 1] = (uint8_t)j;	/* its port */
			wr_bytes(&w, addr, sizeof(addr));
		}
	}
	wr_init(&h, head, sizeof(head));
	varint_put(&h, w.len);
	more = rogue_write(s, head, h.len) && rogue_write(s, buf, w.len);
	free(buf);
	return more;
}

/* D3, C-3: forty count, none is believed to be there, few are remembered. */
static void
a_crowd_is_asked_in_part_and_not_kept(void)
{
	struct p2p_peer_id *list, out[P2P_KAD_K];
	struct p2p_multiaddr **addrs;
	struct p2p_kad_result r;
	struct affair a;
	size_t i, j, n = 0;

	affair_begin(&a);
	a.rogue.on[KAD_FIND_NODE] = crowd;
	CHECK_OK(p2p_kad_closest(a.node.kad, "x", 1, NULL, out, &n, &r));
	CHECK_EQ(n, 1);
	CHECK(r.asked > 1 && r.asked <= 41);
	CHECK_EQ(r.failed, r.asked - 1);
	dht_settles(&a.node, 1);
	CHECK_OK(p2p_peerstore_peers(a.node.host, &list, &n));
	CHECK(n <= 42);
	for (i = 0; i < n; i++) {
		if (p2p_peerstore_addresses(a.node.host, &list[i], &addrs) !=
		    0)
			continue;
		for (j = 0; addrs[j] != NULL; j++)
			;
		CHECK(j <= KAD_ADDRS_READ_MAX);
		p2p_host_addresses_free(addrs);
	}
	free(list);
	affair_end(&a);
}

/* go's records of a peer have 8 KiB, and its lists no end: D-11. */
#define LISTED	60

static bool
list_many(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	static const uint8_t addr[] = { 0x12, 8, 4, 127, 0, 0, 1, 6, 0, 1 };
	static uint8_t buf[KAD_MSG_ANSWER_MAX];
	uint8_t head[VARINT_MAX_LEN];
	struct wr w, h;
	uint32_t i, j;

	(void)r;
	wr_init(&w, buf, sizeof(buf));
	wr_u8(&w, 8);
	wr_u8(&w, (uint8_t)m->type);
	for (i = 0; i < LISTED; i++) {
		wr_u8(&w, 0x4a);
		varint_put(&w, 8 + 800 * sizeof(addr));
		wr_bytes(&w, "\x0a\x06\0\4", 4);
		wr_be32(&w, i);
		for (j = 0; j < 800; j++)
			wr_bytes(&w, addr, sizeof(addr));
	}
	CHECK(!w.full);
	wr_init(&h, head, sizeof(head));
	varint_put(&h, w.len);
	return rogue_write(s, head, h.len) && rogue_write(s, buf, w.len);
}

static void
a_long_list_of_providers_is_read(void)
{
	struct p2p_kad_result r;
	struct affair a;

	affair_begin(&a);
	a.rogue.on[KAD_GET_PROVIDERS] = list_many;
	CHECK_OK(p2p_kad_find_providers(a.node.kad, HASH, 34, NULL, &r));
	CHECK_EQ(r.found, LISTED);
	CHECK_EQ(r.failed, 0);
	affair_end(&a);
}

static bool
echo_another(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	struct kad_record record = { .key = m->key, .value = text("good 2") };
	struct kad_say say = { .type = KAD_PUT_VALUE, .key = m->key,
	    .record = &record };

	(void)r;
	return rogue_say(s, &say);
}

/* S-13: who echoes something else keeps something else. */
static void
what_was_put_must_be_echoed(void)
{
	static const struct p2p_record r = { (const uint8_t *)"/good/key", 9,
	    (const uint8_t *)"good 1", 6 };
	static const rogue_fn list[] = { echo_another, garbage, reset, nothing,
	    of_another_type, empty };
	struct p2p_kad_result res;
	struct affair a;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		affair_begin(&a);
		a.rogue.on[KAD_PUT_VALUE] = list[i];
		CHECK_ERR(p2p_kad_put(a.node.kad, &r, NULL, &res),
		    P2P_ERR_REFUSED);
		CHECK_EQ(res.stored, 0);
		CHECK_EQ(res.refused, 1);
		affair_end(&a);
	}
}

static bool
acknowledge(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	struct kad_say say = { .type = KAD_ADD_PROVIDER, .key = m->key };

	(void)r;
	return rogue_say(s, &say);
}

/* D-3, D-4: silence is consent, and so is py's word; a reset is none. */
static void
a_provider_is_kept_unless_it_is_refused(void)
{
	struct p2p_kad_result r;
	struct affair a;

	affair_begin(&a);
	CHECK_OK(p2p_kad_provide(a.node.kad, HASH, 34, NULL, &r));
	CHECK_EQ(r.stored, 1);
	a.rogue.on[KAD_ADD_PROVIDER] = acknowledge;
	CHECK_OK(p2p_kad_provide(a.node.kad, HASH, 34, NULL, &r));
	a.rogue.on[KAD_ADD_PROVIDER] = reset;
	CHECK_ERR(p2p_kad_provide(a.node.kad, HASH, 34, NULL, &r),
	    P2P_ERR_REFUSED);
	CHECK_EQ(r.refused, 1);
	CHECK_EQ(a.rogue.asked[KAD_ADD_PROVIDER], 3);
	affair_end(&a);
}

/* The stream over which it answers ends when the one who asks has heard it. */
struct ending {
	atomic_uint	heard, ended;
};

static bool
answer_and_end(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	struct kad_say say = { .type = m->type, .key = m->key };
	struct ending *en = r->arg;

	CHECK(rogue_say(s, &say));
	if (!rd_equal(&m->key, HASH, 34))
		return true;		/* the housekeeper's */
	while (atomic_load(&en->heard) == 0)
		(void)poll(NULL, 0, 1);
	CHECK_OK(p2p_stream_close_write(s));
	atomic_fetch_add(&en->ended, 1);
	return false;
}

static bool
let_it_end(const struct p2p_kad_event *ev, void *arg)
{
	struct ending *en = arg;

	if (ev->kind != P2P_KAD_ANSWERED || atomic_load(&en->heard) > 0)
		return true;
	atomic_fetch_add(&en->heard, 1);
	while (atomic_load(&en->ended) == 0)
		(void)poll(NULL, 0, 1);
	return true;
}

/* The stream that is kept has ended: what is told over it is not heard. */
static void
a_provider_is_told_over_a_live_stream(void)
{
	struct ending en = { 0, 0 };
	struct p2p_kad_options o = { .event = let_it_end,
	    .event_arg = &en };
	struct p2p_kad_result r;
	struct affair a;

	affair_begin(&a);
	a.rogue.arg = &en;
	a.rogue.on[KAD_FIND_NODE] = answer_and_end;
	CHECK_OK(p2p_kad_provide(a.node.kad, HASH, 34, &o, &r));
	CHECK_EQ(r.stored, 1);
	rogue_is_asked(&a.rogue, KAD_ADD_PROVIDER, 1);
	affair_end(&a);
}

static bool
was_probed(void *node)
{
	struct p2p_kad_stats st;

	p2p_kad_stats(((struct dht_node *)node)->kad, &st);
	return st.probed > 0;
}

#define CALLERS	24
#define SILENT	10

struct caller {
	struct affair	*affair;
	struct thread	 thread;
	struct p2p_kad_result result;
	int		 error;
};

static void
call(void *arg)
{
	struct p2p_kad_options o = { .timeout_ms = 1000 };
	struct p2p_record *got = NULL;
	struct caller *c = arg;

	c->error = p2p_kad_get(c->affair->node.kad, "/good/key", 9, &o, &got,
	    &c->result);
}

/*
 * More calls than there may be requests at once, none of which is answered:
 * some wait for their turn, none says that there is nothing; and then it is
 * over.
 */
static void
silent_peers_take_no_place_for_ever(void)
{
	struct rogue more[SILENT - 1];
	struct caller callers[CALLERS];
	struct p2p_kad_result r;
	struct affair a;
	size_t i;

	affair_begin(&a);
	a.rogue.on[KAD_GET_VALUE] = rogue_silent;
	for (i = 0; i < SILENT - 1; i++) {
		rogue_start(&more[i], DHT_PROTOCOL, false);
		rogue_join(&more[i], &a.node);
		more[i].on[KAD_GET_VALUE] = rogue_silent;
	}
	for (i = 0; i < CALLERS; i++) {
		callers[i].affair = &a;
		CHECK_OK(thread_start(&callers[i].thread, "test-call",
		    THREAD_STACK, call, &callers[i]));
	}
	for (i = 0; i < CALLERS; i++) {
		thread_join(&callers[i].thread);
		CHECK_ERR(callers[i].error, P2P_ERR_TIMEOUT);
		CHECK(callers[i].result.time_us >= CLOCK_S / CLOCK_US);
		CHECK_EQ(callers[i].result.failed, 0);
	}
	a.rogue.on[KAD_GET_VALUE] = NULL;
	for (i = 0; i < SILENT - 1; i++)
		more[i].on[KAD_GET_VALUE] = NULL;
	CHECK_ERR(get(&a, "/good/key", &r), P2P_ERR_NOT_FOUND);
	CHECK_EQ(r.asked, SILENT);
	CHECK_EQ(r.failed, 0);
	affair_end(&a);
	for (i = 0; i < SILENT - 1; i++)
		rogue_stop(&more[i]);
}

/* D2: what identify says is not enough; nor is an answer of another kind. */
static void
who_does_not_answer_a_probe_is_no_member(void)
{
	static const rogue_fn list[] = { reset, garbage, nothing, half,
	    of_another_type, rogue_late };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct p2p_kad_stats st;
	struct dht_node node;
	struct rogue r;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		dht_node_start(&node, &c);
		rogue_start(&r, DHT_PROTOCOL, true);
		r.on[KAD_FIND_NODE] = list[i];
		if (list[i] == of_another_type)
			r.on[KAD_FIND_NODE] = acknowledge;
		CHECK_OK(p2p_host_connect(r.host, node.target, NULL, NULL,
		    NULL));
		rogue_is_asked(&r, KAD_FIND_NODE, 1);
		CHECK(dht_wait(was_probed, &node));
		p2p_kad_stats(node.kad, &st);
		CHECK_EQ(st.admitted, 0);
		CHECK_EQ(st.peers, 0);
		dht_node_stop(&node);
		rogue_stop(&r);
	}
}

/* And who does, is; until it fails. */
static void
who_answers_a_probe_is_a_member_until_it_fails(void)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct p2p_peer_id out[P2P_KAD_K];
	struct dht_node node;
	struct rogue r;
	size_t n;

	dht_node_start(&node, &c);
	rogue_start(&r, DHT_PROTOCOL, true);
	CHECK_OK(p2p_host_connect(r.host, node.target, NULL, NULL, NULL));
	dht_settles(&node, 1);
	CHECK(dht_knows(&node, p2p_host_id(r.host)));
	r.on[KAD_FIND_NODE] = garbage;
	CHECK_ERR(p2p_kad_closest(node.kad, "x", 1, NULL, out, &n, NULL),
	    P2P_ERR_UNREACHABLE);
	dht_settles(&node, 0);
	dht_node_stop(&node);
	rogue_stop(&r);
}

TESTS("kad_rogue",
    { "bad answers are not answers", bad_answers_are_not_answers },
    { "one good answer is enough", one_good_answer_is_enough },
    { "a reset behind the answer is no matter",
      a_reset_behind_the_answer_is_no_matter },
    { "who asks walks into nobody twice", who_asks_walks_into_nobody_twice },
    { "an address of another peer is none",
      an_address_of_another_peer_is_none },
    { "a lie does not hide where a peer is",
      a_lie_does_not_hide_where_a_peer_is },
    { "a crowd is asked in part, and not kept",
      a_crowd_is_asked_in_part_and_not_kept },
    { "a long list of providers is read",
      a_long_list_of_providers_is_read },
    { "what was put must be echoed", what_was_put_must_be_echoed },
    { "a provider is kept unless it is refused",
      a_provider_is_kept_unless_it_is_refused },
    { "a provider is told over a live stream",
      a_provider_is_told_over_a_live_stream },
    { "silent peers take no place for ever",
      silent_peers_take_no_place_for_ever },
    { "who does not answer a probe is no member",
      who_does_not_answer_a_probe_is_no_member },
    { "who answers a probe is a member until it fails",
      who_answers_a_probe_is_a_member_until_it_fails })
