/*
 * The yamux core: frames in, events and frames out, time as an argument.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "check.h"
#include "muxer/muxer.h"
#include "muxer/yamux_frame.h"
#include "p2p/error.h"

static struct limit windows, streams_in, streams_out;
static int user;

static struct mux *
make(bool dialer)
{
	struct mux_params p = { .dialer = dialer, .now = 1,
	    .streams_in = &streams_in, .streams_out = &streams_out,
	    .max_window = 1 << 20, .windows = &windows,
	    .keepalive = 30 * CLOCK_S, .pong_timeout = 10 * CLOCK_S };
	struct mux *m = NULL;

	limit_init(&windows, "windows", 1 << 24, NULL);
	limit_init(&streams_in, "streams-in", 4, NULL);
	limit_init(&streams_out, "streams-out", 4, NULL);
	CHECK_OK(mux_yamux.new(&p, &m));
	return m;
}

static void
done(struct mux *m)
{
	mux_yamux.free(m);
	CHECK_EQ(windows.used, 0);
	CHECK_EQ(streams_in.used, 0);
	CHECK_EQ(streams_out.used, 0);
}

/* One frame with len bytes of body; the last event, the error. */
static int
feed(struct mux *m, unsigned type, unsigned flags, uint32_t id, uint32_t len,
    size_t body, struct mux_event *last)
{
	uint8_t *buf = calloc(1, YAMUX_HDR_SIZE + body);
	struct mux_event ev;
	struct rd in;
	struct wr w;
	int e;

	wr_init(&w, buf, YAMUX_HDR_SIZE);
	yamux_hdr_put(&w,
	    &(struct yamux_hdr){ type, (uint16_t)flags, id, len });
	in = (struct rd){ buf, YAMUX_HDR_SIZE + body };
	*last = (struct mux_event){ .kind = MUX_NONE };
	do {
		e = mux_yamux.next(m, &in, 1, &ev);
		if (e == 0 && ev.kind == MUX_STREAM)
			mux_yamux.accept(m, ev.stream, &user);
		if (e == 0 && ev.kind != MUX_NONE)
			*last = ev;
	} while (e == 0 && ev.kind != MUX_NONE);
	free(buf);
	return e;
}

/* What it has to say, as hex. */
static const char *
said(struct mux *m)
{
	static char hex[2048];
	uint8_t buf[1000];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	mux_yamux.head(m, &w);
	mux_yamux.tail(m, &w);
	hex_put(hex, buf, w.len);
	return hex;
}

static void
published_frames_are_said(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	uint8_t buf[128], *want;
	struct rd data = { (const uint8_t *)"hi", 2 };
	struct wr w;
	size_t len;

	CHECK_OK(mux_yamux.open(m, 1, &user, &s));
	CHECK_STR(said(m), "000100010000000100000000");
	wr_init(&w, buf, sizeof(buf));
	mux_yamux.data(m, s, &w, &data);
	want = check_unhex("0000000000000001000000026869", &len);
	wr_u8(&w, 0);
	CHECK_BYTES(buf, w.len - 1, want, len);
	free(want);
	mux_yamux.finish(m, s);
	CHECK_STR(said(m), "000100040000000100000000");
	mux_yamux.reset(m, s, 0x1001);
	CHECK_STR(said(m), "000100080000000100001001");
	mux_yamux.goaway(m, 0);
	CHECK_STR(said(m), "000300000000000000000000");
	mux_yamux.release(m, s, 1);
	done(m);
}

static void
the_opening_precedes_the_first_data(void)
{
	static const uint8_t want[] = { 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 'x' };
	struct mux *m = make(true);
	struct mux_stream *s;
	struct rd data = { (const uint8_t *)"x", 1 };
	uint8_t buf[128];
	struct wr w;

	CHECK_OK(mux_yamux.open(m, 1, &user, &s));
	wr_init(&w, buf, sizeof(buf));
	mux_yamux.data(m, s, &w, &data);
	CHECK_BYTES(buf, w.len, want, sizeof(want));
	CHECK_STR(said(m), "");
	mux_yamux.release(m, s, 1);
	done(m);
}

