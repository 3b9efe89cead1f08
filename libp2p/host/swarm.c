/*
 * The table of live connections: who is there, and the end of all of them.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/inbound.h"

struct conn *
swarm_find_locked(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct conn *c;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		if (p2p_peer_id_equal(&c->peer, peer) &&
		    session_alive(c->session))
			break;
	return c;
}

struct conn *
swarm_find(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct conn *c;

	lock_lock(&h->swarm);
	if ((c = swarm_find_locked(h, peer)) != NULL)
		conn_ref(c);
	lock_unlock(&h->swarm);
	return c;
}

struct conn *
swarm_find_number(struct p2p_host *h, uint64_t number)
{
	struct conn *c;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link) {
		if (c->number == number) {
			conn_ref(c);
			break;
		}
	}
	lock_unlock(&h->swarm);
	return c;
}

/* Wait until neither connections nor upgrades are left. */
static bool
wait_empty(struct p2p_host *h, uint64_t deadline)
{
	bool empty = false, more = true;

	while (!empty && more) {
		house_reap(h);
		lock_lock(&h->swarm);
		empty = TAILQ_EMPTY(&h->conns) && !inbound_busy(h);
		if (!empty)
			more = cond_wait(&h->swarm_changed, &h->swarm,
			    deadline);
		lock_unlock(&h->swarm);
	}
	house_reap(h);
	return empty;
}

/* All live connections, referenced; NULL without memory. */
static struct conn **
all_conns(struct p2p_host *h, size_t *n)
{
	struct conn **all, *c;

	*n = 0;
	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		(*n)++;
	all = calloc(*n + 1, sizeof(struct conn *));
	*n = 0;
	TAILQ_FOREACH(c, &h->conns, link) {
		if (all == NULL)
			break;
		conn_ref(c);
		all[(*n)++] = c;
	}
	lock_unlock(&h->swarm);
	return all;
}

bool
swarm_shutdown(struct p2p_host *h, uint64_t soft, uint64_t hard)
{
	struct conn **all, *c;
	size_t i, n;

	all = all_conns(h, &n);
	for (i = 0; i < n; i++)
		session_leave(all[i]->session);
	for (i = 0; i < n; i++) {
		session_shutdown(all[i]->session, soft);
		conn_unref(all[i]);
	}
	free(all);
	/* Whoever came in between, or could not be listed, ends at once. */
	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		session_close(c->session, 0);
	lock_unlock(&h->swarm);
	return wait_empty(h, hard);
}
