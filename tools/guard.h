/*
 * tools/guard.h -- the end, when nobody reads what is printed.
 */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

#include <pthread.h>

#define GUARD_LOCKS	2

/*
 * Whoever prints holds one of these locks, for as long as nobody reads: after
 * a signal that is two seconds at most, whichever thread it is, or the process
 * ends with TOOL_FAILED.
 */
struct guard {
	pthread_t	 thread;
	pthread_mutex_t	*locks[GUARD_LOCKS];	/* the second may be NULL */
	int		 over[2];	/* a pipe: its end is the end */
};

/* Exits when there are no means for it. */
void	guard_begin(struct guard *g, pthread_mutex_t *first,
	    pthread_mutex_t *second);
void	guard_end(struct guard *g);

/* Standard output has no reader any more: says so and exits. */
void	guard_hung_up(void) __attribute__((__noreturn__));

#endif
