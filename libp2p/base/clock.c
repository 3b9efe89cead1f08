/*
 * One function gives the time; tests push it forward with an offset.  Once an
 * offset was set, waits are sliced (CLOCK_TEST_SLICE_MS), so that a sleeper
 * sees a jump; without it nothing is sliced.
 */
#include "base/clock.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

#define CLOCK_TEST_SLICE_MS	2

static _Atomic uint64_t clock_offset;

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_S + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC) + atomic_load(&clock_offset);
}

uint64_t
clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME) + atomic_load(&clock_offset);
}

uint64_t
clock_after(uint64_t now, uint64_t timeout_ns)
{
	return timeout_ns > CLOCK_NEVER - now ? CLOCK_NEVER : now + timeout_ns;
}

uint64_t
clock_deadline_ms(unsigned timeout_ms)
{
	return clock_after(clock_now(), timeout_ms * CLOCK_MS);
}

int
clock_poll_ms(uint64_t deadline)
{
	uint64_t now = clock_now(), ms;

	if (deadline == CLOCK_NEVER && !clock_test_virtual())
		return -1;
	ms = deadline <= now ? 0 : (deadline - now + CLOCK_MS - 1) / CLOCK_MS;
	if (clock_test_virtual() && ms > CLOCK_TEST_SLICE_MS)
		return CLOCK_TEST_SLICE_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

void
clock_test_advance(uint64_t ns)
{
	atomic_fetch_add(&clock_offset, ns);
}

bool
clock_test_virtual(void)
{
	return atomic_load(&clock_offset) != 0;
}
