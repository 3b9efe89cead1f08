/*
 * The DHT of a node that runs: its networks over one store, begun, made known,
 * and what it provides.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "node_dht.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/store.h"
#include "p2p/version.h"

struct dht_run {
	const struct options	*o;
	struct p2p_store	*store;	/* the caller's, or NULL */
	struct p2p_kad		*list[TOOL_LIST_MAX];
	size_t			 n;
	void			(*lock)(void), (*unlock)(void);
};

static bool
mode_of(const char *text, enum p2p_kad_mode *out)
{
	if (strcmp(text, "client") == 0)
		*out = P2P_KAD_CLIENT;
	else if (strcmp(text, "server") == 0)
		*out = P2P_KAD_SERVER;
	else if (strcmp(text, "auto") == 0)
		*out = P2P_KAD_AUTO;
	else if (strcmp(text, "off") == 0)
		return false;
	else
		exit(tool_usage("--dht", "off, client, server or auto"));
	return true;
}

static bool
has_sqlite(void)
{
	const char *const *f;

	for (f = p2p_features(); *f != NULL; f++)
		if (strcmp(*f, "sqlite") == 0)
			return true;
	return false;
}

int
dht_run_store(const struct options *o, struct p2p_store **out)
{
	const char *path = o->dht.store, *why = NULL;
	enum p2p_kad_mode mode;
	char home[PATH_MAX];
	int e;

	*out = NULL;
	if (o->dht.mode == NULL || !mode_of(o->dht.mode, &mode))
		return TOOL_OK;
	if (path == NULL && !o->ephemeral && has_sqlite() &&
	    (path = tool_home("store.sqlite", home)) == NULL)
		return tool_no_home();
	if (path == NULL || strcmp(path, "memory") == 0)
		return TOOL_OK;
	if ((e = p2p_store_open(path, out, &why)) == 0)
		return TOOL_OK;
	if (e == P2P_ERR_UNSUPPORTED)
		return tool_usage("--store", "not in this build, which has no "
		    "SQLite");
	if (tool_json || why == NULL)
		(void)tool_fail_why(path, e, why);
	else
		tool_say(path, why, "nothing was changed; --store takes "
		    "another file, or: memory");
	return e == P2P_ERR_BUSY || e == -ENOMEM ? TOOL_FAILED : TOOL_USAGE;
}

/* Options that mean nothing without a DHT are mistakes. */
static void
check_off(const struct options *o)
{
	if (o->dht.parked)
		return;
	if (o->dht.provide[0] != NULL || o->dht.network[0] != NULL ||
	    o->dht.store != NULL || o->dht.namespaces[0] != NULL ||
	    dht_wanted(o))
		exit(tool_usage_hint("--dht", "is off",
		    "--dht client, server or auto turns it on"));
}

static int
open_all(struct dht_run *r, struct p2p_host *h, enum p2p_kad_mode mode)
{
	const char *const *network = r->o->dht.network;
	size_t i, n = 0;
	int e = TOOL_OK;

	for (; network[n] != NULL; n++)
		for (i = 0; i < n; i++)
			if (strcmp(network[i], network[n]) == 0)
				return tool_usage("--network",
				    "twice the same");
	for (i = 0; (i < n || i == 0) && e == TOOL_OK; i++)
		if ((e = dht_open(r->o, h, network[i], mode, r->store,
		    &r->list[r->n])) == TOOL_OK)
			r->n++;
	return e;
}

int
dht_run_begin(const struct options *o, struct p2p_host *h,
    struct p2p_store *store, struct dht_run **out)
{
	enum p2p_kad_mode mode;
	uint8_t hash[P2P_KAD_MULTIHASH_MAX];
	struct dht_targets t;
	struct dht_run *r;
	size_t i, len;
	int e;

	*out = NULL;
	if (o->dht.mode == NULL || !mode_of(o->dht.mode, &mode)) {
		check_off(o);
		return TOOL_OK;
	}
	for (i = 0; o->dht.provide[i] != NULL; i++)
		dht_cid(o->dht.provide[i], hash, &len);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return tool_fail("dht", -ENOMEM, NULL);
	r->o = o;
	r->store = store;
	dht_targets(o->dht.bootstrap, &t);	/* a mistake is said now */
	if ((e = open_all(r, h, mode)) != TOOL_OK) {
		dht_run_end(r);
		return e;
	}
	*out = r;
	return TOOL_OK;
}

