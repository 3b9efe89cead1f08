/*
 * libp2p/specs perf/perf.md, spec digest PRF-1 to PRF-5.
 */
#include "p2p/perf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "host/conn.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/peer_id.h"
#include "p2p/stream.h"

#define CHUNK		(64 * 1024)
#define CHUNK_MAX	(16 * 1024 * 1024)
#define IDLE_MS		30000

/* One run, as it goes. */
struct run {
	struct p2p_stream	*s;
	const struct p2p_perf_options *o;
	struct p2p_perf_result	 r;
	uint64_t		 told;		/* when it last told progress */
	uint8_t			*buf;
	size_t			 chunk;
};

static void
serve(struct p2p_stream *s, void *arg)
{
	uint8_t hdr[8], *buf;
	struct rd r = { hdr, sizeof(hdr) };
	uint64_t want;
	size_t len;
	ssize_t n;

	(void)arg;
	p2p_stream_read_timeout(s, IDLE_MS);
	p2p_stream_write_timeout(s, IDLE_MS);
	buf = malloc(CHUNK);
	if (buf == NULL || p2p_stream_read_full(s, hdr, sizeof(hdr)) != 0 ||
	    rd_be64(&r, &want) != 0) {
		p2p_stream_reset(s);
		free(buf);
		return;
	}
	while ((n = p2p_stream_read(s, buf, CHUNK)) > 0)
		;
	memset(buf, 0, CHUNK);
	for (; n == 0 && want > 0; want -= len) {
		len = want < CHUNK ? (size_t)want : CHUNK;
		if (p2p_stream_write_full(s, buf, len) != 0)
			n = -1;		/* the peer has seen enough: PRF-5 */
	}
	if (n != 0)
		p2p_stream_reset(s);
	free(buf);
}

int
p2p_perf_serve(struct p2p_host *host)
{
	return p2p_host_handle(host, P2P_PERF_ID, serve, NULL);
}

static int
tell(struct run *run, bool always)
{
	uint64_t now = clock_now();

	if (run->o->progress == NULL || (!always && now - run->told < CLOCK_S))
		return 0;
	run->told = now;
	return run->o->progress(&run->r, run->o->arg) != 0 ? P2P_ERR_CLOSED : 0;
}

static int
upload(struct run *run)
{
	uint64_t left = run->o->upload, begun = clock_now();
	uint8_t hdr[8];
	struct wr w;
	size_t len;
	int e;

	wr_init(&w, hdr, sizeof(hdr));
	wr_be64(&w, run->o->download);
	if ((e = p2p_stream_write_full(run->s, hdr, sizeof(hdr))) != 0)
		return e;
	for (; left > 0; left -= len) {
		len = left < run->chunk ? (size_t)left : run->chunk;
		if ((e = p2p_stream_write_full(run->s, run->buf, len)) != 0)
			return e;
		run->r.uploaded += len;
		run->r.upload_us = (clock_now() - begun) / CLOCK_US;
		if ((e = tell(run, false)) != 0)
			return e;
	}
	if ((e = p2p_stream_close_write(run->s)) != 0)
		return e;
	run->r.upload_us = (clock_now() - begun) / CLOCK_US;
	return tell(run, true);
}

static int
download(struct run *run)
{
	uint64_t begun = clock_now();
	ssize_t n;
	int e;

	while ((n = p2p_stream_read(run->s, run->buf, run->chunk)) > 0) {
		run->r.downloaded += (uint64_t)n;
		run->r.download_us = (clock_now() - begun) / CLOCK_US;
		if (run->r.downloaded > run->o->download)
			return P2P_ERR_PROTOCOL;
		if ((e = tell(run, false)) != 0)
			return e;
	}
	if (n < 0)
		return (int)n;
	run->r.download_us = (clock_now() - begun) / CLOCK_US;
	if (run->r.downloaded != run->o->download)
		return P2P_ERR_PROTOCOL;
	return tell(run, true);
}

int
p2p_perf(struct p2p_host *host, const struct p2p_peer_id *peer,
    const struct p2p_perf_options *o, struct p2p_perf_result *out)
{
	static const char *const protocols[] = { P2P_PERF_ID, NULL };
	struct run run = { .o = o, .told = clock_now() };
	uint64_t deadline = o->timeout_ms != 0 ?
	    clock_deadline_ms(o->timeout_ms) : CLOCK_NEVER;
	int e;

	run.chunk = o->chunk == 0 ? CHUNK : o->chunk;
	if (run.chunk > CHUNK_MAX)
		return P2P_ERR_TOO_LARGE;
	if ((run.buf = calloc(1, run.chunk)) == NULL)
		return -ENOMEM;
	e = p2p_host_open_peer(host, peer, protocols, o->timeout_ms, &run.s);
	if (e == 0) {
		stream_deadline(run.s, deadline);
		if ((e = upload(&run)) == 0)
			e = download(&run);
		if (e != 0)
			p2p_stream_reset(run.s);
		p2p_stream_free(run.s);
		*out = run.r;
	}
	free(run.buf);
	return e;
}
