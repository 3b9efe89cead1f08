/*
 * What the other implementations do in their own ways, spec digest core.md 19,
 * one case a row.  Rows that are a codec's business have theirs with it:
 *
 *	TLS ALPN		test_tls: the dialer's first known muxer is
 *				chosen
 *	TLS extension's place	test_tls_cert: our certificate is what the
 *				strictest peer wants
 *	Noise muxer list	test_noise: muxers of others are matched by the
 *				dialer's order
 *	identify's reader	test_identify_msg: however much there is, it is
 *				one small message; several messages are merged
 *	signed record family	test_envelope
 *	bad multiaddr in one	test_identify_msg: bad addresses are skipped one
 *				by one
 *	peer id text		test_peer_id
 *	secp256k1 high S	test_sign: secp256k1 signs with a low S
 *	ECDSA identity		test_key, test_tls_cert
 *	plaintext's size	test_plaintext
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"
#include "evil.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/stream.h"
#include "security/noise_msg.h"
#include "security/noise_state.h"

#define HEADER	"\x13" "/multistream/1.0.0\n"
#define NA	"\x03" "na\n"
#define LS	"\x03" "ls\n"
#define TLS	"\x0b" "/tls/1.0.0\n"
#define NOISE	"\x07" "/noise\n"
#define YAMUX	"\x0d" "/yamux/1.0.0\n"
#define ECHO	"\x0c" "/echo/1.0.0\n"
#define PING	"\x11" "/ipfs/ping/1.0.0\n"
#define ID	"\x0f" "/ipfs/id/1.0.0\n"
#define WAIT_S	10

/* An upgrade of ours in a thread, and the peer's end of its socket. */
struct ours {
	struct p2p_key	*key;
	struct upgrader	 u;
	struct raw	 raw;
	bool		 dialer;
	struct upgraded	 up;
	int		 e, fd;
	struct thread	 thread;
};

static void
ours_run(void *arg)
{
	struct ours *o = arg;
	enum p2p_stage stage;

	o->e = upgrade(&o->u, &o->raw, o->dialer, NULL, -1,
	    clock_after(clock_now(), WAIT_S * CLOCK_S), &stage, &o->up);
	if (o->e != 0)
		(void)shutdown(o->raw.fd, SHUT_RDWR);
}

static void
ours_start(struct ours *o, bool dialer)
{
	const struct timeval late = { .tv_sec = WAIT_S };
	int fds[2];

	*o = (struct ours){ .dialer = dialer };
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	o->raw.fd = fds[0];
	o->fd = fds[1];
	CHECK_EQ(setsockopt(o->fd, SOL_SOCKET, SO_RCVTIMEO, &late,
	    sizeof(late)), 0);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &o->key));
	CHECK_OK(upgrader_init(&o->u,
	    &(struct upgrader_params){ .key = o->key }));
	CHECK_OK(thread_start(&o->thread, "upgrade", THREAD_STACK, ours_run,
	    o));
}

/* It must have ended so; what it may still wait for never comes. */
static void
ours_join(struct ours *o, int want)
{
	if (want != 0)
		(void)shutdown(o->fd, SHUT_RDWR);
	thread_join(&o->thread);
	CHECK_ERR(o->e, want);
}

static void
ours_fini(struct ours *o)
{
	if (o->up.codec != NULL)
		o->up.sec->codec_free(o->up.codec);
	free(o->up.early);
	close(o->fd);
	raw_close(&o->raw);
	upgrader_fini(&o->u);
	p2p_key_free(o->key);
}

static void
says(const struct ours *o, const void *bytes, size_t len)
{
	CHECK_EQ(send(o->fd, bytes, len, MSG_NOSIGNAL), len);
}

/* Exactly this comes next. */
static void
hears(const struct ours *o, const char *text)
{
	char buf[256];
	ssize_t n = recv(o->fd, buf, strlen(text), MSG_WAITALL);

	CHECK_BYTES(buf, n < 0 ? 0 : (size_t)n, text, strlen(text));
}

