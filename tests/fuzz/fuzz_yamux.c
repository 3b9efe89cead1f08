/*
 * A muxer's core on arbitrary bytes in arbitrary pieces: the first byte says
 * who we are, each event is answered with a call.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limit.h"
#include "muxer/muxer.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
answer(struct mux *m, const struct mux_event *ev, uint64_t now, uint8_t how)
{
	static int user;
	uint8_t buf[512];
	struct rd data = { (const uint8_t *)"hello", 5 };
	struct wr w;

	if (ev->kind == MUX_STREAM) {
		mux_yamux.accept(m, ev->stream, &user);
		if (how & 1) {
			mux_yamux.reset(m, ev->stream, 7);
			mux_yamux.release(m, ev->stream, now);
		}
	} else if (ev->kind == MUX_DATA) {
		mux_yamux.consumed(m, ev->stream, ev->data.len, now);
		wr_init(&w, buf, sizeof(buf));
		if ((how & 2) && mux_yamux.window(m, ev->stream) > 0)
			mux_yamux.data(m, ev->stream, &w, &data);
	} else if (ev->kind == MUX_FIN || ev->kind == MUX_RESET) {
		mux_yamux.release(m, ev->stream, now);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[4096];
	struct limit windows, ours, theirs;
	struct mux_params p = { .streams_in = &theirs, .streams_out = &ours,
	    .now = 1,
	    .max_window = 1 << 20, .windows = &windows, .keepalive = CLOCK_S,
	    .pong_timeout = 10 * CLOCK_S };
	struct rd in = { data, size }, piece;
	struct mux_event ev;
	struct mux *m;
	uint64_t now = 1;
	uint8_t head = 0, n;
	struct wr w;
	int e = 0;

	limit_init(&windows, "windows", 1 << 20, NULL);
	limit_init(&theirs, "streams-in", 8, NULL);
	limit_init(&ours, "streams-out", 8, NULL);
	if (rd_u8(&in, &head) != 0)
		return 0;
	p.dialer = head & 1;
	if (mux_yamux.new(&p, &m) != 0)
		abort();
	while (e == 0 && rd_u8(&in, &n) == 0) {
		if (rd_bytes(&in, n < in.len ? n : in.len, &piece) != 0)
			break;
		now += CLOCK_MS * n;
		do {
			e = mux_yamux.next(m, &piece, now, &ev);
			if (e == 0)
				answer(m, &ev, now, n);
		} while (e == 0 && ev.kind != MUX_NONE);
		wr_init(&w, out, sizeof(out));
		mux_yamux.head(m, &w);
		mux_yamux.tail(m, &w);
		if (e == 0)
			e = mux_yamux.tick(m, now);
	}
	mux_yamux.free(m);
	assert(windows.used == 0);
	return 0;
}
