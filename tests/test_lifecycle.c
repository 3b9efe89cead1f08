/*
 * The ten sequences of libp2p/LIFECYCLE.md, each in every order that it names.
 * What a test needs to be so before it goes on, it waits for; nothing is left
 * to chance or to time.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "host/conn.h"
#include "muxer/mstream.h"
#include "muxer/yamux_state.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "pair.h"
#include "schedule.h"

#define QUIET	"/quiet/1"	/* its handler waits until it is told to go */
#define TINY	4096		/* bytes of socket buffers */

static const struct p2p_host_config plain = { .no_identify = true };

/* What the handlers of QUIET do when they go: nothing, or a reset. */
static struct {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 changed;
	unsigned	 inside;
	bool		 go, reset, read;
} quiet = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false,
    false, false };

static void
stay(struct p2p_stream *s, void *arg)
{
	char buf[65536];

	(void)arg;
	pthread_mutex_lock(&quiet.mtx);
	quiet.inside++;
	pthread_cond_broadcast(&quiet.changed);
	while (!quiet.go)
		pthread_cond_wait(&quiet.changed, &quiet.mtx);
	pthread_mutex_unlock(&quiet.mtx);
	while (quiet.read && p2p_stream_read(s, buf, sizeof(buf)) > 0)
		;
	if (quiet.reset)
		p2p_stream_reset(s);
	pthread_mutex_lock(&quiet.mtx);
	quiet.inside--;
	pthread_cond_broadcast(&quiet.changed);
	pthread_mutex_unlock(&quiet.mtx);
}

static void
let_go(bool reset, bool read)
{
	pthread_mutex_lock(&quiet.mtx);
	quiet.reset = reset;
	quiet.read = read;
	quiet.go = true;
	pthread_cond_broadcast(&quiet.changed);
	pthread_mutex_unlock(&quiet.mtx);
}

static void
wait_inside(unsigned n)
{
	pthread_mutex_lock(&quiet.mtx);
	while (quiet.inside < n)
		pthread_cond_wait(&quiet.changed, &quiet.mtx);
	pthread_mutex_unlock(&quiet.mtx);
}

static void
begin(struct pair *p, int buffers)
{
	quiet.go = quiet.reset = quiet.read = false;
	quiet.inside = 0;
	schedule_begin();
	pair_config(p, &plain, &plain);
	memory_net_buffers(p->net, buffers);
	CHECK_OK(p2p_host_handle(p->b, QUIET, stay, NULL));
	CHECK_OK(p2p_echo_serve(p->b));
}

static void
end(struct pair *p)
{
	let_go(false, false);
	pair_free(p);
	schedule_end();
}

/* The only connection of a host; it lives as long as the test wants. */
static struct session *
session_of(struct p2p_host *h)
{
	struct session *s;
	int i;

	for (i = 0; i < SCHEDULE_WAIT_MS; i++) {
		lock_lock(&h->swarm);
		s = TAILQ_EMPTY(&h->conns) ? NULL :
		    TAILQ_FIRST(&h->conns)->session;
		lock_unlock(&h->swarm);
		if (s != NULL)
			return s;
		(void)poll(NULL, 0, 1);
	}
	CHECK_FATAL(false);
	return NULL;
}

/* A call in a thread of its own, and what it returned. */
struct call {
	struct thread	 thread;
	struct p2p_host	*h;
	const char	*target;
	struct p2p_stream *s;
	size_t		 len;
	ssize_t		 result;
};

static void
run_write(void *arg)
{
	struct call *c = arg;
	char *buf = calloc(1, c->len);

	c->result = p2p_stream_write(c->s, buf, c->len);
	free(buf);
}

static void
run_read(void *arg)
{
	struct call *c = arg;
	char b;

	c->result = p2p_stream_read(c->s, &b, 1);
}

static void
run_open(void *arg)
{
	struct call *c = arg;

	c->result = p2p_host_open(c->h, c->target, QUIET, 20000, &c->s);
}

static void
run_connect(void *arg)
{
	struct call *c = arg;

	c->result = p2p_host_connect(c->h, c->target, NULL, NULL, NULL);
}

