/*
 * The public calls that only look: closest peers, a peer, providers; and the
 * look-ups that fill the table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/rand.h"
#include "host/conn.h"
#include "host/peerstore.h"
#include "multiformats/cid.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"
#include "services/kad/kad_addr.h"
#include "services/kad/kad_refresh.h"

#define CID_BYTES	256	/* more than one with a hash that counts has */
#define PROVIDER_TTL	(24 * 3600 * CLOCK_S)

static void
lookup_init(struct kad_lookup *l, struct kad_call *c, enum kad_type type,
    struct rd key)
{
	*l = (struct kad_lookup){ .k = c->k, .target = key, .o = &c->o,
	    .say = { .type = type, .key = key }, .deadline = c->deadline,
	    .result = c->result };
}

int
kad_find_closest(struct kad_call *c, struct rd target, struct kad_lookup *l)
{
	lookup_init(l, c, KAD_FIND_NODE, target);
	l->follow_up = true;
	return kad_lookup_run(l);
}

int
p2p_kad_closest(struct p2p_kad *k, const void *key, size_t len,
    const struct p2p_kad_options *o, struct p2p_peer_id *out, size_t *n,
    struct p2p_kad_result *result)
{
	struct kad_lookup l;
	struct kad_call c;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) != 0)
		return e;
	if (len == 0 || len > P2P_RECORD_KEY_MAX)
		return kad_call_end(&c, P2P_ERR_FORMAT);
	e = kad_find_closest(&c, (struct rd){ key, len }, &l);
	if (e == 0 && l.nclosest == 0)
		e = P2P_ERR_UNREACHABLE;
	if (e == 0) {
		memcpy(out, l.closest, l.nclosest * sizeof(*out));
		*n = l.nclosest;
		c.result->found = (unsigned)l.nclosest;
	}
	return kad_call_end(&c, e);
}

int
p2p_kad_multihash(const char *text, uint8_t *out, size_t *len)
{
	uint8_t bytes[CID_BYTES];
	struct cid cid;
	struct wr store;
	int e;

	wr_init(&store, bytes, sizeof(bytes));
	if ((e = cid_parse((struct rd){ (const uint8_t *)text,
	    strlen(text) }, &store, &cid)) != 0)
		return e == P2P_ERR_SHORT ? P2P_ERR_FORMAT : e;
	if (cid.hash.len > P2P_KAD_MULTIHASH_MAX)
		return P2P_ERR_TOO_LARGE;
	memcpy(out, cid.hash.p, cid.hash.len);
	*len = cid.hash.len;
	return 0;
}

/* What a look-up for a peer wants to know. */
struct finding {
	const struct p2p_peer_id *peer;
	bool			 found;
};

static void
tell_found(struct kad_lookup *l, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr **addrs = kad_book_addresses(l->k, peer);
	struct p2p_multiaddr *none = NULL;
	struct p2p_kad_event ev = { .kind = P2P_KAD_FOUND, .peer = *peer,
	    .addresses = addrs != NULL ? addrs : &none };

	if (!kad_tell(l->o, &ev))
		l->error = P2P_ERR_CLOSED;
	p2p_host_addresses_free(addrs);
}

/* O-6: somebody names it with addresses, or it answers itself. */
static bool
peer_answered(struct kad_lookup *l, const struct p2p_peer_id *from,
    struct kad_msg *m)
{
	struct finding *f = l->arg;
	struct kad_contact *c = NULL;
	size_t i;

	f->found = p2p_peer_id_equal(from, f->peer);
	for (i = 0; i < l->nheard && c == NULL; i++)
		if (p2p_peer_id_equal(&l->heard[i].peer, f->peer))
			c = &l->heard[i];
	(void)m;
	if (c != NULL && kad_book_heard(l->k, c, KAD_HEARD_TTL))
		f->found = true;
	return !f->found;
}

/*
 * Whether we need not ask: we are connected, and know where it is, if only
 * because we went there.
 */
static bool
is_here(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct conn *c = swarm_find(k->host, peer);
	struct p2p_multiaddr **addrs;
	bool here = false;

	if (c == NULL)
		return false;
	if (c->outbound)
		(void)peerstore_add(k->host->peerstore, peer, conn_remote(c),
		    KAD_HEARD_TTL);
	conn_unref(c);
	if (peerstore_addresses(k->host->peerstore, peer, &addrs) == 0) {
		here = true;
		p2p_host_addresses_free(addrs);
	}
	return here;
}

