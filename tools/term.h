/*
 * tools/term.h -- colours, which only emphasise.
 *
 * --color, then NO_COLOR, then CLICOLOR_FORCE and FORCE_COLOR, then whether it
 * is a terminal that knows them; never with --json.
 */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stdio.h>

enum term_colour { TERM_RED, TERM_GREEN, TERM_YELLOW };

/* auto, always or never; false: no such word.  Without a call: never. */
bool	term_option(const char *when);

bool	term_has_colour(FILE *f);

/* From now on in that colour, and in none. */
void	term_colour(FILE *f, enum term_colour c);
void	term_plain(FILE *f);

/* TERM names none, or one that can do no more than lines. */
bool	term_is_dumb(void);
/* Whether what is written there may be erased again. */
bool	term_can_erase(FILE *f);

#endif
