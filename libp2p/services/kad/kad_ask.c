/*
 * One request to one peer.  A stream that has answered is kept for the next
 * one, for a few seconds; a peer that ended such a stream when it was used
 * again gets a new one for each request from then on (C-1).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/dial.h"
#include "p2p/error.h"
#include "p2p/stream.h"
#include "services/kad/kad.h"
#include "services/kad/kad_frame.h"

#define CHUNK		4096
#define SILENCE		(CLOCK_S / 2)	/* after ADD_PROVIDER: it was taken */
#define ONE_SHOTS	(sizeof(((struct p2p_kad *)0)->one_shot) / \
			    sizeof(struct p2p_peer_id))

static struct p2p_stream *
take_idle(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct p2p_stream *s = NULL;
	struct kad_idle *i;

	lock_lock(&k->mtx);
	TAILQ_FOREACH(i, &k->idle, link)
		if (p2p_peer_id_equal(&i->peer, peer))
			break;
	if (i != NULL) {
		TAILQ_REMOVE(&k->idle, i, link);
		k->nidle--;
		s = i->stream;
	}
	lock_unlock(&k->mtx);
	free(i);
	return s;
}

static bool
is_one_shot(const struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	size_t i;

	for (i = 0; i < ONE_SHOTS; i++)
		if (p2p_peer_id_equal(&k->one_shot[i], peer))
			return true;
	return false;
}

static void
set_one_shot(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	lock_lock(&k->mtx);
	if (!is_one_shot(k, peer))
		k->one_shot[k->next_one_shot++ % ONE_SHOTS] = *peer;
	lock_unlock(&k->mtx);
}

/* Takes the stream: kept, or ended. */
static void
keep(struct p2p_kad *k, const struct p2p_peer_id *peer, struct p2p_stream *s)
{
	struct kad_idle *i;

	if ((i = malloc(sizeof(*i))) == NULL) {
		p2p_stream_free(s);
		return;
	}
	*i = (struct kad_idle){ .peer = *peer, .stream = s };
	lock_lock(&k->mtx);
	i->since = clock_now();
	if (!atomic_load(&k->closed) && k->nidle < KAD_IDLE_MAX &&
	    !is_one_shot(k, peer)) {
		TAILQ_INSERT_TAIL(&k->idle, i, link);
		k->nidle++;
		i = NULL;
	}
	lock_unlock(&k->mtx);
	if (i != NULL)
		p2p_stream_free(s);
	free(i);
}

void
kad_ask_close_idle(struct p2p_kad *k, uint64_t age)
{
	TAILQ_HEAD(, kad_idle) old = TAILQ_HEAD_INITIALIZER(old);
	struct kad_idle *i;
	uint64_t now;

	lock_lock(&k->mtx);
	now = clock_now();	/* after all that is in the list */
	while ((i = TAILQ_FIRST(&k->idle)) != NULL && now - i->since >= age) {
		TAILQ_REMOVE(&k->idle, i, link);
		k->nidle--;
		TAILQ_INSERT_TAIL(&old, i, link);
	}
	lock_unlock(&k->mtx);
	while ((i = TAILQ_FIRST(&old)) != NULL) {
		TAILQ_REMOVE(&old, i, link);
		p2p_stream_free(i->stream);
		free(i);
	}
}

static int
read_answer(struct p2p_stream *s, struct kad_msg *out)
{
	uint8_t chunk[CHUNK];
	struct kad_frame f;
	struct rd in, msg;
	ssize_t n;
	int e = 1;

	kad_frame_init(&f, KAD_MSG_ANSWER_MAX);
	while (e == 1) {
		n = p2p_stream_read(s, chunk, sizeof(chunk));
		if (n <= 0) {
			e = n < 0 ? (int)n : P2P_ERR_SHORT;
			break;
		}
		in = (struct rd){ chunk, (size_t)n };
		e = kad_frame_feed(&f, &in, &msg);
		if (e == 0 && in.len > 0)
			e = P2P_ERR_PROTOCOL;	/* more than was asked for */
	}
	if (e == 0)
		e = kad_msg_get(msg, KAD_MSG_ANSWER_MAX, out);
	kad_frame_fini(&f);
	return e;
}

