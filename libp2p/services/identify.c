/*
 * Identify: serve it, ask every new connection, push what has changed.
 *
 * Asking runs in a thread of the pool, started by the event thread; pushing in
 * one job at a time, which goes on while changes come in.
 */
#include "p2p/identify.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bucket.h"
#include "base/clock.h"
#include "base/varint.h"
#include "host/conn.h"
#include "host/dial.h"
#include "host/peerstore.h"
#include "host/pool.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "services/identify_msg.h"
#include "services/services.h"

#define TIMEOUT_MS	5000
#define ADDR_TTL	(3600 * CLOCK_S)

#define PUSHERS		64	/* peers whose pushes are counted */

struct pusher {
	struct p2p_peer_id peer;
	struct bucket	 rate;
};

/*
 *	I	after identify_attach()		a	atomic
 *	p	holder of mtx
 */
struct identify {
	struct p2p_host	*host;		/* [I] */
	struct lock	 mtx;		/* LOCK_LEAF */
	struct pusher	 pushers[PUSHERS];	/* [p] the last one first */
	_Atomic uint64_t seq;		/* of the last signed record */
	atomic_bool	 pushing;	/* a job runs */
	atomic_bool	 dirty;		/* something changed since it looked */
};

/* Wall time in ns, but never backwards and never twice (ENV-4). */
static uint64_t
next_seq(struct identify *i)
{
	uint64_t last = atomic_load(&i->seq), next;

	do {
		next = clock_wall_ns();
		if (next <= last)
			next = last + 1;
	} while (!atomic_compare_exchange_weak(&i->seq, &last, next));
	return next;
}

static bool
is_loopback(const struct p2p_multiaddr *ma)
{
	static const uint8_t one[16] = { [15] = 1 };
	struct p2p_multiaddr_part ip;

	if (!p2p_multiaddr_part(ma, 0, &ip))
		return false;
	if (strcmp(ip.name, "ip4") == 0)
		return ip.value[0] == 127;
	return strcmp(ip.name, "ip6") == 0 && memcmp(ip.value, one, 16) == 0;
}

/* Loopback addresses are for loopback peers; memory is for nobody. */
static void
filter(struct p2p_multiaddr **addrs, const struct p2p_multiaddr *remote)
{
	struct p2p_multiaddr_part first;
	size_t i, n = 0;
	bool keep;

	for (i = 0; addrs[i] != NULL; i++) {
		keep = p2p_multiaddr_part(addrs[i], 0, &first) &&
		    strcmp(first.name, "memory") != 0 &&
		    (!is_loopback(addrs[i]) || is_loopback(remote));
		if (keep)
			addrs[n++] = addrs[i];
		else
			p2p_multiaddr_free(addrs[i]);
	}
	addrs[n] = NULL;
}

static bool
is_memory(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part first;

	return p2p_multiaddr_part(ma, 0, &first) &&
	    strcmp(first.name, "memory") == 0;
}

/* Say who we are over a stream, and finish our half. */
static int
send_self(struct identify *i, struct p2p_stream *s)
{
	struct identify_self self = { .key = i->host->key,
	    .agent = i->host->agent, .seq = next_seq(i) };
	struct p2p_multiaddr **addrs = NULL;
	uint8_t buf[IDENTIFY_SEND_MAX];
	char **protocols = NULL;
	struct wr w;
	int e;

	stream_deadline(s, clock_deadline_ms(TIMEOUT_MS));
	if ((e = p2p_host_addresses(i->host, &addrs)) != 0 ||
	    (e = host_protocols(i->host, &protocols)) != 0)
		goto done;
	filter(addrs, p2p_stream_remote(s));
	self.protocols = protocols;
	self.addrs = addrs;
	self.observed = is_memory(p2p_stream_remote(s)) ? NULL :
	    p2p_stream_remote(s);
	wr_init(&w, buf, sizeof(buf));
	if ((e = identify_put(&self, &w)) == 0 &&
	    (e = p2p_stream_write_full(s, buf, w.len)) == 0)
		e = p2p_stream_close_write(s);
done:
	free(protocols);
	p2p_host_addresses_free(addrs);
	return e;
}

/* One message with its length.  Returns 0, 1 (the end), or an error. */
static int
read_message(struct p2p_stream *s, uint8_t *buf, size_t *len)
{
	uint8_t prefix[VARINT_MAX_LEN];
	uint64_t want;
	struct rd r;
	ssize_t n;
	size_t i;
	int e = P2P_ERR_SHORT;

	for (i = 0; i < sizeof(prefix) && e == P2P_ERR_SHORT; i++) {
		n = p2p_stream_read(s, prefix + i, 1);
		if (n == 0 && i == 0)
			return 1;
		if (n <= 0)
			return n == 0 ? P2P_ERR_SHORT : (int)n;
		r = (struct rd){ prefix, i + 1 };
		e = varint_get(&r, &want);
	}
	if (e != 0)
		return P2P_ERR_FORMAT;
	if (want > IDENTIFY_READ_MAX)
		return P2P_ERR_TOO_LARGE;
	*len = (size_t)want;
	return p2p_stream_read_full(s, buf, *len);
}

