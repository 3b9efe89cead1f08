#include "base/bytes.h"

#include <string.h>

#include "check.h"
#include "p2p/error.h"

static void
getters_take_from_the_front(void)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
	    14, 15, 16 };
	struct rd r = { in, sizeof(in) }, v;
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;

	CHECK_OK(rd_u8(&r, &a));
	CHECK_OK(rd_be16(&r, &b));
	CHECK_OK(rd_be32(&r, &c));
	CHECK_OK(rd_be64(&r, &d));
	CHECK_EQ(a, 1);
	CHECK_EQ(b, 0x0203);
	CHECK_EQ(c, 0x04050607);
	CHECK_EQ(d, 0x08090a0b0c0d0e0f);
	CHECK_OK(rd_bytes(&r, 1, &v));
	CHECK_EQ(v.p[0], 16);
	CHECK_EQ(r.len, 0);
}

static void
a_short_getter_takes_nothing(void)
{
	static const uint8_t in[] = { 1, 2, 3 };
	struct rd r = { in, sizeof(in) }, v;
	uint32_t c;

	CHECK_ERR(rd_be32(&r, &c), P2P_ERR_SHORT);
	CHECK_EQ(r.len, 3);
	CHECK_ERR(rd_bytes(&r, SIZE_MAX, &v), P2P_ERR_SHORT);
	CHECK_EQ(r.len, 3);
}

static void
a_full_writer_stays_full(void)
{
	uint8_t buf[4];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	wr_be16(&w, 0x0102);
	wr_be32(&w, 0xffffffff);
	CHECK(w.full);
	wr_u8(&w, 9);
	CHECK_EQ(w.len, 2);
	CHECK_EQ(wr_room(&w), 0);
}

static void
a_writer_writes_big_endian_and_text(void)
{
	static const uint8_t want[] = { 0, 1, 0, 0, 0, 2, 'n', '=', '7' };
	uint8_t buf[16];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	wr_be16(&w, 1);
	wr_be32(&w, 2);
	wr_printf(&w, "n=%d", 7);
	CHECK(!w.full);
	CHECK_BYTES(buf, w.len, want, sizeof(want));
}

static void
hex_goes_both_ways(void)
{
	uint8_t out[3];
	char text[7];
	size_t len;

	CHECK_OK(hex_get("00fFa5", out, sizeof(out), &len));
	hex_put(text, out, len);
	CHECK_STR(text, "00ffa5");
	CHECK_ERR(hex_get("0", out, sizeof(out), &len), P2P_ERR_FORMAT);
	CHECK_ERR(hex_get("0g", out, sizeof(out), &len), P2P_ERR_FORMAT);
	CHECK_ERR(hex_get("00112233", out, sizeof(out), &len),
	    P2P_ERR_TOO_LARGE);
}

TESTS("bytes",
	{ "getters take from the front", getters_take_from_the_front },
	{ "a short getter takes nothing", a_short_getter_takes_nothing },
	{ "a full writer stays full", a_full_writer_stays_full },
	{ "a writer writes big endian and text",
	    a_writer_writes_big_endian_and_text },
	{ "hex goes both ways", hex_goes_both_ways })
