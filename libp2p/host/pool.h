/*
 * host/pool.h -- the handler threads: bounded, reused, and never queued for.
 *
 * A job gets an idle thread or a new one at once, or is refused: nothing waits
 * in a queue for a handler that may itself wait for a handler.
 */
#ifndef HOST_POOL_H
#define HOST_POOL_H

#include <stddef.h>
#include <stdint.h>

struct limit;
struct pool;

/* fn owns arg.  what names the job for pool_busy(); it outlives the job. */
struct pool_job {
	void		(*fn)(void *arg);
	void		*arg;
	const char	*what;
};

/* threads counts and caps the threads. */
int	pool_new(struct limit *threads, struct pool **out);
void	pool_free(struct pool *p);		/* after pool_stop() gave 0 */

/* Does not block.  0 (taken), P2P_ERR_LIMIT, P2P_ERR_STOPPED or -errno. */
int	pool_submit(struct pool *p, const struct pool_job *job);

/* The current job of the calling thread is now called so. */
void	pool_rename(struct pool *p, const char *what);

/* No more jobs; wait for the running ones.  0 or P2P_ERR_BUSY. */
int	pool_stop(struct pool *p, uint64_t deadline);

/* How many run, and what one of them is. */
unsigned	pool_busy(struct pool *p, char *what, size_t cap);

/* Join threads that have ended.  Any thread but the pool's own. */
void	pool_reap(struct pool *p);

#endif
