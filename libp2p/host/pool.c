#include "host/pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/thread.h"
#include "p2p/error.h"

#define IDLE_MAX	(5 * CLOCK_S)	/* an idle thread ends after this */
#define NAME_MAX_LEN	141

/*
 * A thread of the pool: idle (job.fn is NULL), running, or gone (to be joined).
 *	I	after creation		p	holder of pool->mtx
 */
struct handler {
	TAILQ_ENTRY(handler) link;	/* [p] in idle, running or gone */
	struct pool	*pool;		/* [I] */
	struct thread	 thread;	/* the starter's, then who joins it */
	bool		 joinable;	/* [p] the starter is done with it */
	struct cond	 job_came;	/* pool->mtx */
	struct pool_job	 job;		/* [p] */
	char		 what[NAME_MAX_LEN];	/* [p] */
};

TAILQ_HEAD(handlers, handler);

struct pool {
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 changed;	/* a job ended */
	struct handlers	 idle, running, gone;	/* [p] */
	struct limit	*threads;	/* [I] */
	bool		 stopping;	/* [p] */
};

static _Thread_local struct handler *self;

int
pool_new(struct limit *threads, struct pool **out)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	lock_init(&p->mtx, LOCK_LEAF);
	cond_init(&p->changed);
	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->running);
	TAILQ_INIT(&p->gone);
	p->threads = threads;
	*out = p;
	return 0;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_reap(p);
	cond_destroy(&p->changed);
	lock_destroy(&p->mtx);
	free(p);
}

/* Wait for a job; false: time to end.  The lock is held. */
static bool
wait_job(struct pool *p, struct handler *h)
{
	uint64_t deadline = clock_after(clock_now(), IDLE_MAX);

	while (h->job.fn == NULL && !p->stopping)
		if (!cond_wait(&h->job_came, &p->mtx, deadline))
			break;
	return h->job.fn != NULL;
}

static void
handler_run(void *arg)
{
	struct handler *h = arg;
	struct pool *p = h->pool;
	struct pool_job job;

	self = h;
	lock_lock(&p->mtx);
	while (wait_job(p, h)) {
		job = h->job;
		lock_unlock(&p->mtx);
		job.fn(job.arg);
		lock_lock(&p->mtx);
		h->job.fn = NULL;
		TAILQ_REMOVE(&p->running, h, link);
		TAILQ_INSERT_HEAD(&p->idle, h, link);
		cond_broadcast(&p->changed);
	}
	TAILQ_REMOVE(&p->idle, h, link);
	TAILQ_INSERT_TAIL(&p->gone, h, link);
	limit_give(p->threads, 1);
	cond_broadcast(&p->changed);
	lock_unlock(&p->mtx);
}

/* Hand the job to h, which is in no list; the lock is held. */
static void
give_job(struct pool *p, struct handler *h, const struct pool_job *job)
{
	lock_assert_held(&p->mtx);
	h->job = *job;
	snprintf(h->what, sizeof(h->what), "%s", job->what);
	TAILQ_INSERT_TAIL(&p->running, h, link);
	cond_signal(&h->job_came);
}

/* The handler of a job in running; out of it again when there is no thread. */
static int
start_thread(struct pool *p, struct handler *h)
{
	int e;

	e = thread_start(&h->thread, "p2p-handler", THREAD_STACK, handler_run,
	    h);
	lock_lock(&p->mtx);
	h->joinable = true;
	if (e != 0)
		TAILQ_REMOVE(&p->running, h, link);
	cond_broadcast(&p->changed);
	lock_unlock(&p->mtx);
	return e;
}

static int
start_handler(struct pool *p, const struct pool_job *job)
{
	struct handler *h;
	int e;

	if ((e = limit_take(p->threads, 1)) != 0)
		return e;
	if ((h = calloc(1, sizeof(*h))) == NULL) {
		limit_give(p->threads, 1);
		return -ENOMEM;
	}
	h->pool = p;
	cond_init(&h->job_came);
	lock_lock(&p->mtx);
	if (!p->stopping)		/* it may have begun since we looked */
		give_job(p, h, job);
	else
		e = P2P_ERR_STOPPED;
	lock_unlock(&p->mtx);
	if (e == 0)
		e = start_thread(p, h);
	if (e != 0) {
		limit_give(p->threads, 1);
		cond_destroy(&h->job_came);
		free(h);
	}
	return e;
}

int
pool_submit(struct pool *p, const struct pool_job *job)
{
	struct handler *h;
	bool stopping;

	lock_lock(&p->mtx);
	stopping = p->stopping;
	if (!stopping && (h = TAILQ_FIRST(&p->idle)) != NULL) {
		TAILQ_REMOVE(&p->idle, h, link);
		give_job(p, h, job);
		lock_unlock(&p->mtx);
		return 0;
	}
	lock_unlock(&p->mtx);
	return stopping ? P2P_ERR_STOPPED : start_handler(p, job);
}

void
pool_rename(struct pool *p, const char *what)
{
	if (self == NULL || self->pool != p)
		return;
	lock_lock(&p->mtx);
	snprintf(self->what, sizeof(self->what), "%s", what);
	lock_unlock(&p->mtx);
}

/* Whether every thread has ended and may be joined; the lock is held. */
static bool
is_over(const struct pool *p)
{
	const struct handler *h;

	TAILQ_FOREACH(h, &p->gone, link)
		if (!h->joinable)
			return false;
	return TAILQ_EMPTY(&p->running) && TAILQ_EMPTY(&p->idle);
}

int
pool_stop(struct pool *p, uint64_t deadline)
{
	struct handler *h;
	bool busy;

	lock_lock(&p->mtx);
	p->stopping = true;
	TAILQ_FOREACH(h, &p->idle, link)
		cond_signal(&h->job_came);
	while (!is_over(p) && cond_wait(&p->changed, &p->mtx, deadline))
		;
	busy = !is_over(p);
	lock_unlock(&p->mtx);
	pool_reap(p);
	return busy ? P2P_ERR_BUSY : 0;
}

unsigned
pool_busy(struct pool *p, char *what, size_t cap)
{
	struct handler *h;
	unsigned n = 0;

	lock_lock(&p->mtx);
	TAILQ_FOREACH(h, &p->running, link) {
		if (n++ == 0 && cap > 0)
			snprintf(what, cap, "%s", h->what);
	}
	lock_unlock(&p->mtx);
	return n;
}

void
pool_reap(struct pool *p)
{
	struct handlers gone;
	struct handler *h, *next;

	TAILQ_INIT(&gone);
	lock_lock(&p->mtx);
	for (h = TAILQ_FIRST(&p->gone); h != NULL; h = next) {
		next = TAILQ_NEXT(h, link);
		if (!h->joinable)
			continue;
		TAILQ_REMOVE(&p->gone, h, link);
		TAILQ_INSERT_TAIL(&gone, h, link);
	}
	lock_unlock(&p->mtx);
	while ((h = TAILQ_FIRST(&gone)) != NULL) {
		TAILQ_REMOVE(&gone, h, link);
		thread_join(&h->thread);
		cond_destroy(&h->job_came);
		free(h);
	}
}
