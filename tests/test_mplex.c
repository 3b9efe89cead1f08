/*
 * The mplex core: frames in, events and frames out, time as an argument.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limit.h"
#include "check.h"
#include "mangle.h"
#include "muxer/mplex_frame.h"
#include "muxer/muxer.h"
#include "p2p/error.h"

#define KIB	1024u
#define QUEUE	(256 * KIB)	/* unread, of a stream: mplex_state.h */
#define QUEUES	(2048 * KIB)	/* and of all */
#define STALL	(500 * CLOCK_MS)

static struct limit streams_in, streams_out;
static int user;

static struct mux *
make(bool dialer)
{
	struct mux_params p = { .dialer = dialer, .now = 1,
	    .streams_in = &streams_in, .streams_out = &streams_out };
	struct mux *m = NULL;

	limit_init(&streams_in, "streams-in", 16, NULL);
	limit_init(&streams_out, "streams-out", 4, NULL);
	CHECK_OK(mux_mplex.new(&p, &m));
	return m;
}

static void
done(struct mux *m)
{
	mux_mplex.free(m);
	CHECK_EQ(streams_in.used, 0);
	CHECK_EQ(streams_out.used, 0);
}

/* One frame with so much of its body; the last event, the error. */
static int
feed_at(struct mux *m, uint64_t now, enum mplex_flag flag, uint64_t id,
    size_t len, size_t body, struct mux_event *last)
{
	uint8_t *buf = calloc(1, MPLEX_HDR_MAX + body);
	struct mux_event ev;
	struct rd in;
	struct wr w;
	int e;

	wr_init(&w, buf, MPLEX_HDR_MAX);
	mplex_hdr_put(&w, &(struct mplex_hdr){ id, flag, (uint32_t)len });
	in = (struct rd){ buf, w.len + body };
	*last = (struct mux_event){ .kind = MUX_NONE };
	do {
		e = mux_mplex.next(m, &in, now, &ev);
		if (e == 0 && ev.kind == MUX_STREAM)
			mux_mplex.accept(m, ev.stream, &user);
		if (e == 0 && ev.kind != MUX_NONE)
			*last = ev;
	} while (e == 0 && ev.kind != MUX_NONE);
	free(buf);
	return e;
}

static int
feed(struct mux *m, enum mplex_flag flag, uint64_t id, size_t len,
    struct mux_event *last)
{
	return feed_at(m, 1, flag, id, len, len, last);
}

/* A stream of the peer's. */
static struct mux_stream *
theirs(struct mux *m, uint64_t id)
{
	struct mux_event ev;

	CHECK_OK(feed(m, MPLEX_NEW, id, 0, &ev));
	CHECK_FATAL(ev.kind == MUX_STREAM);
	return ev.stream;
}

/* What it has to say, as hex. */
static const char *
said(struct mux *m)
{
	static char hex[2048];
	uint8_t buf[1000];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	mux_mplex.head(m, &w);
	mux_mplex.tail(m, &w);
	hex_put(hex, buf, w.len);
	return hex;
}

/* A data frame, as hex. */
static const char *
says(struct mux *m, struct mux_stream *s, const char *text)
{
	static char hex[256];
	struct rd data = { (const uint8_t *)text, strlen(text) };
	uint8_t buf[MUX_FRAME_ROOM + 64];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	mux_mplex.data(m, s, &w, &data);
	CHECK_EQ(data.len, 0);
	hex_put(hex, buf, w.len);
	return hex;
}

static void
published_frames_are_said(void)
{
	struct mux *m = make(true);
	struct mux_event ev;
	struct mux_stream *s;

	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	CHECK(mux_mplex.pending(m));
	CHECK_STR(said(m), "0000");
	CHECK(!mux_mplex.pending(m));
	CHECK_STR(says(m, s, "hi"), "02026869");
	mux_mplex.finish(m, s);
	CHECK(mux_mplex.pending(m));
	CHECK_STR(said(m), "0400");
	mux_mplex.reset(m, s, 7);
	CHECK_STR(said(m), "0600");
	mux_mplex.release(m, s, 1);

	s = theirs(m, 0);		/* the same number, another stream */
	CHECK_STR(said(m), "");
	CHECK_STR(says(m, s, "hi"), "01026869");
	mux_mplex.finish(m, s);
	CHECK_STR(said(m), "0300");
	mux_mplex.reset(m, s, 7);
	CHECK_STR(said(m), "0500");
	mux_mplex.release(m, s, 1);
	CHECK_OK(feed(m, MPLEX_NEW, 17, 0, &ev));
	mux_mplex.reset(m, ev.stream, 7);
	CHECK_STR(said(m), "8d0100");
	done(m);
}

