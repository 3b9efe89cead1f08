/*
 * Two kinds of base: those whose digits are whole bits (16, 32, 64), which are
 * shifted, and those that are not (36, 58), which are long division and
 * quadratic, and therefore bounded by MULTIBASE_TEXT_MAX.
 */
#include "multiformats/multibase.h"

#include <string.h>

#include "p2p/error.h"

static const struct alphabet {
	enum multibase	 base;
	unsigned	 bits;		/* of a digit; 0: long division */
	const char	*digits;
} alphabets[] = {
	{ MULTIBASE_16, 4, "0123456789abcdef" },
	{ MULTIBASE_32, 5, "abcdefghijklmnopqrstuvwxyz234567" },
	{ MULTIBASE_36, 0, "0123456789abcdefghijklmnopqrstuvwxyz" },
	{ MULTIBASE_58BTC, 0,
	    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz" },
	{ MULTIBASE_64, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/" },
	{ MULTIBASE_64URL, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_" },
};

#define N_ALPHABETS	(sizeof(alphabets) / sizeof(alphabets[0]))

static const struct alphabet *
find(int base)
{
	size_t i;

	for (i = 0; i < N_ALPHABETS; i++)
		if ((int)alphabets[i].base == base)
			return &alphabets[i];
	return NULL;
}

/* The value of a digit, or -1. */
static int
digit(const struct alphabet *a, char c)
{
	const char *p = c != '\0' ? strchr(a->digits, c) : NULL;

	return p != NULL ? (int)(p - a->digits) : -1;
}

static int
decode_bits(const struct alphabet *a, const char *text, size_t n, struct wr *w)
{
	unsigned have = 0;
	uint32_t acc = 0;
	int d;

	for (; n > 0; n--, text++) {
		if ((d = digit(a, *text)) < 0)
			return P2P_ERR_FORMAT;
		acc = acc << a->bits | (uint32_t)d;
		have += a->bits;
		if (have >= 8) {
			have -= 8;
			wr_u8(w, (uint8_t)(acc >> have));
			acc &= (1u << have) - 1;
		}
	}
	if (have >= a->bits || acc != 0)
		return P2P_ERR_FORMAT;		/* not what encoding makes */
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

/* num = num * radix + add, over the n bytes at its end; false: no room. */
static bool
multiply_add(uint8_t *num, size_t cap, size_t *n, unsigned radix, unsigned add)
{
	unsigned carry = add;
	size_t i;

	for (i = 0; i < *n; i++) {
		carry += num[cap - 1 - i] * radix;
		num[cap - 1 - i] = (uint8_t)carry;
		carry >>= 8;
	}
	if (carry == 0)
		return true;
	if (*n == cap)
		return false;
	num[cap - 1 - (*n)++] = (uint8_t)carry;
	return true;
}

static int
decode_radix(const struct alphabet *a, const char *text, size_t n,
    struct wr *w)
{
	uint8_t num[MULTIBASE_TEXT_MAX];
	unsigned radix = (unsigned)strlen(a->digits);
	size_t len = 0;
	int d;

	for (; n > 0 && *text == a->digits[0]; n--, text++)
		wr_u8(w, 0);
	for (; n > 0; n--, text++) {
		if ((d = digit(a, *text)) < 0)
			return P2P_ERR_FORMAT;
		if (!multiply_add(num, sizeof(num), &len, radix, (unsigned)d))
			return P2P_ERR_TOO_LARGE;
	}
	wr_bytes(w, num + sizeof(num) - len, len);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

int
multibase_decode_raw(enum multibase base, const char *text, size_t textlen,
    uint8_t *out, size_t *len)
{
	const struct alphabet *a = find(base);
	struct wr w;
	int e;

	if (a == NULL)
		return P2P_ERR_UNSUPPORTED;
	if (textlen > MULTIBASE_TEXT_MAX)
		return P2P_ERR_TOO_LARGE;
	wr_init(&w, out, *len);
	e = a->bits > 0 ? decode_bits(a, text, textlen, &w) :
	    decode_radix(a, text, textlen, &w);
	if (e == 0)
		*len = w.len;
	return e;
}

static void
encode_bits(const struct alphabet *a, const uint8_t *p, size_t n,
    struct wr *out)
{
	unsigned have = 0, mask = (1u << a->bits) - 1;
	uint32_t acc = 0;

	for (; n > 0; n--, p++) {
		acc = acc << 8 | *p;
		for (have += 8; have >= a->bits; have -= a->bits)
			wr_u8(out, (uint8_t)a->digits[acc >> (have - a->bits) &
			    mask]);
		acc &= (1u << have) - 1;
	}
	if (have > 0)
		wr_u8(out, (uint8_t)a->digits[acc << (a->bits - have) & mask]);
}

static void
encode_radix(const struct alphabet *a, const uint8_t *p, size_t n,
    struct wr *out)
{
	uint8_t num[MULTIBASE_TEXT_MAX];
	char text[2 * MULTIBASE_TEXT_MAX];
	unsigned radix = (unsigned)strlen(a->digits), rest;
	size_t i, first = 0, at = sizeof(text);

	if (n > sizeof(num)) {
		out->full = true;
		return;
	}
	for (; n > 0 && *p == 0; n--, p++)
		wr_u8(out, (uint8_t)a->digits[0]);
	memcpy(num, p, n);
	while (first < n) {
		for (i = first, rest = 0; i < n; i++) {
			rest = rest << 8 | num[i];
			num[i] = (uint8_t)(rest / radix);
			rest %= radix;
		}
		text[--at] = a->digits[rest];
		while (first < n && num[first] == 0)
			first++;
	}
	wr_bytes(out, text + at, sizeof(text) - at);
}

void
multibase_encode_raw(enum multibase base, const uint8_t *bytes, size_t len,
    struct wr *out)
{
	const struct alphabet *a = find(base);

	if (a->bits > 0)
		encode_bits(a, bytes, len, out);
	else
		encode_radix(a, bytes, len, out);
}

int
multibase_decode(const char *text, size_t textlen, uint8_t *out, size_t *len)
{
	if (textlen == 0)
		return P2P_ERR_FORMAT;
	if (find(text[0]) == NULL)
		return P2P_ERR_UNSUPPORTED;
	return multibase_decode_raw((enum multibase)text[0], text + 1,
	    textlen - 1, out, len);
}

void
multibase_encode(enum multibase base, const uint8_t *bytes, size_t len,
    struct wr *out)
{
	wr_u8(out, (uint8_t)base);
	multibase_encode_raw(base, bytes, len, out);
}
