/*
 * yamux, the state machine: libp2p/specs yamux/README.md, spec digest YMX-1 to
 * YMX-28.
 *
 * Receiving.  A stream's recv_window is what the peer may still send.  It
 * shrinks with each Data header, before a byte of the body is looked at, and
 * grows only when credit is queued: the user consumed a good part of the
 * window, and recv_window + unread is again recv_max.  So what a stream can
 * make us hold never exceeds recv_max, and recv_max above the initial window is
 * taken from the limit params.windows.
 *
 * Sending.  Control frames wait as bits in the stream (syn, ack, credit in the
 * head list; fin, rst in the tail list), one pong, one ping, one goaway and a
 * ring of refused ids, so a peer that makes us answer faster than it reads
 * overwrites its own slots.
 *
 * Flooding.  Frames that cost us and mean nothing (pings, empty frames, frames
 * of unknown ids, streams that are refused, reset or come to nothing) take from
 * a token bucket; when it is empty the connection ends (spec/faults.md V3, V11,
 * V12, F17).  What an honest peer had sent before it could know that a stream
 * has left is free: one window of data, one end, and credit.
 *
 * A stream leaves the id table when both halves are finished or it is reset and
 * that was told; its memory goes when the session has released it too.
 */
#include "muxer/muxer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "muxer/yamux_state.h"
#include "p2p/error.h"

#define UNACKED_MAX	256		/* YMX-9 */
#define FRAME_ALONE	(65536 - YAMUX_HDR_SIZE) /* payload, one stream */
#define FRAME_SHARED	16384		/* payload when several streams share */
#define PONGS_MAX	32		/* pings not answered in time */
#define GLITCH_BURST	1000		/* V11, nghttp2's figures */
#define GLITCH_PER_S	33
#define HDR_TIMEOUT	(10 * CLOCK_S)	/* a header begun and not ended */
#define BODY_TIMEOUT	(30 * CLOCK_S)	/* and a body, plus: */
#define BODY_PER_S	16384		/* bytes a second at the least */
#define LINGER		(60 * CLOCK_S)	/* after release, for the peer's FIN */
#define DISCARD_MAX	(1024u * 1024)	/* bytes taken after release */
#define RTT_FLOOR	CLOCK_MS	/* threads are slower than loopback */
#define LAST_ID		0x7ffffffeu	/* YMX-27 */

static int
yamux_new(const struct mux_params *p, struct mux **out)
{
	struct mux *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return -ENOMEM;
	m->p = *p;
	TAILQ_INIT(&m->head);
	TAILQ_INIT(&m->tail);
	m->next_id = p->dialer ? 1 : 2;
	bucket_init(&m->glitches, GLITCH_BURST, CLOCK_S / GLITCH_PER_S, p->now);
	m->heard = p->now;
	m->ping_next = p->keepalive != 0 ? p->now : CLOCK_NEVER;
	*out = m;
	return 0;
}

static void
yamux_free(struct mux *m)
{
	struct stream *s, *next;

	HASH_ITER(hh, m->table, s, next) {
		s->released = true;
		yamux_leave(m, s);
	}
	free(m);
}

static int
yamux_open(struct mux *m, uint64_t now, void *user, struct mux_stream **out)
{
	struct stream *s;
	int e;

	if (m->goaway || m->goaway_sent || m->goaway_in || m->next_id > LAST_ID)
		return P2P_ERR_DISCONNECTED;
	if (m->unacked >= UNACKED_MAX || limit_take(m->p.streams_out, 1) != 0)
		return P2P_ERR_LIMIT;
	if ((e = yamux_stream_new(m, m->next_id, true, now, &s)) != 0) {
		limit_give(m->p.streams_out, 1);
		return e;
	}
	m->next_id += 2;
	m->unacked++;
	s->base.user = user;
	s->syn = true;
	yamux_queue_head(m, s);
	*out = &s->base;
	return 0;
}

static void
yamux_accept(struct mux *m, struct mux_stream *ms, void *user)
{
	struct stream *s = (struct stream *)ms;

	s->base.user = user;
	s->ack = true;			/* at once, and alone: YMX-13 */
	yamux_queue_head(m, s);
}

