/*
 * p2p-node dht: one question to a DHT, or one thing put into it.
 */
#include "node_dht.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "nearest.h"
#include "node_shot.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"

/* What a verb works with. */
struct dht {
	const struct options	*o;
	struct p2p_host		*h;
	struct p2p_kad		*k;
	struct p2p_kad_options	 ko;
	struct p2p_kad_result	 res;
	/* The arguments, read before anybody is asked. */
	struct p2p_peer_id	 id;
	uint8_t			 key[P2P_RECORD_KEY_MAX];	/* or hash */
	size_t			 key_len;
	uint8_t			*value;
	size_t			 len;
	/* For the line of progress; the terminal's lock guards it. */
	unsigned		 asked, failed, hops, nearest;
	double			 begun;
};

static void
show_hop(const struct p2p_kad_event *ev)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	const char *error = ev->error != 0 ? p2p_error_name(ev->error) : NULL;

	p2p_peer_id_text(&ev->peer, text);
	if (tool_json) {
		json_begin("hop");
		json_text("peer", text);
		json_uint("distance", ev->distance);
		json_uint("hops", ev->hops);
		json_time("time", (double)ev->time_us / 1e6);
		if (error != NULL)
			json_text("error", error);
		json_end();
	} else {
		fprintf(stderr, "hop %u  2^%-3u  %8.3f ms  %s%s%s\n", ev->hops,
		    ev->distance, (double)ev->time_us / 1e3, text,
		    error != NULL ? "  " : "", error != NULL ? error : "");
	}
}

static void
show_peer(const char *event, const struct p2p_peer_id *peer,
    struct p2p_multiaddr *const *addrs)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	size_t i;

	p2p_peer_id_text(peer, text);
	if (!tool_json) {
		printf("%s\n", text);
		for (i = 0; addrs != NULL && addrs[i] != NULL; i++)
			printf("    %s\n", p2p_multiaddr_text(addrs[i]));
		tool_flush();
		return;
	}
	json_begin(event);
	json_text("peerId", text);
	json_array_begin("addresses");
	for (i = 0; addrs != NULL && addrs[i] != NULL; i++)
		json_text(NULL, p2p_multiaddr_text(addrs[i]));
	json_array_end();
	json_end();
}

static void
count(struct dht *d, const struct p2p_kad_event *ev)
{
	switch (ev->kind) {
	case P2P_KAD_ASKING:
		d->asked++;
		break;
	case P2P_KAD_FAILED:
		d->failed++;
		break;
	case P2P_KAD_ANSWERED:
		if (ev->hops > d->hops)
			d->hops = ev->hops;
		if (ev->distance < d->nearest)
			d->nearest = ev->distance;
		break;
	default:
		break;
	}
}

static bool
on_event(const struct p2p_kad_event *ev, void *arg)
{
	struct dht *d = arg;

	progress_lock();
	count(d, ev);
	if (d->o->dht.trace && (ev->kind == P2P_KAD_ANSWERED ||
	    ev->kind == P2P_KAD_FAILED))
		show_hop(ev);
	if (ev->kind == P2P_KAD_FOUND)
		show_peer(strcmp(d->o->arg, "providers") == 0 ? "provider" :
		    "peer", &ev->peer, ev->addresses);
	progress_unlock();
	return !shot_over();
}

static void
progress(char *out, size_t cap, void *arg)
{
	const struct dht *d = arg;

	snprintf(out, cap, "dht: hop %u, %u asked, %u failed, closest 2^%u, "
	    "%.1f s", d->hops, d->asked, d->failed, d->nearest,
	    tool_now() - d->begun);
}

