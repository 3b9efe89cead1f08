/*
 * The checked reader and the sticky writer.  One primitive each, rd_bytes()
 * and wr_take(), does the comparing; the rest is composed of them.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "p2p/error.h"

int
rd_bytes(struct rd *r, size_t n, struct rd *out)
{
	if (n > r->len)
		return P2P_ERR_SHORT;
	*out = (struct rd){ r->p, n };
	if (n > 0)
		r->p += n;
	r->len -= n;
	return 0;
}

static int
rd_uint(struct rd *r, size_t n, uint64_t *out)
{
	struct rd v;
	size_t i;
	int e;

	if ((e = rd_bytes(r, n, &v)) != 0)
		return e;
	*out = 0;
	for (i = 0; i < n; i++)
		*out = *out << 8 | v.p[i];
	return 0;
}

int
rd_u8(struct rd *r, uint8_t *out)
{
	uint64_t v;
	int e;

	if ((e = rd_uint(r, 1, &v)) == 0)
		*out = (uint8_t)v;
	return e;
}

int
rd_be16(struct rd *r, uint16_t *out)
{
	uint64_t v;
	int e;

	if ((e = rd_uint(r, 2, &v)) == 0)
		*out = (uint16_t)v;
	return e;
}

int
rd_be32(struct rd *r, uint32_t *out)
{
	uint64_t v;
	int e;

	if ((e = rd_uint(r, 4, &v)) == 0)
		*out = (uint32_t)v;
	return e;
}

int
rd_be64(struct rd *r, uint64_t *out)
{
	return rd_uint(r, 8, out);
}

int
rd_copy(struct rd *r, void *out, size_t n)
{
	struct rd v;
	int e;

	if ((e = rd_bytes(r, n, &v)) != 0)
		return e;
	if (n > 0)
		memcpy(out, v.p, n);
	return 0;
}

bool
rd_equal(const struct rd *r, const void *bytes, size_t len)
{
	return r->len == len && (len == 0 || memcmp(r->p, bytes, len) == 0);
}

void
wr_init(struct wr *w, void *buf, size_t cap)
{
	*w = (struct wr){ .p = buf, .cap = cap };
}

static uint8_t *
wr_take(struct wr *w, size_t n)
{
	uint8_t *p;

	if (w->full || n > w->cap - w->len) {
		w->full = true;
		return NULL;
	}
	p = w->p + w->len;
	w->len += n;
	return p;
}

static void
wr_uint(struct wr *w, uint64_t v, size_t n)
{
	uint8_t *p;

	if ((p = wr_take(w, n)) == NULL)
		return;
	while (n-- > 0)
		*p++ = (uint8_t)(v >> 8 * n);
}

void
wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, v, 1);
}

void
wr_be16(struct wr *w, uint16_t v)
{
	wr_uint(w, v, 2);
}

void
wr_be32(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 4);
}

void
wr_be64(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 8);
}

void
wr_bytes(struct wr *w, const void *bytes, size_t len)
{
	uint8_t *p;

	if ((p = wr_take(w, len)) != NULL && len > 0)
		memcpy(p, bytes, len);
}

size_t
wr_room(const struct wr *w)
{
	return w->full ? 0 : w->cap - w->len;
}

void
wr_printf(struct wr *w, const char *fmt, ...)
{
	va_list ap;
	size_t room = wr_room(w);
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? (char *)w->p + w->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)		/* vsnprintf wants its zero */
		w->full = true;
	else
		w->len += (size_t)n;
}

void
hex_put(char *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_get(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	size_t i, n = strlen(text);
	int hi, lo;

	if (n % 2 != 0)
		return P2P_ERR_FORMAT;
	if (n / 2 > cap)
		return P2P_ERR_TOO_LARGE;
	for (i = 0; i < n / 2; i++) {
		hi = hex_digit(text[2 * i]);
		lo = hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return P2P_ERR_FORMAT;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	*len = n / 2;
	return 0;
}
