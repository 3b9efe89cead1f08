/*
 * The connections of a host: one a peer however many ask, the idle and the too
 * many that go, what is told of them, and the streams one peer may have.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "check.h"
#include "host/conn.h"
#include "host/peerstore.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"
#include "services/identify_msg.h"

#define WAIT_MS	10000

/* Events of one host as they came. */
struct told {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 came;
	struct p2p_event last[P2P_EVENT_IDENTIFIED + 1];
	unsigned	 n[P2P_EVENT_IDENTIFIED + 1];
};

static void
on_event(const struct p2p_event *ev, void *arg)
{
	struct told *t = arg;

	pthread_mutex_lock(&t->mtx);
	t->last[ev->kind] = *ev;
	t->n[ev->kind]++;
	pthread_cond_broadcast(&t->came);
	pthread_mutex_unlock(&t->mtx);
}

static struct p2p_event
wait_for(struct told *t, enum p2p_event_kind kind, unsigned n)
{
	struct p2p_event ev;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&t->mtx);
	while (t->n[kind] < n &&
	    pthread_cond_timedwait(&t->came, &t->mtx, &until) == 0)
		;
	CHECK(t->n[kind] >= n);
	ev = t->last[kind];
	pthread_mutex_unlock(&t->mtx);
	return ev;
}

#define TOLD	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, \
		    { { 0 } }, { 0 } }

static size_t
connections(struct p2p_host *h)
{
	struct p2p_connection *list;
	size_t n;

	CHECK_OK(p2p_host_connections(h, &list, &n));
	p2p_host_connections_free(list, n);
	return n;
}

static uint64_t
refused(struct p2p_host *h, enum host_limit which)
{
	struct p2p_limit_info info;

	CHECK_OK(p2p_host_limit(h, which, &info));
	return info.refused;
}

struct caller {
	struct pair	*p;
	struct thread	 thread;
	uint64_t	 number;
};

static void
call(void *arg)
{
	struct caller *c = arg;
	struct p2p_connection conn = { .remote = NULL };

	CHECK_OK(p2p_host_connect(c->p->a, c->p->target, NULL, &conn, NULL));
	c->number = conn.number;
	p2p_multiaddr_free(conn.remote);
}

static void
many_who_connect_at_once_share_one_connection(void)
{
	struct caller callers[16];
	struct pair p;
	int i;

	pair_tcp(&p);
	for (i = 0; i < 16; i++) {
		callers[i] = (struct caller){ .p = &p };
		CHECK_OK(thread_start(&callers[i].thread, "caller",
		    THREAD_STACK, call, &callers[i]));
	}
	for (i = 0; i < 16; i++) {
		thread_join(&callers[i].thread);
		CHECK_EQ(callers[i].number, callers[0].number);
	}
	CHECK_EQ(connections(p.a), 1);
	host_joined(p.b, 1);
	pair_free(&p);
}

static void
a_name_without_addresses_is_in_the_report(void)
{
	char target[256];
	struct p2p_report *report;
	struct pair p;

	pair_tcp(&p);
	snprintf(target, sizeof(target), "/dns4/invalid./tcp/1%s",
	    strstr(p.target, "/p2p/"));
	CHECK_ERR(p2p_host_connect(p.a, target, NULL, NULL, &report),
	    P2P_ERR_DNS);
	CHECK_FATAL(report != NULL);
	CHECK_EQ(p2p_report_count(report), 1);
	CHECK_EQ(p2p_report_attempt(report, 0)->stage, P2P_STAGE_RESOLVE);
	CHECK_EQ(p2p_report_attempt(report, 0)->error, P2P_ERR_DNS);
	p2p_report_free(report);
	pair_free(&p);
}

