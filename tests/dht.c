#include "dht.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/identify.h"
#include "p2p/multiaddr.h"
#include "p2p/peer_id.h"
#include "services/kad/kad.h"

#define WAIT_MS	10000	/* real time that anything may take */

/* Nobody refuses its neighbours: they all come from one address. */
static const struct p2p_limit_setting limits[] = {
	{ "accept-every-seconds", 0 },
	{ "connections-per-ip", 1024 },
	{ NULL, 0 },
};

const struct p2p_limit_setting dht_many[] = {
	{ "accept-every-seconds", 0 },
	{ "connections-per-ip", 1024 },
	{ "idle-seconds", 20 },
	{ NULL, 0 },
};

static const struct p2p_record_rule rules[] = {
	{ .name = "test" },
	{ .name = NULL },
};

struct p2p_kad_config
dht_config(enum p2p_kad_mode mode)
{
	return (struct p2p_kad_config){ .protocol = DHT_PROTOCOL,
	    .mode = mode, .reach = P2P_KAD_ANY, .rules = rules };
}

void
dht_node_start(struct dht_node *node, const struct p2p_kad_config *config)
{
	dht_node_start_as(node, NULL, config, limits);
}

void
dht_node_start_as(struct dht_node *node, const struct p2p_key *key,
    const struct p2p_kad_config *config,
    const struct p2p_limit_setting *given)
{
	struct p2p_host_config hc = { .key = key, .limits = given };
	struct p2p_multiaddr *bound, *full;

	CHECK_OK(p2p_host_new(&hc, &node->host));
	CHECK_OK(p2p_host_listen(node->host, "/ip4/127.0.0.1/tcp/0", &bound));
	CHECK_OK(p2p_multiaddr_with_peer(bound, p2p_host_id(node->host),
	    &full));
	snprintf(node->target, sizeof(node->target), "%s",
	    p2p_multiaddr_text(full));
	p2p_multiaddr_free(full);
	p2p_multiaddr_free(bound);
	CHECK_OK(p2p_kad_new(node->host, config, &node->kad));
}

void
dht_plant(struct dht_node *node, const struct p2p_peer_id *peer,
    const void *hash, size_t len, struct p2p_multiaddr *const *addrs,
    size_t n)
{
	kad_book_answered(node->kad, peer, 1);
	CHECK_OK(kad_store_provide(&node->kad->store, (struct rd){ hash, len },
	    peer, addrs, n, clock_wall_ns()));
}

void
dht_node_stop(struct dht_node *node)
{
	p2p_kad_free(node->kad);
	CHECK_OK(p2p_host_stop(node->host, 5000));
	p2p_host_free(node->host);
	memset(node, 0, sizeof(*node));
}

void
dht_join(struct dht_node *node, const struct dht_node *by)
{
	const char *target = by->target;

	CHECK_OK(p2p_kad_bootstrap(node->kad, &target, 1, NULL, NULL));
	/* Before any time passes: a question that is late stays unanswered. */
	CHECK_OK(p2p_identify(node->host, p2p_host_id(by->host), 0, NULL));
	CHECK_OK(p2p_identify(by->host, p2p_host_id(node->host), 0, NULL));
}

bool
dht_knows(struct dht_node *node, const struct p2p_peer_id *peer)
{
	struct p2p_peer_id *list;
	bool found = false;
	size_t i, n;

	CHECK_OK(p2p_kad_peers(node->kad, &list, &n));
	for (i = 0; i < n; i++)
		found = found || p2p_peer_id_equal(&list[i], peer);
	free(list);
	return found;
}

bool
dht_wait(bool (*is_so)(void *arg), void *arg)
{
	int i;

	for (i = 0; i < WAIT_MS && !is_so(arg); i++)
		(void)poll(NULL, 0, 1);
	return is_so(arg);
}

void
dht_settles(struct dht_node *node, size_t peers)
{
	struct p2p_kad_stats st = { .peers = peers + 1 };
	int i;

	for (i = 0; i < WAIT_MS && st.peers != peers; i++) {
		p2p_kad_stats(node->kad, &st);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(st.peers, peers);
}

void
dht_start(struct dht *d, size_t n, size_t servers,
    const struct p2p_kad_config *config)
{
	struct p2p_kad_config c;
	size_t i;

	CHECK_FATAL(n <= DHT_MAX);
	memset(d, 0, sizeof(*d));
	for (i = 0; i < n; i++) {
		c = config != NULL ? *config : dht_config(P2P_KAD_SERVER);
		c.mode = i < servers ? P2P_KAD_SERVER : P2P_KAD_CLIENT;
		dht_node_start(&d->node[i], &c);
		d->n++;
		if (i > 0)
			dht_join(&d->node[i], &d->node[0]);
	}
}

void
dht_stop(struct dht *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		p2p_kad_close(d->node[i].kad);
	for (i = 0; i < d->n; i++)
		dht_node_stop(&d->node[i]);
	d->n = 0;
}