static void
a_stream_lives_and_ends(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	struct mux_stream *s;

	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	CHECK_EQ(ev.kind, MUX_STREAM);
	s = ev.stream;
	CHECK_STR(said(m), "000100020000000100000000");
	CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 5, 5, &ev));
	CHECK_EQ(ev.kind, MUX_DATA);
	CHECK_EQ(ev.data.len, 5);
	mux_yamux.consumed(m, s, 5, 1);
	CHECK_OK(feed(m, YAMUX_DATA, YAMUX_FIN, 1, 0, 0, &ev));
	CHECK_EQ(ev.kind, MUX_FIN);
	CHECK_EQ(mux_yamux.streams(m), 1);
	mux_yamux.release(m, s, 1);
	CHECK_STR(said(m), "000100040000000100000000");
	CHECK_EQ(mux_yamux.streams(m), 0);
	done(m);
}

static void
syn_data_and_fin_in_one_frame_are_three_events(void)
{
	uint8_t buf[YAMUX_HDR_SIZE + 3];
	struct mux *m = make(false);
	struct mux_event ev;
	struct rd in = { buf, sizeof(buf) };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	yamux_hdr_put(&w, &(struct yamux_hdr){ YAMUX_DATA,
	    YAMUX_SYN | YAMUX_FIN, 1, 3 });
	wr_bytes(&w, "abc", 3);
	CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
	CHECK_EQ(ev.kind, MUX_STREAM);
	mux_yamux.accept(m, ev.stream, &user);
	CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
	CHECK_EQ(ev.kind, MUX_DATA);
	CHECK_BYTES(ev.data.p, ev.data.len, "abc", 3);
	CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
	CHECK_EQ(ev.kind, MUX_FIN);
	mux_yamux.release(m, ev.stream, 1);
	done(m);
}

/* V1, V4, V10, V13: frames that end the connection, and make nothing. */
static void
hostile_first_frames_end_the_connection(void)
{
	static const struct {
		unsigned	type, flags;
		uint32_t	id, len;
		int		error;
	} bad[] = {
		{ YAMUX_DATA, YAMUX_SYN, 1, 262145, P2P_ERR_TOO_LARGE },
		{ YAMUX_DATA, YAMUX_SYN, 1, UINT32_MAX, P2P_ERR_TOO_LARGE },
		{ YAMUX_WINDOW, YAMUX_SYN, 2, 0, P2P_ERR_PROTOCOL },
		{ YAMUX_DATA, 0, 0, 0, P2P_ERR_PROTOCOL },
		{ YAMUX_PING, YAMUX_SYN, 1, 0, P2P_ERR_PROTOCOL },
		{ YAMUX_GOAWAY, 0, 1, 0, P2P_ERR_PROTOCOL },
		{ 4, 0, 1, 0, P2P_ERR_PROTOCOL },
	};
	struct mux_event ev;
	struct mux *m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = make(false);
		CHECK_ERR(feed(m, bad[i].type, bad[i].flags, bad[i].id,
		    bad[i].len, 0, &ev), bad[i].error);
		CHECK_EQ(ev.kind, MUX_NONE);
		CHECK_EQ(mux_yamux.streams(m), 0);
		CHECK_STR(said(m), "000300000000000000000001");
		done(m);
	}
}

static void
window_overflow_and_overrun_end_the_connection(void)
{
	struct mux_event ev;
	struct mux *m = make(false);

	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	CHECK_ERR(feed(m, YAMUX_WINDOW, 0, 1, UINT32_MAX, 0, &ev),
	    P2P_ERR_PROTOCOL);
	done(m);
	m = make(false);
	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 262144, 262144, &ev));
	CHECK_ERR(feed(m, YAMUX_DATA, 0, 1, 1, 1, &ev), P2P_ERR_TOO_LARGE);
	done(m);
	m = make(false);		/* a second SYN on the same id */
	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	CHECK_ERR(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev),
	    P2P_ERR_PROTOCOL);
	done(m);
}

