#include "p2p/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "check.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define FFFD	"\xef\xbf\xbd"
#define ZWJ	"\xe2\x80\x8d"
#define ACUTE	"\xcc\x81"		/* U+0301 */
#define WOMAN	"\xf0\x9f\x91\xa9"	/* U+1F469 */
#define ROCKET	"\xf0\x9f\x9a\x80"	/* U+1F680 */
#define HAN	"\xe6\xbc\xa2"		/* U+6F22 */
#define S(s)	s, sizeof(s) - 1

static const struct {
	const char	*in;
	size_t		 len;
	unsigned	 flags;
	const char	*want;
} vectors[] = {
	{ S(""), 0, "" },
	{ S("plain text, ~!"), 0, "plain text, ~!" },
	{ S("na\xc3\xafve \xce\xbb " HAN), 0, "na\xc3\xafve \xce\xbb " HAN },
	/* C0, DEL, C1 */
	{ S("\x1b[31mred\x1b[0m"), 0, FFFD "[31mred" FFFD "[0m" },
	{ S("\x1b]0;title\x07"), 0, FFFD "]0;title" FFFD },
	{ S("a\0b"), 0, "a" FFFD "b" },
	{ S("a\tb\r"), 0, "a" FFFD "b" FFFD },
	{ S("a\nb"), 0, "a" FFFD "b" },
	{ S("a\nb"), P2P_TEXT_NEWLINE, "a\nb" },
	{ S("a\r\nb"), P2P_TEXT_NEWLINE, "a" FFFD "\nb" },
	{ S("\x7f"), 0, FFFD },
	{ S("\xc2\x9b" "31m"), 0, FFFD "31m" },		/* CSI of C1 */
	{ S("\xc2\x85"), P2P_TEXT_NEWLINE, FFFD },	/* NEL */
	/* broken UTF-8, RFC 3629 and Unicode table 3-7 */
	{ S("\x80"), 0, FFFD },
	{ S("\x9b" "31m"), 0, FFFD "31m" },
	{ S("\xc0\xaf"), 0, FFFD FFFD },
	{ S("\xc1\xbf"), 0, FFFD FFFD },
	{ S("\xe0\x80\xaf"), 0, FFFD FFFD FFFD },
	{ S("\xe0\x9f\xbf"), 0, FFFD FFFD FFFD },
	{ S("\xf0\x80\x80\xaf"), 0, FFFD FFFD FFFD FFFD },
	{ S("\xed\xa0\x80"), 0, FFFD FFFD FFFD },	/* surrogate */
	{ S("\xed\xbf\xbf"), 0, FFFD FFFD FFFD },
	{ S("\xf4\x90\x80\x80"), 0, FFFD FFFD FFFD FFFD },
	{ S("\xf5\x80\x80\x80"), 0, FFFD FFFD FFFD FFFD },
	{ S("\xf8\x88\x80\x80\x80"), 0, FFFD FFFD FFFD FFFD FFFD },
	{ S("\xfe\xff"), 0, FFFD FFFD },
	{ S("\xc3"), 0, FFFD },
	{ S("\xc3(" ), 0, FFFD "(" },
	{ S("\xe6\xbc"), 0, FFFD },
	{ S("\xe6\xbc" "A"), 0, FFFD "A" },
	{ S("\xf0\x9f\x9a"), 0, FFFD },
	{ S("\xf0\x9f\x9a\x1b"), 0, FFFD FFFD },
	{ S("\xe6" HAN), 0, FFFD HAN },
	/* invisible, directional, private, noncharacters */
	{ S("user\xe2\x80\xaegnp.exe"), 0, "user" FFFD "gnp.exe" },
	{ S("\xe2\x81\xa6x\xe2\x81\xa9"), 0, FFFD "x" FFFD },
	{ S("a\xe2\x80\x8b" "b"), 0, "a" FFFD "b" },
	{ S("\xef\xbb\xbfx"), 0, FFFD "x" },
	{ S("\xc2\xad"), 0, FFFD },
	{ S("\xe2\x80\xa8\xe2\x80\xa9"), P2P_TEXT_NEWLINE, FFFD FFFD },
	{ S("\xf3\xa0\x81\x81"), 0, FFFD },		/* a tag */
	{ S("\xee\x80\x80"), 0, FFFD },
	{ S("\xf4\x8f\xbf\xbd"), 0, FFFD },
	{ S("\xef\xb7\x90\xef\xbf\xbe\xef\xbf\xbf"), 0, FFFD FFFD FFFD },
	{ S("\xe3\x85\xa4"), 0, FFFD },			/* Hangul filler */
	/* combining marks */
	{ S("e" ACUTE), 0, "e" ACUTE },
	{ S("e" ACUTE ACUTE ACUTE ACUTE), 0, "e" ACUTE ACUTE ACUTE ACUTE },
	{ S("e" ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE "x" ACUTE), 0,
	    "e" ACUTE ACUTE ACUTE ACUTE FFFD FFFD "x" ACUTE },
	{ S(ACUTE "x"), 0, FFFD "x" },
	{ S("x\n" ACUTE), P2P_TEXT_NEWLINE, "x\n" FFFD },
	{ S("x\n" ACUTE), 0, "x" FFFD ACUTE },
	/* the joiner */
	{ S(WOMAN ZWJ ROCKET), 0, WOMAN ZWJ ROCKET },
	{ S(WOMAN "\xef\xb8\x8f" ZWJ ROCKET), 0,
	    WOMAN "\xef\xb8\x8f" ZWJ ROCKET },
	{ S(WOMAN ZWJ ROCKET ZWJ WOMAN), 0, WOMAN ZWJ ROCKET ZWJ WOMAN },
	{ S("a" ZWJ "b"), 0, "a" FFFD "b" },
	{ S(ZWJ ROCKET), 0, FFFD ROCKET },
	{ S(WOMAN ZWJ), 0, WOMAN FFFD },
	{ S(WOMAN ZWJ "b"), 0, WOMAN FFFD "b" },
	{ S(WOMAN ZWJ ZWJ ROCKET), 0, WOMAN FFFD FFFD ROCKET },
	{ S(WOMAN ZWJ ACUTE), 0, WOMAN FFFD ACUTE },
	{ S(WOMAN ZWJ "\xf0\x9f\x9a"), 0, WOMAN FFFD FFFD },
	/* for terminals without UTF-8 */
	{ S("na\xc3\xafve " ROCKET), P2P_TEXT_ASCII,
	    "na\\u{00EF}ve \\u{1F680}" },
	{ S("\x1b[0m\xff"), P2P_TEXT_ASCII, "\\u{FFFD}[0m\\u{FFFD}" },
	{ S("\xf0\xaf\xbf\xbd\n"), P2P_TEXT_ASCII | P2P_TEXT_NEWLINE,
	    "\\u{2FFFD}\n" },
	{ S(WOMAN ZWJ ROCKET), P2P_TEXT_ASCII,
	    "\\u{1F469}\\u{200D}\\u{1F680}" },
};

