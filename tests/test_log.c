#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static char heard[1024];
static const char *heard_area;
static enum p2p_log_level heard_level;
static unsigned lines;

static void
hear(enum p2p_log_level level, const char *area, const char *line, void *arg)
{
	heard_level = level;
	heard_area = area;
	snprintf(heard, sizeof(heard), "%s", line);
	(*(unsigned *)arg)++;
}

static struct log
hook(enum p2p_log_level max)
{
	lines = 0;
	heard[0] = '\0';
	return (struct log){ hear, &lines, max };
}

static void
a_line_reaches_the_hook(void)
{
	struct log log = hook(P2P_LOG_DEBUG);

	log_line(&log, P2P_LOG_WARN, "yamux", "%s %d", "stream", 7);
	CHECK_EQ(lines, 1);
	CHECK_EQ(heard_level, P2P_LOG_WARN);
	CHECK_STR(heard_area, "yamux");
	CHECK_STR(heard, "stream 7");
}

static void
lines_above_the_level_are_not_made(void)
{
	enum p2p_log_level max, level;
	struct log log;

	for (max = P2P_LOG_ERROR; max <= P2P_LOG_DEBUG; max++) {
		for (level = P2P_LOG_ERROR; level <= P2P_LOG_DEBUG; level++) {
			log = hook(max);
			log_line(&log, level, "x", "y");
			CHECK_EQ(lines, level <= max);
		}
	}
}

static void
nobody_listens_is_fine(void)
{
	struct log log = { NULL, NULL, P2P_LOG_DEBUG };

	log_line(NULL, P2P_LOG_ERROR, "x", "%s", "y");
	log_line(&log, P2P_LOG_ERROR, "x", "%s", "y");
}

static void
what_is_not_plain_ascii_is_escaped(void)
{
	struct log log = hook(P2P_LOG_DEBUG);

	log_line(&log, P2P_LOG_INFO, "x", "%s",
	    "a\n\x1b[31m\x7f" "\t\r\xc3\xa4~ ");
	CHECK_STR(heard, "a\\x0a\\x1b[31m\\x7f\\x09\\x0d\\xc3\\xa4~ ");
	log_line(&log, P2P_LOG_INFO, "x", "%s", "");
	CHECK_STR(heard, "");
}

static void
every_byte_comes_out_printable(void)
{
	struct log log = hook(P2P_LOG_DEBUG);
	char text[2] = { 0 };
	const char *p;
	int c;

	for (c = 1; c < 256; c++) {
		text[0] = (char)c;
		log_line(&log, P2P_LOG_INFO, "x", "%s", text);
		CHECK_EQ(strlen(heard), c >= 0x20 && c < 0x7f ? 1 : 4);
		for (p = heard; *p != '\0'; p++)
			CHECK(*p >= 0x20 && *p < 0x7f);
	}
}

/* 512 bytes with the zero, and no half of an escape at the end. */
static void
long_lines_are_cut_between_characters(void)
{
	struct log log = hook(P2P_LOG_DEBUG);
	char text[2000];
	size_t n, len;

	for (n = 480; n < sizeof(text) - 1; n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		log_line(&log, P2P_LOG_INFO, "x", "%s", text);
		CHECK(strlen(heard) < 512);
		CHECK(strlen(heard) >= 480);
		memset(text, '\n', n);
		text[0] = (char)('a' + n % 4);
		memset(text + 1, 'b', n % 4);
		log_line(&log, P2P_LOG_INFO, "x", "%s", text);
		len = strlen(heard);
		CHECK(len < 512);
		CHECK_EQ((len - 1 - n % 4) % 4, 0);
		CHECK_STR(heard + len - 4, "\\x0a");
	}
}

TESTS("log",
	{ "a line reaches the hook", a_line_reaches_the_hook },
	{ "lines above the level are not made",
	    lines_above_the_level_are_not_made },
	{ "nobody listens is fine", nobody_listens_is_fine },
	{ "what is not plain ASCII is escaped",
	    what_is_not_plain_ascii_is_escaped },
	{ "every byte comes out printable", every_byte_comes_out_printable },
	{ "long lines are cut between characters",
	    long_lines_are_cut_between_characters })
