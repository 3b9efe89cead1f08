/*
 * A thread for each client, over one stream.  Requests that are under way
 * together are written together, as many as answers came in at once; answers
 * are told apart by their length and no further looked at.
 */
#include "kad.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bare.h"
#include "crypto/rand.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "services/kad/kad_frame.h"
#include "services/kad/kad_msg.h"
#include "services/kad/kad_table.h"

#define HASH_LEN	34	/* bytes: 0x12 0x20 and a SHA-256 */
#define CHUNK		(64 * 1024)
#define BATCH		32	/* of what gets no answer */
#define REQUEST_MAX	256	/* bytes */

struct client {
	struct kad_load		*load;
	struct p2p_host		*host;
	struct p2p_stream	*stream;
	pthread_t		 thread;
	uint64_t		 dice;
	unsigned		 depth;		/* or how many */
	unsigned long		 done;
	struct kad_frame	 frame;
	uint8_t			 in[CHUNK], out[BATCH * REQUEST_MAX];
};

struct kad_load {
	char		*target;
	atomic_bool	 stop;
	struct client	 clients[KAD_BENCH_CLIENTS];
};

struct kad_load *
kad_load_new(const char *target)
{
	static const char *const security[] = { "/tls/1.0.0", NULL };
	const struct p2p_host_config config = { .security = security,
	    .no_identify = true };
	struct kad_load *l = calloc(1, sizeof(*l));
	struct client *c;

	l->target = strdup(target);
	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++) {
		c->load = l;
		bench_must(p2p_host_new(&config, &c->host), "host");
		bench_must(p2p_host_connect(c->host, target, NULL, NULL,
		    NULL), "connect");
		bench_must(rand_bytes(&c->dice, sizeof(c->dice)), "rand");
	}
	return l;
}

void
kad_load_free(struct kad_load *l)
{
	struct client *c;

	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++)
		p2p_host_free(c->host);
	free(l->target);
	free(l);
}

/* xorshift64*: a target need not be hard to guess. */
static void
random_hash(struct client *c, uint8_t out[HASH_LEN])
{
	uint64_t v;
	size_t i;

	out[0] = 0x12;
	out[1] = 0x20;
	for (i = 0; i < 4; i++) {
		c->dice ^= c->dice >> 12;
		c->dice ^= c->dice << 25;
		c->dice ^= c->dice >> 27;
		v = c->dice * UINT64_C(2685821657736338717);
		memcpy(out + 2 + 8 * i, &v, sizeof(v));
	}
}

static void
find_node_put(struct client *c, struct wr *w)
{
	uint8_t hash[HASH_LEN];
	struct kad_say say = { .type = KAD_FIND_NODE,
	    .key = { hash, sizeof(hash) } };

	random_hash(c, hash);
	bench_must(kad_msg_put(&say, w), "request");
}

static void
send_finds(struct client *c, unsigned n)
{
	struct wr w;

	wr_init(&w, c->out, sizeof(c->out));
	while (n-- > 0)
		find_node_put(c, &w);
	bench_must(p2p_stream_write_full(c->stream, w.p, w.len), "write");
}

/* At least one answer; how many, and the last one. */
static unsigned
take_answers(struct client *c, struct rd *msg)
{
	unsigned n = 0;
	struct rd in;
	ssize_t got;
	int e;

	while (n == 0) {
		got = p2p_stream_read(c->stream, c->in, sizeof(c->in));
		if (got <= 0)
			bench_must(got < 0 ? (int)got : P2P_ERR_SHORT,
			    "read");
		in = (struct rd){ c->in, (size_t)got };
		while ((e = kad_frame_feed(&c->frame, &in, msg)) == 0)
			n++;
		if (e != 1)
			bench_must(e, "frame");
	}
	return n;
}

static void *
find(void *arg)
{
	struct client *c = arg;
	unsigned n, under_way = c->depth;
	struct rd msg;

	send_finds(c, c->depth);
	while (under_way > 0) {
		n = take_answers(c, &msg);
		c->done += n;
		if (atomic_load(&c->load->stop))
			under_way -= n;
		else
			send_finds(c, n);
	}
	return NULL;
}

