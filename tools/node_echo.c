/*
 * p2p-node echo: pseudo-random bytes there and back, compared, on many streams
 * at once; or stdin to stdout through a peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "node_shot.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"

#define CHUNK	65536

static const char *const protocols[] = { P2P_ECHO_ID, NULL };

/* What all rounds of a run share. */
struct run {
	const struct options	*o;
	struct p2p_host		*h;
	uint64_t		 connection;
	uint64_t		 count;
	atomic_ullong		 rounds, bytes;		/* so far */
};

/* One stream of a round: a thread writes while its reader compares. */
struct echo {
	struct run		*run;
	struct p2p_stream	*s;
	pthread_t		 reader, writer;
	uint64_t		 seed, bytes;
	int			 error;			/* the reader's */
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

static void *
echo_write(void *arg)
{
	struct echo *e = arg;
	const struct options *o = e->run->o;
	size_t chunk = o->chunk > 0 ? (size_t)o->chunk : CHUNK, len;
	uint64_t left = o->bytes, state = e->seed;
	uint8_t *buf = malloc(chunk);

	e->write_error = buf == NULL ? -ENOMEM : 0;
	for (; left > 0 && e->write_error == 0; left -= len) {
		len = left < chunk ? (size_t)left : chunk;
		fill(buf, len, &state);
		e->write_error = p2p_stream_write_full(e->s, buf, len);
	}
	free(buf);
	if (e->write_error == 0)
		e->write_error = p2p_stream_close_write(e->s);
	if (e->write_error == -ENOMEM)
		p2p_stream_reset(e->s);
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
		atomic_fetch_add(&e->run->bytes, (uint64_t)n);
	}
	e->identical = e->identical && e->bytes == e->run->o->bytes;
	free(got);
	free(want);
	return (int)n;
}

static void *
echo_stream(void *arg)
{
	struct echo *e = arg;

	e->error = p2p_host_open_on(e->run->h, e->run->connection, protocols,
	    shot_left(), &e->s);
	if (e->error != 0)
		return NULL;
	p2p_stream_read_timeout(e->s, shot_left());
	p2p_stream_write_timeout(e->s, shot_left());
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
echo_round(struct run *run, double *took, bool *identical)
{
	uint64_t streams = run->o->streams, i, n;
	struct echo *all = calloc(streams, sizeof(*all));
	double begun = tool_now();
	int e = all == NULL ? -ENOMEM : 0;

	for (n = 0; e == 0 && n < streams; n++) {
		all[n] = (struct echo){ .run = run, .seed = n + 1 };
		if (pthread_create(&all[n].reader, NULL, echo_stream,
		    &all[n]) != 0)
			e = -EAGAIN;
	}
	n -= e == -EAGAIN;
	*identical = e == 0;
	for (i = 0; all != NULL && i < n; i++) {
		pthread_join(all[i].reader, NULL);
		if (e == 0)
			e = all[i].error;
		*identical = *identical && all[i].identical;
	}
	*took = tool_now() - begun;
	free(all);
	return e;
}

static int
show_echo(const struct options *o, double took, bool identical)
{
	progress_lock();
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
		tool_flush();
	}
	progress_unlock();
	return identical ? TOOL_OK : TOOL_FAILED;
}

static void
progress(char *out, size_t cap, void *arg)
{
	struct run *run = arg;

	snprintf(out, cap, "echo: %llu of %llu rounds, %.1f MB",
	    (unsigned long long)atomic_load(&run->rounds),
	    (unsigned long long)run->count,
	    (double)atomic_load(&run->bytes) / 1e6);
}

/* One round after the other; without a connection there is no next. */
static int
rounds(struct run *run, struct shot_series *sum)
{
	uint64_t i;
	int e = 0, error, status = TOOL_OK;
	bool identical;
	double took;

	for (i = 0; i < run->count && e != P2P_ERR_DISCONNECTED &&
	    !(i > 0 && shot_over()); i++) {
		if ((e = echo_round(run, &took, &identical)) == 0)
			error = show_echo(run->o, took, identical);
		else
			error = shot_fail("echo", e, NULL);
		if (error == 0)
			sum->times[sum->good++] = took;
		status = error != 0 ? error : status;
		atomic_fetch_add(&run->rounds, 1);
	}
	if (i < run->count && status == TOOL_OK)
		status = shot_fail("echo", P2P_ERR_TIMEOUT, NULL);
	sum->count = tool_signal() != 0 ? i : run->count;
	return status;
}

