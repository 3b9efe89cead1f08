/*
 * The plaintext codec against itself, and against exchanges made by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "check.h"
#include "mangle.h"
#include "negotiate/upgrade.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "pair.h"
#include "security/security.h"

#define ALL		SIZE_MAX
#define EXCHANGE_MAX	2048	/* as plaintext.c has it */

static const char *const muxers[] = { "/yamux/1.0.0", NULL };

/* The Ed25519 key of specs peer-ids/peer-ids.md, and what it says. */
static const char spec_private[] =
    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
    "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
static const char spec_exchange[] =
    "4e0a260024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42"
    "d474fce27e1224080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f"
    "0e42d474fce27e";

static struct p2p_key *
spec_key(void)
{
	struct p2p_key *key = NULL;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(spec_private, &len);
	CHECK_OK(p2p_key_decode_private(bytes, len, &key));
	CHECK_FATAL(key != NULL);
	free(bytes);
	return key;
}

static struct p2p_key *
fresh(enum p2p_key_type type)
{
	struct p2p_key *key = NULL;

	CHECK_OK(p2p_key_generate(type, 0, &key));
	CHECK_FATAL(key != NULL);
	return key;
}

static struct codec *
codec_new(const struct p2p_key *key, bool dialer,
    const struct p2p_peer_id *expected)
{
	struct security_params p = { .key = key, .dialer = dialer,
	    .expected = expected, .muxers = muxers };
	struct codec *c = NULL;

	p.context = &p;
	CHECK_OK(security_plaintext.context_new(key, NULL, &p.context));
	CHECK(p.context == NULL);
	CHECK_OK(security_plaintext.codec_new(&p, &c));
	CHECK_FATAL(c != NULL);
	security_plaintext.context_free(p.context);
	return c;
}

static void
codec_free(struct codec *c)
{
	security_plaintext.codec_free(c);
}

static const struct security_result *
result(const struct codec *c)
{
	return security_plaintext.result(c);
}

/* One step on these bytes, from a malloc of their exact size. */
static int
step(struct codec *c, const uint8_t *bytes, size_t len, size_t *left,
    struct wr *out)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct rd in = { copy, len };
	int e;

	if (len > 0)
		memcpy(copy, bytes, len);
	e = security_plaintext.handshake(c, &in, out);
	CHECK(!out->full);
	CHECK(e != 1 || in.len == 0);
	*left = in.len;
	free(copy);
	return e;
}

/* All of it in steps of chunk; *left is what belongs to the next layer. */
static int
feed(struct codec *c, const uint8_t *bytes, size_t len, size_t chunk,
    size_t *left)
{
	uint8_t *buf = malloc(SECURITY_OUT_MIN);
	struct wr out;
	size_t n;
	int e;

	do {
		n = len < chunk ? len : chunk;
		wr_init(&out, buf, SECURITY_OUT_MIN);
		e = step(c, bytes, n, left, &out);
		bytes += n;
		len -= n;
	} while (e == 1 && len > 0);
	*left += len;
	free(buf);
	return e;
}

/* A listener that takes anyone. */
static int
told(const uint8_t *bytes, size_t len)
{
	struct p2p_key *key = spec_key();
	struct codec *c = codec_new(key, false, NULL);
	size_t left;
	int e;

	e = feed(c, bytes, len, ALL, &left);
	if (e != 0) {
		CHECK_EQ(result(c)->peer.len, 0);
		CHECK(result(c)->remote_key == NULL);
	}
	if (e < 0)			/* and so it stays */
		CHECK_ERR(feed(c, bytes, len, ALL, &left), e);
	codec_free(c);
	p2p_key_free(key);
	return e;
}

