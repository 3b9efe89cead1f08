/*
 * Attacks on a DHT, as section 5 of the list of faults has them:
 *
 *	D1	test_kad_table: limited address groups; a bucket keeps its own
 *	D2, D3, D7, D8, D10	test_kad_client, test_kad_store
 *	D4	test_sim: a quarter of liars does not hide a key
 *	D6	test_kad_size: planted peers near a key are noticed
 *	D5, D9, D11	here; and D9's factor in test_kad_serve
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/varint.h"
#include "check.h"
#include "dht.h"
#include "evil.h"
#include "host/conn.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "services/kad/kad.h"

#define HONEST	20
#define SYBILS	150
#define VICTIMS	500	/* addresses of each peer in a poisoned answer */

static const struct p2p_limit_setting crowded[] = {
	{ "accept-every-seconds", 0 },
	{ "connections-per-ip", 1024 },
	{ "connections-per-peer", SYBILS },
	{ "connections-out", SYBILS + HONEST },
	{ "connections-high", 100 },
	{ "connections-low", 60 },
	{ "grace-seconds", 0 },
	{ NULL, 0 },
};

/* Whether there is a connection to the peer that was not told to go. */
static bool
is_kept(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	const struct conn *c;
	bool found = false;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		found = found || (c->due == 0 &&
		    p2p_peer_id_equal(&c->peer, peer));
	lock_unlock(&h->swarm);
	return found;
}

/* D5, CVE-2020-10937: whoever comes in does not push out who is useful. */
static void
inbound_peers_do_not_displace_the_table(void)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct p2p_connect_options fresh = { .fresh = true };
	struct dht_node victim, sybil;
	struct limit *high;
	struct dht d;
	size_t i;

	dht_start(&d, HONEST, HONEST, NULL);
	dht_node_start_as(&victim, NULL, &c, crowded);
	dht_join(&victim, &d.node[0]);
	/* Nothing but their value keeps them: they have been idle longest. */
	for (i = 0; i < HONEST; i++)
		kad_ask_close_idle(d.node[i].kad, 0);
	kad_ask_close_idle(victim.kad, 0);
	c.mode = P2P_KAD_CLIENT;
	dht_node_start_as(&sybil, NULL, &c, crowded);
	for (i = 0; i < SYBILS; i++)
		CHECK_OK(p2p_host_connect(sybil.host, victim.target, &fresh,
		    NULL, NULL));
	high = &victim.host->limits[LIMIT_CONNECTIONS_HIGH];
	evil_refuses(victim.host, LIMIT_CONNECTIONS_HIGH, 40);
	CHECK(atomic_load(&high->refused) >= 40);
	for (i = 0; i < HONEST; i++)
		CHECK(is_kept(victim.host, p2p_host_id(d.node[i].host)));
	dht_node_stop(&sybil);
	dht_node_stop(&victim);
	dht_stop(&d);
}

/* Somebody else's machine: whoever connects is counted, and sent away. */
struct bystander {
	int		fd;
	unsigned short	port;
	atomic_uint	came;
	atomic_bool	stop;
	struct thread	thread;
};

static void
count_visitors(void *arg)
{
	struct bystander *b = arg;
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	int fd;

	while (!atomic_load(&b->stop)) {
		if (poll(&p, 1, 20) <= 0)
			continue;
		if ((fd = accept(b->fd, NULL, NULL)) != -1) {
			atomic_fetch_add(&b->came, 1);
			close(fd);
		}
	}
}

static void
bystander_start(struct bystander *b)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	memset(b, 0, sizeof(*b));
	b->fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_FATAL(b->fd != -1);
	/* All of 127/8 is loopback. */
	CHECK_FATAL(bind(b->fd, (struct sockaddr *)&sin, len) == 0);
	CHECK_FATAL(listen(b->fd, 1024) == 0);
	CHECK_FATAL(getsockname(b->fd, (struct sockaddr *)&sin, &len) == 0);
	b->port = ntohs(sin.sin_port);
	CHECK_OK(thread_start(&b->thread, "bystander", THREAD_STACK,
	    count_visitors, b));
}

static void
bystander_stop(struct bystander *b)
{
	atomic_store(&b->stop, true);
	thread_join(&b->thread);
	close(b->fd);
}

/*
 * An answer with twenty peers, each at VICTIMS addresses of the bystander, in
 * the wire's own bytes: our encoder would not do such a thing.
 */
struct poison {
	uint8_t		*bytes;
	size_t		 len;
};