static void
provide_put(struct client *c, const struct kad_tell *self, struct wr *w,
    uint8_t hash[HASH_LEN])
{
	struct kad_say say = { .type = KAD_ADD_PROVIDER,
	    .key = { hash, HASH_LEN }, .providers = self, .nproviders = 1 };

	random_hash(c, hash);
	bench_must(kad_msg_put(&say, w), "request");
}

/* The answer to the question at the end has the last one. */
static void
ask_for(struct client *c, const uint8_t hash[HASH_LEN])
{
	struct kad_say say = { .type = KAD_GET_PROVIDERS,
	    .key = { hash, HASH_LEN } };
	struct kad_msg m;
	struct rd msg;
	struct wr w;

	wr_init(&w, c->out, sizeof(c->out));
	bench_must(kad_msg_put(&say, &w), "request");
	bench_must(p2p_stream_write_full(c->stream, w.p, w.len), "write");
	take_answers(c, &msg);
	bench_must(kad_msg_get(msg, KAD_MSG_ANSWER_MAX, &m), "answer");
	bench_must(m.nproviders == 1 ? 0 : P2P_ERR_NOT_FOUND, "provider");
	kad_msg_clear(&m);
}

static void *
provide(void *arg)
{
	struct client *c = arg;
	struct p2p_multiaddr *ma;
	struct kad_tell self = { .peer = *p2p_host_id(c->host),
	    .addrs = &ma, .naddrs = 1 };
	uint8_t hash[HASH_LEN];
	unsigned i;
	struct wr w;

	bench_must(p2p_multiaddr_parse("/ip4/10.1.2.3/tcp/4001", &ma), "ma");
	while (c->done < c->depth) {
		wr_init(&w, c->out, sizeof(c->out));
		for (i = 0; i < BATCH && c->done < c->depth; i++, c->done++)
			provide_put(c, &self, &w, hash);
		bench_must(p2p_stream_write_full(c->stream, w.p, w.len),
		    "write");
	}
	ask_for(c, hash);
	p2p_multiaddr_free(ma);
	return NULL;
}

static void
open_stream(struct client *c)
{
	bench_must(p2p_host_open(c->host, c->load->target,
	    KAD_BENCH_PROTOCOL, 0, &c->stream), "open");
	p2p_stream_read_timeout(c->stream, 60000);
	p2p_stream_write_timeout(c->stream, 60000);
	kad_frame_init(&c->frame, KAD_MSG_ANSWER_MAX);
}

static void
close_stream(struct client *c)
{
	kad_frame_fini(&c->frame);
	p2p_stream_free(c->stream);
}

void
kad_load_check(struct kad_load *l)
{
	struct client *c;
	struct kad_msg m;
	struct rd msg;
	size_t i;

	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++) {
		open_stream(c);
		send_finds(c, 1);
		take_answers(c, &msg);
		bench_must(kad_msg_get(msg, KAD_MSG_ANSWER_MAX, &m), "answer");
		bench_must(m.ncloser == KAD_K ? 0 : P2P_ERR_SHORT, "peers");
		for (i = 0; i < m.ncloser; i++)
			bench_must(m.closer[i].naddrs == KAD_BENCH_ADDRS ? 0 :
			    P2P_ERR_SHORT, "addresses");
		kad_msg_clear(&m);
		close_stream(c);
	}
}

/* All clients at once, for so long (0: until they are through); a second. */
static double
run(struct kad_load *l, void *(*fn)(void *), unsigned depth, double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };
	unsigned long done = 0;
	struct client *c;
	double begun;

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	atomic_store(&l->stop, false);
	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++) {
		open_stream(c);
		c->depth = depth;
		c->done = 0;
	}
	begun = bench_now();
	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++)
		if (pthread_create(&c->thread, NULL, fn, c) != 0)
			exit(1);
	nanosleep(&ts, NULL);
	atomic_store(&l->stop, true);
	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++) {
		pthread_join(c->thread, NULL);
		done += c->done;
	}
	begun = bench_now() - begun;
	for (c = l->clients; c < l->clients + KAD_BENCH_CLIENTS; c++)
		close_stream(c);
	return (double)done / begun;
}

double
kad_load_find(struct kad_load *l, unsigned depth, double seconds)
{
	return run(l, find, depth, seconds);
}

double
kad_load_provide(struct kad_load *l, unsigned n)
{
	return run(l, provide, n, 0);
}
