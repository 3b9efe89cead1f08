#include "p2p/peer_id.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* The keys of libp2p/specs peer-ids/peer-ids.md, "Test vectors". */
static const struct {
	const char	*hex, *text, *cid;
} vectors[] = {
	{ "0024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42"
	    "d474fce27e",
	    "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
	    "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6"
	},
	{ "002508021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fe"
	    "a0e630bfca99",
	    "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
	    "bafzaajiiaijcca3xo7uzjzcsyilaj6i54cj44qk7kqzpoao5rti2pjx6udtdbp6k"
	    "te" },
	{ "122068362c312e155f4f7290b67f5cd094a22a0a4fbf20efd8c287934419350d36"
	    "f7",
	    "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
	    "bafzbeidigywdclqvl5hxfefwp5onbffcfife7pza57mmfb4tiqmtkdjw64" },
	{ "1220b6c8a8c0a3105fc27afca4fb1173791f038e4343fd56b7c67b616dbc30a04c"
	    "cd",
	    "QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG",
	    "bafzbeifwzcumbiyql7bhv7fe7mixg6i7aohegq75k234m63bnw6dbicmzu" },
};

/* peer-ids.md, "String representation", and go-multiaddr's spellings. */
static const struct {
	const char	*text, *want;
} spellings[] = {
	{ "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
	    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N" },
	{ "BAFZBEIE5745RPV2M6TJYUUGYWY4D5EWRQGQQHFNF445HE3OMZPJBX5XQXE",
	    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N" },
	{ "bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm",
	    "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC" },
	{ "k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7", NULL },
	{ "k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs",
	    NULL },
	{ "bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u",
	    NULL },
	{ "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
	    "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA" },
};

static const struct {
	const char	*text;
	int		 e;
} bad[] = {
	{ "", P2P_ERR_FORMAT },
	{ "1", P2P_ERR_FORMAT },
	{ "11", P2P_ERR_FORMAT },
	{ "Qm", P2P_ERR_FORMAT },
	{ "b", P2P_ERR_FORMAT },
	{ "tcp", P2P_ERR_UNSUPPORTED },		/* no multibase that we know */
	{ "?unknownmultibase", P2P_ERR_UNSUPPORTED },
	{ "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3p0",
	    P2P_ERR_FORMAT },
	{ " 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
	    P2P_ERR_UNSUPPORTED },
	{ "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq ",
	    P2P_ERR_FORMAT },
	/* A sha2-256 of 33 bytes. */
	{ "QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY", P2P_ERR_FORMAT },
	/* CIDs of other codecs. */
	{ "bafkreifoybygix7fh3r3g5rqle3wcnhqldgdg4shzf4k3ulyw3gn7mabt4",
	    P2P_ERR_UNSUPPORTED },
	{ "k2jmtxwoe2phm1hbqp0e7nufqf6umvuu2e9qd7ana7h411a0haqj6i2z",
	    P2P_ERR_UNSUPPORTED },
	{ "k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl-",
	    P2P_ERR_FORMAT },
	/* A version 0 in a multibase. */
	{ "zQmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
	    P2P_ERR_FORMAT },
};

static void
the_vectors_go_both_ways(void)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id, other;
	uint8_t *want;
	size_t i, len;

	for (i = 0; i < N(vectors); i++) {
		want = check_unhex(vectors[i].hex, &len);
		CHECK_OK(p2p_peer_id_decode(want, len, &id));
		CHECK_BYTES(id.bytes, id.len, want, len);
		CHECK_STR(p2p_peer_id_text(&id, text), vectors[i].text);
		CHECK_STR(p2p_peer_id_cid(&id, text), vectors[i].cid);
		CHECK_OK(p2p_peer_id_parse(vectors[i].text, &other));
		CHECK(p2p_peer_id_equal(&id, &other));
		CHECK_OK(p2p_peer_id_parse(vectors[i].cid, &other));
		CHECK(p2p_peer_id_equal(&id, &other));
		CHECK_BYTES(&id, sizeof(id), &other, sizeof(other));
		free(want);
	}
}

static void
other_spellings_are_read_and_base58_is_printed(void)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id, other;
	size_t i;

	for (i = 0; i < N(spellings); i++) {
		CHECK_OK(p2p_peer_id_parse(spellings[i].text, &id));
		p2p_peer_id_text(&id, text);
		if (spellings[i].want != NULL)
			CHECK_STR(text, spellings[i].want);
		CHECK_OK(p2p_peer_id_parse(text, &other));
		CHECK(p2p_peer_id_equal(&id, &other));
	}
}

