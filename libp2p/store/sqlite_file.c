/*
 * A store is made under another name, PATH.new, and gets its own when it is
 * complete: at any moment PATH is absent or a whole store.  So an empty file,
 * or a log without its database, is never the beginning of one of ours, but
 * what was left of one.
 *
 * PATH.lock is what keeps others out, and is never removed: whoever waits for
 * the lock of a removed file would have it beside the owner of the next one.
 * The database itself must not be opened here while SQLite has it open, as
 * closing any descriptor of a file ends all POSIX locks that a process has on
 * it.
 */
#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "p2p/error.h"

#define FILE_MODE	0600
#define OTHERS_WRITE	(S_IWGRP | S_IWOTH)
#define HEAD		100		/* bytes of header of a database */

/* "The Database Header" of the file format: where is what. */
enum { AT_MODES = 18, AT_VERSION = 60, AT_APPLICATION = 68 };

static const uint8_t magic[16] = "SQLite format 3";

/* Files beside one of ours. */
static const char *const beside[] = { "", "-journal", "-wal", "-shm" };

#define BESIDE	(sizeof(beside) / sizeof(beside[0]))

static char *
join(const char *a, const char *b)
{
	char *text;

	return asprintf(&text, "%s%s", a, b) == -1 ? NULL : text;
}

static const char *
last(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Its directory, which is there, without links, and its name. */
static int
resolve(const char *path, const char *name, char **out)
{
	char *head = NULL, *real = NULL;
	int e = 0;

	*out = NULL;
	head = name == path ? strdup(".") :
	    strndup(path, (size_t)(name - path));
	if (head == NULL || (real = realpath(head, NULL)) == NULL)
		e = head == NULL ? -ENOMEM : -errno;
	else if (asprintf(out, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
	    name) == -1)
		e = -ENOMEM;
	free(real);
	free(head);
	if (e != 0)
		*out = NULL;
	return e;
}

static int
take_lock(struct sqlite_file *f, const char **why)
{
	char *path;

	if ((path = join(f->path, ".lock")) == NULL)
		return -ENOMEM;
	f->lock = openat(f->dir, last(path), O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, FILE_MODE);
	free(path);
	if (f->lock == -1 && (errno == ELOOP || errno == EISDIR)) {
		*why = "its lock is not a regular file";
		return P2P_ERR_FORMAT;
	}
	if (f->lock == -1)
		return -errno;
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	*why = "open already, here or in another process";
	return P2P_ERR_BUSY;
}

int
sqlite_file_lock(struct sqlite_file *f, const char *path, const char **why)
{
	const char *name;
	int e;

	*f = (struct sqlite_file){ .dir = -1, .lock = -1 };
	if ((e = file_parent(path, &f->dir, &name)) != 0)
		return e;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		e = -EISDIR;
	else if ((e = resolve(path, name, &f->path)) == 0 &&
	    (f->tmp = join(f->path, ".new")) == NULL)
		e = -ENOMEM;
	if (e == 0)
		e = take_lock(f, why);
	if (e != 0)
		sqlite_file_close(f);
	return e;
}

/* Returns why it must not be opened, or NULL. */
static const char *
odd(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "a symbolic link";
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != geteuid())
		return "owned by another user";
	if (st->st_mode & OTHERS_WRITE)
		return "writable by group or others (chmod 600 it)";
	if (st->st_nlink > 1)
		return "known by two names (a hard link)";
	return NULL;
}

/* One of the files: -ENOENT, or what odd() says. */
static int
look_at(const struct sqlite_file *f, const char *suffix, const char **why)
{
	struct stat st;
	char *path;
	int e = 0;

	if ((path = join(f->path, suffix)) == NULL)
		return -ENOMEM;
	if (fstatat(f->dir, last(path), &st, AT_SYMLINK_NOFOLLOW) == -1)
		e = -errno;
	else if ((*why = odd(&st)) != NULL)
		e = P2P_ERR_FORMAT;
	free(path);
	return e;
}

