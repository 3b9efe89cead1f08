/*
 * The peer store: a hash of peers, each with small lists.
 *
 * The hash is keyed with a random seed, because peers choose their ids.  When
 * the cap is reached, the oldest peer that is not connected goes.
 */
#include "host/peerstore.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "crypto/hash.h"
#include "crypto/rand.h"
#include "host/host.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"

#define HASH_FUNCTION(key, len, out) ((out) = hash_keyed((key), (len)))
#include "base/table.h"

#define NAME_MAX_LEN	64
#define BACKOFF_MIN_S	5		/* go: 5 s + n^2 s, at most 5 min */
#define BACKOFF_MAX_S	300

/* There are many: bytes alone, an address with text takes thrice as much. */
struct addr {
	STAILQ_ENTRY(addr) link;
	uint64_t	 expires;
	uint64_t	 retry;		/* left alone until then */
	unsigned	 failures;	/* dials in a row */
	bool		 certified;
	uint16_t	 len;
	uint8_t		 bytes[];	/* without the peer's /p2p */
};

_Static_assert(P2P_MULTIADDR_MAX <= UINT16_MAX, "an address has its length");

/* An address that lives, copied; bytes are in the same block. */
struct live {
	uint64_t	 expires;
	struct rd	 bytes;
};

struct meta {
	TAILQ_ENTRY(meta) link;
	char		 name[NAME_MAX_LEN];
	size_t		 len;
	uint8_t		 value[];
};

struct peer {
	UT_hash_handle	 hh;
	struct p2p_peer_id id;
	struct peerstore *store;
	STAILQ_HEAD(, addr) addrs;
	size_t		 naddrs;
	char		**protocols;	/* one block, or NULL */
	struct p2p_key	*key;
	TAILQ_HEAD(, meta) metas;
	size_t		 metabytes;
	uint64_t	 seq;		/* of the last certified record */
	unsigned	 pins;		/* connections, tables of a DHT */
	bool		 changed;	/* its addresses, since it was saved */
};

struct peerstore {
	struct lock	 mtx;		/* LOCK_STORE: all below */
	struct peer	*peers;		/* oldest first */
	struct peerstore_caps caps;
};

int
peerstore_new(const struct peerstore_caps *caps, struct peerstore **out)
{
	struct peerstore *ps;

	if ((ps = calloc(1, sizeof(*ps))) == NULL)
		return -ENOMEM;
	lock_init(&ps->mtx, LOCK_STORE);
	ps->caps = *caps;
	*out = ps;
	return 0;
}

/* Only told: the caps themselves are kept here, under the lock. */
static void
count(struct limit *told, int n)
{
	if (told != NULL)
		atomic_fetch_add(&told->used, (uint64_t)(int64_t)n);
}

static int
refuse(struct limit *told)
{
	if (told != NULL)
		atomic_fetch_add(&told->refused, 1);
	return P2P_ERR_LIMIT;
}

static void
drop_addr(struct peer *p, struct addr *a)
{
	STAILQ_REMOVE(&p->addrs, a, addr, link);
	p->naddrs--;
	count(p->store->caps.addrs_told, -1);
	free(a);
}

/* What a value takes of its peer's bytes. */
static size_t
meta_size(const char *name, size_t len)
{
	return strlen(name) + len;
}

static void
drop_meta(struct peer *p, struct meta *m)
{
	TAILQ_REMOVE(&p->metas, m, link);
	p->metabytes -= meta_size(m->name, m->len);
	free(m);
}

/* Everything that was known of a peer. */
static void
empty(struct peer *p)
{
	while (!STAILQ_EMPTY(&p->addrs))
		drop_addr(p, STAILQ_FIRST(&p->addrs));
	while (!TAILQ_EMPTY(&p->metas))
		drop_meta(p, TAILQ_FIRST(&p->metas));
	p2p_key_free(p->key);
	free(p->protocols);
	p->key = NULL;
	p->protocols = NULL;
}

