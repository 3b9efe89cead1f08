/*
 * The TCP transport over loopback; ports are the system's choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#define SOON_MS		100
#define LATE_MS		20000	/* long enough to be a failure */
#define QUEUE_MAX	16	/* more than fit into a backlog of 0 */
#define PEER	"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"

/* A listener, or NULL where the machine has no such address. */
static struct transport_listener *
listen_on(const char *text)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	struct transport_listener *l = NULL;
	int e;

	e = transport_tcp.listen(NULL, ma, &l);
	p2p_multiaddr_free(ma);
	if (e == -EADDRNOTAVAIL || e == -EAFNOSUPPORT) {
		fprintf(stderr, "no %s here ", text);
		return NULL;
	}
	CHECK_OK(e);
	CHECK_FATAL(l != NULL);
	return l;
}

static unsigned
port_of(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part part;

	if (!p2p_multiaddr_part(ma, 1, &part) || part.len != 2)
		return 0;
	return (unsigned)part.value[0] << 8 | part.value[1];
}

static int
dial(const char *text, int wake_fd, uint64_t deadline, struct raw *out)
{
	struct p2p_multiaddr *ma = check_maddr(text);
	int e;

	*out = (struct raw){ .fd = -1 };
	e = transport_tcp.dial(NULL, ma, wake_fd, deadline, out);
	if (e != 0)
		CHECK(out->fd == -1 && out->local == NULL &&
		    out->remote == NULL);
	p2p_multiaddr_free(ma);
	return e;
}

static int
dial_listener(struct transport_listener *l, struct raw *out)
{
	return dial(p2p_multiaddr_text(transport_tcp.address(l)), -1,
	    clock_deadline_ms(LATE_MS), out);
}

