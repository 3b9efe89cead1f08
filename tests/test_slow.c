/*
 * Slowness in every phase (spec/faults.md F1): who says nothing, half of
 * something, or a byte now and then, is done with at the phase's deadline, and
 * an honest peer of the same host does not notice.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/perf.h"
#include "p2p/ping.h"
#include "pair.h"

#define HEADER	"\x13" "/multistream/1.0.0\n"
#define TLS	"\x0b" "/tls/1.0.0\n"
#define PING	"\x11" "/ipfs/ping/1.0.0\n"
#define PUSH	"\x14" "/ipfs/id/push/1.0.0\n"
#define ECHO	"\x0c" "/echo/1.0.0\n"
#define PERF	"\x0c" "/perf/1.0.0\n"

static void
honest(struct pair *p)
{
	uint64_t rtt;

	CHECK_OK(p2p_ping(p->a, p2p_host_id(p->b), 5000, &rtt));
}

static void
begin(struct pair *p)
{
	clock_test_advance(1);		/* waits notice jumps from here on */
	pair_tcp(p);
	CHECK_OK(p2p_echo_serve(p->b));
	CHECK_OK(p2p_perf_serve(p->b));
	CHECK_OK(p2p_host_connect(p->a, p->target, NULL, NULL, NULL));
	evil_settles(p->b, LIMIT_UPGRADES, 0);
	host_joined(p->b, 1);
}

/* A hello that wants 512 bytes more than ever come. */
static const char hello[] = HEADER TLS
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

static void
a_trickle_does_not_move_the_deadline(void)
{
	struct pair p;
	size_t from, i;
	int fd;

	begin(&p);
	for (from = 0; from < sizeof(hello) - 5; from += 7) {
		fd = evil_connect(p.target);
		CHECK_EQ(send(fd, hello, from, MSG_NOSIGNAL), (ssize_t)from);
		/* Its header shows that the upgrade has begun. */
		CHECK_EQ(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1,
		    EVIL_WAIT_MS), 1);
		for (i = 0; i < 4; i++) {
			CHECK_EQ(evil_used(p.b, LIMIT_UPGRADES), 1);
			(void)send(fd, hello + from + i, 1, MSG_NOSIGNAL);
			pair_pass(&p, 4);
		}
		CHECK(evil_closes(fd));
		close(fd);
		evil_settles(p.b, LIMIT_UPGRADES, 0);
		honest(&p);
	}
	pair_free(&p);
}

static void
read_exactly(int fd, uint8_t *to, size_t len)
{
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n;

	for (; len > 0 && poll(&p, 1, EVIL_WAIT_MS) == 1; len -= (size_t)n) {
		n = recv(fd, to, len, 0);
		CHECK_FATAL(n > 0);
		to += n;
	}
	CHECK_EQ(len, 0);
}

/* TLS without a muxer in its ALPN, and then nothing. */
static void
secured_and_no_muxer_chosen(void)
{
	static const char *const none[] = { NULL };
	struct security_params params = { .dialer = true, .muxers = none };
	uint8_t in[16384], out[SECURITY_OUT_MIN];
	struct codec *codec;
	struct p2p_key *key;
	void *context;
	struct pair p;
	size_t have;
	struct rd r;
	struct wr w;
	int fd, e = 1;

	begin(&p);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	CHECK_OK(security_tls.context_new(key, NULL, &context));
	params.key = key;
	params.context = context;
	CHECK_OK(security_tls.codec_new(&params, &codec));
	fd = evil_connect(p.target);
	CHECK_EQ(send(fd, HEADER TLS, 32, MSG_NOSIGNAL), 32);
	read_exactly(fd, in, 32);
	for (have = 0; e == 1; have = r.len) {
		r = (struct rd){ in, have };
		wr_init(&w, out, sizeof(out));
		e = security_tls.handshake(codec, &r, &w);
		memmove(in, r.p, r.len);
		CHECK_EQ(send(fd, out, w.len, MSG_NOSIGNAL), (ssize_t)w.len);
		if (e == 1) {
			(void)poll(&(struct pollfd){ fd, POLLIN, 0 }, 1,
			    EVIL_WAIT_MS);
			r.len += (size_t)recv(fd, in + r.len,
			    sizeof(in) - r.len, 0);
		}
	}
	CHECK_OK(e);
	pair_pass(&p, 12);
	CHECK_EQ(evil_used(p.b, LIMIT_UPGRADES), 1);
	pair_pass(&p, 8);
	CHECK(evil_closes(fd));
	evil_settles(p.b, LIMIT_UPGRADES, 0);
	honest(&p);
	close(fd);
	security_tls.codec_free(codec);
	security_tls.context_free(context);
	p2p_key_free(key);
	pair_free(&p);
}

