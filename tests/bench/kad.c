/*
 * tests/bench/kad.c -- figures of the DHT, beside go's in the same run.
 *
 *	p2p-kad-bench [GO_PEER [ROUNDS [find|memory|network|provide]]]
 *
 * GO_PEER is ../interop/go, built; without it, or if it is "-", there are only
 * ours.  Each figure is taken ROUNDS times (5), ours and go's in turn; the
 * median of the ratios is what counts.  Servers are processes of their own, the
 * load on both is the same.  The processors of the machine are shared between
 * server and load, so a server is also measured by its own processor time.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "figure.h"
#include "kad.h"
#include "p2p/error.h"

#define TABLE		240	/* peers: buckets down to the 12th are full */
#define FIND_S		2.0	/* of a round */
#define DEEP		8	/* requests under way */
#define MEMORY		5000	/* peers */
#define NETWORK		100	/* nodes */
#define LOOKUPS		300	/* of a round */
#define PROVIDERS	2000	/* a client and round */
#define STORE		"p2p-kad-bench.sqlite"

/* One that answers lines. */
struct node {
	pid_t	 pid;
	FILE	*in, *out;
	char	 target[512];
};

static const char *go_peer;		/* or NULL */
static int rounds = 5;

static void
fail(const char *what, const char *text)
{
	fprintf(stderr, "p2p-kad-bench: %s: %s\n", what, text);
	exit(1);
}

static void
become(char *const argv[], const int in[2], const int out[2])
{
	dup2(in[0], 0);
	dup2(out[1], 1);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(1);
}

static void
node_start(struct node *n, char *const argv[])
{
	int in[2], out[2];
	char line[512];

	if (pipe(in) != 0 || pipe(out) != 0)
		fail("pipe", "no more");
	if ((n->pid = bench_fork()) == 0)
		become(argv, in, out);
	close(in[0]);
	close(out[1]);
	n->in = fdopen(in[1], "w");
	n->out = fdopen(out[0], "r");
	while (fgets(line, sizeof(line), n->out) != NULL) {
		(void)sscanf(line, "listening %511s", n->target);
		if (strcmp(line, "ready\n") == 0)
			return;
	}
	fail(argv[0], "did not come up");
}

static void
node_stop(struct node *n)
{
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	fclose(n->in);
	fclose(n->out);
}

/* One line, one answer, which begins with a word, and has numbers behind it. */
static void
node_ask(struct node *n, const char *word, double *numbers, size_t count,
    const char *fmt, ...)
{
	char line[512], *p;
	va_list ap;

	va_start(ap, fmt);
	vfprintf(n->in, fmt, ap);
	va_end(ap);
	fflush(n->in);
	if (fgets(line, sizeof(line), n->out) == NULL)
		fail("node", "has ended");
	if (strncmp(line, word, strlen(word)) != 0)
		fail("node", line);
	for (p = line + strlen(word); count > 0; count--)
		*numbers++ = strtod(p, &p);
}

static void
start_ours(struct node *n, const char *store)
{
	char exe[] = "/proc/self/exe", role[] = "node";
	char *name = store != NULL ? strdup(store) : NULL;
	char *argv[] = { exe, role, name, NULL };

	node_start(n, argv);
	free(name);
}

static void
start_go(struct node *n)
{
	char *exe = strdup(go_peer), role[] = "kad", option[] = "--protocol";
	char protocol[] = KAD_BENCH_PROTOCOL;
	char *argv[] = { exe, role, option, protocol, NULL };

	node_start(n, argv);
	free(exe);
}

/* A node under load, and what it does. */
struct side {
	struct node	 node;
	struct kad_load	*load;
	double		 per_second, per_cpu_second;
};

static void
side_find(struct side *s, unsigned depth)
{
	double cpu = process_time(s->node.pid), begun = bench_now();

	s->per_second = kad_load_find(s->load, depth, FIND_S);
	s->per_cpu_second = s->per_second * (bench_now() - begun) /
	    (process_time(s->node.pid) - cpu);
}

