/*
 * base/file.h -- reading small files whole, and the directories of new ones.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"

/*
 * Read up to cap bytes or the end of the file, whichever comes first.
 * Returns 0 or -errno; then buf may hold a part.
 */
int	file_read(int fd, uint8_t *buf, size_t cap, size_t *len) MUST_CHECK;

/*
 * Walk to the directory of path and make what is missing of it, mode 0700.
 * *dir is open with O_PATH, to be closed; *name is the last component, inside
 * path.  Returns 0, -EISDIR (there is no last component) or -errno.
 */
int	file_parent(const char *path, int *dir, const char **name) MUST_CHECK;

/* Flush the directory at dir, which may be open with O_PATH only. */
int	file_sync_dir(int dir) MUST_CHECK;

#endif
