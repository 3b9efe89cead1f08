#include "base/file.h"

#include <errno.h>
#include <unistd.h>

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
