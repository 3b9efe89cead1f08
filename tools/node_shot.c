/*
 * The watcher is the only thread here.  It polls the signals' descriptor and a
 * pipe that shot_end() writes to; the end of the other pipe, which it closes,
 * is what everybody else may wait for.
 */
#include "node_shot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "node_dht.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

#define TIMEOUT_S	30
#define MOST_S		2000000	/* milliseconds of it fit an int */
#define GRACE_S		0.1	/* calls end by their own timeouts first */
#define STOP_MS		600

static struct {
	struct p2p_host		*host;
	struct tool_net_state	 net;
	pthread_t		 watcher;
	_Atomic double		 deadline;
	atomic_bool		 over;
	int			 end[2];	/* to the watcher */
	int			 stop[2];	/* from the watcher */
} shot;

/* How long the watcher may sleep, in ms. */
static int
nap(double now)
{
	double until = shot.deadline + GRACE_S, next;

	if (progress_next(&next) && next < until)
		until = next;
	return until <= now ? 0 : (int)((until - now) * 1000) + 1;
}

static void *
watch(void *arg)
{
	struct pollfd p[2] = { { .fd = shot.end[0], .events = POLLIN },
	    { .fd = tool_signal_fd(), .events = POLLIN } };
	double now;
	char c;

	while ((now = tool_now()) < atomic_load(&shot.deadline) + GRACE_S &&
	    tool_signal() == 0) {
		progress_draw(now);
		if (poll(p, 2, nap(now)) > 0 && p[0].revents != 0 &&
		    read(shot.end[0], &c, 1) == 1 && c == 'e')
			return NULL;
	}
	atomic_store(&shot.over, true);
	close(shot.stop[1]);
	shot.stop[1] = -1;
	(void)p2p_host_stop(shot.host, STOP_MS);
	return arg;
}

int
shot_begin(const struct options *o, double waits, struct p2p_host **out)
{
	struct p2p_host_config config = { .limits = o->limits };
	struct p2p_key *key = NULL;
	bool made;
	int e;

	if (o->key != NULL &&
	    (e = tool_key(o->key, o->ephemeral, &key, &made)) != 0)
		return e;
	config.key = key;
	if ((waits = o->timeout > 0 ? o->timeout : TIMEOUT_S + waits) > MOST_S)
		waits = MOST_S;
	shot.deadline = tool_now() + waits;
	tool_signals();
	if ((e = tool_net_begin(&o->net, &shot.net, &config)) == TOOL_OK &&
	    (e = tool_host(&config, &shot.host)) != TOOL_OK)
		tool_net_end(&shot.net);
	p2p_key_free(key);
	if (e != 0)
		return e;
	if (pipe2(shot.end, O_CLOEXEC) == -1 ||
	    pipe2(shot.stop, O_CLOEXEC) == -1 ||
	    pthread_create(&shot.watcher, NULL, watch, NULL) != 0)
		exit(tool_fail("start", -EAGAIN, NULL));
	*out = shot.host;
	if (o->more[0] == NULL && dht_wanted(o) && o->arg[0] != '/' &&
	    (e = dht_resolve(o, shot.host)) != TOOL_OK)
		return shot_end(shot.host, e);
	return TOOL_OK;
}

int
shot_end(struct p2p_host *h, int status)
{
	shot_progress(NULL, NULL);
	(void)!write(shot.end[1], "e", 1);
	pthread_join(shot.watcher, NULL);
	p2p_host_free(h);
	tool_net_end(&shot.net);
	return status != TOOL_OK && tool_signal() != 0 ? 128 + tool_signal() :
	    status;
}

int
shot_reach(const struct options *o, struct p2p_host *h,
    struct p2p_connection *c)
{
	struct p2p_connect_options co = { .any_peer = o->any_peer,
	    .timeout_ms = shot_left() };
	struct p2p_report *report;
	int e;

	e = tool_connect(h, o->arg, &co, c, &report);
	if (e != 0)
		e = shot_fail(o->arg, e, report);
	p2p_report_free(report);
	return e;
}

int
shot_fail(const char *what, int error, const struct p2p_report *report)
{
	int e;

	if (tool_signal() != 0)
		return 128 + tool_signal();
	if (shot_over())
		error = P2P_ERR_TIMEOUT;
	progress_lock();
	e = tool_fail(what, error, report);
	progress_unlock();
	return e;
}

unsigned
shot_left(void)
{
	double left = (atomic_load(&shot.deadline) - tool_now()) * 1000;

	return left < 1 ? 1 : (unsigned)left;
}

bool
shot_over(void)
{
	return atomic_load(&shot.over) || tool_signal() != 0 ||
	    tool_now() >= atomic_load(&shot.deadline);
}

int
shot_over_fd(void)
{
	return shot.stop[0];
}

/* The deadline is far away; the watcher notices when it is woken. */
void
shot_stay(void)
{
	struct pollfd p = { .fd = shot.stop[0], .events = POLLIN };

	atomic_store(&shot.deadline, tool_now() + MOST_S);
	(void)!write(shot.end[1], "p", 1);
	while (tool_signal() == 0 && poll(&p, 1, -1) <= 0)
		;
}

bool
shot_pause(double seconds)
{
	struct pollfd p = { .fd = shot.stop[0], .events = POLLIN };
	double until = tool_now() + seconds, now;

	while ((now = tool_now()) < until && !shot_over())
		(void)poll(&p, 1, (int)((until - now) * 1000) + 1);
	return shot_over();
}

void
shot_progress(progress_fn fn, void *arg)
{
	progress_set(fn, arg);
	if (fn != NULL)
		(void)!write(shot.end[1], "p", 1);	/* wake the watcher */
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* By the nearest rank: one of the samples. */
double
shot_percentile(double *samples, size_t n, double p)
{
	double rank = p * (double)n;
	size_t i = (size_t)rank;

	if (n == 0)
		return 0;
	qsort(samples, n, sizeof(*samples), by_value);
	return samples[i > 0 && (double)i == rank ? i - 1 : i];
}

void
shot_summary(const struct shot_series *s)
{
	double p50 = shot_percentile(s->times, s->good, 0.5);
	double p99 = shot_percentile(s->times, s->good, 0.99);
	double rate = s->took > 0 ? (double)s->good / s->took : 0;

	progress_lock();
	if (tool_json) {
		json_begin("summary");
		json_uint("count", s->count);
		json_uint("failed", s->failed);
		json_time("perSecond", rate);
		json_time("p50", p50);
		json_time("p99", p99);
		json_end();
	} else {
		printf("%llu %s, %llu failed, %.1f a second, p50 %.3f ms, "
		    "p99 %.3f ms\n", (unsigned long long)s->count, s->noun,
		    (unsigned long long)s->failed, rate, p50 * 1000,
		    p99 * 1000);
	}
	progress_unlock();
}
