/*
 * The Identify message: spec/core.md 11.1 and 11.2, spec/faults.md V33, V34.
 */
#include "services/identify_msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

/* The fields of the message. */
enum { KEY = 1, ADDR = 2, PROTOCOL = 3, OBSERVED = 4, SPEAKS = 5, AGENT = 6,
    RECORD = 8 };

#define MSG_MAX	(IDENTIFY_READ_MAX + 1024)

/* spec/core.md 11.1, and the key of it (2.3). */
static const char example[] =
    "780a24080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474"
    "fce27e1208047f000001060fa11a0e2f697066732f69642f312e302e301a102f69706673"
    "2f70696e672f312e302e302208047f00000106c3502a0a697066732f302e312e30320e63"
    "2d6c69627032702f302e312e30";
static const char example_key[] = "08011220"
    "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
static const char example_private[] = "08011240"
    "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
    "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";

/* The example's key, public alone or whole; its id. */
static struct p2p_key *
key_new(bool whole, struct p2p_peer_id *id)
{
	struct p2p_key *key = NULL;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(whole ? example_private : example_key, &len);
	if (whole)
		CHECK_OK(p2p_key_decode_private(bytes, len, &key));
	else
		CHECK_OK(p2p_key_decode_public(bytes, len, &key));
	free(bytes);
	CHECK_FATAL(key != NULL);
	p2p_peer_id_from_key(key, id);
	return key;
}

/* A message under construction. */
struct msg {
	struct wr	w;
	uint8_t		buf[MSG_MAX];
};

static struct msg *
msg_new(void)
{
	struct msg *m = malloc(sizeof(*m));

	CHECK_FATAL(m != NULL);
	wr_init(&m->w, m->buf, sizeof(m->buf));
	return m;
}

static void
put(struct msg *m, unsigned field, const void *bytes, size_t len)
{
	varint_put(&m->w, field << 3 | 2);
	varint_put(&m->w, len);
	wr_bytes(&m->w, bytes, len);
	CHECK(!m->w.full);
}

static void
put_text(struct msg *m, unsigned field, const char *text)
{
	put(m, field, text, strlen(text));
}

static void
put_hex(struct msg *m, unsigned field, const char *hex)
{
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(hex, &len);
	put(m, field, bytes, len);
	free(bytes);
}

static void
put_addr(struct msg *m, const char *text)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	const uint8_t *bytes;
	size_t len;

	bytes = p2p_multiaddr_bytes(ma, &len);
	put(m, ADDR, bytes, len);
	p2p_multiaddr_free(ma);
}

static void
put_record(struct msg *m, const struct p2p_key *key, const char *text)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	const struct p2p_multiaddr *addrs[] = { ma };
	uint8_t buf[ENVELOPE_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(peer_record_seal(key, 7, addrs, 1, &w));
	put(m, RECORD, buf, w.len);
	p2p_multiaddr_free(ma);
}

/* Read it from a buffer of its size; the message is gone. */
static int
get(struct identify_seen *seen, const struct p2p_peer_id *id, struct msg *m)
{
	uint8_t *exact = malloc(m->w.len > 0 ? m->w.len : 1);
	int e;

	memcpy(exact, m->buf, m->w.len);
	e = identify_get(seen, id, (struct rd){ exact, m->w.len });
	free(exact);
	free(m);
	return e;
}

static size_t
count_addresses(const struct identify_seen *seen)
{
	size_t n = 0;

	while (seen->identity->addresses[n] != NULL)
		n++;
	CHECK_EQ(n, seen->naddrs);
	return n;
}

static size_t
count_protocols(const struct identify_seen *seen)
{
	size_t n = 0;

	while (seen->identity->protocols[n] != NULL)
		n++;
	CHECK_EQ(n, seen->nprotocols);
	return n;
}

