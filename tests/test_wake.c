#include "base/wake.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"

static void
a_set_descriptor_stays_set_until_it_is_cleared(void)
{
	struct wake w;
	int i;

	CHECK_OK(wake_init(&w));
	CHECK((fcntl(w.fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK_ERR(wake_poll(-1, 0, w.fd, 0), P2P_ERR_TIMEOUT);
	for (i = 0; i < 1000; i++)
		wake_set(&w);
	CHECK_ERR(wake_poll(-1, 0, w.fd, CLOCK_NEVER), P2P_ERR_CLOSED);
	CHECK_ERR(wake_poll(-1, 0, w.fd, CLOCK_NEVER), P2P_ERR_CLOSED);
	wake_clear(&w);
	CHECK_ERR(wake_poll(-1, 0, w.fd, 0), P2P_ERR_TIMEOUT);
	wake_clear(&w);			/* nothing to clear: does not block */
	wake_set(&w);
	CHECK_ERR(wake_poll(-1, 0, w.fd, 0), P2P_ERR_CLOSED);
	wake_fini(&w);
	CHECK_EQ(w.fd, -1);
	wake_fini(&w);
}

static void
a_full_counter_is_still_readable(void)
{
	uint64_t most = UINT64_MAX - 1;
	struct wake w;

	CHECK_OK(wake_init(&w));
	CHECK_EQ(write(w.fd, &most, sizeof(most)), sizeof(most));
	wake_set(&w);
	CHECK_ERR(wake_poll(-1, 0, w.fd, 0), P2P_ERR_CLOSED);
	wake_clear(&w);
	CHECK_ERR(wake_poll(-1, 0, w.fd, 0), P2P_ERR_TIMEOUT);
	wake_fini(&w);
}

static void
a_ready_descriptor_is_seen_even_past_the_deadline(void)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_ERR(wake_poll(fds[0], POLLIN, -1, 0), P2P_ERR_TIMEOUT);
	CHECK_OK(wake_poll(fds[0], POLLOUT, -1, 0));
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_OK(wake_poll(fds[0], POLLIN, -1, 0));
	CHECK_OK(wake_poll(fds[0], POLLIN, -1, CLOCK_NEVER));
	close(fds[1]);
	close(fds[0]);
}

static void
a_peer_s_end_is_seen(void)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	CHECK_OK(wake_poll(fds[0], POLLIN, -1, CLOCK_NEVER));
	CHECK_OK(wake_poll(fds[0], 0, -1, CLOCK_NEVER));	/* POLLHUP */
	close(fds[0]);
}

static void
a_wake_goes_before_a_ready_descriptor(void)
{
	struct wake w;
	int fds[2];

	CHECK_OK(wake_init(&w));
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wake_set(&w);
	CHECK_ERR(wake_poll(fds[0], POLLOUT, w.fd, 0), P2P_ERR_CLOSED);
	wake_clear(&w);
	CHECK_OK(wake_poll(fds[0], POLLOUT, w.fd, 0));
	close(fds[0]);
	close(fds[1]);
	wake_fini(&w);
}

static void
a_wait_ends_at_its_deadline_and_not_before(void)
{
	uint64_t deadline = clock_deadline_ms(30);

	CHECK_ERR(wake_poll(-1, 0, -1, deadline), P2P_ERR_TIMEOUT);
	CHECK(clock_now() >= deadline);
}

struct waker {
	struct wake	wake;
	pthread_t	waiter;
	unsigned	signals;
	atomic_bool	woken;
};

static void
ignore(int sig)
{
	(void)sig;
}

static void
disturb_then_wake(void *arg)
{
	struct waker *w = arg;
	unsigned i;

	for (i = 0; i < w->signals; i++)
		pthread_kill(w->waiter, SIGUSR1);
	atomic_store(&w->woken, true);
	wake_set(&w->wake);
}

static void
wait_for(unsigned signals)
{
	struct waker w = { .waiter = pthread_self(), .signals = signals };
	struct thread t = { 0 };

	CHECK_OK(wake_init(&w.wake));
	CHECK_OK(thread_start(&t, "waker", THREAD_STACK_SMALL,
	    disturb_then_wake, &w));
	CHECK_ERR(wake_poll(-1, 0, w.wake.fd, CLOCK_NEVER), P2P_ERR_CLOSED);
	CHECK(atomic_load(&w.woken));
	thread_join(&t);
	wake_fini(&w.wake);
}

static void
another_thread_ends_a_wait_without_deadline(void)
{
	int i;

	for (i = 0; i < 100; i++)
		wait_for(0);
}

static void
signals_do_not_end_a_wait(void)
{
	struct sigaction sa = { .sa_handler = ignore }, old;
	int i;

	CHECK_EQ(sigaction(SIGUSR1, &sa, &old), 0);
	for (i = 0; i < 20; i++)
		wait_for(50);
	CHECK_EQ(sigaction(SIGUSR1, &old, NULL), 0);
}

TESTS("wake",
	{ "a set descriptor stays set until it is cleared",
	    a_set_descriptor_stays_set_until_it_is_cleared },
	{ "a full counter is still readable",
	    a_full_counter_is_still_readable },
	{ "a ready descriptor is seen even past the deadline",
	    a_ready_descriptor_is_seen_even_past_the_deadline },
	{ "a peer's end is seen", a_peer_s_end_is_seen },
	{ "a wake goes before a ready descriptor",
	    a_wake_goes_before_a_ready_descriptor },
	{ "a wait ends at its deadline and not before",
	    a_wait_ends_at_its_deadline_and_not_before },
	{ "another thread ends a wait without deadline",
	    another_thread_ends_a_wait_without_deadline },
	{ "signals do not end a wait", signals_do_not_end_a_wait })
