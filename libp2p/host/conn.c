/*
 * The life of a connection after its upgrade: the worker runs the session,
 * inbound streams become jobs of the pool, and the end is told.
 */
#include "host/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "host/peerstore.h"
#include "host/pool.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"

#define NEGOTIATING_FEW	4	/* streams, where all are short of handlers */

struct inbound {
	struct conn	*conn;
	struct mstream	*ms;
};

void
conn_ref(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
}

void
conn_unref(struct conn *c)
{
	struct p2p_host *h;

	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	assert(!c->worker.started);
	h = c->host;
	limit_give(c->slot, 1);
	gate_leave(h->gate, &c->pass);
	session_unref(c->session);
	free(c);
	host_unref(h);
}

const struct p2p_multiaddr *
conn_remote(const struct conn *c)
{
	return session_link(c->session)->raw.remote;
}

const struct p2p_multiaddr *
conn_local(const struct conn *c)
{
	return session_link(c->session)->raw.local;
}

/* What an inbound stream asked for. */
struct choice {
	struct p2p_host	*host;
	char		 protocol[MSS_NAME_MAX + 1];
};

static bool
accept_protocol(const char *name, void *arg, void **choice)
{
	struct choice *c = arg;

	if (!host_has_handler(c->host, name))
		return false;
	snprintf(c->protocol, sizeof(c->protocol), "%s", name);
	*choice = c;
	return true;
}

static int
write_all(struct mstream *ms, const struct wr *w, uint64_t deadline)
{
	ssize_t n;

	if (w->len == 0)
		return 0;
	n = mstream_write(ms, w->p, w->len, deadline);
	if (n < 0)
		return (int)n;
	return (size_t)n == w->len ? 0 : P2P_ERR_TIMEOUT;
}

/* Drive a negotiation that has been begun over a stream. */
static int
negotiate(struct mstream *ms, struct mss *m, struct wr *first,
    uint64_t deadline)
{
	uint8_t in[MSS_LINE_MAX], text[MSS_OUT_MAX];
	struct wr w = *first;
	ssize_t n;
	int e, sent;

	for (;;) {
		if ((e = write_all(ms, &w, deadline)) != 0)
			return e;
		n = mstream_read(ms, in, mss_need(m), deadline);
		if (n <= 0)
			return n < 0 ? (int)n : P2P_ERR_PROTOCOL;
		wr_init(&w, text, sizeof(text));
		e = mss_input(m, (struct rd){ in, (size_t)n }, &w);
		if (e == 1)
			continue;
		sent = e == 0 ? write_all(ms, &w, deadline) : 0;
		return e != 0 ? e : sent;
	}
}

/* The stream has its protocol: its handler's turn.  Takes ms on success. */
static int
serve(struct conn *c, struct mstream *ms, const char *protocol)
{
	struct serving sv = { .peer = &c->peer };
	struct p2p_stream *s;
	int e;

	if ((e = host_serve_begin(c->host, protocol, &sv)) != 0)
		return e;
	if ((e = stream_new(c, ms, protocol, &s)) == 0) {
		pool_rename(c->host->pool, protocol);
		sv.handler->fn(s, sv.handler->arg);
		p2p_stream_free(s);
	}
	host_serve_end(c->host, &sv);
	return e;
}

static void
run_inbound(void *arg)
{
	struct inbound in = *(struct inbound *)arg;
	struct choice choice = { .host = in.conn->host };
	uint8_t text[MSS_OUT_MAX];
	struct mss m;
	struct wr w;
	int e;

	free(arg);
	host_enter(in.conn->host);
	wr_init(&w, text, sizeof(text));
	mss_listen(&m, accept_protocol, &choice, &w);
	e = negotiate(in.ms, &m, &w,
	    clock_after(clock_now(), HOST_STREAM_TIMEOUT));
	limit_give(&in.conn->negotiating, 1);
	if (e == 0)
		e = serve(in.conn, in.ms, choice.protocol);
	if (e != 0) {
		mstream_reset(in.ms, e == P2P_ERR_LIMIT ? MUX_RESET_LIMIT :
		    MUX_RESET_NEGOTIATION);
		mstream_free(in.ms);
	}
	host_enter(NULL);
	conn_unref(in.conn);
}

