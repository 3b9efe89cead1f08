/*
 * Changes and their accounts.
 *
 * What a space holds is counted from the file when it is opened, and from there
 * on with each statement that succeeded; it is taken back when a transaction
 * is.  So no count is in the file, and none in there can be wrong.  What an
 * owner has is asked of the index, which takes the longer the more that is, and
 * kept for the owners of late, until something but a put of theirs changes it.
 */
#include "store/sqlite_write.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "p2p/error.h"
#include "store/sqlite_db.h"

#define SIZE	"length(key) + length(value) + length(owner)"
#define ONE	" WHERE space = ?1 AND key = ?2"
/* As the indices have it. */
#define EXPIRED	" WHERE space = ?1 AND expires > 0 AND expires <= ?2"

static const char *const texts[SQLITE_WRITE_STATEMENTS] = {
	[SQLITE_WRITE_BEGIN] = "BEGIN IMMEDIATE",
	[SQLITE_WRITE_COMMIT] = "COMMIT",
	[SQLITE_WRITE_ROLLBACK] = "ROLLBACK",
	[SQLITE_WRITE_OLD] = "SELECT " SIZE ", owner = ?3 FROM entries" ONE,
	[SQLITE_WRITE_PUT] = "INSERT INTO entries"
	    "(space, key, owner, expires, sum, value) "
	    "VALUES(?1, ?2, ?3, ?4, ?5, ?6) "
	    "ON CONFLICT(space, key) DO UPDATE SET owner = excluded.owner, "
	    "expires = excluded.expires, sum = excluded.sum, "
	    "value = excluded.value",
	[SQLITE_WRITE_REMOVE] = "DELETE FROM entries" ONE,
	[SQLITE_WRITE_OWNED] = "SELECT count(*) FROM (SELECT 1 FROM entries "
	    "WHERE space = ?1 AND owner = ?2 AND owner <> x'' LIMIT ?3)",
	[SQLITE_WRITE_EXPIRED] = "SELECT count(*), coalesce(sum(" SIZE "), 0) "
	    "FROM entries" EXPIRED,
	[SQLITE_WRITE_DROP] = "DELETE FROM entries" EXPIRED,
};

/* The entry that a change is about, as it is in the file. */
struct old {
	bool	 there, same_owner;
	uint64_t size;
};

int
sqlite_write_open(struct sqlite_writer *w, const char *path)
{
	size_t i;
	int e;

	*w = (struct sqlite_writer){ 0 };
	e = sqlite_db_open(path, false, &w->db);
	for (i = 0; i < SQLITE_WRITE_STATEMENTS && e == 0; i++)
		e = sqlite_db_prepare(w->db, texts[i], &w->stmt[i]);
	return e;
}

void
sqlite_write_close(struct sqlite_writer *w)
{
	size_t i;

	for (i = 0; i < SQLITE_WRITE_STATEMENTS; i++)
		(void)sqlite3_finalize(w->stmt[i]);
	(void)sqlite3_close(w->db);
	*w = (struct sqlite_writer){ 0 };
}

int
sqlite_write_load(struct sqlite_writer *w, int (*fn)(void *arg,
    struct rd name, const struct p2p_store_usage *used), void *arg)
{
	struct p2p_store_usage used = { 0 };
	sqlite3_stmt *s = NULL;
	struct rd name;
	int e, got;

	e = sqlite_db_prepare(w->db, "SELECT space, count(*), sum(" SIZE ") "
	    "FROM entries GROUP BY space", &s);
	while (e == 0) {
		if ((got = sqlite_db_step(s)) != 1) {
			e = got;
			break;
		}
		name.p = sqlite3_column_text(s, 0);
		name.len = (size_t)sqlite3_column_bytes(s, 0);
		used.entries = (uint64_t)sqlite3_column_int64(s, 1);
		used.bytes = (uint64_t)sqlite3_column_int64(s, 2);
		e = name.p != NULL ? fn(arg, name, &used) : -ENOMEM;
	}
	(void)sqlite3_finalize(s);
	return e;
}

/* Step a statement that gives nothing, and be done with it. */
static int
finish(sqlite3_stmt *s)
{
	int e = sqlite_db_step(s);

	sqlite_db_reset(s);
	return e < 0 ? e : 0;
}

static struct rd
key_of(const struct sqlite_op *op)
{
	return (struct rd){ op->entry->key, op->entry->key_len };
}