static void
published_frames_are_heard(void)
{
	static const struct {
		const char	*hex;
		enum mux_event_kind kind;
	} talk[] = {
		{ "000130", MUX_STREAM },	/* a name, which is ignored */
		{ "02026869", MUX_DATA },	/* of theirs */
		{ "01026869", MUX_DATA },	/* of ours */
		{ "0400", MUX_FIN },
		{ "0600", MUX_RESET },
		{ "880100", MUX_STREAM },
		{ "0300", MUX_FIN },
		{ "0500", MUX_RESET },
	};
	struct mux *m = make(true);
	struct mux_stream *ours, *s = NULL;
	struct mux_event ev;
	uint8_t *bytes;
	struct rd in;
	size_t i, len;

	CHECK_OK(mux_mplex.open(m, 1, &user, &ours));
	(void)said(m);
	for (i = 0; i < sizeof(talk) / sizeof(talk[0]); i++) {
		bytes = check_unhex(talk[i].hex, &len);
		in = (struct rd){ bytes, len };
		CHECK_OK(mux_mplex.next(m, &in, 1, &ev));
		CHECK_EQ(ev.kind, talk[i].kind);
		if (ev.kind == MUX_STREAM)
			mux_mplex.accept(m, s = ev.stream, &user);
		if (ev.kind == MUX_DATA)
			CHECK_BYTES(ev.data.p, ev.data.len, "hi", 2);
		CHECK(ev.stream == (bytes[0] & 1 ? ours : s));
		CHECK_OK(mux_mplex.next(m, &in, 1, &ev));
		CHECK_EQ(ev.kind, MUX_NONE);
		CHECK_EQ(in.len, 0);
		free(bytes);
	}
	CHECK_EQ(mux_mplex.streams(m), 1);
	done(m);
}

static void
the_opening_precedes_the_first_data(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	struct mux_event ev;

	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	CHECK_STR(says(m, s, "x"), "0000020178");
	CHECK_STR(said(m), "");
	mux_mplex.release(m, s, 1);
	CHECK_STR(said(m), "0400");
	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	mux_mplex.finish(m, s);		/* and the end, without any */
	CHECK_STR(said(m), "08000c00");
	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	mux_mplex.reset(m, s, 7);	/* the peer has not heard of it */
	CHECK_STR(said(m), "");
	mux_mplex.release(m, s, 1);
	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	CHECK_OK(feed(m, MPLEX_RESET_RECEIVER, 3, 0, &ev));
	CHECK_EQ(ev.kind, MUX_RESET);	/* and guesses */
	CHECK_STR(says(m, s, "x"), "");
	CHECK_STR(said(m), "");
	mux_mplex.release(m, s, 1);
	done(m);
}

/* Written after all when there was no room. */
static void
what_does_not_fit_into_a_batch_waits(void)
{
	struct mux *m = make(false);
	struct mux_stream *s[3];
	uint8_t buf[2 * MPLEX_HDR_MAX];
	struct wr w;
	int i;

	for (i = 0; i < 3; i++)
		CHECK_OK(mux_mplex.open(m, 1, &user, &s[i]));
	wr_init(&w, buf, MPLEX_HDR_MAX + 1);
	mux_mplex.head(m, &w);
	CHECK_BYTES(buf, w.len, "\0\0", 2);
	CHECK_STR(said(m), "08001000");
	for (i = 0; i < 3; i++)
		mux_mplex.finish(m, s[i]);
	wr_init(&w, buf, sizeof(buf));
	mux_mplex.tail(m, &w);
	CHECK_BYTES(buf, w.len, "\4\0", 2);
	CHECK(mux_mplex.pending(m));
	CHECK_STR(said(m), "0c001400");
	done(m);
}

static void
a_stream_lives_and_ends(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 5);
	struct mux_event ev;

	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 5, 5, &ev));
	CHECK_EQ(ev.kind, MUX_DATA);
	CHECK_EQ(ev.data.len, 5);
	mux_mplex.consumed(m, s, 5, 1);
	CHECK_OK(feed(m, MPLEX_CLOSE_INITIATOR, 5, 0, &ev));
	CHECK_EQ(ev.kind, MUX_FIN);
	CHECK_STR(says(m, s, "x"), "290178");	/* half of it lives on */
	CHECK_EQ(mux_mplex.streams(m), 1);
	mux_mplex.release(m, s, 1);
	CHECK_STR(said(m), "2b00");
	CHECK_EQ(mux_mplex.streams(m), 0);
	done(m);
}

