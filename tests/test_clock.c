/*
 * Deadlines and what poll(2) makes of them.  Pushing the clock marks the whole
 * process, so it is done in a child: the other tests see the real one.
 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void
sums_saturate_at_never(void)
{
	CHECK(clock_after(0, 0) == 0);
	CHECK(clock_after(5, 7) == 12);
	CHECK(clock_after(CLOCK_NEVER - 5, 4) == CLOCK_NEVER - 1);
	CHECK(clock_after(CLOCK_NEVER - 5, 5) == CLOCK_NEVER);
	CHECK(clock_after(CLOCK_NEVER - 5, 6) == CLOCK_NEVER);
	CHECK(clock_after(CLOCK_NEVER, 0) == CLOCK_NEVER);
	CHECK(clock_after(1, CLOCK_NEVER) == CLOCK_NEVER);
	CHECK(clock_after(CLOCK_NEVER, CLOCK_NEVER) == CLOCK_NEVER);
}

static void
the_longest_timeout_does_not_wrap(void)
{
	static const unsigned ms[] = { 0, 1, 5000, INT_MAX, UINT_MAX };
	uint64_t before, d;
	size_t i;

	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		before = clock_now();
		d = clock_deadline_ms(ms[i]);
		CHECK(d >= before + ms[i] * CLOCK_MS);
		CHECK(d <= clock_now() + ms[i] * CLOCK_MS);
	}
}

static void
time_does_not_go_back(void)
{
	uint64_t last = clock_now(), now;
	int i;

	for (i = 0; i < 10000; i++) {
		now = clock_now();
		CHECK(now >= last);
		last = now;
	}
}

static void
wall_time_is_that_of_the_system(void)
{
	uint64_t before = (uint64_t)time(NULL), s = clock_wall_ns() / CLOCK_S;

	/* time(2) may lag the fine clock by a tick. */
	CHECK(s >= before);
	CHECK(s <= (uint64_t)time(NULL) + 1);
}

/* At least what is left, and less than a millisecond more. */
static void
check_rounding(uint64_t deadline)
{
	uint64_t before = clock_now(), ms;

	ms = (uint64_t)clock_poll_ms(deadline) * CLOCK_MS;
	CHECK(ms < deadline - before + CLOCK_MS);
	CHECK(ms + clock_now() >= deadline);
}

static void
what_poll_takes_is_rounded_up(void)
{
	uint64_t d;

	for (d = CLOCK_S; d < CLOCK_S + 2 * CLOCK_MS; d += 99991)
		check_rounding(clock_now() + d);
}

static void
poll_gets_the_edges_right(void)
{
	CHECK_EQ(clock_poll_ms(CLOCK_NEVER), -1);
	CHECK_EQ(clock_poll_ms(CLOCK_NEVER - 1), INT_MAX);
	CHECK_EQ(clock_poll_ms(clock_now() + INT_MAX * CLOCK_MS +
	    3600 * CLOCK_S), INT_MAX);
	CHECK_EQ(clock_poll_ms(0), 0);
	CHECK_EQ(clock_poll_ms(clock_now()), 0);
	CHECK_EQ(clock_poll_ms(clock_now() - CLOCK_S), 0);
}

#define CHILD(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "line %d: %s\n", __LINE__, #cond);	\
		_exit(1);						\
	}								\
} while (0)

static void
jump(void)
{
	uint64_t wall = clock_wall_ns(), now = clock_now();
	int ms;

	CHILD(!clock_test_virtual());
	clock_test_advance(3600 * CLOCK_S);
	CHILD(clock_test_virtual());
	CHILD(clock_now() >= now + 3600 * CLOCK_S);
	CHILD(clock_now() < now + 3660 * CLOCK_S);
	CHILD(clock_wall_ns() >= wall + 3600 * CLOCK_S);
	clock_test_advance(CLOCK_S);
	CHILD(clock_now() >= now + 3601 * CLOCK_S);
	/* Every wait looks again soon, even one without an end. */
	ms = clock_poll_ms(CLOCK_NEVER);
	CHILD(ms > 0 && ms <= 10);
	ms = clock_poll_ms(clock_now() + 60 * CLOCK_S);
	CHILD(ms > 0 && ms <= 10);
	CHILD(clock_poll_ms(clock_now() - 1) == 0);
	_exit(0);
}

static void
a_pushed_clock_jumps_and_slices_waits(void)
{
	int status = -1;
	pid_t pid;

	CHECK(!clock_test_virtual());
	if ((pid = fork()) == 0)
		jump();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(!clock_test_virtual());
}

TESTS("clock",
	{ "sums saturate at never", sums_saturate_at_never },
	{ "the longest timeout does not wrap",
	    the_longest_timeout_does_not_wrap },
	{ "time does not go back", time_does_not_go_back },
	{ "wall time is that of the system", wall_time_is_that_of_the_system },
	{ "what poll takes is rounded up", what_poll_takes_is_rounded_up },
	{ "poll gets the edges right", poll_gets_the_edges_right },
	{ "a pushed clock jumps and slices waits",
	    a_pushed_clock_jumps_and_slices_waits })
