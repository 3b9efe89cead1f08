/*
 * What stands in the store, in big endian:
 *
 *	records		key			time(8) value
 *	providers	len(1) key peer		time(8) addresses
 *
 * where time is when it came, in ns since 1970, and each address is
 * varint(length) and its bytes.
 */
#include "services/kad/kad_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/varint.h"
#include "crypto/rand.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define ADDRS_BYTES	1024	/* of one provider; go: 8 KiB with its id */
#define PROVIDER_BYTES	(8 + ADDRS_BYTES)

/*
 * Caps.  What one sender may have takes at most a quarter of the bytes, however
 * large: 512 records of 64 KiB, 16384 providers of a good kilobyte.
 */
#define RECORDS		65536
#define RECORDS_OF_ONE	512
#define RECORD_BYTES	(128 << 20)
#define PROVIDERS	(1 << 20)
#define PROVIDERS_OF_ONE 16384
#define PROVIDERS_BYTES	(256 << 20)

/* What is not set is as these have it. */
static struct p2p_store_caps
caps_of(const struct p2p_store_caps *given, uint64_t entries, uint64_t bytes,
    uint64_t per_owner)
{
	return (struct p2p_store_caps){
		.entries = given->entries != 0 ? given->entries : entries,
		.bytes = given->bytes != 0 ? given->bytes : bytes,
		.per_owner = given->per_owner != 0 ? given->per_owner :
		    per_owner,
	};
}

int
kad_store_init(struct kad_store *ks, const struct kad_store_params *p)
{
	struct p2p_store_caps records = caps_of(&p->records, RECORDS,
	    RECORD_BYTES, RECORDS_OF_ONE);
	struct p2p_store_caps providers = caps_of(&p->providers, PROVIDERS,
	    PROVIDERS_BYTES, PROVIDERS_OF_ONE);
	int e;

	memset(ks, 0, sizeof(*ks));
	ks->store = p->store;
	ks->rules = p->rules;
	snprintf(ks->records, sizeof(ks->records), "records %s", p->protocol);
	snprintf(ks->providers, sizeof(ks->providers), "providers %s",
	    p->protocol);
	if ((e = p2p_store_cap(p->store, ks->records, &records)) != 0 ||
	    (e = p2p_store_cap(p->store, ks->providers, &providers)) != 0)
		return e;
	lock_init(&ks->mtx, LOCK_LEAF);
	cond_init(&ks->done);
	TAILQ_INIT(&ks->putting);
	return 0;
}

void
kad_store_fini(struct kad_store *ks)
{
	cond_destroy(&ks->done);
	lock_destroy(&ks->mtx);
}

static bool
is_being_put(const struct kad_store *ks, struct rd key)
{
	const struct kad_putting *p;

	TAILQ_FOREACH(p, &ks->putting, link)
		if (rd_equal(&p->key, key.p, key.len))
			return true;
	return false;
}

/* Between a look at what is there and the put nobody else puts that key. */
static void
begin_put(struct kad_store *ks, struct kad_putting *p)
{
	lock_lock(&ks->mtx);
	while (is_being_put(ks, p->key))
		cond_wait(&ks->done, &ks->mtx, CLOCK_NEVER);
	TAILQ_INSERT_TAIL(&ks->putting, p, link);
	lock_unlock(&ks->mtx);
}

static void
end_put(struct kad_store *ks, struct kad_putting *p)
{
	lock_lock(&ks->mtx);
	TAILQ_REMOVE(&ks->putting, p, link);
	cond_broadcast(&ks->done);
	lock_unlock(&ks->mtx);
}

/* Of an entry; false: it is not one of ours, or too old. */
static bool
read_record(const struct p2p_store_entry *en, uint64_t now,
    struct kad_stored *out)
{
	struct rd r = { en->value, en->len };

	if (rd_be64(&r, &out->received) != 0 ||
	    out->received > now || now - out->received >= KAD_STORE_AGE)
		return false;
	out->record = (struct p2p_record){ .key = en->key,
	    .key_len = en->key_len, .value = r.p, .len = r.len };
	return true;
}