/* A session as one text: opened, said, finished, and the same of ours. */
static const char session[] =
    "000130" "02026869" "080120" "0a0378797a" "01026869" "0400" "0300"
    "0c00" "880100" "8a01026869" "8e0100";

/* The kinds of events and the data, whatever the pieces were. */
struct log {
	char	text[256];
	size_t	len;
	int	error;
};

static void
run(const uint8_t *bytes, size_t len, size_t piece, struct log *log)
{
	struct mux *m = make(true);
	struct mux_stream *ours;
	struct mux_event ev;
	struct rd in = { bytes, 0 };
	size_t at, n;
	uint8_t *part;

	*log = (struct log){ .error = 0 };
	CHECK_OK(mux_mplex.open(m, 1, &user, &ours));
	for (at = 0; at < len && log->error == 0; at += n) {
		n = piece < len - at ? piece : len - at;
		part = malloc(n);	/* its exact size */
		memcpy(part, bytes + at, n);
		in = (struct rd){ part, n };
		do {
			log->error = mux_mplex.next(m, &in, 1, &ev);
			if (log->error != 0 || ev.kind == MUX_NONE)
				break;
			if (ev.kind == MUX_STREAM)
				mux_mplex.accept(m, ev.stream, &user);
			if (ev.kind == MUX_DATA && ev.data.len > 0 &&
			    log->len + ev.data.len < sizeof(log->text)) {
				memcpy(log->text + log->len, ev.data.p,
				    ev.data.len);
				log->len += ev.data.len;
			} else if (log->len + 1 < sizeof(log->text)) {
				log->text[log->len++] = (char)('0' + ev.kind);
			}
		} while (true);
		free(part);
	}
	done(m);
}

static void
every_segmentation_is_the_same_session(void)
{
	struct log want, got;
	uint8_t *bytes;
	size_t len, piece;

	bytes = check_unhex(session, &len);
	run(bytes, len, len, &want);
	CHECK_OK(want.error);
	CHECK_STR(want.text, "1hi1xyzhi3331hi4");
	for (piece = 1; piece < len; piece++) {
		run(bytes, len, piece, &got);
		CHECK_OK(got.error);
		CHECK_STR(got.text, want.text);
	}
	free(bytes);
}

static int
survive(const uint8_t *bytes, size_t len, void *arg)
{
	struct log whole, pieces;

	(void)arg;
	run(bytes, len, len, &whole);
	run(bytes, len, 1, &pieces);
	CHECK_EQ(whole.error, pieces.error);
	CHECK_BYTES(pieces.text, pieces.len, whole.text, whole.len);
	return whole.error;
}

static void
a_mangled_session_is_survived(void)
{
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(session, &len);
	CHECK(mangle(bytes, len, 0, survive, NULL) > 0);
	free(bytes);
}

static void
hostile_frames_end_the_connection(void)
{
	static const struct {
		const char	*hex;
		int		 error;
	} bad[] = {
		{ "07", P2P_ERR_PROTOCOL },		/* flag 7 */
		{ "02818040", P2P_ERR_TOO_LARGE },	/* over 1 MiB */
		{ "00ffff7f", P2P_ERR_TOO_LARGE },	/* a name, too */
		{ "80808080808080808000", P2P_ERR_PROTOCOL },
		{ "8000", P2P_ERR_PROTOCOL },		/* not minimal */
		{ "00000000", P2P_ERR_PROTOCOL },	/* opened twice */
	};
	struct mux_event ev;
	struct mux *m;
	uint8_t *bytes;
	struct rd in;
	size_t i, len;
	int e;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = make(i & 1);
		bytes = check_unhex(bad[i].hex, &len);
		in = (struct rd){ bytes, len };
		do
			e = mux_mplex.next(m, &in, 1, &ev);
		while (e == 0 && ev.kind != MUX_NONE);
		CHECK_ERR(e, bad[i].error);
		CHECK_EQ(ev.kind, MUX_NONE);
		CHECK_STR(said(m), "");
		free(bytes);
		done(m);
	}
}

