/*
 * What the terminal's description says.  A file of its own: term.h takes names
 * like "columns" for itself.
 */
#define NCURSES_WIDECHAR 1
#include "chat_scroll.h"

#include <curses.h>
#include <string.h>
#include <term.h>

static const char *
string(const char *name)
{
	const char *s = tigetstr(name);

	return s != (const char *)-1 ? s : NULL;
}

bool
chat_terminfo_leave(char *out, size_t cap)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	size_t i, n = 0;
	const char *s;
	int e;

	out[0] = '\0';
	if (setupterm(NULL, 1, &e) != OK || string("cup") == NULL)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((s = string(names[i])) != NULL && n + strlen(s) < cap) {
			memcpy(out + n, s, strlen(s) + 1);
			n += strlen(s);
		}
	return true;
}
