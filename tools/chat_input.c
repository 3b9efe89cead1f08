/*
 * What the user says, at the pace of the slowest peer that keeps up; and what
 * the main thread waits for.  Everything here is the main thread's.
 */
#include "chat.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "guard.h"
#include "p2p/error.h"
#include "tool.h"

#define ROOM_S		2	/* to take half of a full queue: 64 kB/s */
#define FLUSH_S		10	/* at the end, for what is queued */
#define FLUSH_SIGNAL_S	2	/* the same after a signal */
#define GOODBYE_S	1	/* for peers that do not end their half */
#define TICK_S		1	/* while something may become too old */

/* What time alone brings; when to look again at the latest, or -1. */
static double
tick(struct chat *c)
{
	double now = tool_now();
	unsigned n;
	bool more;

	if ((n = chat_drop_old(c, now)) > 0)
		chat_notice(c, "nobody joined within %.0f s: %u %s dropped",
		    chat_kept_s(c), n,
		    n == 1 ? "message was" : "messages were");
	chat_peer_tick(c);
	pthread_mutex_lock(&c->mtx);
	more = c->muted > 0 || (c->kept.n > 0 && c->front->commands);
	pthread_mutex_unlock(&c->mtx);
	return more ? now + TICK_S : -1;
}

/* When nobody reads stdout any more the program is over. */
bool
chat_wait(struct chat *c, double until, bool input)
{
	struct pollfd p[4] = { { .fd = c->wake[0], .events = POLLIN },
	    { .fd = c->leaving ? -1 : tool_signal_fd(), .events = POLLIN },
	    { .fd = 1 }, { .fd = input ? 0 : -1, .events = POLLIN } };
	double next = tick(c), left;
	unsigned told;
	char buf[64];
	int n;

	chat_drain(c);
	if (next < 0 || (until >= 0 && until < next))
		next = until;
	left = next - tool_now();
	pthread_mutex_unlock(&c->turn);
	n = poll(p, 4, next < 0 ? -1 : left <= 0 ? 0 :
	    (int)(left * 1000) + 1);
	pthread_mutex_lock(&c->turn);
	if (n > 0 && (p[2].revents & POLLERR) != 0) {
		chat_term_restore();
		guard_hung_up();
	}
	while (n > 0 && p[0].revents != 0 &&
	    read(c->wake[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
	if ((told = chat_term_told()) != 0 && c->front->told != NULL)
		c->front->told(c, told);
	chat_report(c);
	chat_drain(c);
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
			(void)chat_wait(c, until, false);
	}
}

void
chat_make_room(struct chat *c)
{
	double until = tool_now() + ROOM_S;

	if (!chat_is_full(c))
		return;
	while (chat_is_behind(c) && tool_now() < until && tool_signal() == 0)
		(void)chat_wait(c, until, false);
	if (tool_signal() == 0)
		chat_drop_slow(c);
	if (chat_is_full(c))
		wait_for_first(c, c->linger);
}

static void
refuse_line(struct chat *c)
{
	pthread_mutex_lock(&c->mtx);
	c->refused = true;
	pthread_mutex_unlock(&c->mtx);
	chat_notice(c, "not sent: a message has at most %d bytes",
	    CHAT_LINE_MAX);
}

bool
chat_take_line(struct chat *c, const char *line, size_t len)
{
	bool slash = c->front->commands && len > 0 && line[0] == '/';

	if (len == 0)
		return true;
	if (len > CHAT_LINE_MAX) {
		refuse_line(c);
		return true;
	}
	if (slash && (len == 1 || line[1] != '/'))
		return chat_command(c, line, len);
	chat_make_room(c);
	chat_say(c, line + slash, len - slash, 0);
	return true;
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
		if (whole && !*skip && !chat_take_line(c, line, (size_t)len))
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
	bool calling = c->front == &chat_pipe;

	while (calling && tool_signal() == 0 && tool_now() < until) {
		pthread_mutex_lock(&c->mtx);
		calling = c->calling > 0;
		pthread_mutex_unlock(&c->mtx);
		if (calling)
			(void)chat_wait(c, until, false);
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
		if (!chat_wait(c, -1, true))
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

	/* Who sits there has said that it is the end. */
	if (!c->front->terminal)
		wait_for_first(c, c->linger);
	c->leaving = true;
	chat_drop_kept(c);
	chat_end(c);
	chat_report(c);
	until = tool_now() + (tool_signal() != 0 ? FLUSH_SIGNAL_S : FLUSH_S);
	while (is_unsettled(c) && tool_now() < until)
		(void)chat_wait(c, until, false);
	until = tool_now() + GOODBYE_S;
	while (is_anyone_here(c) && tool_now() < until)
		(void)chat_wait(c, until, false);
}