int
p2p_kad_find_peer(struct p2p_kad *k, const struct p2p_peer_id *peer,
    const struct p2p_kad_options *o, struct p2p_multiaddr ***addresses,
    struct p2p_kad_result *result)
{
	struct finding f = { .peer = peer };
	struct kad_lookup l;
	struct kad_call c;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) != 0)
		return e;
	if (p2p_peer_id_equal(peer, &k->host->id))
		return kad_call_end(&c, P2P_ERR_SELF);
	lookup_init(&l, &c, KAD_FIND_NODE,
	    (struct rd){ peer->bytes, peer->len });
	l.answered = peer_answered;
	l.arg = &f;
	f.found = is_here(k, peer);
	if (!f.found)
		e = kad_lookup_run(&l);
	if (f.found) {
		e = 0;
		tell_found(&l, peer);
	}
	if (e == 0)
		e = f.found ? peerstore_addresses(k->host->peerstore, peer,
		    addresses) : P2P_ERR_NOT_FOUND;
	c.result->found = e == 0;
	return kad_call_end(&c, e);
}

/* Providers that were told already. */
struct providers {
	struct p2p_peer_id	*list;
	size_t			 n, cap;
};

static bool
is_told(const struct providers *p, const struct p2p_peer_id *peer)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p2p_peer_id_equal(&p->list[i], peer))
			return true;
	return false;
}

/* One that somebody named; false: that is enough. */
static bool
provider(struct kad_lookup *l, const struct kad_contact *c)
{
	struct providers *p = l->arg;
	struct p2p_peer_id *list;
	size_t cap = p->cap > 0 ? 2 * p->cap : 32;

	if (is_told(p, &c->peer))
		return true;
	if (p->n == p->cap) {
		list = realloc(p->list, cap * sizeof(*list));
		if (list == NULL) {
			l->error = -ENOMEM;
			return false;
		}
		p->list = list;
		p->cap = cap;
	}
	p->list[p->n++] = c->peer;
	l->result->found++;
	(void)kad_book_heard(l->k, c, PROVIDER_TTL);
	tell_found(l, &c->peer);
	return l->error == 0 && (l->o->want == 0 || p->n < l->o->want);
}

static bool
providers_answered(struct kad_lookup *l, const struct p2p_peer_id *from,
    struct kad_msg *m)
{
	size_t i;

	(void)from;
	for (i = 0; i < m->nproviders; i++)
		if (!provider(l, &m->providers[i]))
			return false;
	return true;
}

/* O-5: those that we keep ourselves come first; false: that is enough. */
static int
own_providers(struct kad_lookup *l, struct rd key, bool *enough)
{
	struct kad_contact *list;
	size_t i, n;
	int e;

	if ((e = kad_store_providers(&l->k->store, key, KAD_STORE_LISTED,
	    clock_wall_ns(), &list, &n)) != 0)
		return e;
	for (i = 0; i < n && !*enough; i++)
		*enough = !provider(l, &list[i]);
	kad_contacts_free(list, n);
	return l->error;
}

int
p2p_kad_find_providers(struct p2p_kad *k, const void *multihash, size_t len,
    const struct p2p_kad_options *o, struct p2p_kad_result *result)
{
	struct providers p = { .n = 0 };
	struct rd key = { multihash, len };
	struct kad_lookup l;
	struct kad_call c;
	bool enough = false;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) != 0)
		return e;
	if (len == 0 || len > KAD_PROVIDER_KEY_MAX)
		return kad_call_end(&c, P2P_ERR_FORMAT);
	lookup_init(&l, &c, KAD_GET_PROVIDERS, key);
	l.follow_up = true;		/* all of the nearest may know some */
	l.answered = providers_answered;
	l.arg = &p;
	if ((e = own_providers(&l, key, &enough)) == 0 && !enough)
		e = kad_lookup_run(&l);
	if (p.n > 0 && (e == 0 || e == P2P_ERR_NOT_FOUND))
		e = 0;
	else if (e == 0)
		e = P2P_ERR_NOT_FOUND;
	free(p.list);
	return kad_call_end(&c, e);
}