static void
start(struct call *c, void (*fn)(void *arg))
{
	CHECK_OK(thread_start(&c->thread, "caller", THREAD_STACK, fn, c));
}

/* The ways in which a connection can end under somebody. */
enum way { RESET, CLOSE, STOP, WAYS };

static void
end_by(enum way way, struct pair *p, struct p2p_stream *s)
{
	switch (way) {
	case RESET:
		p2p_stream_reset(s);
		break;
	case CLOSE:
		CHECK_OK(p2p_host_disconnect(p->a, p2p_host_id(p->b)));
		break;
	case STOP:
		CHECK_OK(p2p_host_stop(p->a, 0));
		break;
	case WAYS:
		break;
	}
}

static int
error_of(enum way way)
{
	return way == RESET ? P2P_ERR_CLOSED : P2P_ERR_DISCONNECTED;
}

/* 1: the writer waits for the peer's window. */
static void
a_writer_without_window_is_woken(void)
{
	struct call w = { .len = 1 << 20 };
	struct session *s;
	struct mstream *ms;
	struct pair p;
	enum way way;
	char c = 'x';

	for (way = RESET; way < WAYS; way++) {
		begin(&p, 0);
		CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &w.s));
		s = session_of(p.a);
		ms = pair_first_stream(s);
		start(&w, run_write);
		schedule_waiters(&s->link.mtx, &ms->writable, 1);
		end_by(way, &p, w.s);
		thread_join(&w.thread);
		/* The window, less the negotiation of the protocol. */
		CHECK(w.result > 255 * 1024 && w.result < 256 * 1024);
		CHECK_EQ(p2p_stream_write(w.s, &c, 1), error_of(way));
		p2p_stream_free(w.s);
		end(&p);
	}
}

/*
 * A peer whose worker does not run: sockets fill, then staging, and writers
 * have windows and no room.  a's worker is left alone.
 */
static struct stop *
deafen(struct pair *p)
{
	struct session *s = session_of(p->b);

	return stop_at("lock", &s->link.mtx, "p2p-worker");
}

/*
 * So many streams, each with nearly its window to write, that all together are
 * more than what a read, a batch, the staging and the sockets can swallow: some
 * may be done, but one is the flusher and two at least wait for room.
 */
#define MANY	6
#define MUCH	(250 * 1024)
#define STUCK	2

static void
open_many(struct pair *p, struct call *w)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		w[i] = (struct call){ .len = MUCH };
		CHECK_OK(p2p_host_open(p->a, p->target, QUIET, 5000, &w[i].s));
	}
	wait_inside(MANY);
}

/* What they returned when the connection ended under them. */
static void
join_many(struct call *w)
{
	unsigned i, cut = 0;
	char c = 'x';

	for (i = 0; i < MANY; i++) {
		thread_join(&w[i].thread);
		CHECK(w[i].result == P2P_ERR_DISCONNECTED ||
		    (w[i].result > 0 && w[i].result <= MUCH));
		cut += w[i].result < MUCH;
		CHECK_EQ(p2p_stream_write(w[i].s, &c, 1),
		    P2P_ERR_DISCONNECTED);
	}
	CHECK(cut > STUCK);
}

/* 1: one writer is the flusher and waits for the socket, others for room. */
static void
writers_without_room_are_woken(void)
{
	struct call w[MANY];
	struct stop *deaf, *full;
	struct session *s;
	struct pair p;
	enum way way;
	unsigned i;

	for (way = CLOSE; way < WAYS; way++) {
		begin(&p, TINY);
		open_many(&p, w);
		s = session_of(p.a);
		deaf = deafen(&p);
		full = stop_at("full", &s->link, "caller");
		for (i = 0; i < MANY; i++)
			start(&w[i], run_write);
		stop_reached(full);
		stop_release(full);
		schedule_waiters(&s->link.mtx, &s->link.room, STUCK);
		end_by(way, &p, NULL);
		join_many(w);
		stop_release(deaf);
		for (i = 0; i < MANY; i++)
			p2p_stream_free(w[i].s);
		end(&p);
	}
}

