/*
 * Upgrades over socket pairs: two ends of ours, one end of ours behind a relay
 * that cuts, and one end of ours with a peer that is played by hand.
 */
#include "negotiate/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"

#define SOON_MS		100
#define LATE_MS		20000	/* long enough to be a failure */
#define ALL		SIZE_MAX

#define HEADER	"\x13" "/multistream/1.0.0\n"
#define TLS	"\x0b" "/tls/1.0.0\n"
#define YAMUX	"\x0d" "/yamux/1.0.0\n"
#define MPLEX	"\x0d" "/mplex/6.7.0\n"
#define NA	"\x03" "na\n"

static const char *const no_muxers[] = { NULL };

/* One end of ours: upgrade() in a thread. */
struct end {
	struct p2p_key		*key;
	struct p2p_peer_id	 id;
	struct upgrader		 u;
	struct raw		 raw;
	bool			 dialer;
	const struct p2p_peer_id *expected;
	struct wake		 wake;
	uint64_t		 deadline;
	bool			 hang_up;	/* even when all is well */
	struct thread		 thread;
	int			 e;
	enum p2p_stage		 stage;
	struct upgraded		 up;
};

static void
end_init(struct end *s, bool dialer, int fd)
{
	*s = (struct end){ .dialer = dialer, .raw = { .fd = fd },
	    .deadline = clock_deadline_ms(LATE_MS) };
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &s->key));
	p2p_peer_id_from_key(s->key, &s->id);
	CHECK_OK(upgrader_init(&s->u,
	    &(struct upgrader_params){ .key = s->key }));
	CHECK_OK(wake_init(&s->wake));
}

static void
end_run(void *arg)
{
	struct end *s = arg;

	s->e = upgrade(&s->u, &s->raw, s->dialer, s->expected, s->wake.fd,
	    s->deadline, &s->stage, &s->up);
	if (s->e != 0 || s->hang_up)
		(void)shutdown(s->raw.fd, SHUT_RDWR);
}

static void
end_start(struct end *s)
{
	CHECK_OK(thread_start(&s->thread, "upgrade", THREAD_STACK, end_run,
	    s));
}

/* It must have ended so; nothing may be left of a failure. */
static void
end_check(struct end *s, int e, enum p2p_stage stage)
{
	thread_join(&s->thread);
	CHECK_ERR(s->e, e);
	CHECK_EQ(s->stage, stage);
	CHECK((s->up.codec != NULL) == (e == 0));
	CHECK((s->up.early != NULL) == (e == 0));
}

static void
end_fini(struct end *s)
{
	if (s->up.codec != NULL)
		s->up.sec->codec_free(s->up.codec);
	free(s->up.early);
	raw_close(&s->raw);
	wake_fini(&s->wake);
	upgrader_fini(&s->u);
	p2p_key_free(s->key);
}

static void
two_ends(struct end *dialer, struct end *listener)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	end_init(dialer, true, fds[0]);
	end_init(listener, false, fds[1]);
}

/* Bytes that one end seals come out of the other. */
static void
check_talks(struct end *from, struct end *to)
{
	uint8_t *buf = malloc(SECURITY_OUT_MIN);
	size_t len, plain = 0;
	struct wr w;
	bool talk;

	wr_init(&w, buf, SECURITY_OUT_MIN);
	CHECK_OK(from->up.sec->seal(from->up.codec, (const uint8_t *)"hello",
	    5, &w));
	len = w.len;
	CHECK_OK(security_open(to->up.sec, to->up.codec, buf, &len, &plain,
	    &talk));
	CHECK_BYTES(buf, plain, "hello", 5);
	free(buf);
}

static void
two_ends_agree_and_know_each_other(void)
{
	struct end d, l;

	two_ends(&d, &l);
	d.expected = &l.id;
	end_start(&d);
	end_start(&l);
	end_check(&d, 0, P2P_STAGE_DONE);
	end_check(&l, 0, P2P_STAGE_DONE);
	CHECK(p2p_peer_id_equal(&d.up.peer, &l.id));
	CHECK(p2p_peer_id_equal(&l.up.peer, &d.id));
	CHECK(d.up.sec == &security_tls && l.up.sec == &security_tls);
	CHECK(d.up.mux == &mux_yamux && l.up.mux == &mux_yamux);
	CHECK_EQ(d.up.plain + d.up.cipher + l.up.plain + l.up.cipher, 0);
	check_talks(&d, &l);
	check_talks(&l, &d);
	end_fini(&d);
	end_fini(&l);
}

