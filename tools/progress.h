/*
 * tools/progress.h -- one line that says how far it is, on stderr, if that is a
 * terminal: after a moment, not too often, and gone when it is over.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the line, from whichever thread draws. */
typedef void (*progress_fn)(char *out, size_t cap, void *arg);

/* From now on fn; NULL ends it. */
void	progress_set(progress_fn fn, void *arg);

/*
 * For a thread that has nothing better to do: draw when it is time for it, and
 * when that will be next; false: not at all.
 */
void	progress_draw(double now);
bool	progress_next(double *when);

/*
 * While this is held the terminal is the caller's: no line is in the way, and
 * what several threads put out is apart.
 */
void	progress_lock(void);
void	progress_unlock(void);

#endif
