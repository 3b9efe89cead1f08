/*
 * tests/sim/sim.c -- Kademlia's own code, table and look-up, in a network of
 * thousands of nodes in one process, with virtual time.
 *
 *	p2p-sim [NODES...]	default 100 1000 10000
 *
 * Nodes join one after another by what they know of one other node, look up
 * themselves and fill their buckets, as the real ones do.  Then random nodes
 * look up random keys.  A message takes a latency of its own, is lost, or meets
 * a node that has left; whoever gets a request learns of the asker.
 *
 * The seed is fixed: the same numbers come out of every run.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

static void
header(void)
{
	printf("%7s %6s %5s %6s | %11s %13s %9s %8s %8s\n", "nodes", "churn",
	    "loss", "sybils", "hops 50/99", "messages", "time 50", "success",
	    "kB/h");
}

static void
show(const struct sim_params *p, const struct sim_result *r)
{
	printf("%7u %5.0f%% %4.0f%% %5.0f%% | %5u %5u %6u %6u %7.2f s %6.1f%% "
	    "%8.0f\n", p->nodes, p->churn * 100, p->loss * 100,
	    p->sybils * 100, r->hops[0], r->hops[1], r->messages[0],
	    r->messages[1], r->seconds, r->success * 100, r->kb_hour);
	fflush(stdout);
}

static void
run(unsigned nodes, double churn, double loss, double sybils)
{
	struct sim_params p = { .nodes = nodes, .churn = churn, .loss = loss,
	    .sybils = sybils, .lookups = 500, .seed = 1 };
	struct sim_result r;

	if (sim_run(&p, &r) != 0) {
		fprintf(stderr, "sim: no memory\n");
		exit(1);
	}
	show(&p, &r);
}

int
main(int argc, char **argv)
{
	static const unsigned sizes[] = { 100, 1000, 10000 };
	int i, n = argc > 1 ? argc - 1 : 3;

	header();
	for (i = 0; i < n; i++)
		run(argc > 1 ? (unsigned)atoi(argv[i + 1]) : sizes[i], 0, 0, 0);
	if (argc > 1)
		return 0;
	run(1000, 0, 0.05, 0);
	run(1000, 0.1, 0.01, 0);
	run(1000, 0.3, 0.01, 0);
	run(1000, 0, 0.01, 0.10);
	run(1000, 0, 0.01, 0.25);
	return 0;
}
