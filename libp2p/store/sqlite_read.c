/*
 * Reading: a statement is one transaction, over what was committed when it
 * began.  It is reset in all cases, as one left half way would keep the log
 * from being emptied.
 */
#include "store/sqlite_read.h"

#include "base/clock.h"
#include "p2p/error.h"
#include "store/sqlite_db.h"

#define SELECT	"SELECT " SQLITE_DB_COLUMNS " FROM entries WHERE space = ?1 "

int
sqlite_read_open(struct sqlite_reader *r, const char *path)
{
	int e;

	*r = (struct sqlite_reader){ 0 };
	if ((e = sqlite_db_open(path, true, &r->db)) == 0 &&
	    (e = sqlite_db_prepare(r->db, SELECT "AND key = ?2",
	    &r->get)) == 0)
		e = sqlite_db_prepare(r->db, SELECT
		    "AND key >= ?2 ORDER BY key", &r->list);
	return e;
}

void
sqlite_read_close(struct sqlite_reader *r)
{
	(void)sqlite3_finalize(r->get);
	(void)sqlite3_finalize(r->list);
	(void)sqlite3_close(r->db);
	*r = (struct sqlite_reader){ 0 };
}

/* Add what a statement finds, up to max, while keys begin with prefix. */
static int
collect(sqlite3_stmt *s, const char *space, struct rd prefix, size_t max,
    struct store_found *found, uint64_t *damaged)
{
	uint64_t now = clock_wall_ns();
	struct p2p_store_entry en;
	int e = 0, got = 0;

	while (e == 0 && found->n < max && (got = sqlite_db_step(s)) == 1) {
		e = sqlite_db_row(s, space, &en);
		if (!store_begins((struct rd){ en.key, en.key_len }, prefix)) {
			e = 0;
			break;
		}
		if (e == P2P_ERR_FORMAT) {
			(*damaged)++;
			e = 0;
		} else if (e == 0 && !store_expired(en.expires, now)) {
			e = store_found_add(found, &en);
		}
	}
	sqlite_db_reset(s);
	return e == 0 && got < 0 ? got : e;
}

int
sqlite_read_get(struct sqlite_reader *r, const char *space, struct rd key,
    struct store_found *found, uint64_t *damaged)
{
	sqlite_db_bind(r->get, space);
	sqlite_db_bind_bytes(r->get, 2, key);
	return collect(r->get, space, key, 1, found, damaged);
}

int
sqlite_read_list(struct sqlite_reader *r, const char *space,
    const struct store_range *range, struct store_found *found,
    uint64_t *damaged)
{
	sqlite_db_bind(r->list, space);
	sqlite_db_bind_bytes(r->list, 2, range->from);
	return collect(r->list, space, range->prefix, range->max, found,
	    damaged);
}