/* In one block; the key behind the struct, the value behind the key. */
static int
dup_stored(const struct kad_stored *s, struct kad_stored **out)
{
	struct p2p_record record;
	struct kad_stored *new;

	if ((new = kad_record_dup(&s->record, sizeof(*new), &record)) == NULL)
		return -ENOMEM;
	*new = (struct kad_stored){ record, s->received };
	*out = new;
	return 0;
}

/* *bad: there is one that nobody shall have. */
static int
find_valid(struct kad_store *ks, struct rd key, uint64_t now, bool *bad,
    struct kad_stored **out)
{
	struct p2p_store_entry *en;
	struct kad_stored s;
	int e;

	*bad = false;
	if ((e = p2p_store_get(ks->store, ks->records, key.p, key.len,
	    &en)) != 0)
		return e;
	*bad = !read_record(en, now, &s) ||
	    kad_rules_validate(ks->rules, &s.record, now) != 0;
	e = *bad ? P2P_ERR_NOT_FOUND : dup_stored(&s, out);
	free(en);
	return e;
}

/* Another look before it goes: it may have been replaced by a good one. */
int
kad_store_get(struct kad_store *ks, const void *key, size_t len, uint64_t now,
    struct kad_stored **out)
{
	struct kad_putting p = { .key = { key, len } };
	bool bad;
	int e;

	e = find_valid(ks, p.key, now, &bad, out);
	if (!bad)
		return e;
	begin_put(ks, &p);
	e = find_valid(ks, p.key, now, &bad, out);
	if (bad)
		(void)p2p_store_remove(ks->store, ks->records, key, len);
	end_put(ks, &p);
	return e;
}

static int
write_record(struct kad_store *ks, const struct p2p_record *r,
    const struct p2p_peer_id *owner, uint64_t now)
{
	struct p2p_store_entry en = { .key = r->key, .key_len = r->key_len,
	    .expires = now + KAD_STORE_AGE };
	uint8_t *buf;
	struct wr w;
	int e;

	if ((buf = malloc(8 + r->len)) == NULL)
		return -ENOMEM;
	wr_init(&w, buf, 8 + r->len);
	wr_be64(&w, now);
	wr_bytes(&w, r->value, r->len);
	en.value = buf;
	en.len = w.len;
	if (owner != NULL) {
		en.owner = owner->bytes;
		en.owner_len = owner->len;
	}
	e = p2p_store_put(ks->store, ks->records, &en);
	free(buf);
	return e;
}

/* S-13: alike is as good as better. */
int
kad_store_put(struct kad_store *ks, const struct p2p_record *r,
    const struct p2p_peer_id *owner, uint64_t now)
{
	struct kad_putting p = { .key = { r->key, r->key_len } };
	struct kad_stored *old;
	bool bad;
	int e;

	if ((e = kad_rules_validate(ks->rules, r, now)) != 0)
		return e;
	begin_put(ks, &p);
	e = find_valid(ks, p.key, now, &bad, &old);
	if (e == 0) {
		e = kad_rules_compare(ks->rules, r, &old->record) < 0 ?
		    P2P_ERR_EXISTS : 0;
		free(old);
	} else if (e == P2P_ERR_NOT_FOUND) {
		e = 0;
	}
	if (e == 0)
		e = write_record(ks, r, owner, now);
	end_put(ks, &p);
	return e;
}

/* A provider's key in the store, or all of a key's when peer is NULL. */
static size_t
provider_key(struct rd key, const struct p2p_peer_id *peer,
    uint8_t out[P2P_STORE_KEY_MAX])
{
	struct wr w;

	wr_init(&w, out, P2P_STORE_KEY_MAX);
	wr_u8(&w, (uint8_t)key.len);
	wr_bytes(&w, key.p, key.len);
	if (peer != NULL)
		wr_bytes(&w, peer->bytes, peer->len);
	return w.len;
}

void
kad_store_put_addrs(struct wr *w, struct p2p_multiaddr *const *addrs, size_t n)
{
	const uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < n && i < KAD_ADDRS_READ_MAX; i++) {
		bytes = p2p_multiaddr_bytes(addrs[i], &len);
		if (varint_len(len) + len <= wr_room(w))
			varint_put_bytes(w, bytes, len);
	}
}

