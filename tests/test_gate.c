/*
 * The gate of inbound connections: counts, rates and penalties of sources.
 */
#include "host/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limit.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define T0	(1000 * CLOCK_S)

struct fixture {
	struct limit	 per_ip, per_net, burst, every_s, penalty_s;
	struct gate	*g;
};

static void
open_gate(struct fixture *f, uint64_t every_s, bool loopback_too)
{
	struct gate_params p = { &f->per_ip, &f->per_net, &f->burst,
	    &f->every_s, &f->penalty_s, loopback_too };

	limit_init(&f->per_ip, "per-ip", 8, NULL);
	limit_init(&f->per_net, "per-net", 20, NULL);
	limit_init(&f->burst, "burst", 16, NULL);
	limit_init(&f->every_s, "every", every_s, NULL);
	limit_init(&f->penalty_s, "penalty", 600, NULL);
	CHECK_OK(gate_new(&p, &f->g));
}

static int
enter(struct fixture *f, const char *address, uint64_t now,
    struct gate_pass *pass)
{
	struct p2p_multiaddr *ma;
	int e;

	CHECK_OK(p2p_multiaddr_parse(address, &ma));
	e = gate_enter(f->g, ma, now, pass);
	p2p_multiaddr_free(ma);
	return e;
}

static void
a_source_has_so_many_places_and_gets_them_back(void)
{
	struct gate_pass pass[9], other;
	struct fixture f;
	int i;

	open_gate(&f, 0, false);
	for (i = 0; i < 8; i++)
		CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &pass[i]));
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/2", T0, &pass[8]),
	    P2P_ERR_LIMIT);
	CHECK_EQ(f.per_ip.refused, 1);
	CHECK_OK(enter(&f, "/ip4/192.0.2.2/tcp/1", T0, &other));
	gate_leave(f.g, &pass[3]);
	CHECK(!gate_counts(&pass[3]));
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/2", T0, &pass[3]));
	for (i = 0; i < 8; i++)
		gate_leave(f.g, &pass[i]);
	gate_leave(f.g, &other);
	gate_free(f.g);
}

static void
sources_of_one_48_share_its_places(void)
{
	struct gate_pass pass[21];
	struct fixture f;
	char text[64];
	int i;

	open_gate(&f, 0, false);
	for (i = 0; i < 21; i++) {
		/* A /56 each. */
		snprintf(text, sizeof(text), "/ip6/2001:db8:1:%x00::1/tcp/1",
		    i + 1);
		CHECK_ERR(enter(&f, text, T0, &pass[i]), i < 20 ? 0 :
		    P2P_ERR_LIMIT);
	}
	CHECK_EQ(f.per_net.refused, 1);
	/* Within a /56 all are one. */
	gate_leave(f.g, &pass[0]);
	CHECK_OK(enter(&f, "/ip6/2001:db8:1:100::ffff/tcp/1", T0, &pass[0]));
	for (i = 0; i < 20; i++)
		gate_leave(f.g, &pass[i]);
	gate_free(f.g);
}

static void
connections_come_at_a_rate(void)
{
	struct gate_pass pass;
	struct fixture f;
	int i;

	open_gate(&f, 5, false);
	for (i = 0; i < 16; i++) {
		CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &pass));
		gate_leave(f.g, &pass);
	}
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &pass), P2P_ERR_LIMIT);
	CHECK_EQ(f.burst.refused, 1);
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 5 * CLOCK_S - 1,
	    &pass), P2P_ERR_LIMIT);
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 5 * CLOCK_S, &pass));
	gate_leave(f.g, &pass);
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 5 * CLOCK_S, &pass),
	    P2P_ERR_LIMIT);
	gate_free(f.g);
}

