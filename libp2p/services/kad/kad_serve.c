/*
 * Requests of an inbound stream, one after another, until its end.
 *
 * A stream may rest for a minute between two requests, as go's do, or a few
 * seconds while handlers are scarce; a request has ten seconds from its first
 * byte to its last, as has its answer; and no stream lives for ever.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "p2p/error.h"
#include "p2p/stream.h"
#include "services/kad/kad.h"
#include "services/kad/kad_frame.h"

#define IDLE		(60 * CLOCK_S)
#define IDLE_SCARCE	(2 * CLOCK_S)
#define REQUEST		(10 * CLOCK_S)
#define LIFE		(600 * CLOCK_S)
#define CHUNK		4096		/* bytes read at once */
#define OUT_MAX		(P2P_RECORD_VALUE_MAX + KAD_MSG_SEND_MAX)

static bool
begin(struct p2p_kad *k, struct kad_serving *sv)
{
	bool may;

	lock_lock(&k->mtx);
	may = k->is_server && !atomic_load(&k->closed);
	if (may) {
		TAILQ_INSERT_TAIL(&k->servings, sv, link);
		k->stats.streams++;
	}
	lock_unlock(&k->mtx);
	return may;
}

static void
end(struct p2p_kad *k, struct kad_serving *sv)
{
	lock_lock(&k->mtx);
	while (sv->held)
		cond_wait(&k->mode_changed, &k->mtx, CLOCK_NEVER);
	TAILQ_REMOVE(&k->servings, sv, link);
	k->stats.streams--;
	lock_unlock(&k->mtx);
}

/* How long a stream may rest now. */
static uint64_t
idle_time(const struct p2p_kad *k)
{
	const struct limit *all = &k->host->limits[LIMIT_HANDLERS];

	return atomic_load(&all->used) >= all->max / 4 * 3 ? IDLE_SCARCE :
	    IDLE;
}

static int
answer_one(struct p2p_kad *k, struct p2p_stream *s, struct rd bytes,
    struct wr *w)
{
	struct kad_msg m;
	int e;

	w->len = 0;
	w->full = false;
	if ((e = kad_msg_get(bytes, KAD_MSG_REQUEST_MAX, &m)) != 0)
		return e;
	e = kad_answer(k, p2p_stream_peer(s), &m, w);
	kad_msg_clear(&m);
	if (e != 0 || w->len == 0)
		return e;
	stream_deadline(s, clock_after(clock_now(), REQUEST));
	return p2p_stream_write_full(s, w->p, w->len);
}

/* All that a chunk completes; *any: it did complete a request. */
static int
take(struct p2p_kad *k, struct p2p_stream *s, struct kad_frame *f,
    struct rd in, struct wr *w, uint64_t life, bool *any)
{
	struct rd msg;
	int e;

	*any = false;
	while ((e = kad_frame_feed(f, &in, &msg)) == 0) {
		if (*any && clock_now() >= life)
			return P2P_ERR_TIMEOUT;
		*any = true;
		if ((e = answer_one(k, s, msg, w)) != 0)
			return e;
	}
	return e == 1 ? 0 : e;
}

/* Returns 0 after a proper end, also when the stream has rested too long. */
static int
serve(struct p2p_kad *k, struct p2p_stream *s, struct kad_frame *f,
    struct wr *w)
{
	uint64_t now = clock_now(), life = clock_after(now, LIFE);
	uint64_t due = clock_after(now, IDLE);
	uint8_t chunk[CHUNK];
	bool partial = false, any;
	ssize_t n;
	int e;

	for (;;) {
		stream_deadline(s, due < life || partial ? due : life);
		n = p2p_stream_read(s, chunk, sizeof(chunk));
		if (n == P2P_ERR_TIMEOUT && !partial)
			return 0;
		if (n <= 0)
			return n < 0 ? (int)n : partial ? P2P_ERR_SHORT : 0;
		if ((e = take(k, s, f, (struct rd){ chunk, (size_t)n }, w,
		    life, &any)) != 0)
			return e;
		now = clock_now();
		if (any && now >= life)
			return 0;
		if (!kad_frame_partial(f))
			due = clock_after(now, idle_time(k));
		else if (!partial || any)
			due = clock_after(now, REQUEST);
		partial = kad_frame_partial(f);
	}
}

void
kad_serve(struct p2p_stream *s, void *arg)
{
	struct kad_serving sv = { .stream = s,
	    .thread = pthread_self() };
	struct p2p_kad *k = arg;
	struct kad_frame f;
	uint8_t *out;
	struct wr w;

	if (!begin(k, &sv)) {
		p2p_stream_reset(s);
		return;
	}
	kad_frame_init(&f, KAD_MSG_REQUEST_MAX);
	if ((out = malloc(OUT_MAX)) != NULL)
		wr_init(&w, out, OUT_MAX);
	if (out == NULL || serve(k, s, &f, &w) != 0)
		p2p_stream_reset(s);
	free(out);
	kad_frame_fini(&f);
	end(k, &sv);
}
