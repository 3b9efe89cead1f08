/*
 * The receive queue against a model: two counters, and a byte that follows
 * from its position.  The linker sends the library's malloc and free through
 * here, so that what is held can be weighed and an allocation can be refused.
 */
#include "muxer/queue.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"

#define PIECE_MAX	(100 * 1024)
#define SEGMENT		(16 * 1024)	/* the largest: muxer/queue.c */

void	*__real_malloc(size_t size);
void	 __real_free(void *p);
void	*__wrap_malloc(size_t size);
void	 __wrap_free(void *p);

static size_t held;		/* bytes */
static long refuse_in = -1;	/* allocations until one is refused */

void *
__wrap_malloc(size_t size)
{
	void *p;

	if (refuse_in >= 0 && refuse_in-- == 0)
		return NULL;
	if ((p = __real_malloc(size)) != NULL)
		held += malloc_usable_size(p);
	return p;
}

void
__wrap_free(void *p)
{
	if (p != NULL)
		held -= malloc_usable_size(p);
	__real_free(p);
}

struct model {
	struct bufpool	 pool;
	struct queue	 q;
	uint64_t	 in, out;	/* bytes put and taken so far */
	size_t		 before;	/* held elsewhere */
	uint8_t		*buf;		/* PIECE_MAX + 1 */
	uint32_t	 seed;
};

static void
model_init(struct model *m)
{
	*m = (struct model){ .seed = 1 };
	m->buf = malloc(PIECE_MAX + 1);
	queue_segments_init(&m->pool);
	queue_init(&m->q, &m->pool);
	m->before = held;
}

static void
model_fini(struct model *m)
{
	queue_clear(&m->q);
	CHECK_EQ(m->q.len, 0);
	bufpool_fini(&m->pool);
	CHECK_EQ(held, m->before);
	free(m->buf);
}

/* What the queue holds, without the buffers that its pool keeps. */
static size_t
weight(struct model *m)
{
	return held - m->before - m->pool.n *
	    (m->pool.n > 0 ? malloc_usable_size(m->pool.kept) : 0);
}

static uint8_t
byte_at(uint64_t pos)
{
	return (uint8_t)(pos * 2654435761u >> 13);
}

static int
put(struct model *m, size_t len)
{
	size_t i;
	int e;

	for (i = 0; i < len; i++)
		m->buf[i] = byte_at(m->in + i);
	if ((e = queue_put(&m->q, (struct rd){ m->buf, len })) == 0)
		m->in += len;
	CHECK_EQ(m->q.len, m->in - m->out);
	return e;
}

static void
take(struct model *m, size_t len)
{
	uint64_t have = m->in - m->out;
	size_t i, n, wrong = 0;

	n = queue_take(&m->q, m->buf, len);
	CHECK_EQ(n, have < len ? have : len);
	for (i = 0; i < n; i++)
		wrong += m->buf[i] != byte_at(m->out + i);
	CHECK_EQ(wrong, 0);
	m->out += n;
	CHECK_EQ(m->q.len, m->in - m->out);
}

/* Of every order of magnitude up to most. */
static size_t
size_up_to(struct model *m, size_t most)
{
	size_t n;

	m->seed = m->seed * 1664525 + 1013904223;
	n = (size_t)1 << (m->seed >> 27) % 17;
	m->seed = m->seed * 1664525 + 1013904223;
	n = (m->seed >> 8) % (n + 1);
	return n < most ? n : most;
}

static void
an_empty_queue_gives_nothing(void)
{
	struct model m;

	model_init(&m);
	CHECK_EQ(queue_take(&m.q, m.buf, 10), 0);
	CHECK_OK(queue_put(&m.q, (struct rd){ NULL, 0 }));
	CHECK_EQ(queue_take(&m.q, m.buf, 10), 0);
	CHECK_EQ(weight(&m), 0);
	CHECK_OK(put(&m, 3));
	take(&m, 0);
	take(&m, 10);
	CHECK_EQ(weight(&m), 0);
	model_fini(&m);
}

