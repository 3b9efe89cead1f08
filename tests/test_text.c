#include "p2p/text.h"

#include <string.h>

#include "check.h"

/* Hostile text, and what of it may be shown. */
static const struct {
	const char	*in, *out;
} corpus[] = {
	{ "plain", "plain" },
	{ "\x1b[31mred\x1b]0;title\x07", "\xef\xbf\xbd[31mred\xef\xbf\xbd]0;title"
	    "\xef\xbf\xbd" },
	{ "a\rb\nc\td", "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\xef\xbf\xbd" "d" },
	{ "\x7f", "\xef\xbf\xbd" },
	{ "\xc2\x9b" "31m", "\xef\xbf\xbd" "31m" },		/* C1 CSI */
	{ "\x9b" "31m", "\xef\xbf\xbd" "31m" },
	{ "\xe2\x80\xae" "txt.exe", "\xef\xbf\xbd" "txt.exe" },	/* RLO */
	{ "\xe2\x81\xa6", "\xef\xbf\xbd" },			/* LRI */
	{ "\xe2\x80\xa8", "\xef\xbf\xbd" },			/* line sep. */
	{ "\xef\xbb\xbf" "bom", "\xef\xbf\xbd" "bom" },
	{ "\xf3\xa0\x81\x81", "\xef\xbf\xbd" },			/* tag A */
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },		/* overlong / */
	{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },		/* cut short */
	{ "\xef\xbf\xbf", "\xef\xbf\xbd" },			/* U+FFFF */
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",	/* emoji, joined */
	    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" },
	{ "a\xe2\x80\x8d" "b", "a\xef\xbf\xbd" "b" },
	{ "z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
	    "z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xef\xbf\xbd" },
};

static void
hostile_text_comes_out_harmless(void)
{
	char out[256];
	size_t i;

	for (i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		p2p_text_clean(out, sizeof(out), corpus[i].in,
		    strlen(corpus[i].in), 0);
		CHECK_STR(out, corpus[i].out);
	}
}

static void
every_single_character_is_safe(void)
{
	unsigned char in[4];
	char out[16];
	unsigned a, b;
	size_t n, i;

	for (a = 0; a < 256; a++) {
		for (b = 0; b < 256; b++) {
			in[0] = (unsigned char)a;
			in[1] = (unsigned char)b;
			n = p2p_text_clean(out, sizeof(out), (char *)in, 2, 0);
			for (i = 0; i < n; i++)
				CHECK_FATAL((unsigned char)out[i] >= 0x20 &&
				    out[i] != 0x7f);
			CHECK_FATAL(!(n >= 2 && (unsigned char)out[0] == 0xc2 &&
			    (unsigned char)out[1] < 0xa0));
		}
	}
}

static void
newlines_stay_only_when_asked_for(void)
{
	char out[16];

	p2p_text_clean(out, sizeof(out), "a\nb", 3, P2P_TEXT_NEWLINE);
	CHECK_STR(out, "a\nb");
}

static void
short_buffers_never_hold_half_a_character(void)
{
	static const char in[] = "a\xe2\x82\xac" "b";
	char out[8];
	size_t cap, want[] = { 0, 0, 1, 1, 1, 4, 5 };

	for (cap = 1; cap < 7; cap++) {
		CHECK_EQ(p2p_text_clean(out, cap, in, sizeof(in) - 1, 0),
		    want[cap]);
		CHECK_EQ(strlen(out), want[cap]);
	}
}

static void
the_ascii_form_is_ascii(void)
{
	char out[64];

	p2p_text_clean(out, sizeof(out), "\xe2\x82\xac\\\x1b", 5,
	    P2P_TEXT_ASCII);
	CHECK_STR(out, "\\u{20ac}\\u{005c}\\u{fffd}");
	CHECK_EQ(p2p_text_width("a\xf0\x9f\x98\x80"), 3);
}

TESTS("text",
	{ "hostile text comes out harmless", hostile_text_comes_out_harmless },
	{ "every single character is safe", every_single_character_is_safe },
	{ "newlines stay only when asked for",
	    newlines_stay_only_when_asked_for },
	{ "short buffers never hold half a character",
	    short_buffers_never_hold_half_a_character },
	{ "the ascii form is ascii", the_ascii_form_is_ascii })
