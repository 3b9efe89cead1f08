/*
 * What any store must do: each test runs over every back end there is, with a
 * store of its own.
 */
#include "p2p/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"

#define WRITERS		8
#define READERS		4
#define ROUNDS		60

static atomic_long fail_in;		/* allocations from now; 0: none */

void	*__real_malloc(size_t len);
void	*__real_calloc(size_t n, size_t len);
void	*__real_realloc(void *p, size_t len);

void	*__wrap_malloc(size_t len);
void	*__wrap_calloc(size_t n, size_t len);
void	*__wrap_realloc(void *p, size_t len);

static bool
fails(void)
{
	return atomic_load(&fail_in) > 0 &&
	    atomic_fetch_sub(&fail_in, 1) == 1;
}

void *
__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	return fails() ? NULL : __real_calloc(n, len);
}

void *
__wrap_realloc(void *p, size_t len)
{
	return fails() ? NULL : __real_realloc(p, len);
}

static int
open_memory(struct p2p_store **out)
{
	return p2p_store_memory(out);
}

static int
open_file(struct p2p_store **out)
{
	return p2p_store_open("store", out, NULL);
}

static const struct backend {
	const char	*name;
	int		(*open)(struct p2p_store **out);
} backends[] = {
	{ "memory", open_memory },
	{ "file", open_file },
};

#define BACKENDS	(sizeof(backends) / sizeof(backends[0]))

/* Each back end that was built, which is told once, with a store. */
static void
each(void (*fn)(struct p2p_store *))
{
	struct p2p_store *store;
	size_t i;
	int e;

	for (i = 0; i < BACKENDS; i++) {
		check_dir_enter();
		e = backends[i].open(&store);
		if (e == P2P_ERR_UNSUPPORTED) {
			printf("(without %s) ", backends[i].name);
		} else {
			CHECK_OK(e);
			fn(store);
			p2p_store_free(store);
			CHECK_EQ(thread_count(), 0);
		}
		check_dir_leave();
	}
}

static struct p2p_store_entry
entry(const char *key, const char *value)
{
	return (struct p2p_store_entry){ .key = (const uint8_t *)key,
	    .key_len = strlen(key), .value = (const uint8_t *)value,
	    .len = strlen(value) };
}

static int
put(struct p2p_store *s, const char *space, const char *key, const char *value)
{
	struct p2p_store_entry e = entry(key, value);

	return p2p_store_put(s, space, &e);
}

static int
put_for(struct p2p_store *s, const char *owner, const char *key)
{
	struct p2p_store_entry e = entry(key, "v");

	e.owner = (const uint8_t *)owner;
	e.owner_len = strlen(owner);
	return p2p_store_put(s, "a", &e);
}

static int
put_until(struct p2p_store *s, const char *key, uint64_t expires)
{
	struct p2p_store_entry e = entry(key, "v");

	e.expires = expires;
	return p2p_store_put(s, "a", &e);
}

static void
holds(struct p2p_store *s, const char *space, const char *key,
    const char *value)
{
	struct p2p_store_entry *got = NULL;
	int e = p2p_store_get(s, space, key, strlen(key), &got);

	if (value == NULL) {
		CHECK_ERR(e, P2P_ERR_NOT_FOUND);
		CHECK(got == NULL);
		return;
	}
	CHECK_OK(e);
	if (e == 0) {
		CHECK_BYTES(got->key, got->key_len, key, strlen(key));
		CHECK_BYTES(got->value, got->len, value, strlen(value));
	}
	free(got);
}

static void
uses(struct p2p_store *s, const char *space, uint64_t entries, uint64_t bytes,
    uint64_t refused)
{
	struct p2p_store_usage u = { 0 };

	CHECK_OK(p2p_store_usage(s, space, &u));
	CHECK_EQ(u.entries, entries);
	CHECK_EQ(u.bytes, bytes);
	CHECK_EQ(u.refused, refused);
	CHECK_EQ(u.damaged, 0);
}

