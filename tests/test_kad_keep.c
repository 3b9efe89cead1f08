/*
 * What a DHT does by itself, and what is left of it: modes, networks side by
 * side, the table over a restart, what is put again, the end.  Hours go by as
 * the tests say.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
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
#include "p2p/store.h"
#include "pair.h"
#include "rogue.h"
#include "services/kad/kad.h"
#include "store/store.h"

#define HASH	"\x12\x20" "0123456789abcdef0123456789abcdef"
#define HASH_LEN 34
#define KEY	"/test/key"
#define HOUR	(3600 * CLOCK_S)

static const struct p2p_record hello = { (const uint8_t *)KEY, 9,
    (const uint8_t *)"hello", 5 };

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	CHECK_FATAL(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* As soon as the rogue has been asked. */
static bool
leave(const struct p2p_kad_event *ev, void *arg)
{
	if (ev->kind == P2P_KAD_ASKING)
		rogue_is_asked(arg, KAD_GET_VALUE, 1);
	return false;
}

static uint64_t
ms_since(uint64_t begun)
{
	return (clock_now() - begun) / CLOCK_MS;
}

/* A request that nobody waits for any more, and a probe, both unanswered. */
static void
the_end_waits_for_no_silent_peer(void)
{
	struct p2p_kad_options o = { .event = leave };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	unsigned threads = thread_count(), fds = descriptors();
	struct rogue silent, unproved;
	struct p2p_record *got;
	struct dht_node n;
	uint64_t begun;

	dht_node_start(&n, &c);
	rogue_start(&silent, DHT_PROTOCOL, false);
	rogue_join(&silent, &n);
	silent.on[KAD_GET_VALUE] = rogue_silent;
	o.event_arg = &silent;
	CHECK_ERR(p2p_kad_get(n.kad, KEY, 9, &o, &got, NULL),
	    P2P_ERR_CLOSED);
	rogue_start(&unproved, DHT_PROTOCOL, true);
	unproved.on[KAD_FIND_NODE] = rogue_silent;
	CHECK_OK(p2p_host_connect(unproved.host, n.target, NULL, NULL, NULL));
	rogue_is_asked(&unproved, KAD_FIND_NODE, 1);
	begun = clock_now();
	p2p_kad_free(n.kad);
	CHECK(ms_since(begun) < 2000);
	CHECK_OK(p2p_host_stop(n.host, 2000));
	CHECK(ms_since(begun) < 4000);
	p2p_host_free(n.host);
	rogue_stop(&silent);
	rogue_stop(&unproved);
	CHECK_EQ(thread_count(), threads);
	CHECK_EQ(descriptors(), fds);
}

/* Two DHTs of one host, in one store; and others that are in one of them. */
struct bridge {
	struct dht_node	 red[2], blue[2], both;
	struct p2p_kad	*second;	/* blue */
	struct p2p_store *store;
};

static struct p2p_kad_config
colour(const char *protocol)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);

	c.protocol = protocol;
	return c;
}

static void
bridge_start(struct bridge *b)
{
	struct p2p_kad_config red = colour("/red/kad/1.0.0"),
	    blue = colour("/blue/kad/1.0.0");
	const char *target;
	size_t i;

	CHECK_OK(p2p_store_memory(&b->store));
	for (i = 0; i < 2; i++) {
		dht_node_start(&b->red[i], &red);
		dht_node_start(&b->blue[i], &blue);
	}
	red.store = blue.store = b->store;
	dht_node_start(&b->both, &red);
	CHECK_OK(p2p_kad_new(b->both.host, &blue, &b->second));
	for (i = 0; i < 2; i++) {
		dht_join(&b->both, &b->red[i]);
		target = b->blue[i].target;
		CHECK_OK(p2p_kad_bootstrap(b->second, &target, 1, NULL,
		    NULL));
	}
	for (i = 0; i < 2; i++) {
		dht_join(&b->red[i], &b->both);
		dht_join(&b->blue[i], &b->both);
	}
}

static void
bridge_stop(struct bridge *b)
{
	size_t i;

	p2p_kad_free(b->second);
	dht_node_stop(&b->both);
	p2p_store_free(b->store);
	for (i = 0; i < 2; i++) {
		dht_node_stop(&b->red[i]);
		dht_node_stop(&b->blue[i]);
	}
}

