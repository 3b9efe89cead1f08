/*
 * Hosts that speak mplex: what every muxer must do, and what this one does
 * about users that do not read.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "host/conn.h"
#include "muxer/mplex_frame.h"
#include "muxer/mstream.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"
#include "schedule.h"

#define WAIT_MS	10000		/* real time that anything may take */
#define MIB	(1024u * 1024)
#define FULL	(384u * 1024)	/* what a stream holds, and a batch */
#define POUR	"/pour"
#define HOLD	"/hold"
#define HANG_UP	"/hang-up"
#define HEADER	"\x13" "/multistream/1.0.0\n"

static const char *const mplex[] = { "/mplex/6.7.0", NULL };

/* The handlers of HOLD stay here. */
static struct {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 changed;
	bool		 go;
	int		 heard[2];	/* what its stream said then */
} held = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false,
    { 0, 0 } };

static uint8_t
pattern(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

/* As many MiB as it is told by one byte; 0: until the end of the stream. */
static void
pour(struct p2p_stream *s, void *arg)
{
	uint8_t n = 0, buf[8192];
	size_t at, i;

	(void)arg;
	if (p2p_stream_read_full(s, &n, 1) != 0)
		return;
	for (at = 0; n == 0 || at < n * MIB; at += sizeof(buf)) {
		for (i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(at + i);
		if (p2p_stream_write_full(s, buf, sizeof(buf)) != 0)
			break;
	}
}

static void
hold(struct p2p_stream *s, void *arg)
{
	char c = 0;
	int e;

	(void)arg;
	pthread_mutex_lock(&held.mtx);
	while (!held.go)
		pthread_cond_wait(&held.changed, &held.mtx);
	pthread_mutex_unlock(&held.mtx);
	while ((e = (int)p2p_stream_read(s, &c, 1)) == 1)
		;
	pthread_mutex_lock(&held.mtx);
	held.heard[0] = e;
	held.heard[1] = (int)p2p_stream_write(s, &c, 1);
	pthread_cond_broadcast(&held.changed);
	pthread_mutex_unlock(&held.mtx);
}

static void
let_go(void)
{
	pthread_mutex_lock(&held.mtx);
	held.go = true;
	pthread_cond_broadcast(&held.changed);
	pthread_mutex_unlock(&held.mtx);
}

/* What the handler of HOLD has heard, for reading and writing. */
static void
check_held(int read, int write)
{
	pthread_mutex_lock(&held.mtx);
	while (held.heard[1] == 0)
		pthread_cond_wait(&held.changed, &held.mtx);
	CHECK_ERR(held.heard[0], read);
	CHECK_ERR(held.heard[1], write);
	pthread_mutex_unlock(&held.mtx);
}

static void
hang_up(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	(void)p2p_stream_read(s, &c, 1);
	p2p_stream_reset(s);
}

static void
begin(struct pair *p)
{
	struct p2p_host_config config = { .muxers = mplex,
	    .no_identify = true };

	held.go = false;
	held.heard[0] = held.heard[1] = 0;
	pair_config(p, &config, &config);
	CHECK_OK(p2p_echo_serve(p->a));
	CHECK_OK(p2p_echo_serve(p->b));
	CHECK_OK(p2p_host_handle(p->b, POUR, pour, NULL));
	CHECK_OK(p2p_host_handle(p->b, HOLD, hold, NULL));
	CHECK_OK(p2p_host_handle(p->b, HANG_UP, hang_up, NULL));
	CHECK_OK(p2p_host_connect(p->a, p->target, NULL, NULL, NULL));
}

static struct p2p_stream *
open_stream(struct pair *p, const char *protocol)
{
	struct p2p_stream *s = NULL;

	CHECK_OK(p2p_host_open(p->a, p->target, protocol, 5000, &s));
	CHECK_FATAL(s != NULL);
	return s;
}

/* A ping on a stream of its own; what all of it took. */
static uint64_t
pings(struct pair *p)
{
	uint64_t rtt, from = clock_now();

	CHECK_OK(p2p_ping(p->a, p2p_host_id(p->b), 5000, &rtt));
	return clock_now() - from;
}

/* Whether the worker of its first connection waits for users. */
static bool
is_behind(struct p2p_host *h)
{
	return pair_session(h)->behind;
}

static void
falls_behind(struct p2p_host *h)
{
	int i;

	for (i = 0; i < WAIT_MS && !is_behind(h); i++)
		(void)poll(NULL, 0, 1);
	CHECK(i < WAIT_MS);
}

static void
it_is_spoken_where_both_name_it(void)
{
	static const char *const both[] = { "/yamux/1.0.0", "/mplex/6.7.0",
	    NULL };
	struct p2p_host_config all = { .muxers = both },
	    only = { .muxers = mplex };
	struct p2p_connection c = { .muxer = NULL };
	struct pair p;

	pair_config(&p, &all, &only);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &c, NULL));
	CHECK_STR(c.muxer, "/mplex/6.7.0");
	p2p_multiaddr_free(c.remote);
	(void)pings(&p);
	pair_free(&p);
	pair_config(&p, &all, &all);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &c, NULL));
	CHECK_STR(c.muxer, "/yamux/1.0.0");
	p2p_multiaddr_free(c.remote);
	pair_free(&p);
	pair_config(&p, &only, NULL);		/* nobody has it by default */
	CHECK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL) != 0);
	pair_free(&p);
}

