/*
 * What a server answers, byte for byte, and what it refuses: table 1.4 of the
 * spec digest, and what other implementations do differently (1.9).
 *
 * Where each of these is tested; without a file it is here:
 *
 *	D-1	an answer fits the smallest
 *	D-2	a client may end its half
 *	D-3	a provider is kept in silence; who is always in a request is not
 *		cut off; kad_rogue: a provider is kept unless it is refused
 *	D-4	who asks for an answer gets one; kad_rogue: the same
 *	D-5	kad: a CID of any form is the same multihash
 *	D-6	kad_rogue: who asks walks into nobody twice
 *	D-7	who asks is not told of itself
 *	D-8	kad_rogue: an address of another peer is none; kad_msg
 *	D-9	kad_rogue: what was put must be echoed
 *	D-10	known keys are records (of binary keys; ours in tests are text)
 *	D-11	kad_rogue: a long list of providers is read
 *	D-12	rfc3339; a record is kept and given
 *
 * and of the checklist (7):
 *
 *	KAD-1	kad_msg			KAD-2	kad_table
 *	KAD-3	all of this file
 *	KAD-4	who asks for the server finds it; a js probe is answered
 *	KAD-5	kad_query: few peers are enough, dead peers are passed over;
 *		kad_rogue: who asks walks into nobody twice
 *	KAD-6	kad: names are put and found, public keys are; kad_client: the
 *		best version comes out and spreads
 *	KAD-7	a provider is kept in silence, who asks for an answer gets one;
 *		kad_store: a provider lives longer than its addresses
 *	KAD-8	an answer fits the smallest; kad_msg: an answer fits what rust
 *		takes
 *	KAD-9	kad_keep: two networks do not merge
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/varint.h"
#include "check.h"
#include "dht.h"
#include "host/host.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"
#include "services/kad/kad.h"
#include "services/kad/kad_frame.h"
#include "services/kad/kad_msg.h"

#define HASH	"\x12\x20" "0123456789abcdef0123456789abcdef"
#define HASH_LEN 34

/* A server, and a client of which the server knows where it listens. */
struct duo {
	struct dht_node	 server, client;
	struct p2p_stream *stream;
	struct kad_frame frame;
	uint8_t		 in[8192];
};

static void
duo_open(struct duo *d)
{
	CHECK_OK(p2p_host_open(d->client.host, d->server.target, DHT_PROTOCOL,
	    5000, &d->stream));
	p2p_stream_read_timeout(d->stream, 5000);
	kad_frame_init(&d->frame, KAD_MSG_ANSWER_MAX);
}

static void
duo_close(struct duo *d)
{
	kad_frame_fini(&d->frame);
	p2p_stream_free(d->stream);
	d->stream = NULL;
}

static void
duo_config(struct duo *d, const struct p2p_kad_config *config)
{
	struct p2p_kad_config client = dht_config(P2P_KAD_CLIENT);

	memset(d, 0, sizeof(*d));
	dht_node_start(&d->server, config);
	dht_node_start(&d->client, &client);
	dht_join(&d->client, &d->server);
	CHECK_OK(p2p_identify(d->server.host, p2p_host_id(d->client.host),
	    5000, NULL));
	duo_open(d);
}

static void
duo_start(struct duo *d)
{
	struct p2p_kad_config server = dht_config(P2P_KAD_SERVER);

	duo_config(d, &server);
}

static void
duo_stop(struct duo *d)
{
	duo_close(d);
	dht_node_stop(&d->client);
	dht_node_stop(&d->server);
}

static void
send_bytes(struct duo *d, const void *bytes, size_t len)
{
	CHECK_OK(p2p_stream_write_full(d->stream, bytes, len));
}

