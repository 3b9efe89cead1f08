/*
 * One-shot commands that talk to a peer: ping, identify, connect.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/ping.h"

static double deadline;

double
node_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

unsigned
node_left(void)
{
	double left = (deadline - node_now()) * 1000;

	return left < 1 ? 1 : (unsigned)left;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
node_percentile(double *samples, size_t n, double p)
{
	if (n == 0)
		return 0;
	qsort(samples, n, sizeof(*samples), by_value);
	return samples[(size_t)((double)(n - 1) * p)];
}

void
node_json_connection(const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	json_text("peer", p2p_peer_id_text(&c->peer, text));
	json_text("address", p2p_multiaddr_text(c->remote));
	json_text("direction", c->outbound ? "outbound" : "inbound");
	json_text("security", c->security);
	json_text("muxer", c->muxer);
}

int
node_host(const struct options *o, struct p2p_host **out)
{
	struct p2p_host_config config = { .security = o->security,
	    .muxers = o->muxers, .limits = o->limits };
	struct p2p_key *key = NULL;
	bool made;
	int e;

	if (o->key != NULL &&
	    (e = tool_key(o->key, o->ephemeral, &key, &made)) != 0)
		return e;
	config.key = key;
	e = p2p_host_new(&config, out);
	p2p_key_free(key);
	return e != 0 ? tool_fail("start", e, NULL) : TOOL_OK;
}

/* The bound of the whole command, whatever it is doing. */
static void
on_alarm(int sig)
{
	static const char text[] = "p2p-node: timeout: the command took too "
	    "long\nhint: --timeout SECONDS gives it more\n";
	static const char json[] = "{\"schema\":1,\"event\":\"error\",\"error\":"
	    "\"timeout\",\"message\":\"the deadline passed\"}\n";
	ssize_t n;

	(void)sig;
	n = tool_json ? write(1, json, sizeof(json) - 1) :
	    write(2, text, sizeof(text) - 1);
	_exit(n > 0 ? TOOL_TIMEOUT : TOOL_FAILED);
}

int
node_reach(const struct options *o, struct p2p_host *h,
    struct p2p_connection *c)
{
	struct p2p_connect_options co = { .any_peer = o->any_peer };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct p2p_report *report;
	int e;

	deadline = node_now() + o->timeout_ms / 1000.0;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGALRM, &sa, NULL);
	alarm(o->timeout_ms / 1000 + 2);
	co.timeout_ms = node_left();
	e = p2p_host_connect(h, o->arg, &co, c, &report);
	if (e != 0)
		e = tool_fail(o->arg, e, report);
	p2p_report_free(report);
	return e;
}

/* Figures of a series of pings. */
struct pings {
	double		*times;
	size_t		 sent, got;
};

static void
show_ping(const struct pings *p, double time)
{
	if (tool_json) {
		json_begin("ping");
		json_uint("seq", p->sent);
		json_time("time", time);
		json_end();
	} else {
		printf("32 bytes: seq=%zu time=%.3f ms\n", p->sent,
		    time * 1000);
		fflush(stdout);
	}
}

static int
show_pings(struct pings *p)
{
	double sum = 0, p50, p99;
	size_t i;

	for (i = 0; i < p->got; i++)
		sum += p->times[i];
	p50 = node_percentile(p->times, p->got, 0.5);
	p99 = node_percentile(p->times, p->got, 0.99);
	if (tool_json) {
		json_begin("summary");
		json_uint("sent", p->sent);
		json_uint("received", p->got);
		json_time("min", p->got > 0 ? p->times[0] : 0);
		json_time("avg", p->got > 0 ? sum / (double)p->got : 0);
		json_time("max", p->got > 0 ? p->times[p->got - 1] : 0);
		json_time("p50", p50);
		json_time("p99", p99);
		json_end();
	} else if (p->got > 0) {
		printf("--- %zu pings, %zu ok, min/avg/max = %.3f/%.3f/%.3f "
		    "ms\n", p->sent, p->got, p->times[0] * 1000,
		    sum / (double)p->got * 1000, p->times[p->got - 1] * 1000);
	}
	return p->got > 0 ? TOOL_OK : TOOL_TIMEOUT;
}

/* Between two pings; true: interrupted. */
static bool
pause_for(double seconds)
{
	struct pollfd p = { .fd = tool_signal_fd(), .events = POLLIN };

	return poll(&p, 1, (int)(seconds * 1000)) != 0 || tool_signal() != 0;
}