static void
the_example_is_written_as_published(void)
{
	char first[] = "/ipfs/id/1.0.0", second[] = "/ipfs/ping/1.0.0";
	char *protocols[] = { first, second, NULL };
	struct p2p_multiaddr *addrs[] = {
	    check_maddr("/ip4/127.0.0.1/tcp/4001"),
	    NULL }, *observed = check_maddr("/ip4/127.0.0.1/tcp/50000");
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);	/* signs no record */
	struct identify_self self = { key, "c-libp2p/0.1.0", protocols,
	    addrs, observed, 1 };
	uint8_t out[IDENTIFY_SEND_MAX], *want;
	struct wr w;
	size_t len;

	want = check_unhex(example, &len);
	wr_init(&w, out, sizeof(out));
	CHECK_OK(identify_put(&self, &w));
	CHECK_BYTES(out, w.len, want, len);
	free(want);
	p2p_multiaddr_free(addrs[0]);
	p2p_multiaddr_free(observed);
	p2p_key_free(key);
}

static void
the_example_is_understood(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_identity *got;
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(example, &len);
	CHECK_OK(identify_get(&seen, &id, (struct rd){ bytes + 1, len - 1 }));
	CHECK_FATAL((got = seen.identity) != NULL);
	CHECK(p2p_peer_id_equal(&got->peer, &id));
	CHECK(got->key != NULL);
	CHECK_STR(got->protocol_version, "ipfs/0.1.0");
	CHECK_STR(got->agent_version, "c-libp2p/0.1.0");
	CHECK_EQ(count_protocols(&seen), 2);
	CHECK_STR(got->protocols[0], "/ipfs/id/1.0.0");
	CHECK_STR(got->protocols[1], "/ipfs/ping/1.0.0");
	CHECK_EQ(count_addresses(&seen), 1);
	CHECK_STR(p2p_multiaddr_text(got->addresses[0]),
	    "/ip4/127.0.0.1/tcp/4001");
	CHECK_STR(p2p_multiaddr_text(got->observed),
	    "/ip4/127.0.0.1/tcp/50000");
	CHECK(!got->signed_record && !seen.have_record);
	identify_clear(&seen);
	CHECK(seen.identity == NULL);
	free(bytes);
	p2p_key_free(key);
}

/* A host with many names, and what it says of itself. */
struct self {
	struct p2p_key		*key;
	struct p2p_peer_id	 id;
	struct p2p_multiaddr	*addrs[IDENTIFY_ADDRS_MAX + 2];
	char			*protocols[301];
	char			 names[300][48];
	uint8_t			 out[IDENTIFY_SEND_MAX];
	struct rd		 said;		/* without the length */
};

static struct self *
self_new(size_t naddrs, size_t addrlen, size_t nprotocols)
{
	struct self *s = calloc(1, sizeof(*s));
	char text[P2P_MULTIADDR_MAX + 64];
	size_t i;

	CHECK_FATAL(s != NULL);
	s->key = key_new(true, &s->id);
	for (i = 0; i < naddrs; i++) {
		snprintf(text, sizeof(text), "/dns4/%0*zu.example/tcp/4001",
		    (int)addrlen, i);
		s->addrs[i] = check_maddr(text);
	}
	for (i = 0; i < nprotocols; i++) {
		snprintf(s->names[i], sizeof(s->names[i]),
		    "/test/protocol-%zu/1.0.0", i);
		s->protocols[i] = s->names[i];
	}
	return s;
}

static int
self_say(struct self *s)
{
	struct identify_self self = { s->key, "test/1", s->protocols,
	    s->addrs, NULL, 9 };
	struct rd r;
	struct wr w;
	int e;

	wr_init(&w, s->out, sizeof(s->out));
	if ((e = identify_put(&self, &w)) != 0)
		return e;
	r = (struct rd){ s->out, w.len };
	CHECK_OK(varint_get_bytes(&r, &s->said));
	CHECK_EQ(r.len, 0);
	return 0;
}

static void
self_free(struct self *s)
{
	size_t i;

	for (i = 0; s->addrs[i] != NULL; i++)
		p2p_multiaddr_free(s->addrs[i]);
	p2p_key_free(s->key);
	free(s);
}