/* All messages of a stream, merged. */
static int
receive(struct p2p_stream *s, struct identify_seen *seen)
{
	uint8_t *buf;
	size_t len = 0, i;
	int e = 0;

	if ((buf = malloc(IDENTIFY_READ_MAX)) == NULL)
		return -ENOMEM;
	for (i = 0; i < IDENTIFY_MESSAGES_MAX; i++) {
		if ((e = read_message(s, buf, &len)) != 0 ||
		    (e = identify_get(seen, p2p_stream_peer(s),
		    (struct rd){ buf, len })) != 0)
			break;
	}
	free(buf);
	if (e < 0)
		return e;
	return e == 1 && seen->identity != NULL ? 0 : P2P_ERR_PROTOCOL;
}

/*
 * Messages of one connection may overtake each other, as each has a stream: one
 * whose record is older than that of another is older, too.  A connection later
 * the peer's clock may have gone back.
 */
static bool
is_overtaken(struct conn *c, const struct identify_seen *seen)
{
	uint64_t last = atomic_load(&c->told);

	if (!seen->have_record)
		return false;
	do {
		if (seen->record.seq < last)
			return true;
	} while (!atomic_compare_exchange_weak(&c->told, &last,
	    seen->record.seq));
	return false;
}

/* Into the peer store.  What a push does not say has not changed (IDF-3). */
static void
learn(struct p2p_host *h, struct p2p_stream *s,
    const struct identify_seen *seen, bool push)
{
	const struct p2p_identity *id = seen->identity;
	struct peerstore *ps = h->peerstore;
	size_t i;

	if (is_overtaken(stream_conn(s), seen))
		return;
	if (seen->have_record)
		(void)peerstore_certify(ps, &id->peer, seen->record.seq,
		    seen->record.addrs, seen->record.n, ADDR_TTL);
	if (id->key != NULL)
		(void)peerstore_set_key(ps, &id->peer, id->key);
	if (!push || seen->nprotocols > 0)
		(void)peerstore_set_protocols(ps, &id->peer,
		    (const char *const *)id->protocols, seen->nprotocols);
	for (i = 0; !seen->have_record && i < seen->naddrs; i++)
		(void)peerstore_add(ps, &id->peer, id->addresses[i], ADDR_TTL);
	if (id->agent_version != NULL)
		(void)peerstore_put(ps, &id->peer, "agent", id->agent_version,
		    strlen(id->agent_version));
	if (id->protocol_version != NULL)
		(void)peerstore_put(ps, &id->peer, "protocol-version",
		    id->protocol_version, strlen(id->protocol_version));
	host_learned(h, &id->peer);
}

static void
serve(struct p2p_stream *s, void *arg)
{
	if (send_self(arg, s) != 0)
		p2p_stream_reset(s);
}

/* Whether the peer may push again so soon. */
static bool
may_push(struct identify *i, const struct p2p_peer_id *peer)
{
	struct limit *burst = &i->host->limits[LIMIT_PUSH_BURST];
	uint64_t now = clock_now();
	struct pusher p = { .peer = *peer };
	size_t n;
	bool may;

	bucket_init(&p.rate, burst->max,
	    i->host->limits[LIMIT_PUSH_EVERY_S].max * CLOCK_S, now);
	lock_lock(&i->mtx);
	for (n = 0; n < PUSHERS - 1; n++)
		if (p2p_peer_id_equal(&i->pushers[n].peer, peer))
			break;
	if (p2p_peer_id_equal(&i->pushers[n].peer, peer))
		p = i->pushers[n];
	memmove(&i->pushers[1], &i->pushers[0], n * sizeof(p));
	may = bucket_take(&p.rate, now);
	i->pushers[0] = p;
	lock_unlock(&i->mtx);
	if (!may)
		atomic_fetch_add(&burst->refused, 1);
	return may;
}

static void
serve_push(struct p2p_stream *s, void *arg)
{
	struct identify_seen seen = { 0 };
	struct identify *i = arg;

	stream_deadline(s, clock_deadline_ms(TIMEOUT_MS));
	if (may_push(i, p2p_stream_peer(s)) && receive(s, &seen) == 0)
		learn(i->host, s, &seen, true);
	else
		p2p_stream_reset(s);
	identify_clear(&seen);
}

/* Ask over a stream that is open; the answer is learned. */
static int
ask(struct p2p_host *h, struct p2p_stream *s, uint64_t deadline,
    struct p2p_identity **out)
{
	struct identify_seen seen = { 0 };
	int e;

	stream_deadline(s, deadline);
	if ((e = receive(s, &seen)) == 0) {
		learn(h, s, &seen, false);
		if (out != NULL) {
			*out = seen.identity;
			seen.identity = NULL;
		}
	} else {
		p2p_stream_reset(s);
	}
	identify_clear(&seen);
	return e;
}