/*
 * Something said on an upgraded connection and not continued: after less than
 * `before` seconds nothing has happened, after `after` the stream is reset or,
 * without one, the connection is gone.
 */
struct pause {
	const char	*name;
	uint32_t	 stream;	/* 0: the connection ends */
	const char	*bytes;
	size_t		 len;
	unsigned	 before, after;
};

#define FRAME(type, flags, id, len) \
	"\0" type "\0" flags "\0\0\0" id "\0\0" len
#define OPEN	FRAME("\1", "\1", "\1", "\0\0")
#define SAY(text, len) OPEN FRAME("\0", "\0", "\1", "\0" len) text
#define LEN(text) text, sizeof(text) - 1

static const struct pause pauses[] = {
	{ "eleven bytes of a header", 0, OPEN, 11, 8, 12 },
	{ "a body that does not come", 0,
	    LEN(OPEN FRAME("\0", "\0", "\1", "\4\0")), 26, 34 },
	{ "half of a body", 0,
	    LEN(OPEN FRAME("\0", "\0", "\1", "\0\x18") HEADER), 26, 34 },
	{ "a stream and no word", 1, LEN(OPEN), 8, 12 },
	{ "a header and no proposal", 1, LEN(SAY(HEADER, "\x14")), 8, 12 },
	{ "half of a proposal", 1, LEN(SAY(HEADER "\x11/ipfs", "\x1a")), 8,
	    12 },
	{ "no ping", 1, LEN(SAY(HEADER PING, "\x26")), 8, 12 },
	{ "half of a ping", 1, LEN(SAY(HEADER PING "0123456789abcdef",
	    "\x36")), 8, 12 },
	{ "no push", 1, LEN(SAY(HEADER PUSH, "\x29")), 4, 8 },
	{ "half of a push", 1, LEN(SAY(HEADER PUSH "\x20\x0a", "\x2b")), 4,
	    8 },
	{ "half of a length", 1, LEN(SAY(HEADER PUSH "\x80", "\x2a")), 4, 8 },
	{ "half of a perf", 1, LEN(SAY(HEADER PERF "\0\0\0", "\x24")), 26,
	    34 },
	{ "an echo of nothing", 1, LEN(SAY(HEADER ECHO, "\x21")), 56, 64 },
};

static void
every_pause_ends_at_its_deadline(void)
{
	const struct pause *q;
	struct pair p;
	struct evil v;
	size_t i;
	bool over;

	for (i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		q = &pauses[i];
		begin(&p);
		evil_new(&v, p.target, NULL);
		host_joined(p.b, 2);
		evil_pass(&v, &p, 0);	/* the first ping is answered */
		v.mute = q->stream == 0;
		CHECK(evil_send(&v, q->bytes, q->len));
		evil_pass(&v, &p, q->before);
		over = v.closed || (q->stream != 0 && (v.resets & 2) != 0);
		if (over)
			fprintf(stderr, "too early: %s\n", q->name);
		CHECK(!over);
		honest(&p);
		evil_pass(&v, &p, q->after - q->before);
		over = q->stream == 0 ? v.closed || evil_closes(v.raw.fd) :
		    evil_reset(&v, 1) && !v.closed;
		if (!over)
			fprintf(stderr, "goes on: %s\n", q->name);
		CHECK(over);
		evil_settles(p.b, LIMIT_CONNECTIONS_IN, q->stream == 0 ? 1 : 2);
		honest(&p);
		evil_free(&v);
		evil_settles(p.b, LIMIT_CONNECTIONS_IN, 1);
		CHECK_EQ(evil_used(p.b, LIMIT_BUFFERED), 0);
		pair_free(&p);
	}
}

