/*
 * A key file is a name in the network: whoever reads it is us, and whoever
 * loses it is nobody.  Hence two rules.
 *
 * Load believes nothing.  The questions (regular file? ours? closed to the
 * others? of a sane size?) are put to the opened descriptor, not to the path,
 * and an odd answer is an error with a reason, never a new key.
 *
 * Save replaces nothing.  The key is written to a temporary file in the same
 * directory, flushed, and renamed in a way that fails if the name is taken;
 * then the directory is flushed.  At any moment the name is absent or whole.  A
 * kill can leave the temporary file (.NAME.xxxxxxxx, mode 0600), which nothing
 * ever reads, and which the next save of that name removes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/rand.h"
#include "crypto/wipe.h"
#include "p2p/error.h"
#include "p2p/key.h"

#define FILE_MODE	0600
#define OTHERS		(S_IRWXG | S_IRWXO)

#define TMP_HEX		8	/* random digits behind .NAME. */
#define TMP_TRIES	8	/* a taken name of 32 random bits is rare */

/* Returns a static reason to refuse the opened file, or NULL. */
static const char *
file_fault(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return "cannot be examined";
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_uid != geteuid())
		return "owned by another user";
	if (st.st_mode & OTHERS)
		return "accessible to group or others (chmod 600 it)";
	if (st.st_size == 0)
		return "empty";
	if (st.st_size > P2P_KEY_PRIVATE_MAX)
		return "too large for a key";
	return NULL;
}

static int
write_all(int fd, const uint8_t *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = write(fd, buf, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -errno;
	}
	return 0;
}

/* O_NONBLOCK: open(2) of a FIFO must not wait for its writer. */
static int
open_key(const char *path, int *fd, const char **why)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY);
	if (*fd != -1)
		return 0;
	switch (errno) {
	case ELOOP:
		*why = "a symbolic link";
		return P2P_ERR_KEY_FILE;
	case ENXIO:
		*why = "not a regular file";
		return P2P_ERR_KEY_FILE;
	default:
		return -errno;
	}
}

int
p2p_key_load(const char *path, struct p2p_key **out, const char **why)
{
	uint8_t buf[P2P_KEY_PRIVATE_MAX + 1];	/* one more: it grew */
	const char *fault = NULL;
	size_t len;
	int fd = -1, e;

	if ((e = open_key(path, &fd, &fault)) != 0)
		goto done;
	e = P2P_ERR_KEY_FILE;
	if ((fault = file_fault(fd)) != NULL)
		goto done;
	if ((e = file_read(fd, buf, sizeof(buf), &len)) != 0)
		goto done;
	if (len > P2P_KEY_PRIVATE_MAX)
		e = P2P_ERR_FORMAT;
	else
		e = p2p_key_decode_private(buf, len, out);
	if (e == P2P_ERR_UNSUPPORTED) {
		fault = "a key of an unsupported type or size";
		e = P2P_ERR_KEY_FILE;
	} else if (e == P2P_ERR_FORMAT) {
		fault = "not one sound private key (truncated or damaged)";
		e = P2P_ERR_KEY_FILE;
	}
done:
	wipe(buf, sizeof(buf));
	if (fd != -1)
		close(fd);
	if (e == P2P_ERR_KEY_FILE && why != NULL)
		*why = fault;
	return e;
}

/* A new file beside name, in tmp; its mode does not depend on the umask. */
static int
open_tmp(int dir, const char *name, char *tmp, size_t cap, int *out)
{
	uint32_t r;
	int fd, i, n, e;

	for (i = 0; i < TMP_TRIES; i++) {
		if ((e = rand_bytes(&r, sizeof(r))) != 0)
			return e;
		n = snprintf(tmp, cap, ".%s.%08x", name, (unsigned)r);
		if (n < 0 || (size_t)n >= cap)
			return -ENAMETOOLONG;
		fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
		if (fd == -1 && errno == EEXIST)
			continue;
		if (fd == -1)
			return -errno;
		*out = fd;
		return 0;
	}
	return -EEXIST;
}

/* Write and flush; closes fd always. */
static int
fill(int fd, const uint8_t *buf, size_t len)
{
	int e = 0;

	if (fchmod(fd, FILE_MODE) == -1)
		e = -errno;
	if (e == 0)
		e = write_all(fd, buf, len);
	if (e == 0 && fsync(fd) == -1)
		e = -errno;
	if (close(fd) == -1 && e == 0)
		e = -errno;
	return e;
}

/* Fails if name is taken. */
static int
rename_new(int dir, const char *tmp, const char *name)
{
	struct stat st;

	if (renameat2(dir, tmp, dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system can; then two names exist for a moment. */
	if ((errno == EINVAL || errno == ENOSYS) &&
	    linkat(dir, tmp, dir, name, 0) == 0) {
		unlinkat(dir, tmp, 0);
		return 0;
	}
	/* ENOENT: another save was first, and swept ours away. */
	if (errno == EEXIST || (errno == ENOENT &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0))
		return P2P_ERR_EXISTS;
	return -errno;
}

/* What saves of this name left behind when they were killed. */
static void
sweep(int dir, const char *name)
{
	size_t len = strlen(name);
	struct dirent *d;
	const char *p;
	DIR *dp = NULL;
	int fd;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dp = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((d = readdir(dp)) != NULL) {
		p = d->d_name;
		if (p[0] == '.' && strncmp(p + 1, name, len) == 0 &&
		    p[1 + len] == '.' &&
		    strspn(p + 2 + len, "0123456789abcdef") == TMP_HEX &&
		    p[2 + len + TMP_HEX] == '\0')
			unlinkat(dir, p, 0);
	}
	closedir(dp);
}

/* The file's name at last; taken back if the directory cannot be flushed. */
static int
publish(int dir, const char *tmp, const char *name)
{
	int e;

	if ((e = rename_new(dir, tmp, name)) != 0)
		return e;
	if ((e = file_sync_dir(dir)) != 0) {
		unlinkat(dir, name, 0);
		return e;
	}
	sweep(dir, name);
	return 0;
}

int
p2p_key_save(const struct p2p_key *key, const char *path)
{
	uint8_t buf[P2P_KEY_PRIVATE_MAX];
	char tmp[NAME_MAX + 1];
	const char *name;
	size_t len;
	int dir = -1, fd = -1, e;

	if ((e = p2p_key_encode_private(key, buf, &len)) != 0 ||
	    (e = file_parent(path, &dir, &name)) != 0)
		goto done;
	if ((e = open_tmp(dir, name, tmp, sizeof(tmp), &fd)) != 0)
		goto done;
	if ((e = fill(fd, buf, len)) != 0 ||
	    (e = publish(dir, tmp, name)) != 0)
		unlinkat(dir, tmp, 0);
done:
	wipe(buf, sizeof(buf));
	if (dir != -1)
		close(dir);
	return e;
}
