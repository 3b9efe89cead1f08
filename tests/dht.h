/*
 * tests/dht.h -- hosts with a DHT in one process, over TCP on loopback.
 */
#ifndef TESTS_DHT_H
#define TESTS_DHT_H

#include <stdbool.h>
#include <stddef.h>

#include "p2p/host.h"
#include "p2p/kad.h"

#define DHT_MAX		128
#define DHT_PROTOCOL	"/test/kad/1.0.0"

struct dht_node {
	struct p2p_host	*host;
	struct p2p_kad	*kad;
	char		 target[256];	/* its address with /p2p */
};

struct dht {
	struct dht_node	 node[DHT_MAX];
	size_t		 n;
};

/*
 * n servers, or clients from the number of servers on, that know each other by
 * the first one.  config may be NULL: the protocol above, any reach, records
 * under /test/ without a rule.
 */
void	dht_start(struct dht *d, size_t n, size_t servers,
	    const struct p2p_kad_config *config);
/* The same of one node, which is not made known to anybody. */
void	dht_node_start(struct dht_node *node,
	    const struct p2p_kad_config *config);
/* With a key (NULL: a fresh one), and limits for a few neighbours or many. */
void	dht_node_start_as(struct dht_node *node, const struct p2p_key *key,
	    const struct p2p_kad_config *config,
	    const struct p2p_limit_setting *limits);
/* Those of many hosts in one process: connections go when they are idle. */
extern const struct p2p_limit_setting dht_many[];
void	dht_node_stop(struct dht_node *node);
void	dht_stop(struct dht *d);

/* What a test of one thing wants as a configuration. */
struct p2p_kad_config	dht_config(enum p2p_kad_mode mode);

/* A peer is in the node's table, and said to provide something. */
void	dht_plant(struct dht_node *node, const struct p2p_peer_id *peer,
	    const void *hash, size_t len, struct p2p_multiaddr *const *addrs,
	    size_t n);

/* The node knows the others by that one. */
void	dht_join(struct dht_node *node, const struct dht_node *by);

/* Whether the node has that peer in its table; wait until it has so many. */
bool	dht_knows(struct dht_node *node, const struct p2p_peer_id *peer);
void	dht_settles(struct dht_node *node, size_t peers);

/* Wait until something is so: whether it is. */
bool	dht_wait(bool (*is_so)(void *arg), void *arg);

#endif
