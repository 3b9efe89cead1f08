/*
 * Listeners: one accept thread each, which admits and never shakes hands.
 *
 * When accept fails for want of descriptors or memory, the thread paces itself,
 * from 10 ms to a second, instead of spinning (spec/faults.md F14).
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/inbound.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define PACE_MIN	(10 * CLOCK_MS)
#define PACE_MAX	CLOCK_S
#define ADDRESSES_MAX	64

static void
accept_run(void *arg)
{
	struct listener *l = arg;
	uint64_t pace = PACE_MIN;
	struct raw raw;
	int e;

	for (;;) {
		e = l->ops->accept(l->l, l->stop.fd, &raw);
		if (e == P2P_ERR_CLOSED)
			return;
		if (e == 0) {
			pace = PACE_MIN;
			inbound_accept(l->host, &raw);
			continue;
		}
		log_line(&l->host->log, P2P_LOG_ERROR, "listen", "accept: %s",
		    p2p_strerror(e));
		if (wake_poll(-1, 0, l->stop.fd, clock_after(clock_now(),
		    pace)) == P2P_ERR_CLOSED)
			return;
		pace = pace * 2 > PACE_MAX ? PACE_MAX : pace * 2;
	}
}

void
listener_end(struct listener *l)
{
	wake_set(&l->stop);
	thread_join(&l->thread);
	l->ops->free(l->l);
	wake_fini(&l->stop);
	free(l);
}

static int
make_listener(struct p2p_host *h, const struct p2p_multiaddr *ma,
    struct listener **out)
{
	const struct host_transport *t;
	struct listener *l;
	int e;

	if ((t = host_transport_for(h, ma)) == NULL)
		return P2P_ERR_UNSUPPORTED;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return -ENOMEM;
	l->host = h;
	l->ops = t->ops;
	if ((e = wake_init(&l->stop)) != 0) {
		free(l);
		return e;
	}
	if ((e = t->ops->listen(t->context, ma, &l->l)) != 0) {
		wake_fini(&l->stop);
		free(l);
		return e;
	}
	*out = l;
	return 0;
}

int
p2p_host_listen(struct p2p_host *h, const char *address,
    struct p2p_multiaddr **bound)
{
	struct p2p_multiaddr *ma, *copy = NULL;
	struct listener *l = NULL;
	int e;

	if (atomic_load(&h->stopped))
		return P2P_ERR_STOPPED;
	if ((e = p2p_multiaddr_parse(address, &ma)) != 0)
		return e;
	e = make_listener(h, ma, &l);
	p2p_multiaddr_free(ma);
	if (e != 0)
		return e;
	if ((e = p2p_multiaddr_dup(l->ops->address(l->l), &copy)) != 0 ||
	    (e = thread_start(&l->thread, "p2p-accept", THREAD_STACK_SMALL,
	    accept_run, l)) != 0) {
		p2p_multiaddr_free(copy);
		listener_end(l);
		return e;
	}
	lock_lock(&h->mtx);
	if (atomic_load(&h->stopped))	/* it may have begun meanwhile */
		e = P2P_ERR_STOPPED;
	else
		TAILQ_INSERT_TAIL(&h->listeners, l, link);
	lock_unlock(&h->mtx);
	if (e != 0) {
		p2p_multiaddr_free(copy);
		listener_end(l);
		return e;
	}
	if (bound != NULL)
		*bound = copy;
	else
		p2p_multiaddr_free(copy);
	host_changed(h);
	return 0;
}

int
p2p_host_unlisten(struct p2p_host *h, const struct p2p_multiaddr *bound)
{
	struct listener *l;

	lock_lock(&h->mtx);
	TAILQ_FOREACH(l, &h->listeners, link)
		if (p2p_multiaddr_equal(l->ops->address(l->l), bound))
			break;
	if (l != NULL)
		TAILQ_REMOVE(&h->listeners, l, link);
	lock_unlock(&h->mtx);
	if (l == NULL)
		return P2P_ERR_NOT_FOUND;
	listener_end(l);
	host_changed(h);
	return 0;
}

