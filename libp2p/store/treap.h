/*
 * store/treap.h -- a sorted tree of things with keys, which strangers choose.
 *
 * A treap (Seidel and Aragon, "Randomized search trees"): in order by key, as
 * bytes, and a heap by priority.  Priorities are a keyed hash of the node's
 * address, so that nobody outside can make the tree deep: all below take
 * O(log n) whatever the keys, and nothing here allocates.
 *
 * A node is a member of what it holds; a root is a pointer that begins as NULL.
 */
#ifndef STORE_TREAP_H
#define STORE_TREAP_H

#include "base/bytes.h"

struct treap_node {
	struct treap_node *left, *right;
	struct rd	 key;		/* borrowed from the holder */
	unsigned	 prio;
};

/* Less than, equal to or greater than 0; a prefix comes first. */
int	treap_compare(struct rd a, struct rd b);

/* NULL when there is none with that key. */
struct treap_node	*treap_find(struct treap_node *root, struct rd key);

/* The first whose key is not before key, or NULL. */
struct treap_node	*treap_from(struct treap_node *root, struct rd key);

/* The one behind n, which is in the tree, or NULL. */
struct treap_node	*treap_next(struct treap_node *root,
			    const struct treap_node *n);

/* n->key is set, and none has it yet. */
void	treap_add(struct treap_node **root, struct treap_node *n);

/* n is in the tree. */
void	treap_remove(struct treap_node **root, struct treap_node *n);

#endif