/*
 * While half of all handlers wait for streams to name their protocols, a
 * connection gets a few of them and no more: who opens and says nothing holds
 * some handlers, and not those of the others.
 */
static bool
crowds(struct conn *c)
{
	struct limit *all = c->negotiating.setting;

	if (atomic_load(&c->negotiating.used) < NEGOTIATING_FEW ||
	    atomic_load(&all->used) < c->host->limits[LIMIT_HANDLERS].max / 2)
		return false;
	atomic_fetch_add(&all->refused, 1);
	return true;
}

/* From the worker: must not block. */
static int
inbound(struct mstream *ms, void *arg)
{
	struct conn *c = arg;
	struct pool_job job = { .fn = run_inbound, .what = "negotiation" };
	struct inbound *in;
	int e;

	/* It pays a token either way, or a flood of openings would be free. */
	if (crowds(c) || limit_take(&c->negotiating, 1) != 0)
		return P2P_ERR_REFUSED;
	if ((in = malloc(sizeof(*in))) == NULL) {
		limit_give(&c->negotiating, 1);
		return -ENOMEM;
	}
	*in = (struct inbound){ c, ms };
	conn_ref(c);
	job.arg = in;
	if ((e = pool_submit(c->host->pool, &job)) != 0) {
		limit_give(&c->negotiating, 1);
		free(in);
		conn_unref(c);
	}
	return e;
}

/* Whether a connection ended because its peer broke the rules. */
static bool
is_violation(int reason)
{
	return reason == P2P_ERR_PROTOCOL || reason == P2P_ERR_TOO_LARGE ||
	    reason == P2P_ERR_LIMIT || reason == P2P_ERR_SECURITY;
}

