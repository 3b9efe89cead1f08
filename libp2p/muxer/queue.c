/*
 * A segment is as large as its first piece or twice the segment before it,
 * between SEGMENT_MIN and SEGMENT_MAX: few bytes take little, many take few
 * allocations.
 */
#include "muxer/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MIN	512
#define SEGMENT_MAX	(16 * 1024)
#define SEGMENTS_KEEP	256

struct queue_segment {
	struct queue_segment	*next;
	size_t			 cap, off, len;
	uint8_t			 bytes[];
};

void
queue_segments_init(struct bufpool *segments)
{
	bufpool_init(segments, sizeof(struct queue_segment) + SEGMENT_MAX,
	    SEGMENTS_KEEP);
}

void
queue_init(struct queue *q, struct bufpool *segments)
{
	*q = (struct queue){ .segments = segments };
}

static void
segment_free(struct queue *q, struct queue_segment *s)
{
	if (s->cap == SEGMENT_MAX)
		bufpool_put(q->segments, s);
	else
		free(s);
}

static struct queue_segment *
segment_new(struct queue *q, size_t want, const struct queue_segment *before)
{
	struct queue_segment *s;
	size_t cap = want;

	if (before != NULL && cap < 2 * before->cap)
		cap = 2 * before->cap;
	if (cap < SEGMENT_MIN)
		cap = SEGMENT_MIN;
	if (cap >= SEGMENT_MAX) {
		cap = SEGMENT_MAX;
		s = bufpool_get(q->segments);
	} else {
		s = malloc(sizeof(*s) + cap);
	}
	if (s == NULL)
		return NULL;
	s->next = NULL;
	s->cap = cap;
	s->off = s->len = 0;
	return s;
}

/* A chain of new segments for n bytes, or NULL. */
static struct queue_segment *
chain_new(struct queue *q, size_t n, struct queue_segment *before,
    struct queue_segment **last)
{
	struct queue_segment *first = NULL, *s;

	while (n > 0) {
		if ((s = segment_new(q, n, before)) == NULL)
			break;
		if (first == NULL)
			first = s;
		else
			before->next = s;
		before = *last = s;
		n -= n < s->cap ? n : s->cap;
	}
	if (n == 0)
		return first;
	while ((s = first) != NULL) {
		first = s->next;
		segment_free(q, s);
	}
	return NULL;
}

static void
fill(struct queue_segment *s, struct rd *in)
{
	size_t n = s->cap - s->off - s->len;
	struct rd part;

	if (n > in->len)
		n = in->len;
	if (n > 0 && rd_bytes(in, n, &part) == 0) {
		memcpy(s->bytes + s->off + s->len, part.p, n);
		s->len += n;
	}
}

int
queue_put(struct queue *q, struct rd in)
{
	struct queue_segment *chain = NULL, *s = q->last, *last = s;
	size_t fits = s != NULL ? s->cap - s->off - s->len : 0;

	if (in.len == 0)
		return 0;
	if (in.len > fits &&
	    (chain = chain_new(q, in.len - fits, s, &last)) == NULL)
		return -ENOMEM;
	q->len += in.len;
	if (s != NULL) {
		fill(s, &in);
		s->next = chain;
	} else {
		q->first = chain;
	}
	for (s = chain; s != NULL; s = s->next)
		fill(s, &in);
	q->last = last;
	return 0;
}

size_t
queue_take(struct queue *q, void *buf, size_t len)
{
	struct queue_segment *s;
	uint8_t *out = buf;
	size_t n, done = 0;

	while ((s = q->first) != NULL && done < len) {
		n = s->len < len - done ? s->len : len - done;
		memcpy(out + done, s->bytes + s->off, n);
		s->off += n;
		s->len -= n;
		done += n;
		if (s->len > 0)
			break;
		if ((q->first = s->next) == NULL)
			q->last = NULL;
		segment_free(q, s);
	}
	q->len -= done;
	return done;
}

void
queue_clear(struct queue *q)
{
	struct queue_segment *s;

	while ((s = q->first) != NULL) {
		q->first = s->next;
		segment_free(q, s);
	}
	q->last = NULL;
	q->len = 0;
}
