/*
 * What a capture says: of frames put together by hand, and of two hosts that
 * ping.
 */
#include "muxer/capture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/ping.h"
#include "pair.h"

#define LINES_MAX	64

struct lines {
	pthread_mutex_t	 mtx;
	size_t		 n;
	char		*text[LINES_MAX];
};

static void
keep(const char *line, void *arg)
{
	struct lines *l = arg;

	pthread_mutex_lock(&l->mtx);
	if (l->n < LINES_MAX)
		l->text[l->n++] = strdup(line);
	pthread_mutex_unlock(&l->mtx);
}

static void
lines_fini(struct lines *l)
{
	while (l->n > 0)
		free(l->text[--l->n]);
}

/* Behind the time and the peer, which must look like it. */
static const char *
said(struct lines *l, size_t i, const char *who)
{
	const char *p;

	CHECK_FATAL(i < l->n);
	p = l->text[i];
	CHECK_FATAL(strlen(p) > 28 + strlen(who));
	CHECK(p[4] == '-' && p[10] == 'T' && p[19] == '.' && p[26] == 'Z');
	CHECK(strncmp(p + 28, who, strlen(who)) == 0);
	return p + 28 + strlen(who);
}

/* A codec that leaves all as it is. */
struct codec {
	size_t	sealed, opened;
};

static size_t
copy_size(const struct codec *c, size_t len)
{
	(void)c;
	return len;
}

static int
copy_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	c->sealed += len;
	wr_bytes(out, plain, len);
	return 0;
}

static int
copy_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	int e = in->len > 0 ? 0 : P2P_ERR_SHORT;

	c->opened += in->len;
	*plain = (struct rd){ in->p, in->len };
	in->p += in->len;
	in->len = 0;
	*talk = false;
	return e;
}

static void
copy_free(struct codec *c)
{
	(void)c;
}

static const struct security_ops copy = {
	.id = "copy",
	.codec_free = copy_free,
	.sealed_size = copy_size,
	.seal = copy_seal,
	.open = copy_open,
};

struct wrapped {
	struct lines	 lines;
	struct codec	 inner;
	const struct security_ops *sec;
	struct codec	*codec;
};

static void
wrap(struct wrapped *w, struct rd early)
{
	struct capture_params p = { .line = keep, .arg = &w->lines,
	    .address = "/memory/1", .mux = &mux_yamux, .security = "copy",
	    .dialer = true, .early = early };

	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lines.mtx, NULL);
	w->sec = &copy;
	w->codec = &w->inner;
	CHECK_OK(p2p_peer_id_parse("12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQu"
	    "z3XEsk4Ksv", &p.peer));
	CHECK_OK(capture_wrap(&p, &w->sec, &w->codec));
}

static void
unwrap(struct wrapped *w)
{
	w->sec->codec_free(w->codec);
	lines_fini(&w->lines);
}

#define WHO	"sk4Ksv@/memory/1 "

/* A ping, data, and the beginning of a frame that is none. */
static const char frames[] =
    "\0\2\0\1\0\0\0\0\0\0\0\7"
    "\0\0\0\1\0\0\0\1\0\0\0\7" "\x13/mul\n\xff"
    "\0\1\0\x4c\0\0\0\1\0\4\0\0"
    "\1\0\0\0\0\0\0\0\0\0\0\0" "lost";

static const char *const described[] = {
	"yamux ping syn value=7",
	"yamux data syn stream=1 length=7",
	"| \\x13/mul\\n\\xff",
	"yamux window fin rst flags=0x40 stream=1 value=262144",
	"no frame: bytes from here on",
	"| \\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
	"| lost",
};

static void
frames_are_described_in_both_directions(void)
{
	struct wrapped w;
	uint8_t buf[256];
	struct wr out;
	size_t i, len = sizeof(frames) - 1, plain;
	bool talk;

	wrap(&w, (struct rd){ NULL, 0 });
	CHECK_STR(said(&w.lines, 0, WHO), "> begins: dialed, copy, "
	    "/yamux/1.0.0");
	wr_init(&out, buf, sizeof(buf));
	CHECK_OK(w.sec->seal(w.codec, (const uint8_t *)frames, len, &out));
	CHECK_BYTES(buf, out.len, frames, len);
	CHECK_OK(security_open(w.sec, w.codec, buf, &len, &plain, &talk));
	CHECK_EQ(plain, sizeof(frames) - 1);
	CHECK_EQ(w.lines.n, 1 + 2 * 7);
	for (i = 0; i < 7; i++) {
		CHECK_STR(said(&w.lines, 1 + i, WHO "> "), described[i]);
		CHECK_STR(said(&w.lines, 8 + i, WHO "< "), described[i]);
	}
	unwrap(&w);
}

