/*
 * The host itself: made, told to listen, given handlers, stopped.
 *
 * Stop, in this order: the flag and the descriptor that all upgrades poll; no
 * more accepts; no more dials; goaway to all and a third of the time to drain;
 * connections ended and their workers joined; the event thread; handlers, whose
 * streams have all ended by now; then the helpers.  Peers cannot delay any of
 * it; a handler that sits in its own code can, and stop says so.
 */
#include "host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/dial.h"
#include "host/peerbook.h"
#include "host/peerstore.h"
#include "host/pool.h"
#include "muxer/flusher.h"
#include "muxer/queue.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/version.h"
#include "transport/resolve.h"

#define STOP_MS		2000
#define AGENT_MAX	256	/* bytes; what peers keep of it */
#define METADATA_MAX	4096	/* bytes of a peer */

static unsigned
flusher_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return n < 1 ? 1 : n > FLUSHER_THREADS_MAX ? FLUSHER_THREADS_MAX :
	    (unsigned)n;
}

static int
make_identity(struct p2p_host *h, const struct p2p_host_config *c)
{
	char agent[64];
	int e;

	if (c->key != NULL)
		e = p2p_key_dup(c->key, &h->key);
	else
		e = p2p_key_generate(P2P_KEY_ED25519, 0, &h->key);
	if (e != 0)
		return e;
	p2p_peer_id_from_key(h->key, &h->id);
	snprintf(agent, sizeof(agent), "libp2p-c/%s", p2p_version());
	if (c->agent != NULL && strlen(c->agent) > AGENT_MAX)
		return P2P_ERR_TOO_LARGE;
	h->agent = strdup(c->agent != NULL ? c->agent : agent);
	return h->agent != NULL ? 0 : -ENOMEM;
}

static int
make_gate(struct p2p_host *h)
{
	const struct gate_params params = {
		.per_ip = &h->limits[LIMIT_CONNECTIONS_IP],
		.per_net = &h->limits[LIMIT_CONNECTIONS_NET],
		.burst = &h->limits[LIMIT_ACCEPT_BURST],
		.every_s = &h->limits[LIMIT_ACCEPT_EVERY_S],
		.penalty_s = &h->limits[LIMIT_PENALTY_S],
		.loopback_too = h->limits[LIMIT_COUNT_LOOPBACK].max != 0,
	};

	return gate_new(&params, &h->gate);
}

static int
make_upgrader(struct p2p_host *h, const struct p2p_host_config *c)
{
	struct security_keylog keylog = { c->keylog, c->keylog_arg };
	struct upgrader_params p = {
		.key = h->key,
		.security = c->security,
		.muxers = c->muxers,
		.keylog = c->keylog != NULL ? &keylog : NULL,
		.capture = c->capture,
		.capture_arg = c->capture_arg,
		.psk = c->psk,
	};
	const char *force = getenv("LIBP2P_FORCE_PNET");

	if (c->psk == NULL && force != NULL && strcmp(force, "1") == 0)
		return P2P_ERR_REFUSED;
	return upgrader_init(&h->upgrader, &p);
}

static int
make_parts(struct p2p_host *h, const struct p2p_host_config *c)
{
	struct peerstore_caps caps = {
		.peers = h->limits[LIMIT_PEERS].max,
		.addrs = h->limits[LIMIT_PEER_ADDRS].max,
		.protocols = 256,
		.metadata = METADATA_MAX,
		.peers_told = &h->limits[LIMIT_PEERS],
		.addrs_told = &h->limits[LIMIT_PEER_ADDRS],
	};
	int e;

	if ((e = make_identity(h, c)) != 0 ||
	    (e = make_upgrader(h, c)) != 0 ||
	    (e = wake_init(&h->stopping)) != 0 ||
	    (e = peerstore_new(&caps, &h->peerstore)) != 0 ||
	    (c->store != NULL && (e = peerbook_load(h, c->store)) != 0) ||
	    (e = resolver_new(&h->resolver)) != 0 ||
	    (e = make_gate(h)) != 0 ||
	    (e = pool_new(&h->limits[LIMIT_HANDLERS], &h->pool)) != 0 ||
	    (e = flusher_new(flusher_threads(), &h->flusher)) != 0 ||
	    (e = events_new(h, &h->events)) != 0)
		return e;
	return thread_start(&h->house, "p2p-house", THREAD_STACK_SMALL,
	    house_run, h);
}

