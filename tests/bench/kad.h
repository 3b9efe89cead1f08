/*
 * tests/bench/kad.h -- the parts of the DHT's figures: a node of ours that is
 * measured, and the load on one of anybody's.
 */
#ifndef BENCH_KAD_H
#define BENCH_KAD_H

#include <stddef.h>

#define KAD_BENCH_PROTOCOL	"/p2pc/kad/1.0.0"
#define KAD_BENCH_CLIENTS	16	/* connections */
#define KAD_BENCH_ADDRS		3	/* of each peer of a table */

/*
 * kad_node.c: a node that does what lines on stdin ask for, until their end;
 * go's peer does the same, see ../interop/README.md.  store is a file, or NULL:
 *
 *	fill N		as many peers into the table; ok
 *	memory N	the same into a table of its own, with large buckets;
 *			memory and the bytes resident, allocated before, after
 *	network N	so many nodes that know each other; ok
 *	lookups N	of the network; lookups and their p50, p99 in us
 *	puts N		of providers into the store by KAD_BENCH_CLIENTS
 *			threads; puts and how many a second
 */
int	kad_node(const char *store);

/* kad_load.c: clients of a node, each with a host and a connection. */
struct kad_load;

struct kad_load	*kad_load_new(const char *target);
void	kad_load_free(struct kad_load *l);

/* One request each: all are told of KAD_K peers with all their addresses. */
void	kad_load_check(struct kad_load *l);

/*
 * FIND_NODE for random targets, each client with so many under way, for so
 * long; answers a second.
 */
double	kad_load_find(struct kad_load *l, unsigned depth, double seconds);

/*
 * ADD_PROVIDER, n by each client, one after another; a second, until they are
 * told of the last one.
 */
double	kad_load_provide(struct kad_load *l, unsigned n);

#endif