static void
summary(const struct dht *d)
{
	const struct p2p_kad_result *r = &d->res;

	progress_lock();
	if (tool_json) {
		json_begin("summary");
		json_uint("asked", r->asked);
		json_uint("failed", r->failed);
		json_uint("hops", r->hops);
		json_uint("found", r->found);
		json_uint("stored", r->stored);
		json_uint("refused", r->refused);
		json_bool("crowded", r->crowded);
		json_time("time", (double)r->time_us / 1e6);
		json_end();
	} else {
		fprintf(stderr, "%u asked, %u failed, %u hops, %u found",
		    r->asked, r->failed, r->hops, r->found);
		if (r->stored + r->refused > 0)
			fprintf(stderr, ", %u keep it, %u do not", r->stored,
			    r->refused);
		fprintf(stderr, ", %.3f s\n", (double)r->time_us / 1e6);
		if (r->crowded)
			fprintf(stderr, "p2p-node: more peers near this key "
			    "than chance allows: somebody may be hiding "
			    "something\n");
	}
	progress_unlock();
}

static void
show_value(const struct p2p_record *r)
{
	char *text;

	if (!tool_json) {
		if (isatty(1)) {
			tool_put(stdout, (const char *)r->value, r->len);
			putchar('\n');
		} else {
			fwrite(r->value, 1, r->len, stdout);
		}
		tool_flush();
		return;
	}
	json_begin("value");
	json_bytes("key", r->key, r->key_len);
	json_bytes("value", r->value, r->len);
	if ((text = malloc(2 * r->len + 1)) != NULL)
		json_text("hex", tool_hex(r->value, r->len, text));
	free(text);
	json_end();
}

/* Why a record could not be had or given. */
static int
fail_record(struct dht *d, int e)
{
	if (e == P2P_ERR_UNSUPPORTED)
		return tool_usage_hint(d->o->more[0], "no rule for this "
		    "namespace", "--namespace NAME takes any record of it");
	if (e == P2P_ERR_FORMAT)
		return tool_usage_hint(d->o->more[0], "no such record, or key",
		    "keys are like /NAME/REST, values as their namespace has "
		    "it");
	return shot_fail(d->o->more[0], e, NULL);
}

static int
get(struct dht *d)
{
	struct p2p_record *r;
	int e;

	if ((e = p2p_kad_get(d->k, d->key, d->key_len, &d->ko, &r,
	    &d->res)) != 0)
		return fail_record(d, e);
	progress_lock();
	show_value(r);
	progress_unlock();
	free(r);
	return TOOL_OK;
}

static int
put(struct dht *d)
{
	const struct p2p_record r = { d->key, d->key_len, d->value, d->len };
	int e = p2p_kad_put(d->k, &r, &d->ko, &d->res);

	return e != 0 ? fail_record(d, e) : TOOL_OK;
}

static int
find_peer(struct dht *d)
{
	struct p2p_multiaddr **addrs;
	int e;

	e = p2p_kad_find_peer(d->k, &d->id, &d->ko, &addrs, &d->res);
	if (e != 0)
		return shot_fail(d->o->more[0], e, NULL);
	p2p_host_addresses_free(addrs);
	return TOOL_OK;
}

static int
closest(struct dht *d)
{
	struct p2p_peer_id list[P2P_KAD_K];
	struct p2p_multiaddr **addrs;
	size_t i, n;
	int e;

	if ((e = p2p_kad_closest(d->k, d->key, d->key_len, &d->ko, list, &n,
	    &d->res)) != 0)
		return shot_fail(d->o->more[0], e, NULL);
	progress_lock();
	for (i = 0; i < n; i++) {
		addrs = NULL;
		(void)p2p_peerstore_addresses(d->h, &list[i], &addrs);
		show_peer("peer", &list[i], addrs);
		p2p_host_addresses_free(addrs);
	}
	progress_unlock();
	return TOOL_OK;
}

static int
providers(struct dht *d)
{
	int e;

	d->ko.want = (size_t)d->o->count;
	e = p2p_kad_find_providers(d->k, d->key, d->key_len, &d->ko, &d->res);
	return e != 0 ? shot_fail(d->o->more[0], e, NULL) : TOOL_OK;
}

