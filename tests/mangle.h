/*
 * tests/mangle.h -- a decoder over every truncation and every bit flip of a
 * valid message, each in a malloc of its exact size, so that a sanitizer sees
 * one byte too far.
 */
#ifndef TESTS_MANGLE_H
#define TESTS_MANGLE_H

#include <stddef.h>
#include <stdint.h>

/* Decode, free what came out, return the error or 0. */
typedef int (*mangle_fn)(const uint8_t *bytes, size_t len, void *arg);

/*
 * Run fn over all prefixes and all single bit flips.  Checks that no prefix
 * (but the whole) decodes when strict; flips may decode.  Returns how many
 * variants were refused.
 */
size_t	mangle(const uint8_t *msg, size_t len, int strict, mangle_fn fn,
	    void *arg);

#endif
