/*
 * Everything goes through stdio; first says whether the next value needs a
 * comma before it, and is set where an object or array begins.
 */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include "tool.h"

#define REPLACEMENT	0xfffd

static bool first;

/* The character at *p; a byte that begins none is taken alone. */
static uint32_t
decode(const uint8_t **p, const uint8_t *end)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const uint8_t *s = (*p)++;
	uint32_t c = *s;
	ptrdiff_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3, i;

	if (c < 0x80)
		return c;
	if (c < 0xc2 || c > 0xf4 || end - s <= more)
		return REPLACEMENT;
	c &= 0x3fu >> more;
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return REPLACEMENT;
	*p = s + more + 1;
	return c;
}

/* Quoted; beyond printable ASCII as escapes, of two units where needed. */
static void
quote(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint32_t c;

	putchar('"');
	while (p < end) {
		c = decode(&p, end);
		if (c == '"' || c == '\\')
			printf("\\%c", (int)c);
		else if (c >= ' ' && c <= '~')
			putchar((int)c);
		else if (c <= 0xffff)
			printf("\\u%04x", (unsigned)c);
		else
			printf("\\u%04x\\u%04x",
			    (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
	}
	putchar('"');
}

/* What stands before a value. */
static void
head(const char *name)
{
	if (!first)
		putchar(',');
	if (name != NULL)
		printf("\"%s\":", name);
	first = false;
}

void
json_begin(const char *event)
{
	fputs("{\"schema\":1", stdout);
	first = false;
	json_text("event", event);
}

void
json_end(void)
{
	fputs("}\n", stdout);
	tool_flush();
}

void
json_text(const char *name, const char *value)
{
	json_bytes(name, value, strlen(value));
}

void
json_bytes(const char *name, const void *value, size_t len)
{
	head(name);
	quote(value, len);
}

void
json_uint(const char *name, uint64_t value)
{
	head(name);
	printf("%llu", (unsigned long long)value);
}

void
json_time(const char *name, double seconds)
{
	head(name);
	printf("%.6f", seconds);
}

void
json_bool(const char *name, bool value)
{
	head(name);
	fputs(value ? "true" : "false", stdout);
}

void
json_null(const char *name)
{
	head(name);
	fputs("null", stdout);
}

void
json_list(const char *name, char *const *values)
{
	json_array_begin(name);
	for (; *values != NULL; values++)
		json_text(NULL, *values);
	json_array_end();
}

void
json_object_begin(const char *name)
{
	head(name);
	putchar('{');
	first = true;
}

void
json_object_end(void)
{
	putchar('}');
	first = false;
}

void
json_array_begin(const char *name)
{
	head(name);
	putchar('[');
	first = true;
}

void
json_array_end(void)
{
	putchar(']');
	first = false;
}