/* 1: the stream of the flusher is reset; the others' bytes still go. */
static void
a_flusher_that_is_reset_lets_the_role_go(void)
{
	struct call w[MANY];
	struct stop *deaf, *full;
	struct session *s;
	struct pair p;
	unsigned i;

	begin(&p, TINY);
	open_many(&p, w);
	s = session_of(p.a);
	deaf = deafen(&p);
	full = stop_at("full", &s->link, "caller");
	for (i = 0; i < MANY; i++)
		start(&w[i], run_write);
	stop_reached(full);
	for (i = 1; i < MANY; i++)
		p2p_stream_reset(w[i].s);
	p2p_stream_reset(w[0].s);
	stop_release(full);
	stop_release(deaf);
	for (i = 0; i < MANY; i++) {
		thread_join(&w[i].thread);
		CHECK(w[i].result == P2P_ERR_CLOSED || w[i].result > 0);
		p2p_stream_free(w[i].s);
	}
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &w[0].s));
	CHECK_OK(p2p_stream_write_full(w[0].s, "x", 1));
	CHECK_OK(p2p_stream_read_full(w[0].s, &i, 1));
	p2p_stream_free(w[0].s);
	end(&p);
}

/* 2: the peer's RST while our reader sleeps, and while our writer flushes. */
static void
the_peers_reset_wakes_reader_and_writer(void)
{
	struct call r = { .h = NULL }, w = { .len = 1000 };
	struct stop *flush;
	struct session *s;
	struct mstream *ms;
	struct pair p;
	char c = 'x';

	begin(&p, 0);
	CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &r.s));
	pair_pass(&p, 0);
	w.s = r.s;
	s = session_of(p.a);
	ms = pair_first_stream(s);
	start(&r, run_read);
	schedule_waiters(&ms->mtx, &ms->readable, 1);
	flush = stop_at("flush", &s->link, "caller");
	start(&w, run_write);
	stop_reached(flush);
	let_go(true, false);
	thread_join(&r.thread);		/* the worker has seen the RST */
	CHECK_EQ(r.result, P2P_ERR_RESET);
	stop_release(flush);
	thread_join(&w.thread);
	CHECK_EQ(w.result, 1000);	/* it was taken before */
	CHECK_EQ(p2p_stream_write(w.s, &c, 1), P2P_ERR_RESET);
	p2p_stream_free(r.s);
	end(&p);
}

/* 3: our reset racing the peer's FIN, in both orders. */
static void
our_reset_beats_a_fin_and_never_looks_like_one(void)
{
	struct p2p_stream *s;
	struct session *session;
	struct mstream *ms;
	struct stop *worker;
	struct pair p;
	int order, i;
	bool fin;
	char c;

	for (order = 0; order < 2; order++) {
		begin(&p, 0);
		CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &s));
		session = session_of(p.a);
		ms = pair_first_stream(session);
		worker = stop_at("lock", &session->link.mtx, "p2p-worker");
		let_go(false, false);		/* b finishes its half */
		stop_reached(worker);		/* a has read it, no more */
		if (order == 0)
			p2p_stream_reset(s);
		stop_release(worker);
		for (i = 0, fin = false; order == 1 && !fin &&
		    i < SCHEDULE_WAIT_MS; i++) {
			lock_lock(&ms->mtx);
			fin = ms->fin;
			lock_unlock(&ms->mtx);
			(void)poll(NULL, 0, 1);
		}
		if (order == 1) {
			CHECK(fin);
			p2p_stream_reset(s);
		}
		CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_CLOSED);
		p2p_stream_free(s);
		end(&p);
	}
}

