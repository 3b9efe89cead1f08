/*
 * Orders of events that were got wrong once, each forced again: what is
 * expected is at the tests' names.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "host/conn.h"
#include "muxer/mstream.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/stream.h"
#include "pair.h"
#include "schedule.h"

static const struct p2p_host_config plain = { .no_identify = true };

static void
begin(struct pair *p)
{
	schedule_begin();
	pair_config(p, &plain, &plain);
	CHECK_OK(p2p_echo_serve(p->b));
}

static void
end(struct pair *p)
{
	pair_free(p);
	schedule_end();
}

/* The worker has a piece of data in its hand when the stream goes. */
static void
data_for_a_stream_that_goes_is_dropped(void)
{
	struct p2p_stream *s;
	struct session *session;
	struct stop *worker;
	struct pair p;
	char c;

	begin(&p);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	session = pair_session(p.a);
	worker = stop_at("lock", &pair_first_stream(session)->mtx,
	    "p2p-worker");
	CHECK_EQ(p2p_stream_write(s, "x", 1), 1);
	stop_reached(worker);
	p2p_stream_reset(s);
	p2p_stream_free(s);
	stop_release(worker);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	CHECK_EQ(p2p_stream_write(s, "y", 1), 1);
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	p2p_stream_free(s);
	CHECK_EQ(evil_used(p.a, LIMIT_BUFFERED), 0);
	end(&p);
}

/* All of it has come, then the connection ends, then we reset. */
static void
a_reset_after_the_end_hides_the_fin_too(void)
{
	struct p2p_stream *s;
	struct mstream *ms;
	struct pair p;
	bool all = false;
	char c;
	int i;

	begin(&p);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	ms = pair_first_stream(pair_session(p.a));
	CHECK_EQ(p2p_stream_write(s, "xy", 2), 2);
	CHECK_OK(p2p_stream_close_write(s));
	for (i = 0; i < SCHEDULE_WAIT_MS && !all; i++) {
		(void)poll(NULL, 0, 1);
		lock_lock(&ms->mtx);
		all = ms->fin && ms->queue.len == 2;
		lock_unlock(&ms->mtx);
	}
	CHECK(all);
	CHECK_OK(p2p_host_disconnect(p.a, p2p_host_id(p.b)));
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	p2p_stream_reset(s);
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	p2p_stream_free(s);
	end(&p);
}

/* Write until the socket is full and nobody waits for it; how much. */
static ssize_t
park(struct p2p_stream *s, struct link *l)
{
	static const char much[200 * 1024];
	bool parked = false;
	ssize_t n;
	int i;

	p2p_stream_write_timeout(s, 50);
	n = p2p_stream_write(s, much, sizeof(much));
	CHECK(n > 0);
	for (i = 0; i < SCHEDULE_WAIT_MS && !parked; i++) {
		(void)poll(NULL, 0, 1);
		lock_lock(&l->mtx);
		parked = l->role == LINK_PARKED && l->stalled != 0;
		lock_unlock(&l->mtx);
	}
	CHECK(parked);
	return n;
}

/*
 * This process stood still while the peer read on: it is the socket that says
 * whether the peer is dead, and no clock that was read before.
 */
static void
a_pause_of_ours_is_no_stall_of_the_peers(void)
{
	static char back[200 * 1024];
	struct stop *deaf, *pool;
	struct p2p_stream *s;
	struct link *l;
	struct pair p;
	ssize_t n;

	begin(&p);
	clock_test_advance(1);
	memory_net_buffers(p.net, 4096);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	pair_pass(&p, 0);
	l = &pair_session(p.a)->link;
	deaf = stop_at("lock", &pair_session(p.b)->link.mtx, "p2p-worker");
	n = park(s, l);
	stop_reached(deaf);
	CHECK(!link_overdue(l, l->stalled - 1));
	pool = stop_at("lock", &l->mtx, "p2p-flush");
	stop_release(deaf);
	stop_reached(pool);		/* the socket takes bytes again */
	clock_test_advance(11 * CLOCK_S);
	CHECK(!link_overdue(l, clock_now()));
	stop_release(pool);
	CHECK_OK(p2p_stream_read_full(s, back, (size_t)n));
	p2p_stream_free(s);
	end(&p);
}

/* What the handler of /all/1 read, and how that ended. */
static struct {
	char	bytes[16];
	size_t	n;
	ssize_t	last;
} all;

static void
take_all(struct p2p_stream *s, void *arg)
{
	(void)arg;
	all.n = 0;
	while ((all.last = p2p_stream_read(s, all.bytes + all.n,
	    sizeof(all.bytes) - all.n)) > 0)
		all.n += (size_t)all.last;
}