/* Cf, Zl and Zp of Unicode 15, DerivedGeneralCategory.txt, by themselves. */
static const struct {
	uint32_t	first, last;
} format_chars[] = {
	{ 0xad, 0xad }, { 0x600, 0x605 }, { 0x61c, 0x61c },
	{ 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x890, 0x891 },
	{ 0x8e2, 0x8e2 }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x2064 }, { 0x2066, 0x206f },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0x110bd, 0x110bd },
	{ 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f },
};

static bool
is_format(uint32_t c)
{
	size_t i;

	for (i = 0; i < N(format_chars); i++)
		if (c >= format_chars[i].first && c <= format_chars[i].last)
			return true;
	return false;
}

/* What every output has to be, judged without the code under test. */
static bool
harmless(const char *out, size_t len, unsigned flags)
{
	struct rd r = { (const uint8_t *)out, len };
	unsigned marks = 0;
	uint32_t c;

	if (strlen(out) != len)
		return false;
	while (r.len > 0) {
		if ((c = unicode_get(&r)) == UNICODE_NONE)
			return false;
		if (c == '\n' && (flags & P2P_TEXT_NEWLINE) != 0)
			continue;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
		if (is_format(c) && c != UNICODE_ZWJ)
			return false;
		if (c >= 0x80 && (flags & P2P_TEXT_ASCII) != 0)
			return false;
		marks = c >= 0x300 && c < 0x370 ? marks + 1 : 0;
		if (marks > 4)
			return false;
	}
	return true;
}

/* Clean into a buffer of exactly cap bytes; the result is the caller's. */
static char *
clean(const char *in, size_t len, size_t cap, unsigned flags, size_t *outlen)
{
	char *src = malloc(len > 0 ? len : 1), *dst = malloc(cap);

	if (len > 0)
		memcpy(src, in, len);
	*outlen = p2p_text_clean(dst, cap, src, len, flags);
	free(src);
	return dst;
}

static void
each_hostile_string_is_shown_as_told(void)
{
	size_t i, len;
	char *out;

	for (i = 0; i < N(vectors); i++) {
		out = clean(vectors[i].in, vectors[i].len, 256,
		    vectors[i].flags, &len);
		CHECK_STR(out, vectors[i].want);
		CHECK(harmless(out, len, vectors[i].flags));
		free(out);
	}
}