/* Remember to refuse an id that has no stream. */
static int
refuse(struct mux *m, uint32_t id, uint64_t now)
{
	if (m->n_refused == YAMUX_REFUSED_MAX)
		return yamux_fail(m, P2P_ERR_LIMIT);
	m->refused[m->n_refused++] = id;
	yamux_expect_late(m, YAMUX_WINDOW_MIN);
	return yamux_glitch(m, now);
}

/*
 * A SYN: check everything before anything is made.  *out stays NULL for a
 * stream that was refused.
 */
static int
on_syn(struct mux *m, const struct yamux_hdr *h, uint64_t now,
    struct stream **out)
{
	bool odd = h->stream & 1;
	int e;

	for (; m->owed > 0; m->owed--)
		if ((e = yamux_glitch(m, now)) != 0)
			return e;
	if (odd == m->p.dialer || yamux_find(m, h->stream) != NULL)
		return yamux_fail(m, P2P_ERR_PROTOCOL);
	if (h->type == YAMUX_DATA && h->length > YAMUX_WINDOW_MIN)
		return yamux_fail(m, P2P_ERR_TOO_LARGE);
	if (h->stream > m->last_in)
		m->last_in = h->stream;
	if (h->flags & YAMUX_RST)
		return yamux_glitch(m, now);
	if (m->goaway || m->goaway_sent || limit_take(m->p.streams_in, 1) != 0)
		return refuse(m, h->stream, now);
	if (yamux_stream_new(m, h->stream, false, now, out) != 0) {
		limit_give(m->p.streams_in, 1);	/* no memory for it */
		return refuse(m, h->stream, now);
	}
	if (h->type == YAMUX_WINDOW)
		(*out)->send_window +=
		    h->length > UINT32_MAX - YAMUX_WINDOW_MIN ?
		    UINT32_MAX - YAMUX_WINDOW_MIN : h->length;
	return 0;
}

static int
on_reset(struct mux *m, struct stream *s, const struct yamux_hdr *h,
    uint64_t now, struct mux_event *ev)
{
	int e;

	if (!s->ours && !s->reset &&
	    (e = yamux_glitch(m, now)) != 0)	/* rapid reset, V12 */
		return e;
	if (s->base.user != NULL && !s->reset)
		*ev = (struct mux_event){ .kind = MUX_RESET, .stream = &s->base,
		    .code = h->type == YAMUX_WINDOW ? h->length : 0 };
	s->reset = true;
	s->rst = false;
	s->remote_done = true;
	yamux_leave(m, s);
	return 0;
}

static int
on_window(struct mux *m, struct stream *s, const struct yamux_hdr *h,
    uint64_t now, struct mux_event *ev)
{
	if (h->length == 0)
		return h->flags & (YAMUX_ACK | YAMUX_FIN) ? 0 :
		    yamux_glitch(m, now);
	if (h->length > UINT32_MAX - s->send_window)
		return yamux_fail(m, P2P_ERR_PROTOCOL);	/* V2 */
	s->send_window += h->length;
	if (s->base.user != NULL && !s->local_done)
		*ev = (struct mux_event){ .kind = MUX_WINDOW,
		    .stream = &s->base };
	return 0;
}

/* The header of a Data frame: its length against the window, at once. */
static int
on_data(struct mux *m, struct stream *s, const struct yamux_hdr *h,
    uint64_t now)
{
	if (h->length > s->recv_window)
		return yamux_fail(m, P2P_ERR_TOO_LARGE);
	if (h->length == 0 && !(h->flags & (YAMUX_ACK | YAMUX_FIN | YAMUX_SYN)))
		return yamux_glitch(m, now);
	if (s->remote_done && h->length > 0)
		return yamux_fail(m, P2P_ERR_PROTOCOL);
	s->recv_window -= h->length;
	s->unread += s->released ? 0 : h->length;
	return 0;
}

