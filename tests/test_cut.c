/*
 * Whole sessions of two hosts, cut at every byte: connecting, opening a stream,
 * an echo that both ends finish, and closing, through a relay that at byte n of
 * the one or the other direction ends it, resets it, flips a bit or is silent.
 *
 * Ends and flips come at each byte of Noise with yamux, ends also at each of
 * plaintext with yamux; the rest, and all with sanitizers, has a stride (see
 * kinds), as the tests of the codecs go through the bytes of each.  Resets are
 * TCP's, at a sample; silences at a smaller one.  The hosts stay while the cuts
 * go through their session, and what they count is back at nothing afterwards.
 *
 * Where bytes may be waited for in vain, time is virtual: when nothing moves it
 * goes on by more than a call of ours may take, and the call must return.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/pnet.h"
#include "p2p/stream.h"
#include "relay.h"
#include "security/pnet.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED	1
#endif
#endif

#ifdef SANITIZED
#define SLOWER		5	/* strides are longer, and silences */
#else
#define SLOWER		1
#endif

#define PROTOCOL	"/cut/1"
#define SIZE		300	/* bytes of the echo */
#define CALL_MS		8000	/* what each call may take */
#define LEAP_S		9	/* and more than that, less than the peer's */
#define QUIET_MS	(20 * SLOWER) /* real: nothing comes */
#define SLACK		64	/* bytes by which sessions differ */
#define FDS_MAX		1024
#define PLAINTEXT	"/plaintext/2.0.0"
#define NOISE		"/noise"
#define TLS		"/tls/1.0.0"
#define YAMUX		"/yamux/1.0.0"
#define MPLEX		"/mplex/6.7.0"

enum what { WHOLE, END, RESET, FLIP, SILENCE };

static const char *const what_names[] = { "whole", "end", "reset", "flip",
    "silence" };

/* Two hosts, and of how many bytes one is cut by each way; 0: none. */
struct kind {
	const char	*name;
	const char	*security, *muxer;
	bool		 private;
	unsigned	 stride[SILENCE + 1];
};

static const struct kind kinds[] = {
	{ "plaintext, yamux", PLAINTEXT, YAMUX, false, { 0, 1, 0, 7, 0 } },
	{ "plaintext, mplex", PLAINTEXT, MPLEX, false, { 0, 2, 11, 7, 149 } },
	{ "noise, yamux", NOISE, YAMUX, false, { 0, 1, 11, 1, 0 } },
	{ "noise, mplex", NOISE, MPLEX, false, { 0, 7, 0, 11, 0 } },
	{ "tls, yamux", TLS, YAMUX, false, { 0, 7, 11, 7, 149 } },
	{ "tls, mplex", TLS, MPLEX, false, { 0, 23, 0, 23, 0 } },
	{ "noise, yamux, private", NOISE, YAMUX, true, { 0, 7, 11, 11, 149 } },
	{ "noise, mplex, private", NOISE, MPLEX, true, { 0, 23, 0, 23, 0 } },
	{ "tls, yamux, private", TLS, YAMUX, true, { 0, 23, 0, 23, 0 } },
	{ "tls, mplex, private", TLS, MPLEX, true, { 0, 23, 0, 23, 0 } },
};

#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* What either end of a stream found; flips of plaintext may do it. */
struct found {
	atomic_uint	wrong;		/* bytes that nobody sent */
	atomic_uint	early;		/* an end of file before the end */
};

struct bed {
	const struct kind *kind;
	struct relay	 relay;
	struct pair	 pair;
	struct found	 found;
	/* The cut; set before a dial. */
	enum what	 what;
	enum relay_way	 way;
	size_t		 at;
	bool		 reached;	/* the relay's until it has ended */
	bool		 late;		/* a call was, over its timeout */
	atomic_size_t	 seen[2];
	size_t		 opened[2];	/* seen when the stream was open */
	size_t		 needed[2];	/* the same, of a whole session */
	unsigned	 cuts;
};

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 7 + 3);
}

/* Read to the end: 0 if all came and was right, else why not. */
static int
read_all(struct p2p_stream *s, struct found *f, bool back)
{
	uint8_t buf[64];
	size_t got = 0, i;
	ssize_t n;
	int e = 0;

	while ((n = p2p_stream_read(s, buf, sizeof(buf))) > 0) {
		for (i = 0; i < (size_t)n; i++, got++)
			if (got >= SIZE || buf[i] != byte_at(got))
				e = P2P_ERR_FORMAT;
		if (e == 0 && back)
			e = p2p_stream_write_full(s, buf, (size_t)n);
	}
	if (e == P2P_ERR_FORMAT)
		atomic_fetch_add(&f->wrong, 1);
	if (n == 0 && got < SIZE)
		atomic_fetch_add(&f->early, 1);
	return n < 0 ? (int)n : e;
}

