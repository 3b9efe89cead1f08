/*
 * The full screen: messages, who is here beside them when there is room (with
 * nobody, the invitation has all of it, to be copied), a status line, and the
 * line that is typed.  Everything is drawn anew when something has changed;
 * curses sends the difference.
 */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "chat.h"
#include "chat_edit.h"
#include "chat_scroll.h"
#include "term.h"
#include "tool.h"

#define SIDE		20	/* columns of peers, and a line beside them */
#define SIDE_FROM	60	/* columns of a screen that has them */
#define ROWS_MIN	3
#define COLUMNS_MIN	10
#define ESCAPE_MS	25
#define PROMPT		2	/* columns */
#define CONTROL(c)		((c) & 0x1f)

/* The main thread's, all of it. */
static struct {
	struct chat		*chat;
	SCREEN			*curses;
	struct chat_scroll	 scroll;
	struct chat_edit	 edit;
	unsigned		 up;	/* rows from the end of it */
	bool			 side;	/* somebody is here to be listed */
	bool			 colour;
} ui;

static unsigned
side_width(void)
{
	return ui.side && COLS >= SIDE_FROM ? SIDE : 0;
}
static unsigned
text_width(void)
{
	return (unsigned)COLS - side_width();
}
static unsigned
text_height(void)
{
	return LINES >= ROWS_MIN ? (unsigned)LINES - 2 : 1;
}

static attr_t
colour_of(const struct chat_entry *e, size_t at)
{
	if (at < e->who || at >= e->who_end || e->colour == 0)
		return A_NORMAL;
	return ui.colour ? (attr_t)COLOR_PAIR(e->colour) : A_BOLD;
}

/* Of one entry, all rows that are on the screen, the first of which is y. */
static void
draw_entry(const struct chat_entry *e, int y)
{
	size_t at = 0, end, next, i;
	const char *mark;

	do {
		end = chat_entry_row(e, at, text_width(), &mark, &next);
		if (y >= 0 && y < (int)text_height()) {
			attrset(A_NORMAL);
			mvaddstr(y, 0, mark);
			for (i = at; i < end; i++) {
				attrset(colour_of(e, i));
				addnwstr(&e->text[i], 1);
			}
		}
		y++;
		at = next;
	} while (at < e->len);
	attrset(A_NORMAL);
}

/* From the end upwards. */
static void
draw_messages(void)
{
	int y = (int)text_height() + (int)ui.up;
	const struct chat_entry *e;

	TAILQ_FOREACH_REVERSE(e, &ui.scroll.entries, chat_entries, next) {
		if (y <= 0)
			break;
		y -= (int)chat_scroll_rows(e, text_width());
		if (y < (int)text_height())
			draw_entry(e, y);
	}
}

/* At most so many columns, from text that is a name of the user's. */
static void
put_clipped(int y, int x, const char *text, unsigned columns)
{
	char *clean = chat_clean(text, strlen(text));
	wchar_t wide[CHAT_LABEL_MAX * 4];
	unsigned used = 0;
	size_t n, i;

	n = clean != NULL ? mbstowcs(wide, clean, sizeof(wide) /
	    sizeof(wide[0])) : 0;
	free(clean);
	if (n == (size_t)-1)
		return;
	if (n > sizeof(wide) / sizeof(wide[0]))
		n = sizeof(wide) / sizeof(wide[0]);
	for (i = 0; i < n; i++)
		if ((used += chat_scroll_width(wide[i])) > columns)
			break;
	mvaddnwstr(y, x, wide, (int)i);
}

static void
draw_side(void)
{
	char labels[64][CHAT_LABEL_MAX];
	struct chat *c = ui.chat;
	const struct chat_peer *p;
	int x = (int)text_width(), y;
	unsigned n = 0, shown = 0, rows = text_height();

	if (side_width() == 0)
		return;
	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next)
		if (p->links > 0 && n++ < 64 && shown < rows)
			chat_label(p->name, p->nick, labels[shown++]);
	pthread_mutex_unlock(&c->mtx);
	mvvline(0, x, ACS_VLINE, (int)rows);
	if (n > shown || n > rows)
		snprintf(labels[shown - 1], CHAT_LABEL_MAX, "and %u more",
		    n - shown + 1);
	for (y = 0; y < (int)shown; y++)
		put_clipped(y, x + 2, labels[y], SIDE - 2);
}