static void
what_fits_is_said_with_a_signed_record(void)
{
	struct self *s = self_new(3, 10, 20);
	struct identify_seen seen = { 0 };

	CHECK_OK(self_say(s));
	CHECK_OK(identify_get(&seen, &s->id, s->said));
	CHECK_EQ(count_addresses(&seen), 3);
	CHECK_EQ(count_protocols(&seen), 20);
	CHECK(seen.have_record && seen.identity->signed_record);
	CHECK_EQ(seen.record.seq, 9);
	CHECK_EQ(seen.record.n, 3);
	CHECK(p2p_peer_id_equal(&seen.record.peer, &s->id));
	identify_clear(&seen);
	self_free(s);
}

/* IDF-5, IDF-7: rust reads one message of at most 4096 bytes. */
static void
check_many(size_t naddrs, size_t addrlen, size_t nprotocols)
{
	struct self *s = self_new(naddrs, addrlen, nprotocols);
	struct identify_seen seen = { 0 };

	CHECK_OK(self_say(s));
	CHECK(s->said.len + 2 <= IDENTIFY_SEND_MAX);
	CHECK(s->said.len > IDENTIFY_SEND_MAX / 2);	/* nothing is wasted */
	CHECK_OK(identify_get(&seen, &s->id, s->said));
	if (seen.identity != NULL) {
		CHECK(seen.identity->key != NULL);
		CHECK_STR(seen.identity->agent_version, "test/1");
		CHECK(count_addresses(&seen) > 0 || naddrs == 0);
		CHECK(count_protocols(&seen) > 0 || nprotocols == 0);
	}
	identify_clear(&seen);
	self_free(s);
}

static void
however_much_there_is_it_is_one_small_message(void)
{
	check_many(IDENTIFY_ADDRS_MAX, 10, 300);
	check_many(IDENTIFY_ADDRS_MAX + 1, 10, 300);
	check_many(0, 10, 300);
}

static void
long_addresses_leave_room_for_protocols(void)
{
	check_many(IDENTIFY_ADDRS_MAX, 60, 300);
	check_many(IDENTIFY_ADDRS_MAX, 200, 20);
	check_many(IDENTIFY_ADDRS_MAX, 200, 0);
	check_many(IDENTIFY_ADDRS_MAX, 900, 300);
}

static void
the_record_goes_before_anything_else(void)
{
	struct self *s = self_new(40, 10, 130);
	struct identify_seen seen = { 0 };

	CHECK_OK(self_say(s));
	CHECK_OK(identify_get(&seen, &s->id, s->said));
	CHECK(!seen.have_record);
	CHECK_EQ(count_addresses(&seen), 40);
	CHECK(count_protocols(&seen) > 80);
	identify_clear(&seen);
	self_free(s);
}

static void
several_messages_are_merged(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(true, &id);
	struct msg *m = msg_new();

	put_hex(m, KEY, example_key);
	put_text(m, AGENT, "old");
	put_text(m, PROTOCOL, "/a");
	put_addr(m, "/ip4/192.0.2.1/tcp/1");
	CHECK_OK(get(&seen, &id, m));
	m = msg_new();
	put_text(m, PROTOCOL, "/b");
	put_text(m, AGENT, "older");
	put_text(m, AGENT, "new");
	put_addr(m, "/ip4/192.0.2.2/tcp/2");
	put_record(m, key, "/ip4/192.0.2.3/tcp/3");
	CHECK_OK(get(&seen, &id, m));
	m = msg_new();
	put_text(m, SPEAKS, "ipfs/0.1.0");
	put_record(m, key, "/ip4/192.0.2.4/tcp/4");
	CHECK_OK(get(&seen, &id, m));
	CHECK_OK(get(&seen, &id, msg_new()));	/* 0 bytes: nothing new */
	CHECK_EQ(count_protocols(&seen), 2);
	CHECK_STR(seen.identity->protocols[1], "/b");
	CHECK_EQ(count_addresses(&seen), 2);
	CHECK_STR(seen.identity->agent_version, "new");
	CHECK_STR(seen.identity->protocol_version, "ipfs/0.1.0");
	CHECK(seen.identity->key != NULL && seen.have_record);
	CHECK_STR(p2p_multiaddr_text(seen.record.addrs[0]),
	    "/ip4/192.0.2.4/tcp/4");
	identify_clear(&seen);
	p2p_key_free(key);
}