static void
show_bootstrap(const struct dht_run *r, size_t i, int e,
    const struct p2p_kad_result *res)
{
	const char *network = r->o->dht.network[i];
	struct p2p_kad_stats st;

	p2p_kad_stats(r->list[i], &st);
	r->lock();
	if (e != 0 && tool_signal() == 0) {
		if (!dht_none_counts(r->o, e))
			(void)tool_fail("bootstrap", e, NULL);
	} else if (e == 0 && tool_json) {
		json_begin("bootstrap");
		json_text("network", network != NULL ? network : "ipfs");
		json_uint("peers", res->found);
		json_uint("table", st.peers);
		json_time("time", (double)res->time_us / 1e6);
		json_end();
	} else if (e == 0) {
		fprintf(stderr, "bootstrap: %u peers, %llu in the table, "
		    "%.2f s\n", res->found, (unsigned long long)st.peers,
		    (double)res->time_us / 1e6);
	}
	r->unlock();
}

static void
show_provided(const struct dht_run *r, const char *cid, int e,
    const struct p2p_kad_result *res)
{
	r->lock();
	if (e != 0 && tool_signal() == 0) {
		if (!dht_nobody_comes(cid, e))
			(void)tool_fail(cid, e, NULL);
	} else if (e == 0 && tool_json) {
		json_begin("provided");
		json_text("cid", cid);
		json_uint("peers", res->stored);
		json_end();
	} else if (e == 0) {
		fprintf(stderr, "provided %s at %u peers\n", cid, res->stored);
	}
	r->unlock();
}

static void
provide(const struct dht_run *r, struct p2p_kad *k, const char *cid)
{
	const struct p2p_kad_options o = { .keep = true };
	uint8_t hash[P2P_KAD_MULTIHASH_MAX];
	struct p2p_kad_result res;
	size_t len;
	int e;

	dht_cid(cid, hash, &len);
	e = p2p_kad_provide(k, hash, len, &o, &res);
	show_provided(r, cid, e, &res);
}

static void
forget(struct p2p_kad *k, const char *cid)
{
	uint8_t hash[P2P_KAD_MULTIHASH_MAX];
	size_t len;

	dht_cid(cid, hash, &len);
	(void)p2p_kad_forget(k, hash, len);
}

void
dht_run_work(struct dht_run *r, const struct dht_work *w, void (*lock)(void),
    void (*unlock)(void))
{
	struct p2p_kad_result res;
	struct dht_targets t;
	size_t i, j;
	int e;

	if (r == NULL)
		return;
	r->lock = lock;
	r->unlock = unlock;
	dht_targets((const char *const *)w->bootstrap, &t);
	for (i = 0; i < r->n; i++) {
		if (t.n > 0) {
			e = p2p_kad_bootstrap(r->list[i], t.list, t.n, NULL,
			    &res);
			show_bootstrap(r, i, e, &res);
		}
		for (j = 0; w->forget[j] != NULL; j++)
			forget(r->list[i], w->forget[j]);
		for (j = 0; w->provide[j] != NULL; j++)
			provide(r, r->list[i], w->provide[j]);
	}
}

bool
dht_run_mode(struct dht_run *r, const char *mode)
{
	enum p2p_kad_mode m;
	size_t i;
	int e = 0;

	if (!mode_of(mode, &m))
		return false;
	for (i = 0; i < r->n && e == 0; i++)
		e = p2p_kad_set_mode(r->list[i], m);
	if (e != 0)
		(void)tool_fail("dht", e, NULL);
	return e == 0;
}

void
dht_run_close(struct dht_run *r)
{
	size_t i;

	for (i = 0; r != NULL && i < r->n; i++)
		p2p_kad_close(r->list[i]);
}

void
dht_run_end(struct dht_run *r)
{
	if (r == NULL)
		return;
	while (r->n > 0)
		p2p_kad_free(r->list[--r->n]);
	free(r);
}
