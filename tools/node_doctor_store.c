/*
 * A store is checked by opening it, which may write to it: so a copy is opened,
 * in a directory that is gone afterwards, also when a signal ends the doctor.
 * One that a node has open changes while it is copied, and is left alone; but
 * no lock keeps a node from opening it meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
#define BESIDE	(sizeof(beside) / sizeof(beside[0]))
#define COPIED	3	/* of these; the rest comes with the opening */

/* Of the copy; a signal handler reads them. */
static char copy_dir[PATH_MAX / 2], copies[BESIDE][PATH_MAX];

/* What ends us in the midst of it, beside what tool_signals() has. */
static const int fatal[] = { SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU, SIGXFSZ };
#define FATAL	(sizeof(fatal) / sizeof(fatal[0]))
static struct sigaction old[FATAL];

static int
copy_bytes(int from, int to)
{
	off_t all = 0;
	char buf[65536];
	ssize_t n, done, m;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (tool_signal() != 0)
			return -EINTR;
		if ((all += n) > COPY_MAX)
			return -EFBIG;
		for (done = 0; done < n; done += m)
			if ((m = write(to, buf + done,
			    (size_t)(n - done))) <= 0)
				return -errno;
	}
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
copy_store(const char *path)
{
	char from[PATH_MAX];
	size_t i;
	int e = 0;

	for (i = 0; i < COPIED && e == 0; i++) {
		snprintf(from, sizeof(from), "%s%s", path, beside[i]);
		e = copy_file(from, copies[i]);
		if (e == -ENOENT && i > 0)
			e = 0;
	}
	return e;
}

/* Also in a signal handler. */
static void
remove_copy(void)
{
	size_t i;

	for (i = 0; i < BESIDE; i++)
		(void)unlink(copies[i]);
	(void)rmdir(copy_dir);
}

/* It is nobody's any more, and comes again when we return. */
static void
on_fatal(int sig)
{
	int e = errno;

	remove_copy();
	(void)raise(sig);
	errno = e;
}

/* Whatever ends us from here on removes the copy; nothing is one yet. */
static void
copy_begin(void)
{
	struct sigaction sa = { .sa_handler = on_fatal,
	    .sa_flags = (int)SA_RESETHAND };
	size_t i;

	tool_at_force(remove_copy);
	sigfillset(&sa.sa_mask);
	for (i = 0; i < FATAL; i++) {
		sigaction(fatal[i], NULL, &old[i]);
		/* What nohup or the shell has ignored ends nothing. */
		if (old[i].sa_handler != SIG_IGN)
			sigaction(fatal[i], &sa, NULL);
	}
}

static void
copy_end(void)
{
	size_t i;

	remove_copy();
	for (i = 0; i < FATAL; i++)
		sigaction(fatal[i], &old[i], NULL);
	tool_at_force(NULL);
}

/* Whether a node has it now; nobody is kept from it for longer than that. */
static bool
is_in_use(const char *path)
{
	char lock[PATH_MAX];
	bool used;
	int fd;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	fd = open(lock, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return false;
	used = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return used;
}

static int
open_copy(const char *path, const char **why)
{
	const char *tmp = getenv("TMPDIR");
	struct p2p_store *store;
	size_t i;
	int e;

	snprintf(copy_dir, sizeof(copy_dir), "%s/p2p-doctor-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	copy_begin();
	e = mkdtemp(copy_dir) == NULL ? -errno : 0;
	for (i = 0; e == 0 && i < BESIDE; i++)
		snprintf(copies[i], sizeof(copies[i]), "%s/store%s", copy_dir,
		    beside[i]);
	if (e == 0 && (e = copy_store(path)) == 0 &&
	    (e = p2p_store_open(copies[0], &store, why)) == 0)
		p2p_store_free(store);
	copy_end();
	return e;
}

/* What is copied while somebody writes to it is nothing to judge by. */
static bool
is_changed(const char *path, const struct stat *before)
{
	struct stat st;

	return is_in_use(path) || lstat(path, &st) == -1 ||
	    st.st_size != before->st_size || st.st_ino != before->st_ino ||
	    st.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static void
check_file(struct doctor *d, const char *path, const struct stat *st)
{
	const char *why = NULL;
	bool used = is_in_use(path);
	int e = 0;

	/* The copy has a mode of its own. */
	if (!used && S_ISREG(st->st_mode) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		e = P2P_ERR_FORMAT, why = "others may write it (chmod 600 it)";
	else if (!used && (e = open_copy(path, &why)) != 0 && e != -EFBIG)
		used = is_changed(path, st);
	if (tool_signal() != 0)
		return;
	if (used) {
		doctor_say(d, CHECK_OK, "store", NULL, "%s: a node that runs "
		    "has it, so it was not looked into", path);
		return;
	}
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
		check_file(d, path, &st);
	else if (errno != ENOENT)
		doctor_say(d, CHECK_FAIL, "store", "--store names another",
		    "%s: %s", path, p2p_strerror(-errno));
	else if (off)
		doctor_say(d, CHECK_OK, "store", NULL, "%s: not there yet, and "
		    "not wanted: the DHT is off", path);
	else
		doctor_directory(d, "store", path);
}
