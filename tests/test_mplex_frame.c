#include "muxer/mplex_frame.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

/* spec/core.md 10: the examples; then the ends of the ranges. */
static const struct {
	const char	*hex;		/* without the body */
	struct mplex_hdr hdr;
} vectors[] = {
	{ "0001", { 0, MPLEX_NEW, 1 } },
	{ "0202", { 0, MPLEX_MESSAGE_INITIATOR, 2 } },
	{ "0102", { 0, MPLEX_MESSAGE_RECEIVER, 2 } },
	{ "0400", { 0, MPLEX_CLOSE_INITIATOR, 0 } },
	{ "0600", { 0, MPLEX_RESET_INITIATOR, 0 } },
	{ "880100", { 17, MPLEX_NEW, 0 } },
	{ "0300", { 0, MPLEX_CLOSE_RECEIVER, 0 } },
	{ "0500", { 0, MPLEX_RESET_RECEIVER, 0 } },
	{ "7a7f", { 15, MPLEX_MESSAGE_INITIATOR, 127 } },
	{ "82018001", { 16, MPLEX_MESSAGE_INITIATOR, 128 } },
	{ "01808040", { 0, MPLEX_MESSAGE_RECEIVER, MPLEX_BODY_MAX } },
	{ "feffffffffffffff7f00", { MPLEX_ID_MAX, MPLEX_RESET_INITIATOR, 0 } },
	{ "faffffffffffffff7f808040",
	    { MPLEX_ID_MAX, MPLEX_MESSAGE_INITIATOR, MPLEX_BODY_MAX } },
};

static bool
same(const struct mplex_hdr *a, const struct mplex_hdr *b)
{
	return a->id == b->id && a->flag == b->flag && a->length == b->length;
}

static void
the_vectors_go_both_ways(void)
{
	uint8_t *bytes, out[MPLEX_HDR_MAX];
	struct mplex_hdr h;
	struct rd r;
	struct wr w;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		r = (struct rd){ bytes, len };
		CHECK_OK(mplex_hdr_get(&r, &h));
		CHECK_EQ(r.len, 0);
		CHECK(same(&h, &vectors[i].hdr));
		wr_init(&w, out, sizeof(out));
		mplex_hdr_put(&w, &vectors[i].hdr);
		CHECK(!w.full);
		CHECK_BYTES(out, w.len, bytes, len);
		free(bytes);
	}
}

static void
every_prefix_of_a_header_is_short(void)
{
	uint8_t *bytes;
	struct mplex_hdr h;
	struct rd r;
	size_t i, n, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		for (n = 0; n < len; n++) {
			r = (struct rd){ bytes, n };
			CHECK_ERR(mplex_hdr_get(&r, &h), P2P_ERR_SHORT);
			CHECK(r.p == bytes && r.len == n);
		}
		free(bytes);
	}
}

static void
a_body_is_left_to_the_caller(void)
{
	struct mplex_hdr h;
	uint8_t *bytes;
	struct rd r;
	size_t len;

	bytes = check_unhex("02026869", &len);
	r = (struct rd){ bytes, len };
	CHECK_OK(mplex_hdr_get(&r, &h));
	CHECK_BYTES(r.p, r.len, "hi", 2);
	free(bytes);
}

/* Each as soon as it shows: a byte less is short. */
static void
what_is_no_mplex_is_refused(void)
{
	static const struct {
		const char	*hex;
		int		 error;
	} bad[] = {
		{ "07", P2P_ERR_FORMAT },		/* flag 7 */
		{ "ffffffffffffffff7f", P2P_ERR_FORMAT },
		{ "8000", P2P_ERR_FORMAT },		/* not minimal */
		{ "8100", P2P_ERR_FORMAT },
		{ "028000", P2P_ERR_FORMAT },
		{ "02808000", P2P_ERR_FORMAT },
		{ "808080808080808080", P2P_ERR_FORMAT },	/* V19 */
		{ "ffffffffffffffffff", P2P_ERR_FORMAT },	/* 2^63 on */
		{ "02818040", P2P_ERR_TOO_LARGE },	/* a byte too many */
		{ "02ffff7f", P2P_ERR_TOO_LARGE },
		{ "02808080", P2P_ERR_TOO_LARGE },
		{ "00ffffff", P2P_ERR_TOO_LARGE },	/* a name */
		{ "04818040", P2P_ERR_TOO_LARGE },
	};
	struct mplex_hdr h;
	uint8_t *bytes;
	struct rd r;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = check_unhex(bad[i].hex, &len);
		r = (struct rd){ bytes, len };
		CHECK_ERR(mplex_hdr_get(&r, &h), bad[i].error);
		CHECK(r.p == bytes && r.len == len);
		r.len--;
		CHECK_ERR(mplex_hdr_get(&r, &h), P2P_ERR_SHORT);
		free(bytes);
	}
}

