#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_MAX	512

/* Escape in place order: src is consumed left to right into dst. */
static void
escape(char *dst, size_t cap, const char *src)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c;
	size_t n = 0;

	for (; (c = (unsigned char)*src) != '\0' && n + 5 < cap; src++) {
		if (c >= 0x20 && c < 0x7f) {
			dst[n++] = (char)c;
			continue;
		}
		dst[n++] = '\\';
		dst[n++] = 'x';
		dst[n++] = hex[c >> 4];
		dst[n++] = hex[c & 15];
	}
	dst[n] = '\0';
}

void
log_line(const struct log *log, enum p2p_log_level level, const char *area,
    const char *fmt, ...)
{
	char raw[LOG_LINE_MAX], line[LOG_LINE_MAX];
	va_list ap;

	if (log == NULL || log->fn == NULL || level > log->max)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape(line, sizeof(line), raw);
	log->fn(level, area, line, log->arg);
}
