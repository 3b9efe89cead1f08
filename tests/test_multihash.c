#include "multiformats/multihash.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

/*
 * The first is multiformats/multihash README.md's example; of the others only
 * the code and the length are real.
 */
static const struct {
	const char	*hex;
	uint64_t	 code;
	size_t		 len;
} vectors[] = {
	{ "1220"
	    "41dd7b6443542e75701aa98a0c235951a28a0d851b11564d20022ab11d2589a8",
	    0x12, 32 },
	{ "111488c2f11fb2ce392acb5b2986e640211c4690073e", 0x11, 20 },
	{ "b2201088c2f11fb2ce392acb5b2986e6402100", 0x1032, 16 },
	{ "0003616263", 0, 3 },
	{ "0000", 0, 0 },
};

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct multihash mh;
	int e;

	(void)arg;
	e = multihash_decode((struct rd){ bytes, len }, &mh);
	if (e == 0)
		CHECK(mh.digest.len <= len);
	return e;
}

static void
the_vectors_go_both_ways(void)
{
	struct multihash mh;
	uint8_t *bytes, out[64];
	struct wr w;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		CHECK_OK(multihash_decode((struct rd){ bytes, len }, &mh));
		CHECK_EQ(mh.code, vectors[i].code);
		CHECK_EQ(mh.digest.len, vectors[i].len);
		CHECK(mh.digest.p + mh.digest.len == bytes + len);
		wr_init(&w, out, sizeof(out));
		multihash_put(&w, &mh);
		CHECK_BYTES(out, w.len, bytes, len);
		free(bytes);
	}
}

static void
every_prefix_is_short_and_takes_nothing(void)
{
	struct multihash mh = { .code = 77 };
	uint8_t *bytes;
	struct rd r;
	size_t n, len;

	bytes = check_unhex(vectors[2].hex, &len);
	for (n = 0; n < len; n++) {
		r = (struct rd){ bytes, n };
		CHECK_ERR(multihash_get(&r, &mh), P2P_ERR_SHORT);
		CHECK(r.p == bytes && r.len == n);
		CHECK_EQ(mh.code, 77);
	}
	free(bytes);
}

static void
what_stands_behind_is_left(void)
{
	struct multihash mh;
	uint8_t *bytes;
	struct rd r;
	size_t len;

	bytes = check_unhex("00026162" "0001", &len);
	r = (struct rd){ bytes, len };
	CHECK_OK(multihash_get(&r, &mh));
	CHECK_BYTES(mh.digest.p, mh.digest.len, "ab", 2);
	CHECK_EQ(r.len, 2);
	CHECK_ERR(multihash_decode((struct rd){ bytes, len }, &mh),
	    P2P_ERR_FORMAT);
	free(bytes);
}

/* V21, RUSTSEC-2020-0068: lengths that are no digest's. */
static void
wrong_lengths_and_varints_are_refused(void)
{
	static const struct {
		const char	*hex;
		int		 error;
	} bad[] = {
		{ "1200", P2P_ERR_FORMAT },
		{ "120161", P2P_ERR_FORMAT },
		{ "121f00112233445566778899aabbccddeeff00112233445566778899"
		    "aabbccddee", P2P_ERR_FORMAT },
		{ "122100112233445566778899aabbccddeeff00112233445566778899"
		    "aabbccddeeff00", P2P_ERR_FORMAT },
		{ "92002041dd7b6443542e75701aa98a0c235951a28a0d851b11564d20"
		    "022ab11d2589a8", P2P_ERR_FORMAT },	/* not minimal */
		{ "00810061", P2P_ERR_FORMAT },
		{ "00ffffffffffffffffff0161", P2P_ERR_FORMAT },
		{ "00ffffffffffffffff7f61", P2P_ERR_SHORT },
		{ "11ffffffff0f61", P2P_ERR_SHORT },
		{ "", P2P_ERR_SHORT },
	};
	struct multihash mh;
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = check_unhex(bad[i].hex, &len);
		CHECK_ERR(multihash_decode((struct rd){ bytes, len }, &mh),
		    bad[i].error);
		free(bytes);
	}
}

static void
mangled_hashes_are_survived(void)
{
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bytes = check_unhex(vectors[i].hex, &len);
		CHECK(mangle(bytes, len, 1, decode, NULL) >= len);
		free(bytes);
	}
}

static void
what_does_not_fit_is_marked(void)
{
	struct multihash mh = { 0x11, { (const uint8_t *)"abcd", 4 } };
	uint8_t out[6];
	struct wr w;
	size_t cap;

	for (cap = 0; cap <= sizeof(out); cap++) {
		wr_init(&w, out, cap);
		multihash_put(&w, &mh);
		CHECK_EQ(w.full, cap < sizeof(out));
	}
}

TESTS("multihash",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "every prefix is short and takes nothing",
	    every_prefix_is_short_and_takes_nothing },
	{ "what stands behind is left", what_stands_behind_is_left },
	{ "wrong lengths and varints are refused",
	    wrong_lengths_and_varints_are_refused },
	{ "mangled hashes are survived", mangled_hashes_are_survived },
	{ "what does not fit is marked", what_does_not_fit_is_marked })
