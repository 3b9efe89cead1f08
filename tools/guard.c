#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "p2p/error.h"
#include "tool.h"

#define HALF_S	1		/* for a lock, once a signal has come */
#define LOOK_MS	50

static void
give_up(void)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };

	/* stdio may be what everybody waits for. */
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0)
		(void)dprintf(2, "%s: output: nobody reads it\n", tool_name);
	tool_force(TOOL_FAILED);
}

/* It queues: where much is printed a try might never win. */
static bool
is_printed(pthread_mutex_t *lock)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HALF_S;
	if (pthread_mutex_timedlock(lock, &until) != 0)
		return false;
	pthread_mutex_unlock(lock);
	return true;
}

static void
look_at(struct guard *g, pthread_mutex_t *lock)
{
	if (is_printed(lock))
		return;
	if (g->stuck != NULL)
		g->stuck();
	if (!is_printed(lock))
		give_up();
}

/* It sleeps until a signal comes, and then looks until it is stopped. */
static void *
watch(void *arg)
{
	struct guard *g = arg;
	struct pollfd p[2] = { { .fd = g->over[0], .events = POLLIN },
	    { .fd = tool_signal_fd(), .events = POLLIN } };
	size_t i;

	while (tool_signal() == 0 && p[0].revents == 0)
		(void)poll(p, 2, -1);
	for (; p[0].revents == 0; (void)poll(p, 1, LOOK_MS))
		for (i = 0; i < GUARD_LOCKS && g->locks[i] != NULL; i++)
			look_at(g, g->locks[i]);
	return NULL;
}

void
guard_begin(struct guard *g)
{
	int e;

	if (pipe2(g->over, O_CLOEXEC) == -1)
		exit(tool_fail("pipe", -errno, NULL));
	if ((e = pthread_create(&g->thread, NULL, watch, g)) != 0)
		exit(tool_fail("start", -e, NULL));
}

void
guard_end(struct guard *g)
{
	close(g->over[1]);
	pthread_join(g->thread, NULL);
	close(g->over[0]);
}

void
guard_hung_up(void)
{
	tool_say("standard output", p2p_strerror(-EPIPE), NULL);
	tool_force(TOOL_FAILED);
}