static void
on_fin(struct mux *m, struct stream *s, struct mux_event *ev)
{
	if (s->remote_done || s->reset)
		return;
	s->remote_done = true;
	if (s->base.user != NULL)
		*ev = (struct mux_event){ .kind = MUX_FIN, .stream = &s->base };
	yamux_leave_if_done(m, s);
}

/* A frame of a stream that has left, or never was: YMX-8, 16. */
static int
on_late(struct mux *m, const struct yamux_hdr *h, uint64_t now)
{
	bool end = h->flags & (YAMUX_FIN | YAMUX_RST);
	bool known = (h->stream & 1) == m->p.dialer ?
	    h->stream < m->next_id : h->stream <= m->last_in;

	if (!known || (end && m->late_ends == 0) || (!end && h->length == 0))
		return yamux_glitch(m, now);
	if (h->type == YAMUX_DATA) {
		if (h->length > m->late_bytes)
			return yamux_glitch(m, now);
		m->late_bytes -= h->length;
	}
	m->late_ends -= end;
	return 0;
}

static int
on_stream_frame(struct mux *m, const struct yamux_hdr *h, uint64_t now,
    struct mux_event *ev)
{
	struct stream *s = NULL;
	int e;

	if (h->flags & YAMUX_SYN) {
		if ((e = on_syn(m, h, now, &s)) != 0 || s == NULL)
			return e;
		*ev = (struct mux_event){ .kind = MUX_STREAM,
		    .stream = &s->base };
	} else if ((s = yamux_find(m, h->stream)) == NULL) {
		return on_late(m, h, now);
	}
	yamux_mark_acked(m, s);
	/* Before credit, YMX-12. */
	if (h->flags & YAMUX_RST)
		return on_reset(m, s, h, now, ev);
	if (h->type == YAMUX_DATA)
		return on_data(m, s, h, now);
	return h->flags & YAMUX_SYN ? 0 : on_window(m, s, h, now, ev);
}

static int
on_ping(struct mux *m, const struct yamux_hdr *h, uint64_t now)
{
	int e;

	if (h->flags & YAMUX_ACK) {
		if (!m->ping_out || h->length != m->ping_value)
			return yamux_glitch(m, now);
		m->ping_out = false;
		m->rtt = now - m->ping_sent;
		return 0;
	}
	if ((e = yamux_glitch(m, now)) != 0)
		return e;
	if (m->pong && ++m->pongs_lost > PONGS_MAX)
		return yamux_fail(m, P2P_ERR_LIMIT);
	m->pong = true;
	m->pong_value = h->length;
	return 0;
}

static int
on_header(struct mux *m, const struct yamux_hdr *h, uint64_t now,
    struct mux_event *ev)
{
	switch (h->type) {
	case YAMUX_PING:
		return on_ping(m, h, now);
	case YAMUX_GOAWAY:
		m->goaway_in = true;
		*ev = (struct mux_event){ .kind = MUX_GOAWAY,
		    .code = h->length };
		return 0;
	case YAMUX_DATA:
	case YAMUX_WINDOW:
		return on_stream_frame(m, h, now, ev);
	}
	return yamux_fail(m, P2P_ERR_PROTOCOL);
}

/* Gather a header, possibly over several inputs.  True when it is whole. */
static bool
gather(struct mux *m, struct rd *in, uint64_t now)
{
	size_t n = YAMUX_HDR_SIZE - m->hdr_len;
	struct rd part;

	if (n > in->len)
		n = in->len;
	if (rd_bytes(in, n, &part) != 0)
		return false;
	memcpy(m->hdr + m->hdr_len, part.p, n);
	m->hdr_len += n;
	if (m->hdr_len < YAMUX_HDR_SIZE) {
		if (m->frame_due == 0 && m->hdr_len > 0)
			m->frame_due = clock_after(now, HDR_TIMEOUT);
		return false;
	}
	m->hdr_len = 0;
	m->frame_due = 0;
	return true;
}

/* Bytes for a stream without a user: keep the peer's FIN reachable, a while. */
static void
discard(struct mux *m, struct stream *s, uint32_t n, uint64_t now);