static void
echo(struct p2p_host *h, const struct p2p_peer_id *peer, size_t n)
{
	static const char *const protocols[] = { P2P_ECHO_ID, NULL };
	uint8_t *out = malloc(n), *in = malloc(n);
	struct p2p_stream *s;
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = pattern(i);
	CHECK_OK(p2p_host_open_peer(h, peer, protocols, 5000, &s));
	CHECK_EQ(p2p_stream_write(s, out, n), n);
	CHECK_OK(p2p_stream_close_write(s));
	CHECK_ERR(p2p_stream_write(s, out, 1), P2P_ERR_CLOSED);
	CHECK_OK(p2p_stream_read_full(s, in, n));	/* a half lives on */
	CHECK(memcmp(in, out, n) == 0);
	CHECK_EQ(p2p_stream_read(s, in, 1), 0);
	CHECK_EQ(p2p_stream_read(s, in, 1), 0);
	p2p_stream_free(s);
	free(out);
	free(in);
}

static void
echoes_go_both_ways_and_halves_close(void)
{
	static const size_t sizes[] = { 1, 100, 16384, 16385, 100000 };
	struct pair p;
	size_t i;

	begin(&p);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		echo(p.a, p2p_host_id(p.b), sizes[i]);
		echo(p.b, p2p_host_id(p.a), sizes[i]);
	}
	host_joined(p.a, 1);		/* all over the same connection */
	evil_settles(p.a, LIMIT_STREAMS_IN, 0);
	evil_settles(p.a, LIMIT_STREAMS_OUT, 0);
	evil_settles(p.b, LIMIT_STREAMS_OUT, 0);
	pair_free(&p);
}

static void
a_reset_ends_both_halves_on_the_other_side(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c = 'x';

	begin(&p);
	s = open_stream(&p, HANG_UP);
	CHECK_EQ(p2p_stream_write(s, &c, 1), 1);
	CHECK_ERR(p2p_stream_read(s, &c, 1), P2P_ERR_RESET);
	CHECK_ERR(p2p_stream_write(s, &c, 1), P2P_ERR_RESET);
	p2p_stream_free(s);
	s = open_stream(&p, HOLD);
	CHECK_EQ(p2p_stream_write(s, &c, 1), 1);
	p2p_stream_reset(s);
	CHECK_ERR(p2p_stream_read(s, &c, 1), P2P_ERR_CLOSED);
	let_go();
	check_held(P2P_ERR_RESET, P2P_ERR_RESET);
	p2p_stream_free(s);
	(void)pings(&p);
	evil_settles(p.b, LIMIT_STREAMS_IN, 0);
	pair_free(&p);
}

struct caller {
	struct pair	*p;
	struct thread	 thread;
};

