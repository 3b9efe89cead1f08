/*
 * The stories of a host, end to end, over the memory transport and TCP.
 */
#include "p2p/host.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/perf.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"

static void
exchange(struct p2p_host *h, const char *target, const char *text)
{
	struct p2p_stream *s;
	char buf[64];

	CHECK_OK(p2p_host_open(h, target, P2P_ECHO_ID, 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, text, strlen(text)));
	CHECK_OK(p2p_stream_read_full(s, buf, strlen(text)));
	CHECK_BYTES(buf, strlen(text), text, strlen(text));
	CHECK_OK(p2p_stream_close_write(s));
	CHECK_EQ(p2p_stream_read(s, buf, sizeof(buf)), 0);
	p2p_stream_free(s);
}

static void
one_exchange_over_memory_and_over_tcp(void)
{
	struct pair p;

	pair_memory(&p, 0);
	CHECK_OK(p2p_echo_serve(p.b));
	exchange(p.a, p.target, "hello");
	pair_free(&p);
	pair_tcp(&p);
	CHECK_OK(p2p_echo_serve(p.b));
	exchange(p.a, p.target, "hello");
	pair_free(&p);
}

static void
ten_rounds_on_one_stream(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c;
	int i;

	pair_memory(&p, 0);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	for (i = 0; i < 10; i++) {
		c = (char)('0' + i);
		CHECK_EQ(p2p_stream_write(s, &c, 1), 1);
		c = 0;
		CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
		CHECK_EQ(c, '0' + i);
	}
	p2p_stream_free(s);
	pair_free(&p);
}

static void
twice(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) == 1) {
		if (p2p_stream_write_full(s, &c, 1) != 0 ||
		    p2p_stream_write_full(s, &c, 1) != 0)
			return;
	}
}

static void
two_replies_to_each_message(void)
{
	struct p2p_stream *s;
	struct pair p;
	char buf[7] = { 0 };

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_handle(p.b, "/twice/1.0.0", twice, NULL));
	CHECK_OK(p2p_host_open(p.a, p.target, "/twice/1.0.0", 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, "abc", 3));
	CHECK_OK(p2p_stream_read_full(s, buf, 6));
	CHECK_STR(buf, "aabbcc");
	p2p_stream_free(s);
	pair_free(&p);
}

static void
connect_twice_keeps_one_connection(void)
{
	struct p2p_connection one, two, *list;
	struct p2p_report *report;
	struct pair p;
	size_t n;

	pair_tcp(&p);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &one, &report));
	CHECK_EQ(p2p_report_count(report), 1);
	p2p_report_free(report);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &two, &report));
	CHECK(report == NULL);
	CHECK_EQ(one.number, two.number);
	p2p_multiaddr_free(one.remote);
	p2p_multiaddr_free(two.remote);
	CHECK_OK(p2p_host_connections(p.a, &list, &n));
	CHECK_EQ(n, 1);
	p2p_host_connections_free(list, n);
	pair_free(&p);
}

static void
the_connection_is_used_in_both_directions(void)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct pair p;

	pair_tcp(&p);
	CHECK_OK(p2p_echo_serve(p.a));
	CHECK_OK(p2p_echo_serve(p.b));
	exchange(p.a, p.target, "there");
	/* a listens nowhere: b can only use what a has made. */
	exchange(p.b, p2p_peer_id_text(p2p_host_id(p.a), text), "back");
	pair_free(&p);
}

static void
the_first_or_second_protocol_is_taken_or_none(void)
{
	static const char *const first[] = { P2P_ECHO_ID, "/x/1", NULL };
	static const char *const second[] = { "/x/1", P2P_ECHO_ID, NULL };
	static const char *const none[] = { "/x/1", "/x/2", NULL };
	struct p2p_stream *s;
	struct pair p;

	pair_memory(&p, 0);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	CHECK_OK(p2p_host_open_peer(p.a, p2p_host_id(p.b), first, 5000, &s));
	CHECK_STR(p2p_stream_protocol(s), P2P_ECHO_ID);
	p2p_stream_free(s);
	CHECK_OK(p2p_host_open_peer(p.a, p2p_host_id(p.b), second, 5000, &s));
	CHECK_STR(p2p_stream_protocol(s), P2P_ECHO_ID);
	p2p_stream_free(s);
	CHECK_ERR(p2p_host_open_peer(p.a, p2p_host_id(p.b), none, 5000, &s),
	    P2P_ERR_NO_PROTOCOL);
	exchange(p.a, p.target, "still there");
	pair_free(&p);
}

