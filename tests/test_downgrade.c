/*
 * A man in the middle who rewrites what two hosts negotiate in clear.  Which of
 * the protocols that both offer is taken is in his hands, by multistream's
 * design; that it is one of those, that nobody is talked into another, and
 * that a failure stays one, is not.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "evil.h"
#include "negotiate/multistream.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "relay.h"

#define HEADER	"\x13" "/multistream/1.0.0\n"
#define TLS	"\x0b" "/tls/1.0.0\n"
#define NOISE	"\x07" "/noise\n"
#define PLAIN	"\x11" "/plaintext/2.0.0\n"
#define NA	"\x03" "na\n"
#define LS	"\x03" "ls\n"
#define NA8	NA NA NA NA NA NA NA NA
#define X4	"\x03/x\n\x03/x\n\x03/x\n\x03/x\n"
#define X24	X4 X4 X4 X4 X4 X4

#define RULES_MAX	4
#define CALL_MS		15000
#define FAILED		1	/* a handshake did, who says so is open */

/* Bytes that may hold zeros. */
struct text {
	const char	*p;
	size_t		 len;
};

#define T(s)	{ s, sizeof(s) - 1 }

/* A line that comes one way, what goes on for it, and what goes back. */
struct rule {
	enum relay_way	 way;
	const char	*line;		/* NULL: no more rules */
	struct text	 on, back;
};

#define UP(line, on, back)	{ RELAY_UP, line, T(on), T(back) }
#define DOWN(line, on)		{ RELAY_DOWN, line, T(on), { NULL, 0 } }

static const char *const tls[] = { "/tls/1.0.0", NULL };
static const char *const noise[] = { "/noise", NULL };
static const char *const both[] = { "/tls/1.0.0", "/noise", NULL };
static const char *const noise_tls[] = { "/noise", "/tls/1.0.0", NULL };
static const char *const all[] = { "/tls/1.0.0", "/noise",
    "/plaintext/2.0.0", NULL };
static const char *const tls_plain[] = { "/tls/1.0.0", "/plaintext/2.0.0",
    NULL };
static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const mplex[] = { "/mplex/6.7.0", NULL };

/* What one end offers, the other, what is done to it, and what comes out. */
struct deed {
	const char	*name;
	const char *const *a, *const *b;
	struct rule	 rules[RULES_MAX];
	int		 error;		/* the dialer's, or FAILED; 0: agreed */
	const char	*agreed;
	struct text	 said;		/* by the dialer, all; or empty */
};

/*
 * Lines are looked at until a proposal is accepted, then everything passes.
 * The listener's header comes unasked, and is waited for: no answer of the
 * middle's overtakes it.
 */
struct middle {
	const struct deed *deed;
	struct relay	 relay;
	struct pair	 pair;
	uint8_t		 line[2][130];	/* by way; with its length in front */
	size_t		 have[2];
	bool		 header;	/* the listener's has come */
	bool		 agreed;	/* no more lines */
	unsigned	 answers;	/* of the listener, and its header */
	uint8_t		 said[8192];	/* by the dialer */
	size_t		 nsaid;
	atomic_uint	 connected;	/* events, of both */
};

