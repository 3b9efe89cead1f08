/*
 * Settings, schema and rows.
 *
 * The log (WAL) with synchronous=NORMAL: a commit is written, not flushed, and
 * so survives the process and not the machine; the log is flushed before any
 * page goes into the database, so that what survives is a beginning of what was
 * committed.
 */
#include "store/sqlite_db.h"

#include <errno.h>
#include <string.h>

#include "crypto/hash.h"
#include "p2p/error.h"
#include "store/sqlite_file.h"

#define BUSY_MS		2000	/* somebody reads it with another program */
#define ROW_MAX		(256 * 1024)	/* over that of the largest entry */

#define TEXT(x)		#x
#define NUMBER(x)	TEXT(x)

/* In the order in which they are made and found; the text is compared. */
static const char *const schema[] = {
	"CREATE TABLE entries(space TEXT NOT NULL, key BLOB NOT NULL, "
	"owner BLOB NOT NULL, expires INTEGER NOT NULL, sum BLOB NOT NULL, "
	"value BLOB NOT NULL) STRICT",
	"CREATE UNIQUE INDEX by_key ON entries(space, key)",
	"CREATE INDEX by_owner ON entries(space, owner) WHERE owner <> x''",
	"CREATE INDEX by_time ON entries(space, expires) WHERE expires > 0",
};

#define SCHEMA	(sizeof(schema) / sizeof(schema[0]))

/*
 * Rows that no put has made.  A CHECK in the schema would not do: a connection
 * that only reads does not know of it.
 */
static const char impossible[] = "SELECT 1 FROM entries WHERE "
    "length(space) NOT BETWEEN 1 AND " NUMBER(P2P_STORE_SPACE_MAX)
    " OR length(CAST(space AS BLOB)) <> length(space)"
    " OR length(key) NOT BETWEEN 1 AND " NUMBER(P2P_STORE_KEY_MAX)
    " OR length(owner) > " NUMBER(P2P_STORE_OWNER_MAX)
    " OR length(sum) <> " NUMBER(SQLITE_DB_SUM)
    " OR length(value) > " NUMBER(P2P_STORE_VALUE_MAX);

static const struct {
	int	what, max;
} limits[] = {
	{ SQLITE_LIMIT_LENGTH, ROW_MAX },
	{ SQLITE_LIMIT_SQL_LENGTH, 4096 },
	{ SQLITE_LIMIT_COLUMN, 16 },
	{ SQLITE_LIMIT_EXPR_DEPTH, 20 },
	{ SQLITE_LIMIT_COMPOUND_SELECT, 4 },
	{ SQLITE_LIMIT_VDBE_OP, 10000 },
	{ SQLITE_LIMIT_FUNCTION_ARG, 8 },
	{ SQLITE_LIMIT_ATTACHED, 0 },
	{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 16 },
	{ SQLITE_LIMIT_VARIABLE_NUMBER, 16 },
	{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
	{ SQLITE_LIMIT_WORKER_THREADS, 0 },
};

static const struct {
	int	what, on;
} configs[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
	{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
};

int
sqlite_db_error(sqlite3 *db, int rc)
{
	int error = db != NULL ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_TOOBIG:
		return P2P_ERR_TOO_LARGE;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return -ENOMEM;
		return error == ENOSPC || error == EDQUOT || error == EACCES ||
		    error == EMFILE || error == ENFILE ? -error : -EIO;
	default:
		return -EIO;
	}
}

int
sqlite_db_exec(sqlite3 *db, const char *sql)
{
	return sqlite_db_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int
sqlite_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return sqlite_db_error(db, sqlite3_prepare_v3(db, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, out, NULL));
}

void
sqlite_db_bind_bytes(sqlite3_stmt *stmt, int i, struct rd bytes)
{
	/* A pointer that is NULL would bind NULL, and not no bytes. */
	(void)sqlite3_bind_blob(stmt, i, bytes.p != NULL ?
	    (const void *)bytes.p : "", (int)bytes.len, SQLITE_STATIC);
}

void
sqlite_db_bind(sqlite3_stmt *stmt, const char *space)
{
	(void)sqlite3_bind_text(stmt, 1, space, -1, SQLITE_STATIC);
}

int
sqlite_db_step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 :
	    sqlite_db_error(sqlite3_db_handle(stmt), rc);
}