/* A body of 1 MiB is delivered in pieces, and a name of 1 MiB is not. */
static void
a_frame_is_never_held(void)
{
	struct mux *m = make(false);
	struct mux_stream *s;
	struct mux_event ev;
	uint8_t *body = calloc(1, 64 * KIB);
	struct rd in;
	size_t got = 0;
	int i;

	CHECK_OK(feed(m, MPLEX_NEW, 0, MPLEX_BODY_MAX, &ev));
	CHECK_EQ(ev.kind, MUX_STREAM);
	s = ev.stream;
	CHECK_OK(feed_at(m, 1, MPLEX_MESSAGE_INITIATOR, 0, MPLEX_BODY_MAX, 0,
	    &ev));
	for (i = 0; i < 16; i++) {
		in = (struct rd){ body, 64 * KIB };
		CHECK_OK(mux_mplex.next(m, &in, 1, &ev));
		CHECK_EQ(ev.kind, MUX_DATA);
		CHECK(ev.data.p == body);	/* a view */
		got += ev.data.len;
		mux_mplex.consumed(m, s, ev.data.len, 1);
	}
	CHECK_EQ(got, MPLEX_BODY_MAX);
	CHECK_EQ(mux_mplex.when(m), CLOCK_NEVER);	/* between frames */
	CHECK_OK(feed(m, MPLEX_CLOSE_INITIATOR, 0, 0, &ev));
	CHECK_EQ(ev.kind, MUX_FIN);
	free(body);
	done(m);
}

static void
streams_over_the_limit_are_refused_and_the_rest_lives(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = NULL;
	struct mux_event ev;
	uint64_t id;

	for (id = 0; id < 16; id++)
		s = theirs(m, id);
	CHECK_OK(feed(m, MPLEX_NEW, 16, 0, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_STR(said(m), "850100");
	CHECK_EQ(mux_mplex.streams(m), 16);
	/* What it says before it knows is no flood. */
	for (id = 0; id < 5000; id++)
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 16, 1000, &ev));
	mux_mplex.reset(m, s, 0);
	mux_mplex.release(m, s, 1);
	CHECK_STR(said(m), "7d00");
	(void)theirs(m, 17);		/* room again */
	done(m);
}

static void
open_is_refused_at_the_limit_and_after_goaway(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	struct mux_event ev;
	int i;

	for (i = 0; i < 4; i++)
		CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	CHECK_ERR(mux_mplex.open(m, 1, &user, &s), P2P_ERR_LIMIT);
	(void)said(m);
	mux_mplex.goaway(m, 0);
	CHECK_STR(said(m), "");		/* nothing says it */
	CHECK_ERR(mux_mplex.open(m, 1, &user, &s), P2P_ERR_DISCONNECTED);
	CHECK_OK(feed(m, MPLEX_NEW, 3, 0, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_STR(said(m), "1d00");
	CHECK_OK(feed(m, MPLEX_MESSAGE_RECEIVER, 3, 1, &ev));
	CHECK_EQ(ev.kind, MUX_DATA);	/* and those that are there go on */
	done(m);
}

/* Frames until the connection ends; a stream is opened first if asked. */
static int
flood(bool open, enum mplex_flag flag, uint64_t id, size_t len,
    unsigned *frames)
{
	struct mux *m = make(false);
	struct mux_event ev;
	int e = 0;

	if (open)
		(void)theirs(m, 0);
	for (*frames = 0; e == 0 && *frames < 100000; (*frames)++) {
		e = feed(m, flag, id, len, &ev);
		if (e == 0 && ev.kind == MUX_STREAM) {
			e = feed(m, MPLEX_RESET_INITIATOR, id++, 0, &ev);
			if (ev.kind == MUX_RESET)
				mux_mplex.release(m, ev.stream, 1);
		}
		(void)said(m);
	}
	done(m);
	return e;
}

/* V11, V12, V14, V23: each empties the bucket. */
static void
floods_end_the_connection(void)
{
	static const struct {
		bool		open;
		enum mplex_flag	flag;
		uint64_t	id;
		size_t		len;
	} floods[] = {
		{ false, MPLEX_MESSAGE_INITIATOR, 77, 1 },	/* never was */
		{ false, MPLEX_MESSAGE_RECEIVER, 0, 1000 },
		{ false, MPLEX_CLOSE_INITIATOR, 77, 0 },
		{ false, MPLEX_RESET_RECEIVER, 0, 0 },
		{ false, MPLEX_NEW, 0, 0 },		/* opened and reset */
		{ true, MPLEX_MESSAGE_INITIATOR, 0, 0 },	/* empty */
		{ true, MPLEX_CLOSE_INITIATOR, 0, 0 },	/* again and again */
	};
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		CHECK_ERR(flood(floods[i].open, floods[i].flag, floods[i].id,
		    floods[i].len, &n), P2P_ERR_LIMIT);
		CHECK(n > 900 && n < 1100);
	}
}

/* F17: what comes to nothing is paid with the next one. */
static void
streams_that_come_to_nothing_end_the_connection(void)
{
	struct mux *m = make(false);
	struct mux_stream *s;
	struct mux_event ev;
	uint64_t id;
	int e;

	for (id = 0; (e = feed(m, MPLEX_NEW, id, 0, &ev)) == 0 && id < 5000;
	    id++) {
		s = ev.stream;
		mux_mplex.reset(m, s, MUX_RESET_NEGOTIATION);
		mux_mplex.release(m, s, 1);
		(void)said(m);
	}
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(id > 900 && id < 1100);
	done(m);
}

/* What is forgiven is forgiven of streams that were. */
static void
a_stream_that_never_was_is_not_late(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 0);
	struct mux_event ev;
	int e = 0, n;

	mux_mplex.reset(m, s, 0);
	mux_mplex.release(m, s, 1);
	(void)said(m);
	for (n = 0; e == 0 && n < 5000; n++)
		e = feed(m, MPLEX_MESSAGE_INITIATOR, 1, 1, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	done(m);
}

/* Opened beyond the limit, and never a look at the answers. */
static void
refusals_that_are_not_read_are_bounded(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	uint64_t id;
	int e = 0;

	for (id = 0; id < 16; id++)
		(void)theirs(m, id);
	for (; e == 0 && id < 5000; id++)
		e = feed(m, MPLEX_NEW, id, 0, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(id > 256 && id < 300);
	done(m);
}

/* What a peer had under way when we reset a stream is no flood. */
static void
late_frames_of_a_reset_stream_are_free(void)
{
	struct mux *m = make(false);
	struct mux_event ev;
	struct mux_stream *s;
	uint64_t id;
	int e = 0, n;

	for (id = 0; id < 2000; id++) {
		s = theirs(m, id);
		mux_mplex.reset(m, s, 0);
		mux_mplex.release(m, s, 1);
		(void)said(m);
		CHECK_EQ(mux_mplex.streams(m), 0);
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, id, 4000, &ev));
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, id, 1, &ev));
		CHECK_OK(feed(m, MPLEX_CLOSE_INITIATOR, id, 0, &ev));
		CHECK_OK(feed(m, MPLEX_RESET_INITIATOR, id, 0, &ev));
		CHECK_EQ(ev.kind, MUX_NONE);
	}
	for (n = 0; e == 0 && n < 5000; n++)	/* two ends each, no more */
		e = feed(m, MPLEX_CLOSE_INITIATOR, 1, 0, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	done(m);
}