#define ALL	"\x13/multistream/1.0.0\n\x07/all/1\n"

/* The peer says all it has to say and hangs up; we notice by writing. */
static void
what_was_said_before_hanging_up_is_read(void)
{
	struct mstream *ms;
	struct stop *worker;
	struct yamux_hdr h;
	struct pair p;
	struct evil v;
	ssize_t n;
	int i;

	begin(&p);
	CHECK_OK(p2p_host_handle(p.b, "/all/1", take_all, NULL));
	evil_new(&v, p.target, p.net);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0));
	CHECK(evil_data(&v, 0, 1, ALL, sizeof(ALL) - 1));
	CHECK(evil_expect(&v, YAMUX_DATA, 0, 1, &h));
	CHECK(evil_expect(&v, YAMUX_DATA, 0, 1, &h));
	CHECK(evil_frame(&v, 0, YAMUX_PING, YAMUX_SYN, 0, 7));
	CHECK(evil_expect(&v, YAMUX_PING, YAMUX_ACK, 0, &h));
	ms = pair_first_stream(pair_session(p.b));
	worker = stop_at("lock", &ms->mtx, "p2p-worker");
	CHECK(evil_data(&v, 0, 1, "x", 1));
	stop_reached(worker);		/* it has that, and no more */
	CHECK(evil_data(&v, 0, 1, "yz", 2));
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_FIN, 1, 0));
	evil_free(&v);
	for (i = 0, n = 1; i < SCHEDULE_WAIT_MS && n == 1; i++) {
		n = mstream_write(ms, "a", 1, CLOCK_NEVER);
		(void)poll(NULL, 0, n == 1);
	}
	CHECK_EQ(n, P2P_ERR_DISCONNECTED);
	stop_release(worker);
	CHECK_OK(p2p_host_stop(p.b, 0));
	CHECK_EQ(all.n, 3);
	CHECK_EQ(all.last, 0);
	end(&p);
}

/* The last answer, and behind it in the same read a record that is none. */
static void
what_came_before_a_bad_record_is_read(void)
{
	static const uint8_t bad[] = { 0x17, 3, 3, 0, 17 };
	uint8_t frame[64], out[512];
	struct yamux_hdr h;
	struct wr w, sealed;
	struct pair p;
	struct evil v;

	begin(&p);
	CHECK_OK(p2p_host_handle(p.b, "/all/1", take_all, NULL));
	evil_new(&v, p.target, p.net);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0));
	CHECK(evil_data(&v, 0, 1, ALL, sizeof(ALL) - 1));
	CHECK(evil_expect(&v, YAMUX_DATA, 0, 1, &h));
	CHECK(evil_expect(&v, YAMUX_DATA, 0, 1, &h));
	wr_init(&w, frame, sizeof(frame));
	yamux_hdr_put(&w, &(struct yamux_hdr){ YAMUX_DATA, YAMUX_FIN, 1, 3 });
	wr_bytes(&w, "xyz", 3);
	wr_init(&sealed, out, sizeof(out));
	CHECK_OK(v.up.sec->seal(v.up.codec, frame, w.len, &sealed));
	wr_bytes(&sealed, bad, sizeof(bad));
	wr_bytes(&sealed, "seventeen bytes..", 17);
	CHECK_EQ(send(v.raw.fd, out, sealed.len, MSG_NOSIGNAL),
	    (ssize_t)sealed.len);
	host_joined(p.b, 0);
	CHECK_OK(p2p_host_stop(p.b, 0));
	CHECK_EQ(all.n, 3);
	CHECK_EQ(all.last, 0);
	evil_free(&v);
	end(&p);
}

/* What is told of the only connection, in its order. */
static struct {
	struct lock		 mtx;
	enum p2p_event_kind	 kinds[8];
	unsigned		 n;
} told;

static void
on_event(const struct p2p_event *ev, void *arg)
{
	(void)arg;
	lock_lock(&told.mtx);
	told.kinds[told.n++] = ev->kind;
	lock_unlock(&told.mtx);
}

/* Its answer to identify is being learned when the peer hangs up. */
static void
nothing_is_told_of_a_connection_that_ended(void)
{
	struct p2p_host_config config = { .event = on_event };
	struct stop *learn;
	struct pair p;

	lock_init(&told.mtx, LOCK_LEAF);
	told.n = 0;
	schedule_begin();
	pair_config(&p, &config, NULL);
	/* Its lock is the first thing in it. */
	learn = stop_at("lock", p.a->peerstore, "p2p-handler");
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	stop_reached(learn);
	CHECK_OK(p2p_host_disconnect(p.b, p2p_host_id(p.a)));
	host_joined(p.a, 0);
	stop_release(learn);
	CHECK_OK(p2p_host_stop(p.a, 0));
	CHECK_EQ(told.n, 2);
	CHECK_EQ(told.kinds[0], P2P_EVENT_CONNECTED);
	CHECK_EQ(told.kinds[1], P2P_EVENT_DISCONNECTED);
	lock_destroy(&told.mtx);
	end(&p);
}

