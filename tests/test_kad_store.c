/*
 * Records and providers that a node keeps, with the store in memory: spec
 * digest S-12 to S-18, V45, V48, D8.  The times are ours: what the store holds
 * expires by the clock, and what we ask of it by what we say it is.
 */
#include "services/kad/kad_store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "sim/peer.h"

#define PROTOCOL	"/test/kad/1.0.0"
#define HOUR		(3600 * CLOCK_S)
#define KEY		"/seq/key"
#define OWNER_RECORDS	512
#define OWNER_PROVIDERS	16384

/* What a rule does besides its work; NULL: nothing. */
struct hook {
	void	(*validating)(const struct p2p_record *r, void *arg);
	void	(*comparing)(const struct p2p_record *r, void *arg);
	void	*arg;
};

/* Values are numbers, and the higher is the better; "bad" is none. */
static int
seq_validate(const struct p2p_record *r, uint64_t now, void *arg)
{
	const struct hook *h = arg;
	size_t i;

	(void)now;
	if (h->validating != NULL)
		h->validating(r, h->arg);
	for (i = 0; i < r->len; i++)
		if (r->value[i] < '0' || r->value[i] > '9')
			return P2P_ERR_SIGNATURE;
	return r->len > 0 ? 0 : P2P_ERR_SHORT;
}

static long
number_of(const struct p2p_record *r)
{
	long n = 0;
	size_t i;

	for (i = 0; i < r->len; i++)
		n = n * 10 + (r->value[i] - '0');
	return n;
}

static int
seq_compare(const struct p2p_record *a, const struct p2p_record *b, void *arg)
{
	const struct hook *h = arg;
	long x = number_of(a), y = number_of(b);

	if (h->comparing != NULL)
		h->comparing(a, h->arg);
	return x < y ? -1 : x > y;
}

/* A node's store. */
struct kept {
	struct p2p_store *store;
	struct hook	 hook;
	struct p2p_record_rule list[3];
	struct kad_rules rules;
	struct kad_store ks;
	uint64_t	 now;
};

static void
kept_new(struct kept *k)
{
	memset(k, 0, sizeof(*k));
	k->list[0] = (struct p2p_record_rule){ "seq", seq_validate,
	    seq_compare, &k->hook };
	k->list[1] = p2p_record_pk;
	k->list[2] = (struct p2p_record_rule){ .name = "any" };
	k->rules = (struct kad_rules){ k->list, 3 };
	CHECK_OK(p2p_store_memory(&k->store));
	CHECK_OK(kad_store_init(&k->ks, &(struct kad_store_params){
	    .store = k->store, .rules = &k->rules, .protocol = PROTOCOL }));
	k->now = clock_wall_ns();
}

static void
kept_free(struct kept *k)
{
	kad_store_fini(&k->ks);
	p2p_store_free(k->store);
}

static struct p2p_record
record(const char *key, const char *value)
{
	return (struct p2p_record){ (const uint8_t *)key, strlen(key),
	    (const uint8_t *)value, strlen(value) };
}

static int
put(struct kept *k, const char *key, const char *value)
{
	struct p2p_record r = record(key, value);
	struct p2p_peer_id from = peer(1);

	return kad_store_put(&k->ks, &r, &from, k->now);
}

/* The value at a time, as text; "" when there is none. */
static const char *
value_at(struct kept *k, const char *key, uint64_t now)
{
	static char text[64];
	struct kad_stored *s;
	int e;

	text[0] = '\0';
	e = kad_store_get(&k->ks, key, strlen(key), now, &s);
	if (e == 0) {
		CHECK_BYTES(s->record.key, s->record.key_len, key,
		    strlen(key));
		snprintf(text, sizeof(text), "%.*s", (int)s->record.len,
		    (const char *)s->record.value);
		free(s);
	} else {
		CHECK_ERR(e, P2P_ERR_NOT_FOUND);
	}
	return text;
}

static struct p2p_store_usage
usage(struct kept *k, const char *space)
{
	struct p2p_store_usage u = { 0 };

	CHECK_OK(p2p_store_usage(k->store, space, &u));
	return u;
}