static size_t
members(struct p2p_kad *k)
{
	struct p2p_kad_stats st;

	p2p_kad_stats(k, &st);
	return (size_t)st.peers;
}

/* Nobody of one is in a table of the other. */
static void
bridge_is_apart(struct bridge *b)
{
	struct dht_node blue = { .host = b->both.host, .kad = b->second };
	size_t i;

	for (i = 0; i < 2; i++) {
		CHECK(!dht_knows(&b->red[0], p2p_host_id(b->blue[i].host)));
		CHECK(!dht_knows(&b->red[1], p2p_host_id(b->blue[i].host)));
		CHECK(!dht_knows(&b->blue[0], p2p_host_id(b->red[i].host)));
		CHECK(!dht_knows(&b->blue[1], p2p_host_id(b->red[i].host)));
		CHECK(!dht_knows(&b->both, p2p_host_id(b->blue[i].host)));
		CHECK(!dht_knows(&blue, p2p_host_id(b->red[i].host)));
	}
}

/* D10, KAD-9, M-4. */
static void
two_networks_do_not_merge(void)
{
	struct p2p_peer_id out[P2P_KAD_K];
	struct p2p_record *got = NULL;
	struct p2p_kad_result r;
	struct bridge b;
	size_t i, n = 0;

	bridge_start(&b);
	CHECK_EQ(members(b.both.kad), 2);
	CHECK_EQ(members(b.second), 2);
	/* All know all, as hosts do. */
	for (i = 0; i < 4; i++)
		CHECK_OK(p2p_host_connect(b.red[i / 2].host,
		    b.blue[i % 2].target, NULL, NULL, NULL));
	CHECK_OK(p2p_kad_put(b.both.kad, &hello, NULL, &r));
	CHECK_EQ(r.stored, 2);
	CHECK_OK(p2p_kad_provide(b.second, HASH, HASH_LEN, NULL, &r));
	CHECK_EQ(r.stored, 2);
	dht_settles(&b.red[0], 2);
	dht_settles(&b.blue[0], 2);
	CHECK_OK(p2p_kad_get(b.red[0].kad, KEY, 9, NULL, &got, NULL));
	free(got);
	CHECK_ERR(p2p_kad_get(b.blue[0].kad, KEY, 9, NULL, &got, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_kad_get(b.second, KEY, 9, NULL, &got, NULL),
	    P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_kad_find_providers(b.blue[0].kad, HASH, HASH_LEN, NULL,
	    NULL));
	CHECK_ERR(p2p_kad_find_providers(b.red[0].kad, HASH, HASH_LEN, NULL,
	    NULL), P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_kad_find_providers(b.both.kad, HASH, HASH_LEN, NULL,
	    NULL), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_kad_closest(b.red[0].kad, "x", 1, NULL, out, &n, NULL));
	CHECK_EQ(n, 2);
	bridge_is_apart(&b);
	bridge_stop(&b);
}

static bool
is_server(void *kad)
{
	return p2p_kad_mode(kad) == P2P_KAD_SERVER;
}

/* M-1, S-0: others hear of it by a push, and admit it. */
static void
the_automatic_mode_serves_who_can_come(void)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_AUTO),
	    server = dht_config(P2P_KAD_SERVER);
	struct p2p_host *hosts[3];
	struct dht_node n, other;

	dht_node_start(&n, &c);
	dht_node_start(&other, &server);
	hosts[0] = n.host;
	hosts[1] = other.host;
	CHECK_OK(p2p_host_new(NULL, &hosts[2]));
	CHECK_EQ(p2p_kad_mode(n.kad), P2P_KAD_CLIENT);
	/* That we can reach others says nothing. */
	dht_join(&n, &other);
	hosts_pass(hosts, 2, 10);
	dht_join(&n, &other);
	CHECK_EQ(p2p_kad_mode(n.kad), P2P_KAD_CLIENT);
	CHECK(!dht_knows(&other, p2p_host_id(n.host)));
	CHECK_OK(p2p_host_connect(hosts[2], n.target, NULL, NULL, NULL));
	hosts_pass(hosts, 3, 2);
	CHECK(dht_wait(is_server, n.kad));
	dht_settles(&other, 1);
	CHECK(dht_knows(&other, p2p_host_id(n.host)));
	/* And as it is told: others hear of that as well. */
	CHECK_OK(p2p_kad_set_mode(n.kad, P2P_KAD_CLIENT));
	dht_settles(&other, 0);
	hosts_pass(hosts, 3, 10);
	dht_join(&n, &other);
	CHECK_EQ(p2p_kad_mode(n.kad), P2P_KAD_CLIENT);
	CHECK_OK(p2p_kad_set_mode(n.kad, P2P_KAD_AUTO));
	hosts_pass(hosts, 3, 2);
	CHECK(dht_wait(is_server, n.kad));
	dht_settles(&other, 1);
	p2p_host_free(hosts[2]);
	dht_node_stop(&n);
	dht_node_stop(&other);
}

