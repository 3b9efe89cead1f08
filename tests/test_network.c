/*
 * Hosts over every security, in the public network and in private ones: who
 * can talk to whom, what is refused, and what a stranger sees.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/pnet.h"
#include "p2p/stream.h"
#include "pair.h"

#define BYTES	(300 * 1024)

static const char *const tls[] = { "/tls/1.0.0", NULL };
static const char *const noise[] = { "/noise", NULL };
static const char *const plain[] = { "/plaintext/2.0.0", NULL };
static const char *const tls_noise[] = { "/tls/1.0.0", "/noise", NULL };
static const char *const noise_tls[] = { "/noise", "/tls/1.0.0", NULL };
static const char *const all[] = { "/noise", "/plaintext/2.0.0", "/tls/1.0.0",
    NULL };

static const struct p2p_psk one = { { 1 } }, other = { { 2 } };

/* An echo of more than a window, through whatever layers there are. */
static void
echoes(struct pair *p)
{
	uint8_t *sent = malloc(BYTES), *got = malloc(BYTES);
	struct p2p_stream *s = NULL;
	size_t at, half = BYTES / 2;

	for (at = 0; at < BYTES; at++)
		sent[at] = (uint8_t)(at * 7 + at / 251);
	CHECK_OK(p2p_host_open(p->a, p->target, "/echo/1.0.0", 5000, &s));
	CHECK_FATAL(s != NULL);
	for (at = 0; at < BYTES; at += half) {
		CHECK_OK(p2p_stream_write_full(s, sent + at, half));
		CHECK_OK(p2p_stream_read_full(s, got + at, half));
	}
	CHECK(memcmp(sent, got, BYTES) == 0);
	p2p_stream_free(s);
	free(sent);
	free(got);
}

/* Two hosts with these offers agree on want, or fail with that error. */
static void
meet(const struct p2p_host_config *a, const struct p2p_host_config *b,
    const char *want, int error)
{
	struct p2p_connection c;
	struct pair p;
	int e;

	pair_config(&p, a, b);
	CHECK_OK(p2p_echo_serve(p.b));
	CHECK_ERR(e = p2p_host_connect(p.a, p.target, NULL, &c, NULL), error);
	if (e == 0) {
		CHECK_STR(c.security, want);
		p2p_multiaddr_free(c.remote);
		echoes(&p);
	}
	pair_free(&p);
}

static void
the_dialers_first_that_both_have_is_taken(void)
{
	static const struct {
		const char *const *dialer, *const *listener;
		const char *want;
	} cases[] = {
		{ NULL, NULL, "/tls/1.0.0" },
		{ tls_noise, noise_tls, "/tls/1.0.0" },
		{ noise_tls, tls_noise, "/noise" },
		{ noise, NULL, "/noise" },
		{ NULL, noise, "/noise" },
		{ all, plain, "/plaintext/2.0.0" },
		{ plain, all, "/plaintext/2.0.0" },
	};
	struct p2p_host_config a = { 0 }, b = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a.security = cases[i].dialer;
		b.security = cases[i].listener;
		meet(&a, &b, cases[i].want, 0);
	}
}

static void
without_one_in_common_there_is_no_connection(void)
{
	struct p2p_host_config a = { .security = tls };
	struct p2p_host_config b = { .security = noise };
	struct p2p_host_config open = { .security = plain };

	meet(&a, &b, NULL, P2P_ERR_NO_PROTOCOL);
	meet(&b, &a, NULL, P2P_ERR_NO_PROTOCOL);
	/* The defaults never fall back to nothing. */
	meet(NULL, &open, NULL, P2P_ERR_NO_PROTOCOL);
	meet(&open, NULL, NULL, P2P_ERR_NO_PROTOCOL);
}

/* A build without libsodium must refuse, not go on in public. */
static bool
is_refused_here(void)
{
	struct p2p_host_config c = { .psk = &one };
	struct p2p_host *h = NULL;

	if (p2p_pnet_available())
		return false;
	CHECK_ERR(p2p_host_new(&c, &h), P2P_ERR_UNSUPPORTED);
	CHECK(h == NULL);
	return true;
}