static void
send_say(struct duo *d, const struct kad_say *say)
{
	static uint8_t buf[KAD_MSG_REQUEST_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(kad_msg_put(say, &w));
	send_bytes(d, buf, w.len);
}

/* One answer; *bytes is what it was, until the next. */
static int
answer(struct duo *d, struct kad_msg *m, struct rd *bytes)
{
	struct rd in;
	ssize_t n;
	int e = 1;

	while (e == 1) {
		n = p2p_stream_read(d->stream, d->in, sizeof(d->in));
		if (n <= 0)
			return n < 0 ? (int)n : P2P_ERR_SHORT;
		in = (struct rd){ d->in, (size_t)n };
		e = kad_frame_feed(&d->frame, &in, bytes);
	}
	return e != 0 ? e : kad_msg_get(*bytes, KAD_MSG_ANSWER_MAX, m);
}

static int
ask(struct duo *d, const struct kad_say *say, struct kad_msg *m)
{
	struct rd bytes;

	send_say(d, say);
	return answer(d, m, &bytes);
}

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

static struct rd
id_of(const struct dht_node *n)
{
	const struct p2p_peer_id *id = p2p_host_id(n->host);

	return (struct rd){ id->bytes, id->len };
}

/* The stream is reset by the server; the next one is a new one. */
static void
is_refused(struct duo *d)
{
	uint8_t byte;

	CHECK_ERR(p2p_stream_read(d->stream, &byte, 1), P2P_ERR_RESET);
	duo_close(d);
	duo_open(d);
}

static void
a_ping_is_echoed_alone(void)
{
	/* With a peer stuffed in, which must not come back: V47. */
	static const uint8_t stuffed[] = { 0x08, 0x08, 0x05, 0x42, 0x04, 0x0a,
	    0x02, 0x00, 0x00 };
	static const uint8_t ping[] = { 0x02, 0x08, 0x05 };
	struct kad_msg m;
	struct rd bytes;
	struct duo d;

	duo_start(&d);
	send_bytes(&d, ping, sizeof(ping));
	CHECK_OK(answer(&d, &m, &bytes));
	CHECK_BYTES(bytes.p, bytes.len, "\x08\x05", 2);
	kad_msg_clear(&m);
	send_bytes(&d, stuffed, sizeof(stuffed));
	CHECK_OK(answer(&d, &m, &bytes));
	CHECK_BYTES(bytes.p, bytes.len, "\x08\x05", 2);
	kad_msg_clear(&m);
	duo_stop(&d);
}

/* S-6, C-7: a lone server tells where it is itself. */
static void
who_asks_for_the_server_finds_it(void)
{
	struct duo d;
	struct kad_say say = { .type = KAD_FIND_NODE };
	struct kad_msg m;

	duo_start(&d);
	say.key = id_of(&d.server);
	CHECK_OK(ask(&d, &say, &m));
	CHECK_EQ(m.type, KAD_FIND_NODE);
	CHECK_EQ(m.key.len, 0);
	CHECK_EQ(m.ncloser, 1);
	CHECK(p2p_peer_id_equal(&m.closer[0].peer,
	    p2p_host_id(d.server.host)));
	CHECK_EQ(m.closer[0].naddrs, 1);
	kad_msg_clear(&m);
	/* Who asks for itself: only if it is known where it is; never else. */
	say.key = id_of(&d.client);
	CHECK_OK(ask(&d, &say, &m));
	CHECK_EQ(m.ncloser, 1);
	CHECK(p2p_peer_id_equal(&m.closer[0].peer,
	    p2p_host_id(d.client.host)));
	kad_msg_clear(&m);
	duo_stop(&d);
}

/* D-7: py walks into itself and hangs; S-6 is the exception, and not of it. */
static void
who_asks_is_not_told_of_itself(void)
{
	static const enum kad_type types[] = { KAD_FIND_NODE, KAD_GET_VALUE,
	    KAD_GET_PROVIDERS };
	struct kad_say say = { .key = { (const uint8_t *)"/test/x", 7 } };
	struct p2p_multiaddr *ma = check_maddr("/ip4/127.0.0.1/tcp/4001");
	struct p2p_peer_id other;
	struct p2p_key *key;
	struct kad_msg m;
	struct duo d;
	size_t i;

	duo_start(&d);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &other);
	p2p_key_free(key);
	CHECK_OK(p2p_peerstore_add(d.server.host, &other, ma, 600));
	CHECK_OK(p2p_peerstore_add(d.server.host, p2p_host_id(d.client.host),
	    ma, 600));
	dht_plant(&d.server, &other, "x", 1, NULL, 0);
	dht_plant(&d.server, p2p_host_id(d.client.host), "x", 1, NULL, 0);
	CHECK(dht_knows(&d.server, p2p_host_id(d.client.host)));
	for (i = 0; i < 3; i++) {
		say.type = types[i];
		CHECK_OK(ask(&d, &say, &m));
		CHECK_EQ(m.ncloser, 1);
		CHECK(p2p_peer_id_equal(&m.closer[0].peer, &other));
		kad_msg_clear(&m);
	}
	p2p_multiaddr_free(ma);
	duo_stop(&d);
}

