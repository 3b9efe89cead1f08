/*
 * Against a name server on loopback.  Its table is in names; the addresses need
 * nobody who listens, since nothing is dialed.
 */
#include "transport/resolve.h"

#include <poll.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "check.h"
#include "dns_stub.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/dns_txt.h"

#define ID	"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define OTHER	"QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"

#define WAIT_MS		60000	/* for what must happen */
#define JOBS_MAX	32
#define THREADS_MAX	4

static const struct dns_stub_name names[] = {
	{ "one.test", DNS_STUB_ANSWER, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/1" } },
	{ "empty.test", DNS_STUB_ANSWER, 0, { NULL } },
	{ "twelve.test", DNS_STUB_ANSWER, 12, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/%u" } },
	{ "twenty.test", DNS_STUB_ANSWER, 20, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/%u" } },
	{ "thousand.test", DNS_STUB_ANSWER, 999, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/%u",
	    "dnsaddr=/ip4/127.0.0.1/tcp/1000/p2p/" ID } },
	{ "hold.test", DNS_STUB_HOLD, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/2" } },
	{ "drip.test", DNS_STUB_ANSWER, 16, {
	    "dnsaddr=/dnsaddr/hold.test" } },
	{ "release.test", DNS_STUB_RELEASE, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/3" } },
	{ "tcp.test", DNS_STUB_ONLY_TCP, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/4" } },
	{ "silent.test", DNS_STUB_TCP_SILENT, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/5" } },
	{ "short.test", DNS_STUB_TCP_SHORT, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/5" } },
	{ "nothing.test", DNS_STUB_TCP_EMPTY, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/5" } },
	{ "other.test", DNS_STUB_TCP_OTHER, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/5" } },
	{ "broken.test", DNS_STUB_BROKEN, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/5" } },
	{ "fail.test", DNS_STUB_FAIL, 0, { NULL } },
	{ "a.test", DNS_STUB_ANSWER, 0, { "dnsaddr=/dnsaddr/b.test" } },
	{ "b.test", DNS_STUB_ANSWER, 0, { "dnsaddr=/dnsaddr/a.test" } },
	{ "wide.test", DNS_STUB_ANSWER, 16, {
	    "dnsaddr=/dnsaddr/wide%u.test" } },
	{ "wide*", DNS_STUB_ANSWER, 16, {
	    "dnsaddr=/dnsaddr/narrow%u.test" } },
	{ "peers.test", DNS_STUB_ANSWER, 0, {
	    "dnsaddr=/ip4/127.0.0.1/tcp/6/p2p/" OTHER,
	    "dnsaddr=/ip4/127.0.0.1/tcp/7",
	    "dnsaddr=/dnsaddr/one.test",
	    "dnsaddr=/dnsaddr/far.test/p2p/" ID,
	    "dnsaddr=/ip4/127.0.0.1/tcp/8/p2p/" ID } },
	{ "far.test", DNS_STUB_ANSWER, 0, {
	    "v=spf1 -all",
	    "dnsaddr=/ip4/127.0.0.1/tcp/9/p2p/" OTHER,
	    "dnsaddr=/dns4/localhost/tcp/10/p2p/" ID } },
	{ NULL, DNS_STUB_ANSWER, 0, { NULL } },
};

static struct dns_stub *stub;
static struct resolver *resolver;

/* Others who resolve; under mtx but for the threads. */
static struct caller {
	struct thread	 thread;
	const char	*target;
	bool		 ended;
	int		 e;
} callers[JOBS_MAX + 1];
static unsigned ncallers, nended;
static struct lock mtx;
static struct cond changed;

static void
begin(void)
{
	CHECK_EQ(thread_count(), 0);
	ncallers = nended = 0;
	lock_init(&mtx, LOCK_LEAF);
	cond_init(&changed);
	stub = dns_stub_new(names);
	CHECK_OK(resolver_new(&resolver));
	resolver_test_server(resolver, dns_stub_address(stub));
}

/* What was left behind ends when the name server is gone. */
static void
end(void)
{
	int i;

	resolver_free(resolver);
	dns_stub_free(stub);
	for (i = 0; i < WAIT_MS && thread_count() > 0; i++)
		(void)poll(NULL, 0, 1);
	CHECK_EQ(thread_count(), 0);
	cond_destroy(&changed);
	lock_destroy(&mtx);
}

/* The addresses, with a space behind each, or the error. */
static int
ask(const char *target, uint64_t deadline, char *out, size_t cap)
{
	struct p2p_multiaddr *ma, *found[RESOLVE_MAX];
	size_t i, n = 0;
	struct wr w;
	int e;

	if ((e = p2p_multiaddr_parse(target, &ma)) != 0)
		return e;
	e = resolve(resolver, ma, deadline, found, &n);
	p2p_multiaddr_free(ma);
	wr_init(&w, out, cap);
	for (i = 0; e == 0 && i < n; i++) {
		wr_printf(&w, "%s ", p2p_multiaddr_text(found[i]));
		p2p_multiaddr_free(found[i]);
	}
	wr_u8(&w, '\0');
	return w.full ? P2P_ERR_TOO_LARGE : e;
}

static int
ask_ms(const char *target, unsigned ms)
{
	char out[4096];

	return ask(target, clock_deadline_ms(ms), out, sizeof(out));
}

static void
gives(const char *target, const char *want)
{
	char out[4096] = "";

	CHECK_OK(ask(target, clock_deadline_ms(WAIT_MS), out, sizeof(out)));
	CHECK_STR(out, want);
}

static void
call(void *arg)
{
	struct caller *c = arg;
	int e = ask_ms(c->target, WAIT_MS);

	lock_lock(&mtx);
	c->e = e;
	c->ended = true;
	nended++;
	cond_broadcast(&changed);
	lock_unlock(&mtx);
}

static struct caller *
call_start(const char *target)
{
	struct caller *c = &callers[ncallers++];

	*c = (struct caller){ .target = target };
	CHECK_OK(thread_start(&c->thread, "caller", THREAD_STACK, call, c));
	return c;
}

/* Wait until so many have come back. */
static void
callers_wait(unsigned n)
{
	uint64_t deadline = clock_deadline_ms(WAIT_MS);

	lock_lock(&mtx);
	while (nended < n && cond_wait(&changed, &mtx, deadline))
		;
	CHECK(nended >= n);
	lock_unlock(&mtx);
}

/* All of them; how many came back with e. */
static unsigned
callers_join(int e)
{
	unsigned i, n = 0;

	for (i = 0; i < ncallers; i++) {
		thread_join(&callers[i].thread);
		n += callers[i].e == e;
	}
	return n;
}

static void
a_record_becomes_an_address(void)
{
	begin();
	gives("/dnsaddr/one.test", "/ip4/127.0.0.1/tcp/1 ");
	CHECK_EQ(dns_stub_asked(stub, NULL), 1);
	end();
}

static void
libc_finds_the_other_names(void)
{
	begin();
	gives("/dns4/localhost/tcp/1/tls", "/ip4/127.0.0.1/tcp/1/tls ");
	gives("/dns4/127.0.0.1/udp/2", "/ip4/127.0.0.1/udp/2 ");
	gives("/dns6/::1/tcp/3", "/ip6/::1/tcp/3 ");
	gives("/dns/::1", "/ip6/::1 ");
	CHECK_ERR(ask_ms("/dns4/::1/tcp/3", WAIT_MS), P2P_ERR_DNS);
	CHECK_EQ(dns_stub_asked(stub, NULL), 0);
	end();
}

static void
sixteen_addresses_of_more_come_out(void)
{
	char out[4096] = "";
	const char *p;
	int n = 0;

	begin();
	CHECK_OK(ask("/dnsaddr/twenty.test", clock_deadline_ms(WAIT_MS), out,
	    sizeof(out)));
	for (p = out; (p = strchr(p, ' ')) != NULL; p++)
		n++;
	CHECK_EQ(n, RESOLVE_MAX);
	CHECK(strstr(out, "/tcp/15 ") != NULL);
	end();
}

/* 12 records are some 600 bytes, which need EDNS0. */
static void
an_answer_over_512_bytes_comes_in_one_datagram(void)
{
	begin();
	CHECK_OK(ask_ms("/dnsaddr/twelve.test", WAIT_MS));
	CHECK_EQ(dns_stub_tcp(stub), 0);
	CHECK_EQ(dns_stub_asked(stub, NULL), 1);
	end();
}

static void
what_was_cut_short_is_asked_for_over_tcp(void)
{
	begin();
	gives("/dnsaddr/thousand.test/p2p/" ID,
	    "/ip4/127.0.0.1/tcp/1000/p2p/" ID " ");
	CHECK_EQ(dns_stub_tcp(stub), 1);
	gives("/dnsaddr/tcp.test", "/ip4/127.0.0.1/tcp/4 ");
	CHECK_EQ(dns_stub_tcp(stub), 2);
	end();
}

static void
bad_answers_are_a_name_that_does_not_resolve(void)
{
	static const char *const bad[] = { "nxdomain.test", "empty.test",
	    "fail.test", "broken.test", "short.test", "nothing.test",
	    "other.test" };
	char target[512];
	struct wr w;
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wr_init(&w, target, sizeof(target));
		wr_printf(&w, "/dnsaddr/%s", bad[i]);
		wr_u8(&w, '\0');
		CHECK_ERR(ask_ms(target, WAIT_MS), P2P_ERR_DNS);
		CHECK(dns_stub_asked(stub, bad[i]) > 0);
	}
	/* One label too long, one name too long. */
	memset(target + 9, 'x', 400);
	target[9 + 400] = '\0';
	CHECK_ERR(ask_ms(target, WAIT_MS), P2P_ERR_DNS);
	target[9 + 100] = '\0';
	CHECK_ERR(ask_ms(target, WAIT_MS), P2P_ERR_DNS);
	end();
}

static void
only_addresses_of_the_peer_come_out(void)
{
	begin();
	gives("/dnsaddr/peers.test/p2p/" ID, "/ip4/127.0.0.1/tcp/10/p2p/" ID
	    " /ip4/127.0.0.1/tcp/8/p2p/" ID " ");
	CHECK_EQ(dns_stub_asked(stub, "peers.test"), 1);
	CHECK_EQ(dns_stub_asked(stub, "far.test"), 1);
	CHECK_EQ(dns_stub_asked(stub, NULL), 2);
	end();
}

/* The first and four below it. */
static void
a_loop_of_names_ends_at_its_depth(void)
{
	begin();
	CHECK_ERR(ask_ms("/dnsaddr/a.test", WAIT_MS), P2P_ERR_DNS);
	CHECK_EQ(dns_stub_asked(stub, "a.test"), 3);
	CHECK_EQ(dns_stub_asked(stub, "b.test"), 2);
	end();
}

/* 1 + 16 + 256 names, were they all asked. */
static void
a_tree_of_names_ends_at_its_number(void)
{
	begin();
	CHECK_ERR(ask_ms("/dnsaddr/wide.test", WAIT_MS), P2P_ERR_DNS);
	CHECK_EQ(dns_stub_asked(stub, NULL) - dns_stub_tcp(stub), 32);
	end();
}

static void
a_name_server_that_is_silent_costs_its_deadline(void)
{
	uint64_t deadline;
	char out[64];

	begin();
	deadline = clock_deadline_ms(100);
	CHECK_ERR(ask("/dnsaddr/hold.test", deadline, out, sizeof(out)),
	    P2P_ERR_TIMEOUT);
	CHECK(clock_now() >= deadline);
	CHECK(clock_now() < deadline + DNS_TXT_TIME_S * CLOCK_S / 2);
	gives("/dnsaddr/one.test", "/ip4/127.0.0.1/tcp/1 ");
	end();
}

/*
 * As many as there are threads.  A look-up that comes behind them is answered
 * only if they have let go, and they do in little more than their deadline.
 */
static void
silence_holds_no_thread_for_long(void)
{
	static const char *const silent[] = { "/dnsaddr/hold.test",
	    "/dnsaddr/silent.test", "/dnsaddr/drip.test" };
	uint64_t began;
	size_t i;
	int n;

	for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		begin();
		began = clock_now();
		for (n = 0; n < THREADS_MAX; n++)
			CHECK_ERR(ask_ms(silent[i], 200), P2P_ERR_TIMEOUT);
		gives("/dnsaddr/one.test", "/ip4/127.0.0.1/tcp/1 ");
		CHECK(clock_now() < began + DNS_TXT_TIME_S * CLOCK_S);
		end();
	}
}

/* Without a free thread for it, release.test would never be asked. */
static void
other_look_ups_go_on_beside_a_slow_one(void)
{
	unsigned i, round;

	for (round = 0; round < 20; round++) {
		begin();
		gives("/dnsaddr/one.test", "/ip4/127.0.0.1/tcp/1 ");
		for (i = 1; i < THREADS_MAX; i++)
			call_start("/dnsaddr/hold.test");
		gives("/dnsaddr/release.test", "/ip4/127.0.0.1/tcp/3 ");
		dns_stub_wait(stub, "hold.test", THREADS_MAX - 1);
		gives("/dnsaddr/release.test", "/ip4/127.0.0.1/tcp/3 ");
		CHECK_EQ(callers_join(0), THREADS_MAX - 1);
		CHECK_EQ(dns_stub_asked(stub, "hold.test"), THREADS_MAX - 1);
		end();
	}
}

static void
one_job_too_many_is_refused_and_the_stop_wakes_the_rest(void)
{
	uint64_t began;
	int i;

	begin();
	for (i = 0; i < JOBS_MAX + 1; i++)
		call_start("/dnsaddr/hold.test");
	callers_wait(1);
	dns_stub_wait(stub, "hold.test", THREADS_MAX);
	began = clock_now();
	resolver_stop(resolver);
	CHECK_EQ(callers_join(P2P_ERR_CLOSED), JOBS_MAX);
	CHECK_EQ(callers_join(P2P_ERR_LIMIT), 1);
	CHECK_ERR(ask_ms("/dnsaddr/one.test", WAIT_MS), P2P_ERR_CLOSED);
	resolver_free(resolver);
	resolver = NULL;
	CHECK(clock_now() < began + CLOCK_S);
	end();
}

static void
jobs_that_nobody_waits_for_leave_the_queue(void)
{
	int i;

	begin();
	for (i = 0; i < THREADS_MAX; i++)
		call_start("/dnsaddr/hold.test");
	dns_stub_wait(stub, "hold.test", THREADS_MAX);
	for (i = 0; i < 2 * JOBS_MAX; i++)
		CHECK_ERR(ask_ms("/dnsaddr/one.test", 0), P2P_ERR_TIMEOUT);
	resolver_stop(resolver);
	CHECK_EQ(callers_join(P2P_ERR_CLOSED), THREADS_MAX);
	CHECK_EQ(dns_stub_asked(stub, "one.test"), 0);
	end();
}

/* Thread and caller see the same time pass; either may be the first. */
static void
a_deadline_is_told_from_a_name_that_does_not_resolve(void)
{
	unsigned i;

	clock_test_advance(1);		/* waits notice jumps from here on */
	begin();
	for (i = 1; i <= 30; i++) {
		call_start("/dnsaddr/silent.test");
		/* Over UDP, then over TCP. */
		dns_stub_wait(stub, "silent.test", 2 * i);
		clock_test_advance((WAIT_MS + 1) * CLOCK_MS);
		callers_wait(i);
	}
	CHECK_EQ(callers_join(P2P_ERR_TIMEOUT), 30);
	end();
}

TESTS("resolve",
	{ "a record becomes an address", a_record_becomes_an_address },
	{ "libc finds the other names", libc_finds_the_other_names },
	{ "sixteen addresses of more come out",
	    sixteen_addresses_of_more_come_out },
	{ "an answer over 512 bytes comes in one datagram",
	    an_answer_over_512_bytes_comes_in_one_datagram },
	{ "what was cut short is asked for over TCP",
	    what_was_cut_short_is_asked_for_over_tcp },
	{ "bad answers are a name that does not resolve",
	    bad_answers_are_a_name_that_does_not_resolve },
	{ "only addresses of the peer come out",
	    only_addresses_of_the_peer_come_out },
	{ "a loop of names ends at its depth",
	    a_loop_of_names_ends_at_its_depth },
	{ "a tree of names ends at its number",
	    a_tree_of_names_ends_at_its_number },
	{ "a name server that is silent costs its deadline",
	    a_name_server_that_is_silent_costs_its_deadline },
	{ "silence holds no thread for long",
	    silence_holds_no_thread_for_long },
	{ "other look-ups go on beside a slow one",
	    other_look_ups_go_on_beside_a_slow_one },
	{ "one job too many is refused and the stop wakes the rest",
	    one_job_too_many_is_refused_and_the_stop_wakes_the_rest },
	{ "jobs that nobody waits for leave the queue",
	    jobs_that_nobody_waits_for_leave_the_queue },
	{ "a deadline is told from a name that does not resolve",
	    a_deadline_is_told_from_a_name_that_does_not_resolve })
