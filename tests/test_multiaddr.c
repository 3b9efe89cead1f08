#include "p2p/multiaddr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

#define SUP	"QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
#define SUP_HEX	"a503221220d52ebb89d85b02a284948203a62ff28389c57c9f42beec4e" \
		"c20db76a68911c0b"
#define ED	"12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV"
#define O3	"vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd"
#define G32	"566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuq"

/* A destination of I2P, 516 characters, from go-multiaddr. */
#define G64 \
	"jT~IyXaoauTni6N4517EG8mrFUKpy0IlgZh-EY9csMAk82Odatmzr~YTZy8Hv7u~wv" \
	"kg75EFNOyqb~nAPg-khyp2TS~ObUz8WlqYAM2VlEzJ7wJB91P-cUlKF18zSzVoJFms" \
	"rcQHZCirSbWoOknS6iNmsGRh5KVZsBEfp1Dg3gwTipTRIx7Vl5Vy~1OSKQVjYiGZS9" \
	"q8RL0MF~7xFiKxZDLbPxk0AK9TzGGqm~wMTI2HS0Gm4Ycy8LYPVmLvGonIBYndg2bJ" \
	"C7WLuF6tVjVquiokSVDKFwq70BCUU5AU-EvdOD5KEOAM7mPfw-gJUG4tm1TtvcobrO" \
	"bqoRnmhXPTBTN5H7qDD12AvlwFGnfAlBXjuP4xOUAISL5SRLiulrsMSiT4GcugSI80" \
	"mF6sdB0zWRgL1yyvoVWeTBn1TqjO27alr95DGTluuSqrNAxgpQzCKEWAyzrQkBfo2a" \
	"vGAmmz2NaHaAvYbOg0QSJz1PLjv2jdPW~ofiQmrGWM1cd~1cCqAAAA"

/* multiformats/go-multiaddr multiaddr_test.go, TestStringToBytes and others. */
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
	{ "/onion3/" O3 ":1234", "bd03adadec040be047f9658668b11a504f3155001f2"
	    "31a37f54c4476c07fb4cc139ed7e30304d2" },
	{ "/garlic32/" G32, "bf0320efbcd45d0c5dc79781ac6f20ea5055a036afb48d45"
	    "a52e7d68ec7d4338919e69" },
	{ "/p2p/" SUP, SUP_HEX },
	{ "/tcp/1234/tls/http", "0604d2c003e003" },
	{ "/tcp/1234/http/http-path/api%2Fv0%2Flogin",
	    "0604d2e003e1030c6170692f76302f6c6f67696e" },
	{ "/ip4/127.0.0.1/tcp/9090/p2p-circuit/p2p/" SUP,
	    "047f000001062382a202" SUP_HEX },
	{ "/ip6/2001:8a0:7ac5:4201:3ac9:86ff:fe31:7095/tcp/8000/ws/p2p/" SUP,
	    "29200108a07ac542013ac986fffe317095061f40dd03" SUP_HEX },
	{ "/unix/a/b", "9003042f612f62" },
	{ "/memory/18446744073709551615", "8906ffffffffffffffff" },
	{ "/ip4/192.0.2.0/ipcidr/24", "04c00002002b18" },
	{ "/x-parity-ws/%2F", "a225012f" },
	{ "/plaintextv2", "e1d8c103" },
};

