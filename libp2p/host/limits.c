#include "host/limits.h"

#include <string.h>
#include <sys/resource.h>

#include "p2p/error.h"

#define FD_RESERVE	64	/* for everything that is no connection */

static const struct {
	const char	*name;
	uint64_t	 max;
	int		 parent;	/* or -1 */
	uint64_t	 least;
} table[LIMIT_COUNT] = {
	[LIMIT_THREADS] = { "threads", 1024, -1, 8 },
	[LIMIT_CONNECTIONS] = { "connections", 256, LIMIT_THREADS, 1 },
	[LIMIT_CONNECTIONS_IN] = { "connections-in", 192, LIMIT_CONNECTIONS,
	    0 },
	[LIMIT_CONNECTIONS_OUT] = { "connections-out", 128, LIMIT_CONNECTIONS,
	    0 },
	[LIMIT_CONNECTIONS_PEER] = { "connections-per-peer", 4, -1, 1 },
	[LIMIT_CONNECTIONS_HIGH] = { "connections-high", 192, -1, 1 },
	[LIMIT_CONNECTIONS_LOW] = { "connections-low", 160, -1, 0 },
	[LIMIT_GRACE_S] = { "grace-seconds", 60, -1, 0 },
	[LIMIT_CONNECTIONS_IP] = { "connections-per-ip", 8, -1, 1 },
	[LIMIT_CONNECTIONS_NET] = { "connections-per-net", 64, -1, 1 },
	[LIMIT_ACCEPT_BURST] = { "accept-burst", 16, -1, 1 },
	[LIMIT_ACCEPT_EVERY_S] = { "accept-every-seconds", 5, -1, 0 },
	[LIMIT_PENALTY_S] = { "penalty-seconds", 600, -1, 0 },
	[LIMIT_COUNT_LOOPBACK] = { "count-loopback", 0, -1, 0 },
	[LIMIT_UPGRADES] = { "upgrades", 32, LIMIT_THREADS, 1 },
	[LIMIT_DIALS] = { "dials", 64, LIMIT_THREADS, 1 },
	[LIMIT_HANDLERS] = { "handlers", 256, LIMIT_THREADS, 1 },
	[LIMIT_STREAMS_IN] = { "streams-in", 256, -1, 1 },
	[LIMIT_STREAMS_OUT] = { "streams-out", 256, -1, 1 },
	[LIMIT_NEGOTIATING] = { "negotiating", 64, -1, 1 },
	[LIMIT_PINGS_PEER] = { "pings-per-peer", 2, -1, 1 },
	[LIMIT_KAD_PEER] = { "kad-streams-per-peer", 32, -1, 1 },
	[LIMIT_PUSH_BURST] = { "push-burst", 10, -1, 1 },
	[LIMIT_PUSH_EVERY_S] = { "push-every-seconds", 5, -1, 1 },
	[LIMIT_WINDOW] = { "window", 16 << 20, -1, 256 << 10 },
	[LIMIT_WINDOWS] = { "windows", 256 << 20, -1, 0 },
	[LIMIT_WINDOWS_CONNECTION] = { "windows-per-connection", 16 << 20, -1,
	    0 },
	[LIMIT_BUFFERED] = { "buffered", 256 << 20, -1, 256 << 10 },
	[LIMIT_BUFFERED_CONNECTION] = { "buffered-per-connection", 16 << 20, -1,
	    256 << 10 },
	[LIMIT_IDLE_S] = { "idle-seconds", 60, -1, 1 },
	[LIMIT_PEERS] = { "peerstore-peers", 4096, -1, 1 },
	[LIMIT_PEER_ADDRS] = { "peerstore-addresses", 64, -1, 1 },
};

static int
find(const char *name)
{
	int i;

	for (i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return i;
	return -1;
}

/* Connections beyond what the descriptors carry would fail in odd places. */
static int
check_descriptors(struct limit *limits, bool asked)
{
	struct rlimit r;
	uint64_t most;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur == RLIM_INFINITY)
		return 0;
	most = r.rlim_cur <= FD_RESERVE ? 1 : (r.rlim_cur - FD_RESERVE) * 4 / 5;
	if (limits[LIMIT_CONNECTIONS].max <= most)
		return 0;
	if (asked)
		return P2P_ERR_LIMIT;
	limits[LIMIT_CONNECTIONS].max = most;
	return 0;
}

/*
 * What was not asked for fits what was: the marks are parts of all connections,
 * and there are threads for everything that may run at once.
 */
static void
fit(struct limit *limits, const bool *asked)
{
	uint64_t all = limits[LIMIT_CONNECTIONS].max, threads;

	if (!asked[LIMIT_CONNECTIONS_HIGH] && !asked[LIMIT_CONNECTIONS_LOW]) {
		limits[LIMIT_CONNECTIONS_HIGH].max = all - all / 4;
		limits[LIMIT_CONNECTIONS_LOW].max = all / 8 * 5;
	}
	threads = all + limits[LIMIT_UPGRADES].max + limits[LIMIT_DIALS].max +
	    limits[LIMIT_HANDLERS].max;
	if (!asked[LIMIT_THREADS] && limits[LIMIT_THREADS].max < threads)
		limits[LIMIT_THREADS].max = threads;
}

/* low < high <= all, or nothing would ever be trimmed, or too much. */
static bool
marks_hold(const struct limit *limits)
{
	return limits[LIMIT_CONNECTIONS_LOW].max <
	    limits[LIMIT_CONNECTIONS_HIGH].max &&
	    limits[LIMIT_CONNECTIONS_HIGH].max <= limits[LIMIT_CONNECTIONS].max;
}

int
limits_init(struct limit *limits, const struct p2p_limit_setting *s)
{
	bool asked[LIMIT_COUNT] = { false };
	int i, e;

	for (i = 0; i < LIMIT_COUNT; i++)
		limit_init(&limits[i], table[i].name, table[i].max,
		    table[i].parent < 0 ? NULL : &limits[table[i].parent]);
	for (; s != NULL && s->name != NULL; s++) {
		if ((i = find(s->name)) < 0)
			return P2P_ERR_NOT_FOUND;
		if (s->value < table[i].least)
			return P2P_ERR_LIMIT;
		limits[i].max = s->value;
		asked[i] = true;
	}
	if ((e = check_descriptors(limits, asked[LIMIT_CONNECTIONS])) != 0)
		return e;
	fit(limits, asked);
	return marks_hold(limits) ? 0 : P2P_ERR_LIMIT;
}
