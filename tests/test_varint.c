#include "base/varint.h"

#include <stdlib.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

/* multiformats/unsigned-varint README.md, examples. */
static const struct {
	uint64_t	 v;
	const char	*hex;
} vectors[] = {
	{ 0, "00" }, { 1, "01" }, { 127, "7f" }, { 128, "8001" },
	{ 255, "ff01" }, { 300, "ac02" }, { 16384, "808001" },
	{ INT64_MAX, "ffffffffffffffff7f" },
};

static const char *const bad[] = {
	"8100", "8000", "ffffffffffffffffff01", "80808080808080808001",
	"ffffffffffffffffffff",
};

static void
the_vectors_go_both_ways(void)
{
	uint8_t buf[VARINT_MAX_LEN], *want;
	struct wr w;
	struct rd r;
	uint64_t v;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		want = check_unhex(vectors[i].hex, &len);
		wr_init(&w, buf, sizeof(buf));
		varint_put(&w, vectors[i].v);
		CHECK_BYTES(buf, w.len, want, len);
		CHECK_EQ(varint_len(vectors[i].v), len);
		r = (struct rd){ want, len };
		CHECK_OK(varint_get(&r, &v));
		CHECK_EQ(v, vectors[i].v);
		CHECK_EQ(r.len, 0);
		free(want);
	}
}

static void
overlong_forms_are_refused(void)
{
	uint8_t *in;
	struct rd r;
	uint64_t v;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in = check_unhex(bad[i], &len);
		r = (struct rd){ in, len };
		CHECK_ERR(varint_get(&r, &v), P2P_ERR_FORMAT);
		CHECK_EQ(r.len, len);
		free(in);
	}
}

static void
a_truncated_varint_wants_more(void)
{
	static const uint8_t in[] = { 0xff, 0xff, 0xff, 0x7f };
	struct rd r;
	uint64_t v;
	size_t n;

	for (n = 0; n < sizeof(in); n++) {
		r = (struct rd){ in, n };
		CHECK_ERR(varint_get(&r, &v), P2P_ERR_SHORT);
		CHECK_EQ(r.len, n);
	}
}

static void
a_length_is_compared_before_it_is_used(void)
{
	static const uint8_t in[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0x7f, 1 };
	struct rd r = { in, sizeof(in) }, v;

	CHECK_ERR(varint_get_bytes(&r, &v), P2P_ERR_SHORT);
	CHECK_EQ(r.len, sizeof(in));
}

TESTS("varint",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "overlong forms are refused", overlong_forms_are_refused },
	{ "a truncated varint wants more", a_truncated_varint_wants_more },
	{ "a length is compared before it is used",
	    a_length_is_compared_before_it_is_used })