static void
poison_make(struct poison *p, unsigned short port)
{
	size_t cap = 20 * (VICTIMS * 12 + 64) + 16, at = 0;
	uint8_t *body = malloc(cap);
	struct p2p_peer_id id;
	struct p2p_key *key;
	struct wr w, peer;
	uint8_t *buf = malloc(VICTIMS * 12 + 64);
	unsigned i, j;

	CHECK_FATAL(body != NULL && buf != NULL);
	wr_init(&w, body, cap);
	wr_u8(&w, 0x08);
	wr_u8(&w, KAD_FIND_NODE);
	for (i = 0; i < 20; i++) {
		CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
		p2p_peer_id_from_key(key, &id);
		p2p_key_free(key);
		wr_init(&peer, buf, VICTIMS * 12 + 64);
		wr_u8(&peer, 0x0a);
		varint_put_bytes(&peer, id.bytes, id.len);
		for (j = 0; j < VICTIMS; j++, at++) {
			wr_u8(&peer, 0x12);
			wr_u8(&peer, 8);
			wr_u8(&peer, 4);
			wr_u8(&peer, 127);
			wr_u8(&peer, (uint8_t)(1 + i));
			wr_be16(&peer, (uint16_t)(1 + j));
			wr_u8(&peer, 6);
			wr_be16(&peer, port);
		}
		wr_u8(&w, 0x42);
		varint_put_bytes(&w, buf, peer.len);
	}
	CHECK(!w.full);
	p->bytes = malloc(w.len + 9);
	CHECK_FATAL(p->bytes != NULL);
	wr_init(&peer, p->bytes, w.len + 9);
	varint_put_bytes(&peer, body, w.len);
	p->len = peer.len;
	free(body);
	free(buf);
}

static void
give_poison(struct p2p_stream *s, void *arg)
{
	const struct poison *p = arg;
	uint8_t byte;

	if (p2p_stream_read(s, &byte, 1) == 1 &&
	    p2p_stream_write_full(s, p->bytes, p->len) == 0)
		(void)p2p_stream_close_write(s);
	while (p2p_stream_read(s, &byte, 1) == 1)
		;
}

/* D9: ten thousand addresses of somebody are dialed a few hundred times. */
static void
an_answer_does_not_aim_us_at_others(void)
{
	struct p2p_kad_options o = { .timeout_ms = 30000 };
	struct p2p_host_config hc = { .no_identify = true };
	struct p2p_kad_config c = dht_config(P2P_KAD_CLIENT);
	struct p2p_multiaddr *bound, *full;
	struct p2p_kad_result r;
	struct p2p_host *rogue;
	struct bystander by;
	struct dht_node node;
	struct poison p;
	const char *target;

	bystander_start(&by);
	poison_make(&p, by.port);
	CHECK_OK(p2p_host_new(&hc, &rogue));
	CHECK_OK(p2p_host_listen(rogue, "/ip4/127.0.0.1/tcp/0", &bound));
	CHECK_OK(p2p_multiaddr_with_peer(bound, p2p_host_id(rogue), &full));
	CHECK_OK(p2p_host_handle(rogue, DHT_PROTOCOL, give_poison, &p));
	dht_node_start(&node, &c);
	target = p2p_multiaddr_text(full);
	(void)p2p_kad_bootstrap(node.kad, &target, 1, &o, &r);
	/* Four of what one liar names are asked, at sixteen addresses each. */
	CHECK(r.asked <= 200);
	CHECK(atomic_load(&by.came) <= 20 * KAD_ADDRS_READ_MAX);
	CHECK(atomic_load(&by.came) > 0);
	CHECK(atomic_load(&node.host->limits[LIMIT_DIALS].refused) == 0);
	dht_node_stop(&node);
	/* Of addresses that do not count nobody hears at all. */
	c.reach = P2P_KAD_PUBLIC;
	atomic_store(&by.came, 0);
	dht_node_start(&node, &c);
	(void)p2p_kad_bootstrap(node.kad, &target, 1, &o, &r);
	CHECK_EQ(r.asked, 1);
	CHECK_EQ(atomic_load(&by.came), 0);
	dht_node_stop(&node);
	p2p_multiaddr_free(full);
	p2p_multiaddr_free(bound);
	CHECK_OK(p2p_host_stop(rogue, 5000));
	p2p_host_free(rogue);
	bystander_stop(&by);
	free(p.bytes);
}

/* D11: who can take few, or cannot be reached, is no server. */
static void
a_server_has_to_be_able_to(void)
{
	static const struct p2p_limit_setting few[] = {
		{ "connections-in", 63 }, { NULL, 0 } };
	struct p2p_host_config hc = { .limits = few };
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);
	struct p2p_host *h;
	struct p2p_kad *k;

	CHECK_OK(p2p_host_new(&hc, &h));
	CHECK_OK(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", NULL));
	CHECK_ERR(p2p_kad_new(h, &c, &k), P2P_ERR_LIMIT);
	p2p_host_free(h);
	CHECK_OK(p2p_host_new(NULL, &h));
	CHECK_ERR(p2p_kad_new(h, &c, &k), P2P_ERR_NO_ADDRESS);
	CHECK_OK(p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", NULL));
	CHECK_OK(p2p_kad_new(h, &c, &k));
	p2p_kad_free(k);
	p2p_host_free(h);
	CHECK_EQ(thread_count(), 0);
}

TESTS("kad_attack",
    { "inbound peers do not displace the table",
	inbound_peers_do_not_displace_the_table },
    { "an answer does not aim us at others",
	an_answer_does_not_aim_us_at_others },
    { "a server has to be able to", a_server_has_to_be_able_to })
