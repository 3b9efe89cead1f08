/*
 * Key files.  A key is never replaced and never made up: what is odd about an
 * existing file is said, and the file is left as it is (spec/faults.md K1, K2,
 * F22 to F24).
 *
 * Saving: a temporary file of mode 0600 in the same directory, all bytes, fsync,
 * then link(2) under the final name, which fails if that exists, then fsync of
 * the directory.  At every moment there is either no key or a whole one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/rand.h"
#include "p2p/error.h"
#include "p2p/key.h"

/* What the descriptor shows; NULL when all is well. */
static const char *
odd(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != geteuid())
		return "owned by another user";
	if ((st->st_mode & 077) != 0)
		return "accessible to group or others (chmod 600 it)";
	if (st->st_size == 0)
		return "empty";
	if (st->st_size > P2P_KEY_PRIVATE_MAX)
		return "too large for a key";
	return NULL;
}

static int
read_all(int fd, uint8_t *buf, size_t cap, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < cap; *len += (size_t)n) {
		n = read(fd, buf + *len, cap - *len);
		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -errno;
	}
	return 0;
}

int
p2p_key_load(const char *path, struct p2p_key **out, const char **why)
{
	uint8_t buf[P2P_KEY_PRIVATE_MAX + 1];
	const char *problem = NULL;
	struct stat st;
	size_t len = 0;
	int fd, e = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 && errno != ELOOP)
		return -errno;
	if (fd == -1)
		problem = "a symbolic link";
	else if (fstat(fd, &st) == -1)
		e = -errno;
	else
		problem = odd(&st);
	if (e == 0 && problem == NULL)
		e = read_all(fd, buf, sizeof(buf), &len);
	if (e == 0 && problem == NULL &&
	    p2p_key_decode_private(buf, len, out) != 0)
		problem = "not a sound private key (truncated or damaged)";
	rand_wipe(buf, sizeof(buf));
	if (fd != -1)
		close(fd);
	if (problem == NULL)
		return e;
	if (why != NULL)
		*why = problem;
	return P2P_ERR_KEY_FILE;
}

static int
write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -errno;
	}
	return 0;
}

/* mkdir -p of a path's parents, mode 0700. */
static int
make_parents(const char *path)
{
	char dir[PATH_MAX], *p;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	for (p = dir + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (mkdir(dir, 0700) == -1 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

static int
sync_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd, e = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fsync(fd) == -1)
		e = -errno;
	if (fd != -1)
		close(fd);
	return e;
}

/* The bytes into a new temporary file, on disk. */
static int
write_temporary(const char *path, const uint8_t *bytes, size_t len)
{
	int fd, e;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return -errno;
	e = fchmod(fd, 0600) == -1 ? -errno : write_all(fd, bytes, len);
	if (e == 0 && fsync(fd) == -1)
		e = -errno;
	if (close(fd) == -1 && e == 0)
		e = -errno;
	if (e != 0)
		unlink(path);
	return e;
}

int
p2p_key_save(const struct p2p_key *key, const char *path)
{
	uint8_t buf[P2P_KEY_PRIVATE_MAX];
	char tmp[PATH_MAX];
	uint64_t salt;
	size_t len;
	int e;

	if ((e = rand_bytes(&salt, sizeof(salt))) != 0)
		return e;
	if (snprintf(tmp, sizeof(tmp), "%s.%016llx", path,
	    (unsigned long long)salt) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	if ((e = p2p_key_encode_private(key, buf, &len)) != 0)
		return e;
	if ((e = make_parents(path)) == 0)
		e = write_temporary(tmp, buf, len);
	rand_wipe(buf, sizeof(buf));
	if (e != 0)
		return e;
	if (link(tmp, path) == -1)
		e = errno == EEXIST ? P2P_ERR_EXISTS : -errno;
	unlink(tmp);
	if (e == 0 && (e = sync_directory(path)) != 0)
		unlink(path);
	return e;
}