/* One of many streams: writes in one thread, reads in the other. */
struct traffic {
	struct p2p_stream	*s;
	struct thread		 writer;
	size_t			 len;
	unsigned		 seed;
};

static uint8_t
octet(unsigned seed, size_t i)
{
	return (uint8_t)(seed * 131 + i * 7 + (i >> 8) * 13);
}

static void
write_traffic(void *arg)
{
	struct traffic *t = arg;
	uint8_t *buf = malloc(t->len);
	size_t i;

	for (i = 0; i < t->len; i++)
		buf[i] = octet(t->seed, i);
	CHECK_OK(p2p_stream_write_full(t->s, buf, t->len));
	CHECK_OK(p2p_stream_close_write(t->s));
	free(buf);
}

static void
read_traffic(struct traffic *t)
{
	uint8_t *buf = malloc(t->len + 1);
	size_t i, have = 0, bad = 0;
	ssize_t n;

	while (have <= t->len &&
	    (n = p2p_stream_read(t->s, buf + have, t->len + 1 - have)) > 0)
		have += (size_t)n;
	CHECK_EQ(n, 0);
	CHECK_EQ(have, t->len);
	for (i = 0; i < have; i++)
		bad += buf[i] != octet(t->seed, i);
	CHECK_EQ(bad, 0);
	free(buf);
}

#define MANY	16

static void
run_traffic(struct pair *p, size_t len)
{
	struct traffic t[2 * MANY];
	char back[P2P_PEER_ID_TEXT_MAX];
	unsigned i;

	CHECK_OK(p2p_echo_serve(p->a));
	CHECK_OK(p2p_echo_serve(p->b));
	CHECK_OK(p2p_host_connect(p->a, p->target, NULL, NULL, NULL));
	p2p_peer_id_text(p2p_host_id(p->a), back);
	for (i = 0; i < 2 * MANY; i++) {
		t[i] = (struct traffic){ .len = len, .seed = i };
		CHECK_OK(p2p_host_open(i % 2 ? p->b : p->a, i % 2 ? back :
		    p->target, P2P_ECHO_ID, 10000, &t[i].s));
		CHECK_OK(thread_start(&t[i].writer, "writer", THREAD_STACK,
		    write_traffic, &t[i]));
	}
	for (i = 0; i < 2 * MANY; i++)
		read_traffic(&t[i]);
	for (i = 0; i < 2 * MANY; i++) {
		thread_join(&t[i].writer);
		p2p_stream_free(t[i].s);
	}
}

static void
many_streams_both_ways_over_one_connection(void)
{
	struct pair p;

	pair_tcp(&p);
	run_traffic(&p, 100000);
	pair_free(&p);
}

static void
both_sides_writing_with_tiny_buffers_never_deadlock(void)
{
	struct pair p;

	pair_memory(&p, 4096);
	run_traffic(&p, 300000);
	pair_free(&p);
}

static void
a_write_of_any_size_makes_progress(void)
{
	struct traffic t = { .len = 3000000, .seed = 5 };
	struct pair p;

	pair_tcp(&p);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &t.s));
	CHECK_OK(thread_start(&t.writer, "writer", THREAD_STACK, write_traffic,
	    &t));
	read_traffic(&t);
	thread_join(&t.writer);
	p2p_stream_free(t.s);
	pair_free(&p);
}