static struct rd
owner_of(const struct sqlite_op *op)
{
	return (struct rd){ op->entry->owner, op->entry->owner_len };
}

static int
find_old(struct sqlite_writer *w, const struct sqlite_op *op, struct old *old)
{
	sqlite3_stmt *s = w->stmt[SQLITE_WRITE_OLD];
	int e;

	*old = (struct old){ 0 };
	sqlite_db_bind(s, op->name);
	sqlite_db_bind_bytes(s, 2, key_of(op));
	sqlite_db_bind_bytes(s, 3, owner_of(op));
	if ((e = sqlite_db_step(s)) == 1) {
		old->there = true;
		old->size = (uint64_t)sqlite3_column_int64(s, 0);
		old->same_owner = sqlite3_column_int(s, 1) != 0;
		e = 0;
	}
	sqlite_db_reset(s);
	return e;
}

static struct sqlite_owned *
find_owned(struct sqlite_writer *w, const struct sqlite_op *op)
{
	struct rd owner = owner_of(op);
	struct sqlite_owned *o;

	for (o = w->owned; o < w->owned + SQLITE_OWNERS_KEPT; o++)
		if (o->space == op->space &&
		    rd_equal(&owner, o->owner, o->len))
			return o;
	return NULL;
}

static void
keep_owned(struct sqlite_writer *w, const struct sqlite_op *op, uint64_t n)
{
	struct sqlite_owned *o = find_owned(w, op);

	if (o == NULL)
		o = &w->owned[w->next_owned++ % SQLITE_OWNERS_KEPT];
	o->space = op->space;
	o->cap = op->caps.per_owner;
	o->n = n;
	o->len = op->entry->owner_len;
	memcpy(o->owner, op->entry->owner, o->len);
}

static void
forget_owned(struct sqlite_writer *w)
{
	memset(w->owned, 0, sizeof(w->owned));
}

/* As many entries of the owner as matter for the cap. */
static int
count_owned(struct sqlite_writer *w, const struct sqlite_op *op, uint64_t *n)
{
	sqlite3_stmt *s = w->stmt[SQLITE_WRITE_OWNED];
	const struct sqlite_owned *o = find_owned(w, op);
	uint64_t cap = op->caps.per_owner;
	int e;

	*n = 0;
	if (op->entry->owner_len == 0 || cap == UINT64_MAX)
		return 0;
	if (o != NULL && o->cap == cap) {
		*n = o->n;
		return 0;
	}
	sqlite_db_bind(s, op->name);
	sqlite_db_bind_bytes(s, 2, owner_of(op));
	(void)sqlite3_bind_int64(s, 3,
	    cap > INT64_MAX ? INT64_MAX : (sqlite3_int64)cap);
	if ((e = sqlite_db_step(s)) == 1) {
		*n = (uint64_t)sqlite3_column_int64(s, 0);
		keep_owned(w, op, *n);
		e = 0;
	}
	sqlite_db_reset(s);
	return e;
}

/* 0, P2P_ERR_LIMIT, or what went wrong; *old is what is there. */
static int
fits(struct sqlite_writer *w, const struct sqlite_op *op, struct old *old)
{
	const struct p2p_store_usage *u = &op->space->now;
	uint64_t owned = 0;
	int e;

	if ((e = find_old(w, op, old)) != 0 ||
	    (!old->same_owner && (e = count_owned(w, op, &owned)) != 0))
		return e;
	return store_fits(u->entries, u->entries + !old->there,
	    op->caps.entries) &&
	    store_fits(u->bytes, u->bytes + store_size(op->entry) - old->size,
	    op->caps.bytes) &&
	    store_fits(owned, owned + !old->same_owner,
	    op->caps.per_owner) ? 0 : P2P_ERR_LIMIT;
}

static void
bind_expired(sqlite3_stmt *s, const struct sqlite_op *op, uint64_t now)
{
	sqlite_db_bind(s, op->name);
	(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)now);
}

static int
drop_expired(struct sqlite_writer *w, const struct sqlite_op *op)
{
	sqlite3_stmt *s = w->stmt[SQLITE_WRITE_EXPIRED];
	uint64_t now = clock_wall_ns(), entries = 0, bytes = 0;
	int e;

	bind_expired(s, op, now);
	if ((e = sqlite_db_step(s)) == 1) {
		entries = (uint64_t)sqlite3_column_int64(s, 0);
		bytes = (uint64_t)sqlite3_column_int64(s, 1);
		e = 0;
	}
	sqlite_db_reset(s);
	if (e != 0 || entries == 0)
		return e;
	s = w->stmt[SQLITE_WRITE_DROP];
	bind_expired(s, op, now);
	forget_owned(w);
	if ((e = finish(s)) == 0) {
		op->space->now.entries -= entries;
		op->space->now.bytes -= bytes;
	}
	return e;
}

