/*
 * mplex, the state machine: libp2p/specs mplex/README.md, spec digest MPX-1 to
 * MPX-4.
 *
 * The protocol has no windows: a peer may send what it likes, and TCP is the
 * only brake.  So what users have not taken is counted, each stream's and all
 * of it; beyond a bound the core is full, and the session reads no more until
 * users have taken something.  All streams wait for the slowest then.  One
 * whose user takes nothing for half a second while the core is full on its
 * account is reset (spec/faults.md V14); a user that takes a little now and
 * then is not.
 *
 * Sending.  Control frames wait as bits in the stream (syn in the head list;
 * fin and rst in the tail list) and a ring of refused ids.
 *
 * Flooding.  Frames that cost us and mean nothing (empty or repeated ones,
 * those of streams that never were, streams that are refused, reset or come to
 * nothing) take from a token bucket; when it is empty the connection ends.  A
 * frame of a stream that has left is ignored (MPX-3), and free as far as an
 * honest peer may have sent it before it knew.
 *
 * A stream leaves the id table when both halves are finished or it is reset
 * and that was told; its memory goes when the session has released it too.
 * What its user has not taken by then counts until it is released.
 */
#include "muxer/muxer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "muxer/mplex_state.h"
#include "p2p/error.h"

#define FRAME_MAX	16384		/* payload: streams take turns */
#define WINDOW		65536		/* none: room for four frames */
#define LATE_FRAME	256		/* bytes that any late frame costs */
#define GLITCH_BURST	1000		/* as for yamux: V11 */
#define GLITCH_PER_S	33
#define HDR_TIMEOUT	(10 * CLOCK_S)	/* a header begun and not ended */
#define BODY_TIMEOUT	(30 * CLOCK_S)	/* and a body, plus: */
#define BODY_PER_S	16384		/* bytes a second at the least */
#define LINGER		(60 * CLOCK_S)	/* after release, for a peer's Close */
#define DISCARD_MAX	(1024u * 1024)	/* bytes taken after release */

static int
mplex_new(const struct mux_params *p, struct mux **out)
{
	struct mux *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return -ENOMEM;
	m->p = *p;
	m->now = p->now;
	TAILQ_INIT(&m->all);
	TAILQ_INIT(&m->head);
	TAILQ_INIT(&m->tail);
	bucket_init(&m->glitches, GLITCH_BURST, CLOCK_S / GLITCH_PER_S, p->now);
	*out = m;
	return 0;
}

static void
mplex_free(struct mux *m)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&m->all)) != NULL) {
		s->released = true;
		mplex_leave(m, s);
	}
	free(m);
}

static int
mplex_open(struct mux *m, uint64_t now, void *user, struct mux_stream **out)
{
	struct stream *s;
	int e;

	mplex_time(m, now);
	if (m->goaway || m->next_id > MPLEX_ID_MAX)
		return P2P_ERR_DISCONNECTED;
	if (limit_take(m->p.streams_out, 1) != 0)
		return P2P_ERR_LIMIT;
	if ((e = mplex_stream_new(m, m->next_id, true, &s)) != 0) {
		limit_give(m->p.streams_out, 1);
		return e;
	}
	m->next_id++;
	s->base.user = user;
	s->syn = true;
	mplex_queue_head(m, s);
	*out = &s->base;
	return 0;
}

/* mplex has no word for it. */
static void
mplex_accept(struct mux *m, struct mux_stream *ms, void *user)
{
	(void)m;
	ms->user = user;
}

/* Remember to refuse an id that has no stream. */
static int
refuse(struct mux *m, uint64_t id)
{
	if (m->n_refused == MPLEX_REFUSED_MAX)
		return P2P_ERR_LIMIT;
	m->refused[m->n_refused++] = id;
	mplex_expect_late(m, true);
	return mplex_glitch(m);
}

/* Check everything before anything is made. */
static int
on_new(struct mux *m, struct mux_event *ev)
{
	uint64_t id = m->hdr.id;
	struct stream *s;
	int e;

	for (; m->owed > 0; m->owed--)
		if ((e = mplex_glitch(m)) != 0)
			return e;
	if (mplex_find(m, mplex_key(id, false)) != NULL)
		return P2P_ERR_PROTOCOL;
	if (id >= m->end_in)
		m->end_in = id + 1;
	if (m->goaway || limit_take(m->p.streams_in, 1) != 0)
		return refuse(m, id);
	if (mplex_stream_new(m, id, false, &s) != 0) {
		limit_give(m->p.streams_in, 1);	/* no memory for it */
		return refuse(m, id);
	}
	*ev = (struct mux_event){ .kind = MUX_STREAM, .stream = &s->base };
	return 0;
}