static void
drop_peer(struct peerstore *ps, struct peer *p)
{
	HASH_DEL(ps->peers, p);
	empty(p);
	free(p);
	count(ps->caps.peers_told, -1);
}

void
peerstore_free(struct peerstore *ps)
{
	if (ps == NULL)
		return;
	while (ps->peers != NULL)
		drop_peer(ps, ps->peers);
	lock_destroy(&ps->mtx);
	free(ps);
}

static struct peer *
find(struct peerstore *ps, const struct p2p_peer_id *id)
{
	struct peer *p;

	lock_assert_held(&ps->mtx);
	HASH_FIND(hh, ps->peers, id, sizeof(*id), p);
	return p;
}

/* The oldest peer without a connection makes room; false: there is none. */
static bool
evict(struct peerstore *ps)
{
	struct peer *p, *next;

	HASH_ITER(hh, ps->peers, p, next) {
		if (p->pins == 0) {
			drop_peer(ps, p);
			return true;
		}
	}
	return false;
}

static int
find_or_add(struct peerstore *ps, const struct p2p_peer_id *id,
    struct peer **out)
{
	struct peer *p;

	if ((*out = find(ps, id)) != NULL)
		return 0;
	if (HASH_COUNT(ps->peers) >= ps->caps.peers && !evict(ps))
		return refuse(ps->caps.peers_told);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	p->id = *id;
	p->store = ps;
	STAILQ_INIT(&p->addrs);
	TAILQ_INIT(&p->metas);
	HASH_ADD(hh, ps->peers, id, sizeof(p->id), p);
	if (!TABLE_ADDED(p)) {
		free(p);
		return -ENOMEM;
	}
	count(ps->caps.peers_told, 1);
	*out = p;
	return 0;
}

static struct addr *
find_addr(const struct peer *p, const struct p2p_multiaddr *ma)
{
	const uint8_t *bytes;
	struct addr *a;
	size_t len;

	bytes = p2p_multiaddr_bytes(ma, &len);
	STAILQ_FOREACH(a, &p->addrs, link)
		if (a->len == len && memcmp(a->bytes, bytes, len) == 0)
			break;
	return a;
}

/* What nobody has signed, and ends first, makes room for what the peer did. */
static bool
make_room(struct peer *p)
{
	struct addr *a, *worst = NULL;

	STAILQ_FOREACH(a, &p->addrs, link)
		if (!a->certified &&
		    (worst == NULL || a->expires < worst->expires))
			worst = a;
	if (worst != NULL)
		drop_addr(p, worst);
	return worst != NULL;
}

static int
add_addr(struct peerstore *ps, struct peer *p, const struct p2p_multiaddr *ma,
    uint64_t expires, bool certified)
{
	const uint8_t *bytes;
	struct addr *a;
	size_t len;

	if ((a = find_addr(p, ma)) != NULL) {
		p->changed = p->changed || a->expires < expires;
		if (a->expires < expires)
			a->expires = expires;
		a->certified = a->certified || certified;
		return 0;
	}
	if (p->naddrs >= ps->caps.addrs && !(certified && make_room(p)))
		return refuse(ps->caps.addrs_told);
	bytes = p2p_multiaddr_bytes(ma, &len);
	if ((a = calloc(1, sizeof(*a) + len)) == NULL)
		return -ENOMEM;
	a->len = (uint16_t)len;
	memcpy(a->bytes, bytes, len);
	a->expires = expires;
	a->certified = certified;
	STAILQ_INSERT_TAIL(&p->addrs, a, link);
	p->naddrs++;
	p->changed = true;
	count(ps->caps.addrs_told, 1);
	return 0;
}

/* A copy without the peer's own /p2p; another peer's is refused. */
static int
own_address(const struct p2p_peer_id *peer, const struct p2p_multiaddr *ma,
    struct p2p_multiaddr **out)
{
	struct p2p_peer_id named;