static int
ping_loop(const struct options *o, struct p2p_ping *ping, struct pings *p)
{
	uint64_t count = o->count > 0 ? o->count : 4, rtt;
	int e, last = 0;

	if ((p->times = calloc(count, sizeof(*p->times))) == NULL)
		return tool_fail("ping", -12, NULL);
	while (p->sent < count && node_now() < deadline) {
		p->sent++;
		if ((e = p2p_ping_once(ping, node_left(), &rtt)) == 0) {
			p->times[p->got++] = (double)rtt / 1e6;
			show_ping(p, (double)rtt / 1e6);
		} else {
			last = e;
			break;
		}
		if (p->sent < count && pause_for(o->interval))
			break;
	}
	e = show_pings(p);
	free(p->times);
	if (last != 0)
		return tool_fail("ping", last, NULL);
	return tool_signal() != 0 ? 128 + tool_signal() : e;
}

int
node_ping(const struct options *o)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_connection c;
	struct pings p = { 0 };
	struct p2p_ping *ping;
	struct p2p_host *h;
	int e;

	if ((e = node_host(o, &h)) != 0)
		return e;
	tool_signals();
	if ((e = node_reach(o, h, &c)) != 0)
		goto done;
	if (!tool_json)
		printf("PING %s (%s) handshake %.1f ms\n",
		    p2p_peer_id_text(&c.peer, text),
		    p2p_multiaddr_text(c.remote), (double)c.time_us / 1000);
	p2p_multiaddr_free(c.remote);
	if ((e = p2p_ping_open(h, &c.peer, node_left(), &ping)) != 0) {
		e = tool_fail("ping", e, NULL);
		goto done;
	}
	e = ping_loop(o, ping, &p);
	p2p_ping_close(ping);
done:
	p2p_host_free(h);
	return e;
}

static void
identify_json(const struct p2p_identity *id, const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	size_t i;

	json_begin("identify");
	json_text("peerId", p2p_peer_id_text(&id->peer, text));
	json_text("protocolVersion", id->protocol_version != NULL ?
	    id->protocol_version : "");
	json_text("agentVersion", id->agent_version != NULL ?
	    id->agent_version : "");
	json_list("protocols", id->protocols);
	json_raw(",\"listenAddresses\":[");
	for (i = 0; id->addresses[i] != NULL; i++) {
		json_raw(i > 0 ? "," : "");
		json_string(p2p_multiaddr_text(id->addresses[i]));
	}
	json_raw("]");
	if (id->observed != NULL)
		json_text("observedAddress", p2p_multiaddr_text(id->observed));
	else
		json_null("observedAddress");
	if (id->key != NULL)
		json_text("publicKeyType",
		    p2p_key_type_name(p2p_key_type(id->key)));
	else
		json_null("publicKeyType");
	json_bool("signedRecord", id->signed_record);
	json_text("address", p2p_multiaddr_text(c->remote));
	json_text("security", c->security);
	json_text("muxer", c->muxer);
	json_end();
}

static void
identify_text(const struct p2p_identity *id, const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	size_t i;

	printf("Peer ID    %s\n", p2p_peer_id_text(&id->peer, text));
	printf("Agent      %s\n", tool_clean(id->agent_version != NULL ?
	    id->agent_version : "(none)"));
	printf("Version    %s\n", tool_clean(id->protocol_version != NULL ?
	    id->protocol_version : "(none)"));
	printf("Connection %s (%s, %s)\n", p2p_multiaddr_text(c->remote),
	    c->security, c->muxer);
	if (id->observed != NULL)
		printf("Sees us as %s\n", p2p_multiaddr_text(id->observed));
	for (i = 0; id->addresses[i] != NULL; i++)
		printf("%-10s %s\n", i == 0 ? "Listening" : "",
		    p2p_multiaddr_text(id->addresses[i]));
	for (i = 0; id->protocols[i] != NULL; i++)
		printf("%-10s %s\n", i == 0 ? "Protocols" : "",
		    tool_clean(id->protocols[i]));
	printf("Record     %s\n", id->signed_record ? "signed" : "not signed");
}