static int
echo_rounds(const struct options *o, struct p2p_host *h, uint64_t connection)
{
	struct run run = { .o = o, .h = h, .connection = connection,
	    .count = o->count > 0 ? o->count : 1 };
	struct shot_series sum = { .noun = "rounds" };
	double begun = tool_now();
	int status;

	if ((sum.times = calloc(run.count, sizeof(*sum.times))) == NULL)
		return shot_fail("echo", -ENOMEM, NULL);
	shot_progress(progress, &run);
	status = rounds(&run, &sum);
	shot_progress(NULL, NULL);
	sum.failed = sum.count - sum.good;
	sum.took = tool_now() - begun;
	if (o->count > 0)
		shot_summary(&sum);
	free(sum.times);
	return status;
}

/* stdin to stdout through a peer: who copies in, and who copies out. */
struct copy {
	struct p2p_stream	*s;
	int			 stop[2];	/* closed: no more of stdin */
	uint64_t		 sent;
	int			 error;
	bool			 whole;		/* stdin came to its end */
};

static void *
copy_in(void *arg)
{
	struct copy *c = arg;
	struct pollfd p[3] = { { .fd = 0, .events = POLLIN },
	    { .fd = c->stop[0], .events = POLLIN },
	    { .fd = shot_over_fd(), .events = POLLIN } };
	uint8_t buf[CHUNK];
	ssize_t n;

	for (;;) {
		if (poll(p, 3, -1) == -1 || p[1].revents != 0 ||
		    p[2].revents != 0)
			return NULL;
		if ((n = read(0, buf, sizeof(buf))) <= 0)
			break;
		if ((c->error = p2p_stream_write_full(c->s, buf,
		    (size_t)n)) != 0)
			return NULL;
		c->sent += (uint64_t)n;
	}
	c->error = n < 0 ? -errno : p2p_stream_close_write(c->s);
	c->whole = n == 0;
	return NULL;
}

static int
copy(struct copy *c)
{
	uint8_t buf[CHUNK];
	uint64_t got = 0;
	pthread_t writer;
	ssize_t n;

	if (pthread_create(&writer, NULL, copy_in, c) != 0)
		return -EAGAIN;
	while ((n = p2p_stream_read(c->s, buf, sizeof(buf))) > 0) {
		fwrite(buf, 1, (size_t)n, stdout);
		tool_flush();
		got += (uint64_t)n;
	}
	if (n < 0)
		p2p_stream_reset(c->s);
	close(c->stop[1]);
	pthread_join(writer, NULL);
	close(c->stop[0]);
	if (n == 0 && c->error == 0 && (!c->whole || got != c->sent))
		return P2P_ERR_SHORT;
	return n != 0 ? (int)n : c->error;
}

static int
echo_pipe(struct p2p_host *h, uint64_t connection)
{
	struct copy c = { 0 };
	int e;

	if ((e = p2p_host_open_on(h, connection, protocols, shot_left(),
	    &c.s)) != 0)
		return shot_fail("echo", e, NULL);
	p2p_stream_read_timeout(c.s, shot_left());
	p2p_stream_write_timeout(c.s, shot_left());
	e = pipe2(c.stop, O_CLOEXEC) == -1 ? -errno : copy(&c);
	p2p_stream_free(c.s);
	return e != 0 ? shot_fail("echo", e, NULL) : TOOL_OK;
}

int
node_echo(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if (!o->have_bytes && (tool_json || o->count > 0 || o->streams > 1))
		return tool_usage("echo", "--json, -c and --streams want "
		    "--bytes");
	if ((e = shot_begin(o, 0, &h)) != 0)
		return e;
	if ((e = shot_reach(o, h, &c)) == 0) {
		e = o->have_bytes ? echo_rounds(o, h, c.number) :
		    echo_pipe(h, c.number);
		p2p_multiaddr_free(c.remote);
	}
	return shot_end(h, e);
}
