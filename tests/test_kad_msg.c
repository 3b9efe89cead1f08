/*
 * Messages of the DHT: the vectors of the spec digest (services.md 1.10), what
 * is left out, and what is refused.
 */
#include "services/kad/kad_msg.h"

#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define JS	"12D3KooWDaHkRyb4Nkf8L6WHbsWB9Krt491NDk8PaPGogXvj2pcY"
#define GO	"12D3KooWRqGdmFVwspgLBajUQacY1TrkBkAUqmjqjbHSFGEoZs9R"

/* An id in hex, for the vectors' <id>. */
static char *
hex_of(const char *peer, struct p2p_peer_id *id)
{
	char *hex = malloc(2 * P2P_PEER_ID_MAX + 1);

	CHECK_OK(p2p_peer_id_parse(peer, id));
	hex_put(hex, id->bytes, id->len);
	return hex;
}

/* The bytes of a template whose @ is an id. */
static uint8_t *
wire(const char *before, const char *peer, const char *after, size_t *len,
    struct p2p_peer_id *id)
{
	char *hex = hex_of(peer, id), *text;
	uint8_t *bytes;

	text = malloc(strlen(before) + strlen(hex) + strlen(after) + 1);
	strcpy(text, before);
	strcat(text, hex);
	strcat(text, after);
	bytes = check_unhex(text, len);
	free(hex);
	free(text);
	return bytes;
}

static int
get(const uint8_t *bytes, size_t len, struct kad_msg *m)
{
	return kad_msg_get((struct rd){ bytes, len }, KAD_MSG_REQUEST_MAX, m);
}

static void
the_vectors_are_understood(void)
{
	struct p2p_peer_id id;
	struct kad_msg m;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex("0805", &len);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.type, KAD_PING);
	CHECK_EQ(m.key.len + m.ncloser + m.nproviders + m.has_record, 0);
	kad_msg_clear(&m);
	free(bytes);
	bytes = wire("080450001226", JS, "", &len, &id);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.type, KAD_FIND_NODE);
	CHECK_BYTES(m.key.p, m.key.len, id.bytes, id.len);
	kad_msg_clear(&m);
	free(bytes);
	bytes = wire("080442320a26", JS, "1208047f000001060fa1", &len, &id);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.ncloser, 1);
	CHECK(p2p_peer_id_equal(&m.closer[0].peer, &id));
	CHECK_EQ(m.closer[0].naddrs, 1);
	CHECK_STR(p2p_multiaddr_text(m.closer[0].addrs[0]),
	    "/ip4/127.0.0.1/tcp/4001");
	kad_msg_clear(&m);
	free(bytes);
	bytes = wire("08024a320a26", JS, "1208047f000001061f90", &len, &id);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.type, KAD_ADD_PROVIDER);
	CHECK_EQ(m.nproviders, 1);
	CHECK(!m.wants_reply);
	kad_msg_clear(&m);
	free(bytes);
}

/* D-4: py sends bytes, nim a number. */
static void
field_11_of_either_kind_is_no_error(void)
{
	struct kad_msg m;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex("08025a03010203", &len);
	CHECK_OK(get(bytes, len, &m));
	CHECK(m.wants_reply);
	kad_msg_clear(&m);
	free(bytes);
	bytes = check_unhex("08025801", &len);
	CHECK_OK(get(bytes, len, &m));
	CHECK(!m.wants_reply);
	kad_msg_clear(&m);
	free(bytes);
}

static void
what_makes_no_sense_is_left_out_or_refused(void)
{
	static const char *const bad[] = { "0806", "08ffffffffffffffffff01",
	    "120568", "0a", "ff" };
	struct p2p_peer_id id;
	struct kad_msg m;
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = check_unhex(bad[i], &len);
		CHECK_ERR(get(bytes, len, &m), P2P_ERR_FORMAT);
		free(bytes);
	}
	/* Without a type it is 0: gogo and js leave it out. */
	CHECK_OK(get(NULL, 0, &m));
	CHECK_EQ(m.type, KAD_PUT_VALUE);
	kad_msg_clear(&m);
	/* A peer without a good id; an address that is none. */
	bytes = check_unhex("08044204 0a020000 42020a00", &len);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.ncloser, 0);
	kad_msg_clear(&m);
	free(bytes);
	bytes = wire("0804422d0a26", JS, "1203ff0102", &len, &id);
	CHECK_OK(get(bytes, len, &m));
	CHECK_EQ(m.ncloser, 1);
	CHECK_EQ(m.closer[0].naddrs, 0);
	kad_msg_clear(&m);
	free(bytes);
}

