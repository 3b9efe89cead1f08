/*
 * Small networks in virtual time: the look-up of services/kad holds what
 * spec/faults.md D4 asks of it.  p2p-sim prints the same for larger ones.
 */
#include "sim/sim.h"

#include "check.h"

static struct sim_result
simulate(unsigned nodes, double churn, double loss, double sybils)
{
	struct sim_params p = { .nodes = nodes, .churn = churn, .loss = loss,
	    .sybils = sybils, .lookups = 100, .seed = 1 };
	struct sim_result r = { .success = 0 };

	CHECK_EQ(sim_run(&p, &r), 0);
	return r;
}

static void
a_quiet_network_is_searched_in_a_few_hops(void)
{
	struct sim_result r = simulate(100, 0, 0, 0);
	struct sim_result again = simulate(100, 0, 0, 0);

	CHECK(r.success == 1);
	CHECK(r.hops[1] <= 3);
	CHECK(r.messages[0] <= 30);
	CHECK(r.messages[1] <= 60);
	CHECK_EQ(again.messages[1], r.messages[1]);	/* seeded */
}

static void
losses_and_churn_are_borne(void)
{
	CHECK(simulate(100, 0, 0.05, 0).success >= 0.98);
	CHECK(simulate(100, 0.3, 0.01, 0).success >= 0.98);
}

static void
a_quarter_of_liars_does_not_hide_a_key(void)
{
	struct sim_result r = simulate(250, 0, 0.01, 0.25);

	CHECK(r.success >= 0.95);
	CHECK(r.messages[1] <= 200);
	CHECK(r.seconds <= 60);
	CHECK(simulate(250, 0, 0.01, 0.1).success >= 0.99);
}

TESTS("sim",
    { "a quiet network is searched in a few hops",
      a_quiet_network_is_searched_in_a_few_hops },
    { "losses and churn are borne", losses_and_churn_are_borne },
    { "a quarter of liars does not hide a key",
      a_quarter_of_liars_does_not_hide_a_key })
