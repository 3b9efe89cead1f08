#include "p2p/multiaddr.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

#define QM	"QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
#define QMHEX	"a503221220d52ebb89d85b02a284948203a62ff28389c57c9f42beec4ec20db7" \
		"6a68911c0b"

/* multiformats/go-multiaddr multiaddr_test.go and its kin. */
static const struct {
	const char	*text, *hex;
} vectors[] = {
	{ "/ip4/127.0.0.1/udp/1234", "047f000001910204d2" },
	{ "/ip4/127.0.0.1/tcp/4321", "047f0000010610e1" },
	{ "/ip4/127.0.0.1/udp/1234/ip4/127.0.0.1/tcp/4321",
	    "047f000001910204d2047f0000010610e1" },
	{ "/ip4/192.0.2.42/tcp/443", "04c000022a0601bb" },
	{ "/ip6/::1", "2900000000000000000000000000000001" },
	{ "/ip6zone/eth0/ip6/::1",
	    "2a04657468302900000000000000000000000000000001" },
	{ "/onion/aaimaq4ygg2iegci:80", "bc030010c0439831b48218480050" },
	{ "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
	    "bd03adadec040be047f9658668b11a504f3155001f231a37f54c4476c07fb4cc1"
	    "39ed7e30304d2" },
	{ "/p2p/" QM, QMHEX },
	{ "/tcp/1234/tls/http", "0604d2c003e003" },
	{ "/tcp/1234/http/http-path/api%2Fv0%2Flogin",
	    "0604d2e003e1030c6170692f76302f6c6f67696e" },
	{ "/ip4/127.0.0.1/tcp/9090/p2p-circuit/p2p/" QM,
	    "047f000001062382a202" QMHEX },
	{ "/ip6/2001:8a0:7ac5:4201:3ac9:86ff:fe31:7095/tcp/8000/ws/p2p/" QM,
	    "29200108a07ac542013ac986fffe317095061f40dd03" QMHEX },
};

static const char *const round_trips[] = {
	"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
	    "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
	"/ip4/1.2.3.4/tcp/80/unix/a/b/c/d/e/f",
	"/dns4/example.com/tcp/443/wss", "/memory/18446744073709551615",
	"/ip6/::ffff:1.2.3.4/tcp/1",
	"/dnsaddr/bootstrap.libp2p.io/p2p/" QM,
	"/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/"
	    "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
	"/ip4/1.2.3.4/tcp/1/tls/sni/example.com/ws",
};

/* Other spellings, and what they print as. */
static const struct {
	const char	*text, *canonical;
} spellings[] = {
	{ "/ipfs/" QM, "/p2p/" QM },
	{ "/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm",
	    "/p2p/" QM },
	{ "/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7",
	    NULL },
	{ "/p2p/k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs",
	    NULL },
	{ "/p2p/bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u",
	    NULL },
	{ "/ip4/1.2.3.4/tcp/80/", "/ip4/1.2.3.4/tcp/80" },
	{ "/ip4/1.2.3.4/tcp/0080", "/ip4/1.2.3.4/tcp/80" },
	{ "/ip6/0:0:0:0:0:0:0:1", "/ip6/::1" },
};

static const char *const bad[] = {
	"", "/", "ip4/1.2.3.4", "/ip4", "/ip4/::1", "/ip4/fdpsofodsajfdoisa",
	"/ip4/1.2.3", "/ip4/256.0.0.1", "/ip4/+1.2.3.4", "/ip6", "/ip6zone",
	"/ip6zone/", "/ip6zone//ip6/fe80::1", "/ip4/::/ipcidr/256",
	"/udp/1234/sctp", "/udp/1234/udt/1234", "/tcp/65536", "/udp/65536",
	"/quic-v1/65536", "/ip4/127.0.0.1/tcp", "/ip4/1.2.3.4/tcp/-1",
	"/ip4/127.0.0.1/p2p/tcp", "/memory/92233720368547758081", "/unix",
	"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:0",
	"/onion/aaimaq4ygg2iegci:0", "/onion/aaimaq4ygg2iegci",
	"/onion/9imaq4ygg2iegci7:80", "/onion/aaimaq4ygg2iegci:666666",
	"/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY",
	"/p2p/bafkreifoybygix7fh3r3g5rqle3wcnhqldgdg4shzf4k3ulyw3gn7mabt4",
	"/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE", "/certhash",
	"/ip4/1.2.3.4//tcp/80", "/nonsense", "/ip4/1.2.3.4/nonsense/1",
	"/http-path/%zz", "/http-path/%2",
};

static void
vectors_go_both_ways(void)
{
	struct p2p_multiaddr *a, *b;
	const uint8_t *got;
	uint8_t *want;
	size_t i, len, gotlen;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		want = check_unhex(vectors[i].hex, &len);
		CHECK_OK(p2p_multiaddr_parse(vectors[i].text, &a));
		got = p2p_multiaddr_bytes(a, &gotlen);
		CHECK_BYTES(got, gotlen, want, len);
		CHECK_OK(p2p_multiaddr_decode(want, len, &b));
		CHECK_STR(p2p_multiaddr_text(b), vectors[i].text);
		CHECK(p2p_multiaddr_equal(a, b));
		p2p_multiaddr_free(a);
		p2p_multiaddr_free(b);
		free(want);
	}
}

