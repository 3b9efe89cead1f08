/*
 * The worker of one connection, and the end of it.
 *
 *	poll > borrow a buffer > read(2) > open records in place > events
 *	     > data into the streams' queues > wake their readers > give back
 *
 * The worker waits for nothing but its socket.  Its own answers are bits in the
 * core, and it sends them as any writer does, without blocking.  Reading never
 * pauses where streams have windows, which are the brake then.  A muxer without
 * any says that the users are behind, and the worker waits for them
 * (s->behind), so that TCP holds the peer back; the core's clock ends that
 * wait.
 *
 * The end: anybody sets it (link_end) and shuts the socket down, which wakes
 * the worker; the worker alone sets the end of every stream, waits for the
 * flusher role and keeps it, and leaves.  What remains is freed with the last
 * reference; the descriptor is closed there and no earlier.
 */
#include "muxer/session.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bufpool.h"
#include "base/clock.h"
#include "base/wake.h"
#include "muxer/mstream.h"
#include "p2p/error.h"

#define READ_MAX	(128 * 1024)	/* bytes a read(2) */
#define WAKE_AT		(64 * 1024)	/* queued bytes that wake at once */
#define KEEPALIVE	(30 * CLOCK_S)
#define PONG_TIMEOUT	(10 * CLOCK_S)	/* go: the session is dead then */

static int
make_mux(struct session *s, const struct session_params *p, struct mux **out)
{
	struct mux_params m = {
		.dialer = p->dialer,
		.now = clock_now(),
		.streams_in = &s->streams_in,
		.streams_out = &s->streams_out,
		.max_window = p->max_window,
		.windows = &s->windows,
		.keepalive = KEEPALIVE,
		.pong_timeout = PONG_TIMEOUT,
	};

	return p->ops->new(&m, out);
}

int
session_new(const struct session_params *p, struct session **out)
{
	struct session *s;
	struct mux *mux;
	int e = -ENOMEM;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	limit_under(&s->streams_in, p->streams_in, NULL);
	limit_under(&s->streams_out, p->streams_out, NULL);
	limit_under(&s->windows, p->windows_each, p->windows);
	limit_under(&s->buffered, p->buffered_each, p->buffered);
	s->early_plain = p->plain.len;
	s->early_cipher = p->cipher.len;
	if ((s->early = malloc(p->plain.len + p->cipher.len + 1)) == NULL)
		goto fail;
	if (p->plain.len > 0)
		memcpy(s->early, p->plain.p, p->plain.len);
	if (p->cipher.len > 0)
		memcpy(s->early + p->plain.len, p->cipher.p, p->cipher.len);
	if ((e = make_mux(s, p, &mux)) != 0)
		goto fail;
	s->segments = p->segments;
	s->inbound = p->inbound;
	s->arg = p->arg;
	TAILQ_INIT(&s->streams);
	TAILQ_INIT(&s->wakes);
	cond_init(&s->death);
	s->used = clock_now();
	atomic_init(&s->refs, 1);
	link_init(&s->link, p->raw, p->sec, p->codec, p->ops, p->pool,
	    p->flusher);
	s->link.mux = mux;
	*out = s;
	return 0;
fail:
	free(s->early);
	free(s);
	return e;
}

void
session_ref(struct session *s)
{
	atomic_fetch_add(&s->refs, 1);
}

