/*
 * One stream, as its user sees it.
 *
 * A reader works under the stream's own lock and tells the core what it took
 * in portions, under the connection's, or at once while the worker waits for
 * readers.  A writer waits for two things, the
 * peer's window and room in staging, and both are the connection's business, so
 * it waits under that lock; it never holds a lock while the socket is written.
 *
 * The end of a stream is set once, under both locks.  Bytes that arrived before
 * the peer's end are read first; our own reset throws them away.
 */
#include "muxer/mstream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "p2p/error.h"

#define TELL	(16 * 1024)	/* bytes taken before the core hears of it */
#define SMALL	4096		/* a write below this may be part of a burst */

struct mstream *
mstream_new(struct session *s)
{
	struct mstream *ms;

	lock_assert_held(&s->link.mtx);
	if ((ms = calloc(1, sizeof(*ms))) == NULL)
		return NULL;
	ms->session = s;
	ms->refs = 1;
	queue_init(&ms->queue, s->segments);
	lock_init(&ms->mtx, LOCK_STREAM);
	cond_init(&ms->readable);
	cond_init(&ms->writable);
	session_ref(s);
	s->used = clock_now();
	TAILQ_INSERT_TAIL(&s->streams, ms, link);
	return ms;
}

void
mstream_unref_unlock(struct mstream *ms)
{
	struct session *s = ms->session;

	lock_assert_held(&s->link.mtx);
	if (--ms->refs > 0) {
		lock_unlock(&s->link.mtx);
		return;
	}
	TAILQ_REMOVE(&s->streams, ms, link);
	s->used = clock_now();
	lock_unlock(&s->link.mtx);
	limit_give(&s->buffered, ms->queue.len);
	queue_clear(&ms->queue);
	cond_destroy(&ms->readable);
	cond_destroy(&ms->writable);
	lock_destroy(&ms->mtx);
	free(ms);
	session_unref(s);
}

void
mstream_end(struct mstream *ms, int error)
{
	lock_assert_held(&ms->session->link.mtx);
	lock_lock(&ms->mtx);
	if (ms->end == 0) {
		ms->end = error;
		cond_broadcast(&ms->readable);
		cond_broadcast(&ms->writable);
	}
	lock_unlock(&ms->mtx);
}

/* The core holds less: the worker may go on. */
static void
relieve(struct session *s)
{
	lock_assert_held(&s->link.mtx);
	if (s->behind && !s->link.ops->full(s->link.mux)) {
		s->behind = false;
		cond_broadcast(&s->link.room);
	}
}

/*
 * Who reads from here on sees s->behind under its lock and tells at once; what
 * was taken before is told here, or nobody would.
 */
void
mstream_weigh(struct session *s)
{
	struct mstream *ms;
	size_t n;

	lock_assert_held(&s->link.mtx);
	s->behind = s->link.ops->full != NULL &&
	    s->link.ops->full(s->link.mux);
	if (!s->behind)
		return;
	TAILQ_FOREACH(ms, &s->streams, link) {
		lock_lock(&ms->mtx);
		n = ms->core != NULL ? ms->taken : 0;
		ms->taken -= n;
		lock_unlock(&ms->mtx);
		if (n > 0)
			s->link.ops->consumed(s->link.mux, ms->core, n,
			    clock_now());
	}
	relieve(s);
}

/* What was asked for or answered and has not left yet, leaves now. */
static void
flush(struct session *s)
{
	if (s->link.stage_len > 0 || s->link.ops->pending(s->link.mux))
		link_flush(&s->link);
}

/* Wait for something to read; the queue is empty.  Both locks are free. */
static int
wait_readable(struct mstream *ms, uint64_t deadline)
{
	struct session *s = ms->session;
	int e = 0;

	lock_lock(&s->link.mtx);
	ms->burst = 0;
	flush(s);
	lock_unlock(&s->link.mtx);
	lock_lock(&ms->mtx);
	if (ms->queue.len == 0 && !ms->fin && ms->end == 0 &&
	    !cond_wait(&ms->readable, &ms->mtx, deadline))
		e = P2P_ERR_TIMEOUT;
	lock_unlock(&ms->mtx);
	return e;
}

/* The core hears of consumed bytes, and its credit goes out. */
static void
tell(struct mstream *ms, size_t taken)
{
	struct session *s = ms->session;

	lock_lock(&s->link.mtx);
	s->link.ops->consumed(s->link.mux, ms->core, taken, clock_now());
	relieve(s);
	if (s->link.ops->pending(s->link.mux))
		link_flush(&s->link);
	lock_unlock(&s->link.mtx);
}