static void
side_provide(struct side *s)
{
	double cpu = process_time(s->node.pid), begun = bench_now();

	s->per_second = kad_load_provide(s->load, PROVIDERS);
	s->per_cpu_second = s->per_second * (bench_now() - begun) /
	    (process_time(s->node.pid) - cpu);
}

static void
side_begin(struct side *s)
{
	node_ask(&s->node, "ok", NULL, 0, "fill %u\n", TABLE);
	s->load = kad_load_new(s->node.target);
	kad_load_check(s->load);
}

static void
side_end(struct side *s)
{
	kad_load_free(s->load);
	node_stop(&s->node);
}

static void
bench_find(void)
{
	struct figure one = { .name = "FIND_NODE, 1 under way" },
	    one_cpu = { .name = "  a second of its processor" },
	    deep = { .name = "FIND_NODE, 8 under way" },
	    deep_cpu = { .name = "  a second of its processor" };
	struct side us = { .load = NULL }, go = { .load = NULL };
	int i;

	start_ours(&us.node, NULL);
	side_begin(&us);
	if (go_peer != NULL) {
		start_go(&go.node);
		side_begin(&go);
	}
	for (i = -1; i < rounds; i++) {		/* the first one warms up */
		side_find(&us, 1);
		if (go_peer != NULL)
			side_find(&go, 1);
		figure_record(&one, i < 0 ? 0 : i, us.per_second,
		    go.per_second);
		figure_record(&one_cpu, i < 0 ? 0 : i, us.per_cpu_second,
		    go.per_cpu_second);
		side_find(&us, DEEP);
		if (go_peer != NULL)
			side_find(&go, DEEP);
		figure_record(&deep, i < 0 ? 0 : i, us.per_second,
		    go.per_second);
		figure_record(&deep_cpu, i < 0 ? 0 : i, us.per_cpu_second,
		    go.per_cpu_second);
	}
	figure_print(&one, rounds, "/s");
	figure_print(&one_cpu, rounds, "/s");
	figure_print(&deep, rounds, "/s");
	figure_print(&deep_cpu, rounds, "/s");
	side_end(&us);
	if (go_peer != NULL)
		side_end(&go);
}

static void
bench_provide(void)
{
	struct figure memory = { .name = "ADD_PROVIDER, in memory" },
	    memory_cpu = { .name = "  a second of its processor" },
	    file = { .name = "ADD_PROVIDER, SQLite" },
	    file_cpu = { .name = "  a second of its processor" },
	    puts = { .name = "  puts into its store alone" };
	struct side us = { .load = NULL }, kept = us, go = us;
	double n;
	int i;

	(void)unlink(STORE);
	start_ours(&us.node, NULL);
	side_begin(&us);
	start_ours(&kept.node, STORE);
	side_begin(&kept);
	if (go_peer != NULL) {
		start_go(&go.node);
		side_begin(&go);
	}
	for (i = 0; i < rounds; i++) {
		side_provide(&us);
		if (go_peer != NULL)
			side_provide(&go);
		figure_record(&memory, i, us.per_second, go.per_second);
		figure_record(&memory_cpu, i, us.per_cpu_second,
		    go.per_cpu_second);
		side_provide(&kept);
		figure_record(&file, i, kept.per_second, 0);
		figure_record(&file_cpu, i, kept.per_cpu_second, 0);
		node_ask(&kept.node, "puts", &n, 1, "puts %u\n",
		    KAD_BENCH_CLIENTS * PROVIDERS);
		figure_record(&puts, i, n, 0);
	}
	figure_print(&memory, rounds, "/s");
	figure_print(&memory_cpu, rounds, "/s");
	figure_print(&file, rounds, "/s");
	figure_print(&file_cpu, rounds, "/s");
	figure_print(&puts, rounds, "/s");
	side_end(&us);
	side_end(&kept);
	if (go_peer != NULL)
		side_end(&go);
	(void)unlink(STORE);
	(void)unlink(STORE "-wal");
	(void)unlink(STORE "-shm");
	(void)unlink(STORE ".lock");
}

