/*
 * One-shot commands that move bytes: echo and perf.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/perf.h"
#include "p2p/stream.h"

#define CHUNK	65536

/* One stream of an echo: a thread writes while we read and compare. */
struct echo {
	const struct options	*o;
	struct p2p_host		*h;
	uint64_t		 connection;
	struct p2p_stream	*s;
	pthread_t		 reader, writer;
	uint64_t		 seed, bytes;
	int			 error;		/* the reader's */
	int			 write_error;
	bool			 identical;
};

/* A cheap reproducible sequence of bytes, a chunk at a time. */
static void
fill(uint8_t *buf, size_t len, uint64_t *state)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (uint8_t)(*state >> 56);
	}
}

static size_t
chunk_of(const struct options *o)
{
	return o->chunk > 0 ? (size_t)o->chunk : CHUNK;
}

static void *
echo_write(void *arg)
{
	struct echo *e = arg;
	size_t chunk = chunk_of(e->o), len;
	uint64_t left = e->o->bytes, state = e->seed;
	uint8_t *buf = malloc(chunk);

	for (; buf != NULL && left > 0 && e->write_error == 0; left -= len) {
		len = left < chunk ? (size_t)left : chunk;
		fill(buf, len, &state);
		e->write_error = p2p_stream_write_full(e->s, buf, len);
	}
	free(buf);
	if (e->write_error == 0)
		e->write_error = p2p_stream_close_write(e->s);
	return NULL;
}

static int
echo_read(struct echo *e)
{
	uint8_t *got = malloc(CHUNK), *want = malloc(CHUNK);
	uint64_t state = e->seed;
	ssize_t n = -ENOMEM;

	e->identical = true;
	while (got != NULL && want != NULL &&
	    (n = p2p_stream_read(e->s, got, CHUNK)) > 0) {
		fill(want, (size_t)n, &state);
		e->identical = e->identical &&
		    memcmp(got, want, (size_t)n) == 0;
		e->bytes += (uint64_t)n;
	}
	e->identical = e->identical && e->bytes == e->o->bytes;
	free(got);
	free(want);
	return (int)n;
}

static void *
echo_stream(void *arg)
{
	static const char *const protocols[] = { P2P_ECHO_ID, NULL };
	struct echo *e = arg;

	e->error = p2p_host_open_on(e->h, e->connection, protocols,
	    node_left(), &e->s);
	if (e->error != 0)
		return NULL;
	p2p_stream_read_timeout(e->s, node_left());
	p2p_stream_write_timeout(e->s, node_left());
	if (pthread_create(&e->writer, NULL, echo_write, e) != 0) {
		e->error = -EAGAIN;
	} else {
		e->error = echo_read(e);
		if (e->error != 0)
			p2p_stream_reset(e->s);
		pthread_join(e->writer, NULL);
		if (e->error == 0)
			e->error = e->write_error;
	}
	p2p_stream_free(e->s);
	return NULL;
}

/* S streams at once; the time it took in *took. */
static int
echo_round(const struct options *o, struct p2p_host *h, uint64_t connection,
    double *took, bool *identical)
{
	struct echo *all = calloc(o->streams + 1, sizeof(*all));
	double begun = node_now();
	uint64_t i, n;
	int e = all == NULL ? -ENOMEM : 0;

	for (n = 0; e == 0 && n < o->streams; n++) {
		all[n] = (struct echo){ .o = o, .h = h, .seed = n + 1,
		    .connection = connection };
		if (pthread_create(&all[n].reader, NULL, echo_stream,
		    &all[n]) != 0)
			e = -EAGAIN;
	}
	if (e == -EAGAIN)
		n--;
	*identical = e == 0;
	for (i = 0; all != NULL && i < n; i++) {
		pthread_join(all[i].reader, NULL);
		if (e == 0)
			e = all[i].error;
		*identical = *identical && all[i].identical;
	}
	*took = node_now() - begun;
	free(all);
	return e;
}

static int
show_echo(const struct options *o, double took, bool identical)
{
	if (tool_json) {
		json_begin("echo");
		json_uint("bytes", o->bytes);
		json_uint("streams", o->streams);
		json_time("time", took);
		json_bool("identical", identical);
		json_end();
	} else {
		printf("%llu bytes on %llu streams came back %s in %.3f s\n",
		    (unsigned long long)o->bytes,
		    (unsigned long long)o->streams,
		    identical ? "identical" : "DIFFERENT", took);
	}
	return identical ? TOOL_OK : TOOL_FAILED;
}

static int
show_rounds(uint64_t count, uint64_t failed, double took, double *times,
    size_t good)
{
	if (tool_json) {
		json_begin("summary");
		json_uint("count", count);
		json_uint("failed", failed);
		json_time("perSecond", (double)good / took);
		json_time("p50", node_percentile(times, good, 0.5));
		json_time("p99", node_percentile(times, good, 0.99));
		json_end();
	} else {
		printf("%llu rounds, %llu failed, %.1f a second, p50 %.3f ms, "
		    "p99 %.3f ms\n", (unsigned long long)count,
		    (unsigned long long)failed, (double)good / took,
		    node_percentile(times, good, 0.5) * 1000,
		    node_percentile(times, good, 0.99) * 1000);
	}
	return failed > 0 ? TOOL_FAILED : TOOL_OK;
}

static int
echo_rounds(const struct options *o, struct p2p_host *h, uint64_t connection)
{
	uint64_t count = o->count > 0 ? o->count : 1, i, failed = 0;
	double *times = calloc(count, sizeof(*times)), begun = node_now();
	bool identical;
	size_t good = 0;
	double took;
	int e, status = TOOL_OK;

	for (i = 0; times != NULL && i < count; i++) {
		e = echo_round(o, h, connection, &took, &identical);
		if (e == 0)
			e = show_echo(o, took, identical);
		else
			e = tool_fail("echo", e, NULL);
		if (e == 0)
			times[good++] = took;
		else
			failed++;
		status = e != 0 ? e : status;
	}
	if (o->count > 0)
		(void)show_rounds(count, failed, node_now() - begun, times,
		    good);
	free(times);
	return status;
}

