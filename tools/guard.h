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
	pthread_mutex_t	*locks[GUARD_LOCKS];	/* the caller's; or NULL */
	void		(*stuck)(void);	/* tried after one second; or NULL */
	pthread_t	 thread;
	int		 over[2];	/* a pipe: its end is the end */
};

/* Exits when there are no means for it. */
void	guard_begin(struct guard *g);
void	guard_end(struct guard *g);

/* Standard output has no reader any more: says so and exits. */
void	guard_hung_up(void) __attribute__((__noreturn__));

#endif