void
sqlite_db_reset(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

/* A result of SQLite: settings, too, may read what is corrupt. */
static int
guard(sqlite3 *db)
{
	size_t i;

	(void)sqlite3_busy_timeout(db, BUSY_MS);
	(void)sqlite3_extended_result_codes(db, 1);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)sqlite3_limit(db, limits[i].what, limits[i].max);
	for (i = 0; i < sizeof(configs) / sizeof(configs[0]); i++)
		(void)sqlite3_db_config(db, configs[i].what, configs[i].on,
		    NULL);
	return sqlite3_exec(db, "PRAGMA cell_size_check=ON; "
	    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; "
	    "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024; "
	    "PRAGMA journal_size_limit=8388608; PRAGMA secure_delete=OFF",
	    NULL, NULL, NULL);
}

static int
open_raw(const char *path, bool readonly, sqlite3 **out)
{
	return sqlite3_open_v2(path, out, SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE |
	    (readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE), NULL);
}

int
sqlite_db_open(const char *path, bool readonly, sqlite3 **out)
{
	sqlite3 *db = NULL;
	int rc, e;

	if ((rc = open_raw(path, readonly, &db)) == SQLITE_OK)
		rc = guard(db);
	if ((e = sqlite_db_error(db, rc)) == 0)
		*out = db;
	else
		(void)sqlite3_close(db);
	return e;
}

/*
 * All of it in one commit that is flushed into the file itself; the log comes
 * after, so that the file is whole without one.
 */
int
sqlite_db_make(const char *path)
{
	sqlite3 *db;
	size_t i;
	int e;

	if ((e = sqlite_db_open(path, false, &db)) != 0)
		return e;
	e = sqlite_db_exec(db, "PRAGMA synchronous=FULL; BEGIN");
	for (i = 0; i < SCHEMA && e == 0; i++)
		e = sqlite_db_exec(db, schema[i]);
	if (e == 0)
		e = sqlite_db_exec(db, "PRAGMA application_id="
		    NUMBER(SQLITE_FILE_APPLICATION) "; PRAGMA user_version="
		    NUMBER(SQLITE_FILE_VERSION) "; COMMIT; "
		    "PRAGMA journal_mode=WAL");
	if (sqlite3_close(db) != SQLITE_OK && e == 0)
		e = -EIO;
	return e;
}

/* Run sql, whose first column of each row goes to fn; fn may stop it. */
static int
each(sqlite3 *db, const char *sql, bool (*fn)(sqlite3_stmt *, void *),
    void *arg)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		if ((rc = sqlite3_step(stmt)) == SQLITE_ROW && !fn(stmt, arg))
			rc = SQLITE_CORRUPT;
	}
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool
is_column(sqlite3_stmt *stmt, int i, const char *want)
{
	const char *got = (const char *)sqlite3_column_text(stmt, i);

	return got != NULL && strcmp(got, want) == 0;
}

static bool
is_schema(sqlite3_stmt *stmt, void *arg)
{
	size_t *n = arg;

	return *n < SCHEMA && is_column(stmt, 0, schema[(*n)++]);
}

static bool
is_number(sqlite3_stmt *stmt, void *arg)
{
	return sqlite3_column_int64(stmt, 0) == *(sqlite3_int64 *)arg;
}

static bool
is_none(sqlite3_stmt *stmt, void *arg)
{
	(void)stmt;
	(void)arg;
	return false;
}

static bool
is_ok(sqlite3_stmt *stmt, void *arg)
{
	(void)arg;
	return is_column(stmt, 0, "ok");
}

/*
 * The log may hold another header than the file.  Nothing of the schema is run
 * before it is known to be ours.
 */
