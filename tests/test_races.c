/*
 * Orders of events that were got wrong once, each forced again: what is
 * expected is at the tests' names.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "check.h"
#include "evil.h"
#include "host/conn.h"
#include "muxer/mstream.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "pair.h"
#include "schedule.h"

static const struct p2p_host_config plain = { .no_identify = true };

static void
begin(struct pair *p)
{
	schedule_begin();
	pair_config(p, &plain, &plain);
	CHECK_OK(p2p_echo_serve(p->b));
}

static void
end(struct pair *p)
{
	pair_free(p);
	schedule_end();
}

static struct session *
session_of(struct p2p_host *h)
{
	struct session *s;

	lock_lock(&h->swarm);
	s = TAILQ_FIRST(&h->conns)->session;
	lock_unlock(&h->swarm);
	return s;
}

static struct mstream *
first_stream(struct session *s)
{
	struct mstream *ms;

	lock_lock(&s->link.mtx);
	ms = TAILQ_FIRST(&s->streams);
	lock_unlock(&s->link.mtx);
	CHECK_FATAL(ms != NULL);
	return ms;
}

/* The worker has a piece of data in its hand when the stream goes. */
static void
data_for_a_stream_that_goes_is_dropped(void)
{
	struct p2p_stream *s;
	struct session *session;
	struct stop *worker;
	struct pair p;
	char c;

	begin(&p);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	session = session_of(p.a);
	worker = stop_at("lock", &first_stream(session)->mtx, "p2p-worker");
	CHECK_EQ(p2p_stream_write(s, "x", 1), 1);
	stop_reached(worker);
	p2p_stream_reset(s);
	p2p_stream_free(s);
	stop_release(worker);
	CHECK_OK(p2p_host_open(p.a, p.target, P2P_ECHO_ID, 5000, &s));
	CHECK_EQ(p2p_stream_write(s, "y", 1), 1);
	CHECK_EQ(p2p_stream_read(s, &c, 1), 1);
	p2p_stream_free(s);
	CHECK_EQ(evil_used(p.a, LIMIT_BUFFERED), 0);
	end(&p);
}

TESTS("races",
	{ "data for a stream that goes is dropped",
	    data_for_a_stream_that_goes_is_dropped })