/* 4: the connection dies before the SYN left, and before the ACK came. */
static void
an_open_under_a_dying_connection_fails_at_once(void)
{
	struct call o = { .h = NULL };
	struct p2p_connection c;
	struct session *s;
	struct stop *at;
	struct mstream *ms;
	struct pair p;
	int order;

	for (order = 0; order < 2; order++) {
		begin(&p, 0);
		CHECK_OK(p2p_host_connect(p.a, p.target, NULL, &c, NULL));
		p2p_multiaddr_free(c.remote);
		s = session_of(p.a);
		o.h = p.a;
		o.target = p.target;
		pair_pass(&p, 0);	/* nobody else has anything to say */
		at = order == 0 ? stop_at("flush", &s->link, NULL) :
		    deafen(&p);
		start(&o, run_open);
		if (order == 0) {
			stop_reached(at);
		} else {
			ms = NULL;
			while (ms == NULL) {
				lock_lock(&s->link.mtx);
				ms = TAILQ_FIRST(&s->streams);
				lock_unlock(&s->link.mtx);
			}
			schedule_waiters(&ms->mtx, &ms->readable, 1);
		}
		CHECK_OK(p2p_host_unlisten(p.b, p.b->listeners.tqh_first->ops->
		    address(p.b->listeners.tqh_first->l)));
		session_close(s, P2P_ERR_PROTOCOL);
		stop_release(at);
		thread_join(&o.thread);
		/* Its second try finds nobody listening. */
		CHECK_EQ(o.result, -ECONNREFUSED);
		end(&p);
	}
}

/* 5: the last user of a stream outlives connection and host. */
static void
a_stream_outlives_everything(void)
{
	struct p2p_stream *s;
	struct pair p;
	char c = 'x';

	begin(&p, 0);
	CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &s));
	CHECK_OK(p2p_host_stop(p.a, 0));
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK_EQ(p2p_stream_write(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK_ERR(p2p_stream_close_write(s), P2P_ERR_DISCONNECTED);
	p2p_stream_reset(s);
	CHECK_EQ(p2p_stream_read(s, &c, 1), P2P_ERR_DISCONNECTED);
	CHECK(p2p_peer_id_equal(p2p_stream_peer(s), p2p_host_id(p.b)));
	CHECK(p2p_multiaddr_text(p2p_stream_remote(s)) != NULL);
	p2p_stream_free(s);
	end(&p);
}

/* A listening socket that says some bytes and then nothing. */
static int
mute(char *target, size_t cap, const char *id)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_FATAL(fd != -1 && bind(fd, (struct sockaddr *)&a, len) == 0 &&
	    listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	snprintf(target, cap, "/ip4/127.0.0.1/tcp/%u/p2p/%s",
	    ntohs(a.sin_port), id);
	return fd;
}

static const struct {
	const char	*say;
	size_t		 len;
} steps[] = {
	{ "", 0 },			/* no header */
	{ "\x13/multi", 7 },		/* a part of it */
	{ "\x13/multistream/1.0.0\n\x0b/tls", 25 },
	{ "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n", 32 },
	{ "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n\x16\x03\x03\x00", 36 },
};

/* 6: stop during each step of an outbound upgrade. */
static void
stop_ends_a_dial_at_every_step(void)
{
	char target[256], id[P2P_PEER_ID_TEXT_MAX], buf[4096];
	struct call c = { .target = target };
	struct p2p_host *h, *other;
	uint64_t began;
	size_t i;
	int l, fd;

	CHECK_OK(p2p_host_new(&plain, &other));
	p2p_peer_id_text(p2p_host_id(other), id);
	p2p_host_free(other);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		l = mute(target, sizeof(target), id);
		CHECK_OK(p2p_host_new(&plain, &h));
		c.h = h;
		start(&c, run_connect);
		CHECK_FATAL((fd = accept(l, NULL, NULL)) != -1);
		CHECK(recv(fd, buf, sizeof(buf), 0) > 0);
		CHECK_EQ(send(fd, steps[i].say, steps[i].len, MSG_NOSIGNAL),
		    (ssize_t)steps[i].len);
		/* With TLS chosen, its hello comes: then it waits for ours. */
		if (i >= 3)
			CHECK(recv(fd, buf, sizeof(buf), 0) > 0);
		began = clock_now();
		CHECK_OK(p2p_host_stop(h, 0));
		thread_join(&c.thread);
		CHECK(clock_now() - began < 2 * CLOCK_S);
		CHECK_ERR((int)c.result, P2P_ERR_STOPPED);
		p2p_host_free(h);
		close(fd);
		close(l);
	}
}

