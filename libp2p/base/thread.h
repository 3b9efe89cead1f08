/*
 * base/thread.h -- every thread of the library, and how they begin and end.
 *
 * The roster.  N is a limit of the host's configuration.
 *
 *	name        how many        started by    woken by    joined by
 *	p2p-accept  one a listener  listen()      wake pipe   unlisten(), stop()
 *	p2p-upgrade up to N inbound accept thread shutdown(2) p2p-house, stop()
 *	p2p-dial    up to N         connect()     shutdown(2) dialing caller
 *	p2p-worker  one a conn.     upgrade, dial shutdown(2) p2p-house, stop()
 *	p2p-flush   one to four     host_new()    wake pipe   stop()
 *	p2p-handler up to N, reused worker        condition   the pool, stop()
 *	p2p-event   one             host_new()    condition   stop()
 *	p2p-house   one             host_new()    condition   stop()
 *	p2p-dns     up to 4         first lookup  condition   stop()
 *	p2p-kad     one a DHT       kad_new()     condition   kad_free()
 *	p2p-store   one a file      store_open()  condition   store_free()
 *
 * All of them block every signal and have stacks of THREAD_STACK bytes.  None
 * is cancelled or polled with sleep.  None is detached, with one exception: a
 * p2p-dns thread that sits inside a look-up of libc's when the host stops
 * cannot be woken by any means; it owns what it uses, is left behind, and ends
 * by itself.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define THREAD_STACK		(256 * 1024)	/* bytes; but see below */
#define THREAD_STACK_SMALL	(64 * 1024)	/* workers, flushers, accept */

struct thread {
	pthread_t	id;
	bool		started;
};

/*
 * Start fn(arg) as a thread of that name (at most 15 characters).
 * Returns 0 or -errno (-EAGAIN: the system has no more threads).
 */
int	thread_start(struct thread *t, const char *name, size_t stack,
	    void (*fn)(void *arg), void *arg);

/* Wait for the end of a started thread; nothing if it never started. */
void	thread_join(struct thread *t);

/* Let it go, see the roster: only for p2p-dns. */
void	thread_abandon(struct thread *t);

/* Threads of this library that run now, for counters and tests. */
unsigned	thread_count(void);

#endif
