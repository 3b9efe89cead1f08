/*
 * Buckets are lists, newest first; a table has a few hundred peers, and a
 * bucket KAD_K at most, so they are searched one by one.  Peers of one address
 * group are counted by going through them, too.
 *
 * Seen from a target that has c bits in common with our own key, the peers of
 * bucket c are nearest, then those of all buckets beyond it together, then
 * those of c - 1, c - 2 and so on, one bucket after another.
 */
#include "services/kad/kad_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"

TAILQ_HEAD(bucket, kad_entry);

struct kad_table {
	struct p2p_peer_id	self;
	struct kad_key		key;
	unsigned		group_table, group_bucket, bucket;
	size_t			size;
	size_t			sizes[KAD_KEY_BITS];
	struct bucket		buckets[KAD_KEY_BITS];
	uint64_t		refreshed[KAD_REFRESH_CPL + 1];
	struct p2p_peer_id	gone;		/* for the last; len 0: none */
};

int
kad_table_new(const struct kad_table_params *params, struct kad_table **out)
{
	struct kad_table *t;
	size_t i;
	int e;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return -ENOMEM;
	if ((e = kad_key_of_peer(&params->self, &t->key)) != 0) {
		free(t);
		return e;
	}
	t->self = params->self;
	t->group_table = params->group_table;
	t->group_bucket = params->group_bucket;
	t->bucket = params->bucket != 0 ? params->bucket : KAD_K;
	for (i = 0; i < KAD_KEY_BITS; i++)
		TAILQ_INIT(&t->buckets[i]);
	*out = t;
	return 0;
}

static void
drop(struct kad_table *t, struct kad_entry *en)
{
	unsigned cpl = kad_cpl(&t->key, &en->key);

	TAILQ_REMOVE(&t->buckets[cpl], en, next);
	t->sizes[cpl]--;
	t->size--;
	free((uint8_t *)(uintptr_t)en->told.p);
	free(en);
}

void
kad_table_free(struct kad_table *t)
{
	struct kad_entry *en;
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < KAD_KEY_BITS; i++)
		while ((en = TAILQ_FIRST(&t->buckets[i])) != NULL)
			drop(t, en);
	free(t);
}

/* NULL also for ourselves, and when there is no hash of it. */
static struct kad_entry *
find(const struct kad_table *t, const struct p2p_peer_id *peer)
{
	struct kad_entry *en;
	struct kad_key key;
	unsigned cpl;

	if (kad_key_of_peer(peer, &key) != 0 ||
	    (cpl = kad_cpl(&t->key, &key)) == KAD_KEY_BITS)
		return NULL;
	TAILQ_FOREACH(en, &t->buckets[cpl], next)
		if (memcmp(&en->key, &key, sizeof(key)) == 0)
			return en;
	return NULL;
}

const struct kad_entry *
kad_table_find(const struct kad_table *t, const struct p2p_peer_id *peer)
{
	return find(t, peer);
}

static bool
is_in_group(const struct kad_entry *en, uint64_t group)
{
	uint8_t i;

	for (i = 0; i < en->ngroups; i++)
		if (en->groups[i] == group)
			return true;
	return false;
}

/* Whether one more of that group is too much, without the one that goes. */
static bool
is_crowded(const struct kad_table *t, unsigned cpl, uint64_t group,
    const struct kad_entry *going)
{
	const struct kad_entry *en;
	unsigned here = 0, all = 0, i;

	for (i = 0; i < KAD_KEY_BITS; i++) {
		TAILQ_FOREACH(en, &t->buckets[i], next) {
			if (en == going || !is_in_group(en, group))
				continue;
			all++;
			here += i == cpl;
		}
	}
	return (t->group_table != 0 && all >= t->group_table) ||
	    (t->group_bucket != 0 && here >= t->group_bucket);
}

static bool
is_diverse(const struct kad_table *t, unsigned cpl,
    const struct kad_entry *en, const struct kad_entry *going)
{
	uint8_t i;

	if (t->group_table == 0 && t->group_bucket == 0)
		return true;
	for (i = 0; i < en->ngroups; i++)
		if (is_crowded(t, cpl, en->groups[i], going))
			return false;
	return true;
}