/* Nobody holds it any more, and all its threads were joined. */
static void
release(struct p2p_host *h)
{
	size_t i;

	handlers_fini(h);
	for (i = 0; i < h->nhooks; i++)
		if (h->hooks[i].free != NULL)
			h->hooks[i].free(h->hooks[i].arg);
	events_free(h->events);
	flusher_free(h->flusher);
	pool_free(h->pool);
	gate_free(h->gate);
	resolver_free(h->resolver);
	peerstore_free(h->peerstore);
	upgrader_fini(&h->upgrader);
	wake_fini(&h->stopping);
	p2p_key_free(h->key);
	free(h->agent);
	bufpool_fini(&h->segments);
	bufpool_fini(&h->bufs);
	cond_destroy(&h->swarm_changed);
	cond_destroy(&h->idle);
	lock_destroy(&h->swarm);
	lock_destroy(&h->mtx);
	free(h);
}

void
host_ref(struct p2p_host *h)
{
	atomic_fetch_add(&h->refs, 1);
}

void
host_unref(struct p2p_host *h)
{
	if (atomic_fetch_sub(&h->refs, 1) == 1)
		release(h);
}

/* What makes conversations less private than they seem, at each start. */
static void
warn_of_leaks(const struct p2p_host *h, const struct p2p_host_config *c)
{
	size_t i;

	for (i = 0; h->upgrader.security_ids[i] != NULL; i++)
		if (h->upgrader.security[i]->clear)
			log_line(&h->log, P2P_LOG_WARN, "host",
			    "%s is offered: it encrypts nothing",
			    h->upgrader.security_ids[i]);
	if (c->keylog != NULL)
		log_line(&h->log, P2P_LOG_WARN, "host",
		    "the secrets of all connections are handed out");
	if (c->capture != NULL)
		log_line(&h->log, P2P_LOG_WARN, "host",
		    "all connections are captured, decrypted");
}

int
host_new(const struct p2p_host_config *config, struct p2p_host **out)
{
	static const struct p2p_host_config none;
	const struct p2p_host_config *c = config != NULL ? config : &none;
	struct p2p_host *h;
	int e;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return -ENOMEM;
	atomic_init(&h->refs, 1);
	h->stopping.fd = -1;
	h->event = c->event;
	h->event_arg = c->event_arg;
	h->store = c->store;
	h->log = (struct log){ c->log, c->log_arg,
	    c->log_level != 0 ? c->log_level : P2P_LOG_WARN };
	lock_init(&h->mtx, LOCK_HOST);
	lock_init(&h->swarm, LOCK_SWARM);
	cond_init(&h->swarm_changed);
	cond_init(&h->idle);
	bufpool_init(&h->bufs, LINK_BUFFER, LINK_BUFFERS_KEEP);
	queue_segments_init(&h->segments);
	TAILQ_INIT(&h->handlers);
	TAILQ_INIT(&h->servings);
	TAILQ_INIT(&h->watches);
	TAILQ_INIT(&h->listeners);
	TAILQ_INIT(&h->conns);
	TAILQ_INIT(&h->dead);
	TAILQ_INIT(&h->upgrades);
	TAILQ_INIT(&h->dials);
	if ((e = limits_init(h->limits, c->limits)) != 0 ||
	    (e = make_parts(h, c)) != 0) {
		if (h->events != NULL)
			(void)events_stop(h->events, CLOCK_NEVER);
		release(h);
		return e;
	}
	(void)host_add_transport(h, &transport_tcp, NULL);
	warn_of_leaks(h, c);
	*out = h;
	return 0;
}

int
host_add_hook(struct p2p_host *h, const struct host_hook *hook)
{
	if (h->nhooks == HOST_HOOKS_MAX)
		return P2P_ERR_LIMIT;
	h->hooks[h->nhooks++] = *hook;
	return 0;
}