/* Row 1: rust and js listeners say nothing before they have our header. */
static void
a_silent_listener_gets_our_header_at_once(void)
{
	struct ours o;

	ours_start(&o, true);
	hears(&o, HEADER TLS);
	says(&o, HEADER NA, 24);
	hears(&o, NOISE);
	ours_join(&o, P2P_ERR_DISCONNECTED);
	ours_fini(&o);
}

/* Row 2: py as a dialer proposes only once it has our header. */
static void
a_dialer_that_waits_for_our_header_gets_it(void)
{
	struct ours o;

	ours_start(&o, false);
	hears(&o, HEADER);
	says(&o, HEADER, 20);
	says(&o, NOISE, 8);
	hears(&o, NOISE);
	ours_join(&o, P2P_ERR_DISCONNECTED);
	ours_fini(&o);
}

/* Row 4: rust, js and py answer ls; go and we do not, and go on. */
static void
ls_is_answered_na(void)
{
	struct ours o;

	ours_start(&o, false);
	says(&o, HEADER LS, 24);
	hears(&o, HEADER NA);
	says(&o, "\x11" "/plaintext/2.0.0\n", 18);
	hears(&o, NA);
	says(&o, TLS, 12);
	hears(&o, TLS);
	ours_join(&o, P2P_ERR_DISCONNECTED);
	ours_fini(&o);
}

/* A Noise message of a peer by hand, with its length in front. */
static void
put_noise(struct wr *w, struct noise_xx *xx, struct rd payload)
{
	size_t at = w->len;

	wr_be16(w, 0);
	CHECK_OK(noise_xx_write(xx, payload, w));
	w->p[at] = (uint8_t)((w->len - at - 2) >> 8);
	w->p[at + 1] = (uint8_t)(w->len - at - 2);
}

static void
put_sealed(struct wr *w, struct noise_half *h, const char *text, size_t len)
{
	wr_be16(w, (uint16_t)(len + AEAD_TAG));
	CHECK_OK(noise_half_seal(h, (struct rd){ NULL, 0 },
	    (const uint8_t *)text, len, w->p + w->len));
	w->len += len + AEAD_TAG;
}

/*
 * Row 3: rust sends what it will need behind what it proposes, in one segment:
 * the handshake behind its name, then the muxer and its first frames behind
 * the last message.  Its payload lists no muxer.
 */
static void
everything_of_v1lazy_comes_in_two_segments(void)
{
	static const char *const none[] = { NULL };
	static const char frame[] = "\0\1\0\1\0\0\0\1\0\0\0\0";
	uint8_t key1[AEAD_KEY], key2[AEAD_KEY], sig[P2P_KEY_SIGNATURE_MAX];
	uint8_t out[2048], in[2048], payload[NOISE_PAYLOAD_MAX];
	struct noise_half half = { NULL, 0 };
	struct dh_pair s, e;
	struct noise_xx xx;
	struct ours o;
	struct rd view;
	struct wr w, p;
	size_t siglen;
	ssize_t n;

	ours_start(&o, false);
	CHECK_OK(dh_new(&s));
	CHECK_OK(dh_new(&e));
	CHECK_OK(noise_xx_init(&xx, true, &s, &e));
	wr_init(&w, out, sizeof(out));
	wr_bytes(&w, HEADER NOISE, 28);
	put_noise(&w, &xx, (struct rd){ NULL, 0 });
	says(&o, out, w.len);
	hears(&o, HEADER NOISE);
	CHECK_EQ(recv(o.fd, in, 2, MSG_WAITALL), 2);
	n = recv(o.fd, in, (size_t)in[0] << 8 | in[1], MSG_WAITALL);
	CHECK_FATAL(n > 0);
	CHECK_OK(noise_xx_read(&xx, (struct rd){ in, (size_t)n }, payload,
	    &view));
	CHECK_OK(noise_sign(o.key, s.public, sig, &siglen));
	wr_init(&p, payload, sizeof(payload));
	noise_payload_put(o.key, (struct rd){ sig, siglen }, none, &p);
	wr_init(&w, out, sizeof(out));
	put_noise(&w, &xx, (struct rd){ payload, p.len });
	CHECK_OK(noise_xx_split(&xx, key1, key2));
	CHECK_OK(aead_new(key1, &half.aead));
	put_sealed(&w, &half, HEADER YAMUX, 34);
	put_sealed(&w, &half, frame, sizeof(frame) - 1);
	says(&o, out, w.len);
	ours_join(&o, 0);
	CHECK_STR(o.up.security, "/noise");
	CHECK(o.up.mux == &mux_yamux);
	/* The frame is the session's: opened already, or still sealed. */
	CHECK_EQ(o.up.plain > 0 ? o.up.plain : o.up.cipher - 2 - AEAD_TAG,
	    sizeof(frame) - 1);
	ours_fini(&o);
	aead_free(half.aead);
	noise_xx_fini(&xx);
}