static void
another_peer_than_expected_is_named(void)
{
	struct end d, l;

	two_ends(&d, &l);
	d.expected = &d.id;
	end_start(&d);
	end_start(&l);
	end_check(&d, P2P_ERR_WRONG_PEER, P2P_STAGE_SECURITY);
	CHECK(p2p_peer_id_equal(&d.up.peer, &l.id));
	thread_join(&l.thread);
	CHECK(l.e != 0);		/* it got an alert */
	CHECK(l.up.codec == NULL);
	end_fini(&d);
	end_fini(&l);
}

/* What an upgrader says to offers; NULL: the defaults. */
static int
offer(const char *const *security, const char *const *muxers)
{
	struct upgrader_params p = { .security = security, .muxers = muxers };
	struct p2p_key *key = NULL;
	struct upgrader u;
	int e;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p.key = key;
	e = upgrader_init(&u, &p);
	upgrader_fini(&u);
	p2p_key_free(key);
	return e;
}

static void
only_known_protocols_may_be_offered(void)
{
	static const char *const both[] = { "/noise", "/tls/1.0.0", NULL };
	static const char *const old[] = { "/tls/1.0.0", "/secio/1.0.0", NULL };
	static const char *const spdy[] = { "/spdy/3.1.0", NULL };
	static const char *const twice[] = { "/noise", "/noise", NULL };
	const char *many[UPGRADE_PROTOCOLS_MAX + 2] = { NULL };
	size_t i;

	CHECK_OK(offer(NULL, NULL));
	CHECK_OK(offer(both, NULL));
	CHECK_ERR(offer(old, NULL), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(offer(NULL, spdy), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(offer(no_muxers, NULL), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(offer(twice, NULL), P2P_ERR_UNSUPPORTED);
	for (i = 0; i <= UPGRADE_PROTOCOLS_MAX; i++)
		many[i] = "/yamux/1.0.0";
	CHECK_ERR(offer(NULL, many), P2P_ERR_TOO_LARGE);
}

/*
 * A relay between two ends: everything passes to the peer, but only so many
 * bytes to the victim, and then nothing, their end, or a wake.
 */
enum then { STALL, END, WAKE };

struct cut {
	struct end	victim, peer;
	int		fd[2];		/* the relay's: to victim, to peer */
};

static size_t
pass(int from, int to, size_t most)
{
	uint8_t buf[4096];
	ssize_t n;

	n = recv(from, buf, most < sizeof(buf) ? most : sizeof(buf), 0);
	if (n <= 0)
		return 0;
	(void)send(to, buf, (size_t)n, MSG_NOSIGNAL);
	return (size_t)n;
}

static void
stop_passing(struct cut *c, enum then then)
{
	if (then == END)
		(void)shutdown(c->fd[0], SHUT_WR);
	else if (then == WAKE)
		wake_set(&c->victim.wake);
}

/* Until the victim hangs up; returns the bytes it got. */
static size_t
relay(struct cut *c, size_t most, enum then then)
{
	struct pollfd p[2] = { { c->fd[0], POLLIN, 0 },
	    { c->fd[1], POLLIN, 0 } };
	size_t n, got = 0;

	for (;;) {
		if (p[1].fd != -1 && got == most) {
			stop_passing(c, then);
			p[1].fd = -1;
		}
		if (poll(p, 2, LATE_MS) <= 0)
			break;
		if (p[0].revents != 0 && pass(c->fd[0], c->fd[1], ALL) == 0)
			break;
		if (p[1].fd == -1 || p[1].revents == 0)
			continue;
		if ((n = pass(c->fd[1], c->fd[0], most - got)) == 0)
			p[1].fd = -1;
		got += n;
	}
	return got;
}

/* An upgrade that is cut after so many bytes to the victim. */
static size_t
cut(struct cut *c, bool dialer, size_t most, enum then then)
{
	int a[2], b[2];
	size_t n;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	end_init(&c->victim, dialer, a[0]);
	end_init(&c->peer, !dialer, b[0]);
	c->fd[0] = a[1];
	c->fd[1] = b[1];
	c->victim.hang_up = true;
	if (then == STALL && most != ALL)
		c->victim.deadline = clock_deadline_ms(SOON_MS);
	end_start(&c->victim);
	end_start(&c->peer);
	n = relay(c, most, then);
	close(c->fd[1]);
	thread_join(&c->peer.thread);
	return n;
}

static void
cut_fini(struct cut *c)
{
	close(c->fd[0]);
	end_fini(&c->victim);
	end_fini(&c->peer);
}

/* What an undisturbed victim gets; signatures vary by some bytes. */
static size_t
bytes_needed(bool dialer)
{
	struct cut c;
	size_t n;

	n = cut(&c, dialer, ALL, STALL);
	end_check(&c.victim, 0, P2P_STAGE_DONE);
	cut_fini(&c);
	CHECK(n > 500 && n < 4000);
	return n - 32;
}

static void
check_cuts(size_t step, enum then then, int e)
{
	struct cut c;
	int dialer;
	size_t n, all;

	for (dialer = 0; dialer < 2; dialer++) {
		all = bytes_needed(dialer);
		for (n = 0; n < all; n += step) {
			CHECK_EQ(cut(&c, dialer, n, then), n);
			end_check(&c.victim, e, P2P_STAGE_SECURITY);
			cut_fini(&c);
		}
	}
}

static void
an_end_at_any_byte_is_a_disconnection(void)
{
	check_cuts(29, END, P2P_ERR_DISCONNECTED);
}

static void
a_wake_ends_it_wherever_it_waits(void)
{
	check_cuts(67, WAKE, P2P_ERR_CLOSED);
}

static void
a_silent_peer_costs_the_deadline(void)
{
	check_cuts(397, STALL, P2P_ERR_TIMEOUT);
}

/* A peer by hand: what it sends and when is the test's. */
struct hand {
	int		 fd;
	struct p2p_key	*key;
	void		*context;
	struct codec	*codec;
	struct wr	 out;		/* not sent yet */
	uint8_t		 outbuf[SECURITY_OUT_MIN + 4096];
	uint8_t		 in[SECURITY_OUT_MIN];
	size_t		 len;		/* of in */
};

static struct hand *
hand_new(struct end *s, bool ours_dials)
{
	const struct timeval late = { .tv_sec = LATE_MS / 1000 };
	struct hand *h = calloc(1, sizeof(*h));
	int fds[2];

	CHECK_FATAL(h != NULL);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	end_init(s, ours_dials, fds[0]);
	h->fd = fds[1];
	CHECK_EQ(setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &late,
	    sizeof(late)), 0);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &h->key));
	wr_init(&h->out, h->outbuf, sizeof(h->outbuf));
	return h;
}