static void
call(void *arg)
{
	struct caller *c = arg;

	echo(c->p->a, p2p_host_id(c->p->b), 60000);
}

static void
fifty_streams_at_once(void)
{
	struct caller callers[50];
	struct pair p;
	int i;

	begin(&p);
	for (i = 0; i < 50; i++) {
		callers[i] = (struct caller){ .p = &p };
		CHECK_OK(thread_start(&callers[i].thread, "caller",
		    THREAD_STACK, call, &callers[i]));
	}
	for (i = 0; i < 50; i++)
		thread_join(&callers[i].thread);
	host_joined(p.a, 1);
	evil_settles(p.b, LIMIT_STREAMS_IN, 0);
	pair_free(&p);
}

/* Small pieces until the writer has overtaken it, then all there is. */
static void
a_slow_reader_gets_all_of_it(void)
{
	struct p2p_stream *s;
	uint8_t buf[16384], n = 24;
	size_t at = 0, piece = 64, i;
	uint64_t from = clock_now();
	bool behind = false, good = true;
	struct pair p;
	ssize_t got;

	begin(&p);
	s = open_stream(&p, POUR);
	CHECK_EQ(p2p_stream_write(s, &n, 1), 1);
	while ((got = p2p_stream_read(s, buf, piece)) > 0) {
		for (i = 0; i < (size_t)got; i++)
			good = good && buf[i] == pattern(at + i);
		at += (size_t)got;
		if (!behind && (behind = is_behind(p.a)))
			piece = sizeof(buf);
		CHECK(evil_used(p.a, LIMIT_BUFFERED) <= FULL);
	}
	CHECK_EQ(got, 0);
	CHECK_EQ(at, 24 * MIB);
	CHECK(good);
	CHECK(behind);
	/* The worker went on each time it could, not when its clock said. */
	CHECK(clock_now() - from < 3 * CLOCK_S);
	p2p_stream_free(s);
	pair_free(&p);
}

/* A kilobyte each tenth of a second, for two: nobody calls that stalled. */
static void
who_reads_a_little_keeps_the_stream(void)
{
	struct session *session;
	struct p2p_stream *s;
	uint8_t buf[1000], n = 0;
	struct pair p;
	int i;

	clock_test_advance(1);		/* waits notice jumps from here on */
	begin(&p);
	s = open_stream(&p, POUR);
	CHECK_EQ(p2p_stream_write(s, &n, 1), 1);
	falls_behind(p.a);
	session = pair_session(p.a);
	for (i = 0; i < 10; i++) {
		clock_test_advance(200 * CLOCK_MS);
		CHECK_OK(p2p_stream_read_full(s, buf, sizeof(buf)));
		CHECK_EQ(buf[0], pattern((size_t)i * sizeof(buf)));
		lock_lock(&session->link.mtx);
		CHECK(mux_mplex.when(session->link.mux) > clock_now());
		lock_unlock(&session->link.mtx);
	}
	p2p_stream_reset(s);
	(void)pings(&p);
	p2p_stream_free(s);
	pair_free(&p);
}

/* Or many streams with a little each would keep the core full. */
static void
what_was_read_is_told_before_the_worker_waits(void)
{
	struct p2p_stream *s, *other;
	uint8_t buf[1000] = { 0 };
	struct session *session;
	struct mstream *ms;
	struct pair p;

	begin(&p);
	session = pair_session(p.a);
	s = open_stream(&p, P2P_ECHO_ID);
	ms = pair_first_stream(session);
	CHECK_EQ(p2p_stream_write(s, buf, sizeof(buf)), sizeof(buf));
	CHECK_OK(p2p_stream_read_full(s, buf, sizeof(buf)));
	CHECK(ms->taken >= sizeof(buf));
	other = open_stream(&p, POUR);
	CHECK_EQ(p2p_stream_write(other, buf, 1), 1);
	falls_behind(p.a);
	lock_lock(&session->link.mtx);
	lock_lock(&ms->mtx);
	CHECK_EQ(ms->taken, 0);
	lock_unlock(&ms->mtx);
	lock_unlock(&session->link.mtx);
	p2p_stream_reset(other);
	p2p_stream_free(other);
	CHECK_EQ(p2p_stream_write(s, buf, 1), 1);
	CHECK_EQ(p2p_stream_read(s, buf, 1), 1);
	p2p_stream_free(s);
	pair_free(&p);
}

