/*
 * p2p-interop: the application of the two interoperability test suites of
 * libp2p.  One side listens and tells its address through Redis, the other
 * takes it from there, connects, pings once and prints two times.
 *
 * Spec: libp2p/test-plans transport-interop/README.md (environment in lower
 * case, JSON) and libp2p/unified-testing docs/write-a-transport-test-app.md
 * (upper case, YAML).  The names of the results are theirs, with their
 * spelling.  Nothing else may be on stdout, and no braces on stderr: the first
 * suite's reader joins both.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include <p2p/error.h>
#include <p2p/host.h>
#include <p2p/multiaddr.h>
#include <p2p/ping.h>

#define REDIS_PORT	6379
#define TIMEOUT_S	180
#define RETRY_MS	100

/* What a suite calls things, and how it wants the times. */
struct suite {
	const char	*transport, *security, *muxer, *dialer, *ip, *redis;
	const char	*timeout[2];
	const char	*key;		/* of Redis; the second appends to */
	const char	*key_prefix;	/* the value of this variable */
	const char	*redis_default;	/* NULL: must be given */
	const char	*format;
};

static const struct suite test_plans = {
	.transport = "transport", .security = "security", .muxer = "muxer",
	.dialer = "is_dialer", .ip = "ip", .redis = "redis_addr",
	.timeout = { "test_timeout_seconds", "test_timeout_secs" },
	.key = "listenerAddr", .redis_default = "redis:6379",
	.format = "{\"handshakePlusOneRTTMillis\":%.3f,"
	    "\"pingRTTMilllis\":%.3f}\n"
};

static const struct suite unified = {
	.transport = "TRANSPORT", .security = "SECURE_CHANNEL",
	.muxer = "MUXER", .dialer = "IS_DIALER", .ip = "LISTENER_IP",
	.redis = "REDIS_ADDR",
	.timeout = { "TEST_TIMEOUT_SECS", "TEST_TIMEOUT_SECONDS" },
	.key = "_listener_multiaddr", .key_prefix = "TEST_KEY",
	.format = "latency:\n  handshake_plus_one_rtt: %.3f\n"
	    "  ping_rtt: %.3f\n  unit: ms\n"
};

struct test {
	const struct suite *suite;
	bool		 dialer;
	const char	*ip;
	const char	*security[2], *muxers[2];
	char		 redis[256];	/* host, cut at the colon */
	int		 port;
	char		 key[128];
	double		 deadline;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned
left_ms(const struct test *t)
{
	double left = (t->deadline - now()) * 1000;

	return left < 1 ? 1 : left > INT_MAX ? INT_MAX : (unsigned)left;
}

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "p2p-interop: %s: %s\n", what, why);
	return 1;
}

/* An empty variable is none. */
static const char *
get(const char *name, const char *otherwise)
{
	const char *v = name != NULL ? getenv(name) : NULL;

	return v != NULL && v[0] != '\0' ? v : otherwise;
}

/* One name of the suites as the id that a host knows it by. */
static int
lookup(const char *variable, const char *const (*names)[2], const char **out)
{
	const char *v = get(variable, NULL);

	for (; v != NULL && (*names)[0] != NULL; names++) {
		if (strcmp((*names)[0], v) == 0) {
			*out = (*names)[1];
			return 0;
		}
	}
	return fail(variable, v != NULL ? "not supported" : "not given");
}

static int
read_protocols(struct test *t)
{
	static const char *const transports[][2] = { { "tcp", "" },
	    { NULL, NULL } };
	static const char *const securities[][2] = { { "tls", "/tls/1.0.0" },
	    { "noise", "/noise" }, { "plaintext", "/plaintext/2.0.0" },
	    { NULL, NULL } };
	static const char *const muxers[][2] = { { "yamux", "/yamux/1.0.0" },
	    { "mplex", "/mplex/6.7.0" }, { NULL, NULL } };
	const char *transport;

	if (lookup(t->suite->transport, transports, &transport) != 0 ||
	    lookup(t->suite->security, securities, &t->security[0]) != 0)
		return 1;
	return lookup(t->suite->muxer, muxers, &t->muxers[0]);
}