/* The keys of a list, one a word. */
static void
lists(struct p2p_store *s, const char *prefix, const char *after, size_t max,
    const char *want)
{
	struct p2p_store_entry *list = NULL;
	char text[256] = "";
	size_t i, n = 99, len = 0;

	CHECK_OK(p2p_store_list(s, "a", prefix, strlen(prefix), after,
	    after != NULL ? strlen(after) : 0, max, &list, &n));
	for (i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%.*s", i > 0 ? " " : "", (int)list[i].key_len,
		    (const char *)list[i].key);
	CHECK_STR(text, want);
	CHECK(n > 0 || list == NULL);
	free(list);
}

static void
put_get_remove(struct p2p_store *s)
{
	holds(s, "a", "k", NULL);
	CHECK_OK(p2p_store_remove(s, "a", "k", 1));
	CHECK_OK(put(s, "a", "k", "one"));
	CHECK_OK(put(s, "b", "k", "two"));
	holds(s, "a", "k", "one");
	holds(s, "b", "k", "two");
	holds(s, "c", "k", NULL);
	holds(s, "a", "kk", NULL);
	CHECK_OK(p2p_store_remove(s, "a", "k", 1));
	holds(s, "a", "k", NULL);
	holds(s, "b", "k", "two");
	CHECK_OK(p2p_store_remove(s, "a", "k", 1));
	CHECK_OK(p2p_store_remove(s, "none", "k", 1));
}

static void
what_is_put_is_got_until_it_is_removed(void)
{
	each(put_get_remove);
}

static void
whole(struct p2p_store *s)
{
	static const uint8_t key[] = { 0, 0xff, 0, '\'' }, owner[] = { 0, 9 };
	struct p2p_store_entry e = { key, sizeof(key), (const uint8_t *)"\0x",
	    2, owner, sizeof(owner), UINT64_MAX }, *got, *list;
	size_t n;

	CHECK_OK(p2p_store_put(s, "a", &e));
	CHECK_OK(p2p_store_get(s, "a", key, sizeof(key), &got));
	CHECK_BYTES(got->key, got->key_len, key, sizeof(key));
	CHECK_BYTES(got->value, got->len, "\0x", 2);
	CHECK_BYTES(got->owner, got->owner_len, owner, sizeof(owner));
	CHECK(got->expires == UINT64_MAX);
	free(got);
	e.expires = clock_wall_ns() + 3600 * CLOCK_S;
	e.len = 0;
	CHECK_OK(p2p_store_put(s, "a", &e));
	CHECK_OK(p2p_store_list(s, "a", NULL, 0, NULL, 0, 9, &list, &n));
	CHECK_EQ(n, 1);
	CHECK_BYTES(list->owner, list->owner_len, owner, sizeof(owner));
	CHECK_EQ(list->len, 0);
	CHECK_EQ(list->expires, e.expires);
	free(list);
	CHECK_OK(p2p_store_remove(s, "a", key, sizeof(key)));
	uses(s, "a", 0, 0, 0);
}

static void
an_entry_comes_back_whole(void)
{
	each(whole);
}

static void
replace(struct p2p_store *s)
{
	CHECK_OK(put(s, "a", "key", "long value"));
	uses(s, "a", 1, 13, 0);
	CHECK_OK(put(s, "a", "key", "short"));
	holds(s, "a", "key", "short");
	uses(s, "a", 1, 8, 0);
	CHECK_OK(put_for(s, "owner", "key"));
	uses(s, "a", 1, 9, 0);
	CHECK_OK(put_for(s, "o", "key"));
	CHECK_OK(put_for(s, "o", "key"));
	uses(s, "a", 1, 5, 0);
	CHECK_OK(put(s, "a", "key", ""));
	holds(s, "a", "key", "");
	uses(s, "a", 1, 3, 0);
}

static void
a_put_replaces_the_one_before(void)
{
	each(replace);
}

