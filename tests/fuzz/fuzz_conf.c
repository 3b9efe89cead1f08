/*
 * Configuration files: keys and values stand in their lines, hold nothing that
 * drives a terminal of ASCII, and are found again when they are written out.
 */
#include "../../tools/conf.h"
#include "fuzz.h"

static void
check_entry(const struct conf_entry *e, unsigned before)
{
	size_t n = strlen(e->value), i;

	FUZZ_CHECK(e->line > before);
	FUZZ_CHECK(e->key[0] != '\0' && n > 0);
	FUZZ_CHECK(e->key[strspn(e->key, "abcdefghijklmnopqrstuvwxyz"
	    "0123456789-")] == '\0');
	for (i = 0; i < n; i++)
		FUZZ_CHECK((unsigned char)e->value[i] >= ' ' ||
		    e->value[i] == '\t' || e->value[i] == '\r');
	FUZZ_CHECK(strchr(" \t\r", e->value[0]) == NULL);
	FUZZ_CHECK(strchr(" \t\r", e->value[n - 1]) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf c, again;
	char *text = fuzz_text(data, size), *copy;
	size_t cap = 4 * size + 1, len = 0, i;
	const char *why = NULL;
	unsigned line;

	if ((line = conf_parse(text, size, &c, &why)) != 0) {
		FUZZ_CHECK(why != NULL && line <= size);
		free(text);
		return 0;
	}
	if ((copy = malloc(cap)) == NULL)
		abort();
	for (i = 0; i < c.n; i++) {
		check_entry(&c.list[i], i > 0 ? c.list[i - 1].line : 0);
		len += (size_t)snprintf(copy + len, cap - len, "%s = %s\n",
		    c.list[i].key, c.list[i].value);
	}
	FUZZ_CHECK(len < cap);
	FUZZ_CHECK(conf_parse(copy, len, &again, &why) == 0);
	FUZZ_CHECK(again.n == c.n);
	for (i = 0; i < c.n; i++)
		FUZZ_CHECK(strcmp(again.list[i].key, c.list[i].key) == 0 &&
		    strcmp(again.list[i].value, c.list[i].value) == 0);
	free(copy);
	free(text);
	return 0;
}
