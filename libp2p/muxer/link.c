/*
 * The write side, see link.h.  A batch is one buffer from the pool:
 *
 *	| room for head frames | staged frames ...      | room for tail frames |
 *	0                      HEAD                     HEAD + STAGE
 *
 * Control frames go in front of the data that was staged before the batch was
 * taken, finishes and resets behind it.  HEAD is no multiple of 64, so that a
 * page-aligned payload is not copied to an address a few bytes past its own
 * modulo 4096, which is 25 times slower on some processors (performance.md
 * B.4).
 */
#include "muxer/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bufpool.h"
#include "base/clock.h"
#include "base/wake.h"
#include "muxer/flusher.h"
#include "p2p/error.h"

#define HEAD		5200		/* bytes for control frames */
#define STAGE		(128 * 1024)	/* bytes of data frames */
#define TAIL		4096
#define ROUNDS		2		/* batches a caller sends for others */
#define STALL		(10 * CLOCK_S)	/* a socket that takes nothing */

_Static_assert(HEAD + STAGE + TAIL <= LINK_BUFFER, "a batch is one buffer");

struct batch {
	uint8_t	*buf;
	size_t	 off, len;
};

void
link_init(struct link *l, struct raw *raw, const struct security_ops *sec,
    struct codec *codec, const struct mux_ops *ops, struct bufpool *pool,
    struct flusher *flusher)
{
	memset(l, 0, sizeof(*l));
	l->raw = *raw;
	l->sec = sec;
	l->codec = codec;
	l->ops = ops;
	l->pool = pool;
	l->flusher = flusher;
	lock_init(&l->mtx, LOCK_MUX);
	cond_init(&l->room);
	raw->fd = -1;
	raw->local = raw->remote = NULL;
}

void
link_fini(struct link *l)
{
	bufpool_put(l->pool, l->stage);
	bufpool_put(l->pool, l->out);
	l->sec->codec_free(l->codec);
	raw_close(&l->raw);
	cond_destroy(&l->room);
	lock_destroy(&l->mtx);
}

void
link_end(struct link *l, int reason, bool by_us)
{
	lock_assert_held(&l->mtx);
	if (l->ended)
		return;
	l->ended = true;
	l->end = reason;
	l->by_us = l->by_us || by_us;
	(void)shutdown(l->raw.fd, SHUT_RDWR);
	cond_broadcast(&l->room);
}

bool
link_room(struct link *l, struct wr *w)
{
	lock_assert_held(&l->mtx);
	if (l->stage == NULL) {
		if ((l->stage = bufpool_get(l->pool)) == NULL) {
			link_end(l, -ENOMEM, true);
			return false;
		}
		l->stage_len = 0;
	}
	wr_init(w, l->stage + HEAD + l->stage_len, STAGE - l->stage_len);
	return w->cap > 2 * MUX_FRAME_ROOM;
}

void
link_staged(struct link *l, const struct wr *w)
{
	lock_assert_held(&l->mtx);
	l->stage_len += w->len;
}

static bool
take_batch(struct link *l, struct batch *b)
{
	uint8_t head[HEAD];
	struct wr w;

	if (l->stage_len == 0 && !l->ops->pending(l->mux) && !l->talk)
		return false;
	if (l->stage == NULL && (l->stage = bufpool_get(l->pool)) == NULL) {
		link_end(l, -ENOMEM, true);
		return false;
	}
	l->talk = false;
	b->buf = l->stage;
	wr_init(&w, head, sizeof(head));
	l->ops->head(l->mux, &w);
	b->off = HEAD - w.len;
	memcpy(b->buf + b->off, head, w.len);
	b->len = w.len + l->stage_len;
	wr_init(&w, b->buf + HEAD + l->stage_len, TAIL);
	l->ops->tail(l->mux, &w);
	b->len += w.len;
	l->stage = NULL;
	l->stage_len = 0;
	return true;
}

/* The role is ours, the lock is not held. */
static int
seal_batch(struct link *l, struct batch *b)
{
	struct wr w;
	int e;

	if (l->out == NULL && (l->out = bufpool_get(l->pool)) == NULL) {
		bufpool_put(l->pool, b->buf);
		return -ENOMEM;
	}
	wr_init(&w, l->out, LINK_BUFFER);
	e = l->sec->seal(l->codec, b->buf + b->off, b->len, &w);
	l->out_off = 0;
	l->out_len = w.len;
	bufpool_put(l->pool, b->buf);
	return e == 0 && w.full ? P2P_ERR_TOO_LARGE : e;
}

/*
 * Send sealed bytes: 0 all, 1 the socket is full, or -errno.  The role is ours,
 * the lock is not held.
 */