/* D-8, C-4: rust's end in the peer's id; another's are not its own. */
static void
addresses_lose_the_peers_id_and_others_are_dropped(void)
{
	struct p2p_multiaddr *ma[2] = { check_maddr("/ip4/192.0.2.1/tcp/1/p2p/"
	    JS), check_maddr("/ip4/192.0.2.2/tcp/2/p2p/" GO) };
	struct kad_tell tell = { .addrs = ma, .naddrs = 2 };
	struct kad_say say = { .type = KAD_FIND_NODE, .closer = &tell,
	    .ncloser = 1 };
	uint8_t buf[1024];
	struct kad_msg m;
	uint64_t len;
	struct wr w;
	struct rd r;

	CHECK_OK(p2p_peer_id_parse(JS, &tell.peer));
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(kad_msg_put(&say, &w));
	r = (struct rd){ buf, w.len };
	CHECK_OK(varint_get(&r, &len));
	CHECK_EQ(len, r.len);
	CHECK_OK(get(r.p, r.len, &m));
	CHECK_EQ(m.closer[0].naddrs, 1);
	CHECK_STR(p2p_multiaddr_text(m.closer[0].addrs[0]),
	    "/ip4/192.0.2.1/tcp/1");
	kad_msg_clear(&m);
	p2p_multiaddr_free(ma[0]);
	p2p_multiaddr_free(ma[1]);
}

/* KAD-8, D-1: twenty of each kind with thirty addresses. */
static void
an_answer_fits_what_rust_takes(void)
{
	struct p2p_multiaddr *addrs[30];
	struct kad_tell tell[KAD_PEERS_MAX];
	struct kad_say say = { .type = KAD_GET_PROVIDERS,
	    .key = { (const uint8_t *)"key", 3 }, .closer = tell,
	    .ncloser = KAD_PEERS_MAX, .providers = tell,
	    .nproviders = KAD_PEERS_MAX };
	static uint8_t buf[2 * KAD_MSG_SEND_MAX];
	char text[256];
	struct kad_msg m;
	uint64_t len;
	struct rd r;
	struct wr w;
	size_t i;

	for (i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "/dns4/%060zu.example/tcp/%zu", i,
		    i + 1);
		addrs[i] = check_maddr(text);
	}
	for (i = 0; i < KAD_PEERS_MAX; i++) {
		tell[i] = (struct kad_tell){ .addrs = addrs, .naddrs = 30,
		    .peer = { .len = 4, .bytes = { 0, 2, 1, (uint8_t)i } } };
	}
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(kad_msg_put(&say, &w));
	CHECK(w.len <= KAD_MSG_SEND_MAX);
	CHECK(w.len > KAD_MSG_SEND_MAX * 3 / 4);	/* and much of it */
	r = (struct rd){ buf, w.len };
	CHECK_OK(varint_get(&r, &len));
	CHECK_OK(get(r.p, r.len, &m));
	CHECK_EQ(m.ncloser, KAD_PEERS_MAX);
	CHECK_EQ(m.nproviders, KAD_PEERS_MAX);
	for (i = 0; i < m.ncloser; i++)
		CHECK(m.closer[i].naddrs > 0);
	kad_msg_clear(&m);
	for (i = 0; i < 30; i++)
		p2p_multiaddr_free(addrs[i]);
}

/* What is kept of a peer stands in a message as if it was just made. */
static void
a_peer_is_told_of_as_it_was_kept(void)
{
	struct p2p_multiaddr *addrs[KAD_ADDRS_MAX + 1];
	struct kad_tell tell = { .addrs = addrs,
	    .naddrs = KAD_ADDRS_MAX + 1 };
	struct kad_say fresh = { .type = KAD_FIND_NODE, .closer = &tell,
	    .ncloser = 1 }, kept = { .type = KAD_FIND_NODE };
	uint8_t one[1024], want[1024], got[1024];
	static uint8_t large[KAD_MSG_SEND_MAX], buf[2 * KAD_MSG_SEND_MAX];
	struct wr w, v;
	size_t i;

	for (i = 0; i <= KAD_ADDRS_MAX; i++)
		addrs[i] = check_maddr("/ip4/192.0.2.1/tcp/1");
	CHECK_OK(p2p_peer_id_parse(JS, &tell.peer));
	for (i = 0; i < 2; i++, tell.naddrs = 0) {
		wr_init(&w, one, sizeof(one));
		kad_msg_put_closer(&tell, &w);
		kept.told = (struct rd){ one, w.len };
		wr_init(&v, got, sizeof(got));
		CHECK_OK(kad_msg_put(&kept, &v));
		wr_init(&w, want, sizeof(want));
		CHECK_OK(kad_msg_put(&fresh, &w));
		CHECK_BYTES(got, v.len, want, w.len);
	}
	kept.told = (struct rd){ large, sizeof(large) };
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(kad_msg_put(&kept, &w), P2P_ERR_TOO_LARGE);
	CHECK(w.len == 0 && !w.full);
	for (i = 0; i <= KAD_ADDRS_MAX; i++)
		p2p_multiaddr_free(addrs[i]);
}