static void
we_say_what_the_vector_says_and_at_once(void)
{
	struct p2p_key *key = spec_key();
	uint8_t *want, *buf = malloc(SECURITY_OUT_MIN);
	struct codec *c;
	struct wr out;
	size_t len, left;
	int dialer;

	want = check_unhex(spec_exchange, &len);
	for (dialer = 0; dialer < 2; dialer++) {
		c = codec_new(key, dialer, NULL);
		wr_init(&out, buf, SECURITY_OUT_MIN);
		CHECK_EQ(step(c, NULL, 0, &left, &out), 1);
		CHECK_BYTES(buf, out.len, want, len);
		wr_init(&out, buf, SECURITY_OUT_MIN);
		CHECK_EQ(step(c, NULL, 0, &left, &out), 1);
		CHECK_EQ(out.len, 0);		/* once */
		CHECK_OK(step(c, want, len, &left, &out));
		CHECK_EQ(out.len, 0);
		codec_free(c);
	}
	CHECK_STR(security_plaintext.id, "/plaintext/2.0.0");
	free(want);
	free(buf);
	p2p_key_free(key);
}

static void
the_vector_is_read_in_any_segmentation(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519), *spec = spec_key();
	struct p2p_peer_id id;
	const uint8_t *a, *b;
	struct codec *c;
	uint8_t *bytes;
	size_t len, chunk, left, alen, blen;

	bytes = check_unhex(spec_exchange, &len);
	p2p_peer_id_from_key(spec, &id);
	for (chunk = 1; chunk <= len; chunk++) {
		c = codec_new(key, true, &id);
		CHECK_OK(feed(c, bytes, len, chunk, &left));
		CHECK_EQ(left, 0);
		CHECK(p2p_peer_id_equal(&result(c)->peer, &id));
		a = p2p_key_public(result(c)->remote_key, &alen);
		b = p2p_key_public(spec, &blen);
		CHECK_BYTES(a, alen, b, blen);
		CHECK(result(c)->muxer == NULL);
		codec_free(c);
	}
	free(bytes);
	p2p_key_free(spec);
	p2p_key_free(key);
}

/* Both handshakes on a wire that carries chunk bytes a step. */
static void
shake(struct codec *d, struct codec *l, size_t chunk)
{
	uint8_t *a = malloc(SECURITY_OUT_MIN), *b = malloc(SECURITY_OUT_MIN);
	struct wr da, lb;
	size_t left;

	wr_init(&da, a, SECURITY_OUT_MIN);
	wr_init(&lb, b, SECURITY_OUT_MIN);
	CHECK_EQ(step(d, NULL, 0, &left, &da), 1);
	CHECK_EQ(step(l, NULL, 0, &left, &lb), 1);
	CHECK_OK(feed(d, b, lb.len, chunk, &left));
	CHECK_EQ(left, 0);
	CHECK_OK(feed(l, a, da.len, chunk, &left));
	CHECK_EQ(left, 0);
	free(a);
	free(b);
}

static void
carries(struct codec *from, struct codec *to, const char *text)
{
	size_t len = strlen(text), left, plain;
	uint8_t buf[64];
	struct wr w;
	bool talk = true;

	CHECK_EQ(security_plaintext.sealed_size(NULL, len), len);
	wr_init(&w, buf, len);
	CHECK_OK(security_plaintext.seal(from, (const uint8_t *)text, len,
	    &w));
	CHECK_EQ(w.len, len);
	CHECK(!w.full);
	left = len;
	plain = 99;
	CHECK_OK(security_open(&security_plaintext, to, buf, &left, &plain,
	    &talk));
	CHECK_EQ(left, 0);
	CHECK_BYTES(buf, plain, text, len);
	CHECK(!talk);
}

