/*
 * tools/chat_scroll.h -- what has been said, for the full screen to look back
 * at: CHAT_SCROLL_LINES entries or CHAT_SCROLL_BYTES of them; and the rows that
 * messages become.  One thread.
 */
#ifndef TOOLS_CHAT_SCROLL_H
#define TOOLS_CHAT_SCROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/queue.h>
#include <wchar.h>

#define CHAT_SCROLL_LINES	2000
#define CHAT_SCROLL_BYTES	(4 * 1024 * 1024)

struct chat_words;

struct chat_entry {
	TAILQ_ENTRY(chat_entry)	 next;
	int			 colour;	/* of who, 0: none */
	bool			 copied;	/* by the reader: bare rows */
	size_t			 who, who_end;	/* in text */
	size_t			 len;
	wchar_t			 text[];
};

struct chat_scroll {
	TAILQ_HEAD(chat_entries, chat_entry) entries;	/* the newest last */
	size_t			 n, bytes;
};

void	chat_scroll_init(struct chat_scroll *s);
/* Add words; NULL, or the entry that was made. */
const struct chat_entry	*chat_scroll_add(struct chat_scroll *s,
			    const struct chat_words *w);
void	chat_scroll_clear(struct chat_scroll *s);

/*
 * Where the row ends that begins at from, in columns cells: between words where
 * that can be; and where the next begins, in *next.  A row has at least one
 * character.
 */
size_t	chat_scroll_row(const wchar_t *text, size_t len, size_t from,
	    unsigned columns, size_t *next);
/*
 * The same of an entry.  Its rows but the first begin with *mark, "" for none:
 * what a peer says begins no row, so none of it looks like another's message.
 */
size_t	chat_entry_row(const struct chat_entry *e, size_t from,
	    unsigned columns, const char **mark, size_t *next);
unsigned	chat_scroll_rows(const struct chat_entry *e,
		    unsigned columns);
/* All rows to a terminal, each with end after it. */
void	chat_scroll_print(FILE *to, const struct chat_words *w,
	    unsigned columns, bool colour, const char *end);
/* The columns of a terminal. */
unsigned	chat_scroll_columns(int fd);
/* The cells of a character; one that has none of its own has 0. */
unsigned	chat_scroll_width(wchar_t c);

/*
 * chat_terminfo.c: what leaves the full screen when there is no time for curses
 * to do it.  false: the terminal is not one to draw on.
 */
bool	chat_terminfo_leave(char *out, size_t cap);

#endif
