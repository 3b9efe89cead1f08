/*
 * p2p-node perf: throughput over /perf/1.0.0, reported as libp2p/test-plans
 * does: a line about each second, and one about all of it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "json.h"
#include "node_shot.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/perf.h"

#define REPORT_S	0.999	/* streams tell every second, or a bit later */

/* All streams of a run; the sums are under mtx. */
struct run {
	pthread_mutex_t		 mtx;
	const struct options	*o;
	uint64_t		 up, down;
	uint64_t		 told_up, told_down;
	double			 told;		/* when */
};

struct stream {
	struct run		*run;
	struct p2p_host		*h;
	const struct p2p_peer_id *peer;
	struct p2p_perf_options	 po;
	struct p2p_perf_result	 r, last;
	pthread_t		 thread;
	int			 error;
};

static void
show(const char *type, double seconds, uint64_t up, uint64_t down)
{
	progress_lock();
	if (tool_json) {
		json_begin("perf");
		json_text("type", type);
		json_time("timeSeconds", seconds);
		json_uint("uploadBytes", up);
		json_uint("downloadBytes", down);
		json_end();
	} else if (type[0] == 'f') {
		printf("up %llu bytes, down %llu bytes in %.3f s (%.1f MB/s)\n",
		    (unsigned long long)up, (unsigned long long)down, seconds,
		    seconds > 0 ? (double)(up + down) / seconds / 1e6 : 0);
	}
	progress_unlock();
}

static int
on_progress(const struct p2p_perf_result *r, void *arg)
{
	struct stream *s = arg;
	struct run *run = s->run;
	double now = tool_now();

	pthread_mutex_lock(&run->mtx);
	run->up += r->uploaded - s->last.uploaded;
	run->down += r->downloaded - s->last.downloaded;
	s->last = *r;
	if (now - run->told >= REPORT_S) {
		show("intermediary", now - run->told, run->up - run->told_up,
		    run->down - run->told_down);
		run->told = now;
		run->told_up = run->up;
		run->told_down = run->down;
	}
	pthread_mutex_unlock(&run->mtx);
	return shot_over();
}

static void
progress(char *out, size_t cap, void *arg)
{
	struct run *run = arg;

	/* Not blocking: whoever shows a line holds both. */
	if (pthread_mutex_trylock(&run->mtx) != 0) {
		snprintf(out, cap, "perf: ...");
		return;
	}
	snprintf(out, cap, "perf: up %.1f of %.1f MB, down %.1f of %.1f MB",
	    (double)run->up / 1e6, (double)run->o->upload / 1e6,
	    (double)run->down / 1e6, (double)run->o->download / 1e6);
	pthread_mutex_unlock(&run->mtx);
}

static void *
perf_stream(void *arg)
{
	struct stream *s = arg;

	s->error = p2p_perf(s->h, s->peer, &s->po, &s->r);
	return NULL;
}

/* N bytes over S streams: the i-th one's part. */
static uint64_t
part(uint64_t n, uint64_t streams, uint64_t i)
{
	return n / streams + (i < n % streams);
}

static int
perf(const struct options *o, struct p2p_host *h,
    const struct p2p_peer_id *peer)
{
	struct run run = { .mtx = PTHREAD_MUTEX_INITIALIZER, .o = o };
	struct stream *all = calloc(o->streams, sizeof(*all));
	uint64_t i, n, up = 0, down = 0;
	double begun = run.told = tool_now();
	int e = all == NULL ? -ENOMEM : 0;

	shot_progress(progress, &run);
	for (n = 0; e == 0 && n < o->streams; n++) {
		all[n] = (struct stream){ .run = &run, .h = h, .peer = peer };
		all[n].po = (struct p2p_perf_options){
			.upload = part(o->upload, o->streams, n),
			.download = part(o->download, o->streams, n),
			.chunk = (unsigned)o->chunk,
			.timeout_ms = shot_left(),
			.progress = on_progress,
			.arg = &all[n],
		};
		if (pthread_create(&all[n].thread, NULL, perf_stream,
		    &all[n]) != 0)
			e = -EAGAIN;
	}
	n -= e == -EAGAIN;
	for (i = 0; all != NULL && i < n; i++) {
		pthread_join(all[i].thread, NULL);
		e = e != 0 ? e : all[i].error;
		up += all[i].r.uploaded;
		down += all[i].r.downloaded;
	}
	shot_progress(NULL, NULL);
	free(all);
	if (e != 0)
		return shot_fail("perf", e, NULL);
	show("final", tool_now() - begun, up, down);
	return TOOL_OK;
}

int
node_perf(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if ((e = shot_begin(o, 0, &h)) != 0)
		return e;
	if ((e = shot_reach(o, h, &c)) == 0) {
		e = perf(o, h, &c.peer);
		p2p_multiaddr_free(c.remote);
	}
	return shot_end(h, e);
}
