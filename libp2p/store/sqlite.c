/*
 * The store in a file: who waits for whom.
 *
 * All changes go through one thread, which takes what waits, up to BATCH, into
 * one commit; those who asked wait for theirs.  Reads take an idle connection
 * and give it back.  mtx guards the queue, the idle connections and what is
 * told of spaces, and is never held across a call of SQLite.
 *
 * Spaces are made and never removed, so that a pointer to one stays good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "p2p/error.h"
#include "store/sqlite_db.h"
#include "store/sqlite_file.h"
#include "store/sqlite_read.h"
#include "store/sqlite_write.h"
#include "store/store.h"

#define READERS		4
#define BATCH		128	/* changes in a commit */

struct sqlite {
	struct p2p_store store;		/* [I] */
	struct sqlite_file file;	/* [I] */
	struct lock	 mtx;		/* LOCK_LEAF */
	struct treap_node *spaces;	/* [m] */
	struct sqlite_reader readers[READERS];	/* [I] who took it: all */
	struct sqlite_reader *idle;	/* [m] */
	struct cond	 given;		/* [m] one is idle */
	TAILQ_HEAD(, sqlite_op) queue;	/* [m] */
	struct cond	 work;		/* [m] queue or closing */
	bool		 closing;	/* [m] */
	struct sqlite_writer writer;	/* [W] */
	struct thread	 thread;	/* [I] */
};

static struct sqlite_space *
space_find(struct sqlite *s, struct rd name)
{
	lock_assert_held(&s->mtx);
	return (struct sqlite_space *)treap_find(s->spaces, name);
}

static struct rd
name_of(const char *space)
{
	return (struct rd){ (const uint8_t *)space, strlen(space) };
}

static int
space_make(struct sqlite *s, struct rd name, struct sqlite_space **out)
{
	struct sqlite_space *sp;

	if ((*out = space_find(s, name)) != NULL)
		return 0;
	if ((sp = calloc(1, sizeof(*sp) + name.len + 1)) == NULL)
		return -ENOMEM;
	memcpy(sp->name, name.p, name.len);
	sp->caps = store_caps;
	sp->by_name.key = (struct rd){ (const uint8_t *)sp->name, name.len };
	treap_add(&s->spaces, &sp->by_name);
	*out = sp;
	return 0;
}

/* Up to BATCH of what waits. */
static size_t
take_batch(struct sqlite *s, struct sqlite_op **ops)
{
	struct sqlite_op *op;
	size_t n = 0;

	lock_assert_held(&s->mtx);
	while (n < BATCH && (op = TAILQ_FIRST(&s->queue)) != NULL) {
		TAILQ_REMOVE(&s->queue, op, link);
		ops[n++] = op;
	}
	return n;
}

static void
tell(struct sqlite *s, struct sqlite_op *op)
{
	struct sqlite_space *sp = op->space;

	lock_assert_held(&s->mtx);
	sp->used.entries = sp->then.entries;
	sp->used.bytes = sp->then.bytes;
	if (op->result == P2P_ERR_LIMIT)
		sp->used.refused++;
	op->done = true;
	cond_signal(&op->cv);
}

static void
write_all(void *arg)
{
	struct sqlite_op *ops[BATCH];
	struct sqlite *s = arg;
	size_t i, n;

	lock_lock(&s->mtx);
	for (;;) {
		if ((n = take_batch(s, ops)) == 0) {
			if (s->closing)
				break;
			cond_wait(&s->work, &s->mtx, CLOCK_NEVER);
			continue;
		}
		lock_unlock(&s->mtx);
		sqlite_write_run(&s->writer, ops, n);
		lock_lock(&s->mtx);
		for (i = 0; i < n; i++)
			tell(s, ops[i]);
	}
	lock_unlock(&s->mtx);
}

