/*
 * The table of spec digest 1.1, and a parse and print pair for each kind of
 * value.  print() is also the validator of binary addresses: whatever it
 * refuses is no address.
 */
#include "multiformats/multiaddr_proto.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/varint.h"
#include "multiformats/cid.h"
#include "multiformats/multibase.h"
#include "multiformats/multihash.h"
#include "p2p/error.h"

#define TEXT_MAX	256
#define ONION_LEN	10
#define ONION3_LEN	35
#define GARLIC64_MIN	386	/* bytes of an i2p destination */
#define GARLIC32_MIN	35	/* bytes, when not exactly 32 */

/* The text with a final zero, for library functions. */
static int
to_string(struct rd text, char *out, size_t cap)
{
	if (text.len >= cap || memchr(text.p, '\0', text.len) != NULL)
		return P2P_ERR_FORMAT;
	memcpy(out, text.p, text.len);
	out[text.len] = '\0';
	return 0;
}

/* Decimal without sign or leading zeros, up to max. */
static int
parse_number(struct rd text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;
	unsigned d;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	for (i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return P2P_ERR_FORMAT;
		d = text.p[i] - '0';
		if (v > (max - d) / 10)
			return P2P_ERR_FORMAT;
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

static int
parse_ip4(struct rd text, struct wr *out)
{
	char s[TEXT_MAX];
	uint8_t ip[4];

	if (to_string(text, s, sizeof(s)) != 0 || inet_pton(AF_INET, s, ip) != 1)
		return P2P_ERR_FORMAT;
	wr_bytes(out, ip, sizeof(ip));
	return 0;
}

static int
print_ip4(struct rd v, struct wr *out)
{
	wr_printf(out, "%u.%u.%u.%u", v.p[0], v.p[1], v.p[2], v.p[3]);
	return 0;
}

static int
parse_ip6(struct rd text, struct wr *out)
{
	char s[TEXT_MAX];
	uint8_t ip[16];

	if (to_string(text, s, sizeof(s)) != 0 ||
	    inet_pton(AF_INET6, s, ip) != 1)
		return P2P_ERR_FORMAT;
	wr_bytes(out, ip, sizeof(ip));
	return 0;
}

static int
print_ip6(struct rd v, struct wr *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char s[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (memcmp(v.p, mapped, sizeof(mapped)) == 0) {
		wr_printf(out, "::ffff:%u.%u.%u.%u", v.p[12], v.p[13], v.p[14],
		    v.p[15]);
		return 0;
	}
	/* glibc prints ::a.b.c.d for what RFC 5952 wants in hexadecimal. */
	memcpy(&ip, v.p, 16);
	if (memcmp(v.p, (const uint8_t[12]){ 0 }, 12) == 0 &&
	    (v.p[12] != 0 || v.p[13] != 0)) {
		wr_printf(out, "::%x:%x", (unsigned)(v.p[12] << 8 | v.p[13]),
		    (unsigned)(v.p[14] << 8 | v.p[15]));
		return 0;
	}
	if (inet_ntop(AF_INET6, &ip, s, sizeof(s)) == NULL)
		return P2P_ERR_FORMAT;
	wr_bytes(out, s, strlen(s));
	return 0;
}

static int
parse_port(struct rd text, struct wr *out)
{
	uint64_t v;
	int e;

	if ((e = parse_number(text, 65535, &v)) == 0)
		wr_be16(out, (uint16_t)v);
	return e;
}

static int
print_port(struct rd v, struct wr *out)
{
	wr_printf(out, "%u", (unsigned)(v.p[0] << 8 | v.p[1]));
	return 0;
}

static int
parse_byte(struct rd text, struct wr *out)
{
	uint64_t v;
	int e;

	if ((e = parse_number(text, 255, &v)) == 0)
		wr_u8(out, (uint8_t)v);
	return e;
}

static int
print_byte(struct rd v, struct wr *out)
{
	wr_printf(out, "%u", v.p[0]);
	return 0;
}

static int
parse_u64(struct rd text, struct wr *out)
{
	uint64_t v;
	int e;

	if ((e = parse_number(text, UINT64_MAX, &v)) == 0)
		wr_be64(out, v);
	return e;
}

static int
print_u64(struct rd v, struct wr *out)
{
	uint64_t n;

	if (rd_be64(&v, &n) != 0)
		return P2P_ERR_FORMAT;
	wr_printf(out, "%llu", (unsigned long long)n);
	return 0;
}

/* Names: not empty, no slash, nothing unprintable. */
static int
parse_name(struct rd text, struct wr *out)
{
	size_t i;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	for (i = 0; i < text.len; i++)
		if (text.p[i] == '/' || text.p[i] < 0x20 || text.p[i] == 0x7f)
			return P2P_ERR_FORMAT;
	wr_bytes(out, text.p, text.len);
	return 0;
}

/* A path: what go does, the rest of the text with its leading slash. */
static int
parse_path(struct rd text, struct wr *out)
{
	if (text.len < 2 || text.p[0] != '/' || text.p[text.len - 1] == '/' ||
	    memchr(text.p, '\0', text.len) != NULL)
		return P2P_ERR_FORMAT;
	wr_bytes(out, text.p, text.len);
	return 0;
}

static int
print_path(struct rd v, struct wr *out)
{
	return parse_path(v, out);
}

static int
parse_p2p(struct rd text, struct wr *out)
{
	uint8_t bytes[MULTIBASE_TEXT_MAX];
	size_t len = sizeof(bytes);
	const char *s = (const char *)text.p;
	struct cid c;
	int e;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	if (s[0] == '1' || (text.len > 1 && s[0] == 'Q' && s[1] == 'm')) {
		e = multibase_decode_raw(MULTIBASE_58BTC, s, text.len, bytes,
		    &len);
		if (e != 0)
			return e;
	} else {
		if ((e = cid_parse(s, text.len, &c)) != 0)
			return e;
		if (c.codec != CID_CODEC_LIBP2P_KEY)
			return P2P_ERR_UNSUPPORTED;
		memcpy(bytes, c.hash, len = c.hashlen);
	}
	if ((e = multihash_check_peer((struct rd){ bytes, len })) != 0)
		return e;
	wr_bytes(out, bytes, len);
	return 0;
}

static int
print_p2p(struct rd v, struct wr *out)
{
	int e;

	if ((e = multihash_check_peer(v)) != 0)
		return e;
	multibase_encode_raw(MULTIBASE_58BTC, v.p, v.len, out);
	return 0;
}

static int
check_multihash(struct rd v)
{
	struct multihash mh;

	if (multihash_get(&v, &mh) != 0 || v.len != 0 ||
	    (mh.code == MULTIHASH_SHA2_256 &&
	    mh.digest.len != MULTIHASH_SHA2_256_LEN))
		return P2P_ERR_FORMAT;
	return 0;
}

static int
parse_certhash(struct rd text, struct wr *out)
{
	uint8_t bytes[MULTIBASE_TEXT_MAX];
	size_t len = sizeof(bytes);
	int e;

	if ((e = multibase_decode((const char *)text.p, text.len, bytes,
	    &len)) != 0 ||
	    (e = check_multihash((struct rd){ bytes, len })) != 0)
		return e;
	wr_bytes(out, bytes, len);
	return 0;
}

static int
print_certhash(struct rd v, struct wr *out)
{
	int e;

	if (v.len > MULTIBASE_TEXT_MAX / 2)
		return P2P_ERR_TOO_LARGE;
	if ((e = check_multihash(v)) == 0)
		multibase_encode(MULTIBASE_64URL, v.p, v.len, out);
	return e;
}

/* Base32 of so many bytes, a colon, a port. */
static int
parse_onion_of(struct rd text, size_t want, bool zero_port, struct wr *out)
{
	uint8_t bytes[64];
	size_t len = sizeof(bytes);
	const uint8_t *colon = memchr(text.p, ':', text.len);
	struct rd host, port;
	uint64_t v;
	int e;

	if (colon == NULL)
		return P2P_ERR_FORMAT;
	host = (struct rd){ text.p, (size_t)(colon - text.p) };
	port = (struct rd){ colon + 1, text.len - host.len - 1 };
	if ((e = multibase_decode_raw(MULTIBASE_32, (const char *)host.p,
	    host.len, bytes, &len)) != 0 ||
	    (e = parse_number(port, 65535, &v)) != 0)
		return e;
	if (len != want || (v == 0 && !zero_port))
		return P2P_ERR_FORMAT;
	wr_bytes(out, bytes, len);
	wr_be16(out, (uint16_t)v);
	return 0;
}

static int
parse_onion(struct rd text, struct wr *out)
{
	return parse_onion_of(text, ONION_LEN, false, out);
}

static int
parse_onion3(struct rd text, struct wr *out)
{
	return parse_onion_of(text, ONION3_LEN, false, out);
}

static int
print_onion(struct rd v, struct wr *out)
{
	size_t n = v.len - 2;

	if (v.p[n] == 0 && v.p[n + 1] == 0)
		return P2P_ERR_FORMAT;
	multibase_encode_raw(MULTIBASE_32, v.p, n, out);
	wr_printf(out, ":%u", (unsigned)(v.p[n] << 8 | v.p[n + 1]));
	return 0;
}

/* i2p's base 64 has - and ~ where the standard has + and /. */
static int
parse_garlic64(struct rd text, struct wr *out)
{
	char s[MULTIADDR_VALUE_MAX];
	uint8_t bytes[MULTIADDR_VALUE_MAX];
	size_t i, at, len, n = 0;
	int e;

	if (text.len >= sizeof(s))
		return P2P_ERR_TOO_LARGE;
	for (i = 0; i < text.len; i++) {
		s[i] = (char)text.p[i];
		if (s[i] == '+' || s[i] == '/')
			return P2P_ERR_FORMAT;
		s[i] = s[i] == '-' ? '+' : s[i] == '~' ? '/' : s[i];
	}
	while (i > 0 && s[i - 1] == '=')
		i--;
	/* In groups of four characters, so that no call exceeds its limit. */
	for (at = 0; at < i; at += 256, n += len) {
		len = sizeof(bytes) - n;
		if ((e = multibase_decode_raw(MULTIBASE_64, s + at,
		    i - at < 256 ? i - at : 256, bytes + n, &len)) != 0)
			return e;
	}
	if (n < GARLIC64_MIN)
		return P2P_ERR_FORMAT;
	wr_bytes(out, bytes, n);
	return 0;
}

static int
print_garlic64(struct rd v, struct wr *out)
{
	size_t i, from = out->len;

	if (v.len < GARLIC64_MIN)
		return P2P_ERR_FORMAT;
	multibase_encode_raw(MULTIBASE_64, v.p, v.len, out);
	for (i = from; i < out->len; i++)
		out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '~' :
		    out->p[i];
	for (i = out->len - from; i % 4 != 0; i++)
		wr_u8(out, '=');
	return 0;
}

static int
check_garlic32(size_t len)
{
	return len == 32 || len >= GARLIC32_MIN ? 0 : P2P_ERR_FORMAT;
}

static int
parse_garlic32(struct rd text, struct wr *out)
{
	uint8_t bytes[MULTIBASE_TEXT_MAX];
	size_t len = sizeof(bytes), n = text.len;
	int e;

	while (n > 0 && text.p[n - 1] == '=')
		n--;
	if ((e = multibase_decode_raw(MULTIBASE_32, (const char *)text.p, n,
	    bytes, &len)) != 0 || (e = check_garlic32(len)) != 0)
		return e;
	wr_bytes(out, bytes, len);
	return 0;
}

static int
print_garlic32(struct rd v, struct wr *out)
{
	int e;

	if (v.len > MULTIBASE_TEXT_MAX / 2)
		return P2P_ERR_TOO_LARGE;
	if ((e = check_garlic32(v.len)) == 0)
		multibase_encode_raw(MULTIBASE_32, v.p, v.len, out);
	return e;
}

static bool
is_unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("-_.~", c) != NULL);
}

/* Percent-encoding to bytes. */
static int
parse_http_path(struct rd text, struct wr *out)
{
	uint8_t byte;
	char pair[3] = { 0 };
	size_t i, n;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	for (i = 0; i < text.len; i++) {
		if (text.p[i] != '%') {
			wr_u8(out, text.p[i]);
			continue;
		}
		if (text.len - i < 3)
			return P2P_ERR_FORMAT;
		memcpy(pair, text.p + i + 1, 2);
		if (hex_get(pair, &byte, 1, &n) != 0 || n != 1)
			return P2P_ERR_FORMAT;
		wr_u8(out, byte);
		i += 2;
	}
	return 0;
}

static int
print_http_path(struct rd v, struct wr *out)
{
	size_t i;

	if (v.len == 0)
		return P2P_ERR_FORMAT;
	for (i = 0; i < v.len; i++) {
		if (is_unreserved(v.p[i]))
			wr_u8(out, v.p[i]);
		else
			wr_printf(out, "%%%02X", v.p[i]);
	}
	return 0;
}

#define V MULTIADDR_VARIABLE

static const struct multiaddr_proto table[] = {
	{ 4, "ip4", 4, false, parse_ip4, print_ip4 },
	{ 6, "tcp", 2, false, parse_port, print_port },
	{ 33, "dccp", 2, false, parse_port, print_port },
	{ 41, "ip6", 16, false, parse_ip6, print_ip6 },
	{ 42, "ip6zone", V, false, parse_name, parse_name },
	{ 43, "ipcidr", 1, false, parse_byte, print_byte },
	{ 53, "dns", V, false, parse_name, parse_name },
	{ 54, "dns4", V, false, parse_name, parse_name },
	{ 55, "dns6", V, false, parse_name, parse_name },
	{ 56, "dnsaddr", V, false, parse_name, parse_name },
	{ 132, "sctp", 2, false, parse_port, print_port },
	{ 273, "udp", 2, false, parse_port, print_port },
	{ 275, "p2p-webrtc-star", 0, false, NULL, NULL },
	{ 276, "p2p-webrtc-direct", 0, false, NULL, NULL },
	{ 277, "p2p-stardust", 0, false, NULL, NULL },
	{ 280, "webrtc-direct", 0, false, NULL, NULL },
	{ 281, "webrtc", 0, false, NULL, NULL },
	{ 290, "p2p-circuit", 0, false, NULL, NULL },
	{ 301, "udt", 0, false, NULL, NULL },
	{ 302, "utp", 0, false, NULL, NULL },
	{ 400, "unix", V, true, parse_path, print_path },
	{ MULTIADDR_P2P, "p2p", V, false, parse_p2p, print_p2p },
	{ MULTIADDR_P2P, "ipfs", V, false, parse_p2p, print_p2p },
	{ 443, "https", 0, false, NULL, NULL },
	{ 444, "onion", ONION_LEN + 2, false, parse_onion, print_onion },
	{ 445, "onion3", ONION3_LEN + 2, false, parse_onion3, print_onion },
	{ 446, "garlic64", V, false, parse_garlic64, print_garlic64 },
	{ 447, "garlic32", V, false, parse_garlic32, print_garlic32 },
	{ 448, "tls", 0, false, NULL, NULL },
	{ 449, "sni", V, false, parse_name, parse_name },
	{ 454, "noise", 0, false, NULL, NULL },
	{ 460, "quic", 0, false, NULL, NULL },
	{ 461, "quic-v1", 0, false, NULL, NULL },
	{ 465, "webtransport", 0, false, NULL, NULL },
	{ 466, "certhash", V, false, parse_certhash, print_certhash },
	{ 477, "ws", 0, false, NULL, NULL },
	{ 478, "wss", 0, false, NULL, NULL },
	{ 479, "p2p-websocket-star", 0, false, NULL, NULL },
	{ 480, "http", 0, false, NULL, NULL },
	{ 481, "http-path", V, false, parse_http_path, print_http_path },
	{ 777, "memory", 8, false, parse_u64, print_u64 },
	{ 4770, "x-parity-ws", V, false, parse_http_path, print_http_path },
	{ 4780, "x-parity-wss", V, false, parse_http_path, print_http_path },
	{ 7367777, "plaintextv2", 0, false, NULL, NULL },
};

#define N_PROTOS	(sizeof(table) / sizeof(table[0]))

const struct multiaddr_proto *
multiaddr_proto_code(uint64_t code)
{
	size_t i;

	for (i = 0; i < N_PROTOS; i++)
		if (table[i].code == code)
			return &table[i];
	return NULL;
}

const struct multiaddr_proto *
multiaddr_proto_name(struct rd name)
{
	size_t i;

	for (i = 0; i < N_PROTOS; i++)
		if (rd_equal(&name, table[i].name, strlen(table[i].name)))
			return &table[i];
	return NULL;
}