/* 16 MiB of it, as much as sockets hold; and it does not go on for ever. */
/* told: the Reset went out; or it waits, as the peer does not read. */
static void
late_data(bool told)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 0);
	struct mux_event ev;
	int e, n;

	mux_mplex.reset(m, s, 0);
	mux_mplex.release(m, s, 1);
	if (told)
		(void)said(m);
	for (n = 0; n < 16; n++)
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, MPLEX_BODY_MAX,
		    &ev));
	for (n = 0, e = 0; e == 0 && n < 5000; n++)
		e = feed(m, MPLEX_MESSAGE_INITIATOR, 0, 64, &ev);
	CHECK_ERR(e, P2P_ERR_LIMIT);
	CHECK(n > 900 && n < 1100);
	done(m);
}

static void
late_data_is_free_up_to_a_bound(void)
{
	late_data(true);
	late_data(false);
}

static void
data_behind_a_close_is_dropped(void)
{
	struct mux *m = make(false);
	struct mux_event ev;

	(void)theirs(m, 0);
	CHECK_OK(feed(m, MPLEX_CLOSE_INITIATOR, 0, 3, &ev));	/* its body */
	CHECK_EQ(ev.kind, MUX_FIN);
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, 3, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_OK(feed(m, MPLEX_RESET_INITIATOR, 0, 3, &ev));
	CHECK_EQ(ev.kind, MUX_RESET);
	CHECK_EQ(mux_mplex.streams(m), 0);
	done(m);
}

/* The core is full while one stream holds too much, or all together. */
static void
users_that_are_behind_make_it_full(void)
{
	struct mux *m = make(false);
	struct mux_stream *s[16];
	struct mux_event ev;
	uint64_t id;

	for (id = 0; id < 16; id++)
		s[id] = theirs(m, id);
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, QUEUE, &ev));
	CHECK(!mux_mplex.full(m));
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, 1, &ev));
	CHECK(mux_mplex.full(m));
	mux_mplex.consumed(m, s[0], 1, 1);
	CHECK(!mux_mplex.full(m));
	for (id = 1; id < 8; id++)
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, id, QUEUE, &ev));
	CHECK(!mux_mplex.full(m));		/* 2 MiB, and no more */
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 8, 1, &ev));
	CHECK(mux_mplex.full(m));
	mux_mplex.reset(m, s[3], 0);
	CHECK(!mux_mplex.full(m));
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, QUEUE + 1, &ev));
	CHECK(mux_mplex.full(m));
	mux_mplex.release(m, s[0], 1);
	CHECK(!mux_mplex.full(m));
	done(m);
}

