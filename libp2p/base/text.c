/*
 * One pass over the characters, which are decoded by unicode.c.  What is put
 * out is a fixed point: cleaning cleaned text changes nothing.  To that end a
 * joiner is put out together with the wide character behind it, or not at all,
 * also when the buffer ends between the two.
 *
 * Every input byte gives at most one character, so the work is linear.
 */
#include "p2p/text.h"

#include <stdint.h>
#include <string.h>

#include "base/unicode.h"

#define MARKS_MAX	4	/* combining marks a character may carry */

struct clean {
	struct wr	w;
	unsigned	flags;
	unsigned	marks;		/* in a row so far */
	bool		base;		/* there is something to sit on */
	bool		wide;		/* and it is wide */
};

/* Append a character in the form that the flags ask for. */
static void
put(struct wr *w, uint32_t c, unsigned flags)
{
	char hex[9];
	size_t n = sizeof(hex);

	if (c < 0x80 || (flags & P2P_TEXT_ASCII) == 0) {
		unicode_put(w, c);
		return;
	}
	hex[--n] = '}';
	for (; c > 0 || n > 4; c >>= 4)
		hex[--n] = "0123456789ABCDEF"[c & 15];
	if (wr_room(w) < 3 + sizeof(hex) - n) {
		w->full = true;
		return;
	}
	wr_bytes(w, "\\u{", 3);
	wr_bytes(w, hex + n, sizeof(hex) - n);
}

/* A joiner between two wide characters takes both at once. */
static bool
join(struct clean *s, struct rd *in)
{
	struct rd ahead = *in;
	struct wr w = s->w;
	uint32_t next;

	if (!s->wide || ahead.len == 0)
		return false;
	next = unicode_get(&ahead);
	if (next == UNICODE_NONE || unicode_is_unsafe(next) ||
	    unicode_is_mark(next) || !unicode_is_wide(next))
		return false;
	put(&w, UNICODE_ZWJ, s->flags);
	put(&w, next, s->flags);
	if (w.full) {
		s->w.full = true;
		return true;
	}
	s->w = w;
	s->marks = 0;
	*in = ahead;
	return true;
}

/* What may be shown in place of c, one character. */
static uint32_t
safe(struct clean *s, uint32_t c)
{
	if (c == '\n' && (s->flags & P2P_TEXT_NEWLINE) != 0) {
		s->base = s->wide = false;
		s->marks = 0;
		return c;
	}
	if (unicode_is_mark(c)) {
		if (s->base && s->marks < MARKS_MAX) {
			s->marks++;
			return c;
		}
		return UNICODE_REPLACEMENT;
	}
	s->marks = 0;
	s->base = true;
	if (unicode_is_unsafe(c)) {
		s->wide = false;
		return UNICODE_REPLACEMENT;
	}
	s->wide = unicode_is_wide(c);
	return c;
}

size_t
p2p_text_clean(char *dst, size_t cap, const char *src, size_t len,
    unsigned flags)
{
	struct clean s = { .flags = flags };
	struct rd in = { (const uint8_t *)src, len };
	uint32_t c;

	if (cap == 0)
		return 0;
	wr_init(&s.w, dst, cap - 1);
	while (in.len > 0 && !s.w.full) {
		c = unicode_get(&in);
		if (c == UNICODE_ZWJ && join(&s, &in))
			continue;
		put(&s.w, safe(&s, c), flags);
	}
	dst[s.w.len] = '\0';
	return s.w.len;
}

size_t
p2p_text_width(const char *text)
{
	struct rd in = { (const uint8_t *)text, strlen(text) };
	size_t columns = 0;
	uint32_t c;

	while (in.len > 0) {
		c = unicode_get(&in);
		if (c == '\n' || c == UNICODE_ZWJ || unicode_is_mark(c))
			continue;
		columns += unicode_is_wide(c) ? 2 : 1;
	}
	return columns;
}