static void
an_invented_peer_is_refused(void)
{
	const struct p2p_attempt *a;
	struct p2p_report *report;
	struct p2p_peer_id id;
	struct p2p_key *key;
	char target[512], text[P2P_PEER_ID_TEXT_MAX];
	struct pair p;

	pair_tcp(&p);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &id);
	snprintf(target, sizeof(target), "%.*s/p2p/%s",
	    (int)(strstr(p.target, "/p2p/") - p.target), p.target,
	    p2p_peer_id_text(&id, text));
	CHECK_ERR(p2p_host_connect(p.a, target, NULL, NULL, &report),
	    P2P_ERR_WRONG_PEER);
	CHECK_FATAL(report != NULL);
	a = p2p_report_attempt(report, 0);
	CHECK_EQ(a->error, P2P_ERR_WRONG_PEER);
	CHECK(p2p_peer_id_equal(&a->actual, p2p_host_id(p.b)));
	CHECK(p2p_peer_id_equal(p2p_report_expected(report), &id));
	p2p_report_free(report);
	p2p_key_free(key);
	pair_free(&p);
}

static void
anyone_must_be_said_aloud(void)
{
	struct p2p_connect_options any = { .any_peer = true };
	struct p2p_connection c;
	struct pair p;
	char bare[256];

	pair_tcp(&p);
	snprintf(bare, sizeof(bare), "%.*s",
	    (int)(strstr(p.target, "/p2p/") - p.target), p.target);
	CHECK_ERR(p2p_host_connect(p.a, bare, NULL, NULL, NULL),
	    P2P_ERR_NO_PEER);
	CHECK_OK(p2p_host_connect(p.a, bare, &any, &c, NULL));
	CHECK(p2p_peer_id_equal(&c.peer, p2p_host_id(p.b)));
	p2p_multiaddr_free(c.remote);
	CHECK_ERR(p2p_host_connect(p.b, p.target, NULL, NULL, NULL),
	    P2P_ERR_SELF);
	pair_free(&p);
}

static void
reset_once(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	if (p2p_stream_read(s, &c, 1) == 1 &&
	    p2p_stream_write_full(s, "bye", 3) == 0)
		p2p_stream_reset(s);
}

static void
a_reset_is_no_end_of_file_and_loses_nothing_before_it(void)
{
	struct p2p_stream *s;
	struct pair p;
	char buf[4];

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_handle(p.b, "/reset/1", reset_once, NULL));
	CHECK_OK(p2p_host_open(p.a, p.target, "/reset/1", 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, "x", 1));
	CHECK_OK(p2p_stream_read_full(s, buf, 3));
	CHECK_EQ(p2p_stream_read(s, buf, 1), P2P_ERR_RESET);
	CHECK_EQ(p2p_stream_write(s, "y", 1), P2P_ERR_RESET);
	p2p_stream_free(s);
	pair_free(&p);
}

static void
a_timeout_loses_nothing(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c;

	pair_memory(&p, 0);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	p2p_stream_read_timeout(s, 20);
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_TIMEOUT);
	CHECK_OK(p2p_stream_write_full(s, "z", 1));
	p2p_stream_read_timeout(s, 5000);
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	CHECK_EQ(c, 'z');
	p2p_stream_free(s);
	pair_free(&p);
}

static void
ping_and_perf_work(void)
{
	struct p2p_perf_options o = { .upload = 1 << 20, .download = 2 << 20 };
	struct p2p_perf_result r;
	struct pair p;
	uint64_t rtt = 0;

	pair_tcp(&p);
	CHECK_OK(p2p_perf_serve(p.b));
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	CHECK_OK(p2p_ping(p.a, p2p_host_id(p.b), 5000, &rtt));
	CHECK(rtt > 0);
	CHECK_OK(p2p_perf(p.a, p2p_host_id(p.b), &o, &r));
	CHECK_EQ(r.uploaded, o.upload);
	CHECK_EQ(r.downloaded, o.download);
	pair_free(&p);
}