static void
canonical_text_is_kept(void)
{
	struct p2p_multiaddr *a;
	size_t i;

	for (i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
		CHECK_OK(p2p_multiaddr_parse(round_trips[i], &a));
		CHECK_STR(p2p_multiaddr_text(a), round_trips[i]);
		p2p_multiaddr_free(a);
	}
}

static void
other_spellings_become_canonical(void)
{
	struct p2p_multiaddr *a;
	size_t i;

	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		CHECK_OK(p2p_multiaddr_parse(spellings[i].text, &a));
		if (spellings[i].canonical != NULL)
			CHECK_STR(p2p_multiaddr_text(a),
			    spellings[i].canonical);
		p2p_multiaddr_free(a);
	}
}

static void
what_is_no_address_is_refused(void)
{
	struct p2p_multiaddr *a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(p2p_multiaddr_parse(bad[i], &a), P2P_ERR_FORMAT);
}

static int
decode_only(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_multiaddr *a;
	int e;

	(void)arg;
	if ((e = p2p_multiaddr_decode(bytes, len, &a)) == 0)
		p2p_multiaddr_free(a);
	return e;
}

static void
cut_and_flipped_bytes_never_crash(void)
{
	uint8_t *msg;
	size_t i, len;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		msg = check_unhex(vectors[i].hex, &len);
		CHECK(mangle(msg, len, 0, decode_only, NULL) > 0);
		free(msg);
	}
	msg = check_unhex("a503221221c05877cbae039d70a5e600ea02c6f9f2942439285c"
	    "9e344e26f8d280c850fad6", &len);
	CHECK_ERR(decode_only(msg, len, NULL), P2P_ERR_FORMAT);
	free(msg);
}

static void
the_peer_is_the_last_component_or_nobody(void)
{
	struct p2p_multiaddr *a, *b, *c;
	struct p2p_peer_id id, other;

	CHECK_OK(p2p_multiaddr_parse("/ip4/1.2.3.4/tcp/1", &a));
	CHECK_ERR(p2p_multiaddr_peer(a, &id), P2P_ERR_NO_PEER);
	CHECK_OK(p2p_peer_id_parse(QM, &other));
	CHECK_OK(p2p_multiaddr_with_peer(a, &other, &b));
	CHECK_OK(p2p_multiaddr_peer(b, &id));
	CHECK(p2p_peer_id_equal(&id, &other));
	CHECK_OK(p2p_multiaddr_with_peer(b, &other, &c));
	CHECK(p2p_multiaddr_equal(b, c));
	p2p_multiaddr_free(c);
	CHECK_OK(p2p_multiaddr_without_peer(b, &c));
	CHECK(p2p_multiaddr_equal(a, c));
	p2p_multiaddr_free(c);
	CHECK_OK(p2p_multiaddr_decapsulate(b, a, &c) == P2P_ERR_FORMAT ? 0 : 1);
	p2p_multiaddr_free(a);
	p2p_multiaddr_free(b);
	CHECK_OK(p2p_multiaddr_parse("/p2p/" QM "/p2p-circuit", &a));
	CHECK_ERR(p2p_multiaddr_peer(a, &id), P2P_ERR_NO_PEER);
	p2p_multiaddr_free(a);
}

static void
decapsulation_takes_the_last_occurrence(void)
{
	struct p2p_multiaddr *a, *tail, *c, *d;

	CHECK_OK(p2p_multiaddr_parse(
	    "/ip4/1.2.3.4/tcp/80/p2p-circuit/tcp/80/ws", &a));
	CHECK_OK(p2p_multiaddr_parse("/tcp/80", &tail));
	CHECK_OK(p2p_multiaddr_decapsulate(a, tail, &c));
	CHECK_STR(p2p_multiaddr_text(c), "/ip4/1.2.3.4/tcp/80/p2p-circuit");
	CHECK_OK(p2p_multiaddr_encapsulate(c, tail, &d));
	CHECK_STR(p2p_multiaddr_text(d), "/ip4/1.2.3.4/tcp/80/p2p-circuit/tcp/80");
	p2p_multiaddr_free(d);
	CHECK_OK(p2p_multiaddr_parse("/udp/1", &d));
	p2p_multiaddr_free(tail);
	CHECK_ERR(p2p_multiaddr_decapsulate(a, d, &tail), P2P_ERR_NOT_FOUND);
	p2p_multiaddr_free(a);
	p2p_multiaddr_free(c);
	p2p_multiaddr_free(d);
}

TESTS("multiaddr",
	{ "vectors go both ways", vectors_go_both_ways },
	{ "canonical text is kept", canonical_text_is_kept },
	{ "other spellings become canonical",
	    other_spellings_become_canonical },
	{ "what is no address is refused", what_is_no_address_is_refused },
	{ "cut and flipped bytes never crash",
	    cut_and_flipped_bytes_never_crash },
	{ "the peer is the last component or nobody",
	    the_peer_is_the_last_component_or_nobody },
	{ "decapsulation takes the last occurrence",
	    decapsulation_takes_the_last_occurrence })
