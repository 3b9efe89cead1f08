/*
 * DAG-CBOR: examples of RFC 8949 appendix A, as numbers and as values that are
 * passed over, then each rule broken.  Records of boxo are in test_ipns.c.
 */
#include "multiformats/dag_cbor.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

/* {"TTL": 0, "Value": h'2f61', "Sequence": 4294967296} */
static const char plain[] = "a3 6354544c 00 6556616c7565 422f61"
    "6853657175656e6365 1b0000000100000000";

static const struct dag_cbor_field wanted[] = {
	{ .key = "TTL", .type = DAG_CBOR_UINT },
	{ .key = "Value", .type = DAG_CBOR_BYTES },
	{ .key = "Sequence", .type = DAG_CBOR_UINT },
};

#define NWANTED	(sizeof(wanted) / sizeof(wanted[0]))

static int
get(const char *hex, struct dag_cbor_field *fields)
{
	uint8_t *in;
	size_t len;
	int e;

	memcpy(fields, wanted, sizeof(wanted));
	in = check_unhex(hex, &len);
	e = dag_cbor_get((struct rd){ in, len }, fields, NWANTED);
	free(in);
	return e;
}

/* The map of plain with one entry more, of that value. */
static int
get_with(const char *value)
{
	struct dag_cbor_field fields[NWANTED];
	char *hex = malloc(sizeof(plain) + strlen(value) + 8);
	int e;

	strcpy(hex, plain);
	hex[1] = '4';
	strcat(hex, "6178");
	strcat(hex, value);
	if ((e = get(hex, fields)) == 0) {
		CHECK_EQ(fields[0].uint, 0);
		CHECK_EQ(fields[1].bytes.len, 2);
		CHECK_EQ(fields[2].uint, UINT64_C(1) << 32);
	}
	free(hex);
	return e;
}

static void
fields_are_read_in_any_order(void)
{
	struct dag_cbor_field f[NWANTED];

	CHECK_OK(get(plain, f));
	CHECK_EQ(f[0].uint, 0);
	CHECK_EQ(f[1].bytes.len, 2);
	CHECK_EQ(f[2].uint, UINT64_C(1) << 32);
	CHECK_OK(get("a3 6853657175656e6365 01 6556616c7565 40 6354544c 1818",
	    f));
	CHECK_EQ(f[0].uint, 24);
	CHECK_EQ(f[1].bytes.len, 0);
	CHECK_EQ(f[2].uint, 1);
}

static void
fields_are_written_in_order(void)
{
	struct dag_cbor_field f[NWANTED];
	uint8_t buf[64], *want;
	struct wr w;
	size_t len;

	memcpy(f, wanted, sizeof(f));
	f[1].bytes = (struct rd){ (const uint8_t *)"/a", 2 };
	f[2].uint = UINT64_C(1) << 32;
	want = check_unhex(plain, &len);
	wr_init(&w, buf, sizeof(buf));
	dag_cbor_put(&w, f, NWANTED);
	CHECK(!w.full);
	CHECK_BYTES(buf, w.len, want, len);
	wr_init(&w, buf, len - 1);
	dag_cbor_put(&w, f, NWANTED);
	CHECK(w.full);
	free(want);
}

/* RFC 8949 appendix A, and both sides of each width. */
static void
numbers_go_both_ways(void)
{
	static const struct {
		uint64_t	 v;
		const char	*hex;
	} numbers[] = {
		{ 0, "00" }, { 1, "01" }, { 10, "0a" }, { 23, "17" },
		{ 24, "1818" }, { 25, "1819" }, { 100, "1864" },
		{ 255, "18ff" }, { 256, "190100" }, { 1000, "1903e8" },
		{ 65535, "19ffff" }, { 65536, "1a00010000" },
		{ 1000000, "1a000f4240" }, { 4294967295, "1affffffff" },
		{ 4294967296, "1b0000000100000000" },
		{ 1000000000000, "1b000000e8d4a51000" },
		{ UINT64_MAX, "1bffffffffffffffff" },
	};
	struct dag_cbor_field f = { .key = "x", .type = DAG_CBOR_UINT };
	uint8_t buf[16], *want;
	struct wr w;
	size_t i, len;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		f.uint = numbers[i].v;
		wr_init(&w, buf, sizeof(buf));
		dag_cbor_put(&w, &f, 1);
		want = check_unhex(numbers[i].hex, &len);
		CHECK_BYTES(buf + 3, w.len - 3, want, len);
		f.uint = 42;
		CHECK_OK(dag_cbor_get((struct rd){ buf, w.len }, &f, 1));
		CHECK(f.uint == numbers[i].v);
		free(want);
	}
}

