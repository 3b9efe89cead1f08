/*
 * Housekeeping: joins what has ended, says goodbye to connections that nobody
 * uses or that are too many, and lets time pass where nothing else does.
 *
 * A connection that has to go is told so, and closed one round later, so that
 * nobody is waited for: its goaway is on the way, and who opens a stream on it
 * meanwhile gets P2P_ERR_DISCONNECTED and another connection.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/inbound.h"
#include "host/peerbook.h"
#include "host/peerstore.h"
#include "host/pool.h"
#include "muxer/flusher.h"

#define INTERVAL	CLOCK_S		/* between two rounds */
#define GOODBYE		CLOCK_S		/* between the goaway and the end */
#define TRIM_INTERVAL	(10 * CLOCK_S)
#define SAVE_INTERVAL	(10 * CLOCK_S)
#define OUTBOUND_LEAST	16		/* that trimming leaves */

struct round {
	uint64_t	now;
	uint64_t	due;		/* the next one */
	uint64_t	trimmed;	/* when that was last done */
	uint64_t	saved;
};

static uint64_t
seconds(const struct p2p_host *h, enum host_limit which)
{
	uint64_t s = h->limits[which].max;

	return s > UINT64_MAX / CLOCK_S ? UINT64_MAX : s * CLOCK_S;
}

/*
 * How long nobody has used it; 0 while somebody does.  A connection that the
 * application asked for counts as used, unless its peer is leaving.
 */
static uint64_t
idle_for(const struct conn *c, uint64_t now)
{
	uint64_t since;

	if ((c->keep && session_alive(c->session)) ||
	    !session_idle(c->session, &since))
		return 0;
	return now > since ? now - since : 0;
}

/* How much it would be missed: those that nobody misses go first. */
static unsigned
value_of(const struct conn *c)
{
	return (unsigned)c->outbound + (unsigned)c->valued;
}

/* Whether a is to go rather than b, which may be NULL. */
static bool
goes_first(const struct conn *a, uint64_t idle_a, const struct conn *b,
    uint64_t idle_b)
{
	if (b == NULL || value_of(a) != value_of(b))
		return b == NULL || value_of(a) < value_of(b);
	return idle_a > idle_b;
}

/*
 * The connection that is missed least, and of these has been idle longest, and
 * at least so long; outbound ones only if there are more than so many.
 */
static struct conn *
most_idle(struct p2p_host *h, uint64_t now, uint64_t least, uint64_t outbound)
{
	struct conn *c, *best = NULL;
	uint64_t most = 0, idle, n = 0;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		n += c->outbound && c->due == 0;
	TAILQ_FOREACH(c, &h->conns, link) {
		if (c->due != 0 || (idle = idle_for(c, now)) == 0 ||
		    idle < least || !goes_first(c, idle, best, most) ||
		    (c->outbound && n <= outbound))
			continue;
		best = c;
		most = idle;
	}
	return best;
}

/*
 * Tell it to go, unless a stream has come since we looked; host->swarm is held,
 * and let go in between.
 */
static void
dismiss(struct p2p_host *h, struct conn *c, uint64_t now)
{
	bool goes;

	conn_ref(c);
	lock_unlock(&h->swarm);
	goes = session_leave_idle(c->session);
	lock_lock(&h->swarm);
	if (goes)
		c->due = clock_after(now, GOODBYE);
	lock_unlock(&h->swarm);
	conn_unref(c);
	lock_lock(&h->swarm);
}

void
house_dismiss(struct conn *c)
{
	struct p2p_host *h = c->host;

	lock_lock(&h->swarm);
	c->keep = false;
	if (c->due == 0)
		dismiss(h, c, clock_now());
	lock_unlock(&h->swarm);
}

/* Nobody has used these for too long. */
static void
dismiss_idle(struct p2p_host *h, uint64_t now)
{
	struct conn *c;

	lock_lock(&h->swarm);
	while ((c = most_idle(h, now, seconds(h, LIMIT_IDLE_S), 0)) !=
	    NULL)
		dismiss(h, c, now);
	lock_unlock(&h->swarm);
}

static uint64_t
count(const struct p2p_host *h)
{
	const struct conn *c;
	uint64_t n = 0;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		n += c->due == 0;
	return n;
}

/* Ask the services, who have locks of their own, which ones they would miss. */
static void
ask_values(struct p2p_host *h)
{
	struct p2p_connection *list;
	struct conn *c;
	size_t i, n;
	bool valued;

	if (p2p_host_connections(h, &list, &n) != 0)
		return;
	for (i = 0; i < n; i++) {
		valued = host_values(h, &list[i].peer);
		lock_lock(&h->swarm);
		TAILQ_FOREACH(c, &h->conns, link)
			if (c->number == list[i].number)
				c->valued = valued;
		lock_unlock(&h->swarm);
	}
	p2p_host_connections_free(list, n);
}