/* One bucket; which is looked up from now on, whatever comes of it. */
static int
refresh_bucket(struct kad_call *c, unsigned cpl)
{
	uint8_t seed[KAD_KEY_SIZE], id[KAD_REFRESH_ID_SIZE];
	struct kad_lookup l;
	int e;

	if ((e = rand_bytes(seed, sizeof(seed))) != 0 ||
	    (e = kad_refresh_id(kad_table_key(c->k->table), cpl, seed, id)) !=
	    0)
		return e;
	e = kad_find_closest(c, (struct rd){ id, sizeof(id) }, &l);
	lock_lock(&c->k->mtx);
	kad_table_set_refreshed(c->k->table, cpl, clock_now());
	lock_unlock(&c->k->mtx);
	return e == P2P_ERR_NOT_FOUND ? 0 : e;
}

int
kad_refresh(struct kad_call *c, uint64_t age)
{
	const struct p2p_peer_id *self = &c->k->host->id;
	struct kad_lookup l;
	int e, cpl = -1;

	e = kad_find_closest(c, (struct rd){ self->bytes, self->len }, &l);
	while (e == 0) {
		lock_lock(&c->k->mtx);
		cpl = kad_refresh_next(c->k->table, (unsigned)(cpl + 1),
		    clock_now(), age);
		lock_unlock(&c->k->mtx);
		if (cpl < 0)
			return 0;
		e = refresh_bucket(c, (unsigned)cpl);
	}
	return e;
}

/* A target into a peer, whose address the peer store then has. */
static int
read_target(struct p2p_kad *k, const char *text, struct p2p_peer_id *out)
{
	struct p2p_multiaddr *ma;
	int e;

	if (text[0] != '/')
		return p2p_peer_id_parse(text, out);
	if ((e = p2p_multiaddr_parse(text, &ma)) != 0)
		return e;
	if ((e = p2p_multiaddr_peer(ma, out)) == 0)
		e = peerstore_add(k->host->peerstore, out, ma,
		    KAD_MEMBER_TTL);
	p2p_multiaddr_free(ma);
	return e;
}

void
kad_free_targets(char **list, size_t n)
{
	while (n > 0)
		free(list[--n]);
	free(list);
}

/* They are asked again when the table runs dry. */
static int
keep_targets(struct p2p_kad *k, const char *const *targets, size_t n)
{
	char **list, **old;
	size_t i, nold;

	if ((list = calloc(n + 1, sizeof(*list))) == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if ((list[i] = strdup(targets[i])) == NULL) {
			kad_free_targets(list, i);
			return -ENOMEM;
		}
	}
	lock_lock(&k->mtx);
	old = k->targets;
	nold = k->ntargets;
	k->targets = list;
	k->ntargets = n;
	lock_unlock(&k->mtx);
	kad_free_targets(old, nold);
	return 0;
}

/*
 * Ourselves, by them and whomever they know; the rest of the table is for the
 * housekeeper.
 */
static int
bootstrap(struct kad_call *c, const struct p2p_peer_id *peers, size_t n)
{
	const struct p2p_peer_id *self = &c->k->host->id;
	struct kad_lookup l;
	int e;

	lookup_init(&l, c, KAD_FIND_NODE,
	    (struct rd){ self->bytes, self->len });
	l.follow_up = true;
	l.seeds = peers;
	l.nseeds = n;
	if ((e = kad_lookup_run(&l)) != 0)
		return e == P2P_ERR_NOT_FOUND ? P2P_ERR_UNREACHABLE : e;
	if (l.nclosest == 0)
		return P2P_ERR_UNREACHABLE;
	c->result->found = (unsigned)l.nclosest;
	lock_lock(&c->k->mtx);
	if (kad_table_size(c->k->table) == 0)
		e = P2P_ERR_NOT_FOUND;
	c->k->refresh_now = true;
	cond_broadcast(&c->k->changed);
	lock_unlock(&c->k->mtx);
	return e;
}

int
p2p_kad_bootstrap(struct p2p_kad *k, const char *const *targets, size_t n,
    const struct p2p_kad_options *o, struct p2p_kad_result *result)
{
	struct p2p_peer_id *peers;
	struct kad_call c;
	size_t i;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) != 0)
		return e;
	if ((peers = calloc(n + 1, sizeof(*peers))) == NULL)
		return kad_call_end(&c, -ENOMEM);
	for (i = 0; i < n && e == 0; i++)
		e = read_target(k, targets[i], &peers[i]);
	if (e == 0 && (e = keep_targets(k, targets, n)) == 0)
		e = bootstrap(&c, peers, n);
	free(peers);
	return kad_call_end(&c, e);
}