/* Closed ports and the right one: all are in the report, one has won. */
static void
several_addresses_are_tried_and_told(void)
{
	struct p2p_report *report;
	struct p2p_multiaddr *ma;
	char text[P2P_PEER_ID_TEXT_MAX];
	const struct p2p_attempt *a;
	struct pair p;
	size_t i, good = 0, bad = 0;

	pair_tcp(&p);
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "/ip4/127.0.0.1/tcp/%zu", i + 1);
		CHECK_OK(p2p_multiaddr_parse(i < 2 ? text : p.target, &ma));
		CHECK_OK(p2p_peerstore_add(p.a, p2p_host_id(p.b), ma, 60));
		p2p_multiaddr_free(ma);
	}
	CHECK_OK(p2p_host_connect(p.a, p2p_peer_id_text(p2p_host_id(p.b),
	    text), NULL, NULL, &report));
	for (i = 0; i < p2p_report_count(report); i++) {
		a = p2p_report_attempt(report, i);
		good += a->error == 0 && a->stage == P2P_STAGE_DONE;
		bad += a->error == -ECONNREFUSED &&
		    a->stage == P2P_STAGE_CONNECT;
	}
	CHECK_EQ(good, 1);
	CHECK_EQ(bad, 2);
	p2p_report_free(report);
	pair_free(&p);
}

static void
an_address_that_failed_is_left_alone_for_a_while(void)
{
	struct p2p_report *report;
	struct p2p_multiaddr *ma;
	char text[P2P_PEER_ID_TEXT_MAX];
	struct pair p;

	pair_tcp(&p);
	CHECK_OK(p2p_multiaddr_parse("/ip4/127.0.0.1/tcp/1", &ma));
	CHECK_OK(p2p_peerstore_add(p.a, p2p_host_id(p.b), ma,
	    P2P_TTL_FOREVER));
	p2p_multiaddr_free(ma);
	p2p_peer_id_text(p2p_host_id(p.b), text);
	CHECK_ERR(p2p_host_connect(p.a, text, NULL, NULL, NULL),
	    -ECONNREFUSED);
	CHECK_ERR(p2p_host_connect(p.a, text, NULL, NULL, &report),
	    P2P_ERR_UNREACHABLE);
	CHECK(report == NULL);		/* nothing was tried */
	clock_test_advance(8 * CLOCK_S);
	CHECK_ERR(p2p_host_connect(p.a, text, NULL, NULL, NULL),
	    -ECONNREFUSED);
	/* An address the caller names is dialed whatever the store says. */
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	pair_free(&p);
}

static void
echo_byte(struct p2p_host *h, const char *target)
{
	struct p2p_stream *s;
	char c = 'x';

	CHECK_OK(p2p_host_open(h, target, P2P_ECHO_ID, 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, &c, 1));
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	p2p_stream_free(s);
}

static void
an_idle_connection_goes_and_a_used_one_stays(void)
{
	struct told a = TOLD, b = TOLD;
	struct p2p_host_config ca = { .event = on_event, .event_arg = &a },
	    cb = { .event = on_event, .event_arg = &b };
	struct p2p_event ev;
	struct pair p;
	int i;

	pair_config(&p, &ca, &cb);
	CHECK_OK(p2p_echo_serve(p.b));
	/* Used every 40 s it lives, though nobody ever looks while it is. */
	for (i = 0; i < 5; i++) {
		echo_byte(p.a, p.target);
		pair_pass(&p, 40);
	}
	echo_byte(p.a, p.target);
	CHECK_EQ(wait_for(&a, P2P_EVENT_CONNECTED, 1).connection, 1);
	pair_pass(&p, 80);
	ev = wait_for(&a, P2P_EVENT_DISCONNECTED, 1);
	CHECK_EQ(ev.reason, 0);
	CHECK_EQ(ev.connection, 1);
	(void)wait_for(&b, P2P_EVENT_DISCONNECTED, 1);
	host_joined(p.b, 0);
	pair_free(&p);
}

