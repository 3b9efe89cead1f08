/*
 * A running host against a peer that breaks the rules: handshakes that stall in
 * every phase, hostile frames, floods.  Each costs bounded time and nothing that
 * stays, and an honest peer does not notice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
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
	{ "garbage is cut off at once", garbage_is_cut_off_at_once },
	{ "hostile frames end their connection and no other",
	    hostile_frames_end_their_connection_and_no_other },
	{ "rapid resets start a bounded number of handlers",
	    rapid_resets_start_a_bounded_number_of_handlers },
	{ "a cut connection is no end of file",
	    a_cut_connection_is_no_end_of_file },
	{ "a handshake that stalls ends at its deadline",
	    a_handshake_that_stalls_ends_at_its_deadline })
