/*
 * muxer/flusher.h -- the threads that wait for full sockets on behalf of
 * writers that have gone on.
 *
 * A parked link is in the poll set of the pool; when its socket takes bytes
 * again, a thread of the pool takes the flusher role and sends.  The threads
 * never block on a socket.  A link that is stalled for too long is ended.
 */
#ifndef MUXER_FLUSHER_H
#define MUXER_FLUSHER_H

#include <stdint.h>

struct flusher;
struct link;

#define FLUSHER_THREADS_MAX	4

/* Starts the threads.  Returns 0 or -errno. */
int	flusher_new(unsigned threads, struct flusher **out);
void	flusher_free(struct flusher *f);	/* joins; no link is parked */

/*
 * The link's lock is held and its role is LINK_PARKED.  Does not block.
 * Returns 0 or -errno: nobody would wake it.
 */
int	flusher_park(struct flusher *f, struct link *l);

/*
 * Make sure that no thread of the pool knows the link any more.  Waits while
 * one is at it.  No lock is held.
 */
void	flusher_forget(struct flusher *f, struct link *l);

/*
 * End the parked links whose sockets have taken nothing for too long.  One
 * thread (housekeeping), every second or so, with no lock held.
 */
void	flusher_check(struct flusher *f, uint64_t now);

#endif
