/*
 * A stream to a peer.  The reader enters it into the list, shows what comes,
 * and takes it off again; its writer, which it starts and joins, drains the
 * queue.  When the peer ends its half, what is queued is still handed over: it
 * may go on reading.
 */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/stream.h"
#include "tool.h"

#define WRITE_MS	10000	/* a message the peer has no room for */

/* More links than that; mtx is held. */
static bool
has_peer(struct chat *c, const struct p2p_peer_id *peer, unsigned most)
{
	const struct chat_link *l;
	unsigned n = 0;

	TAILQ_FOREACH(l, &c->links, next)
		n += p2p_peer_id_equal(&l->peer, peer);
	return n > most;
}

/* In the peer's framing, in one piece; until it is known, lines. */
static int
write_message(struct chat_link *l, const struct chat_message *m,
    enum chat_framing framing, bool first)
{
	uint8_t buf[CHAT_PREFIX_MAX + CHAT_LINE_MAX + 1];
	size_t n = 0;

	if (framing == CHAT_BY_LENGTH)
		n = chat_frame_prefix(buf, m->len);
	else if (first)
		memset(buf, '\n', n = chat_frame_blank(m->text, m->len));
	memcpy(buf + n, m->text, m->len);
	return p2p_stream_write_full(l->s, buf, n + m->len);
}

/* The writer: until there is nothing more, or the peer takes nothing more. */
static void *
write_link(void *arg)
{
	struct chat_link *l = arg;
	struct chat *c = l->chat;
	enum chat_framing framing;
	struct chat_message *m;
	bool first = true;
	int e;

	pthread_mutex_lock(&c->mtx);
	while (l->error == 0) {
		if ((m = chat_take(&l->queue)) == NULL && l->ending)
			break;
		if (m == NULL) {
			pthread_cond_wait(&l->work, &c->mtx);
			continue;
		}
		framing = l->framing;
		pthread_mutex_unlock(&c->mtx);
		e = write_message(l, m, framing, first);
		first = false;
		pthread_mutex_lock(&c->mtx);
		if (e != 0 && l->error == 0)
			l->error = e;
		chat_settle(c, m, e == 0);
	}
	while ((m = chat_take(&l->queue)) != NULL)
		chat_settle(c, m, false);
	e = l->error;
	pthread_mutex_unlock(&c->mtx);
	if (e != 0)
		p2p_stream_reset(l->s);
	else
		(void)p2p_stream_close_write(l->s);
	return NULL;
}

/* What was kept for a first peer is this one's. */
static bool
enter(struct chat_link *l, bool called)
{
	struct chat *c = l->chat;
	bool first = false, good;

	pthread_mutex_lock(&c->out);
	chat_room(c);
	pthread_mutex_lock(&c->mtx);
	c->calling -= called;
	good = !has_peer(c, &l->peer, CHAT_PEER_LINKS - 1) &&
	    (l->who = chat_peer_get(c, &l->peer)) != NULL &&
	    pthread_create(&l->writer, NULL, write_link, l) == 0;
	if (good) {
		first = !has_peer(c, &l->peer, 0);
		TAILQ_INSERT_TAIL(&c->links, l, next);
		l->who->links++;
		l->ending = c->ending;
		chat_move(&c->kept, &l->queue);
		c->patient = true;
		pthread_cond_signal(&l->work);
		pthread_cond_broadcast(&c->again);
	}
	pthread_mutex_unlock(&c->mtx);
	if (first)
		chat_show_peer(l, true, 0);
	pthread_mutex_unlock(&c->out);
	chat_wake(c);
	return good;
}

/*
 * error is how reading ended; the writer's reason, if it has one, is why.  out
 * is held from the look at the list until the end is shown, as in enter(): who
 * comes back meanwhile joins after that.
 */
static void
leave(struct chat_link *l, int error)
{
	struct chat *c = l->chat;
	bool last;

	pthread_mutex_lock(&c->mtx);
	l->ending = true;
	if (l->error == 0)
		l->error = error;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&c->mtx);
	pthread_join(l->writer, NULL);
	pthread_mutex_lock(&c->out);
	chat_room(c);
	pthread_mutex_lock(&c->mtx);
	while (l->held > 0)
		pthread_cond_wait(&l->work, &c->mtx);
	TAILQ_REMOVE(&c->links, l, next);
	last = !has_peer(c, &l->peer, 0);
	error = l->error;
	pthread_mutex_unlock(&c->mtx);
	if (last)
		chat_show_peer(l, false, error);
	pthread_mutex_lock(&c->mtx);
	l->who->links--;
	pthread_cond_broadcast(&c->again);
	pthread_mutex_unlock(&c->mtx);
	pthread_mutex_unlock(&c->out);
	chat_wake(c);
}

static void
learn_framing(struct chat_link *l, enum chat_framing framing)
{
	pthread_mutex_lock(&l->chat->mtx);
	l->framing = framing;
	pthread_mutex_unlock(&l->chat->mtx);
}

/* What there is in the frame; a line of nothing is none. */
static void
show_lines(struct chat_link *l, struct chat_frame *f, bool end)
{
	const char *line;
	ssize_t len;
	bool cut;

	while ((len = chat_frame_next(f, end, &line, &cut)) >= 0) {
		if (len > 0)
			chat_show_message(l, line, (size_t)len);
		if (cut && !l->chat->front->terminal)
			chat_notice(l->chat, "%s: the rest of a message over "
			    "%d bytes is left out", chat_tail(l->name),
			    CHAT_SHOWN_MAX);
		else if (cut)
			chat_show_message(l, "[...]", 5);
	}
}

/* How it ended: 0, or an error. */
static int
read_link(struct chat_link *l)
{
	struct chat_frame f = { .framing = l->chat->framing };
	uint8_t buf[CHAT_LINE_MAX * 2], *p;
	ssize_t n, used;

	for (;;) {
		if ((n = p2p_stream_read(l->s, p = buf, sizeof(buf))) <= 0)
			break;
		do {
			if ((used = chat_frame_take(&f, p, (size_t)n)) < 0) {
				p2p_stream_reset(l->s);
				return (int)used;
			}
			if (l->framing != f.framing)
				learn_framing(l, f.framing);
			show_lines(l, &f, false);
			p += used;
			n -= used;
		} while (n > 0 || chat_frame_pending(&f));
	}
	if (n == 0)
		show_lines(l, &f, true);
	return (int)n;
}

void
chat_link_run(struct chat *c, struct p2p_stream *s, bool called)
{
	struct chat_link l = { .chat = c, .s = s, .peer = *p2p_stream_peer(s),
	    .framing = c->framing };

	p2p_peer_id_text(&l.peer, l.name);
	STAILQ_INIT(&l.queue.items);
	pthread_cond_init(&l.work, NULL);
	p2p_stream_write_timeout(s, WRITE_MS);
	if (enter(&l, called))
		leave(&l, read_link(&l));
	else
		p2p_stream_reset(s);
	pthread_cond_destroy(&l.work);
}