/* C-8: js drops from its table who does not answer a ping. */
static void
a_js_probe_is_answered(void)
{
	uint64_t rtt;
	struct duo d;

	duo_start(&d);
	CHECK_OK(p2p_ping(d.client.host, p2p_host_id(d.server.host), 2000,
	    &rtt));
	duo_stop(&d);
}

/* S-8: nothing but the type, when nobody is known; S-7: any key will do. */
static void
an_empty_answer_is_an_answer(void)
{
	struct kad_say say = { .type = KAD_FIND_NODE, .key = text("x") };
	struct kad_msg m;
	struct rd bytes;
	struct duo d;

	duo_start(&d);
	send_say(&d, &say);
	CHECK_OK(answer(&d, &m, &bytes));
	CHECK_BYTES(bytes.p, bytes.len, "\x08\x04", 2);
	kad_msg_clear(&m);
	duo_stop(&d);
}

/* So many addresses are told of the one peer that there is. */
static void
is_told_with(struct duo *d, size_t n)
{
	struct kad_say say = { .type = KAD_FIND_NODE, .key = text("x") };
	struct kad_msg m;

	duo_close(d);
	duo_open(d);
	CHECK_OK(ask(d, &say, &m));
	CHECK_EQ(m.ncloser, n > 0);
	if (m.ncloser > 0)
		CHECK_EQ(m.closer[0].naddrs, n);
	kad_msg_clear(&m);
}

/* What is kept of a peer follows identify at once, all else in a minute. */
static void
the_nearest_are_told_where_they_are(void)
{
	struct p2p_multiaddr *ma[2] = { check_maddr("/ip4/192.0.2.1/tcp/1"),
	    check_maddr("/ip4/192.0.2.2/tcp/2") };
	struct p2p_peer_id peer;
	struct duo d;

	duo_start(&d);
	CHECK_OK(p2p_peer_id_parse("12D3KooWDaHkRyb4Nkf8L6WHbsWB9Krt491NDk8Pa"
	    "PGogXvj2pcY", &peer));
	CHECK_OK(p2p_peerstore_add(d.server.host, &peer, ma[0], 600));
	dht_plant(&d.server, &peer, HASH, HASH_LEN, ma, 1);
	is_told_with(&d, 1);
	CHECK_OK(p2p_peerstore_add(d.server.host, &peer, ma[1], 100));
	kad_book_learned(d.server.kad, &peer);
	is_told_with(&d, 2);
	clock_test_advance(110 * CLOCK_S);
	is_told_with(&d, 1);
	CHECK_OK(p2p_peerstore_add(d.server.host, &peer, ma[1], 100));
	clock_test_advance(61 * CLOCK_S);
	is_told_with(&d, 2);
	CHECK_OK(p2p_peerstore_remove(d.server.host, &peer));
	clock_test_advance(61 * CLOCK_S);
	is_told_with(&d, 0);
	/* That there is none is kept, too. */
	CHECK_OK(p2p_peerstore_add(d.server.host, &peer, ma[1], 100));
	is_told_with(&d, 0);
	kad_book_learned(d.server.kad, &peer);
	is_told_with(&d, 1);
	CHECK_OK(p2p_peerstore_remove(d.server.host, &peer));
	kad_book_learned(d.server.kad, &peer);
	is_told_with(&d, 0);
	CHECK_OK(p2p_peerstore_add(d.server.host, &peer, ma[1], 100));
	clock_test_advance(61 * CLOCK_S);
	is_told_with(&d, 1);
	kad_book_failed(d.server.kad, &peer, P2P_ERR_TIMEOUT);
	is_told_with(&d, 0);
	p2p_multiaddr_free(ma[0]);
	p2p_multiaddr_free(ma[1]);
	duo_stop(&d);
}

