/*
 * A tree is cut in two by a key when a node is put in, and two trees are grown
 * together when one is taken out; both go down once, without recursion.
 */
#include "store/treap.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"

int
treap_compare(struct rd a, struct rd b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = len > 0 ? memcmp(a.p, b.p, len) : 0;

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

struct treap_node *
treap_find(struct treap_node *root, struct rd key)
{
	int c;

	while (root != NULL && (c = treap_compare(key, root->key)) != 0)
		root = c < 0 ? root->left : root->right;
	return root;
}

struct treap_node *
treap_from(struct treap_node *root, struct rd key)
{
	struct treap_node *best = NULL;

	while (root != NULL) {
		if (treap_compare(root->key, key) < 0) {
			root = root->right;
		} else {
			best = root;
			root = root->left;
		}
	}
	return best;
}

struct treap_node *
treap_next(struct treap_node *root, const struct treap_node *n)
{
	struct treap_node *best = NULL;

	while (root != NULL) {
		if (treap_compare(root->key, n->key) <= 0) {
			root = root->right;
		} else {
			best = root;
			root = root->left;
		}
	}
	return best;
}

/* All before key to the left, the others to the right. */
static void
cut(struct treap_node *t, struct rd key, struct treap_node **left,
    struct treap_node **right)
{
	while (t != NULL) {
		if (treap_compare(t->key, key) < 0) {
			*left = t;
			left = &t->right;
			t = t->right;
		} else {
			*right = t;
			right = &t->left;
			t = t->left;
		}
	}
	*left = *right = NULL;
}

void
treap_add(struct treap_node **root, struct treap_node *n)
{
	n->prio = hash_keyed(&n, sizeof(n));
	while (*root != NULL && (*root)->prio >= n->prio)
		root = treap_compare(n->key, (*root)->key) < 0 ?
		    &(*root)->left : &(*root)->right;
	cut(*root, n->key, &n->left, &n->right);
	*root = n;
}

void
treap_remove(struct treap_node **root, struct treap_node *n)
{
	struct treap_node *a = n->left, *b = n->right;

	while (*root != n) {
		assert(*root != NULL);
		root = treap_compare(n->key, (*root)->key) < 0 ?
		    &(*root)->left : &(*root)->right;
	}
	while (a != NULL && b != NULL) {
		if (a->prio >= b->prio) {
			*root = a;
			root = &a->right;
			a = a->right;
		} else {
			*root = b;
			root = &b->left;
			b = b->left;
		}
	}
	*root = a != NULL ? a : b;
}