static int
send_out(struct link *l, bool *moved)
{
	ssize_t n;

	*moved = false;
	while (l->out_off < l->out_len) {
		n = send(l->raw.fd, l->out + l->out_off,
		    l->out_len - l->out_off, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			l->out_off += (size_t)n;
			*moved = true;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return 1;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	bufpool_put(l->pool, l->out);
	l->out = NULL;
	l->out_off = l->out_len = 0;
	return 0;
}

/*
 * Seal and send up to so many batches.  The role is ours; the lock is held, and
 * let go in between.  Returns 0 (nothing is left, or the link has ended), 1
 * (the socket is full) or 2 (there is more).
 */
static int
pump(struct link *l, unsigned rounds)
{
	struct batch b;
	bool moved;
	int e = 0;

	while (!l->ended) {
		b.buf = NULL;
		if (l->out_off == l->out_len) {
			if (rounds-- == 0)
				return 2;
			if (!take_batch(l, &b))
				return 0;
			cond_broadcast(&l->room);
		}
		lock_unlock(&l->mtx);
		lock_point("flush", l);
		moved = false;
		if (b.buf == NULL || (e = seal_batch(l, &b)) == 0)
			e = send_out(l, &moved);
		lock_lock(&l->mtx);
		if (moved || e == 0)
			l->stalled = 0;
		if (e < 0) {
			link_end(l, e, false);
			return 0;
		}
		if (e == 1) {
			if (l->stalled == 0)
				l->stalled = clock_now();
			return 1;
		}
	}
	return 0;
}

static void
give_role(struct link *l, int left)
{
	int e;

	l->role = left != 0 && !l->ended ? LINK_PARKED : LINK_NOBODY;
	if (l->role == LINK_PARKED && (e = flusher_park(l->flusher, l)) != 0) {
		l->role = LINK_NOBODY;
		link_end(l, e, true);
	}
	cond_broadcast(&l->room);
}

void
link_flush(struct link *l)
{
	int left;

	lock_assert_held(&l->mtx);
	if (l->role == LINK_BUSY || l->ended || l->silent)
		return;
	l->role = LINK_BUSY;
	left = pump(l, ROUNDS);
	give_role(l, left);
}

void
link_kick(struct link *l)
{
	lock_assert_held(&l->mtx);
	if (l->role == LINK_NOBODY && !l->ended && !l->silent)
		give_role(l, 1);
}

void
link_resume(struct link *l)
{
	lock_lock(&l->mtx);
	if (l->role == LINK_PARKED)
		link_flush(l);
	lock_unlock(&l->mtx);
}

/*
 * Whether the socket has taken nothing for too long.  Who asks may have read
 * the clock before the socket was full.
 */
static bool
is_stalled(const struct link *l, uint64_t now)
{
	return l->stalled != 0 && now > l->stalled && now - l->stalled >= STALL;
}

/*
 * The role is ours and the socket stalled, as it seems: after a pause of this
 * whole process it may take bytes again, so the last word is its own.
 */
static int
last_try(struct link *l)
{
	int left = pump(l, 1);

	if (left == 1 && is_stalled(l, clock_now()))
		link_end(l, P2P_ERR_TIMEOUT, true);
	return left;
}

bool
link_overdue(struct link *l, uint64_t now)
{
	bool overdue;

	lock_lock(&l->mtx);
	overdue = l->role == LINK_PARKED && !l->ended && is_stalled(l, now);
	if (overdue) {
		l->role = LINK_BUSY;
		give_role(l, last_try(l));
		overdue = l->ended;
	}
	lock_unlock(&l->mtx);
	return overdue;
}

/* We hold the role and the socket is full: wait for it, without the lock. */
static void
wait_socket(struct link *l, uint64_t deadline)
{
	uint64_t stall = clock_after(l->stalled, STALL);

	lock_unlock(&l->mtx);
	lock_point("full", l);
	(void)wake_poll(l->raw.fd, POLLOUT, -1,
	    deadline < stall ? deadline : stall);
	lock_lock(&l->mtx);
	if (is_stalled(l, clock_now()))
		(void)last_try(l);
}

/*
 * One step towards less to send: as the flusher, or waiting for the one who is.
 */
static int
step(struct link *l, uint64_t deadline)
{
	int left;

	if (l->ended || l->silent)
		return P2P_ERR_DISCONNECTED;
	if (l->role == LINK_BUSY)
		return cond_wait(&l->room, &l->mtx, deadline) ? 0 :
		    P2P_ERR_TIMEOUT;
	l->role = LINK_BUSY;
	if ((left = pump(l, 1)) == 1) {
		wait_socket(l, deadline);
		left = l->out_off < l->out_len || l->stage_len > 0;
	}
	give_role(l, left);
	return clock_now() >= deadline ? P2P_ERR_TIMEOUT : 0;
}

int
link_wait(struct link *l, uint64_t deadline)
{
	lock_assert_held(&l->mtx);
	return step(l, deadline);
}

int
link_drain(struct link *l, uint64_t deadline)
{
	int e = 0;

	lock_assert_held(&l->mtx);
	while (e == 0 && !l->ended && !l->silent && (l->role != LINK_NOBODY ||
	    l->stage_len > 0 || l->ops->pending(l->mux)))
		e = step(l, deadline);
	return l->ended || l->silent ? P2P_ERR_DISCONNECTED : e;
}

void
link_goodbye(struct link *l)
{
	uint8_t buf[512];
	struct wr w;

	lock_assert_held(&l->mtx);
	if (l->role != LINK_NOBODY || l->ended || l->silent)
		return;
	l->silent = true;
	l->role = LINK_BUSY;
	lock_unlock(&l->mtx);
	wr_init(&w, buf, sizeof(buf));
	l->sec->close(l->codec, &w);
	if (!w.full)
		(void)send(l->raw.fd, buf, w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	lock_lock(&l->mtx);
	give_role(l, 0);
}

void
link_retire(struct link *l)
{
	lock_assert_held(&l->mtx);
	while (l->role == LINK_BUSY)
		cond_wait(&l->room, &l->mtx, CLOCK_NEVER);
	l->role = LINK_BUSY;
	lock_unlock(&l->mtx);
	flusher_forget(l->flusher, l);
	lock_lock(&l->mtx);
}
