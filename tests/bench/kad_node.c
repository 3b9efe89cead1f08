#include "kad.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bare.h"
#include "base/clock.h"
#include "crypto/rand.h"
#include "figure.h"
#include "host/host.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/store.h"
#include "services/kad/kad.h"

#define LISTEN		"/ip4/127.0.0.1/tcp/0"
#define NODES_MAX	128
#define LOOKUPS_MAX	10000
#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH		78
#define PR_FUTEX_HASH_SET_SLOTS	1
#endif

/* As those of the test with many hosts; none goes that rests, as go's. */
static const struct p2p_limit_setting limits[] = {
	{ "accept-every-seconds", 0 }, { "connections-per-ip", 1024 },
	{ "idle-seconds", 3600 }, { "peerstore-peers", 16384 }, { NULL, 0 }
};

struct node {
	struct p2p_host	*host;
	struct p2p_kad	*kad;
	char		*target;
};

static struct p2p_store *the_store;	/* or NULL */
static struct node self, nodes[NODES_MAX];
static unsigned nnodes;
static double times[LOOKUPS_MAX];

static void
node_start(struct node *n, struct p2p_store *store)
{
	const struct p2p_host_config hc = { .limits = limits };
	const struct p2p_kad_config kc = { .protocol = KAD_BENCH_PROTOCOL,
	    .mode = P2P_KAD_SERVER, .reach = P2P_KAD_ANY, .store = store };
	struct p2p_multiaddr *bound, *full;

	bench_must(p2p_host_new(&hc, &n->host), "host");
	bench_must(p2p_host_listen(n->host, LISTEN, &bound), "listen");
	bench_must(p2p_multiaddr_with_peer(bound, p2p_host_id(n->host),
	    &full), "address");
	n->target = strdup(p2p_multiaddr_text(full));
	p2p_multiaddr_free(full);
	p2p_multiaddr_free(bound);
	bench_must(p2p_kad_new(n->host, &kc, &n->kad), "dht");
}

static void
node_stop(struct node *n)
{
	p2p_kad_free(n->kad);
	p2p_host_free(n->host);
	free(n->target);
}

/* Nobody has the key, but that does not show. */
static void
random_peer(struct p2p_peer_id *out)
{
	uint8_t id[6 + 32] = { 0x00, 0x24, 0x08, 0x01, 0x12, 0x20 };

	bench_must(rand_bytes(id + 6, 32), "rand");
	bench_must(p2p_peer_id_decode(id, sizeof(id), out), "id");
}

static void
random_addresses(struct p2p_multiaddr *out[KAD_BENCH_ADDRS])
{
	static const char *const forms[KAD_BENCH_ADDRS] = {
	    "/ip4/%u.%u.%u.%u/tcp/4001", "/ip4/%u.%u.%u.%u/udp/4001/quic-v1",
	    "/ip6/2001:%x:%x:%x::%x/tcp/4001" };
	char text[64];
	uint8_t b[4];
	size_t i;

	bench_must(rand_bytes(b, sizeof(b)), "rand");
	for (i = 0; i < KAD_BENCH_ADDRS; i++) {
		snprintf(text, sizeof(text), forms[i], b[0] % 100 + 20u,
		    (unsigned)b[1], (unsigned)b[2], (unsigned)b[3]);
		bench_must(p2p_multiaddr_parse(text, &out[i]), "address");
	}
}

/* Whether there is room for it where it belongs. */
static bool
fits(struct p2p_kad *k, const struct p2p_peer_id *peer, unsigned bucket)
{
	struct kad_key key;
	size_t n;

	bench_must(kad_key_of_peer(peer, &key), "key");
	lock_lock(&k->mtx);
	n = kad_table_bucket_size(k->table, kad_cpl(&key,
	    kad_table_key(k->table)));
	lock_unlock(&k->mtx);
	return n < bucket;
}

static size_t
size_of(struct p2p_kad *k)
{
	size_t n;

	lock_lock(&k->mtx);
	n = kad_table_size(k->table);
	lock_unlock(&k->mtx);
	return n;
}

/* As if they had been heard of, asked, and had answered. */
static void
fill(struct p2p_kad *k, size_t n, unsigned bucket)
{
	struct p2p_multiaddr *addrs[KAD_BENCH_ADDRS];
	struct kad_contact c = { .addrs = addrs, .naddrs = KAD_BENCH_ADDRS };
	size_t i;

	while (size_of(k) < n) {
		random_peer(&c.peer);
		if (!fits(k, &c.peer, bucket))
			continue;
		random_addresses(addrs);
		(void)kad_book_heard(k, &c, KAD_HEARD_TTL);
		kad_book_answered(k, &c.peer, 1);
		for (i = 0; i < KAD_BENCH_ADDRS; i++)
			p2p_multiaddr_free(addrs[i]);
	}
}

static void
answer_fill(unsigned n)
{
	fill(self.kad, n, KAD_K);
	puts("ok");
}