static void
a_reset_with_a_code_gives_no_credit(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	struct mux_event ev;

	CHECK_OK(mux_yamux.open(m, 1, &user, &s));
	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_RST, 1, UINT32_MAX, 0, &ev));
	CHECK_EQ(ev.kind, MUX_RESET);
	CHECK_EQ(ev.code, UINT32_MAX);
	CHECK_EQ(mux_yamux.window(m, s), 262144);
	mux_yamux.release(m, s, 1);
	done(m);
}

static void
streams_over_the_limit_are_refused_and_the_rest_lives(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	uint32_t id;

	for (id = 1; id < 9; id += 2) {
		CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, id, 0, 0, &ev));
		CHECK_EQ(ev.kind, MUX_STREAM);
	}
	(void)said(m);
	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 9, 0, 0, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_STR(said(m), "000100080000000900001002");
	CHECK_EQ(mux_yamux.streams(m), 4);
	done(m);
}

static int
flood(unsigned type, unsigned flags, uint32_t id, unsigned *frames)
{
	struct mux *m = make(false);
	struct mux_event ev;
	int e = 0;

	for (*frames = 0; e == 0 && *frames < 100000; (*frames)++) {
		e = feed(m, type, flags, id, 0, 0, &ev);
		if (ev.kind == MUX_STREAM) {
			id += 2;
			e = feed(m, YAMUX_WINDOW, YAMUX_RST, id - 2, 0, 0, &ev);
			if (ev.kind == MUX_RESET)
				mux_yamux.release(m, ev.stream, 1);
		}
		(void)said(m);
	}
	done(m);
	return e;
}

/* V3, V11, V12, F17: each flood empties the bucket. */
static void
floods_end_the_connection(void)
{
	unsigned n;

	CHECK_ERR(flood(YAMUX_PING, YAMUX_SYN, 0, &n), P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	CHECK_ERR(flood(YAMUX_DATA, 0, 77, &n), P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	CHECK_ERR(flood(YAMUX_WINDOW, YAMUX_RST, 77, &n), P2P_ERR_LIMIT);
	CHECK_ERR(flood(YAMUX_WINDOW, YAMUX_SYN, 1, &n), P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
}

/* What a peer had under way when we reset a stream is no flood. */
static void
late_frames_of_a_reset_stream_are_free(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	uint32_t id;
	int e = 0, n;

	for (id = 1; id < 4001; id += 2) {
		CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, id, 0, 0, &ev));
		mux_yamux.reset(m, ev.stream, 0);
		mux_yamux.release(m, ev.stream, 1);
		(void)said(m);
		CHECK_OK(feed(m, YAMUX_DATA, 0, id, 100, 100, &ev));
		CHECK_OK(feed(m, YAMUX_DATA, 0, id, 100, 100, &ev));
		CHECK_OK(feed(m, YAMUX_WINDOW, 0, id, 65536, 0, &ev));
		CHECK_OK(feed(m, YAMUX_DATA, YAMUX_FIN, id, 100, 100, &ev));
	}
	for (n = 0; e == 0 && n < 5000; n++)	/* one end for each, no more */
		e = feed(m, YAMUX_WINDOW, YAMUX_FIN, 1, 0, 0, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	done(m);
}

/* A whole window of it in small frames, and not a byte more. */
static void
late_data_is_free_up_to_one_window(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	int e, n;

	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	mux_yamux.reset(m, ev.stream, 0);
	mux_yamux.release(m, ev.stream, 1);
	(void)said(m);
	for (n = 0; n < 262144 / 64; n++)
		CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 64, 64, &ev));
	for (n = 0, e = 0; e == 0 && n < 5000; n++)
		e = feed(m, YAMUX_DATA, 0, 1, 64, 64, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	done(m);
}

/* Credit crosses our FIN on its way: many short answers, one busy peer. */
static void
credit_for_finished_streams_is_free(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	struct mux_stream *s;
	uint32_t id;

	for (id = 1; id < 6001; id += 2) {
		CHECK_OK(feed(m, YAMUX_DATA, YAMUX_SYN, id, 1, 1, &ev));
		CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_FIN, id, 0, 0, &ev));
		s = ev.stream;
		mux_yamux.release(m, s, 1);
		(void)said(m);
		CHECK_EQ(mux_yamux.streams(m), 0);
		CHECK_OK(feed(m, YAMUX_WINDOW, 0, id, 65536, 0, &ev));
	}
	done(m);
}