static void
malformed_text_is_refused_and_changes_nothing(void)
{
	struct p2p_peer_id id, before;
	size_t i;

	memset(&before, 0x5a, sizeof(before));
	for (i = 0; i < N(bad); i++) {
		id = before;
		CHECK_ERR(p2p_peer_id_parse(bad[i].text, &id), bad[i].e);
		CHECK_BYTES(&id, sizeof(id), &before, sizeof(before));
	}
}

static void
long_text_is_refused(void)
{
	static const char firsts[] = "1Qzkbfmu";
	struct p2p_peer_id id;
	char *text;
	size_t i;

	text = malloc(1 << 20);
	for (i = 0; firsts[i] != '\0'; i++) {
		memset(text, '1', (1 << 20) - 1);
		text[(1 << 20) - 1] = '\0';
		text[0] = firsts[i];
		text[1] = firsts[i] == 'Q' ? 'm' : '2';
		CHECK_ERR(p2p_peer_id_parse(text, &id), P2P_ERR_FORMAT);
	}
	free(text);
}

static void
an_identity_of_42_bytes_is_the_largest(void)
{
	uint8_t bytes[2 + 43] = { 0 };
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id, other;

	memset(bytes + 2, 0xff, 43);
	bytes[1] = 42;
	CHECK_OK(p2p_peer_id_decode(bytes, 44, &id));
	CHECK_OK(p2p_peer_id_parse(p2p_peer_id_text(&id, text), &other));
	CHECK(p2p_peer_id_equal(&id, &other));
	CHECK_OK(p2p_peer_id_parse(p2p_peer_id_cid(&id, text), &other));
	CHECK(p2p_peer_id_equal(&id, &other));
	bytes[1] = 43;
	CHECK_ERR(p2p_peer_id_decode(bytes, 45, &id), P2P_ERR_FORMAT);
	bytes[1] = 0;
	CHECK_ERR(p2p_peer_id_decode(bytes, 2, &id), P2P_ERR_FORMAT);
}

static void
another_hash_is_unsupported(void)
{
	uint8_t bytes[2 + 32] = { 0x16, 32 };	/* sha3-256 */
	struct p2p_peer_id id;

	CHECK_ERR(p2p_peer_id_decode(bytes, sizeof(bytes), &id),
	    P2P_ERR_UNSUPPORTED);
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id, other;
	int e;

	(void)arg;
	if ((e = p2p_peer_id_decode(bytes, len, &id)) != 0)
		return e;
	CHECK_OK(p2p_peer_id_parse(p2p_peer_id_text(&id, text), &other));
	CHECK(p2p_peer_id_equal(&id, &other));
	CHECK_OK(p2p_peer_id_parse(p2p_peer_id_cid(&id, text), &other));
	CHECK(p2p_peer_id_equal(&id, &other));
	return 0;
}

static void
every_prefix_is_refused_and_flips_stay_readable(void)
{
	uint8_t *in;
	size_t i, len;

	for (i = 0; i < N(vectors); i++) {
		in = check_unhex(vectors[i].hex, &len);
		CHECK(mangle(in, len, 1, decode, NULL) >= len + 8);
		free(in);
	}
}

TESTS("peer id",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "other spellings are read and base58 is printed",
	    other_spellings_are_read_and_base58_is_printed },
	{ "malformed text is refused and changes nothing",
	    malformed_text_is_refused_and_changes_nothing },
	{ "long text is refused", long_text_is_refused },
	{ "an identity of 42 bytes is the largest",
	    an_identity_of_42_bytes_is_the_largest },
	{ "another hash is unsupported", another_hash_is_unsupported },
	{ "every prefix is refused and flips stay readable",
	    every_prefix_is_refused_and_flips_stay_readable })
