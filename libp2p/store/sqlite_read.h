/*
 * store/sqlite_read.h -- connections that only read.
 */
#ifndef STORE_SQLITE_READ_H
#define STORE_SQLITE_READ_H

#include <sqlite3.h>

#include "store/store.h"

/* One thread at a time has it. */
struct sqlite_reader {
	struct sqlite_reader *next;	/* of those that are idle */
	sqlite3		*db;
	sqlite3_stmt	*get, *list;
};

/* On errors, too, close it. */
int	sqlite_read_open(struct sqlite_reader *r, const char *path) MUST_CHECK;
void	sqlite_read_close(struct sqlite_reader *r);

/* As the ops of store.h; *damaged counts what was left out for that. */
int	sqlite_read_get(struct sqlite_reader *r, const char *space,
	    struct rd key, struct store_found *found,
	    uint64_t *damaged) MUST_CHECK;
int	sqlite_read_list(struct sqlite_reader *r, const char *space,
	    const struct store_range *range, struct store_found *found,
	    uint64_t *damaged) MUST_CHECK;

#endif