static void
an_empty_message_says_who_it_is_of(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);

	CHECK_OK(get(&seen, &id, msg_new()));
	CHECK_FATAL(seen.identity != NULL);
	CHECK(p2p_peer_id_equal(&seen.identity->peer, &id));
	CHECK_EQ(count_protocols(&seen) + count_addresses(&seen), 0);
	CHECK(seen.identity->key == NULL && seen.identity->observed == NULL);
	CHECK(seen.identity->agent_version == NULL);
	identify_clear(&seen);
	identify_clear(&seen);
	p2p_identity_free(NULL);
	p2p_key_free(key);
}

/* IDF-7, IDF-13 */
static void
bad_addresses_are_skipped_one_by_one(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);
	struct msg *m = msg_new();

	put_addr(m, "/ip4/192.0.2.1/tcp/1");
	put(m, ADDR, "", 0);
	put_hex(m, ADDR, "04c0000201");		/* without its port: fine */
	put_hex(m, ADDR, "04c00002");		/* cut off */
	put_hex(m, ADDR, "04c000020106");	/* cut off in the port */
	put_hex(m, ADDR, "ffff7f00");		/* no such code */
	put_hex(m, ADDR, "ffffffffffffffffffff");
	put_addr(m, "/ip6/2001:db8::1/tcp/2");
	put_hex(m, OBSERVED, "04c00002");
	put_text(m, AGENT, "still read");
	CHECK_OK(get(&seen, &id, m));
	CHECK_EQ(count_addresses(&seen), 3);
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[1]),
	    "/ip4/192.0.2.1");
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[2]),
	    "/ip6/2001:db8::1/tcp/2");
	CHECK(seen.identity->observed == NULL);
	CHECK_STR(seen.identity->agent_version, "still read");
	identify_clear(&seen);
	p2p_key_free(key);
}

/* IDF-8 */
static void
the_peer_s_own_id_is_cut_off_and_others_are_dropped(void)
{
	char text[P2P_PEER_ID_TEXT_MAX], full[256];
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id, other_id;
	struct p2p_key *key = key_new(false, &id), *other = NULL;
	struct msg *m = msg_new();

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	p2p_peer_id_from_key(other, &other_id);
	snprintf(full, sizeof(full), "/ip4/192.0.2.1/tcp/1/p2p/%s",
	    p2p_peer_id_text(&id, text));
	put_addr(m, full);
	snprintf(full, sizeof(full), "/p2p/%s", text);
	put_addr(m, full);
	snprintf(full, sizeof(full), "/ip4/192.0.2.2/tcp/2/p2p/%s",
	    p2p_peer_id_text(&other_id, text));
	put_addr(m, full);
	snprintf(full, sizeof(full), "/ip4/192.0.2.3/tcp/3/p2p/%s/p2p-circuit",
	    text);
	put_addr(m, full);
	CHECK_OK(get(&seen, &id, m));
	CHECK_EQ(count_addresses(&seen), 2);
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[0]),
	    "/ip4/192.0.2.1/tcp/1");
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[1]), full);
	identify_clear(&seen);
	p2p_key_free(key);
	p2p_key_free(other);
}

/* Found by fuzz_identify: only the last /p2p was looked at, and cut off. */
static void
another_peer_behind_our_own_id_is_dropped(void)
{
	char own[P2P_PEER_ID_TEXT_MAX], its[P2P_PEER_ID_TEXT_MAX], full[300];
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id, other_id;
	struct p2p_key *key = key_new(false, &id), *other = NULL;
	struct msg *m = msg_new();

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	p2p_peer_id_from_key(other, &other_id);
	p2p_peer_id_text(&id, own);
	p2p_peer_id_text(&other_id, its);
	put_addr(m, "/ip4/192.0.2.1/tcp/1");
	snprintf(full, sizeof(full), "/ip4/192.0.2.2/tcp/2/p2p/%s/p2p/%s",
	    its, own);
	put_addr(m, full);
	snprintf(full, sizeof(full), "/ip4/192.0.2.3/tcp/3/p2p/%s/p2p/%s",
	    own, own);
	put_addr(m, full);
	CHECK_OK(get(&seen, &id, m));
	CHECK_EQ(count_addresses(&seen), 1);
	identify_clear(&seen);
	p2p_key_free(key);
	p2p_key_free(other);
}

