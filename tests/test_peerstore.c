#include "host/peerstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "host/host.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"

#define PEERS		4
#define ADDRS		3
#define PROTOCOLS	5
#define METADATA	64
#define TTL		(10 * CLOCK_S)
#define THREADS		4
#define ROUNDS		300

static struct peerstore *
make(void)
{
	struct peerstore_caps caps = { PEERS, ADDRS, PROTOCOLS, METADATA,
	    NULL, NULL };
	struct peerstore *ps = NULL;

	CHECK_OK(peerstore_new(&caps, &ps));
	CHECK_FATAL(ps != NULL);
	return ps;
}

/* A peer whose id is only a hash. */
static struct p2p_peer_id
peer(unsigned n)
{
	struct p2p_peer_id id = { .len = 34, .bytes = { 0x12, 0x20 } };

	memcpy(id.bytes + 2, &n, sizeof(n));
	return id;
}

static int
add(struct peerstore *ps, unsigned n, const char *text, uint64_t ttl)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	struct p2p_peer_id id = peer(n);
	int e;

	e = peerstore_add(ps, &id, ma, ttl);
	p2p_multiaddr_free(ma);
	return e;
}

static int
certify(struct peerstore *ps, unsigned n, uint64_t seq, const char *a,
    const char *b)
{
	struct p2p_multiaddr *addrs[2] = { NULL };
	struct p2p_peer_id id = peer(n);
	size_t k = 0;
	int e;

	if (a != NULL)
		addrs[k++] = check_maddr(a);
	if (b != NULL)
		addrs[k++] = check_maddr(b);
	e = peerstore_certify(ps, &id, seq, addrs, k, TTL);
	p2p_multiaddr_free(addrs[0]);
	p2p_multiaddr_free(addrs[1]);
	return e;
}

static bool
pin(struct peerstore *ps, unsigned n, bool connected)
{
	struct p2p_peer_id id = peer(n);

	if (!connected)
		peerstore_unpin(ps, &id);
	return connected && peerstore_pin(ps, &id);
}

/* The live addresses with spaces between them, "" for none. */
static const char *
known(struct peerstore *ps, unsigned n)
{
	static char text[1024];
	struct p2p_multiaddr **list = NULL;
	struct p2p_peer_id id = peer(n);
	size_t i, at = 0;
	int e;

	text[0] = '\0';
	e = peerstore_addresses(ps, &id, &list);
	if (e != 0) {
		CHECK_ERR(e, P2P_ERR_NOT_FOUND);
		return text;
	}
	CHECK(list[0] != NULL);
	for (i = 0; list[i] != NULL; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
		    i > 0 ? " " : "", p2p_multiaddr_text(list[i]));
	p2p_host_addresses_free(list);
	return text;
}

/* The peers by number, in the order in which they would go. */
static const char *
peers(struct peerstore *ps)
{
	static char text[256];
	struct p2p_peer_id *list = NULL;
	size_t i, n, at = 0;
	unsigned k;

	text[0] = '\0';
	CHECK_OK(peerstore_peers(ps, &list, &n));
	for (i = 0; i < n; i++) {
		memcpy(&k, list[i].bytes + 2, sizeof(k));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%u", k);
	}
	free(list);
	return text;
}

static void
addresses_live_as_long_as_they_were_given(void)
{
	struct peerstore *ps = make();

	CHECK_STR(known(ps, 1), "");
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.2/tcp/2", UINT64_MAX));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.3/tcp/3", 0));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1 /ip4/192.0.2.2/tcp/2");
	clock_test_advance(TTL / 2);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1 /ip4/192.0.2.2/tcp/2");
	clock_test_advance(TTL / 2);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.2/tcp/2");
	clock_test_advance(365 * 24 * 3600 * CLOCK_S);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.2/tcp/2");
	peerstore_free(ps);
	peerstore_free(NULL);
}

static void
a_longer_life_stays_and_a_shorter_one_grows(void)
{
	struct peerstore *ps = make();

	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", 10 * TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.2/tcp/2", TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.2/tcp/2", 5 * TTL));
	clock_test_advance(2 * TTL);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1 /ip4/192.0.2.2/tcp/2");
	clock_test_advance(4 * TTL);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1");
	clock_test_advance(4 * TTL);
	CHECK_STR(known(ps, 1), "");
	peerstore_free(ps);
}