static void
a_connection_that_was_asked_for_is_never_idle(void)
{
	static const struct p2p_limit_setting long_idle[] = {
		{ "idle-seconds", 100000 }, { NULL, 0 } };
	struct p2p_host_config cb = { .limits = long_idle };
	struct pair p;
	uint64_t rtt;

	pair_config(&p, NULL, &cb);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	host_joined(p.b, 1);
	pair_pass(&p, 300);
	CHECK_OK(p2p_ping(p.b, p2p_host_id(p.a), 5000, &rtt));
	CHECK_EQ(connections(p.a), 1);
	pair_free(&p);
}

static void
the_end_tells_its_reason_and_who_began_it(void)
{
	struct told a = TOLD, b = TOLD;
	struct p2p_host_config ca = { .event = on_event, .event_arg = &a },
	    cb = { .event = on_event, .event_arg = &b };
	struct p2p_event ev;
	struct pair p;

	pair_config(&p, &ca, &cb);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	ev = wait_for(&a, P2P_EVENT_IDENTIFIED, 1);
	CHECK(p2p_peer_id_equal(&ev.peer, p2p_host_id(p.b)));
	CHECK(ev.outbound);
	CHECK_STR(ev.security, "/tls/1.0.0");
	CHECK_STR(ev.muxer, "/yamux/1.0.0");
	(void)wait_for(&b, P2P_EVENT_IDENTIFIED, 1);
	CHECK_OK(p2p_host_disconnect(p.a, p2p_host_id(p.b)));
	ev = wait_for(&a, P2P_EVENT_DISCONNECTED, 1);
	CHECK(ev.by_us);
	CHECK_EQ(ev.reason, 0);
	ev = wait_for(&b, P2P_EVENT_DISCONNECTED, 1);
	CHECK(!ev.by_us);
	CHECK_EQ(ev.reason, 0);
	CHECK(!ev.outbound);
	pair_free(&p);
}

/* Above the high mark the idlest go, down to the low one; not the used ones. */
static void
too_many_connections_are_trimmed(void)
{
	static const struct p2p_limit_setting marks[] = {
		{ "connections-high", 6 }, { "connections-low", 3 },
		{ "grace-seconds", 10 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = marks };
	struct p2p_host *all[10], **clients = all + 2;
	struct p2p_stream *held;
	struct pair p;
	int i;

	pair_config(&p, NULL, &config);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &held));
	for (i = 0; i < 8; i++) {
		CHECK_OK(p2p_host_new(NULL, &clients[i]));
		CHECK_OK(host_add_transport(clients[i], &transport_memory,
		    p.net));
		CHECK_OK(p2p_host_connect(clients[i], p.target, NULL, NULL,
		    NULL));
	}
	host_joined(p.b, 9);
	all[0] = p.a;
	all[1] = p.b;
	hosts_pass(all, 10, 11);
	host_joined(p.b, 3);
	CHECK_EQ(refused(p.b, LIMIT_CONNECTIONS_HIGH), 6);
	CHECK_EQ(p2p_stream_write(held, "x", 1), 1);
	p2p_stream_free(held);
	for (i = 0; i < 8; i++) {
		CHECK_OK(p2p_host_stop(clients[i], 0));
		p2p_host_free(clients[i]);
	}
	pair_free(&p);
}

static void
a_peer_gets_so_many_ping_streams(void)
{
	struct p2p_stream *s[3];
	struct pair p;
	char buf[P2P_PING_SIZE] = { 0 };
	int i, e;

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	for (i = 0; i < 3; i++) {
		CHECK_OK(p2p_host_open(p.a, p.target, P2P_PING_ID, 5000,
		    &s[i]));
		if ((e = p2p_stream_write_full(s[i], buf, sizeof(buf))) == 0)
			e = p2p_stream_read_full(s[i], buf, sizeof(buf));
		CHECK_ERR(e, i < 2 ? 0 : P2P_ERR_RESET);
	}
	CHECK_EQ(refused(p.b, LIMIT_PINGS_PEER), 1);
	for (i = 0; i < 3; i++)
		p2p_stream_free(s[i]);
	pair_free(&p);
}

