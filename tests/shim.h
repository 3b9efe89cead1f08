/*
 * tests/shim.h -- a file system that dies, fills up or fails at a change.
 *
 * A VFS of SQLite before its own, the default one from the start; and, wrapped
 * by the linker, the calls by which the library itself changes names and
 * flushes.  Each change is an event: a write (of which half is done), a flush,
 * a truncation, a removal, a rename, a new file.
 */
#ifndef TESTS_SHIM_H
#define TESTS_SHIM_H

#include <stdbool.h>

enum shim_what {
	SHIM_NOTHING,		/* only count */
	SHIM_KILL,		/* SIGKILL to this process */
	SHIM_FULL,		/* no space left, where that may be */
	SHIM_FAIL,		/* an error of the disk */
};

/*
 * From here on: this happens at event number at (the first is 1), or at all
 * from there on.
 */
void	shim_set(enum shim_what what, long at, bool sticky);

/* Events since then. */
long	shim_events(void);

/* Those that were made to fail. */
long	shim_failures(void);

/*
 * Connections from now on: pages of this size in a new file (0: as it is), and
 * the log is emptied when it has so many (0: as it is).
 */
void	shim_pages(int size, int log);

#endif