struct flooder {
	struct p2p_stream *s;
	struct thread	 thread;
	uint64_t	 took;		/* ns until its error */
	int		 e;
	_Atomic bool	 over;
};

static void
flood(void *arg)
{
	static const uint8_t junk[65536];
	struct flooder *f = arg;
	uint64_t from = clock_now();

	do
		f->e = p2p_stream_write_full(f->s, junk, sizeof(junk));
	while (f->e == 0);
	f->took = clock_now() - from;
	f->over = true;
}

/* The worker has looked at the clock since it moved. */
static void
ticks(struct session *s)
{
	bool done = false;
	int i;

	for (i = 0; i < WAIT_MS && !done; i++) {
		lock_lock(&s->link.mtx);
		done = !s->behind ||
		    mux_mplex.when(s->link.mux) > clock_now();
		lock_unlock(&s->link.mtx);
		(void)poll(NULL, 0, 1);
	}
	CHECK(done);
}

/*
 * An echo whose peer takes it slowly: its handler waits in a write, reads
 * nothing for two seconds, and is not idle.
 */
static void
who_waits_to_write_keeps_the_stream(void)
{
	struct flooder f = { .e = 0 };
	struct mstream *ms;
	uint8_t buf[1000];
	struct pair p;
	int i;

	clock_test_advance(1);
	begin(&p);
	f.s = open_stream(&p, P2P_ECHO_ID);
	CHECK_OK(thread_start(&f.thread, "flooder", THREAD_STACK, flood, &f));
	falls_behind(p.a);
	falls_behind(p.b);
	ms = pair_first_stream(pair_session(p.b));
	for (i = 0; i < 10; i++) {
		clock_test_advance(200 * CLOCK_MS);
		CHECK_OK(p2p_stream_read_full(f.s, buf, sizeof(buf)));
		ticks(pair_session(p.a));
		ticks(pair_session(p.b));
	}
	lock_lock(&ms->mtx);
	CHECK_OK(ms->end);
	lock_unlock(&ms->mtx);
	CHECK(!f.over);
	p2p_stream_reset(f.s);
	thread_join(&f.thread);
	p2p_stream_free(f.s);
	pair_free(&p);
}

/* V14. */
static void
a_stream_that_nobody_reads_is_reset_and_its_sibling_lives(void)
{
	struct flooder f = { .e = 0 };
	uint64_t took, worst = 0, most;
	bool over;
	struct pair p;

	begin(&p);
	f.s = open_stream(&p, HOLD);
	CHECK_OK(thread_start(&f.thread, "flooder", THREAD_STACK, flood, &f));
	falls_behind(p.b);		/* its batch is over: that is all */
	most = evil_used(p.b, LIMIT_BUFFERED);
	do {
		over = f.over;
		took = pings(&p);
		worst = took > worst ? took : worst;
	} while (!over);
	thread_join(&f.thread);
	CHECK_ERR(f.e, P2P_ERR_RESET);
	CHECK(f.took < 5 * CLOCK_S);
	CHECK(worst < CLOCK_S);
	CHECK(worst > 100 * CLOCK_MS);		/* it was held up, once */
	CHECK(most > MIB / 4 && most <= FULL);
	let_go();
	check_held(P2P_ERR_CLOSED, P2P_ERR_CLOSED);
	evil_settles(p.b, LIMIT_BUFFERED, 0);
	p2p_stream_free(f.s);
	host_joined(p.b, 1);
	pair_free(&p);
}