/* Ten pushes at once, and no eleventh. */
static void
pushes_of_one_peer_are_limited(void)
{
	static const char *const push[] = { P2P_IDENTIFY_PUSH_ID, NULL };
	struct p2p_stream *s;
	struct pair p;
	char c;
	int i, e;

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	for (i = 0; i < 11; i++) {
		CHECK_OK(p2p_host_open_peer(p.a, p2p_host_id(p.b), push, 5000,
		    &s));
		/* An empty message says that nothing has changed. */
		if ((e = p2p_stream_write_full(s, "", 1)) == 0 &&
		    (e = p2p_stream_close_write(s)) == 0)
			e = (int)p2p_stream_read(s, &c, 1);
		CHECK_ERR(e, i < 10 ? 0 : P2P_ERR_RESET);
		p2p_stream_free(s);
	}
	CHECK_EQ(refused(p.b, LIMIT_PUSH_BURST), 1);
	pair_free(&p);
}

/* a says that it speaks but that, in a message as old as seq says. */
static void
push_one(struct pair *p, const struct p2p_key *key, const char *protocol,
    uint64_t seq)
{
	static const char *const push[] = { P2P_IDENTIFY_PUSH_ID, NULL };
	char name[32], *protocols[] = { name, NULL };
	struct p2p_multiaddr *addrs[] = {
		check_maddr("/ip4/192.0.2.1/tcp/1"), NULL };
	struct identify_self self = { .key = key, .agent = "test",
	    .protocols = protocols, .addrs = addrs, .seq = seq };
	uint8_t buf[IDENTIFY_SEND_MAX];
	struct p2p_stream *s;
	struct wr w;
	char c;

	snprintf(name, sizeof(name), "%s", protocol);
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(identify_put(&self, &w));
	CHECK_OK(p2p_host_open_peer(p->a, p2p_host_id(p->b), push, 5000, &s));
	CHECK_OK(p2p_stream_write_full(s, buf, w.len));
	CHECK_OK(p2p_stream_close_write(s));
	CHECK_EQ(p2p_stream_read(s, &c, 1), 0);		/* it was heard */
	p2p_stream_free(s);
	p2p_multiaddr_free(addrs[0]);
}

/* What b has of a: the first protocol alone. */
static void
check_first_protocol(struct pair *p, const char *want)
{
	char **list;

	CHECK_OK(p2p_peerstore_protocols(p->b, p2p_host_id(p->a), &list));
	CHECK_STR(list[0], want);
	free(list);
}

/* Streams have no order among each other. */
static void
an_overtaken_push_is_old(void)
{
	struct p2p_host_config c = { 0 };
	struct p2p_key *key;
	struct pair p;
	uint64_t rtt;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	c.key = key;
	pair_config(&p, &c, NULL);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	/* b has the connection, and what it asks by itself is over. */
	CHECK_OK(p2p_ping(p.a, p2p_host_id(p.b), 5000, &rtt));
	CHECK_OK(p2p_identify(p.b, p2p_host_id(p.a), 5000, NULL));
	push_one(&p, key, "/new/1", 5);
	check_first_protocol(&p, "/new/1");
	push_one(&p, key, "/old/1", 4);
	check_first_protocol(&p, "/new/1");
	push_one(&p, key, "/same/1", 5);
	check_first_protocol(&p, "/same/1");
	push_one(&p, key, "/newer/1", 6);
	check_first_protocol(&p, "/newer/1");
	/* Its clock may go back between two connections. */
	CHECK_OK(p2p_host_disconnect(p.a, p2p_host_id(p.b)));
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	CHECK_OK(p2p_ping(p.a, p2p_host_id(p.b), 5000, &rtt));
	CHECK_OK(p2p_identify(p.b, p2p_host_id(p.a), 5000, NULL));
	push_one(&p, key, "/back/1", 3);
	check_first_protocol(&p, "/back/1");
	pair_free(&p);
	p2p_key_free(key);
}