/*
 * Too many: the idlest go, but none that was used within the grace and not the
 * last outbound ones, until the low mark is reached.
 */
static void
trim(struct p2p_host *h, struct round *r)
{
	uint64_t grace = seconds(h, LIMIT_GRACE_S), n;
	struct conn *c;

	if (r->now - r->trimmed < TRIM_INTERVAL)
		return;
	lock_lock(&h->swarm);
	n = count(h);
	lock_unlock(&h->swarm);
	if (n <= h->limits[LIMIT_CONNECTIONS_HIGH].max)
		return;
	r->trimmed = r->now;
	ask_values(h);
	lock_lock(&h->swarm);
	n = count(h);
	if (n > h->limits[LIMIT_CONNECTIONS_HIGH].max) {
		for (; n > h->limits[LIMIT_CONNECTIONS_LOW].max; n--) {
			if ((c = most_idle(h, r->now, grace,
			    OUTBOUND_LEAST)) == NULL)
				break;
			atomic_fetch_add(
			    &h->limits[LIMIT_CONNECTIONS_HIGH].refused, 1);
			dismiss(h, c, r->now);
		}
	}
	lock_unlock(&h->swarm);
}

/* Those that were told to go, a round ago. */
static void
close_due(struct p2p_host *h, uint64_t now)
{
	struct conn *c;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		if (c->due != 0 && c->due <= now)
			session_close(c->session, 0);
	lock_unlock(&h->swarm);
}

/* Join connections whose workers are through.  No lock is held. */
static void
reap(struct p2p_host *h)
{
	TAILQ_HEAD(, conn) over = TAILQ_HEAD_INITIALIZER(over);
	struct conn *c, *next;

	lock_lock(&h->swarm);
	for (c = TAILQ_FIRST(&h->dead); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->started)
			continue;
		TAILQ_REMOVE(&h->dead, c, link);
		TAILQ_INSERT_TAIL(&over, c, link);
	}
	lock_unlock(&h->swarm);
	while ((c = TAILQ_FIRST(&over)) != NULL) {
		TAILQ_REMOVE(&over, c, link);
		thread_join(&c->worker);
		conn_unref(c);
	}
}

void
house_reap(struct p2p_host *h)
{
	inbound_reap(h);
	reap(h);
}

static void
run_save(void *arg)
{
	struct p2p_host *h = arg;

	host_enter(h);
	peerbook_save(h);
	atomic_store(&h->saving, false);
	host_enter(NULL);
}

/* In a thread that may wait for a disk. */
static void
save(struct p2p_host *h, struct round *r)
{
	struct pool_job job = { .fn = run_save, .arg = h, .what = "save" };

	if (h->store == NULL || r->now - r->saved < SAVE_INTERVAL ||
	    atomic_exchange(&h->saving, true))
		return;
	r->saved = r->now;
	if (pool_submit(h->pool, &job) != 0)
		atomic_store(&h->saving, false);
}

/* What needs time to pass, and no more often than that. */
static void
round_of(struct p2p_host *h, struct round *r)
{
	r->due = clock_after(r->now, INTERVAL);
	flusher_check(h->flusher, r->now);
	peerstore_expire(h->peerstore, r->now);
	close_due(h, r->now);
	dismiss_idle(h, r->now);
	trim(h, r);
	save(h, r);
}

/* Until when nothing is to do; host->swarm is held. */
static uint64_t
next_round(const struct p2p_host *h, const struct round *r)
{
	uint64_t save = clock_after(r->saved, SAVE_INTERVAL);

	lock_assert_held(&h->swarm);
	if (!TAILQ_EMPTY(&h->conns) || !TAILQ_EMPTY(&h->upgrades))
		return r->due;
	return h->store == NULL ? CLOCK_NEVER : save > r->due ? save : r->due;
}

void
house_run(void *arg)
{
	struct p2p_host *h = arg;
	struct round r = { .saved = clock_now() };
	bool stop = false;

	while (!stop) {
		lock_lock(&h->swarm);
		if (!h->house_stop && TAILQ_EMPTY(&h->dead))
			cond_wait(&h->swarm_changed, &h->swarm,
			    next_round(h, &r));
		stop = h->house_stop;
		lock_unlock(&h->swarm);
		house_reap(h);
		pool_reap(h->pool);
		r.now = clock_now();
		if (!stop && r.now >= r.due)
			round_of(h, &r);
	}
}
