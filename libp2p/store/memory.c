/*
 * The store in memory: for each space a tree of entries by key, one of those
 * that expire by time, and one of owners.  Strangers choose keys and owners,
 * see treap.h.
 *
 * Whatever a put needs is allocated before anything is changed.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "p2p/error.h"
#include "store/store.h"
#include "store/treap.h"

struct owner {
	struct treap_node by_name;
	uint64_t	 entries;
	uint8_t		 name[];
};

struct entry {
	struct treap_node by_key;
	struct treap_node by_time;	/* in the tree if it expires */
	uint8_t		 when[16];	/* its key there: expires, address */
	struct owner	*owner;		/* NULL: ours */
	struct p2p_store_entry e;
	uint8_t		 bytes[];
};

struct space {
	struct treap_node by_name;
	struct treap_node *entries, *times, *owners;
	struct p2p_store_caps caps;
	struct p2p_store_usage used;
	char		 name[];
};

struct memory {
	struct p2p_store store;
	struct lock	 mtx;		/* LOCK_LEAF: all below */
	struct treap_node *spaces;
};

/* Its node is what each begins with, but for the second one of entries. */
static struct entry *
entry_by_time(struct treap_node *n)
{
	return (struct entry *)((char *)n - offsetof(struct entry, by_time));
}

static struct rd
entry_key(const struct p2p_store_entry *en)
{
	return (struct rd){ en->key, en->key_len };
}

static struct rd
entry_owner(const struct p2p_store_entry *en)
{
	return (struct rd){ en->owner, en->owner_len };
}

static const uint8_t *
copy(uint8_t **p, const uint8_t *bytes, size_t len)
{
	uint8_t *at = *p;

	if (len > 0)
		memcpy(at, bytes, len);
	*p += len;
	return at;
}

static struct entry *
entry_new(const struct p2p_store_entry *en)
{
	struct entry *new;
	struct wr w;
	uint8_t *p;

	new = malloc(sizeof(*new) + (size_t)store_size(en));
	if (new == NULL)
		return NULL;
	p = new->bytes;
	new->e = *en;
	new->e.key = copy(&p, en->key, en->key_len);
	new->e.value = copy(&p, en->value, en->len);
	new->e.owner = copy(&p, en->owner, en->owner_len);
	new->owner = NULL;
	new->by_key.key = entry_key(&new->e);
	wr_init(&w, new->when, sizeof(new->when));
	wr_be64(&w, en->expires);
	wr_be64(&w, (uint64_t)(uintptr_t)new);
	new->by_time.key = (struct rd){ new->when, w.len };
	return new;
}

static struct entry *
entry_find(const struct space *sp, struct rd key)
{
	return (struct entry *)treap_find(sp->entries, key);
}

static struct owner *
owner_find(const struct space *sp, struct rd name)
{
	return (struct owner *)treap_find(sp->owners, name);
}

/* NULL in *out for nobody. */
static int
owner_make(struct space *sp, struct rd name, struct owner **out)
{
	struct owner *o = NULL;

	if (name.len > 0 && (o = owner_find(sp, name)) == NULL) {
		if ((o = malloc(sizeof(*o) + name.len)) == NULL)
			return -ENOMEM;
		memcpy(o->name, name.p, name.len);
		o->entries = 0;
		o->by_name.key = (struct rd){ o->name, name.len };
		treap_add(&sp->owners, &o->by_name);
	}
	*out = o;
	return 0;
}

/* Into the trees, under its owner. */
static void
entry_add(struct space *sp, struct entry *en, struct owner *o)
{
	treap_add(&sp->entries, &en->by_key);
	if (en->e.expires != 0)
		treap_add(&sp->times, &en->by_time);
	if ((en->owner = o) != NULL)
		o->entries++;
	sp->used.entries++;
	sp->used.bytes += store_size(&en->e);
}