/* X-4, D-2: rust ends its half right after the request. */
static void
a_client_may_end_its_half(void)
{
	struct kad_say say = { .type = KAD_FIND_NODE, .key = text("x") };
	struct kad_msg m;
	uint8_t byte;
	struct rd bytes;
	struct duo d;

	duo_start(&d);
	send_say(&d, &say);
	CHECK_OK(p2p_stream_close_write(d.stream));
	CHECK_OK(answer(&d, &m, &bytes));
	kad_msg_clear(&m);
	CHECK_EQ(p2p_stream_read(d.stream, &byte, 1), 0);
	duo_stop(&d);
}

/* S-1: in pieces of one byte, and several in one piece, in order. */
static void
many_requests_share_a_stream(void)
{
	static const uint8_t pings[] = { 0x02, 0x08, 0x05, 0x02, 0x08, 0x05,
	    0x05, 0x08, 0x04, 0x12, 0x01, 'x' };
	struct kad_msg m;
	struct rd bytes, in;
	struct duo d;
	size_t i, got = 0;
	ssize_t n;

	duo_start(&d);
	for (i = 0; i < 3; i++)
		send_bytes(&d, pings + i, 1);
	CHECK_OK(answer(&d, &m, &bytes));
	kad_msg_clear(&m);
	send_bytes(&d, pings, sizeof(pings));
	while (got < 3) {
		n = p2p_stream_read(d.stream, d.in, sizeof(d.in));
		CHECK_FATAL(n > 0);
		in = (struct rd){ d.in, (size_t)n };
		while (kad_frame_feed(&d.frame, &in, &bytes) == 0)
			CHECK_BYTES(bytes.p, bytes.len,
			    got++ < 2 ? "\x08\x05" : "\x08\x04", 2);
	}
	duo_stop(&d);
}

/* S-3, and the refusals of each kind: reset, and nothing is written. */
static void
what_makes_no_sense_resets_the_stream(void)
{
	static const struct {
		const char	*hex, *what;
	} bad[] = {
		{ "00", "an empty frame" },
		{ "02 0809", "type 9" },
		{ "02 08ff", "half a type" },
		{ "03 ffffff", "no protobuf" },
		{ "02 0804", "FIND_NODE without a key" },
		{ "02 0801", "GET_VALUE without a key" },
		{ "02 0800", "PUT_VALUE without a key" },
		{ "04 08031200", "GET_PROVIDERS with an empty key" },
		{ "04 08021200", "ADD_PROVIDER with an empty key" },
		{ "05 0800120178", "PUT_VALUE without a record" },
		{ "ffffffff7f", "four gigabytes" },
		{ "81 8005", "a bit more than a request may have" },
		{ "8000 0805", "a length that is not minimal" },
		{ "ffffffffffffffffffff01", "no length at all" },
	};
	struct p2p_kad_stats st;
	uint8_t *bytes;
	struct duo d;
	size_t i, len;

	duo_start(&d);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = check_unhex(bad[i].hex, &len);
		send_bytes(&d, bytes, len);
		if (i == 2)
			(void)p2p_stream_close_write(d.stream);
		is_refused(&d);
		free(bytes);
	}
	p2p_kad_stats(d.server.kad, &st);
	CHECK_EQ(st.records, 0);
	CHECK_EQ(st.providers, 0);
	duo_stop(&d);
}

static struct kad_say
put_of(struct kad_record *r, const char *key, const char *record_key,
    const char *value)
{
	*r = (struct kad_record){ .key = text(record_key),
	    .value = text(value), .time = text("2001-01-01T00:00:00Z") };
	return (struct kad_say){ .type = KAD_PUT_VALUE, .key = text(key),
	    .record = r };
}