struct closer {
	struct thread	 thread;
	struct pair	*p;
	int		 result;
};

static void
disconnect(void *arg)
{
	struct closer *c = arg;

	c->result = p2p_host_disconnect(c->p->b, p2p_host_id(c->p->a));
}

/* The peer is back while its old connections are being ended. */
static void
disconnect_does_not_chase_who_comes_back(void)
{
	static const struct p2p_connect_options again = { .fresh = true };
	static const char *const echo[] = { P2P_ECHO_ID, NULL };
	struct closer c = { .p = NULL };
	struct p2p_connection more;
	struct p2p_stream *s;
	struct stop *at[2];
	struct pair p;
	char b;

	begin(&p);
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	host_joined(p.b, 1);
	c.p = &p;
	at[0] = stop_at("lock", &p.b->swarm, "closer");
	at[1] = stop_at("lock", &p.b->swarm, "closer");
	CHECK_OK(thread_start(&c.thread, "closer", THREAD_STACK, disconnect,
	    &c));
	stop_reached(at[0]);
	stop_release(at[0]);
	stop_reached(at[1]);
	CHECK_OK(p2p_host_connect(p.a, p.target, &again, &more, NULL));
	p2p_multiaddr_free(more.remote);
	CHECK_OK(p2p_host_open_on(p.a, more.number, echo, 5000, &s));
	stop_release(at[1]);
	thread_join(&c.thread);
	CHECK_OK(c.result);
	CHECK_OK(p2p_stream_write_full(s, "x", 1));
	CHECK_OK(p2p_stream_read_full(s, &b, 1));
	p2p_stream_free(s);
	end(&p);
}