static void
sizes(struct p2p_store *s)
{
	static uint8_t bytes[P2P_STORE_VALUE_MAX + 1];
	struct p2p_store_entry e = { bytes, P2P_STORE_KEY_MAX, bytes,
	    P2P_STORE_VALUE_MAX, bytes, P2P_STORE_OWNER_MAX, 0 }, *got;
	char name[P2P_STORE_SPACE_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8));
	memset(name, '~', sizeof(name));
	name[P2P_STORE_SPACE_MAX] = '\0';
	CHECK_OK(p2p_store_put(s, name, &e));
	CHECK_OK(p2p_store_get(s, name, bytes, P2P_STORE_KEY_MAX, &got));
	CHECK(got->len == P2P_STORE_VALUE_MAX &&
	    memcmp(got->value, bytes, got->len) == 0);
	free(got);
	e.len++;
	CHECK_ERR(p2p_store_put(s, name, &e), P2P_ERR_TOO_LARGE);
	e.len = 0;
	e.key_len++;
	CHECK_ERR(p2p_store_put(s, name, &e), P2P_ERR_TOO_LARGE);
	e.key_len = 0;
	CHECK_ERR(p2p_store_put(s, name, &e), P2P_ERR_FORMAT);
	e.key_len = 1;
	e.owner_len++;
	CHECK_ERR(p2p_store_put(s, name, &e), P2P_ERR_TOO_LARGE);
	CHECK_ERR(p2p_store_get(s, name, bytes, 0, &got), P2P_ERR_NOT_FOUND);
	CHECK_ERR(p2p_store_get(s, name, bytes, sizeof(bytes), &got),
	    P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_store_remove(s, name, bytes, sizeof(bytes)));
	name[P2P_STORE_SPACE_MAX] = '~';
	name[P2P_STORE_SPACE_MAX + 1] = '\0';
	CHECK_ERR(put(s, name, "k", "v"), P2P_ERR_FORMAT);
	CHECK_ERR(put(s, "", "k", "v"), P2P_ERR_FORMAT);
	CHECK_ERR(put(s, "a\n", "k", "v"), P2P_ERR_FORMAT);
	CHECK_ERR(put(s, "\xc3\xa4", "k", "v"), P2P_ERR_FORMAT);
	CHECK_ERR(p2p_store_cap(s, "", &(struct p2p_store_caps){ 0 }),
	    P2P_ERR_FORMAT);
}

static void
what_is_too_large_or_has_no_name_is_refused(void)
{
	each(sizes);
}

static void
order(struct p2p_store *s)
{
	static const char *const keys[] = { "b", "ab", "a", "\x7f", "abc",
	    "\xff", "ac", "b\xff", "\xff\xff" };
	size_t i;

	lists(s, "", NULL, 9, "");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		CHECK_OK(put(s, "a", keys[i], "v"));
	CHECK_OK(put(s, "b", "aa", "of another space"));
	lists(s, "", NULL, 99, "a ab abc ac b b\xff \x7f \xff \xff\xff");
	lists(s, "a", NULL, 99, "a ab abc ac");
	lists(s, "ab", NULL, 99, "ab abc");
	lists(s, "abcd", NULL, 99, "");
	lists(s, "\xff", NULL, 99, "\xff \xff\xff");
	lists(s, "", NULL, 3, "a ab abc");
	lists(s, "", "abc", 2, "ac b");
	lists(s, "", "abb", 2, "abc ac");
	lists(s, "a", "ab", 99, "abc ac");
	lists(s, "a", "", 99, "a ab abc ac");
	lists(s, "b", "a", 99, "b b\xff");
	lists(s, "a", "b", 99, "");
	lists(s, "", "\xff\xff", 99, "");
	lists(s, "", NULL, 0, "");
}

static void
lists_come_in_the_order_of_keys(void)
{
	each(order);
}

