/*
 * Two families.  The powers of two move bits through a small window and are
 * linear.  Bases 36 and 58 treat the whole as one number and are quadratic, so
 * rebase() works on buffers of fixed size; a leading zero byte is a leading
 * zero digit and the other way round.
 *
 * Nothing here is constant in time: it is for names, not for secrets.
 */
#include "multiformats/multibase.h"

#include <string.h>

#include "p2p/error.h"

struct base {
	enum multibase	 id;
	const char	*alphabet;
	unsigned	 bits;		/* a digit; 0: not a power of two */
	bool		 fold;		/* the alphabet has no upper case */
};

static const struct base bases[] = {
	{ MULTIBASE_16, "0123456789abcdef", 4, true },
	{ MULTIBASE_32, "abcdefghijklmnopqrstuvwxyz234567", 5, true },
	{ MULTIBASE_36, "0123456789abcdefghijklmnopqrstuvwxyz", 0, true },
	{ MULTIBASE_58, "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	    "abcdefghijkmnopqrstuvwxyz", 0, false },
	{ MULTIBASE_64, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/", 6, false },
	{ MULTIBASE_64URL, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_", 6, false },
};

/* A number as digits, least significant first. */
struct number {
	uint8_t	digit[MULTIBASE_BIG_MAX];
	size_t	n;
};

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static const struct base *
base_find(uint8_t prefix)
{
	size_t i;

	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (prefix == (uint8_t)bases[i].id || (bases[i].fold &&
		    lower(prefix) == (uint8_t)bases[i].id))
			return &bases[i];
	return NULL;
}

/* The value of a digit, or -1. */
static int
digit_value(const char *alphabet, uint8_t c)
{
	const char *p;

	if (c == '\0' || (p = strchr(alphabet, c)) == NULL)
		return -1;
	return (int)(p - alphabet);
}

/* An alphabet without upper case is one that is read in either case. */
static uint8_t
fold(const char *alphabet, uint8_t c)
{
	return strchr(alphabet, 'A') == NULL ? lower(c) : c;
}

int
multibase_unpack(const char *alphabet, unsigned bits, bool lax,
    struct rd text, struct wr *out)
{
	struct wr w = *out;
	uint32_t window = 0;
	unsigned have = 0;
	int v;

	for (; text.len > 0; text.p++, text.len--) {
		if ((v = digit_value(alphabet, fold(alphabet, *text.p))) < 0)
			return P2P_ERR_FORMAT;
		window = window << bits | (uint32_t)v;
		if ((have += bits) < 8)
			continue;
		have -= 8;
		wr_u8(&w, (uint8_t)(window >> have));
		window &= (1u << have) - 1;
	}
	if (have >= bits || (window != 0 && !lax))
		return P2P_ERR_FORMAT;
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	*out = w;
	return 0;
}

void
multibase_pack(const char *alphabet, unsigned bits, struct rd bytes,
    struct wr *out)
{
	uint32_t window = 0;
	unsigned have = 0, mask = (1u << bits) - 1;

	for (; bytes.len > 0; bytes.p++, bytes.len--) {
		window = window << 8 | *bytes.p;
		for (have += 8; have >= bits;) {
			have -= bits;
			wr_u8(out, (uint8_t)alphabet[window >> have & mask]);
		}
		window &= (1u << have) - 1;
	}
	if (have > 0)
		wr_u8(out, (uint8_t)alphabet[window << (bits - have) & mask]);
}

/*
 * One more digit of base from below num, which is in base to.  Returns 0 or
 * P2P_ERR_TOO_LARGE.
 */
static int
rebase(struct number *num, unsigned from, unsigned to, unsigned digit)
{
	unsigned carry = digit;
	size_t i;

	for (i = 0; i < num->n; i++) {
		carry += num->digit[i] * from;
		num->digit[i] = (uint8_t)(carry % to);
		carry /= to;
	}
	for (; carry > 0; carry /= to) {
		if (num->n == MULTIBASE_BIG_MAX)
			return P2P_ERR_TOO_LARGE;
		num->digit[num->n++] = (uint8_t)(carry % to);
	}
	return 0;
}

static int
big_decode(const struct base *b, struct rd text, struct wr *out)
{
	struct wr w = *out;
	struct number num = { .n = 0 };
	unsigned base = (unsigned)strlen(b->alphabet);
	bool leading = true;
	int v, e;

	if (text.len > MULTIBASE_BIG_MAX)
		return P2P_ERR_TOO_LARGE;
	for (; text.len > 0; text.p++, text.len--) {
		v = digit_value(b->alphabet, fold(b->alphabet, *text.p));
		if (v < 0)
			return P2P_ERR_FORMAT;
		if (leading && v == 0) {
			wr_u8(&w, 0);
			continue;
		}
		leading = false;
		if ((e = rebase(&num, base, 256, (unsigned)v)) != 0)
			return e;
	}
	while (num.n > 0)
		wr_u8(&w, num.digit[--num.n]);
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	*out = w;
	return 0;
}

static void
big_encode(const struct base *b, struct rd bytes, struct wr *out)
{
	struct number num = { .n = 0 };
	unsigned base = (unsigned)strlen(b->alphabet);

	if (bytes.len > MULTIBASE_BIG_MAX) {
		out->full = true;
		return;
	}
	for (; bytes.len > 0 && *bytes.p == 0; bytes.p++, bytes.len--)
		wr_u8(out, (uint8_t)b->alphabet[0]);
	for (; bytes.len > 0; bytes.p++, bytes.len--)
		if (rebase(&num, 256, base, *bytes.p) != 0) {
			out->full = true;
			return;
		}
	while (num.n > 0)
		wr_u8(out, (uint8_t)b->alphabet[num.digit[--num.n]]);
}

int
multibase_decode_bare(enum multibase base, struct rd text, struct wr *out)
{
	const struct base *b = base_find((uint8_t)base);

	if (text.len == 0)
		return P2P_ERR_FORMAT;
	if (b->bits == 0)
		return big_decode(b, text, out);
	return multibase_unpack(b->alphabet, b->bits, false, text, out);
}

int
multibase_decode(struct rd text, struct wr *out)
{
	const struct base *b;
	uint8_t prefix;

	if (rd_u8(&text, &prefix) != 0)
		return P2P_ERR_FORMAT;
	if ((b = base_find(prefix)) == NULL)
		return P2P_ERR_UNSUPPORTED;
	return multibase_decode_bare(b->id, text, out);
}

void
multibase_encode_bare(enum multibase base, struct rd bytes, struct wr *out)
{
	const struct base *b = base_find((uint8_t)base);

	if (b->bits == 0)
		big_encode(b, bytes, out);
	else
		multibase_pack(b->alphabet, b->bits, bytes, out);
}

void
multibase_encode(enum multibase base, struct rd bytes, struct wr *out)
{
	wr_u8(out, (uint8_t)base);
	multibase_encode_bare(base, bytes, out);
}