/* Who comes must find somebody: it stays, until it is told to go. */
static int
provide(struct dht *d)
{
	int e;

	d->ko.keep = true;
	e = p2p_kad_provide(d->k, d->key, d->key_len, &d->ko, &d->res);
	if (dht_nobody_comes(d->o->more[0], e))
		return TOOL_USAGE;
	if (e != 0)
		return shot_fail(d->o->more[0], e, NULL);
	progress_lock();
	if (tool_json) {
		json_begin("provided");
		json_text("cid", d->o->more[0]);
		json_uint("peers", d->res.stored);
		json_end();
	} else {
		printf("provided at %u peers; Ctrl-C ends it\n",
		    d->res.stored);
		tool_flush();
	}
	progress_unlock();
	return TOOL_OK;
}

/* One bucket as a bar: full of life, or in part of silence. */
static void
draw_bucket(const struct p2p_kad_bucket *b)
{
	char bar[P2P_KAD_K + 1];
	unsigned i;

	for (i = 0; i < P2P_KAD_K; i++)
		bar[i] = i + b->stale < b->peers ? '#' : i < b->peers ? '?' :
		    '.';
	bar[P2P_KAD_K] = '\0';
	printf("%6u  %s  %2u peers", b->prefix, bar, b->peers);
	if (b->stale > 0)
		printf(", %u silent", b->stale);
	printf("\n");
}

static int
table(struct dht *d)
{
	struct p2p_kad_bucket list[256];
	size_t i, n = p2p_kad_table(d->k, list, 256);

	d->res.found = 0;	/* not whom joining found: those drawn here */
	progress_lock();
	if (!tool_json && n > 0)
		printf("prefix  # answers, ? silent, . free\n");
	for (i = 0; i < n; i++) {
		d->res.found += list[i].peers;
		if (tool_json) {
			json_begin("bucket");
			json_uint("prefix", list[i].prefix);
			json_uint("peers", list[i].peers);
			json_uint("stale", list[i].stale);
			json_end();
		} else {
			draw_bucket(&list[i]);
		}
	}
	progress_unlock();
	return TOOL_OK;
}

static int
read_id(struct dht *d)
{
	return p2p_peer_id_parse(d->o->more[0], &d->id) == 0 ? TOOL_OK :
	    tool_usage(d->o->more[0], "not a peer id");
}

static int
read_key(struct dht *d)
{
	return dht_key(d->o->more[0], d->key, &d->key_len);
}

static int
read_record(struct dht *d)
{
	int e = read_key(d);

	return e != TOOL_OK ? e : dht_value(d->o->more[1], &d->value, &d->len);
}

static int
read_cid(struct dht *d)
{
	dht_cid(d->o->more[0], d->key, &d->key_len);
	return TOOL_OK;
}

static int
read_nothing(struct dht *d)
{
	(void)d;
	return TOOL_OK;
}

static const struct verb {
	const char	*name, *args;
	unsigned	 n;		/* arguments */
	int		(*read)(struct dht *d);
	int		(*run)(struct dht *d);
	bool		 stays;		/* until it is told to go */
	const char	*help;
} verbs[] = {
	{ "find-peer", "ID", 1, read_id, find_peer, false,
	    "where a peer is" },
	{ "closest", "KEY", 1, read_key, closest, false,
	    "the peers nearest to a key" },
	{ "put", "KEY VALUE", 2, read_record, put, false, "put a record" },
	{ "get", "KEY", 1, read_key, get, false, "the best record of a key" },
	{ "provide", "CID", 1, read_cid, provide, true,
	    "say that it is here, and stay; wants -l" },
	{ "providers", "CID", 1, read_cid, providers, false,
	    "who has said so" },
	{ "table", "", 0, read_nothing, table, false,
	    "the buckets of peers that are known" },
};

#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

void
node_dht_help(void)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		printf("  %-9s %-11s %s\n", verbs[i].name, verbs[i].args,
		    verbs[i].help);
	printf("\nKEY is text or 0xHEX, VALUE is text, 0xHEX or @FILE.\n\n");
}