/* A key of the full length is behind what it begins with, and is passed. */
static void
long_keys(struct p2p_store *s)
{
	uint8_t key[P2P_STORE_KEY_MAX + 9];
	struct p2p_store_entry e = { .key = key, .key_len = P2P_STORE_KEY_MAX },
	    *list;
	size_t n;

	memset(key, 'x', sizeof(key));
	CHECK_OK(p2p_store_put(s, "a", &e));
	e.key_len--;
	CHECK_OK(p2p_store_put(s, "a", &e));
	CHECK_OK(p2p_store_list(s, "a", key, 1, key, e.key_len, 9, &list, &n));
	CHECK_EQ(n, 1);
	free(list);
	CHECK_OK(p2p_store_list(s, "a", key, 1, key, sizeof(key), 9, &list,
	    &n));
	CHECK_EQ(n, 0);
	CHECK_OK(p2p_store_list(s, "a", key, sizeof(key), NULL, 0, 9, &list,
	    &n));
	CHECK_EQ(n, 0);
	CHECK_OK(put(s, "a", "y", ""));
	CHECK_OK(p2p_store_list(s, "a", NULL, 0, key, sizeof(key), 9, &list,
	    &n));
	CHECK_EQ(n, 1);
	free(list);
}

static void
keys_as_long_as_may_be_are_listed(void)
{
	each(long_keys);
}

/* As a caller goes through a space that is larger than it wants at once. */
static void
pages(struct p2p_store *s)
{
	struct p2p_store_entry *list;
	char key[16], last[16];
	size_t i, n, len = 0, seen = 0;

	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "%03zu", i * 7 % 300);
		CHECK_OK(put(s, "a", key, key));
	}
	do {
		CHECK_OK(p2p_store_list(s, "a", NULL, 0, len > 0 ? last : NULL,
		    len, 64, &list, &n));
		for (i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "%03zu", seen++);
			CHECK_BYTES(list[i].key, list[i].key_len, key, 3);
			CHECK_BYTES(list[i].value, list[i].len, key, 3);
		}
		if (n > 0) {
			len = list[n - 1].key_len;
			memcpy(last, list[n - 1].key, len);
		}
		free(list);
	} while (n > 0);
	CHECK_EQ(seen, 300);
}

static void
a_space_is_gone_through_in_pages(void)
{
	each(pages);
}

static void
expiry(struct p2p_store *s)
{
	uint64_t now = clock_wall_ns();

	CHECK_OK(put_until(s, "dead", now - 1));
	CHECK_OK(put_until(s, "then", 1));
	CHECK_OK(put_until(s, "later", now + 3600 * CLOCK_S));
	CHECK_OK(put_until(s, "never", 0));
	CHECK_OK(put_until(s, "far", UINT64_MAX));
	uses(s, "a", 5, 26, 0);
	holds(s, "a", "dead", NULL);
	holds(s, "a", "then", NULL);
	holds(s, "a", "later", "v");
	holds(s, "a", "never", "v");
	lists(s, "", NULL, 3, "far later never");
	CHECK_OK(p2p_store_expire(s));
	uses(s, "a", 3, 16, 0);
	lists(s, "", NULL, 9, "far later never");
	CHECK_OK(put_until(s, "later", 1));
	holds(s, "a", "later", NULL);
	CHECK_OK(put_until(s, "later", 0));
	CHECK_OK(p2p_store_expire(s));
	holds(s, "a", "later", "v");
}

static void
what_has_expired_is_not_there(void)
{
	each(expiry);
}

static void
entries(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .entries = 2 };

	CHECK_OK(p2p_store_cap(s, "a", &caps));
	uses(s, "a", 0, 0, 0);
	CHECK_OK(put(s, "a", "1", "v"));
	CHECK_OK(put(s, "a", "2", "v"));
	CHECK_ERR(put(s, "a", "3", "v"), P2P_ERR_LIMIT);
	CHECK_OK(put(s, "a", "2", "again"));
	CHECK_OK(put(s, "b", "3", "v"));
	holds(s, "a", "3", NULL);
	uses(s, "a", 2, 8, 1);
	CHECK_OK(p2p_store_remove(s, "a", "1", 1));
	CHECK_OK(put(s, "a", "3", "v"));
	caps.entries = 1;			/* what is there stays */
	CHECK_OK(p2p_store_cap(s, "a", &caps));
	lists(s, "", NULL, 9, "2 3");
	CHECK_OK(put(s, "a", "2", "grows, is no more of them"));
	CHECK_ERR(put(s, "a", "4", ""), P2P_ERR_LIMIT);
	uses(s, "a", 2, 28, 2);
}