void
session_unref(struct session *s)
{
	if (atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	assert(TAILQ_EMPTY(&s->streams));
	s->link.ops->free(s->link.mux);
	link_fini(&s->link);
	cond_destroy(&s->death);
	free(s->early);
	free(s);
}

/* The worker's hand on a stream; link.mtx is held. */
static struct mstream *
grab(struct mux_stream *core)
{
	struct mstream *ms = core->user;

	ms->refs++;
	return ms;
}

static void
drop(struct mstream *ms)
{
	lock_lock(&ms->session->link.mtx);
	mstream_unref_unlock(ms);
}

/* A stream of the peer's; link.mtx is held and let go. */
static void
on_stream(struct session *s, struct mux_stream *core)
{
	struct mstream *ms;
	int e;

	if ((ms = mstream_new(s)) == NULL) {
		s->link.ops->reset(s->link.mux, core, MUX_RESET_LIMIT);
		s->link.ops->release(s->link.mux, core, clock_now());
		lock_unlock(&s->link.mtx);
		return;
	}
	ms->core = core;
	s->link.ops->accept(s->link.mux, core, ms);
	lock_unlock(&s->link.mtx);
	if ((e = s->inbound(ms, s->arg)) == 0)
		return;
	mstream_reset(ms, e == P2P_ERR_REFUSED ? MUX_RESET_RATE :
	    MUX_RESET_LIMIT);
	mstream_free(ms);
}

/* Bytes into the queue; the worker holds a reference and no lock. */
static void
on_data(struct session *s, struct mstream *ms, struct rd data)
{
	bool lost, full, wake;

	if (limit_take(&s->buffered, data.len) != 0) {
		mstream_reset(ms, MUX_RESET_LIMIT);
		drop(ms);
		return;
	}
	lock_lock(&ms->mtx);
	lost = ms->end != 0 || queue_put(&ms->queue, data) != 0;
	full = !lost && ms->queue.len >= WAKE_AT;
	wake = !lost && !full && ms->readable.waiters > 0 && !ms->waking;
	if (full)
		cond_broadcast(&ms->readable);
	lock_unlock(&ms->mtx);
	if (lost) {			/* ended already, or no memory */
		limit_give(&s->buffered, data.len);
		mstream_reset(ms, MUX_RESET_LIMIT);
	}
	if (wake) {
		ms->waking = true;
		TAILQ_INSERT_TAIL(&s->wakes, ms, wake);
	} else {
		drop(ms);
	}
}

/* The end of a batch: wake the readers that wait. */
static void
wake_readers(struct session *s)
{
	struct mstream *ms;

	while ((ms = TAILQ_FIRST(&s->wakes)) != NULL) {
		TAILQ_REMOVE(&s->wakes, ms, wake);
		ms->waking = false;
		lock_lock(&ms->mtx);
		cond_broadcast(&ms->readable);
		lock_unlock(&ms->mtx);
		drop(ms);
	}
}

static void
on_fin(struct mstream *ms)
{
	lock_lock(&ms->mtx);
	ms->fin = true;
	cond_broadcast(&ms->readable);
	lock_unlock(&ms->mtx);
}

/* link.mtx is held, and let go by some events. Returns whether it still is. */
static bool
on_event(struct session *s, const struct mux_event *ev)
{
	struct mstream *ms;

	switch (ev->kind) {
	case MUX_STREAM:
		on_stream(s, ev->stream);
		return false;
	case MUX_DATA:
		ms = grab(ev->stream);
		lock_unlock(&s->link.mtx);
		on_data(s, ms, ev->data);
		return false;
	case MUX_FIN:
		on_fin(ev->stream->user);
		return true;
	case MUX_RESET:
		mstream_end(ev->stream->user, P2P_ERR_RESET);
		return true;
	case MUX_WINDOW:
		cond_broadcast(&((struct mstream *)ev->stream->user)->writable);
		return true;
	case MUX_GOAWAY:
		s->leaving = true;
		return true;
	case MUX_STALL:
		ms = grab(ev->stream);
		lock_unlock(&s->link.mtx);
		mstream_reset(ms, MUX_RESET_LIMIT);
		drop(ms);
		return false;
	case MUX_NONE:
		return true;
	}
	return true;
}

/*
 * Whether what still comes is for nobody: the end was set, and not by a peer
 * that hung up, whose last words count (see drain).
 */
static bool
is_over(const struct link *l)
{
	return l->ended && l->end != -EPIPE && l->end != -ECONNRESET;
}

/* Plaintext of the peer's: run the core over it. */
static int
feed(struct session *s, struct rd in)
{
	struct mux_event ev;
	uint64_t now = clock_now();
	int e = 0;

	lock_lock(&s->link.mtx);
	do {
		e = s->link.ops->next(s->link.mux, &in, now, &ev);
		if (e == 0 && !on_event(s, &ev))
			lock_lock(&s->link.mtx);
		if (e == 0 && is_over(&s->link))
			e = P2P_ERR_DISCONNECTED;
	} while (e == 0 && ev.kind != MUX_NONE);
	lock_unlock(&s->link.mtx);
	return e;
}

/* Whatever the core wants to say is said, or parked. */
static void
answer(struct session *s, bool talk)
{
	lock_lock(&s->link.mtx);
	s->link.talk = s->link.talk || talk;
	if (s->link.talk || s->link.ops->pending(s->link.mux))
		link_flush(&s->link);
	lock_unlock(&s->link.mtx);
}

/* The end of a batch: whether the users are behind, and their readers. */
static void
settle(struct session *s)
{
	lock_lock(&s->link.mtx);
	mstream_weigh(s);
	lock_unlock(&s->link.mtx);
	wake_readers(s);
}

/*
 * Ciphertext at the front of buf; what is left of an incomplete record ends up
 * there again, *len bytes.  Returns 0, 1 for a clean end, or an error.
 */
static int
digest(struct session *s, uint8_t *buf, size_t *len)
{
	struct span in = { buf, *len };
	struct rd plain;
	bool talk = false, wants;
	int e = 0, closed;

	/* What came in good order before a bad record counts. */
	do {
		closed = s->link.sec->open(s->link.codec, &in, &plain, &wants);
		talk = talk || wants;
		if (plain.len > 0)
			e = feed(s, plain);
	} while (closed == 0 && e == 0);
	settle(s);
	if (closed < 0 && closed != P2P_ERR_SHORT)
		return closed;
	memmove(buf, in.p, in.len);
	*len = in.len;
	answer(s, talk);
	return e != 0 ? e : closed == 1;
}

/* Keep what is left of a record between two borrowed buffers. */
static int
keep(struct session *s, const uint8_t *bytes, size_t len)
{
	free(s->early);
	s->early = NULL;
	s->early_cipher = len;
	if (len == 0)
		return 0;
	if ((s->early = malloc(len)) == NULL)
		return -ENOMEM;
	memcpy(s->early, bytes, len);
	return 0;
}

/*
 * Read until the socket is dry, or the users are behind.  Returns 0, 1 for
 * the end of file, or < 0.
 */
static int
drink(struct session *s)
{
	size_t len = s->early_cipher, want;
	uint8_t *buf;
	ssize_t n;
	int e = 0;

	if ((buf = bufpool_get(s->link.pool)) == NULL)
		return -ENOMEM;
	if (len > 0)
		memcpy(buf, s->early, len);
	do {
		want = READ_MAX - len;
		n = recv(s->link.raw.fd, buf + len, want, MSG_DONTWAIT);
		if (n == 0) {
			e = 1;
		} else if (n > 0) {
			len += (size_t)n;
			e = digest(s, buf, &len);
		} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
			e = errno == EINTR ? 0 : -errno;
			n = errno == EINTR ? (ssize_t)want : n;
		}
	} while (e == 0 && n == (ssize_t)want && !s->behind);
	if (e == 0)
		e = keep(s, buf, len);
	bufpool_put(s->link.pool, buf);
	return e;
}