/* Past all checks: an entry as the file of another day may have it. */
static void
plant(struct kept *k, const char *space, struct rd key, struct rd value,
    const uint64_t *time)
{
	struct p2p_store_entry en = { .key = key.p, .key_len = key.len };
	uint8_t buf[256];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	if (time != NULL)
		wr_be64(&w, *time);
	wr_bytes(&w, value.p, value.len);
	en.value = buf;
	en.len = w.len;
	CHECK_OK(p2p_store_put(k->store, space, &en));
}

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

static void
the_better_record_stays_and_alike_is_as_good(void)
{
	struct kad_stored *s;
	struct kept k;

	kept_new(&k);
	CHECK_OK(put(&k, KEY, "5"));
	CHECK_ERR(put(&k, KEY, "4"), P2P_ERR_EXISTS);
	CHECK_STR(value_at(&k, KEY, k.now), "5");
	CHECK_OK(put(&k, KEY, "05"));
	CHECK_STR(value_at(&k, KEY, k.now), "05");
	k.now += HOUR;
	CHECK_OK(put(&k, KEY, "6"));
	CHECK_OK(kad_store_get(&k.ks, KEY, strlen(KEY), k.now, &s));
	CHECK_EQ(s->received, k.now);
	free(s);
	/* Who has no order: the latest. */
	CHECK_OK(put(&k, "/any/key", "b"));
	CHECK_OK(put(&k, "/any/key", "a"));
	CHECK_STR(value_at(&k, "/any/key", k.now), "a");
	CHECK_OK(put(&k, "/any/key", ""));
	CHECK_EQ(usage(&k, k.ks.records).entries, 2);
	kept_free(&k);
}

/* V45: nothing is written for what is refused. */
static void
what_is_not_valid_is_not_stored(void)
{
	static const struct {
		const char	*key, *value;
		int		 error;
	} list[] = {
		{ "", "1", P2P_ERR_FORMAT },
		{ "x", "1", P2P_ERR_FORMAT },
		{ "/x", "1", P2P_ERR_FORMAT },
		{ "//x", "1", P2P_ERR_FORMAT },
		{ "/seq/", "1", P2P_ERR_FORMAT },
		{ "/unknown/ns/k", "1", P2P_ERR_UNSUPPORTED },
		{ "/seq", "1", P2P_ERR_FORMAT },
		{ "seq/x", "1", P2P_ERR_FORMAT },
		{ "/se\xff/x", "1", P2P_ERR_UNSUPPORTED },
		{ KEY, "bad", P2P_ERR_SIGNATURE },
		{ KEY, "", P2P_ERR_SHORT },
	};
	uint8_t *large = calloc(1, P2P_RECORD_VALUE_MAX + 1);
	struct p2p_record r = record("/any/large", "");
	uint8_t key[P2P_RECORD_KEY_MAX + 1] = "/any/";
	struct kept k;
	size_t i;

	kept_new(&k);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		CHECK_ERR(put(&k, list[i].key, list[i].value), list[i].error);
	CHECK_FATAL(large != NULL);
	r.value = large;
	r.len = P2P_RECORD_VALUE_MAX + 1;
	CHECK_ERR(kad_store_put(&k.ks, &r, NULL, k.now), P2P_ERR_TOO_LARGE);
	r = (struct p2p_record){ key, sizeof(key), large, 1 };
	CHECK_ERR(kad_store_put(&k.ks, &r, NULL, k.now), P2P_ERR_TOO_LARGE);
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	CHECK_EQ(usage(&k, k.ks.records).bytes, 0);
	r.key_len = P2P_RECORD_KEY_MAX;
	r.len = P2P_RECORD_VALUE_MAX;
	CHECK_OK(kad_store_put(&k.ks, &r, NULL, k.now));
	free(large);
	kept_free(&k);
}

/* S-12: by our clock; what is too old is gone for good. */
static void
a_record_is_good_for_two_days(void)
{
	struct kept k;

	kept_new(&k);
	CHECK_OK(put(&k, KEY, "1"));
	CHECK_STR(value_at(&k, KEY, k.now + 48 * HOUR - 1), "1");
	CHECK_EQ(usage(&k, k.ks.records).entries, 1);
	CHECK_STR(value_at(&k, KEY, k.now + 48 * HOUR), "");
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	/* A worse one is welcome in place of one that is too old. */
	CHECK_OK(put(&k, KEY, "9"));
	k.now += 48 * HOUR;
	CHECK_OK(put(&k, KEY, "2"));
	CHECK_STR(value_at(&k, KEY, k.now), "2");
	kept_free(&k);
}

