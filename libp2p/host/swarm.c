/*
 * The tables of a host: live connections, inbound upgrades, and the
 * housekeeping that joins what has ended.
 *
 * An inbound connection is admitted by the accept thread (limits, source), gets
 * an upgrade thread, and only then becomes a conn.  The upgrade's thread and
 * the worker are both joined by housekeeping, or by stop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/peerstore.h"
#include "host/pool.h"
#include "muxer/flusher.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define HOUSE_INTERVAL	CLOCK_S

/*
 *	I	after it was made	w	holder of host->swarm
 */
struct upgrading {
	TAILQ_ENTRY(upgrading) link;	/* [w] */
	struct p2p_host	*host;		/* [I] */
	struct raw	 raw;		/* the thread's */
	struct thread	 thread;	/* [w] */
	bool		 started;	/* [w] thread may be joined */
	bool		 done;		/* [w] */
	uint8_t		 ip[16];	/* [I] */
	size_t		 iplen;		/* [I] 0: not counted */
};

/* The address bytes that a source is counted by; loopback is not counted. */
static size_t
source_of(const struct p2p_multiaddr *ma, uint8_t *ip)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	struct p2p_multiaddr_part part;

	if (ma == NULL || !p2p_multiaddr_part(ma, 0, &part))
		return 0;
	if (strcmp(part.name, "ip4") == 0 && part.value[0] != 127) {
		memcpy(ip, part.value, 4);
		return 4;
	}
	if (strcmp(part.name, "ip6") == 0 &&
	    memcmp(part.value, loopback6, 16) != 0) {
		memcpy(ip, part.value, 7);	/* a /56 */
		return 7;
	}
	return 0;
}

static bool
same_source(const struct p2p_multiaddr *ma, const uint8_t *ip, size_t len)
{
	uint8_t other[16];

	return source_of(ma, other) == len && memcmp(ip, other, len) == 0;
}

static unsigned
count_source(struct p2p_host *h, const uint8_t *ip, size_t len)
{
	struct upgrading *u;
	struct conn *c;
	unsigned n = 0;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(u, &h->upgrades, link)
		n += !u->done && u->iplen == len && memcmp(u->ip, ip, len) == 0;
	TAILQ_FOREACH(c, &h->conns, link)
		n += !c->outbound && same_source(conn_remote(c), ip, len);
	return n;
}

static void
upgrade_run(void *arg)
{
	struct upgrading *u = arg;
	struct p2p_host *h = u->host;
	struct conn_params cp = { .host = h, .raw = &u->raw };
	struct upgraded up;
	enum p2p_stage stage;
	struct conn *c;
	int e;

	e = upgrade(&h->upgrader, &u->raw, false, NULL, h->stopping.fd,
	    clock_after(clock_now(), HOST_UPGRADE_TIMEOUT), &stage, &up);
	if (e == 0) {
		cp.up = &up;
		if ((e = conn_start(&cp, &c)) == 0)
			conn_unref(c);
		else if (up.codec != NULL)
			up.sec->codec_free(up.codec);
		free(up.early);
	}
	if (e != 0)
		log_line(&h->log, P2P_LOG_INFO, "swarm", "inbound from %s: %s",
		    u->raw.remote != NULL ? p2p_multiaddr_text(u->raw.remote) :
		    "?", p2p_strerror(e));
	raw_close(&u->raw);
	limit_give(&h->limits[LIMIT_UPGRADES], 1);
	lock_lock(&h->swarm);
	u->done = true;
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

/* Into the table, unless its source has enough already. */
static int
admit(struct p2p_host *h, struct upgrading *u)
{
	struct limit *l = &h->limits[LIMIT_CONNECTIONS_IP];
	int e = 0;

	u->iplen = source_of(u->raw.remote, u->ip);
	lock_lock(&h->swarm);
	if (atomic_load(&h->stopped))
		e = P2P_ERR_STOPPED;
	else if (u->iplen > 0 && count_source(h, u->ip, u->iplen) >= l->max)
		e = P2P_ERR_LIMIT;
	if (e == 0)
		TAILQ_INSERT_TAIL(&h->upgrades, u, link);
	lock_unlock(&h->swarm);
	if (e == P2P_ERR_LIMIT)
		atomic_fetch_add(&l->refused, 1);
	return e;
}

static int
start_upgrade(struct p2p_host *h, struct upgrading *u)
{
	int e;

	if ((e = admit(h, u)) != 0)
		return e;
	e = thread_start(&u->thread, "p2p-upgrade", THREAD_STACK, upgrade_run,
	    u);
	lock_lock(&h->swarm);
	u->started = e == 0;
	if (e != 0)
		TAILQ_REMOVE(&h->upgrades, u, link);
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
	return e;
}

void
swarm_inbound(struct p2p_host *h, struct raw *raw)
{
	struct limit *in = &h->limits[LIMIT_CONNECTIONS_IN];
	struct upgrading *u = NULL;
	int e;

	if ((e = limit_take(&h->limits[LIMIT_UPGRADES], 1)) != 0) {
		raw_close(raw);
		return;
	}
	/* A look ahead, so that no handshake is wasted on a full house. */
	if ((e = limit_take(in, 1)) == 0) {
		limit_give(in, 1);
		e = (u = calloc(1, sizeof(*u))) == NULL ? -ENOMEM : 0;
	}
	if (e == 0) {
		u->host = h;
		u->raw = *raw;
		e = start_upgrade(h, u);
	}
	if (e != 0) {
		log_line(&h->log, P2P_LOG_WARN, "swarm", "inbound refused: %s",
		    p2p_strerror(e));
		raw_close(raw);
		free(u);
		limit_give(&h->limits[LIMIT_UPGRADES], 1);
	}
}

struct conn *
swarm_find(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct conn *c;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link) {
		if (p2p_peer_id_equal(&c->peer, peer) &&
		    session_alive(c->session)) {
			conn_ref(c);
			break;
		}
	}
	lock_unlock(&h->swarm);
	return c;
}