/* IDF-4: of a message with another's key nothing is taken. */
static void
a_key_of_another_refuses_all(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id, other_id;
	struct p2p_key *key = key_new(false, &id), *other = NULL;
	struct msg *m = msg_new();
	int i;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	p2p_peer_id_from_key(other, &other_id);
	put_text(m, AGENT, "true");
	CHECK_OK(get(&seen, &other_id, m));
	for (i = 0; i < 2; i++) {
		m = msg_new();
		put_hex(m, KEY, i == 0 ? example_key : "08011220ff");
		put_text(m, AGENT, "false");
		put_text(m, PROTOCOL, "/false");
		put_addr(m, "/ip4/192.0.2.1/tcp/1");
		CHECK_ERR(get(&seen, &other_id, m), i == 0 ?
		    P2P_ERR_WRONG_PEER : P2P_ERR_FORMAT);
	}
	CHECK_STR(seen.identity->agent_version, "true");
	CHECK(seen.identity->key == NULL);
	CHECK_EQ(count_protocols(&seen) + count_addresses(&seen), 0);
	identify_clear(&seen);
	p2p_key_free(key);
	p2p_key_free(other);
}

/* IDF-9, V33, CVE-2023-40583 */
static void
a_record_that_is_not_the_peer_s_own_is_ignored(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(true, &id), *other = NULL;
	struct msg *m = msg_new();

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	put_addr(m, "/ip4/192.0.2.1/tcp/1");
	put_record(m, other, "/ip4/192.0.2.6/tcp/6");
	CHECK_OK(get(&seen, &id, m));
	CHECK(!seen.have_record && !seen.identity->signed_record);
	CHECK_EQ(count_addresses(&seen), 1);
	m = msg_new();
	put_record(m, key, "/ip4/192.0.2.6/tcp/6");
	m->buf[m->w.len - 1] ^= 1;		/* of the signature */
	CHECK_OK(get(&seen, &id, m));
	CHECK(!seen.have_record && !seen.identity->signed_record);
	m = msg_new();
	put(m, RECORD, "", 0);
	CHECK_OK(get(&seen, &id, m));
	CHECK(!seen.have_record);
	m = msg_new();
	put_record(m, key, "/ip4/192.0.2.7/tcp/7");
	CHECK_OK(get(&seen, &id, m));
	CHECK(seen.have_record && seen.identity->signed_record);
	CHECK_STR(p2p_multiaddr_text(seen.record.addrs[0]),
	    "/ip4/192.0.2.7/tcp/7");
	identify_clear(&seen);
	p2p_key_free(key);
	p2p_key_free(other);
}

/* V34: ten messages as full as they may be. */
static void
lists_have_ends(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);
	char text[64];
	struct msg *m;
	int i, k;

	for (i = 0; i < IDENTIFY_MESSAGES_MAX; i++) {
		m = msg_new();
		for (k = 0; k < 200; k++) {
			snprintf(text, sizeof(text), "/%d-%d", i, k);
			put_text(m, PROTOCOL, text);
			snprintf(text, sizeof(text), "/ip4/192.0.2.%d/tcp/%d",
			    i, k);
			put_addr(m, text);
		}
		CHECK_OK(get(&seen, &id, m));
	}
	CHECK_EQ(count_protocols(&seen), IDENTIFY_PROTOCOLS_MAX);
	CHECK_EQ(count_addresses(&seen), IDENTIFY_ADDRS_MAX);
	identify_clear(&seen);
	p2p_key_free(key);
}

