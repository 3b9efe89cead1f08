/*
 * A stream to a peer.  The reader enters it into the list, shows what comes,
 * and takes it off again; its writer, which it starts and joins, drains the
 * queue.  When the peer ends its half, what is queued is still handed over: it
 * may go on reading.
 */
#include "chat.h"

#include <stdlib.h>

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

/* The writer: until there is nothing more, or the peer takes nothing more. */
static void *
write_link(void *arg)
{
	struct chat_link *l = arg;
	struct chat *c = l->chat;
	struct chat_message *m;
	int e;

	pthread_mutex_lock(&c->mtx);
	while (l->error == 0) {
		if ((m = chat_take(&l->queue)) == NULL && l->ending)
			break;
		if (m == NULL) {
			pthread_cond_wait(&l->work, &c->mtx);
			continue;
		}
		pthread_mutex_unlock(&c->mtx);
		e = p2p_stream_write_full(l->s, m->text, m->len);
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
	pthread_mutex_lock(&c->mtx);
	c->calling -= called;
	good = !has_peer(c, &l->peer, CHAT_PEER_LINKS - 1) &&
	    pthread_create(&l->writer, NULL, write_link, l) == 0;
	if (good) {
		first = !has_peer(c, &l->peer, 0);
		TAILQ_INSERT_TAIL(&c->links, l, next);
		l->ending = c->ending;
		chat_move(&c->kept, &l->queue);
		c->patient = true;
		pthread_cond_signal(&l->work);
	}
	pthread_mutex_unlock(&c->mtx);
	if (first)
		chat_show_peer(l, true, 0);
	pthread_mutex_unlock(&c->out);
	chat_wake(c);
	return good;
}

/*
 * error is how reading ended; the writer's reason, if it has one, is why.  The
 * link stays in the list until its end is shown: a peer that comes back in
 * between has not joined anew.
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
	pthread_mutex_lock(&c->mtx);
	while (l->held > 0)
		pthread_cond_wait(&l->work, &c->mtx);
	TAILQ_REMOVE(&c->links, l, next);
	last = !has_peer(c, &l->peer, 0);
	error = l->error;
	pthread_mutex_unlock(&c->mtx);
	if (last)
		chat_show_peer(l, false, error);
	pthread_mutex_unlock(&c->out);
	chat_wake(c);
}

/* How it ended: 0, or an error. */
static int
read_link(struct chat_link *l)
{
	struct chat_lines lines = { .have = 0 };
	const char *line;
	ssize_t n, len;
	bool whole;
	size_t cap;
	char *p;

	do {
		p = chat_lines_space(&lines, &cap);
		if ((n = p2p_stream_read(l->s, p, cap)) < 0)
			return (int)n;
		lines.have += (size_t)n;
		while ((len = chat_lines_next(&lines, n == 0, &line,
		    &whole)) >= 0)
			if (len > 0)
				chat_show_message(l->chat, l, line,
				    (size_t)len);
	} while (n > 0);
	return 0;
}

void
chat_link_run(struct chat *c, struct p2p_stream *s, bool called)
{
	struct chat_link l = { .chat = c, .s = s, .peer = *p2p_stream_peer(s) };

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