/* What a stream that has left holds still counts, until it is given up. */
static void
what_is_left_of_an_ended_stream_counts(void)
{
	struct mux *m = make(false);
	struct mux_stream *s;
	struct mux_event ev;
	uint64_t id;

	for (id = 0; id < 8; id++) {
		s = theirs(m, id);
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, id, QUEUE, &ev));
		CHECK_OK(feed(m, MPLEX_RESET_INITIATOR, id, 0, &ev));
	}
	CHECK_EQ(mux_mplex.streams(m), 0);
	s = theirs(m, 8);
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 8, 1, &ev));
	CHECK(mux_mplex.full(m));
	mux_mplex.consumed(m, s, 1, 1);
	CHECK(!mux_mplex.full(m));
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 8, 1, &ev));
	/* And is thrown away like any other. */
	CHECK_OK(mux_mplex.tick(m, 1 + STALL));
	CHECK(!mux_mplex.full(m));
	CHECK_OK(feed(m, MPLEX_NEW, 99, 0, &ev));
	CHECK_STR(said(m), "");		/* no reset: it has left */
	done(m);
}

/* V14. */
static void
a_user_that_takes_nothing_loses_its_stream(void)
{
	struct mux *m = make(false);
	struct mux_stream *idle = theirs(m, 0), *s = theirs(m, 1);
	struct rd none = { NULL, 0 };
	struct mux_event ev;

	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, 1000, &ev));
	CHECK_OK(feed_at(m, CLOCK_S, MPLEX_MESSAGE_INITIATOR, 1, QUEUE + 1,
	    QUEUE + 1, &ev));
	CHECK_EQ(mux_mplex.when(m), CLOCK_S + STALL);
	CHECK_OK(mux_mplex.tick(m, CLOCK_S + STALL - 1));
	CHECK(mux_mplex.full(m));
	CHECK_OK(mux_mplex.tick(m, CLOCK_S + STALL));
	CHECK(!mux_mplex.full(m));
	CHECK_EQ(mux_mplex.when(m), CLOCK_NEVER);
	CHECK_STR(says(m, s, "x"), "");	/* its writer has not heard yet */
	CHECK_OK(mux_mplex.next(m, &none, CLOCK_S + STALL, &ev));
	CHECK_EQ(ev.kind, MUX_STALL);
	CHECK(ev.stream == s);
	CHECK_OK(mux_mplex.next(m, &none, CLOCK_S + STALL, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	mux_mplex.reset(m, s, MUX_RESET_LIMIT);
	CHECK_STR(said(m), "0d00");
	mux_mplex.consumed(m, s, 5, CLOCK_S + STALL);	/* it was too late */
	mux_mplex.release(m, s, CLOCK_S + STALL);
	CHECK_EQ(mux_mplex.streams(m), 1);
	/* The sibling was in nobody's way. */
	mux_mplex.consumed(m, idle, 1000, CLOCK_S + STALL);
	CHECK_STR(says(m, idle, "x"), "010178");
	done(m);
}

/* Released before the session was told: nothing is told. */
static void
a_stall_of_a_released_stream_is_not_told(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 0);
	struct rd none = { NULL, 0 };
	struct mux_event ev;

	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, QUEUE + 1, &ev));
	CHECK_OK(mux_mplex.tick(m, 1 + STALL));
	mux_mplex.release(m, s, 1 + STALL);
	CHECK_OK(mux_mplex.next(m, &none, 1 + STALL, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_STR(said(m), "0500");
	CHECK_EQ(mux_mplex.streams(m), 0);
	done(m);
}

/* A byte now and then is enough, for as long as it takes. */
static void
a_user_that_is_slow_keeps_its_stream(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 0), *idle = theirs(m, 1);
	struct rd none = { NULL, 0 };
	struct mux_event ev;
	uint64_t now = 1;
	int i;

	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 1, 5, &ev));
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, QUEUE + 1000, &ev));
	for (i = 0; i < 100; i++) {
		now += STALL - 1;
		CHECK_OK(mux_mplex.tick(m, now));
		CHECK(mux_mplex.full(m));
		mux_mplex.consumed(m, s, 1, now);
		CHECK_EQ(mux_mplex.when(m), now + STALL);
	}
	/* Nor does a sibling that is not in the way lose its own. */
	CHECK_OK(mux_mplex.next(m, &none, now, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_STR(says(m, idle, "x"), "090178");
	CHECK_OK(mux_mplex.tick(m, now + STALL));
	CHECK(!mux_mplex.full(m));
	done(m);
}

static void
the_largest_go_first(void)
{
	struct mux *m = make(false);
	struct mux_stream *s[16];
	struct rd none = { NULL, 0 };
	struct mux_event ev;
	uint64_t id;

	for (id = 0; id < 16; id++) {
		s[id] = theirs(m, id);
		CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, id,
		    QUEUES / 16 + (id == 7 ? 1 : 0), &ev));
	}
	CHECK(mux_mplex.full(m));
	CHECK_OK(mux_mplex.tick(m, 1 + STALL));
	CHECK(!mux_mplex.full(m));
	CHECK_OK(mux_mplex.next(m, &none, 1 + STALL, &ev));
	CHECK_EQ(ev.kind, MUX_STALL);
	CHECK(ev.stream == s[7]);
	CHECK_OK(mux_mplex.next(m, &none, 1 + STALL, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	done(m);
}

static void
a_half_frame_times_out(void)
{
	static const struct {
		uint32_t	len;
		uint64_t	seconds;
	} bodies[] = { { 1000, 30 }, { MPLEX_BODY_MAX, 94 } };
	static const uint8_t half[] = { 0x82 };
	struct mux *m = make(false);
	struct rd in = { half, 1 };
	struct mux_event ev;
	size_t i;

	CHECK_OK(mux_mplex.next(m, &in, 1, &ev));
	CHECK_EQ(mux_mplex.when(m), 10 * CLOCK_S + 1);
	CHECK_OK(mux_mplex.tick(m, 10 * CLOCK_S));
	CHECK_ERR(mux_mplex.tick(m, 10 * CLOCK_S + 1), P2P_ERR_TIMEOUT);
	done(m);
	for (i = 0; i < 2; i++) {
		m = make(false);
		(void)theirs(m, 0);
		CHECK_OK(feed_at(m, 1, MPLEX_MESSAGE_INITIATOR, 0,
		    bodies[i].len, 1, &ev));
		CHECK_OK(mux_mplex.tick(m, bodies[i].seconds * CLOCK_S));
		CHECK_ERR(mux_mplex.tick(m, bodies[i].seconds * CLOCK_S + 1),
		    P2P_ERR_TIMEOUT);
		done(m);
	}
}

/* Nobody reads the socket while users are behind: the rest was not late. */
static void
a_frame_is_not_late_while_users_are_behind(void)
{
	struct mux *m = make(false);
	struct mux_stream *s = theirs(m, 0);
	struct mux_event ev;
	uint64_t now = 1;
	uint8_t rest = 0;
	struct rd in = { &rest, 1 };

	CHECK_OK(feed_at(m, 1, MPLEX_MESSAGE_INITIATOR, 0, QUEUE + 1001,
	    QUEUE + 1000, &ev));
	for (; now < 400 * CLOCK_S; now += STALL - 1) {
		CHECK_OK(mux_mplex.tick(m, now));
		mux_mplex.consumed(m, s, 1, now);
		CHECK(mux_mplex.full(m));
	}
	mux_mplex.consumed(m, s, QUEUE / 2, now);
	CHECK(!mux_mplex.full(m));
	CHECK_OK(mux_mplex.tick(m, now + 20 * CLOCK_S));
	CHECK_OK(mux_mplex.next(m, &in, now + 20 * CLOCK_S, &ev));
	CHECK_EQ(ev.kind, MUX_DATA);
	CHECK_OK(feed_at(m, now, MPLEX_MESSAGE_INITIATOR, 0, 5, 1, &ev));
	CHECK_ERR(mux_mplex.tick(m, now + 60 * CLOCK_S), P2P_ERR_TIMEOUT);
	done(m);
}

/* Without a user: its Close is waited for, within bounds. */
static void
a_released_stream_lingers(void)
{
	struct mux *m = make(false);
	struct mux_event ev;

	mux_mplex.release(m, theirs(m, 0), 1);
	CHECK_STR(said(m), "0300");
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 0, 1000, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_OK(feed(m, MPLEX_CLOSE_INITIATOR, 0, 0, &ev));
	CHECK_EQ(ev.kind, MUX_NONE);
	CHECK_EQ(mux_mplex.streams(m), 0);

	mux_mplex.release(m, theirs(m, 1), 1);
	CHECK_STR(said(m), "0b00");
	CHECK_EQ(mux_mplex.when(m), 60 * CLOCK_S + 1);
	CHECK_OK(mux_mplex.tick(m, 60 * CLOCK_S));
	CHECK_STR(said(m), "");
	CHECK_OK(mux_mplex.tick(m, 60 * CLOCK_S + 1));
	CHECK_STR(said(m), "0d00");
	CHECK_EQ(mux_mplex.streams(m), 0);

	mux_mplex.release(m, theirs(m, 2), 1);
	(void)said(m);
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 2, MPLEX_BODY_MAX, &ev));
	CHECK_STR(said(m), "");
	CHECK_OK(feed(m, MPLEX_MESSAGE_INITIATOR, 2, 1, &ev));
	CHECK_STR(said(m), "1500");
	CHECK_EQ(mux_mplex.streams(m), 0);
	done(m);
}

