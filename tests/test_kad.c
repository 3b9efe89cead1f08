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
#include "p2p/key.h"
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

/* D-5: whatever the CID is like; js takes no other hashes than these. */
static void
a_cid_of_any_form_is_the_same_multihash(void)
{
	static const char *const cids[] = {
	    "QmVzw6MPsF96TyXBSRs1ptLoVMWRv5FCYJZZGJSVB2Hp39",
	    "bafybeidr2btxo44is72mepdqf7w3flpjalhvqbbz55gejzshcykq3wjona",
	    "bafkreidr2btxo44is72mepdqf7w3flpjalhvqbbz55gejzshcykq3wjona" };
	uint8_t out[P2P_KAD_MULTIHASH_MAX], *want;
	size_t i, len, n;

	want = check_unhex("1220"
	    "71d06777738897f4c23c702fedb2ade902cf580439ef4c44e64716150dd92e68",
	    &n);
	for (i = 0; i < 3; i++) {
		len = 0;
		CHECK_OK(p2p_kad_multihash(cids[i], out, &len));
		CHECK_BYTES(out, len, want, n);
	}
	free(want);
	CHECK_ERR(p2p_kad_multihash("", out, &len), P2P_ERR_FORMAT);
}

/* A record for the name of one key, made with another, or the same. */
static struct p2p_record
name_record(const struct p2p_key *name, const struct p2p_key *key,
    uint64_t sequence, uint64_t eol)
{
	static uint8_t bytes[P2P_RECORD_KEY_MAX];
	struct p2p_ipns what = { .value = (const uint8_t *)"/ipfs/x",
	    .len = 7, .sequence = sequence, .eol = eol };
	struct p2p_record r = { .key = bytes };
	struct p2p_peer_id id;
	uint8_t *value = NULL;

	p2p_peer_id_from_key(name, &id);
	r.key_len = p2p_record_key("ipns", &id, bytes);
	CHECK_OK(p2p_ipns_make(key, &what, &value, &r.len));
	r.value = value;
	return r;
}

/* Takes the record. */
static void
is_put(struct dht_node *n, struct p2p_record r, int error)
{
	CHECK_ERR(p2p_kad_put(n->kad, &r, NULL, NULL), error);
	free((void *)(uintptr_t)r.value);
}

/* KAD-6: a valid one, an older one, an old one, and another's. */
static void
names_are_put_and_found(void)
{
	uint64_t now = clock_wall_ns(), day = 24 * 3600 * CLOCK_S;
	struct p2p_record *got = NULL, second;
	struct p2p_key *key, *thief;
	struct dht d;

	dht_start(&d, 5, 4, NULL);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &thief));
	is_put(&d.node[4], name_record(key, key, 2, now + day), 0);
	is_put(&d.node[4], name_record(key, key, 1, now + day),
	    P2P_ERR_EXISTS);
	is_put(&d.node[4], name_record(key, key, 3, now - 1),
	    P2P_ERR_TIMEOUT);
	is_put(&d.node[4], name_record(key, thief, 3, now + day),
	    P2P_ERR_SIGNATURE);
	second = name_record(key, key, 2, now + day);
	CHECK_OK(p2p_kad_get(d.node[1].kad, second.key, second.key_len, NULL,
	    &got, NULL));
	if (got != NULL)
		CHECK_BYTES(got->value, got->len, second.value, second.len);
	free(got);
	is_put(&d.node[3], second, 0);		/* alike */
	p2p_key_free(key);
	p2p_key_free(thief);
	dht_stop(&d);
}

static void
public_keys_are_put_and_found(void)
{
	uint8_t name[P2P_RECORD_KEY_MAX];
	struct p2p_record r = { .key = name }, *got = NULL;
	struct p2p_peer_id id;
	struct p2p_key *key;
	struct dht d;

	dht_start(&d, 5, 4, NULL);
	CHECK_OK(p2p_key_generate(P2P_KEY_RSA, 2048, &key));
	p2p_peer_id_from_key(key, &id);
	r.key_len = p2p_record_key("pk", &id, name);
	r.value = p2p_key_public(key, &r.len);
	CHECK_ERR(p2p_kad_get(d.node[1].kad, name, r.key_len, NULL, &got,
	    NULL), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_kad_put(d.node[4].kad, &r, NULL, NULL));
	CHECK_OK(p2p_kad_get(d.node[1].kad, name, r.key_len, NULL, &got,
	    NULL));
	if (got != NULL)
		CHECK_BYTES(got->value, got->len, r.value, r.len);
	free(got);
	r.len--;
	CHECK(p2p_kad_put(d.node[4].kad, &r, NULL, NULL) != 0);
	p2p_key_free(key);
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
	a_peer_is_found_and_the_nearest_answer },
    { "a CID of any form is the same multihash",
	a_cid_of_any_form_is_the_same_multihash },
    { "names are put and found", names_are_put_and_found },
    { "public keys are put and found", public_keys_are_put_and_found })
