/*
 * What the user says: messages and commands, at the pace of the slowest peer
 * that keeps up.  Everything here is the main thread's.
 */
#include "chat.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "tool.h"

#define ROOM_S		2	/* to take half of a full queue: 64 kB/s */
#define FLUSH_S		10	/* at the end, for what is queued */
#define FLUSH_SIGNAL_S	2	/* the same after a signal */
#define GOODBYE_S	1	/* for peers that do not end their half */

/*
 * Wait for until, or less: for input (then true), a signal, news of a link.
 * When nobody reads stdout any more the program is over.
 */
static bool
wait_for(struct chat *c, double until, bool input)
{
	struct pollfd p[4] = { { .fd = c->wake[0], .events = POLLIN },
	    { .fd = tool_signal() != 0 ? -1 : tool_signal_fd(),
	    .events = POLLIN }, { .fd = 1 },
	    { .fd = input ? 0 : -1, .events = POLLIN } };
	double left = until - tool_now();
	char buf[64];
	int n;

	n = poll(p, 4, until < 0 ? -1 : left <= 0 ? 0 :
	    (int)(left * 1000) + 1);
	if (n > 0 && (p[2].revents & POLLERR) != 0) {
		tool_say("standard output", p2p_strerror(-EPIPE), NULL);
		_exit(TOOL_FAILED);
	}
	while (n > 0 && p[0].revents != 0 &&
	    read(c->wake[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
	chat_report(c);
	return n > 0 && p[3].revents != 0;
}

/* Nobody is there and enough is kept: a first peer has this long to come. */
static void
wait_for_first(struct chat *c, double seconds)
{
	double until = tool_now() + seconds;
	bool waiting = true;

	while (waiting && tool_signal() == 0) {
		pthread_mutex_lock(&c->mtx);
		waiting = c->kept.n > 0 && c->patient;
		if (waiting && tool_now() >= until)
			c->patient = waiting = false;
		pthread_mutex_unlock(&c->mtx);
		if (waiting)
			(void)wait_for(c, until, false);
	}
}

/* Before a message: a peer that does not keep up is no peer for long. */
static void
make_room(struct chat *c)
{
	double until = tool_now() + ROOM_S;

	if (!chat_is_full(c))
		return;
	while (chat_is_behind(c) && tool_now() < until && tool_signal() == 0)
		(void)wait_for(c, until, false);
	if (tool_signal() == 0)
		chat_drop_slow(c);
	if (chat_is_full(c))
		wait_for_first(c, c->linger);
}

static void
list_peers(struct chat *c)
{
	struct { char name[P2P_PEER_ID_TEXT_MAX], address[160]; } *list;
	const struct chat_link *l;
	size_t n = 0, i;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		n++;
	list = calloc(n + 1, sizeof(*list));
	n = 0;
	TAILQ_FOREACH(l, &c->links, next) {
		if (list == NULL || l->ending || l->error != 0)
			continue;
		memcpy(list[n].name, l->name, sizeof(l->name));
		snprintf(list[n++].address, sizeof(list[0].address), "%s",
		    p2p_multiaddr_text(p2p_stream_remote(l->s)));
	}
	pthread_mutex_unlock(&c->mtx);
	for (i = 0; i < n; i++)
		chat_notice(c, "%s %s %s", chat_tail(list[i].name),
		    list[i].name, list[i].address);
	if (n == 0)
		chat_notice(c, "nobody is here");
	free(list);
}

/* The commands: each with what follows its name, which may be empty. */
static bool
do_help(struct chat *c, const char *arg)
{
	(void)arg;
	chat_notice(c, "/help            this list");
	chat_notice(c, "/peers           who is here");
	chat_notice(c, "/connect MADDR   talk to that peer too");
	chat_notice(c, "/nick NAME       your name, on your own screen");
	chat_notice(c, "/quit            leave");
	chat_notice(c, "//text           say /text");
	return true;
}

static bool
do_peers(struct chat *c, const char *arg)
{
	(void)arg;
	list_peers(c);
	return true;
}

static bool
do_connect(struct chat *c, const char *arg)
{
	if (arg[0] != '\0')
		chat_call(c, arg);
	else
		chat_notice(c, "/connect wants an address");
	return true;
}

static bool
do_nick(struct chat *c, const char *arg)
{
	if (chat_nick(c, arg))
		chat_notice(c, "you are %s now", arg);
	else
		chat_notice(c, "a nick is 1 to 32 printable columns");
	return true;
}

static bool
do_quit(struct chat *c, const char *arg)
{
	(void)c;
	(void)arg;
	return false;
}

static const struct {
	const char	*name;
	bool		(*run)(struct chat *c, const char *arg);
} commands[] = {
	{ "/help", do_help }, { "/peers", do_peers },
	{ "/connect", do_connect }, { "/nick", do_nick }, { "/quit", do_quit },
};

/* A command, whose text may hold anything; false: leave. */
static bool
command(struct chat *c, const char *line, size_t len)
{
	char text[CHAT_LINE_MAX + 1], *name, *rest;
	size_t i;

	while (len > 1 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	memcpy(text, line, len);
	text[len] = '\0';
	name = strtok_r(text, " \t", &rest);
	rest += strspn(rest, " \t");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(c, rest);
	chat_notice(c, "no such command: %.40s; /help lists them, and / before "
	    "it says it", name);
	return true;
}

/* A line of the user's; false: leave. */
static bool
take_line(struct chat *c, const char *line, size_t len)
{
	bool slash = !c->pipe && len > 0 && line[0] == '/';

	if (len == 0)
		return true;
	if (slash && (len == 1 || line[1] != '/'))
		return command(c, line, len);
	make_room(c);
	chat_say(c, line + slash, len - slash);
	return true;
}

static void
refuse_line(struct chat *c)
{
	pthread_mutex_lock(&c->mtx);
	c->lost = true;
	pthread_mutex_unlock(&c->mtx);
	chat_notice(c, "not sent: a message has at most %d bytes",
	    CHAT_LINE_MAX);
}

/* Whole lines of what was read; false: leave. */
static bool
take_lines(struct chat *c, struct chat_lines *lines, bool *skip, bool end)
{
	const char *line;
	bool whole;
	ssize_t len;

	while (tool_signal() == 0 &&
	    (len = chat_lines_next(lines, end, &line, &whole)) >= 0) {
		if (!whole && !*skip)
			refuse_line(c);
		if (whole && !*skip && !take_line(c, line, (size_t)len))
			return false;
		*skip = !whole;
	}
	return tool_signal() == 0;
}

/* In a pipe, those we call are to get the first line too. */
static void
wait_for_calls(struct chat *c)
{
	double until = tool_now() + c->linger;
	bool calling = c->pipe;

	while (calling && tool_signal() == 0 && tool_now() < until) {
		pthread_mutex_lock(&c->mtx);
		calling = c->calling > 0;
		pthread_mutex_unlock(&c->mtx);
		if (calling)
			(void)wait_for(c, until, false);
	}
}

void
chat_input(struct chat *c)
{
	struct chat_lines lines = { .have = 0 };
	bool skip = false;
	size_t cap;
	ssize_t n;
	char *p;

	wait_for_calls(c);
	while (tool_signal() == 0) {
		if (!wait_for(c, -1, true))
			continue;
		p = chat_lines_space(&lines, &cap);
		if ((n = read(0, p, cap)) == -1 && errno == EINTR)
			continue;
		lines.have += n > 0 ? (size_t)n : 0;
		if (!take_lines(c, &lines, &skip, n <= 0) || n <= 0)
			break;
	}
}

static bool
is_unsettled(struct chat *c)
{
	bool yes;

	pthread_mutex_lock(&c->mtx);
	yes = !TAILQ_EMPTY(&c->said);
	pthread_mutex_unlock(&c->mtx);
	return yes;
}

static bool
is_anyone_here(struct chat *c)
{
	bool yes;

	pthread_mutex_lock(&c->mtx);
	yes = !TAILQ_EMPTY(&c->links);
	pthread_mutex_unlock(&c->mtx);
	return yes;
}

void
chat_finish(struct chat *c)
{
	double until;

	wait_for_first(c, c->linger);
	chat_drop_kept(c);
	chat_end(c);
	chat_report(c);
	until = tool_now() + (tool_signal() != 0 ? FLUSH_SIGNAL_S : FLUSH_S);
	while (is_unsettled(c) && tool_now() < until)
		(void)wait_for(c, until, false);
	until = tool_now() + GOODBYE_S;
	while (is_anyone_here(c) && tool_now() < until)
		(void)wait_for(c, until, false);
}
