/*
 * A DHT as the options describe it: which network, by whom, kept where.
 */
#include "node_dht.h"

#include <stdlib.h>
#include <string.h>

#include "node_shot.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

/* The public network's, of the configuration of Kubo. */
static const char *const ipfs[] = {
	"/dnsaddr/bootstrap.libp2p.io/p2p/"
	    "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
	"/dnsaddr/bootstrap.libp2p.io/p2p/"
	    "QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
	"/dnsaddr/bootstrap.libp2p.io/p2p/"
	    "QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
	"/dnsaddr/bootstrap.libp2p.io/p2p/"
	    "QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
};

#define IPFS		(sizeof(ipfs) / sizeof(ipfs[0]))
#define NAMESPACES_MAX	14	/* p2p_kad(3), rules */

bool
dht_wanted(const struct options *o)
{
	size_t i;

	for (i = 0; o->dht.bootstrap[i] != NULL; i++)
		if (strcmp(o->dht.bootstrap[i], "none") != 0)
			return true;
	return false;
}

/* An address of a peer, or the end of the program. */
static void
check_target(const char *text)
{
	struct p2p_multiaddr *ma;
	struct p2p_peer_id id;
	int e;

	if ((e = p2p_multiaddr_parse(text, &ma)) == 0) {
		e = p2p_multiaddr_peer(ma, &id);
		p2p_multiaddr_free(ma);
	}
	if (e != 0)
		exit(tool_usage_hint("--bootstrap", e == P2P_ERR_NO_PEER ?
		    "the address names no peer" : "not an address",
		    "end the address with /p2p/ID"));
}

void
dht_targets(const char *const *names, struct dht_targets *out)
{
	bool public = false;
	const char *text;
	size_t i, j;

	memset(out, 0, sizeof(*out));
	for (i = 0; (text = names[i]) != NULL; i++) {
		if (strcmp(text, "none") == 0)
			continue;
		if (strcmp(text, "ipfs") != 0) {
			check_target(text);
			out->list[out->n++] = text;
			continue;
		}
		for (j = 0; j < IPFS && !public; j++)
			out->list[out->n++] = ipfs[j];
		public = true;
	}
}

static enum p2p_kad_reach
reach_of(const struct options *o, const char *network)
{
	if (o->dht.allow_private)
		return P2P_KAD_ANY;
	return strcmp(network, "lan") == 0 ? P2P_KAD_PRIVATE : P2P_KAD_PUBLIC;
}

static const char *
protocol_of(const char *network)
{
	if (strcmp(network, "ipfs") == 0)
		return P2P_KAD_ID;
	if (strcmp(network, "lan") == 0)
		return P2P_KAD_LAN_ID;
	if (network[0] != '/')
		exit(tool_usage_hint("--network", "no such network",
		    "ipfs, lan, or a protocol id as /x/kad/1.0.0"));
	return network;
}

/* Why there is none: what the caller can change is a mistake of his. */
static int
fail(const char *network, int e)
{
	switch (e) {
	case P2P_ERR_EXISTS:
		return tool_usage("--network, --namespace", "twice the same, "
		    "or pk or ipns, which have their own rules");
	case P2P_ERR_FORMAT:
		return tool_usage("--network, --namespace", "no name of a "
		    "protocol, or of a namespace");
	case P2P_ERR_LIMIT:
		return tool_usage_hint("--dht", "a server wants at least 64 "
		    "inbound connections, and a node at most 8 networks",
		    "--limit connections-in=N raises it");
	case P2P_ERR_NO_ADDRESS:
		return tool_usage("--dht server", "nothing is listened on");
	default:
		return tool_fail(network, e, NULL);
	}
}

int
dht_open(const struct options *o, struct p2p_host *h, const char *network,
    enum p2p_kad_mode mode, struct p2p_store *store, struct p2p_kad **out)
{
	struct p2p_record_rule rules[TOOL_LIST_MAX + 1] = { { .name = NULL } };
	const char *name = network != NULL ? network : "ipfs";
	struct p2p_kad_config c = { .protocol = protocol_of(name),
	    .mode = mode, .reach = reach_of(o, name), .store = store,
	    .rules = rules };
	size_t i;
	int e;

	for (i = 0; o->dht.namespaces[i] != NULL; i++)
		rules[i].name = o->dht.namespaces[i];
	if (i > NAMESPACES_MAX)
		return tool_usage("--namespace", "too many");
	e = p2p_kad_new(h, &c, out);
	return e != 0 ? fail(name, e) : TOOL_OK;
}

bool
dht_none_counts(const struct options *o, int error)
{
	if (error != P2P_ERR_NOT_FOUND || o->dht.allow_private)
		return false;
	(void)tool_usage_hint("bootstrap", "who answered has no address that "
	    "counts", "--allow-private counts private and loopback ones");
	return true;
}

bool
dht_nobody_comes(const char *cid, int error)
{
	if (error != P2P_ERR_NO_ADDRESS)
		return false;
	(void)tool_usage_hint(cid, "nobody could come: no address of ours "
	    "counts in this network", "-l listens; --allow-private counts "
	    "private and loopback addresses, too");
	return true;
}

int
dht_resolve(const struct options *o, struct p2p_host *h)
{
	struct p2p_kad_options ko = { .timeout_ms = 0 };
	struct p2p_multiaddr **addrs;
	struct dht_targets t;
	struct p2p_peer_id id;
	struct p2p_kad *k;
	int e;

	if (p2p_peer_id_parse(o->arg, &id) != 0)
		return TOOL_OK;		/* it is an address */
	dht_targets(o->dht.bootstrap, &t);
	if ((e = dht_open(o, h, o->dht.network[0], P2P_KAD_CLIENT, NULL,
	    &k)) != 0)
		return e;
	ko.timeout_ms = shot_left();
	e = p2p_kad_bootstrap(k, t.list, t.n, &ko, NULL);
	if (dht_none_counts(o, e)) {
		p2p_kad_free(k);
		return TOOL_USAGE;
	}
	ko.timeout_ms = shot_left();
	if (e == 0 &&
	    (e = p2p_kad_find_peer(k, &id, &ko, &addrs, NULL)) == 0)
		p2p_host_addresses_free(addrs);
	if (e != 0)
		e = shot_fail(o->arg, e, NULL);
	p2p_kad_free(k);
	return e;
}