static void
serve(struct p2p_stream *s, void *arg)
{
	struct bed *b = arg;

	p2p_stream_read_timeout(s, 2 * CALL_MS);
	p2p_stream_write_timeout(s, 2 * CALL_MS);
	if (read_all(s, &b->found, true) != 0)
		p2p_stream_reset(s);
}

static int
echo(struct bed *b, struct p2p_stream *s)
{
	uint8_t out[SIZE];
	size_t i;
	int e;

	for (i = 0; i < SIZE; i++)
		out[i] = byte_at(i);
	p2p_stream_read_timeout(s, CALL_MS);
	p2p_stream_write_timeout(s, CALL_MS);
	if ((e = p2p_stream_write_full(s, out, SIZE)) != 0 ||
	    (e = p2p_stream_close_write(s)) != 0)
		return e;
	return read_all(s, &b->found, false);
}

/* Since then one call has waited, and time gone on once. */
static uint64_t
in_time(struct bed *b, uint64_t began)
{
	uint64_t now = clock_now();

	b->late = b->late || now - began > CALL_MS * CLOCK_MS +
	    LEAP_S * CLOCK_S;
	return now;
}

/* Over the connection that was made. */
static int
open_and_echo(struct bed *b, uint64_t connection)
{
	static const char *const protocols[] = { PROTOCOL, NULL };
	uint64_t began = clock_now();
	struct p2p_stream *s;
	int e;

	e = p2p_host_open_on(b->pair.a, connection, protocols, CALL_MS, &s);
	began = in_time(b, began);
	b->opened[0] = atomic_load(&b->seen[0]);
	b->opened[1] = atomic_load(&b->seen[1]);
	if (e != 0)
		return e;
	e = echo(b, s);
	(void)in_time(b, began);
	p2p_stream_free(s);
	return e;
}

/* One session as a caller sees it; 0: the echo was whole. */
static int
converse(struct bed *b)
{
	const struct p2p_connect_options options = { .timeout_ms = CALL_MS,
	    .fresh = true };
	uint64_t began = clock_now();
	struct p2p_connection c;
	int e;

	e = p2p_host_connect(b->pair.a, b->pair.target, &options, &c, NULL);
	(void)in_time(b, began);
	if (e != 0)
		return e;
	p2p_multiaddr_free(c.remote);
	if ((e = open_and_echo(b, c.number)) != 0)
		return e;
	began = clock_now();
	(void)p2p_host_close(b->pair.a, c.number);
	(void)in_time(b, began);
	return 0;
}

static void
act(struct relay *r, enum relay_way way, const uint8_t *bytes, size_t len)
{
	struct bed *b = r->arg;
	uint8_t flipped = bytes[0] ^ (uint8_t)(1 << b->at % 8);

	b->reached = true;
	/* From here on silence may last: no sooner, or a slow thread is cut. */
	r->quiet_ms = b->what == FLIP || b->what == SILENCE ? QUIET_MS : 0;
	switch (b->what) {
	case END:
		relay_end(r, way);
		break;
	case RESET:
		relay_reset(r);
		break;
	case FLIP:
		relay_send(r, way, &flipped, 1);
		relay_send(r, way, bytes + 1, len - 1);
		break;
	default:
		break;
	}
}

/* All passes before the cut, and behind a flip. */
static void
got(struct relay *r, enum relay_way way, const uint8_t *bytes, size_t len)
{
	struct bed *b = r->arg;
	size_t before = atomic_fetch_add(&b->seen[way], len), first;

	if (b->what == WHOLE || way != b->way || before + len <= b->at) {
		relay_send(r, way, bytes, len);
	} else if (before <= b->at) {
		first = b->at - before;
		relay_send(r, way, bytes, first);
		act(r, way, bytes + first, len - first);
	} else if (b->what == FLIP) {
		relay_send(r, way, bytes, len);
	}
}