/* D3: ten thousand peers cost no more than the cap lets in. */
static void
lists_have_ends(void)
{
	uint8_t *bytes = malloc(KAD_MSG_ANSWER_MAX);
	struct kad_msg m;
	size_t n = 0;

	while (n + 10 <= KAD_MSG_REQUEST_MAX) {
		memcpy(bytes + n, "\x42\x08\x0a\x06\x00\x04" "abcd", 10);
		n += 10;
	}
	CHECK_OK(get(bytes, n, &m));
	CHECK_EQ(m.ncloser, KAD_PEERS_READ_MAX);
	kad_msg_clear(&m);
	memset(bytes, 0x42, KAD_MSG_ANSWER_MAX);
	CHECK_ERR(get(bytes, KAD_MSG_REQUEST_MAX + 1, &m),
	    P2P_ERR_TOO_LARGE);
	free(bytes);
}

static void
records_go_and_come(void)
{
	struct kad_record record = { { (const uint8_t *)"/x/y", 4 },
	    { (const uint8_t *)"value", 5 }, { (const uint8_t *)"now", 3 } };
	struct kad_say say = { .type = KAD_PUT_VALUE, .key = record.key,
	    .record = &record };
	uint8_t buf[256];
	struct kad_msg m;
	uint64_t len;
	struct rd r;
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(kad_msg_put(&say, &w));
	r = (struct rd){ buf, w.len };
	CHECK_OK(varint_get(&r, &len));
	CHECK_BYTES(r.p, 2, "\x08\x00", 2);	/* the type, also when 0 */
	CHECK_OK(get(r.p, r.len, &m));
	CHECK(m.has_record);
	CHECK_BYTES(m.key.p, m.key.len, "/x/y", 4);
	CHECK_BYTES(m.record.key.p, m.record.key.len, "/x/y", 4);
	CHECK_BYTES(m.record.value.p, m.record.value.len, "value", 5);
	CHECK_BYTES(m.record.time.p, m.record.time.len, "now", 3);
	kad_msg_clear(&m);
	wr_init(&w, buf, 10);
	CHECK_ERR(kad_msg_put(&say, &w), P2P_ERR_TOO_LARGE);
}

static int
get_and_clear(const uint8_t *bytes, size_t len, void *arg)
{
	struct kad_msg m;
	int e;

	(void)arg;
	if ((e = get(bytes, len, &m)) == 0)
		kad_msg_clear(&m);
	return e;
}

static void
mangled_messages_are_survived(void)
{
	struct p2p_peer_id id;
	uint8_t *bytes;
	size_t len;

	bytes = wire("08031a060a01611201624a320a26", JS,
	    "1208047f000001060fa1", &len, &id);
	CHECK(mangle(bytes, len, 0, get_and_clear, NULL) > 0);
	free(bytes);
}

TESTS("kad_msg",
    { "the vectors are understood", the_vectors_are_understood },
    { "field 11 of either kind is no error",
      field_11_of_either_kind_is_no_error },
    { "what makes no sense is left out or refused",
      what_makes_no_sense_is_left_out_or_refused },
    { "addresses lose the peer's id, and others are dropped",
      addresses_lose_the_peers_id_and_others_are_dropped },
    { "an answer fits what rust takes", an_answer_fits_what_rust_takes },
    { "a peer is told of as it was kept",
      a_peer_is_told_of_as_it_was_kept },
    { "lists have ends", lists_have_ends },
    { "records go and come", records_go_and_come },
    { "mangled messages are survived", mangled_messages_are_survived })