static bool
evil_message(struct evil *v, enum mplex_flag flag, uint64_t id,
    const void *bytes, size_t len)
{
	static uint8_t plain[MPLEX_HDR_MAX + 65536];
	struct wr w;

	wr_init(&w, plain, sizeof(plain));
	mplex_hdr_put(&w, &(struct mplex_hdr){ id, flag, (uint32_t)len });
	wr_bytes(&w, bytes, len);
	CHECK_FATAL(!w.full);
	return evil_send(v, plain, w.len);
}

/* Who goes on after the reset is cut off, but not for what was under way. */
static void
a_flood_that_does_not_end_ends_the_connection(void)
{
	enum { STREAMS = 12 };
	static const char junk[16384];
	uint64_t most = 0, used, id, sent = 0;
	struct pair p;
	struct evil v;

	begin(&p);
	evil_new_over(&v, p.target, p.net, mplex);
	for (id = 0; id < STREAMS; id++) {
		CHECK(evil_message(&v, MPLEX_NEW, id, "x", 1));
		CHECK(evil_message(&v, MPLEX_MESSAGE_INITIATOR, id,
		    HEADER "\x06" HOLD "\n", 27));
	}
	while (sent < 1024 * MIB && evil_message(&v, MPLEX_MESSAGE_INITIATOR,
	    sent / sizeof(junk) % STREAMS, junk, sizeof(junk))) {
		sent += sizeof(junk);
		used = evil_used(p.b, LIMIT_BUFFERED);
		most = used > most ? used : most;
	}
	CHECK(sent > 16 * MIB && sent < 1024 * MIB);
	CHECK(most > MIB && most <= 4 * MIB);
	CHECK(evil_closes(v.raw.fd));
	evil_free(&v);
	CHECK(pings(&p) < CLOCK_S);
	let_go();
	evil_settles(p.b, LIMIT_BUFFERED, 0);
	evil_settles(p.b, LIMIT_CONNECTIONS_IN, 1);
	pair_free(&p);
}

static void
a_stop_ends_streams_and_workers_that_wait(void)
{
	struct p2p_stream *s, *echo;
	struct link *l;
	struct pair p;
	uint8_t n = 0;
	ssize_t e;
	char c;

	schedule_begin();
	begin(&p);
	echo = open_stream(&p, P2P_ECHO_ID);
	s = open_stream(&p, POUR);
	CHECK_EQ(p2p_stream_write(s, &n, 1), 1);
	falls_behind(p.a);
	l = &pair_session(p.a)->link;
	schedule_waiters(&l->mtx, &l->room, 1);
	CHECK_OK(p2p_host_stop(p.a, 0));
	CHECK_ERR(p2p_stream_read(echo, &c, 1), P2P_ERR_DISCONNECTED);
	/* Or its half second was over before. */
	e = p2p_stream_write(s, &c, 1);
	CHECK(e == P2P_ERR_DISCONNECTED || e == P2P_ERR_CLOSED);
	p2p_stream_free(s);
	p2p_stream_free(echo);
	evil_settles(p.b, LIMIT_CONNECTIONS, 0);
	pair_free(&p);
	schedule_end();
}

TESTS("mplex_host",
	{ "it is spoken where both name it", it_is_spoken_where_both_name_it },
	{ "echoes go both ways, and halves close",
	    echoes_go_both_ways_and_halves_close },
	{ "a reset ends both halves on the other side",
	    a_reset_ends_both_halves_on_the_other_side },
	{ "fifty streams at once", fifty_streams_at_once },
	{ "a slow reader gets all of it", a_slow_reader_gets_all_of_it },
	{ "who reads a little keeps the stream",
	    who_reads_a_little_keeps_the_stream },
	{ "who waits to write keeps the stream",
	    who_waits_to_write_keeps_the_stream },
	{ "what was read is told before the worker waits",
	    what_was_read_is_told_before_the_worker_waits },
	{ "a stream that nobody reads is reset, and its sibling lives",
	    a_stream_that_nobody_reads_is_reset_and_its_sibling_lives },
	{ "a flood that does not end ends the connection",
	    a_flood_that_does_not_end_ends_the_connection },
	{ "a stop ends streams, and workers that wait",
	    a_stop_ends_streams_and_workers_that_wait })
