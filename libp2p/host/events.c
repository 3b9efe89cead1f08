/*
 * The event thread: tells the application and the services of connections, in
 * order, one at a time, holding nothing.  The entries are part of their
 * connections, so none is ever lost for want of memory, and each holds a
 * reference to its connection and so its place in the limits: a slow listener
 * slows down new connections and nothing else.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/pool.h"
#include "p2p/error.h"

struct events {
	struct p2p_host	*host;
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 came;		/* an entry, or the stop */
	STAILQ_HEAD(, conn_event) queue;	/* under mtx */
	bool		 stop, ended;	/* under mtx */
	struct thread	 thread;
};

struct hook_job {
	struct conn		*conn;
	const struct host_hook	*hook;
};

static _Thread_local const struct p2p_host *inside;

bool
host_is_inside(const struct p2p_host *h)
{
	return inside == h;
}

void
host_enter(const struct p2p_host *h)
{
	inside = h;
}

static void
asked(struct conn *c)
{
	lock_lock(&c->host->swarm);
	c->asking = false;
	cond_broadcast(&c->host->swarm_changed);
	lock_unlock(&c->host->swarm);
}

static void
run_hook(void *arg)
{
	struct hook_job job = *(struct hook_job *)arg;

	free(arg);
	host_enter(job.conn->host);
	job.hook->connected(job.conn->host, job.conn, job.hook->arg);
	asked(job.conn);
	host_enter(NULL);
	conn_unref(job.conn);
}

/* The services' turn: each in a thread of the pool, if there is one. */
static void
start_hooks(struct conn *c)
{
	struct pool_job job = { .fn = run_hook, .what = "identify" };
	struct hook_job *arg;
	size_t i;

	for (i = 0; i < c->host->nhooks; i++) {
		if (c->host->hooks[i].connected == NULL)
			continue;
		if ((arg = malloc(sizeof(*arg))) == NULL) {
			asked(c);
			continue;
		}
		*arg = (struct hook_job){ c, &c->host->hooks[i] };
		job.arg = arg;
		conn_ref(c);
		if (pool_submit(c->host->pool, &job) != 0) {
			asked(c);
			free(arg);
			conn_unref(c);
		}
	}
}

static void
tell(struct p2p_host *h, enum p2p_event_kind kind, struct conn *c)
{
	struct p2p_event ev = {
		.kind = kind,
		.connection = c->number,
		.peer = c->peer,
		.remote = conn_remote(c),
		.outbound = c->outbound,
		.security = c->security,
		.muxer = c->muxer,
	};

	if (kind == P2P_EVENT_DISCONNECTED) {
		ev.reason = c->reason;
		ev.by_us = c->by_us;
	}
	if (kind == P2P_EVENT_CONNECTED)
		start_hooks(c);
	if (h->event != NULL)
		h->event(&ev, h->event_arg);
}

static void
events_run(void *arg)
{
	struct events *ev = arg;
	struct conn_event *e;
	struct conn *c;

	host_enter(ev->host);
	lock_lock(&ev->mtx);
	for (;;) {
		while ((e = STAILQ_FIRST(&ev->queue)) == NULL && !ev->stop)
			cond_wait(&ev->came, &ev->mtx, CLOCK_NEVER);
		if (e == NULL)
			break;
		STAILQ_REMOVE_HEAD(&ev->queue, link);
		lock_unlock(&ev->mtx);
		c = e->conn;
		tell(ev->host, (enum p2p_event_kind)(e - c->events + 1), c);
		conn_unref(c);
		lock_lock(&ev->mtx);
	}
	ev->ended = true;
	cond_broadcast(&ev->came);
	lock_unlock(&ev->mtx);
}

int
events_new(struct p2p_host *host, struct events **out)
{
	struct events *ev;
	int e;

	if ((ev = calloc(1, sizeof(*ev))) == NULL)
		return -ENOMEM;
	ev->host = host;
	lock_init(&ev->mtx, LOCK_LEAF);
	cond_init(&ev->came);
	STAILQ_INIT(&ev->queue);
	*out = ev;
	if ((e = thread_start(&ev->thread, "p2p-event", THREAD_STACK,
	    events_run, ev)) == 0)
		return 0;
	ev->ended = true;
	events_free(ev);
	*out = NULL;
	return e;
}

void
events_post(struct events *ev, enum p2p_event_kind kind, struct conn *c)
{
	struct conn_event *e = &c->events[kind - 1];

	lock_lock(&ev->mtx);
	assert(e->conn == NULL);
	/* Nothing is told behind the end. */
	if (c->events[P2P_EVENT_DISCONNECTED - 1].conn == NULL) {
		e->conn = c;
		conn_ref(c);
		STAILQ_INSERT_TAIL(&ev->queue, e, link);
		cond_signal(&ev->came);
	}
	lock_unlock(&ev->mtx);
}

int
events_stop(struct events *ev, uint64_t deadline)
{
	bool ended;

	lock_lock(&ev->mtx);
	ev->stop = true;
	cond_broadcast(&ev->came);
	while (!ev->ended && cond_wait(&ev->came, &ev->mtx, deadline))
		;
	ended = ev->ended;
	lock_unlock(&ev->mtx);
	if (ended)
		thread_join(&ev->thread);
	return ended ? 0 : P2P_ERR_BUSY;
}

void
events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	cond_destroy(&ev->came);
	lock_destroy(&ev->mtx);
	free(ev);
}