static void
large_writes_are_cut(void)
{
	struct mux *m = make(true);
	struct mux_stream *s;
	uint8_t *much = calloc(1, 100 * KIB), *buf = malloc(64 * KIB);
	struct rd data = { much, 100 * KIB }, r;
	struct mplex_hdr h;
	struct wr w;

	CHECK_OK(mux_mplex.open(m, 1, &user, &s));
	(void)said(m);
	CHECK(mux_mplex.window(m, s) > 0);
	wr_init(&w, buf, 64 * KIB);
	mux_mplex.data(m, s, &w, &data);
	r = (struct rd){ buf, w.len };
	CHECK_OK(mplex_hdr_get(&r, &h));
	CHECK(h.length == r.len && h.length <= 32 * KIB);
	CHECK_EQ(data.len, 100 * KIB - h.length);
	wr_init(&w, buf, 1000);			/* little room */
	mux_mplex.data(m, s, &w, &data);
	r = (struct rd){ buf, w.len };
	CHECK(!w.full);
	CHECK_OK(mplex_hdr_get(&r, &h));
	CHECK(h.length == r.len && h.length > 900);
	mux_mplex.release(m, s, 1);
	free(much);
	free(buf);
	done(m);
}

TESTS("mplex",
	{ "published frames are said", published_frames_are_said },
	{ "published frames are heard", published_frames_are_heard },
	{ "the opening precedes the first data",
	    the_opening_precedes_the_first_data },
	{ "what does not fit into a batch waits",
	    what_does_not_fit_into_a_batch_waits },
	{ "a stream lives and ends", a_stream_lives_and_ends },
	{ "every segmentation is the same session",
	    every_segmentation_is_the_same_session },
	{ "a mangled session is survived", a_mangled_session_is_survived },
	{ "hostile frames end the connection",
	    hostile_frames_end_the_connection },
	{ "a frame is never held", a_frame_is_never_held },
	{ "streams over the limit are refused and the rest lives",
	    streams_over_the_limit_are_refused_and_the_rest_lives },
	{ "open is refused at the limit and after goaway",
	    open_is_refused_at_the_limit_and_after_goaway },
	{ "floods end the connection", floods_end_the_connection },
	{ "streams that come to nothing end the connection",
	    streams_that_come_to_nothing_end_the_connection },
	{ "a stream that never was is not late",
	    a_stream_that_never_was_is_not_late },
	{ "refusals that are not read are bounded",
	    refusals_that_are_not_read_are_bounded },
	{ "late frames of a reset stream are free",
	    late_frames_of_a_reset_stream_are_free },
	{ "late data is free up to a bound", late_data_is_free_up_to_a_bound },
	{ "data behind a close is dropped", data_behind_a_close_is_dropped },
	{ "users that are behind make it full",
	    users_that_are_behind_make_it_full },
	{ "what is left of an ended stream counts",
	    what_is_left_of_an_ended_stream_counts },
	{ "a user that takes nothing loses its stream",
	    a_user_that_takes_nothing_loses_its_stream },
	{ "a stall of a released stream is not told",
	    a_stall_of_a_released_stream_is_not_told },
	{ "a user that is slow keeps its stream",
	    a_user_that_is_slow_keeps_its_stream },
	{ "the largest go first", the_largest_go_first },
	{ "a half frame times out", a_half_frame_times_out },
	{ "a frame is not late while users are behind",
	    a_frame_is_not_late_while_users_are_behind },
	{ "a released stream lingers", a_released_stream_lingers },
	{ "large writes are cut", large_writes_are_cut })