static void
cut_at_every_length_it_stays_harmless_and_a_prefix(void)
{
	char *out, *again;
	size_t i, cap, len, len2, full;

	for (i = 0; i < N(vectors); i++) {
		full = strlen(vectors[i].want);
		for (cap = 1; cap <= full + 1; cap++) {
			out = clean(vectors[i].in, vectors[i].len, cap,
			    vectors[i].flags, &len);
			CHECK(len < cap);
			CHECK(memcmp(out, vectors[i].want, len) == 0);
			CHECK(harmless(out, len, vectors[i].flags));
			again = clean(out, len, cap, vectors[i].flags, &len2);
			CHECK_BYTES(again, len2, out, len);
			free(again);
			free(out);
		}
	}
}

static void
no_room_at_all_is_left_alone(void)
{
	char c = 'x';

	CHECK_EQ(p2p_text_clean(&c, 0, "abc", 3, 0), 0);
	CHECK_EQ(c, 'x');
}

/* Each character alone, and after a letter and a wide character. */
static void
no_format_character_of_unicode_comes_through(void)
{
	uint8_t in[16];
	struct wr w;
	uint32_t c;
	size_t len;
	char *out;

	for (c = 0; c <= 0x10ffff; c++) {
		wr_init(&w, in, sizeof(in));
		wr_bytes(&w, "a" HAN, 4);
		unicode_put(&w, c);
		wr_u8(&w, 'b');
		out = clean((char *)in, w.len, 32, 0, &len);
		if (!harmless(out, len, 0) || strstr(out, ZWJ) != NULL) {
			fprintf(stderr, "U+%04X\n", (unsigned)c);
			CU_FAIL("a character came through");
		}
		free(out);
	}
}

static void
any_bytes_become_a_fixed_point(void)
{
	static const char *const bits[] = { "a", "\n", ACUTE, ZWJ, WOMAN,
	    ROCKET, "\xe2\x80", "\xed\xa0\x80", "\xf0", "\x1b", "\xc2\x9b",
	    "\xe2\x80\xae", FFFD, "\xe1\x85\xa1", "\\u{" };
	uint32_t seed = 1;
	char in[256], *out, *again;
	size_t i, n, cap, len, len2;
	unsigned flags;

	for (i = 0; i < 20000; i++) {
		in[0] = '\0';
		for (n = 0; n < 20; n++) {
			seed = seed * 1664525 + 1013904223;
			strcat(in, bits[(seed >> 16) % N(bits)]);
		}
		flags = i % 4;
		cap = 1 + (seed >> 8) % 200;
		out = clean(in, strlen(in), cap, flags, &len);
		CHECK(harmless(out, len, flags));
		again = clean(out, len, cap, flags, &len2);
		CHECK(len == len2 && memcmp(out, again, len) == 0);
		free(again);
		free(out);
	}
}

static void
a_flood_of_marks_costs_its_length(void)
{
	size_t n = 100000, i, len;
	char *in = malloc(2 * n + 1), *out;

	in[0] = 'x';
	for (i = 0; i < n; i++)
		memcpy(in + 1 + 2 * i, ACUTE, 2);
	out = clean(in, 2 * n + 1, 4 * n, 0, &len);
	CHECK_EQ(len, 1 + 4 * 2 + (n - 4) * 3);
	CHECK(harmless(out, len, 0));
	CHECK_EQ(p2p_text_width(out), 1 + (n - 4));
	free(out);
	free(in);
}

static void
width_counts_columns(void)
{
	CHECK_EQ(p2p_text_width(""), 0);
	CHECK_EQ(p2p_text_width("abc"), 3);
	CHECK_EQ(p2p_text_width("e" ACUTE), 1);
	CHECK_EQ(p2p_text_width(HAN HAN), 4);
	CHECK_EQ(p2p_text_width(WOMAN ZWJ ROCKET), 4);
	CHECK_EQ(p2p_text_width(FFFD), 1);
	CHECK_EQ(p2p_text_width("\xef\xbd\xb6"), 1);	/* halfwidth kana */
	CHECK_EQ(p2p_text_width("\xef\xbc\xa1"), 2);	/* fullwidth A */
	/* A Hangul syllable in three parts. */
	CHECK_EQ(p2p_text_width("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), 2);
}

TESTS("text",
	{ "each hostile string is shown as told",
	    each_hostile_string_is_shown_as_told },
	{ "cut at every length it stays harmless and a prefix",
	    cut_at_every_length_it_stays_harmless_and_a_prefix },
	{ "no room at all is left alone", no_room_at_all_is_left_alone },
	{ "no format character of Unicode comes through",
	    no_format_character_of_unicode_comes_through },
	{ "any bytes become a fixed point", any_bytes_become_a_fixed_point },
	{ "a flood of marks costs its length",
	    a_flood_of_marks_costs_its_length },
	{ "width counts columns", width_counts_columns })