/* C-2: what was asked is what was answered. */
static int
check(const struct kad_request *r, const struct kad_msg *m)
{
	if (m->type != r->type)
		return P2P_ERR_PROTOCOL;
	if (r->type == KAD_PUT_VALUE && (!m->has_record ||
	    !rd_equal(&m->record.value, r->value.p, r->value.len)))
		return P2P_ERR_REFUSED;
	if (r->type == KAD_GET_VALUE && m->has_record &&
	    !rd_equal(&m->record.key, r->key.p, r->key.len))
		return P2P_ERR_PROTOCOL;
	return 0;
}

/*
 * Nothing is to come, but for py's acknowledgement: who does not want it resets
 * the stream.  Our half stays open meanwhile: js resets what has ended.
 */
static int
await_refusal(struct p2p_stream *s, uint64_t deadline)
{
	uint64_t silence = clock_after(clock_now(), SILENCE);
	uint8_t ack[256];
	ssize_t n;

	stream_deadline(s, silence < deadline ? silence : deadline);
	n = p2p_stream_read(s, ack, sizeof(ack));
	if (n == P2P_ERR_RESET)
		return P2P_ERR_REFUSED;
	return n == P2P_ERR_TIMEOUT || n >= 0 ? 0 : (int)n;
}

static int
talk(struct p2p_stream *s, const struct kad_request *r, uint64_t deadline,
    struct kad_msg *out)
{
	int e;

	stream_deadline(s, deadline);
	if ((e = p2p_stream_write_full(s, r->frame.p, r->frame.len)) != 0)
		return e;
	if (r->type == KAD_ADD_PROVIDER)
		return await_refusal(s, deadline);
	if ((e = read_answer(s, out)) == 0 && (e = check(r, out)) != 0)
		kad_msg_clear(out);
	return e;
}

static int
open_stream(struct p2p_kad *k, const struct p2p_peer_id *peer,
    uint64_t deadline, const atomic_bool *given_up, struct p2p_stream **out)
{
	uint64_t soon = clock_after(clock_now(), KAD_OPEN_TIMEOUT);
	struct dial_options o = { .given_up = given_up,
	    .deadline = soon < deadline ? soon : deadline };
	char text[P2P_PEER_ID_TEXT_MAX];

	return host_open(k->host, p2p_peer_id_text(peer, text), k->protocols,
	    &o, out);
}

/* The stream of an answer is kept; that of a failure ends. */
static void
finish(struct p2p_kad *k, const struct p2p_peer_id *peer,
    const struct kad_request *r, struct p2p_stream *s, int e)
{
	if (e == 0 && r->type != KAD_ADD_PROVIDER) {
		keep(k, peer, s);
		return;
	}
	if (e != 0)
		p2p_stream_reset(s);
	p2p_stream_free(s);
}

int
kad_ask(struct p2p_kad *k, const struct p2p_peer_id *peer,
    const struct kad_request *r, uint64_t deadline,
    const atomic_bool *given_up, struct kad_msg *out)
{
	struct p2p_stream *s;
	int e;

	*out = (struct kad_msg){ .type = r->type };
	/* Silence says nothing on a stream that has ended, perhaps. */
	if (r->type != KAD_ADD_PROVIDER && (s = take_idle(k, peer)) != NULL) {
		e = talk(s, r, deadline, out);
		finish(k, peer, r, s, e);
		if (e != P2P_ERR_SHORT && e != P2P_ERR_RESET &&
		    e != P2P_ERR_DISCONNECTED)
			return e;
		if (e != P2P_ERR_DISCONNECTED)
			set_one_shot(k, peer);
	}
	if ((e = open_stream(k, peer, deadline, given_up, &s)) != 0)
		return e;
	e = talk(s, r, deadline, out);
	finish(k, peer, r, s, e);
	return e == P2P_ERR_RESET && r->type == KAD_PUT_VALUE ?
	    P2P_ERR_REFUSED : e;
}
