/*
 * TCP over IPv4 and IPv6: /ip4/A/tcp/P and /ip6/A/tcp/P.
 *
 * Sockets are non-blocking and close-on-exec, without Nagle's delay, with
 * keepalive and a user timeout, so that a dead peer is noticed by the kernel
 * within TCP_DEAD_S.  IPv6 listeners take IPv6 only; both families are two
 * listeners.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wake.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/transport.h"

#define TCP_DEAD_S	30
#define BACKLOG		128
#define CODE_IP4	4
#define CODE_TCP	6
#define CODE_IP6	41
#define CODE_IP6ZONE	42

struct transport_listener {
	int			 fd;
	struct p2p_multiaddr	*address;
};

union address {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_storage	storage;
};

/* The parts before an optional /p2p.  Returns the length, 0: not ours. */
static socklen_t
to_sockaddr(const struct p2p_multiaddr *ma, union address *a)
{
	struct p2p_multiaddr_part ip, port, more;

	memset(a, 0, sizeof(*a));
	if (!p2p_multiaddr_part(ma, 0, &ip) ||
	    !p2p_multiaddr_part(ma, 1, &port) || port.code != CODE_TCP)
		return 0;
	if (p2p_multiaddr_part(ma, 2, &more) && strcmp(more.name, "p2p") != 0)
		return 0;
	if (p2p_multiaddr_part(ma, 3, &more))
		return 0;
	if (ip.code == CODE_IP4) {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, ip.value, 4);
		memcpy(&a->in.sin_port, port.value, 2);
		return sizeof(a->in);
	}
	if (ip.code != CODE_IP6)
		return 0;
	a->in6.sin6_family = AF_INET6;
	memcpy(&a->in6.sin6_addr, ip.value, 16);
	memcpy(&a->in6.sin6_port, port.value, 2);
	return sizeof(a->in6);
}

static int
from_sockaddr(const union address *a, struct p2p_multiaddr **out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t b[24] = { CODE_IP4 };
	const uint8_t *ip6 = a->in6.sin6_addr.s6_addr;
	size_t n = 1;

	if (a->sa.sa_family == AF_INET) {
		memcpy(b + n, &a->in.sin_addr, 4);
		n += 4;
	} else if (memcmp(ip6, mapped, sizeof(mapped)) == 0) {
		memcpy(b + n, ip6 + 12, 4);
		n += 4;
	} else {
		b[0] = CODE_IP6;
		memcpy(b + n, ip6, 16);
		n += 16;
	}
	b[n++] = CODE_TCP;
	memcpy(b + n, a->sa.sa_family == AF_INET ? &a->in.sin_port :
	    &a->in6.sin6_port, 2);
	return p2p_multiaddr_decode(b, n + 2, out);
}

static int
name_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *),
    struct p2p_multiaddr **out)
{
	union address a;
	socklen_t len = sizeof(a);

	if (get(fd, &a.sa, &len) == -1)
		return -errno;
	return from_sockaddr(&a, out);
}

static void
set(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* None of these is worth failing for. */
static void
tune(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TCP_DEAD_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_DEAD_S * 1000);
}

static bool
tcp_speaks(const struct p2p_multiaddr *ma)
{
	union address a;

	return to_sockaddr(ma, &a) != 0;
}

static int
connect_fd(int fd, const union address *a, socklen_t len, int wake_fd,
    uint64_t deadline)
{
	socklen_t errlen = sizeof(int);
	int e, err = 0;

	if (connect(fd, &a->sa, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if ((e = wake_poll(fd, POLLOUT, wake_fd, deadline)) != 0)
		return e;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &errlen) == -1)
		return -errno;
	return -err;
}

/* Everything that a raw connection needs; takes fd on success. */
static int
make_raw(int fd, struct raw *out)
{
	struct raw raw = { .fd = -1 };
	int e;

	tune(fd);
	if ((e = name_of(fd, getpeername, &raw.remote)) != 0 ||
	    (e = name_of(fd, getsockname, &raw.local)) != 0) {
		raw_close(&raw);
		return e;
	}
	raw.fd = fd;
	*out = raw;
	return 0;
}

static int
tcp_dial(void *context, const struct p2p_multiaddr *ma, int wake_fd,
    uint64_t deadline, struct raw *out)
{
	union address a;
	socklen_t len;
	int fd, e;

	(void)context;
	if ((len = to_sockaddr(ma, &a)) == 0)
		return P2P_ERR_UNSUPPORTED;
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -errno;
	if ((e = connect_fd(fd, &a, len, wake_fd, deadline)) != 0 ||
	    (e = make_raw(fd, out)) != 0)
		close(fd);
	return e;
}

static int
bind_fd(int fd, const union address *a, socklen_t len)
{
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, &a->sa, len) == -1 || listen(fd, BACKLOG) == -1)
		return -errno;
	return 0;
}

static int
tcp_listen(void *context, const struct p2p_multiaddr *ma,
    struct transport_listener **out)
{
	struct transport_listener *l;
	union address a;
	socklen_t len;
	int e;

	(void)context;
	if ((len = to_sockaddr(ma, &a)) == 0)
		return P2P_ERR_UNSUPPORTED;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return -ENOMEM;
	l->fd = socket(a.sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd == -1) {
		e = -errno;
		free(l);
		return e;
	}
	if ((e = bind_fd(l->fd, &a, len)) != 0 ||
	    (e = name_of(l->fd, getsockname, &l->address)) != 0) {
		transport_tcp.free(l);
		return e;
	}
	*out = l;
	return 0;
}

static const struct p2p_multiaddr *
tcp_address(const struct transport_listener *l)
{
	return l->address;
}

static int
tcp_accept(struct transport_listener *l, int wake_fd, struct raw *out)
{
	int fd, e;

	for (;;) {
		if ((e = wake_poll(l->fd, POLLIN, wake_fd, UINT64_MAX)) != 0)
			return e;
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd == -1 && (errno == EAGAIN || errno == EINTR ||
		    errno == ECONNABORTED || errno == EPROTO))
			continue;	/* gone again before we came */
		if (fd == -1)
			return -errno;
		if ((e = make_raw(fd, out)) == 0)
			return 0;
		close(fd);
		if (e != -ENOTCONN)
			return e;
	}
}

static void
tcp_free(struct transport_listener *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	p2p_multiaddr_free(l->address);
	free(l);
}

const struct transport_ops transport_tcp = {
	.name = "tcp",
	.speaks = tcp_speaks,
	.dial = tcp_dial,
	.listen = tcp_listen,
	.address = tcp_address,
	.accept = tcp_accept,
	.free = tcp_free,
};