static int
on_close(struct mux *m, struct stream *s, struct mux_event *ev)
{
	if (s->reset)
		return 0;
	if (s->remote_done)
		return mplex_glitch(m);
	s->remote_done = true;
	if (s->base.user != NULL)
		*ev = (struct mux_event){ .kind = MUX_FIN, .stream = &s->base };
	mplex_leave_if_done(m, s);
	return 0;
}

static int
on_reset(struct mux *m, struct stream *s, struct mux_event *ev)
{
	int e;

	if (!s->ours && !s->reset && (e = mplex_glitch(m)) != 0)
		return e;			/* rapid reset, V12 */
	if (s->base.user != NULL && !s->reset)
		*ev = (struct mux_event){ .kind = MUX_RESET,
		    .stream = &s->base };
	s->reset = true;
	s->rst = false;
	s->remote_done = true;
	mplex_leave(m, s);
	return 0;
}

/* A frame of a stream that has left, or never was. */
static int
on_late(struct mux *m, bool ours, bool end)
{
	uint64_t cost = m->hdr.length > LATE_FRAME ? m->hdr.length : LATE_FRAME;

	if (m->hdr.id >= (ours ? m->next_id : m->end_in) ||
	    (end ? m->late_ends == 0 : cost > m->late_bytes))
		return mplex_glitch(m);
	if (end)
		m->late_ends--;
	else
		m->late_bytes -= cost;
	return 0;
}

/* What the receiver of a stream says to us is about one of ours: MPX-1. */
static struct stream *
stream_of(struct mux *m)
{
	return mplex_find(m, mplex_key(m->hdr.id, m->hdr.flag & 1));
}

static int
on_header(struct mux *m, struct mux_event *ev)
{
	struct stream *s;

	if (m->hdr.flag == MPLEX_NEW)
		return on_new(m, ev);
	if ((s = stream_of(m)) == NULL)
		return on_late(m, m->hdr.flag & 1,
		    m->hdr.flag > MPLEX_MESSAGE_INITIATOR);
	if (m->hdr.flag > MPLEX_CLOSE_INITIATOR)
		return on_reset(m, s, ev);
	if (m->hdr.flag > MPLEX_MESSAGE_INITIATOR)
		return on_close(m, s, ev);
	if (s->reset)			/* which it may not know yet */
		return on_late(m, s->ours, false);
	if (m->hdr.length == 0 || s->remote_done)
		return mplex_glitch(m);
	return 0;
}

/* Gather a header, possibly over several inputs.  0 when it is whole. */
static int
gather(struct mux *m, struct rd *in)
{
	struct rd r;
	int e = P2P_ERR_SHORT;

	while (e == P2P_ERR_SHORT) {
		assert(m->buf_len < sizeof(m->buf));
		if (rd_u8(in, &m->buf[m->buf_len]) != 0)
			break;
		m->buf_len++;
		r = (struct rd){ m->buf, m->buf_len };
		e = mplex_hdr_get(&r, &m->hdr);
	}
	if (e == P2P_ERR_SHORT) {
		if (m->frame_due == 0 && m->buf_len > 0)
			m->frame_due = clock_after(m->now, HDR_TIMEOUT);
		return e;
	}
	m->buf_len = 0;
	m->frame_due = 0;
	return e == P2P_ERR_FORMAT ? P2P_ERR_PROTOCOL : e;
}

/* Bytes for a stream without a user: keep its Close reachable, a while. */
static void
discard(struct mux *m, struct stream *s, size_t n);

/* The next piece of a body. */
static void
body(struct mux *m, struct rd *in, struct mux_event *ev)
{
	size_t n = m->body_left < in->len ? m->body_left : in->len;
	struct stream *s = NULL;
	struct rd part;

	if (rd_bytes(in, n, &part) != 0)
		return;
	m->body_left -= (uint32_t)n;
	if (m->body_left == 0)
		m->frame_due = 0;
	if (m->hdr.flag == MPLEX_MESSAGE_RECEIVER ||
	    m->hdr.flag == MPLEX_MESSAGE_INITIATOR)
		s = stream_of(m);
	if (s == NULL || s->reset || s->remote_done)
		return;
	if (s->base.user == NULL) {
		discard(m, s, n);
		return;
	}
	mplex_hold(m, s, n);
	*ev = (struct mux_event){ .kind = MUX_DATA, .stream = &s->base,
	    .data = part };
}

