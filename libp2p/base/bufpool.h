/*
 * base/bufpool.h -- buffers of one size, borrowed only while in use.
 *
 * A few are kept when given back, so that a busy host does not ask the system
 * for pages it has just returned; the rest go back.  Any thread.
 */
#ifndef BASE_BUFPOOL_H
#define BASE_BUFPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

struct bufpool {
	struct lock	 mtx;		/* LOCK_LEAF */
	size_t		 size;		/* bytes of every buffer */
	unsigned	 keep;		/* buffers kept at most */
	unsigned	 n;		/* mtx: kept now */
	void		*kept;		/* mtx: each begins with the next */
};

void	bufpool_init(struct bufpool *p, size_t size, unsigned keep);
void	bufpool_fini(struct bufpool *p);

/* A buffer of p->size bytes, or NULL: no memory. */
void	*bufpool_get(struct bufpool *p);
void	bufpool_put(struct bufpool *p, void *buf);	/* NULL is fine */

#endif