int
node_identify(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_identity *id;
	struct p2p_host *h;
	int e;

	if ((e = node_host(o, &h)) != 0)
		return e;
	if ((e = node_reach(o, h, &c)) == 0) {
		e = p2p_identify(h, &c.peer, node_left(), &id);
		if (e != 0) {
			e = tool_fail("identify", e, NULL);
		} else {
			if (tool_json)
				identify_json(id, &c);
			else
				identify_text(id, &c);
			p2p_identity_free(id);
		}
		p2p_multiaddr_free(c.remote);
	}
	p2p_host_free(h);
	return e;
}

/* One of several threads that connect again and again. */
struct dialer {
	const struct options	*o;
	struct p2p_host		*h;
	pthread_mutex_t		*mtx;
	double			*times;
	uint64_t		*next, *failed, *good;
	uint64_t		 count;
};

static void
connected(const struct options *o, struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	if (tool_json) {
		json_begin("connected");
		node_json_connection(c);
		json_time("time", (double)c->time_us / 1e6);
		json_end();
	} else if (o->count == 0) {
		printf("connected to %s\n  over %s, %s, %s in %.1f ms\n",
		    p2p_peer_id_text(&c->peer, text),
		    p2p_multiaddr_text(c->remote), c->security, c->muxer,
		    (double)c->time_us / 1000);
	}
}

static void *
dial_loop(void *arg)
{
	struct dialer *d = arg;
	struct p2p_connect_options co = { .any_peer = d->o->any_peer,
	    .fresh = d->o->count > 0 };
	struct p2p_report *report;
	struct p2p_connection c;
	int e;

	for (;;) {
		pthread_mutex_lock(d->mtx);
		if (*d->next == d->count || node_now() >= deadline) {
			pthread_mutex_unlock(d->mtx);
			return NULL;
		}
		(*d->next)++;
		pthread_mutex_unlock(d->mtx);
		co.timeout_ms = node_left();
		e = p2p_host_connect(d->h, d->o->arg, &co, &c, &report);
		pthread_mutex_lock(d->mtx);
		if (e != 0) {
			(*d->failed)++;
			(void)tool_fail(d->o->arg, e, report);
		} else {
			d->times[(*d->good)++] = (double)c.time_us / 1e6;
			connected(d->o, &c);
		}
		pthread_mutex_unlock(d->mtx);
		p2p_report_free(report);
		if (e == 0 && d->o->count > 0 && d->o->hold == 0)
			(void)p2p_host_close(d->h, c.number);
		if (e == 0)
			p2p_multiaddr_free(c.remote);
	}
}

static int
connect_many(const struct options *o, struct p2p_host *h)
{
	pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
	uint64_t next = 0, failed = 0, good = 0, count = o->count, i;
	double *times = calloc(count, sizeof(*times)), begun = node_now();
	struct dialer d = { o, h, &mtx, times, &next, &failed, &good, count };
	pthread_t *threads = calloc(o->parallel + 1, sizeof(*threads));
	double took;
	uint64_t n = 0;

	for (i = 0; times != NULL && threads != NULL && i < o->parallel; i++)
		n += pthread_create(&threads[n], NULL, dial_loop, &d) == 0;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	took = node_now() - begun;
	failed += count - next;		/* never begun: no time was left */
	if (tool_json) {
		json_begin("summary");
		json_uint("count", count);
		json_uint("failed", failed);
		json_time("perSecond", (double)good / took);
		json_time("p50", node_percentile(times, good, 0.5));
		json_time("p99", node_percentile(times, good, 0.99));
		json_end();
	} else {
		printf("%llu connections, %llu failed, %.1f a second, p50 %.2f "
		    "ms, p99 %.2f ms\n", (unsigned long long)count,
		    (unsigned long long)failed, (double)good / took,
		    node_percentile(times, good, 0.5) * 1000,
		    node_percentile(times, good, 0.99) * 1000);
	}
	free(times);
	free(threads);
	return failed > 0 ? TOOL_FAILED : TOOL_OK;
}

int
node_connect(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if ((e = node_host(o, &h)) != 0)
		return e;
	tool_signals();
	if (o->count > 0) {
		deadline = node_now() + o->timeout_ms / 1000.0;
		e = connect_many(o, h);
	} else if ((e = node_reach(o, h, &c)) == 0) {
		connected(o, &c);
		p2p_multiaddr_free(c.remote);
	}
	if (e == 0 && o->hold > 0) {
		alarm(0);
		if (pause_for(o->hold))
			e = 128 + tool_signal();
	}
	p2p_host_free(h);
	return e;
}