static void
an_address_is_kept_without_the_peer_s_own_id(void)
{
	struct p2p_peer_id one = peer(1), two = peer(2);
	struct peerstore *ps = make();
	char text[P2P_PEER_ID_TEXT_MAX], full[200];

	snprintf(full, sizeof(full), "/ip4/192.0.2.1/tcp/1/p2p/%s",
	    p2p_peer_id_text(&one, text));
	CHECK_OK(add(ps, 1, full, TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1");
	CHECK_ERR(add(ps, 2, full, TTL), P2P_ERR_WRONG_PEER);
	CHECK_STR(peers(ps), "1");
	/* A relay's id in the middle is nobody's business. */
	snprintf(full, sizeof(full), "/ip4/192.0.2.9/tcp/9/p2p/%s/p2p-circuit",
	    p2p_peer_id_text(&two, text));
	CHECK_OK(add(ps, 1, full, TTL));
	snprintf(full, sizeof(full), "/p2p/%s", p2p_peer_id_text(&one, text));
	CHECK_ERR(add(ps, 1, full, TTL), P2P_ERR_FORMAT);
	peerstore_free(ps);
}

static void
a_peer_has_so_many_addresses(void)
{
	struct peerstore *ps = make();

	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.2/tcp/2", TTL));
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.3/tcp/3", TTL));
	CHECK_ERR(add(ps, 1, "/ip4/192.0.2.4/tcp/4", TTL), P2P_ERR_LIMIT);
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_OK(add(ps, 2, "/ip4/192.0.2.4/tcp/4", TTL));
	clock_test_advance(TTL);
	peerstore_expire(ps, clock_now());
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.4/tcp/4", TTL));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.4/tcp/4");
	peerstore_free(ps);
}

static void
the_oldest_peer_makes_room(void)
{
	struct peerstore *ps = make();
	unsigned n;

	for (n = 1; n <= PEERS; n++)
		CHECK_OK(add(ps, n, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_STR(peers(ps), "1234");
	CHECK_OK(add(ps, 2, "/ip4/192.0.2.2/tcp/2", TTL));	/* known */
	CHECK_STR(peers(ps), "1234");
	CHECK_OK(add(ps, 5, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_STR(peers(ps), "2345");
	CHECK_STR(known(ps, 1), "");
	peerstore_free(ps);
}

static void
a_connected_peer_never_makes_room(void)
{
	struct peerstore *ps = make();
	struct p2p_peer_id one = peer(1);
	unsigned n;

	for (n = 1; n <= PEERS; n++)
		CHECK_OK(add(ps, n, "/ip4/192.0.2.1/tcp/1", TTL));
	pin(ps, 1, true);
	pin(ps, 1, true);		/* two connections */
	pin(ps, 2, true);
	CHECK_OK(add(ps, 5, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_STR(peers(ps), "1245");
	pin(ps, 1, false);		/* one is left */
	pin(ps, 6, true);		/* one that was not known */
	CHECK_STR(peers(ps), "1256");
	pin(ps, 5, true);
	CHECK_ERR(add(ps, 7, "/ip4/192.0.2.1/tcp/1", TTL), P2P_ERR_LIMIT);
	CHECK_ERR(certify(ps, 7, 1, NULL, NULL), P2P_ERR_LIMIT);
	CHECK(!pin(ps, 7, true));	/* no room: not kept */
	CHECK_STR(peers(ps), "1256");
	CHECK_OK(peerstore_remove(ps, &one));	/* forgotten, still there */
	CHECK_STR(known(ps, 1), "");
	CHECK_ERR(add(ps, 7, "/ip4/192.0.2.1/tcp/1", TTL), P2P_ERR_LIMIT);
	pin(ps, 1, false);
	CHECK_OK(add(ps, 7, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_STR(peers(ps), "2567");
	peerstore_free(ps);
}

/* V32: stale records, replays, and what a newer one no longer says. */
static void
only_a_newer_record_counts(void)
{
	struct peerstore *ps = make();

	CHECK_OK(add(ps, 1, "/ip4/192.0.2.9/tcp/9", TTL));
	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.1/tcp/1",
	    "/ip4/192.0.2.2/tcp/2"));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.9/tcp/9 /ip4/192.0.2.1/tcp/1 "
	    "/ip4/192.0.2.2/tcp/2");
	CHECK_ERR(certify(ps, 1, 6, "/ip4/192.0.2.3/tcp/3", NULL),
	    P2P_ERR_EXISTS);
	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.3/tcp/3", NULL));
	CHECK_ERR(certify(ps, 1, 0, NULL, NULL), P2P_ERR_EXISTS);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.9/tcp/9 /ip4/192.0.2.1/tcp/1 "
	    "/ip4/192.0.2.2/tcp/2");
	CHECK_OK(certify(ps, 1, 8, "/ip4/192.0.2.2/tcp/2", NULL));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.9/tcp/9 /ip4/192.0.2.2/tcp/2");
	CHECK_OK(certify(ps, 1, UINT64_MAX, NULL, NULL));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.9/tcp/9");
	CHECK_ERR(certify(ps, 1, 9, "/ip4/192.0.2.2/tcp/2", NULL),
	    P2P_ERR_EXISTS);
	/* Another peer counts for itself. */
	CHECK_OK(certify(ps, 2, 1, "/ip4/192.0.2.2/tcp/2", NULL));
	peerstore_free(ps);
}

/* Liars fill its places; its own word is worth more. */
static void
what_is_signed_finds_room(void)
{
	struct peerstore *ps = make();
	char text[64];
	unsigned i;
	int e = 0;

	for (i = 0; i < 1000 && e == 0; i++) {
		snprintf(text, sizeof(text), "/ip4/192.0.2.9/tcp/%u", i + 1);
		e = add(ps, 1, text, TTL + i);
	}
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(strstr(known(ps, 1), "/tcp/1 ") != NULL);
	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.1/tcp/1",
	    "/ip4/192.0.2.2/tcp/2"));
	CHECK(strstr(known(ps, 1), "/ip4/192.0.2.1/tcp/1") != NULL);
	CHECK(strstr(known(ps, 1), "/ip4/192.0.2.2/tcp/2") != NULL);
	CHECK(strstr(known(ps, 1), "/ip4/192.0.2.9/tcp/1 ") == NULL);
	peerstore_free(ps);
}

/* go's record has one seq for as long as its addresses stay the same. */
static void
the_same_record_again_lasts_longer(void)
{
	struct peerstore *ps = make();

	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.1/tcp/1",
	    "/ip4/192.0.2.2/tcp/2"));
	clock_test_advance(TTL / 2);
	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.1/tcp/1", NULL));
	clock_test_advance(TTL / 2);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1");
	clock_test_advance(TTL / 2);
	CHECK_STR(known(ps, 1), "");
	CHECK_ERR(certify(ps, 1, 6, "/ip4/192.0.2.2/tcp/2", NULL),
	    P2P_ERR_EXISTS);
	CHECK_OK(certify(ps, 1, 7, "/ip4/192.0.2.2/tcp/2", NULL));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.2/tcp/2");
	peerstore_free(ps);
}

static void
addresses_of_others_in_a_record_are_left_out(void)
{
	struct p2p_peer_id two = peer(2);
	struct peerstore *ps = make();
	char text[P2P_PEER_ID_TEXT_MAX], full[200];

	snprintf(full, sizeof(full), "/ip4/192.0.2.2/tcp/2/p2p/%s",
	    p2p_peer_id_text(&two, text));
	CHECK_OK(certify(ps, 1, 1, full, "/ip4/192.0.2.1/tcp/1"));
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1");
	clock_test_advance(TTL);
	CHECK_STR(known(ps, 1), "");
	peerstore_free(ps);
}

static void
a_key_must_be_the_peer_s(void)
{
	struct p2p_key *key = NULL, *got = NULL;
	struct p2p_peer_id id, other = peer(1);
	struct peerstore *ps = make();
	const uint8_t *a, *b;
	size_t alen, blen;

	CHECK_OK(p2p_key_generate(P2P_KEY_ECDSA, 0, &key));
	p2p_peer_id_from_key(key, &id);
	CHECK_ERR(peerstore_key(ps, &id, &got), P2P_ERR_NOT_FOUND);
	CHECK_ERR(peerstore_set_key(ps, &other, key), P2P_ERR_WRONG_PEER);
	CHECK_STR(peers(ps), "");
	CHECK_OK(peerstore_set_key(ps, &id, key));
	CHECK_OK(peerstore_set_key(ps, &id, key));
	CHECK_OK(peerstore_key(ps, &id, &got));
	CHECK_FATAL(got != NULL);
	a = p2p_key_public(key, &alen);
	b = p2p_key_public(got, &blen);
	CHECK_BYTES(a, alen, b, blen);
	CHECK(!p2p_key_is_private(got));
	p2p_key_free(got);
	p2p_key_free(key);
	peerstore_free(ps);
}

static void
a_key_inside_an_id_needs_no_store(void)
{
	struct p2p_key *key = NULL, *got = NULL;
	struct peerstore *ps = make();
	struct p2p_peer_id id;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &id);
	CHECK_OK(peerstore_key(ps, &id, &got));
	CHECK(got != NULL);
	CHECK_STR(peers(ps), "");
	p2p_key_free(got);
	p2p_key_free(key);
	peerstore_free(ps);
}

