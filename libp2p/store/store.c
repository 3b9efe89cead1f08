/*
 * The public functions: arguments are checked, the back end is called, and what
 * it found becomes one block for the caller to free.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "p2p/error.h"
#include "store/treap.h"

const struct p2p_store_caps store_caps = { 65536, 64 << 20, UINT64_MAX };

/* Of one kind of text, so that it can be shown, and compared as bytes. */
static bool
good_space(const char *space)
{
	size_t len = 0;

	for (; space[len] != '\0'; len++)
		if (space[len] < ' ' || space[len] > '~' ||
		    len == P2P_STORE_SPACE_MAX)
			return false;
	return len > 0;
}

uint64_t
store_size(const struct p2p_store_entry *entry)
{
	return (uint64_t)entry->key_len + entry->len + entry->owner_len;
}

bool
store_expired(uint64_t expires, uint64_t now)
{
	return expires != 0 && expires <= now;
}

bool
store_fits(uint64_t before, uint64_t after, uint64_t cap)
{
	return after <= before || after <= cap;
}

bool
store_begins(struct rd key, struct rd prefix)
{
	return key.len >= prefix.len && (prefix.len == 0 ||
	    memcmp(key.p, prefix.p, prefix.len) == 0);
}

/* Room for n more in an array of *cap, twice as much each time. */
static int
grow(void **array, size_t *cap, size_t used, size_t n, size_t size)
{
	size_t want = *cap > 0 ? *cap : 16;
	void *p;

	if (*cap - used >= n)
		return 0;
	while (want - used < n)
		want *= 2;
	if ((p = realloc(*array, want * size)) == NULL)
		return -ENOMEM;
	*array = p;
	*cap = want;
	return 0;
}

static void
append(struct store_found *found, const uint8_t *bytes, size_t len)
{
	if (len > 0)
		memcpy(found->bytes + found->len, bytes, len);
	found->len += len;
}

int
store_found_add(struct store_found *found, const struct p2p_store_entry *entry)
{
	void *entries = found->entries, *bytes = found->bytes;
	int e;

	e = grow(&entries, &found->room, found->n, 1, sizeof(*entry));
	found->entries = entries;
	if (e == 0)
		e = grow(&bytes, &found->cap, found->len,
		    (size_t)store_size(entry), 1);
	found->bytes = bytes;
	if (e != 0)
		return e;
	found->entries[found->n++] = *entry;
	append(found, entry->key, entry->key_len);
	append(found, entry->value, entry->len);
	append(found, entry->owner, entry->owner_len);
	return 0;
}

static const uint8_t *
take(uint8_t **p, size_t len)
{
	uint8_t *at = *p;

	*p += len;
	return at;
}

/* One block of it all. */
static int
found_block(const struct store_found *found, struct p2p_store_entry **out)
{
	size_t i, head = found->n * sizeof(**out);
	struct p2p_store_entry *list, *en;
	uint8_t *p;

	if ((list = malloc(head + found->len)) == NULL)
		return -ENOMEM;
	memcpy(list, found->entries, head);
	p = (uint8_t *)list + head;
	memcpy(p, found->bytes, found->len);
	for (i = 0; i < found->n; i++) {
		en = &list[i];
		en->key = take(&p, en->key_len);
		en->value = take(&p, en->len);
		en->owner = take(&p, en->owner_len);
	}
	*out = list;
	return 0;
}

static void
found_clear(struct store_found *found)
{
	free(found->entries);
	free(found->bytes);
}

int
p2p_store_open(const char *path, struct p2p_store **out, const char **why)
{
	const char *fault = NULL;
	int e;

	lock_assert_none();
	e = sqlite_open(path, out, &fault);
	if (e != 0 && why != NULL)
		*why = fault;
	return e;
}

void
p2p_store_free(struct p2p_store *store)
{
	lock_assert_none();
	if (store != NULL)
		store->ops->free(store);
}

int
p2p_store_cap(struct p2p_store *store, const char *space,
    const struct p2p_store_caps *caps)
{
	struct p2p_store_caps c = *caps;

	lock_assert_none();
	if (!good_space(space))
		return P2P_ERR_FORMAT;
	if (c.entries == 0)
		c.entries = store_caps.entries;
	if (c.bytes == 0)
		c.bytes = store_caps.bytes;
	if (c.per_owner == 0)
		c.per_owner = store_caps.per_owner;
	return store->ops->cap(store, space, &c);
}

int
p2p_store_put(struct p2p_store *store, const char *space,
    const struct p2p_store_entry *entry)
{
	lock_assert_none();
	if (!good_space(space) || entry->key_len == 0)
		return P2P_ERR_FORMAT;
	if (entry->key_len > P2P_STORE_KEY_MAX ||
	    entry->len > P2P_STORE_VALUE_MAX ||
	    entry->owner_len > P2P_STORE_OWNER_MAX)
		return P2P_ERR_TOO_LARGE;
	return store->ops->put(store, space, entry);
}

/* Of a key that could be there. */
static bool
good_key(const char *space, size_t len)
{
	return good_space(space) && len > 0 && len <= P2P_STORE_KEY_MAX;
}

int
p2p_store_remove(struct p2p_store *store, const char *space, const void *key,
    size_t len)
{
	lock_assert_none();
	if (!good_key(space, len))
		return 0;
	return store->ops->remove(store, space, (struct rd){ key, len });
}

int
p2p_store_get(struct p2p_store *store, const char *space, const void *key,
    size_t len, struct p2p_store_entry **out)
{
	struct store_found found = { 0 };
	int e;

	lock_assert_none();
	if (!good_key(space, len))
		return P2P_ERR_NOT_FOUND;
	e = store->ops->get(store, space, (struct rd){ key, len }, &found);
	if (e == 0)
		e = found.n > 0 ? found_block(&found, out) : P2P_ERR_NOT_FOUND;
	found_clear(&found);
	return e;
}

/* The key that follows after: it, and a zero byte. */
static struct rd
successor(uint8_t *buf, const void *after, size_t len)
{
	/* No key is longer, so that what is behind that does not matter. */
	if (len > P2P_STORE_KEY_MAX)
		len = P2P_STORE_KEY_MAX;
	if (len > 0)
		memcpy(buf, after, len);
	buf[len] = 0;
	return (struct rd){ buf, len + 1 };
}

int
p2p_store_list(struct p2p_store *store, const char *space, const void *prefix,
    size_t prefix_len, const void *after, size_t after_len, size_t max,
    struct p2p_store_entry **out, size_t *n)
{
	struct store_range range = { { prefix, prefix_len },
	    { prefix, prefix_len }, max };
	struct store_found found = { 0 };
	struct p2p_store_entry *list = NULL;
	uint8_t buf[P2P_STORE_KEY_MAX + 1];
	struct rd next;
	int e = 0;

	lock_assert_none();
	if (after != NULL) {
		next = successor(buf, after, after_len);
		if (treap_compare(next, range.from) > 0)
			range.from = next;
	}
	if (good_space(space) && prefix_len <= P2P_STORE_KEY_MAX && max > 0)
		e = store->ops->list(store, space, &range, &found);
	if (e == 0 && found.n > 0)
		e = found_block(&found, &list);
	if (e == 0) {
		*out = list;
		*n = found.n;
	}
	found_clear(&found);
	return e;
}

int
p2p_store_expire(struct p2p_store *store)
{
	lock_assert_none();
	return store->ops->expire(store);
}

int
p2p_store_usage(struct p2p_store *store, const char *space,
    struct p2p_store_usage *out)
{
	lock_assert_none();
	return store->ops->usage(store, space, out);
}
