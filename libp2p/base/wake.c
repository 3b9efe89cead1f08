#include "base/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "p2p/error.h"

int
wake_init(struct wake *w)
{
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return w->fd == -1 ? -errno : 0;
}

void
wake_fini(struct wake *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
}

void
wake_set(struct wake *w)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so it is readable, so all is well. */
	if (write(w->fd, &one, sizeof(one)) == -1 && errno != EAGAIN)
		abort();
}

void
wake_clear(struct wake *w)
{
	uint64_t n;

	if (read(w->fd, &n, sizeof(n)) == -1 && errno != EAGAIN)
		abort();
}

int
wake_poll(int fd, short events, int wake_fd, uint64_t deadline)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = events },
		{ .fd = wake_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, clock_poll_ms(deadline)) == -1 &&
		    errno != EINTR && errno != EAGAIN && errno != ENOMEM)
			abort();
		if (p[1].revents != 0)
			return P2P_ERR_CLOSED;
		if (p[0].revents != 0)
			return 0;
		if (deadline != CLOCK_NEVER && clock_now() >= deadline)
			return P2P_ERR_TIMEOUT;
	}
}