static int
put(struct peerstore *ps, unsigned n, const char *name, const char *value)
{
	struct p2p_peer_id id = peer(n);

	return peerstore_put(ps, &id, name, value, strlen(value));
}

/* The value as a string, or "-". */
static const char *
get(struct peerstore *ps, unsigned n, const char *name)
{
	struct p2p_peer_id id = peer(n);
	static char value[METADATA + 1];
	size_t len = 0;
	int e;

	e = peerstore_get(ps, &id, name, value, METADATA, &len);
	if (e != 0)
		CHECK_ERR(e, P2P_ERR_NOT_FOUND);
	CHECK(len <= METADATA);
	value[len] = '\0';
	return e != 0 ? "-" : value;
}

static void
metadata_is_put_and_got_by_name(void)
{
	struct p2p_peer_id id = peer(1);
	struct peerstore *ps = make();
	char part[4] = "xxx";
	size_t len = 0;

	CHECK_STR(get(ps, 1, "agent"), "-");
	CHECK_OK(put(ps, 1, "agent", "one"));
	CHECK_OK(put(ps, 1, "Agent", ""));
	CHECK_OK(put(ps, 2, "agent", "other"));
	CHECK_STR(get(ps, 1, "agent"), "one");
	CHECK_STR(get(ps, 1, "Agent"), "");
	CHECK_STR(get(ps, 2, "agent"), "other");
	CHECK_STR(get(ps, 2, "Agent"), "-");
	CHECK_OK(put(ps, 1, "agent", "longer"));
	CHECK_STR(get(ps, 1, "agent"), "longer");
	/* As much as fits, and how much there is. */
	CHECK_OK(peerstore_get(ps, &id, "agent", part, 2, &len));
	CHECK_EQ(len, 6);
	CHECK_STR(part, "lox");
	CHECK_OK(peerstore_get(ps, &id, "agent", NULL, 0, &len));
	CHECK_EQ(len, 6);
	peerstore_free(ps);
}