/* A host that serves echo, and a peer by hand that dialed it. */
struct scene {
	struct pair	p;
	struct evil	v;
};

static void
scene_init(struct scene *sc)
{
	pair_memory(&sc->p, 0);
	CHECK_OK(p2p_echo_serve(sc->p.b));
	evil_new(&sc->v, sc->p.target, sc->p.net);
}

static void
scene_fini(struct scene *sc)
{
	evil_free(&sc->v);
	pair_free(&sc->p);
}

/* What came on a stream up to its end, and how it ended. */
struct heard {
	uint8_t		bytes[1024];
	size_t		len;
	unsigned	flags;		/* of the last frame */
};

/* The rules that every frame of ours keeps for somebody's sake. */
static void
check_frame(const struct yamux_hdr *h)
{
	unsigned end = h->flags & (YAMUX_FIN | YAMUX_RST);

	CHECK(!(end != 0 && (h->flags & YAMUX_ACK)));	/* py: not seen */
	CHECK(!(end != 0 && h->type == YAMUX_DATA));	/* js: body lost */
	CHECK(h->type != YAMUX_DATA || h->length <= 65536);
}

static void
hear(struct evil *v, uint32_t id, struct heard *out)
{
	struct yamux_hdr h;

	memset(out, 0, sizeof(*out));
	do {
		CHECK_FATAL(evil_next(v, &h, out->bytes + out->len,
		    sizeof(out->bytes) - out->len));
		check_frame(&h);
		if (h.stream != id)
			continue;
		if (h.type == YAMUX_DATA)
			out->len += h.length;
		out->flags = h.flags;
	} while (h.stream != id || !(h.flags & (YAMUX_FIN | YAMUX_RST)));
}

static void
echoed(struct evil *v, uint32_t id, const char *text)
{
	struct heard got;

	hear(v, id, &got);
	CHECK_EQ(got.flags, YAMUX_FIN);
	CHECK_BYTES(got.bytes, got.len, text, strlen(text));
}

/* Rows "SYN timing", "FIN carrier": every way to open and to finish. */
static void
streams_open_and_end_in_every_way(void)
{
	struct scene sc;
	struct evil *v = &sc.v;

	scene_init(&sc);
	/* go, js: both by windows */
	CHECK(evil_frame(v, 0, YAMUX_WINDOW, YAMUX_SYN, 1, 0));
	CHECK(evil_data(v, 0, 1, HEADER ECHO "go", 35));
	CHECK(evil_frame(v, 0, YAMUX_WINDOW, YAMUX_FIN, 1, 0));
	echoed(v, 1, HEADER ECHO "go");
	/* rust: with the first data, an empty one at the end */
	CHECK(evil_data(v, YAMUX_SYN, 3, HEADER ECHO "rust", 37));
	CHECK(evil_data(v, YAMUX_FIN, 3, "", 0));
	echoed(v, 3, HEADER ECHO "rust");
	/* rust again: its late ACK may ride on the end */
	CHECK(evil_data(v, YAMUX_SYN, 5, HEADER ECHO, 33));
	CHECK(evil_data(v, YAMUX_ACK | YAMUX_FIN, 5, "", 0));
	echoed(v, 5, HEADER ECHO);
	/* hashicorp: data with the end, and all at once */
	CHECK(evil_data(v, YAMUX_SYN, 7, HEADER ECHO, 33));
	CHECK(evil_data(v, YAMUX_FIN, 7, "data", 4));
	echoed(v, 7, HEADER ECHO "data");
	CHECK(evil_data(v, YAMUX_SYN | YAMUX_FIN, 9, HEADER ECHO "all", 36));
	echoed(v, 9, HEADER ECHO "all");
	scene_fini(&sc);
}