/* V45: keys without a namespace, an unknown one, of another record. */
static void
bad_keys_are_not_stored(void)
{
	static const char *const keys[] = { "x", "/x", "/", "//", "/x/", "//x",
	    "/unknown/ns/k", "/pk/abc", "/ipns/abc", "test/x" };
	struct p2p_kad_stats st;
	struct kad_record r;
	struct kad_say say;
	struct duo d;
	size_t i;

	duo_start(&d);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		say = put_of(&r, keys[i], keys[i], "v");
		send_say(&d, &say);
		is_refused(&d);
	}
	say = put_of(&r, "/test/a", "/test/b", "v");
	send_say(&d, &say);
	is_refused(&d);
	p2p_kad_stats(d.server.kad, &st);
	CHECK_EQ(st.records, 0);
	CHECK(st.refused >= 11);
	duo_stop(&d);
}

/* S-13, S-14: echoed as it was; and the time is ours. */
static void
a_record_is_kept_and_given(void)
{
	struct kad_say get = { .type = KAD_GET_VALUE, .key = text("/test/k") };
	uint64_t time, now = clock_wall_ns();
	struct kad_record r;
	struct kad_msg m;
	struct kad_say say;
	struct duo d;

	duo_start(&d);
	say = put_of(&r, "/test/k", "/test/k", "value");
	CHECK_OK(ask(&d, &say, &m));
	CHECK_EQ(m.type, KAD_PUT_VALUE);
	CHECK(m.has_record && rd_equal(&m.record.value, "value", 5));
	CHECK(rd_equal(&m.key, "/test/k", 7));
	CHECK_EQ(m.ncloser + m.nproviders, 0);
	kad_msg_clear(&m);
	CHECK_OK(ask(&d, &get, &m));
	CHECK(rd_equal(&m.key, "/test/k", 7));
	CHECK_FATAL(m.has_record);
	CHECK(rd_equal(&m.record.key, "/test/k", 7));
	CHECK(rd_equal(&m.record.value, "value", 5));
	CHECK_OK(rfc3339_get(m.record.time, &time));
	CHECK(time >= now - CLOCK_S && time <= clock_wall_ns());
	kad_msg_clear(&m);
	get.key = text("/test/none");
	CHECK_OK(ask(&d, &get, &m));
	CHECK(!m.has_record);
	kad_msg_clear(&m);
	duo_stop(&d);
}

/* A rule that wants the DHT to be a client, in the middle of a request. */
struct switcher {
	struct p2p_kad	*kad;
	int		 got;
};

static int
switch_from_within(const struct p2p_record *r, uint64_t now, void *arg)
{
	struct switcher *sw = arg;

	(void)r;
	(void)now;
	sw->got = p2p_kad_set_mode(sw->kad, P2P_KAD_CLIENT);
	return 0;
}

static void
a_rule_does_not_wait_for_itself(void)
{
	struct switcher sw = { .got = 0 };
	const struct p2p_record_rule rules[] = {
		{ .name = "test", .validate = switch_from_within, .arg = &sw },
		{ .name = NULL },
	};
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct kad_record r;
	struct kad_msg m;
	struct kad_say say;
	struct duo d;

	c.rules = rules;
	duo_config(&d, &c);
	sw.kad = d.server.kad;
	say = put_of(&r, "/test/k", "/test/k", "value");
	CHECK_OK(ask(&d, &say, &m));
	kad_msg_clear(&m);
	CHECK_ERR(sw.got, P2P_ERR_DEADLOCK);
	CHECK_EQ(p2p_kad_mode(d.server.kad), P2P_KAD_SERVER);
	CHECK_OK(p2p_kad_set_mode(d.server.kad, P2P_KAD_CLIENT));
	duo_stop(&d);
}

/* Records are forgotten after two days of ours. */
static void
a_record_expires(void)
{
	struct kad_say get = { .type = KAD_GET_VALUE, .key = text("/test/k") };
	struct kad_record r;
	struct kad_msg m;
	struct kad_say say;
	struct duo d;

	duo_start(&d);
	say = put_of(&r, "/test/k", "/test/k", "value");
	CHECK_OK(ask(&d, &say, &m));
	kad_msg_clear(&m);
	duo_close(&d);
	clock_test_advance(47 * 3600 * CLOCK_S);
	duo_open(&d);
	CHECK_OK(ask(&d, &get, &m));
	CHECK(m.has_record);
	kad_msg_clear(&m);
	duo_close(&d);
	clock_test_advance(2 * 3600 * CLOCK_S);
	duo_open(&d);
	CHECK_OK(ask(&d, &get, &m));
	CHECK(!m.has_record);
	kad_msg_clear(&m);
	duo_stop(&d);
}

