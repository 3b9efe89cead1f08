/*
 * store/sqlite_file.h -- the file of a store, before SQLite may touch it.
 *
 * SQLite brings a database up to date as it opens it.  So all that can be known
 * without is asked first, and a file that is refused stays as it was.
 */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "base/bytes.h"

/* What marks a database as ours, and of which make; see sqlite_db.c. */
#define SQLITE_FILE_APPLICATION	1882353779	/* 0x70327073, "p2ps" */
#define SQLITE_FILE_VERSION	1

struct sqlite_file {
	char	*path;		/* absolute, no symbolic link on the way */
	char	*tmp;		/* beside it: one that is being made */
	int	 dir;		/* O_PATH */
	int	 lock;		/* of path.lock */
	bool	 had_wal, had_shm;
};

/*
 * Walk to path, make missing directories, and take its lock.  Returns 0,
 * P2P_ERR_BUSY, P2P_ERR_FORMAT (with *why) or -errno; then nothing is open.
 */
int	sqlite_file_lock(struct sqlite_file *f, const char *path,
	    const char **why) MUST_CHECK;

/*
 * Judge what is there.  Returns 0, -ENOENT (nothing), P2P_ERR_FORMAT (with
 * *why) or -errno.
 */
int	sqlite_file_look(struct sqlite_file *f, const char **why) MUST_CHECK;

/* An empty file at tmp, mode 0600. */
int	sqlite_file_begin(struct sqlite_file *f) MUST_CHECK;

/* tmp, complete, gets the name. */
int	sqlite_file_publish(struct sqlite_file *f) MUST_CHECK;

/* Remove what is at tmp. */
void	sqlite_file_abandon(struct sqlite_file *f);

/* Remove the files beside it that were not there at the look. */
void	sqlite_file_tidy(struct sqlite_file *f);

void	sqlite_file_close(struct sqlite_file *f);

#endif
