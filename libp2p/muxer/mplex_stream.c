/*
 * The streams of an mplex session: their table, what they have to say, how they
 * begin and leave; what they hold, and whose user is behind.
 */
#include "muxer/mplex_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limit.h"
#include "p2p/error.h"

/*
 * What an honest peer had sent before our reset has reached it: nothing bounds
 * it but the buffers of both sockets, 4 and 6 MiB on Linux, and its own.
 */
#define LATE_BYTES	(16u * 1024 * 1024)

struct stream *
mplex_find(struct mux *m, uint64_t key)
{
	if (m->last == NULL || m->last->key != key)
		HASH_FIND(hh, m->table, &key, sizeof(key), m->last);
	return m->last;
}

void
mplex_queue_head(struct mux *m, struct stream *s)
{
	if (!s->on_head)
		TAILQ_INSERT_TAIL(&m->head, s, head);
	s->on_head = true;
}

void
mplex_queue_tail(struct mux *m, struct stream *s)
{
	if (!s->on_tail)
		TAILQ_INSERT_TAIL(&m->tail, s, tail);
	s->on_tail = true;
}

static void
unqueue(struct mux *m, struct stream *s)
{
	if (s->on_head)
		TAILQ_REMOVE(&m->head, s, head);
	if (s->on_tail)
		TAILQ_REMOVE(&m->tail, s, tail);
	s->on_head = s->on_tail = false;
}

void
mplex_expect_late(struct mux *m, bool data)
{
	/* A Close and a Reset; or only a Reset that crosses our last word. */
	m->late_bytes += data ? LATE_BYTES : 0;
	m->late_ends += data ? 2 : 1;
}

void
mplex_forgive(struct mux *m, struct stream *s)
{
	if (!s->forgiven)
		mplex_expect_late(m, !s->remote_done);
	s->forgiven = true;
}

void
mplex_leave(struct mux *m, struct stream *s)
{
	if (s->in_table) {
		mplex_forgive(m, s);
		if (m->last == s)
			m->last = NULL;
		HASH_DELETE(hh, m->table, s);
		*(s->ours ? &m->n_out : &m->n_in) -= 1;
		limit_give(s->ours ? m->p.streams_out : m->p.streams_in, 1);
		s->in_table = false;
		unqueue(m, s);
	}
	if (!s->released)
		return;
	TAILQ_REMOVE(&m->all, s, all);
	free(s);
}

static bool
all_told(const struct stream *s)
{
	if (s->reset)
		return !s->rst;
	return s->local_done && !s->fin && s->remote_done;
}

void
mplex_leave_if_done(struct mux *m, struct stream *s)
{
	if (all_told(s))
		mplex_leave(m, s);
}

int
mplex_glitch(struct mux *m)
{
	return bucket_take(&m->glitches, m->now) ? 0 : P2P_ERR_LIMIT;
}

int
mplex_stream_new(struct mux *m, uint64_t id, bool ours, struct stream **out)
{
	struct stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	s->key = mplex_key(id, ours);
	s->ours = ours;
	s->in_table = true;
	HASH_ADD(hh, m->table, key, sizeof(s->key), s);
	if (!TABLE_ADDED(s)) {
		free(s);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&m->all, s, all);
	*(ours ? &m->n_out : &m->n_in) += 1;
	*out = s;
	return 0;
}

/*
 * While the core is full nobody reads the socket, so no frame is late: what was
 * to come gets that time as well.
 */
static void
weigh(struct mux *m)
{
	bool full = m->n_over > 0 || m->held > MPLEX_QUEUES;

	if (full == m->full)
		return;
	m->full = full;
	if (full)
		m->full_since = m->now;
	else if (m->frame_due != 0)
		m->frame_due = clock_after(m->frame_due,
		    m->now - m->full_since);
}

void
mplex_hold(struct mux *m, struct stream *s, size_t n)
{
	bool over = s->held > MPLEX_QUEUE;

	s->held += n;
	m->held += n;
	m->n_over += !over && s->held > MPLEX_QUEUE;
	weigh(m);
}

void
mplex_let_go(struct mux *m, struct stream *s, size_t n)
{
	bool over = s->held > MPLEX_QUEUE;

	assert(n <= s->held);
	s->held -= n;
	m->held -= n;
	m->n_over -= over && s->held <= MPLEX_QUEUE;
	weigh(m);
}

/* When its user's time is over; CLOCK_NEVER if it is in nobody's way. */
static uint64_t
due(const struct mux *m, const struct stream *s)
{
	if (!m->full || s->held == 0 ||
	    (s->held <= MPLEX_QUEUE && m->held <= MPLEX_QUEUES))
		return CLOCK_NEVER;
	return clock_after(s->taken > m->full_since ? s->taken : m->full_since,
	    MPLEX_STALL);
}

struct stream *
mplex_behind(struct mux *m)
{
	struct stream *s, *most = NULL;

	TAILQ_FOREACH(s, &m->all, all)
		if (due(m, s) <= m->now &&
		    (most == NULL || s->held > most->held))
			most = s;
	return most;
}

uint64_t
mplex_behind_when(const struct mux *m)
{
	const struct stream *s;
	uint64_t t = CLOCK_NEVER;

	if (m->full)
		TAILQ_FOREACH(s, &m->all, all)
			t = due(m, s) < t ? due(m, s) : t;
	return t;
}
