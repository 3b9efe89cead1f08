/*
 * Each kind of value has a parse and a print side by side, and they are each
 * other's reverse: what print accepts, it writes so that parse gives the same
 * bytes.  Where other implementations take more than one spelling of a value,
 * so does parse; print knows only one.
 *
 * Values that are names (dns, sni, ip6zone, unix) must be UTF-8 without
 * controls or invisible characters: the text of an address ends up on
 * terminals, in logs and in resolvers.
 */
#include "multiformats/multiaddr_proto.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/unicode.h"
#include "multiformats/multibase.h"
#include "multiformats/multihash.h"
#include "multiformats/peer_hash.h"
#include "p2p/error.h"

#define IP_TEXT_MAX	64	/* INET6_ADDRSTRLEN is 46 */

#define ONION_LEN	10	/* bytes before the port */
#define ONION3_LEN	35
#define GARLIC64_MIN	386	/* bytes of the shortest I2P destination */
#define GARLIC32_HASH	32	/* bytes; what is longer is encrypted, */
#define GARLIC32_MIN	35	/* and then at least so long */

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base64_i2p[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-~";

/* Decimal digits and nothing else. */
static int
number_get(struct rd text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	unsigned d;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	for (; text.len > 0; text.p++, text.len--) {
		if (*text.p < '0' || *text.p > '9')
			return P2P_ERR_FORMAT;
		d = *text.p - '0';
		if (v > (max - d) / 10)
			return P2P_ERR_FORMAT;
		v = 10 * v + d;
	}
	*out = v;
	return 0;
}

static int
port_parse(struct rd text, struct wr *w)
{
	uint64_t v;
	int e;

	if ((e = number_get(text, UINT16_MAX, &v)) == 0)
		wr_be16(w, (uint16_t)v);
	return e;
}

static int
cidr_parse(struct rd text, struct wr *w)
{
	uint64_t v;
	int e;

	if ((e = number_get(text, UINT8_MAX, &v)) == 0)
		wr_u8(w, (uint8_t)v);
	return e;
}

static int
memory_parse(struct rd text, struct wr *w)
{
	uint64_t v;
	int e;

	if ((e = number_get(text, UINT64_MAX, &v)) == 0)
		wr_be64(w, v);
	return e;
}

/* Any of the three: big endian, as wide as the value. */
static int
number_print(struct rd value, struct wr *w)
{
	char digits[20];
	uint64_t v = 0;
	size_t n = sizeof(digits);

	for (; value.len > 0; value.p++, value.len--)
		v = v << 8 | *value.p;
	do
		digits[--n] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	wr_bytes(w, digits + n, sizeof(digits) - n);
	return 0;
}

/* inet_pton(3) is strict: no octal, no short forms, no zones. */
static int
ip_parse(int family, size_t size, struct rd text, struct wr *w)
{
	char buf[IP_TEXT_MAX];
	uint8_t addr[16];

	if (text.len >= sizeof(buf) || memchr(text.p, '\0', text.len) != NULL)
		return P2P_ERR_FORMAT;
	memcpy(buf, text.p, text.len);
	buf[text.len] = '\0';
	if (inet_pton(family, buf, addr) != 1)
		return P2P_ERR_FORMAT;
	wr_bytes(w, addr, size);
	return 0;
}

static int
ip4_parse(struct rd text, struct wr *w)
{
	return ip_parse(AF_INET, 4, text, w);
}

static int
ip4_print(struct rd value, struct wr *w)
{
	size_t i;

	for (i = 0; i < 4; i++) {
		if (i > 0)
			wr_u8(w, '.');
		(void)number_print((struct rd){ value.p + i, 1 }, w);
	}
	return 0;
}

static int
ip6_parse(struct rd text, struct wr *w)
{
	return ip_parse(AF_INET6, 16, text, w);
}

static void
hex16_put(struct wr *w, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		wr_u8(w, (uint8_t)digits[v >> shift & 15]);
}

/*
 * RFC 5952: lower case, the first longest run of two or more zero groups as
 * "::".  Not inet_ntop(3): it also dots ::/96, which others do not.
 */
static int
ip6_print(struct rd value, struct wr *w)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned group[8];
	size_t i, run = 0, best = 8, bestlen = 1;

	if (memcmp(value.p, mapped, sizeof(mapped)) == 0) {
		wr_bytes(w, "::ffff:", 7);
		return ip4_print((struct rd){ value.p + 12, 4 }, w);
	}
	for (i = 0; i < 8; i++) {
		group[i] = (unsigned)value.p[2 * i] << 8 | value.p[2 * i + 1];
		run = group[i] == 0 ? run + 1 : 0;
		if (run > bestlen) {
			bestlen = run;
			best = i + 1 - run;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			wr_bytes(w, "::", 2);
			i += bestlen - 1;
			continue;
		}
		if (i > 0 && i != best + bestlen)
			wr_u8(w, ':');
		hex16_put(w, group[i]);
	}
	return 0;
}

