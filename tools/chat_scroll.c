#include "chat_scroll.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "chat.h"

#define MARK	"  | "	/* before what continues a message */

void
chat_scroll_init(struct chat_scroll *s)
{
	TAILQ_INIT(&s->entries);
	s->n = s->bytes = 0;
}

static size_t
size_of(const struct chat_entry *e)
{
	return sizeof(*e) + e->len * sizeof(*e->text);
}

static void
drop_oldest(struct chat_scroll *s)
{
	struct chat_entry *e = TAILQ_FIRST(&s->entries);

	TAILQ_REMOVE(&s->entries, e, next);
	s->n--;
	s->bytes -= size_of(e);
	free(e);
}

/*
 * Cleaned text, to wide characters.  What the C library cannot tell the width
 * of would be shown as an escape by curses: a mark stands for it.
 */
static void
put(struct chat_entry *e, const char *text)
{
	mbstate_t state = { 0 };
	size_t n;
	wchar_t c;

	for (; *text != '\0'; text += n) {
		n = mbrtowc(&c, text, strlen(text), &state);
		if (n == 0 || n > MB_LEN_MAX) {
			state = (mbstate_t){ 0 };
			n = 1;
			c = L'?';
		}
		e->text[e->len++] = wcwidth(c) < 0 ? L'?' : c;
	}
}

static struct chat_entry *
new_entry(const struct chat_words *w)
{
	size_t most = strlen(w->time) + strlen(w->who) + strlen(w->text) + 3;
	struct chat_entry *e = malloc(sizeof(*e) + most * sizeof(*e->text));

	if (e == NULL)
		return NULL;
	*e = (struct chat_entry){ .colour = w->colour, .copied = w->copied };
	put(e, w->time);
	if (w->time[0] != '\0')
		put(e, " ");
	e->who = e->len;
	put(e, w->who);
	e->who_end = e->len;
	put(e, " ");
	put(e, w->text);
	return e;
}

const struct chat_entry *
chat_scroll_add(struct chat_scroll *s, const struct chat_words *w)
{
	struct chat_entry *e = new_entry(w);

	if (e == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&s->entries, e, next);
	s->n++;
	s->bytes += size_of(e);
	while (s->n > 1 && (s->n > CHAT_SCROLL_LINES ||
	    s->bytes > CHAT_SCROLL_BYTES))
		drop_oldest(s);
	return e;
}

void
chat_scroll_clear(struct chat_scroll *s)
{
	while (!TAILQ_EMPTY(&s->entries))
		drop_oldest(s);
}

unsigned
chat_scroll_width(wchar_t c)
{
	int n = wcwidth(c);

	return n > 0 ? (unsigned)n : 0;
}

size_t
chat_scroll_row(const wchar_t *text, size_t len, size_t from,
    unsigned columns, size_t *next)
{
	size_t i = from, space = 0;
	unsigned col = 0, w;

	for (; i < len; i++) {
		w = chat_scroll_width(text[i]);
		if (col + w > columns && i > from)
			break;
		if (text[i] == L' ')
			space = i;
		col += w;
	}
	if (i == len || text[i] == L' ') {
		*next = i + (i < len);
		return i;
	}
	/* Not for a word that fills half a row. */
	if (space > from + (i - from) / 2) {
		*next = space + 1;
		return space;
	}
	*next = i;
	return i;
}

size_t
chat_entry_row(const struct chat_entry *e, size_t from, unsigned columns,
    const char **mark, size_t *next)
{
	unsigned width = sizeof(MARK) - 1;

	*mark = "";
	/* One wide character has to fit beside it. */
	if (from > 0 && !e->copied && columns >= width + 2) {
		*mark = MARK;
		columns -= width;
	}
	return chat_scroll_row(e->text, e->len, from, columns, next);
}

unsigned
chat_scroll_rows(const struct chat_entry *e, unsigned columns)
{
	const char *mark;
	unsigned n = 0;
	size_t at = 0;

	do {
		(void)chat_entry_row(e, at, columns, &mark, &at);
		n++;
	} while (at < e->len);
	return n;
}

unsigned
chat_scroll_columns(int fd)
{
	struct winsize w;

	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

static void
print_row(FILE *to, const struct chat_entry *e, size_t at, size_t end,
    bool colour)
{
	mbstate_t state = { 0 };
	char bytes[MB_LEN_MAX];
	size_t n;

	for (; at < end; at++) {
		if (colour && at == e->who)
			fprintf(to, "\033[3%um", chat_basic[e->colour - 1]);
		if (colour && at == e->who_end)
			fputs("\033[0m", to);
		n = wcrtomb(bytes, e->text[at], &state);
		if (n != (size_t)-1)
			fwrite(bytes, 1, n, to);
	}
}

void
chat_scroll_print(FILE *to, const struct chat_words *w, unsigned columns,
    bool colour, const char *end)
{
	struct chat_entry *e = new_entry(w);
	size_t at = 0, next, stop;
	const char *mark;

	if (e == NULL)
		return;
	/* The terminal breaks it, and knows that it is one line. */
	if (e->copied)
		columns = UINT_MAX;
	do {
		stop = chat_entry_row(e, at, columns, &mark, &next);
		fputs(mark, to);
		print_row(to, e, at, stop, colour && e->colour != 0);
		fputs(end, to);
		at = next;
	} while (at < e->len);
	free(e);
}
