/*
 * A running host against a peer that breaks the rules: handshakes that stall in
 * every phase, hostile frames, floods.  Each costs bounded time and nothing
 * that stays, and an honest peer does not notice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"

static char junk64[65536];

struct sum {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 changed;
	size_t		 bytes;
	int		 done;
};

#define HEADER	"\x13" "/multistream/1.0.0\n"
#define TLS	"\x0b" "/tls/1.0.0\n"

static const struct {
	const char	*bytes;
	size_t		 len;
} phases[] = {
	{ "", 0 },
	{ "\x13", 1 },
	{ HEADER, 10 },
	{ HEADER, 20 },
	{ HEADER TLS, 25 },
	{ HEADER TLS, 32 },
	{ HEADER TLS "\x16\x03\x01", 35 },
	{ HEADER TLS "\x16\x03\x01\x02\x00\x01", 38 },
};

static void
a_handshake_that_stalls_ends_at_its_deadline(void)
{
	struct pollfd p = { .events = POLLIN };
	struct pair pair;
	uint64_t rtt;
	size_t i;

	clock_test_advance(1);		/* waits notice jumps from here on */
	pair_tcp(&pair);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	evil_settles(pair.b, LIMIT_UPGRADES, 0);
	for (i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		p.fd = evil_connect(pair.target);
		CHECK_EQ(send(p.fd, phases[i].bytes, phases[i].len, 0),
		    (ssize_t)phases[i].len);
		/* Its header shows that the upgrade has begun. */
		CHECK_EQ(poll(&p, 1, EVIL_WAIT_MS), 1);
		CHECK_EQ(evil_used(pair.b, LIMIT_UPGRADES), 1);
		CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
		pair_pass(&pair, 12);
		CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
		CHECK_EQ(evil_used(pair.b, LIMIT_UPGRADES), 1);
		pair_pass(&pair, 4);
		CHECK(evil_closes(p.fd));
		close(p.fd);
		evil_settles(pair.b, LIMIT_UPGRADES, 0);
	}
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	pair_free(&pair);
}

/* The script that took nodes out: connect, send 0xff, stay. */
static void
garbage_is_cut_off_at_once(void)
{
	char junk[65536];
	struct pair pair;
	uint64_t rtt;
	int fds[20], i;

	memset(junk, 0xff, sizeof(junk));
	pair_tcp(&pair);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	for (i = 0; i < 20; i++) {
		fds[i] = evil_connect(pair.target);
		(void)send(fds[i], junk, sizeof(junk),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	for (i = 0; i < 20; i++) {
		CHECK(evil_closes(fds[i]));
		close(fds[i]);
	}
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	evil_settles(pair.b, LIMIT_UPGRADES, 0);
	pair_free(&pair);
}

static const struct {
	uint8_t		version, type;
	unsigned	flags;
	uint32_t	id, len;
	unsigned	times;
} hostile[] = {
	{ 0, YAMUX_DATA, YAMUX_SYN, 1, 262145, 1 },		/* V1 */
	{ 0, YAMUX_DATA, YAMUX_SYN, 1, UINT32_MAX, 1 },		/* V1, V4 */
	{ 0, YAMUX_WINDOW, YAMUX_SYN, 1, UINT32_MAX, 2 },	/* V2, twice */
	{ 1, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 1 },		/* V10 */
	{ 0, 4, 0, 1, 0, 1 },
	{ 0, YAMUX_WINDOW, YAMUX_SYN, 2, 0, 1 },		/* parity */
	{ 0, YAMUX_DATA, 0, 0, 0, 1 },
	{ 0, YAMUX_PING, YAMUX_SYN, 0, 7, 3000 },		/* V3 */
	{ 0, YAMUX_DATA, 0, 77, 0, 3000 },			/* V11 */
	{ 0, YAMUX_WINDOW, YAMUX_RST, 77, 9, 3000 },
};

static void
hostile_frames_end_their_connection_and_no_other(void)
{
	struct pair pair;
	struct evil v;
	uint64_t rtt;
	unsigned n;
	size_t i;

	pair_tcp(&pair);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		evil_new(&v, pair.target, NULL);
		for (n = 0; n < hostile[i].times; n++)
			if (!evil_frame(&v, hostile[i].version,
			    hostile[i].type, hostile[i].flags, hostile[i].id,
			    hostile[i].len))
				break;
		CHECK(evil_closes(v.raw.fd));
		evil_free(&v);
		CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	}
	evil_settles(pair.b, LIMIT_CONNECTIONS_IN, 1);
	CHECK_EQ(evil_used(pair.b, LIMIT_BUFFERED), 0);
	CHECK_EQ(evil_used(pair.b, LIMIT_WINDOWS), 0);
	pair_free(&pair);
}

/* V12: streams opened and reset as fast as can be. */
static void
rapid_resets_start_a_bounded_number_of_handlers(void)
{
	struct pair pair;
	struct evil v;
	uint64_t rtt;
	uint32_t id;

	pair_tcp(&pair);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	evil_new(&v, pair.target, NULL);
	for (id = 1; id < 20000; id += 2) {
		if (!evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, id, 0) ||
		    !evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_RST, id, 0))
			break;
		CHECK_FATAL(evil_used(pair.b, LIMIT_HANDLERS) <= 256);
	}
	CHECK(id < 20000);
	CHECK(evil_closes(v.raw.fd));
	evil_free(&v);
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	evil_settles(pair.b, LIMIT_CONNECTIONS_IN, 1);
	pair_free(&pair);
}