/* S-15: the key of a peer that is known is a record without being put. */
static void
known_keys_are_records(void)
{
	uint8_t key[P2P_RECORD_KEY_MAX];
	struct kad_say get = { .type = KAD_GET_VALUE };
	const uint8_t *pub;
	struct kad_msg m;
	struct duo d;
	size_t len;

	duo_start(&d);
	get.key = (struct rd){ key, p2p_record_key("pk",
	    p2p_host_id(d.server.host), key) };
	CHECK_OK(ask(&d, &get, &m));
	pub = p2p_key_public(p2p_host_key(d.server.host), &len);
	CHECK_FATAL(m.has_record);
	CHECK_BYTES(m.record.value.p, m.record.value.len, pub, len);
	kad_msg_clear(&m);
	duo_stop(&d);
}

static struct kad_say
provide_of(struct kad_tell *tell, const struct p2p_peer_id *peer,
    struct p2p_multiaddr *const *addrs, size_t n)
{
	*tell = (struct kad_tell){ .peer = *peer, .addrs = addrs,
	    .naddrs = n };
	return (struct kad_say){ .type = KAD_ADD_PROVIDER,
	    .key = { (const uint8_t *)HASH, HASH_LEN }, .providers = tell,
	    .nproviders = 1 };
}

/* S-16, D-3: silence; the next answer is that of the next request. */
static void
a_provider_is_kept_in_silence(void)
{
	struct kad_say get = { .type = KAD_GET_PROVIDERS,
	    .key = { (const uint8_t *)HASH, HASH_LEN } };
	struct p2p_multiaddr *ma = check_maddr("/ip4/127.0.0.1/tcp/4001");
	struct kad_tell tell;
	struct kad_say say;
	struct kad_msg m;
	struct duo d;

	duo_start(&d);
	say = provide_of(&tell, p2p_host_id(d.client.host), &ma, 1);
	send_say(&d, &say);
	CHECK_OK(ask(&d, &get, &m));
	CHECK_EQ(m.type, KAD_GET_PROVIDERS);
	CHECK(rd_equal(&m.key, HASH, HASH_LEN));
	CHECK_EQ(m.nproviders, 1);
	CHECK(p2p_peer_id_equal(&m.providers[0].peer,
	    p2p_host_id(d.client.host)));
	CHECK_EQ(m.providers[0].naddrs, 1);
	kad_msg_clear(&m);
	p2p_multiaddr_free(ma);
	duo_stop(&d);
}

/* S-17, D8: of the sender alone, with an address, under a key that fits. */
static void
forged_providers_are_refused(void)
{
	static const uint8_t long_key[KAD_PROVIDER_KEY_MAX + 1] = { 0x12 };
	struct p2p_multiaddr *ma = check_maddr("/ip4/127.0.0.1/tcp/4001");
	struct p2p_kad_stats st;
	struct kad_tell tell;
	struct kad_say say;
	struct duo d;

	duo_start(&d);
	say = provide_of(&tell, p2p_host_id(d.server.host), &ma, 1);
	send_say(&d, &say);
	is_refused(&d);
	say = provide_of(&tell, p2p_host_id(d.client.host), NULL, 0);
	send_say(&d, &say);
	is_refused(&d);
	say = provide_of(&tell, p2p_host_id(d.client.host), &ma, 1);
	say.key = (struct rd){ long_key, sizeof(long_key) };
	send_say(&d, &say);
	is_refused(&d);
	say = (struct kad_say){ .type = KAD_GET_PROVIDERS,
	    .key = { long_key, sizeof(long_key) } };
	send_say(&d, &say);
	is_refused(&d);
	p2p_kad_stats(d.server.kad, &st);
	CHECK_EQ(st.providers, 0);
	p2p_multiaddr_free(ma);
	duo_stop(&d);
}