static unsigned
descriptors(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Whether a flipped bit must be noticed. */
static bool
is_sealed(const struct bed *b)
{
	return strcmp(b->kind->security, PLAINTEXT) != 0;
}

/*
 * RFC 8446 5.1: who reads the version of a record in clear, the first of each
 * side, ignores it.
 */
static bool
is_ignored(const struct bed *b)
{
	size_t record = (b->kind->private ? PNET_NONCE : 0) +
	    strlen("\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n");

	return b->what == FLIP && strcmp(b->kind->security, TLS) == 0 &&
	    (b->at == record + 1 || b->at == record + 2);
}

static void
fail(const struct bed *b, const char *why)
{
	fprintf(stderr, "%s: %s at byte %zu %s: %s\n", b->kind->name,
	    what_names[b->what], b->at, b->way == RELAY_UP ? "up" : "down",
	    why);
	CHECK(false);
}

/* What must hold of a session that came out so. */
static void
judge(struct bed *b, int e)
{
	bool open = b->what == FLIP && !is_sealed(b);
	bool cut = b->reached && b->at + SLACK < b->needed[b->way];

	if (atomic_exchange(&b->relay.hangs, 0) != 0)
		fail(b, "it hangs");
	if (b->late)
		fail(b, "a call takes longer than it may");
	if (e != 0 && !b->reached)
		fail(b, p2p_strerror(e));
	if (e == 0 && cut && !open && !is_ignored(b))
		fail(b, "nobody noticed");
	if (e == P2P_ERR_TIMEOUT && (b->what == END || b->what == RESET))
		fail(b, "it waits in vain");
	if (atomic_exchange(&b->found.wrong, 0) != 0 && !open)
		fail(b, "bytes that nobody sent");
	if (atomic_exchange(&b->found.early, 0) != 0 && !open)
		fail(b, "a false end of file");
}

static void
one_cut(struct bed *b, enum what what, enum relay_way way, size_t at)
{
	int e;

	b->what = what;
	b->way = way;
	b->at = at;
	b->reached = b->late = false;
	b->relay.quiet_ms = 0;
	b->seen[0] = b->seen[1] = 0;
	e = converse(b);
	relay_hang_up(&b->relay);
	judge(b, e);
	b->cuts++;
}

static void
bed_make(struct bed *b, const struct kind *k, bool tcp)
{
	const char *const security[] = { k->security, NULL };
	const char *const muxers[] = { k->muxer, NULL };
	static const struct p2p_psk psk = { "a key of all in one network" };
	const struct p2p_limit_setting limits[] = {
	    { "connections-per-peer", 128 }, { NULL, 0 } };
	const struct p2p_host_config config = { .security = security,
	    .muxers = muxers, .no_identify = true, .limits = limits,
	    .psk = k->private ? &psk : NULL };

	memset(b, 0, sizeof(*b));
	b->kind = k;
	b->relay.got = got;
	b->relay.arg = b;
	b->relay.leap_s = LEAP_S;
	clock_test_advance(1);		/* waits notice jumps from here on */
	(tcp ? relay_pair_tcp : relay_pair)(&b->relay, &b->pair, &config,
	    &config);
	CHECK_OK(p2p_host_handle(b->pair.b, PROTOCOL, serve, b));
}

/* All that the hosts count is back at nothing, idle threads included. */
static void
settle(struct bed *b)
{
	int which;

	evil_settles(b->pair.a, LIMIT_CONNECTIONS, 0);
	evil_settles(b->pair.b, LIMIT_CONNECTIONS, 0);
	evil_settles(b->pair.b, LIMIT_UPGRADES, 0);
	clock_test_advance(LEAP_S * CLOCK_S);
	for (which = 0; which < LIMIT_COUNT; which++) {
		if (which == LIMIT_PEERS || which == LIMIT_PEER_ADDRS)
			continue;
		evil_settles(b->pair.a, which, 0);
		evil_settles(b->pair.b, which, 0);
	}
}

/* One uncut session first, which shows how long they are. */
static void
cut_each(struct bed *b, enum what what, size_t stride)
{
	size_t n, all;
	int way;

	for (way = 0; way < 2; way++) {
		one_cut(b, WHOLE, 0, 0);
		memcpy(b->needed, b->opened, sizeof(b->needed));
		all = b->seen[way];
		CHECK(all > 400 && b->needed[way] > 60);
		for (n = 0; n < all + SLACK; n += stride) {
			one_cut(b, what, way, n);
			if (b->cuts % 16 == 0)
				evil_settles(b->pair.b, LIMIT_CONNECTIONS, 0);
		}
	}
	one_cut(b, WHOLE, 0, 0);
}

static void
cut_all(enum what what)
{
	const struct kind *k;
	unsigned before = descriptors(), cuts = 0;
	struct bed b;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		k = &kinds[i];
		if (k->stride[what] == 0 ||
		    (k->private && !p2p_pnet_available()))
			continue;
		bed_make(&b, k, what == RESET);
		cut_each(&b, what, k->stride[what] * SLOWER);
		settle(&b);
		relay_fini(&b.relay);
		pair_free(&b.pair);
		cuts += b.cuts;
	}
	CHECK_EQ(descriptors(), before);
	printf("%u sessions ", cuts);
}

static void
an_end_at_any_byte_is_never_an_end_of_file(void)
{
	cut_all(END);
}

static void
a_reset_at_any_byte_ends_all_calls(void)
{
	cut_all(RESET);
}

static void
a_flipped_bit_is_noticed_and_never_data(void)
{
	cut_all(FLIP);
}

static void
silence_from_any_byte_on_costs_the_deadline(void)
{
	cut_all(SILENCE);
}

TESTS("cut",
	{ "an end at any byte is never an end of file",
	    an_end_at_any_byte_is_never_an_end_of_file },
	{ "a reset at any byte ends all calls",
	    a_reset_at_any_byte_ends_all_calls },
	{ "a flipped bit is noticed and never data",
	    a_flipped_bit_is_noticed_and_never_data },
	{ "silence from any byte on costs the deadline",
	    silence_from_any_byte_on_costs_the_deadline })
