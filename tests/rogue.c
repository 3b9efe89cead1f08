#include "rogue.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "services/kad/kad_frame.h"

#define WAIT_MS	10000	/* real time that anything may take */

bool
rogue_write(struct p2p_stream *s, const void *bytes, size_t len)
{
	return p2p_stream_write_full(s, bytes, len) == 0;
}

bool
rogue_say(struct p2p_stream *s, const struct kad_say *say)
{
	uint8_t buf[KAD_MSG_REQUEST_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(kad_msg_put(say, &w));
	return rogue_write(s, buf, w.len);
}

static bool
honest(struct p2p_stream *s, const struct kad_msg *m)
{
	struct kad_say say = { .type = m->type, .key = m->key,
	    .record = m->type == KAD_PUT_VALUE && m->has_record ?
	    &m->record : NULL };

	return m->type == KAD_ADD_PROVIDER || rogue_say(s, &say);
}

static bool
answer(struct rogue *r, struct p2p_stream *s, struct rd bytes)
{
	struct kad_msg m;
	rogue_fn fn;
	bool more;

	if (kad_msg_get(bytes, KAD_MSG_REQUEST_MAX, &m) != 0)
		return false;
	fn = atomic_load(&r->on[m.type]);
	atomic_fetch_add(&r->asked[m.type], 1);
	more = fn != NULL ? fn(r, s, &m) : honest(s, &m);
	kad_msg_clear(&m);
	return more;
}

static void
serve(struct p2p_stream *s, void *arg)
{
	uint8_t chunk[1024];
	struct kad_frame f;
	struct rd in, msg;
	bool more = true;
	ssize_t n;

	kad_frame_init(&f, KAD_MSG_REQUEST_MAX);
	while (more && (n = p2p_stream_read(s, chunk, sizeof(chunk))) > 0) {
		in = (struct rd){ chunk, (size_t)n };
		while (more && kad_frame_feed(&f, &in, &msg) == 0)
			more = answer(arg, s, msg);
	}
	kad_frame_fini(&f);
}

void
rogue_start(struct rogue *r, const char *protocol, bool known)
{
	static const struct p2p_limit_setting limits[] = {
		{ "accept-every-seconds", 0 },
		{ "connections-per-ip", 1024 },
		{ NULL, 0 },
	};
	struct p2p_host_config hc = { .limits = limits,
	    .no_identify = !known };
	struct p2p_multiaddr *bound, *full;

	memset(r, 0, sizeof(*r));
	CHECK_OK(p2p_host_new(&hc, &r->host));
	CHECK_OK(p2p_host_listen(r->host, "/ip4/127.0.0.1/tcp/0", &bound));
	CHECK_OK(p2p_multiaddr_with_peer(bound, p2p_host_id(r->host), &full));
	snprintf(r->target, sizeof(r->target), "%s",
	    p2p_multiaddr_text(full));
	p2p_multiaddr_free(full);
	p2p_multiaddr_free(bound);
	CHECK_OK(p2p_host_handle(r->host, protocol, serve, r));
}

void
rogue_stop(struct rogue *r)
{
	CHECK_OK(p2p_host_stop(r->host, 5000));
	p2p_host_free(r->host);
}

void
rogue_join(struct rogue *r, struct dht_node *node)
{
	const char *target = r->target;

	CHECK_OK(p2p_kad_bootstrap(node->kad, &target, 1, NULL, NULL));
}

bool
rogue_silent(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	uint8_t byte;

	(void)r;
	(void)m;
	while (p2p_stream_read(s, &byte, 1) > 0)
		;
	return false;
}

bool
rogue_late(struct rogue *r, struct p2p_stream *s, const struct kad_msg *m)
{
	clock_test_advance(11 * CLOCK_S);
	return rogue_silent(r, s, m);
}

void
rogue_is_asked(struct rogue *r, enum kad_type type, unsigned times)
{
	int i;

	for (i = 0; i < WAIT_MS && atomic_load(&r->asked[type]) < times; i++)
		(void)poll(NULL, 0, 1);
	CHECK(atomic_load(&r->asked[type]) >= times);
}