/* D11. */
static void
who_can_hardly_be_reached_serves_nobody(void)
{
	static const struct p2p_limit_setting few[] = {
		{ "connections-in", 63 },
		{ NULL, 0 },
	};
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct p2p_host_config hc = { .limits = few };
	struct p2p_host *h;
	struct p2p_kad *k;

	CHECK_OK(p2p_host_new(&hc, &h));
	CHECK_ERR(p2p_kad_new(h, &c, &k), P2P_ERR_LIMIT);
	CHECK_OK(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", NULL));
	CHECK_ERR(p2p_kad_new(h, &c, &k), P2P_ERR_LIMIT);
	p2p_host_free(h);
	CHECK_OK(p2p_host_new(NULL, &h));
	CHECK_ERR(p2p_kad_new(h, &c, &k), P2P_ERR_NO_ADDRESS);
	c.mode = P2P_KAD_CLIENT;
	CHECK_OK(p2p_kad_new(h, &c, &k));
	CHECK_ERR(p2p_kad_set_mode(k, P2P_KAD_SERVER), P2P_ERR_NO_ADDRESS);
	CHECK_EQ(p2p_kad_mode(k), P2P_KAD_CLIENT);
	p2p_kad_free(k);
	p2p_host_free(h);
}

/* A start without anybody to begin with. */
static void
the_table_is_there_after_a_restart(void)
{
	struct p2p_kad_config server = dht_config(P2P_KAD_SERVER),
	    c = dht_config(P2P_KAD_CLIENT), other = colour("/other/kad/1");
	struct p2p_kad_stats st;
	struct p2p_store *store;
	struct dht_node n, many[3];
	struct p2p_key *key;
	size_t i;

	CHECK_OK(p2p_store_memory(&store));
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	other.store = c.store = store;
	dht_node_start_as(&n, key, &c, dht_many);
	for (i = 0; i < 3; i++) {
		dht_node_start(&many[i], &server);
		dht_join(&n, &many[i]);
	}
	dht_settles(&n, 3);
	dht_node_stop(&n);
	/* One of them is gone: it is tried, and forgotten. */
	dht_node_stop(&many[2]);
	dht_node_start_as(&n, key, &c, dht_many);
	dht_settles(&n, 2);
	dht_node_stop(&n);
	/* What another network was like is not asked for. */
	other.mode = P2P_KAD_CLIENT;
	dht_node_start_as(&n, key, &other, dht_many);
	p2p_kad_stats(n.kad, &st);
	CHECK_EQ(st.probed + st.peers, 0);
	dht_node_stop(&n);
	for (i = 0; i < 2; i++)
		dht_node_stop(&many[i]);
	p2p_key_free(key);
	p2p_store_free(store);
}

/* A store in memory whose disk may be full. */
struct disk {
	const struct store_ops	*memory;
	struct store_ops	 ops;
	atomic_bool		 full;
	atomic_uint		 refused;
	atomic_uint		 lines;		/* of the log */
};

static struct disk disk;

static int
put_on_disk(struct p2p_store *store, const char *space,
    const struct p2p_store_entry *entry)
{
	if (!atomic_load(&disk.full))
		return disk.memory->put(store, space, entry);
	atomic_fetch_add(&disk.refused, 1);
	return -ENOSPC;
}

static void
count_line(enum p2p_log_level level, const char *area, const char *text,
    void *arg)
{
	(void)text;
	(void)arg;
	if (level == P2P_LOG_WARN && strcmp(area, "kad") == 0)
		atomic_fetch_add(&disk.lines, 1);
}

static struct p2p_store *
disk_new(void)
{
	struct p2p_store *store;

	CHECK_OK(p2p_store_memory(&store));
	disk.memory = store->ops;
	disk.ops = *store->ops;
	disk.ops.put = put_on_disk;
	store->ops = &disk.ops;
	return store;
}

static uint64_t
saved(struct p2p_kad *k)
{
	struct p2p_store_usage usage;

	CHECK_OK(p2p_store_usage(k->store.store, k->seeds, &usage));
	return usage.entries;
}

/* One that knows three others, which it has not saved yet. */
static void
three_start(struct dht_node *n, struct dht_node *others,
    struct p2p_store *store)
{
	struct p2p_host_config hc = { .limits = dht_many, .log = count_line };
	struct p2p_kad_config server = dht_config(P2P_KAD_SERVER),
	    c = dht_config(P2P_KAD_CLIENT);
	size_t i;

	c.store = store;
	CHECK_OK(p2p_host_new(&hc, &n->host));
	CHECK_OK(p2p_kad_new(n->host, &c, &n->kad));
	for (i = 0; i < 3; i++) {
		dht_node_start(&others[i], &server);
		dht_join(n, &others[i]);
	}
	dht_settles(n, 3);
	atomic_store(&disk.lines, 0);
}

static void
three_stop(struct dht_node *n, struct dht_node *others,
    struct p2p_store *store)
{
	size_t i;

	dht_node_stop(n);
	for (i = 0; i < 3; i++)
		dht_node_stop(&others[i]);
	p2p_store_free(store);
}

/* Said once each time, and tried again though nobody comes or goes. */
static void
a_table_that_could_not_be_saved_is_saved_later(void)
{
	struct p2p_store *store = disk_new();
	struct dht_node n, others[3];
	unsigned i;

	three_start(&n, others, store);
	atomic_store(&disk.full, true);
	for (i = 1; i <= 2; i++) {
		kad_book_save(n.kad);
		CHECK_EQ(atomic_load(&disk.refused), i);
		CHECK_EQ(atomic_load(&disk.lines), i);
	}
	atomic_store(&disk.full, false);
	kad_book_save(n.kad);
	CHECK_EQ(saved(n.kad), 3);
	atomic_store(&disk.full, true);
	kad_book_save(n.kad);
	CHECK_EQ(atomic_load(&disk.refused), 2);
	three_stop(&n, others, store);
}

/* A peer for which there is no room keeps no other from being saved. */
static void
a_table_is_saved_as_far_as_there_is_room(void)
{
	static const struct p2p_store_caps one = { .entries = 1 };
	struct p2p_store_usage usage;
	struct dht_node n, others[3];
	struct p2p_store *store;
	unsigned i;

	CHECK_OK(p2p_store_memory(&store));
	three_start(&n, others, store);
	CHECK_OK(p2p_store_cap(store, n.kad->seeds, &one));
	for (i = 0; i < 2; i++) {
		kad_book_save(n.kad);
		CHECK_OK(p2p_store_usage(store, n.kad->seeds, &usage));
		CHECK_EQ(usage.entries, 1);
		CHECK_EQ(usage.refused, 2);
		CHECK_EQ(atomic_load(&disk.lines), 1);
	}
	three_stop(&n, others, store);
}

/* A step of time, and what is real for the threads to follow. */
static void
step_until(bool (*is_so)(void *arg), void *arg, uint64_t step, int ms)
{
	clock_test_advance(step);
	for (; ms > 0 && !is_so(arg); ms--)
		(void)poll(NULL, 0, 1);
}

/*
 * Time goes by in steps until something is so; more slowly at the end, for
 * what is tried again and again.
 */
static bool
pass_until(bool (*is_so)(void *arg), void *arg, uint64_t time, uint64_t step)
{
	int i;

	for (; time > 0 && !is_so(arg); time -= step < time ? step : time)
		step_until(is_so, arg, step, 10);
	for (i = 0; i < 20 && !is_so(arg); i++)
		step_until(is_so, arg, step, 1000);
	return is_so(arg);
}

static bool
is_empty(void *kad)
{
	return members(kad) == 0;
}

static bool
has_one(void *kad)
{
	return members(kad) == 1;
}

/* T-5, T-8: who fails goes, and with nobody left the first are asked again. */
static void
a_table_that_runs_dry_is_filled_again(void)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_CLIENT);
	struct p2p_kad_stats st;
	struct rogue r;
	struct dht_node n;

	dht_node_start(&n, &c);
	rogue_start(&r, DHT_PROTOCOL, false);
	rogue_join(&r, &n);
	dht_settles(&n, 1);
	r.on[KAD_FIND_NODE] = rogue_silent;
	CHECK(pass_until(is_empty, n.kad, HOUR, 5 * CLOCK_S));
	p2p_kad_stats(n.kad, &st);
	CHECK_EQ(st.evicted, 1);
	r.on[KAD_FIND_NODE] = NULL;
	CHECK(pass_until(has_one, n.kad, HOUR, 5 * CLOCK_S));
	dht_node_stop(&n);
	rogue_stop(&r);
}