static void
metadata_is_capped(void)
{
	struct peerstore *ps = make();
	char big[METADATA + 2], name[65];

	memset(big, 'v', sizeof(big));
	memset(name, 'n', sizeof(name));
	big[METADATA + 1] = '\0';
	CHECK_ERR(put(ps, 1, "a", big), P2P_ERR_TOO_LARGE);
	big[METADATA] = '\0';
	CHECK_ERR(put(ps, 1, "a", big), P2P_ERR_LIMIT);	/* the name counts */
	big[METADATA - 1] = '\0';
	CHECK_OK(put(ps, 1, "a", big));
	CHECK_OK(put(ps, 1, "a", big));		/* in place of the old one */
	CHECK_ERR(put(ps, 1, "b", "v"), P2P_ERR_LIMIT);
	CHECK_OK(put(ps, 2, "b", "v"));
	CHECK_OK(put(ps, 1, "a", ""));
	CHECK_OK(put(ps, 1, "b", "v"));
	name[64] = '\0';
	CHECK_ERR(put(ps, 1, name, "v"), P2P_ERR_TOO_LARGE);
	name[63] = '\0';
	CHECK_OK(put(ps, 3, name, "w"));
	CHECK_STR(get(ps, 3, name), "w");
	peerstore_free(ps);
}

static void
a_value_stays_when_its_successor_does_not_fit(void)
{
	struct peerstore *ps = make();
	char big[METADATA] = "";

	memset(big, 'v', sizeof(big) - 1);
	CHECK_OK(put(ps, 1, "a", "old"));
	CHECK_OK(put(ps, 1, "b", "other"));
	CHECK_ERR(put(ps, 1, "a", big), P2P_ERR_LIMIT);
	CHECK_STR(get(ps, 1, "a"), "old");
	peerstore_free(ps);
}

