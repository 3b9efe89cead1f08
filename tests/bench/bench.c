/*
 * tests/bench/bench.c -- figures of this library beside a bare loop of SSL_write
 * and SSL_read over the same loopback, in one run, as ratios.
 *
 *	p2p-bench [ROUNDS]
 *
 * Every figure is taken ROUNDS times (5), ours and the bare one in turn; the
 * median of the ratios is what counts, since machines are shared and noisy.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <p2p/error.h>
#include <p2p/host.h>
#include <p2p/key.h>
#include <p2p/multiaddr.h>
#include <p2p/perf.h>
#include <p2p/stream.h>

#include "security/tls_cert.h"

#define BULK		(512u << 20)	/* bytes of a throughput round */
#define STREAMS		16		/* at once */
#define SMALL_BULK	(64u << 20)	/* of 1 KiB writes */
#define TRIPS		3000		/* round trips */
#define OPENS		1000		/* streams, one after another */
#define CONNECTIONS	300		/* one after another, 4 at once */
#define IDLE		1000		/* idle connections */
#define ECHO		"/bench/echo/1"

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
must(int e, const char *what)
{
	if (e == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, p2p_strerror(e));
	exit(1);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
quantile(double *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[(size_t)((double)(n - 1) * q)];
}

/* The child's end of the bare loop: 'u' sink, 'd' source, 'e' echo of a byte. */
static void
bare_serve(SSL *ssl)
{
	static char buf[16384];
	uint64_t left;
	char cmd;
	int n;

	while (SSL_read(ssl, &cmd, 1) == 1) {
		if (cmd == 'e') {
			while (SSL_read(ssl, buf, 1) == 1 && buf[0] != 'q')
				SSL_write(ssl, buf, 1);
			continue;
		}
		for (left = BULK; left > 0; left -= (uint64_t)n) {
			n = left < sizeof(buf) ? (int)left : (int)sizeof(buf);
			n = cmd == 'u' ? SSL_read(ssl, buf, n) :
			    SSL_write(ssl, buf, n);
			if (n <= 0)
				_exit(1);
		}
		if (cmd == 'u')
			SSL_write(ssl, "k", 1);
	}
	_exit(0);
}

static int
yes(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static SSL_CTX *
bare_ctx(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	struct p2p_key *key;
	EVP_PKEY *pkey;
	X509 *cert;

	must(p2p_key_generate(P2P_KEY_ED25519, 0, &key), "key");
	must(tls_cert_new(key, time(NULL), &cert, &pkey), "certificate");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_use_certificate(ctx, cert);
	SSL_CTX_use_PrivateKey(ctx, pkey);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, yes, NULL);
	return ctx;
}

/* A process that ends with this one, however that ends. */
static pid_t
child_of_ours(void)
{
	pid_t pid = fork();

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A listening socket on loopback, and where it is. */
static int
bare_listen(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	*a = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(l, (struct sockaddr *)a, sizeof(*a)) != 0 ||
	    listen(l, 64) != 0 ||
	    getsockname(l, (struct sockaddr *)a, &len) != 0)
		exit(1);
	return l;
}

/* A handshake over a fresh socket; the SSL owns it. */
static SSL *
bare_shake(SSL_CTX *ctx, int fd, bool server)
{
	SSL *ssl = SSL_new(ctx);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(ssl, fd);
	if ((server ? SSL_accept(ssl) : SSL_connect(ssl)) != 1)
		exit(1);
	return ssl;
}

static int
bare_dial(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0)
		exit(1);
	return fd;
}

/* A bare TLS connection to a child process. */
static SSL *
bare_start(pid_t *child)
{
	struct sockaddr_in a;
	int l = bare_listen(&a);

	if ((*child = child_of_ours()) == 0)
		bare_serve(bare_shake(bare_ctx(TLS_server_method()),
		    accept(l, NULL, NULL), true));
	close(l);
	return bare_shake(bare_ctx(TLS_client_method()), bare_dial(&a), false);
}

/* Bare mutual handshakes, as many at once as ours. */
struct shakes {
	SSL_CTX			*ctx;
	struct sockaddr_in	 a;
	int			 l;		/* or -1: dial */
};

static void *
shake_many(void *arg)
{
	const struct shakes *s = arg;
	SSL *ssl;
	char c;
	int i, fd;

	for (i = 0; s->l != -1 || i < CONNECTIONS / 4; i++) {
		fd = s->l != -1 ? accept(s->l, NULL, NULL) : bare_dial(&s->a);
		ssl = bare_shake(s->ctx, fd, s->l != -1);
		if (s->l != -1)
			(void)SSL_write(ssl, "k", 1);
		else
			(void)SSL_read(ssl, &c, 1);
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

static void
shake_threads(struct shakes *s)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, shake_many, s) != 0)
			exit(1);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* The listening child and our side's context. */