/* TestConstructSucceeds, TestRoundTrip and rust-multiaddr tests: as printed. */
static const char *const canonical[] = {
	"/ip4/1.2.3.4", "/ip4/0.0.0.0", "/ip4/255.255.255.255",
	"/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21",
	"/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic",
	"/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic-v1",
	"/ip6/2001:db8::/ipcidr/32", "/ip6/::",
	"/ip6/::ffff:127.0.0.1/tcp/111",
	"/ip6/::7f00:1", "/ip6/1::", "/ip6/1::8", "/ip6/1:0:2::8",
	"/ip6/1:2:3:4:5:6:7:0", "/ip6/0:2:3:4:5:6:7:8",
	"/ip6/2001:db8::1:0:0:1", "/ip6/2001:db8:0:1:1:1:1:1",
	"/ip6zone/x/ip6/fe80::1", "/ip6zone/x%y/ip6/::",
	"/ip6/fe80::1/ip6zone/x", "/ip6zone/x/ip6/fe80::1/udp/1234/quic-v1",
	"/onion/timaq4ygg2iegci7:80/http", "/onion3/" O3 ":80/http",
	"/garlic64/" G64, "/garlic64/" G64 "/tcp/8080",
	"/garlic32/" G32 "zwas", "/garlic32/" G32 "/udp/8080",
	"/udp/0", "/tcp/0", "/sctp/0", "/dccp/1", "/udp/65535",
	"/udp/1234/sctp/1234", "/udp/1234/udt", "/udp/1234/utp",
	"/tcp/1234/https", "/p2p/" SUP "/tcp/1234",
	"/p2p/" ED, "/ip4/127.0.0.1/tcp/0/p2p/" ED "/http-path/foo",
	"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport",
	"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
	    "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
	"/ip4/127.0.0.1/udp/1234/webrtc-direct/certhash/"
	    "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g/p2p/" ED,
	"/unix/stdio", "/unix/a/b/c/d/e", "/ip4/1.2.3.4/tcp/80/unix/a/b/c",
	"/p2p/" SUP "/tcp/1234/unix/stdio",
	"/ip4/127.0.0.1/tcp/9090/http/p2p-webrtc-direct",
	"/p2p-webrtc-star", "/p2p-stardust", "/p2p-websocket-star",
	"/ip4/127.0.0.1/tcp/127/ws", "/ip4/127.0.0.1/tcp/127/tls/ws",
	"/ip4/127.0.0.1/tcp/127/noise", "/ip4/127.0.0.1/tcp/127/wss",
	"/ip4/127.0.0.1/tcp/127/webrtc",
	"/http-path/tmp%2Fbar%2Fbaz", "/http-path/foo",
	"/http-path/%00%25a+b=c:@$&~", "/x-parity-wss/a%20b",
	"/ip4/127.0.0.1/tcp/443/tls/sni/example.com/http/http-path/foo",
	"/dns/example.com/tcp/443/tls/ws", "/dns4/b\xc3\xbc" "cher.example",
	"/dns6/example.com/udp/1", "/dnsaddr/bootstrap.libp2p.io/p2p/" SUP,
	"/memory/4", "/memory/0", "/plaintextv2/tls",
	"/ip4/192.0.2.1/tcp/1/p2p/" SUP "/p2p-circuit/p2p/" ED,
};

/* Read in more than one spelling; printed in one. */
static const struct {
	const char	*text, *want;
} spellings[] = {
	{ "/ip4/127.0.0.1/tcp/1234/", "/ip4/127.0.0.1/tcp/1234" },
	{ "/ip4/127.0.0.1/tcp/1234////", "/ip4/127.0.0.1/tcp/1234" },
	{ "/unix/a/b/", "/unix/a/b" },
	{ "/tcp/00080", "/tcp/80" },
	{ "/ip6/2001:DB8:0:0:0:0:0:1", "/ip6/2001:db8::1" },
	{ "/ip6/::1.2.3.4", "/ip6/::102:304" },
	{ "/onion/AAIMAQ4YGG2IEGCI:080", "/onion/aaimaq4ygg2iegci:80" },
	{ "/ipfs/" SUP, "/p2p/" SUP },
	{ "/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm",
	    "/p2p/" SUP },
	{ "/http-path/%74mp%2fbar", "/http-path/tmp%2Fbar" },
	/* In certhash any multibase. */
	{ "/certhash/b2uaraocy6yrdblb4sfptaddgimjmmpy/certhash/"
	    "zQmbWTwYGcmdyK9CYfNBcfs9nhZs17a6FQ4Y8oea278xx41",
	    "/certhash/u1QEQOFj2IjCsPJFfMAxmQxLGPw/certhash/"
	    "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g" },
	/* Two bits left over, as it stands in go's list. */
	{ "/garlic32/" G32 "zwassw", "/garlic32/" G32 "zwassu" },
};

/* Read, but with no canonical text that this table would know. */
static const char *const good[] = {
	"/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7",
	"/p2p/k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs",
	("/p2p/bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d"
	    "5u"),
};