/* When the record came to a node; 0: it has none. */
static uint64_t
received(struct dht_node *n)
{
	struct kad_stored *s;
	uint64_t at;

	if (kad_store_get(&n->kad->store, KEY, 9, clock_wall_ns(), &s) != 0)
		return 0;
	at = s->received;
	free(s);
	return at;
}

/* Addresses of the only provider at a node; they last a day. */
static size_t
provided(struct dht_node *n)
{
	struct kad_contact *list;
	size_t found, addrs = 0;

	CHECK_OK(kad_store_providers(&n->kad->store, (struct rd){
	    (const uint8_t *)HASH, HASH_LEN }, 20, clock_wall_ns(), &list,
	    &found));
	CHECK(found <= 1);
	if (found == 1)
		addrs = list[0].naddrs;
	kad_contacts_free(list, found);
	return addrs;
}

/* Time goes by in steps that the housekeepers can follow. */
static void
pass(uint64_t time)
{
	uint64_t step;

	for (; time > 0; time -= step) {
		step = time < 300 * CLOCK_S ? time : 300 * CLOCK_S;
		clock_test_advance(step);
		(void)poll(NULL, 0, 8);
	}
}

struct since {
	struct dht_node	*node;
	uint64_t	 at;
};

static bool
came_since(void *arg)
{
	struct since *s = arg;

	return received(s->node) > s->at;
}