/* The store itself forgets it, too. */
static void
what_nobody_reads_expires(void)
{
	struct p2p_peer_id p = peer(2);
	struct kept k;

	kept_new(&k);
	CHECK_OK(put(&k, KEY, "1"));
	CHECK_OK(kad_store_provide(&k.ks, text("k"), &p, NULL, 0, k.now));
	clock_test_advance(48 * HOUR - CLOCK_S * 60);
	CHECK_OK(p2p_store_expire(k.store));
	CHECK_EQ(usage(&k, k.ks.records).entries, 1);
	CHECK_EQ(usage(&k, k.ks.providers).entries, 1);
	clock_test_advance(CLOCK_S * 61);
	CHECK_OK(p2p_store_expire(k.store));
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	CHECK_EQ(usage(&k, k.ks.providers).entries, 0);
	kept_free(&k);
}

/* S-12, V48: whatever the file says, it is checked, and dropped. */
static void
what_is_not_valid_is_dropped_when_it_is_read(void)
{
	uint8_t pk[P2P_RECORD_KEY_MAX];
	struct p2p_peer_id other;
	struct kad_stored *s;
	struct p2p_key *key;
	const uint8_t *pub;
	uint64_t ahead, old;
	struct rd where;
	struct kept k;
	size_t len;

	kept_new(&k);
	plant(&k, k.ks.records, text(KEY), text("bad"), &k.now);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	/* No time, a part of one, one to come, one too long ago. */
	plant(&k, k.ks.records, text(KEY), text(""), NULL);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	plant(&k, k.ks.records, text(KEY), text("1234567"), NULL);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	ahead = k.now + 1;
	plant(&k, k.ks.records, text(KEY), text("7"), &ahead);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	old = k.now - 48 * HOUR;
	plant(&k, k.ks.records, text(KEY), text("7"), &old);
	CHECK_STR(value_at(&k, KEY, k.now), "");
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	/* Of a rule that is no more; of another key. */
	plant(&k, k.ks.records, text("/gone/key"), text("7"), &k.now);
	CHECK_STR(value_at(&k, "/gone/key", k.now), "");
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	pub = p2p_key_public(key, &len);
	other = peer(3);
	where = (struct rd){ pk, p2p_record_key("pk", &other, pk) };
	plant(&k, k.ks.records, where, (struct rd){ pub, len }, &k.now);
	CHECK_ERR(kad_store_get(&k.ks, where.p, where.len, k.now, &s),
	    P2P_ERR_NOT_FOUND);
	CHECK_EQ(usage(&k, k.ks.records).entries, 0);
	p2p_key_free(key);
	/* None of them keeps a good one out. */
	plant(&k, k.ks.records, text(KEY), text("99x"), &k.now);
	CHECK_OK(put(&k, KEY, "1"));
	CHECK_STR(value_at(&k, KEY, k.now), "1");
	kept_free(&k);
}

/* While somebody looks at a bad record, somebody else puts a good one. */
static void
put_meanwhile(const struct p2p_record *r, void *arg)
{
	struct kept *k = arg;

	if (r->len == 3 && memcmp(r->value, "bad", 3) == 0)
		plant(k, k->ks.records, text(KEY), text("5"), &k->now);
}

static void
a_reader_drops_nothing_that_came_meanwhile(void)
{
	struct kept k;

	kept_new(&k);
	plant(&k, k.ks.records, text(KEY), text("bad"), &k.now);
	k.hook = (struct hook){ put_meanwhile, NULL, &k };
	(void)value_at(&k, KEY, k.now);
	k.hook = (struct hook){ NULL, NULL, NULL };
	CHECK_STR(value_at(&k, KEY, k.now), "5");
	kept_free(&k);
}

/* Nobody compares what another is about to replace. */
struct race {
	struct kept	*k;
	unsigned	 round;
	atomic_uint	 inside, overlaps, errors;
};

