/*
 * What each request gets: spec digest services.md 1.4, with go's handlers as
 * the reference.  Anything odd resets the stream, and changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"
#include "services/kad/kad_addr.h"

#define PK_PREFIX	"/pk/"

/* Peers to tell of; each has its addresses in a list of its own. */
struct telling {
	struct kad_tell	 list[KAD_PEERS_MAX];
	struct p2p_multiaddr **owned[KAD_PEERS_MAX];
	size_t		 n;
};

static void
telling_clear(struct telling *t)
{
	while (t->n > 0)
		p2p_host_addresses_free(t->owned[--t->n]);
}

/* One more, if it has addresses; takes them. */
static void
tell(struct telling *t, const struct p2p_peer_id *peer,
    struct p2p_multiaddr **addrs)
{
	struct kad_tell *one = &t->list[t->n];

	if (addrs == NULL || t->n == KAD_PEERS_MAX) {
		p2p_host_addresses_free(addrs);
		return;
	}
	t->owned[t->n++] = addrs;
	one->peer = *peer;
	one->addrs = addrs;
	for (one->naddrs = 0; addrs[one->naddrs] != NULL; one->naddrs++)
		;
}

/* The nearest of the table to a key, but not who asks. */
static int
tell_nearest(struct p2p_kad *k, const struct p2p_peer_id *from, struct rd key,
    struct telling *t)
{
	struct p2p_peer_id near[KAD_PEERS_MAX];
	struct kad_key target;
	size_t i, n;
	int e;

	if ((e = kad_key_of(key.p, key.len, &target)) != 0)
		return e;
	lock_lock(&k->mtx);
	n = kad_table_nearest(k->table, &target, from, near, KAD_PEERS_MAX);
	lock_unlock(&k->mtx);
	for (i = 0; i < n; i++)
		if (t->n == 0 || !p2p_peer_id_equal(&near[i],
		    &t->list[0].peer))
			tell(t, &near[i], kad_book_addresses(k, &near[i]));
	return 0;
}

/*
 * Put an answer with the nearest of the table behind the closer peers that it
 * has, but not who asks: as they are kept, or one by one when that is too much.
 */
static int
put_nearest(struct p2p_kad *k, const struct p2p_peer_id *from, struct rd key,
    struct kad_say *say, struct telling *closer, struct wr *w)
{
	const struct p2p_peer_id *first = closer->n > 0 ?
	    &closer->list[0].peer : NULL;
	uint8_t told[KAD_MSG_SEND_MAX];
	struct wr near;
	int e;

	wr_init(&near, told, sizeof(told));
	if ((e = kad_told_nearest(k, key, from, first, KAD_PEERS_MAX -
	    closer->n, &near)) != 0)
		return e;
	say->closer = closer->list;
	say->ncloser = closer->n;
	say->told = (struct rd){ told, near.len };
	if (!near.full && (e = kad_msg_put(say, w)) != P2P_ERR_TOO_LARGE)
		return e;
	say->told.len = 0;
	if ((e = tell_nearest(k, from, key, closer)) != 0)
		return e;
	say->ncloser = closer->n;
	return kad_msg_put(say, w);
}

/* S-6: a key that is the id of somebody we know of, whoever that is. */
static void
tell_target(struct p2p_kad *k, struct rd key, struct telling *t)
{
	struct p2p_peer_id id;

	if (p2p_peer_id_decode(key.p, key.len, &id) != 0)
		return;
	if (p2p_peer_id_equal(&id, &k->host->id))
		tell(t, &id, kad_book_own(k));
	else
		tell(t, &id, kad_book_addresses(k, &id));
}

static int
find_node(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_FIND_NODE };
	struct telling t = { .n = 0 };
	int e;

	if (m->key.len == 0)
		return P2P_ERR_PROTOCOL;
	tell_target(k, m->key, &t);
	e = put_nearest(k, from, m->key, &say, &t, w);
	telling_clear(&t);
	return e;
}

/* S-15: the key of a peer that we know, as a record of now. */
static struct kad_stored *
known_key(struct p2p_kad *k, struct rd key, uint64_t now)
{
	size_t len, prefix = strlen(PK_PREFIX);
	struct kad_stored *s = NULL;
	struct p2p_key *pk = NULL;
	struct p2p_peer_id id;
	const uint8_t *bytes;

	if (key.len <= prefix || memcmp(key.p, PK_PREFIX, prefix) != 0 ||
	    p2p_peer_id_decode(key.p + prefix, key.len - prefix, &id) != 0)
		return NULL;
	if (p2p_peer_id_equal(&id, &k->host->id)) {
		if (p2p_key_dup(k->host->key, &pk) != 0)
			return NULL;
	} else if (p2p_peer_id_key(&id, &pk) != 0 &&
	    peerstore_key(k->host->peerstore, &id, &pk) != 0) {
		return NULL;
	}
	bytes = p2p_key_public(pk, &len);
	if ((s = malloc(sizeof(*s) + len)) != NULL) {
		memcpy(s + 1, bytes, len);
		s->record = (struct p2p_record){ key.p, key.len,
		    (const uint8_t *)(s + 1), len };
		s->received = now;
	}
	p2p_key_free(pk);
	return s;
}