static void
a_private_network_works_under_every_security(void)
{
	struct p2p_host_config c = { .psk = &one };

	if (is_refused_here())
		return;
	c.security = tls;
	meet(&c, &c, "/tls/1.0.0", 0);
	c.security = noise;
	meet(&c, &c, "/noise", 0);
}

/* Who sees garbage first hangs up, and the other may see that first. */
static void
strangers(const struct p2p_host_config *a, const struct p2p_host_config *b)
{
	struct pair p;
	int e;

	pair_config(&p, a, b);
	e = p2p_host_connect(p.a, p.target, NULL, NULL, NULL);
	CHECK(e == P2P_ERR_PROTOCOL || e == P2P_ERR_DISCONNECTED ||
	    e == -ECONNRESET || e == -EPIPE);
	pair_free(&p);
}

/* Garbage shows with the first byte: nobody waits for a deadline. */
static void
other_networks_and_the_public_one_are_strangers(void)
{
	struct p2p_host_config a = { .psk = &one }, b = { .psk = &other };
	uint64_t begin = clock_now();

	if (is_refused_here())
		return;
	strangers(&a, &b);
	strangers(&a, NULL);
	strangers(NULL, &a);
	CHECK(clock_now() - begin < 4 * CLOCK_S);	/* of 15 each */
}

static void
plaintext_is_refused_in_a_private_network(void)
{
	struct p2p_host_config c = { .psk = &one, .security = all };
	struct p2p_host *h = NULL;

	CHECK_ERR(p2p_host_new(&c, &h), P2P_ERR_UNSUPPORTED);
	CHECK(h == NULL);
	c.psk = NULL;
	CHECK_OK(p2p_host_new(&c, &h));
	p2p_host_free(h);
}

static void
a_forced_private_network_needs_a_key(void)
{
	struct p2p_host_config c = { .psk = &one };
	struct p2p_host *h = NULL;

	CHECK_EQ(setenv("LIBP2P_FORCE_PNET", "1", 1), 0);
	CHECK_ERR(p2p_host_new(NULL, &h), P2P_ERR_REFUSED);
	CHECK(h == NULL);
	if (!is_refused_here()) {
		CHECK_OK(p2p_host_new(&c, &h));
		p2p_host_free(h);
	}
	CHECK_EQ(setenv("LIBP2P_FORCE_PNET", "0", 1), 0);
	CHECK_OK(p2p_host_new(NULL, &h));
	p2p_host_free(h);
	CHECK_EQ(unsetenv("LIBP2P_FORCE_PNET"), 0);
}

static void
count_warning(enum p2p_log_level level, const char *area, const char *line,
    void *arg)
{
	unsigned *n = arg;

	(void)line;
	*n += level == P2P_LOG_WARN && strcmp(area, "host") == 0;
}

static void
ignore(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static void
every_start_warns_of_what_leaks(void)
{
	unsigned n = 0;
	struct p2p_host_config c = { .log = count_warning, .log_arg = &n };
	struct p2p_host *h;

	CHECK_OK(p2p_host_new(&c, &h));
	p2p_host_free(h);
	CHECK_EQ(n, 0);
	c.security = all;
	c.keylog = c.capture = ignore;
	CHECK_OK(p2p_host_new(&c, &h));
	p2p_host_free(h);
	CHECK_EQ(n, 3);
}

TESTS("network",
    { "the dialer's first that both have is taken",
      the_dialers_first_that_both_have_is_taken },
    { "without one in common there is no connection",
      without_one_in_common_there_is_no_connection },
    { "a private network works under every security",
      a_private_network_works_under_every_security },
    { "other networks and the public one are strangers",
      other_networks_and_the_public_one_are_strangers },
    { "plaintext is refused in a private network",
      plaintext_is_refused_in_a_private_network },
    { "every start warns of what leaks", every_start_warns_of_what_leaks },
    { "a forced private network needs a key",
      a_forced_private_network_needs_a_key })