static void
entry_drop(struct space *sp, struct entry *en)
{
	struct owner *o = en->owner;

	treap_remove(&sp->entries, &en->by_key);
	if (en->e.expires != 0)
		treap_remove(&sp->times, &en->by_time);
	if (o != NULL && --o->entries == 0) {
		treap_remove(&sp->owners, &o->by_name);
		free(o);
	}
	sp->used.entries--;
	sp->used.bytes -= store_size(&en->e);
	free(en);
}

static void
drop_expired(struct space *sp, uint64_t now)
{
	struct treap_node *n;
	struct entry *en;

	while ((n = treap_from(sp->times, (struct rd){ NULL, 0 })) != NULL) {
		en = entry_by_time(n);
		if (!store_expired(en->e.expires, now))
			break;
		entry_drop(sp, en);
	}
}

static bool
owner_fits(const struct space *sp, struct rd name, const struct entry *old)
{
	const struct owner *o = owner_find(sp, name);
	uint64_t n = o != NULL ? o->entries : 0;

	bool more = old == NULL || o == NULL || old->owner != o;

	return name.len == 0 || store_fits(n, n + more, sp->caps.per_owner);
}

/* Whether a put keeps the caps, in place of old, which may be NULL. */
static bool
fits(const struct space *sp, const struct p2p_store_entry *en,
    const struct entry *old)
{
	const struct p2p_store_usage *u = &sp->used;

	return store_fits(u->entries, u->entries + (old == NULL),
	    sp->caps.entries) &&
	    store_fits(u->bytes, u->bytes + store_size(en) -
	    (old != NULL ? store_size(&old->e) : 0), sp->caps.bytes) &&
	    owner_fits(sp, entry_owner(en), old);
}

/* Takes new. */
static int
space_put(struct space *sp, struct entry *new)
{
	struct entry *old = entry_find(sp, entry_key(&new->e));
	struct owner *o;
	int e;

	if (!fits(sp, &new->e, old)) {
		drop_expired(sp, clock_wall_ns());
		old = entry_find(sp, entry_key(&new->e));
		if (!fits(sp, &new->e, old)) {
			sp->used.refused++;
			return P2P_ERR_LIMIT;
		}
	}
	if ((e = owner_make(sp, entry_owner(&new->e), &o)) != 0)
		return e;
	if (o != NULL)
		o->entries++;		/* it stays while old goes */
	if (old != NULL)
		entry_drop(sp, old);
	if (o != NULL)
		o->entries--;
	entry_add(sp, new, o);
	return 0;
}

static struct space *
space_find(struct memory *m, const char *name)
{
	lock_assert_held(&m->mtx);
	return (struct space *)treap_find(m->spaces,
	    (struct rd){ (const uint8_t *)name, strlen(name) });
}

static int
space_make(struct memory *m, const char *name, struct space **out)
{
	size_t len = strlen(name);
	struct space *sp;

	if ((*out = space_find(m, name)) != NULL)
		return 0;
	if ((sp = calloc(1, sizeof(*sp) + len + 1)) == NULL)
		return -ENOMEM;
	memcpy(sp->name, name, len);
	sp->caps = store_caps;
	sp->by_name.key = (struct rd){ (const uint8_t *)sp->name, len };
	treap_add(&m->spaces, &sp->by_name);
	*out = sp;
	return 0;
}

static int
memory_put(struct p2p_store *store, const char *space,
    const struct p2p_store_entry *entry)
{
	struct memory *m = (struct memory *)store;
	struct entry *new;
	struct space *sp;
	int e;

	if ((new = entry_new(entry)) == NULL)
		return -ENOMEM;
	lock_lock(&m->mtx);
	if ((e = space_make(m, space, &sp)) == 0)
		e = space_put(sp, new);
	lock_unlock(&m->mtx);
	if (e != 0)
		free(new);
	return e;
}

