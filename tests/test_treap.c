#include "store/treap.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define N	2000

struct item {
	struct treap_node node;
	uint8_t		 key[2];
	bool		 in;
};

static struct item items[N];

static struct rd
key_of(size_t i)
{
	items[i].key[0] = (uint8_t)(i >> 8);
	items[i].key[1] = (uint8_t)i;
	return (struct rd){ items[i].key, 2 };
}

static void
add(struct treap_node **root, size_t i)
{
	items[i].node.key = key_of(i);
	treap_add(root, &items[i].node);
	items[i].in = true;
}

/* All that are in it, in order, and none else. */
static void
check_order(struct treap_node *root)
{
	struct treap_node *n = treap_from(root, (struct rd){ NULL, 0 });
	size_t i, wrong = 0;

	for (i = 0; i < N; i++) {
		wrong += (treap_find(root, key_of(i)) != NULL) != items[i].in;
		if (!items[i].in)
			continue;
		wrong += n != &items[i].node;
		n = n != NULL ? treap_next(root, n) : NULL;
	}
	CHECK_EQ(wrong, 0);
	CHECK(n == NULL);
}

static unsigned
depth(const struct treap_node *n)
{
	unsigned a, b;

	if (n == NULL)
		return 0;
	a = depth(n->left);
	b = depth(n->right);
	return 1 + (a > b ? a : b);
}

static void
what_is_put_in_any_order_comes_out_sorted(void)
{
	struct treap_node *root = NULL;
	size_t i, at;

	memset(items, 0, sizeof(items));
	for (i = 0; i < N; i++)
		add(&root, i * 1009 % N);	/* a prime: each once */
	check_order(root);
	for (i = 0; i < N; i += 3) {
		at = i * 1013 % N;
		treap_remove(&root, &items[at].node);
		items[at].in = false;
	}
	check_order(root);
	for (i = 0; i < N; i++)
		if (items[i].in)
			treap_remove(&root, &items[i].node);
	CHECK(root == NULL);
}

/* 2 ln n on average; a tree that was not random would be N deep. */
static void
keys_in_order_do_not_make_it_deep(void)
{
	struct treap_node *root = NULL;
	size_t i;

	memset(items, 0, sizeof(items));
	for (i = 0; i < N; i++)
		add(&root, i);
	CHECK(depth(root) < 60);
	check_order(root);
}

static void
a_prefix_comes_before_what_it_begins(void)
{
	static const uint8_t bytes[] = { 1, 0, 0xff };
	struct rd one = { bytes, 1 }, two = { bytes, 2 };
	struct rd top = { bytes + 2, 1 };

	CHECK(treap_compare((struct rd){ NULL, 0 }, one) < 0);
	CHECK(treap_compare(one, two) < 0);
	CHECK(treap_compare(two, one) > 0);
	CHECK(treap_compare(two, top) < 0);	/* bytes have no sign */
	CHECK(treap_compare(top, top) == 0);
}

static void
a_search_finds_what_is_not_before_it(void)
{
	static const uint8_t behind[] = { 0, 4, 0 };
	struct treap_node *root = NULL;
	size_t i;

	memset(items, 0, sizeof(items));
	for (i = 0; i < 10; i += 2)
		add(&root, i);
	CHECK(treap_from(root, key_of(4)) == &items[4].node);
	CHECK(treap_from(root, key_of(5)) == &items[6].node);
	CHECK(treap_from(root, (struct rd){ behind, 3 }) == &items[6].node);
	CHECK(treap_from(root, key_of(9)) == NULL);
	CHECK(treap_find(root, key_of(5)) == NULL);
	CHECK(treap_next(root, &items[8].node) == NULL);
}

TESTS("treap",
	{ "what is put in any order comes out sorted",
	    what_is_put_in_any_order_comes_out_sorted },
	{ "keys in order do not make it deep",
	    keys_in_order_do_not_make_it_deep },
	{ "a prefix comes before what it begins",
	    a_prefix_comes_before_what_it_begins },
	{ "a search finds what is not before it",
	    a_search_finds_what_is_not_before_it })
