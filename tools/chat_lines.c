/*
 * The buffer holds a message of the greatest length with its line's end, so a
 * full one without an end in it is a line that is too long.
 */
#include "chat_frame.h"

#include <string.h>

char *
chat_lines_space(struct chat_lines *l, size_t *cap)
{
	memmove(l->buf, l->buf + l->from, l->have);
	l->from = 0;
	*cap = sizeof(l->buf) - l->have;
	return l->buf + l->have;
}

/* Where a line too long is cut: before the character that goes beyond. */
static size_t
cut(const char *p)
{
	size_t n = CHAT_LINE_MAX;

	while (n > CHAT_LINE_MAX - 3 && (p[n] & 0xc0) == 0x80)
		n--;
	return (p[n] & 0xc0) != 0x80 ? n : CHAT_LINE_MAX;
}

ssize_t
chat_lines_next(struct chat_lines *l, bool end, const char **line, bool *whole)
{
	const char *p = l->buf + l->from, *nl = memchr(p, '\n', l->have);
	size_t len = nl != NULL ? (size_t)(nl - p) : l->have, used;

	if (nl == NULL && (len == 0 || (!end && len < sizeof(l->buf))))
		return -1;
	used = len + (nl != NULL);
	if (nl != NULL && len > 0 && p[len - 1] == '\r')
		len--;
	*whole = len <= CHAT_LINE_MAX;
	if (!*whole)
		used = len = cut(p);
	*line = p;
	l->from += used;
	l->have -= used;
	return (ssize_t)len;
}
