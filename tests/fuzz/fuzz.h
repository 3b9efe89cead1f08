/*
 * tests/fuzz/fuzz.h -- what every target has in common.
 *
 * A target is one function that libFuzzer calls with bytes.  It aborts when a
 * property does not hold; the sanitizers abort for the rest.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): stays in every build and says where. */
static inline void
fuzz_check(int good, const char *what)
{
	if (!good) {
		fprintf(stderr, "fuzz: does not hold: %s\n", what);
		abort();
	}
}

#define FUZZ_CHECK(cond)	fuzz_check((cond) != 0, #cond)

/* The input as a string of its exact size; the caller frees it. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
