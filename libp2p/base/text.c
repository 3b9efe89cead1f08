/*
 * One pass over the text: decode a character, decide, write it or its
 * replacement.  The tables name what could drive a terminal or hide from a
 * reader; everything else in Unicode may pass.
 */
#include "p2p/text.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define REPLACEMENT	0xfffd
#define ZWJ		0x200d
#define MARKS_MAX	4	/* combining marks on one character */

struct range {
	uint32_t	first, last;
};

/* Controls, format characters, separators, surrogates, private use. */
static const struct range unsafe[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x600, 0x605 },
	{ 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f },
	{ 0x890, 0x891 }, { 0x8e2, 0x8e2 }, { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff }, { 0xfdd0, 0xfdef }, { 0xfe00, 0xfe0e },
	{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffc },
	{ 0xfffe, 0xffff }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff }, { 0xf0000, 0x10ffff },
};

static const struct range combining[] = {
	{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd },
	{ 0x610, 0x61a }, { 0x64b, 0x65f }, { 0x6d6, 0x6dc },
	{ 0x900, 0x903 }, { 0x93a, 0x94f }, { 0xe31, 0xe31 },
	{ 0xe34, 0xe3a }, { 0xe47, 0xe4e }, { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20f0 }, { 0x302a, 0x302f },
	{ 0x3099, 0x309a }, { 0xfe0f, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static const struct range wide[] = {
	{ 0x1100, 0x115e }, { 0x231a, 0x231b }, { 0x2329, 0x232a },
	{ 0x2600, 0x27bf }, { 0x2e80, 0x303e }, { 0x3041, 0x3163 },
	{ 0x3165, 0xa4cf }, { 0xa960, 0xa97c }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x16fe0, 0x18aff }, { 0x1b000, 0x1b2ff },
	{ 0x1f004, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

#define IN(c, table)	in_table((c), (table), sizeof(table) / sizeof(*(table)))

static bool
in_table(uint32_t c, const struct range *t, size_t n)
{
	size_t i;

	for (i = 0; i < n && t[i].first <= c; i++)
		if (c <= t[i].last)
			return true;
	return false;
}

/*
 * Decode one character of len > 0 bytes; returns how many it took.  What is no
 * UTF-8 (overlong, surrogates, beyond U+10FFFF, cut short) is a replacement of
 * one byte.
 */
static size_t
decode(const unsigned char *p, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
	    p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 :
	    0;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	*out = REPLACEMENT;
	if (n == 0 || n > len)
		return 1;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (n > 1 && (c < least[n] || c > 0x10ffff ||
	    (c >= 0xd800 && c < 0xe000)))
		return 1;
	*out = c;
	return n;
}

static void
encode(struct wr *w, uint32_t c)
{
	if (c < 0x80) {
		wr_u8(w, (uint8_t)c);
	} else if (c < 0x800) {
		wr_u8(w, (uint8_t)(0xc0 | c >> 6));
		wr_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		wr_u8(w, (uint8_t)(0xe0 | c >> 12));
		wr_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		wr_u8(w, (uint8_t)(0xf0 | c >> 18));
		wr_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static void
write_char(struct wr *w, uint32_t c, unsigned flags)
{
	struct wr before = *w;

	if ((flags & P2P_TEXT_ASCII) && (c >= 0x80))
		wr_printf(w, "\\u{%04x}", (unsigned)c);
	else if ((flags & P2P_TEXT_ASCII) && c == '\\')
		wr_printf(w, "\\u{005c}");
	else
		encode(w, c);
	if (w->full) {			/* never half a character */
		*w = before;
		w->full = true;
	}
}

/* Whether a joiner stands between two wide characters. */
static bool
joins(uint32_t before, const unsigned char *p, size_t len)
{
	uint32_t after;

	if (len == 0 || !IN(before, wide))
		return false;
	decode(p, len, &after);
	return IN(after, wide);
}

size_t
p2p_text_clean(char *dst, size_t cap, const char *src, size_t len,
    unsigned flags)
{
	const unsigned char *p = (const unsigned char *)src;
	uint32_t c, before = 0;
	unsigned marks = 0;
	struct wr w;
	size_t n;

	if (cap == 0)
		return 0;
	wr_init(&w, dst, cap - 1);
	while (len > 0 && !w.full) {
		n = decode(p, len, &c);
		p += n;
		len -= n;
		marks = IN(c, combining) ? marks + 1 : 0;
		if (c == '\n' && (flags & P2P_TEXT_NEWLINE))
			;
		else if (c == ZWJ && joins(before, p, len))
			;
		else if (IN(c, unsafe) || (c & 0xfffe) == 0xfffe ||
		    marks > MARKS_MAX)
			c = REPLACEMENT;
		write_char(&w, c, flags);
		if (marks == 0)
			before = c;
	}
	dst[w.len] = '\0';
	return w.len;
}

size_t
p2p_text_width(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = strlen(text), width = 0, n;
	uint32_t c;

	while (len > 0) {
		n = decode(p, len, &c);
		p += n;
		len -= n;
		if (c != ZWJ && !IN(c, combining))
			width += IN(c, wide) ? 2 : 1;
	}
	return width;
}
