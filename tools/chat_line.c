/*
 * A line editor with messages above it.  libedit asks for one character at a
 * time; while it waits, what comes is shown: the line that is being typed is
 * wiped, the text printed, and the line drawn again below.
 */
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "chat.h"
#include "chat_scroll.h"
#include "term.h"
#include "tool.h"

#define HISTORY		100	/* lines */
#define PROMPT		"> "

/* The main thread's, all of it. */
static struct {
	struct chat	*chat;
	EditLine	*el;
	History		*history;
	mbstate_t	 state;		/* of a character half read */
	bool		 reading;	/* libedit shows a line */
	bool		 wiped;		/* and we have taken it away */
	bool		 colour;
} line;

static char *
prompt(EditLine *el)
{
	static char text[] = PROMPT;

	(void)el;
	return text;
}

/* The row of the end of these wide characters, as libedit puts them. */
static unsigned
row_of(const wchar_t *p, const wchar_t *end)
{
	unsigned cols = chat_scroll_columns(1), row = 0;
	unsigned col = sizeof(PROMPT) - 1, w;
	int n;

	for (; p < end; p++) {
		if ((n = wcwidth(*p)) >= 0)
			w = (unsigned)n;
		else
			w = *p < ' ' || *p == 0x7f ? 2 : *p > 0xffff ? 8 : 7;
		if (col + w > cols) {
			row++;
			col = 0;
		}
		col += w;
	}
	return row + (col == cols);
}

/* The cursor goes to where the prompt begins; all from there is gone. */
static void
wipe_from(unsigned row)
{
	if (row > 0)
		printf("\033[%uA", row);
	fputs("\r\033[J", stdout);
}

static void
wipe(void)
{
	const LineInfoW *info;

	if (!line.reading || line.wiped)
		return;
	info = el_wline(line.el);
	wipe_from(row_of(info->buffer, info->cursor));
	line.wiped = true;
}

static void
redraw(void)
{
	fflush(stdout);
	if (line.reading && line.wiped)
		el_set(line.el, EL_REFRESH);
	line.wiped = false;
}

static void
draw(struct chat *c, const struct chat_event *e)
{
	struct chat_words w;

	(void)c;
	wipe();
	if (chat_words(e, &w)) {
		if (e->kind != CHAT_MESSAGE)
			w.time[0] = '\0';
		chat_scroll_print(stdout, &w, chat_scroll_columns(1),
		    line.colour, "\r\n");
	}
	chat_words_free(&w);
}

static void
drawn(struct chat *c)
{
	(void)c;
	redraw();
}

static void
clear(struct chat *c)
{
	(void)c;
	fputs("\033[H\033[2J", stdout);
	fflush(stdout);
}

/* After a stop the line is drawn anew, below what the shell has written. */
static void
told(struct chat *c, unsigned what)
{
	(void)c;
	if ((what & CHAT_SUSPEND) != 0) {
		wipe();
		fflush(stdout);
		el_set(line.el, EL_PREP_TERM, 0);
		chat_term_stop();
	}
	if ((what & (CHAT_SUSPEND | CHAT_CONTINUED)) != 0) {
		/* It believes that nobody else has changed it. */
		el_set(line.el, EL_PREP_TERM, 0);
		el_set(line.el, EL_PREP_TERM, 1);
		wipe_from(0);
		line.wiped = line.reading;
	}
	if ((what & CHAT_RESIZED) != 0) {
		wipe();
		el_resize(line.el);
	}
	redraw();
}

/* A character, 1; or 0 at the end, or when it is time to end. */
static int
get_char(EditLine *el, wchar_t *out)
{
	char byte;
	ssize_t n;
	size_t len;

	(void)el;
	for (;;) {
		while (!chat_wait(line.chat, -1, true))
			if (tool_signal() != 0)
				return 0;
		if ((n = read(0, &byte, 1)) == -1 && errno == EINTR)
			continue;
		if (n != 1)
			return 0;
		len = mbrtowc(out, &byte, 1, &line.state);
		if (len <= 1)
			return 1;
		/* In part, or none at all: that is left out. */
		if (len == (size_t)-1)
			line.state = (mbstate_t){ 0 };
	}
}

/* Tab. */
static unsigned char
complete(EditLine *el, int key)
{
	const LineInfo *info = el_line(el);
	char add[128];

	(void)key;
	chat_complete(line.chat, info->buffer,
	    (size_t)(info->cursor - info->buffer), add, sizeof(add));
	chat_drain(line.chat);
	if (add[0] == '\0' || el_insertstr(el, add) == -1)
		return CC_REFRESH;
	return CC_REFRESH;
}

static bool
begin(struct chat *c)
{
	HistEvent ev;

	if (!chat_term_save(c, "\r\n"))
		return false;
	line.chat = c;
	line.colour = term_has_colour(stdout);
	line.el = el_init(tool_name, stdin, stdout, stderr);
	line.history = history_init();
	if (line.el == NULL || line.history == NULL)
		return false;
	history(line.history, &ev, H_SETSIZE, HISTORY);
	history(line.history, &ev, H_SETUNIQUE, 1);
	el_set(line.el, EL_HIST, history, line.history);
	el_set(line.el, EL_PROMPT, prompt);
	el_set(line.el, EL_EDITOR, "emacs");
	el_set(line.el, EL_SIGNAL, 0);
	el_wset(line.el, EL_GETCFN, get_char);
	el_set(line.el, EL_ADDFN, "p2p-complete", "complete a word", complete);
	el_set(line.el, EL_BIND, "^I", "p2p-complete", NULL);
	(void)el_source(line.el, NULL);
	return true;
}

static void
end(struct chat *c)
{
	(void)c;
	line.reading = false;
	if (line.el != NULL)
		el_end(line.el);
	if (line.history != NULL)
		history_end(line.history);
	line.el = NULL;
	line.history = NULL;
	fflush(stdout);
	chat_term_left();
	chat_term_restore();
}

/* One line; NULL at the end.  What was typed is wiped: it is said, or not. */
static const char *
read_line(int *len)
{
	const LineInfoW *info;
	const char *text;

	line.reading = true;
	line.wiped = false;
	text = el_gets(line.el, len);
	line.reading = false;
	info = el_wline(line.el);
	if (text == NULL || *len <= 0) {
		wipe_from(row_of(info->buffer, info->cursor));
		return NULL;
	}
	wipe_from(row_of(info->buffer, info->lastchar - 1) + 1);
	fflush(stdout);
	return text;
}

static void
input(struct chat *c)
{
	const char *text;
	HistEvent ev;
	int len;

	while (tool_signal() == 0 && (text = read_line(&len)) != NULL) {
		if (text[len - 1] == '\n')
			len--;
		if (len > 0)
			history(line.history, &ev, H_ENTER, text);
		if (!chat_take_line(c, text, (size_t)len))
			break;
		chat_drain(c);
	}
}

static const struct chat_front front = {
	.terminal = true,
	.commands = true,
	.begin = begin,
	.end = end,
	.draw = draw,
	.drawn = drawn,
	.told = told,
	.clear = clear,
	.input = input,
};
const struct chat_front *const chat_line = &front;
