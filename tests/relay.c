#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define CHUNK	4096

static enum relay_way
other(enum relay_way way)
{
	return way == RELAY_UP ? RELAY_DOWN : RELAY_UP;
}

/* Whoever does not take it has hung up, or will be found to hang. */
void
relay_send(struct relay *r, enum relay_way way, const void *bytes, size_t len)
{
	struct pollfd p = { r->from[other(way)], POLLOUT, 0 };
	const uint8_t *at = bytes;
	ssize_t n;

	while (len > 0 && !r->over) {
		n = send(p.fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN ||
		    poll(&p, 1, RELAY_LATE_MS) != 1) {
			return;
		}
	}
}

void
relay_end(struct relay *r, enum relay_way way)
{
	(void)shutdown(r->from[other(way)], SHUT_WR);
}

void
relay_reset(struct relay *r)
{
	const struct linger now = { .l_onoff = 1 };
	int i;

	for (i = 0; i < 2; i++)
		(void)setsockopt(r->from[i], SOL_SOCKET, SO_LINGER, &now,
		    sizeof(now));
	r->over = true;
}

/* What one way has; its end goes on as an end. */
static void
move(struct relay *r, enum relay_way way)
{
	uint8_t buf[CHUNK];
	ssize_t n;

	n = recv(r->from[way], buf, sizeof(buf), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		r->open[way] = false;
		relay_end(r, way);
	} else if (r->got != NULL) {
		r->got(r, way, buf, (size_t)n);
	} else {
		relay_send(r, way, buf, (size_t)n);
	}
}

/* Nobody said anything for a while. */
static void
be_quiet(struct relay *r)
{
	if (r->quiet_ms > 0 && r->leaps++ < RELAY_LEAPS) {
		clock_test_advance(r->leap_s * CLOCK_S);
		return;
	}
	atomic_fetch_add(&r->hangs, 1);
	relay_reset(r);
}

/* How long to wait for bytes, in milliseconds of real time. */
static int
patience(const struct relay *r)
{
	if (r->quiet_ms == 0)
		return RELAY_LATE_MS;
	return r->leaps == 0 ? (int)r->quiet_ms : RELAY_LEAP_MS;
}

static void
run(void *arg)
{
	struct relay *r = arg;
	int way, n;

	while (!r->over && (r->open[RELAY_UP] || r->open[RELAY_DOWN])) {
		struct pollfd p[3] = {
		    { r->open[RELAY_UP] ? r->from[RELAY_UP] : -1, POLLIN, 0 },
		    { r->open[RELAY_DOWN] ? r->from[RELAY_DOWN] : -1, POLLIN,
		    0 },
		    { r->hang_up.fd, POLLIN, 0 } };

		n = poll(p, 3, patience(r));
		if (n == 0)
			be_quiet(r);
		if (p[2].revents != 0)
			relay_reset(r);
		for (way = 0; way < 2; way++)
			if (n > 0 && !r->over && p[way].revents != 0)
				move(r, way);
	}
	close(r->from[RELAY_UP]);
	close(r->from[RELAY_DOWN]);
}

void
relay_wait(struct relay *r)
{
	thread_join(&r->thread);
}

void
relay_hang_up(struct relay *r)
{
	wake_set(&r->hang_up);
	relay_wait(r);
	wake_clear(&r->hang_up);
}

/* As socketpair(2), of TCP, which waits for nothing to send more at once. */
static int
tcp_pair(int fds[2])
{
	const int on = 1;
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int l;

	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = -1;
	if (bind(l, (struct sockaddr *)&sin, len) == 0 && listen(l, 1) == 0 &&
	    getsockname(l, (struct sockaddr *)&sin, &len) == 0 &&
	    connect(fds[0], (struct sockaddr *)&sin, len) == 0)
		fds[1] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	close(l);
	if (fds[1] != -1 && setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) == 0 && setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY,
	    &on, sizeof(on)) == 0)
		return 0;
	if (fds[1] != -1)
		close(fds[1]);
	close(fds[0]);
	return -1;
}

static int
near_pair(const struct relay *r, int fds[2])
{
	int e;

	e = r->tcp ? tcp_pair(fds) : socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
	return e == 0 ? 0 : -EMFILE;
}

static bool
relay_speaks(const struct p2p_multiaddr *ma)
{
	return transport_memory.speaks(ma);
}

static int
relay_dial(void *context, const struct p2p_multiaddr *ma, int wake_fd,
    uint64_t deadline, struct raw *out)
{
	struct relay *r = context;
	int fds[2], flags, e;

	relay_hang_up(r);
	atomic_fetch_add(&r->dials, 1);
	if (r->tcp)
		e = transport_tcp.dial(NULL, r->target, wake_fd, deadline,
		    out);
	else
		e = transport_memory.dial(r->net, r->target, wake_fd,
		    deadline, out);
	if (e != 0)
		return e;
	(void)ma;
	if ((e = near_pair(r, fds)) != 0) {
		raw_close(out);
		return e;
	}
	r->from[RELAY_UP] = fds[1];
	r->from[RELAY_DOWN] = out->fd;
	out->fd = fds[0];
	flags = fcntl(fds[0], F_GETFL);
	(void)fcntl(fds[0], F_SETFL, flags | O_NONBLOCK);
	r->open[RELAY_UP] = r->open[RELAY_DOWN] = true;
	r->over = false;
	r->leaps = 0;
	if (r->dialed != NULL)
		r->dialed(r);
	return thread_start(&r->thread, "relay", THREAD_STACK, run, r);
}

/* Dials only: whoever listens does without a relay. */
static const struct transport_ops transport_relay = {
	.name = "relay",
	.speaks = relay_speaks,
	.dial = relay_dial,
};

/* b listens there; a knows it by the number that the relay speaks. */
static void
listen_behind(struct relay *r, struct pair *p, const char *address)
{
	char id[P2P_PEER_ID_TEXT_MAX];

	CHECK_OK(p2p_host_listen(p->b, address, &r->target));
	snprintf(p->target, sizeof(p->target), "/memory/1/p2p/%s",
	    p2p_peer_id_text(p2p_host_id(p->b), id));
}

static void
two_hosts(struct relay *r, struct pair *p, const struct p2p_host_config *a,
    const struct p2p_host_config *b)
{
	*p = (struct pair){ 0 };
	CHECK_OK(wake_init(&r->hang_up));
	CHECK_OK(p2p_host_new(a, &p->a));
	CHECK_OK(p2p_host_new(b, &p->b));
	CHECK_OK(host_add_transport(p->a, &transport_relay, r));
}

void
relay_pair(struct relay *r, struct pair *p, const struct p2p_host_config *a,
    const struct p2p_host_config *b)
{
	two_hosts(r, p, a, b);
	CHECK_OK(memory_net_new(&p->net));
	r->net = p->net;
	CHECK_OK(host_add_transport(p->b, &transport_memory, p->net));
	listen_behind(r, p, "/memory/0");
}

void
relay_pair_tcp(struct relay *r, struct pair *p,
    const struct p2p_host_config *a, const struct p2p_host_config *b)
{
	two_hosts(r, p, a, b);
	r->tcp = true;
	listen_behind(r, p, "/ip4/127.0.0.1/tcp/0");
}

void
relay_fini(struct relay *r)
{
	relay_hang_up(r);
	wake_fini(&r->hang_up);
	p2p_multiaddr_free(r->target);
}
