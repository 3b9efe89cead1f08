/*
 * What a host serves, and who wants to know what it learns.
 *
 * A handler may be asked for until its entry leaves the list; from
 * host_serve_begin() to host_serve_end() the entry is held, so that its owner
 * can wait until nobody is in it any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/host.h"
#include "p2p/error.h"

static struct handler_entry *
find_handler(struct p2p_host *h, const char *protocol)
{
	struct handler_entry *e;

	lock_assert_held(&h->mtx);
	TAILQ_FOREACH(e, &h->handlers, link)
		if (strcmp(e->protocol, protocol) == 0)
			break;
	return e;
}

bool
host_has_handler(struct p2p_host *h, const char *protocol)
{
	bool has;

	lock_lock(&h->mtx);
	has = find_handler(h, protocol) != NULL;
	lock_unlock(&h->mtx);
	return has;
}

/* The list's hold, or that of a stream that is served. */
static void
unref(struct p2p_host *h, struct handler_entry *e)
{
	lock_assert_held(&h->mtx);
	if (--e->refs == 0)
		free(e);
	cond_broadcast(&h->idle);
}

/* Whether a peer may have one more of these; h->mtx is held. */
static bool
has_room(const struct p2p_host *h, const struct serving *sv,
    struct limit *per_peer)
{
	const struct serving *other;
	uint64_t n = 0;

	lock_assert_held(&h->mtx);
	if (per_peer == NULL)
		return true;
	TAILQ_FOREACH(other, &h->servings, link)
		n += other->handler->per_peer == per_peer &&
		    p2p_peer_id_equal(other->peer, sv->peer);
	if (n >= per_peer->max)
		atomic_fetch_add(&per_peer->refused, 1);
	return n < per_peer->max;
}

int
host_serve_begin(struct p2p_host *h, const char *protocol, struct serving *sv)
{
	int e = 0;

	lock_lock(&h->mtx);
	if ((sv->handler = find_handler(h, protocol)) == NULL)
		e = P2P_ERR_NO_PROTOCOL;
	else if (!has_room(h, sv, sv->handler->per_peer))
		e = P2P_ERR_LIMIT;
	if (e == 0) {
		sv->handler->refs++;
		TAILQ_INSERT_TAIL(&h->servings, sv, link);
	}
	lock_unlock(&h->mtx);
	return e;
}

void
host_serve_end(struct p2p_host *h, struct serving *sv)
{
	lock_lock(&h->mtx);
	TAILQ_REMOVE(&h->servings, sv, link);
	unref(h, sv->handler);
	lock_unlock(&h->mtx);
}

bool
host_is_protocol(const char *p)
{
	size_t n = 0;

	for (; p[n] != '\0'; n++)
		if (p[n] <= ' ' || p[n] > '~')
			return false;
	return n > 0 && n <= MSS_NAME_MAX;
}

int
p2p_host_handle(struct p2p_host *h, const char *protocol, p2p_stream_fn fn,
    void *arg)
{
	return host_handle(h, protocol, fn, arg, NULL);
}

int
host_handle(struct p2p_host *h, const char *protocol, p2p_stream_fn fn,
    void *arg, struct limit *per_peer)
{
	struct handler_entry *e;
	int error = 0;

	if (!host_is_protocol(protocol))
		return P2P_ERR_FORMAT;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return -ENOMEM;
	memcpy(e->protocol, protocol, strlen(protocol));
	e->fn = fn;
	e->arg = arg;
	e->per_peer = per_peer;
	e->refs = 1;
	lock_lock(&h->mtx);
	if (find_handler(h, protocol) != NULL)
		error = P2P_ERR_EXISTS;
	else
		TAILQ_INSERT_TAIL(&h->handlers, e, link);
	lock_unlock(&h->mtx);
	if (error != 0)
		free(e);
	else
		host_changed(h);
	return error;
}