static void
other_fields_are_passed_over(void)
{
	static const char *const values[] = {
		"00", "17", "1818", "1bffffffffffffffff", "20", "3863",
		"3b7fffffffffffffff", "40", "4401020304", "60", "6161",
		"62c3bc", "80", "83010203", "8301820203820405", "a0",
		"a26161016162820203",
		"a56161614161626142616361436164614461656145",
		"f4", "f5", "f6", "fb0000000000000000", "fb8000000000000000",
		"fbc010666666666666", "fb7fefffffffffffff",
		"826161a161626163",
		/* a CID of version 1 and one of version 0 */
		"d82a582500" "01711220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f",
		"d82a582300" "1220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f",
		/* the same keys in another map; out of order */
		"a36354544c006354544d016354544e02", "a2616200616100",
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		CHECK_OK(get_with(values[i]));
}

static void
what_is_not_strict_is_refused(void)
{
	static const char *const values[] = {
		"", "1c", "1d", "1e", "1f",
		/* longer than needed */
		"1800", "1817", "190000", "1900ff", "1a00000000",
		"1a0000ffff", "1b0000000000000000", "1b00000000ffffffff",
		"3800", "5800", "580161", "7800", "9800", "b800", "b90000",
		"d9002a4100",
		/* cut off, or past the end */
		"18", "19ff", "1affffff", "1bffffffffffffff", "41", "4261",
		"5affffffff", "5bffffffffffffffff", "61", "81", "8201",
		"9affffffff", "9bffffffffffffffff", "a1", "a16161",
		"baffffffff", "bbffffffffffffffff", "fb00000000000000",
		/* of no definite length */
		"5f41ff", "5f4161ff", "7f6161ff", "9f01ff", "bf616101ff", "ff",
		/* twice */
		"a2616101616101", "a3616101616201616101", "81a2616101616102",
		/* a key that is no text */
		"a10101", "a1416101", "a1f601", "a18001",
		/* tags: others, of something else, of no CID */
		"c000", "c24101", "d9d9f700", "d82a00", "d82a6100", "d82a40",
		"d82a4100", "d82a4101", "d82a420001", "d82a", "d82a5f",
		"d82b582500" "01711220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f",
		"d82a582501" "01711220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f",
		"d82a582600" "01711220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f20",
		/* undefined, simple values, short floats, no numbers */
		"f7", "e0", "f3", "f800", "f820", "f8ff", "f93c00",
		"fa3f800000", "f97e00", "fb7ff0000000000000",
		"fbfff0000000000000", "fb7ff8000000000000",
		"fb7ff0000000000001", "fc", "fd", "fe",
		/* one byte too many */
		"0000", "f600",
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		CHECK_ERR(get_with(values[i]), P2P_ERR_FORMAT);
}

static void
a_map_with_all_fields_it_must_be(void)
{
	static const char *const bad[] = {
		"", "a0", "80", "00", "40", "f6", "f7", "ff",
		"d82a582500" "01711220" "000102030405060708090a0b0c0d0e0f"
		"101112131415161718191a1b1c1d1e1f",
		/* one is missing, one is another's */
		"a2 6354544c 00 6556616c7565 422f61",
		"a3 6354544c 00 6556616c7565 422f61 6853657175656e6366 00",
		"a3 6354544d 00 6556616c7565 422f61 6853657175656e6365 00",
		/* one is of another type */
		"a3 6354544c 40 6556616c7565 422f61 6853657175656e6365 00",
		"a3 6354544c 20 6556616c7565 422f61 6853657175656e6365 00",
		"a3 6354544c f6 6556616c7565 422f61 6853657175656e6365 00",
		"a3 6354544c 80 6556616c7565 422f61 6853657175656e6365 00",
		"a3 6354544c 00 6556616c7565 622f61 6853657175656e6365 00",
		"a3 6354544c 00 6556616c7565 00 6853657175656e6365 00",
		"a3 6354544c 1800 6556616c7565 422f61 6853657175656e6365 00",
		/* one is there twice, equal or not */
		"a4 6354544c 00 6354544c 00 6556616c7565 40"
		"6853657175656e6365 00",
		"a4 6354544c 00 6556616c7565 40 6853657175656e6365 00"
		"6354544c 01",
		/* all of them, but not in the outermost map */
		"a1 6178 a3 6354544c 00 6556616c7565 40 6853657175656e6365 00",
		"81 a3 6354544c 00 6556616c7565 40 6853657175656e6365 00",
		/* more entries than are there, or fewer */
		"a4 6354544c 00 6556616c7565 40 6853657175656e6365 00",
		"a2 6354544c 00 6556616c7565 40 6853657175656e6365 00",
		"a3 6354544c 00 6556616c7565 40 6853657175656e6365 00 00",
	};
	struct dag_cbor_field f[NWANTED];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(get(bad[i], f), P2P_ERR_FORMAT);
}

/* n lists or maps within each other, in the outermost map. */
static int
get_deep(const char *open, size_t n)
{
	char hex[1024] = "";
	size_t i;

	for (i = 0; i < n; i++)
		strcat(hex, open);
	strcat(hex, "00");
	return get_with(hex);
}

static void
depth_is_limited(void)
{
	CHECK_OK(get_deep("81", DAG_CBOR_DEPTH_MAX - 1));
	CHECK_ERR(get_deep("81", DAG_CBOR_DEPTH_MAX), P2P_ERR_FORMAT);
	CHECK_OK(get_deep("a16161", DAG_CBOR_DEPTH_MAX - 1));
	CHECK_ERR(get_deep("a16161", DAG_CBOR_DEPTH_MAX), P2P_ERR_FORMAT);
	CHECK_ERR(get_deep("81", 300), P2P_ERR_FORMAT);
}

/* Levels that were closed do not count. */
static void
breadth_is_not(void)
{
	char hex[1024] = "9840";
	size_t i;

	for (i = 0; i < 64; i++)
		strcat(hex, i % 2 ? "818181f6" : "a1616180");
	CHECK_OK(get_with(hex));
}

static int
get_wide(unsigned n)
{
	struct dag_cbor_field x = { .key = "aaa", .type = DAG_CBOR_UINT };
	uint8_t buf[1024];
	struct wr w;
	unsigned i;

	wr_init(&w, buf, sizeof(buf));
	wr_u8(&w, 0xb8);
	wr_u8(&w, (uint8_t)n);
	for (i = 0; i < n; i++) {
		wr_bytes(&w, "\x63" "aa", 3);
		wr_u8(&w, (uint8_t)('a' + i));
		wr_u8(&w, 0);
	}
	CHECK(!w.full);
	return dag_cbor_get((struct rd){ buf, w.len }, &x, 1);
}

static void
entries_are_limited(void)
{
	CHECK_OK(get_wide(DAG_CBOR_ENTRIES_MAX));
	CHECK_ERR(get_wide(DAG_CBOR_ENTRIES_MAX + 1), P2P_ERR_FORMAT);
}

static int
get_mangled(const uint8_t *bytes, size_t len, void *arg)
{
	struct dag_cbor_field f[NWANTED];

	(void)arg;
	memcpy(f, wanted, sizeof(wanted));
	return dag_cbor_get((struct rd){ bytes, len }, f, NWANTED);
}

static void
no_part_of_a_map_is_one(void)
{
	static const char rich[] = "a7 6354544c 00 6556616c7565 422f61"
	    "6853657175656e6365 1901ff 6161 8301f6a1616101 6162 fb3ff0000000"
	    "000000 6163 d82a582500 01711220 000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f 6164 3863";
	uint8_t *in;
	size_t len;

	in = check_unhex(rich, &len);
	CHECK_OK(get_mangled(in, len, NULL));
	mangle(in, len, 1, get_mangled, NULL);
	free(in);
}

TESTS("dag_cbor",
	{ "fields are read in any order", fields_are_read_in_any_order },
	{ "fields are written in order", fields_are_written_in_order },
	{ "numbers go both ways", numbers_go_both_ways },
	{ "other fields are passed over", other_fields_are_passed_over },
	{ "what is not strict is refused", what_is_not_strict_is_refused },
	{ "a map with all fields it must be",
	    a_map_with_all_fields_it_must_be },
	{ "depth is limited", depth_is_limited },
	{ "breadth is not", breadth_is_not },
	{ "entries are limited", entries_are_limited },
	{ "no part of a map is one", no_part_of_a_map_is_one })