/* 6: stop during connect(2): a listener with a full backlog answers nobody. */
static void
stop_ends_a_tcp_connect(void)
{
	char target[256], id[P2P_PEER_ID_TEXT_MAX];
	struct call c = { .target = target };
	struct p2p_multiaddr *ma;
	struct raw raw[8] = { { .fd = -1 } };
	struct p2p_host *h;
	uint64_t began;
	int l, i, n = 0;

	CHECK_OK(p2p_host_new(&plain, &h));
	l = mute(target, sizeof(target), p2p_peer_id_text(p2p_host_id(h), id));
	p2p_host_free(h);
	CHECK_OK(p2p_multiaddr_parse(target, &ma));
	for (i = 0; i < 8; i++)
		n += transport_tcp.dial(NULL, ma, -1,
		    clock_deadline_ms(200), &raw[n]) == 0;
	CHECK(n < 8);			/* the backlog is full */
	p2p_multiaddr_free(ma);
	CHECK_OK(p2p_host_new(&plain, &h));
	c.h = h;
	start(&c, run_connect);
	while (atomic_load(&h->limits[LIMIT_DIALS].used) == 0)
		(void)poll(NULL, 0, 1);
	began = clock_now();
	CHECK_OK(p2p_host_stop(h, 0));
	thread_join(&c.thread);
	CHECK(clock_now() - began < 2 * CLOCK_S);
	CHECK_ERR((int)c.result, P2P_ERR_STOPPED);
	p2p_host_free(h);
	while (n > 0)
		raw_close(&raw[--n]);
	close(l);
}

/* 6: stop while inbound upgrades stand at every step. */
static void
stop_ends_inbound_upgrades_at_every_step(void)
{
	int fds[sizeof(steps) / sizeof(steps[0])];
	struct p2p_multiaddr *ma;
	struct raw raw;
	struct pair p;
	uint64_t began;
	char buf[64];
	size_t i;

	schedule_begin();
	pair_tcp(&p);
	CHECK_OK(p2p_multiaddr_parse(p.target, &ma));
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		CHECK_OK(transport_tcp.dial(NULL, ma, -1, CLOCK_NEVER, &raw));
		fds[i] = raw.fd;
		raw.fd = -1;
		raw_close(&raw);
		CHECK_EQ(send(fds[i], steps[i].say, steps[i].len,
		    MSG_NOSIGNAL), (ssize_t)steps[i].len);
		while (recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT) <= 0)
			(void)poll(NULL, 0, 1);
	}
	began = clock_now();
	CHECK_OK(p2p_host_stop(p.b, 0));
	CHECK(clock_now() - began < 2 * CLOCK_S);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		close(fds[i]);
	p2p_multiaddr_free(ma);
	pair_free(&p);
	schedule_end();
}

/* A handler of b that writes and reads nothing until it is told to. */
static void
write_much(struct p2p_stream *s, void *arg)
{
	struct call *w = arg;

	w->s = s;
	w->len = 1 << 20;
	run_write(w);
	stay(s, NULL);
}