int
kad_store_get_addrs(struct rd *r, struct kad_contact *c)
{
	struct rd one;
	int e;

	c->addrs = calloc(KAD_ADDRS_READ_MAX + 1, sizeof(*c->addrs));
	if (c->addrs == NULL)
		return -ENOMEM;
	while (r->len > 0 && c->naddrs < KAD_ADDRS_READ_MAX) {
		if ((e = varint_get_bytes(r, &one)) != 0)
			return e;
		if (p2p_multiaddr_decode(one.p, one.len,
		    &c->addrs[c->naddrs]) == 0)
			c->naddrs++;
	}
	return 0;
}

int
kad_store_provide(struct kad_store *ks, struct rd key,
    const struct p2p_peer_id *peer, struct p2p_multiaddr *const *addrs,
    size_t naddrs, uint64_t now)
{
	uint8_t name[P2P_STORE_KEY_MAX], value[PROVIDER_BYTES];
	struct p2p_store_entry en = { .key = name, .value = value,
	    .expires = now + KAD_STORE_AGE };
	struct wr w;

	if (key.len == 0 || key.len > KAD_PROVIDER_KEY_MAX)
		return P2P_ERR_FORMAT;
	if (addrs != NULL) {
		en.owner = peer->bytes;
		en.owner_len = peer->len;
	}
	en.key_len = provider_key(key, peer, name);
	wr_init(&w, value, sizeof(value));
	wr_be64(&w, now);
	kad_store_put_addrs(&w, addrs, naddrs);
	en.len = w.len;
	return p2p_store_put(ks->store, ks->providers, &en);
}

int
kad_store_unprovide(struct kad_store *ks, struct rd key,
    const struct p2p_peer_id *peer)
{
	uint8_t name[P2P_STORE_KEY_MAX];
	size_t len;

	if (key.len == 0 || key.len > KAD_PROVIDER_KEY_MAX)
		return P2P_ERR_FORMAT;
	len = provider_key(key, peer, name);
	return p2p_store_remove(ks->store, ks->providers, name, len);
}

/* What an entry says; its peer is behind a key of so many bytes. */
static int
read_provider(const struct p2p_store_entry *en, size_t prefix, uint64_t now,
    struct kad_contact *c)
{
	struct rd r = { en->value, en->len };
	uint64_t received;
	int e;

	if ((e = p2p_peer_id_decode(en->key + prefix, en->key_len - prefix,
	    &c->peer)) != 0 || (e = rd_be64(&r, &received)) != 0)
		return e;
	if (received > now || now - received >= KAD_STORE_AGE)
		return P2P_ERR_NOT_FOUND;
	if (now - received >= KAD_STORE_ADDRS_AGE)
		r.len = 0;
	return kad_store_get_addrs(&r, c);
}

/* The first n become a choice of all, each as likely as any other. */
static void
shuffle(struct p2p_store_entry *list, size_t all, size_t n)
{
	struct p2p_store_entry t;
	uint32_t dice;
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (rand_bytes(&dice, sizeof(dice)) != 0)
			return;
		j = i + dice % (all - i);
		t = list[i];
		list[i] = list[j];
		list[j] = t;
	}
}

int
kad_store_providers(struct kad_store *ks, struct rd key, size_t max,
    uint64_t now, struct kad_contact **out, size_t *n)
{
	uint8_t name[P2P_STORE_KEY_MAX];
	struct p2p_store_entry *list;
	size_t i, all, len = provider_key(key, NULL, name);
	struct kad_contact *found;
	int e;

	if ((e = p2p_store_list(ks->store, ks->providers, name, len, NULL, 0,
	    KAD_STORE_LISTED, &list, &all)) != 0)
		return e;
	shuffle(list, all, max < all ? max : all);
	if ((found = calloc(max + 1, sizeof(*found))) == NULL) {
		free(list);
		return -ENOMEM;
	}
	*n = 0;
	for (i = 0; i < all && *n < max && e != -ENOMEM; i++) {
		e = read_provider(&list[i], len, now, &found[*n]);
		if (e == 0)
			(*n)++;
		else
			kad_contact_clear(&found[*n]);
	}
	free(list);
	if (e == -ENOMEM) {
		kad_contacts_free(found, *n);
		return e;
	}
	*out = found;
	return 0;
}