static int
memory_remove(struct p2p_store *store, const char *space, struct rd key)
{
	struct memory *m = (struct memory *)store;
	struct entry *en;
	struct space *sp;

	lock_lock(&m->mtx);
	if ((sp = space_find(m, space)) != NULL &&
	    (en = entry_find(sp, key)) != NULL)
		entry_drop(sp, en);
	lock_unlock(&m->mtx);
	return 0;
}

static int
memory_get(struct p2p_store *store, const char *space, struct rd key,
    struct store_found *found)
{
	struct memory *m = (struct memory *)store;
	struct entry *en;
	struct space *sp;
	int e = 0;

	lock_lock(&m->mtx);
	if ((sp = space_find(m, space)) != NULL &&
	    (en = entry_find(sp, key)) != NULL &&
	    !store_expired(en->e.expires, clock_wall_ns()))
		e = store_found_add(found, &en->e);
	lock_unlock(&m->mtx);
	return e;
}

static int
memory_list(struct p2p_store *store, const char *space,
    const struct store_range *range, struct store_found *found)
{
	struct memory *m = (struct memory *)store;
	uint64_t now = clock_wall_ns();
	struct treap_node *n = NULL;
	struct space *sp;
	int e = 0;

	lock_lock(&m->mtx);
	if ((sp = space_find(m, space)) != NULL)
		n = treap_from(sp->entries, range->from);
	while (e == 0 && n != NULL && found->n < range->max &&
	    store_begins(n->key, range->prefix)) {
		if (!store_expired(((struct entry *)n)->e.expires, now))
			e = store_found_add(found, &((struct entry *)n)->e);
		n = treap_next(sp->entries, n);
	}
	lock_unlock(&m->mtx);
	return e;
}

static int
memory_expire(struct p2p_store *store)
{
	struct memory *m = (struct memory *)store;
	uint64_t now = clock_wall_ns();
	struct treap_node *n;

	lock_lock(&m->mtx);
	for (n = treap_from(m->spaces, (struct rd){ NULL, 0 }); n != NULL;
	    n = treap_next(m->spaces, n))
		drop_expired((struct space *)n, now);
	lock_unlock(&m->mtx);
	return 0;
}

static int
memory_usage(struct p2p_store *store, const char *space,
    struct p2p_store_usage *out)
{
	struct memory *m = (struct memory *)store;
	struct space *sp;

	lock_lock(&m->mtx);
	if ((sp = space_find(m, space)) != NULL)
		*out = sp->used;
	lock_unlock(&m->mtx);
	return sp != NULL ? 0 : P2P_ERR_NOT_FOUND;
}

static int
memory_cap(struct p2p_store *store, const char *space,
    const struct p2p_store_caps *caps)
{
	struct memory *m = (struct memory *)store;
	struct space *sp;
	int e;

	lock_lock(&m->mtx);
	if ((e = space_make(m, space, &sp)) == 0)
		sp->caps = *caps;
	lock_unlock(&m->mtx);
	return e;
}

static void
memory_free(struct p2p_store *store)
{
	struct memory *m = (struct memory *)store;
	struct space *sp;

	while ((sp = (struct space *)m->spaces) != NULL) {
		while (sp->entries != NULL)
			entry_drop(sp, (struct entry *)sp->entries);
		treap_remove(&m->spaces, &sp->by_name);
		free(sp);
	}
	lock_destroy(&m->mtx);
	free(m);
}

static const struct store_ops memory_ops = {
	.put = memory_put,
	.remove = memory_remove,
	.list = memory_list,
	.get = memory_get,
	.expire = memory_expire,
	.usage = memory_usage,
	.cap = memory_cap,
	.free = memory_free,
};

int
p2p_store_memory(struct p2p_store **out)
{
	struct memory *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return -ENOMEM;
	m->store.ops = &memory_ops;
	lock_init(&m->mtx, LOCK_LEAF);
	*out = &m->store;
	return 0;
}
