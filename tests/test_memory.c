/*
 * The memory transport: what a test that uses it takes for granted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/transport.h"

#define BACKLOG	64		/* transport/memory.c */

static struct memory_net *
net_new(void)
{
	struct memory_net *net = NULL;

	CHECK_OK(memory_net_new(&net));
	CHECK_FATAL(net != NULL);
	return net;
}

static int
listen_on(struct memory_net *net, const char *text,
    struct transport_listener **out)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	int e;

	*out = NULL;
	e = transport_memory.listen(net, ma, out);
	p2p_multiaddr_free(ma);
	return e;
}

static int
dial(struct memory_net *net, const char *text, struct raw *out)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	int e;

	*out = (struct raw){ .fd = -1 };
	e = transport_memory.dial(net, ma, -1, CLOCK_NEVER, out);
	p2p_multiaddr_free(ma);
	if (e != 0)
		CHECK(out->fd == -1 && out->remote == NULL);
	return e;
}

static void
check_carries(const struct raw *from, const struct raw *to)
{
	char buf[8];

	CHECK((fcntl(from->fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK((fcntl(from->fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK_EQ(send(from->fd, "hello", 5, MSG_NOSIGNAL), 5);
	CHECK_EQ(recv(to->fd, buf, sizeof(buf), 0), 5);
	CHECK_BYTES(buf, 5, "hello", 5);
}

static void
a_connection_carries_bytes_both_ways(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *l;
	struct raw a, b;

	CHECK_OK(listen_on(net, "/memory/7", &l));
	CHECK_STR(p2p_multiaddr_text(transport_memory.address(l)),
	    "/memory/7");
	CHECK_OK(dial(net, "/memory/7", &a));
	CHECK_OK(transport_memory.accept(l, -1, &b));
	CHECK_STR(p2p_multiaddr_text(a.remote), "/memory/7");
	CHECK_STR(p2p_multiaddr_text(b.local), "/memory/7");
	CHECK_STR(p2p_multiaddr_text(a.local), "/memory/0");
	CHECK_STR(p2p_multiaddr_text(b.remote), "/memory/0");
	check_carries(&a, &b);
	check_carries(&b, &a);
	raw_close(&a);
	raw_close(&b);
	transport_memory.free(l);
	memory_net_free(net);
}

static void
number_0_is_another_number_each_time(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *a, *b;
	struct raw raw;

	CHECK_OK(listen_on(net, "/memory/0", &a));
	CHECK_OK(listen_on(net, "/memory/0", &b));
	CHECK(!p2p_multiaddr_equal(transport_memory.address(a),
	    transport_memory.address(b)));
	CHECK_OK(dial(net, p2p_multiaddr_text(transport_memory.address(b)),
	    &raw));
	raw_close(&raw);
	CHECK_ERR(dial(net, "/memory/0", &raw), -ECONNREFUSED);
	transport_memory.free(a);
	transport_memory.free(b);
	transport_memory.free(NULL);
	memory_net_free(net);
}

static void
a_number_has_one_listener_at_a_time(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *a, *b;

	CHECK_OK(listen_on(net, "/memory/7", &a));
	CHECK_ERR(listen_on(net, "/memory/7", &b), -EADDRINUSE);
	CHECK(b == NULL);
	transport_memory.free(a);
	CHECK_OK(listen_on(net, "/memory/7", &b));
	transport_memory.free(b);
	memory_net_free(net);
	memory_net_free(NULL);
}

static void
a_number_without_listener_refuses(void)
{
	struct memory_net *net = net_new(), *other = net_new();
	struct transport_listener *l;
	struct raw raw;

	CHECK_OK(listen_on(other, "/memory/7", &l));
	CHECK_ERR(dial(net, "/memory/7", &raw), -ECONNREFUSED);
	transport_memory.free(l);
	CHECK_ERR(dial(other, "/memory/7", &raw), -ECONNREFUSED);
	memory_net_free(net);
	memory_net_free(other);
}

/* In the order in which they came, and no more than fit. */
static void
callers_wait_in_a_queue_with_an_end(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *l;
	struct raw callers[BACKLOG], raw;
	unsigned char i, got;

	CHECK_OK(listen_on(net, "/memory/7", &l));
	for (i = 0; i < BACKLOG; i++) {
		CHECK_OK(dial(net, "/memory/7", &callers[i]));
		CHECK_EQ(send(callers[i].fd, &i, 1, MSG_NOSIGNAL), 1);
	}
	CHECK_ERR(dial(net, "/memory/7", &raw), -ECONNREFUSED);
	for (i = 0; i < BACKLOG; i++) {
		CHECK_OK(transport_memory.accept(l, -1, &raw));
		CHECK_EQ(recv(raw.fd, &got, 1, 0), 1);
		CHECK_EQ(got, i);
		raw_close(&raw);
		raw_close(&callers[i]);
	}
	CHECK_OK(dial(net, "/memory/7", &callers[0]));
	raw_close(&callers[0]);
	transport_memory.free(l);
	memory_net_free(net);
}

static void
a_freed_listener_hangs_up_on_who_waits(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *l;
	struct raw raw;
	char c;

	CHECK_OK(listen_on(net, "/memory/7", &l));
	CHECK_OK(dial(net, "/memory/7", &raw));
	transport_memory.free(l);
	CHECK_EQ(recv(raw.fd, &c, 1, 0), 0);
	raw_close(&raw);
	memory_net_free(net);
}

static void
buffers_are_as_small_as_asked_for(void)
{
	struct memory_net *net = net_new();
	struct transport_listener *l;
	static const char zeros[65536];
	struct raw a, b;
	size_t sent = 0;
	ssize_t n;

	memory_net_buffers(net, 4096);
	CHECK_OK(listen_on(net, "/memory/7", &l));
	CHECK_OK(dial(net, "/memory/7", &a));
	CHECK_OK(transport_memory.accept(l, -1, &b));
	while ((n = send(a.fd, zeros, 512, MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	CHECK(sent > 0 && sent < sizeof(zeros));
	sent = 0;
	while ((n = send(b.fd, zeros, 512, MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	CHECK(sent > 0 && sent < sizeof(zeros));
	raw_close(&a);
	raw_close(&b);
	transport_memory.free(l);
	memory_net_free(net);
}

static void
only_its_own_addresses_are_spoken(void)
{
	static const char *const foreign[] = { "/ip4/127.0.0.1/tcp/1",
	    "/dns4/a/tcp/1", "/unix/memory" };
	struct memory_net *net = net_new();
	struct transport_listener *l;
	struct p2p_multiaddr *ma;
	struct raw raw;
	size_t i;

	ma = check_maddr("/memory/18446744073709551615");
	CHECK(transport_memory.speaks(ma));
	p2p_multiaddr_free(ma);
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		ma = check_maddr(foreign[i]);
		CHECK(!transport_memory.speaks(ma));
		p2p_multiaddr_free(ma);
		CHECK_ERR(dial(net, foreign[i], &raw), P2P_ERR_UNSUPPORTED);
		CHECK_ERR(listen_on(net, foreign[i], &l),
		    P2P_ERR_UNSUPPORTED);
	}
	memory_net_free(net);
}

struct side {
	struct thread	 thread;
	struct memory_net *net;
	struct transport_listener *l;
	struct wake	*wake;
	unsigned	 n;		/* connections made or taken */
	int		 e;
};

static void
accept_all(void *arg)
{
	struct side *s = arg;
	struct raw raw;

	while ((s->e = transport_memory.accept(s->l, s->wake->fd,
	    &raw)) == 0) {
		s->n++;
		raw_close(&raw);
	}
}

/* Each call lives until it was answered, so the queue does not overflow. */
static void
call(void *arg)
{
	struct side *s = arg;
	struct raw raw;
	char c;
	int i;

	for (i = 0; i < 200; i++) {
		if (dial(s->net, "/memory/7", &raw) != 0)
			continue;
		if (wake_poll(raw.fd, POLLIN, -1,
		    clock_deadline_ms(20000)) == 0 &&
		    recv(raw.fd, &c, 1, 0) == 0)
			s->n++;
		raw_close(&raw);
	}
}

static void
threads_call_until_a_wake_ends_accept(void)
{
	struct side callers[4] = { 0 }, taker = { 0 };
	struct wake wake;
	int i;

	CHECK_OK(wake_init(&wake));
	taker.net = net_new();
	taker.wake = &wake;
	CHECK_OK(listen_on(taker.net, "/memory/7", &taker.l));
	CHECK_OK(thread_start(&taker.thread, "taker", THREAD_STACK,
	    accept_all, &taker));
	for (i = 0; i < 4; i++) {
		callers[i].net = taker.net;
		CHECK_OK(thread_start(&callers[i].thread, "caller",
		    THREAD_STACK, call, &callers[i]));
	}
	for (i = 0; i < 4; i++) {
		thread_join(&callers[i].thread);
		CHECK_EQ(callers[i].n, 200);
	}
	wake_set(&wake);
	thread_join(&taker.thread);
	CHECK_ERR(taker.e, P2P_ERR_CLOSED);
	CHECK_EQ(taker.n, 800);
	transport_memory.free(taker.l);
	memory_net_free(taker.net);
	wake_fini(&wake);
}

TESTS("memory",
	{ "a connection carries bytes both ways",
	    a_connection_carries_bytes_both_ways },
	{ "number 0 is another number each time",
	    number_0_is_another_number_each_time },
	{ "a number has one listener at a time",
	    a_number_has_one_listener_at_a_time },
	{ "a number without listener refuses",
	    a_number_without_listener_refuses },
	{ "callers wait in a queue with an end",
	    callers_wait_in_a_queue_with_an_end },
	{ "a freed listener hangs up on who waits",
	    a_freed_listener_hangs_up_on_who_waits },
	{ "buffers are as small as asked for",
	    buffers_are_as_small_as_asked_for },
	{ "only its own addresses are spoken",
	    only_its_own_addresses_are_spoken },
	{ "threads call until a wake ends accept",
	    threads_call_until_a_wake_ends_accept })
