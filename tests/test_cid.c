#include "multiformats/cid.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "multiformats/multicodec.h"
#include "multiformats/multihash.h"
#include "p2p/error.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX	128

/*
 * libp2p/specs peer-ids/peer-ids.md, and multiformats/cid README.md's empty
 * directory.
 */
static const struct {
	const char	*text;
	unsigned	 version;
	uint64_t	 codec;
	const char	*hash;
} vectors[] = {
	{ "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk", 0,
	    MULTICODEC_DAG_PB, "122068362c312e155f4f7290b67f5cd094a22a0a4f"
	    "bf20efd8c287934419350d36f7" },
	{ "bafzbeidigywdclqvl5hxfefwp5onbffcfife7pza57mmfb4tiqmtkdjw64", 1,
	    MULTICODEC_LIBP2P_KEY, "122068362c312e155f4f7290b67f5cd094a22a"
	    "0a4fbf20efd8c287934419350d36f7" },
	{ "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6",
	    1, MULTICODEC_LIBP2P_KEY, "0024080112201ed1e8fae2c4a144b8be8fd4"
	    "b47bf3d3b34b871c3cacf6010f0e42d474fce27e" },
};

static const struct {
	const char	*text;
	int		 e;
} bad[] = {
	{ "", P2P_ERR_FORMAT },
	{ "Qm", P2P_ERR_UNSUPPORTED },
	{ "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgD0", P2P_ERR_FORMAT },
	/* Version 0 has no multibase. */
	{ "zQmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
	    P2P_ERR_FORMAT },
	{ "f00", P2P_ERR_FORMAT },
	{ "f02551200", P2P_ERR_UNSUPPORTED },
	{ "f01", P2P_ERR_SHORT },
	{ "f0155", P2P_ERR_SHORT },
	{ "f01551221", P2P_ERR_SHORT },
	{ "f0155000100ff", P2P_ERR_FORMAT },
	{ "f8100550000", P2P_ERR_FORMAT },
};

static struct rd
rd_text(const char *text)
{
	return (struct rd){ (const uint8_t *)text, strlen(text) };
}

static void
the_vectors_go_both_ways(void)
{
	uint8_t buf[MAX], text[MAX], *want;
	struct wr store, w;
	struct cid cid;
	size_t i, len;

	for (i = 0; i < N(vectors); i++) {
		wr_init(&store, buf, sizeof(buf));
		CHECK_OK(cid_parse(rd_text(vectors[i].text), &store, &cid));
		CHECK_EQ(cid.version, vectors[i].version);
		CHECK_EQ(cid.codec, vectors[i].codec);
		want = check_unhex(vectors[i].hash, &len);
		CHECK_BYTES(cid.hash.p, cid.hash.len, want, len);
		free(want);
		wr_init(&w, text, sizeof(text));
		cid_print(&w, &cid, MULTIBASE_32);
		wr_u8(&w, 0);
		CHECK_STR((char *)text, vectors[i].text);
		wr_init(&w, text, sizeof(text));
		cid_put(&w, &cid);
		CHECK_BYTES(text, w.len, buf, store.len);
	}
}

static void
malformed_cids_are_refused(void)
{
	uint8_t buf[MAX];
	struct wr store;
	struct cid cid;
	size_t i;

	for (i = 0; i < N(bad); i++) {
		wr_init(&store, buf, sizeof(buf));
		CHECK_ERR(cid_parse(rd_text(bad[i].text), &store, &cid),
		    bad[i].e);
		CHECK_EQ(store.len, 0);
	}
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct cid cid;

	(void)arg;
	return cid_decode((struct rd){ bytes, len }, &cid);
}

static void
every_prefix_of_a_cid_is_refused(void)
{
	uint8_t buf[MAX];
	struct wr store;
	struct cid cid;
	size_t i;

	for (i = 0; i < N(vectors); i++) {
		wr_init(&store, buf, sizeof(buf));
		CHECK_OK(cid_parse(rd_text(vectors[i].text), &store, &cid));
		CHECK(mangle(buf, store.len, 1, decode, NULL) > store.len);
	}
}

static void
a_multihash_knows_its_length(void)
{
	static const struct {
		const char	*hex;
		int		 e;
	} t[] = {
		{ "0000", 0 },
		{ "0001ff", 0 },
		{ "d50103aabbcc", 0 },		/* md5, as certhash has it */
		{ "", P2P_ERR_SHORT },
		{ "00", P2P_ERR_SHORT },
		{ "0002ff", P2P_ERR_SHORT },
		{ "0001ffff", P2P_ERR_FORMAT },
		{ "1201ff", P2P_ERR_FORMAT },
		{ "1200", P2P_ERR_FORMAT },
		{ "00ffffffffffffffff7fff", P2P_ERR_SHORT },
		{ "800000", P2P_ERR_FORMAT },
	};
	uint8_t *in, buf[MAX];
	struct multihash mh;
	struct wr w;
	size_t i, len;

	for (i = 0; i < N(t); i++) {
		in = check_unhex(t[i].hex, &len);
		CHECK_ERR(multihash_decode((struct rd){ in, len }, &mh),
		    t[i].e);
		if (t[i].e == 0) {
			wr_init(&w, buf, sizeof(buf));
			multihash_put(&w, &mh);
			CHECK_BYTES(buf, w.len, in, len);
		}
		free(in);
	}
}

static void
codes_have_the_names_of_the_table(void)
{
	CHECK_STR(multicodec_name(0x00), "identity");
	CHECK_STR(multicodec_name(0x12), "sha2-256");
	CHECK_STR(multicodec_name(0x55), "raw");
	CHECK_STR(multicodec_name(0x70), "dag-pb");
	CHECK_STR(multicodec_name(0x72), "libp2p-key");
	CHECK(multicodec_name(0x71) == NULL);
	CHECK(multicodec_name(0x100000012) == NULL);
}

TESTS("cid",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "malformed CIDs are refused", malformed_cids_are_refused },
	{ "every prefix of a CID is refused",
	    every_prefix_of_a_cid_is_refused },
	{ "a multihash knows its length", a_multihash_knows_its_length },
	{ "codes have the names of the table",
	    codes_have_the_names_of_the_table })