static int
get_value(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_GET_VALUE, .key = m->key };
	uint64_t now = clock_wall_ns();
	struct telling t = { .n = 0 };
	struct kad_stored *s = NULL;
	uint8_t time[RFC3339_LEN + 1];	/* printf's zero */
	struct kad_record r;
	struct wr text;
	int e;

	if (m->key.len == 0)
		return P2P_ERR_PROTOCOL;
	e = kad_store_get(&k->store, m->key.p, m->key.len, now, &s);
	if (e == P2P_ERR_NOT_FOUND)
		s = known_key(k, m->key, now);
	else if (e != 0)
		return e;
	if (s != NULL) {
		wr_init(&text, time, sizeof(time));
		rfc3339_put(&text, s->received);
		r = (struct kad_record){ .key = m->key,
		    .value = { s->record.value, s->record.len },
		    .time = { time, text.len } };
		say.record = &r;
	}
	e = put_nearest(k, from, m->key, &say, &t, w);
	telling_clear(&t);
	free(s);
	return e;
}

static int
put_value(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_PUT_VALUE, .key = m->key };
	struct kad_record r = { .key = m->key, .value = m->record.value };
	struct p2p_record record = { m->key.p, m->key.len, r.value.p,
	    r.value.len };
	int e;

	if (m->key.len == 0 || !m->has_record ||
	    !rd_equal(&m->record.key, m->key.p, m->key.len))
		return P2P_ERR_PROTOCOL;
	if ((e = kad_store_put(&k->store, &record, from, clock_wall_ns())) !=
	    0)
		return e;
	say.record = &r;
	return kad_msg_put(&say, w);
}

/* S-18: of us there are the addresses of now. */
static void
tell_provider(struct p2p_kad *k, struct kad_contact *c, struct telling *t)
{
	struct p2p_multiaddr **addrs;

	if (p2p_peer_id_equal(&c->peer, &k->host->id)) {
		tell(t, &c->peer, kad_book_own(k));
		return;
	}
	if (c->naddrs > 0) {
		addrs = c->addrs;	/* ends in NULL, see kad_store */
		c->addrs = NULL;
		c->naddrs = 0;
	} else {
		addrs = kad_book_addresses(k, &c->peer);
	}
	tell(t, &c->peer, addrs);
}

static int
get_providers(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_GET_PROVIDERS, .key = m->key };
	struct telling providers = { .n = 0 }, closer = { .n = 0 };
	struct kad_contact *list;
	size_t i, n;
	int e;

	if (m->key.len == 0 || m->key.len > KAD_PROVIDER_KEY_MAX)
		return P2P_ERR_PROTOCOL;
	if ((e = kad_store_providers(&k->store, m->key, KAD_PEERS_MAX,
	    clock_wall_ns(), &list, &n)) != 0)
		return e;
	for (i = 0; i < n; i++)
		tell_provider(k, &list[i], &providers);
	kad_contacts_free(list, n);
	say.providers = providers.list;
	say.nproviders = providers.n;
	e = put_nearest(k, from, m->key, &say, &closer, w);
	telling_clear(&closer);
	telling_clear(&providers);
	return e;
}

/* Those of its addresses that count come first, and are so many. */
static size_t
countable(struct p2p_kad *k, struct kad_contact *c)
{
	struct p2p_multiaddr *t;
	size_t i, n = 0;

	for (i = 0; i < c->naddrs; i++) {
		if (!kad_addr_counts(c->addrs[i], k->reach))
			continue;
		t = c->addrs[n];
		c->addrs[n++] = c->addrs[i];
		c->addrs[i] = t;
	}
	return n;
}

/* S-17: of the sender alone. */
static int
add_provider(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_ADD_PROVIDER, .key = m->key };
	struct kad_contact *c;
	size_t i;
	int e = P2P_ERR_PROTOCOL;

	if (m->key.len == 0 || m->key.len > KAD_PROVIDER_KEY_MAX)
		return P2P_ERR_PROTOCOL;
	for (i = 0; i < m->nproviders && e == P2P_ERR_PROTOCOL; i++) {
		c = &m->providers[i];
		if (p2p_peer_id_equal(&c->peer, from) && c->naddrs > 0)
			e = kad_store_provide(&k->store, m->key, from,
			    c->addrs, countable(k, c), clock_wall_ns());
	}
	if (e != 0 || !(k->reply == P2P_KAD_REPLY_ALWAYS ||
	    (k->reply == P2P_KAD_REPLY_AUTO && m->wants_reply)))
		return e;
	return kad_msg_put(&say, w);
}

/* V47: without whatever else was in it. */
static int
ping(const struct kad_msg *m, struct wr *w)
{
	struct kad_say say = { .type = KAD_PING };

	(void)m;
	return kad_msg_put(&say, w);
}

static int
answer(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	switch (m->type) {
	case KAD_PUT_VALUE:
		return put_value(k, from, m, w);
	case KAD_GET_VALUE:
		return get_value(k, from, m, w);
	case KAD_ADD_PROVIDER:
		return add_provider(k, from, m, w);
	case KAD_GET_PROVIDERS:
		return get_providers(k, from, m, w);
	case KAD_FIND_NODE:
		return find_node(k, from, m, w);
	case KAD_PING:
		return ping(m, w);
	}
	return P2P_ERR_PROTOCOL;
}

int
kad_answer(struct p2p_kad *k, const struct p2p_peer_id *from,
    const struct kad_msg *m, struct wr *w)
{
	int e = atomic_load(&k->closed) ? P2P_ERR_CLOSED :
	    answer(k, from, m, w);

	lock_lock(&k->mtx);
	if (e == 0)
		k->stats.served++;
	else
		k->stats.refused++;
	lock_unlock(&k->mtx);
	return e;
}