static void
a_cap_in_entries_holds(void)
{
	each(entries);
}

static void
bytes(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .bytes = 10 };

	CHECK_OK(p2p_store_cap(s, "a", &caps));
	CHECK_OK(put(s, "a", "1", "1234"));
	CHECK_OK(put(s, "a", "2", "1234"));
	CHECK_ERR(put(s, "a", "3", ""), P2P_ERR_LIMIT);
	CHECK_ERR(put(s, "a", "2", "12345"), P2P_ERR_LIMIT);
	CHECK_ERR(put_for(s, "4567", "2"), P2P_ERR_LIMIT);
	holds(s, "a", "2", "1234");
	CHECK_OK(put(s, "a", "2", "abcd"));
	CHECK_OK(put(s, "a", "2", "abc"));
	CHECK_OK(put(s, "a", "3", ""));
	uses(s, "a", 3, 10, 3);
	caps.bytes = 4;
	CHECK_OK(p2p_store_cap(s, "a", &caps));
	CHECK_OK(put(s, "a", "1", "12"));	/* less is never refused */
	CHECK_ERR(put(s, "a", "1", "123"), P2P_ERR_LIMIT);
	uses(s, "a", 3, 8, 4);
}

static void
a_cap_in_bytes_holds(void)
{
	each(bytes);
}

static void
owners(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .per_owner = 2 };

	CHECK_OK(p2p_store_cap(s, "a", &caps));
	CHECK_OK(put_for(s, "x", "1"));
	CHECK_OK(put_for(s, "x", "2"));
	CHECK_ERR(put_for(s, "x", "3"), P2P_ERR_LIMIT);
	CHECK_OK(put_for(s, "x", "2"));
	CHECK_OK(put_for(s, "y", "3"));
	CHECK_ERR(put_for(s, "x", "3"), P2P_ERR_LIMIT);
	CHECK_OK(put_for(s, "y", "2"));		/* x has one less */
	CHECK_OK(put_for(s, "x", "4"));
	CHECK_ERR(put_for(s, "y", "4"), P2P_ERR_LIMIT);
	CHECK_OK(put_for(s, "", "5"));
	CHECK_OK(put_for(s, "", "6"));
	CHECK_OK(put_for(s, "", "7"));		/* ours have no such cap */
	CHECK_OK(p2p_store_remove(s, "a", "1", 1));
	CHECK_OK(put_for(s, "x", "7"));
	CHECK_ERR(put_for(s, "x", "8"), P2P_ERR_LIMIT);
	lists(s, "", NULL, 9, "2 3 4 5 6 7");
	uses(s, "a", 6, 16, 4);
}

/* More of them than counts are kept of, and a cap that moves. */
static void
many_owners(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .per_owner = 2 };
	char owner[16], key[16];
	unsigned i, turn, bad = 0;

	for (turn = 0; turn < 5; turn++) {
		caps.per_owner = turn < 3 ? 2 : 7 - turn;
		CHECK_OK(p2p_store_cap(s, "a", &caps));
		for (i = 0; i < 100; i++) {
			snprintf(owner, sizeof(owner), "o%u", i);
			snprintf(key, sizeof(key), "%u %u", i, turn);
			/* Two; a third under 4; one for who lost one. */
			bad += put_for(s, owner, key) != (turn == 2 ?
			    P2P_ERR_LIMIT : turn == 4 && i < 50 ? 0 :
			    turn == 4 ? P2P_ERR_LIMIT : 0);
			if (turn == 3 && i < 50) {
				snprintf(key, sizeof(key), "%u 0", i);
				bad += p2p_store_remove(s, "a", key,
				    strlen(key)) != 0;
			}
		}
	}
	CHECK_EQ(bad, 0);
}

static void
a_cap_per_owner_holds(void)
{
	each(owners);
	each(many_owners);
}