static bool
is_provided(void *node)
{
	return provided(node) > 0;
}

/* O-1, O-4: every 22 hours, until it is forgotten. */
static void
what_is_kept_is_put_again(void)
{
	struct p2p_kad_options o = { .keep = true };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct since s = { .at = 0 };
	struct p2p_kad_stats st;
	struct dht d;

	dht_start(&d, 2, 1, &c);
	s.node = &d.node[0];
	CHECK_OK(p2p_kad_put(d.node[1].kad, &hello, &o, NULL));
	CHECK_OK(p2p_kad_provide(d.node[1].kad, HASH, HASH_LEN, &o, NULL));
	CHECK(provided(&d.node[0]) > 0);
	s.at = received(&d.node[0]);
	CHECK(s.at != 0);
	pass(21 * HOUR + 50 * 60 * CLOCK_S);
	CHECK_EQ(received(&d.node[0]), s.at);
	/* After 22 hours; a try that fails is made again soon. */
	CHECK(pass_until(came_since, &s, HOUR, 300 * CLOCK_S));
	pass(3 * HOUR);
	CHECK(pass_until(is_provided, &d.node[0], HOUR, 300 * CLOCK_S));
	CHECK_OK(p2p_kad_forget(d.node[1].kad, KEY, 9));
	CHECK_OK(p2p_kad_forget(d.node[1].kad, HASH, HASH_LEN));
	CHECK_ERR(p2p_kad_forget(d.node[1].kad, KEY, 9), P2P_ERR_NOT_FOUND);
	p2p_kad_stats(d.node[1].kad, &st);
	CHECK_EQ(st.providers, 0);
	s.at = received(&d.node[0]);
	pass(26 * HOUR);
	CHECK_EQ(provided(&d.node[0]), 0);
	CHECK_EQ(received(&d.node[0]), s.at);
	dht_stop(&d);
}