/* The next piece of a body, or its end. */
static void
body(struct mux *m, struct rd *in, uint64_t now, struct mux_event *ev)
{
	struct stream *s = yamux_find(m, m->body.stream);
	size_t n = m->body_left < in->len ? m->body_left : in->len;
	struct rd part;

	if (rd_bytes(in, n, &part) != 0)
		return;
	m->body_left -= (uint32_t)n;
	if (s != NULL && n > 0 && !s->reset) {
		if (s->base.user != NULL) {
			*ev = (struct mux_event){ .kind = MUX_DATA,
			    .stream = &s->base, .data = part };
		} else {
			discard(m, s, (uint32_t)n, now);
		}
	}
	if (m->body_left > 0 || ev->kind != MUX_NONE)
		return;			/* the FIN gets an event of its own */
	m->in_body = false;
	m->frame_due = 0;
	if ((m->body.flags & YAMUX_FIN) &&
	    (s = yamux_find(m, m->body.stream)) != NULL)
		on_fin(m, s, ev);
}

static int
yamux_next(struct mux *m, struct rd *in, uint64_t now, struct mux_event *ev)
{
	struct rd hdr = { m->hdr, YAMUX_HDR_SIZE };
	int e;

	*ev = (struct mux_event){ .kind = MUX_NONE };
	m->heard = now;
	while (ev->kind == MUX_NONE) {
		if (m->in_body) {
			if (in->len == 0 && m->body_left > 0)
				return 0;
			body(m, in, now, ev);
			continue;
		}
		if (in->len == 0 || !gather(m, in, now))
			return 0;
		hdr = (struct rd){ m->hdr, YAMUX_HDR_SIZE };
		if (yamux_hdr_get(&hdr, &m->body) != 0)
			return yamux_fail(m, P2P_ERR_PROTOCOL);
		if ((e = on_header(m, &m->body, now, ev)) != 0)
			return e;
		m->body_left = m->body.type == YAMUX_DATA ? m->body.length : 0;
		m->in_body = m->body.type == YAMUX_DATA ||
		    m->body.type == YAMUX_WINDOW;
		if (m->body_left > 0)
			m->frame_due = clock_after(now, BODY_TIMEOUT +
			    m->body_left / BODY_PER_S * CLOCK_S);
	}
	return 0;
}

static size_t
yamux_window(const struct mux *m, const struct mux_stream *ms)
{
	const struct stream *s = (const struct stream *)ms;

	(void)m;
	return s->send_window;
}

static void
put(struct wr *w, enum yamux_type type, unsigned flags, uint32_t id,
    uint32_t len)
{
	yamux_hdr_put(w, &(struct yamux_hdr){ type, (uint16_t)flags, id, len });
}

/* What must precede the stream's first data, as frames of their own. */
static void
put_opening(struct stream *s, struct wr *w)
{
	if (s->syn)
		put(w, YAMUX_WINDOW, YAMUX_SYN, s->id, 0);
	if (s->ack)
		put(w, YAMUX_WINDOW, YAMUX_ACK, s->id, 0);
	s->syn = s->ack = false;
}

static void
yamux_data(struct mux *m, struct mux_stream *ms, struct wr *w, struct rd *data)
{
	struct stream *s = (struct stream *)ms;
	size_t n = m->n_in + m->n_out > 1 ? FRAME_SHARED : FRAME_ALONE;
	struct rd part;

	assert(wr_room(w) > MUX_FRAME_ROOM && !s->local_done);
	put_opening(s, w);
	if (n > data->len)
		n = data->len;
	if (n > s->send_window)
		n = s->send_window;
	if (n > wr_room(w) - YAMUX_HDR_SIZE)
		n = wr_room(w) - YAMUX_HDR_SIZE;
	if (rd_bytes(data, n, &part) != 0)
		return;
	put(w, YAMUX_DATA, 0, s->id, (uint32_t)n);
	wr_bytes(w, part.p, n);
	s->send_window -= (uint32_t)n;
}

static void
yamux_finish(struct mux *m, struct mux_stream *ms)
{
	struct stream *s = (struct stream *)ms;

	if (s->local_done || s->reset || !s->in_table)
		return;
	s->local_done = s->fin = true;
	yamux_queue_tail(m, s);
}