/* Bytes a peer of a large table: resident, allocated. */
static void
measure_memory(struct node *n, double out[2])
{
	double v[4];

	node_ask(n, "memory", v, 4, "memory %u\n", MEMORY);
	node_stop(n);
	out[0] = (v[1] - v[0]) / MEMORY;
	out[1] = (v[3] - v[2]) / MEMORY;
}

static void
bench_memory(void)
{
	struct figure resident = { .name = "a peer of 5,000, resident" },
	    heap = { .name = "a peer of 5,000, allocated" };
	double us[2], go[2] = { 0, 0 };
	struct node n;
	int i;

	for (i = 0; i < rounds; i++) {
		start_ours(&n, NULL);
		measure_memory(&n, us);
		if (go_peer != NULL) {
			start_go(&n);
			measure_memory(&n, go);
		}
		figure_record(&resident, i, us[0], go[0]);
		figure_record(&heap, i, us[1], go[1]);
	}
	figure_print(&resident, rounds, "bytes");
	figure_print(&heap, rounds, "bytes");
}

static void
bench_network(void)
{
	struct figure p50 = { .name = "look-up among 100, p50" },
	    p99 = { .name = "look-up among 100, p99" },
	    size = { .name = "a node of 100, resident" };
	struct node us, them;
	double ours[2], go[2] = { 0, 0 };
	long kib[2] = { 0, 0 }, threads;
	int i;

	start_ours(&us, NULL);
	node_ask(&us, "ok", NULL, 0, "network %u\n", NETWORK);
	process_size(us.pid, &kib[0], &threads);
	if (go_peer != NULL) {
		start_go(&them);
		node_ask(&them, "ok", NULL, 0, "network %u\n", NETWORK);
		process_size(them.pid, &kib[1], &threads);
	}
	for (i = -1; i < rounds; i++) {		/* the first one warms up */
		node_ask(&us, "lookups", ours, 2, "lookups %u\n", LOOKUPS);
		if (go_peer != NULL)
			node_ask(&them, "lookups", go, 2, "lookups %u\n",
			    LOOKUPS);
		figure_record(&p50, i < 0 ? 0 : i, ours[0] / 1e3, go[0] / 1e3);
		figure_record(&p99, i < 0 ? 0 : i, ours[1] / 1e3, go[1] / 1e3);
		figure_record(&size, i < 0 ? 0 : i,
		    (double)kib[0] / NETWORK, (double)kib[1] / NETWORK);
	}
	figure_print(&p50, rounds, "ms");
	figure_print(&p99, rounds, "ms");
	figure_print(&size, rounds, "KiB");
	node_stop(&us);
	if (go_peer != NULL)
		node_stop(&them);
}

static const struct part {
	const char	*name;
	void		(*run)(void);
} parts[] = {
	{ "find", bench_find },
	{ "memory", bench_memory },
	{ "network", bench_network },
	{ "provide", bench_provide },
};

int
main(int argc, char **argv)
{
	size_t i;

	if (argc > 1 && strcmp(argv[1], "node") == 0)
		return kad_node(argc > 2 ? argv[2] : NULL);
	if (argc > 1 && strcmp(argv[1], "-") != 0)
		go_peer = argv[1];
	if (argc > 2)
		rounds = atoi(argv[2]);
	if (rounds < 1 || rounds > FIGURE_ROUNDS_MAX)
		return 2;
	printf("%-28s %10s %10s\n", "", "ours",
	    go_peer != NULL ? "go" : "");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (argc < 4 || strcmp(argv[3], parts[i].name) == 0)
			parts[i].run();
	return 0;
}
