/*
 * Words to the service manager, as sd_notify(3) has them: a datagram to the
 * socket that $NOTIFY_SOCKET names.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "p2p/error.h"
#include "tool.h"

/* '@' stands for the zero of an abstract name; other names are refused. */
static int
address(const char *name, struct sockaddr_un *to, socklen_t *len)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2)
		return -EAFNOSUPPORT;
	if (n >= sizeof(to->sun_path))
		return -ENAMETOOLONG;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, name, n);
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	/* An abstract name is all bytes, a path ends in a zero. */
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (name[0] == '/'));
	return 0;
}

/* The manager must know which reload this answers: the time tells. */
static void
message(const char *state, char *text, size_t cap)
{
	struct timespec ts;

	if (strcmp(state, "RELOADING=1") != 0) {
		snprintf(text, cap, "%s", state);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, cap, "%s\nMONOTONIC_USEC=%" PRIu64, state,
	    (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

void
tool_notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	char text[128];
	socklen_t len;
	int fd, e;

	if (name == NULL || name[0] == '\0')
		return;
	message(state, text, sizeof(text));
	if ((e = address(name, &to, &len)) == 0) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd == -1 || sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		    (const struct sockaddr *)&to, len) == -1)
			e = -errno;
		if (fd != -1)
			close(fd);
	}
	if (e != 0)
		tool_say("NOTIFY_SOCKET", p2p_strerror(e), NULL);
}