static void
hand_free(struct hand *h)
{
	security_tls.codec_free(h->codec);
	security_tls.context_free(h->context);
	p2p_key_free(h->key);
	close(h->fd);
	free(h);
}

static void
hand_say(struct hand *h, const char *text)
{
	wr_bytes(&h->out, text, strlen(text));
}

static void
hand_send(struct hand *h)
{
	CHECK_EQ(send(h->fd, h->out.p, h->out.len, MSG_NOSIGNAL), h->out.len);
	h->out.len = 0;
}

/* Exactly this text comes next. */
static void
hand_hears(struct hand *h, const char *text)
{
	char buf[256];
	ssize_t n;

	n = recv(h->fd, buf, strlen(text), MSG_WAITALL);
	CHECK_BYTES(buf, n < 0 ? 0 : n, text, strlen(text));
}

static void
hand_secure(struct hand *h, bool dialer)
{
	struct security_params p = { .key = h->key, .dialer = dialer,
	    .muxers = no_muxers };

	CHECK_OK(security_tls.context_new(h->key, NULL, &h->context));
	p.context = h->context;
	CHECK_OK(security_tls.codec_new(&p, &h->codec));
	CHECK_FATAL(h->codec != NULL);
}

static void
hand_read(struct hand *h)
{
	ssize_t n;

	n = recv(h->fd, h->in + h->len, sizeof(h->in) - h->len, 0);
	CHECK_FATAL(n > 0);
	h->len += (size_t)n;
}

