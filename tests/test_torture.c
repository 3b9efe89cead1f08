/*
 * Torture: a whole conversation in which the N-th allocation, thread or
 * descriptor of ours fails, for every N, once or from there on.  Whatever
 * fails, calls return errors in bounded time, stop is good and nothing is left;
 * and what failed once works again.
 *
 * The functions are wrapped by the linker, so only calls of the library's own
 * objects fail, and not those of libc or OpenSSL.  A step between two N keeps
 * things short where all is slow: TORTURE_STEP (1) in the environment.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/thread.h"
#include "check.h"
#include "host/host.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "p2p/pnet.h"
#include "p2p/stream.h"

#define STEP	1

static const char *const noise[] = { "/noise", NULL };
static const char *const mplex[] = { "/mplex/6.7.0", NULL };
static const struct p2p_psk psk = { { 7 } };

static struct p2p_host_config config;	/* of both hosts */

static atomic_long calls;		/* since the scenario began */
static atomic_long fail_at = -1;	/* this one, or -1: none */
static atomic_bool sticky;		/* and all behind it */
static atomic_bool armed;
static atomic_long failures;

static bool
fails(void)
{
	long n, at;

	if (!atomic_load(&armed))
		return false;
	n = atomic_fetch_add(&calls, 1) + 1;
	at = atomic_load(&fail_at);
	if (at < 0 || n < at || (n > at && !atomic_load(&sticky)))
		return false;
	atomic_fetch_add(&failures, 1);
	return true;
}

void	*__real_malloc(size_t len);
void	*__real_calloc(size_t n, size_t len);
void	*__real_realloc(void *p, size_t len);
char	*__real_strdup(const char *s);
char	*__real_strndup(const char *s, size_t n);
int	 __real_pthread_create(pthread_t *t, const pthread_attr_t *attr,
	    void *(*fn)(void *), void *arg);
int	 __real_eventfd(unsigned n, int flags);
int	 __real_epoll_create1(int flags);
int	 __real_socket(int family, int type, int protocol);
int	 __real_socketpair(int family, int type, int protocol, int fds[2]);

void	*__wrap_malloc(size_t len);
void	*__wrap_calloc(size_t n, size_t len);
void	*__wrap_realloc(void *p, size_t len);
char	*__wrap_strdup(const char *s);
char	*__wrap_strndup(const char *s, size_t n);
int	 __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
	    void *(*fn)(void *), void *arg);
int	 __wrap_eventfd(unsigned n, int flags);
int	 __wrap_epoll_create1(int flags);
int	 __wrap_socket(int family, int type, int protocol);
int	 __wrap_socketpair(int family, int type, int protocol, int fds[2]);

/* NULL or -1 with this error, or the real thing. */
#define OR_FAIL(error, failed, real)					\
	(fails() ? (errno = (error), (failed)) : (real))

void *
__wrap_malloc(size_t len)
{
	return OR_FAIL(ENOMEM, NULL, __real_malloc(len));
}

void *
__wrap_calloc(size_t n, size_t len)
{
	return OR_FAIL(ENOMEM, NULL, __real_calloc(n, len));
}

void *
__wrap_realloc(void *p, size_t len)
{
	return OR_FAIL(ENOMEM, NULL, __real_realloc(p, len));
}

char *
__wrap_strdup(const char *s)
{
	return OR_FAIL(ENOMEM, NULL, __real_strdup(s));
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return OR_FAIL(ENOMEM, NULL, __real_strndup(s, n));
}

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
    void *(*fn)(void *), void *arg)
{
	return fails() ? EAGAIN : __real_pthread_create(t, attr, fn, arg);
}

int
__wrap_eventfd(unsigned n, int flags)
{
	return OR_FAIL(EMFILE, -1, __real_eventfd(n, flags));
}

int
__wrap_epoll_create1(int flags)
{
	return OR_FAIL(EMFILE, -1, __real_epoll_create1(flags));
}

int
__wrap_socket(int family, int type, int protocol)
{
	return OR_FAIL(EMFILE, -1, __real_socket(family, type, protocol));
}

int
__wrap_socketpair(int family, int type, int protocol, int fds[2])
{
	return OR_FAIL(EMFILE, -1, __real_socketpair(family, type, protocol,
	    fds));
}

static char target[512];