/* TestConstructFails, TestInvalidP2PAddrString, and what we add. */
static const char *const bad[] = {
	"", "/", "//", "ip4/1.2.3.4", " /ip4/1.2.3.4", "/ip4", "/ip4/",
	"/ip4/::1", "/ip4/fdpsofodsajfdoisa", "/ip4/::/ipcidr/256",
	"/ip6/::/ipcidr/1026", "/ip6", "/ip6zone", "/ip6zone/",
	"/ip6zone//ip6/fe80::1", "/udp", "/tcp", "/sctp", "/udp/65536",
	"/tcp/65536", "/quic/65536", "/quic-v1/65536",
	"/onion/9imaq4ygg2iegci7:80", "/onion/aaimaq4ygg2iegci7:80",
	"/onion/timaq4ygg2iegci7:0", "/onion/timaq4ygg2iegci7:-1",
	"/onion/timaq4ygg2iegci7", "/onion/timaq4ygg2iegci7:",
	"/onion/timaq4ygg2iegci@:666", "/onion/timaq4ygg2iegci7:65536",
	"/onion3/9ww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:80",
	"/onion3/" O3 "7:80", "/onion3/" O3 ":0", "/onion3/" O3 ":-1",
	"/onion3/" O3,
	"/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyy@:66",
	"/garlic64/" G64 "7:80", "/garlic64/" G64 ":0", "/garlic64/" G64 ":-1",
	"/garlic64/" G64 "@:666", "/garlic64/" G64 "A", "/garlic64/AAAA",
	"/garlic64/" G64 "A===", "/garlic64/" G64 "====", "/garlic64/=",
	"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu",
	"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu77",
	"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu:80",
	"/garlic32/" G32 ":-1", "/garlic32/" G32 "zw",
	"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu@",
	"/udp/1234/sctp", "/udp/1234/udt/1234", "/udp/1234/utp/1234",
	"/ip4/127.0.0.1/udp/jfodsajfidosajfoidsa", "/ip4/127.0.0.1/udp",
	"/ip4/127.0.0.1/tcp/jfodsajfidosajfoidsa", "/ip4/127.0.0.1/tcp",
	"/ip4/127.0.0.1/quic/1234", "/ip4/127.0.0.1/quic-v1/1234",
	"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash",
	"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
	    "b2uaraocy6yrdblb4sfptaddgimjmmp",
	"/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8",
	"/certhash/EiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
	"/ip4/127.0.0.1/ipfs", "/ip4/127.0.0.1/ipfs/tcp",
	"/ip4/127.0.0.1/p2p", "/ip4/127.0.0.1/p2p/tcp", "/unix", "/unix/",
	"/ip4/1.2.3.4/tcp/80/unix", "/ip4/1.2.3.4/tcp/-1",
	"/ip4/127.0.0.1/tcp/9090/http/p2p-webcrt-direct",
	"/memory/92233720368547758081", "/memory/18446744073709551616",
	"/memory/", "/memory/0x10",
	"/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY",
	"/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl-",
	"/p2p/?unknownmultibase",
	"/p2p/k2jmtxwoe2phm1hbqp0e7nufqf6umvuu2e9qd7ana7h411a0haqj6i2z",
	/* ours */
	"/ip4/1.2.3", "/ip4/1.2.3.4.5", "/ip4/256.1.1.1", "/ip4/+1.2.3.4",
	"/ip4/01.2.3.4", "/ip4/0x1.2.3.4", "/ip4/ 1.2.3.4", "/ip4/1.2.3.4 ",
	"/ip4/::ffff:1.2.3.4", "/ip6/fe80::1%eth0", "/ip6/1::2::3", "/ip6/:",
	"/ip4/1.2.3.4//tcp/1", "//ip4/1.2.3.4", "/ip4//1.2.3.4",
	"/tcp/+80", "/tcp/ 80", "/tcp/80x", "/tcp/18446744073709551696",
	"/TCP/80", "/tcp", "/tc", "/tcpx/1", "/unknown", "/dns//tcp/1",
	"/dns/a\x1b[2Jb", "/dns/a\x7f", "/dns/a\xff", "/dns/a\xc2\x9b",
	"/dns/a\xe2\x80\xae" "b", "/sni/", "/unix/a//b", "/unix/a\nb",
	"/http-path", "/http-path/", "/http-path/%", "/http-path/%2",
	"/http-path/%zz", "/http-path/a/b", "/http-path/%2/f",
	"/x-parity-ws", "/p2p-circuit/x", "/ip4/1.2.3.4/tcp/1/p2p/11",
};