/* Who gives way in a full bucket: the oldest that may, or NULL. */
static struct kad_entry *
weakest(struct kad_table *t, unsigned cpl)
{
	struct kad_entry *en, *found = NULL;

	TAILQ_FOREACH(en, &t->buckets[cpl], next)
		if (en->replaceable)
			found = en;
	return found;
}

/* Takes the entry, unless it fails. */
static int
insert(struct kad_table *t, struct kad_entry *en)
{
	unsigned cpl = kad_cpl(&t->key, &en->key);
	struct kad_entry *going = NULL;

	if (t->sizes[cpl] >= t->bucket &&
	    (going = weakest(t, cpl)) == NULL)
		return P2P_ERR_LIMIT;
	if (!is_diverse(t, cpl, en, going))
		return P2P_ERR_REFUSED;
	t->gone.len = 0;
	if (going != NULL) {
		t->gone = going->peer;
		drop(t, going);
	}
	TAILQ_INSERT_HEAD(&t->buckets[cpl], en, next);
	t->sizes[cpl]++;
	t->size++;
	return 0;
}

int
kad_table_add(struct kad_table *t, const struct p2p_peer_id *peer,
    const uint64_t *groups, size_t n, bool replaceable, uint64_t now)
{
	struct kad_entry *en;
	int e;

	if (p2p_peer_id_equal(peer, &t->self))
		return P2P_ERR_SELF;
	if ((en = find(t, peer)) != NULL) {
		en->replaceable = en->replaceable && replaceable;
		return P2P_ERR_EXISTS;
	}
	n = n < KAD_GROUPS_MAX ? n : KAD_GROUPS_MAX;
	if ((en = calloc(1, sizeof(*en) + n * sizeof(groups[0]))) == NULL)
		return -ENOMEM;
	en->peer = *peer;
	en->added = now;
	en->replaceable = replaceable;
	en->ngroups = (uint8_t)n;
	if (n > 0)
		memcpy(en->groups, groups, n * sizeof(groups[0]));
	if ((e = kad_key_of_peer(peer, &en->key)) != 0 ||
	    (e = insert(t, en)) != 0)
		free(en);
	return e;
}

bool
kad_table_gave_way(const struct kad_table *t, struct p2p_peer_id *out)
{
	if (t->gone.len == 0)
		return false;
	*out = t->gone;
	return true;
}

int
kad_table_remove(struct kad_table *t, const struct p2p_peer_id *peer)
{
	struct kad_entry *en = find(t, peer);

	if (en == NULL)
		return P2P_ERR_NOT_FOUND;
	drop(t, en);
	return 0;
}

void
kad_table_answered(struct kad_table *t, const struct p2p_peer_id *peer,
    uint64_t now)
{
	struct kad_entry *en = find(t, peer);

	if (en != NULL)
		en->answered = now;
}

void
kad_table_useful(struct kad_table *t, const struct p2p_peer_id *peer,
    uint64_t now)
{
	struct kad_entry *en = find(t, peer);

	if (en != NULL)
		en->useful = now;
}

void
kad_table_tell(struct kad_table *t, const struct p2p_peer_id *peer,
    struct rd told, uint64_t now)
{
	struct kad_entry *en = find(t, peer);
	uint8_t *copy = NULL;

	if (en == NULL ||
	    (told.len > 0 && (copy = malloc(told.len)) == NULL))
		return;
	if (told.len > 0)
		memcpy(copy, told.p, told.len);
	free((uint8_t *)(uintptr_t)en->told.p);
	en->told = (struct rd){ copy, told.len };
	en->told_at = now;
}

void
kad_table_tell_anew(struct kad_table *t, const struct p2p_peer_id *peer)
{
	struct kad_entry *en = find(t, peer);

	if (en != NULL)
		en->told_at = 0;
}