/* 7: both sides write and nobody reads, over sockets of four kilobytes. */
static void
both_sides_write_and_nobody_reads(void)
{
	struct call a = { .len = 1 << 20 }, b = { .h = NULL };
	struct session *sa, *sb;
	struct mstream *ma, *mb;
	struct pair p;
	size_t have = 0;
	char buf[65536];
	ssize_t n;

	begin(&p, TINY);
	CHECK_OK(p2p_host_handle(p.b, "/much/1", write_much, &b));
	CHECK_OK(p2p_host_open(p.a, p.target, "/much/1", 5000, &a.s));
	sa = session_of(p.a);
	sb = session_of(p.b);
	ma = pair_first_stream(sa);
	mb = pair_first_stream(sb);
	start(&a, run_write);
	schedule_waiters(&sa->link.mtx, &ma->writable, 1);
	schedule_waiters(&sb->link.mtx, &mb->writable, 1);
	/* Both have filled the other's window; reading sets all in motion. */
	while (have < 1 << 20 && (n = p2p_stream_read(a.s, buf,
	    sizeof(buf))) > 0)
		have += (size_t)n;
	CHECK_EQ(have, 1 << 20);
	let_go(false, true);
	thread_join(&a.thread);
	CHECK_EQ(a.result, 1 << 20);
	CHECK_OK(p2p_stream_close_write(a.s));
	CHECK_EQ(p2p_stream_read(a.s, buf, 1), 0);
	CHECK_EQ(b.result, 1 << 20);
	p2p_stream_free(a.s);
	end(&p);
}

/* 8: the flusher dies of an error while others wait for room. */
static void
a_flushers_death_wakes_who_waits_for_room(void)
{
	struct call w[MANY];
	struct stop *deaf, *full;
	struct session *sa, *sb;
	struct pair p;
	unsigned i;

	begin(&p, TINY);
	open_many(&p, w);
	sa = session_of(p.a);
	sb = session_of(p.b);
	deaf = deafen(&p);
	full = stop_at("full", &sa->link, "caller");
	for (i = 0; i < MANY; i++)
		start(&w[i], run_write);
	stop_reached(full);
	schedule_waiters(&sa->link.mtx, &sa->link.room, STUCK);
	session_close(sb, 0);		/* its socket is shut: EPIPE for us */
	stop_release(full);
	join_many(w);
	stop_release(deaf);
	for (i = 0; i < MANY; i++)
		p2p_stream_free(w[i].s);
	end(&p);
}

/* 9: every handler waits for a stream that needs a handler. */
#define DEPTH	4

static atomic_int deepest;

static void
go_deeper(struct p2p_stream *s, void *arg)
{
	static const char *const protocols[] = { "/deep/1", NULL };
	struct p2p_host *h = arg;
	struct p2p_stream *next;
	char c = 'd';

	atomic_fetch_add(&deepest, 1);
	if (p2p_host_open_peer(h, p2p_stream_peer(s), protocols, 10000,
	    &next) != 0) {
		p2p_stream_reset(s);
		return;
	}
	if (p2p_stream_write_full(next, &c, 1) != 0 ||
	    p2p_stream_read(next, &c, 1) != 1 ||
	    p2p_stream_write_full(s, &c, 1) != 0)
		p2p_stream_reset(s);
	p2p_stream_free(next);
}

static void
handlers_that_wait_for_handlers_end_by_the_limit(void)
{
	static const struct p2p_limit_setting few[] = {
		{ "handlers", DEPTH }, { NULL, 0 } };
	struct p2p_host_config config = { .limits = few,
	    .no_identify = true };
	struct p2p_stream *s;
	struct pair p;
	int e;
	char c = 'd';

	atomic_store(&deepest, 0);
	pair_config(&p, &config, &config);
	CHECK_OK(p2p_host_handle(p.a, "/deep/1", go_deeper, p.a));
	CHECK_OK(p2p_host_handle(p.b, "/deep/1", go_deeper, p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, "/deep/1", 5000, &s));
	if ((e = p2p_stream_write_full(s, &c, 1)) == 0)
		e = (int)p2p_stream_read(s, &c, 1);
	CHECK_ERR(e, P2P_ERR_RESET);
	CHECK_EQ(atomic_load(&deepest), 2 * DEPTH);
	p2p_stream_free(s);
	pair_free(&p);
}