static void
pings_that_are_not_read_overwrite_each_other(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	int e = 0, n;

	CHECK_OK(feed(m, YAMUX_PING, YAMUX_SYN, 0, 1, 0, &ev));
	CHECK_OK(feed(m, YAMUX_PING, YAMUX_SYN, 0, 2, 0, &ev));
	CHECK_STR(said(m), "000200020000000000000002");
	for (n = 0; e == 0; n++)
		e = feed(m, YAMUX_PING, YAMUX_SYN, 0, 3, 0, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n < 40);
	done(m);
}

static void
credit_comes_with_consumption_and_grows(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	struct mux_stream *s;

	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	s = ev.stream;
	(void)said(m);
	CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 65536, 65536, &ev));
	mux_yamux.consumed(m, s, 65535, CLOCK_S);
	CHECK_STR(said(m), "");
	mux_yamux.consumed(m, s, 1, 100 * CLOCK_S);	/* slow: no growth */
	CHECK_STR(said(m), "000100000000000100010000");
	CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 65536, 65536, &ev));
	mux_yamux.consumed(m, s, 65536, 100 * CLOCK_S);	/* at once: doubled */
	CHECK_STR(said(m), "000100000000000100050000");
	CHECK_EQ(windows.used, 262144);
	mux_yamux.release(m, s, 1);
	done(m);
}

/*
 * A frame as large as the window, of which a part is consumed before the rest
 * has come: the peer must never be promised more than the window holds.
 */
static void
credit_never_counts_a_body_that_is_still_to_come(void)
{
	static const uint8_t body[65536];
	struct mux *m = make(false);
	struct mux_event ev;
	struct mux_stream *s;
	struct yamux_hdr h;
	uint64_t credit = 0, consumed = 0;
	uint8_t buf[64];
	struct rd in, r;
	struct wr w;
	int i;

	CHECK_OK(feed(m, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0, &ev));
	s = ev.stream;
	(void)said(m);
	CHECK_OK(feed(m, YAMUX_DATA, 0, 1, 262144, 0, &ev));
	for (i = 1; i <= 4; i++) {
		in = (struct rd){ body, sizeof(body) };
		CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
		CHECK_EQ(ev.kind, MUX_DATA);
		/* Slowly, so that the window does not grow. */
		mux_yamux.consumed(m, s, 65536, (uint64_t)i * 3600 * CLOCK_S);
		consumed += 65536;
		wr_init(&w, buf, sizeof(buf));
		mux_yamux.head(m, &w);
		r = (struct rd){ buf, w.len };
		if (yamux_hdr_get(&r, &h) == 0)
			credit += h.length;
		CHECK(credit <= consumed);
	}
	CHECK_EQ(credit, 262144);
	mux_yamux.release(m, s, 1);
	done(m);
}

static void
a_dead_peer_and_a_half_frame_time_out(void)
{
	static const uint8_t half[] = { 0, 0, 0 };
	struct mux *m = make(false);
	struct mux_event ev;
	struct rd in = { half, sizeof(half) };

	CHECK_OK(mux_yamux.tick(m, 31 * CLOCK_S));
	CHECK_STR(said(m), "000200010000000000000001");
	CHECK_OK(mux_yamux.tick(m, 40 * CLOCK_S));
	CHECK_ERR(mux_yamux.tick(m, 41 * CLOCK_S), P2P_ERR_TIMEOUT);
	done(m);
	m = make(false);
	CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
	CHECK(mux_yamux.when(m) <= 10 * CLOCK_S + 1);
	CHECK_ERR(mux_yamux.tick(m, 11 * CLOCK_S), P2P_ERR_TIMEOUT);
	done(m);
}