static void
room(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .entries = 3, .per_owner = 1 };
	struct p2p_store_entry e = entry("o1", "v");

	CHECK_OK(p2p_store_cap(s, "a", &caps));
	CHECK_OK(put_until(s, "1", 1));
	CHECK_OK(put_until(s, "2", clock_wall_ns() - 1));
	CHECK_OK(put_until(s, "3", 0));
	uses(s, "a", 3, 6, 0);
	CHECK_OK(put_until(s, "4", 0));
	uses(s, "a", 2, 4, 0);
	CHECK_OK(put_until(s, "5", 0));
	CHECK_ERR(put_until(s, "6", 0), P2P_ERR_LIMIT);
	CHECK_ERR(put_until(s, "6", 1), P2P_ERR_LIMIT);
	uses(s, "a", 3, 6, 2);
	/* The one to be replaced may be among them. */
	CHECK_OK(put_until(s, "5", 1));
	CHECK_OK(put_until(s, "6", 0));
	holds(s, "a", "6", "v");
	CHECK_OK(p2p_store_remove(s, "a", "6", 1));
	e.owner = (const uint8_t *)"o";
	e.owner_len = 1;
	e.expires = 1;
	CHECK_OK(p2p_store_put(s, "a", &e));
	CHECK_OK(p2p_store_remove(s, "a", "3", 1));
	CHECK_OK(put_for(s, "o", "o2"));
	CHECK_ERR(put_for(s, "o", "o3"), P2P_ERR_LIMIT);
	holds(s, "a", "o2", "v");
}

static void
what_has_expired_makes_room(void)
{
	each(room);
}

static void
nothing(struct p2p_store *s)
{
	struct p2p_store_usage u;

	CHECK_ERR(p2p_store_usage(s, "a", &u), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_store_remove(s, "a", "k", 1));
	holds(s, "a", "k", NULL);
	lists(s, "", NULL, 9, "");
	CHECK_ERR(p2p_store_usage(s, "a", &u), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_store_cap(s, "a", &(struct p2p_store_caps){ 0 }));
	uses(s, "a", 0, 0, 0);
	CHECK_ERR(p2p_store_usage(s, "", &u), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_store_expire(s));
}

static void
a_space_is_there_once_it_was_asked_for(void)
{
	each(nothing);
}

static int
put_in_new_space(struct p2p_store *s)
{
	return put(s, "new", "k", "v");
}

static int
put_for_new_owner(struct p2p_store *s)
{
	return put_for(s, "new", "1");
}

static int
put_over_expired(struct p2p_store *s)
{
	return put(s, "a", "3", "as the third");
}

static int
get_one(struct p2p_store *s)
{
	struct p2p_store_entry *e;
	int error = p2p_store_get(s, "a", "1", 1, &e);

	if (error == 0)
		free(e);
	return error;
}

static int
list_many(struct p2p_store *s)
{
	struct p2p_store_entry *list;
	size_t n;
	int error = p2p_store_list(s, "b", NULL, 0, NULL, 0, 99, &list, &n);

	if (error == 0)
		free(list);
	return error;
}

/* Once for each allocation in it, until it is good. */
static void
starve(struct p2p_store *s, int (*op)(struct p2p_store *))
{
	long n = 0;
	int e;

	do {
		atomic_store(&fail_in, ++n);
		e = op(s);
		atomic_store(&fail_in, 0);
		if (e == 0)
			break;
		CHECK_ERR(e, -ENOMEM);
		holds(s, "a", "1", "one");
		holds(s, "a", "2", "two");
		holds(s, "a", "3", NULL);
		holds(s, "new", "k", NULL);
	} while (n < 99);
	CHECK_OK(e);
}

static void
memory(struct p2p_store *s)
{
	struct p2p_store_caps caps = { .entries = 3 };
	char key[8];
	int i;

	for (i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "%d", i);
		CHECK_OK(put(s, "b", key, "some value to make it long"));
	}
	CHECK_OK(put(s, "a", "1", "one"));
	CHECK_OK(put(s, "a", "2", "two"));
	CHECK_OK(put_until(s, "past", 1));
	CHECK_OK(p2p_store_cap(s, "a", &caps));
	starve(s, get_one);
	starve(s, list_many);
	starve(s, put_over_expired);
	CHECK_OK(p2p_store_remove(s, "a", "3", 1));
	starve(s, put_in_new_space);
	CHECK_OK(p2p_store_remove(s, "new", "k", 1));
	starve(s, put_for_new_owner);
	uses(s, "a", 2, 9, 0);
}