/* Housekeeping has looked, and the stream comes before it says goodbye. */
static void
a_connection_that_is_used_at_the_last_moment_stays(void)
{
	static const struct p2p_limit_setting soon[] = {
		{ "idle-seconds", 10 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = soon,
	    .no_identify = true };
	struct p2p_stream *s;
	struct stop *at[3];
	struct lock *mtx;
	struct pair p;
	char c;
	int i;

	schedule_begin();
	pair_config(&p, &plain, &config);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
	host_joined(p.b, 1);
	pair_pass(&p, 0);
	mtx = &pair_session(p.b)->link.mtx;
	at[0] = stop_at("lock", mtx, "p2p-house");
	clock_test_advance(CLOCK_S);
	stop_reached(at[0]);		/* in a round that is too early */
	at[1] = stop_at("lock", mtx, "p2p-house");
	at[2] = stop_at("lock", mtx, "p2p-house");
	clock_test_advance(9 * CLOCK_S);
	for (i = 0; i < 2; i++) {
		stop_release(at[i]);
		stop_reached(at[i + 1]);
	}
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	stop_release(at[2]);
	pair_pass(&p, 20);
	CHECK_OK(p2p_stream_write_full(s, "x", 1));
	CHECK_OK(p2p_stream_read_full(s, &c, 1));
	p2p_stream_free(s);
	end(&p);
}

/* It asked us to open no more, and stays. */
static void
a_peer_that_is_leaving_is_not_kept(void)
{
	struct p2p_peer_id id;
	char target[P2P_PEER_ID_TEXT_MAX + 32];
	char text[P2P_PEER_ID_TEXT_MAX];
	struct yamux_hdr h;
	struct pair p;
	struct evil v;

	begin(&p);
	evil_new(&v, p.target, p.net);
	host_joined(p.b, 1);
	p2p_peer_id_from_key(v.key, &id);
	snprintf(target, sizeof(target), "/memory/1/p2p/%s",
	    p2p_peer_id_text(&id, text));
	CHECK_OK(p2p_host_connect(p.b, target, NULL, NULL, NULL));
	evil_pass(&v, &p, 70);
	host_joined(p.b, 1);		/* asked for: never idle */
	CHECK(evil_frame(&v, 0, YAMUX_GOAWAY, 0, 0, 0));
	CHECK(evil_frame(&v, 0, YAMUX_PING, YAMUX_SYN, 0, 7));
	CHECK(evil_expect(&v, YAMUX_PING, YAMUX_ACK, 0, &h));
	evil_pass(&v, &p, 10);
	host_joined(p.b, 0);
	evil_free(&v);
	end(&p);
}

/* We have no place for it: the peer's address is as good as before. */
static void
a_limit_of_ours_is_no_fault_of_an_address(void)
{
	static const struct p2p_limit_setting no_dials[] = {
		{ "connections-out", 0 }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = no_dials,
	    .no_identify = true };
	char id[P2P_PEER_ID_TEXT_MAX];
	struct p2p_multiaddr *ma;
	struct pair p;
	int i;

	schedule_begin();
	pair_config(&p, &config, &plain);
	CHECK_OK(p2p_multiaddr_parse(p.target, &ma));
	CHECK_OK(p2p_peerstore_add(p.a, p2p_host_id(p.b), ma, 60));
	p2p_multiaddr_free(ma);
	for (i = 0; i < 3; i++)
		CHECK_ERR(p2p_host_connect(p.a, p2p_peer_id_text(
		    p2p_host_id(p.b), id), NULL, NULL, NULL),
		    P2P_ERR_LIMIT);
	end(&p);
}

/* As p2p_host(3) promises: the stream goes last. */
static void
a_stream_may_be_freed_after_its_host(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c = 'x';

	begin(&p);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	p2p_host_free(p.a);
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK_EQ(p2p_stream_write(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK(p2p_peer_id_equal(p2p_stream_peer(s), p2p_host_id(p.b)));
	p2p_stream_free(s);
	CHECK_OK(p2p_host_new(&plain, &p.a));
	end(&p);
}

struct stopper {
	struct thread	 thread;
	struct p2p_host	*h;
	int		 result;
};

static void
stop_host(void *arg)
{
	struct stopper *c = arg;

	c->result = p2p_host_stop(c->h, 10000);
}

/* Two threads stop: one joins, the other waits for that. */
static void
one_thread_stops_at_a_time(void)
{
	struct stopper c = { .h = NULL }, d = { .h = NULL };
	struct stop *listeners;
	struct pair p;

	begin(&p);
	c.h = d.h = p.b;
	listeners = stop_at("lock", &p.b->mtx, "first");
	CHECK_OK(thread_start(&c.thread, "first", THREAD_STACK, stop_host, &c));
	stop_reached(listeners);
	CHECK_ERR(p2p_host_stop(p.b, 1), P2P_ERR_BUSY);
	CHECK_OK(thread_start(&d.thread, "second", THREAD_STACK, stop_host,
	    &d));
	stop_release(listeners);
	thread_join(&c.thread);
	thread_join(&d.thread);
	CHECK_OK(c.result);
	CHECK_OK(d.result);
	end(&p);
}

static void
listen_too(void *arg)
{
	struct stopper *c = arg;

	c->result = p2p_host_listen(c->h, "/memory/0", NULL);
}

/* The host is stopped between the look at that and the table. */
static void
no_listener_outlives_a_stop(void)
{
	struct stopper c = { .h = NULL };
	struct stop *table;
	struct pair p;

	begin(&p);
	c.h = p.b;
	table = stop_at("lock", &p.b->mtx, "listener");
	CHECK_OK(thread_start(&c.thread, "listener", THREAD_STACK, listen_too,
	    &c));
	stop_reached(table);
	CHECK_OK(p2p_host_stop(p.b, 0));
	stop_release(table);
	thread_join(&c.thread);
	CHECK_ERR(c.result, P2P_ERR_STOPPED);
	CHECK(TAILQ_EMPTY(&p.b->listeners));
	end(&p);
}

TESTS("races",
	{ "data for a stream that goes is dropped",
	    data_for_a_stream_that_goes_is_dropped },
	{ "a reset after the end hides the FIN, too",
	    a_reset_after_the_end_hides_the_fin_too },
	{ "a pause of ours is no stall of the peer's",
	    a_pause_of_ours_is_no_stall_of_the_peers },
	{ "what was said before hanging up is read",
	    what_was_said_before_hanging_up_is_read },
	{ "what came before a bad record is read",
	    what_came_before_a_bad_record_is_read },
	{ "nothing is told of a connection that ended",
	    nothing_is_told_of_a_connection_that_ended },
	{ "disconnect does not chase who comes back",
	    disconnect_does_not_chase_who_comes_back },
	{ "a connection that is used at the last moment stays",
	    a_connection_that_is_used_at_the_last_moment_stays },
	{ "a peer that is leaving is not kept",
	    a_peer_that_is_leaving_is_not_kept },
	{ "a limit of ours is no fault of an address",
	    a_limit_of_ours_is_no_fault_of_an_address },
	{ "a stream may be freed after its host",
	    a_stream_may_be_freed_after_its_host },
	{ "one thread stops at a time", one_thread_stops_at_a_time },
	{ "no listener outlives a stop", no_listener_outlives_a_stop })
