#include "multiformats/multibase.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* multiformats/multibase tests/: basic.csv, leading_zero.csv. */
static const struct {
	const char	*hex, *text;
} vectors[] = {
	{ "796573206d616e692021", "f796573206d616e692021" },
	{ "796573206d616e692021", "bpfsxgidnmfxgsibb" },
	{ "796573206d616e692021", "k2lcpzo5yikidynfl" },
	{ "796573206d616e692021", "z7paNL19xttacUY" },
	{ "796573206d616e692021", "meWVzIG1hbmkgIQ" },
	{ "796573206d616e692021", "ueWVzIG1hbmkgIQ" },
	{ "00796573206d616e692021", "f00796573206d616e692021" },
	{ "00796573206d616e692021", "bab4wk4zanvqw42jaee" },
	{ "00796573206d616e692021", "k02lcpzo5yikidynfl" },
	{ "00796573206d616e692021", "z17paNL19xttacUY" },
	{ "00796573206d616e692021", "mAHllcyBtYW5pICE" },
	{ "0000796573206d616e692021", "baaahszltebwwc3tjeaqq" },
	{ "0000796573206d616e692021", "k002lcpzo5yikidynfl" },
	{ "0000796573206d616e692021", "z117paNL19xttacUY" },
	{ "fbff", "u-_8" },
	{ "fbff", "m+/8" },
};

/* The same bytes in other clothes. */
static const struct {
	const char	*hex, *text;
} spellings[] = {
	{ "796573206d616e692021", "F796573206D616E692021" },
	{ "796573206d616e692021", "BPFSXGIDNMFXGSIBB" },
	{ "796573206d616e692021", "bPFSXgidnmFXGSIBB" },
	{ "796573206d616e692021", "K2LCPZO5YIKIDYNFL" },
};

static const struct {
	const char	*text;
	int		 e;
} bad[] = {
	{ "", P2P_ERR_FORMAT },
	{ "b", P2P_ERR_FORMAT },
	{ "z", P2P_ERR_FORMAT },
	{ "f0", P2P_ERR_FORMAT },
	{ "f0g", P2P_ERR_FORMAT },
	{ "ba", P2P_ERR_FORMAT },
	{ "baaa", P2P_ERR_FORMAT },
	{ "bab", P2P_ERR_FORMAT },		/* a bit left over is set */
	{ "baa======", P2P_ERR_FORMAT },
	{ "ba1", P2P_ERR_FORMAT },
	{ "z0", P2P_ERR_FORMAT },
	{ "zl", P2P_ERR_FORMAT },
	{ "zI", P2P_ERR_FORMAT },
	{ "k-", P2P_ERR_FORMAT },
	{ "mA", P2P_ERR_FORMAT },
	{ "mAA==", P2P_ERR_FORMAT },
	{ "mAB", P2P_ERR_FORMAT },
	{ "m-_8", P2P_ERR_FORMAT },
	{ "u+/8", P2P_ERR_FORMAT },
	{ "Z7paNL19xttacUY", P2P_ERR_UNSUPPORTED },
	{ "U-_8", P2P_ERR_UNSUPPORTED },
	{ "?", P2P_ERR_UNSUPPORTED },
};

static struct rd
rd_text(const char *text)
{
	return (struct rd){ (const uint8_t *)text, strlen(text) };
}

static void
the_vectors_go_both_ways(void)
{
	uint8_t buf[64], *want;
	char text[64];
	struct wr w;
	size_t i, len;

	for (i = 0; i < N(vectors); i++) {
		want = check_unhex(vectors[i].hex, &len);
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(multibase_decode(rd_text(vectors[i].text), &w));
		CHECK_BYTES(buf, w.len, want, len);
		wr_init(&w, text, sizeof(text));
		multibase_encode((enum multibase)vectors[i].text[0],
		    (struct rd){ want, len }, &w);
		wr_u8(&w, 0);
		CHECK(!w.full);
		CHECK_STR(text, vectors[i].text);
		free(want);
	}
}

static void
either_case_is_read_where_there_is_no_other(void)
{
	uint8_t buf[64], *want;
	struct wr w;
	size_t i, len;

	for (i = 0; i < N(spellings); i++) {
		want = check_unhex(spellings[i].hex, &len);
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(multibase_decode(rd_text(spellings[i].text), &w));
		CHECK_BYTES(buf, w.len, want, len);
		free(want);
	}
}

static void
malformed_digits_are_refused(void)
{
	uint8_t buf[64];
	struct wr w;
	size_t i;

	for (i = 0; i < N(bad); i++) {
		wr_init(&w, buf, sizeof(buf));
		CHECK_ERR(multibase_decode(rd_text(bad[i].text), &w),
		    bad[i].e);
		CHECK_EQ(w.len, 0);
		CHECK(!w.full);
	}
}

static void
a_zero_byte_is_no_digit(void)
{
	static const char bases[] = "fbkzmu";
	uint8_t buf[64], text[4] = { 0, '1', 0, '1' };
	struct wr w;
	size_t i;

	for (i = 0; bases[i] != '\0'; i++) {
		text[0] = (uint8_t)bases[i];
		wr_init(&w, buf, sizeof(buf));
		CHECK_ERR(multibase_decode((struct rd){ text, 4 }, &w),
		    P2P_ERR_FORMAT);
	}
}

static void
every_length_comes_back(void)
{
	static const char bases[] = "fbkzmu";
	uint8_t in[96], out[96], text[256];
	struct wr w, t;
	size_t i, n;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 167 + 1);
	for (i = 0; bases[i] != '\0'; i++)
		for (n = 1; n <= sizeof(in); n++) {
			wr_init(&t, text, sizeof(text));
			multibase_encode((enum multibase)bases[i],
			    (struct rd){ in, n }, &t);
			CHECK(!t.full);
			wr_init(&w, out, n);
			CHECK_OK(multibase_decode(
			    (struct rd){ text, t.len }, &w));
			CHECK_BYTES(out, w.len, in, n);
			wr_init(&w, out, n - 1);
			CHECK_ERR(multibase_decode(
			    (struct rd){ text, t.len }, &w),
			    P2P_ERR_TOO_LARGE);
			wr_init(&w, text, t.len - 1);
			multibase_encode((enum multibase)bases[i],
			    (struct rd){ in, n }, &w);
			CHECK(w.full);
		}
}

static void
quadratic_work_is_bounded(void)
{
	static uint8_t big[MULTIBASE_BIG_MAX + 2], out[4096];
	struct wr w;

	memset(big, 'z', sizeof(big));
	wr_init(&w, out, sizeof(out));
	CHECK_OK(multibase_decode((struct rd){ big, sizeof(big) - 1 }, &w));
	wr_init(&w, out, sizeof(out));
	CHECK_ERR(multibase_decode((struct rd){ big, sizeof(big) }, &w),
	    P2P_ERR_TOO_LARGE);
	wr_init(&w, out, sizeof(out));
	multibase_encode(MULTIBASE_58, (struct rd){ big, sizeof(big) }, &w);
	CHECK(w.full);
	wr_init(&w, out, sizeof(out));
	multibase_encode(MULTIBASE_58, (struct rd){ big, 1000 }, &w);
	CHECK(w.full);		/* 1366 digits */
}

TESTS("multibase",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "either case is read where there is no other",
	    either_case_is_read_where_there_is_no_other },
	{ "malformed digits are refused", malformed_digits_are_refused },
	{ "a zero byte is no digit", a_zero_byte_is_no_digit },
	{ "every length comes back", every_length_comes_back },
	{ "quadratic work is bounded", quadratic_work_is_bounded })
