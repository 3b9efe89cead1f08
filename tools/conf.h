/*
 * tools/conf.h -- the form of a configuration file: "key = value" lines.
 *
 * Blank lines and what follows a '#' that begins a line or stands behind a
 * blank are nothing.  A key is of a-z, 0-9 and '-'; a value goes to the end of
 * its line, without blanks around it, and has no control characters.  What keys
 * mean is not known here.
 */
#ifndef TOOLS_CONF_H
#define TOOLS_CONF_H

#include <stddef.h>

#define CONF_MAX	65536	/* bytes of a file */
#define CONF_ENTRIES	256	/* that it may have */

struct conf_entry {
	const char	*key, *value;	/* in the text */
	unsigned	 line;		/* from 1 */
};

struct conf {
	struct conf_entry list[CONF_ENTRIES];
	size_t		 n;
};

/*
 * Cut text[len + 1] up in place; out points into it.  Returns 0, or the line
 * that is wrong, and then *why is a static text.
 */
unsigned	conf_parse(char *text, size_t len, struct conf *out,
		    const char **why);

/*
 * Read a file into a new text that ends in a zero; free(3) it.  It must be a
 * regular file, which group and others may not write, of at most CONF_MAX
 * bytes.  Returns 0, or -errno (-EPERM, -EFBIG, -EINVAL for these), and then
 * *why is a static text, or NULL.
 */
int	conf_read(const char *path, char **text, size_t *len,
	    const char **why);

#endif