/* "host:port", "host", "[v6]:port". */
static int
read_redis(struct test *t)
{
	const char *v = get(t->suite->redis, t->suite->redis_default);
	char *colon;

	if (v == NULL)
		return fail(t->suite->redis, "not given");
	snprintf(t->redis, sizeof(t->redis), "%s", v[0] == '[' ? v + 1 : v);
	t->port = REDIS_PORT;
	if ((colon = strrchr(t->redis, ':')) == NULL)
		return 0;
	t->port = atoi(colon + 1);
	*colon = '\0';
	if (colon > t->redis && colon[-1] == ']')
		colon[-1] = '\0';
	return t->port > 0 && t->port < 65536 ? 0 :
	    fail(t->suite->redis, "no host:port");
}

static int
read_test(struct test *t)
{
	const struct suite *s;
	const char *v;
	double seconds;

	*t = (struct test){ .suite = getenv("IS_DIALER") != NULL ||
	    getenv("TRANSPORT") != NULL ? &unified : &test_plans };
	s = t->suite;
	t->dialer = strcmp(get(s->dialer, "false"), "true") == 0;
	t->ip = get(s->ip, "0.0.0.0");
	v = get(s->timeout[0], get(s->timeout[1], NULL));
	seconds = v != NULL ? strtod(v, NULL) : TIMEOUT_S;
	if (!(seconds > 0 && seconds <= 86400))
		return fail(s->timeout[0], "no number of seconds");
	t->deadline = now() + seconds;
	if (s->key_prefix != NULL && get(s->key_prefix, NULL) == NULL)
		return fail(s->key_prefix, "not given");
	snprintf(t->key, sizeof(t->key), "%s%s", get(s->key_prefix, ""),
	    s->key);
	return read_protocols(t) != 0 ? 1 : read_redis(t);
}

/* It may not be up yet: once it answers a PING, it is there. */
static redisContext *
open_redis(const struct test *t)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };
	const struct timeval second = { .tv_sec = 1 };
	redisContext *c;
	redisReply *r;
	bool good;

	while (now() < t->deadline) {
		c = redisConnectWithTimeout(t->redis, t->port, second);
		r = c != NULL && c->err == 0 ? redisCommand(c, "PING") : NULL;
		good = r != NULL && r->type == REDIS_REPLY_STATUS;
		freeReplyObject(r);
		if (good)
			return c;
		redisFree(c);
		nanosleep(&pause, NULL);
	}
	(void)fail(t->redis, "no Redis answers there");
	return NULL;
}

static int
order(redisContext *c, const char *command, const char *key,
    const char *value)
{
	redisReply *r = value != NULL ?
	    redisCommand(c, "%s %s %s", command, key, value) :
	    redisCommand(c, "%s %s", command, key);
	int e = r == NULL ? fail(command, c->errstr) :
	    r->type == REDIS_REPLY_ERROR ? fail(command, r->str) : 0;

	freeReplyObject(r);
	return e;
}

/* The first address that others can reach; loopback if there is no other. */
static char *
own_address(struct p2p_host *h)
{
	struct p2p_multiaddr **list, *full = NULL;
	const char *text;
	char *best = NULL;
	size_t i;

	if (p2p_host_addresses(h, &list) != 0)
		return NULL;
	for (i = 0; list[i] != NULL; i++) {
		text = p2p_multiaddr_text(list[i]);
		if (best != NULL && (strncmp(text, "/ip4/127.", 9) == 0 ||
		    strncmp(text, "/ip6/::1/", 9) == 0))
			continue;
		if (best != NULL && strncmp(best, "/ip4/127.", 9) != 0 &&
		    strncmp(best, "/ip6/::1/", 9) != 0)
			break;
		free(best);
		best = NULL;
		if (p2p_multiaddr_with_peer(list[i], p2p_host_id(h),
		    &full) == 0)
			best = strdup(p2p_multiaddr_text(full));
		p2p_multiaddr_free(full);
		full = NULL;
	}
	p2p_host_addresses_free(list);
	return best;
}

/* Until somebody ends us, which is how the suites do it. */
static int
wait_for_end(const struct test *t)
{
	struct timespec left;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	do {
		left.tv_sec = left_ms(t) / 1000;
		left.tv_nsec = left_ms(t) % 1000 * 1000000L;
		sig = sigtimedwait(&set, NULL, &left);
	} while (sig == -1 && errno == EINTR);
	return sig > 0 ? 0 : fail("listener", "nobody ended it in time");
}

