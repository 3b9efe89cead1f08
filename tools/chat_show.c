/*
 * What the user sees: events, lines between tabs, or lines for a terminal.
 * Peers' text is cleaned for the latter two; JSON carries all of it.
 */
#include "chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "p2p/text.h"
#include "tool.h"

#define TAIL		6	/* characters of a peer id that are shown */
#define NICK_COLUMNS	32

const char *
chat_tail(const char *peer)
{
	size_t n = strlen(peer);

	return n > TAIL ? peer + n - TAIL : peer;
}

bool
chat_nick(struct chat *c, const char *name)
{
	char clean[3 * CHAT_NICK_MAX + 1];
	size_t len = strlen(name);

	if (len == 0 || len > CHAT_NICK_MAX || name[0] == ' ' ||
	    name[len - 1] == ' ')
		return false;
	p2p_text_clean(clean, sizeof(clean), name, len, 0);
	if (strcmp(clean, name) != 0 || p2p_text_width(name) > NICK_COLUMNS)
		return false;
	pthread_mutex_lock(&c->out);
	memcpy(c->nick, name, len + 1);
	pthread_mutex_unlock(&c->out);
	return true;
}

/* Talk; out is held. */
static void
notice(const char *text)
{
	if (tool_json) {
		json_begin("notice");
		json_text("text", text);
		json_end();
		return;
	}
	flockfile(stderr);
	fputs("-!- ", stderr);
	tool_put(stderr, text, strlen(text));
	putc('\n', stderr);
	funlockfile(stderr);
}

void
chat_notice(struct chat *c, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	pthread_mutex_lock(&c->out);
	notice(text);
	pthread_mutex_unlock(&c->out);
}

void
chat_show_peer(const struct chat_link *l, bool here, int reason)
{
	char text[256];

	if (!tool_json) {
		snprintf(text, sizeof(text), "%s %s%s%s", chat_tail(l->name),
		    here ? "has joined" : "has left", reason != 0 ? ": " : "",
		    reason != 0 ? p2p_strerror(reason) : "");
		notice(text);
		return;
	}
	json_begin(here ? "joined" : "left");
	json_text("peer", l->name);
	if (here) {
		json_text("nick", chat_tail(l->name));
		json_text("address",
		    p2p_multiaddr_text(p2p_stream_remote(l->s)));
	} else {
		json_text("reason", p2p_error_name(reason));
	}
	json_end();
}

static void
show_line(struct chat *c, const char *peer, const char *nick,
    const char *text, size_t len)
{
	time_t now = time(NULL);
	char when[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(when, sizeof(when), c->pipe ? "%H:%M:%S" : "%H:%M", &tm);
	if (c->pipe)
		printf("%s\t%s\t%s\t", when, peer, nick);
	else
		printf("%s <%s> ", when, nick);
	tool_put(stdout, text, len);
	putchar('\n');
	tool_flush();
}

void
chat_show_message(struct chat *c, const struct chat_link *from,
    const char *text, size_t len)
{
	const char *peer = from != NULL ? from->name : c->self, *nick;

	pthread_mutex_lock(&c->out);
	nick = from == NULL && c->nick[0] != '\0' ? c->nick : chat_tail(peer);
	if (tool_json) {
		json_begin("message");
		json_text("peer", peer);
		json_text("nick", nick);
		json_bytes("text", text, len);
		json_text("direction", from != NULL ? "in" : "out");
		json_end();
	} else if (from != NULL || !c->pipe) {
		show_line(c, peer, nick, text, len);
	}
	pthread_mutex_unlock(&c->out);
}
