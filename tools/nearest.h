/*
 * tools/nearest.h -- what a mistyped name may have meant.
 */
#ifndef TOOLS_NEAREST_H
#define TOOLS_NEAREST_H

#include <stddef.h>

struct nearest {
	const char	*word;		/* as it was typed */
	const char	*name;		/* the best so far, or NULL */
	size_t		 least;
};

/* Begin: nobody is near. */
struct nearest	nearest_of(const char *word);

/* A name, of up to 31 letters, that it may be. */
void	nearest_try(struct nearest *n, const char *name);

/*
 * "did you mean PREFIXname?" into out; NULL when nothing is near.  Returns out.
 */
const char	*nearest_hint(const struct nearest *n, const char *prefix,
		    char *out, size_t cap);

#endif