static int
run_listener(const struct test *t, redisContext *c, struct p2p_host *h)
{
	char address[256], *own;
	int e;

	snprintf(address, sizeof(address), "/%s/%s/tcp/0",
	    strchr(t->ip, ':') != NULL ? "ip6" : "ip4", t->ip);
	if ((e = p2p_host_listen(h, address, NULL)) != 0)
		return fail(address, p2p_strerror(e));
	if ((own = own_address(h)) == NULL)
		return fail(address, "no address to tell");
	fprintf(stderr, "listening on %s\n", own);
	/* A string of an earlier run under this key would refuse the push. */
	e = (t->suite == &unified && order(c, "DEL", t->key, NULL) != 0) ||
	    order(c, "RPUSH", t->key, own) != 0;
	free(own);
	return e != 0 ? 1 : wait_for_end(t);
}

/*
 * What the listener told: element 1 of the reply.  NULL: none in time, or an
 * error, which *again says to try again after: the key still holds the string
 * of an earlier run, until the listener deletes it.
 */
static char *
take_address(const struct test *t, redisContext *c, bool *again)
{
	unsigned ms = left_ms(t);
	struct timeval longer = { .tv_sec = ms / 1000 + 5 };
	char *address = NULL;
	redisReply *r;

	(void)redisSetTimeout(c, longer);
	r = redisCommand(c, "BLPOP %s %d", t->key, (int)(ms / 1000) + 1);
	*again = r != NULL && r->type == REDIS_REPLY_ERROR &&
	    strncmp(r->str, "WRONGTYPE", 9) == 0 && now() < t->deadline;
	if (r == NULL)
		(void)fail("BLPOP", c->errstr);
	else if (r->type == REDIS_REPLY_ERROR && !*again)
		(void)fail("BLPOP", r->str);
	else if (r->type == REDIS_REPLY_ARRAY && r->elements == 2 &&
	    r->element[1]->type == REDIS_REPLY_STRING)
		address = strdup(r->element[1]->str);
	else if (!*again)
		(void)fail(t->key, "no address came in time");
	freeReplyObject(r);
	return address;
}

static char *
their_address(const struct test *t, redisContext *c)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };
	char *address;
	bool again;

	while ((address = take_address(t, c, &again)) == NULL && again)
		nanosleep(&pause, NULL);
	return address;
}

static int
run_dialer(const struct test *t, redisContext *c, struct p2p_host *h)
{
	struct p2p_connect_options o = { 0 };
	struct p2p_connection conn;
	char *address;
	uint64_t rtt_us;
	double begun, took;
	int e;

	if ((address = their_address(t, c)) == NULL)
		return 1;
	address[strcspn(address, " \r\n")] = '\0';
	fprintf(stderr, "connecting to %s\n", address);
	begun = now();
	o.timeout_ms = left_ms(t);
	if ((e = p2p_host_connect(h, address, &o, &conn, NULL)) == 0) {
		p2p_multiaddr_free(conn.remote);
		e = p2p_ping(h, &conn.peer, left_ms(t), &rtt_us);
	}
	took = now() - begun;
	if (e != 0) {
		(void)fail(address, p2p_strerror(e));
	} else {
		printf(t->suite->format, took * 1000, (double)rtt_us / 1000);
		e = fflush(stdout) == 0 ? 0 : fail("stdout", "not written");
	}
	free(address);
	return e != 0;
}

int
main(void)
{
	struct p2p_host_config config = { 0 };
	struct p2p_host *h;
	struct test t;
	redisContext *c;
	sigset_t set;
	int e;

	if (read_test(&t) != 0)
		return 2;
	/* Every thread of the host inherits it; wait_for_end() takes them. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (!t.dialer)
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	if ((c = open_redis(&t)) == NULL)
		return 1;
	config.security = t.security;
	config.muxers = t.muxers;
	if ((e = p2p_host_new(&config, &h)) != 0) {
		redisFree(c);
		return fail("start", p2p_strerror(e));
	}
	e = t.dialer ? run_dialer(&t, c, h) : run_listener(&t, c, h);
	redisFree(c);
	p2p_host_free(h);
	return e;
}