static void
every_id_flag_and_length_comes_back(void)
{
	struct mplex_hdr h, got;
	uint8_t buf[MPLEX_HDR_MAX];
	unsigned bit, flag, len;
	struct rd r;
	struct wr w;

	for (bit = 0; bit <= 60; bit++)
		for (flag = 0; flag <= MPLEX_RESET_INITIATOR; flag++)
			for (len = 0; len <= 20; len++) {
				h = (struct mplex_hdr){
				    (UINT64_C(1) << bit) - 1,
				    (enum mplex_flag)flag, 1u << len };
				wr_init(&w, buf, sizeof(buf));
				mplex_hdr_put(&w, &h);
				CHECK(!w.full);
				r = (struct rd){ buf, w.len };
				CHECK_OK(mplex_hdr_get(&r, &got));
				CHECK_EQ(r.len, 0);
				CHECK(same(&h, &got));
			}
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct mplex_hdr h;
	uint8_t out[MPLEX_HDR_MAX];
	struct rd r = { bytes, len };
	struct wr w;
	int e;

	(void)arg;
	if ((e = mplex_hdr_get(&r, &h)) != 0)
		return e;
	/* Whatever was taken is written the same again. */
	wr_init(&w, out, sizeof(out));
	mplex_hdr_put(&w, &h);
	CHECK_BYTES(out, w.len, bytes, len - r.len);
	return 0;
}

static void
mangled_headers_are_survived(void)
{
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		CHECK(mangle(bytes, len, 1, decode, NULL) >= len);
		free(bytes);
	}
}

/* Any twelve bytes are a header or none. */
static void
twelve_bytes_are_never_short(void)
{
	uint8_t bytes[MPLEX_HDR_MAX];
	struct mplex_hdr h;
	struct rd r;
	size_t i;

	for (i = 0; i <= sizeof(bytes); i++) {
		memset(bytes, 0xff, sizeof(bytes));
		if (i < sizeof(bytes))
			bytes[i] = 0x01;
		r = (struct rd){ bytes, sizeof(bytes) };
		CHECK(mplex_hdr_get(&r, &h) != P2P_ERR_SHORT);
	}
}

static void
what_does_not_fit_is_marked(void)
{
	uint8_t out[MPLEX_HDR_MAX];
	struct wr w;
	size_t cap;

	for (cap = 0; cap <= sizeof(out); cap++) {
		wr_init(&w, out, cap);
		mplex_hdr_put(&w, &(struct mplex_hdr){ MPLEX_ID_MAX,
		    MPLEX_MESSAGE_RECEIVER, MPLEX_BODY_MAX });
		CHECK_EQ(w.full, cap < sizeof(out));
	}
}

TESTS("mplex_frame",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "every prefix of a header is short",
	    every_prefix_of_a_header_is_short },
	{ "a body is left to the caller", a_body_is_left_to_the_caller },
	{ "what is no mplex is refused", what_is_no_mplex_is_refused },
	{ "every id, flag and length comes back",
	    every_id_flag_and_length_comes_back },
	{ "mangled headers are survived", mangled_headers_are_survived },
	{ "twelve bytes are never short", twelve_bytes_are_never_short },
	{ "what does not fit is marked", what_does_not_fit_is_marked })
