#include "base/bufpool.h"

#include <stdlib.h>
#include <string.h>

void
bufpool_init(struct bufpool *p, size_t size, unsigned keep)
{
	lock_init(&p->mtx, LOCK_LEAF);
	p->size = size;
	p->keep = keep;
	p->n = 0;
	p->kept = NULL;
}

/* The first kept buffer leaves the list; there is one. */
static void *
take(struct bufpool *p)
{
	void *buf = p->kept;

	memcpy(&p->kept, buf, sizeof(p->kept));
	p->n--;
	return buf;
}

void
bufpool_fini(struct bufpool *p)
{
	while (p->n > 0)
		free(take(p));
	lock_destroy(&p->mtx);
}

void *
bufpool_get(struct bufpool *p)
{
	void *buf = NULL;

	lock_lock(&p->mtx);
	if (p->n > 0)
		buf = take(p);
	lock_unlock(&p->mtx);
	return buf != NULL ? buf : malloc(p->size);
}

void
bufpool_put(struct bufpool *p, void *buf)
{
	if (buf == NULL)
		return;
	lock_lock(&p->mtx);
	if (p->n < p->keep) {
		memcpy(buf, &p->kept, sizeof(p->kept));
		p->kept = buf;
		p->n++;
		buf = NULL;
	}
	lock_unlock(&p->mtx);
	free(buf);
}