/* All that one peer may open and say nothing on: others are served. */
static void
silent_streams_of_one_peer_leave_handlers_for_others(void)
{
	struct evil v[4];		/* connections-per-peer */
	struct pair pair;
	uint64_t rtt;
	uint32_t id;
	int i;

	pair_memory(&pair, 0);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	for (i = 0; i < 4; i++) {
		evil_new(&v[i], pair.target, pair.net);
		for (id = 1; id < 200; id += 2)
			CHECK(evil_frame(&v[i], 0, YAMUX_WINDOW, YAMUX_SYN, id,
			    0));
		CHECK(evil_frame(&v[i], 0, YAMUX_PING, YAMUX_SYN, 0, 1));
		CHECK(evil_expect(&v[i], YAMUX_PING, YAMUX_ACK, 0,
		    &(struct yamux_hdr){ 0 }));
	}
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	for (i = 0; i < 4; i++)
		evil_free(&v[i]);
	pair_free(&pair);
}

/* Opened, refused, and the refusal read, again and again: F17. */
static unsigned
open_and_be_reset(struct evil *v, unsigned flags, unsigned held)
{
	struct yamux_hdr h;
	uint32_t id;
	unsigned n;

	for (id = 1; id < 2 * held; id += 2)
		CHECK(evil_frame(v, 0, YAMUX_WINDOW, YAMUX_SYN, id, 0));
	for (n = 0; n < 3000; n++, id += 2) {
		if (!evil_frame(v, 0, YAMUX_WINDOW, YAMUX_SYN | flags, id, 0) ||
		    !evil_expect(v, YAMUX_WINDOW, YAMUX_RST, id, &h))
			break;
	}
	return n;
}

static void
streams_that_come_to_nothing_end_the_connection(void)
{
	struct pair pair;
	struct evil v;
	uint64_t rtt;
	unsigned n, way;

	pair_tcp(&pair);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	for (way = 0; way < 2; way++) {
		evil_new(&v, pair.target, NULL);
		n = way == 0 ? open_and_be_reset(&v, 0, 64) :
		    open_and_be_reset(&v, YAMUX_FIN, 0);
		CHECK(n > 900 && n < 2000);
		evil_free(&v);
		CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	}
	evil_settles(pair.b, LIMIT_CONNECTIONS_IN, 1);
	pair_free(&pair);
}

/* V11: what comes for streams that we refused or reset costs little. */
static void
streams_over_the_limit_are_reset_and_the_rest_lives(void)
{
	static const struct p2p_limit_setting few[] = {
		{ "streams-in", 4 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = few };
	static const char junk[40000];
	struct p2p_limit_info info;
	struct yamux_hdr h;
	struct pair pair;
	struct evil v;
	uint64_t rtt;
	uint32_t id;

	pair_config(&pair, NULL, &config);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	evil_new(&v, pair.target, pair.net);
	for (id = 1; id <= 11; id += 2)
		CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, id, 0));
	for (id = 9; id <= 11; id += 2) {
		CHECK(evil_reset(&v, id));
		/* Late data is drained. */
		CHECK(evil_data(&v, 0, id, junk, sizeof(junk)));
	}
	CHECK(evil_frame(&v, 0, YAMUX_PING, YAMUX_SYN, 0, 77));
	CHECK(evil_expect(&v, YAMUX_PING, YAMUX_ACK, 0, &h));
	CHECK_EQ(h.length, 77);
	CHECK_EQ(v.acks, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7);
	CHECK_EQ(v.resets, 1 << 9 | 1 << 11);
	CHECK_OK(p2p_host_limit(pair.b, LIMIT_STREAMS_IN, &info));
	CHECK_EQ(info.refused, 2);
	CHECK(info.used >= 4);
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	evil_free(&v);
	pair_free(&pair);
}