/* Out of the list.  held: with a hold of the caller's in its place. */
static struct handler_entry *
take_out(struct p2p_host *h, const char *protocol, bool held)
{
	struct handler_entry *e;

	lock_lock(&h->mtx);
	if ((e = find_handler(h, protocol)) != NULL) {
		TAILQ_REMOVE(&h->handlers, e, link);
		if (!held)
			unref(h, e);
	}
	lock_unlock(&h->mtx);
	if (e != NULL)
		host_changed(h);
	return e;
}

int
p2p_host_unhandle(struct p2p_host *h, const char *protocol)
{
	return take_out(h, protocol, false) != NULL ? 0 : P2P_ERR_NOT_FOUND;
}

struct handler_entry *
host_unhandle_begin(struct p2p_host *h, const char *protocol)
{
	return take_out(h, protocol, true);
}

void
host_unhandle_end(struct p2p_host *h, struct handler_entry *e)
{
	if (e == NULL)
		return;
	lock_lock(&h->mtx);
	while (e->refs > 1)
		cond_wait(&h->idle, &h->mtx, CLOCK_NEVER);
	unref(h, e);
	lock_unlock(&h->mtx);
}

void
host_watch(struct p2p_host *h, struct host_watch *w)
{
	lock_lock(&h->mtx);
	w->calls = 0;
	TAILQ_INSERT_TAIL(&h->watches, w, link);
	lock_unlock(&h->mtx);
}

void
host_unwatch(struct p2p_host *h, struct host_watch *w)
{
	lock_lock(&h->mtx);
	TAILQ_REMOVE(&h->watches, w, link);
	while (w->calls > 0)
		cond_wait(&h->idle, &h->mtx, CLOCK_NEVER);
	lock_unlock(&h->mtx);
}

/* All of them, held; how many. */
static size_t
hold_watches(struct p2p_host *h, struct host_watch **list)
{
	struct host_watch *w;
	size_t n = 0;

	lock_lock(&h->mtx);
	TAILQ_FOREACH(w, &h->watches, link) {
		if (n == HOST_WATCHES_MAX)
			break;
		w->calls++;
		list[n++] = w;
	}
	lock_unlock(&h->mtx);
	return n;
}

static void
release_watches(struct p2p_host *h, struct host_watch **list, size_t n)
{
	lock_lock(&h->mtx);
	while (n > 0)
		list[--n]->calls--;
	cond_broadcast(&h->idle);
	lock_unlock(&h->mtx);
}

void
host_learned(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct host_watch *list[HOST_WATCHES_MAX];
	size_t i, n = hold_watches(h, list);

	for (i = 0; i < n; i++)
		list[i]->learned(list[i]->arg, peer);
	release_watches(h, list, n);
}

bool
host_values(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct host_watch *list[HOST_WATCHES_MAX];
	size_t i, n = hold_watches(h, list);
	bool values = false;

	for (i = 0; i < n && !values; i++)
		values = list[i]->values(list[i]->arg, peer);
	release_watches(h, list, n);
	return values;
}

void
handlers_fini(struct p2p_host *h)
{
	struct handler_entry *e;

	while ((e = TAILQ_FIRST(&h->handlers)) != NULL) {
		TAILQ_REMOVE(&h->handlers, e, link);
		free(e);
	}
}

int
host_protocols(struct p2p_host *h, char ***out)
{
	struct handler_entry *e;
	size_t n = 0, bytes = 0;
	char **list, *p;

	lock_lock(&h->mtx);
	TAILQ_FOREACH(e, &h->handlers, link) {
		n++;
		bytes += strlen(e->protocol) + 1;
	}
	list = malloc((n + 1) * sizeof(*list) + bytes);
	if (list != NULL) {
		p = (char *)(list + n + 1);
		n = 0;
		TAILQ_FOREACH(e, &h->handlers, link) {
			list[n++] = p;
			p = stpcpy(p, e->protocol) + 1;
		}
		list[n] = NULL;
	}
	lock_unlock(&h->mtx);
	if (list == NULL)
		return -ENOMEM;
	*out = list;
	return 0;
}
