/*
 * The lock check is seen to bite: each fault runs in a child that must abort.
 */
#include "base/lock.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limit.h"
#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"

static struct lock host, mux;
static struct cond woken;

/* The system's clock, which can be told to jump at its N-th reading. */
static atomic_int readings, jump_at;
static _Thread_local bool jumps;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int e = (int)syscall(SYS_clock_gettime, id, ts);

	if (jumps && ++readings >= jump_at)
		ts->tv_nsec += 100000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
	return e;
}

#ifdef LOCK_CHECK
static bool
aborts(void (*fn)(void))
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		fn();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	/* A sanitizer may turn the signal into an exit code of its own. */
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT :
	    WEXITSTATUS(status) != 0;
}

static void
take_upwards(void)
{
	lock_lock(&mux);
	lock_lock(&host);
}

static void
take_twice(void)
{
	lock_lock(&mux);
	lock_lock(&mux);
}

static void
assert_unheld(void)
{
	lock_assert_held(&host);
}

static void
wait_with_two(void)
{
	lock_lock(&host);
	lock_lock(&mux);
	cond_wait(&woken, &mux, clock_deadline_ms(1));
}
#endif

static void
faults_abort_under_the_lock_check(void)
{
	lock_init(&host, LOCK_HOST);
	lock_init(&mux, LOCK_MUX);
	cond_init(&woken);
#ifdef LOCK_CHECK
	CHECK(aborts(take_upwards));
	CHECK(aborts(take_twice));
	CHECK(aborts(assert_unheld));
	CHECK(aborts(wait_with_two));
#endif
	lock_lock(&host);
	lock_lock(&mux);
	lock_unlock(&host);
	lock_unlock(&mux);
	lock_assert_none();
}

static void
a_wait_ends_at_its_deadline(void)
{
	uint64_t deadline = clock_deadline_ms(20);

	lock_lock(&mux);
	while (cond_wait(&woken, &mux, deadline))
		;
	lock_unlock(&mux);
	CHECK(clock_now() >= deadline);
}

static bool flag;

static void
set_flag(void *arg)
{
	(void)arg;
	lock_lock(&mux);
	flag = true;
	cond_broadcast(&woken);
	lock_unlock(&mux);
}

static void
a_broadcast_wakes_a_waiter_without_deadline(void)
{
	struct thread t = { 0 };

	lock_lock(&mux);
	CHECK_OK(thread_start(&t, "setter", THREAD_STACK_SMALL, set_flag,
	    NULL));
	while (!flag)
		cond_wait(&woken, &mux, CLOCK_NEVER);
	lock_unlock(&mux);
	thread_join(&t);
	CHECK_EQ(thread_count(), 0);
}

static void
limits_nest_and_count_refusals(void)
{
	struct limit all, one;

	limit_init(&all, "all", 10, NULL);
	limit_init(&one, "one", 20, &all);
	CHECK_OK(limit_take(&one, 10));
	CHECK_ERR(limit_take(&one, 1), P2P_ERR_LIMIT);
	CHECK_EQ(one.used, 10);
	CHECK_EQ(one.refused, 0);
	CHECK_EQ(all.refused, 1);
	CHECK_ERR(limit_take(&one, UINT64_MAX), P2P_ERR_LIMIT);
	limit_give(&one, 10);
	CHECK_EQ(all.used, 0);
}

static atomic_bool waited;

/* Whoever still waits after all this time has missed his deadline. */
static void
rescue(void *arg)
{
	int i;

	for (i = 0; i < 5000 && !waited; i++)
		(void)poll(NULL, 0, 1);
	*(bool *)arg = !waited;
	lock_lock(&mux);
	cond_broadcast(&woken);
	lock_unlock(&mux);
}

/* The deadline passes between any two looks at the clock. */
static void
no_wait_misses_a_deadline_that_just_passes(void)
{
	struct thread t = { .started = false };
	uint64_t deadline;
	bool rescued = false;
	int at;

	for (at = 1; at <= 5; at++) {
		waited = false;
		CHECK_OK(thread_start(&t, "rescue", THREAD_STACK, rescue,
		    &rescued));
		lock_lock(&mux);
		deadline = clock_after(clock_now(), 50 * CLOCK_MS);
		readings = 0;
		jump_at = at;
		jumps = true;
		(void)cond_wait(&woken, &mux, deadline);
		jumps = false;
		lock_unlock(&mux);
		waited = true;
		thread_join(&t);
		CHECK(!rescued);
	}
}

static void
time_jumps_wake_long_waits(void)
{
	uint64_t deadline = clock_after(clock_now(), 3600 * CLOCK_S);

	clock_test_advance(CLOCK_S);
	CHECK(clock_poll_ms(deadline) <= 10);
	clock_test_advance(3600 * CLOCK_S);
	lock_lock(&mux);
	CHECK(!cond_wait(&woken, &mux, deadline));
	lock_unlock(&mux);
}

TESTS("lock",
	{ "faults abort under the lock check",
	    faults_abort_under_the_lock_check },
	{ "a wait ends at its deadline", a_wait_ends_at_its_deadline },
	{ "a broadcast wakes a waiter without deadline",
	    a_broadcast_wakes_a_waiter_without_deadline },
	{ "no wait misses a deadline that just passes",
	    no_wait_misses_a_deadline_that_just_passes },
	{ "limits nest and count refusals", limits_nest_and_count_refusals },
	{ "time jumps wake long waits", time_jumps_wake_long_waits })