static void
look_around(const struct p2p_record *r, void *arg)
{
	struct race *race = arg;

	(void)r;
	if (atomic_fetch_add(&race->inside, 1) > 0)
		atomic_fetch_add(&race->overlaps, 1);
	sched_yield();
	atomic_fetch_sub(&race->inside, 1);
}

#define PUTS	20

struct putter {
	struct race	*race;
	bool		 falling;	/* the best one first */
};

static void
put_many(void *arg)
{
	const struct putter *p = arg;
	char key[32], value[16];
	unsigned i;
	int e;

	snprintf(key, sizeof(key), "/seq/%u", p->race->round);
	for (i = 0; i < PUTS; i++) {
		snprintf(value, sizeof(value), "%u",
		    (p->falling ? PUTS - 1 - i : i) * 2 + p->falling);
		e = put(p->race->k, key, value);
		if (e != 0 && e != P2P_ERR_EXISTS)
			atomic_fetch_add(&p->race->errors, 1);
	}
}

static void
of_two_who_put_the_better_one_stays(void)
{
	struct race race = { .round = 0 };
	struct putter p[2] = { { &race, false }, { &race, true } };
	struct thread t[2];
	char key[32];
	struct kept k;
	size_t i;

	kept_new(&k);
	race.k = &k;
	k.hook = (struct hook){ NULL, look_around, &race };
	for (; race.round < 200; race.round++) {
		for (i = 0; i < 2; i++)
			CHECK_OK(thread_start(&t[i], "test-put", THREAD_STACK,
			    put_many, &p[i]));
		for (i = 0; i < 2; i++)
			thread_join(&t[i]);
		snprintf(key, sizeof(key), "/seq/%u", race.round);
		CHECK_STR(value_at(&k, key, k.now), "39");
	}
	CHECK_EQ(race.overlaps, 0);
	CHECK_EQ(race.errors, 0);
	kept_free(&k);
}

/* Two keys do not wait for each other. */
struct meeting {
	struct kept	*k;
	struct lock	 mtx;
	struct cond	 came;
	unsigned	 there;		/* now */
	bool		 met;
};

static void
meet(const struct p2p_record *r, void *arg)
{
	struct meeting *m = arg;
	uint64_t end = clock_after(clock_now(), 5 * CLOCK_S);

	(void)r;
	lock_lock(&m->mtx);
	m->there++;
	m->met = m->met || m->there == 2;
	cond_broadcast(&m->came);
	while (!m->met && cond_wait(&m->came, &m->mtx, end))
		;
	m->there--;
	lock_unlock(&m->mtx);
}

static void
put_other(void *arg)
{
	struct meeting *m = arg;

	CHECK_OK(put(m->k, "/seq/b", "2"));
}

static void
puts_of_two_keys_go_on_together(void)
{
	struct meeting m = { .there = 0 };
	struct thread t;
	struct kept k;

	kept_new(&k);
	m.k = &k;
	lock_init(&m.mtx, LOCK_LEAF);
	cond_init(&m.came);
	CHECK_OK(put(&k, "/seq/a", "1"));
	CHECK_OK(put(&k, "/seq/b", "1"));
	k.hook = (struct hook){ NULL, meet, &m };
	CHECK_OK(thread_start(&t, "test-put", THREAD_STACK, put_other, &m));
	CHECK_OK(put(&k, "/seq/a", "2"));
	thread_join(&t);
	CHECK(m.met);
	cond_destroy(&m.came);
	lock_destroy(&m.mtx);
	kept_free(&k);
}

/* Who fills the store with records fills his own part of it. */
static void
records_of_one_peer_are_bounded(void)
{
	struct p2p_peer_id other = peer(2);
	struct p2p_record r;
	unsigned i, refused = 0;
	char key[32];
	struct kept k;

	kept_new(&k);
	for (i = 0; i < OWNER_RECORDS + 10; i++) {
		snprintf(key, sizeof(key), "/seq/%u", i);
		refused += put(&k, key, "1") == P2P_ERR_LIMIT;
	}
	CHECK_EQ(refused, 10);
	CHECK_EQ(usage(&k, k.ks.records).entries, OWNER_RECORDS);
	CHECK_OK(put(&k, "/seq/0", "2"));	/* in place of its own */
	CHECK_ERR(put(&k, "/seq/new", "1"), P2P_ERR_LIMIT);
	r = record("/seq/new", "1");
	CHECK_OK(kad_store_put(&k.ks, &r, &other, k.now));
	r = record("/seq/ours", "1");
	CHECK_OK(kad_store_put(&k.ks, &r, NULL, k.now));
	kept_free(&k);
}