static void
bare_shakes_start(struct shakes *s, pid_t *child)
{
	s->l = bare_listen(&s->a);
	if ((*child = child_of_ours()) == 0) {
		s->ctx = bare_ctx(TLS_server_method());
		shake_threads(s);
		_exit(0);
	}
	close(s->l);
	s->l = -1;
	s->ctx = bare_ctx(TLS_client_method());
}

static double
bare_connections(struct shakes *s)
{
	double begun = now();

	shake_threads(s);
	return CONNECTIONS / (now() - begun);
}

static double
bare_bulk(SSL *ssl, char how)
{
	static char buf[16384];
	double t = now();
	uint64_t left;
	int n;

	SSL_write(ssl, &how, 1);
	for (left = BULK; left > 0; left -= (uint64_t)n) {
		n = how == 'u' ? SSL_write(ssl, buf, sizeof(buf)) :
		    SSL_read(ssl, buf, sizeof(buf));
		if (n <= 0)
			exit(1);
	}
	if (how == 'u')
		SSL_read(ssl, buf, 1);
	return BULK / (now() - t) / 1e9;
}

static double
bare_trip(SSL *ssl, double *times)
{
	char c = 'e';
	double t;
	int i;

	SSL_write(ssl, &c, 1);
	for (i = 0; i < TRIPS; i++) {
		c = 'x';
		t = now();
		SSL_write(ssl, &c, 1);
		SSL_read(ssl, &c, 1);
		times[i] = now() - t;
	}
	SSL_write(ssl, "q", 1);
	return quantile(times, TRIPS, 0.5) * 1e6;
}

static void
echo(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) == 1 &&
	    p2p_stream_write_full(s, &c, 1) == 0)
		;
}

/* Resident memory and threads of a process. */
static void
process_size(pid_t pid, long *kib, long *threads)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "VmRSS: %ld", kib);
		(void)sscanf(line, "Threads: %ld", threads);
	}
	if (f != NULL)
		fclose(f);
}

/* Our listener in a child, its address on a pipe. */
static char *
our_start(pid_t *child)
{
	static const struct p2p_limit_setting limits[] = {
		{ "connections", 3000 }, { "connections-in", 3000 },
		{ "connections-out", 3000 }, { "connections-per-peer", 3000 },
		{ "idle-seconds", 3600 }, { NULL, 0 }
	};
	struct p2p_host_config config = { .limits = limits,
	    .no_identify = true };
	char text[512];
	struct p2p_multiaddr *ma, *full;
	struct p2p_host *h;
	int fds[2];
	ssize_t n;

	if (pipe(fds) != 0)
		exit(1);
	if ((*child = child_of_ours()) == 0) {
		must(p2p_host_new(&config, &h), "host");
		must(p2p_host_handle(h, ECHO, echo, NULL), "handle");
		must(p2p_perf_serve(h), "perf");
		must(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", &ma), "listen");
		must(p2p_multiaddr_with_peer(ma, p2p_host_id(h), &full), "id");
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
	double t = now();

	must(p2p_perf(h, peer, &o, &r), "perf");
	return (double)(up + down) / (now() - t) / 1e9;
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
	double begun = now();
	int i;

	for (i = 0; i < STREAMS; i++)
		if (pthread_create(&t[i], NULL, run_share, &s) != 0)
			exit(1);
	for (i = 0; i < STREAMS; i++)
		pthread_join(t[i], NULL);
	return BULK / (now() - begun) / 1e9;
}

static double
our_trip(struct p2p_host *h, const char *target, double *times)
{
	struct p2p_stream *s;
	double t;
	char c;
	int i;

	must(p2p_host_open(h, target, ECHO, 5000, &s), "open");
	for (i = 0; i < TRIPS; i++) {
		c = 'x';
		t = now();
		must(p2p_stream_write_full(s, &c, 1), "write");
		must(p2p_stream_read_full(s, &c, 1), "read");
		times[i] = now() - t;
	}
	p2p_stream_free(s);
	return quantile(times, TRIPS, 0.5) * 1e6;
}

static double
our_opens(struct p2p_host *h, const char *target)
{
	struct p2p_stream *s;
	double t = now();
	char c = 'o';
	int i;

	for (i = 0; i < OPENS; i++) {
		must(p2p_host_open(h, target, ECHO, 5000, &s), "open");
		must(p2p_stream_write_full(s, &c, 1), "write");
		must(p2p_stream_read_full(s, &c, 1), "read");
		p2p_stream_free(s);
	}
	return OPENS / (now() - t);
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
		must(p2p_host_connect(m->h, m->target, &o, &c, NULL),
		    "connect");
		if (!m->keep)
			must(p2p_host_close(m->h, c.number), "close");
		p2p_multiaddr_free(c.remote);
	}
	return NULL;
}

static double
our_connections(struct p2p_host *h, const char *target, int n, bool keep)
{
	struct many m = { h, target, n / 4, keep };
	pthread_t t[4];
	double begun = now();
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, connect_many, &m) != 0)
			exit(1);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return n / (now() - begun);
}

