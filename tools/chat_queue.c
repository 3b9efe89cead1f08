/*
 * What we say, on its way: a message is shared by the queues of all peers that
 * it goes to, and counts how many of them have not settled it yet.
 */
#include "chat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "p2p/error.h"
#include "p2p/stream.h"
#include "tool.h"

void
chat_wake(struct chat *c)
{
	(void)!write(c->wake[1], "", 1);	/* full: it is awake anyway */
}

static bool
is_full(const struct chat_queue *q)
{
	return q->n >= CHAT_QUEUE_MESSAGES || q->bytes >= CHAT_QUEUE_BYTES;
}

static bool
is_behind(const struct chat_queue *q)
{
	return q->n > CHAT_QUEUE_MESSAGES / 2 || q->bytes >
	    CHAT_QUEUE_BYTES / 2;
}

bool
chat_put(struct chat_queue *q, struct chat_message *m)
{
	struct chat_item *item;

	if (is_full(q) || (item = malloc(sizeof(*item))) == NULL)
		return false;
	item->m = m;
	m->pending++;
	STAILQ_INSERT_TAIL(&q->items, item, next);
	q->n++;
	q->bytes += m->len;
	return true;
}

/* The message stays pending, by whoever took it. */
struct chat_message *
chat_take(struct chat_queue *q)
{
	struct chat_item *item = STAILQ_FIRST(&q->items);
	struct chat_message *m;

	if (item == NULL)
		return NULL;
	m = item->m;
	STAILQ_REMOVE_HEAD(&q->items, next);
	q->n--;
	q->bytes -= m->len;
	free(item);
	return m;
}

void
chat_move(struct chat_queue *from, struct chat_queue *to)
{
	STAILQ_CONCAT(&to->items, &from->items);
	to->n += from->n;
	to->bytes += from->bytes;
	from->n = from->bytes = 0;
}

void
chat_settle(struct chat *c, struct chat_message *m, bool handed)
{
	m->pending--;
	if (handed)
		m->got = true;
	else
		c->lost = true;
	chat_wake(c);
}

/* A peer's messages go over its oldest link that works. */
static bool
is_written_to(const struct chat_link *l)
{
	const struct chat_link *other;

	TAILQ_FOREACH(other, &l->chat->links, next)
		if (other->error == 0 && !other->ending &&
		    p2p_peer_id_equal(&other->peer, &l->peer))
			return other == l;
	return false;
}

double
chat_kept_s(const struct chat *c)
{
	return c->linger > CHAT_KEPT_S ? c->linger : CHAT_KEPT_S;
}

static struct chat_message *
new_message(struct chat *c, const char *text, size_t len)
{
	struct chat_message *m = malloc(sizeof(*m) + len + 1);

	if (m == NULL)
		exit(tool_fail("message", P2P_ERR_LIMIT, NULL));
	*m = (struct chat_message){ .len = len + 1 };
	memcpy(m->text, text, len);
	m->text[len] = '\n';
	if (c->front->commands)
		m->until = tool_now() + chat_kept_s(c);
	return m;
}

/* To the links that are written to, of one peer or of all; mtx is held. */
static bool
queue_up(struct chat *c, struct chat_message *m, const struct p2p_peer_id *to)
{
	struct chat_link *l;
	bool there = false;

	TAILQ_FOREACH(l, &c->links, next) {
		if (!is_written_to(l) ||
		    (to != NULL && !p2p_peer_id_equal(to, &l->peer)))
			continue;
		there = true;
		if (!chat_put(&l->queue, m))
			c->lost = true;
		pthread_cond_signal(&l->work);
	}
	return there;
}

/* On a terminal, what is on its way is shown at once. */
static void
enter_said(struct chat *c, struct chat_message *m, bool there)
{
	m->sent = there;
	m->shown = there && c->front->terminal;
	TAILQ_INSERT_TAIL(&c->said, m, next);
	m->pending++;		/* until it is shown */
	pthread_mutex_unlock(&c->mtx);
	if (m->shown)
		chat_show_ours(c, m);
	pthread_mutex_lock(&c->mtx);
	m->pending--;
}