static void
check_socket(const struct raw *raw)
{
	socklen_t len = sizeof(int);
	int on = 0;

	CHECK((fcntl(raw->fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK((fcntl(raw->fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK_EQ(getsockopt(raw->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	CHECK_EQ(on, 1);
	CHECK_EQ(getsockopt(raw->fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
	CHECK_EQ(on, 1);
}

static void
check_carries(const struct raw *from, const struct raw *to)
{
	char buf[8];

	CHECK_EQ(send(from->fd, "hello", 5, MSG_NOSIGNAL), 5);
	CHECK_OK(wake_poll(to->fd, POLLIN, -1,
	    clock_deadline_ms(LATE_MS)));
	CHECK_EQ(recv(to->fd, buf, sizeof(buf), 0), 5);
	CHECK_BYTES(buf, 5, "hello", 5);
}

static void
check_connection(const char *address)
{
	struct transport_listener *l = listen_on(address);
	struct raw a, b = { .fd = -1 };

	if (l == NULL)
		return;
	CHECK(port_of(transport_tcp.address(l)) != 0);
	CHECK_OK(dial_listener(l, &a));
	CHECK_OK(transport_tcp.accept(l, -1, &b));
	CHECK(p2p_multiaddr_equal(a.remote, transport_tcp.address(l)));
	CHECK(p2p_multiaddr_equal(b.local, transport_tcp.address(l)));
	CHECK_STR(p2p_multiaddr_text(a.local), p2p_multiaddr_text(b.remote));
	CHECK(port_of(a.local) != 0);
	check_socket(&a);
	check_socket(&b);
	check_carries(&a, &b);
	check_carries(&b, &a);
	raw_close(&a);
	CHECK_EQ(a.fd, -1);
	raw_close(&a);
	raw_close(&b);
	transport_tcp.free(l);
}

static void
ipv4_carries_bytes_and_knows_both_addresses(void)
{
	check_connection("/ip4/127.0.0.1/tcp/0");
	check_connection("/ip4/127.3.2.1/tcp/0");
}

static void
ipv6_carries_bytes_and_knows_both_addresses(void)
{
	check_connection("/ip6/::1/tcp/0");
}

static void
the_dialed_peer_is_no_part_of_the_address(void)
{
	struct transport_listener *l;
	struct raw a, b;
	char text[200];

	l = listen_on("/ip4/127.0.0.1/tcp/0/p2p/" PEER);
	CHECK(!p2p_multiaddr_part(transport_tcp.address(l), 2,
	    &(struct p2p_multiaddr_part){ 0 }));
	snprintf(text, sizeof(text), "%s/p2p/%s",
	    p2p_multiaddr_text(transport_tcp.address(l)), PEER);
	CHECK_OK(dial(text, -1, clock_deadline_ms(LATE_MS), &a));
	CHECK_OK(transport_tcp.accept(l, -1, &b));
	CHECK(p2p_multiaddr_equal(a.remote, transport_tcp.address(l)));
	raw_close(&a);
	raw_close(&b);
	transport_tcp.free(l);
}

static void
port_0_is_another_port_each_time(void)
{
	struct transport_listener *a, *b;

	a = listen_on("/ip4/127.0.0.1/tcp/0");
	b = listen_on("/ip4/127.0.0.1/tcp/0");
	CHECK(port_of(transport_tcp.address(a)) !=
	    port_of(transport_tcp.address(b)));
	transport_tcp.free(a);
	transport_tcp.free(b);
	transport_tcp.free(NULL);
}

static void
a_port_has_one_listener_at_a_time(void)
{
	struct transport_listener *a, *b = NULL;
	struct p2p_multiaddr *ma;

	a = listen_on("/ip4/127.0.0.1/tcp/0");
	CHECK_OK(p2p_multiaddr_dup(transport_tcp.address(a), &ma));
	CHECK_ERR(transport_tcp.listen(NULL, ma, &b), -EADDRINUSE);
	CHECK(b == NULL);
	transport_tcp.free(a);
	p2p_multiaddr_free(ma);
}

static void
ipv6_listeners_take_no_ipv4(void)
{
	struct transport_listener *l = listen_on("/ip6/::/tcp/0");
	struct raw raw;
	char text[64];

	if (l == NULL)
		return;
	snprintf(text, sizeof(text), "/ip4/127.0.0.1/tcp/%u",
	    port_of(transport_tcp.address(l)));
	CHECK_ERR(dial(text, -1, clock_deadline_ms(LATE_MS), &raw),
	    -ECONNREFUSED);
	transport_tcp.free(l);
}

static void
mapped_addresses_are_told_as_ipv4(void)
{
	struct transport_listener *l;
	struct raw a, b = { .fd = -1 };
	char text[64];
	int e;

	l = listen_on("/ip4/127.0.0.1/tcp/0");
	snprintf(text, sizeof(text), "/ip6/::ffff:127.0.0.1/tcp/%u",
	    port_of(transport_tcp.address(l)));
	e = dial(text, -1, clock_deadline_ms(LATE_MS), &a);
	if (e == -EAFNOSUPPORT || e == -EADDRNOTAVAIL || e == -ENETUNREACH) {
		transport_tcp.free(l);
		return;
	}
	CHECK_OK(e);
	CHECK_OK(transport_tcp.accept(l, -1, &b));
	CHECK(p2p_multiaddr_equal(a.remote, transport_tcp.address(l)));
	CHECK(p2p_multiaddr_equal(a.local, b.remote));
	raw_close(&a);
	raw_close(&b);
	transport_tcp.free(l);
}

static const struct {
	const char	*text;
	bool		 ours;
} addresses[] = {
	{ "/ip4/192.0.2.1/tcp/4001", true },
	{ "/ip6/2001:db8::1/tcp/4001", true },
	{ "/ip4/192.0.2.1/tcp/4001/p2p/" PEER, true },
	{ "/ip6/::/tcp/0", true },
	{ "/ip4/192.0.2.1", false },
	{ "/ip4/192.0.2.1/udp/4001", false },
	{ "/ip4/192.0.2.1/udp/4001/quic-v1", false },
	{ "/ip4/192.0.2.1/tcp/4001/ws", false },
	{ "/ip4/192.0.2.1/tcp/4001/tls/ws", false },
	{ "/ip4/192.0.2.1/tcp/4001/p2p/" PEER "/p2p-circuit", false },
	{ "/ip4/192.0.2.1/tcp/4001/p2p-circuit", false },
	{ "/dns4/example.com/tcp/4001", false },
	{ "/dns/example.com/tcp/4001", false },
	{ "/ip6zone/lo/ip6/fe80::1/tcp/4001", false },
	{ "/unix/tmp/s", false },
	{ "/tcp/4001", false },
	{ "/p2p/" PEER, false },
	{ "/memory/7", false },
};

static void
only_its_own_addresses_are_spoken(void)
{
	struct transport_listener *l = NULL;
	struct p2p_multiaddr *ma;
	struct raw raw = { .fd = -1 };
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		ma = check_maddr(addresses[i].text);
		CHECK_EQ(transport_tcp.speaks(ma), addresses[i].ours);
		if (!addresses[i].ours) {
			CHECK_ERR(transport_tcp.dial(NULL, ma, -1,
			    CLOCK_NEVER, &raw), P2P_ERR_UNSUPPORTED);
			CHECK_ERR(transport_tcp.listen(NULL, ma, &l),
			    P2P_ERR_UNSUPPORTED);
		}
		p2p_multiaddr_free(ma);
	}
	CHECK(raw.fd == -1 && l == NULL);
}

/* A bound socket that listens, with a queue of 0, or does not. */
static int
dull_socket(bool listening, char *text, size_t cap)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_FATAL(fd != -1);
	CHECK_EQ(bind(fd, (struct sockaddr *)&in, len), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	if (listening)
		CHECK_EQ(listen(fd, 0), 0);
	snprintf(text, cap, "/ip4/127.0.0.1/tcp/%u", ntohs(in.sin_port));
	return fd;
}

static void
a_port_without_listener_refuses(void)
{
	struct raw raw;
	char text[64];
	int fd = dull_socket(false, text, sizeof(text));

	CHECK_ERR(dial(text, -1, clock_deadline_ms(LATE_MS), &raw),
	    -ECONNREFUSED);
	close(fd);
}

/* Fill the queue of a dull socket; dials that follow get no answer. */
struct deaf {
	int		fd;
	char		text[64];
	struct raw	queued[QUEUE_MAX];
	size_t		n;
};

static void
deaf_init(struct deaf *d)
{
	int e = 0;

	*d = (struct deaf){ .n = 0 };
	d->fd = dull_socket(true, d->text, sizeof(d->text));
	while (e == 0 && d->n < QUEUE_MAX) {
		e = dial(d->text, -1, clock_deadline_ms(SOON_MS),
		    &d->queued[d->n]);
		d->n += e == 0;
	}
	CHECK_ERR(e, P2P_ERR_TIMEOUT);
}

static void
deaf_fini(struct deaf *d)
{
	while (d->n > 0)
		raw_close(&d->queued[--d->n]);
	close(d->fd);
}

static void
a_dial_without_answer_ends_at_its_deadline(void)
{
	uint64_t deadline;
	struct deaf d;
	struct raw raw;

	deaf_init(&d);
	deadline = clock_deadline_ms(SOON_MS);
	CHECK_ERR(dial(d.text, -1, deadline, &raw), P2P_ERR_TIMEOUT);
	CHECK(clock_now() >= deadline);
	CHECK_ERR(dial(d.text, -1, 0, &raw), P2P_ERR_TIMEOUT);
	deaf_fini(&d);
}

struct blocked {
	struct transport_listener *l;	/* to accept, or NULL: to dial */
	const char	*text;
	struct wake	 wake;
	int		 e;
};

static void
block(void *arg)
{
	struct blocked *b = arg;
	struct raw raw = { .fd = -1 };

	b->e = b->l != NULL ? transport_tcp.accept(b->l, b->wake.fd, &raw) :
	    dial(b->text, b->wake.fd, CLOCK_NEVER, &raw);
	raw_close(&raw);
}

static void
check_wakes(struct blocked *b)
{
	struct thread t = { 0 };

	CHECK_OK(wake_init(&b->wake));
	CHECK_OK(thread_start(&t, "blocked", THREAD_STACK, block, b));
	wake_set(&b->wake);
	thread_join(&t);
	CHECK_ERR(b->e, P2P_ERR_CLOSED);
	wake_fini(&b->wake);
}

static void
a_wake_ends_a_dial_without_answer(void)
{
	struct blocked b = { 0 };
	struct deaf d;

	deaf_init(&d);
	b.text = d.text;
	check_wakes(&b);
	deaf_fini(&d);
}

static void
a_wake_ends_accept(void)
{
	struct blocked b = { .l = listen_on("/ip4/127.0.0.1/tcp/0") };
	struct raw a, c;

	check_wakes(&b);
	/* And the listener goes on. */
	CHECK_OK(dial_listener(b.l, &a));
	CHECK_OK(transport_tcp.accept(b.l, -1, &c));
	raw_close(&a);
	raw_close(&c);
	transport_tcp.free(b.l);
}

/* Reset before we came: the next one is returned instead. */
static void
a_caller_that_hung_up_is_passed_over(void)
{
	struct linger now = { .l_onoff = 1 };
	struct transport_listener *l;
	struct raw gone, a, b;

	l = listen_on("/ip4/127.0.0.1/tcp/0");
	CHECK_OK(dial_listener(l, &gone));
	CHECK_EQ(setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &now,
	    sizeof(now)), 0);
	raw_close(&gone);
	CHECK_OK(dial_listener(l, &a));
	CHECK_OK(transport_tcp.accept(l, -1, &b));
	CHECK(p2p_multiaddr_equal(a.local, b.remote));
	raw_close(&a);
	raw_close(&b);
	transport_tcp.free(l);
}

TESTS("tcp",
	{ "IPv4 carries bytes and knows both addresses",
	    ipv4_carries_bytes_and_knows_both_addresses },
	{ "IPv6 carries bytes and knows both addresses",
	    ipv6_carries_bytes_and_knows_both_addresses },
	{ "the dialed peer is no part of the address",
	    the_dialed_peer_is_no_part_of_the_address },
	{ "port 0 is another port each time",
	    port_0_is_another_port_each_time },
	{ "a port has one listener at a time",
	    a_port_has_one_listener_at_a_time },
	{ "IPv6 listeners take no IPv4", ipv6_listeners_take_no_ipv4 },
	{ "mapped addresses are told as IPv4",
	    mapped_addresses_are_told_as_ipv4 },
	{ "only its own addresses are spoken",
	    only_its_own_addresses_are_spoken },
	{ "a port without listener refuses",
	    a_port_without_listener_refuses },
	{ "a dial without answer ends at its deadline",
	    a_dial_without_answer_ends_at_its_deadline },
	{ "a wake ends a dial without answer",
	    a_wake_ends_a_dial_without_answer },
	{ "a wake ends accept", a_wake_ends_accept },
	{ "a caller that hung up is passed over",
	    a_caller_that_hung_up_is_passed_over })
