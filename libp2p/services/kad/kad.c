/*
 * A DHT instance: made, switched between its modes, ended.
 *
 * The end, in this order: the flag, which all waiters of the instance see; the
 * handler leaves the host, its streams are reset, and it is waited for; the
 * housekeeper is joined.  Requests that still wait for a peer have no one to
 * answer to: they hold the instance until they are through, and use nothing of
 * it but its streams.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/dial.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/stream.h"
#include "services/kad/kad.h"

#define INBOUND_LEAST	64	/* connections, or nobody gets in: D11 */
#define GROUP_BUCKET	2	/* peers of an address group in a bucket: go */
#define GROUP_TABLE	3

void
kad_ref(struct p2p_kad *k)
{
	atomic_fetch_add(&k->refs, 1);
}

/* The table's peers lose their pins in the peer store. */
static void
unpin_table(struct p2p_kad *k)
{
	const struct kad_entry *en;
	unsigned cpl;

	for (cpl = 0; cpl < KAD_KEY_BITS; cpl++)
		for (en = kad_table_first(k->table, cpl); en != NULL;
		    en = TAILQ_NEXT(en, next))
			peerstore_unpin(k->host->peerstore, &en->peer);
}

static void
release(struct p2p_kad *k)
{
	struct kad_candidate *c;
	struct kad_kept *kept;

	if (k->table != NULL)
		unpin_table(k);
	kad_table_free(k->table);
	while ((c = TAILQ_FIRST(&k->candidates)) != NULL) {
		TAILQ_REMOVE(&k->candidates, c, link);
		free(c);
	}
	while ((kept = TAILQ_FIRST(&k->kept)) != NULL) {
		TAILQ_REMOVE(&k->kept, kept, link);
		free(kept);
	}
	kad_free_targets(k->targets, k->ntargets);
	cond_destroy(&k->request_done);
	cond_destroy(&k->mode_changed);
	cond_destroy(&k->changed);
	lock_destroy(&k->mtx);
	free(k->protocol);
	free(k);
}

void
kad_unref(struct p2p_kad *k)
{
	if (atomic_fetch_sub(&k->refs, 1) == 1)
		release(k);
}

static bool
is_rule_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL;
}

static int
add_rule(struct p2p_kad *k, const struct p2p_record_rule *rule)
{
	size_t i;

	if (!is_rule_name(rule->name))
		return P2P_ERR_FORMAT;
	for (i = 0; i < k->rules.n; i++)
		if (strcmp(k->rule_list[i].name, rule->name) == 0)
			return P2P_ERR_EXISTS;
	if (k->rules.n == KAD_RULES_MAX)
		return P2P_ERR_LIMIT;
	k->rule_list[k->rules.n++] = *rule;
	return 0;
}

static int
make_rules(struct p2p_kad *k, const struct p2p_record_rule *rule)
{
	int e;

	k->rules.list = k->rule_list;
	if ((e = add_rule(k, &p2p_record_pk)) != 0 ||
	    (e = add_rule(k, &p2p_record_ipns)) != 0)
		return e;
	for (; rule != NULL && rule->name != NULL; rule++)
		if ((e = add_rule(k, rule)) != 0)
			return e;
	return 0;
}

static int
make_store(struct p2p_kad *k, const struct p2p_kad_config *c)
{
	static const struct p2p_store_caps seeds = { .entries = 4096 };
	struct kad_store_params params = { .store = c->store,
	    .rules = &k->rules, .protocol = k->protocol,
	    .records = c->records, .providers = c->providers };
	int e;

	if (c->store == NULL && (e = p2p_store_memory(&k->own_store)) != 0)
		return e;
	if (c->store == NULL)
		params.store = k->own_store;
	snprintf(k->seeds, sizeof(k->seeds), "table %s", k->protocol);
	if ((e = p2p_store_cap(params.store, k->seeds, &seeds)) != 0)
		return e;
	return kad_store_init(&k->store, &params);
}