/* A handshake; a dialer's last flight is left in out. */
static void
hand_shakes(struct hand *h, bool dialer)
{
	struct rd in = { NULL, 0 };
	struct wr w;
	int e;

	hand_secure(h, dialer);
	do {
		wr_init(&w, h->out.p + h->out.len, SECURITY_OUT_MIN);
		e = security_tls.handshake(h->codec, &in, &w);
		h->out.len += w.len;
		memmove(h->in, in.p != NULL ? in.p : h->in, in.len);
		h->len = in.len;
		if (e == 1) {
			hand_send(h);
			hand_read(h);
			in = (struct rd){ h->in, h->len };
		}
	} while (e == 1);
	CHECK_OK(e);
}

static void
hand_seals(struct hand *h, const char *text)
{
	CHECK_OK(security_tls.seal(h->codec, (const uint8_t *)text,
	    strlen(text), &h->out));
}

/* Exactly this text comes next, sealed, in however many records. */
static void
hand_opens(struct hand *h, const char *text)
{
	size_t plain = 0, got = 0, want = strlen(text);
	uint8_t *buf = malloc(sizeof(h->in));
	bool talk;

	while (got < want) {
		if (h->len == 0)
			hand_read(h);
		CHECK_OK(security_open(&security_tls, h->codec, h->in, &h->len,
		    &plain, &talk));
		memcpy(buf + got, h->in, plain);
		got += plain;
		memmove(h->in, h->in + plain, h->len);
		if (plain == 0)
			hand_read(h);
	}
	CHECK_BYTES(buf, got, text, want);
	free(buf);
}

/* What the session will read: what is early, then what the socket has. */
static void
check_reads(struct end *s, const char *text)
{
	uint8_t *buf = calloc(1, 2 * SECURITY_OUT_MIN);
	size_t len = s->up.cipher, got = s->up.plain, plain;
	ssize_t n;
	bool talk;

	memcpy(buf, s->up.early, got + len);
	for (;;) {
		CHECK_OK(security_open(s->up.sec, s->up.codec, buf + got, &len,
		    &plain, &talk));
		got += plain;
		if (got >= strlen(text))
			break;
		CHECK_OK(wake_poll(s->raw.fd, POLLIN, -1, s->deadline));
		n = recv(s->raw.fd, buf + got + len, SECURITY_OUT_MIN, 0);
		CHECK_FATAL(n > 0);
		len += (size_t)n;
	}
	CHECK_BYTES(buf, got, text, strlen(text));
	free(buf);
}

/* The dialer's muxer talk and data come in one piece with its Finished. */
static void
nothing_that_came_with_the_handshake_is_lost(void)
{
	struct end s;
	struct hand *h = hand_new(&s, false);

	end_start(&s);
	hand_say(h, HEADER TLS);
	hand_send(h);
	hand_hears(h, HEADER TLS);
	hand_shakes(h, true);
	hand_seals(h, HEADER YAMUX "hello ");
	hand_seals(h, "world");
	hand_send(h);
	end_check(&s, 0, P2P_STAGE_DONE);
	CHECK_EQ(s.up.plain, strlen("hello world"));
	check_reads(&s, "hello world");
	hand_opens(h, HEADER YAMUX);
	end_fini(&s);
	hand_free(h);
}

/* Half of a record behind the agreement, the rest of it later. */
static void
half_a_record_is_left_to_the_session(void)
{
	struct end s;
	struct hand *h = hand_new(&s, false);
	size_t half;

	end_start(&s);
	hand_say(h, HEADER TLS);
	hand_send(h);
	hand_hears(h, HEADER TLS);
	hand_shakes(h, true);
	hand_seals(h, HEADER YAMUX "hello ");
	half = h->out.len + 9;
	hand_seals(h, "world");
	CHECK_EQ(send(h->fd, h->out.p, half, MSG_NOSIGNAL), half);
	end_check(&s, 0, P2P_STAGE_DONE);
	CHECK_EQ(s.up.plain, strlen("hello "));
	CHECK_EQ(s.up.cipher, 9);
	CHECK_EQ(send(h->fd, h->out.p + half, h->out.len - half,
	    MSG_NOSIGNAL), h->out.len - half);
	check_reads(&s, "hello world");
	end_fini(&s);
	hand_free(h);
}