static void
every_key_type_shakes_hands_with_every_other(void)
{
	struct p2p_key *keys[4];
	struct p2p_peer_id ids[4];
	struct codec *d, *l;
	uint8_t last[8];
	struct wr w;
	int i, k;

	for (i = 0; i < 4; i++) {
		keys[i] = fresh((enum p2p_key_type)i);
		p2p_peer_id_from_key(keys[i], &ids[i]);
	}
	for (i = 0; i < 16; i++) {
		k = i / 4;
		d = codec_new(keys[k], true, &ids[i % 4]);
		l = codec_new(keys[i % 4], false, NULL);
		shake(d, l, i % 2 == 0 ? ALL : 7);
		CHECK(p2p_peer_id_equal(&result(d)->peer, &ids[i % 4]));
		CHECK(p2p_peer_id_equal(&result(l)->peer, &ids[k]));
		carries(d, l, "hello");
		carries(l, d, "hello yourself");
		carries(d, l, "");
		wr_init(&w, last, sizeof(last));
		security_plaintext.close(d, &w);
		CHECK_EQ(w.len, 0);
		codec_free(d);
		codec_free(l);
	}
	for (i = 0; i < 4; i++)
		p2p_key_free(keys[i]);
}

static void
what_follows_is_left_to_the_next_layer(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	const struct p2p_key *key_there;
	uint8_t *bytes, buf[256];
	struct codec *c;
	size_t len, chunk, left;

	bytes = check_unhex(spec_exchange, &len);
	memcpy(buf, bytes, len);
	memset(buf + len, 'x', 10);
	for (chunk = 1; chunk <= len + 10; chunk++) {
		c = codec_new(key, false, NULL);
		CHECK_OK(feed(c, buf, len + 10, chunk, &left));
		CHECK_EQ(left, 10);
		/* A step too many takes nothing. */
		key_there = result(c)->remote_key;
		CHECK_OK(feed(c, buf, 10, ALL, &left));
		CHECK_EQ(left, 10);
		CHECK(result(c)->remote_key == key_there);
		codec_free(c);
	}
	free(bytes);
	p2p_key_free(key);
}

static void
another_peer_than_the_one_dialed_is_refused_and_named(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	struct p2p_key *spec = spec_key();
	struct p2p_peer_id own, id;
	uint8_t *bytes, buf[8];
	struct codec *c;
	struct wr w;
	size_t len, left, plain;
	bool talk;

	bytes = check_unhex(spec_exchange, &len);
	p2p_peer_id_from_key(key, &own);
	p2p_peer_id_from_key(spec, &id);
	c = codec_new(key, true, &own);
	CHECK_ERR(feed(c, bytes, len, ALL, &left), P2P_ERR_WRONG_PEER);
	CHECK(p2p_peer_id_equal(&result(c)->peer, &id));
	CHECK_ERR(feed(c, bytes, len, ALL, &left), P2P_ERR_WRONG_PEER);
	/* And then nothing is carried. */
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(security_plaintext.seal(c, bytes, 1, &w), P2P_ERR_SECURITY);
	CHECK_EQ(w.len, 0);
	left = plain = 1;
	CHECK_ERR(security_open(&security_plaintext, c, buf, &left, &plain,
	    &talk), P2P_ERR_SECURITY);
	CHECK_EQ(plain, 0);
	codec_free(c);
	codec_free(NULL);
	free(bytes);
	p2p_key_free(spec);
	p2p_key_free(key);
}

static void
put_field(struct wr *w, unsigned n, const void *bytes, size_t len)
{
	varint_put(w, n << 3 | 2);
	varint_put_bytes(w, bytes, len);
}

/* What a listener makes of this body. */
static int
told_body(const struct wr *body)
{
	uint8_t buf[2 * EXCHANGE_MAX];
	struct wr w;

	CHECK(!body->full);
	wr_init(&w, buf, sizeof(buf));
	varint_put_bytes(&w, body->p, body->len);
	return told(buf, w.len);
}

/* The spec's identity in a body by hand, which body is set up for. */
static void
put_identity(struct wr *body, const void *id, size_t idlen)
{
	struct p2p_key *spec = spec_key();
	struct p2p_peer_id own;
	const uint8_t *pub;
	size_t len;

	p2p_peer_id_from_key(spec, &own);
	pub = p2p_key_public(spec, &len);
	put_field(body, 1, id != NULL ? id : own.bytes,
	    id != NULL ? idlen : own.len);
	put_field(body, 2, pub, len);
	p2p_key_free(spec);
}