static void
yamux_reset(struct mux *m, struct mux_stream *ms, uint32_t code)
{
	struct stream *s = (struct stream *)ms;

	if (s->reset || !s->in_table)
		return;
	s->reset = true;
	s->fin = s->ack = false;
	s->credit = 0;
	s->code = code;
	m->owed += !s->ours && (code == MUX_RESET_NEGOTIATION ||
	    code == MUX_RESET_RATE);
	if (s->syn) {			/* the peer never heard of it */
		yamux_leave(m, s);
		return;
	}
	s->rst = true;
	yamux_queue_tail(m, s);
}

/*
 * Whether the rate of consumption wants a larger window: what was consumed in
 * a round trip is at least a quarter of it (the bandwidth-delay test, not a
 * multiple of the round trip: go-yamux issue 136).
 */
static bool
wants_more(const struct mux *m, const struct stream *s, uint32_t used,
    uint64_t now)
{
	uint64_t rtt = m->rtt > RTT_FLOOR ? m->rtt : RTT_FLOOR;
	uint64_t us = (now - s->credited) / CLOCK_US;

	return (uint64_t)used * (rtt / CLOCK_US) >= s->recv_max / 4 * us;
}

static void
grant(struct mux *m, struct stream *s, uint64_t now)
{
	uint32_t used = s->recv_max - s->recv_window - s->unread;
	uint32_t part = s->recv_max <= 512 * 1024 ? 4 : 2;

	if (s->remote_done || s->reset || !s->in_table ||
	    used < s->recv_max / part)
		return;
	assert((uint64_t)s->recv_window + s->unread <= s->recv_max);
	if (wants_more(m, s, used, now) && m->p.windows != NULL &&
	    s->recv_max <= m->p.max_window / 2 &&
	    limit_take(m->p.windows, s->recv_max) == 0) {
		used += s->recv_max;
		s->recv_max *= 2;
	}
	s->recv_window += used;
	s->credit += used;
	s->credited = now;
	yamux_queue_head(m, s);
}

static void
yamux_consumed(struct mux *m, struct mux_stream *ms, size_t n, uint64_t now)
{
	struct stream *s = (struct stream *)ms;

	assert(n <= s->unread);
	s->unread -= (uint32_t)n;
	grant(m, s, now);
}

static void
discard(struct mux *m, struct stream *s, uint32_t n, uint64_t now)
{
	s->discarded += n;
	if (s->discarded > DISCARD_MAX)
		yamux_reset(m, &s->base, MUX_CODE_NONE);
	else
		grant(m, s, now);
}

static void
yamux_release(struct mux *m, struct mux_stream *ms, uint64_t now)
{
	struct stream *s = (struct stream *)ms;

	s->base.user = NULL;
	s->released = true;
	s->unread = 0;
	if (!s->in_table) {
		free(s);
		return;
	}
	yamux_finish(m, ms);
	s->linger = clock_after(now, LINGER);
	grant(m, s, now);
	yamux_leave_if_done(m, s);
}

static void
yamux_goaway(struct mux *m, uint32_t code)
{
	if (m->goaway_sent || m->goaway)
		return;
	m->goaway = true;
	m->goaway_code = code;
}

static bool
yamux_pending(const struct mux *m)
{
	return m->pong || m->ping || m->goaway || m->n_refused > 0 ||
	    !TAILQ_EMPTY(&m->head) || !TAILQ_EMPTY(&m->tail);
}

static void
yamux_head(struct mux *m, struct wr *w)
{
	struct stream *s;

	if (m->pong && wr_room(w) >= YAMUX_HDR_SIZE) {
		put(w, YAMUX_PING, YAMUX_ACK, 0, m->pong_value);
		m->pong = false;
		m->pongs_lost = 0;
	}
	if (m->ping && wr_room(w) >= YAMUX_HDR_SIZE) {
		put(w, YAMUX_PING, YAMUX_SYN, 0, m->ping_value);
		m->ping = false;
	}
	while ((s = TAILQ_FIRST(&m->head)) != NULL &&
	    wr_room(w) >= 3 * YAMUX_HDR_SIZE) {
		TAILQ_REMOVE(&m->head, s, head);
		s->on_head = false;
		put_opening(s, w);
		if (s->credit > 0)
			put(w, YAMUX_WINDOW, 0, s->id, s->credit);
		s->credit = 0;
		yamux_leave_if_done(m, s);
	}
}

