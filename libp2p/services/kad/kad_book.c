/*
 * Who is in the table, and where they are: the table under the instance's lock,
 * addresses in the host's peer store, which keeps a table's peers pinned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"
#include "services/kad/kad_addr.h"

#define SEED_AGE	(7 * 24 * 3600 * CLOCK_S)	/* of the saved table */
#define SEEDS_MAX	1024
#define SEED_BYTES	4096

/* Those of a list that count stay; NULL when none does. */
static struct p2p_multiaddr **
filter(struct p2p_multiaddr **list, enum p2p_kad_reach reach)
{
	size_t i, n = 0;

	for (i = 0; list[i] != NULL; i++) {
		if (kad_addr_counts(list[i], reach))
			list[n++] = list[i];
		else
			p2p_multiaddr_free(list[i]);
	}
	list[n] = NULL;
	if (n > 0)
		return list;
	free(list);
	return NULL;
}

struct p2p_multiaddr **
kad_book_addresses(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr **list;

	if (peerstore_addresses(k->host->peerstore, peer, &list) != 0)
		return NULL;
	return filter(list, k->reach);
}

struct p2p_multiaddr **
kad_book_own(struct p2p_kad *k)
{
	struct p2p_multiaddr **list;

	if (p2p_host_addresses(k->host, &list) != 0)
		return NULL;
	return filter(list, k->reach);
}

bool
kad_book_heard(struct p2p_kad *k, const struct kad_contact *c, uint64_t ttl)
{
	bool counts = false;
	size_t i;

	for (i = 0; i < c->naddrs; i++)
		if (kad_addr_counts(c->addrs[i], k->reach) &&
		    peerstore_add(k->host->peerstore, &c->peer, c->addrs[i],
		    ttl) == 0)
			counts = true;
	return counts;
}

/* It stays findable for as long as it is in the table. */
static void
prolong(struct p2p_kad *k, const struct p2p_peer_id *peer,
    struct p2p_multiaddr *const *addrs)
{
	size_t i;

	for (i = 0; addrs[i] != NULL; i++)
		(void)peerstore_add(k->host->peerstore, peer, addrs[i],
		    KAD_MEMBER_TTL);
}

/*
 * Enter or renew; k->mtx is held.  True: it is new; *gone is who had to go for
 * it, or has no length.
 */
static bool
enter(struct p2p_kad *k, const struct p2p_peer_id *peer,
    struct p2p_multiaddr *const *addrs, size_t closer,
    struct p2p_peer_id *gone)
{
	uint64_t groups[KAD_GROUPS_MAX], now = clock_now();
	bool fresh = false;
	size_t n;

	lock_assert_held(&k->mtx);
	gone->len = 0;
	if (kad_table_find(k->table, peer) == NULL &&
	    (closer > 0 || kad_table_size(k->table) < KAD_K)) {
		n = kad_addr_groups(addrs, groups, KAD_GROUPS_MAX);
		fresh = kad_table_add(k->table, peer, groups, n, !k->settled,
		    now) == 0;
		if (fresh && kad_table_gave_way(k->table, gone))
			k->stats.evicted++;
		k->stats.admitted += fresh;
		k->unsaved = k->unsaved || fresh;
	}
	kad_table_answered(k->table, peer, now);
	return fresh;
}

/* Whoever is in the table has a pin in the peer store, and loses it after. */
static void
admit(struct p2p_kad *k, const struct p2p_peer_id *peer,
    struct p2p_multiaddr *const *addrs, size_t closer)
{
	struct peerstore *ps = k->host->peerstore;
	struct p2p_peer_id gone;
	bool fresh;

	if (!peerstore_pin(ps, peer))
		return;
	lock_lock(&k->mtx);
	fresh = enter(k, peer, addrs, closer, &gone);
	lock_unlock(&k->mtx);
	if (!fresh)
		peerstore_unpin(ps, peer);
	if (gone.len > 0)
		peerstore_unpin(ps, &gone);
	prolong(k, peer, addrs);
}

void
kad_book_answered(struct p2p_kad *k, const struct p2p_peer_id *peer,
    size_t closer)
{
	struct p2p_multiaddr **addrs;

	if ((addrs = kad_book_addresses(k, peer)) == NULL)
		return;
	if (kad_addr_routable(addrs, k->reach))
		admit(k, peer, addrs, closer);
	p2p_host_addresses_free(addrs);
}

/* Whether an error tells something of the peer, and not of us. */
static bool
blames(int error)
{
	switch (error) {
	case 0:
	case P2P_ERR_CLOSED:		/* by us */
	case P2P_ERR_STOPPED:
	case P2P_ERR_LIMIT:
	case P2P_ERR_REFUSED:
	case -EAGAIN:
	case -EMFILE:
	case -ENFILE:
	case -ENETDOWN:
	case -ENETUNREACH:		/* we are offline */
	case -ENOBUFS:
	case -ENOMEM:
		return false;
	default:
		return true;
	}
}

/* Whether it has answered since the last refresh; k->mtx is held. */
static bool
answered_lately(const struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	const struct kad_entry *en = kad_table_find(k->table, peer);

	return en != NULL && en->answered != 0 &&
	    clock_now() - en->answered < KAD_REFRESH_EVERY;
}