/* A name is its own text. */
static int
name_copy(struct rd name, struct wr *w)
{
	if (name.len == 0 || memchr(name.p, '/', name.len) != NULL ||
	    !unicode_is_clean(name))
		return P2P_ERR_FORMAT;
	wr_bytes(w, name.p, name.len);
	return 0;
}

/*
 * go-multiaddr's reading of unix: the value has its leading slash, and takes
 * the rest of the address.  The text lends its slash (see multiaddr.c).
 */
static int
path_copy(struct rd path, struct wr *w)
{
	size_t i;

	if (path.len < 2 || path.p[0] != '/' || path.p[path.len - 1] == '/' ||
	    !unicode_is_clean(path))
		return P2P_ERR_FORMAT;
	for (i = 1; i < path.len; i++)
		if (path.p[i - 1] == '/' && path.p[i] == '/')
			return P2P_ERR_FORMAT;
	wr_bytes(w, path.p, path.len);
	return 0;
}

static int
peer_parse(struct rd text, struct wr *w)
{
	return peer_hash_parse(text, w) == 0 ? 0 : P2P_ERR_FORMAT;
}

static int
peer_print(struct rd value, struct wr *w)
{
	if (peer_hash_check(value) != 0)
		return P2P_ERR_FORMAT;
	peer_hash_print(w, value);
	return 0;
}

static int
certhash_parse(struct rd text, struct wr *w)
{
	struct wr start = *w;
	struct multihash mh;

	if (multibase_decode(text, w) != 0 || multihash_decode((struct rd){
	    w->p + start.len, w->len - start.len }, &mh) != 0)
		return P2P_ERR_FORMAT;
	return 0;
}

static int
certhash_print(struct rd value, struct wr *w)
{
	struct multihash mh;

	if (multihash_decode(value, &mh) != 0)
		return P2P_ERR_FORMAT;
	multibase_encode(MULTIBASE_64URL, value, w);
	return 0;
}

static int
onion_any_parse(size_t len, struct rd text, struct wr *w)
{
	size_t digits = len * 8 / 5;
	struct rd host, port;
	uint64_t v;

	if (text.len < digits + 1 || text.p[digits] != ':')
		return P2P_ERR_FORMAT;
	host = (struct rd){ text.p, digits };
	port = (struct rd){ text.p + digits + 1, text.len - digits - 1 };
	if (number_get(port, UINT16_MAX, &v) != 0 || v == 0)
		return P2P_ERR_FORMAT;
	if (multibase_unpack(base32, 5, false, host, w) != 0)
		return P2P_ERR_FORMAT;
	wr_be16(w, (uint16_t)v);
	return 0;
}

static int
onion_parse(struct rd text, struct wr *w)
{
	return onion_any_parse(ONION_LEN, text, w);
}

static int
onion3_parse(struct rd text, struct wr *w)
{
	return onion_any_parse(ONION3_LEN, text, w);
}