static void
remember(const struct p2p_event *ev, void *arg)
{
	*(struct p2p_event *)arg = *ev;
}

struct goodbye {
	struct pair	*pair;
	struct evil	*evil;
};

static void
disconnect(void *arg)
{
	struct goodbye *g = arg;
	struct p2p_peer_id id;

	p2p_peer_id_from_key(g->evil->key, &id);
	CHECK_OK(p2p_host_disconnect(g->pair->b, &id));
}

/* A handler that reads nothing until it is told to go. */
static void
hold(struct p2p_stream *s, void *arg)
{
	struct sum *sum = arg;

	(void)s;
	pthread_mutex_lock(&sum->mtx);
	while (sum->done == 0)
		pthread_cond_wait(&sum->changed, &sum->mtx);
	pthread_mutex_unlock(&sum->mtx);
}

/* V13: bytes one by one that nobody reads are held within the window. */
static void
tiny_frames_are_held_within_the_window(void)
{
	struct sum sum = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	    0, 0 };
	struct pair pair;
	struct evil v;
	uint64_t rtt;
	int i;

	pair_memory(&pair, 0);
	CHECK_OK(p2p_host_handle(pair.b, "/hold/1", hold, &sum));
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	evil_new(&v, pair.target, pair.net);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0));
	CHECK(evil_data(&v, 0, 1, HEADER "\x08/hold/1\n", 29));
	for (i = 0; i < 20000; i++)
		if (!evil_data(&v, 0, 1, "x", 1))
			break;
	CHECK_EQ(i, 20000);
	evil_settles(pair.b, LIMIT_BUFFERED, 20000);
	CHECK_OK(p2p_ping(pair.a, p2p_host_id(pair.b), 5000, &rtt));
	evil_free(&v);
	pthread_mutex_lock(&sum.mtx);
	sum.done = 1;
	pthread_cond_broadcast(&sum.changed);
	pthread_mutex_unlock(&sum.mtx);
	evil_settles(pair.b, LIMIT_BUFFERED, 0);
	pair_free(&pair);
}

/* F13: the window to its last byte is good, and the next one is the end. */
static void
one_byte_over_the_window_ends_the_connection(void)
{
	struct sum sum = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	    0, 0 };
	const size_t all = 256 * 1024 - 29;	/* the negotiation was in it */
	struct pair pair;
	struct evil v;
	size_t sent, n;

	pair_memory(&pair, 0);
	CHECK_OK(p2p_host_handle(pair.b, "/hold/1", hold, &sum));
	evil_new(&v, pair.target, pair.net);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0));
	CHECK(evil_data(&v, 0, 1, HEADER "\x08/hold/1\n", 29));
	for (sent = 0; sent < all; sent += n) {
		n = all - sent < sizeof(junk64) ? all - sent : sizeof(junk64);
		CHECK(evil_data(&v, 0, 1, junk64, n));
	}
	evil_settles(pair.b, LIMIT_BUFFERED, all);
	CHECK_EQ(evil_used(pair.b, LIMIT_CONNECTIONS_IN), 1);
	CHECK(evil_data(&v, 0, 1, "x", 1));
	CHECK(evil_closes(v.raw.fd));
	pthread_mutex_lock(&sum.mtx);
	sum.done = 1;
	pthread_cond_broadcast(&sum.changed);
	pthread_mutex_unlock(&sum.mtx);
	evil_settles(pair.b, LIMIT_BUFFERED, 0);
	evil_free(&v);
	pair_free(&pair);
}

/* An answer that was due while we were saying goodbye is not sent behind it. */
static void
nothing_follows_the_last_words(void)
{
	struct p2p_event last = { .kind = 0 };
	struct p2p_host_config config = { .event = remember,
	    .event_arg = &last, .no_identify = true };
	struct thread closer;
	struct pair pair;
	struct evil v;
	int i;

	pair_config(&pair, NULL, &config);
	evil_new(&v, pair.target, pair.net);
	host_joined(pair.b, 1);
	CHECK_OK(thread_start(&closer, "closer", THREAD_STACK, disconnect,
	    &(struct goodbye){ &pair, &v }));
	/* It has said goodbye when its half is shut. */
	CHECK(evil_closes(v.raw.fd));
	for (i = 0; i < 20; i++)
		(void)evil_frame(&v, 0, YAMUX_PING, YAMUX_SYN, 0, 1);
	thread_join(&closer);
	host_joined(pair.b, 0);
	CHECK_OK(p2p_host_stop(pair.b, 0));	/* the event has been told */
	CHECK_EQ(last.kind, P2P_EVENT_DISCONNECTED);
	CHECK_EQ(last.reason, 0);
	CHECK(last.by_us);
	evil_free(&v);
	pair_free(&pair);
}

