/*
 * tests/bench/bench.c -- figures of this library beside a bare loop over the
 * same loopback, in one run, as ratios: TLS beside SSL_write and SSL_read,
 * Noise beside ChaCha20-Poly1305 with the same framing.
 *
 *	p2p-bench [ROUNDS [tls|noise]]
 *
 * Every figure is taken ROUNDS times (5), ours and the bare one in turn; the
 * median of the ratios is what counts, since machines are shared and noisy.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <p2p/error.h>
#include <p2p/host.h>
#include <p2p/key.h>
#include <p2p/multiaddr.h>
#include <p2p/perf.h>
#include <p2p/stream.h>

#include "bare.h"
#include "figure.h"

#define BULK		(512u << 20)	/* bytes of a throughput round */
#define STREAMS		16		/* at once */
#define SMALL_BULK	(64u << 20)	/* of 1 KiB writes */
#define TRIPS		3000		/* round trips */
#define OPENS		1000		/* streams, one after another */
#define CONNECTIONS	300		/* one after another, 4 at once */
#define IDLE		1000		/* idle connections */
#define ECHO		"/bench/echo/1"

static void
echo(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) == 1 &&
	    p2p_stream_write_full(s, &c, 1) == 0)
		;
}

/* Our listener in a child, its address on a pipe. */
static char *
our_start(const struct p2p_host_config *config, pid_t *child)
{
	char text[512];
	struct p2p_multiaddr *ma, *full;
	struct p2p_host *h;
	int fds[2];
	ssize_t n;

	if (pipe(fds) != 0)
		exit(1);
	if ((*child = bench_fork()) == 0) {
		bench_must(p2p_host_new(config, &h), "host");
		bench_must(p2p_host_handle(h, ECHO, echo, NULL), "handle");
		bench_must(p2p_perf_serve(h), "perf");
		bench_must(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", &ma),
		    "listen");
		bench_must(p2p_multiaddr_with_peer(ma, p2p_host_id(h), &full),
		    "id");
		n = write(fds[1], p2p_multiaddr_text(full),
		    strlen(p2p_multiaddr_text(full)) + 1);
		close(fds[1]);
		pause();
		_exit(n > 0 ? 0 : 1);
	}
	n = read(fds[0], text, sizeof(text));
	close(fds[0]);
	close(fds[1]);
	return n > 0 ? strdup(text) : NULL;
}

static double
our_bulk(struct p2p_host *h, const struct p2p_peer_id *peer, uint64_t up,
    uint64_t down, unsigned chunk)
{
	struct p2p_perf_options o = { .upload = up, .download = down,
	    .chunk = chunk };
	struct p2p_perf_result r;
	double t = bench_now();

	bench_must(p2p_perf(h, peer, &o, &r), "perf");
	return (double)(up + down) / (bench_now() - t) / 1e9;
}

struct share {
	struct p2p_host		*h;
	const struct p2p_peer_id *peer;
};

static void *
run_share(void *arg)
{
	const struct share *s = arg;

	(void)our_bulk(s->h, s->peer, BULK / STREAMS, 0, 0);
	return NULL;
}

static double
our_streams(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct share s = { h, peer };
	pthread_t t[STREAMS];
	double begun = bench_now();
	int i;

	for (i = 0; i < STREAMS; i++)
		if (pthread_create(&t[i], NULL, run_share, &s) != 0)
			exit(1);
	for (i = 0; i < STREAMS; i++)
		pthread_join(t[i], NULL);
	return BULK / (bench_now() - begun) / 1e9;
}

static double
our_trip(struct p2p_host *h, const char *target, double *times)
{
	struct p2p_stream *s;
	double t;
	char c;
	int i;

	bench_must(p2p_host_open(h, target, ECHO, 5000, &s), "open");
	for (i = 0; i < TRIPS; i++) {
		c = 'x';
		t = bench_now();
		bench_must(p2p_stream_write_full(s, &c, 1), "write");
		bench_must(p2p_stream_read_full(s, &c, 1), "read");
		times[i] = bench_now() - t;
	}
	p2p_stream_free(s);
	return quantile(times, TRIPS, 0.5) * 1e6;
}

static double
our_opens(struct p2p_host *h, const char *target)
{
	struct p2p_stream *s;
	double t = bench_now();
	char c = 'o';
	int i;

	for (i = 0; i < OPENS; i++) {
		bench_must(p2p_host_open(h, target, ECHO, 5000, &s), "open");
		bench_must(p2p_stream_write_full(s, &c, 1), "write");
		bench_must(p2p_stream_read_full(s, &c, 1), "read");
		p2p_stream_free(s);
	}
	return OPENS / (bench_now() - t);
}

struct many {
	struct p2p_host	*h;
	const char	*target;
	int		 n;
	bool		 keep;
};

static void *
connect_many(void *arg)
{
	const struct many *m = arg;
	struct p2p_connect_options o = { .fresh = true };
	struct p2p_connection c;
	int i;

	for (i = 0; i < m->n; i++) {
		bench_must(p2p_host_connect(m->h, m->target, &o, &c, NULL),
		    "connect");
		if (!m->keep)
			bench_must(p2p_host_close(m->h, c.number), "close");
		p2p_multiaddr_free(c.remote);
	}
	return NULL;
}

static double
our_connections(struct p2p_host *h, const char *target, int n, bool keep)
{
	struct many m = { h, target, n / 4, keep };
	pthread_t t[4];
	double begun = bench_now();
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, connect_many, &m) != 0)
			exit(1);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return n / (bench_now() - begun);
}