/* D-4: py puts a field 11 of bytes into it and waits. */
static void
who_asks_for_an_answer_gets_one(void)
{
	static const char record[] = "\x5a\x02hi";	/* field 11, 2 bytes */
	struct p2p_multiaddr *ma = check_maddr("/ip4/127.0.0.1/tcp/4001");
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	static const enum p2p_kad_reply policy[] = { P2P_KAD_REPLY_AUTO,
	    P2P_KAD_REPLY_ALWAYS };
	uint8_t buf[512], frame[520];
	struct kad_tell tell;
	struct kad_say say;
	struct kad_msg m;
	struct rd bytes, r;
	uint64_t len;
	struct wr w;
	struct duo d;
	size_t i;

	for (i = 0; i < 2; i++) {
		c.reply = policy[i];
		duo_config(&d, &c);
		say = provide_of(&tell, p2p_host_id(d.client.host), &ma, 1);
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(kad_msg_put(&say, &w));
		r = (struct rd){ buf, w.len };
		CHECK_OK(varint_get(&r, &len));
		wr_init(&w, frame, sizeof(frame));
		varint_put(&w, len + (i == 0 ? 4 : 0));
		wr_bytes(&w, r.p, r.len);
		if (i == 0)
			wr_bytes(&w, record, 4);
		send_bytes(&d, frame, w.len);
		CHECK_OK(answer(&d, &m, &bytes));
		CHECK_EQ(m.type, KAD_ADD_PROVIDER);
		CHECK(rd_equal(&m.key, HASH, HASH_LEN));
		kad_msg_clear(&m);
		duo_stop(&d);
	}
	p2p_multiaddr_free(ma);
}

/* S-0: a client answers nobody, and switching ends what was being served. */
static void
a_client_serves_nobody(void)
{
	struct p2p_stream *s;
	uint8_t byte;
	struct duo d;

	duo_start(&d);
	send_bytes(&d, "\x02\x08\x05", 3);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	CHECK_EQ(p2p_kad_mode(d.server.kad), P2P_KAD_SERVER);
	CHECK_OK(p2p_kad_set_mode(d.server.kad, P2P_KAD_CLIENT));
	CHECK_EQ(p2p_kad_mode(d.server.kad), P2P_KAD_CLIENT);
	CHECK_ERR(p2p_stream_read(d.stream, &byte, 1), P2P_ERR_RESET);
	CHECK_ERR(p2p_host_open(d.client.host, d.server.target, DHT_PROTOCOL,
	    5000, &s), P2P_ERR_NO_PROTOCOL);
	CHECK_OK(p2p_kad_set_mode(d.server.kad, P2P_KAD_SERVER));
	duo_close(&d);
	duo_open(&d);
	send_bytes(&d, "\x02\x08\x05", 3);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	duo_stop(&d);
}

/* D-1, S-10: whatever is known, an answer fits 16 KiB; D9 bounds the factor. */
static void
an_answer_fits_the_smallest(void)
{
	struct kad_say get = { .type = KAD_GET_PROVIDERS,
	    .key = { (const uint8_t *)HASH, HASH_LEN } };
	struct p2p_multiaddr *ma[16];
	struct p2p_peer_id peer;
	struct p2p_key *key;
	struct kad_msg m;
	struct rd bytes;
	char addr[320];
	struct duo d;
	size_t i, j;

	duo_start(&d);
	for (i = 0; i < 16; i++) {
		snprintf(addr, sizeof(addr), "/dns4/%0200zu.example/tcp/4001",
		    i);
		ma[i] = check_maddr(addr);
	}
	for (i = 0; i < 40; i++) {
		CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
		p2p_peer_id_from_key(key, &peer);
		for (j = 0; j < 16; j++)
			CHECK_OK(p2p_peerstore_add(d.server.host, &peer,
			    ma[j], 600));
		dht_plant(&d.server, &peer, HASH, HASH_LEN, ma, 16);
		p2p_key_free(key);
	}
	send_say(&d, &get);
	CHECK_OK(answer(&d, &m, &bytes));
	CHECK(bytes.len <= KAD_MSG_SEND_MAX - 3);
	CHECK(bytes.len > KAD_MSG_SEND_MAX / 2);
	CHECK_EQ(m.nproviders, 20);
	CHECK(m.ncloser >= 20);
	/* 38 bytes of a request: never more than 450 for one. */
	CHECK(bytes.len / 38 < 450);
	kad_msg_clear(&m);
	for (i = 0; i < 16; i++)
		p2p_multiaddr_free(ma[i]);
	duo_stop(&d);
}

