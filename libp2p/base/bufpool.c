#include "base/bufpool.h"

#include <stdlib.h>

void
bufpool_init(struct bufpool *p)
{
	lock_init(&p->mtx, LOCK_LEAF);
	p->n = 0;
}

void
bufpool_fini(struct bufpool *p)
{
	while (p->n > 0)
		free(p->kept[--p->n]);
	lock_destroy(&p->mtx);
}

uint8_t *
bufpool_get(struct bufpool *p)
{
	void *buf = NULL;

	lock_lock(&p->mtx);
	if (p->n > 0)
		buf = p->kept[--p->n];
	lock_unlock(&p->mtx);
	return buf != NULL ? buf : malloc(BUFPOOL_SIZE);
}

void
bufpool_put(struct bufpool *p, uint8_t *buf)
{
	lock_lock(&p->mtx);
	if (buf != NULL && p->n < BUFPOOL_KEEP) {
		p->kept[p->n++] = buf;
		buf = NULL;
	}
	lock_unlock(&p->mtx);
	free(buf);
}