struct conn *
swarm_find_number(struct p2p_host *h, uint64_t number)
{
	struct conn *c;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link) {
		if (c->number == number) {
			conn_ref(c);
			break;
		}
	}
	lock_unlock(&h->swarm);
	return c;
}

/* Join what has ended.  No lock is held. */
static void
reap(struct p2p_host *h)
{
	struct upgrading *u, *unext;
	struct conn *c, *cnext;
	TAILQ_HEAD(, upgrading) us = TAILQ_HEAD_INITIALIZER(us);
	TAILQ_HEAD(, conn) cs = TAILQ_HEAD_INITIALIZER(cs);

	lock_lock(&h->swarm);
	for (u = TAILQ_FIRST(&h->upgrades); u != NULL; u = unext) {
		unext = TAILQ_NEXT(u, link);
		if (!u->done || !u->started)
			continue;
		TAILQ_REMOVE(&h->upgrades, u, link);
		TAILQ_INSERT_TAIL(&us, u, link);
	}
	for (c = TAILQ_FIRST(&h->dead); c != NULL; c = cnext) {
		cnext = TAILQ_NEXT(c, link);
		if (!c->started)
			continue;
		TAILQ_REMOVE(&h->dead, c, link);
		TAILQ_INSERT_TAIL(&cs, c, link);
	}
	lock_unlock(&h->swarm);
	while ((u = TAILQ_FIRST(&us)) != NULL) {
		TAILQ_REMOVE(&us, u, link);
		thread_join(&u->thread);
		free(u);
	}
	while ((c = TAILQ_FIRST(&cs)) != NULL) {
		TAILQ_REMOVE(&cs, c, link);
		thread_join(&c->worker);
		conn_unref(c);
	}
}

/* The first connection that nobody has used for too long, referenced. */
static struct conn *
find_idle(struct p2p_host *h, uint64_t now)
{
	uint64_t most = h->limits[LIMIT_IDLE_S].max;
	struct conn *c;

	most = most > UINT64_MAX / CLOCK_S ? UINT64_MAX : most * CLOCK_S;
	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link) {
		if (session_streams(c->session) > 0)
			c->idle_since = now;
		if (!c->keep && now > c->idle_since &&
		    now - c->idle_since >= most) {
			c->idle_since = now;
			conn_ref(c);
			break;
		}
	}
	lock_unlock(&h->swarm);
	return c;
}

static void
close_idle(struct p2p_host *h, uint64_t now)
{
	struct conn *c;

	while ((c = find_idle(h, now)) != NULL) {
		/* Nobody uses it: the goaway is all there is to drain. */
		session_shutdown(c->session, clock_after(now, 100 * CLOCK_MS));
		conn_unref(c);
	}
}

void
swarm_house(void *arg)
{
	struct p2p_host *h = arg;
	uint64_t next, now;
	bool stop = false;

	while (!stop) {
		lock_lock(&h->swarm);
		next = TAILQ_EMPTY(&h->conns) && TAILQ_EMPTY(&h->upgrades) ?
		    CLOCK_NEVER : clock_after(clock_now(), HOUSE_INTERVAL);
		if (!h->house_stop && TAILQ_EMPTY(&h->dead))
			cond_wait(&h->swarm_changed, &h->swarm, next);
		stop = h->house_stop;
		lock_unlock(&h->swarm);
		now = clock_now();
		reap(h);
		pool_reap(h->pool);
		flusher_check(h->flusher, now);
		peerstore_expire(h->peerstore, now);
		if (!stop)
			close_idle(h, now);
	}
}

/* Wait until neither connections nor upgrades are left. */
static bool
wait_empty(struct p2p_host *h, uint64_t deadline)
{
	struct upgrading *u;
	bool empty = false, more = true;

	while (!empty && more) {
		reap(h);
		lock_lock(&h->swarm);
		TAILQ_FOREACH(u, &h->upgrades, link)
			if (!u->done)
				break;
		empty = TAILQ_EMPTY(&h->conns) && u == NULL;
		if (!empty)
			more = cond_wait(&h->swarm_changed, &h->swarm, deadline);
		lock_unlock(&h->swarm);
	}
	reap(h);
	return empty;
}

/* All live connections, referenced; NULL without memory. */
static struct conn **
all_conns(struct p2p_host *h, size_t *n)
{
	struct conn **all, *c;

	*n = 0;
	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		(*n)++;
	all = calloc(*n + 1, sizeof(struct conn *));
	*n = 0;
	TAILQ_FOREACH(c, &h->conns, link) {
		if (all == NULL)
			break;
		conn_ref(c);
		all[(*n)++] = c;
	}
	lock_unlock(&h->swarm);
	return all;
}

void
swarm_shutdown(struct p2p_host *h, uint64_t soft, uint64_t hard)
{
	struct conn **all, *c;
	size_t i, n;

	all = all_conns(h, &n);
	for (i = 0; i < n; i++)
		session_leave(all[i]->session);
	for (i = 0; i < n; i++) {
		session_shutdown(all[i]->session, soft);
		conn_unref(all[i]);
	}
	free(all);
	/* Whoever came in between, or could not be listed, ends at once. */
	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		session_close(c->session, 0);
	lock_unlock(&h->swarm);
	(void)wait_empty(h, hard);
}
