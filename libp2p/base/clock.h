/*
 * base/clock.h -- monotonic time, the only kind that waits are made of.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC as uint64_t; a deadline is such a
 * time, computed once at the API's edge and passed down.  CLOCK_NEVER waits
 * for ever.  Wall time is for certificates and records only.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER	UINT64_MAX
#define CLOCK_US	UINT64_C(1000)
#define CLOCK_MS	UINT64_C(1000000)
#define CLOCK_S		UINT64_C(1000000000)

uint64_t	clock_now(void);

/* Seconds and nanoseconds since 1970, for what is written down. */
uint64_t	clock_wall_ns(void);

/* now + timeout, saturating at CLOCK_NEVER. */
uint64_t	clock_after(uint64_t now, uint64_t timeout_ns);
uint64_t	clock_deadline_ms(unsigned timeout_ms);

/* What poll(2) takes: milliseconds from now, rounded up; -1 for NEVER. */
int		clock_poll_ms(uint64_t deadline);

/*
 * Tests only: from the first call on, both times are the real clock plus all
 * that was added here, and every wait notices a jump within milliseconds.
 * The whole process shares the jump.
 */
void		clock_test_advance(uint64_t ns);
bool		clock_test_virtual(void);

#endif