	if (p2p_multiaddr_peer(ma, &named) == 0 &&
	    !p2p_peer_id_equal(&named, peer))
		return P2P_ERR_WRONG_PEER;
	return p2p_multiaddr_without_peer(ma, out);
}

int
peerstore_add(struct peerstore *ps, const struct p2p_peer_id *peer,
    const struct p2p_multiaddr *ma, uint64_t ttl_ns)
{
	struct p2p_multiaddr *copy;
	struct peer *p;
	int e;

	if ((e = own_address(peer, ma, &copy)) != 0)
		return e;
	lock_lock(&ps->mtx);
	if ((e = find_or_add(ps, peer, &p)) == 0)
		e = add_addr(ps, p, copy, clock_after(clock_now(), ttl_ns),
		    false);
	lock_unlock(&ps->mtx);
	p2p_multiaddr_free(copy);
	return e;
}

/* Whether addresses of a certified record still count. */
static bool
has_certified(const struct peer *p, uint64_t now)
{
	const struct addr *a;

	STAILQ_FOREACH(a, &p->addrs, link)
		if (a->certified && a->expires > now)
			return true;
	return false;
}

static void
drop_certified(struct peer *p)
{
	struct addr *a, *next;

	for (a = STAILQ_FIRST(&p->addrs); a != NULL; a = next) {
		next = STAILQ_NEXT(a, link);
		if (a->certified)
			drop_addr(p, a);
	}
}

int
peerstore_certify(struct peerstore *ps, const struct p2p_peer_id *peer,
    uint64_t seq, struct p2p_multiaddr *const *addrs, size_t n,
    uint64_t ttl_ns)
{
	uint64_t now = clock_now();
	struct p2p_multiaddr *copy;
	bool fresh = false;
	struct peer *p;
	size_t i;
	int e;

	lock_lock(&ps->mtx);
	if ((e = find_or_add(ps, peer, &p)) == 0 && seq < p->seq)
		e = P2P_ERR_EXISTS;
	if (e == 0) {
		fresh = seq > p->seq || !has_certified(p, now);
		p->seq = seq;
		if (fresh)
			drop_certified(p);
	}
	for (i = 0; e == 0 && i < n; i++) {
		if (own_address(peer, addrs[i], &copy) != 0)
			continue;
		if (fresh || find_addr(p, copy) != NULL)
			(void)add_addr(ps, p, copy, clock_after(now, ttl_ns),
			    true);
		p2p_multiaddr_free(copy);
	}
	lock_unlock(&ps->mtx);
	return e;
}

/*
 * The live ones of a peer, as one block of *n, without those, *waiting many,
 * that wait for their retry when dialing.  NULL: no memory.
 */
static struct live *
copy_live(const struct peer *p, uint64_t now, bool dialing, size_t *n,
    size_t *waiting)
{
	const struct addr *a;
	struct live *list;
	size_t bytes = 0;
	uint8_t *to;

	STAILQ_FOREACH(a, &p->addrs, link)
		bytes += a->len;
	if ((list = malloc(p->naddrs * sizeof(*list) + bytes)) == NULL)
		return NULL;
	to = (uint8_t *)(list + p->naddrs);
	*n = *waiting = 0;
	STAILQ_FOREACH(a, &p->addrs, link) {
		if (a->expires <= now)
			continue;
		if (dialing && a->retry > now) {
			++*waiting;
			continue;
		}
		memcpy(to, a->bytes, a->len);
		list[(*n)++] = (struct live){ a->expires, { to, a->len } };
		to += a->len;
	}
	return list;
}

/* They are decoded without the lock: that takes longer than all else. */
static int
decode_live(const struct live *live, size_t n, struct p2p_multiaddr **out)
{
	size_t i;
	int e = 0;

	for (i = 0; i < n && e == 0; i++)
		e = p2p_multiaddr_decode(live[i].bytes.p, live[i].bytes.len,
		    &out[i]);
	return e;
}

