/*
 * The locks' checks live here.  A thread remembers the ranks it holds in a
 * small stack; taking a lock of no greater rank than the last one aborts.
 */
#include "base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

void (*lock_test_hook)(const char *what, const void *object);

static void
must(int e, const char *what)
{
	if (e == 0)
		return;
	fprintf(stderr, "libp2p: %s: %s\n", what, strerror(e));
	abort();
}

#ifdef LOCK_CHECK

#define HELD_MAX	8

static _Thread_local const struct lock *held[HELD_MAX];
static _Thread_local unsigned nheld;

static void
check_fail(const char *what, int rank)
{
	fprintf(stderr, "libp2p: lock check: %s (rank %d)\n", what, rank);
	abort();
}

static void
check_take(const struct lock *l)
{
	if (nheld == HELD_MAX)
		check_fail("too many locks held", (int)l->rank);
	if (nheld > 0 && held[nheld - 1]->rank >= l->rank)
		check_fail("taken out of rank", (int)l->rank);
}

static void
check_taken(struct lock *l)
{
	held[nheld++] = l;
	l->owner = pthread_self();
	l->held = true;
}

static void
check_drop(struct lock *l)
{
	unsigned i;

	lock_assert_held(l);
	for (i = 0; i < nheld && held[i] != l; i++)
		;
	for (nheld--; i < nheld; i++)
		held[i] = held[i + 1];
	l->held = false;
}

void
lock_assert_held(const struct lock *l)
{
	if (!l->held || !pthread_equal(l->owner, pthread_self()))
		check_fail("not held", (int)l->rank);
}

void
lock_assert_none(void)
{
	if (nheld > 0)
		check_fail("still held", (int)held[nheld - 1]->rank);
}

static void
check_alone(const struct lock *l)
{
	lock_assert_held(l);
	if (nheld != 1)
		check_fail("waiting with another lock held", (int)l->rank);
}

#else

static void check_take(const struct lock *l) { (void)l; }
static void check_taken(struct lock *l) { (void)l; }
static void check_drop(struct lock *l) { (void)l; }
static void check_alone(const struct lock *l) { (void)l; }
void lock_assert_held(const struct lock *l) { (void)l; }
void lock_assert_none(void) { }

#endif

static void
hook(const char *what, const void *object)
{
	if (lock_test_hook != NULL)
		lock_test_hook(what, object);
}

void
lock_point(const char *what, const void *object)
{
	lock_assert_none();
	hook(what, object);
}

void
lock_init(struct lock *l, enum lock_rank rank)
{
	memset(l, 0, sizeof(*l));
	must(pthread_mutex_init(&l->mtx, NULL), "pthread_mutex_init");
#ifdef LOCK_CHECK
	l->rank = rank;
#else
	(void)rank;
#endif
}

void
lock_destroy(struct lock *l)
{
	must(pthread_mutex_destroy(&l->mtx), "pthread_mutex_destroy");
}

void
lock_lock(struct lock *l)
{
	hook("lock", l);
	check_take(l);
	must(pthread_mutex_lock(&l->mtx), "pthread_mutex_lock");
	check_taken(l);
}

void
lock_unlock(struct lock *l)
{
	check_drop(l);
	must(pthread_mutex_unlock(&l->mtx), "pthread_mutex_unlock");
}

void
cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), "pthread_condattr_init");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC),
	    "pthread_condattr_setclock");
	must(pthread_cond_init(&c->cv, &attr), "pthread_cond_init");
	must(pthread_condattr_destroy(&attr), "pthread_condattr_destroy");
	c->waiters = 0;
}

void
cond_destroy(struct cond *c)
{
	must(pthread_cond_destroy(&c->cv), "pthread_cond_destroy");
}

/* The real time at which to look again; tests may move the clock. */
static struct timespec
wake_time(uint64_t deadline)
{
	struct timespec ts;
	uint64_t now, left, ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = clock_now();		/* once: it may pass in between */
	left = deadline > now ? deadline - now : 0;
	if (clock_test_virtual() && left > 2 * CLOCK_MS)
		left = 2 * CLOCK_MS;
	ns = (uint64_t)ts.tv_nsec + left % CLOCK_S;
	ts.tv_sec += (time_t)(left / CLOCK_S + ns / CLOCK_S);
	ts.tv_nsec = (long)(ns % CLOCK_S);
	return ts;
}

bool
cond_wait(struct cond *c, struct lock *l, uint64_t deadline)
{
	struct timespec ts;
	int e;

	check_alone(l);
	hook("wait", c);
	if (deadline != CLOCK_NEVER && clock_now() >= deadline)
		return false;
	check_drop(l);
	c->waiters++;
	if (deadline == CLOCK_NEVER && !clock_test_virtual()) {
		must(pthread_cond_wait(&c->cv, &l->mtx), "pthread_cond_wait");
	} else {
		ts = wake_time(deadline);
		e = pthread_cond_timedwait(&c->cv, &l->mtx, &ts);
		must(e == ETIMEDOUT ? 0 : e, "pthread_cond_timedwait");
	}
	c->waiters--;
	check_taken(l);
	return true;
}

void
cond_signal(struct cond *c)
{
	if (c->waiters > 0)
		must(pthread_cond_signal(&c->cv), "pthread_cond_signal");
}

void
cond_broadcast(struct cond *c)
{
	if (c->waiters > 0)
		must(pthread_cond_broadcast(&c->cv), "pthread_cond_broadcast");
}