/* However the bytes come, the headers are the same and no byte is lost. */
static void
a_frame_in_pieces_is_described_once(void)
{
	struct wrapped w;
	size_t i, len, plain;
	uint8_t byte;
	bool talk;

	wrap(&w, (struct rd){ (const uint8_t *)frames, 5 });
	CHECK_EQ(w.lines.n, 1);
	for (i = 5; i < 12 + 12 + 7; i++) {
		byte = (uint8_t)frames[i];
		len = 1;
		CHECK_OK(security_open(w.sec, w.codec, &byte, &len, &plain,
		    &talk));
	}
	CHECK_EQ(w.lines.n, 1 + 2 + 7);
	CHECK_STR(said(&w.lines, 1, WHO "< "), described[0]);
	CHECK_STR(said(&w.lines, 2, WHO "< "), described[1]);
	CHECK_STR(said(&w.lines, 3, WHO "< "), "| \\x13");
	CHECK_STR(said(&w.lines, 9, WHO "< "), "| \\xff");
	unwrap(&w);
}

/* Headers of any length, with the vectors of the spec digest, section 10. */
static void
mplex_frames_are_described(void)
{
	static const struct {
		const char	*wire;
		size_t		 len;
		const char	*want;
		uint64_t	 body;
	} cases[] = {
		{ "\0\1", 2, "mplex new stream stream=0 length=1", 1 },
		{ "\2\2", 2, "mplex message initiator stream=0 length=2", 2 },
		{ "\6\0", 2, "mplex reset initiator stream=0 length=0", 0 },
		{ "\x88\1\0", 3, "mplex new stream stream=17 length=0", 0 },
	};
	char text[128];
	struct rd in;
	struct wr w;
	uint64_t body;
	size_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = 0; n < cases[i].len; n++) {
			in = (struct rd){ (const uint8_t *)cases[i].wire, n };
			wr_init(&w, text, sizeof(text));
			CHECK_ERR(mux_mplex.describe(&in, &body, &w),
			    P2P_ERR_SHORT);
		}
		in = (struct rd){ (const uint8_t *)cases[i].wire, n };
		wr_init(&w, text, sizeof(text));
		CHECK_OK(mux_mplex.describe(&in, &body, &w));
		CHECK_BYTES(text, w.len, cases[i].want,
		    strlen(cases[i].want));
		CHECK_EQ(body, cases[i].body);
	}
}

static bool
has(const struct lines *l, const char *text)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strstr(l->text[i], text) != NULL)
			return true;
	return false;
}

/* All the way: what a host says of a ping over each security. */
static void
a_host_tells_what_its_connections_say(void)
{
	static const char *const secrets[][2] = { { "/tls/1.0.0", NULL },
	    { "/noise", NULL } };
	static const char *const keys[] = { "SERVER_TRAFFIC_SECRET_0 ",
	    "NOISE_LISTENER_KEY " };
	struct lines lines, log;
	struct p2p_host_config c = { .capture = keep, .capture_arg = &lines,
	    .keylog = keep, .keylog_arg = &log };
	struct pair p;
	uint64_t rtt;
	size_t i;

	for (i = 0; i < 2; i++) {
		memset(&lines, 0, sizeof(lines));
		memset(&log, 0, sizeof(log));
		pthread_mutex_init(&lines.mtx, NULL);
		pthread_mutex_init(&log.mtx, NULL);
		c.security = secrets[i];
		pair_config(&p, &c, NULL);
		CHECK_OK(p2p_host_connect(p.a, p.target, NULL, NULL, NULL));
		CHECK_OK(p2p_ping(p.a, p2p_host_id(p.b), 5000, &rtt));
		pair_free(&p);
		CHECK(has(&lines, secrets[i][0]));
		CHECK(has(&lines, "> yamux window syn stream="));
		CHECK(has(&lines, "/ipfs/ping/1.0.0\\n"));
		CHECK(has(&lines, "- is over"));
		CHECK(has(&log, keys[i]));
		lines_fini(&lines);
		lines_fini(&log);
	}
}

TESTS("capture",
    { "frames are described in both directions",
      frames_are_described_in_both_directions },
    { "a frame in pieces is described once",
      a_frame_in_pieces_is_described_once },
    { "mplex frames are described", mplex_frames_are_described },
    { "a host tells what its connections say",
      a_host_tells_what_its_connections_say })