static void
draw_status(void)
{
	char text[2 * CHAT_LABEL_MAX + 128], label[CHAT_LABEL_MAX];
	unsigned missing = chat_call_missing(ui.chat);
	unsigned here = chat_peer_count(ui.chat);
	size_t kept, n;

	pthread_mutex_lock(&ui.chat->mtx);
	kept = ui.chat->kept.n;
	pthread_mutex_unlock(&ui.chat->mtx);
	n = (size_t)snprintf(text, sizeof(text), " peers %u", here);
	if (missing > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "  reconnecting %u", missing);
	if (kept > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "  kept %zu", kept);
	if (ui.up > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "  PgDn: %u more", ui.up);
	snprintf(text + n, sizeof(text) - n, "  %s", chat_label(ui.chat->self,
	    ui.chat->nick, label));
	attrset(A_REVERSE);
	mvhline(LINES - 2, 0, ' ', COLS);
	put_clipped(LINES - 2, 0, text, (unsigned)COLS);
	attrset(A_NORMAL);
}

/* The part of it that the cursor is in. */
static void
draw_edit(void)
{
	unsigned room = (unsigned)COLS - PROMPT - 1, used = 0;
	const struct chat_edit *e = &ui.edit;
	size_t from = e->at, to = e->at;
	int x;

	while (from > 0 && used + chat_scroll_width(e->text[from - 1]) <= room)
		used += chat_scroll_width(e->text[--from]);
	x = PROMPT + (int)used;
	while (to < e->len && used + chat_scroll_width(e->text[to]) <= room)
		used += chat_scroll_width(e->text[to++]);
	mvaddstr(LINES - 1, 0, from > 0 ? "< " : "> ");
	addnwstr(e->text + from, (int)(to - from));
	move(LINES - 1, x);
}

static void
draw_all(struct chat *c)
{
	ui.side = chat_peer_count(c) > 0;
	erase();
	if (LINES >= ROWS_MIN && COLS >= COLUMNS_MIN) {
		draw_messages();
		draw_side();
		draw_status();
		draw_edit();
	}
	refresh();
}

static void
add_event(struct chat *c, const struct chat_event *e)
{
	const struct chat_entry *added = NULL;
	struct chat_words w;

	(void)c;
	if (chat_words(e, &w))
		added = chat_scroll_add(&ui.scroll, &w);
	chat_words_free(&w);
	if (e->ours)
		ui.up = 0;
	else if (ui.up > 0 && added != NULL)
		ui.up += chat_scroll_rows(added, text_width());
}

/* As far as there is something to see. */
static void
scroll_by(int rows)
{
	const struct chat_entry *e;
	unsigned all = 0, height = text_height();
	int up = (int)ui.up + rows;

	TAILQ_FOREACH(e, &ui.scroll.entries, next)
		all += chat_scroll_rows(e, text_width());
	if (up > (int)all - (int)height)
		up = (int)all - (int)height;
	ui.up = up > 0 ? (unsigned)up : 0;
}

static void
clear_messages(struct chat *c)
{
	(void)c;
	chat_scroll_clear(&ui.scroll);
	ui.up = 0;
}