/* Binary forms that are no address. */
static const char *const bad_hex[] = {
	"",
	("a503221221c05877cbae039d70a5e600ea02c6f9f2942439285c9e344e26f8d280c8"
	    "50fad6"),				/* TestInvalidP2PAddrBytes */
	"00", "ff", "05", "8000", "ffffffffffffffffff01",
	"840000",				/* a code that is not minimal */
	"8480808010",				/* code 4, mod 2^32 */
	"04", "047f0000", "06", "0601", "0604d2ff",
	"35", "3500", "3501", "350261", "35012f", "350100", "35010a",
	"350180", "35ffffffffffffffff7f61", "35808000",
	"9003", "900300", "9003012f", "900302612f", "9003032f612f",
	"9003042f2f6161",
	"9003022f610601bb",			/* something behind a path */
	"a50300", "a503020000", "a503031201aa", "a50302", "a5032216200000",
	"d20300", "d2030100", "d203021201", "d203030000ff",
	"bc03000000000000000000000000", "bf030100", "be030100",
	"e10300", "a22500", "890600000000000000",
};

static int
parse(const char *text, struct p2p_multiaddr **out)
{
	char *copy = strdup(text);	/* its exact size, for the sanitizer */
	int e = p2p_multiaddr_parse(copy, out);

	free(copy);
	return e;
}

static struct p2p_multiaddr *
addr(const char *text)
{
	struct p2p_multiaddr *ma = NULL;

	CHECK_OK(parse(text, &ma));
	CHECK_FATAL(ma != NULL);
	return ma;
}

/* text prints as want, and decodes from its own bytes to the same. */
static void
check_text_is(const char *text, const char *want)
{
	struct p2p_multiaddr *ma = NULL, *again = NULL;
	const uint8_t *bytes;
	size_t len;

	CHECK_OK(parse(text, &ma));
	if (ma == NULL) {
		fprintf(stderr, "refused: %s\n", text);
		return;
	}
	if (want != NULL)
		CHECK_STR(p2p_multiaddr_text(ma), want);
	bytes = p2p_multiaddr_bytes(ma, &len);
	CHECK_OK(p2p_multiaddr_decode(bytes, len, &again));
	CHECK(p2p_multiaddr_equal(ma, again));
	CHECK_STR(p2p_multiaddr_text(again), p2p_multiaddr_text(ma));
	p2p_multiaddr_free(again);
	again = NULL;
	CHECK_OK(parse(p2p_multiaddr_text(ma), &again));
	CHECK(p2p_multiaddr_equal(ma, again));
	p2p_multiaddr_free(again);
	p2p_multiaddr_free(ma);
}

static void
the_vectors_go_both_ways(void)
{
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	size_t i, len, wantlen;
	uint8_t *want;

	for (i = 0; i < N(vectors); i++) {
		ma = addr(vectors[i].text);
		want = check_unhex(vectors[i].hex, &wantlen);
		bytes = p2p_multiaddr_bytes(ma, &len);
		CHECK_BYTES(bytes, len, want, wantlen);
		p2p_multiaddr_free(ma);
		ma = NULL;
		CHECK_OK(p2p_multiaddr_decode(want, wantlen, &ma));
		CHECK_STR(p2p_multiaddr_text(ma), vectors[i].text);
		p2p_multiaddr_free(ma);
		free(want);
	}
}

static void
a_canonical_text_comes_back_as_it_was(void)
{
	size_t i;

	for (i = 0; i < N(canonical); i++)
		check_text_is(canonical[i], canonical[i]);
}

static void
other_spellings_are_read_and_one_is_printed(void)
{
	size_t i;

	for (i = 0; i < N(spellings); i++)
		check_text_is(spellings[i].text, spellings[i].want);
	for (i = 0; i < N(good); i++)
		check_text_is(good[i], NULL);
}