void
kad_book_failed(struct p2p_kad *k, const struct p2p_peer_id *peer, int error)
{
	bool gone = false;

	if (!blames(error))
		return;
	lock_lock(&k->mtx);
	if (error != P2P_ERR_RESET || !answered_lately(k, peer))
		gone = kad_table_remove(k->table, peer) == 0;
	k->stats.evicted += gone;
	k->unsaved = k->unsaved || gone;
	if (gone)
		cond_broadcast(&k->changed);
	lock_unlock(&k->mtx);
	if (gone)
		peerstore_unpin(k->host->peerstore, peer);
}

/* Whether identify says that it serves this; -1: it was not asked yet. */
static int
serves(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	char **list;
	int found = 0;
	size_t i;

	if (peerstore_protocols(k->host->peerstore, peer, &list) != 0)
		return -1;
	for (i = 0; list[i] != NULL && !found; i++)
		found = strcmp(list[i], k->protocol) == 0;
	free(list);
	return found;
}

static bool
is_candidate(const struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	const struct kad_candidate *c;

	TAILQ_FOREACH(c, &k->candidates, link)
		if (p2p_peer_id_equal(&c->peer, peer))
			return true;
	return false;
}

/* To be probed, unless it is known already; too many: not now. */
static void
consider(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct kad_candidate *c;

	if ((c = malloc(sizeof(*c))) == NULL)
		return;
	c->peer = *peer;
	lock_lock(&k->mtx);
	if (kad_table_find(k->table, peer) == NULL &&
	    k->ncandidates < KAD_CANDIDATES_MAX && !is_candidate(k, peer)) {
		TAILQ_INSERT_TAIL(&k->candidates, c, link);
		k->ncandidates++;
		cond_broadcast(&k->changed);
		c = NULL;
	}
	lock_unlock(&k->mtx);
	free(c);
}

void
kad_book_learned(void *arg, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr **addrs;
	struct p2p_kad *k = arg;
	int server = serves(k, peer);

	lock_lock(&k->mtx);
	cond_broadcast(&k->changed);	/* somebody could reach us, perhaps */
	kad_table_tell_anew(k->table, peer);
	lock_unlock(&k->mtx);
	if (server == 0)
		kad_book_failed(k, peer, P2P_ERR_NO_PROTOCOL);
	if (server != 1 || (addrs = kad_book_addresses(k, peer)) == NULL)
		return;
	if (kad_addr_routable(addrs, k->reach))
		consider(k, peer);
	p2p_host_addresses_free(addrs);
}

bool
kad_book_values(void *arg, const struct p2p_peer_id *peer)
{
	struct p2p_kad *k = arg;
	bool in;

	lock_lock(&k->mtx);
	in = kad_table_find(k->table, peer) != NULL;
	lock_unlock(&k->mtx);
	return in;
}

static int
save_peer(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct p2p_store_entry en = { .key = peer->bytes,
	    .key_len = peer->len, .expires = clock_wall_ns() + SEED_AGE };
	struct p2p_multiaddr **addrs;
	uint8_t value[SEED_BYTES];
	struct wr w;
	size_t n;
	int e;

	if ((addrs = kad_book_addresses(k, peer)) == NULL)
		return 0;
	for (n = 0; addrs[n] != NULL; n++)
		;
	wr_init(&w, value, sizeof(value));
	kad_store_put_addrs(&w, addrs, n);
	en.value = value;
	en.len = w.len;
	e = p2p_store_put(k->store.store, k->seeds, &en);
	p2p_host_addresses_free(addrs);
	return e;
}

/*
 * Up to the first error.  When only the space is full, of peers of the last
 * days, those that are in it are renewed all the same: P2P_ERR_LIMIT.
 */
static int
save_table(struct p2p_kad *k)
{
	struct p2p_peer_id *list;
	bool full = false;
	size_t i, n;
	int e;

	if ((e = p2p_kad_peers(k, &list, &n)) != 0)
		return e;
	for (i = 0; i < n && e == 0; i++)
		if ((e = save_peer(k, &list[i])) == P2P_ERR_LIMIT) {
			full = true;
			e = 0;
		}
	free(list);
	return e == 0 && full ? P2P_ERR_LIMIT : e;
}

void
kad_book_save(struct p2p_kad *k)
{
	bool due;
	int e;

	lock_lock(&k->mtx);
	due = k->unsaved;
	k->unsaved = false;
	lock_unlock(&k->mtx);
	if (!due || (e = save_table(k)) == 0)
		return;
	log_line(&k->host->log, P2P_LOG_WARN, "kad",
	    "the table could not be saved: %s", p2p_strerror(e));
	if (e == P2P_ERR_LIMIT)
		return;			/* room comes with days, not rounds */
	lock_lock(&k->mtx);
	k->unsaved = true;
	lock_unlock(&k->mtx);
}

void
kad_book_load(struct p2p_kad *k)
{
	struct kad_contact c = { .naddrs = 0 };
	struct p2p_store_entry *list;
	struct rd r;
	size_t i, n;

	if (p2p_store_list(k->store.store, k->seeds, NULL, 0, NULL, 0,
	    SEEDS_MAX, &list, &n) != 0)
		return;
	for (i = 0; i < n; i++) {
		r = (struct rd){ list[i].value, list[i].len };
		if (p2p_peer_id_decode(list[i].key, list[i].key_len,
		    &c.peer) == 0 && kad_store_get_addrs(&r, &c) == 0 &&
		    kad_book_heard(k, &c, KAD_MEMBER_TTL))
			consider(k, &c.peer);
		kad_contact_clear(&c);
	}
	free(list);
}
