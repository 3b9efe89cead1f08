#include "services/kad/kad_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"

#define FIRST	1024		/* bytes; doubled as they come */

void
kad_frame_init(struct kad_frame *f, size_t max)
{
	memset(f, 0, sizeof(*f));
	f->max = max;
}

void
kad_frame_fini(struct kad_frame *f)
{
	free(f->buf);
	f->buf = NULL;
}

/* One byte of the length. */
static int
take_prefix(struct kad_frame *f, uint8_t byte)
{
	struct rd r = { f->prefix, f->nprefix + 1 };
	uint64_t want;
	int e;

	f->prefix[f->nprefix++] = byte;
	if ((e = varint_get(&r, &want)) == P2P_ERR_SHORT)
		return f->nprefix < sizeof(f->prefix) ? 0 : P2P_ERR_FORMAT;
	if (e != 0)
		return e;
	if (want == 0)
		return P2P_ERR_FORMAT;
	if (want > f->max)
		return P2P_ERR_TOO_LARGE;
	f->want = (size_t)want;
	f->len = 0;
	f->in_body = true;
	return 0;
}

/* Room for n bytes more. */
static int
grow(struct kad_frame *f, size_t n)
{
	size_t cap = f->cap > 0 ? f->cap : FIRST;
	uint8_t *buf;

	while (cap < f->len + n)
		cap *= 2;
	if (cap == f->cap)
		return 0;
	if ((buf = realloc(f->buf, cap)) == NULL)
		return -ENOMEM;
	f->buf = buf;
	f->cap = cap;
	return 0;
}

int
kad_frame_feed(struct kad_frame *f, struct rd *in, struct rd *msg)
{
	uint8_t byte;
	size_t n;
	int e;

	while (!f->in_body) {
		if (rd_u8(in, &byte) != 0)
			return 1;
		if ((e = take_prefix(f, byte)) != 0)
			return e;
	}
	n = f->want - f->len < in->len ? f->want - f->len : in->len;
	if ((e = grow(f, n)) != 0)
		return e;
	if (n > 0 && (e = rd_copy(in, f->buf + f->len, n)) != 0)
		return e;
	f->len += n;
	if (f->len < f->want)
		return 1;
	*msg = (struct rd){ f->buf, f->len };
	f->in_body = false;
	f->nprefix = 0;
	return 0;
}

bool
kad_frame_partial(const struct kad_frame *f)
{
	return f->in_body || f->nprefix > 0;
}