static void
identify_tells_who_is_there(void)
{
	struct p2p_identity *id;
	struct pair p;
	size_t i;
	bool echo = false;

	pair_tcp(&p);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	CHECK_OK(p2p_identify(p.a, p2p_host_id(p.b), 5000, &id));
	CHECK(p2p_peer_id_equal(&id->peer, p2p_host_id(p.b)));
	CHECK_STR(id->protocol_version, "ipfs/0.1.0");
	CHECK(strncmp(id->agent_version, "libp2p-c/", 9) == 0);
	for (i = 0; id->protocols[i] != NULL; i++)
		echo = echo || strcmp(id->protocols[i], P2P_ECHO_ID) == 0;
	CHECK(echo);
	CHECK_FATAL(id->addresses[0] != NULL);
	CHECK(strncmp(p.target, p2p_multiaddr_text(id->addresses[0]),
	    strlen(p2p_multiaddr_text(id->addresses[0]))) == 0);
	CHECK(id->observed != NULL);
	CHECK(id->signed_record);
	p2p_identity_free(id);
	pair_free(&p);
}

static void
hang(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) > 0)
		;
}

static void
stop_wakes_a_blocked_handler_and_caller(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c;

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_handle(p.b, "/hang/1", hang, NULL));
	CHECK_OK(p2p_host_open(p.a, p.target, "/hang/1", 5000, &s));
	CHECK_OK(p2p_host_stop(p.b, 0));
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	p2p_stream_free(s);
	pair_free(&p);
}

static void
a_stream_survives_its_host(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c;

	pair_memory(&p, 0);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	CHECK_OK(p2p_host_stop(p.a, 0));
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK_EQ(p2p_stream_write(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK(p2p_stream_protocol(s) != NULL);
	p2p_stream_free(s);
	pair_free(&p);
}

static void
answer_forever(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) == 1 &&
	    p2p_stream_write_full(s, &c, 1) == 0)
		;
}

static void
one_byte(struct p2p_stream *s)
{
	char c = 'i';

	CHECK_OK(p2p_stream_write_full(s, &c, 1));
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
}

/* The second stream shows after each jump that both ends have noticed it. */
static void
an_hour_of_idleness_is_survived(void)
{
	struct p2p_stream *idle, *barrier;
	struct pair p;
	unsigned s;

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_handle(p.b, "/answer/1", answer_forever, NULL));
	CHECK_OK(p2p_host_open(p.a, p.target, "/answer/1", 5000, &idle));
	CHECK_OK(p2p_host_open(p.a, p.target, "/answer/1", 5000, &barrier));
	for (s = 0; s < 3600; s += 8) {
		clock_test_advance(8 * CLOCK_S);
		one_byte(barrier);
	}
	one_byte(idle);
	p2p_stream_free(barrier);
	p2p_stream_free(idle);
	pair_free(&p);
}

TESTS("host",
	{ "one exchange over memory and over tcp",
	    one_exchange_over_memory_and_over_tcp },
	{ "ten rounds on one stream", ten_rounds_on_one_stream },
	{ "two replies to each message", two_replies_to_each_message },
	{ "connect twice keeps one connection",
	    connect_twice_keeps_one_connection },
	{ "the connection is used in both directions",
	    the_connection_is_used_in_both_directions },
	{ "the first or second protocol is taken, or none",
	    the_first_or_second_protocol_is_taken_or_none },
	{ "many streams both ways over one connection",
	    many_streams_both_ways_over_one_connection },
	{ "both sides writing with tiny buffers never deadlock",
	    both_sides_writing_with_tiny_buffers_never_deadlock },
	{ "a write of any size makes progress",
	    a_write_of_any_size_makes_progress },
	{ "an invented peer is refused", an_invented_peer_is_refused },
	{ "anyone must be said aloud", anyone_must_be_said_aloud },
	{ "a reset is no end of file and loses nothing before it",
	    a_reset_is_no_end_of_file_and_loses_nothing_before_it },
	{ "a timeout loses nothing", a_timeout_loses_nothing },
	{ "ping and perf work", ping_and_perf_work },
	{ "identify tells who is there", identify_tells_who_is_there },
	{ "stop wakes a blocked handler and caller",
	    stop_wakes_a_blocked_handler_and_caller },
	{ "a stream survives its host", a_stream_survives_its_host },
	{ "an hour of idleness is survived",
	    an_hour_of_idleness_is_survived })