/* Row "RST carrier": both, with a code that is no credit; rust says FIN too. */
static void
resets_come_in_every_way(void)
{
	static const struct {
		enum yamux_type	type;
		unsigned	flags;
		uint32_t	length;
	} ways[] = {
		{ YAMUX_WINDOW, YAMUX_RST, 0x1001 },
		{ YAMUX_WINDOW, YAMUX_RST, UINT32_MAX },
		{ YAMUX_DATA, YAMUX_RST, 0 },
		{ YAMUX_DATA, YAMUX_RST | YAMUX_ACK, 0 },
		{ YAMUX_WINDOW, YAMUX_RST | YAMUX_FIN, 0 },
	};
	struct yamux_hdr h;
	struct scene sc;
	uint32_t id = 1;
	size_t i;

	scene_init(&sc);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++, id += 2) {
		CHECK(evil_data(&sc.v, YAMUX_SYN, id, HEADER ECHO "x", 34));
		CHECK(evil_expect(&sc.v, YAMUX_DATA, 0, id, &h));
		CHECK(evil_frame(&sc.v, 0, ways[i].type, ways[i].flags, id,
		    ways[i].length));
	}
	/* rust: an end of a stream that never was */
	CHECK(evil_frame(&sc.v, 0, YAMUX_DATA, YAMUX_FIN, 101, 0));
	CHECK(evil_frame(&sc.v, 0, YAMUX_DATA, YAMUX_RST, 103, 0));
	evil_settles(sc.p.b, LIMIT_STREAMS_IN, 0);
	CHECK(evil_data(&sc.v, YAMUX_SYN | YAMUX_FIN, id, HEADER ECHO, 33));
	echoed(&sc.v, id, HEADER ECHO);
	scene_fini(&sc);
}

/* A stream of ours that the peer answers without ever acknowledging it. */
static void
open_echo(struct scene *sc, struct p2p_stream **s)
{
	static const char *const echo[] = { "/echo/1.0.0", NULL };
	struct p2p_connection *list;
	size_t n;

	host_joined(sc->p.b, 1);
	CHECK_OK(p2p_host_connections(sc->p.b, &list, &n));
	CHECK_OK(p2p_host_open_on(sc->p.b, list[0].number, echo, 5000, s));
	p2p_host_connections_free(list, n);
}

struct opening {
	struct scene		*sc;
	struct p2p_stream	*s;
	struct thread		 thread;
};

static void
open_run(void *arg)
{
	struct opening *o = arg;

	open_echo(o->sc, &o->s);
}

/* Row "ACK timing": js may lose it, rust sends it with its first data. */
static void
a_stream_lives_without_ack(void)
{
	struct opening o = { NULL, NULL, { 0 } };
	struct scene sc;
	struct yamux_hdr h;
	uint8_t body[256], c = 0;
	uint32_t id = 0;

	scene_init(&sc);
	o.sc = &sc;
	CHECK_OK(thread_start(&o.thread, "open", THREAD_STACK, open_run, &o));
	/* The one that asks for echo; the other is identify. */
	while (id == 0 && evil_next(&sc.v, &h, body, sizeof(body)))
		if (h.type == YAMUX_DATA && h.length == 33 &&
		    memcmp(body, HEADER ECHO, 33) == 0)
			id = h.stream;
	CHECK_FATAL(id != 0 && id % 2 == 0);
	CHECK(evil_data(&sc.v, 0, id, HEADER ECHO, 33));
	thread_join(&o.thread);
	CHECK_FATAL(o.s != NULL);
	CHECK(evil_data(&sc.v, 0, id, "y", 1));
	CHECK_OK(p2p_stream_read_full(o.s, &c, 1));
	CHECK_EQ(c, 'y');
	CHECK_OK(p2p_stream_write_full(o.s, "z", 1));
	CHECK(evil_expect(&sc.v, YAMUX_DATA, 0, id, &h));
	p2p_stream_free(o.s);
	scene_fini(&sc);
}