static int
check(sqlite3 *db, const char **why)
{
	sqlite3_int64 id = SQLITE_FILE_APPLICATION, ver = SQLITE_FILE_VERSION;
	size_t n = 0;
	int rc;

	*why = "not of a version that is known here";
	rc = each(db, "PRAGMA application_id", is_number, &id);
	if (rc == SQLITE_OK)
		rc = each(db, "PRAGMA user_version", is_number, &ver);
	if (rc != SQLITE_OK)
		return rc;
	*why = "not made by this library";
	rc = each(db, "SELECT sql FROM sqlite_schema ORDER BY rowid",
	    is_schema, &n);
	if (rc == SQLITE_OK && n != SCHEMA)
		rc = SQLITE_CORRUPT;
	if (rc != SQLITE_OK)
		return rc;
	*why = "damaged";
	rc = each(db, "PRAGMA integrity_check(1)", is_ok, NULL);
	return rc == SQLITE_OK ? each(db, impossible, is_none, NULL) : rc;
}

int
sqlite_db_check(const char *path, const char **why)
{
	const char *fault = "damaged";
	sqlite3 *db = NULL;
	int rc, e;

	if ((rc = open_raw(path, true, &db)) == SQLITE_OK) {
		/* Its end leaves the log to those that come. */
		(void)sqlite3_db_config(db,
		    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		if ((rc = guard(db)) == SQLITE_OK)
			rc = check(db, &fault);
	}
	e = sqlite_db_error(db, rc);
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:		/* a schema that makes no sense */
	case SQLITE_TOOBIG:
		*why = fault;
		e = P2P_ERR_FORMAT;
	}
	(void)sqlite3_close(db);
	return e;
}

/* All that identifies it, with lengths, and what it is: no two are alike. */
int
sqlite_db_sum(const char *space, const struct p2p_store_entry *en,
    uint8_t sum[SQLITE_DB_SUM])
{
	uint8_t head[2 * 4 + 8 + P2P_STORE_SPACE_MAX + P2P_STORE_KEY_MAX +
	    P2P_STORE_OWNER_MAX], hash[HASH_SHA256_SIZE];
	struct wr w;

	wr_init(&w, head, sizeof(head));
	wr_be16(&w, (uint16_t)strlen(space));
	wr_bytes(&w, space, strlen(space));
	wr_be16(&w, (uint16_t)en->key_len);
	wr_bytes(&w, en->key, en->key_len);
	wr_be16(&w, (uint16_t)en->owner_len);
	wr_bytes(&w, en->owner, en->owner_len);
	wr_be64(&w, en->expires);
	if (w.full)
		return P2P_ERR_FORMAT;
	if (hash_sha256_pair((struct rd){ head, w.len },
	    (struct rd){ en->value, en->len }, hash) != 0)
		return -ENOMEM;
	memcpy(sum, hash, SQLITE_DB_SUM);
	return 0;
}

static const uint8_t *
column(sqlite3_stmt *stmt, int i, size_t *len)
{
	const uint8_t *p = sqlite3_column_blob(stmt, i);

	*len = p != NULL ? (size_t)sqlite3_column_bytes(stmt, i) : 0;
	return p;
}

int
sqlite_db_row(sqlite3_stmt *stmt, const char *space,
    struct p2p_store_entry *out)
{
	uint8_t want[SQLITE_DB_SUM];
	const uint8_t *sum;
	size_t len;
	int e;

	out->key = column(stmt, 0, &out->key_len);
	out->owner = column(stmt, 1, &out->owner_len);
	out->expires = (uint64_t)sqlite3_column_int64(stmt, 2);
	sum = column(stmt, 3, &len);
	out->value = column(stmt, 4, &out->len);
	if (out->len > P2P_STORE_VALUE_MAX)
		return P2P_ERR_FORMAT;
	if ((e = sqlite_db_sum(space, out, want)) != 0)
		return e;
	return len == sizeof(want) && memcmp(sum, want, len) == 0 ? 0 :
	    P2P_ERR_FORMAT;
}
