#include "node_check.h"

#include <string.h>

#include "json.h"
#include "term.h"

static const char *const names[] = { "ok", "warn", "fail" };

static void
show_json(enum check_status status, const char *name, double time,
    const char *detail, const char *hint)
{
	json_begin("check");
	json_text("name", name);
	json_text("status", names[status]);
	if (time >= 0)
		json_time("time", time);
	json_text("detail", detail);
	if (hint != NULL)
		json_text("hint", hint);
	else
		json_null("hint");
	json_end();
}

void
check_show(struct check_sum *sum, enum check_status status, const char *name,
    double time, const char *detail, const char *hint)
{
	static const enum term_colour colours[] = { TERM_GREEN, TERM_YELLOW,
	    TERM_RED };

	sum->n[status]++;
	if (tool_json) {
		show_json(status, name, time, detail, hint);
		return;
	}
	term_colour(stdout, colours[status]);
	printf("%-4s", names[status]);
	term_plain(stdout);
	if (time >= 0)
		printf("  %-21s %6.1f ms  ", name, time * 1000);
	else
		printf("  %s: ", name);
	tool_put(stdout, detail, strlen(detail));
	putchar('\n');
	if (hint != NULL)
		printf("      hint: %s\n", hint);
	tool_flush();
}

int
check_end(const struct check_sum *sum)
{
	if (tool_json) {
		json_begin("summary");
		json_uint("ok", sum->n[CHECK_OK]);
		json_uint("warn", sum->n[CHECK_WARN]);
		json_uint("fail", sum->n[CHECK_FAIL]);
		json_time("time", tool_now() - sum->begun);
		json_end();
	}
	return sum->n[CHECK_FAIL] > 0 ? TOOL_FAILED : TOOL_OK;
}
