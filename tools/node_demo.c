/*
 * p2p-node demo: a tour of what is built in, on loopback, with keys that nobody
 * sees again; nothing is written.  Each check says what it found, and fails
 * when it is not that.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node_demo.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/perf.h"
#include "p2p/ping.h"
#include "p2p/stream.h"

#define ECHO_BYTES	300000
#define PERF_BYTES	(32 << 20)

static int
begin_node(struct demo *d, int i)
{
	static const char *const muxers[] = { "/yamux/1.0.0", "/mplex/6.7.0",
	    NULL };
	struct p2p_host_config c = { .muxers = muxers,
	    .limits = d->o->limits };
	struct p2p_multiaddr *bound, *full;
	int e;

	if ((e = p2p_host_new(&c, &d->h[i])) != 0 ||
	    (e = p2p_echo_serve(d->h[i])) != 0 ||
	    (e = p2p_perf_serve(d->h[i])) != 0 ||
	    (e = p2p_host_listen(d->h[i], "/ip4/127.0.0.1/tcp/0", &bound)) !=
	    0)
		return e;
	e = p2p_multiaddr_with_peer(bound, p2p_host_id(d->h[i]), &full);
	p2p_multiaddr_free(bound);
	if (e != 0)
		return e;
	snprintf(d->address[i], sizeof(d->address[i]), "%s",
	    p2p_multiaddr_text(full));
	p2p_multiaddr_free(full);
	return 0;
}

static int
begin(struct demo *d)
{
	int i, e;

	for (i = 0; i < DEMO_NODES; i++)
		if ((e = begin_node(d, i)) != 0)
			return e;
	snprintf(d->detail, sizeof(d->detail), "on 127.0.0.1, keys of ed25519");
	return 0;
}

/* A guest calls node 1 with these protocols alone, and pings it. */
static int
guest(struct demo *d, const char *security, const char *muxer)
{
	const char *s[] = { security, NULL }, *m[] = { muxer, NULL };
	struct p2p_host_config hc = { .security = s, .muxers = m,
	    .limits = d->o->limits };
	struct p2p_connect_options co = { .timeout_ms = DEMO_MS };
	struct p2p_connection c = { .number = 0 };
	struct p2p_host *h;
	uint64_t rtt = 0;
	int e;

	if ((e = p2p_host_new(&hc, &h)) != 0)
		return e;
	e = p2p_host_connect(h, d->address[0], &co, &c, NULL);
	if (e == 0)
		e = p2p_ping(h, &c.peer, DEMO_MS, &rtt);
	if (e == 0 && (strcmp(c.security, security) != 0 ||
	    strcmp(c.muxer, muxer) != 0))
		e = P2P_ERR_PROTOCOL;
	if (e == 0)
		snprintf(d->detail, sizeof(d->detail),
		    "handshake %.2f ms, ping %.3f ms",
		    (double)c.time_us / 1e3, (double)rtt / 1e3);
	p2p_multiaddr_free(c.remote);
	p2p_host_free(h);
	return e;
}

static int
noise_yamux(struct demo *d)
{
	return guest(d, "/noise", "/yamux/1.0.0");
}

static int
tls_yamux(struct demo *d)
{
	return guest(d, "/tls/1.0.0", "/yamux/1.0.0");
}

static int
noise_mplex(struct demo *d)
{
	return guest(d, "/noise", "/mplex/6.7.0");
}

/* Node 2 to node 1; connected if it is not yet. */
static int
call(struct demo *d)
{
	struct p2p_connect_options co = { .timeout_ms = DEMO_MS };

	return p2p_host_connect(d->h[1], d->address[0], &co, NULL, NULL);
}

static int
identify(struct demo *d)
{
	struct p2p_identity *id;
	size_t n = 0;
	bool good;
	int e;

	if ((e = call(d)) != 0 || (e = p2p_identify(d->h[1],
	    p2p_host_id(d->h[0]), DEMO_MS, &id)) != 0)
		return e;
	while (id->protocols[n] != NULL)
		n++;
	good = id->agent_version != NULL && id->signed_record && n > 0 &&
	    id->observed != NULL && id->addresses[0] != NULL;
	snprintf(d->detail, sizeof(d->detail), "%.40s, %zu protocols, signed "
	    "addresses, seen as %.60s", good ? id->agent_version : "?", n,
	    good ? p2p_multiaddr_text(id->observed) : "?");
	p2p_identity_free(id);
	return good ? 0 : P2P_ERR_FORMAT;
}

/* What fits into the windows is written before it is read. */
static int
there_and_back(struct p2p_stream *s)
{
	uint8_t *out = malloc(2 * ECHO_BYTES), *in = out + ECHO_BYTES;
	size_t i;
	int e;

	if (out == NULL)
		return -ENOMEM;
	for (i = 0; i < ECHO_BYTES; i++)
		out[i] = (uint8_t)(i * 2654435761u >> 24);
	memset(in, 0, ECHO_BYTES);
	p2p_stream_read_timeout(s, DEMO_MS);
	p2p_stream_write_timeout(s, DEMO_MS);
	if ((e = p2p_stream_write_full(s, out, ECHO_BYTES / 2)) == 0 &&
	    (e = p2p_stream_read_full(s, in, ECHO_BYTES / 2)) == 0 &&
	    (e = p2p_stream_write_full(s, out + ECHO_BYTES / 2,
	    ECHO_BYTES / 2)) == 0 &&
	    (e = p2p_stream_close_write(s)) == 0)
		e = p2p_stream_read_full(s, in + ECHO_BYTES / 2,
		    ECHO_BYTES / 2);
	if (e == 0 && memcmp(out, in, ECHO_BYTES) != 0)
		e = P2P_ERR_FORMAT;
	free(out);
	return e;
}