/* ALPN chose the muxer already: what comes next is all the session's. */
static void
data_behind_an_inlined_muxer_is_left_sealed(void)
{
	struct end d, l;
	struct wr w;
	uint8_t *buf = malloc(SECURITY_OUT_MIN);

	two_ends(&d, &l);
	end_start(&d);
	end_start(&l);
	end_check(&d, 0, P2P_STAGE_DONE);
	wr_init(&w, buf, SECURITY_OUT_MIN);
	CHECK_OK(d.up.sec->seal(d.up.codec, (const uint8_t *)"hello", 5, &w));
	CHECK_EQ(send(d.raw.fd, buf, w.len, MSG_NOSIGNAL), w.len);
	end_check(&l, 0, P2P_STAGE_DONE);
	CHECK_EQ(l.up.plain, 0);
	check_reads(&l, "hello");
	end_fini(&d);
	end_fini(&l);
	free(buf);
}

static void
a_dialer_agrees_inside_and_keeps_what_is_early(void)
{
	struct end s;
	struct hand *h = hand_new(&s, true);

	end_start(&s);
	hand_hears(h, HEADER TLS);
	hand_say(h, HEADER TLS);
	hand_shakes(h, false);
	hand_opens(h, HEADER YAMUX);
	hand_seals(h, HEADER YAMUX "hello");
	hand_send(h);
	end_check(&s, 0, P2P_STAGE_DONE);
	check_reads(&s, "hello");
	end_fini(&s);
	hand_free(h);
}

static void
no_common_security_is_no_protocol(void)
{
	struct end s;
	struct hand *h = hand_new(&s, true);

	end_start(&s);
	hand_hears(h, HEADER TLS);
	hand_say(h, HEADER NA);
	hand_send(h);
	hand_hears(h, "\x07" "/noise\n");
	hand_say(h, NA);
	hand_send(h);
	end_check(&s, P2P_ERR_NO_PROTOCOL, P2P_STAGE_SECURITY);
	end_fini(&s);
	hand_free(h);
	h = hand_new(&s, false);
	end_start(&s);
	hand_say(h, HEADER "\x0d" "/secio/1.0.0\n" "\x11"
	    "/plaintext/2.0.0\n");
	hand_send(h);
	hand_hears(h, HEADER NA NA);
	CHECK_EQ(shutdown(h->fd, SHUT_WR), 0);
	end_check(&s, P2P_ERR_DISCONNECTED, P2P_STAGE_SECURITY);
	end_fini(&s);
	hand_free(h);
}

static void
no_common_muxer_is_no_protocol(void)
{
	struct end s;
	struct hand *h = hand_new(&s, true);

	end_start(&s);
	hand_hears(h, HEADER TLS);
	hand_say(h, HEADER TLS);
	hand_shakes(h, false);
	hand_seals(h, HEADER NA);
	hand_send(h);
	end_check(&s, P2P_ERR_NO_PROTOCOL, P2P_STAGE_MUXER);
	end_fini(&s);
	hand_free(h);
	h = hand_new(&s, false);
	end_start(&s);
	hand_say(h, HEADER TLS);
	hand_send(h);
	hand_hears(h, HEADER TLS);
	hand_shakes(h, true);
	hand_seals(h, HEADER MPLEX);
	hand_send(h);
	hand_opens(h, HEADER NA);
	CHECK_EQ(shutdown(h->fd, SHUT_WR), 0);
	end_check(&s, P2P_ERR_DISCONNECTED, P2P_STAGE_MUXER);
	end_fini(&s);
	hand_free(h);
}

static void
check_garbage(bool dialer, const char *first, const char *garbage, int e)
{
	struct end s;
	struct hand *h = hand_new(&s, dialer);
	int i;

	end_start(&s);
	hand_say(h, first);
	for (i = 0; i < 16; i++)	/* a length is believed at first */
		hand_say(h, garbage);
	hand_send(h);
	end_check(&s, e, P2P_STAGE_SECURITY);
	end_fini(&s);
	hand_free(h);
}

