/*
 * The public stream: an mstream, its connection, its protocol, its timeouts.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "p2p/error.h"
#include "p2p/stream.h"

struct p2p_stream {
	struct mstream	*ms;		/* owned */
	struct conn	*conn;		/* counted */
	atomic_uint	 read_timeout;	/* ms, 0: none */
	atomic_uint	 write_timeout;
	_Atomic uint64_t deadline;	/* of all calls: stream_deadline() */
	char		 protocol[MSS_NAME_MAX + 1];
};

int
stream_new(struct conn *c, struct mstream *ms, const char *protocol,
    struct p2p_stream **out)
{
	struct p2p_stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	s->ms = ms;
	s->conn = c;
	atomic_init(&s->deadline, CLOCK_NEVER);
	conn_ref(c);
	snprintf(s->protocol, sizeof(s->protocol), "%s", protocol);
	*out = s;
	return 0;
}

struct conn *
stream_conn(const struct p2p_stream *s)
{
	return s->conn;
}

void
stream_deadline(struct p2p_stream *s, uint64_t deadline)
{
	atomic_store(&s->deadline, deadline);
}

static uint64_t
deadline_of(struct p2p_stream *s, unsigned timeout_ms)
{
	uint64_t all = atomic_load(&s->deadline);
	uint64_t one = timeout_ms == 0 ? CLOCK_NEVER :
	    clock_deadline_ms(timeout_ms);

	return one < all ? one : all;
}

ssize_t
p2p_stream_read(struct p2p_stream *s, void *buf, size_t len)
{
	return mstream_read(s->ms, buf, len,
	    deadline_of(s, atomic_load(&s->read_timeout)));
}

int
p2p_stream_read_full(struct p2p_stream *s, void *buf, size_t len)
{
	uint64_t deadline = deadline_of(s, atomic_load(&s->read_timeout));
	uint8_t *p = buf;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = mstream_read(s->ms, p, len, deadline);
		if (n <= 0)
			return n < 0 ? (int)n : P2P_ERR_SHORT;
	}
	return 0;
}

ssize_t
p2p_stream_write(struct p2p_stream *s, const void *buf, size_t len)
{
	return mstream_write(s->ms, buf, len,
	    deadline_of(s, atomic_load(&s->write_timeout)));
}

int
p2p_stream_write_full(struct p2p_stream *s, const void *buf, size_t len)
{
	uint64_t deadline = deadline_of(s, atomic_load(&s->write_timeout));
	const uint8_t *p = buf;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = mstream_write(s->ms, p, len, deadline)) < 0)
			return (int)n;
	return 0;
}

int
p2p_stream_close_write(struct p2p_stream *s)
{
	return mstream_close_write(s->ms);
}

void
p2p_stream_reset(struct p2p_stream *s)
{
	mstream_reset(s->ms, MUX_CODE_NONE);
}

void
p2p_stream_free(struct p2p_stream *s)
{
	if (s == NULL)
		return;
	mstream_free(s->ms);
	conn_unref(s->conn);
	free(s);
}

void
p2p_stream_read_timeout(struct p2p_stream *s, unsigned timeout_ms)
{
	atomic_store(&s->read_timeout, timeout_ms);
}

void
p2p_stream_write_timeout(struct p2p_stream *s, unsigned timeout_ms)
{
	atomic_store(&s->write_timeout, timeout_ms);
}

const struct p2p_peer_id *
p2p_stream_peer(const struct p2p_stream *s)
{
	return &s->conn->peer;
}

const char *
p2p_stream_protocol(const struct p2p_stream *s)
{
	return s->protocol;
}

const struct p2p_multiaddr *
p2p_stream_remote(const struct p2p_stream *s)
{
	return conn_remote(s->conn);
}

const struct p2p_multiaddr *
p2p_stream_local(const struct p2p_stream *s)
{
	return conn_local(s->conn);
}
