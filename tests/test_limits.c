#include "host/limits.h"

#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "p2p/error.h"

#define FDS_PLENTY	512	/* enough for the defaults */

static struct rlimit saved;

/* So many descriptors, until fds_restore(). */
static void
fds_set(rlim_t n)
{
	struct rlimit r;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &saved), 0);
	r = saved;
	r.rlim_cur = n;
	CHECK_FATAL(n <= r.rlim_max);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static void
fds_restore(void)
{
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &saved), 0);
}

static int
with(struct limit *l, const char *name, uint64_t value)
{
	struct p2p_limit_setting s[] = { { name, value }, { NULL, 0 } };

	return limits_init(l, s);
}

static struct limit *
named(struct limit *l, const char *name)
{
	int i;

	for (i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(l[i].name, name) == 0)
			return &l[i];
	CU_FAIL_FATAL("no such limit");
	return NULL;
}

static void
defaults_have_names_and_are_unused(void)
{
	struct limit l[LIMIT_COUNT], m[LIMIT_COUNT];
	struct p2p_limit_setting none[] = { { NULL, 0 } };
	int i, k;

	fds_set(FDS_PLENTY);
	CHECK_OK(limits_init(l, NULL));
	CHECK_OK(limits_init(m, none));
	for (i = 0; i < LIMIT_COUNT; i++) {
		CHECK(l[i].name != NULL && l[i].name[0] != '\0');
		CHECK_EQ(l[i].used, 0);
		CHECK_EQ(l[i].refused, 0);
		CHECK_EQ(l[i].max, m[i].max);
		for (k = 0; k < i; k++)
			CHECK(strcmp(l[i].name, l[k].name) != 0);
	}
	fds_restore();
}

/* spec/faults.md 2c, as p2p_host(3) has it. */
static void
the_defaults_are_the_documented_ones(void)
{
	static const struct p2p_limit_setting defaults[] = {
		{ "connections", 256 }, { "connections-in", 192 },
		{ "connections-out", 128 }, { "connections-per-peer", 4 },
		{ "connections-per-ip", 8 }, { "upgrades", 32 },
		{ "dials", 64 }, { "handlers", 256 }, { "streams-in", 256 },
		{ "streams-out", 256 }, { "window", 16777216 },
		{ "windows", 268435456 }, { "buffered", 268435456 },
		{ "idle-seconds", 60 }, { "peerstore-peers", 4096 },
		{ "peerstore-addresses", 64 },
	};
	struct limit l[LIMIT_COUNT];
	size_t i;

	fds_set(FDS_PLENTY);
	CHECK_OK(limits_init(l, NULL));
	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		CHECK_EQ(named(l, defaults[i].name)->max, defaults[i].value);
	fds_restore();
}

static void
every_name_can_be_set_and_sets_nothing_else(void)
{
	struct limit l[LIMIT_COUNT], m[LIMIT_COUNT];
	uint64_t v;
	int i, k;

	fds_set(FDS_PLENTY);
	CHECK_OK(limits_init(l, NULL));
	for (i = 0; i < LIMIT_COUNT; i++) {
		/* More connections would make others fit. */
		v = l[i].max + (i != LIMIT_CONNECTIONS);
		CHECK_OK(with(m, l[i].name, v));
		CHECK_EQ(m[i].max, v);
		for (k = 0; k < LIMIT_COUNT; k++)
			if (k != i)
				CHECK_EQ(m[k].max, l[k].max);
	}
	fds_restore();
}