static void
worker(void *arg)
{
	struct conn *c = arg;
	struct p2p_host *h = c->host;

	events_post(h->events, P2P_EVENT_CONNECTED, c);
	c->reason = session_run(c->session);
	c->by_us = session_ended_by_us(c->session);
	if (is_violation(c->reason))
		gate_punish(h->gate, &c->pass, GATE_VIOLATION, clock_now());
	events_post(h->events, P2P_EVENT_DISCONNECTED, c);
	if (c->pinned)
		peerstore_unpin(h->peerstore, &c->peer);
	lock_lock(&h->swarm);
	TAILQ_REMOVE(&h->conns, c, link);
	TAILQ_INSERT_TAIL(&h->dead, c, link);
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

static int
make_session(struct conn *c, const struct conn_params *p)
{
	struct p2p_host *h = p->host;
	struct session_params sp = {
		.raw = p->raw,
		.sec = p->up->sec,
		.codec = p->up->codec,
		.ops = p->up->mux,
		.plain = { p->up->early, p->up->plain },
		.cipher = { p->up->early + p->up->plain, p->up->cipher },
		.dialer = p->outbound,
		.streams_in = &h->limits[LIMIT_STREAMS_IN],
		.streams_out = &h->limits[LIMIT_STREAMS_OUT],
		.max_window = (uint32_t)h->limits[LIMIT_WINDOW].max,
		.windows_each = &h->limits[LIMIT_WINDOWS_CONNECTION],
		.buffered_each = &h->limits[LIMIT_BUFFERED_CONNECTION],
		.windows = &h->limits[LIMIT_WINDOWS],
		.buffered = &h->limits[LIMIT_BUFFERED],
		.pool = &h->bufs,
		.segments = &h->segments,
		.flusher = h->flusher,
		.inbound = inbound,
		.arg = c,
	};
	int e;

	if ((e = session_new(&sp, &c->session)) != 0)
		return e;
	p->up->codec = NULL;
	free(p->up->early);
	p->up->early = NULL;
	return 0;
}

/* Live connections to a peer; host->swarm is held. */
static unsigned
count_peer(const struct p2p_host *h, const struct p2p_peer_id *peer)
{
	const struct conn *c;
	unsigned n = 0;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		n += p2p_peer_id_equal(&c->peer, peer);
	return n;
}

/* Into the table, with its worker: together, so that stop sees both. */
static int
enter_table(struct conn *c)
{
	struct p2p_host *h = c->host;
	int e = 0;

	lock_lock(&h->swarm);
	if (atomic_load(&h->stopped))
		e = P2P_ERR_STOPPED;
	else if (count_peer(h, &c->peer) >=
	    h->limits[LIMIT_CONNECTIONS_PEER].max)
		e = P2P_ERR_LIMIT;
	if (e == P2P_ERR_LIMIT)
		atomic_fetch_add(&h->limits[LIMIT_CONNECTIONS_PEER].refused, 1);
	if (e == 0) {
		c->number = ++h->next_number;
		TAILQ_INSERT_TAIL(&h->conns, c, link);
		conn_ref(c);		/* the table's, until it was joined */
	}
	lock_unlock(&h->swarm);
	if (e != 0)
		return e;
	e = thread_start(&c->worker, "p2p-worker", THREAD_STACK_SMALL, worker,
	    c);
	lock_lock(&h->swarm);
	c->started = e == 0;
	if (e != 0) {
		TAILQ_REMOVE(&h->conns, c, link);
		atomic_fetch_sub(&c->refs, 1);
	}
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
	return e;
}

int
conn_start(const struct conn_params *p, struct conn **out)
{
	struct p2p_host *h = p->host;
	struct limit *slot;
	struct conn *c;
	int e;

	slot = &h->limits[p->outbound ? LIMIT_CONNECTIONS_OUT :
	    LIMIT_CONNECTIONS_IN];
	if ((e = limit_take(slot, 1)) != 0)
		return e;
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		limit_give(slot, 1);
		return -ENOMEM;
	}
	c->host = h;
	c->slot = slot;
	c->peer = p->up->peer;
	c->outbound = p->outbound;
	c->keep = p->keep;
	c->asking = h->nhooks > 0;
	c->time_us = p->time_us;
	c->security = p->up->security;
	c->muxer = p->up->mux->id;
	atomic_init(&c->refs, 1);
	limit_under(&c->negotiating, &h->limits[LIMIT_NEGOTIATING], NULL);
	if ((e = make_session(c, p)) != 0) {
		limit_give(slot, 1);
		free(c);
		return e;
	}
	host_ref(h);
	if (p->pass != NULL) {
		c->pass = *p->pass;
		*p->pass = (struct gate_pass){ NULL, NULL };
	}
	c->pinned = peerstore_pin(h->peerstore, &c->peer);
	if ((e = enter_table(c)) != 0) {
		if (c->pinned)
			peerstore_unpin(h->peerstore, &c->peer);
		conn_unref(c);
		return e;
	}
	*out = c;
	return 0;
}

void
conn_wait_asked(struct conn *c, uint64_t deadline)
{
	lock_lock(&c->host->swarm);
	while (c->asking &&
	    cond_wait(&c->host->swarm_changed, &c->host->swarm, deadline))
		;
	lock_unlock(&c->host->swarm);
}

int
conn_open(struct conn *c, const char *const *protocols, uint64_t deadline,
    struct p2p_stream **out)
{
	uint8_t text[MSS_OUT_MAX];
	struct mstream *ms;
	struct mss m;
	struct wr w;
	size_t i;
	int e;

	for (i = 0; protocols[i] != NULL; i++)
		if (!host_is_protocol(protocols[i]))
			return P2P_ERR_FORMAT;
	if (i == 0)
		return P2P_ERR_FORMAT;
	if ((e = session_open(c->session, &ms)) != 0)
		return e;
	wr_init(&w, text, sizeof(text));
	mss_dial(&m, protocols, &w);
	if ((e = negotiate(ms, &m, &w, deadline)) == 0)
		e = stream_new(c, ms, mss_name(&m), out);
	if (e != 0) {
		mstream_reset(ms, MUX_RESET_NEGOTIATION);
		mstream_free(ms);
	}
	return e;
}
