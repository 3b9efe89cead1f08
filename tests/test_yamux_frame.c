#include "muxer/yamux_frame.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

#define WU	YAMUX_WINDOW
#define KIB256	(256 * 1024)

/* spec/core.md 9.1: the examples, go's and rust's ways among them. */
static const struct {
	const char	*hex;
	struct yamux_hdr hdr;
} vectors[] = {
	{ "000100010000000100000000", { WU, YAMUX_SYN, 1, 0 } },
	{ "000100020000000100000000", { WU, YAMUX_ACK, 1, 0 } },
	{ "000000000000000100000002", { YAMUX_DATA, 0, 1, 2 } },
	{ "000100040000000100000000", { WU, YAMUX_FIN, 1, 0 } },
	{ "000000040000000100000000", { YAMUX_DATA, YAMUX_FIN, 1, 0 } },
	{ "000100080000000100001001", { WU, YAMUX_RST, 1, 0x1001 } },
	{ "000000080000000100000000", { YAMUX_DATA, YAMUX_RST, 1, 0 } },
	{ "000100000000000100040000", { WU, 0, 1, KIB256 } },
	{ "000200010000000000000001", { YAMUX_PING, YAMUX_SYN, 0, 1 } },
	{ "000200020000000000000001", { YAMUX_PING, YAMUX_ACK, 0, 1 } },
	{ "000300000000000000000000", { YAMUX_GOAWAY, 0, 0, 0 } },
	{ "0000fff0ffffffffffffffff",
	    { YAMUX_DATA, 0xfff0, UINT32_MAX, UINT32_MAX } },
};

static bool
same(const struct yamux_hdr *a, const struct yamux_hdr *b)
{
	return a->type == b->type && a->flags == b->flags &&
	    a->stream == b->stream && a->length == b->length;
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct yamux_hdr h;
	uint8_t out[YAMUX_HDR_SIZE];
	struct rd r = { bytes, len };
	struct wr w;
	int e;

	(void)arg;
	if ((e = yamux_hdr_get(&r, &h)) != 0)
		return e;
	/* Whatever was taken is written the same again. */
	wr_init(&w, out, sizeof(out));
	yamux_hdr_put(&w, &h);
	CHECK_BYTES(out, w.len, bytes, YAMUX_HDR_SIZE);
	return 0;
}

static void
the_vectors_go_both_ways(void)
{
	uint8_t *bytes, out[YAMUX_HDR_SIZE];
	struct yamux_hdr h;
	struct rd r;
	struct wr w;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		r = (struct rd){ bytes, len };
		CHECK_OK(yamux_hdr_get(&r, &h));
		CHECK_EQ(r.len, 0);
		CHECK(same(&h, &vectors[i].hdr));
		wr_init(&w, out, sizeof(out));
		yamux_hdr_put(&w, &vectors[i].hdr);
		CHECK(!w.full);
		CHECK_BYTES(out, w.len, bytes, len);
		free(bytes);
	}
}

static void
every_prefix_of_a_header_is_short(void)
{
	uint8_t *bytes;
	struct yamux_hdr h;
	struct rd r;
	size_t i, n, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		for (n = 0; n < len; n++) {
			r = (struct rd){ bytes, n };
			CHECK_ERR(yamux_hdr_get(&r, &h), P2P_ERR_SHORT);
			CHECK(r.p == bytes && r.len == n);
		}
		free(bytes);
	}
}

static void
a_body_is_left_to_the_caller(void)
{
	struct yamux_hdr h;
	uint8_t *bytes;
	struct rd r;
	size_t len;

	bytes = check_unhex("0000000000000001000000026869", &len);
	r = (struct rd){ bytes, len };
	CHECK_OK(yamux_hdr_get(&r, &h));
	CHECK_BYTES(r.p, r.len, "hi", 2);
	free(bytes);
}

static void
what_is_no_yamux_is_refused(void)
{
	static const char *const bad[] = {
		"010000000000000100000000",	/* version 1 */
		"ff0000000000000100000000",
		"000400000000000100000000",	/* type 4 */
		"00ff00000000000000000000",
		"000000000000000000000000",	/* data of stream 0 */
		"000100010000000000000000",	/* a window of stream 0 */
		"000200010000000100000001",	/* a ping of stream 1 */
		"000300008000000000000000",	/* a goaway of one */
	};
	struct yamux_hdr h;
	uint8_t *bytes;
	struct rd r;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = check_unhex(bad[i], &len);
		r = (struct rd){ bytes, len };
		CHECK_ERR(yamux_hdr_get(&r, &h), P2P_ERR_FORMAT);
		free(bytes);
	}
}

/* Each type on a stream and on stream 0, with every combination of flags. */
static void
flags_are_kept_whatever_they_are(void)
{
	struct yamux_hdr h, got;
	uint8_t buf[YAMUX_HDR_SIZE];
	uint32_t i;
	struct rd r;
	struct wr w;

	for (i = 0; i < 8 * 0x10000; i += i % 64 == 0 ? 1 : 7) {
		h = (struct yamux_hdr){ (enum yamux_type)(i >> 17),
		    (uint16_t)i, i >> 16 & 1, i * 2654435761u };
		wr_init(&w, buf, sizeof(buf));
		yamux_hdr_put(&w, &h);
		r = (struct rd){ buf, w.len };
		if ((h.type <= YAMUX_WINDOW) == (h.stream != 0)) {
			CHECK_OK(yamux_hdr_get(&r, &got));
			CHECK(same(&got, &h));
		} else {
			CHECK_ERR(yamux_hdr_get(&r, &got), P2P_ERR_FORMAT);
		}
	}
}

static void
mangled_headers_are_survived(void)
{
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		/* All prefixes, the version's bits, six of the type's. */
		CHECK(mangle(bytes, len, 1, decode, NULL) >= len + 8 + 6);
		free(bytes);
	}
}

static void
what_does_not_fit_is_marked(void)
{
	uint8_t out[YAMUX_HDR_SIZE];
	struct wr w;
	size_t cap;

	for (cap = 0; cap <= sizeof(out); cap++) {
		wr_init(&w, out, cap);
		yamux_hdr_put(&w, &vectors[0].hdr);
		CHECK_EQ(w.full, cap < sizeof(out));
	}
}

TESTS("yamux_frame",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "every prefix of a header is short",
	    every_prefix_of_a_header_is_short },
	{ "a body is left to the caller", a_body_is_left_to_the_caller },
	{ "what is no yamux is refused", what_is_no_yamux_is_refused },
	{ "flags are kept whatever they are",
	    flags_are_kept_whatever_they_are },
	{ "mangled headers are survived", mangled_headers_are_survived },
	{ "what does not fit is marked", what_does_not_fit_is_marked })