static void
malformed_text_is_refused(void)
{
	struct p2p_multiaddr *ma = NULL;
	size_t i;

	for (i = 0; i < N(bad); i++) {
		CHECK_ERR(parse(bad[i], &ma), P2P_ERR_FORMAT);
		if (ma != NULL)
			fprintf(stderr, "accepted: %s\n", bad[i]);
		p2p_multiaddr_free(ma);
		ma = NULL;
	}
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_multiaddr *ma = NULL, *again = NULL;
	int e;

	(void)arg;
	if ((e = p2p_multiaddr_decode(bytes, len, &ma)) != 0) {
		CHECK(ma == NULL);
		return e;
	}
	CHECK_OK(parse(p2p_multiaddr_text(ma), &again));
	CHECK(p2p_multiaddr_equal(ma, again));
	p2p_multiaddr_free(again);
	p2p_multiaddr_free(ma);
	return 0;
}

static void
malformed_bytes_are_refused(void)
{
	size_t i, len;
	uint8_t *in;

	for (i = 0; i < N(bad_hex); i++) {
		in = check_unhex(bad_hex[i], &len);
		CHECK_ERR(decode(in, len, NULL), P2P_ERR_FORMAT);
		free(in);
	}
}

static void
mangled_bytes_are_refused_or_print_and_parse_again(void)
{
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < N(canonical); i++) {
		ma = addr(canonical[i]);
		bytes = p2p_multiaddr_bytes(ma, &len);
		(void)mangle(bytes, len, 0, decode, NULL);
		p2p_multiaddr_free(ma);
	}
	for (i = 4; i < 10; i++) {	/* of one component: strict */
		ma = addr(vectors[i].text);
		bytes = p2p_multiaddr_bytes(ma, &len);
		CHECK(mangle(bytes, len, i != 5, decode, NULL) > 0);
		p2p_multiaddr_free(ma);
	}
}

static void
the_size_is_bounded_both_ways(void)
{
	static uint8_t bytes[P2P_MULTIADDR_MAX + 2];
	static char text[64 * 1024];
	struct p2p_multiaddr *ma = NULL;
	size_t i;

	/* The protocol whose text is longest for its bytes. */
	for (i = 0; i < sizeof(bytes); i += 2) {
		bytes[i] = 0xdf;
		bytes[i + 1] = 0x03;
	}
	CHECK_OK(p2p_multiaddr_decode(bytes, P2P_MULTIADDR_MAX, &ma));
	CHECK_EQ(strlen(p2p_multiaddr_text(ma)),
	    P2P_MULTIADDR_MAX / 2 * strlen("/p2p-websocket-star"));
	check_text_is(p2p_multiaddr_text(ma), p2p_multiaddr_text(ma));
	p2p_multiaddr_free(ma);
	ma = NULL;
	CHECK_ERR(p2p_multiaddr_decode(bytes, sizeof(bytes), &ma),
	    P2P_ERR_TOO_LARGE);
	for (i = 0; i + 4 < sizeof(text); i += 4)
		memcpy(text + i, "/tls", 4);
	CHECK_ERR(parse(text, &ma), P2P_ERR_TOO_LARGE);
	text[4 * 600] = '\0';
	CHECK_ERR(parse(text, &ma), P2P_ERR_TOO_LARGE);
	text[4 * 512] = '\0';
	CHECK_OK(parse(text, &ma));
	p2p_multiaddr_free(ma);
	ma = NULL;
	memset(text, 'a', 2000);
	memcpy(text, "/dns/", 5);
	text[2000] = '\0';
	CHECK_ERR(parse(text, &ma), P2P_ERR_TOO_LARGE);
}

static void
parts_come_in_order_and_with_their_text(void)
{
	struct p2p_multiaddr *ma = addr("/ip4/192.0.2.1/tcp/4001/ws/p2p/" SUP
	    "/unix/a/b");
	static const struct {
		uint32_t	 code;
		const char	*name, *text;
		size_t		 len;
	} want[] = {
		{ 4, "ip4", "192.0.2.1", 4 }, { 6, "tcp", "4001", 2 },
		{ 477, "ws", "", 0 }, { 421, "p2p", SUP, 34 },
		{ 400, "unix", "/a/b", 4 },
	};
	struct p2p_multiaddr_part part;
	char text[64];
	size_t i;

	for (i = 0; i < N(want); i++) {
		CHECK(p2p_multiaddr_part(ma, i, &part));
		CHECK_EQ(part.code, want[i].code);
		CHECK_STR(part.name, want[i].name);
		CHECK_EQ(part.len, want[i].len);
		CHECK_OK(p2p_multiaddr_part_text(&part, text, sizeof(text)));
		CHECK_STR(text, want[i].text);
		CHECK_OK(p2p_multiaddr_part_text(&part, text,
		    strlen(want[i].text) + 1));
		CHECK_ERR(p2p_multiaddr_part_text(&part, text,
		    strlen(want[i].text)), P2P_ERR_TOO_LARGE);
	}
	CHECK(!p2p_multiaddr_part(ma, N(want), &part));
	CHECK(!p2p_multiaddr_part(ma, SIZE_MAX, &part));
	p2p_multiaddr_free(ma);
}