/* V5: a bad frame is answered while nobody reads: the end comes anyway. */
static void
a_bad_frame_from_who_does_not_read_ends_at_once(void)
{
	struct pair pair;
	struct evil v;
	uint64_t began;
	int i;

	pair_memory(&pair, 4096);
	CHECK_OK(p2p_echo_serve(pair.b));
	evil_new(&v, pair.target, pair.net);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 1 << 20));
	CHECK(evil_data(&v, 0, 1, HEADER "\x0c" "/echo/1.0.0\n", 33));
	for (i = 0; i < 3; i++)
		(void)evil_data(&v, 0, 1, junk64, sizeof(junk64));
	(void)evil_frame(&v, 0, YAMUX_DATA, 0, 1, UINT32_MAX);
	evil_settles(pair.b, LIMIT_CONNECTIONS_IN, 0);
	evil_free(&v);
	began = clock_now();
	CHECK_OK(p2p_host_stop(pair.b, 0));
	CHECK(clock_now() - began < 2 * CLOCK_S);
	pair_free(&pair);
}

/* V6: read, reset and close at once, again and again. */
struct three {
	struct p2p_stream *s;
	struct thread	   thread;
};

static void
run_read(void *arg)
{
	struct three *t = arg;
	char buf[512];

	while (p2p_stream_read(t->s, buf, sizeof(buf)) > 0)
		;
}

static void
run_write(void *arg)
{
	struct three *t = arg;

	while (p2p_stream_write(t->s, junk64, 700) > 0)
		;
}

static void
read_write_reset_and_close_never_deadlock(void)
{
	struct three r, w;
	struct pair pair;
	int i;

	pair_memory(&pair, 4096);
	CHECK_OK(p2p_echo_serve(pair.b));
	for (i = 0; i < 300; i++) {
		CHECK_OK(p2p_host_open(pair.a, pair.target, P2P_ECHO_ID, 5000,
		    &r.s));
		w.s = r.s;
		CHECK_OK(thread_start(&r.thread, "r", THREAD_STACK, run_read,
		    &r));
		CHECK_OK(thread_start(&w.thread, "w", THREAD_STACK, run_write,
		    &w));
		if (i % 3 == 1)
			(void)p2p_stream_close_write(r.s);
		if (i % 50 == 2)
			(void)p2p_host_disconnect(i % 100 == 2 ? pair.a :
			    pair.b, p2p_host_id(i % 100 == 2 ? pair.b :
			    pair.a));
		p2p_stream_reset(r.s);
		thread_join(&r.thread);
		thread_join(&w.thread);
		p2p_stream_free(r.s);
	}
	evil_settles(pair.b, LIMIT_BUFFERED, 0);
	evil_settles(pair.b, LIMIT_HANDLERS, 0);
	pair_free(&pair);
}

/* V9: what was written before a clean end arrives, whatever ends after it. */
static void
count(struct p2p_stream *s, void *arg)
{
	struct sum *sum = arg;
	char buf[65536];
	ssize_t n;
	size_t have = 0;

	while ((n = p2p_stream_read(s, buf, sizeof(buf))) > 0)
		have += (size_t)n;
	pthread_mutex_lock(&sum->mtx);
	sum->bytes = n == 0 ? have : 0;
	sum->done++;
	pthread_cond_broadcast(&sum->changed);
	pthread_mutex_unlock(&sum->mtx);
}

static void
a_stop_loses_nothing_that_was_finished(void)
{
	struct sum sum = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	    0, 0 };
	struct p2p_stream *s;
	struct pair pair;
	char *much = calloc(1, 1 << 20);
	int i;

	for (i = 0; i < 30; i++) {
		sum.done = 0;
		pair_memory(&pair, i % 2 ? 4096 : 0);
		CHECK_OK(p2p_host_handle(pair.b, "/count/1", count, &sum));
		CHECK_OK(p2p_host_open(pair.a, pair.target, "/count/1", 5000,
		    &s));
		CHECK_OK(p2p_stream_write_full(s, much, 1 << 20));
		p2p_stream_free(s);
		CHECK_OK(p2p_host_stop(pair.a, 0));
		pthread_mutex_lock(&sum.mtx);
		while (sum.done == 0)
			pthread_cond_wait(&sum.changed, &sum.mtx);
		CHECK_EQ(sum.bytes, 1 << 20);
		pthread_mutex_unlock(&sum.mtx);
		pair_free(&pair);
	}
	free(much);
}