static size_t
providers(struct kept *k, const char *key, size_t max, uint64_t now,
    struct kad_contact **out)
{
	size_t n = 99;

	CHECK_OK(kad_store_providers(&k->ks, text(key), max, now, out, &n));
	return n;
}

static size_t
count(struct kept *k, const char *key, uint64_t now)
{
	struct kad_contact *list;
	size_t n = providers(k, key, 100, now, &list);

	kad_contacts_free(list, n);
	return n;
}

/* S-17: addresses for a day, providers for two. */
static void
a_provider_lives_longer_than_its_addresses(void)
{
	struct p2p_multiaddr *ma[2];
	struct p2p_peer_id a = peer(1);
	struct kad_contact *list;
	struct kept k;
	size_t n;

	kept_new(&k);
	ma[0] = check_maddr("/ip4/1.2.3.4/tcp/1");
	ma[1] = check_maddr("/ip4/1.2.3.4/tcp/2");
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, ma, 2, k.now));
	n = providers(&k, "key", 20, k.now + 24 * HOUR - 1, &list);
	CHECK_EQ(n, 1);
	CHECK(p2p_peer_id_equal(&list[0].peer, &a));
	CHECK_EQ(list[0].naddrs, 2);
	CHECK_STR(p2p_multiaddr_text(list[0].addrs[1]), "/ip4/1.2.3.4/tcp/2");
	CHECK(list[0].addrs[2] == NULL);
	kad_contacts_free(list, n);
	n = providers(&k, "key", 20, k.now + 24 * HOUR, &list);
	CHECK_EQ(n, 1);
	CHECK_EQ(list[0].naddrs, 0);
	kad_contacts_free(list, n);
	CHECK_EQ(count(&k, "key", k.now + 48 * HOUR - 1), 1);
	CHECK_EQ(count(&k, "key", k.now + 48 * HOUR), 0);
	CHECK_EQ(count(&k, "key", k.now - 1), 0);	/* from the future */
	/* Said again: from then on. */
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, ma, 1,
	    k.now + 24 * HOUR));
	n = providers(&k, "key", 20, k.now + 48 * HOUR - 1, &list);
	CHECK_EQ(n, 1);
	CHECK_EQ(list[0].naddrs, 1);
	kad_contacts_free(list, n);
	CHECK_EQ(count(&k, "key", k.now + 72 * HOUR - 1), 1);
	CHECK_OK(kad_store_unprovide(&k.ks, text("key"), &a));
	CHECK_EQ(count(&k, "key", k.now + 24 * HOUR), 0);
	p2p_multiaddr_free(ma[0]);
	p2p_multiaddr_free(ma[1]);
	kept_free(&k);
}

static void
keys_of_providers_are_not_mixed_up(void)
{
	uint8_t key[KAD_PROVIDER_KEY_MAX + 1] = { 0 };
	struct p2p_peer_id a = peer(1), b = peer(2);
	struct rd most = { key, KAD_PROVIDER_KEY_MAX };
	struct kept k;

	kept_new(&k);
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, NULL, 0, k.now));
	CHECK_OK(kad_store_provide(&k.ks, text("keys"), &a, NULL, 0, k.now));
	CHECK_OK(kad_store_provide(&k.ks, text("keys"), &b, NULL, 0, k.now));
	CHECK_EQ(count(&k, "key", k.now), 1);
	CHECK_EQ(count(&k, "keys", k.now), 2);
	CHECK_EQ(count(&k, "ke", k.now), 0);
	CHECK_OK(kad_store_unprovide(&k.ks, text("keys"), &b));
	CHECK_EQ(count(&k, "keys", k.now), 1);
	CHECK_OK(kad_store_provide(&k.ks, most, &a, NULL, 0, k.now));
	most.len++;
	CHECK_ERR(kad_store_provide(&k.ks, most, &a, NULL, 0, k.now),
	    P2P_ERR_FORMAT);
	CHECK_ERR(kad_store_unprovide(&k.ks, most, &a), P2P_ERR_FORMAT);
	most.len = 0;
	CHECK_ERR(kad_store_provide(&k.ks, most, &a, NULL, 0, k.now),
	    P2P_ERR_FORMAT);
	CHECK_EQ(usage(&k, k.ks.providers).entries, 3);
	kept_free(&k);
}