static void
unknown_names_are_refused(void)
{
	static const char *const names[] = { "", "connection",
	    "connections ", "Connections", "connectionss", "handlers\n" };
	struct limit l[LIMIT_COUNT];
	struct p2p_limit_setting late[] = { { "handlers", 7 },
	    { "nothing", 7 }, { NULL, 0 } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_ERR(with(l, names[i], 100), P2P_ERR_NOT_FOUND);
	CHECK_ERR(limits_init(l, late), P2P_ERR_NOT_FOUND);
}

static void
too_little_to_work_with_is_refused(void)
{
	static const struct p2p_limit_setting bad[] = {
		{ "connections", 0 }, { "upgrades", 0 }, { "dials", 0 },
		{ "handlers", 0 }, { "streams-in", 0 }, { "streams-out", 0 },
		{ "negotiating", 0 }, { "idle-seconds", 0 },
		{ "peerstore-peers", 0 }, { "peerstore-addresses", 0 },
		{ "connections-per-peer", 0 }, { "connections-per-ip", 0 },
		/* A stream's first window is promised unasked. */
		{ "window", 262143 }, { "buffered", 262143 },
		{ "buffered-per-connection", 0 },
	}, good[] = {
		{ "connections-in", 0 }, { "connections-out", 0 },
		{ "windows", 0 }, { "windows-per-connection", 0 },
		{ "window", 262144 }, { "buffered", 262144 },
		{ "connections", 1 }, { "handlers", 1 }, { "dials", 1 },
	};
	struct limit l[LIMIT_COUNT];
	size_t i;

	fds_set(FDS_PLENTY);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(with(l, bad[i].name, bad[i].value), P2P_ERR_LIMIT);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_OK(with(l, good[i].name, good[i].value));
	fds_restore();
}

static void
the_last_setting_of_a_name_counts(void)
{
	struct p2p_limit_setting s[] = { { "handlers", 3 }, { "dials", 2 },
	    { "handlers", 5 }, { NULL, 0 } };
	struct limit l[LIMIT_COUNT];

	CHECK_OK(limits_init(l, s));
	CHECK_EQ(l[LIMIT_HANDLERS].max, 5);
	CHECK_EQ(l[LIMIT_DIALS].max, 2);
}

static void
connections_of_both_kinds_count_together(void)
{
	struct p2p_limit_setting s[] = { { "connections", 3 },
	    { "connections-in", 2 }, { "connections-out", 2 }, { NULL, 0 } };
	struct limit l[LIMIT_COUNT];

	CHECK_OK(limits_init(l, s));
	CHECK_OK(limit_take(&l[LIMIT_CONNECTIONS_IN], 1));
	CHECK_OK(limit_take(&l[LIMIT_CONNECTIONS_IN], 1));
	CHECK_ERR(limit_take(&l[LIMIT_CONNECTIONS_IN], 1), P2P_ERR_LIMIT);
	CHECK_OK(limit_take(&l[LIMIT_CONNECTIONS_OUT], 1));
	CHECK_ERR(limit_take(&l[LIMIT_CONNECTIONS_OUT], 1), P2P_ERR_LIMIT);
	CHECK_EQ(l[LIMIT_CONNECTIONS].used, 3);
	CHECK_EQ(l[LIMIT_CONNECTIONS].refused, 1);
	CHECK_EQ(l[LIMIT_CONNECTIONS_IN].refused, 1);
	limit_give(&l[LIMIT_CONNECTIONS_IN], 2);
	limit_give(&l[LIMIT_CONNECTIONS_OUT], 1);
	CHECK_EQ(l[LIMIT_CONNECTIONS].used, 0);
}

/* (descriptors - 64) / 1.25, and never none. */
static void
connections_fit_the_descriptors(void)
{
	struct limit l[LIMIT_COUNT];

	fds_set(100);
	CHECK_OK(limits_init(l, NULL));
	CHECK_EQ(l[LIMIT_CONNECTIONS].max, 28);
	CHECK_OK(with(l, "connections", 28));
	CHECK_ERR(with(l, "connections", 29), P2P_ERR_LIMIT);
	CHECK_ERR(with(l, "connections", UINT64_MAX), P2P_ERR_LIMIT);
	CHECK_OK(with(l, "handlers", 1));
	CHECK_EQ(l[LIMIT_CONNECTIONS].max, 28);
	fds_restore();
	fds_set(64);
	CHECK_OK(limits_init(l, NULL));
	CHECK_EQ(l[LIMIT_CONNECTIONS].max, 1);
	fds_restore();
}

TESTS("limits",
	{ "defaults have names and are unused",
	    defaults_have_names_and_are_unused },
	{ "the defaults are the documented ones",
	    the_defaults_are_the_documented_ones },
	{ "every name can be set and sets nothing else",
	    every_name_can_be_set_and_sets_nothing_else },
	{ "unknown names are refused", unknown_names_are_refused },
	{ "too little to work with is refused",
	    too_little_to_work_with_is_refused },
	{ "the last setting of a name counts",
	    the_last_setting_of_a_name_counts },
	{ "connections of both kinds count together",
	    connections_of_both_kinds_count_together },
	{ "connections fit the descriptors",
	    connections_fit_the_descriptors })
