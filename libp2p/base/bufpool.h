/*
 * base/bufpool.h -- the big buffers of a host, borrowed only while in use.
 *
 * One size fits staging, sealing and reading.  A few are kept when given back;
 * the rest go to the system.  Any thread.
 */
#ifndef BASE_BUFPOOL_H
#define BASE_BUFPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

#define BUFPOOL_SIZE	(160 * 1024)	/* bytes of every buffer */
#define BUFPOOL_KEEP	16		/* buffers */

struct bufpool {
	struct lock	 mtx;		/* LOCK_LEAF */
	void		*kept[BUFPOOL_KEEP];
	unsigned	 n;
};

void	bufpool_init(struct bufpool *p);
void	bufpool_fini(struct bufpool *p);

/* A buffer of BUFPOOL_SIZE bytes, or NULL: no memory. */
uint8_t	*bufpool_get(struct bufpool *p);
void	bufpool_put(struct bufpool *p, uint8_t *buf);	/* NULL is fine */

#endif