/* Have it done, and wait; the lock is held. */
static int
submit(struct sqlite *s, struct sqlite_op *op)
{
	lock_assert_held(&s->mtx);
	op->name = op->space->name;
	op->caps = op->space->caps;
	cond_init(&op->cv);
	TAILQ_INSERT_TAIL(&s->queue, op, link);
	cond_signal(&s->work);
	while (!op->done)
		cond_wait(&op->cv, &s->mtx, CLOCK_NEVER);
	cond_destroy(&op->cv);
	return op->result;
}

static int
sqlite_put(struct p2p_store *store, const char *space,
    const struct p2p_store_entry *entry)
{
	struct sqlite_op op = { .what = SQLITE_PUT, .entry = entry };
	struct sqlite *s = (struct sqlite *)store;
	int e;

	lock_lock(&s->mtx);
	if ((e = space_make(s, name_of(space), &op.space)) == 0)
		e = submit(s, &op);
	lock_unlock(&s->mtx);
	return e;
}

static int
sqlite_remove(struct p2p_store *store, const char *space, struct rd key)
{
	struct p2p_store_entry entry = { .key = key.p, .key_len = key.len };
	struct sqlite_op op = { .what = SQLITE_REMOVE, .entry = &entry };
	struct sqlite *s = (struct sqlite *)store;
	int e = 0;

	lock_lock(&s->mtx);
	if ((op.space = space_find(s, name_of(space))) != NULL)
		e = submit(s, &op);
	lock_unlock(&s->mtx);
	return e;
}

static int
sqlite_expire(struct p2p_store *store)
{
	struct sqlite *s = (struct sqlite *)store;
	struct treap_node *n;
	int e = 0;

	lock_lock(&s->mtx);
	for (n = treap_from(s->spaces, (struct rd){ NULL, 0 });
	    n != NULL && e == 0; n = treap_next(s->spaces, n)) {
		struct sqlite_op op = { .what = SQLITE_EXPIRE,
		    .space = (struct sqlite_space *)n };

		e = submit(s, &op);
	}
	lock_unlock(&s->mtx);
	return e;
}

/* NULL: there is no such space, and nothing to read. */
static struct sqlite_reader *
take_reader(struct sqlite *s, const char *space, struct sqlite_space **sp)
{
	struct sqlite_reader *r = NULL;

	lock_lock(&s->mtx);
	if ((*sp = space_find(s, name_of(space))) != NULL) {
		while ((r = s->idle) == NULL)
			cond_wait(&s->given, &s->mtx, CLOCK_NEVER);
		s->idle = r->next;
	}
	lock_unlock(&s->mtx);
	return r;
}

static void
give_reader(struct sqlite *s, struct sqlite_reader *r, struct sqlite_space *sp,
    uint64_t damaged)
{
	lock_lock(&s->mtx);
	sp->used.damaged += damaged;
	r->next = s->idle;
	s->idle = r;
	cond_signal(&s->given);
	lock_unlock(&s->mtx);
}

static int
sqlite_get(struct p2p_store *store, const char *space, struct rd key,
    struct store_found *found)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sqlite_space *sp;
	struct sqlite_reader *r;
	uint64_t damaged = 0;
	int e = 0;

	if ((r = take_reader(s, space, &sp)) != NULL) {
		e = sqlite_read_get(r, space, key, found, &damaged);
		give_reader(s, r, sp, damaged);
	}
	return e;
}

static int
sqlite_list(struct p2p_store *store, const char *space,
    const struct store_range *range, struct store_found *found)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sqlite_space *sp;
	struct sqlite_reader *r;
	uint64_t damaged = 0;
	int e = 0;

	if ((r = take_reader(s, space, &sp)) != NULL) {
		e = sqlite_read_list(r, space, range, found, &damaged);
		give_reader(s, r, sp, damaged);
	}
	return e;
}

static int
sqlite_usage(struct p2p_store *store, const char *space,
    struct p2p_store_usage *out)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sqlite_space *sp;

	lock_lock(&s->mtx);
	if ((sp = space_find(s, name_of(space))) != NULL)
		*out = sp->used;
	lock_unlock(&s->mtx);
	return sp != NULL ? 0 : P2P_ERR_NOT_FOUND;
}

