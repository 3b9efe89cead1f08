#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static enum { NEVER, AUTO, ALWAYS } when;

bool
term_option(const char *text)
{
	if (strcmp(text, "auto") == 0)
		when = AUTO;
	else if (strcmp(text, "always") == 0)
		when = ALWAYS;
	else if (strcmp(text, "never") == 0)
		when = NEVER;
	else
		return false;
	return true;
}

static bool
is_set(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0';
}

/* Zero means no, as programs have it that force colours. */
static bool
is_forced(const char *name)
{
	return is_set(name) && strcmp(getenv(name), "0") != 0;
}

bool
term_is_dumb(void)
{
	return !is_set("TERM") || strcmp(getenv("TERM"), "dumb") == 0;
}

bool
term_can_erase(FILE *f)
{
	return isatty(fileno(f)) && !term_is_dumb();
}

bool
term_has_colour(FILE *f)
{
	if (tool_json || when == NEVER)
		return false;
	if (when == ALWAYS)
		return true;
	if (is_set("NO_COLOR"))
		return false;
	return is_forced("CLICOLOR_FORCE") || is_forced("FORCE_COLOR") ||
	    (term_can_erase(f) && strncmp(getenv("TERM"), "vt", 2) != 0);
}

void
term_colour(FILE *f, enum term_colour c)
{
	static const char *const codes[] = { "31", "32", "33" };

	if (term_has_colour(f))
		fprintf(f, "\033[%sm", codes[c]);
}

void
term_plain(FILE *f)
{
	if (term_has_colour(f))
		fputs("\033[m", f);
}