static void
take_size(void)
{
	struct winsize w;

	if (ioctl(1, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 && w.ws_col > 0)
		resizeterm(w.ws_row, w.ws_col);
	clearok(curscr, TRUE);
	scroll_by(0);
}

static void
told(struct chat *c, unsigned what)
{
	if ((what & CHAT_SUSPEND) != 0) {
		def_prog_mode();
		endwin();
		chat_term_stop();
	}
	if ((what & (CHAT_SUSPEND | CHAT_CONTINUED)) != 0) {
		reset_prog_mode();
		refresh();
	}
	take_size();
	draw_all(c);
}

static void
begin_colours(void)
{
	short i;

	ui.colour = term_has_colour(stdout) && has_colors() &&
	    start_color() == OK;
	if (!ui.colour)
		return;
	(void)use_default_colors();
	for (i = 0; i < CHAT_COLOURS; i++)
		init_pair((short)(i + 1), COLORS >= 256 ? chat_palette[i] :
		    chat_basic[i], -1);
}

static bool
begin(struct chat *c)
{
	char leave[128];

	ui.chat = c;
	chat_scroll_init(&ui.scroll);
	if (!chat_terminfo_leave(leave, sizeof(leave)) ||
	    !chat_term_save(c, leave))
		return false;
	if ((ui.curses = newterm(NULL, stdout, stdin)) == NULL) {
		chat_term_restore();
		return false;
	}
	(void)set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	begin_colours();
	draw_all(c);
	return true;
}

static void
end(struct chat *c)
{
	(void)c;
	endwin();
	chat_term_left();
	chat_term_restore();
	delscreen(ui.curses);
	chat_scroll_clear(&ui.scroll);
	chat_edit_free(&ui.edit);
}

static void
complete(void)
{
	char add[128], *before = chat_edit_text(&ui.edit, ui.edit.at);
	wchar_t wide[128];
	size_t n;

	if (before == NULL)
		return;
	chat_complete(ui.chat, before, strlen(before), add, sizeof(add));
	n = mbstowcs(wide, add, sizeof(wide) / sizeof(wide[0]));
	if (n != (size_t)-1)
		chat_edit_insert(&ui.edit, wide, n);
	free(before);
}

/* Enter; false: leave. */
static bool
take_line(void)
{
	char *text = chat_edit_text(&ui.edit, ui.edit.len);
	bool stay = true;

	chat_edit_take(&ui.edit);
	ui.up = 0;
	if (text != NULL)
		stay = chat_take_line(ui.chat, text, strlen(text));
	free(text);
	return stay;
}

static const struct {
	int			code;	/* of curses, or a control character */
	bool			key;
	enum chat_edit_op	op;
} edits[] = {
	{ KEY_LEFT, true, CHAT_EDIT_LEFT },
	{ CONTROL('b'), false, CHAT_EDIT_LEFT },
	{ KEY_RIGHT, true, CHAT_EDIT_RIGHT },
	{ CONTROL('f'), false, CHAT_EDIT_RIGHT },
	{ KEY_HOME, true, CHAT_EDIT_HOME },
	{ CONTROL('a'), false, CHAT_EDIT_HOME },
	{ KEY_END, true, CHAT_EDIT_END },
	{ CONTROL('e'), false, CHAT_EDIT_END },
	{ KEY_BACKSPACE, true, CHAT_EDIT_BACKSPACE },
	{ CONTROL('h'), false, CHAT_EDIT_BACKSPACE },
	{ 0x7f, false, CHAT_EDIT_BACKSPACE },
	{ KEY_DC, true, CHAT_EDIT_DELETE },
	{ CONTROL('d'), false, CHAT_EDIT_DELETE },
	{ CONTROL('w'), false, CHAT_EDIT_DELETE_WORD },
	{ CONTROL('u'), false, CHAT_EDIT_DELETE_HEAD },
	{ CONTROL('k'), false, CHAT_EDIT_DELETE_TAIL },
	{ KEY_UP, true, CHAT_EDIT_OLDER },
	{ CONTROL('p'), false, CHAT_EDIT_OLDER },
	{ KEY_DOWN, true, CHAT_EDIT_NEWER },
	{ CONTROL('n'), false, CHAT_EDIT_NEWER },
};

static void
edit_or_insert(wint_t c, bool is_key)
{
	wchar_t text = (wchar_t)c;
	size_t i;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
		if (edits[i].key == is_key && edits[i].code == (int)c) {
			chat_edit_do(&ui.edit, edits[i].op);
			return;
		}
	if (!is_key && wcwidth(text) >= 0 && c >= ' ')
		chat_edit_insert(&ui.edit, &text, 1);
}

/* One key; false: leave. */
static bool
take_key(wint_t c, bool is_key)
{
	int page = (int)text_height() - 1;

	if (is_key && c == KEY_PPAGE)
		scroll_by(page);
	else if (is_key && c == KEY_NPAGE)
		scroll_by(-page);
	else if (is_key ? c == KEY_ENTER : c == '\r' || c == '\n')
		return take_line();
	else if (!is_key && c == CONTROL('l'))
		clearok(curscr, TRUE);
	else if (!is_key && c == '\t')
		complete();
	else if (!is_key && c == CONTROL('d') && ui.edit.len == 0)
		return false;
	else
		edit_or_insert(c, is_key);
	return true;
}

/* All that can be read now; false: leave, or there is nobody any more. */
static bool
take_keys(void)
{
	int kind, ready = 0;
	bool any = false;
	wint_t c;

	(void)ioctl(0, FIONREAD, &ready);
	while (tool_signal() == 0 && (kind = get_wch(&c)) != ERR) {
		any = true;
		if (!take_key(c, kind == KEY_CODE_YES))
			return false;
		chat_drain(ui.chat);
	}
	draw_all(ui.chat);
	return any || ready > 0;
}

static void
input(struct chat *c)
{
	while (tool_signal() == 0) {
		if (chat_wait(c, -1, true) && !take_keys())
			break;
		draw_all(c);
	}
}

static const struct chat_front front = {
	.terminal = true,
	.commands = true,
	.begin = begin,
	.end = end,
	.draw = add_event,
	.drawn = draw_all,
	.told = told,
	.clear = clear_messages,
	.input = input,
};
const struct chat_front *const chat_screen = &front;