static void
without_memory_nothing_changes(void)
{
	each(memory);
}

/* Entries tell what they are, so that a torn or a mixed one is seen. */
struct crowd {
	struct p2p_store *store;
	atomic_uint	 wrong, writing;
	atomic_uint	 next;		/* the number of a thread */
};

static void *
write_much(void *arg)
{
	struct crowd *c = arg;
	unsigned me = atomic_fetch_add(&c->next, 1), i;
	char key[32], value[64];

	for (i = 0; i < ROUNDS; i++) {
		snprintf(key, sizeof(key), "%u.%u", me, i % 10);
		snprintf(value, sizeof(value), "%s.%u", key, i);
		if (put(c->store, "a", key, value) != 0)
			atomic_fetch_add(&c->wrong, 1);
		if (i % 7 == 3 && p2p_store_remove(c->store, "a", key,
		    strlen(key)) != 0)
			atomic_fetch_add(&c->wrong, 1);
	}
	atomic_fetch_sub(&c->writing, 1);
	return NULL;
}

static void *
read_much(void *arg)
{
	struct crowd *c = arg;
	struct p2p_store_entry *list, *one;
	size_t i, n;

	while (atomic_load(&c->writing) > 0) {
		if (p2p_store_list(c->store, "a", NULL, 0, NULL, 0, 100, &list,
		    &n) != 0) {
			atomic_fetch_add(&c->wrong, 1);
			continue;
		}
		for (i = 0; i < n; i++)
			if (list[i].len <= list[i].key_len || memcmp(
			    list[i].key, list[i].value, list[i].key_len) != 0)
				atomic_fetch_add(&c->wrong, 1);
		if (n > 0 && p2p_store_get(c->store, "a", list[0].key,
		    list[0].key_len, &one) == 0)
			free(one);
		free(list);
	}
	return NULL;
}

static void
crowd(struct p2p_store *s)
{
	struct crowd c = { .store = s, .writing = WRITERS };
	pthread_t t[WRITERS + READERS];
	struct p2p_store_entry *list;
	size_t i, n, len = 0;

	for (i = 0; i < WRITERS + READERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL,
		    i < WRITERS ? write_much : read_much, &c), 0);
	for (i = 0; i < WRITERS + READERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(atomic_load(&c.wrong), 0);
	CHECK_OK(p2p_store_list(s, "a", NULL, 0, NULL, 0, 999, &list, &n));
	for (i = 0; i < n; i++)
		len += list[i].key_len + list[i].len;
	free(list);
	CHECK(n > WRITERS && n <= 10 * WRITERS);
	uses(s, "a", n, len, 0);
}

static void
many_threads_write_and_read(void)
{
	each(crowd);
}

TESTS("store",
	{ "what is put is got until it is removed",
	    what_is_put_is_got_until_it_is_removed },
	{ "an entry comes back whole", an_entry_comes_back_whole },
	{ "a put replaces the one before", a_put_replaces_the_one_before },
	{ "what is too large or has no name is refused",
	    what_is_too_large_or_has_no_name_is_refused },
	{ "lists come in the order of keys", lists_come_in_the_order_of_keys },
	{ "keys as long as may be are listed",
	    keys_as_long_as_may_be_are_listed },
	{ "a space is gone through in pages",
	    a_space_is_gone_through_in_pages },
	{ "what has expired is not there", what_has_expired_is_not_there },
	{ "a cap in entries holds", a_cap_in_entries_holds },
	{ "a cap in bytes holds", a_cap_in_bytes_holds },
	{ "a cap per owner holds", a_cap_per_owner_holds },
	{ "what has expired makes room", what_has_expired_makes_room },
	{ "a space is there once it was asked for",
	    a_space_is_there_once_it_was_asked_for },
	{ "without memory nothing changes", without_memory_nothing_changes },
	{ "many threads write and read", many_threads_write_and_read })