int
host_add_transport(struct p2p_host *h, const struct transport_ops *ops,
    void *context)
{
	if (h->ntransports == HOST_TRANSPORTS_MAX)
		return P2P_ERR_LIMIT;
	h->transports[h->ntransports++] = (struct host_transport){ ops,
	    context };
	return 0;
}

const struct host_transport *
host_transport_for(const struct p2p_host *h, const struct p2p_multiaddr *ma)
{
	size_t i;

	for (i = 0; i < h->ntransports; i++)
		if (h->transports[i].ops->speaks(ma))
			return &h->transports[i];
	return NULL;
}

void
host_changed(struct p2p_host *h)
{
	size_t i;

	for (i = 0; i < h->nhooks; i++)
		if (h->hooks[i].changed != NULL)
			h->hooks[i].changed(h, h->hooks[i].arg);
}

static void
stop_listeners(struct p2p_host *h)
{
	struct listener *l;

	for (;;) {
		lock_lock(&h->mtx);
		if ((l = TAILQ_FIRST(&h->listeners)) != NULL)
			TAILQ_REMOVE(&h->listeners, l, link);
		lock_unlock(&h->mtx);
		if (l == NULL)
			return;
		listener_end(l);
	}
}

static void
stop_house(struct p2p_host *h)
{
	lock_lock(&h->swarm);
	h->house_stop = true;
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
	thread_join(&h->house);
}

/* One thread stops at a time; false: another one still does at the deadline. */
static bool
begin_stop(struct p2p_host *h, uint64_t deadline)
{
	bool mine;

	lock_lock(&h->swarm);
	while (h->in_stop && cond_wait(&h->swarm_changed, &h->swarm, deadline))
		;
	mine = !h->in_stop;
	h->in_stop = true;
	lock_unlock(&h->swarm);
	return mine;
}

static void
end_stop(struct p2p_host *h)
{
	lock_lock(&h->swarm);
	h->in_stop = false;
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

static int
stop(struct p2p_host *h, uint64_t soft, uint64_t hard)
{
	atomic_store(&h->stopped, true);
	wake_set(&h->stopping);
	stop_listeners(h);
	dial_stop(h);
	resolver_stop(h->resolver);
	if (!swarm_shutdown(h, soft, hard) || !dial_wait(h, hard) ||
	    pool_stop(h->pool, hard) != 0 || events_stop(h->events, hard) != 0)
		return P2P_ERR_BUSY;
	stop_house(h);
	if (h->store != NULL)
		peerbook_save(h);
	return 0;
}

int
p2p_host_stop(struct p2p_host *h, unsigned timeout_ms)
{
	uint64_t now = clock_now(), all, hard;
	int e;

	if (host_is_inside(h))
		return P2P_ERR_DEADLOCK;
	all = (timeout_ms != 0 ? timeout_ms : STOP_MS) * CLOCK_MS;
	hard = clock_after(now, all);
	if (!begin_stop(h, hard))
		return P2P_ERR_BUSY;
	e = stop(h, clock_after(now, all / 3), hard);
	end_stop(h);
	return e;
}

unsigned
p2p_host_busy(struct p2p_host *h, char *protocol, size_t cap)
{
	return pool_busy(h->pool, protocol, cap);
}

void
p2p_host_free(struct p2p_host *h)
{
	int e;

	if (h == NULL)
		return;
	e = p2p_host_stop(h, 0);
	assert(e == 0);
	(void)e;
	assert(TAILQ_EMPTY(&h->conns) && TAILQ_EMPTY(&h->dead));
	host_unref(h);
}

const struct p2p_peer_id *
p2p_host_id(const struct p2p_host *h)
{
	return &h->id;
}

const struct p2p_key *
p2p_host_key(const struct p2p_host *h)
{
	return h->key;
}

size_t
p2p_host_limit_count(const struct p2p_host *h)
{
	(void)h;
	return LIMIT_COUNT;
}

int
p2p_host_limit(const struct p2p_host *h, size_t i, struct p2p_limit_info *out)
{
	const struct limit *l;

	if (i >= LIMIT_COUNT)
		return P2P_ERR_NOT_FOUND;
	l = &h->limits[i];
	*out = (struct p2p_limit_info){ l->name, l->max,
	    atomic_load(&l->used), atomic_load(&l->refused) };
	return 0;
}
