#include "base/limit.h"

#include <assert.h>
#include <stddef.h>

#include "p2p/error.h"

void
limit_init(struct limit *l, const char *name, uint64_t max,
    struct limit *parent)
{
	l->name = name;
	l->parent = parent;
	l->setting = NULL;
	l->max = max;
	atomic_init(&l->used, 0);
	atomic_init(&l->refused, 0);
}

void
limit_under(struct limit *l, struct limit *setting, struct limit *parent)
{
	limit_init(l, setting->name, setting->max, parent);
	l->setting = setting;
}

static int
take_one(struct limit *l, uint64_t n)
{
	uint64_t used = atomic_load(&l->used);

	do {
		if (used > l->max || n > l->max - used) {
			atomic_fetch_add(&l->refused, 1);
			if (l->setting != NULL)
				atomic_fetch_add(&l->setting->refused, 1);
			return P2P_ERR_LIMIT;
		}
	} while (!atomic_compare_exchange_weak(&l->used, &used, used + n));
	if (l->setting != NULL)
		atomic_fetch_add(&l->setting->used, n);
	return 0;
}

static void
give_one(struct limit *l, uint64_t n)
{
	uint64_t was = atomic_fetch_sub(&l->used, n);

	assert(was >= n);
	(void)was;
	if (l->setting != NULL)
		atomic_fetch_sub(&l->setting->used, n);
}

int
limit_take(struct limit *l, uint64_t n)
{
	struct limit *at, *undo;

	for (at = l; at != NULL; at = at->parent) {
		if (take_one(at, n) == 0)
			continue;
		for (undo = l; undo != at; undo = undo->parent)
			give_one(undo, n);
		return P2P_ERR_LIMIT;
	}
	return 0;
}

void
limit_give(struct limit *l, uint64_t n)
{
	for (; l != NULL; l = l->parent)
		give_one(l, n);
}