/* go-multiaddr TestEncapsulate, TestDecapsulate. */
static void
decapsulate_takes_from_the_last_occurrence(void)
{
	static const struct {
		const char	*ma, *tail, *want;
		int		 e;
	} t[] = {
		{ "/ip4/1.2.3.4/tcp/1234", "/ip4/1.2.3.4", NULL,
		    P2P_ERR_FORMAT },
		{ "/ip4/1.2.3.4", "/ip4/1.2.3.4/tcp/1234", NULL,
		    P2P_ERR_NOT_FOUND },
		{ "/ip4/1.2.3.5/tcp/1234", "/ip4/5.3.2.1", NULL,
		    P2P_ERR_NOT_FOUND },
		{ "/ip4/1.2.3.5/udp/1234/quic-v1", "/udp/1234",
		    "/ip4/1.2.3.5", 0 },
		{ "/ip4/1.2.3.6/udp/1234/quic-v1", "/udp/1234/quic-v1",
		    "/ip4/1.2.3.6", 0 },
		{ "/dnsaddr/wss.com/tcp/4001/ws", "/wss", NULL,
		    P2P_ERR_NOT_FOUND },
		{ "/dnsaddr/wss.com/tcp/4001/wss", "/wss",
		    "/dnsaddr/wss.com/tcp/4001", 0 },
		{ "/tcp/1/ws/tcp/1/ws", "/tcp/1", "/tcp/1/ws", 0 },
		/* The bytes of /tcp/1 inside a name are no component. */
		{ "/http-path/%06%00%01", "/tcp/1", NULL,
		    P2P_ERR_NOT_FOUND },
	};
	struct p2p_multiaddr *ma, *tail, *got;
	size_t i;

	for (i = 0; i < N(t); i++) {
		ma = addr(t[i].ma);
		tail = addr(t[i].tail);
		got = NULL;
		CHECK_ERR(p2p_multiaddr_decapsulate(ma, tail, &got), t[i].e);
		if (got != NULL)
			CHECK_STR(p2p_multiaddr_text(got), t[i].want);
		p2p_multiaddr_free(got);
		p2p_multiaddr_free(tail);
		p2p_multiaddr_free(ma);
	}
}

static void
encapsulate_puts_one_behind_the_other(void)
{
	struct p2p_multiaddr *a = addr("/ip4/127.0.0.1/udp/1234"),
	    *b = addr("/udp/5678"), *u = addr("/unix/a"), *got = NULL;

	CHECK_OK(p2p_multiaddr_encapsulate(a, b, &got));
	CHECK_STR(p2p_multiaddr_text(got), "/ip4/127.0.0.1/udp/1234/udp/5678");
	p2p_multiaddr_free(got);
	got = NULL;
	CHECK_OK(p2p_multiaddr_encapsulate(a, u, &got));
	CHECK_STR(p2p_multiaddr_text(got), "/ip4/127.0.0.1/udp/1234/unix/a");
	p2p_multiaddr_free(got);
	got = NULL;
	CHECK_ERR(p2p_multiaddr_encapsulate(u, a, &got), P2P_ERR_FORMAT);
	CHECK(got == NULL);
	p2p_multiaddr_free(a);
	p2p_multiaddr_free(b);
	p2p_multiaddr_free(u);
	p2p_multiaddr_free(NULL);
}

