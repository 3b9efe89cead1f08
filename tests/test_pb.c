/*
 * protobuf-c on its leash, over the Identify message: spec/faults.md V21, V22.
 */
#include "base/pb.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "proto/identify.pb-c.h"

#define MAX	8192
#define BUDGET	(256 * 1024)

/* The example of spec/core.md 11.1, without its length. */
static const char example[] =
    "0a24080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fc"
    "e27e1208047f000001060fa11a0e2f697066732f69642f312e302e301a102f697066732f"
    "70696e672f312e302e302208047f00000106c3502a0a697066732f302e312e30320e632d"
    "6c69627032702f302e312e30";

static int
unpack(const uint8_t *bytes, size_t len, size_t budget)
{
	ProtobufCMessage *m = NULL;
	int e;

	e = pb_unpack(&proto__identify__descriptor, (struct rd){ bytes, len },
	    MAX, budget, &m);
	CHECK((e == 0) == (m != NULL));
	pb_free(m);
	return e;
}

static int
unpack_hex(const char *hex)
{
	uint8_t *bytes;
	size_t len;
	int e;

	bytes = check_unhex(hex, &len);
	e = unpack(bytes, len, BUDGET);
	free(bytes);
	return e;
}

static void
a_message_goes_both_ways(void)
{
	uint8_t *bytes, out[256];
	ProtobufCMessage *m = NULL;
	Proto__Identify *id;
	struct wr w;
	size_t len;

	bytes = check_unhex(example, &len);
	CHECK_OK(pb_unpack(&proto__identify__descriptor,
	    (struct rd){ bytes, len }, len, BUDGET, &m));
	CHECK_FATAL(m != NULL);
	id = (Proto__Identify *)m;
	CHECK_EQ(id->n_protocols, 2);
	CHECK_BYTES(id->protocols[1].data, id->protocols[1].len,
	    "/ipfs/ping/1.0.0", 16);
	wr_init(&w, out, sizeof(out));
	pb_pack(m, &w);
	CHECK_BYTES(out, w.len, bytes, len);
	memset(bytes, 0xff, len);	/* what is inside are copies */
	CHECK_BYTES(id->agent_version.data, id->agent_version.len,
	    "c-libp2p/0.1.0", 14);
	pb_free(m);
	free(bytes);
}

static void
an_empty_message_is_one(void)
{
	ProtobufCMessage *m = NULL;

	CHECK_OK(pb_unpack(&proto__identify__descriptor,
	    (struct rd){ NULL, 0 }, 0, BUDGET, &m));
	CHECK_FATAL(m != NULL);
	CHECK_EQ(((Proto__Identify *)m)->n_protocols, 0);
	CHECK(!((Proto__Identify *)m)->has_public_key);
	pb_free(m);
	pb_free(NULL);
}

static void
input_over_the_cap_is_not_even_read(void)
{
	ProtobufCMessage *m = NULL;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(example, &len);
	CHECK_ERR(pb_unpack(&proto__identify__descriptor,
	    (struct rd){ bytes, len }, len - 1, BUDGET, &m),
	    P2P_ERR_TOO_LARGE);
	/* Of a length that is a lie nothing is touched. */
	CHECK_ERR(pb_unpack(&proto__identify__descriptor,
	    (struct rd){ bytes, SIZE_MAX }, MAX, BUDGET, &m),
	    P2P_ERR_TOO_LARGE);
	CHECK(m == NULL);
	free(bytes);
}

/* Every budget up to the one that suffices; LeakSanitizer sees the rest. */
static void
a_spent_budget_refuses_the_message(void)
{
	uint8_t *bytes;
	size_t len, budget;
	int e = P2P_ERR_TOO_LARGE;

	bytes = check_unhex(example, &len);
	for (budget = 0; e != 0 && budget < 4096; budget++) {
		e = unpack(bytes, len, budget);
		if (e != 0)
			CHECK_ERR(e, P2P_ERR_TOO_LARGE);
	}
	CHECK_OK(e);
	/* The message, and copies of 106 bytes in seven fields. */
	CHECK(budget > sizeof(Proto__Identify) + 106);
	free(bytes);
}