ssize_t
mstream_read(struct mstream *ms, void *buf, size_t len, uint64_t deadline)
{
	size_t n, taken = 0;
	int e;

	if (len == 0)
		return 0;
	for (;;) {
		lock_lock(&ms->mtx);
		n = queue_take(&ms->queue, buf, len);
		ms->taken += n;
		if (n > 0 && ms->taken >= (ms->session->behind ? 1 : TELL)) {
			taken = ms->taken;
			ms->taken = 0;
		}
		e = ms->fin ? 0 : ms->end;
		if (n > 0 || ms->fin || e != 0)
			break;
		lock_unlock(&ms->mtx);
		if ((e = wait_readable(ms, deadline)) != 0)
			return e;
	}
	lock_unlock(&ms->mtx);
	if (n == 0)
		return e;
	limit_give(&ms->session->buffered, n);
	if (taken > 0)
		tell(ms, taken);
	return (ssize_t)n;
}

/* One step of a write; link.mtx is held.  Returns 0 or why it cannot go on. */
static int
write_step(struct mstream *ms, struct rd *data, uint64_t deadline)
{
	struct link *l = &ms->session->link;
	struct wr w;

	if (ms->end != 0)
		return ms->end;
	if (ms->write_done)
		return P2P_ERR_CLOSED;
	if (l->ended || l->silent)
		return P2P_ERR_DISCONNECTED;
	if (l->ops->window(l->mux, ms->core) == 0) {
		flush(ms->session);
		ms->burst = 0;
		if (ms->end != 0 || l->ops->window(l->mux, ms->core) > 0)
			return 0;
		return cond_wait(&ms->writable, &l->mtx, deadline) ? 0 :
		    P2P_ERR_TIMEOUT;
	}
	if (!link_room(l, &w)) {
		ms->burst = 0;
		return link_wait(l, deadline);
	}
	l->ops->data(l->mux, ms->core, &w, data);
	link_staged(l, &w);
	return 0;
}

ssize_t
mstream_write(struct mstream *ms, const void *buf, size_t len,
    uint64_t deadline)
{
	struct link *l = &ms->session->link;
	struct rd data = { buf, len };
	int e = 0;

	lock_lock(&l->mtx);
	ms->writing++;
	while (data.len > 0 && e == 0)
		e = write_step(ms, &data, deadline);
	ms->writing--;
	ms->burst = len < SMALL ? ms->burst + len : 0;
	if (ms->burst > SMALL)
		link_kick(l);
	else
		flush(ms->session);
	lock_unlock(&l->mtx);
	return data.len < len || e == 0 ? (ssize_t)(len - data.len) : e;
}

int
mstream_close_write(struct mstream *ms)
{
	struct session *s = ms->session;
	int e = 0;

	lock_lock(&s->link.mtx);
	if (ms->end != 0) {
		e = ms->end;
	} else if (!ms->write_done) {
		ms->write_done = true;
		s->link.ops->finish(s->link.mux, ms->core);
		cond_broadcast(&ms->writable);
		flush(s);
	}
	lock_unlock(&s->link.mtx);
	return e;
}

void
mstream_reset(struct mstream *ms, uint32_t code)
{
	struct session *s = ms->session;
	size_t dropped;

	lock_lock(&s->link.mtx);
	if (ms->core != NULL)		/* the worker may come too late */
		s->link.ops->reset(s->link.mux, ms->core, code);
	relieve(s);
	mstream_end(ms, P2P_ERR_CLOSED);
	lock_lock(&ms->mtx);
	dropped = ms->queue.len;
	queue_clear(&ms->queue);
	ms->fin = false;		/* what it ended was thrown away */
	lock_unlock(&ms->mtx);
	flush(s);
	lock_unlock(&s->link.mtx);
	limit_give(&s->buffered, dropped);
}

void
mstream_free(struct mstream *ms)
{
	struct session *s = ms->session;

	lock_lock(&s->link.mtx);
	s->link.ops->release(s->link.mux, ms->core, clock_now());
	relieve(s);
	ms->core = NULL;
	mstream_end(ms, P2P_ERR_CLOSED);
	flush(s);
	mstream_unref_unlock(ms);
}

struct session *
mstream_session(const struct mstream *ms)
{
	return ms->session;
}