/* Either kind: the port is the last two bytes. */
static int
onion_print(struct rd value, struct wr *w)
{
	struct rd port = { value.p + value.len - 2, 2 };

	if (port.p[0] == 0 && port.p[1] == 0)
		return P2P_ERR_FORMAT;
	multibase_pack(base32, 5, (struct rd){ value.p, value.len - 2 }, w);
	wr_u8(w, ':');
	return number_print(port, w);
}

/* I2P pads to a multiple of four. */
static int
garlic64_parse(struct rd text, struct wr *w)
{
	size_t start = w->len, pad = 0;

	if (text.len % 4 != 0)
		return P2P_ERR_FORMAT;
	while (pad < 2 && text.len > 0 && text.p[text.len - 1] == '=') {
		text.len--;
		pad++;
	}
	if ((text.len + pad) % 4 != 0 || text.len % 4 == 1)
		return P2P_ERR_FORMAT;
	if (multibase_unpack(base64_i2p, 6, true, text, w) != 0 ||
	    w->len - start < GARLIC64_MIN)
		return P2P_ERR_FORMAT;
	return 0;
}

static int
garlic64_print(struct rd value, struct wr *w)
{
	size_t n;

	if (value.len < GARLIC64_MIN)
		return P2P_ERR_FORMAT;
	multibase_pack(base64_i2p, 6, value, w);
	for (n = value.len; n % 3 != 0; n++)
		wr_u8(w, '=');
	return 0;
}

static bool
garlic32_len(size_t len)
{
	return len == GARLIC32_HASH || len >= GARLIC32_MIN;
}

/* The encrypted kind comes with bits left over in the wild: lax. */
static int
garlic32_parse(struct rd text, struct wr *w)
{
	size_t start = w->len;

	if (multibase_unpack(base32, 5, true, text, w) != 0 ||
	    !garlic32_len(w->len - start))
		return P2P_ERR_FORMAT;
	return 0;
}

static int
garlic32_print(struct rd value, struct wr *w)
{
	if (!garlic32_len(value.len))
		return P2P_ERR_FORMAT;
	multibase_pack(base32, 5, value, w);
	return 0;
}

/* RFC 3986 percent encoding; any bytes, but not none. */
static int
percent_parse(struct rd text, struct wr *w)
{
	char hex[3] = { 0 };
	struct rd digits;
	uint8_t c;
	size_t n;

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	while (rd_u8(&text, &c) == 0) {
		if (c == '%') {
			if (rd_bytes(&text, 2, &digits) != 0)
				return P2P_ERR_FORMAT;
			memcpy(hex, digits.p, 2);
			if (hex[0] == '\0' || hex_get(hex, &c, 1, &n) != 0 ||
			    n != 1)
				return P2P_ERR_FORMAT;
		}
		wr_u8(w, c);
	}
	return 0;
}

/* What go's url.PathEscape leaves alone, so that texts compare equal. */
static int
percent_print(struct rd value, struct wr *w)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.~$&+=:@";
	static const char digits[] = "0123456789ABCDEF";

	if (value.len == 0)
		return P2P_ERR_FORMAT;
	for (; value.len > 0; value.p++, value.len--) {
		if (*value.p != '\0' && strchr(plain, *value.p) != NULL) {
			wr_u8(w, *value.p);
			continue;
		}
		wr_u8(w, '%');
		wr_u8(w, (uint8_t)digits[*value.p >> 4]);
		wr_u8(w, (uint8_t)digits[*value.p & 15]);
	}
	return 0;
}

#define VAR	MULTIADDR_PROTO_VAR
#define NONE	0, NULL, NULL, false