/* stdin to the stream, in a thread. */
static void *
copy_in(void *arg)
{
	struct echo *e = arg;
	uint8_t buf[CHUNK];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if ((e->write_error = p2p_stream_write_full(e->s, buf,
		    (size_t)n)) != 0)
			return NULL;
	e->write_error = p2p_stream_close_write(e->s);
	return NULL;
}

static int
echo_pipe(const struct options *o, struct p2p_host *h, uint64_t connection)
{
	static const char *const protocols[] = { P2P_ECHO_ID, NULL };
	struct echo e = { .o = o };
	uint8_t buf[CHUNK];
	ssize_t n;
	int error;

	if ((error = p2p_host_open_on(h, connection, protocols, node_left(),
	    &e.s)) != 0)
		return tool_fail("echo", error, NULL);
	alarm(0);			/* as long as stdin lasts */
	if (pthread_create(&e.writer, NULL, copy_in, &e) != 0)
		return tool_fail("echo", -EAGAIN, NULL);
	while ((n = p2p_stream_read(e.s, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (n == 0)
		pthread_join(e.writer, NULL);
	fflush(stdout);
	if (n != 0 || ferror(stdout))
		exit(tool_fail("echo", n != 0 ? (int)n : -EIO, NULL));
	p2p_stream_free(e.s);
	return TOOL_OK;
}

int
node_echo(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if (!o->have_bytes && tool_json)
		return tool_usage("echo", "--json wants --bytes");
	if (o->streams == 0)
		return tool_usage("--streams", "must be more than 0");
	if ((e = node_host(o, &h)) != 0)
		return e;
	if ((e = node_reach(o, h, &c)) == 0) {
		e = o->have_bytes ? echo_rounds(o, h, c.number) :
		    echo_pipe(o, h, c.number);
		p2p_multiaddr_free(c.remote);
	}
	p2p_host_free(h);
	return e;
}

/* One stream of a perf run, and the sums of all. */
struct perf {
	struct p2p_host		*h;
	const struct p2p_peer_id *peer;
	struct p2p_perf_options	 po;
	struct p2p_perf_result	 r;
	pthread_t		 thread;
	int			 error;
};

static void
show_perf(const char *type, double seconds, uint64_t up, uint64_t down)
{
	if (tool_json) {
		printf("{\"schema\":1,\"event\":\"perf\",\"type\":\"%s\","
		    "\"timeSeconds\":%.6f,\"uploadBytes\":%llu,"
		    "\"downloadBytes\":%llu}\n", type, seconds,
		    (unsigned long long)up, (unsigned long long)down);
	} else if (strcmp(type, "final") == 0) {
		printf("up %llu bytes, down %llu bytes in %.3f s (%.1f MB/s)\n",
		    (unsigned long long)up, (unsigned long long)down, seconds,
		    (double)(up + down) / seconds / 1e6);
	}
	fflush(stdout);
}

static int
on_progress(const struct p2p_perf_result *r, void *arg)
{
	static _Thread_local struct p2p_perf_result last;
	static _Thread_local double since;
	double now = node_now();

	(void)arg;
	if (since == 0 || r->uploaded < last.uploaded)
		since = now - (double)(r->upload_us + r->download_us) / 1e6;
	show_perf("intermediary", now - since, r->uploaded - last.uploaded,
	    r->downloaded - last.downloaded);
	last = *r;
	since = now;
	return 0;
}

static void *
perf_stream(void *arg)
{
	struct perf *p = arg;

	p->error = p2p_perf(p->h, p->peer, &p->po, &p->r);
	return NULL;
}

static int
perf_run(const struct options *o, struct p2p_host *h,
    const struct p2p_peer_id *peer)
{
	struct perf *all = calloc(o->streams, sizeof(*all));
	uint64_t i, up = 0, down = 0, n = 0;
	double begun = node_now();
	int e = all == NULL ? -ENOMEM : 0;

	for (i = 0; e == 0 && i < o->streams; i++, n++) {
		all[i].h = h;
		all[i].peer = peer;
		all[i].po = (struct p2p_perf_options){
			.upload = o->upload / o->streams +
			    (i < o->upload % o->streams),
			.download = o->download / o->streams +
			    (i < o->download % o->streams),
			.chunk = (unsigned)o->chunk,
			.timeout_ms = node_left(),
			.progress = o->streams == 1 ? on_progress : NULL,
		};
		if (pthread_create(&all[i].thread, NULL, perf_stream,
		    &all[i]) != 0)
			e = -EAGAIN;
	}
	n -= e == -EAGAIN;
	for (i = 0; i < n; i++) {
		pthread_join(all[i].thread, NULL);
		e = e != 0 ? e : all[i].error;
		up += all[i].r.uploaded;
		down += all[i].r.downloaded;
	}
	free(all);
	if (e != 0)
		return tool_fail("perf", e, NULL);
	show_perf("final", node_now() - begun, up, down);
	return TOOL_OK;
}

int
node_perf(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if (o->streams == 0)
		return tool_usage("--streams", "must be more than 0");
	if ((e = node_host(o, &h)) != 0)
		return e;
	if ((e = node_reach(o, h, &c)) == 0) {
		e = perf_run(o, h, &c.peer);
		p2p_multiaddr_free(c.remote);
	}
	p2p_host_free(h);
	return e;
}
