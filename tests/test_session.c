/*
 * The worker of a session over a bare socket: no host, no security.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/bufpool.h"
#include "base/limit.h"
#include "check.h"
#include "muxer/flusher.h"
#include "muxer/mplex_frame.h"
#include "muxer/mstream.h"
#include "p2p/error.h"

#define OPENINGS	100

static void
no_codec_free(struct codec *c)
{
	(void)c;
}

static int
bare_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	(void)c;
	wr_bytes(out, plain, len);
	return 0;
}

static int
bare_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	int e = in->len > 0 ? 0 : P2P_ERR_SHORT;

	(void)c;
	*talk = false;
	*plain = (struct rd){ in->p, in->len };
	in->p += in->len;
	in->len = 0;
	return e;
}

static const struct security_ops bare = {
	.codec_free = no_codec_free,
	.seal = bare_seal,
	.open = bare_open,
};

struct fixture {
	struct bufpool	 pool, segments;
	struct flusher	*flusher;
	struct limit	 limit;
	struct session	*session;
	int		 peer;		/* the other end of its socket */
	unsigned	 opened;	/* streams of the peer's */
};

static void
begin(struct fixture *f, int (*inbound)(struct mstream *, void *))
{
	struct raw raw = { .fd = -1 };
	struct session_params p = { .raw = &raw, .sec = &bare,
	    .ops = &mux_mplex, .pool = &f->pool, .segments = &f->segments,
	    .streams_in = &f->limit, .streams_out = &f->limit,
	    .windows = &f->limit, .windows_each = &f->limit,
	    .buffered = &f->limit, .buffered_each = &f->limit,
	    .inbound = inbound, .arg = f };
	int fds[2];

	CHECK_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds) == 0);
	raw.fd = fds[0];
	f->peer = fds[1];
	f->opened = 0;
	bufpool_init(&f->pool, LINK_BUFFER, LINK_BUFFERS_KEEP);
	queue_segments_init(&f->segments);
	limit_init(&f->limit, "all", UINT64_MAX, NULL);
	CHECK_OK(flusher_new(1, &f->flusher));
	p.flusher = f->flusher;
	CHECK_OK(session_new(&p, &f->session));
}

static void
end(struct fixture *f)
{
	session_unref(f->session);
	flusher_free(f->flusher);
	bufpool_fini(&f->segments);
	bufpool_fini(&f->pool);
	close(f->peer);
}

static int
end_it(struct mstream *ms, void *arg)
{
	struct fixture *f = arg;

	f->opened++;
	session_close(mstream_session(ms), P2P_ERR_STOPPED);
	return P2P_ERR_REFUSED;
}

/* Megabytes of the smallest frames may wait in the socket at a stop. */
static void
what_comes_behind_our_end_is_not_looked_at(void)
{
	uint8_t buf[OPENINGS * MPLEX_HDR_MAX];
	struct fixture f;
	struct wr w;
	uint64_t id;

	begin(&f, end_it);
	wr_init(&w, buf, sizeof(buf));
	for (id = 0; id < OPENINGS; id++)
		mplex_hdr_put(&w, &(struct mplex_hdr){ id, MPLEX_NEW, 0 });
	CHECK_EQ(send(f.peer, buf, w.len, 0), w.len);
	CHECK_ERR(session_run(f.session), P2P_ERR_STOPPED);
	CHECK_EQ(f.opened, 1);
	end(&f);
}

TESTS("session",
	{ "what comes behind our end is not looked at",
	    what_comes_behind_our_end_is_not_looked_at })