/* In the order of their codes. */
static const struct multiaddr_proto protos[] = {
	{ MULTIADDR_IP4, "ip4", 4, ip4_parse, ip4_print, false },
	{ MULTIADDR_TCP, "tcp", 2, port_parse, number_print, false },
	{ MULTIADDR_DCCP, "dccp", 2, port_parse, number_print, false },
	{ MULTIADDR_IP6, "ip6", 16, ip6_parse, ip6_print, false },
	{ MULTIADDR_IP6ZONE, "ip6zone", VAR, name_copy, name_copy, false },
	{ MULTIADDR_IPCIDR, "ipcidr", 1, cidr_parse, number_print, false },
	{ MULTIADDR_DNS, "dns", VAR, name_copy, name_copy, false },
	{ MULTIADDR_DNS4, "dns4", VAR, name_copy, name_copy, false },
	{ MULTIADDR_DNS6, "dns6", VAR, name_copy, name_copy, false },
	{ MULTIADDR_DNSADDR, "dnsaddr", VAR, name_copy, name_copy, false },
	{ MULTIADDR_SCTP, "sctp", 2, port_parse, number_print, false },
	{ MULTIADDR_UDP, "udp", 2, port_parse, number_print, false },
	{ 275, "p2p-webrtc-star", NONE },		/* deprecated */
	{ 276, "p2p-webrtc-direct", NONE },		/* deprecated */
	{ 277, "p2p-stardust", NONE },			/* deprecated */
	{ MULTIADDR_WEBRTC_DIRECT, "webrtc-direct", NONE },
	{ MULTIADDR_WEBRTC, "webrtc", NONE },
	{ MULTIADDR_P2P_CIRCUIT, "p2p-circuit", NONE },
	{ 301, "udt", NONE },
	{ 302, "utp", NONE },
	{ MULTIADDR_UNIX, "unix", VAR, path_copy, path_copy, true },
	{ MULTIADDR_P2P, "p2p", VAR, peer_parse, peer_print, false },
	{ 443, "https", NONE },
	{ 444, "onion", ONION_LEN + 2, onion_parse, onion_print, false },
	{ 445, "onion3", ONION3_LEN + 2, onion3_parse, onion_print, false },
	{ 446, "garlic64", VAR, garlic64_parse, garlic64_print, false },
	{ 447, "garlic32", VAR, garlic32_parse, garlic32_print, false },
	{ MULTIADDR_TLS, "tls", NONE },
	{ MULTIADDR_SNI, "sni", VAR, name_copy, name_copy, false },
	{ MULTIADDR_NOISE, "noise", NONE },
	{ 460, "quic", NONE },				/* of draft 29 */
	{ MULTIADDR_QUIC_V1, "quic-v1", NONE },
	{ MULTIADDR_WEBTRANSPORT, "webtransport", NONE },
	{ MULTIADDR_CERTHASH, "certhash", VAR, certhash_parse, certhash_print,
	    false },
	{ MULTIADDR_WS, "ws", NONE },
	{ MULTIADDR_WSS, "wss", NONE },
	{ 479, "p2p-websocket-star", NONE },		/* deprecated */
	{ MULTIADDR_HTTP, "http", NONE },
	{ MULTIADDR_HTTP_PATH, "http-path", VAR, percent_parse, percent_print,
	    false },
	/* protocols.csv says variable; go, rust and py send a 64-bit number. */
	{ MULTIADDR_MEMORY, "memory", 8, memory_parse, number_print, false },
	{ 4770, "x-parity-ws", VAR, percent_parse, percent_print, false },
	{ 4780, "x-parity-wss", VAR, percent_parse, percent_print, false },
	{ 7367777, "plaintextv2", NONE },
};

const struct multiaddr_proto *
multiaddr_proto_by_code(uint64_t code)
{
	size_t i;

	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].code == code)
			return &protos[i];
	return NULL;
}

const struct multiaddr_proto *
multiaddr_proto_by_name(struct rd name)
{
	size_t i;

	if (rd_equal(&name, "ipfs", 4))
		return multiaddr_proto_by_code(MULTIADDR_P2P);
	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (rd_equal(&name, protos[i].name, strlen(protos[i].name)))
			return &protos[i];
	return NULL;
}