static void
yamux_tail(struct mux *m, struct wr *w)
{
	struct stream *s;

	while ((s = TAILQ_FIRST(&m->tail)) != NULL &&
	    wr_room(w) >= 3 * YAMUX_HDR_SIZE) {
		TAILQ_REMOVE(&m->tail, s, tail);
		s->on_tail = false;
		if (s->rst) {
			put(w, YAMUX_WINDOW, YAMUX_RST, s->id, s->code);
		} else if (s->fin) {
			put_opening(s, w);
			put(w, YAMUX_WINDOW, YAMUX_FIN, s->id, 0);
		}
		s->rst = s->fin = false;
		yamux_leave_if_done(m, s);
	}
	while (m->n_refused > 0 && wr_room(w) >= YAMUX_HDR_SIZE)
		put(w, YAMUX_WINDOW, YAMUX_RST, m->refused[--m->n_refused],
		    MUX_RESET_LIMIT);
	if (m->goaway && wr_room(w) >= YAMUX_HDR_SIZE) {
		put(w, YAMUX_GOAWAY, 0, 0, m->goaway_code);
		m->goaway = false;
		m->goaway_sent = true;
	}
}

static void
tick_lingering(struct mux *m, uint64_t now)
{
	struct stream *s, *next;

	HASH_ITER(hh, m->table, s, next)
		if (s->linger != 0 && s->linger <= now)
			yamux_reset(m, &s->base, MUX_CODE_NONE);
}

static int
yamux_tick(struct mux *m, uint64_t now)
{
	uint64_t alive = m->heard > m->ping_sent ? m->heard : m->ping_sent;

	if (m->frame_due != 0 && m->frame_due <= now)
		return yamux_fail(m, P2P_ERR_TIMEOUT);
	if (m->ping_out && now - alive >= m->p.pong_timeout)
		return yamux_fail(m, P2P_ERR_TIMEOUT);
	if (m->ping_next <= now) {
		m->ping_next = clock_after(now, m->p.keepalive);
		m->ping = m->ping_out = true;
		m->ping_value++;
		m->ping_sent = now;
	}
	tick_lingering(m, now);
	return 0;
}

static uint64_t
yamux_when(const struct mux *m)
{
	uint64_t t = m->ping_next, alive;
	struct stream *s;

	if (m->frame_due != 0 && m->frame_due < t)
		t = m->frame_due;
	if (m->ping_out) {
		alive = m->heard > m->ping_sent ? m->heard : m->ping_sent;
		if (alive + m->p.pong_timeout < t)
			t = alive + m->p.pong_timeout;
	}
	for (s = m->table; s != NULL; s = s->hh.next)
		if (s->linger != 0 && !s->reset && s->linger < t)
			t = s->linger;
	return t;
}

static unsigned
yamux_streams(const struct mux *m)
{
	return m->n_in + m->n_out;
}

static uint64_t
yamux_rtt(const struct mux *m)
{
	return m->rtt;
}

const struct mux_ops mux_yamux = {
	.id = "/yamux/1.0.0",
	.new = yamux_new,
	.free = yamux_free,
	.next = yamux_next,
	.open = yamux_open,
	.accept = yamux_accept,
	.window = yamux_window,
	.data = yamux_data,
	.finish = yamux_finish,
	.reset = yamux_reset,
	.consumed = yamux_consumed,
	.release = yamux_release,
	.goaway = yamux_goaway,
	.pending = yamux_pending,
	.head = yamux_head,
	.tail = yamux_tail,
	.tick = yamux_tick,
	.when = yamux_when,
	.describe = yamux_describe,
	.streams = yamux_streams,
	.rtt = yamux_rtt,
};
