/*
 * The nodes stand in a row, each knows the one before it; the last one only
 * asks, so that what it finds has come from others.
 */
#include <stdlib.h>
#include <string.h>

#include "node_demo.h"
#include "p2p/error.h"
#include "p2p/host.h"

#define LAST	(DEMO_NODES - 1)

static const char network[] = "/p2p-demo/kad/1.0.0";
static const char key[] = "/demo/greeting", value[] = "hello from node 1";

/* The hash of an identity: its bytes are in it. */
static const uint8_t content[] = { 0x00, 4, 'd', 'e', 'm', 'o' };

int
demo_dht_join(struct demo *d)
{
	static const struct p2p_record_rule rules[] = { { .name = "demo" },
	    { .name = NULL } };
	struct p2p_kad_config c = { .protocol = network, .rules = rules,
	    .mode = P2P_KAD_SERVER, .reach = P2P_KAD_ANY };
	struct p2p_kad_options o = { .timeout_ms = DEMO_MS };
	struct p2p_kad_result r;
	struct p2p_kad_stats st;
	const char *before;
	int i, e;

	for (i = 0; i < DEMO_NODES; i++) {
		c.mode = i < LAST ? P2P_KAD_SERVER : P2P_KAD_CLIENT;
		if ((e = p2p_kad_new(d->h[i], &c, &d->k[i])) != 0)
			return e;
		if (i == 0)
			continue;
		before = d->address[i - 1];
		if ((e = p2p_kad_bootstrap(d->k[i], &before, 1, &o, &r)) != 0)
			return e;
	}
	p2p_kad_stats(d->k[LAST], &st);
	snprintf(d->detail, sizeof(d->detail), "node 5 knows %llu of 4",
	    (unsigned long long)st.peers);
	return st.peers > 0 ? 0 : P2P_ERR_NOT_FOUND;
}

int
demo_dht_record(struct demo *d)
{
	const struct p2p_record r = { (const uint8_t *)key, strlen(key),
	    (const uint8_t *)value, strlen(value) };
	struct p2p_kad_options o = { .timeout_ms = DEMO_MS };
	struct p2p_kad_result put, got;
	struct p2p_record *found;
	bool same;
	int e;

	if ((e = p2p_kad_put(d->k[0], &r, &o, &put)) != 0 ||
	    (e = p2p_kad_get(d->k[LAST], key, strlen(key), &o, &found,
	    &got)) != 0)
		return e;
	same = found->len == r.len && memcmp(found->value, value, r.len) == 0;
	free(found);
	snprintf(d->detail, sizeof(d->detail), "put on node 1, kept by %u "
	    "others; node 5 asked %u, %u hops", put.stored, got.asked,
	    got.hops);
	return same ? 0 : P2P_ERR_FORMAT;
}

/* Whether it was node 1. */
static bool
on_provider(const struct p2p_kad_event *ev, void *arg)
{
	struct demo *d = arg;

	if (ev->kind == P2P_KAD_FOUND &&
	    p2p_peer_id_equal(&ev->peer, p2p_host_id(d->h[0])))
		snprintf(d->detail, sizeof(d->detail), "node 1 provides it");
	return true;
}

int
demo_dht_provider(struct demo *d)
{
	struct p2p_kad_options o = { .timeout_ms = DEMO_MS };
	struct p2p_kad_result put, got;
	char text[64];
	int e;

	if ((e = p2p_kad_provide(d->k[0], content, sizeof(content), &o,
	    &put)) != 0)
		return e;
	o.event = on_provider;
	o.event_arg = d;
	if ((e = p2p_kad_find_providers(d->k[LAST], content, sizeof(content),
	    &o, &got)) != 0)
		return e;
	if (d->detail[0] == '\0')
		return P2P_ERR_NOT_FOUND;
	snprintf(text, sizeof(text), ", said at %u nodes; node 5 asked %u, %u "
	    "hops", put.stored, got.asked, got.hops);
	strncat(d->detail, text, sizeof(d->detail) - strlen(d->detail) - 1);
	return 0;
}

void
demo_dht_end(struct demo *d)
{
	int i;

	for (i = 0; i < DEMO_NODES; i++)
		p2p_kad_free(d->k[i]);
}
