/*
 * libp2p/specs ping/ping.md, spec digest PNG-1 to PNG-6.
 */
#include "p2p/ping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/rand.h"
#include "host/conn.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"
#include "p2p/stream.h"

#define IDLE_MS		10000		/* between two pings: go's figure */
#define LIFE		(30 * CLOCK_S)	/* of an inbound stream: go's */
#define TIMEOUT_MS	10000

struct p2p_ping {
	struct p2p_host		*host;
	struct p2p_peer_id	 peer;
	struct p2p_stream	*stream;	/* NULL: to be opened again */
};

static void
answer(struct p2p_stream *s, void *arg)
{
	uint64_t end = clock_after(clock_now(), LIFE);
	uint8_t buf[P2P_PING_SIZE];
	size_t have = 0;
	ssize_t n = 1;

	(void)arg;
	p2p_stream_read_timeout(s, IDLE_MS);
	p2p_stream_write_timeout(s, IDLE_MS);
	while (n > 0 && clock_now() < end) {
		n = p2p_stream_read(s, buf + have, sizeof(buf) - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		if (have < sizeof(buf))
			continue;
		have = 0;
		if (p2p_stream_write_full(s, buf, sizeof(buf)) != 0)
			return;
	}
	if (have > 0 || n < 0)
		p2p_stream_reset(s);
}

int
p2p_ping_serve(struct p2p_host *host)
{
	return host_handle(host, P2P_PING_ID, answer, NULL,
	    &host->limits[LIMIT_PINGS_PEER]);
}

/* One deadline for everything that a call does. */
static uint64_t
deadline_of(unsigned timeout_ms)
{
	return clock_deadline_ms(timeout_ms != 0 ? timeout_ms : TIMEOUT_MS);
}

/* What is left of it, for those who count for themselves; 0: nothing. */
static unsigned
left_ms(uint64_t deadline)
{
	uint64_t now = clock_now();

	return deadline <= now ? 0 :
	    (unsigned)((deadline - now + CLOCK_MS - 1) / CLOCK_MS);
}

static int
open_stream(struct p2p_ping *p, uint64_t deadline)
{
	static const char *const protocols[] = { P2P_PING_ID, NULL };
	unsigned ms = left_ms(deadline);

	if (ms == 0)
		return P2P_ERR_TIMEOUT;
	return p2p_host_open_peer(p->host, &p->peer, protocols, ms,
	    &p->stream);
}

static int
ping_open(struct p2p_host *host, const struct p2p_peer_id *peer,
    uint64_t deadline, struct p2p_ping **out)
{
	struct p2p_ping *p;
	int e;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	p->host = host;
	p->peer = *peer;
	if ((e = open_stream(p, deadline)) != 0) {
		free(p);
		return e;
	}
	*out = p;
	return 0;
}

int
p2p_ping_open(struct p2p_host *host, const struct p2p_peer_id *peer,
    unsigned timeout_ms, struct p2p_ping **out)
{
	return ping_open(host, peer, deadline_of(timeout_ms), out);
}

static int
round_trip(struct p2p_stream *s, uint64_t deadline, uint64_t *rtt_us)
{
	uint8_t sent[P2P_PING_SIZE], got[P2P_PING_SIZE];
	uint64_t begun;
	int e;

	if ((e = rand_bytes(sent, sizeof(sent))) != 0)
		return e;
	stream_deadline(s, deadline);
	begun = clock_now();
	if ((e = p2p_stream_write_full(s, sent, sizeof(sent))) != 0 ||
	    (e = p2p_stream_read_full(s, got, sizeof(got))) != 0)
		return e;
	if (memcmp(sent, got, sizeof(sent)) != 0)
		return P2P_ERR_PROTOCOL;
	*rtt_us = (clock_now() - begun) / CLOCK_US;
	return 0;
}

static void
drop(struct p2p_ping *p)
{
	if (p->stream != NULL)
		p2p_stream_reset(p->stream);
	p2p_stream_free(p->stream);
	p->stream = NULL;
}

static int
ping_once(struct p2p_ping *p, uint64_t deadline, uint64_t *rtt_us)
{
	bool fresh = p->stream == NULL;
	int e;

	if (fresh && (e = open_stream(p, deadline)) != 0)
		return e;
	e = round_trip(p->stream, deadline, rtt_us);
	if (e != 0)
		drop(p);
	/* The responder may end an old stream at any time: once more. */
	if (!fresh && (e == P2P_ERR_SHORT || e == P2P_ERR_RESET ||
	    e == P2P_ERR_DISCONNECTED) &&
	    (e = open_stream(p, deadline)) == 0 &&
	    (e = round_trip(p->stream, deadline, rtt_us)) != 0)
		drop(p);
	return e;
}

int
p2p_ping_once(struct p2p_ping *p, unsigned timeout_ms, uint64_t *rtt_us)
{
	return ping_once(p, deadline_of(timeout_ms), rtt_us);
}

void
p2p_ping_close(struct p2p_ping *p)
{
	if (p == NULL)
		return;
	p2p_stream_free(p->stream);
	free(p);
}

int
p2p_ping(struct p2p_host *host, const struct p2p_peer_id *peer,
    unsigned timeout_ms, uint64_t *rtt_us)
{
	uint64_t deadline = deadline_of(timeout_ms);
	struct p2p_ping *p;
	int e;

	if ((e = ping_open(host, peer, deadline, &p)) != 0)
		return e;
	e = ping_once(p, deadline, rtt_us);
	p2p_ping_close(p);
	return e;
}