static int
list_addrs(struct peerstore *ps, const struct p2p_peer_id *peer, uint64_t now,
    bool dialing, struct p2p_multiaddr ***out)
{
	struct p2p_multiaddr **list = NULL;
	struct live *live = NULL;
	struct peer *p;
	size_t n = 0, waiting = 0;
	int e = P2P_ERR_NOT_FOUND;

	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && p->naddrs > 0) {
		live = copy_live(p, now, dialing, &n, &waiting);
		e = live == NULL ? -ENOMEM : n > 0 ? 0 : waiting > 0 ?
		    P2P_ERR_UNREACHABLE : P2P_ERR_NOT_FOUND;
	}
	lock_unlock(&ps->mtx);
	if (e == 0 && (list = calloc(n + 1, sizeof(struct p2p_multiaddr *))) ==
	    NULL)
		e = -ENOMEM;
	if (e == 0 && (e = decode_live(live, n, list)) == 0) {
		*out = list;
		list = NULL;
	}
	p2p_host_addresses_free(list);
	free(live);
	return e;
}

int
peerstore_addresses(struct peerstore *ps, const struct p2p_peer_id *peer,
    struct p2p_multiaddr ***out)
{
	return list_addrs(ps, peer, clock_now(), false, out);
}

int
peerstore_dialable(struct peerstore *ps, const struct p2p_peer_id *peer,
    uint64_t now, struct p2p_multiaddr ***out)
{
	return list_addrs(ps, peer, now, true, out);
}

/* 5 s + n^2 s, at most 5 min, a fifth more or less. */
static uint64_t
backoff(unsigned failures)
{
	uint64_t s = failures >= 18 ? BACKOFF_MAX_S :
	    BACKOFF_MIN_S + (uint64_t)failures * failures;
	uint8_t dice;

	if (rand_bytes(&dice, sizeof(dice)) != 0)
		dice = 128;
	s = s * CLOCK_S / 5 * 4 + s * CLOCK_S / 5 * 2 * dice / 255;
	return s < BACKOFF_MAX_S * CLOCK_S ? s : BACKOFF_MAX_S * CLOCK_S;
}

void
peerstore_dialed(struct peerstore *ps, const struct p2p_peer_id *peer,
    const struct p2p_multiaddr *ma, bool good, uint64_t now)
{
	struct p2p_multiaddr *bare;
	struct addr *a = NULL;
	struct peer *p;

	if (p2p_multiaddr_without_peer(ma, &bare) != 0)
		return;
	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL)
		a = find_addr(p, bare);
	if (a != NULL) {
		a->failures = good ? 0 : a->failures + 1;
		a->retry = good ? 0 : clock_after(now, backoff(a->failures));
	}
	lock_unlock(&ps->mtx);
	p2p_multiaddr_free(bare);
}

int
peerstore_remove(struct peerstore *ps, const struct p2p_peer_id *peer)
{
	struct peer *p;

	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && p->pins > 0)
		empty(p);	/* its connections still count */
	else if (p != NULL)
		drop_peer(ps, p);
	lock_unlock(&ps->mtx);
	return p != NULL ? 0 : P2P_ERR_NOT_FOUND;
}

/* n strings as one block. */
static char **
block(const char *const *strings, size_t n)
{
	size_t i, bytes = 0;
	char **list, *p;

	for (i = 0; i < n; i++)
		bytes += strlen(strings[i]) + 1;
	if ((list = malloc((n + 1) * sizeof(*list) + bytes)) == NULL)
		return NULL;
	p = (char *)(list + n + 1);
	for (i = 0; i < n; i++) {
		list[i] = p;
		p = stpcpy(p, strings[i]) + 1;
	}
	list[n] = NULL;
	return list;
}

