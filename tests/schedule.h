/*
 * tests/schedule.h -- threads are stopped at chosen points, so that an order of
 * events is forced instead of hoped for.
 */
#ifndef TESTS_SCHEDULE_H
#define TESTS_SCHEDULE_H

#include "base/lock.h"

#define SCHEDULE_WAIT_MS	10000	/* real time; longer is a failure */

/* Before the first host of a test is made, and after the last is gone. */
void	schedule_begin(void);
void	schedule_end(void);

/*
 * From now on a thread of that name (NULL: any) stops when it comes to the
 * point: "lock" before a lock is taken, "flush" as flusher before it seals and
 * sends, "full" as flusher before it waits for the socket.
 */
struct stop;
struct stop	*stop_at(const char *what, const void *object,
		    const char *thread);
void	stop_reached(struct stop *s);	/* wait until one stands there */
void	stop_release(struct stop *s);	/* it goes on; s is gone */

/* Wait until so many threads, at least, wait on a condition. */
void	schedule_waiters(struct lock *l, const struct cond *c, unsigned n);

#endif