/* What came with the handshake's last bytes. */
static int
drink_early(struct session *s)
{
	size_t len = s->early_cipher;
	uint8_t *buf;
	int e;

	e = feed(s, (struct rd){ s->early, s->early_plain });
	settle(s);
	if (e != 0)
		return e;
	if (len > READ_MAX)
		return P2P_ERR_TOO_LARGE;
	if ((buf = bufpool_get(s->link.pool)) == NULL)
		return -ENOMEM;
	memcpy(buf, s->early + s->early_plain, len);
	if ((e = digest(s, buf, &len)) == 0)
		e = keep(s, buf, len);
	bufpool_put(s->link.pool, buf);
	return e;
}

static int
tick(struct session *s)
{
	uint64_t now = clock_now();
	struct mstream *ms;
	bool behind;
	int e = 0;

	lock_lock(&s->link.mtx);
	behind = s->behind;
	if (behind)			/* who waits to write is not idle */
		TAILQ_FOREACH(ms, &s->streams, link)
			if (ms->writing && ms->core != NULL)
				s->link.ops->consumed(s->link.mux, ms->core,
				    0, now);
	if (s->link.ops->when(s->link.mux) <= now)
		e = s->link.ops->tick(s->link.mux, now);
	lock_unlock(&s->link.mtx);
	if (e == 0 && behind)		/* who was in the way hears of it */
		e = feed(s, (struct rd){ NULL, 0 });
	if (e == 0)
		answer(s, false);
	return e;
}

/*
 * A send that failed has ended the link, but what the peer had said before it
 * hung up is still in the socket: its last answer, as likely as not.
 */
static int
drain(struct session *s)
{
	bool hung_up;

	lock_lock(&s->link.mtx);
	hung_up = s->link.end == -EPIPE || s->link.end == -ECONNRESET;
	lock_unlock(&s->link.mtx);
	return hung_up ? drink(s) : 0;
}

/*
 * Input comes before timers: after a pause of this whole process, what has
 * arrived meanwhile is read before anybody is judged dead.
 */
static int
demultiplex(struct session *s)
{
	uint64_t when;
	bool alive = true;
	int e;

	if ((e = drink_early(s)) != 0)
		return e;
	while (alive) {
		lock_lock(&s->link.mtx);
		when = s->link.ops->when(s->link.mux);
		while (s->behind && !s->link.ended &&
		    cond_wait(&s->link.room, &s->link.mtx, when))
			;
		alive = !s->link.ended;
		e = s->behind ? P2P_ERR_TIMEOUT : 0;
		lock_unlock(&s->link.mtx);
		if (alive && e == 0)
			e = wake_poll(s->link.raw.fd, POLLIN, -1, when);
		if (alive && e == 0 && (e = drink(s)) != 0)
			return e;
		if (alive && (e = tick(s)) != 0)
			return e;
	}
	return drain(s);
}

