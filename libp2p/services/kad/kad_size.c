#include "services/kad/kad_size.h"

#include <stdlib.h>
#include <string.h>

#define NEAREST_LEAST	8	/* keys that make a sample */
#define CROWDED_LEAST	20
/*
 * With a quarter of the 20 expected within the radius of the 20th, a Poisson
 * law gives 20 or more with a probability of 8e-8.
 */
#define CROWDED_PART	4

/* A distance as a part of the space, 0 to 1. */
static double
part(const struct kad_key *target, const struct kad_key *key)
{
	double d = 0;
	size_t i;

	for (i = 8; i > 0; i--)
		d = (d + (target->b[i - 1] ^ key->b[i - 1])) / 256;
	return d;
}

void
kad_size_sample(struct kad_size *s, const struct kad_key *target,
    const struct kad_key *nearest, size_t n)
{
	double sum = 0, squares = 0;
	size_t i;

	if (n < NEAREST_LEAST)
		return;
	/* Least squares of distance over i, through zero: slope 1/(n+1). */
	for (i = 0; i < n; i++) {
		sum += (double)(i + 1) * part(target, &nearest[i]);
		squares += (double)(i + 1) * (double)(i + 1);
	}
	if (sum <= 0)
		return;
	s->samples[s->next] = squares / sum - 1;
	s->next = (s->next + 1) % KAD_SIZE_SAMPLES;
	if (s->n < KAD_SIZE_SAMPLES)
		s->n++;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
kad_size_guess(const struct kad_size *s)
{
	double sorted[KAD_SIZE_SAMPLES];

	if (s->n < KAD_SIZE_LEAST)
		return 0;
	memcpy(sorted, s->samples, s->n * sizeof(sorted[0]));
	qsort(sorted, s->n, sizeof(sorted[0]), by_size);
	return sorted[s->n / 2];
}

bool
kad_size_crowded(const struct kad_size *s, const struct kad_key *target,
    const struct kad_key *nearest, size_t n)
{
	double guess = kad_size_guess(s);

	return guess > 0 && n >= CROWDED_LEAST &&
	    guess * part(target, &nearest[n - 1]) < (double)n / CROWDED_PART;
}