/* Tell the session of one that tick() has reset. */
static void
say_stalled(struct mux *m, struct mux_event *ev)
{
	struct stream *s;

	TAILQ_FOREACH(s, &m->all, all)
		if (s->stalled)
			break;
	assert(s != NULL);
	s->stalled = false;
	m->n_stalled--;
	*ev = (struct mux_event){ .kind = MUX_STALL, .stream = &s->base };
}

static int
mplex_next(struct mux *m, struct rd *in, uint64_t now, struct mux_event *ev)
{
	int e;

	*ev = (struct mux_event){ .kind = MUX_NONE };
	mplex_time(m, now);
	if (m->n_stalled > 0)
		say_stalled(m, ev);
	while (ev->kind == MUX_NONE && in->len > 0) {
		if (m->body_left > 0) {
			body(m, in, ev);
			continue;
		}
		if ((e = gather(m, in)) != 0)
			return e == P2P_ERR_SHORT ? 0 : e;
		m->body_left = m->hdr.length;
		if (m->body_left > 0)
			m->frame_due = clock_after(m->now, BODY_TIMEOUT +
			    m->body_left / BODY_PER_S * CLOCK_S);
		if ((e = on_header(m, ev)) != 0)
			return e;
	}
	return 0;
}

static bool
mplex_full(const struct mux *m)
{
	return m->full;
}

static size_t
mplex_window(const struct mux *m, const struct mux_stream *ms)
{
	(void)m;
	(void)ms;
	return WINDOW;
}

static void
put(struct wr *w, const struct stream *s, enum mplex_flag flag, size_t len)
{
	mplex_hdr_put(w, &(struct mplex_hdr){ s->key >> 1, flag,
	    (uint32_t)len });
}

/* What must precede the stream's first data.  Names are for debuggers. */
static void
put_opening(struct stream *s, struct wr *w)
{
	if (s->syn)
		put(w, s, MPLEX_NEW, 0);
	s->syn = false;
}

static void
mplex_data(struct mux *m, struct mux_stream *ms, struct wr *w, struct rd *data)
{
	struct stream *s = (struct stream *)ms;
	size_t n = data->len;
	struct rd part;

	(void)m;
	assert(wr_room(w) > MUX_FRAME_ROOM && !s->local_done);
	if (!s->reset) {
		put_opening(s, w);
		if (n > FRAME_MAX)
			n = FRAME_MAX;
		if (n > wr_room(w) - MPLEX_HDR_MAX)
			n = wr_room(w) - MPLEX_HDR_MAX;
	}
	if (rd_bytes(data, n, &part) != 0 || s->reset)
		return;		/* the writer will hear of the reset */
	put(w, s, s->ours ? MPLEX_MESSAGE_INITIATOR : MPLEX_MESSAGE_RECEIVER,
	    n);
	wr_bytes(w, part.p, n);
}

static void
mplex_finish(struct mux *m, struct mux_stream *ms)
{
	struct stream *s = (struct stream *)ms;

	if (s->local_done || s->reset || !s->in_table)
		return;
	s->local_done = s->fin = true;
	mplex_queue_tail(m, s);
}

static void
mplex_reset(struct mux *m, struct mux_stream *ms, uint32_t code)
{
	struct stream *s = (struct stream *)ms;

	mplex_let_go(m, s, s->held);
	if (s->reset || !s->in_table)
		return;
	s->reset = true;
	mplex_forgive(m, s);
	s->fin = false;
	m->owed += !s->ours && (code == MUX_RESET_NEGOTIATION ||
	    code == MUX_RESET_RATE);
	if (s->syn) {			/* the peer never heard of it */
		mplex_leave(m, s);
		return;
	}
	s->rst = true;
	mplex_queue_tail(m, s);
}

static void
mplex_consumed(struct mux *m, struct mux_stream *ms, size_t n, uint64_t now)
{
	struct stream *s = (struct stream *)ms;

	assert(n <= s->held || s->reset || !s->in_table);
	mplex_time(m, now);
	s->taken = m->now;
	mplex_let_go(m, s, n < s->held ? n : s->held);
}

static void
discard(struct mux *m, struct stream *s, size_t n)
{
	s->discarded += (uint32_t)n;
	if (s->discarded > DISCARD_MAX)
		mplex_reset(m, &s->base, MUX_CODE_NONE);
}

