#include "host/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"

#define SOON_MS		30
#define LATE_MS		20000	/* long enough to be a failure */
#define IDLE_S		5	/* host/pool.c */
#define SUBMITTERS	4
#define JOBS		500

static struct limit threads;

static struct pool *
make(uint64_t max)
{
	struct pool *p = NULL;

	limit_init(&threads, "handlers", max, NULL);
	CHECK_OK(pool_new(&threads, &p));
	CHECK_FATAL(p != NULL);
	return p;
}

static void
done(struct pool *p)
{
	CHECK_OK(pool_stop(p, clock_deadline_ms(LATE_MS)));
	CHECK_EQ(pool_busy(p, NULL, 0), 0);
	CHECK_EQ(threads.used, 0);
	pool_free(p);
	CHECK_EQ(thread_count(), 0);
}

/* A job that stands at a gate until the test opens it. */
struct gate {
	struct lock	 mtx;
	struct cond	 changed;
	struct pool	*rename;	/* NULL, or what to call it there */
	unsigned	 inside;
	bool		 open;
	pthread_t	 last;		/* who ran it */
	char		 name[16];
};

static void
gate_init(struct gate *g)
{
	*g = (struct gate){ .inside = 0 };
	lock_init(&g->mtx, LOCK_HOST);
	cond_init(&g->changed);
}

static void
gate_fini(struct gate *g)
{
	cond_destroy(&g->changed);
	lock_destroy(&g->mtx);
}

static void
stand(void *arg)
{
	struct gate *g = arg;

	lock_assert_none();
	if (g->rename != NULL)
		pool_rename(g->rename, "/renamed/1.0.0");
	lock_lock(&g->mtx);
	g->last = pthread_self();
	pthread_getname_np(g->last, g->name, sizeof(g->name));
	g->inside++;
	cond_broadcast(&g->changed);
	while (!g->open)
		cond_wait(&g->changed, &g->mtx, CLOCK_NEVER);
	g->inside--;
	lock_unlock(&g->mtx);
}

static int
submit(struct pool *p, struct gate *g, const char *what)
{
	struct pool_job job = { stand, g, what };

	return pool_submit(p, &job);
}

static void
wait_inside(struct gate *g, unsigned n)
{
	uint64_t deadline = clock_deadline_ms(LATE_MS);

	lock_lock(&g->mtx);
	while (g->inside != n && cond_wait(&g->changed, &g->mtx, deadline))
		;
	CHECK_EQ(g->inside, n);
	lock_unlock(&g->mtx);
}

static void
set_open(struct gate *g, bool open)
{
	lock_lock(&g->mtx);
	g->open = open;
	cond_broadcast(&g->changed);
	lock_unlock(&g->mtx);
}

/* No job runs any more, and its thread is idle. */
static void
wait_idle(struct pool *p)
{
	uint64_t deadline = clock_deadline_ms(LATE_MS);

	while (pool_busy(p, NULL, 0) > 0 && clock_now() < deadline)
		sched_yield();
	CHECK_EQ(pool_busy(p, NULL, 0), 0);
}

static void
an_unused_pool_has_no_thread(void)
{
	struct pool *p = make(4);

	CHECK_EQ(thread_count(), 0);
	CHECK_EQ(threads.used, 0);
	pool_reap(p);
	done(p);
	pool_free(NULL);
}

static void
an_idle_thread_is_used_again(void)
{
	struct pool *p = make(4);
	struct gate g;
	pthread_t first;
	int i;

	gate_init(&g);
	CHECK_OK(submit(p, &g, "a"));
	wait_inside(&g, 1);
	CHECK_STR(g.name, "p2p-handler");
	first = g.last;
	for (i = 0; i < 20; i++) {
		set_open(&g, true);
		wait_idle(p);
		set_open(&g, false);
		CHECK_OK(submit(p, &g, "b"));
		wait_inside(&g, 1);
		CHECK(pthread_equal(g.last, first));
	}
	CHECK_EQ(thread_count(), 1);
	CHECK_EQ(threads.used, 1);
	set_open(&g, true);
	done(p);
	gate_fini(&g);
}