static void
a_body_has_half_a_minute_and_more_when_it_is_large(void)
{
	static const struct {
		uint32_t	len;
		uint64_t	seconds;
	} bodies[] = { { 1000, 30 }, { 256 * 1024, 46 } };
	static const uint8_t open[] = { 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 };
	struct mux_event ev;
	struct mux *m;
	uint8_t buf[YAMUX_HDR_SIZE];
	struct rd in;
	struct wr w;
	size_t i;

	for (i = 0; i < 2; i++) {
		m = make(false);
		in = (struct rd){ open, sizeof(open) };
		CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
		mux_yamux.accept(m, ev.stream, &user);
		wr_init(&w, buf, sizeof(buf));
		yamux_hdr_put(&w, &(struct yamux_hdr){ YAMUX_DATA, 0, 1,
		    bodies[i].len });
		in = (struct rd){ buf, w.len };
		CHECK_OK(mux_yamux.next(m, &in, 1, &ev));
		/* Pings are answered meanwhile, or so it seems to the clock. */
		CHECK(mux_yamux.when(m) <= bodies[i].seconds * CLOCK_S + 1);
		CHECK_OK(mux_yamux.tick(m, bodies[i].seconds * CLOCK_S));
		CHECK_ERR(mux_yamux.tick(m, bodies[i].seconds * CLOCK_S + 1),
		    P2P_ERR_TIMEOUT);
		done(m);
	}
}

static void
an_hour_of_answered_pings_keeps_it_alive(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	uint64_t now, pings = 0;
	uint8_t buf[64];
	struct yamux_hdr h;
	struct rd r;
	struct wr w;

	for (now = 1; now < 3600 * CLOCK_S; now = mux_yamux.when(m)) {
		CHECK_OK(mux_yamux.tick(m, now));
		wr_init(&w, buf, sizeof(buf));
		mux_yamux.head(m, &w);
		r = (struct rd){ buf, w.len };
		if (yamux_hdr_get(&r, &h) != 0)
			continue;
		CHECK_EQ(h.type, YAMUX_PING);
		CHECK_OK(feed(m, YAMUX_PING, YAMUX_ACK, 0, h.length, 0, &ev));
		pings++;
	}
	CHECK_EQ(pings, 120);
	done(m);
}

static void
ids_run_out_with_an_error(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	int i;

	for (i = 0; i < 4; i++)
		CHECK_OK(mux_yamux.open(m, 1, &user, &s));
	CHECK_ERR(mux_yamux.open(m, 1, &user, &s), P2P_ERR_LIMIT);
	mux_yamux.goaway(m, 0);
	CHECK_ERR(mux_yamux.open(m, 1, &user, &s), P2P_ERR_DISCONNECTED);
	mux_yamux.free(m);
}

TESTS("yamux",
	{ "published frames are said", published_frames_are_said },
	{ "the opening precedes the first data",
	    the_opening_precedes_the_first_data },
	{ "a stream lives and ends", a_stream_lives_and_ends },
	{ "syn, data and fin in one frame are three events",
	    syn_data_and_fin_in_one_frame_are_three_events },
	{ "hostile first frames end the connection",
	    hostile_first_frames_end_the_connection },
	{ "window overflow and overrun end the connection",
	    window_overflow_and_overrun_end_the_connection },
	{ "a reset with a code gives no credit",
	    a_reset_with_a_code_gives_no_credit },
	{ "streams over the limit are refused and the rest lives",
	    streams_over_the_limit_are_refused_and_the_rest_lives },
	{ "floods end the connection", floods_end_the_connection },
	{ "late frames of a reset stream are free",
	    late_frames_of_a_reset_stream_are_free },
	{ "late data is free up to one window",
	    late_data_is_free_up_to_one_window },
	{ "credit for finished streams is free",
	    credit_for_finished_streams_is_free },
	{ "pings that are not read overwrite each other",
	    pings_that_are_not_read_overwrite_each_other },
	{ "credit comes with consumption and grows",
	    credit_comes_with_consumption_and_grows },
	{ "credit never counts a body that is still to come",
	    credit_never_counts_a_body_that_is_still_to_come },
	{ "a dead peer and a half frame time out",
	    a_dead_peer_and_a_half_frame_time_out },
	{ "a body has half a minute, and more when it is large",
	    a_body_has_half_a_minute_and_more_when_it_is_large },
	{ "an hour of answered pings keeps it alive",
	    an_hour_of_answered_pings_keeps_it_alive },
	{ "open is refused at the limit and after goaway",
	    ids_run_out_with_an_error })