static void
an_id_that_does_not_belong_to_the_key_is_refused(void)
{
	struct p2p_key *other = fresh(P2P_KEY_ED25519);
	struct p2p_key *spec = spec_key();
	uint8_t buf[EXCHANGE_MAX];
	struct p2p_peer_id id;
	struct wr w;

	p2p_peer_id_from_key(other, &id);
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, id.bytes, id.len);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	p2p_peer_id_from_key(spec, &id);
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, id.bytes, id.len - 1u);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	id.bytes[id.len] = 0;
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, id.bytes, id.len + 1u);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, "", 0);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, id.bytes, id.len);
	CHECK_OK(told_body(&w));
	p2p_key_free(spec);
	p2p_key_free(other);
}

static void
an_exchange_without_id_or_key_is_refused(void)
{
	struct p2p_key *spec = spec_key();
	uint8_t buf[EXCHANGE_MAX];
	struct p2p_peer_id id;
	const uint8_t *pub;
	size_t len;
	struct wr w;

	p2p_peer_id_from_key(spec, &id);
	pub = p2p_key_public(spec, &len);
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	put_field(&w, 1, id.bytes, id.len);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	wr_init(&w, buf, sizeof(buf));
	put_field(&w, 2, pub, len);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	wr_init(&w, buf, sizeof(buf));
	put_field(&w, 1, id.bytes, id.len);
	put_field(&w, 2, pub, len - 1);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	wr_init(&w, buf, sizeof(buf));
	put_field(&w, 1, id.bytes, id.len);
	put_field(&w, 2, "\x08\x09\x12\x01x", 5);	/* a type of 9 */
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	p2p_key_free(spec);
}