/* 10: credit for a stream that has left. */
static void
credit_for_a_stream_that_left_is_ignored(void)
{
	struct call w = { .len = 200 * 1024 };
	struct session *sa, *sb;
	struct stop *flush;
	struct mux *mux;
	struct pair p;
	uint64_t rtt, fill;

	begin(&p, 0);
	CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &w.s));
	sa = session_of(p.a);
	sb = session_of(p.b);
	run_write(&w);
	CHECK_EQ(w.result, 200 * 1024);
	pair_pass(&p, 0);
	mux = sa->link.mux;
	lock_lock(&sa->link.mtx);
	fill = mux->glitches.fill;	/* pings take from it, too */
	lock_unlock(&sa->link.mtx);
	flush = stop_at("flush", &sb->link, NULL);
	let_go(false, true);
	stop_reached(flush);		/* b's credit is on its way */
	p2p_stream_reset(w.s);
	p2p_stream_free(w.s);		/* and a has forgotten the stream */
	stop_release(flush);
	/* What it sends next comes behind. */
	CHECK_OK(p2p_ping(p.a, p2p_host_id(p.b), 5000, &rtt));
	lock_lock(&sa->link.mtx);
	CHECK_EQ(mux->glitches.fill, fill);
	lock_unlock(&sa->link.mtx);
	end(&p);
}

/* Not among the ten: stop says so when a handler sits in its own code. */
static void
stop_names_a_handler_that_sits_in_its_own_code(void)
{
	struct p2p_stream *s;
	char name[64];
	struct pair p;

	begin(&p, 0);
	CHECK_OK(p2p_host_open(p.a, p.target, QUIET, 5000, &s));
	wait_inside(1);
	CHECK_ERR(p2p_host_stop(p.b, 300), P2P_ERR_BUSY);
	CHECK_EQ(p2p_host_busy(p.b, name, sizeof(name)), 1);
	CHECK_STR(name, QUIET);
	let_go(false, false);
	CHECK_OK(p2p_host_stop(p.b, 0));
	p2p_stream_free(s);
	end(&p);
}

static void
stop_here(struct p2p_stream *s, void *arg)
{
	int e = p2p_host_stop(arg, 0);
	uint8_t ok = e == P2P_ERR_DEADLOCK;

	CHECK_OK(p2p_stream_write_full(s, &ok, 1));
}

static void
stop_from_a_handler_is_refused(void)
{
	struct p2p_stream *s;
	struct pair p;
	uint8_t ok = 0;

	begin(&p, 0);
	CHECK_OK(p2p_host_handle(p.b, "/stop/1", stop_here, p.b));
	CHECK_OK(p2p_host_open(p.a, p.target, "/stop/1", 5000, &s));
	CHECK_OK(p2p_stream_read_full(s, &ok, 1));
	CHECK_EQ(ok, 1);
	p2p_stream_free(s);
	end(&p);
}

TESTS("lifecycle",
	{ "1: a writer without window is woken",
	    a_writer_without_window_is_woken },
	{ "1: writers without room are woken", writers_without_room_are_woken },
	{ "1: a flusher that is reset lets the role go",
	    a_flusher_that_is_reset_lets_the_role_go },
	{ "2: the peer's reset wakes reader and writer",
	    the_peers_reset_wakes_reader_and_writer },
	{ "3: our reset beats a FIN and never looks like one",
	    our_reset_beats_a_fin_and_never_looks_like_one },
	{ "4: an open under a dying connection fails at once",
	    an_open_under_a_dying_connection_fails_at_once },
	{ "5: a stream outlives everything", a_stream_outlives_everything },
	{ "6: stop ends a dial at every step", stop_ends_a_dial_at_every_step },
	{ "6: stop ends a TCP connect", stop_ends_a_tcp_connect },
	{ "6: stop ends inbound upgrades at every step",
	    stop_ends_inbound_upgrades_at_every_step },
	{ "7: both sides write and nobody reads",
	    both_sides_write_and_nobody_reads },
	{ "8: a flusher's death wakes who waits for room",
	    a_flushers_death_wakes_who_waits_for_room },
	{ "9: handlers that wait for handlers end by the limit",
	    handlers_that_wait_for_handlers_end_by_the_limit },
	{ "10: credit for a stream that left is ignored",
	    credit_for_a_stream_that_left_is_ignored },
	{ "stop names a handler that sits in its own code",
	    stop_names_a_handler_that_sits_in_its_own_code },
	{ "stop from a handler is refused", stop_from_a_handler_is_refused })
