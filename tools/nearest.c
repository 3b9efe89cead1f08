#include "nearest.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN	31
#define NEAR		2	/* letters that may differ */

/* How many letters are to be changed, added or dropped to get b from a. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], i, j, above, left, n = strlen(b);

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i] != '\0'; i++) {
		left = row[0];
		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = left + (a[i] != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			left = above;
		}
	}
	return row[n];
}

struct nearest
nearest_of(const char *word)
{
	return (struct nearest){ .word = word, .least = NEAR + 1 };
}

void
nearest_try(struct nearest *n, const char *name)
{
	size_t d, len = strlen(name);

	if (len > NAME_MAX_LEN || strlen(n->word) > NAME_MAX_LEN + NEAR)
		return;
	d = distance(n->word, name);
	if (d < n->least && d < len) {
		n->least = d;
		n->name = name;
	}
}

const char *
nearest_hint(const struct nearest *n, const char *prefix, char *out,
    size_t cap)
{
	if (n->name == NULL)
		return NULL;
	snprintf(out, cap, "did you mean %s%s?", prefix, n->name);
	return out;
}