static void
over_the_limit_a_job_is_refused_at_once(void)
{
	struct pool *p = make(2);
	struct gate g;

	gate_init(&g);
	CHECK_OK(submit(p, &g, "a"));
	CHECK_OK(submit(p, &g, "b"));
	CHECK_ERR(submit(p, &g, "c"), P2P_ERR_LIMIT);
	CHECK_EQ(threads.refused, 1);
	CHECK_EQ(threads.used, 2);
	wait_inside(&g, 2);
	set_open(&g, true);
	wait_idle(p);
	CHECK_OK(submit(p, &g, "d"));
	done(p);
	gate_fini(&g);
}

static void
idle_threads_end_after_a_while(void)
{
	struct pool *p = make(3);
	uint64_t deadline;
	struct gate g;
	int i;

	clock_test_advance(1);		/* from here on, waits see jumps */
	gate_init(&g);
	for (i = 0; i < 3; i++)
		CHECK_OK(submit(p, &g, "a"));
	wait_inside(&g, 3);
	CHECK_EQ(thread_count(), 3);
	set_open(&g, true);
	wait_idle(p);
	CHECK_EQ(threads.used, 3);
	clock_test_advance(IDLE_S * CLOCK_S);
	deadline = clock_deadline_ms(LATE_MS);
	while (atomic_load(&threads.used) > 0 && clock_now() < deadline)
		sched_yield();
	CHECK_EQ(threads.used, 0);
	pool_reap(p);
	CHECK_EQ(thread_count(), 0);
	CHECK_OK(submit(p, &g, "b"));
	done(p);
	gate_fini(&g);
}

static void
a_stop_waits_for_what_runs_and_says_so(void)
{
	struct pool *p = make(4);
	char what[32] = "";
	struct gate g;

	gate_init(&g);
	CHECK_OK(submit(p, &g, "/slow/1.0.0"));
	wait_inside(&g, 1);
	CHECK_ERR(pool_stop(p, clock_deadline_ms(SOON_MS)), P2P_ERR_BUSY);
	CHECK_ERR(pool_stop(p, 0), P2P_ERR_BUSY);
	CHECK_EQ(pool_busy(p, what, sizeof(what)), 1);
	CHECK_STR(what, "/slow/1.0.0");
	CHECK_ERR(submit(p, &g, "late"), P2P_ERR_STOPPED);
	CHECK_EQ(threads.used, 1);
	set_open(&g, true);
	CHECK_OK(pool_stop(p, clock_deadline_ms(LATE_MS)));
	CHECK_ERR(submit(p, &g, "later"), P2P_ERR_STOPPED);
	done(p);
	gate_fini(&g);
}

static void
a_stop_ends_idle_threads_at_once(void)
{
	struct pool *p = make(4);
	struct gate g;

	gate_init(&g);
	CHECK_OK(submit(p, &g, "a"));
	CHECK_OK(submit(p, &g, "b"));
	set_open(&g, true);
	wait_idle(p);
	/* Sooner than they would end by themselves. */
	CHECK_OK(pool_stop(p, clock_deadline_ms((IDLE_S - 1) * 1000)));
	done(p);
	gate_fini(&g);
}

static void
a_job_can_be_renamed_by_itself_only(void)
{
	struct pool *p = make(4), *other;
	char what[160] = "", name[300];
	struct gate g;

	gate_init(&g);
	CHECK_OK(pool_new(&threads, &other));
	g.rename = p;
	CHECK_OK(submit(p, &g, "first"));
	wait_inside(&g, 1);
	CHECK_EQ(pool_busy(p, what, sizeof(what)), 1);
	CHECK_STR(what, "/renamed/1.0.0");
	pool_rename(p, "from outside");		/* no thread of the pool */
	g.rename = p;
	CHECK_OK(submit(other, &g, "other's"));	/* one of another pool */
	wait_inside(&g, 2);
	CHECK_EQ(pool_busy(other, what, sizeof(what)), 1);
	CHECK_STR(what, "other's");
	CHECK_EQ(pool_busy(p, what, 5), 1);	/* cut to what there is */
	CHECK_STR(what, "/ren");
	set_open(&g, true);
	wait_idle(p);
	snprintf(name, sizeof(name), "%0*d", 250, 7);
	g.rename = NULL;
	set_open(&g, false);
	CHECK_OK(submit(p, &g, name));
	CHECK_EQ(pool_busy(p, what, sizeof(what)), 1);
	CHECK(what[0] == '0');
	set_open(&g, true);
	CHECK_OK(pool_stop(other, clock_deadline_ms(LATE_MS)));
	pool_free(other);
	done(p);
	gate_fini(&g);
}