void
kad_table_settle(struct kad_table *t)
{
	struct kad_entry *en;
	size_t i;

	for (i = 0; i < KAD_KEY_BITS; i++)
		TAILQ_FOREACH(en, &t->buckets[i], next)
			en->replaceable = false;
}

/* The n nearest so far, sorted: insertion into a short array. */
struct nearest {
	const struct kad_key	*target;
	const struct p2p_peer_id *without;
	const struct kad_entry	**list;
	size_t			 n, max;
};

static void
consider(struct nearest *near, const struct kad_entry *en)
{
	size_t at;

	for (at = near->n; at > 0 && kad_compare(near->target, &en->key,
	    &near->list[at - 1]->key) < 0; at--)
		;
	if (at == near->max || (near->without != NULL &&
	    p2p_peer_id_equal(&en->peer, near->without)))
		return;
	if (near->n < near->max)
		near->n++;
	memmove(&near->list[at + 1], &near->list[at],
	    (near->n - at - 1) * sizeof(near->list[0]));
	near->list[at] = en;
}

static void
consider_bucket(struct nearest *near, const struct kad_table *t, unsigned cpl)
{
	const struct kad_entry *en;

	TAILQ_FOREACH(en, &t->buckets[cpl], next)
		consider(near, en);
}

size_t
kad_table_nearest_entries(const struct kad_table *t,
    const struct kad_key *target, const struct p2p_peer_id *without,
    const struct kad_entry **out, size_t n)
{
	struct nearest near = { target, without, out, 0, n };
	unsigned cpl = kad_cpl(&t->key, target), i;

	assert(n <= 2 * KAD_K);
	if (n == 0)
		return 0;
	if (cpl < KAD_KEY_BITS)
		consider_bucket(&near, t, cpl);
	if (near.n < n)
		for (i = cpl + 1; i < KAD_KEY_BITS; i++)
			consider_bucket(&near, t, i);
	for (i = cpl; near.n < n && i > 0; i--)
		consider_bucket(&near, t, i - 1);
	return near.n;
}

size_t
kad_table_nearest(const struct kad_table *t, const struct kad_key *target,
    const struct p2p_peer_id *without, struct p2p_peer_id *out, size_t n)
{
	const struct kad_entry *list[2 * KAD_K];
	size_t i, found;

	found = kad_table_nearest_entries(t, target, without, list, n);
	for (i = 0; i < found; i++)
		out[i] = list[i]->peer;
	return found;
}

size_t
kad_table_stale(const struct kad_table *t, uint64_t since,
    struct p2p_peer_id *out, size_t n)
{
	const struct kad_entry *en;
	size_t i, found = 0;

	for (i = 0; i < KAD_KEY_BITS; i++) {
		TAILQ_FOREACH(en, &t->buckets[i], next) {
			if (found == n)
				return found;
			if (en->answered < since && en->added < since)
				out[found++] = en->peer;
		}
	}
	return found;
}

size_t
kad_table_size(const struct kad_table *t)
{
	return t->size;
}

size_t
kad_table_bucket_size(const struct kad_table *t, unsigned cpl)
{
	return cpl < KAD_KEY_BITS ? t->sizes[cpl] : 0;
}

const struct kad_entry *
kad_table_first(const struct kad_table *t, unsigned cpl)
{
	return cpl < KAD_KEY_BITS ? TAILQ_FIRST(&t->buckets[cpl]) : NULL;
}

unsigned
kad_table_max_cpl(const struct kad_table *t)
{
	unsigned i;

	for (i = KAD_KEY_BITS - 1; i > 0 && t->sizes[i] == 0; i--)
		;
	return i;
}

const struct kad_key *
kad_table_key(const struct kad_table *t)
{
	return &t->key;
}

uint64_t
kad_table_refreshed(const struct kad_table *t, unsigned cpl)
{
	return cpl <= KAD_REFRESH_CPL ? t->refreshed[cpl] : 0;
}

void
kad_table_set_refreshed(struct kad_table *t, unsigned cpl, uint64_t now)
{
	if (cpl <= KAD_REFRESH_CPL)
		t->refreshed[cpl] = now;
}