int
peerstore_set_protocols(struct peerstore *ps, const struct p2p_peer_id *peer,
    const char *const *protocols, size_t n)
{
	struct peer *p;
	char **list;
	int e;

	if (n > ps->caps.protocols)
		n = ps->caps.protocols;
	if ((list = block(protocols, n)) == NULL)
		return -ENOMEM;
	lock_lock(&ps->mtx);
	if ((e = find_or_add(ps, peer, &p)) == 0) {
		free(p->protocols);
		p->protocols = list;
		list = NULL;
	}
	lock_unlock(&ps->mtx);
	free(list);
	return e;
}

int
peerstore_protocols(struct peerstore *ps, const struct p2p_peer_id *peer,
    char ***out)
{
	struct peer *p;
	size_t n = 0;
	int e = P2P_ERR_NOT_FOUND;

	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && p->protocols != NULL) {
		while (p->protocols[n] != NULL)
			n++;
		*out = block((const char *const *)p->protocols, n);
		e = *out != NULL ? 0 : -ENOMEM;
	}
	lock_unlock(&ps->mtx);
	return e;
}

int
peerstore_set_key(struct peerstore *ps, const struct p2p_peer_id *peer,
    const struct p2p_key *key)
{
	struct p2p_peer_id id;
	struct p2p_key *copy;
	struct peer *p;
	const uint8_t *pub;
	size_t len;
	int e;

	p2p_peer_id_from_key(key, &id);
	if (!p2p_peer_id_equal(&id, peer))
		return P2P_ERR_WRONG_PEER;
	pub = p2p_key_public(key, &len);
	if ((e = p2p_key_decode_public(pub, len, &copy)) != 0)
		return e;
	lock_lock(&ps->mtx);
	if ((e = find_or_add(ps, peer, &p)) == 0 && p->key == NULL) {
		p->key = copy;
		copy = NULL;
	}
	lock_unlock(&ps->mtx);
	p2p_key_free(copy);
	return e;
}

int
peerstore_key(struct peerstore *ps, const struct p2p_peer_id *peer,
    struct p2p_key **out)
{
	const uint8_t *pub;
	struct peer *p;
	size_t len;
	int e = P2P_ERR_NOT_FOUND;

	if (p2p_peer_id_key(peer, out) == 0)
		return 0;
	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && p->key != NULL) {
		pub = p2p_key_public(p->key, &len);
		e = p2p_key_decode_public(pub, len, out);
	}
	lock_unlock(&ps->mtx);
	return e;
}

static struct meta *
find_meta(const struct peer *p, const char *name)
{
	struct meta *m;

	TAILQ_FOREACH(m, &p->metas, link)
		if (strcmp(m->name, name) == 0)
			break;
	return m;
}

int
peerstore_put(struct peerstore *ps, const struct p2p_peer_id *peer,
    const char *name, const void *value, size_t len)
{
	struct meta *m, *old;
	struct peer *p;
	size_t left;
	int e;

	if (strlen(name) >= NAME_MAX_LEN || len > ps->caps.metadata)
		return P2P_ERR_TOO_LARGE;
	if ((m = calloc(1, sizeof(*m) + len)) == NULL)
		return -ENOMEM;
	memcpy(m->name, name, strlen(name));
	m->len = len;
	if (len > 0)
		memcpy(m->value, value, len);
	lock_lock(&ps->mtx);
	if ((e = find_or_add(ps, peer, &p)) == 0) {
		old = find_meta(p, name);
		left = ps->caps.metadata - p->metabytes;
		if (old != NULL)
			left += meta_size(name, old->len);
		if (meta_size(name, len) > left) {
			e = P2P_ERR_LIMIT;
		} else {
			if (old != NULL)
				drop_meta(p, old);
			TAILQ_INSERT_TAIL(&p->metas, m, link);
			p->metabytes += meta_size(name, len);
			m = NULL;
		}
	}
	lock_unlock(&ps->mtx);
	free(m);
	return e;
}