struct submitter {
	struct thread	 thread;
	struct pool	*pool;
	unsigned	 taken, refused, other;
};

static atomic_uint ran;

static void
count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ran, 1);
}

static void
submit_many(void *arg)
{
	struct pool_job job = { count, NULL, "count" };
	struct submitter *s = arg;
	int i, e;

	for (i = 0; i < JOBS; i++) {
		e = pool_submit(s->pool, &job);
		s->taken += e == 0;
		s->refused += e == P2P_ERR_LIMIT;
		s->other += e != 0 && e != P2P_ERR_LIMIT;
	}
}

static void
every_job_taken_runs_once(void)
{
	struct submitter s[SUBMITTERS] = { 0 };
	struct pool *p = make(3);
	unsigned taken = 0, refused = 0;
	int i;

	atomic_store(&ran, 0);
	for (i = 0; i < SUBMITTERS; i++) {
		s[i].pool = p;
		CHECK_OK(thread_start(&s[i].thread, "submitter",
		    THREAD_STACK_SMALL, submit_many, &s[i]));
	}
	for (i = 0; i < SUBMITTERS; i++) {
		thread_join(&s[i].thread);
		taken += s[i].taken;
		refused += s[i].refused;
		CHECK_EQ(s[i].other, 0);
	}
	CHECK_EQ(taken + refused, SUBMITTERS * JOBS);
	CHECK(taken > 0);
	done(p);
	CHECK_EQ(atomic_load(&ran), taken);
	CHECK_EQ(threads.refused, refused);
}

static struct pool *stopped;
static int locks;

/* Before the second lock of a submission, the pool is stopped. */
static void
stop_in_between(const char *what, const void *object)
{
	(void)what;
	(void)object;
	if (++locks != 2)
		return;
	lock_test_hook = NULL;
	CHECK_OK(pool_stop(stopped, clock_deadline_ms(LATE_MS)));
}

static void
a_job_that_comes_with_the_stop_does_not_run_behind_it(void)
{
	struct pool_job job = { count, NULL, "count" };
	int e;

	stopped = make(2);
	atomic_store(&ran, 0);
	locks = 0;
	lock_test_hook = stop_in_between;
	e = pool_submit(stopped, &job);
	lock_test_hook = NULL;
	CHECK_EQ(locks, 2);
	CHECK_ERR(e, P2P_ERR_STOPPED);
	done(stopped);
	CHECK_EQ(atomic_load(&ran), 0);
}

TESTS("pool",
	{ "an unused pool has no thread", an_unused_pool_has_no_thread },
	{ "an idle thread is used again", an_idle_thread_is_used_again },
	{ "over the limit a job is refused at once",
	    over_the_limit_a_job_is_refused_at_once },
	{ "a stop waits for what runs and says so",
	    a_stop_waits_for_what_runs_and_says_so },
	{ "a stop ends idle threads at once",
	    a_stop_ends_idle_threads_at_once },
	{ "idle threads end after a while", idle_threads_end_after_a_while },
	{ "a job can be renamed by itself only",
	    a_job_can_be_renamed_by_itself_only },
	{ "every job taken runs once", every_job_taken_runs_once },
	{ "a job that comes with the stop does not run behind it",
	    a_job_that_comes_with_the_stop_does_not_run_behind_it })
