/*
 * store/sqlite_db.h -- a connection to the database of a store, on guard.
 *
 * What is in the file may have been written by anybody: limits are tight, the
 * schema must be ours to the letter before anything of it is run, and each row
 * has a checksum of all that is in it.
 */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "base/bytes.h"
#include "p2p/store.h"

#define SQLITE_DB_SUM	8	/* bytes: of SHA-256 */

/*
 * What a statement selects for sqlite_db_row(), in this order.
 */
#define SQLITE_DB_COLUMNS	"key, owner, expires, sum, value"

/* A result of SQLite as 0, -errno or P2P_ERR_TOO_LARGE. */
int	sqlite_db_error(sqlite3 *db, int rc);

/* Open a file that is there; close with sqlite3_close(). */
int	sqlite_db_open(const char *path, bool readonly, sqlite3 **out)
	    MUST_CHECK;

/* A store in an empty file. */
int	sqlite_db_make(const char *path) MUST_CHECK;

/*
 * Whether a file is a sound store; it and its log stay as they are.  Returns 0,
 * P2P_ERR_FORMAT (with *why) or -errno.
 */
int	sqlite_db_check(const char *path, const char **why) MUST_CHECK;

/* Text that does not come from anybody. */
int	sqlite_db_exec(sqlite3 *db, const char *sql) MUST_CHECK;
int	sqlite_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
	    MUST_CHECK;

/* The first parameters: a space, and bytes; borrowed until the reset. */
void	sqlite_db_bind(sqlite3_stmt *stmt, const char *space);
void	sqlite_db_bind_bytes(sqlite3_stmt *stmt, int i, struct rd bytes);

/* Step once: 1 (a row), 0 (done) or an error. */
int	sqlite_db_step(sqlite3_stmt *stmt) MUST_CHECK;

/* Be done with a statement until the next time. */
void	sqlite_db_reset(sqlite3_stmt *stmt);

/* The checksum of an entry.  Returns 0 or -ENOMEM. */
int	sqlite_db_sum(const char *space, const struct p2p_store_entry *entry,
	    uint8_t sum[SQLITE_DB_SUM]) MUST_CHECK;

/*
 * The entry of a row, borrowed until the next step.  Returns 0, P2P_ERR_FORMAT
 * (it is not what was put) or -ENOMEM.
 */
int	sqlite_db_row(sqlite3_stmt *stmt, const char *space,
	    struct p2p_store_entry *out) MUST_CHECK;

#endif
