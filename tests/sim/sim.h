/*
 * tests/sim/sim.h -- one simulated network, see sim.c.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

struct sim_params {
	unsigned	nodes;
	double		churn;		/* share that comes and goes an hour */
	double		loss;		/* share of messages that is lost */
	double		sybils;		/* share that invents closer ids */
	unsigned	lookups;	/* that are measured */
	unsigned long	seed;
};

struct sim_result {
	unsigned	hops[2];	/* median and p99 */
	unsigned	messages[2];	/* asked in a look-up, likewise */
	double		seconds;	/* a look-up takes, median */
	double		success;	/* share finding one of the nearest */
	double		kb_hour;	/* that a node sends in an hour */
};

/* Returns 0 or -1 without memory. */
int	sim_run(const struct sim_params *p, struct sim_result *out);

#endif