/* The host asks who we are; we let it wait. */
static void
an_identify_that_is_not_answered_ends(void)
{
	struct yamux_hdr h;
	struct pair p;
	struct evil v;

	begin(&p);
	evil_new(&v, p.target, NULL);
	CHECK(evil_expect(&v, YAMUX_WINDOW, YAMUX_SYN, 2, &h));
	evil_pass(&v, &p, 4);
	CHECK((v.resets & 4) == 0);
	evil_pass(&v, &p, 4);
	CHECK(evil_reset(&v, 2));
	CHECK(!v.closed);
	honest(&p);
	evil_free(&v);
	pair_free(&p);
}

/* A byte now and then is an empty message each time, and moves nothing. */
static void
a_push_that_trickles_ends_at_its_deadline(void)
{
	struct pair p;
	struct evil v;
	int i;

	begin(&p);
	evil_new(&v, p.target, NULL);
	host_joined(p.b, 2);
	evil_pass(&v, &p, 0);
	CHECK(evil_send(&v, LEN(SAY(HEADER PUSH, "\x29"))));
	for (i = 0; i < 8 && (v.resets & 2) == 0; i++) {
		CHECK(evil_data(&v, 0, 1, "", 1));
		evil_pass(&v, &p, 3);
	}
	CHECK(i < 6);
	honest(&p);
	evil_free(&v);
	pair_free(&p);
}

/* A keepalive ping that is not answered ends the connection. */
static void
a_ping_that_is_not_answered_ends_the_connection(void)
{
	struct yamux_hdr h;
	struct pair p;
	struct evil v;

	begin(&p);
	evil_new(&v, p.target, NULL);
	v.mute = true;
	CHECK(evil_expect(&v, YAMUX_PING, YAMUX_SYN, 0, &h));
	clock_test_advance(8 * CLOCK_S);
	honest(&p);
	CHECK_EQ(evil_used(p.b, LIMIT_CONNECTIONS_IN), 2);
	clock_test_advance(4 * CLOCK_S);
	CHECK(evil_closes(v.raw.fd));
	evil_settles(p.b, LIMIT_CONNECTIONS_IN, 1);
	honest(&p);
	evil_free(&v);
	pair_free(&p);
}

static void
wait_full(int fd)
{
	int have = 0, last = -1, i;

	for (i = 0; i < EVIL_WAIT_MS && (have == 0 || have != last); i += 50) {
		last = have;
		(void)poll(NULL, 0, 50);
		CHECK_EQ(ioctl(fd, FIONREAD, &have), 0);
	}
	CHECK(have > 0);
}

/* Who reads nothing and has room for gigabytes costs a handler ten seconds. */
static void
a_peer_that_never_reads_is_given_up(void)
{
	struct pair p;
	struct evil v;

	begin(&p);
	evil_settles(p.b, LIMIT_HANDLERS, 0);
	evil_new(&v, p.target, NULL);
	host_joined(p.b, 2);
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0x7fff0000));
	CHECK(evil_data(&v, 0, 1, HEADER PERF "\0\0\1\0\0\0\0\0", 41));
	CHECK(evil_frame(&v, 0, YAMUX_WINDOW, YAMUX_FIN, 1, 0));
	/* The socket is full when its queue of unread bytes grows no more. */
	wait_full(v.raw.fd);
	clock_test_advance(8 * CLOCK_S);
	honest(&p);
	CHECK_EQ(evil_used(p.b, LIMIT_CONNECTIONS_IN), 2);
	clock_test_advance(4 * CLOCK_S);
	honest(&p);
	evil_settles(p.b, LIMIT_CONNECTIONS_IN, 1);
	honest(&p);
	evil_free(&v);
	pair_free(&p);
}

TESTS("slow",
	{ "a trickle does not move the deadline",
	    a_trickle_does_not_move_the_deadline },
	{ "secured, and no muxer chosen", secured_and_no_muxer_chosen },
	{ "every pause ends at its deadline",
	    every_pause_ends_at_its_deadline },
	{ "an identify that is not answered ends",
	    an_identify_that_is_not_answered_ends },
	{ "a push that trickles ends at its deadline",
	    a_push_that_trickles_ends_at_its_deadline },
	{ "a ping that is not answered ends the connection",
	    a_ping_that_is_not_answered_ends_the_connection },
	{ "a peer that never reads is given up",
	    a_peer_that_never_reads_is_given_up })
