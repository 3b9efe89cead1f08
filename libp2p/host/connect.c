/*
 * Connections as the application asks for them: by target, by peer, by number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/dial.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

static int
describe(struct conn *c, struct p2p_connection *out)
{
	struct p2p_connection d = {
		.number = c->number,
		.peer = c->peer,
		.outbound = c->outbound,
		.security = c->security,
		.muxer = c->muxer,
		.time_us = c->time_us,
		.streams = session_streams(c->session),
	};
	int e;

	if ((e = p2p_multiaddr_dup(conn_remote(c), &d.remote)) == 0)
		*out = d;
	return e;
}

static uint64_t
deadline_of(unsigned timeout_ms)
{
	return clock_deadline_ms(timeout_ms != 0 ? timeout_ms :
	    HOST_DIAL_TIMEOUT_MS);
}

int
p2p_host_connect(struct p2p_host *h, const char *target,
    const struct p2p_connect_options *options, struct p2p_connection *out,
    struct p2p_report **report)
{
	static const struct p2p_connect_options none;
	const struct p2p_connect_options *o = options != NULL ? options : &none;
	struct dial_options d = { .any_peer = o->any_peer, .fresh = o->fresh,
	    .keep = true, .deadline = deadline_of(o->timeout_ms) };
	struct conn *c;
	int e;

	if (report != NULL)
		*report = NULL;
	e = dial_target_conn(h, target, &d, &c, report);
	if (e != 0)
		return e;
	if (out != NULL)
		e = describe(c, out);
	conn_unref(c);
	return e;
}

int
p2p_host_close(struct p2p_host *h, uint64_t number)
{
	struct conn *c;

	if ((c = swarm_find_number(h, number)) == NULL)
		return P2P_ERR_NOT_FOUND;
	session_shutdown(c->session, clock_after(clock_now(), CLOCK_S / 2));
	conn_unref(c);
	return 0;
}

/* The oldest live connection to a peer, if not made after that number. */
static struct conn *
find_until(struct p2p_host *h, const struct p2p_peer_id *peer, uint64_t last)
{
	struct conn *c;

	if ((c = swarm_find(h, peer)) == NULL || c->number <= last)
		return c;
	conn_unref(c);
	return NULL;
}

/* A peer that comes back at once is not chased: that could go on for ever. */
int
p2p_host_disconnect(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct conn *c;
	uint64_t last;
	int e = P2P_ERR_NOT_FOUND;

	lock_lock(&h->swarm);
	last = h->next_number;
	lock_unlock(&h->swarm);
	while ((c = find_until(h, peer, last)) != NULL) {
		session_shutdown(c->session,
		    clock_after(clock_now(), CLOCK_S / 2));
		conn_unref(c);
		e = 0;
	}
	return e;
}

int
p2p_host_connections(struct p2p_host *h, struct p2p_connection **out,
    size_t *n)
{
	struct p2p_connection *list;
	struct conn *c;
	size_t room = 0, i = 0;
	int e = 0;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(c, &h->conns, link)
		room++;
	if ((list = calloc(room + 1, sizeof(*list))) == NULL)
		e = -ENOMEM;
	TAILQ_FOREACH(c, &h->conns, link)
		if (e == 0 && (e = describe(c, &list[i])) == 0)
			i++;
	lock_unlock(&h->swarm);
	if (e != 0) {
		p2p_host_connections_free(list, i);
		return e;
	}
	*out = list;
	*n = i;
	return 0;
}

void
p2p_host_connections_free(struct p2p_connection *list, size_t n)
{
	while (n > 0)
		p2p_multiaddr_free(list[--n].remote);
	free(list);
}

/*
 * A stream to the target.  A connection that was found may be on its way out,
 * which shows only when it is used; nothing of the caller's was sent then, so
 * there is a second try, over another one.
 */
int
host_open(struct p2p_host *h, const char *target,
    const char *const *protocols, const struct dial_options *o,
    struct p2p_stream **out)
{
	struct conn *c;
	int e, tries;

	for (tries = 0; tries < 2; tries++) {
		if ((e = dial_target_conn(h, target, o, &c, NULL)) != 0)
			return e;
		e = conn_open(c, protocols, o->deadline, out);
		conn_unref(c);
		if (e != P2P_ERR_DISCONNECTED || atomic_load(&h->stopped))
			return e;
	}
	return e;
}

int
p2p_host_open(struct p2p_host *h, const char *target, const char *protocol,
    unsigned timeout_ms, struct p2p_stream **out)
{
	const char *const protocols[] = { protocol, NULL };
	struct dial_options o = { .deadline = deadline_of(timeout_ms) };

	return host_open(h, target, protocols, &o, out);
}

int
p2p_host_open_peer(struct p2p_host *h, const struct p2p_peer_id *peer,
    const char *const *protocols, unsigned timeout_ms,
    struct p2p_stream **out)
{
	struct dial_options o = { .deadline = deadline_of(timeout_ms) };
	char text[P2P_PEER_ID_TEXT_MAX];

	return host_open(h, p2p_peer_id_text(peer, text), protocols, &o, out);
}

int
p2p_host_open_on(struct p2p_host *h, uint64_t number,
    const char *const *protocols, unsigned timeout_ms,
    struct p2p_stream **out)
{
	struct conn *c;
	int e;

	if ((c = swarm_find_number(h, number)) == NULL)
		return P2P_ERR_NOT_FOUND;
	e = conn_open(c, protocols, deadline_of(timeout_ms), out);
	conn_unref(c);
	return e;
}