/* The verb of that name with its arguments there; NULL, having said why. */
static const struct verb *
find_verb(const struct options *o)
{
	unsigned n = (o->more[0] != NULL) + (o->more[1] != NULL);
	struct nearest near = nearest_of(o->arg);
	char why[64], hint[64];
	size_t i;

	for (i = 0; i < VERBS; i++) {
		nearest_try(&near, verbs[i].name);
		if (strcmp(o->arg, verbs[i].name) != 0)
			continue;
		if (n == verbs[i].n)
			return &verbs[i];
		snprintf(why, sizeof(why), "is: dht %s%s%s", verbs[i].name,
		    verbs[i].args[0] != '\0' ? " " : "", verbs[i].args);
		(void)tool_usage(o->arg, why);
		return NULL;
	}
	(void)tool_usage_hint(o->arg, "dht wants find-peer, closest, put, "
	    "get, provide, providers or table", nearest_hint(&near, "dht ",
	    hint, sizeof(hint)));
	return NULL;
}

static int
check(const struct options *o, const struct verb *v)
{
	if (v == NULL)
		return TOOL_USAGE;
	if (!dht_wanted(o))
		return tool_usage_hint("dht", "nobody to ask", "--bootstrap "
		    "MADDR names a peer of the DHT; ipfs: the public ones");
	if (o->dht.network[0] != NULL && o->dht.network[1] != NULL)
		return tool_usage("--network", "one at a time");
	if (v->stays && o->listen[0] == NULL)
		return tool_usage_hint(v->name, "nobody could come",
		    "-l /ip4/0.0.0.0/tcp/4001 listens");
	return TOOL_OK;
}

static int
listen_all(const struct options *o, struct p2p_host *h)
{
	size_t i;
	int e;

	for (i = 0; o->listen[i] != NULL; i++)
		if ((e = p2p_host_listen(h, o->listen[i], NULL)) != 0)
			return shot_fail(o->listen[i], e, NULL);
	return TOOL_OK;
}

/* Known to the network; the look-ups of that are not part of the figures. */
static int
join(struct dht *d)
{
	struct p2p_kad_options o = { .timeout_ms = shot_left() };
	struct p2p_kad_result res;
	struct dht_targets t;
	int e;

	dht_targets(d->o->dht.bootstrap, &t);
	e = p2p_kad_bootstrap(d->k, t.list, t.n, &o, &res);
	if (dht_none_counts(d->o, e))
		return TOOL_USAGE;
	if (e != 0)
		return shot_fail("bootstrap", e, NULL);
	d->res = res;		/* table asks nobody else */
	return TOOL_OK;
}

static int
run(struct dht *d, const struct verb *v)
{
	int e;

	shot_progress(progress, d);
	if ((e = join(d)) != TOOL_OK)
		return e;
	d->ko = (struct p2p_kad_options){ .timeout_ms = shot_left(),
	    .event = on_event, .event_arg = d };
	e = v->run(d);
	shot_progress(NULL, NULL);
	if (e == TOOL_OK)
		summary(d);
	if (e == TOOL_OK && v->stays)
		shot_stay();
	return e;
}

int
node_dht(const struct options *o)
{
	const struct verb *v = find_verb(o);
	struct dht d = { .o = o, .nearest = 256, .begun = tool_now() };
	int e;

	if ((e = check(o, v)) != TOOL_OK || (e = v->read(&d)) != TOOL_OK ||
	    (e = shot_begin(o, 0, &d.h)) != TOOL_OK) {
		free(d.value);
		return e;
	}
	if ((e = listen_all(o, d.h)) == TOOL_OK &&
	    (e = dht_open(o, d.h, o->dht.network[0], P2P_KAD_CLIENT, NULL,
	    &d.k)) == TOOL_OK) {
		e = run(&d, v);
		p2p_kad_free(d.k);
	}
	free(d.value);
	return shot_end(d.h, e);
}