/* Row "GoAway(0)": go and rust end all; we let streams that live finish. */
static void
a_goaway_lets_streams_finish(void)
{
	struct scene sc;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN, 1, HEADER ECHO "be", 35));
	CHECK(evil_frame(&sc.v, 0, YAMUX_GOAWAY, 0, 0, 0));
	CHECK(evil_data(&sc.v, 0, 1, "fore", 4));
	CHECK(evil_frame(&sc.v, 0, YAMUX_WINDOW, YAMUX_FIN, 1, 0));
	echoed(&sc.v, 1, HEADER ECHO "before");
	scene_fini(&sc);
}

/* The same from our side: it is the last frame, since it kills theirs. */
static void
our_goaway_comes_last(void)
{
	struct p2p_connection *list;
	struct yamux_hdr h;
	struct scene sc;
	size_t n;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN | YAMUX_FIN, 1, HEADER ECHO, 33));
	echoed(&sc.v, 1, HEADER ECHO);
	host_joined(sc.p.b, 1);
	CHECK_OK(p2p_host_connections(sc.p.b, &list, &n));
	CHECK_OK(p2p_host_close(sc.p.b, list[0].number));
	p2p_host_connections_free(list, n);
	CHECK(evil_expect(&sc.v, YAMUX_GOAWAY, 0, 0, &h));
	CHECK_EQ(h.length, 0);
	while (evil_next(&sc.v, &h, NULL, 0))
		CHECK(h.flags & (YAMUX_FIN | YAMUX_RST));
	scene_fini(&sc);
}

/*
 * Rows "late pong", "unsolicited pong": one for each ping, with its value, at
 * once, also while a stream's window is full of what nobody reads.
 */
static void
every_ping_gets_one_pong_with_its_value(void)
{
	static uint8_t body[65536];
	struct yamux_hdr h;
	struct scene sc;
	uint32_t i, pongs = 0;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN, 1, HEADER, 20));
	memset(body, 'x', sizeof(body));
	for (i = 0; i < 3; i++)		/* no name of a protocol: unread */
		CHECK(evil_data(&sc.v, 0, 1, body, sizeof(body)));
	for (i = 1; i <= 20; i++) {
		CHECK(evil_frame(&sc.v, 0, YAMUX_PING, YAMUX_SYN, 0, i * 77));
		do {
			CHECK_FATAL(evil_next(&sc.v, &h, NULL, 0));
		} while (h.type != YAMUX_PING || h.flags != YAMUX_ACK);
		CHECK_EQ(h.length, i * 77);
		CHECK_EQ(h.stream, 0);
		pongs++;
	}
	CHECK_EQ(pongs, 20);
	/* A round trip of something else brings no more of them. */
	CHECK(evil_data(&sc.v, YAMUX_SYN | YAMUX_FIN, 3, HEADER ECHO, 33));
	do {
		CHECK_FATAL(evil_next(&sc.v, &h, NULL, 0));
		CHECK(h.type != YAMUX_PING || h.flags == YAMUX_SYN);
	} while (h.stream != 3 || !(h.flags & YAMUX_FIN));
	scene_fini(&sc);
}

/* Row "too many streams": rust is gone at 512 of both ends together. */
static void
our_streams_stay_below_what_kills_a_rust_peer(void)
{
	struct p2p_limit_info in, out;
	struct p2p_host *h;

	CHECK_OK(p2p_host_new(NULL, &h));
	CHECK_OK(p2p_host_limit(h, LIMIT_STREAMS_IN, &in));
	CHECK_OK(p2p_host_limit(h, LIMIT_STREAMS_OUT, &out));
	CHECK_STR(in.name, "streams-in");
	CHECK_STR(out.name, "streams-out");
	CHECK(out.max <= 256);		/* that are not acknowledged */
	CHECK(in.max + out.max <= 512);
	p2p_host_free(h);
}