static void
texts_have_ends(void)
{
	char longest[IDENTIFY_TEXT_MAX + 2];
	struct identify_seen seen = { 0 };
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);
	struct msg *m = msg_new();

	memset(longest, 'x', sizeof(longest));
	put(m, PROTOCOL, longest, IDENTIFY_PROTOCOL_LEN + 1);
	put(m, PROTOCOL, longest, IDENTIFY_PROTOCOL_LEN);
	put(m, PROTOCOL, "", 0);
	put(m, PROTOCOL, "/a\0b", 4);
	put(m, AGENT, longest, IDENTIFY_TEXT_MAX);
	put(m, SPEAKS, "1\0", 2);
	CHECK_OK(get(&seen, &id, m));
	CHECK_EQ(count_protocols(&seen), 1);
	CHECK_EQ(strlen(seen.identity->protocols[0]), IDENTIFY_PROTOCOL_LEN);
	CHECK(seen.identity->protocol_version == NULL);
	m = msg_new();
	put(m, AGENT, longest, IDENTIFY_TEXT_MAX + 1);
	CHECK_OK(get(&seen, &id, m));
	CHECK_EQ(strlen(seen.identity->agent_version), IDENTIFY_TEXT_MAX);
	identify_clear(&seen);
	p2p_key_free(key);
}

static void
a_message_has_an_end(void)
{
	struct identify_seen seen = { 0 };
	uint8_t *bytes = calloc(1, IDENTIFY_READ_MAX + 1);
	struct p2p_peer_id id;
	struct p2p_key *key = key_new(false, &id);
	struct wr w;

	wr_init(&w, bytes, 3);
	varint_put(&w, 15 << 3 | 2);		/* unknown, and as long */
	varint_put(&w, IDENTIFY_READ_MAX - 3);
	CHECK_OK(identify_get(&seen, &id, (struct rd){ bytes,
	    IDENTIFY_READ_MAX }));
	CHECK_ERR(identify_get(&seen, &id, (struct rd){ bytes,
	    IDENTIFY_READ_MAX + 1 }), P2P_ERR_TOO_LARGE);
	CHECK_ERR(identify_get(&seen, &id, (struct rd){ bytes, 5 }),
	    P2P_ERR_FORMAT);
	identify_clear(&seen);
	free(bytes);
	p2p_key_free(key);
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct identify_seen seen = { 0 };
	int e;

	e = identify_get(&seen, arg, (struct rd){ bytes, len });
	if (e == 0) {
		CHECK(count_protocols(&seen) <= IDENTIFY_PROTOCOLS_MAX);
		CHECK(count_addresses(&seen) <= IDENTIFY_ADDRS_MAX);
		CHECK(!seen.have_record || p2p_peer_id_equal(
		    &seen.record.peer, arg));
	}
	identify_clear(&seen);
	return e;
}

static void
mangled_messages_are_survived(void)
{
	struct self *s = self_new(2, 5, 3);

	CHECK_OK(self_say(s));
	CHECK(mangle(s->said.p, s->said.len, 0, decode, &s->id) > 0);
	self_free(s);
}

TESTS("identify_msg",
	{ "the example is written as published",
	    the_example_is_written_as_published },
	{ "the example is understood", the_example_is_understood },
	{ "what fits is said with a signed record",
	    what_fits_is_said_with_a_signed_record },
	{ "however much there is, it is one small message",
	    however_much_there_is_it_is_one_small_message },
	{ "long addresses leave room for protocols",
	    long_addresses_leave_room_for_protocols },
	{ "the record goes before anything else",
	    the_record_goes_before_anything_else },
	{ "several messages are merged", several_messages_are_merged },
	{ "an empty message says who it is of",
	    an_empty_message_says_who_it_is_of },
	{ "bad addresses are skipped one by one",
	    bad_addresses_are_skipped_one_by_one },
	{ "the peer's own id is cut off and others are dropped",
	    the_peer_s_own_id_is_cut_off_and_others_are_dropped },
	{ "another peer behind our own id is dropped",
	    another_peer_behind_our_own_id_is_dropped },
	{ "a key of another refuses all", a_key_of_another_refuses_all },
	{ "a record that is not the peer's own is ignored",
	    a_record_that_is_not_the_peer_s_own_is_ignored },
	{ "lists have ends", lists_have_ends },
	{ "texts have ends", texts_have_ends },
	{ "a message has an end", a_message_has_an_end },
	{ "mangled messages are survived", mangled_messages_are_survived })