/* Addresses as they are gathered. */
struct gathered {
	struct p2p_multiaddr	**list;
	size_t			  n;
};

static int
gather(struct gathered *g, const uint8_t *bytes, size_t len)
{
	struct p2p_multiaddr *ma;
	size_t i;
	int e;

	if (g->n == ADDRESSES_MAX)
		return 0;
	if ((e = p2p_multiaddr_decode(bytes, len, &ma)) != 0)
		return e;
	for (i = 0; i < g->n; i++) {
		if (p2p_multiaddr_equal(g->list[i], ma)) {
			p2p_multiaddr_free(ma);
			return 0;
		}
	}
	g->list[g->n++] = ma;
	return 0;
}

/* The address of an interface in place of the wildcard at ma's front. */
static int
gather_interface(struct gathered *g, const struct p2p_multiaddr *ma,
    const struct sockaddr *sa)
{
	uint8_t copy[P2P_MULTIADDR_MAX];
	const uint8_t *bytes;
	size_t len;

	bytes = p2p_multiaddr_bytes(ma, &len);
	memcpy(copy, bytes, len);
	if (sa->sa_family == AF_INET && bytes[0] == 4)
		memcpy(copy + 1, &((const struct sockaddr_in *)(const void *)
		    sa)->sin_addr, 4);
	else if (sa->sa_family == AF_INET6 && bytes[0] == 41 &&
	    !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)
	    (const void *)sa)->sin6_addr))
		memcpy(copy + 1, &((const struct sockaddr_in6 *)(const void *)
		    sa)->sin6_addr, 16);
	else
		return 0;
	return gather(g, copy, len);
}

static bool
is_wildcard(const struct p2p_multiaddr *ma)
{
	static const uint8_t zero[16];
	struct p2p_multiaddr_part ip;

	return p2p_multiaddr_part(ma, 0, &ip) &&
	    (strcmp(ip.name, "ip4") == 0 || strcmp(ip.name, "ip6") == 0) &&
	    memcmp(ip.value, zero, ip.len) == 0;
}

static int
gather_listener(struct gathered *g, const struct p2p_multiaddr *ma,
    const struct ifaddrs *ifs)
{
	const struct ifaddrs *i;
	const uint8_t *bytes;
	size_t len;
	int e = 0;

	if (!is_wildcard(ma)) {
		bytes = p2p_multiaddr_bytes(ma, &len);
		return gather(g, bytes, len);
	}
	for (i = ifs; i != NULL && e == 0; i = i->ifa_next)
		if (i->ifa_addr != NULL && (i->ifa_flags & IFF_UP))
			e = gather_interface(g, ma, i->ifa_addr);
	return e;
}

int
p2p_host_addresses(struct p2p_host *h, struct p2p_multiaddr ***out)
{
	struct gathered g = { 0 };
	struct ifaddrs *ifs = NULL;
	struct listener *l;
	int e = 0;

	g.list = calloc(ADDRESSES_MAX + 1, sizeof(struct p2p_multiaddr *));
	if (g.list == NULL)
		return -ENOMEM;
	if (getifaddrs(&ifs) == -1)
		ifs = NULL;		/* wildcards stay out, then */
	lock_lock(&h->mtx);
	TAILQ_FOREACH(l, &h->listeners, link)
		if (e == 0)
			e = gather_listener(&g, l->ops->address(l->l), ifs);
	lock_unlock(&h->mtx);
	if (ifs != NULL)
		freeifaddrs(ifs);
	if (e != 0) {
		p2p_host_addresses_free(g.list);
		return e;
	}
	*out = g.list;
	return 0;
}

void
p2p_host_addresses_free(struct p2p_multiaddr **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		p2p_multiaddr_free(list[i]);
	free(list);
}