static void
bytes_come_out_as_they_went_in(void)
{
	struct model m;
	int i;

	model_init(&m);
	for (i = 0; i < 20000; i++) {
		if (m.q.len < 1024 * 1024)
			CHECK_OK(put(&m, size_up_to(&m, PIECE_MAX)));
		take(&m, size_up_to(&m, PIECE_MAX));
		/* The first segment and the last may be almost empty. */
		CHECK(weight(&m) <= 2 * m.q.len + 2 * SEGMENT + 1024);
	}
	while (m.q.len > 0)
		take(&m, size_up_to(&m, PIECE_MAX) + 1);
	CHECK_EQ(weight(&m), 0);
	model_fini(&m);
}

/* The edges of segments: one less, just so, one more. */
static void
sizes_around_a_segment_are_exact(void)
{
	static const size_t sizes[] = { 1, 511, 512, 513, 1023, 1024, 1025,
	    SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, PIECE_MAX };
	const size_t n = sizeof(sizes) / sizeof(sizes[0]);
	struct model m;
	size_t i, k;

	model_init(&m);
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++) {
			CHECK_OK(put(&m, sizes[i]));
			CHECK_OK(put(&m, sizes[k]));
			take(&m, sizes[k]);
			CHECK_OK(put(&m, 1));
			take(&m, sizes[i] + 1);
			CHECK_EQ(m.q.len, 0);
			CHECK_EQ(weight(&m), 0);
		}
	}
	model_fini(&m);
}

/* V13: a flood of one-byte frames that nobody reads. */
static void
small_pieces_are_coalesced(void)
{
	struct model m;
	size_t n;

	model_init(&m);
	for (n = 1; n <= 256 * 1024; n++) {
		CHECK_OK(put(&m, 1));
		CHECK(weight(&m) <= 2 * n + n / 64 + 640);
	}
	while (m.q.len > 0)
		take(&m, 1000);
	CHECK_EQ(weight(&m), 0);
	model_fini(&m);
}

static void
a_byte_in_and_a_byte_out_does_not_grow(void)
{
	struct model m;
	int i;

	model_init(&m);
	CHECK_OK(put(&m, 10));
	for (i = 0; i < 100000; i++) {
		CHECK_OK(put(&m, 1));
		take(&m, 1);
		CHECK(weight(&m) <= 2 * SEGMENT + 1024);
	}
	model_fini(&m);
}

static void
a_refused_allocation_queues_nothing(void)
{
	struct model m;
	long i;
	int e = -ENOMEM;

	model_init(&m);
	CHECK_OK(put(&m, 100));
	for (i = 0; e != 0 && i < 100; i++) {
		size_t was = weight(&m);

		refuse_in = i;
		e = put(&m, PIECE_MAX);
		refuse_in = -1;
		if (e != 0) {
			CHECK_ERR(e, -ENOMEM);
			CHECK_EQ(m.q.len, 100);
			CHECK_EQ(weight(&m), was);
		}
	}
	CHECK_OK(e);
	CHECK(i > 3);
	CHECK_OK(put(&m, 5000));
	take(&m, 50);
	take(&m, PIECE_MAX);
	take(&m, PIECE_MAX);
	model_fini(&m);
}

static void
a_cleared_queue_can_be_used_again(void)
{
	struct model m;

	model_init(&m);
	CHECK_OK(put(&m, PIECE_MAX));
	take(&m, 77);
	queue_clear(&m.q);
	queue_clear(&m.q);
	CHECK_EQ(weight(&m), 0);
	m.out = m.in;
	CHECK_OK(put(&m, 77));
	take(&m, 100);
	model_fini(&m);
}

TESTS("queue",
	{ "an empty queue gives nothing", an_empty_queue_gives_nothing },
	{ "bytes come out as they went in", bytes_come_out_as_they_went_in },
	{ "sizes around a segment are exact",
	    sizes_around_a_segment_are_exact },
	{ "small pieces are coalesced", small_pieces_are_coalesced },
	{ "a byte in and a byte out does not grow",
	    a_byte_in_and_a_byte_out_does_not_grow },
	{ "a refused allocation queues nothing",
	    a_refused_allocation_queues_nothing },
	{ "a cleared queue can be used again",
	    a_cleared_queue_can_be_used_again })