static void
protocols_are_replaced_and_cut_at_the_cap(void)
{
	static const char *const many[] = { "/a", "/b", "/c", "/d", "/e",
	    "/f", "/g" };
	struct p2p_peer_id id = peer(1);
	struct peerstore *ps = make();
	char **list = NULL;
	size_t n = 0;

	CHECK_ERR(peerstore_protocols(ps, &id, &list), P2P_ERR_NOT_FOUND);
	CHECK_OK(peerstore_set_protocols(ps, &id, many, 7));
	CHECK_OK(peerstore_protocols(ps, &id, &list));
	CHECK_FATAL(list != NULL);
	for (n = 0; list[n] != NULL; n++)
		CHECK_STR(list[n], many[n]);
	CHECK_EQ(n, PROTOCOLS);
	free(list);
	CHECK_OK(peerstore_set_protocols(ps, &id, many + 6, 1));
	CHECK_OK(peerstore_protocols(ps, &id, &list));
	CHECK_STR(list[0], "/g");
	CHECK(list[1] == NULL);
	free(list);
	CHECK_OK(peerstore_set_protocols(ps, &id, NULL, 0));
	CHECK_OK(peerstore_protocols(ps, &id, &list));
	CHECK(list[0] == NULL);
	free(list);
	peerstore_free(ps);
}

static int
dialable(struct peerstore *ps, uint64_t now)
{
	struct p2p_multiaddr **list = NULL;
	struct p2p_peer_id id = peer(1);
	int e;

	e = peerstore_dialable(ps, &id, now, &list);
	if (e == 0)
		p2p_host_addresses_free(list);
	return e;
}

/* Go's figures: 5 s and the square of the failures, up to 5 minutes. */
static void
check_backoff(struct peerstore *ps, const struct p2p_multiaddr *ma,
    uint64_t now)
{
	struct p2p_peer_id id = peer(1);
	uint64_t s, n;

	for (n = 1; n < 25; n++) {
		peerstore_dialed(ps, &id, ma, false, now);
		s = 5 + n * n < 300 ? 5 + n * n : 300;
		CHECK_ERR(dialable(ps, now), P2P_ERR_UNREACHABLE);
		CHECK_ERR(dialable(ps, now + s * CLOCK_S / 5 * 4 - 1),
		    P2P_ERR_UNREACHABLE);
		CHECK_OK(dialable(ps, now + s * CLOCK_S / 5 * 6));
	}
	peerstore_dialed(ps, &id, ma, true, now);
	CHECK_OK(dialable(ps, now));
}

/* Often, because chance makes each time a fifth longer or shorter. */
static void
an_address_that_fails_is_left_alone_for_longer(void)
{
	struct p2p_multiaddr *ma = check_maddr("/ip4/192.0.2.1/tcp/1");
	struct p2p_peer_id id = peer(1);
	struct peerstore *ps = make();
	uint64_t now = clock_now();
	int i;

	CHECK_ERR(dialable(ps, now), P2P_ERR_NOT_FOUND);
	CHECK_OK(peerstore_add(ps, &id, ma, UINT64_MAX));
	CHECK_OK(dialable(ps, now));
	for (i = 0; i < 100; i++)
		check_backoff(ps, ma, now);
	CHECK_STR(known(ps, 1), "/ip4/192.0.2.1/tcp/1");
	p2p_multiaddr_free(ma);
	peerstore_free(ps);
}

static void
a_removed_peer_is_forgotten_altogether(void)
{
	struct p2p_peer_id id = peer(1);
	struct peerstore *ps = make();

	CHECK_ERR(peerstore_remove(ps, &id), P2P_ERR_NOT_FOUND);
	CHECK_OK(add(ps, 1, "/ip4/192.0.2.1/tcp/1", TTL));
	CHECK_OK(certify(ps, 1, 5, "/ip4/192.0.2.2/tcp/2", NULL));
	CHECK_OK(put(ps, 1, "agent", "x"));
	CHECK_OK(peerstore_remove(ps, &id));
	CHECK_STR(peers(ps), "");
	CHECK_STR(known(ps, 1), "");
	CHECK_STR(get(ps, 1, "agent"), "-");
	CHECK_OK(certify(ps, 1, 1, "/ip4/192.0.2.2/tcp/2", NULL));
	peerstore_free(ps);
}

struct user {
	struct thread	 thread;
	struct peerstore *ps;
	unsigned	 seed;
};