static void
loopback_and_memory_are_not_counted_unless_asked(void)
{
	static const char *const free_ones[] = { "/ip4/127.0.0.1/tcp/1",
	    "/ip6/::1/tcp/1", "/memory/7" };
	struct gate_pass pass;
	struct fixture f;
	int i, k;

	open_gate(&f, 5, false);
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 100; k++)
			CHECK_OK(enter(&f, free_ones[i], T0, &pass));
		CHECK(!gate_counts(&pass));
	}
	CHECK_OK(gate_enter(f.g, NULL, T0, &pass));
	gate_punish(f.g, &pass, GATE_VIOLATION, T0);
	gate_free(f.g);
	open_gate(&f, 5, true);
	CHECK_OK(enter(&f, "/ip4/127.0.0.1/tcp/1", T0, &pass));
	CHECK(gate_counts(&pass));
	gate_leave(f.g, &pass);
	CHECK_OK(enter(&f, "/ip6/::1/tcp/1", T0, &pass));
	CHECK(gate_counts(&pass));
	gate_leave(f.g, &pass);
	gate_free(f.g);
}

static void
penalties_add_up_bite_and_pass(void)
{
	struct gate_pass pass;
	struct fixture f;
	int i;

	open_gate(&f, 0, false);
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &pass));
	gate_punish(f.g, &pass, GATE_HANDSHAKE, T0);
	gate_punish(f.g, &pass, GATE_HANDSHAKE, T0);
	gate_leave(f.g, &pass);
	/* Ten seconds are less than what is enforced. */
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &pass));
	gate_punish(f.g, &pass, GATE_DEADLINE, T0);
	gate_leave(f.g, &pass);
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 19 * CLOCK_S, &pass),
	    P2P_ERR_REFUSED);
	CHECK_EQ(f.penalty_s.refused, 1);
	CHECK_OK(enter(&f, "/ip4/192.0.2.9/tcp/1", T0, &pass));
	gate_leave(f.g, &pass);
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 21 * CLOCK_S, &pass));
	for (i = 0; i < 100; i++)
		gate_punish(f.g, &pass, GATE_VIOLATION, T0 + 21 * CLOCK_S);
	gate_leave(f.g, &pass);
	/* However much it did, ten minutes are the most. */
	CHECK_ERR(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 620 * CLOCK_S, &pass),
	    P2P_ERR_REFUSED);
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0 + 622 * CLOCK_S, &pass));
	gate_leave(f.g, &pass);
	gate_free(f.g);
}

/* More sources than are remembered: those that count stay, others make room. */
static void
what_is_remembered_has_a_fixed_size(void)
{
	struct gate_pass *pass = calloc(GATE_SOURCES, sizeof(*pass)), more;
	struct fixture f;
	char text[64];
	int i;

	CHECK_FATAL(pass != NULL);
	open_gate(&f, 0, false);
	for (i = 0; i < GATE_SOURCES; i++) {
		snprintf(text, sizeof(text), "/ip4/10.0.%d.%d/tcp/1", i / 256,
		    i % 256);
		CHECK_OK(enter(&f, text, T0, &pass[i]));
		CHECK(gate_counts(&pass[i]));
	}
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &more));
	CHECK(!gate_counts(&more));	/* no room: let in, not counted */
	gate_leave(f.g, &pass[0]);
	CHECK_OK(enter(&f, "/ip4/192.0.2.1/tcp/1", T0, &more));
	CHECK(gate_counts(&more));
	gate_leave(f.g, &more);
	for (i = 1; i < GATE_SOURCES; i++)
		gate_leave(f.g, &pass[i]);
	gate_free(f.g);
	free(pass);
}

TESTS("gate",
	{ "a source has so many places and gets them back",
	    a_source_has_so_many_places_and_gets_them_back },
	{ "sources of one /48 share its places",
	    sources_of_one_48_share_its_places },
	{ "connections come at a rate", connections_come_at_a_rate },
	{ "loopback and memory are not counted unless asked",
	    loopback_and_memory_are_not_counted_unless_asked },
	{ "penalties add up, bite and pass", penalties_add_up_bite_and_pass },
	{ "what is remembered has a fixed size",
	    what_is_remembered_has_a_fixed_size })
