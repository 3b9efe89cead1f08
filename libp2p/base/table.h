/*
 * base/table.h -- uthash that does not end the process without memory.
 *
 * After HASH_ADD(), TABLE_ADDED() says whether the element is in the table.  A
 * file whose keys peers choose defines HASH_FUNCTION as hash_keyed() of
 * crypto/hash.h first.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#define HASH_NONFATAL_OOM	1
#include <uthash.h>

#define TABLE_ADDED(elt)	((elt)->hh.tbl != NULL)

#endif
