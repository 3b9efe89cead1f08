/*
 * muxer/queue.h -- the receive queue of a stream: bytes in segments.
 *
 * Small pieces are coalesced, so that what is held is at most about twice the
 * bytes queued, whatever the sizes they came in.  Segments of the full size
 * come from a pool that all streams of a host share.
 */
#ifndef MUXER_QUEUE_H
#define MUXER_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bufpool.h"
#include "base/bytes.h"

struct queue_segment;

struct queue {
	struct queue_segment	*first, *last;
	size_t			 len;		/* bytes queued */
	struct bufpool		*segments;	/* of queue_segments_init() */
};

void	queue_segments_init(struct bufpool *segments);
void	queue_init(struct queue *q, struct bufpool *segments);

/* Returns 0 or -ENOMEM (then nothing was queued). */
int	queue_put(struct queue *q, struct rd bytes) MUST_CHECK;

/* Take up to len bytes; returns how many. */
size_t	queue_take(struct queue *q, void *buf, size_t len);

void	queue_clear(struct queue *q);

#endif
