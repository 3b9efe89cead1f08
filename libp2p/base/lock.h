/*
 * base/lock.h -- mutexes that know their rank, and conditions with deadlines.
 *
 * Ranks, outermost first.  A lock may be taken only by a thread whose held
 * locks all have a smaller rank; --enable-lock-check aborts otherwise.  This
 * is the one place where base/ names other rooms:
 *
 *	SERVICE	services/kad/: a DHT's table, streams, requests under way
 *	HOST	host/host.c: handlers, listeners, state of the host
 *	SWARM	host/swarm.c: peers, connections, dials in progress
 *	STORE	host/peerstore.c: addresses, protocols, metadata of peers
 *	MUX	muxer/link.c: one a connection: streams, windows, staging
 *	STREAM	muxer/session.c: one a stream: its receive queue
 *	LEAF	held for a few lines that call nothing: pools, limits, logs; and
 *		store/: the entries in memory, the queue to a file's writer
 *
 * Two locks of one rank are never held together.  No lock is held across
 * read(2), write(2), seal, open, a callback, thread creation, DNS or disk.
 * Failures of pthread calls are bugs of ours and abort here, nowhere else.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
	LOCK_SERVICE = 1,
	LOCK_HOST,
	LOCK_SWARM,
	LOCK_STORE,
	LOCK_MUX,
	LOCK_STREAM,
	LOCK_LEAF,
};

struct lock {
	pthread_mutex_t	mtx;
#ifdef LOCK_CHECK
	enum lock_rank	rank;
	pthread_t	owner;
	bool		held;
#endif
};

struct cond {
	pthread_cond_t	cv;
	unsigned	waiters;	/* under the lock waited with */
};

void	lock_init(struct lock *l, enum lock_rank rank);
void	lock_destroy(struct lock *l);
void	lock_lock(struct lock *l);
void	lock_unlock(struct lock *l);

/* Abort unless the calling thread holds l; nothing without LOCK_CHECK. */
void	lock_assert_held(const struct lock *l);

/* Abort if the calling thread holds any lock; nothing without LOCK_CHECK. */
void	lock_assert_none(void);

void	cond_init(struct cond *c);
void	cond_destroy(struct cond *c);

/*
 * Wait until signalled or until the deadline (clock.h) has passed; the caller
 * holds l, and no other lock, and looks at its condition again either way.
 * Returns false once the deadline has passed.
 */
bool	cond_wait(struct cond *c, struct lock *l, uint64_t deadline);

/* Both cost nothing when nobody waits.  The caller holds the lock. */
void	cond_signal(struct cond *c);
void	cond_broadcast(struct cond *c);

/*
 * Tests: called before every lock ("lock"), every wait ("wait", with the lock
 * held), and at lock_point(), when set, to force schedules.  Set and cleared
 * only while no other thread runs.
 */
extern void (*lock_test_hook)(const char *what, const void *object);

/* A place that a test may want to stop a thread at; no lock is held. */
void	lock_point(const char *what, const void *object);

#endif
