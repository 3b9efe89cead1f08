/*
 * A stream by length becomes one by line: each text ends in a newline, which is
 * added where it is missing, and newlines inside it divide it.  So whatever a
 * peer sends, a line on the screen has a sender before it.
 */
#include "chat_frame.h"

#include <string.h>

#include "p2p/error.h"

/* Bytes of a varint at p, 0 when it does not end in len or is too long. */
static size_t
varint(const uint8_t *p, size_t len, uint32_t *value)
{
	size_t n;

	*value = 0;
	for (n = 0; n < len && n < CHAT_PREFIX_MAX; n++) {
		*value |= (uint32_t)(p[n] & 0x7f) << (7 * n);
		if ((p[n] & 0x80) == 0)
			return n + 1;
	}
	return 0;
}

enum chat_framing
chat_frame_guess(const uint8_t *p, size_t len)
{
	uint32_t value;
	size_t n = varint(p, len, &value);

	if (n > 0 && value == len - n)
		return CHAT_BY_LENGTH;
	/* A tab, an end of line and an escape may begin a text. */
	if (p[0] < ' ' && strchr("\t\n\r\033", p[0]) == NULL)
		return CHAT_BY_LENGTH;
	return p[0] == 0 ? CHAT_BY_LENGTH : CHAT_BY_LINE;
}

/* One byte of a length; 0 or an error. */
static int
take_length(struct chat_frame *f, uint8_t byte)
{
	if (f->shift >= 7 * CHAT_PREFIX_MAX)
		return P2P_ERR_TOO_LARGE;
	if (f->shift > 0 && byte == 0)
		return P2P_ERR_FORMAT;	/* not the shortest */
	f->left |= (uint32_t)(byte & 0x7f) << f->shift;
	f->shift += 7;
	if ((byte & 0x80) != 0)
		return 0;
	if (f->left > CHAT_FRAME_MAX)
		return P2P_ERR_TOO_LARGE;
	f->shift = 0;
	f->ended = false;
	f->inside = true;
	return 0;
}

bool
chat_frame_pending(const struct chat_frame *f)
{
	return f->inside && f->left == 0;
}

ssize_t
chat_frame_take(struct chat_frame *f, const uint8_t *p, size_t len)
{
	size_t cap, used = 0, n = 0;
	char *to = chat_lines_space(&f->lines, &cap);
	int e;

	if (f->framing == CHAT_UNKNOWN && len > 0)
		f->framing = chat_frame_guess(p, len);
	if (f->framing != CHAT_BY_LENGTH) {
		n = len < cap ? len : cap;
		memcpy(to, p, n);
		f->lines.have += n;
		return (ssize_t)n;
	}
	while (n < cap && (used < len || chat_frame_pending(f))) {
		if (chat_frame_pending(f)) {
			f->inside = false;
			if (!f->ended)
				to[n++] = '\n';
		} else if (f->inside) {
			f->ended = p[used] == '\n';
			to[n++] = (char)p[used++];
			f->left--;
		} else if ((e = take_length(f, p[used++])) != 0) {
			return e;
		}
	}
	f->lines.have += n;
	return (ssize_t)used;
}

ssize_t
chat_frame_next(struct chat_frame *f, bool end, const char **line, bool *cut)
{
	size_t before;
	ssize_t len;
	bool whole;

	*cut = false;
	while ((len = chat_lines_next(&f->lines, end, line, &whole)) >= 0) {
		before = f->shown;
		f->shown = whole ? 0 : before + (size_t)len;
		if (before >= CHAT_SHOWN_MAX)
			continue;
		*cut = !whole && f->shown >= CHAT_SHOWN_MAX;
		return len;
	}
	return len;
}

size_t
chat_frame_prefix(uint8_t out[CHAT_PREFIX_MAX], size_t len)
{
	size_t n = 0;

	for (; len >= 0x80; len >>= 7)
		out[n++] = (uint8_t)(len | 0x80);
	out[n++] = (uint8_t)len;
	return n;
}

size_t
chat_frame_blank(const char *line, size_t len)
{
	if (chat_frame_guess((const uint8_t *)line, len) != CHAT_BY_LENGTH)
		return 0;
	/* A newline is a length, too. */
	return len == '\n' ? 2 : 1;
}