static void
fields_to_come_are_ignored(void)
{
	uint8_t buf[EXCHANGE_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	put_field(&w, 3, "three", 5);
	put_identity(&w, NULL, 0);
	put_field(&w, 200, "", 0);
	varint_put(&w, 4 << 3);
	varint_put(&w, 77);
	CHECK_OK(told_body(&w));
}

static void
an_exchange_of_the_limit_is_read_and_none_over_it(void)
{
	static const uint8_t pad[EXCHANGE_MAX];
	uint8_t buf[2 * EXCHANGE_MAX];
	struct wr w;
	size_t room;

	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, NULL, 0);
	room = EXCHANGE_MAX - w.len - 3;
	put_field(&w, 3, pad, room);
	CHECK_EQ(w.len, EXCHANGE_MAX);
	CHECK_OK(told_body(&w));
	wr_init(&w, buf, sizeof(buf));
	put_identity(&w, NULL, 0);
	put_field(&w, 3, pad, room + 1);
	CHECK_ERR(told_body(&w), P2P_ERR_SECURITY);
	/* The length is enough to refuse it. */
	CHECK_EQ(told((const uint8_t *)"\x80\x10", 2), 1);
	CHECK_ERR(told((const uint8_t *)"\x81\x10", 2), P2P_ERR_SECURITY);
	CHECK_ERR(told((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	    9), P2P_ERR_SECURITY);
	CHECK_ERR(told((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	    "\x01", 10), P2P_ERR_SECURITY);
	CHECK_ERR(told((const uint8_t *)"\x81\x00", 2), P2P_ERR_SECURITY);
}

/* The costliest that fits: the one limit is that of the bytes. */
static void
as_many_fields_as_fit_are_read(void)
{
	uint8_t buf[EXCHANGE_MAX + 2];
	struct wr w;

	wr_init(&w, buf, EXCHANGE_MAX);
	put_identity(&w, NULL, 0);
	while (wr_room(&w) >= 2)
		put_field(&w, 3, "", 0);
	CHECK_OK(told_body(&w));
}

static int
told_mangled(const uint8_t *bytes, size_t len, void *arg)
{
	(void)arg;
	return told(bytes, len);
}

static void
no_truncation_and_no_changed_bit_passes(void)
{
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(spec_exchange, &len);
	CHECK_EQ(mangle(bytes, len, 1, told_mangled, NULL), 9 * len);
	free(bytes);
}

static void
a_step_without_room_is_our_own_mistake(void)
{
	struct p2p_key *key = spec_key();
	struct codec *c = codec_new(key, true, NULL);
	uint8_t *buf = malloc(SECURITY_OUT_MIN);
	struct rd in = { NULL, 0 };
	struct wr w;

	wr_init(&w, buf, SECURITY_OUT_MIN - 1);
	CHECK_ERR(security_plaintext.handshake(c, &in, &w),
	    P2P_ERR_TOO_LARGE);
	wr_init(&w, buf, SECURITY_OUT_MIN);
	CHECK_EQ(security_plaintext.handshake(c, &in, &w), 1);
	CHECK(w.len > 0);
	free(buf);
	codec_free(c);
	p2p_key_free(key);
}

static void
it_is_offered_only_where_it_is_named(void)
{
	static const char *const named[] = { "/plaintext/2.0.0", NULL };
	struct p2p_key *key = spec_key();
	struct upgrader_params p = { .key = key };
	struct upgrader u;
	size_t i;

	CHECK_OK(upgrader_init(&u, &p));
	for (i = 0; u.security_ids[i] != NULL; i++)
		CHECK(strcmp(u.security_ids[i], named[0]) != 0);
	upgrader_fini(&u);
	p.security = named;
	CHECK_OK(upgrader_init(&u, &p));
	CHECK(u.security[0] == &security_plaintext);
	upgrader_fini(&u);
	p2p_key_free(key);
}

static void
two_hosts_that_name_it_talk_and_others_do_not(void)
{
	static const char *const named[] = { "/plaintext/2.0.0", NULL };
	struct p2p_host_config c = { .security = named };
	struct p2p_connection conn = { 0 };
	struct pair p;
	uint64_t us;

	pair_config(&p, &c, &c);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &conn, NULL));
	CHECK_STR(conn.security, named[0]);
	CHECK(p2p_peer_id_equal(&conn.peer, p2p_host_id(p.b)));
	CHECK_OK(p2p_ping(p.a, &conn.peer, 20000, &us));
	p2p_multiaddr_free(conn.remote);
	pair_free(&p);
	pair_config(&p, NULL, &c);
	CHECK_ERR(p2p_host_connect(p.a, p.target, NULL, NULL, NULL),
	    P2P_ERR_NO_PROTOCOL);
	pair_free(&p);
}

TESTS("plaintext",
	{ "we say what the vector says, and at once",
	    we_say_what_the_vector_says_and_at_once },
	{ "the vector is read in any segmentation",
	    the_vector_is_read_in_any_segmentation },
	{ "every key type shakes hands with every other",
	    every_key_type_shakes_hands_with_every_other },
	{ "what follows is left to the next layer",
	    what_follows_is_left_to_the_next_layer },
	{ "another peer than the one dialed is refused and named",
	    another_peer_than_the_one_dialed_is_refused_and_named },
	{ "an id that does not belong to the key is refused",
	    an_id_that_does_not_belong_to_the_key_is_refused },
	{ "an exchange without id or key is refused",
	    an_exchange_without_id_or_key_is_refused },
	{ "fields to come are ignored", fields_to_come_are_ignored },
	{ "an exchange of the limit is read and none over it",
	    an_exchange_of_the_limit_is_read_and_none_over_it },
	{ "as many fields as fit are read", as_many_fields_as_fit_are_read },
	{ "no truncation and no changed bit passes",
	    no_truncation_and_no_changed_bit_passes },
	{ "a step without room is our own mistake",
	    a_step_without_room_is_our_own_mistake },
	{ "it is offered only where it is named",
	    it_is_offered_only_where_it_is_named },
	{ "two hosts that name it talk, and others do not",
	    two_hosts_that_name_it_talk_and_others_do_not })