/* F2: places for upgrades taken by many; who is honest gets in all the same. */
static void
stalled_upgrades_leave_room_for_the_honest(void)
{
	static const struct p2p_limit_setting few[] = {
		{ "upgrades", 4 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = few };
	struct raw raw[6];
	struct p2p_multiaddr *ma;
	struct pair pair;
	int i;

	pair_config(&pair, NULL, &config);
	CHECK_OK(p2p_multiaddr_parse(pair.target, &ma));
	for (i = 0; i < 6; i++)
		CHECK_OK(transport_memory.dial(pair.net, ma, -1, CLOCK_NEVER,
		    &raw[i]));
	CHECK(evil_closes(raw[4].fd) && evil_closes(raw[5].fd));
	evil_settles(pair.b, LIMIT_UPGRADES, 4);
	CHECK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL) != 0);
	raw_close(&raw[0]);
	evil_settles(pair.b, LIMIT_UPGRADES, 3);
	CHECK_OK(p2p_host_connect(pair.a, pair.target, NULL, NULL, NULL));
	for (i = 1; i < 6; i++)
		raw_close(&raw[i]);
	p2p_multiaddr_free(ma);
	pair_free(&pair);
}

/* A source that is counted: places, a rate, and penalties for garbage. */
static void
a_source_that_talks_garbage_is_shut_out(void)
{
	static const struct p2p_limit_setting counted[] = {
		{ "count-loopback", 1 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = counted };
	struct p2p_limit_info info;
	struct p2p_multiaddr *bound;
	struct p2p_host *h;
	char junk[64];
	int fd, i;

	memset(junk, 0xff, sizeof(junk));
	CHECK_OK(p2p_host_new(&config, &h));
	CHECK_OK(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", &bound));
	for (i = 0; i < 8; i++) {
		fd = evil_connect(p2p_multiaddr_text(bound));
		(void)send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		CHECK(evil_closes(fd));
		close(fd);
		evil_settles(h, LIMIT_UPGRADES, 0);
	}
	CHECK_OK(p2p_host_limit(h, LIMIT_PENALTY_S, &info));
	CHECK_EQ(info.refused, 4);	/* four slips, then the door */
	p2p_multiaddr_free(bound);
	CHECK_OK(p2p_host_stop(h, 0));
	p2p_host_free(h);
}

/* V30: a connection that is cut is never the end of a file. */
static void
a_cut_connection_is_no_end_of_file(void)
{
	struct p2p_stream *s;
	struct pair pair;
	char c;

	pair_tcp(&pair);
	CHECK_OK(p2p_echo_serve(pair.b));
	CHECK_OK(p2p_host_open(pair.a, pair.target, P2P_ECHO_ID, 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, "x", 1));
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	CHECK_OK(p2p_host_disconnect(pair.b, p2p_host_id(pair.a)));
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	p2p_stream_free(s);
	pair_free(&pair);
}

TESTS("hostile",
	{ "silent streams of one peer leave handlers for others",
	    silent_streams_of_one_peer_leave_handlers_for_others },
	{ "streams that come to nothing end the connection",
	    streams_that_come_to_nothing_end_the_connection },
	{ "streams over the limit are reset and the rest lives",
	    streams_over_the_limit_are_reset_and_the_rest_lives },
	{ "tiny frames are held within the window",
	    tiny_frames_are_held_within_the_window },
	{ "one byte over the window ends the connection",
	    one_byte_over_the_window_ends_the_connection },
	{ "nothing follows the last words", nothing_follows_the_last_words },
	{ "a bad frame from who does not read ends at once",
	    a_bad_frame_from_who_does_not_read_ends_at_once },
	{ "read, write, reset and close never deadlock",
	    read_write_reset_and_close_never_deadlock },
	{ "a stop loses nothing that was finished",
	    a_stop_loses_nothing_that_was_finished },
	{ "stalled upgrades leave room for the honest",
	    stalled_upgrades_leave_room_for_the_honest },
	{ "a source that talks garbage is shut out",
	    a_source_that_talks_garbage_is_shut_out },
	{ "garbage is cut off at once", garbage_is_cut_off_at_once },
	{ "hostile frames end their connection and no other",
	    hostile_frames_end_their_connection_and_no_other },
	{ "rapid resets start a bounded number of handlers",
	    rapid_resets_start_a_bounded_number_of_handlers },
	{ "a cut connection is no end of file",
	    a_cut_connection_is_no_end_of_file },
	{ "a handshake that stalls ends at its deadline",
	    a_handshake_that_stalls_ends_at_its_deadline })
