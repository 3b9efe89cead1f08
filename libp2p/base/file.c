#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_MODE	0700

int
file_read(int fd, uint8_t *buf, size_t cap, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < cap; *len += (size_t)n) {
		n = read(fd, buf + *len, cap - *len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -errno;
		else if (n == 0)
			break;
	}
	return 0;
}

int
file_sync_dir(int dir)
{
	int fd, e = 0;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	if (fsync(fd) == -1)
		e = -errno;
	close(fd);
	return e;
}

/* Open name below dir, making it if it is missing. */
static int
enter(int dir, const char *name, int *out)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int e;

	if ((*out = openat(dir, name, flags)) != -1)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (mkdirat(dir, name, DIR_MODE) == 0) {
		if ((e = file_sync_dir(dir)) != 0)
			return e;
	} else if (errno != EEXIST) {
		return -errno;
	}
	return (*out = openat(dir, name, flags)) != -1 ? 0 : -errno;
}

int
file_parent(const char *path, int *dir, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *copy, *p, *save = NULL;
	int fd, next, e = 0;

	*name = slash != NULL ? slash + 1 : path;
	if (**name == '\0')
		return -EISDIR;
	if ((copy = strndup(path, (size_t)(*name - path))) == NULL)
		return -ENOMEM;
	fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		e = -errno;
		goto done;
	}
	for (p = strtok_r(copy, "/", &save); p != NULL;
	    p = strtok_r(NULL, "/", &save)) {
		e = enter(fd, p, &next);
		close(fd);
		if (e != 0)
			goto done;
		fd = next;
	}
	*dir = fd;
done:
	free(copy);
	return e;
}
