/*
 * p2p-node connect: once, saying over what; or again and again, in threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "json.h"
#include "node_shot.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

/* A series of connections; what several threads share is under mtx. */
struct series {
	const struct options	*o;
	struct p2p_host		*h;
	pthread_mutex_t		 mtx;
	double			*times;
	uint64_t		 begun, failed, good;
};

static void
connected(const struct options *o, const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	if (tool_json) {
		json_begin("connected");
		json_text("peer", p2p_peer_id_text(&c->peer, text));
		json_text("address", p2p_multiaddr_text(c->remote));
		json_text("direction", c->outbound ? "outbound" : "inbound");
		json_text("security", c->security);
		json_text("muxer", c->muxer);
		json_time("time", (double)c->time_us / 1e6);
		json_end();
	} else if (o->count == 0) {
		printf("connected to %s\n  over %s, %s, %s in %.1f ms\n",
		    p2p_peer_id_text(&c->peer, text),
		    p2p_multiaddr_text(c->remote), c->security, c->muxer,
		    (double)c->time_us / 1000);
		tool_flush();
	}
}

/* The next one is the caller's; false: there is none, or no time for it. */
static bool
take_one(struct series *s)
{
	bool taken;

	pthread_mutex_lock(&s->mtx);
	taken = s->begun < s->o->count && !shot_over();
	s->begun += taken;
	pthread_mutex_unlock(&s->mtx);
	return taken;
}

static void
account(struct series *s, int e, const struct p2p_connection *c)
{
	pthread_mutex_lock(&s->mtx);
	if (e != 0)
		s->failed++;
	else
		s->times[s->good++] = (double)c->time_us / 1e6;
	pthread_mutex_unlock(&s->mtx);
}

static void *
dial_loop(void *arg)
{
	struct series *s = arg;
	struct p2p_connect_options co = { .any_peer = s->o->any_peer,
	    .fresh = true };
	struct p2p_report *report;
	struct p2p_connection c;
	int e;

	while (take_one(s)) {
		co.timeout_ms = shot_left();
		e = tool_connect(s->h, s->o->arg, &co, &c, &report);
		account(s, e, &c);
		if (e != 0) {
			(void)shot_fail(s->o->arg, e, report);
		} else {
			progress_lock();
			connected(s->o, &c);
			progress_unlock();
			if (s->o->hold == 0)
				(void)p2p_host_close(s->h, c.number);
			p2p_multiaddr_free(c.remote);
		}
		p2p_report_free(report);
	}
	return NULL;
}

static void
progress(char *out, size_t cap, void *arg)
{
	struct series *s = arg;

	pthread_mutex_lock(&s->mtx);
	snprintf(out, cap, "connect: %llu of %llu, %llu failed",
	    (unsigned long long)s->good, (unsigned long long)s->o->count,
	    (unsigned long long)s->failed);
	pthread_mutex_unlock(&s->mtx);
}

static int
run_dialers(struct series *s)
{
	uint64_t most = s->o->parallel < s->o->count ? s->o->parallel :
	    s->o->count, i, n = 0;
	pthread_t *threads = calloc(most, sizeof(*threads));

	if (threads == NULL)
		return -ENOMEM;
	for (i = 0; i < most; i++)
		n += pthread_create(&threads[n], NULL, dial_loop, s) == 0;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return n > 0 ? 0 : -EAGAIN;
}

/* What was never begun for want of time has failed. */
static int
connect_many(const struct options *o, struct p2p_host *h)
{
	struct series s = { .o = o, .h = h,
	    .mtx = PTHREAD_MUTEX_INITIALIZER };
	struct shot_series sum = { .noun = "connections" };
	double begun = tool_now();
	int e = -ENOMEM;

	if ((s.times = calloc(o->count, sizeof(*s.times))) != NULL) {
		shot_progress(progress, &s);
		e = run_dialers(&s);
		shot_progress(NULL, NULL);
		sum.took = tool_now() - begun;
		sum.count = tool_signal() != 0 ? s.begun : o->count;
		sum.failed = sum.count - s.good;
		sum.times = s.times;
		sum.good = s.good;
		shot_summary(&sum);
	}
	free(s.times);
	if (e == 0 && s.begun < o->count)
		e = P2P_ERR_TIMEOUT;
	if (e != 0)
		return shot_fail("connect", e, NULL);
	return s.failed == 0 ? TOOL_OK : shot_over() ? TOOL_TIMEOUT :
	    TOOL_FAILED;
}

int
node_connect(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if ((e = shot_begin(o, o->hold, &h)) != 0)
		return e;
	if (o->count > 0) {
		e = connect_many(o, h);
	} else if ((e = shot_reach(o, h, &c)) == 0) {
		connected(o, &c);
		p2p_multiaddr_free(c.remote);
	}
	if (e == 0 && o->hold > 0 && shot_pause(o->hold))
		e = shot_fail("hold", P2P_ERR_TIMEOUT, NULL);
	return shot_end(h, e);
}
