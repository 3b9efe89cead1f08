/*
 * mplex's core on arbitrary bytes in arbitrary pieces: the first byte says who
 * we are, the length of each piece what its events are answered with, and
 * whether the users take what comes.  The length 255 is a block of 64 KiB of
 * one byte, which says so then, so that short inputs fill the core.
 */
#include "base/clock.h"
#include "base/limit.h"
#include "fuzz.h"
#include "muxer/muxer.h"

#define STREAMS	8
#define BLOCK	65536
#define MOST	(3u * 1024 * 1024)	/* held: 2 MiB, a batch, and more */

static size_t held;

static void
answer(struct mux *m, const struct mux_event *ev, uint64_t now, uint8_t how)
{
	static int user;
	uint8_t buf[512];
	struct rd data = { (const uint8_t *)"hello", 5 };
	struct wr w;

	if (ev->kind == MUX_STREAM) {
		mux_mplex.accept(m, ev->stream, &user);
		if (how & 1) {
			mux_mplex.reset(m, ev->stream, 7);
			mux_mplex.release(m, ev->stream, now);
		}
	} else if (ev->kind == MUX_DATA) {
		FUZZ_CHECK(ev->data.len > 0);
		held += ev->data.len;
		if (how & 4) {
			mux_mplex.consumed(m, ev->stream, ev->data.len, now);
			held -= ev->data.len;
		}
		wr_init(&w, buf, sizeof(buf));
		if (how & 2)
			mux_mplex.data(m, ev->stream, &w, &data);
		FUZZ_CHECK(!w.full);
	} else if (ev->kind == MUX_STALL) {
		mux_mplex.reset(m, ev->stream, MUX_RESET_LIMIT);
		held = 0;		/* some of it; enough for the bound */
		if (how & 1)
			mux_mplex.release(m, ev->stream, now);
	} else if (ev->kind == MUX_FIN || ev->kind == MUX_RESET) {
		if (how & 8)
			return;
		mux_mplex.release(m, ev->stream, now);
		held = 0;
	}
	FUZZ_CHECK(held <= MOST);
}

static int
cut(struct rd *in, uint8_t n, struct rd *piece, uint8_t *how)
{
	static uint8_t block[BLOCK];
	uint8_t fill;

	*how = n;
	if (n < 255)
		return rd_bytes(in, n < in->len ? n : in->len, piece);
	if (rd_u8(in, &fill) != 0)
		return -1;
	if (block[0] != fill)
		memset(block, fill, sizeof(block));
	*piece = (struct rd){ block, sizeof(block) };
	*how = fill;
	return 0;
}

/* One piece; while the core is full nothing is read, and time passes. */
static int
feed(struct mux *m, struct rd *piece, uint64_t *now, uint8_t how)
{
	struct mux_event ev;
	int e;

	if (mux_mplex.full(m)) {
		*now = mux_mplex.when(m);
		FUZZ_CHECK(*now != CLOCK_NEVER);
		if ((e = mux_mplex.tick(m, *now)) != 0)
			return e;
	}
	do {
		e = mux_mplex.next(m, piece, *now, &ev);
		if (e == 0)
			answer(m, &ev, *now, how);
	} while (e == 0 && ev.kind != MUX_NONE);
	FUZZ_CHECK(e != 0 || piece->len == 0);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t out[4096];
	struct limit ours, theirs;
	struct mux_params p = { .streams_in = &theirs, .streams_out = &ours,
	    .now = 1 };
	struct rd in = { bytes, size }, piece;
	struct mux_stream *s;
	static int user;
	struct mux *m;
	uint64_t now = 1;
	uint8_t head = 0, n, how;
	struct wr w;
	int e = 0;

	limit_init(&theirs, "streams-in", STREAMS, NULL);
	limit_init(&ours, "streams-out", STREAMS, NULL);
	held = 0;
	if (rd_u8(&in, &head) != 0)
		return 0;
	p.dialer = head & 1;
	FUZZ_CHECK(mux_mplex.new(&p, &m) == 0);
	for (head >>= 4; head > 0; head--)
		(void)mux_mplex.open(m, now, &user, &s);
	while (e == 0 && rd_u8(&in, &n) == 0) {
		if (cut(&in, n, &piece, &how) != 0)
			break;
		now += CLOCK_MS * n;
		e = feed(m, &piece, &now, how);
		FUZZ_CHECK(mux_mplex.streams(m) <= 2 * STREAMS);
		wr_init(&w, out, sizeof(out));
		mux_mplex.head(m, &w);
		mux_mplex.tail(m, &w);
		FUZZ_CHECK(!w.full);
		if (e == 0)
			e = mux_mplex.tick(m, now);
	}
	mux_mplex.free(m);
	FUZZ_CHECK(ours.used == 0 && theirs.used == 0);
	return 0;
}