static int
sqlite_cap(struct p2p_store *store, const char *space,
    const struct p2p_store_caps *caps)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sqlite_space *sp;
	int e;

	lock_lock(&s->mtx);
	if ((e = space_make(s, name_of(space), &sp)) == 0)
		sp->caps = *caps;
	lock_unlock(&s->mtx);
	return e;
}

static void
sqlite_free(struct p2p_store *store)
{
	struct sqlite *s = (struct sqlite *)store;
	struct sqlite_space *sp;
	size_t i;

	lock_lock(&s->mtx);
	s->closing = true;
	cond_signal(&s->work);
	lock_unlock(&s->mtx);
	thread_join(&s->thread);
	for (i = 0; i < READERS; i++)
		sqlite_read_close(&s->readers[i]);
	sqlite_write_close(&s->writer);		/* the last empties the log */
	sqlite_file_close(&s->file);
	while ((sp = (struct sqlite_space *)s->spaces) != NULL) {
		treap_remove(&s->spaces, &sp->by_name);
		free(sp);
	}
	cond_destroy(&s->work);
	cond_destroy(&s->given);
	lock_destroy(&s->mtx);
	free(s);
}

static const struct store_ops sqlite_ops = {
	.put = sqlite_put,
	.remove = sqlite_remove,
	.list = sqlite_list,
	.get = sqlite_get,
	.expire = sqlite_expire,
	.usage = sqlite_usage,
	.cap = sqlite_cap,
	.free = sqlite_free,
};

static int
load_space(void *arg, struct rd name, const struct p2p_store_usage *used)
{
	struct sqlite *s = arg;
	struct sqlite_space *sp;
	int e;

	lock_lock(&s->mtx);
	if ((e = space_make(s, name, &sp)) == 0)
		sp->used = sp->now = sp->then = *used;
	lock_unlock(&s->mtx);
	return e;
}

/* Make it, or judge it. */
static int
prepare(struct sqlite_file *f, const char **why)
{
	int e;

	if ((e = sqlite_file_look(f, why)) == -ENOENT) {
		if ((e = sqlite_file_begin(f)) == 0 &&
		    (e = sqlite_db_make(f->tmp)) == 0)
			e = sqlite_file_publish(f);
		sqlite_file_abandon(f);
	} else if (e == 0 && (e = sqlite_db_check(f->path, why)) != 0) {
		sqlite_file_tidy(f);
	}
	return e;
}

static int
start(struct sqlite *s)
{
	size_t i;
	int e;

	if ((e = sqlite_write_open(&s->writer, s->file.path)) != 0 ||
	    (e = sqlite_write_load(&s->writer, load_space, s)) != 0)
		return e;
	for (i = 0; i < READERS; i++) {
		if ((e = sqlite_read_open(&s->readers[i], s->file.path)) != 0)
			return e;
		s->readers[i].next = s->idle;
		s->idle = &s->readers[i];
	}
	return thread_start(&s->thread, "p2p-store", THREAD_STACK, write_all,
	    s);
}

int
sqlite_open(const char *path, struct p2p_store **out, const char **why)
{
	struct sqlite *s;
	int e;

	if (sqlite3_threadsafe() == 0) {
		*why = "the SQLite that is installed knows no threads";
		return P2P_ERR_UNSUPPORTED;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	s->store.ops = &sqlite_ops;
	lock_init(&s->mtx, LOCK_LEAF);
	cond_init(&s->given);
	cond_init(&s->work);
	TAILQ_INIT(&s->queue);
	if ((e = sqlite_file_lock(&s->file, path, why)) == 0 &&
	    (e = prepare(&s->file, why)) == 0)
		e = start(s);
	if (e == 0)
		*out = &s->store;
	else
		sqlite_free(&s->store);
	return e == -EBUSY ? P2P_ERR_BUSY : e;
}