/* Of many each is named as often as another, as far as one can tell. */
static void
of_many_providers_chance_picks(void)
{
	unsigned seen[60] = { 0 }, i, j;
	struct kad_contact *list;
	struct p2p_peer_id p;
	struct kept k;
	size_t n;

	kept_new(&k);
	for (i = 0; i < 60; i++) {
		p = peer(i);
		CHECK_OK(kad_store_provide(&k.ks, text("key"), &p, NULL, 0,
		    k.now));
	}
	for (i = 0; i < 90; i++) {
		n = providers(&k, "key", 20, k.now, &list);
		CHECK_EQ(n, 20);
		for (j = 0; j < n; j++)
			seen[number(&list[j].peer)]++;
		kad_contacts_free(list, n);
	}
	/* Each 30 times, give or take; none twice in one list. */
	for (i = 0; i < 60; i++)
		CHECK(seen[i] >= 5 && seen[i] <= 60);
	n = providers(&k, "key", 100, k.now, &list);
	CHECK_EQ(n, 60);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++)
		CHECK_EQ(seen[number(&list[i].peer)]++, 0);
	kad_contacts_free(list, n);
	kept_free(&k);
}

static void
what_is_no_provider_is_left_out(void)
{
	struct p2p_peer_id good = peer(1);
	struct kad_contact *list;
	struct kept k;
	size_t n;

	kept_new(&k);
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &good, NULL, 0,
	    k.now));
	/* No peer, no time, an address that ends too soon. */
	plant(&k, k.ks.providers, text("\x03keyxx"), text(""), &k.now);
	plant(&k, k.ks.providers, (struct rd){ (const uint8_t *)
	    "\x03key\0\1a", 7 }, text("1234"), NULL);
	plant(&k, k.ks.providers, (struct rd){ (const uint8_t *)
	    "\x03key\0\1b", 7 }, text("\x08\x04"), &k.now);
	/* One that is no address does not spoil the other. */
	plant(&k, k.ks.providers, (struct rd){ (const uint8_t *)
	    "\x03key\0\1c", 7 }, (struct rd){ (const uint8_t *)
	    "\x01\xff\x08\x04\x01\x02\x03\x04\x06\0\1", 11 }, &k.now);
	n = providers(&k, "key", 20, k.now, &list);
	CHECK_EQ(n, 2);
	CHECK_EQ(list[0].naddrs + list[1].naddrs, 1);
	kad_contacts_free(list, n);
	kept_free(&k);
}

/* As many addresses as count, and whole ones. */
static void
addresses_of_a_provider_are_bounded(void)
{
	struct p2p_multiaddr *ma[KAD_ADDRS_READ_MAX + 4];
	struct p2p_peer_id a = peer(1);
	struct kad_contact *list;
	char addr[1100];
	struct kept k;
	size_t i, n;

	kept_new(&k);
	for (i = 0; i < KAD_ADDRS_READ_MAX + 4; i++) {
		snprintf(addr, sizeof(addr), "/ip4/1.2.3.4/tcp/%zu", i + 1);
		ma[i] = check_maddr(addr);
	}
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, ma,
	    KAD_ADDRS_READ_MAX + 4, k.now));
	n = providers(&k, "key", 20, k.now, &list);
	CHECK_EQ(list[0].naddrs, KAD_ADDRS_READ_MAX);
	kad_contacts_free(list, n);
	for (i = 0; i < KAD_ADDRS_READ_MAX + 4; i++) {
		p2p_multiaddr_free(ma[i]);
		snprintf(addr, sizeof(addr), "/dns4/%0230zu/tcp/1", i);
		ma[i] = check_maddr(addr);
	}
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, ma,
	    KAD_ADDRS_READ_MAX, k.now));
	n = providers(&k, "key", 20, k.now, &list);
	CHECK_EQ(n, 1);
	CHECK_EQ(list[0].naddrs, 4);		/* 1024 bytes */
	CHECK_STR(p2p_multiaddr_text(list[0].addrs[3]),
	    p2p_multiaddr_text(ma[3]));
	kad_contacts_free(list, n);
	for (i = 0; i < KAD_ADDRS_READ_MAX + 4; i++)
		p2p_multiaddr_free(ma[i]);
	kept_free(&k);
}

