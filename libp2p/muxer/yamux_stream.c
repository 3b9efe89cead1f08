/*
 * The streams of a yamux session: their table, what they have to say, how they
 * begin and leave; and the price of what means nothing.
 */
#include "muxer/yamux_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limit.h"
#include "p2p/error.h"

struct stream *
yamux_find(struct mux *m, uint32_t id)
{
	struct stream *s;

	HASH_FIND(hh, m->table, &id, sizeof(id), s);
	return s;
}

void
yamux_queue_head(struct mux *m, struct stream *s)
{
	if (!s->on_head)
		TAILQ_INSERT_TAIL(&m->head, s, head);
	s->on_head = true;
}

void
yamux_queue_tail(struct mux *m, struct stream *s)
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
yamux_mark_acked(struct mux *m, struct stream *s)
{
	if (s->ours && !s->acked)
		m->unacked--;
	s->acked = true;
}

void
yamux_expect_late(struct mux *m, uint32_t window)
{
	m->late_bytes += window;
	m->late_ends++;
}

void
yamux_leave(struct mux *m, struct stream *s)
{
	if (s->in_table) {
		if (!s->remote_done)
			yamux_expect_late(m, s->recv_window);
		yamux_mark_acked(m, s);
		HASH_DELETE(hh, m->table, s);
		*(s->ours ? &m->n_out : &m->n_in) -= 1;
		limit_give(s->ours ? m->p.streams_out : m->p.streams_in, 1);
		if (s->recv_max > YAMUX_WINDOW_MIN && m->p.windows != NULL)
			limit_give(m->p.windows,
			    s->recv_max - YAMUX_WINDOW_MIN);
		s->recv_max = YAMUX_WINDOW_MIN;
		s->in_table = false;
		unqueue(m, s);
	}
	if (s->released)
		free(s);
}

static bool
all_told(const struct stream *s)
{
	if (s->reset)
		return !s->rst;
	return s->local_done && !s->fin && s->remote_done && !s->syn;
}

void
yamux_leave_if_done(struct mux *m, struct stream *s)
{
	if (all_told(s))
		yamux_leave(m, s);
}

int
yamux_fail(struct mux *m, int error)
{
	if (!m->goaway_sent) {
		m->goaway = true;
		m->goaway_code = MUX_GOAWAY_PROTOCOL;
	}
	return error;
}

int
yamux_glitch(struct mux *m, uint64_t now)
{
	return bucket_take(&m->glitches, now) ? 0 :
	    yamux_fail(m, P2P_ERR_LIMIT);
}

int
yamux_stream_new(struct mux *m, uint32_t id, bool ours, uint64_t now,
    struct stream **out)
{
	struct stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	s->id = id;
	s->ours = ours;
	s->send_window = s->recv_window = s->recv_max = YAMUX_WINDOW_MIN;
	s->credited = now;
	s->in_table = true;
	HASH_ADD(hh, m->table, id, sizeof(s->id), s);
	if (!TABLE_ADDED(s)) {
		free(s);
		return -ENOMEM;
	}
	*(ours ? &m->n_out : &m->n_in) += 1;
	*out = s;
	return 0;
}
