/*
 * The fronts that any thread may print to: a pipe, JSON, and a terminal that
 * can do no more than lines.  Peers' text is cleaned but for JSON, which
 * carries all of it.
 */
#include <stdio.h>
#include <string.h>

#include "chat.h"
#include "chat_scroll.h"
#include "json.h"
#include "p2p/error.h"
#include "tool.h"

static const char *
nick_of(const struct chat_event *e)
{
	return e->nick[0] != '\0' ? e->nick : chat_tail(e->peer);
}

/*
 * Talk is on stderr, and only on a terminal are there rows of so many columns
 * (0: no end).
 */
static void
show_words(const struct chat_event *e, FILE *out, unsigned columns)
{
	struct chat_words w;

	if (chat_words(e, &w)) {
		if (e->kind != CHAT_MESSAGE)
			w.time[0] = '\0';
		flockfile(out);
		if (columns > 0)
			chat_scroll_print(out, &w, columns, false, "\n");
		else
			fprintf(out, "%s %s\n", w.who, w.text);
		funlockfile(out);
	}
	chat_words_free(&w);
}

static void
show_pipe(struct chat *c, const struct chat_event *e)
{
	char when[16];
	struct tm tm;

	(void)c;
	if (e->kind != CHAT_MESSAGE) {
		show_words(e, stderr, 0);
		return;
	}
	if (e->ours)
		return;
	localtime_r(&e->at, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	printf("%s\t%s\t%s\t", when, e->peer, nick_of(e));
	tool_put(stdout, e->text, e->len);
	putchar('\n');
	tool_flush();
}

static void
show_json(struct chat *c, const struct chat_event *e)
{
	static const char *const names[] = { [CHAT_NOTICE] = "notice",
	    [CHAT_INVITE] = "listening", [CHAT_JOINED] = "joined",
	    [CHAT_LEFT] = "left", [CHAT_MESSAGE] = "message" };

	(void)c;
	json_begin(names[e->kind]);
	if (e->peer != NULL)
		json_text("peer", e->peer);
	if (e->kind == CHAT_JOINED || e->kind == CHAT_MESSAGE)
		json_text("nick", nick_of(e));
	if (e->kind == CHAT_JOINED)
		json_text("address", e->address);
	if (e->kind == CHAT_LEFT)
		json_text("reason", p2p_error_name(e->reason));
	if (e->text != NULL)
		json_bytes(e->kind == CHAT_INVITE ? "address" : "text",
		    e->text, e->len);
	if (e->kind == CHAT_MESSAGE)
		json_text("direction", e->ours ? "out" : "in");
	if (e->kind == CHAT_MESSAGE && e->to[0] != '\0')
		json_text("to", e->to);
	json_end();
}

static void
show_plain(struct chat *c, const struct chat_event *e)
{
	(void)c;
	if (e->kind != CHAT_MESSAGE) {
		show_words(e, stderr, chat_scroll_columns(1));
		return;
	}
	show_words(e, stdout, chat_scroll_columns(1));
	tool_flush();
}

const struct chat_front chat_pipe = {
	.show = show_pipe,
	.input = chat_input,
};
const struct chat_front chat_json = {
	.commands = true,
	.show = show_json,
	.input = chat_input,
};
const struct chat_front chat_plain = {
	.terminal = true,
	.commands = true,
	.show = show_plain,
	.input = chat_input,
};