/* A rule that stops whoever puts again, until it is told to go on. */
struct gate {
	struct lock	 mtx;
	struct cond	 changed;
	bool		 shut, inside;
};

static int
pass_gate(const struct p2p_record *r, uint64_t now, void *arg)
{
	struct gate *g = arg;

	(void)r;
	(void)now;
	lock_lock(&g->mtx);
	g->inside = g->shut;
	while (g->shut)
		cond_wait(&g->changed, &g->mtx, CLOCK_NEVER);
	g->inside = false;
	lock_unlock(&g->mtx);
	return 0;
}

static void
gate_set(struct gate *g, bool shut)
{
	lock_lock(&g->mtx);
	g->shut = shut;
	cond_broadcast(&g->changed);
	lock_unlock(&g->mtx);
}

static bool
is_inside(void *arg)
{
	struct gate *g = arg;
	bool inside;

	lock_lock(&g->mtx);
	inside = g->inside;
	lock_unlock(&g->mtx);
	return inside;
}

static size_t
kept(struct p2p_kad *k)
{
	struct kad_kept *kept;
	size_t n = 0;

	lock_lock(&k->mtx);
	TAILQ_FOREACH(kept, &k->kept, link)
		n++;
	lock_unlock(&k->mtx);
	return n;
}

static void
what_is_forgotten_while_it_is_put_stays_forgotten(void)
{
	struct gate g = { .shut = false };
	const struct p2p_record_rule rules[] = {
		{ .name = "test", .validate = pass_gate, .arg = &g },
		{ .name = NULL },
	};
	struct p2p_kad_options o = { .keep = true };
	struct p2p_kad_config c = dht_config(P2P_KAD_CLIENT),
	    server = dht_config(P2P_KAD_SERVER);
	struct dht_node n, other;
	uint64_t at;

	lock_init(&g.mtx, LOCK_LEAF);
	cond_init(&g.changed);
	c.rules = rules;
	dht_node_start(&other, &server);
	dht_node_start(&n, &c);
	dht_join(&n, &other);
	CHECK_OK(p2p_kad_put(n.kad, &hello, &o, NULL));
	CHECK_EQ(kept(n.kad), 1);
	gate_set(&g, true);
	CHECK(pass_until(is_inside, &g, 24 * HOUR, 300 * CLOCK_S));
	CHECK_OK(p2p_kad_forget(n.kad, KEY, 9));
	CHECK_EQ(kept(n.kad), 0);
	gate_set(&g, false);
	pass(HOUR);			/* the one on its way may yet come */
	at = received(&other);
	pass(23 * HOUR);
	CHECK_EQ(received(&other), at);
	CHECK_EQ(kept(n.kad), 0);
	dht_node_stop(&n);
	dht_node_stop(&other);
	cond_destroy(&g.changed);
	lock_destroy(&g.mtx);
}

/* A copy of the only one that is kept, of the key and five bytes. */
static struct kad_kept *
copy_kept(struct p2p_kad *k)
{
	struct kad_kept *copy;

	CHECK_FATAL((copy = malloc(sizeof(*copy) + 14)) != NULL);
	lock_lock(&k->mtx);
	memcpy(copy, TAILQ_FIRST(&k->kept), sizeof(*copy) + 14);
	lock_unlock(&k->mtx);
	return copy;
}

static void
set_due(struct p2p_kad *k, uint64_t due)
{
	lock_lock(&k->mtx);
	TAILQ_FIRST(&k->kept)->due = due;
	lock_unlock(&k->mtx);
}

