/*
 * The memory transport: listeners of one net by number, connections as socket
 * pairs, so that everything above polls and shuts down as it does for TCP.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/wake.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/transport.h"

#define BACKLOG	64

struct transport_listener {
	struct memory_net	*net;
	TAILQ_ENTRY(transport_listener) link;
	struct p2p_multiaddr	*address;
	uint64_t		 number;
	struct wake		 arrived;
	int			 fds[BACKLOG];	/* under net->mtx */
	unsigned		 n;
};

struct memory_net {
	struct lock	mtx;		/* LOCK_LEAF */
	TAILQ_HEAD(, transport_listener) listeners;
	uint64_t	next;		/* for /memory/0 */
	int		buffers;	/* 0: the system's */
};

int
memory_net_new(struct memory_net **out)
{
	struct memory_net *net;

	if ((net = calloc(1, sizeof(*net))) == NULL)
		return -ENOMEM;
	lock_init(&net->mtx, LOCK_LEAF);
	TAILQ_INIT(&net->listeners);
	net->next = 1000000;
	*out = net;
	return 0;
}

void
memory_net_free(struct memory_net *net)
{
	if (net == NULL)
		return;
	lock_destroy(&net->mtx);
	free(net);
}

void
memory_net_buffers(struct memory_net *net, int bytes)
{
	lock_lock(&net->mtx);
	net->buffers = bytes;
	lock_unlock(&net->mtx);
}

static bool
number_of(const struct p2p_multiaddr *ma, uint64_t *out)
{
	struct p2p_multiaddr_part part;
	size_t i;

	if (!p2p_multiaddr_part(ma, 0, &part) ||
	    strcmp(part.name, "memory") != 0 || part.len != 8)
		return false;
	for (i = 0, *out = 0; i < 8; i++)
		*out = *out << 8 | part.value[i];
	return true;
}

static int
address_of(uint64_t number, struct p2p_multiaddr **out)
{
	char text[40];

	snprintf(text, sizeof(text), "/memory/%llu",
	    (unsigned long long)number);
	return p2p_multiaddr_parse(text, out);
}

static bool
memory_speaks(const struct p2p_multiaddr *ma)
{
	uint64_t number;

	return number_of(ma, &number);
}

static struct transport_listener *
find(struct memory_net *net, uint64_t number)
{
	struct transport_listener *l;

	lock_assert_held(&net->mtx);
	TAILQ_FOREACH(l, &net->listeners, link)
		if (l->number == number)
			break;
	return l;
}

static int
memory_dial(void *context, const struct p2p_multiaddr *ma, int wake_fd,
    uint64_t deadline, struct raw *out)
{
	struct memory_net *net = context;
	struct transport_listener *l;
	uint64_t number;
	int fds[2], i, e;

	(void)wake_fd;
	(void)deadline;
	if (!number_of(ma, &number))
		return P2P_ERR_UNSUPPORTED;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fds) == -1)
		return -errno;
	*out = (struct raw){ .fd = -1 };
	if ((e = address_of(number, &out->remote)) != 0 ||
	    (e = address_of(0, &out->local)) != 0)
		goto fail;
	e = -ECONNREFUSED;
	lock_lock(&net->mtx);
	for (i = 0; i < 2 && net->buffers > 0; i++) {
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &net->buffers,
		    sizeof(int));
		(void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &net->buffers,
		    sizeof(int));
	}
	if ((l = find(net, number)) != NULL && l->n < BACKLOG) {
		l->fds[l->n++] = fds[1];
		wake_set(&l->arrived);
		e = 0;
	}
	lock_unlock(&net->mtx);
	if (e == 0) {
		out->fd = fds[0];
		return 0;
	}
fail:
	close(fds[0]);
	close(fds[1]);
	raw_close(out);
	return e;
}

static int
memory_listen(void *context, const struct p2p_multiaddr *ma,
    struct transport_listener **out)
{
	struct memory_net *net = context;
	struct transport_listener *l;
	int e;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return -ENOMEM;
	l->net = net;
	if (!number_of(ma, &l->number)) {
		free(l);
		return P2P_ERR_UNSUPPORTED;
	}
	if ((e = wake_init(&l->arrived)) != 0) {
		free(l);
		return e;
	}
	lock_lock(&net->mtx);
	if (l->number == 0)
		l->number = net->next++;
	e = find(net, l->number) != NULL ? -EADDRINUSE :
	    address_of(l->number, &l->address);
	if (e == 0)
		TAILQ_INSERT_TAIL(&net->listeners, l, link);
	lock_unlock(&net->mtx);
	if (e != 0) {
		wake_fini(&l->arrived);
		free(l);
		return e;
	}
	*out = l;
	return 0;
}

static const struct p2p_multiaddr *
memory_address(const struct transport_listener *l)
{
	return l->address;
}

static int
memory_accept(struct transport_listener *l, int wake_fd, struct raw *out)
{
	int fd = -1, e;

	while (fd == -1) {
		if ((e = wake_poll(l->arrived.fd, POLLIN, wake_fd,
		    UINT64_MAX)) != 0)
			return e;
		lock_lock(&l->net->mtx);
		if (l->n > 0) {
			fd = l->fds[0];
			l->n--;
			memmove(l->fds, l->fds + 1, l->n * sizeof(l->fds[0]));
		}
		if (l->n == 0)
			wake_clear(&l->arrived);
		lock_unlock(&l->net->mtx);
	}
	*out = (struct raw){ .fd = fd };
	if ((e = address_of(0, &out->remote)) != 0 ||
	    (e = address_of(l->number, &out->local)) != 0)
		raw_close(out);
	return e;
}

static void
memory_free(struct transport_listener *l)
{
	unsigned i;

	if (l == NULL)
		return;
	lock_lock(&l->net->mtx);
	TAILQ_REMOVE(&l->net->listeners, l, link);
	lock_unlock(&l->net->mtx);
	for (i = 0; i < l->n; i++)
		close(l->fds[i]);
	wake_fini(&l->arrived);
	p2p_multiaddr_free(l->address);
	free(l);
}

const struct transport_ops transport_memory = {
	.name = "memory",
	.speaks = memory_speaks,
	.dial = memory_dial,
	.listen = memory_listen,
	.address = memory_address,
	.accept = memory_accept,
	.free = memory_free,
};
