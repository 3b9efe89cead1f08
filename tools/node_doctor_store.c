/*
 * A store is checked by opening it, which may write to it: so a copy is opened,
 * in a directory that is gone afterwards.  One that a node has open changes
 * while it is copied, and is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node_doctor.h"
#include "p2p/error.h"
#include "p2p/store.h"

#define COPY_MAX	(256 << 20)	/* bytes: more is not copied */

static const char *const beside[] = { "", "-wal", "-journal", ".lock",
    "-shm", ".new" };
#define COPIED	3	/* of these; the rest comes with the opening */

static int
copy_bytes(int from, int to)
{
	char buf[65536];
	ssize_t n, done, m;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (done = 0; done < n; done += m)
			if ((m = write(to, buf + done,
			    (size_t)(n - done))) <= 0)
				return -errno;
	return n < 0 ? -errno : 0;
}

/* A regular file, or none: of what there is beside a store. */
static int
copy_file(const char *from, const char *to)
{
	int in, out, e;
	struct stat st;

	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in == -1)
		return -errno;
	out = -1;
	if (fstat(in, &st) == -1)
		e = -errno;
	else if (!S_ISREG(st.st_mode))
		e = -EINVAL;
	else if (st.st_size > COPY_MAX)
		e = -EFBIG;
	else if ((out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600)) == -1)
		e = -errno;
	else
		e = copy_bytes(in, out);
	if (out != -1 && close(out) == -1 && e == 0)
		e = -errno;
	close(in);
	return e;
}

static int
copy_store(const char *path, const char *copy)
{
	char from[PATH_MAX], to[PATH_MAX];
	size_t i;
	int e = 0;

	for (i = 0; i < COPIED && e == 0; i++) {
		snprintf(from, sizeof(from), "%s%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s%s", copy, beside[i]);
		e = copy_file(from, to);
		if (e == -ENOENT && i > 0)
			e = 0;
	}
	return e;
}

static void
remove_copy(const char *dir, const char *copy)
{
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", copy, beside[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* Held for the time of the copy; -1 and errno: there is none, or not now. */
static int
lock_of(const char *path)
{
	char lock[PATH_MAX];
	int fd, saved;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	fd = open(lock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || flock(fd, LOCK_SH | LOCK_NB) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
open_copy(const char *path, const char **why)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX / 2], copy[PATH_MAX];
	struct p2p_store *store;
	int e;

	snprintf(dir, sizeof(dir), "%s/p2p-doctor-XXXXXX", tmp != NULL &&
	    tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return -errno;
	snprintf(copy, sizeof(copy), "%s/store", dir);
	if ((e = copy_store(path, copy)) == 0 &&
	    (e = p2p_store_open(copy, &store, why)) == 0)
		p2p_store_free(store);
	remove_copy(dir, copy);
	return e;
}

static void
check_file(struct doctor *d, const char *path)
{
	const char *why = NULL;
	struct stat st;
	int lock, e;

	lock = lock_of(path);
	if (lock == -1 && errno == EWOULDBLOCK) {
		doctor_say(d, CHECK_OK, "store", NULL, "%s: a node that runs "
		    "has it, so it was not looked into", path);
		return;
	}
	/* The copy has a mode of its own. */
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		e = P2P_ERR_FORMAT, why = "others may write it (chmod 600 it)";
	else
		e = open_copy(path, &why);
	if (lock != -1)
		close(lock);
	if (e == 0)
		doctor_say(d, CHECK_OK, "store", NULL, "%s: whole", path);
	else if (e == -EFBIG)
		doctor_say(d, CHECK_WARN, "store", NULL, "%s: too large to "
		    "be looked into here", path);
	else
		doctor_say(d, CHECK_FAIL, "store", "move it away, or --store "
		    "names another", "%s: %s", path, why != NULL ? why :
		    p2p_strerror(e));
}

void
doctor_store(struct doctor *d)
{
	const char *path = d->o->dht.store, *mode = d->o->dht.mode;
	bool off = mode == NULL || strcmp(mode, "off") == 0;
	char home[PATH_MAX];
	struct stat st;

	if (path == NULL && d->o->ephemeral)
		path = "memory";
	if (path == NULL)
		path = tool_home("store.sqlite", home);
	if (path != NULL && strcmp(path, "memory") == 0)
		doctor_say(d, CHECK_OK, "store", NULL, "in memory");
	else if (path == NULL && off)
		doctor_say(d, CHECK_OK, "store", NULL, "not wanted: the DHT "
		    "is off");
	else if (path == NULL)
		doctor_say(d, CHECK_FAIL, "store", TOOL_NO_HOME_HINT,
		    TOOL_NO_HOME);
	else if (lstat(path, &st) == 0)
		check_file(d, path);
	else if (errno != ENOENT)
		doctor_say(d, CHECK_FAIL, "store", "--store names another",
		    "%s: %s", path, p2p_strerror(-errno));
	else if (off)
		doctor_say(d, CHECK_OK, "store", NULL, "%s: not there yet, and "
		    "not wanted: the DHT is off", path);
	else
		doctor_directory(d, "store", path);
}