/*
 * S-16, D-3: go says what it provides on one stream, one behind the other, so
 * that there is always the half of a request there.  Ten minutes of that are
 * enough (V45).  Each answer shows how far the server is.
 */
static void
who_is_always_in_a_request_is_not_cut_off(void)
{
	struct p2p_host *hosts[2];
	uint8_t byte;
	struct duo d;
	int i;

	duo_start(&d);
	hosts[0] = d.server.host;
	hosts[1] = d.client.host;
	send_bytes(&d, "\x02\x08\x05\x02\x08", 5);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	for (i = 0; i < 99; i++) {
		hosts_pass(hosts, 2, 6);
		send_bytes(&d, "\x05\x02\x08", 3);
		CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	}
	for (i = 0; i < 8; i++) {	/* the end comes in the middle */
		hosts_pass(hosts, 2, 1);
		(void)poll(NULL, 0, 4);	/* for who would take it */
	}
	send_bytes(&d, "\x05\x02", 2);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	CHECK_EQ(p2p_stream_read(d.stream, &byte, 1), 0);
	duo_stop(&d);
}

/* S-2: and no longer. */
static void
a_stream_rests_for_a_minute_and_a_request_ten_seconds(void)
{
	struct p2p_host *hosts[2];
	uint8_t byte;
	struct duo d;

	duo_start(&d);
	hosts[0] = d.server.host;
	hosts[1] = d.client.host;
	hosts_pass(hosts, 2, 59);
	send_bytes(&d, "\x02\x08\x05", 3);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	hosts_pass(hosts, 2, 61);
	p2p_stream_read_timeout(d.stream, 0);
	CHECK_EQ(p2p_stream_read(d.stream, &byte, 1), 0);
	duo_close(&d);
	duo_open(&d);
	send_bytes(&d, "\x02\x08\x05\x02\x08", 5);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	hosts_pass(hosts, 2, 8);
	send_bytes(&d, "\x05", 1);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	send_bytes(&d, "\x02\x08\x05\x02\x08", 5);
	CHECK_EQ(p2p_stream_read(d.stream, d.in, 3), 3);
	hosts_pass(hosts, 2, 16);
	p2p_stream_read_timeout(d.stream, 0);
	CHECK_ERR(p2p_stream_read(d.stream, &byte, 1), P2P_ERR_RESET);
	duo_stop(&d);
}

TESTS("kad_serve",
    { "a ping is echoed alone", a_ping_is_echoed_alone },
    { "who asks for the server finds it", who_asks_for_the_server_finds_it },
    { "who asks is not told of itself", who_asks_is_not_told_of_itself },
    { "a js probe is answered", a_js_probe_is_answered },
    { "an empty answer is an answer", an_empty_answer_is_an_answer },
    { "the nearest are told where they are",
	the_nearest_are_told_where_they_are },
    { "a client may end its half", a_client_may_end_its_half },
    { "many requests share a stream", many_requests_share_a_stream },
    { "what makes no sense resets the stream",
	what_makes_no_sense_resets_the_stream },
    { "bad keys are not stored", bad_keys_are_not_stored },
    { "a record is kept and given", a_record_is_kept_and_given },
    { "known keys are records", known_keys_are_records },
    { "a provider is kept in silence", a_provider_is_kept_in_silence },
    { "forged providers are refused", forged_providers_are_refused },
    { "who asks for an answer gets one", who_asks_for_an_answer_gets_one },
    { "a client serves nobody", a_client_serves_nobody },
    { "an answer fits the smallest", an_answer_fits_the_smallest },
    { "a rule does not wait for itself", a_rule_does_not_wait_for_itself },
    { "a record expires", a_record_expires },
    { "who is always in a request is not cut off",
	who_is_always_in_a_request_is_not_cut_off },
    { "a stream rests for a minute, and a request ten seconds",
	a_stream_rests_for_a_minute_and_a_request_ten_seconds })