/* The reason of the end, when we are the ones who noticed it. */
static void
conclude(struct session *s, int e)
{
	struct link *l = &s->link;

	lock_lock(&l->mtx);
	if (e < 0 && e != -ECONNRESET && e != -EPIPE)
		link_flush(l);		/* the goaway, if the socket takes it */
	if (e == 1 && !s->leaving && l->ops->streams(l->mux) > 0)
		link_end(l, P2P_ERR_DISCONNECTED, false);
	else
		link_end(l, e == 1 ? 0 : e, false);
	lock_unlock(&l->mtx);
}

int
session_run(struct session *s)
{
	struct mstream *ms;
	int reason;

	conclude(s, demultiplex(s));
	lock_lock(&s->link.mtx);
	s->dead = true;
	TAILQ_FOREACH(ms, &s->streams, link)
		mstream_end(ms, P2P_ERR_DISCONNECTED);
	link_retire(&s->link);
	cond_broadcast(&s->death);
	reason = s->link.end;
	lock_unlock(&s->link.mtx);
	return reason;
}

bool
session_ended_by_us(const struct session *s)
{
	return s->link.by_us;
}

void
session_close(struct session *s, int reason)
{
	lock_lock(&s->link.mtx);
	link_end(&s->link, reason, true);
	lock_unlock(&s->link.mtx);
}

/* link.mtx is held, and let go in between. */
static void
leave(struct session *s)
{
	struct link *l = &s->link;

	s->leaving = true;
	if (!l->ended) {
		l->by_us = true;
		l->ops->goaway(l->mux, MUX_CODE_NONE);
		link_flush(l);
	}
}

void
session_leave(struct session *s)
{
	lock_lock(&s->link.mtx);
	leave(s);
	lock_unlock(&s->link.mtx);
}

bool
session_leave_idle(struct session *s)
{
	bool idle;

	lock_lock(&s->link.mtx);
	idle = TAILQ_EMPTY(&s->streams);
	if (idle)
		leave(s);
	lock_unlock(&s->link.mtx);
	return idle;
}

void
session_shutdown(struct session *s, uint64_t deadline)
{
	struct link *l = &s->link;

	session_leave(s);
	lock_lock(&l->mtx);
	if (link_drain(l, deadline) == 0) {
		link_goodbye(l);
		(void)shutdown(l->raw.fd, SHUT_WR);
	}
	while (!s->dead && cond_wait(&s->death, &l->mtx, deadline))
		;
	link_end(l, 0, true);
	lock_unlock(&l->mtx);
}

int
session_open(struct session *s, struct mstream **out)
{
	struct mstream *ms;
	int e;

	lock_lock(&s->link.mtx);
	if (s->link.ended || s->dead || s->leaving) {
		lock_unlock(&s->link.mtx);
		return P2P_ERR_DISCONNECTED;
	}
	if ((ms = mstream_new(s)) == NULL) {
		lock_unlock(&s->link.mtx);
		return -ENOMEM;
	}
	e = s->link.ops->open(s->link.mux, clock_now(), ms, &ms->core);
	if (e != 0) {
		mstream_unref_unlock(ms);
		return e;
	}
	lock_unlock(&s->link.mtx);
	*out = ms;
	return 0;
}

const struct link *
session_link(const struct session *s)
{
	return &s->link;
}

bool
session_alive(struct session *s)
{
	bool alive;

	lock_lock(&s->link.mtx);
	alive = !s->link.ended && !s->dead && !s->leaving;
	lock_unlock(&s->link.mtx);
	return alive;
}

bool
session_idle(struct session *s, uint64_t *since)
{
	bool idle;

	lock_lock(&s->link.mtx);
	idle = TAILQ_EMPTY(&s->streams);
	*since = s->used;
	lock_unlock(&s->link.mtx);
	return idle;
}

unsigned
session_streams(struct session *s)
{
	unsigned n;

	lock_lock(&s->link.mtx);
	n = s->link.ops->streams(s->link.mux);
	lock_unlock(&s->link.mtx);
	return n;
}

uint64_t
session_rtt(struct session *s)
{
	uint64_t rtt;

	lock_lock(&s->link.mtx);
	rtt = s->link.ops->rtt(s->link.mux);
	lock_unlock(&s->link.mtx);
	return rtt;
}