static const char *const ask_protocols[] = { P2P_IDENTIFY_ID, NULL };
static const char *const push_protocols[] = { P2P_IDENTIFY_PUSH_ID, NULL };

int
p2p_identify(struct p2p_host *h, const struct p2p_peer_id *peer,
    unsigned timeout_ms, struct p2p_identity **out)
{
	struct dial_options o = { .deadline = clock_deadline_ms(
	    timeout_ms != 0 ? timeout_ms : TIMEOUT_MS) };
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_stream *s;
	struct conn *c;
	int e;

	if ((e = dial_target_conn(h, p2p_peer_id_text(peer, text), &o, &c,
	    NULL)) != 0)
		return e;
	conn_wait_asked(c, o.deadline);
	if ((e = conn_open(c, ask_protocols, o.deadline, &s)) == 0) {
		e = ask(h, s, o.deadline, out);
		p2p_stream_free(s);
	}
	conn_unref(c);
	return e;
}

/* A new connection: ask it. */
static void
connected(struct p2p_host *h, struct conn *c, void *arg)
{
	uint64_t deadline = clock_deadline_ms(TIMEOUT_MS);
	struct p2p_stream *s;

	(void)arg;
	if (conn_open(c, ask_protocols, deadline, &s) != 0)
		return;
	if (ask(h, s, deadline, NULL) == 0)
		events_post(h->events, P2P_EVENT_IDENTIFIED, c);
	p2p_stream_free(s);
}

static bool
speaks_push(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	char **protocols;
	bool found = false;
	size_t i;

	if (peerstore_protocols(h->peerstore, peer, &protocols) != 0)
		return false;
	for (i = 0; protocols[i] != NULL && !found; i++)
		found = strcmp(protocols[i], P2P_IDENTIFY_PUSH_ID) == 0;
	free(protocols);
	return found;
}

static int
push_all(struct identify *i, unsigned timeout_ms)
{
	struct p2p_connection *list;
	struct p2p_stream *s;
	size_t k, n;
	int e, told = 0;

	if ((e = p2p_host_connections(i->host, &list, &n)) != 0)
		return e;
	for (k = 0; k < n; k++) {
		if (!speaks_push(i->host, &list[k].peer) ||
		    p2p_host_open_on(i->host, list[k].number, push_protocols,
		    timeout_ms, &s) != 0)
			continue;
		if (send_self(i, s) == 0)
			told++;
		else
			p2p_stream_reset(s);
		p2p_stream_free(s);
	}
	p2p_host_connections_free(list, n);
	return told;
}

static void
push_job(void *arg)
{
	struct identify *i = arg;

	host_enter(i->host);
	do {
		atomic_store(&i->dirty, false);
		(void)push_all(i, TIMEOUT_MS);
		atomic_store(&i->pushing, false);
	} while (atomic_load(&i->dirty) &&
	    !atomic_exchange(&i->pushing, true));
	host_enter(NULL);
}

/* Something that we tell has changed; called in anybody's thread. */
static void
changed(struct p2p_host *h, void *arg)
{
	struct identify *i = arg;
	struct pool_job job = { .fn = push_job, .arg = i, .what = "push" };
	bool alone;

	lock_lock(&h->swarm);
	alone = TAILQ_EMPTY(&h->conns);
	lock_unlock(&h->swarm);
	atomic_store(&i->dirty, true);
	if (!alone && !atomic_exchange(&i->pushing, true) &&
	    pool_submit(h->pool, &job) != 0)
		atomic_store(&i->pushing, false);
}

static struct identify *
find(struct p2p_host *h)
{
	size_t n;

	for (n = 0; n < h->nhooks; n++)
		if (h->hooks[n].connected == connected)
			return h->hooks[n].arg;
	return NULL;
}

int
p2p_identify_push(struct p2p_host *h, unsigned timeout_ms)
{
	struct identify *i = find(h);

	if (i == NULL)
		return P2P_ERR_UNSUPPORTED;
	return push_all(i, timeout_ms != 0 ? timeout_ms : TIMEOUT_MS);
}

static void
identify_free(void *arg)
{
	struct identify *i = arg;

	lock_destroy(&i->mtx);
	free(i);
}

int
identify_attach(struct p2p_host *h)
{
	struct host_hook hook = { .connected = connected, .changed = changed,
	    .free = identify_free };
	struct identify *i;
	int e;

	if ((i = calloc(1, sizeof(*i))) == NULL)
		return -ENOMEM;
	lock_init(&i->mtx, LOCK_LEAF);
	i->host = h;
	hook.arg = i;
	if ((e = host_add_hook(h, &hook)) != 0) {
		identify_free(i);
		return e;
	}
	if ((e = p2p_host_handle(h, P2P_IDENTIFY_ID, serve, i)) != 0)
		return e;
	return p2p_host_handle(h, P2P_IDENTIFY_PUSH_ID, serve_push, i);
}