static int
make_parts(struct p2p_kad *k, const struct p2p_kad_config *c)
{
	struct kad_table_params params = { .self = k->host->id };
	int e;

	if (c->reach == P2P_KAD_PUBLIC) {
		params.group_bucket = GROUP_BUCKET;
		params.group_table = GROUP_TABLE;
	}
	if ((e = make_rules(k, c->rules)) != 0 ||
	    (e = kad_table_new(&params, &k->table)) != 0)
		return e;
	return make_store(k, c);
}

static struct p2p_kad *
allocate(struct p2p_host *h, const struct p2p_kad_config *c)
{
	const char *protocol = c->protocol != NULL ? c->protocol : P2P_KAD_ID;
	struct p2p_kad *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	if ((k->protocol = strdup(protocol)) == NULL) {
		free(k);
		return NULL;
	}
	k->host = h;
	k->protocols[0] = k->protocol;
	k->reach = c->reach;
	k->reply = c->reply;
	k->is_auto = c->mode == P2P_KAD_AUTO;
	k->watch = (struct host_watch){ .learned = kad_book_learned,
	    .values = kad_book_values, .arg = k };
	atomic_init(&k->refs, 1);
	lock_init(&k->mtx, LOCK_SERVICE);
	cond_init(&k->changed);
	cond_init(&k->mode_changed);
	cond_init(&k->request_done);
	TAILQ_INIT(&k->servings);
	TAILQ_INIT(&k->idle);
	TAILQ_INIT(&k->candidates);
	TAILQ_INIT(&k->boxes);
	TAILQ_INIT(&k->kept);
	return k;
}

/* D11: a server that few can reach is none. */
static int
may_serve(struct p2p_kad *k)
{
	struct p2p_multiaddr **own;
	bool any;

	if (k->host->limits[LIMIT_CONNECTIONS_IN].max < INBOUND_LEAST)
		return P2P_ERR_LIMIT;
	if (p2p_host_addresses(k->host, &own) != 0)
		return -ENOMEM;
	any = own[0] != NULL;
	p2p_host_addresses_free(own);
	return any ? 0 : P2P_ERR_NO_ADDRESS;
}

static int
begin_serving(struct p2p_kad *k)
{
	int e;

	if ((e = may_serve(k)) != 0)
		return e;
	lock_lock(&k->mtx);
	k->is_server = true;
	lock_unlock(&k->mtx);
	e = host_handle(k->host, k->protocol, kad_serve, k,
	    &k->host->limits[LIMIT_KAD_PEER]);
	if (e != 0) {
		lock_lock(&k->mtx);
		k->is_server = false;
		lock_unlock(&k->mtx);
	}
	return e;
}

/* A stream that was not told yet; its handler waits until it was. */
static struct kad_serving *
hold_serving(struct p2p_kad *k)
{
	struct kad_serving *sv;

	lock_lock(&k->mtx);
	TAILQ_FOREACH(sv, &k->servings, link)
		if (!sv->ending)
			break;
	if (sv != NULL)
		sv->ending = sv->held = true;
	lock_unlock(&k->mtx);
	return sv;
}

/* Out of the host; streams that are served end; nobody is in it after that. */
static void
end_serving(struct p2p_kad *k)
{
	struct handler_entry *entry;
	struct kad_serving *sv;

	entry = host_unhandle_begin(k->host, k->protocol);
	lock_lock(&k->mtx);
	k->is_server = false;
	lock_unlock(&k->mtx);
	while ((sv = hold_serving(k)) != NULL) {
		p2p_stream_reset(sv->stream);
		lock_lock(&k->mtx);
		sv->held = false;
		cond_broadcast(&k->mode_changed);
		lock_unlock(&k->mtx);
	}
	host_unhandle_end(k->host, entry);
}

/*
 * One thread at a time.  chosen: the application says so, and whether it wants
 * it automatic from now on; otherwise it must still be.
 */