static void
mplex_release(struct mux *m, struct mux_stream *ms, uint64_t now)
{
	struct stream *s = (struct stream *)ms;

	mplex_time(m, now);
	mplex_let_go(m, s, s->held);
	m->n_stalled -= s->stalled;
	s->stalled = false;
	s->base.user = NULL;
	s->released = true;
	if (!s->in_table) {
		mplex_leave(m, s);
		return;
	}
	mplex_finish(m, ms);
	s->linger = clock_after(m->now, LINGER);
	mplex_leave_if_done(m, s);
}

/* mplex has no word for it: who opens a stream from now on is refused. */
static void
mplex_goaway(struct mux *m, uint32_t code)
{
	(void)code;
	m->goaway = true;
}

static bool
mplex_pending(const struct mux *m)
{
	return m->n_refused > 0 || !TAILQ_EMPTY(&m->head) ||
	    !TAILQ_EMPTY(&m->tail);
}

static void
mplex_head(struct mux *m, struct wr *w)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&m->head)) != NULL &&
	    wr_room(w) >= MPLEX_HDR_MAX) {
		TAILQ_REMOVE(&m->head, s, head);
		s->on_head = false;
		put_opening(s, w);
	}
}

static void
mplex_tail(struct mux *m, struct wr *w)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&m->tail)) != NULL &&
	    wr_room(w) >= 2 * MPLEX_HDR_MAX) {
		TAILQ_REMOVE(&m->tail, s, tail);
		s->on_tail = false;
		if (s->rst) {
			put(w, s, s->ours ? MPLEX_RESET_INITIATOR :
			    MPLEX_RESET_RECEIVER, 0);
		} else if (s->fin) {
			put_opening(s, w);
			put(w, s, s->ours ? MPLEX_CLOSE_INITIATOR :
			    MPLEX_CLOSE_RECEIVER, 0);
		}
		s->rst = s->fin = false;
		mplex_leave_if_done(m, s);
	}
	while (m->n_refused > 0 && wr_room(w) >= MPLEX_HDR_MAX)
		mplex_hdr_put(w, &(struct mplex_hdr){
		    m->refused[--m->n_refused], MPLEX_RESET_RECEIVER, 0 });
}

/* Those that have left the table are reset for their users alone. */
static void
tick_stalled(struct mux *m)
{
	struct stream *s;

	while ((s = mplex_behind(m)) != NULL) {
		mplex_reset(m, &s->base, MUX_RESET_LIMIT);
		m->n_stalled += !s->stalled;
		s->stalled = true;
	}
}

static void
tick_lingering(struct mux *m)
{
	struct stream *s, *next;

	HASH_ITER(hh, m->table, s, next)
		if (s->linger != 0 && s->linger <= m->now)
			mplex_reset(m, &s->base, MUX_CODE_NONE);
}

static int
mplex_tick(struct mux *m, uint64_t now)
{
	mplex_time(m, now);
	if (!m->full && m->frame_due != 0 && m->frame_due <= m->now)
		return P2P_ERR_TIMEOUT;
	tick_stalled(m);
	tick_lingering(m);
	return 0;
}

static uint64_t
mplex_when(const struct mux *m)
{
	uint64_t t = mplex_behind_when(m);
	struct stream *s;

	if (!m->full && m->frame_due != 0 && m->frame_due < t)
		t = m->frame_due;
	for (s = m->table; s != NULL; s = s->hh.next)
		if (s->linger != 0 && !s->reset && s->linger < t)
			t = s->linger;
	return t;
}

static unsigned
mplex_streams(const struct mux *m)
{
	return m->n_in + m->n_out;
}

static uint64_t
mplex_rtt(const struct mux *m)
{
	(void)m;
	return 0;
}

const struct mux_ops mux_mplex = {
	.id = "/mplex/6.7.0",
	.new = mplex_new,
	.free = mplex_free,
	.next = mplex_next,
	.full = mplex_full,
	.open = mplex_open,
	.accept = mplex_accept,
	.window = mplex_window,
	.data = mplex_data,
	.finish = mplex_finish,
	.reset = mplex_reset,
	.consumed = mplex_consumed,
	.release = mplex_release,
	.goaway = mplex_goaway,
	.pending = mplex_pending,
	.head = mplex_head,
	.tail = mplex_tail,
	.tick = mplex_tick,
	.when = mplex_when,
	.describe = mplex_describe,
	.streams = mplex_streams,
	.rtt = mplex_rtt,
};
