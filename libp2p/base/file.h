/*
 * base/file.h -- reading small files whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"

/*
 * Read up to cap bytes or the end of the file, whichever comes first.
 * Returns 0 or -errno; then buf may hold a part.
 */
int	file_read(int fd, uint8_t *buf, size_t cap, size_t *len) MUST_CHECK;

#endif