/* Two bytes of input that cost twenty and more, as often as fits. */
static void
cheap_fields_do_not_buy_dear_memory(void)
{
	static const uint8_t pairs[][2] = { { 0x12, 0 }, { 0x78, 0 } };
	uint8_t *bytes = malloc(MAX);
	size_t i, k;

	for (k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
		for (i = 0; i < MAX; i++)
			bytes[i] = pairs[k][i % 2];
		CHECK_ERR(unpack(bytes, MAX, 32 * 1024), P2P_ERR_TOO_LARGE);
	}
	free(bytes);
}

static void
unknown_fields_of_every_wire_type_are_skipped(void)
{
	CHECK_OK(unpack_hex("7801"));			/* varint */
	CHECK_OK(unpack_hex("78ffffffffffffffffff01"));
	CHECK_OK(unpack_hex("790102030405060708"));	/* 64 bits */
	CHECK_OK(unpack_hex("7a03010203"));		/* bytes */
	CHECK_OK(unpack_hex("7d01020304"));		/* 32 bits */
	CHECK_OK(unpack_hex("c03e01"));			/* field 1000 */
	/* A length that is not minimal is good protobuf, unlike ours. */
	CHECK_OK(unpack_hex("7a8300313233"));
}

static void
what_is_no_protobuf_is_refused(void)
{
	static const char *const bad[] = {
		"0001", "0200",			/* field 0 */
		"7b", "7c", "7b7c",		/* groups */
		"7e", "7f", "7e00", "7f00",	/* wire types 6 and 7 */
		"78", "7880",			/* varints cut off */
		"78ffffffffffffffffffff01",	/* and too long */
		"7901020304050607", "7d010203", "7a", "7a0401",
		"7affffffff0f", "7affffffffffffffffff01",
		"ffffffffffffffffffff01", "80", "8080808080",
		"0801",				/* publicKey as a varint */
		"0a0201",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(unpack_hex(bad[i]), P2P_ERR_FORMAT);
}

/* Depth costs no stack: RUSTSEC-2020-0002. */
static void
deep_groups_do_not_recurse(void)
{
	const size_t len = 200000;
	uint8_t *bytes = malloc(len);
	ProtobufCMessage *m = NULL;

	memset(bytes, 0x7b, len / 2);
	memset(bytes + len / 2, 0x7c, len / 2);
	CHECK_ERR(pb_unpack(&proto__identify__descriptor,
	    (struct rd){ bytes, len }, len, BUDGET, &m), P2P_ERR_FORMAT);
	free(bytes);
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	(void)arg;
	return unpack(bytes, len, BUDGET);
}

static void
mangled_messages_are_survived(void)
{
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(example, &len);
	CHECK(mangle(bytes, len, 0, decode, NULL) > 0);
	free(bytes);
}

static void
what_does_not_fit_is_not_packed(void)
{
	Proto__Identify m = PROTO__IDENTIFY__INIT;
	uint8_t agent[] = "agent", *out = malloc(7);
	struct wr w;
	size_t cap;

	m.has_agent_version = 1;
	m.agent_version = (ProtobufCBinaryData){ 5, agent };
	for (cap = 0; cap < 7; cap++) {
		wr_init(&w, out, cap);
		pb_pack(&m.base, &w);
		CHECK(w.full);
		CHECK_EQ(w.len, 0);
	}
	wr_init(&w, out, 7);
	pb_pack(&m.base, &w);
	CHECK(!w.full);
	CHECK_BYTES(out, w.len, "\x32\x05" "agent", 7);
	free(out);
}

TESTS("pb",
	{ "a message goes both ways", a_message_goes_both_ways },
	{ "an empty message is one", an_empty_message_is_one },
	{ "input over the cap is not even read",
	    input_over_the_cap_is_not_even_read },
	{ "a spent budget refuses the message",
	    a_spent_budget_refuses_the_message },
	{ "cheap fields do not buy dear memory",
	    cheap_fields_do_not_buy_dear_memory },
	{ "unknown fields of every wire type are skipped",
	    unknown_fields_of_every_wire_type_are_skipped },
	{ "what is no protobuf is refused", what_is_no_protobuf_is_refused },
	{ "deep groups do not recurse", deep_groups_do_not_recurse },
	{ "mangled messages are survived", mangled_messages_are_survived },
	{ "what does not fit is not packed", what_does_not_fit_is_not_packed })