static void
equality_is_of_the_bytes(void)
{
	struct p2p_multiaddr *a = addr("/ip4/127.0.0.1/tcp/1234"),
	    *b = addr("/ip4/127.0.0.1/tcp/01234/"),
	    *c = addr("/ip4/127.0.0.1/udp/1234"), *d = NULL;

	CHECK(p2p_multiaddr_equal(a, a));
	CHECK(p2p_multiaddr_equal(a, b));
	CHECK(!p2p_multiaddr_equal(a, c));
	CHECK_OK(p2p_multiaddr_dup(a, &d));
	CHECK(d != a && p2p_multiaddr_equal(a, d));
	p2p_multiaddr_free(a);
	CHECK_STR(p2p_multiaddr_text(d), "/ip4/127.0.0.1/tcp/1234");
	p2p_multiaddr_free(b);
	p2p_multiaddr_free(c);
	p2p_multiaddr_free(d);
}

static void
the_peer_is_the_last_component_or_none(void)
{
	static const struct {
		const char	*text, *peer;
	} t[] = {
		{ "/ip4/1.2.3.4/tcp/1/p2p/" SUP, SUP },
		{ "/p2p/" ED, ED },
		{ "/ip4/1.2.3.4/tcp/1/p2p/" SUP "/p2p-circuit", NULL },
		{ "/ip4/1.2.3.4/tcp/1/p2p/" SUP "/p2p-circuit/p2p/" ED, ED },
		{ "/ip4/1.2.3.4/tcp/1", NULL },
	};
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_multiaddr *ma;
	struct p2p_peer_id id;
	size_t i;

	for (i = 0; i < N(t); i++) {
		ma = addr(t[i].text);
		CHECK_ERR(p2p_multiaddr_peer(ma, &id),
		    t[i].peer != NULL ? 0 : P2P_ERR_NO_PEER);
		if (t[i].peer != NULL)
			CHECK_STR(p2p_peer_id_text(&id, text), t[i].peer);
		p2p_multiaddr_free(ma);
	}
}

static void
a_peer_is_put_on_and_taken_off(void)
{
	struct p2p_multiaddr *ma = addr("/ip4/1.2.3.4/tcp/1"), *with = NULL,
	    *again = NULL, *without = NULL, *only = addr("/p2p/" ED);
	struct p2p_peer_id id, other;

	CHECK_OK(p2p_peer_id_parse(ED, &id));
	CHECK_OK(p2p_peer_id_parse(SUP, &other));
	CHECK_OK(p2p_multiaddr_with_peer(ma, &id, &with));
	CHECK_STR(p2p_multiaddr_text(with), "/ip4/1.2.3.4/tcp/1/p2p/" ED);
	CHECK_OK(p2p_multiaddr_with_peer(with, &id, &again));
	CHECK(p2p_multiaddr_equal(with, again));
	CHECK_ERR(p2p_multiaddr_with_peer(with, &other, &without),
	    P2P_ERR_WRONG_PEER);
	CHECK_ERR(p2p_multiaddr_without_peer(only, &without), P2P_ERR_FORMAT);
	CHECK(without == NULL);
	CHECK_OK(p2p_multiaddr_without_peer(with, &without));
	CHECK(p2p_multiaddr_equal(without, ma));
	p2p_multiaddr_free(without);
	CHECK_OK(p2p_multiaddr_without_peer(ma, &without));
	CHECK(p2p_multiaddr_equal(without, ma));
	p2p_multiaddr_free(without);
	p2p_multiaddr_free(again);
	p2p_multiaddr_free(with);
	p2p_multiaddr_free(only);
	p2p_multiaddr_free(ma);
}

TESTS("multiaddr",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "a canonical text comes back as it was",
	    a_canonical_text_comes_back_as_it_was },
	{ "other spellings are read and one is printed",
	    other_spellings_are_read_and_one_is_printed },
	{ "malformed text is refused", malformed_text_is_refused },
	{ "malformed bytes are refused", malformed_bytes_are_refused },
	{ "mangled bytes are refused or print and parse again",
	    mangled_bytes_are_refused_or_print_and_parse_again },
	{ "the size is bounded both ways", the_size_is_bounded_both_ways },
	{ "parts come in order and with their text",
	    parts_come_in_order_and_with_their_text },
	{ "decapsulate takes from the last occurrence",
	    decapsulate_takes_from_the_last_occurrence },
	{ "encapsulate puts one behind the other",
	    encapsulate_puts_one_behind_the_other },
	{ "equality is of the bytes", equality_is_of_the_bytes },
	{ "the peer is the last component or none",
	    the_peer_is_the_last_component_or_none },
	{ "a peer is put on and taken off", a_peer_is_put_on_and_taken_off })