void
chat_say(struct chat *c, const char *text, size_t len, size_t action)
{
	struct chat_message *m = new_message(c, text, len);
	bool there, kept = false;

	m->action = action;
	pthread_mutex_lock(&c->mtx);
	there = queue_up(c, m, NULL);
	if (!there && !(kept = chat_put(&c->kept, m)))
		c->lost = true;
	kept = kept && c->kept.n == 1;
	enter_said(c, m, there);
	pthread_mutex_unlock(&c->mtx);
	if (kept && c->front->commands)
		chat_notice(c, "nobody here yet -- message kept, will be sent "
		    "when someone joins (%.0f s)", chat_kept_s(c));
}

bool
chat_say_to(struct chat *c, const struct chat_peer *to, const char *text,
    size_t len)
{
	struct chat_message *m = new_message(c, text, len);
	bool there;

	memcpy(m->to, to->name, sizeof(m->to));
	pthread_mutex_lock(&c->mtx);
	if ((there = queue_up(c, m, &to->id)))
		enter_said(c, m, true);
	pthread_mutex_unlock(&c->mtx);
	if (!there)
		free(m);
	return there;
}

bool
chat_is_full(struct chat *c)
{
	const struct chat_link *l;
	bool full;

	pthread_mutex_lock(&c->mtx);
	full = c->patient && is_full(&c->kept);
	TAILQ_FOREACH(l, &c->links, next)
		full = full || is_full(&l->queue);
	pthread_mutex_unlock(&c->mtx);
	return full;
}

bool
chat_is_behind(struct chat *c)
{
	const struct chat_link *l;
	bool behind = false;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		behind = behind || is_behind(&l->queue);
	pthread_mutex_unlock(&c->mtx);
	return behind;
}

/* A link that is behind, as one that may not go away; or NULL. */
static struct chat_link *
hold_slow(struct chat *c)
{
	struct chat_link *l;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		if (l->error == 0 && is_behind(&l->queue))
			break;
	if (l != NULL) {
		l->error = P2P_ERR_LIMIT;
		l->held++;
		pthread_cond_signal(&l->work);
	}
	pthread_mutex_unlock(&c->mtx);
	return l;
}

void
chat_drop_slow(struct chat *c)
{
	struct chat_link *l;

	while ((l = hold_slow(c)) != NULL) {
		p2p_stream_reset(l->s);
		pthread_mutex_lock(&c->mtx);
		l->held--;
		pthread_cond_broadcast(&l->work);
		pthread_mutex_unlock(&c->mtx);
	}
}

void
chat_report(struct chat *c)
{
	struct chat_message *m;

	for (;;) {
		pthread_mutex_lock(&c->mtx);
		m = TAILQ_FIRST(&c->said);
		if (m != NULL && m->pending == 0)
			TAILQ_REMOVE(&c->said, m, next);
		else
			m = NULL;
		pthread_mutex_unlock(&c->mtx);
		if (m == NULL)
			return;
		if (m->got && !m->shown)
			chat_show_ours(c, m);
		else if (!m->got && m->sent && c->front->commands)
			chat_notice(c, "nobody was handed this: %.*s",
			    (int)(m->len < 60 ? m->len - 1 : 60), m->text);
		free(m);
	}
}

void
chat_drop_kept(struct chat *c)
{
	struct chat_message *m;

	pthread_mutex_lock(&c->mtx);
	while ((m = chat_take(&c->kept)) != NULL)
		chat_settle(c, m, false);
	pthread_mutex_unlock(&c->mtx);
}

unsigned
chat_drop_old(struct chat *c, double now)
{
	struct chat_item *item;
	unsigned n = 0;

	pthread_mutex_lock(&c->mtx);
	while ((item = STAILQ_FIRST(&c->kept.items)) != NULL &&
	    item->m->until > 0 && item->m->until <= now) {
		chat_settle(c, chat_take(&c->kept), false);
		n++;
	}
	pthread_mutex_unlock(&c->mtx);
	return n;
}

void
chat_end(struct chat *c)
{
	struct chat_link *l;

	pthread_mutex_lock(&c->mtx);
	c->ending = true;
	TAILQ_FOREACH(l, &c->links, next) {
		l->ending = true;
		pthread_cond_signal(&l->work);
	}
	pthread_cond_broadcast(&c->again);
	pthread_mutex_unlock(&c->mtx);
}