static bool
is_line(const uint8_t *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

/* A whole line has come. */
static void
on_line(struct middle *m, enum relay_way way)
{
	enum relay_way back = way == RELAY_UP ? RELAY_DOWN : RELAY_UP;
	const uint8_t *line = m->line[way];
	const struct rule *r = m->deed->rules;
	size_t len = m->have[way];

	m->have[way] = 0;
	m->header = m->header || way == RELAY_DOWN;
	m->answers += way == RELAY_DOWN;
	if (way == RELAY_DOWN && !is_line(line, len, HEADER) &&
	    !is_line(line, len, NA))
		m->agreed = true;
	for (; r < m->deed->rules + RULES_MAX && r->line != NULL; r++) {
		if (r->way != way || !is_line(line, len, r->line))
			continue;
		relay_send(&m->relay, way, r->on.p, r->on.len);
		relay_send(&m->relay, back, r->back.p, r->back.len);
		return;
	}
	relay_send(&m->relay, way, line, len);
}

static void
feed(struct middle *m, enum relay_way way, const uint8_t *bytes, size_t len)
{
	uint8_t *line = m->line[way];

	for (; len > 0 && !m->agreed; bytes++, len--) {
		line[m->have[way]++] = *bytes;
		if (line[0] < 128 && m->have[way] == (size_t)line[0] + 1)
			on_line(m, way);
		else if (m->have[way] == sizeof(m->line[way]))
			m->agreed = true;	/* no line of ours */
	}
	relay_send(&m->relay, way, bytes, len);
}

static void
got(struct relay *r, enum relay_way way, const uint8_t *bytes, size_t len)
{
	struct middle *m = r->arg;
	size_t room = sizeof(m->said) - m->nsaid;
	bool header = m->header;

	if (way == RELAY_UP && len > room) {
		relay_reset(r);
		return;
	}
	if (way == RELAY_UP) {
		memcpy(m->said + m->nsaid, bytes, len);
		m->nsaid += len;
	}
	if (way == RELAY_DOWN || header)
		feed(m, way, bytes, len);
	if (m->header && !header)
		feed(m, RELAY_UP, m->said, m->nsaid);
}

static void
count(const struct p2p_event *ev, void *arg)
{
	struct middle *m = arg;

	if (ev->kind == P2P_EVENT_CONNECTED)
		atomic_fetch_add(&m->connected, 1);
}

static void
middle_make(struct middle *m, const struct deed *d)
{
	struct p2p_host_config a = { .security = d->a, .no_identify = true,
	    .event = count, .event_arg = m };
	struct p2p_host_config b = a;

	b.security = d->b;
	memset(m, 0, sizeof(*m));
	m->deed = d;
	m->relay.got = got;
	m->relay.arg = m;
	relay_pair(&m->relay, &m->pair, &a, &b);
}

static void
middle_end(struct middle *m)
{
	relay_fini(&m->relay);
	pair_free(&m->pair);
}

static void
check_secured(struct p2p_host *h, const char *security)
{
	struct p2p_connection *list;
	size_t n;

	host_joined(h, 1);
	CHECK_OK(p2p_host_connections(h, &list, &n));
	CHECK_FATAL(n == 1);
	CHECK_STR(list[0].security, security);
	p2p_host_connections_free(list, n);
}

/* How often the dialer began to negotiate what is in clear. */
static unsigned
beginnings(const struct middle *m)
{
	size_t i, len = strlen(HEADER);
	unsigned n = 0;

	for (i = 0; i + len <= m->nsaid; i++)
		n += memcmp(m->said + i, HEADER, len) == 0;
	return n;
}

/* Both ends have failed, and it was tried only once. */
static void
check_failed(struct middle *m)
{
	const struct deed *d = m->deed;

	relay_wait(&m->relay);
	evil_settles(m->pair.b, LIMIT_UPGRADES, 0);
	evil_settles(m->pair.a, LIMIT_CONNECTIONS, 0);
	evil_settles(m->pair.b, LIMIT_CONNECTIONS, 0);
	CHECK_EQ(beginnings(m), 1);
	CHECK(m->answers <= 1 + MSS_PROPOSALS_MAX);
	if (d->said.len > 0)
		CHECK_BYTES(m->said, m->nsaid, d->said.p, d->said.len);
	/* Stopped, so that all events have been told. */
	CHECK_OK(p2p_host_stop(m->pair.a, 0));
	CHECK_OK(p2p_host_stop(m->pair.b, 0));
	CHECK_EQ(m->connected, 0);
}

static void
check_deed(const struct deed *d)
{
	const struct p2p_connect_options options = { .timeout_ms = CALL_MS };
	unsigned failures = CU_get_number_of_failures();
	struct middle m;
	int e;

	middle_make(&m, d);
	e = p2p_host_connect(m.pair.a, m.pair.target, &options, NULL, NULL);
	if (d->error == FAILED && e == P2P_ERR_SECURITY)
		e = FAILED;
	if (d->error == FAILED && e == P2P_ERR_DISCONNECTED)
		e = FAILED;
	CHECK_ERR(e, d->error);
	if (d->error == 0) {
		check_secured(m.pair.a, d->agreed);
		check_secured(m.pair.b, d->agreed);
	} else {
		check_failed(&m);
	}
	CHECK_EQ(m.relay.dials, 1);
	CHECK_EQ(m.relay.hangs, 0);
	middle_end(&m);
	if (CU_get_number_of_failures() != failures)
		fprintf(stderr, "    in: %s\n", d->name);
}

static void
check_deeds(const struct deed *d, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_deed(&d[i]);
}

#define CHECK_DEEDS(d)	check_deeds(d, sizeof(d) / sizeof((d)[0]))

/* The middle refuses for the listener, which never hears of it. */
static const struct deed refusals[] = {
	{ "nothing is done", both, both, { { 0 } }, 0, "/tls/1.0.0", T("") },
	{ "tls is refused", both, both, { UP(TLS, "", NA) }, 0, "/noise",
	    T("") },
	{ "noise is refused", noise_tls, both, { UP(NOISE, "", NA) }, 0,
	    "/tls/1.0.0", T("") },
	{ "the dialer has tls alone", tls, all, { UP(TLS, "", NA) },
	    P2P_ERR_NO_PROTOCOL, NULL, T(HEADER TLS) },
	{ "the listener has tls alone", both, tls, { UP(TLS, "", NA) },
	    P2P_ERR_NO_PROTOCOL, NULL, T(HEADER TLS NOISE) },
	{ "both are refused", both, all, { UP(TLS, "", NA), UP(NOISE, "",
	    NA) }, P2P_ERR_NO_PROTOCOL, NULL, T(HEADER TLS NOISE) },
	{ "refused more often than asked", both, both, { UP(TLS, "", NA8) },
	    P2P_ERR_NO_PROTOCOL, NULL, T(HEADER TLS NOISE) },
	{ "plaintext was named by both", tls_plain, all, { UP(TLS, "", NA) },
	    0, "/plaintext/2.0.0", T("") },
};

static void
a_refusal_leads_to_nothing_that_was_not_offered(void)
{
	CHECK_DEEDS(refusals);
}

/* Nothing of the dialer's follows: no handshake, no key of its identity. */
#define ANSWER(name, line) \
	{ name, both, both, { DOWN(TLS, line) }, P2P_ERR_PROTOCOL, NULL, \
	    T(HEADER TLS) }

static const struct deed answers[] = {
	ANSWER("plaintext", PLAIN),
	ANSWER("noise, not proposed yet", NOISE),
	ANSWER("what nobody has", "\x0d/secio/1.0.0\n"),
	ANSWER("an older one", "\x0b/tls/0.9.0\n"),
	ANSWER("capitals", "\x0b/TLS/1.0.0\n"),
	ANSWER("a space behind", "\x0c/tls/1.0.0 \n"),
	ANSWER("a space in front", "\x0c /tls/1.0.0\n"),
	ANSWER("a return", "\x0c/tls/1.0.0\r\n"),
	ANSWER("a zero", "\x0c/tls/1.0.0\0\n"),
	ANSWER("a beginning", "\x05/tls\n"),
	ANSWER("almost all", "\x0a/tls/1.0.\n"),
	ANSWER("something behind", "\x0d/tls/1.0.0/x\n"),
	ANSWER("two names", "\x12/tls/1.0.0\n/noise\n"),
	ANSWER("no newline", "\x0b/tls/1.0.0x"),
	ANSWER("a name short of its length", "\x0a/tls/1.0.0\n"),
	ANSWER("an empty line", "\x01\n"),
	ANSWER("no line", "\0"),
	ANSWER("a line of 1025 bytes", "\x81\x08"),
	ANSWER("a length without end", "\xff\xff\xff\xff\xff\xff\xff\xff"),
	ANSWER("a refusal in capitals", "\x03NA\n"),
	ANSWER("a refusal and a space", "\x04na \n"),
	ANSWER("a request for the list", LS),
	ANSWER("a list", "\x15\x0b/tls/1.0.0\n\x07/noise\n\n"),
	ANSWER("the header again", HEADER TLS),
};

static void
an_answer_is_the_proposal_to_the_byte(void)
{
	CHECK_DEEDS(answers);
}

static const struct deed headers[] = {
	{ "twice", both, both, { DOWN(HEADER, HEADER HEADER) },
	    P2P_ERR_PROTOCOL, NULL, T(HEADER TLS) },
	{ "none", both, both, { DOWN(HEADER, "") }, P2P_ERR_PROTOCOL, NULL,
	    T(HEADER TLS) },
	{ "another", both, both, { DOWN(HEADER, "\x13/multistream/0.9.0\n") },
	    P2P_ERR_PROTOCOL, NULL, T(HEADER TLS) },
	{ "another to the listener", both, both, { UP(HEADER,
	    "\x13/multistream/0.9.0\n", "") }, P2P_ERR_DISCONNECTED, NULL,
	    T(HEADER TLS) },
	{ "none to the listener", both, both, { UP(HEADER, "", "") },
	    P2P_ERR_DISCONNECTED, NULL, T(HEADER TLS) },
};

static void
a_header_comes_once_and_is_this_one(void)
{
	CHECK_DEEDS(headers);
}

/* The two hear different things, and both answers fit. */
static const struct deed swaps[] = {
	{ "tls for noise", both, both, { UP(TLS, NOISE, ""), DOWN(NOISE, TLS) },
	    FAILED, NULL, T("") },
	{ "noise for tls", noise, both, { UP(NOISE, TLS, ""), DOWN(TLS,
	    NOISE) }, FAILED, NULL, T("") },
	{ "tls for plaintext", both, all, { UP(TLS, PLAIN, ""), DOWN(PLAIN,
	    TLS) }, FAILED, NULL, T("") },
	{ "noise for plaintext", noise, all, { UP(NOISE, PLAIN, ""),
	    DOWN(PLAIN, NOISE) }, FAILED, NULL, T("") },
	{ "plaintext for tls", tls_plain, both, { UP(TLS, "", NA), UP(PLAIN,
	    TLS, ""), DOWN(TLS, PLAIN) }, FAILED, NULL, T("") },
};

static void
two_who_run_different_handshakes_both_fail(void)
{
	CHECK_DEEDS(swaps);
}

/* What the listener is asked besides makes its answers fit no question. */
static const struct deed additions[] = {
	{ "a list is asked for", both, both, { UP(TLS, LS TLS, "") },
	    P2P_ERR_PROTOCOL, NULL, T(HEADER TLS NOISE) },
	{ "another comes first", both, both, { UP(TLS, NOISE TLS, "") },
	    P2P_ERR_PROTOCOL, NULL, T(HEADER TLS) },
	{ "plaintext comes first", both, all, { UP(TLS, PLAIN TLS, "") },
	    P2P_ERR_PROTOCOL, NULL, T(HEADER TLS) },
	{ "a name that nobody has for ever", both, both, { UP(TLS,
	    X24 X24 X24, "") }, P2P_ERR_NO_PROTOCOL, NULL,
	    T(HEADER TLS NOISE) },
};

static void
a_question_of_another_spoils_the_answer(void)
{
	CHECK_DEEDS(additions);
}

/* The muxers are agreed on inside, out of his reach, or not at all. */
static void
no_muxer_in_common_is_no_connection(void)
{
	static const struct deed none = { "muxers", NULL, NULL, { { 0 } },
	    P2P_ERR_NO_PROTOCOL, NULL, T("") };
	struct p2p_host_config a = { .no_identify = true, .event = count,
	    .security = noise, .muxers = yamux };
	struct p2p_host_config b = a;
	struct middle m;
	int way;

	for (way = 0; way < 2; way++) {
		memset(&m, 0, sizeof(m));
		m.deed = &none;
		m.relay.got = got;
		m.relay.arg = a.event_arg = b.event_arg = &m;
		a.muxers = way == 0 ? yamux : mplex;
		b.muxers = way == 0 ? mplex : yamux;
		relay_pair(&m.relay, &m.pair, &a, &b);
		CHECK_ERR(p2p_host_connect(m.pair.a, m.pair.target, NULL, NULL,
		    NULL), P2P_ERR_NO_PROTOCOL);
		check_failed(&m);
		CHECK_EQ(m.relay.dials, 1);
		middle_end(&m);
	}
}

/*
 * Whoever opens streams dials again when a connection that there was has gone,
 * but not when there was none.
 */
static void
a_failure_is_not_tried_again_with_less(void)
{
	static const struct deed d = { "opening", both, all, { DOWN(TLS,
	    PLAIN) }, P2P_ERR_PROTOCOL, NULL, T(HEADER TLS) };
	struct p2p_stream *s;
	struct middle m;

	middle_make(&m, &d);
	CHECK_ERR(p2p_host_open(m.pair.a, m.pair.target, "/x", CALL_MS, &s),
	    P2P_ERR_PROTOCOL);
	check_failed(&m);
	CHECK_EQ(m.relay.dials, 1);
	middle_end(&m);
}

TESTS("downgrade",
	{ "a refusal leads to nothing that was not offered",
	    a_refusal_leads_to_nothing_that_was_not_offered },
	{ "an answer is the proposal to the byte",
	    an_answer_is_the_proposal_to_the_byte },
	{ "a header comes once and is this one",
	    a_header_comes_once_and_is_this_one },
	{ "two who run different handshakes both fail",
	    two_who_run_different_handshakes_both_fail },
	{ "a question of another spoils the answer",
	    a_question_of_another_spoils_the_answer },
	{ "no muxer in common is no connection",
	    no_muxer_in_common_is_no_connection },
	{ "a failure is not tried again with less",
	    a_failure_is_not_tried_again_with_less })