struct figure {
	const char	*name;
	double		 ours[16], bare[16], ratio[16];
};

static void
print(struct figure *f, int rounds, const char *unit)
{
	double ratio = quantile(f->ratio, (size_t)rounds, 0.5);

	printf("%-28s %10.2f %10.2f %-6s ratio %.2f (%.2f to %.2f)\n", f->name,
	    quantile(f->ours, (size_t)rounds, 0.5),
	    quantile(f->bare, (size_t)rounds, 0.5), unit,
	    ratio, f->ratio[0], f->ratio[rounds - 1]);
	fflush(stdout);
}

static void
record(struct figure *f, int i, double ours, double bare)
{
	f->ours[i] = ours;
	f->bare[i] = bare;
	f->ratio[i] = ours / bare;
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

/* Each end on a processor of its own: steadier than where they are put. */
static void
pinned_trips(const struct p2p_host_config *config, int rounds, double *times)
{
	struct figure f = { .name = "the same, each end pinned" };
	struct p2p_host *h;
	pid_t us, them;
	char *target;
	SSL *ssl;
	int i;

	pin(1);
	target = our_start(&us);
	ssl = bare_start(&them);
	pin(0);
	must(p2p_host_new(config, &h), "host");
	must(p2p_host_connect(h, target, NULL, NULL, NULL), "connect");
	for (i = 0; i < rounds; i++)
		record(&f, i, our_trip(h, target, times),
		    bare_trip(ssl, times));
	print(&f, rounds, "us");
	p2p_host_free(h);
	pin(-1);
	kill(us, 9);
	kill(them, 9);
}

int
main(int argc, char **argv)
{
	static const struct p2p_limit_setting limits[] = {
		{ "connections", 3000 }, { "connections-out", 3000 },
		{ "connections-per-peer", 3000 }, { NULL, 0 }
	};
	struct p2p_host_config config = { .limits = limits,
	    .no_identify = true };
	struct figure up = { .name = "one stream up" },
	    down = { .name = "one stream down" },
	    many = { .name = "16 streams up" },
	    kib = { .name = "1 KiB writes (bare: 16 KiB)" },
	    rate = { .name = "connections, 4 at once" },
	    trip = { .name = "round trip of a byte, p50" };
	int rounds = argc > 1 ? atoi(argv[1]) : 5, i;
	static double times[TRIPS];
	long before = 0, after = 0, threads = 0, tbefore = 0;
	struct p2p_connection c;
	struct p2p_host *h;
	double bare, p99;
	pid_t us, them, shaker;
	struct shakes shakes;
	char *target;
	SSL *ssl;

	if (rounds < 1 || rounds > 16)
		return 2;
	target = our_start(&us);
	ssl = bare_start(&them);
	bare_shakes_start(&shakes, &shaker);
	must(p2p_host_new(&config, &h), "host");
	must(p2p_host_connect(h, target, NULL, &c, NULL), "connect");
	printf("%-28s %10s %10s\n", "", "ours", "bare TLS");
	for (i = 0; i < rounds; i++) {
		bare = bare_bulk(ssl, 'u');
		record(&up, i, our_bulk(h, &c.peer, BULK, 0, 0), bare);
		record(&many, i, our_streams(h, &c.peer), bare);
		record(&kib, i, our_bulk(h, &c.peer, SMALL_BULK, 0, 1024), bare);
		record(&down, i, our_bulk(h, &c.peer, 0, BULK, 0),
		    bare_bulk(ssl, 'd'));
		record(&rate, i, our_connections(h, target, CONNECTIONS, false),
		    bare_connections(&shakes));
		record(&trip, i, our_trip(h, target, times),
		    bare_trip(ssl, times));
	}
	print(&up, rounds, "GB/s");
	print(&down, rounds, "GB/s");
	print(&many, rounds, "GB/s");
	print(&kib, rounds, "GB/s");
	print(&trip, rounds, "us");
	pinned_trips(&config, rounds, times);
	(void)our_trip(h, target, times);
	p99 = quantile(times, TRIPS, 0.99) * 1e6;
	printf("%-28s %10.2f us\n", "round trip of a byte, p99", p99);
	printf("%-28s %10.0f a second\n", "streams opened, 1 byte each",
	    our_opens(h, target));
	print(&rate, rounds, "/s");
	process_size(us, &before, &tbefore);
	(void)our_connections(h, target, IDLE, true);
	process_size(us, &after, &threads);
	printf("%-28s %10.1f KiB, %.2f threads\n", "an idle connection",
	    (double)(after - before) / IDLE,
	    (double)(threads - tbefore) / IDLE);
	p2p_host_free(h);
	kill(us, 9);
	kill(them, 9);
	kill(shaker, 9);
	while (wait(NULL) > 0)
		;
	return 0;
}