int
peerstore_get(struct peerstore *ps, const struct p2p_peer_id *peer,
    const char *name, void *value, size_t cap, size_t *len)
{
	struct meta *m = NULL;
	struct peer *p;

	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && (m = find_meta(p, name)) != NULL) {
		if (cap > 0)		/* value may be NULL: how much? */
			memcpy(value, m->value, m->len < cap ? m->len : cap);
		*len = m->len;
	}
	lock_unlock(&ps->mtx);
	return m != NULL ? 0 : P2P_ERR_NOT_FOUND;
}

int
peerstore_peers(struct peerstore *ps, struct p2p_peer_id **out, size_t *n)
{
	struct p2p_peer_id *list;
	struct peer *p, *next;
	size_t count = 0;

	lock_lock(&ps->mtx);
	list = calloc(HASH_COUNT(ps->peers) + 1, sizeof(*list));
	HASH_ITER(hh, ps->peers, p, next)
		if (list != NULL)
			list[count++] = p->id;
	lock_unlock(&ps->mtx);
	if (list == NULL)
		return -ENOMEM;
	*out = list;
	*n = count;
	return 0;
}

bool
peerstore_pin(struct peerstore *ps, const struct p2p_peer_id *peer)
{
	struct peer *p;
	bool pinned;

	lock_lock(&ps->mtx);
	if ((pinned = find_or_add(ps, peer, &p) == 0))
		p->pins++;
	lock_unlock(&ps->mtx);
	return pinned;
}

void
peerstore_unpin(struct peerstore *ps, const struct p2p_peer_id *peer)
{
	struct peer *p;

	lock_lock(&ps->mtx);
	p = find(ps, peer);
	assert(p != NULL && p->pins > 0);
	p->pins--;
	lock_unlock(&ps->mtx);
}

size_t
peerstore_changed(struct peerstore *ps, struct p2p_peer_id *out, size_t n)
{
	struct peer *p, *next;
	size_t found = 0;

	lock_lock(&ps->mtx);
	HASH_ITER(hh, ps->peers, p, next) {
		if (found == n)
			break;
		if (p->changed)
			out[found++] = p->id;
		p->changed = false;
	}
	lock_unlock(&ps->mtx);
	return found;
}

void
peerstore_saved_clear(struct peerstore_saved *s)
{
	while (s->n > 0)
		p2p_multiaddr_free(s->addrs[--s->n]);
	free(s->addrs);
	free(s->expires);
	memset(s, 0, sizeof(*s));
}

int
peerstore_save(struct peerstore *ps, const struct p2p_peer_id *peer,
    struct peerstore_saved *out)
{
	struct live *live = NULL;
	struct peer *p;
	size_t i, n = 0, waiting;
	int e = P2P_ERR_NOT_FOUND;

	memset(out, 0, sizeof(*out));
	lock_lock(&ps->mtx);
	if ((p = find(ps, peer)) != NULL && p->naddrs > 0) {
		live = copy_live(p, clock_now(), false, &n, &waiting);
		e = live == NULL ? -ENOMEM : n > 0 ? 0 : P2P_ERR_NOT_FOUND;
	}
	lock_unlock(&ps->mtx);
	if (e == 0) {
		out->addrs = calloc(n, sizeof(*out->addrs));
		out->expires = calloc(n, sizeof(*out->expires));
		out->n = out->addrs != NULL ? n : 0;
		e = out->addrs == NULL || out->expires == NULL ? -ENOMEM :
		    decode_live(live, n, out->addrs);
	}
	for (i = 0; e == 0 && i < n; i++)
		out->expires[i] = live[i].expires;
	if (e != 0)
		peerstore_saved_clear(out);
	free(live);
	return e;
}

void
peerstore_expire(struct peerstore *ps, uint64_t now)
{
	struct addr *a, *anext;
	struct peer *p, *next;

	lock_lock(&ps->mtx);
	HASH_ITER(hh, ps->peers, p, next) {
		for (a = STAILQ_FIRST(&p->addrs); a != NULL; a = anext) {
			anext = STAILQ_NEXT(a, link);
			if (a->expires <= now)
				drop_addr(p, a);
		}
	}
	lock_unlock(&ps->mtx);
}
