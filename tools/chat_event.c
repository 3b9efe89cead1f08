/*
 * What happens, on its way to the front.  A front that any thread may use is
 * called at once; for another, which is the main thread's, events are copied
 * and wait, CHAT_EVENTS_MAX of them at most.
 */
#include "chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "p2p/text.h"
#include "tool.h"

#define TAIL		6	/* characters of a peer id that are shown */
#define NICK_COLUMNS	32

struct chat_posted {
	STAILQ_ENTRY(chat_posted) next;
	struct chat_event	e;	/* its texts are in bytes */
	char			bytes[];
};

const char *
chat_tail(const char *peer)
{
	size_t n = strlen(peer);

	return n > TAIL ? peer + n - TAIL : peer;
}

bool
chat_is_nick(const char *name)
{
	char clean[3 * CHAT_NICK_MAX + 1];
	size_t len = strlen(name);

	if (len == 0 || len > CHAT_NICK_MAX || name[0] == ' ' ||
	    name[len - 1] == ' ')
		return false;
	p2p_text_clean(clean, sizeof(clean), name, len, 0);
	return strcmp(clean, name) == 0 && p2p_text_width(name) <=
	    NICK_COLUMNS;
}

bool
chat_nick(struct chat *c, const char *name)
{
	if (!chat_is_nick(name))
		return false;
	pthread_mutex_lock(&c->out);
	memcpy(c->nick, name, strlen(name) + 1);
	pthread_mutex_unlock(&c->out);
	return true;
}