static void
answer_memory(unsigned n)
{
	struct kad_table_params params = { .bucket = n };
	struct mallinfo2 before, after;
	struct p2p_kad *k = self.kad;
	long was = 0, is = 0, threads;

	lock_lock(&k->mtx);
	kad_table_free(k->table);
	params.self = k->host->id;
	bench_must(kad_table_new(&params, &k->table), "table");
	lock_unlock(&k->mtx);
	before = mallinfo2();
	process_size(getpid(), &was, &threads);
	fill(k, n, n);
	after = mallinfo2();
	process_size(getpid(), &is, &threads);
	printf("memory %ld %ld %zu %zu\n", was * 1024, is * 1024,
	    before.uordblks + before.hblkhd, after.uordblks + after.hblkhd);
}

/*
 * A hundred hosts have ten thousand threads that wait, and since version 6.16
 * the kernel gives a process a table for four times as many waiters as there
 * are processors: a third of all time went into it.  No matter where it fails.
 */
static void
make_room_for_waiters(void)
{
	(void)prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 1u << 14, 0, 0);
}

static void
answer_network(unsigned n)
{
	const char *first;

	make_room_for_waiters();
	for (nnodes = 0; nnodes < n && nnodes < NODES_MAX; nnodes++) {
		node_start(&nodes[nnodes], NULL);
		first = nodes[0].target;
		if (nnodes > 0)
			bench_must(p2p_kad_bootstrap(nodes[nnodes].kad,
			    &first, 1, NULL, NULL), "bootstrap");
	}
	puts("ok");
}

static void
answer_lookups(unsigned n)
{
	struct p2p_peer_id closest[P2P_KAD_K];
	uint8_t key[32];
	size_t found;
	uint32_t dice;
	unsigned i;
	double t;

	n = n < LOOKUPS_MAX ? n : LOOKUPS_MAX;
	for (i = 0; i < n; i++) {
		bench_must(rand_bytes(key, sizeof(key)), "rand");
		bench_must(rand_bytes(&dice, sizeof(dice)), "rand");
		t = bench_now();
		bench_must(p2p_kad_closest(nodes[dice % nnodes].kad, key,
		    sizeof(key), NULL, closest, &found, NULL), "look-up");
		times[i] = (bench_now() - t) * 1e6;
	}
	printf("lookups %.0f", quantile(times, n, 0.5));
	printf(" %.0f\n", quantile(times, n, 0.99));
}

static void *
put_many(void *arg)
{
	unsigned i, n = *(unsigned *)arg;
	struct p2p_multiaddr *ma;
	struct p2p_peer_id peer;
	uint8_t hash[34] = { 0x12, 0x20 };

	random_peer(&peer);
	bench_must(p2p_multiaddr_parse("/ip4/10.1.2.3/tcp/4001", &ma), "ma");
	for (i = 0; i < n; i++) {
		bench_must(rand_bytes(hash + 2, 32), "rand");
		bench_must(kad_store_provide(&self.kad->store,
		    (struct rd){ hash, sizeof(hash) }, &peer, &ma, 1,
		    clock_wall_ns()), "put");
	}
	p2p_multiaddr_free(ma);
	return NULL;
}

static void
answer_puts(unsigned n)
{
	pthread_t t[KAD_BENCH_CLIENTS];
	unsigned each = n / KAD_BENCH_CLIENTS;
	double begun = bench_now();
	size_t i;

	for (i = 0; i < KAD_BENCH_CLIENTS; i++)
		if (pthread_create(&t[i], NULL, put_many, &each) != 0)
			exit(1);
	for (i = 0; i < KAD_BENCH_CLIENTS; i++)
		pthread_join(t[i], NULL);
	printf("puts %.0f\n", each * KAD_BENCH_CLIENTS /
	    (bench_now() - begun));
}

static const struct command {
	const char	*name;
	void		(*answer)(unsigned n);
} commands[] = {
	{ "fill", answer_fill },
	{ "memory", answer_memory },
	{ "network", answer_network },
	{ "lookups", answer_lookups },
	{ "puts", answer_puts },
};

static void
answer(const char *line)
{
	char name[16];
	unsigned n;
	size_t i;

	if (sscanf(line, "%15s %u", name, &n) == 2)
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (strcmp(commands[i].name, name) == 0) {
				commands[i].answer(n);
				return;
			}
	puts("error no such command");
}

int
kad_node(const char *store)
{
	char line[256];
	unsigned i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (store != NULL)
		bench_must(p2p_store_open(store, &the_store, NULL), "store");
	node_start(&self, the_store);
	printf("listening %s\nready\n", self.target);
	while (fgets(line, sizeof(line), stdin) != NULL)
		answer(line);
	for (i = 0; i < nnodes; i++)
		p2p_kad_close(nodes[i].kad);
	while (nnodes > 0)
		node_stop(&nodes[--nnodes]);
	node_stop(&self);
	p2p_store_free(the_store);
	return 0;
}