/* D8: who says so a hundred thousand times pushes nobody out. */
static void
providers_of_one_peer_are_bounded(void)
{
	struct p2p_peer_id old = peer(1), spam = peer(2);
	struct p2p_multiaddr *ma = check_maddr("/ip4/1.2.3.4/tcp/1");
	unsigned i, refused = 0;
	char key[16];
	struct kept k;

	kept_new(&k);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "old%u", i);
		CHECK_OK(kad_store_provide(&k.ks, text(key), &old, &ma, 1,
		    k.now));
	}
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "spam%u", i);
		refused += kad_store_provide(&k.ks, text(key), &spam, &ma, 1,
		    k.now) == P2P_ERR_LIMIT;
	}
	CHECK_EQ(refused, 100000 - OWNER_PROVIDERS);
	CHECK_EQ(usage(&k, k.ks.providers).entries, OWNER_PROVIDERS + 100);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "old%u", i);
		CHECK_EQ(count(&k, key, k.now), 1);
	}
	CHECK_OK(kad_store_provide(&k.ks, text("spam0"), &spam, &ma, 1,
	    k.now));
	CHECK_OK(kad_store_provide(&k.ks, text("new"), &old, &ma, 1, k.now));
	kept_free(&k);
	p2p_multiaddr_free(ma);
}

/* Two networks in one store do not see each other's: D10. */
static void
each_protocol_has_its_own(void)
{
	struct p2p_peer_id a = peer(1);
	struct kad_contact *list;
	struct kad_store other;
	struct kad_stored *s;
	struct kept k;
	size_t n;

	kept_new(&k);
	CHECK_OK(kad_store_init(&other, &(struct kad_store_params){
	    .store = k.store, .rules = &k.rules, .protocol = "/other/1" }));
	CHECK_OK(put(&k, KEY, "1"));
	CHECK_OK(kad_store_provide(&k.ks, text("key"), &a, NULL, 0, k.now));
	CHECK_ERR(kad_store_get(&other, KEY, strlen(KEY), k.now, &s),
	    P2P_ERR_NOT_FOUND);
	CHECK_OK(kad_store_providers(&other, text("key"), 20, k.now, &list,
	    &n));
	CHECK_EQ(n, 0);
	kad_contacts_free(list, n);
	kad_store_fini(&other);
	kept_free(&k);
}

TESTS("kad_store",
    { "the better record stays, and alike is as good",
      the_better_record_stays_and_alike_is_as_good },
    { "what is not valid is not stored", what_is_not_valid_is_not_stored },
    { "a record is good for two days", a_record_is_good_for_two_days },
    { "what is not valid is dropped when it is read",
      what_is_not_valid_is_dropped_when_it_is_read },
    { "a reader drops nothing that came meanwhile",
      a_reader_drops_nothing_that_came_meanwhile },
    { "of two who put, the better one stays",
      of_two_who_put_the_better_one_stays },
    { "puts of two keys go on together", puts_of_two_keys_go_on_together },
    { "records of one peer are bounded", records_of_one_peer_are_bounded },
    { "a provider lives longer than its addresses",
      a_provider_lives_longer_than_its_addresses },
    { "keys of providers are not mixed up",
      keys_of_providers_are_not_mixed_up },
    { "of many providers chance picks", of_many_providers_chance_picks },
    { "what is no provider is left out", what_is_no_provider_is_left_out },
    { "addresses of a provider are bounded",
      addresses_of_a_provider_are_bounded },
    { "providers of one peer are bounded",
      providers_of_one_peer_are_bounded },
    { "each protocol has its own", each_protocol_has_its_own },
    { "what nobody reads expires", what_nobody_reads_expires })