static int
echo(struct demo *d)
{
	static const char *const protocols[] = { P2P_ECHO_ID, NULL };
	struct p2p_stream *s;
	int e;

	if ((e = call(d)) != 0 || (e = p2p_host_open_peer(d->h[1],
	    p2p_host_id(d->h[0]), protocols, DEMO_MS, &s)) != 0)
		return e;
	e = there_and_back(s);
	p2p_stream_free(s);
	snprintf(d->detail, sizeof(d->detail), "%d bytes there and back, "
	    "identical", ECHO_BYTES);
	return e;
}

static int
perf(struct demo *d)
{
	struct p2p_perf_options o = { .upload = PERF_BYTES,
	    .download = PERF_BYTES, .timeout_ms = DEMO_MS };
	struct p2p_perf_result r;
	int e;

	if ((e = call(d)) != 0 || (e = p2p_perf(d->h[1], p2p_host_id(d->h[0]),
	    &o, &r)) != 0)
		return e;
	if (r.uploaded != PERF_BYTES || r.downloaded != PERF_BYTES)
		return P2P_ERR_SHORT;
	snprintf(d->detail, sizeof(d->detail), "up %.0f MB/s, down %.0f MB/s",
	    (double)r.uploaded / (double)(r.upload_us + 1),
	    (double)r.downloaded / (double)(r.download_us + 1));
	return 0;
}

/* Entries of a directory of /proc/self; the one that looks is the same. */
static int
entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static int threads_before, files_before;

static int
end(struct demo *d)
{
	int i, e = 0, stopped, threads, files;

	/* One that does not stop cannot be freed either. */
	for (i = 0; i < DEMO_NODES; i++) {
		if (d->h[i] == NULL ||
		    (stopped = p2p_host_stop(d->h[i], DEMO_MS)) == 0)
			continue;
		d->h[i] = NULL;
		e = stopped;
	}
	demo_dht_end(d);
	for (i = 0; i < DEMO_NODES; i++)
		p2p_host_free(d->h[i]);
	threads = entries("/proc/self/task") - threads_before;
	files = entries("/proc/self/fd") - files_before;
	snprintf(d->detail, sizeof(d->detail), "%d threads and %d descriptors "
	    "left", threads, files);
	return e != 0 ? e : threads == 0 && files == 0 ? 0 : P2P_ERR_BUSY;
}

static const struct {
	const char	*name;
	int		(*run)(struct demo *d);
	bool		 needed;	/* by all that follow, but the end */
} checks[] = {
	{ "five nodes", begin, true },
	{ "tcp + noise + yamux", noise_yamux, false },
	{ "tcp + tls 1.3 + yamux", tls_yamux, false },
	{ "tcp + noise + mplex", noise_mplex, false },
	{ "identify", identify, false },
	{ "kademlia: join", demo_dht_join, true },
	{ "kademlia: record", demo_dht_record, false },
	{ "kademlia: provider", demo_dht_provider, false },
	{ "echo", echo, false },
	{ "perf", perf, false },
	{ "shutdown", end, true },
};

#define CHECKS	(sizeof(checks) / sizeof(checks[0]))

static int
run_check(struct demo *d, size_t i)
{
	double begun = tool_now();
	char why[384];
	int e;

	d->detail[0] = '\0';
	e = checks[i].run(d);
	snprintf(why, sizeof(why), "%s%s%s", e != 0 ? p2p_strerror(e) : "",
	    e != 0 && d->detail[0] != '\0' ? ": " : "", d->detail);
	check_show(&d->sum, e != 0 ? CHECK_FAIL : CHECK_OK, checks[i].name,
	    tool_now() - begun, why, NULL);
	return e;
}

static void
next_steps(void)
{
	printf("Next: p2p-node run --serve echo\n"
	    "      p2p-chat                  (in two terminals)\n"
	    "      p2p-node doctor\n"
	    "      man p2p-node\n");
}

int
node_demo(const struct options *o)
{
	struct demo d = { .o = o, .sum = { .begun = tool_now() } };
	double until = d.sum.begun + (o->timeout > 0 ? o->timeout : 30);
	const struct p2p_host_config hc = { .limits = o->limits };
	struct p2p_host *h;
	bool over = false;
	size_t i;
	int e;

	if ((e = tool_host(&hc, &h)) != TOOL_OK)
		return e;
	p2p_host_free(h);
	tool_signals();
	threads_before = entries("/proc/self/task");
	files_before = entries("/proc/self/fd");
	for (i = 0; i + 1 < CHECKS && !over; i++)
		over = (run_check(&d, i) != 0 && checks[i].needed) ||
		    tool_signal() != 0 || tool_now() >= until;
	(void)run_check(&d, CHECKS - 1);
	if (tool_signal() != 0)
		return 128 + tool_signal();
	if (i + 1 < CHECKS && d.sum.n[CHECK_FAIL] == 0)
		return tool_fail("demo", P2P_ERR_TIMEOUT, NULL);
	if (!tool_json && d.sum.n[CHECK_FAIL] == 0)
		next_steps();
	return check_end(&d.sum);
}