static void
garbage_ends_it_at_once(void)
{
	static const char *const garbage[] = { "GET / HTTP/1.1\r\n\r\n",
	    "SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\x05\x01",
	    "\xff\xff\xff\xff", ("\x13" "/multistream/2.0.0\n") };
	size_t i;
	int dialer;

	for (dialer = 0; dialer < 2; dialer++) {
		for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
			check_garbage(dialer, "", garbage[i],
			    P2P_ERR_PROTOCOL);
		check_garbage(dialer, HEADER TLS, garbage[0],
		    P2P_ERR_SECURITY);
	}
}

/* A muxer that nobody offered, and garbage where records should be. */
static void
garbage_inside_ends_it_at_once(void)
{
	struct end s;
	struct hand *h = hand_new(&s, true);

	end_start(&s);
	hand_hears(h, HEADER TLS);
	hand_say(h, HEADER TLS);
	hand_shakes(h, false);
	hand_seals(h, HEADER MPLEX);
	hand_send(h);
	end_check(&s, P2P_ERR_PROTOCOL, P2P_STAGE_MUXER);
	end_fini(&s);
	hand_free(h);
	h = hand_new(&s, false);
	end_start(&s);
	hand_say(h, HEADER TLS);
	hand_send(h);
	hand_hears(h, HEADER TLS);
	hand_shakes(h, true);
	hand_say(h, "\xff\xff\xff\xff\xff\xff\xff\xff");
	hand_send(h);
	end_check(&s, P2P_ERR_SECURITY, P2P_STAGE_MUXER);
	end_fini(&s);
	hand_free(h);
}

/* The answers do not fit into the socket, and nobody reads them. */
static void
check_blocked_answer(bool woken)
{
	struct end s;
	struct hand *h = hand_new(&s, false);
	int small = 1, i;

	CHECK_EQ(setsockopt(s.raw.fd, SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)), 0);
	if (!woken)
		s.deadline = clock_deadline_ms(SOON_MS);
	hand_say(h, HEADER);
	for (i = 0; i < 64; i++)
		hand_say(h, "\x07" "/noise\n");
	hand_send(h);
	end_start(&s);
	if (woken) {
		hand_hears(h, "\x13");	/* it has begun */
		wake_set(&s.wake);
	}
	end_check(&s, woken ? P2P_ERR_CLOSED : P2P_ERR_TIMEOUT,
	    P2P_STAGE_SECURITY);
	end_fini(&s);
	hand_free(h);
}

static void
an_answer_that_nobody_reads_has_its_reason(void)
{
	check_blocked_answer(false);
	check_blocked_answer(true);
}

TESTS("upgrade",
	{ "two ends agree and know each other",
	    two_ends_agree_and_know_each_other },
	{ "another peer than expected is named",
	    another_peer_than_expected_is_named },
	{ "only known protocols may be offered",
	    only_known_protocols_may_be_offered },
	{ "an end at any byte is a disconnection",
	    an_end_at_any_byte_is_a_disconnection },
	{ "a wake ends it wherever it waits",
	    a_wake_ends_it_wherever_it_waits },
	{ "a silent peer costs the deadline",
	    a_silent_peer_costs_the_deadline },
	{ "nothing that came with the handshake is lost",
	    nothing_that_came_with_the_handshake_is_lost },
	{ "half a record is left to the session",
	    half_a_record_is_left_to_the_session },
	{ "data behind an inlined muxer is left sealed",
	    data_behind_an_inlined_muxer_is_left_sealed },
	{ "a dialer agrees inside and keeps what is early",
	    a_dialer_agrees_inside_and_keeps_what_is_early },
	{ "no common security is no protocol",
	    no_common_security_is_no_protocol },
	{ "no common muxer is no protocol", no_common_muxer_is_no_protocol },
	{ "garbage ends it at once", garbage_ends_it_at_once },
	{ "garbage inside ends it at once", garbage_inside_ends_it_at_once },
	{ "an answer that nobody reads has its reason",
	    an_answer_that_nobody_reads_has_its_reason })