/* This process, and what it makes from now on, on one processor; -1: any. */
static void
pin(int cpu)
{
	static cpu_set_t any;
	static bool known;
	cpu_set_t one;

	if (!known)
		known = sched_getaffinity(0, sizeof(any), &any) == 0;
	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), cpu < 0 ? &any : &one);
}

static const struct kind {
	const char	*name;
	enum bare_kind	 bare;
	const char	*security[2];	/* ids, ending in NULL */
} kinds[] = {
	{ "tls", BARE_TLS, { "/tls/1.0.0", NULL } },
	{ "noise", BARE_NOISE, { "/noise", NULL } },
};

static const struct p2p_limit_setting limits[] = {
	{ "connections", 3000 }, { "connections-in", 3000 },
	{ "connections-out", 3000 }, { "connections-per-peer", 3000 },
	{ "idle-seconds", 3600 }, { NULL, 0 }
};

static double times[TRIPS];

static double
bare_trip(struct bare *b)
{
	bare_trips(b, times, TRIPS);
	return quantile(times, TRIPS, 0.5) * 1e6;
}

/* Each end on a processor of its own: steadier than where they are put. */
static void
pinned_trips(const struct kind *k, const struct p2p_host_config *config,
    int rounds)
{
	struct figure f = { .name = "the same, each end pinned" };
	struct p2p_host *h;
	struct bare *bare;
	pid_t us, them;
	char *target;
	int i;

	pin(1);
	target = our_start(config, &us);
	bare = bare_start(k->bare, &them);
	pin(0);
	bench_must(p2p_host_new(config, &h), "host");
	bench_must(p2p_host_connect(h, target, NULL, NULL, NULL), "connect");
	for (i = 0; i < rounds; i++)
		figure_record(&f, i, our_trip(h, target, times),
		    bare_trip(bare));
	figure_print(&f, rounds, "us");
	p2p_host_free(h);
	pin(-1);
	kill(us, 9);
	kill(them, 9);
}

/* What has no bare side. */
static void
absolute(struct p2p_host *h, const char *target, pid_t us)
{
	long before = 0, after = 0, threads = 0, tbefore = 0;
	double p99;

	(void)our_trip(h, target, times);
	p99 = quantile(times, TRIPS, 0.99) * 1e6;
	printf("%-28s %10.2f us\n", "round trip of a byte, p99", p99);
	printf("%-28s %10.0f a second\n", "streams opened, 1 byte each",
	    our_opens(h, target));
	process_size(us, &before, &tbefore);
	(void)our_connections(h, target, IDLE, true);
	process_size(us, &after, &threads);
	printf("%-28s %10.1f KiB, %.2f threads\n", "an idle connection",
	    (double)(after - before) / IDLE,
	    (double)(threads - tbefore) / IDLE);
}

static void
codec_alone(int rounds)
{
	struct figure f = { .name = "the codec alone, in memory" };
	double ours, bare;
	int i;

	for (i = 0; i < rounds; i++) {
		bench_codec(&ours, &bare);
		figure_record(&f, i, ours, bare);
	}
	figure_print(&f, rounds, "GB/s");
}

static void
bench(const struct kind *k, int rounds)
{
	struct p2p_host_config config = { .limits = limits,
	    .security = k->security, .no_identify = true };
	struct figure up = { .name = "one stream up" },
	    down = { .name = "one stream down" },
	    many = { .name = "16 streams up" },
	    kib = { .name = "1 KiB writes (bare: large)" },
	    rate = { .name = "connections, 4 at once" },
	    trip = { .name = "round trip of a byte, p50" };
	struct bare_shaker *shaker;
	struct p2p_connection c;
	struct p2p_host *h;
	struct bare *b;
	pid_t us, them, shakes;
	char *target;
	double bare;
	int i;

	target = our_start(&config, &us);
	b = bare_start(k->bare, &them);
	shaker = bare_shaker_start(k->bare, &shakes);
	bench_must(p2p_host_new(&config, &h), "host");
	bench_must(p2p_host_connect(h, target, NULL, &c, NULL), "connect");
	printf("%-28s %10s %10s\n", k->security[0], "ours", "bare");
	for (i = 0; i < rounds; i++) {
		bare = bare_bulk(b, 'u', BULK);
		figure_record(&up, i, our_bulk(h, &c.peer, BULK, 0, 0), bare);
		figure_record(&many, i, our_streams(h, &c.peer), bare);
		figure_record(&kib, i,
		    our_bulk(h, &c.peer, SMALL_BULK, 0, 1024), bare);
		figure_record(&down, i, our_bulk(h, &c.peer, 0, BULK, 0),
		    bare_bulk(b, 'd', BULK));
		figure_record(&rate, i,
		    our_connections(h, target, CONNECTIONS, false),
		    bare_shakes(shaker, CONNECTIONS));
		figure_record(&trip, i, our_trip(h, target, times),
		    bare_trip(b));
	}
	figure_print(&up, rounds, "GB/s");
	figure_print(&down, rounds, "GB/s");
	figure_print(&many, rounds, "GB/s");
	figure_print(&kib, rounds, "GB/s");
	figure_print(&rate, rounds, "/s");
	figure_print(&trip, rounds, "us");
	pinned_trips(k, &config, rounds);
	absolute(h, target, us);
	if (k->bare == BARE_NOISE)
		codec_alone(rounds);
	p2p_host_free(h);
	kill(us, 9);
	kill(them, 9);
	kill(shakes, 9);
	while (wait(NULL) > 0)
		;
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	size_t i;

	if (rounds < 1 || rounds > FIGURE_ROUNDS_MAX)
		return 2;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (argc < 3 || strcmp(argv[2], kinds[i].name) == 0)
			bench(&kinds[i], rounds);
	return 0;
}