static uint32_t
be32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* What makes the header another than ours, or NULL. */
static const char *
head_fault(const uint8_t *head, size_t len)
{
	if (len == 0)
		return "empty";
	if (len < HEAD || memcmp(head, magic, sizeof(magic)) != 0)
		return "not a database";
	if (be32_at(head + AT_APPLICATION) != SQLITE_FILE_APPLICATION)
		return "a database of something else";
	if (be32_at(head + AT_VERSION) > SQLITE_FILE_VERSION)
		return "made by a newer version";
	if (be32_at(head + AT_VERSION) != SQLITE_FILE_VERSION ||
	    head[AT_MODES] != 2 || head[AT_MODES + 1] != 2)
		return "damaged";
	return NULL;
}

static int
look_inside(const struct sqlite_file *f, const char **why)
{
	uint8_t head[HEAD];
	size_t len;
	int fd, e;

	fd = openat(f->dir, last(f->path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	if ((e = file_read(fd, head, sizeof(head), &len)) == 0 &&
	    (*why = head_fault(head, len)) != NULL)
		e = P2P_ERR_FORMAT;
	close(fd);
	return e;
}

int
sqlite_file_look(struct sqlite_file *f, const char **why)
{
	int found[BESIDE];
	size_t i;

	for (i = 0; i < BESIDE; i++) {
		found[i] = look_at(f, beside[i], why);
		if (found[i] != 0 && found[i] != -ENOENT)
			return found[i];
	}
	f->had_wal = found[2] == 0;
	f->had_shm = found[3] == 0;
	if (found[1] == 0) {
		*why = "a journal that is not ours lies beside it";
		return P2P_ERR_FORMAT;
	}
	if (found[0] != 0 && f->had_wal) {
		*why = "missing, but its log is there";
		return P2P_ERR_FORMAT;
	}
	return found[0] != 0 ? found[0] : look_inside(f, why);
}

/* Remove path with this behind its name. */
static void
drop(const struct sqlite_file *f, const char *path, const char *suffix)
{
	char *full;

	if ((full = join(path, suffix)) != NULL)
		unlinkat(f->dir, last(full), 0);
	free(full);
}

void
sqlite_file_abandon(struct sqlite_file *f)
{
	size_t i;

	for (i = 0; i < BESIDE; i++)
		drop(f, f->tmp, beside[i]);
}

void
sqlite_file_tidy(struct sqlite_file *f)
{
	if (!f->had_wal)
		drop(f, f->path, "-wal");
	if (!f->had_shm)
		drop(f, f->path, "-shm");
}

int
sqlite_file_begin(struct sqlite_file *f)
{
	int fd, e = 0;

	sqlite_file_abandon(f);
	fd = openat(f->dir, last(f->tmp), O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd == -1)
		return -errno;
	if (fchmod(fd, FILE_MODE) == -1)	/* whatever the umask */
		e = -errno;
	close(fd);
	return e;
}

static int
flush(int dir, const char *name)
{
	int fd, e = 0;

	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	if (fsync(fd) == -1)
		e = -errno;
	close(fd);
	return e;
}

int
sqlite_file_publish(struct sqlite_file *f)
{
	const char *from = last(f->tmp), *to = last(f->path);
	int e;

	if ((e = flush(f->dir, from)) != 0)
		return e;
	/* Not every file system can; the lock is ours. */
	if (renameat2(f->dir, from, f->dir, to, RENAME_NOREPLACE) == -1 &&
	    ((errno != EINVAL && errno != ENOSYS) ||
	    renameat(f->dir, from, f->dir, to) == -1))
		return -errno;
	return file_sync_dir(f->dir);
}

void
sqlite_file_close(struct sqlite_file *f)
{
	if (f->lock != -1)
		close(f->lock);
	if (f->dir != -1)
		close(f->dir);
	free(f->tmp);
	free(f->path);
	*f = (struct sqlite_file){ .dir = -1, .lock = -1 };
}