/* A text into the copy, at *at; NULL stays NULL. */
static void
copy(const char **text, size_t len, char **at)
{
	if (*text == NULL)
		return;
	memcpy(*at, *text, len);
	(*at)[len] = '\0';
	*text = *at;
	*at += len + 1;
}
static size_t
size_of(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

/* What the main thread itself says never waits. */
void
chat_room(struct chat *c)
{
	while (!c->closed && c->posted_n >= CHAT_EVENTS_MAX &&
	    !pthread_equal(c->main, pthread_self()))
		pthread_cond_wait(&c->room, &c->out);
}

/* out is held. */
static void
post(struct chat *c, const struct chat_event *e)
{
	size_t peer = size_of(e->peer), nick = size_of(e->nick),
	    address = size_of(e->address), to = size_of(e->to);
	struct chat_posted *p;
	char *at;

	chat_room(c);
	p = malloc(sizeof(*p) + peer + nick + address + to + e->len + 5);
	if (c->closed || p == NULL) {
		free(p);
		return;
	}
	p->e = *e;
	at = p->bytes;
	copy(&p->e.peer, peer, &at);
	copy(&p->e.nick, nick, &at);
	copy(&p->e.address, address, &at);
	copy(&p->e.to, to, &at);
	copy(&p->e.text, e->len, &at);
	STAILQ_INSERT_TAIL(&c->posted, p, next);
	c->posted_n++;
	chat_wake(c);
}

/* out is held. */
static void
show(struct chat *c, struct chat_event *e)
{
	e->at = time(NULL);
	if (c->front->show != NULL)
		c->front->show(c, e);
	else
		post(c, e);
}

void
chat_drain(struct chat *c)
{
	struct chat_posted *p;
	bool any = false;

	if (c->front->draw == NULL)
		return;
	for (;;) {
		pthread_mutex_lock(&c->out);
		if ((p = STAILQ_FIRST(&c->posted)) != NULL) {
			STAILQ_REMOVE_HEAD(&c->posted, next);
			c->posted_n--;
			pthread_cond_signal(&c->room);
		}
		pthread_mutex_unlock(&c->out);
		if (p == NULL)
			break;
		c->front->draw(c, &p->e);
		free(p);
		any = true;
	}
	if (any && c->front->drawn != NULL)
		c->front->drawn(c);
}

void
chat_close(struct chat *c)
{
	chat_drain(c);
	pthread_mutex_lock(&c->out);
	c->closed = true;
	pthread_cond_broadcast(&c->room);
	pthread_mutex_unlock(&c->out);
	chat_drain(c);
	if (c->front->end != NULL)
		c->front->end(c);
}

static void
show_text(struct chat *c, enum chat_kind kind, const char *text)
{
	struct chat_event e = { .kind = kind, .text = text,
	    .len = strlen(text) };

	pthread_mutex_lock(&c->out);
	show(c, &e);
	pthread_mutex_unlock(&c->out);
}

void
chat_notice(struct chat *c, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	show_text(c, CHAT_NOTICE, text);
}

void
chat_invite(struct chat *c, const char *address)
{
	show_text(c, CHAT_INVITE, address);
}

/* A terminal of ours gets it in a line, as all else. */
void
chat_failed(struct chat *c, const char *what, int error,
    const struct p2p_report *report)
{
	char want[P2P_PEER_ID_TEXT_MAX], got[P2P_PEER_ID_TEXT_MAX];
	const struct p2p_attempt *a = NULL;
	size_t n = report != NULL ? p2p_report_count(report) : 0, i;

	if (c->front->draw == NULL) {
		pthread_mutex_lock(&c->out);
		(void)tool_fail(what, error, report);
		pthread_mutex_unlock(&c->out);
		return;
	}
	for (i = 0; i < n && a == NULL; i++)
		if (p2p_report_attempt(report, i)->error == P2P_ERR_WRONG_PEER)
			a = p2p_report_attempt(report, i);
	if (a != NULL && p2p_report_expected(report) != NULL)
		chat_notice(c, "%s: dialed %s, but %s answered", what,
		    p2p_peer_id_text(p2p_report_expected(report), want),
		    p2p_peer_id_text(&a->actual, got));
	else
		chat_notice(c, "%s: %s", what, p2p_strerror(error));
}

/* Its nick as the user has given it, and whether it may be shown. */
static bool
admit(struct chat_link *l, char nick[CHAT_NICK_MAX + 1], bool *first)
{
	struct chat *c = l->chat;
	bool good = true;

	*first = false;
	pthread_mutex_lock(&c->mtx);
	memcpy(nick, l->who->nick, CHAT_NICK_MAX + 1);
	if (c->front->terminal)
		good = chat_meter_add(&l->who->meter, tool_now(), first);
	c->muted += *first;
	pthread_mutex_unlock(&c->mtx);
	return good;
}

/* out is held. */
static void
show_muted(struct chat_link *l, const char *nick)
{
	char label[CHAT_LABEL_MAX], text[CHAT_LABEL_MAX + 64];
	struct chat_event e = { .kind = CHAT_NOTICE, .text = text };

	e.len = (size_t)snprintf(text, sizeof(text), "%s is muted: more than "
	    "%d messages in %d s", chat_label(l->name, nick, label),
	    CHAT_FLOOD_MESSAGES, CHAT_FLOOD_S);
	show(l->chat, &e);
}

void
chat_show_peer(struct chat_link *l, bool here, int reason)
{
	struct chat_event e = { .kind = here ? CHAT_JOINED : CHAT_LEFT,
	    .peer = l->name, .reason = reason };
	char nick[CHAT_NICK_MAX + 1];
	bool first;

	if (!admit(l, nick, &first)) {
		if (first)
			show_muted(l, nick);
		return;
	}
	e.nick = nick;
	e.address = p2p_multiaddr_text(p2p_stream_remote(l->s));
	show(l->chat, &e);
}

void
chat_show_message(struct chat_link *from, const char *text, size_t len)
{
	struct chat_event e = { .kind = CHAT_MESSAGE, .peer = from->name,
	    .to = "", .text = text, .len = len };
	char nick[CHAT_NICK_MAX + 1];
	struct chat *c = from->chat;
	bool first, good = admit(from, nick, &first);

	if (!good && !first)
		return;
	e.nick = nick;
	pthread_mutex_lock(&c->out);
	if (good)
		show(c, &e);
	else
		show_muted(from, nick);
	pthread_mutex_unlock(&c->out);
}

void
chat_show_ours(struct chat *c, const struct chat_message *m)
{
	struct chat_event e = { .kind = CHAT_MESSAGE, .peer = c->self,
	    .nick = c->nick, .to = m->to, .text = m->text, .len = m->len - 1,
	    .action = m->action, .ours = true };

	pthread_mutex_lock(&c->out);
	show(c, &e);
	pthread_mutex_unlock(&c->out);
}