/*
 * Rows "identify reader", "identify without publicKey": rust reads one message
 * of 4096 bytes, go waits for the end, rust and js want the key.
 */
static void
identify_is_one_small_message_with_a_key_and_an_end(void)
{
	struct heard got;
	struct scene sc;
	struct rd r;
	size_t len;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN, 1, HEADER ID, 36));
	hear(&sc.v, 1, &got);
	CHECK_EQ(got.flags, YAMUX_FIN);
	r = (struct rd){ got.bytes, got.len };
	CHECK_FATAL(got.len > 40 && memcmp(got.bytes, HEADER ID, 36) == 0);
	len = (size_t)(got.bytes[36] & 0x7f) | (size_t)got.bytes[37] << 7;
	CHECK_EQ(r.len - 38, len);	/* one message, 128 bytes or more */
	CHECK(len <= 4096);
	CHECK_BYTES(got.bytes + 38, 2, "\x0a\x24", 2);	/* publicKey first */
	scene_fini(&sc);
}

/* Row "refuses my pings for good": rust does, once its own was refused. */
static void
ping_is_served_by_default(void)
{
	struct heard got;
	struct scene sc;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN, 1, HEADER PING
	    "0123456789abcdef0123456789abcdef", 70));
	CHECK(evil_frame(&sc.v, 0, YAMUX_WINDOW, YAMUX_FIN, 1, 0));
	hear(&sc.v, 1, &got);
	CHECK_EQ(got.flags, YAMUX_FIN);
	CHECK_BYTES(got.bytes, got.len, HEADER PING
	    "0123456789abcdef0123456789abcdef", 70);
	scene_fini(&sc);
}

/* Row "largest Data frame": js sends all that the window has in one. */
static void
a_frame_of_the_whole_window_is_taken_in_pieces(void)
{
	static uint8_t body[65536];
	struct yamux_hdr h;
	struct scene sc;
	uint32_t left = 256 * 1024 - 33, got = 0, n;

	scene_init(&sc);
	CHECK(evil_data(&sc.v, YAMUX_SYN, 1, HEADER ECHO, 33));
	CHECK(evil_frame(&sc.v, 0, YAMUX_WINDOW, 0, 1, 256 * 1024));
	CHECK(evil_frame(&sc.v, 0, YAMUX_DATA, 0, 1, left));
	for (; left > 0; left -= n) {
		n = left < sizeof(body) ? left : (uint32_t)sizeof(body);
		CHECK(evil_send(&sc.v, body, n));
	}
	/* It comes back while nothing but the one frame was sent. */
	while (got < 256 * 1024 && evil_next(&sc.v, &h, NULL, 0)) {
		check_frame(&h);
		if (h.stream == 1 && h.type == YAMUX_DATA)
			got += h.length;
	}
	CHECK_EQ(got, 256 * 1024);
	scene_fini(&sc);
}

TESTS("quirks",
    { "a silent listener gets our header at once (rust, js)",
      a_silent_listener_gets_our_header_at_once },
    { "a dialer that waits for our header gets it (py)",
      a_dialer_that_waits_for_our_header_gets_it },
    { "everything of V1Lazy comes in two segments (rust)",
      everything_of_v1lazy_comes_in_two_segments },
    { "ls is answered na (as go)", ls_is_answered_na },
    { "streams open and end in every way", streams_open_and_end_in_every_way },
    { "resets come in every way", resets_come_in_every_way },
    { "a stream lives without ACK (js, rust)", a_stream_lives_without_ack },
    { "a goaway lets streams finish", a_goaway_lets_streams_finish },
    { "our goaway comes last (go, rust, js)", our_goaway_comes_last },
    { "every ping gets one pong with its value (go, rust, js)",
      every_ping_gets_one_pong_with_its_value },
    { "our streams stay below what kills a rust peer",
      our_streams_stay_below_what_kills_a_rust_peer },
    { "identify is one small message with a key and an end",
      identify_is_one_small_message_with_a_key_and_an_end },
    { "ping is served by default (rust)", ping_is_served_by_default },
    { "a frame of the whole window is taken in pieces (js)",
      a_frame_of_the_whole_window_is_taken_in_pieces })