static int
switch_mode(struct p2p_kad *k, bool server, bool chosen, bool is_auto)
{
	bool is_server, may;
	int e = 0;

	lock_lock(&k->mtx);
	while (k->switching)
		cond_wait(&k->mode_changed, &k->mtx, CLOCK_NEVER);
	k->switching = true;
	if (chosen)
		k->is_auto = is_auto;
	may = chosen || k->is_auto;
	is_server = k->is_server;
	lock_unlock(&k->mtx);
	if (may && server && !is_server)
		e = atomic_load(&k->closed) ? P2P_ERR_CLOSED :
		    begin_serving(k);
	else if (may && !server && is_server)
		end_serving(k);
	lock_lock(&k->mtx);
	k->switching = false;
	cond_broadcast(&k->mode_changed);
	cond_broadcast(&k->changed);
	lock_unlock(&k->mtx);
	return e;
}

int
kad_serve_now(struct p2p_kad *k)
{
	return switch_mode(k, true, false, true);
}

static unsigned
count_watches(struct p2p_host *h)
{
	struct host_watch *w;
	unsigned n = 0;

	lock_lock(&h->mtx);
	TAILQ_FOREACH(w, &h->watches, link)
		n++;
	lock_unlock(&h->mtx);
	return n;
}

static int
start(struct p2p_kad *k, enum p2p_kad_mode mode)
{
	int e;

	if (count_watches(k->host) >= HOST_WATCHES_MAX)
		return P2P_ERR_LIMIT;
	if (mode == P2P_KAD_SERVER &&
	    (e = switch_mode(k, true, true, false)) != 0)
		return e;
	host_watch(k->host, &k->watch);
	e = thread_start(&k->keeper, "p2p-kad", THREAD_STACK, kad_keep_run, k);
	if (e != 0) {
		host_unwatch(k->host, &k->watch);
		(void)switch_mode(k, false, true, false);
	}
	return e;
}

int
p2p_kad_new(struct p2p_host *h, const struct p2p_kad_config *config,
    struct p2p_kad **out)
{
	static const struct p2p_kad_config none;
	const struct p2p_kad_config *c = config != NULL ? config : &none;
	struct p2p_kad *k;
	int e;

	if ((k = allocate(h, c)) == NULL)
		return -ENOMEM;
	if (!host_is_protocol(k->protocol))
		e = P2P_ERR_FORMAT;
	else if ((e = make_parts(k, c)) == 0 &&
	    (e = start(k, c->mode)) != 0)
		kad_store_fini(&k->store);
	if (e != 0) {
		p2p_store_free(k->own_store);
		kad_unref(k);
		return e;
	}
	*out = k;
	return 0;
}

void
p2p_kad_close(struct p2p_kad *k)
{
	atomic_store(&k->closed, true);
	lock_lock(&k->mtx);
	cond_broadcast(&k->changed);
	kad_box_poke_all(k);
	lock_unlock(&k->mtx);
	dial_poke(k->host);
}

void
p2p_kad_free(struct p2p_kad *k)
{
	if (k == NULL)
		return;
	p2p_kad_close(k);
	host_unwatch(k->host, &k->watch);
	thread_join(&k->keeper);
	(void)switch_mode(k, false, true, false);
	kad_ask_close_idle(k, 0);
	kad_store_fini(&k->store);
	p2p_store_free(k->own_store);
	k->own_store = NULL;
	kad_unref(k);
}

/* Whether the caller runs in a request, as a rule of records does. */
static bool
is_serving(struct p2p_kad *k)
{
	struct kad_serving *sv;

	lock_lock(&k->mtx);
	TAILQ_FOREACH(sv, &k->servings, link)
		if (pthread_equal(sv->thread, pthread_self()))
			break;
	lock_unlock(&k->mtx);
	return sv != NULL;
}

int
p2p_kad_set_mode(struct p2p_kad *k, enum p2p_kad_mode mode)
{
	if (is_serving(k))
		return P2P_ERR_DEADLOCK;
	return switch_mode(k, mode == P2P_KAD_SERVER, true,
	    mode == P2P_KAD_AUTO);
}

enum p2p_kad_mode
p2p_kad_mode(struct p2p_kad *k)
{
	bool server;

	lock_lock(&k->mtx);
	server = k->is_server;
	lock_unlock(&k->mtx);
	return server ? P2P_KAD_SERVER : P2P_KAD_CLIENT;
}