static void
use(void *arg)
{
	struct user *u = arg;
	struct p2p_multiaddr *ma = check_maddr("/ip4/192.0.2.1/tcp/1"), **addrs;
	struct p2p_peer_id id, *list;
	size_t n;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		u->seed = u->seed * 1664525 + 1013904223;
		id = peer(u->seed >> 28);
		(void)peerstore_add(u->ps, &id, ma, TTL);
		if (peerstore_pin(u->ps, &id))
			peerstore_unpin(u->ps, &id);
		if (peerstore_addresses(u->ps, &id, &addrs) == 0)
			p2p_host_addresses_free(addrs);
		(void)peerstore_put(u->ps, &id, "name", "value", 5);
		if (i % 16 == 0)
			(void)peerstore_remove(u->ps, &id);
		peerstore_expire(u->ps, clock_now());
		if (peerstore_peers(u->ps, &list, &n) == 0) {
			CHECK(n <= PEERS);
			free(list);
		}
	}
	p2p_multiaddr_free(ma);
}

static void
threads_may_share_a_store(void)
{
	struct user users[THREADS] = { 0 };
	struct peerstore *ps = make();
	unsigned i;

	for (i = 0; i < THREADS; i++) {
		users[i].ps = ps;
		users[i].seed = i;
		CHECK_OK(thread_start(&users[i].thread, "user", THREAD_STACK,
		    use, &users[i]));
	}
	for (i = 0; i < THREADS; i++)
		thread_join(&users[i].thread);
	peerstore_free(ps);
}

static void
a_host_counts_lives_in_seconds(void)
{
	struct p2p_multiaddr *ma = check_maddr("/ip4/192.0.2.1/tcp/1"), **list;
	struct p2p_peer_id one = peer(1), two = peer(2), three = peer(3);
	struct p2p_host *h = NULL;

	CHECK_OK(p2p_host_new(NULL, &h));
	CHECK_FATAL(h != NULL);
	CHECK_OK(p2p_peerstore_add(h, &one, ma, 10));
	CHECK_OK(p2p_peerstore_add(h, &two, ma, P2P_TTL_FOREVER));
	/* Nanoseconds of this wrap to few. */
	CHECK_OK(p2p_peerstore_add(h, &three, ma, UINT64_C(18446744074)));
	clock_test_advance(9 * CLOCK_S);
	CHECK_OK(p2p_peerstore_addresses(h, &one, &list));
	p2p_host_addresses_free(list);
	clock_test_advance(CLOCK_S);
	CHECK_ERR(p2p_peerstore_addresses(h, &one, &list),
	    P2P_ERR_NOT_FOUND);
	clock_test_advance(3600 * CLOCK_S);
	CHECK_OK(p2p_peerstore_addresses(h, &two, &list));
	p2p_host_addresses_free(list);
	CHECK_OK(p2p_peerstore_addresses(h, &three, &list));
	p2p_host_addresses_free(list);
	CHECK_OK(p2p_host_stop(h, 0));
	p2p_host_free(h);
	p2p_multiaddr_free(ma);
}

TESTS("peerstore",
	{ "addresses live as long as they were given",
	    addresses_live_as_long_as_they_were_given },
	{ "a longer life stays and a shorter one grows",
	    a_longer_life_stays_and_a_shorter_one_grows },
	{ "an address is kept without the peer's own id",
	    an_address_is_kept_without_the_peer_s_own_id },
	{ "a peer has so many addresses", a_peer_has_so_many_addresses },
	{ "the oldest peer makes room", the_oldest_peer_makes_room },
	{ "a connected peer never makes room",
	    a_connected_peer_never_makes_room },
	{ "only a newer record counts", only_a_newer_record_counts },
	{ "what is signed finds room", what_is_signed_finds_room },
	{ "the same record again lasts longer",
	    the_same_record_again_lasts_longer },
	{ "addresses of others in a record are left out",
	    addresses_of_others_in_a_record_are_left_out },
	{ "a key must be the peer's", a_key_must_be_the_peer_s },
	{ "a key inside an id needs no store",
	    a_key_inside_an_id_needs_no_store },
	{ "metadata is put and got by name", metadata_is_put_and_got_by_name },
	{ "metadata is capped", metadata_is_capped },
	{ "a value stays when its successor does not fit",
	    a_value_stays_when_its_successor_does_not_fit },
	{ "protocols are replaced and cut at the cap",
	    protocols_are_replaced_and_cut_at_the_cap },
	{ "an address that fails is left alone for longer",
	    an_address_that_fails_is_left_alone_for_longer },
	{ "a removed peer is forgotten altogether",
	    a_removed_peer_is_forgotten_altogether },
	{ "threads may share a store", threads_may_share_a_store },
	{ "a host counts lives in seconds", a_host_counts_lives_in_seconds })
