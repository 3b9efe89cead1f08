/*
 * tests/sim/sim.c -- Kademlia's own code, table and look-up, in a network of
 * thousands of nodes in one process, with virtual time.
 *
 *	p2p-sim [NODES [CHURN [LOSS [SYBILS]]]]
 *
 * The last three are shares of 0 to 1, churn that of an hour.
 * Without arguments it prints the whole table, otherwise one row.
 *
 * Nodes join one after another by what they know of three others, look up
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

/* 0 to 1: 0.1 is a tenth. */
static double
share(int argc, char **argv, int i)
{
	double v = i < argc ? strtod(argv[i], NULL) : 0;

	if (v >= 0 && v <= 1)
		return v;
	fprintf(stderr, "sim: %s: a share is 0 to 1\n", argv[i]);
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct {
		unsigned	nodes;
		double		churn, loss, sybils;
	} rows[] = {
		{ 100, 0, 0, 0 }, { 1000, 0, 0, 0 }, { 10000, 0, 0, 0 },
		{ 1000, 0, 0.05, 0 }, { 1000, 0.1, 0.01, 0 },
		{ 1000, 0.3, 0.01, 0 }, { 1000, 0, 0.01, 0.1 },
		{ 1000, 0, 0.01, 0.25 },
	};
	size_t i;

	header();
	if (argc > 1) {
		run((unsigned)atoi(argv[1]), share(argc, argv, 2),
		    share(argc, argv, 3), share(argc, argv, 4));
		return 0;
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(rows[i].nodes, rows[i].churn, rows[i].loss,
		    rows[i].sybils);
	return 0;
}
