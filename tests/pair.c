#include "pair.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "host/conn.h"
#include "muxer/mstream.h"
#include "muxer/yamux_state.h"
#include "p2p/multiaddr.h"

#define WAIT_MS	10000		/* real time that anything may take */
#define STEP_S	8		/* less than a pong may take */

static void
listen_on(struct pair *p, const char *address)
{
	struct p2p_multiaddr *bound, *full;

	CHECK_OK(p2p_host_listen(p->b, address, &bound));
	CHECK_OK(p2p_multiaddr_with_peer(bound, p2p_host_id(p->b), &full));
	snprintf(p->target, sizeof(p->target), "%s", p2p_multiaddr_text(full));
	p2p_multiaddr_free(full);
	p2p_multiaddr_free(bound);
}

void
pair_memory(struct pair *p, int buffers)
{
	pair_config(p, NULL, NULL);
	memory_net_buffers(p->net, buffers);
}

void
pair_config(struct pair *p, const struct p2p_host_config *a,
    const struct p2p_host_config *b)
{
	*p = (struct pair){ 0 };
	CHECK_OK(memory_net_new(&p->net));
	CHECK_OK(p2p_host_new(a, &p->a));
	CHECK_OK(p2p_host_new(b, &p->b));
	CHECK_OK(host_add_transport(p->a, &transport_memory, p->net));
	CHECK_OK(host_add_transport(p->b, &transport_memory, p->net));
	listen_on(p, "/memory/0");
}

void
pair_tcp(struct pair *p)
{
	*p = (struct pair){ 0 };
	CHECK_OK(p2p_host_new(NULL, &p->a));
	CHECK_OK(p2p_host_new(NULL, &p->b));
	listen_on(p, "/ip4/127.0.0.1/tcp/0");
}

bool
host_is_quiet(struct p2p_host *h)
{
	const struct mux *m;
	struct conn *c;
	bool quiet = true;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link) {
		lock_lock(&c->session->link.mtx);
		m = c->session->link.mux;
		quiet = quiet && !m->ping && !m->ping_out && !m->pong &&
		    m->ping_next > clock_now();
		lock_unlock(&c->session->link.mtx);
	}
	lock_unlock(&h->swarm);
	return quiet;
}

static void
quiet(struct p2p_host *h)
{
	int i;

	for (i = 0; i < WAIT_MS && !host_is_quiet(h); i++)
		(void)poll(NULL, 0, 1);
	CHECK(i < WAIT_MS);
}

void
hosts_pass(struct p2p_host *const *hosts, size_t n, unsigned seconds)
{
	unsigned step;
	size_t i;

	for (; seconds > 0; seconds -= step) {
		step = seconds < STEP_S ? seconds : STEP_S;
		for (i = 0; i < n; i++)
			quiet(hosts[i]);
		clock_test_advance(step * CLOCK_S);
	}
	for (i = 0; i < n; i++)
		quiet(hosts[i]);
}

void
pair_pass(struct pair *p, unsigned seconds)
{
	struct p2p_host *const both[] = { p->a, p->b };

	hosts_pass(both, 2, seconds);
}

void
host_joined(struct p2p_host *h, size_t connections)
{
	struct p2p_connection *list;
	size_t n = connections + 1;
	int i;

	for (i = 0; i < WAIT_MS && n != connections; i++) {
		CHECK_OK(p2p_host_connections(h, &list, &n));
		p2p_host_connections_free(list, n);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(n, connections);
}

void
pair_free(struct pair *p)
{
	CHECK_OK(p2p_host_stop(p->a, 0));
	CHECK_OK(p2p_host_stop(p->b, 0));
	p2p_host_free(p->a);
	p2p_host_free(p->b);
	memory_net_free(p->net);
	CHECK_EQ(thread_count(), 0);
}

struct session *
pair_session(struct p2p_host *h)
{
	struct session *s;

	lock_lock(&h->swarm);
	s = TAILQ_FIRST(&h->conns)->session;
	lock_unlock(&h->swarm);
	return s;
}

struct mstream *
pair_first_stream(struct session *s)
{
	struct mstream *ms;

	lock_lock(&s->link.mtx);
	ms = TAILQ_FIRST(&s->streams);
	lock_unlock(&s->link.mtx);
	CHECK_FATAL(ms != NULL);
	return ms;
}