/* The old value's success says nothing of the new one. */
static void
what_is_kept_anew_is_put_in_its_time(void)
{
	const struct p2p_record again = { (const uint8_t *)KEY, 9,
	    (const uint8_t *)"world", 5 };
	struct p2p_kad_options o = { .keep = true };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct kad_kept *old, *new;
	uint64_t due;
	struct dht d;

	dht_start(&d, 2, 1, &c);
	CHECK_OK(p2p_kad_put(d.node[1].kad, &hello, &o, NULL));
	old = copy_kept(d.node[1].kad);
	CHECK_OK(p2p_kad_put(d.node[1].kad, &again, &o, NULL));
	due = clock_after(clock_now(), HOUR);
	set_due(d.node[1].kad, due);
	CHECK_OK(kad_again(d.node[1].kad, old));
	CHECK_EQ(kept(d.node[1].kad), 1);
	new = copy_kept(d.node[1].kad);
	CHECK_EQ(new->due, due);
	CHECK_BYTES(new->bytes, 14, KEY "world", 14);
	free(new);
	free(old);
	dht_stop(&d);
}

static int
by_bytes(const struct p2p_record *a, const struct p2p_record *b, void *arg)
{
	(void)arg;
	return memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);
}

/* Somebody has put a better one; nobody would take ours any more. */
static void
what_is_kept_and_beaten_waits_its_whole_time(void)
{
	const struct p2p_record better = { (const uint8_t *)KEY, 9,
	    (const uint8_t *)"world", 5 };
	const struct p2p_record_rule rules[] = {
		{ .name = "test", .compare = by_bytes },
		{ .name = NULL },
	};
	struct p2p_kad_options o = { .keep = true };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct kad_kept *ours;
	struct p2p_kad *k;
	struct dht d;

	c.rules = rules;
	dht_start(&d, 2, 1, &c);
	k = d.node[1].kad;
	CHECK_OK(p2p_kad_put(k, &hello, &o, NULL));
	CHECK_OK(kad_store_put(&k->store, &better, NULL, clock_wall_ns()));
	set_due(k, clock_after(clock_now(), HOUR));
	ours = copy_kept(k);
	CHECK_ERR(kad_again(k, ours), P2P_ERR_EXISTS);
	free(ours);
	ours = copy_kept(k);
	CHECK(ours->due > clock_after(clock_now(), 21 * HOUR));
	free(ours);
	dht_stop(&d);
}

/* The automatic mode, late: the application has said no meanwhile. */
static void
a_chosen_mode_stays(void)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_AUTO);
	struct dht_node n;

	dht_node_start(&n, &c);
	CHECK_OK(p2p_kad_set_mode(n.kad, P2P_KAD_CLIENT));
	CHECK_OK(kad_serve_now(n.kad));
	CHECK_EQ(p2p_kad_mode(n.kad), P2P_KAD_CLIENT);
	CHECK_OK(p2p_kad_set_mode(n.kad, P2P_KAD_AUTO));
	CHECK_OK(kad_serve_now(n.kad));
	CHECK_EQ(p2p_kad_mode(n.kad), P2P_KAD_SERVER);
	dht_node_stop(&n);
}

TESTS("kad_keep",
    { "the end waits for no silent peer", the_end_waits_for_no_silent_peer },
    { "two networks do not merge", two_networks_do_not_merge },
    { "the automatic mode serves who can come",
      the_automatic_mode_serves_who_can_come },
    { "a chosen mode stays", a_chosen_mode_stays },
    { "what is kept anew is put in its time",
      what_is_kept_anew_is_put_in_its_time },
    { "what is kept and beaten waits its whole time",
      what_is_kept_and_beaten_waits_its_whole_time },
    { "who can hardly be reached serves nobody",
      who_can_hardly_be_reached_serves_nobody },
    { "the table is there after a restart",
      the_table_is_there_after_a_restart },
    { "a table that could not be saved is saved later",
      a_table_that_could_not_be_saved_is_saved_later },
    { "a table is saved as far as there is room",
      a_table_is_saved_as_far_as_there_is_room },
    { "a table that runs dry is filled again",
      a_table_that_runs_dry_is_filled_again },
    { "what is kept is put again", what_is_kept_is_put_again },
    { "what is forgotten while it is put stays forgotten",
      what_is_forgotten_while_it_is_put_stays_forgotten })
