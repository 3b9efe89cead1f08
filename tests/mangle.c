#include "mangle.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static int
run(const uint8_t *msg, size_t len, size_t flip, mangle_fn fn, void *arg)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int e;

	if (len > 0)
		memcpy(copy, msg, len);
	if (flip < 8 * len)
		copy[flip / 8] ^= (uint8_t)(1u << flip % 8);
	e = fn(copy, len, arg);
	free(copy);
	return e;
}

size_t
mangle(const uint8_t *msg, size_t len, int strict, mangle_fn fn, void *arg)
{
	size_t i, refused = 0;
	int e;

	for (i = 0; i < len; i++) {
		e = run(msg, i, SIZE_MAX, fn, arg);
		if (strict && e == 0) {
			CU_FAIL("a truncated message was accepted");
		}
		refused += e != 0;
	}
	for (i = 0; i < 8 * len; i++)
		refused += run(msg, len, i, fn, arg) != 0;
	return refused;
}