/* An entry of the owner's is new, or was another's. */
static void
count_put(struct sqlite_writer *w, const struct sqlite_op *op,
    const struct old *old)
{
	struct sqlite_owned *o;

	if (old->there && !old->same_owner)
		forget_owned(w);
	else if (!old->there && (o = find_owned(w, op)) != NULL)
		o->n++;
}

static int
put(struct sqlite_writer *w, const struct sqlite_op *op)
{
	sqlite3_stmt *s = w->stmt[SQLITE_WRITE_PUT];
	const struct p2p_store_entry *en = op->entry;
	uint8_t sum[SQLITE_DB_SUM];
	struct old old;
	int e;

	if ((e = sqlite_db_sum(op->name, en, sum)) != 0)
		return e;
	if ((e = fits(w, op, &old)) == P2P_ERR_LIMIT &&
	    (e = drop_expired(w, op)) == 0)
		e = fits(w, op, &old);
	if (e != 0)
		return e;
	sqlite_db_bind(s, op->name);
	sqlite_db_bind_bytes(s, 2, key_of(op));
	sqlite_db_bind_bytes(s, 3, owner_of(op));
	/* Far future becomes negative there, which never expires. */
	(void)sqlite3_bind_int64(s, 4, (sqlite3_int64)en->expires);
	sqlite_db_bind_bytes(s, 5, (struct rd){ sum, sizeof(sum) });
	sqlite_db_bind_bytes(s, 6, (struct rd){ en->value, en->len });
	if ((e = finish(s)) == 0) {
		count_put(w, op, &old);
		op->space->now.entries += !old.there;
		op->space->now.bytes += store_size(en) - old.size;
	}
	return e;
}

static int
remove_one(struct sqlite_writer *w, const struct sqlite_op *op)
{
	sqlite3_stmt *s = w->stmt[SQLITE_WRITE_REMOVE];
	struct old old;
	int e;

	if ((e = find_old(w, op, &old)) != 0 || !old.there)
		return e;
	sqlite_db_bind(s, op->name);
	sqlite_db_bind_bytes(s, 2, key_of(op));
	forget_owned(w);
	if ((e = finish(s)) == 0) {
		op->space->now.entries--;
		op->space->now.bytes -= old.size;
	}
	return e;
}

static int
run_one(struct sqlite_writer *w, const struct sqlite_op *op)
{
	switch (op->what) {
	case SQLITE_PUT:
		return put(w, op);
	case SQLITE_REMOVE:
		return remove_one(w, op);
	case SQLITE_EXPIRE:
		return drop_expired(w, op);
	}
	return -EINVAL;
}

/* One transaction; on errors nothing has changed. */
static int
run(struct sqlite_writer *w, struct sqlite_op **ops, size_t n)
{
	size_t i;
	int e;

	e = finish(w->stmt[SQLITE_WRITE_BEGIN]);
	for (i = 0; i < n && e == 0; i++) {
		/* What SQLite cannot undo alone, it has rolled back all of. */
		ops[i]->result = run_one(w, ops[i]);
		if (sqlite3_get_autocommit(w->db))
			e = ops[i]->result < 0 ? ops[i]->result : -EIO;
	}
	if (e == 0)
		e = finish(w->stmt[SQLITE_WRITE_COMMIT]);
	if (e != 0 && !sqlite3_get_autocommit(w->db))
		(void)finish(w->stmt[SQLITE_WRITE_ROLLBACK]);
	if (e != 0)
		forget_owned(w);
	for (i = 0; i < n; i++) {
		if (e == 0)
			ops[i]->space->then = ops[i]->space->now;
		else
			ops[i]->space->now = ops[i]->space->then;
	}
	return e;
}

void
sqlite_write_run(struct sqlite_writer *w, struct sqlite_op **ops, size_t n)
{
	size_t i;
	int e;

	if ((e = run(w, ops, n)) == 0)
		return;
	if (n == 1)
		ops[0]->result = e;
	for (i = 0; i < n && n > 1; i++)
		sqlite_write_run(w, &ops[i], 1);
}
