#include "pair.h"

#include <stdio.h>

#include "check.h"
#include "base/thread.h"
#include "p2p/multiaddr.h"

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
	*p = (struct pair){ 0 };
	CHECK_OK(memory_net_new(&p->net));
	memory_net_buffers(p->net, buffers);
	CHECK_OK(p2p_host_new(NULL, &p->a));
	CHECK_OK(p2p_host_new(NULL, &p->b));
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