/* A thread that stops the host, too. */
static void
run_stop(void *arg)
{
	CHECK_OK(p2p_host_stop(arg, 0));
}

static void
two_threads_may_stop_a_host(void)
{
	struct thread t[4];
	struct pair p;
	int i;

	pair_tcp(&p);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	for (i = 0; i < 4; i++)
		CHECK_OK(thread_start(&t[i], "stopper", THREAD_STACK, run_stop,
		    p.a));
	CHECK_OK(p2p_host_stop(p.a, 0));
	for (i = 0; i < 4; i++)
		thread_join(&t[i]);
	pair_free(&p);
}

static void
no_stream_is_opened_for_what_is_no_name(void)
{
	static const char *const none[] = { NULL };
	char longer[200];
	struct p2p_stream *s;
	struct pair p;

	pair_memory(&p, 0);
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK_ERR(p2p_host_open(p.a, p.target, longer, 5000, &s),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_host_open(p.a, p.target, "", 5000, &s), P2P_ERR_FORMAT);
	CHECK_ERR(p2p_host_open(p.a, p.target, "/a b", 5000, &s),
	    P2P_ERR_FORMAT);
	CHECK_ERR(p2p_host_open_peer(p.a, p2p_host_id(p.b), none, 5000, &s),
	    P2P_ERR_FORMAT);
	pair_free(&p);
}

/* Answers pings byte by byte, each within any timeout of a step. */
static void
trickle(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	while (p2p_stream_read(s, &c, 1) == 1) {
		(void)poll(NULL, 0, 20);
		if (p2p_stream_write_full(s, &c, 1) != 0)
			return;
	}
}

static void
a_ping_takes_no_longer_than_it_may(void)
{
	struct pair p;
	uint64_t began, rtt = 7;

	pair_memory(&p, 0);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	CHECK_OK(p2p_host_unhandle(p.b, P2P_PING_ID));
	CHECK_OK(p2p_host_handle(p.b, P2P_PING_ID, trickle, NULL));
	began = clock_now();
	CHECK_ERR(p2p_ping(p.a, p2p_host_id(p.b), 200, &rtt),
	    P2P_ERR_TIMEOUT);
	CHECK(clock_now() - began < 4 * CLOCK_S);	/* trickles: 0.6 s */
	CHECK_EQ(rtt, 7);
	pair_free(&p);
}

TESTS("swarm",
	{ "two threads may stop a host", two_threads_may_stop_a_host },
	{ "no stream is opened for what is no name",
	    no_stream_is_opened_for_what_is_no_name },
	{ "a ping takes no longer than it may",
	    a_ping_takes_no_longer_than_it_may },
	{ "many who connect at once share one connection",
	    many_who_connect_at_once_share_one_connection },
	{ "a name without addresses is in the report",
	    a_name_without_addresses_is_in_the_report },
	{ "several addresses are tried and told",
	    several_addresses_are_tried_and_told },
	{ "the end tells its reason and who began it",
	    the_end_tells_its_reason_and_who_began_it },
	{ "a peer gets so many ping streams",
	    a_peer_gets_so_many_ping_streams },
	{ "pushes of one peer are limited", pushes_of_one_peer_are_limited },
	{ "an overtaken push is old", an_overtaken_push_is_old },
	{ "an address that failed is left alone for a while",
	    an_address_that_failed_is_left_alone_for_a_while },
	{ "an idle connection goes and a used one stays",
	    an_idle_connection_goes_and_a_used_one_stays },
	{ "a connection that was asked for is never idle",
	    a_connection_that_was_asked_for_is_never_idle },
	{ "too many connections are trimmed",
	    too_many_connections_are_trimmed })