static int
talk(struct p2p_host *h)
{
	struct p2p_identity *id;
	struct p2p_stream *s;
	uint64_t rtt;
	char c = 't';
	int e;

	if ((e = p2p_host_open(h, target, P2P_ECHO_ID, 2000, &s)) != 0)
		return e;
	p2p_stream_read_timeout(s, 2000);
	p2p_stream_write_timeout(s, 2000);
	if ((e = p2p_stream_write_full(s, &c, 1)) == 0)
		e = p2p_stream_read_full(s, &c, 1);
	if (e == 0)
		e = p2p_stream_close_write(s);
	p2p_stream_free(s);
	if (e == 0)
		e = p2p_ping(h, &h->id, 1, &rtt) == P2P_ERR_SELF ? 0 :
		    P2P_ERR_PROTOCOL;
	(void)id;
	return e;
}

static int
listen_on(struct p2p_host *h, struct memory_net *net)
{
	struct p2p_multiaddr *bound, *full;
	int e;

	if ((e = net != NULL ? host_add_transport(h, &transport_memory, net) :
	    0) != 0 || (e = p2p_echo_serve(h)) != 0 ||
	    (e = p2p_host_listen(h, net != NULL ? "/memory/0" :
	    "/ip4/127.0.0.1/tcp/0", &bound)) != 0)
		return e;
	if ((e = p2p_multiaddr_with_peer(bound, p2p_host_id(h), &full)) == 0)
		snprintf(target, sizeof(target), "%s",
		    p2p_multiaddr_text(full));
	p2p_multiaddr_free(bound);
	if (e == 0)
		p2p_multiaddr_free(full);
	return e;
}

/* Two hosts are made, talk, and are freed again. */
static int
conversation(bool memory)
{
	struct p2p_identity *id = NULL;
	struct memory_net *net = NULL;
	struct p2p_host *a = NULL, *b = NULL;
	int e;

	if (memory && (e = memory_net_new(&net)) != 0)
		return e;
	if ((e = p2p_host_new(&config, &b)) == 0 &&
	    (e = listen_on(b, net)) == 0 &&
	    (e = p2p_host_new(&config, &a)) == 0 &&
	    (e = net != NULL ? host_add_transport(a, &transport_memory, net) :
	    0) == 0 &&
	    (e = p2p_host_connect(a, target, NULL, NULL, NULL)) == 0 &&
	    (e = talk(a)) == 0)
		e = p2p_identify(a, p2p_host_id(b), 2000, &id);
	p2p_identity_free(id);
	if (a != NULL) {
		CHECK_OK(p2p_host_stop(a, 0));
		p2p_host_free(a);
	}
	if (b != NULL) {
		CHECK_OK(p2p_host_stop(b, 0));
		p2p_host_free(b);
	}
	memory_net_free(net);
	CHECK_EQ(thread_count(), 0);
	return e;
}

static long
run(bool memory, long at, bool all, int *error)
{
	atomic_store(&calls, 0);
	atomic_store(&fail_at, at);
	atomic_store(&sticky, all);
	atomic_store(&armed, true);
	*error = conversation(memory);
	atomic_store(&armed, false);
	return atomic_load(&calls);
}

static void
torture(bool memory, bool all)
{
	const char *text = getenv("TORTURE_STEP");
	long step = text != NULL ? atol(text) : STEP, n, last;
	unsigned bad = 0;
	int e;

	last = run(memory, -1, false, &e);
	CHECK_OK(e);
	CHECK(last > 100);
	atomic_store(&failures, 0);
	for (n = 1; n <= last; n += step > 0 ? step : 1) {
		(void)run(memory, n, all, &e);
		bad += e != 0;
	}
	CHECK(atomic_load(&failures) > 0);
	CHECK(bad > 0);
	printf("(%ld calls, %ld failed, %u conversations with them) ", last,
	    atomic_load(&failures), bad);
	(void)run(memory, -1, false, &e);
	CHECK_OK(e);
}

static void
one_failure_is_survived_over_memory(void)
{
	torture(true, false);
}

static void
one_failure_is_survived_over_tcp(void)
{
	torture(false, false);
}

static void
failures_from_there_on_are_survived(void)
{
	torture(true, true);
}

static void
ignore(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

/* All the other layers there are, in one conversation. */
static void
one_failure_is_survived_in_every_layer(void)
{
	config = (struct p2p_host_config){ .security = noise, .muxers = mplex,
	    .capture = ignore, .keylog = ignore };
	if (p2p_pnet_available())
		config.psk = &psk;
	torture(true, false);
	config = (struct p2p_host_config){ 0 };
}

TESTS("torture",
	{ "one failure is survived over memory",
	    one_failure_is_survived_over_memory },
	{ "one failure is survived over TCP",
	    one_failure_is_survived_over_tcp },
	{ "one failure is survived over Noise, mplex, a private network",
	    one_failure_is_survived_in_every_layer },
	{ "failures from there on are survived",
	    failures_from_there_on_are_survived })
