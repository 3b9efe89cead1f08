/*
 * What went wrong, in the form asked for: words and a hint on stderr, or an
 * error event on stdout; and the exit status that fits.
 */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "p2p/error.h"
#include "term.h"

void
tool_say(const char *what, const char *why, const char *hint)
{
	flockfile(stderr);
	term_colour(stderr, TERM_RED);
	fprintf(stderr, "%s: ", tool_name);
	term_plain(stderr);
	tool_put(stderr, what, strlen(what));
	fputs(": ", stderr);
	tool_put(stderr, why, strlen(why));
	putc('\n', stderr);
	if (hint != NULL)
		fprintf(stderr, "hint: %s\n", hint);
	funlockfile(stderr);
}

static int
exit_of(int error)
{
	switch (error) {
	case P2P_ERR_TIMEOUT:
	case -ETIMEDOUT:
		return TOOL_TIMEOUT;
	case P2P_ERR_NOT_FOUND:
	case P2P_ERR_NO_ADDRESS:
		return TOOL_NOT_FOUND;
	case P2P_ERR_FORMAT:
	case P2P_ERR_NO_PEER:
	case P2P_ERR_UNSUPPORTED:
	case P2P_ERR_KEY_FILE:
		return TOOL_USAGE;
	default:
		return TOOL_FAILED;
	}
}

/* Not every tool has the options that a hint may name. */
static const char *
hint_of(int error)
{
	bool node = strcmp(tool_name, "p2p-node") == 0;

	switch (error) {
	case P2P_ERR_NO_PEER:
		return node ? "end the address with /p2p/ID, or give "
		    "--any-peer" : "end the address with /p2p/ID";
	case P2P_ERR_FORMAT:
		return "an address is like /ip4/192.0.2.1/tcp/4001/p2p/12D3...";
	case P2P_ERR_WRONG_PEER:
		return "somebody else answers there; ask for the peer's new id";
	case -ECONNREFUSED:
		return "nobody listens there; is the other side running?";
	case -EADDRINUSE:
		return "another program has this port; port 0 takes a free one";
	case P2P_ERR_NO_PROTOCOL:
		return node ? "the peer does not serve this; see identify" :
		    "the peer does not serve this; p2p-node identify shows "
		    "what it does";
	case P2P_ERR_NO_ADDRESS:
		return "give an address that ends in /p2p/ID";
	case P2P_ERR_TIMEOUT:
		return node ? "is a firewall in the way? --timeout gives it "
		    "longer" : "is a firewall in the way?";
	default:
		return NULL;
	}
}

/* The same of a dial that came no further than to agree on how to talk. */
static const char *
hint_of_dial(int error, const struct p2p_report *r)
{
	const struct p2p_attempt *a;
	size_t n = r != NULL ? p2p_report_count(r) : 0;

	if (n == 0)
		return hint_of(error);
	a = p2p_report_attempt(r, n - 1);
	if (a->stage != P2P_STAGE_SECURITY && a->stage != P2P_STAGE_MUXER)
		return hint_of(error);
	switch (a->error) {
	case P2P_ERR_NO_PROTOCOL:
		return "it offers none of ours; see --security and --muxer";
	case P2P_ERR_PROTOCOL:
	case P2P_ERR_DISCONNECTED:
	case -ECONNRESET:
		return "no libp2p there, or in another private network; see "
		    "--pnet";
	default:
		return hint_of(error);
	}
}

static const struct p2p_attempt *
wrong_peer(const struct p2p_report *r)
{
	size_t i;

	for (i = 0; r != NULL && i < p2p_report_count(r); i++)
		if (p2p_report_attempt(r, i)->error == P2P_ERR_WRONG_PEER)
			return p2p_report_attempt(r, i);
	return NULL;
}

static void
json_attempts(const struct p2p_report *r)
{
	const struct p2p_attempt *a;
	size_t i;

	json_array_begin("attempts");
	for (i = 0; i < p2p_report_count(r); i++) {
		a = p2p_report_attempt(r, i);
		json_object_begin(NULL);
		json_text("address", a->address);
		json_text("stage", p2p_stage_name(a->stage));
		json_text("error", p2p_error_name(a->error));
		json_time("time", (double)a->time_us / 1e6);
		json_object_end();
	}
	json_array_end();
}

/* The error event, up to what belongs to a report. */
static void
error_begin(const char *code, const char *what, const char *why)
{
	size_t cap = strlen(what) + strlen(why) + 3;
	char *text = malloc(cap);

	json_begin("error");
	json_text("error", code);
	if (text != NULL)
		snprintf(text, cap, "%s: %s", what, why);
	json_text("message", text != NULL ? text : why);
	free(text);
}

static void
fail_json(const char *what, int error, const struct p2p_report *r,
    const struct p2p_attempt *wrong)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	error_begin(p2p_error_name(error), what, p2p_strerror(error));
	if (wrong != NULL && p2p_report_expected(r) != NULL) {
		json_text("expected", p2p_peer_id_text(p2p_report_expected(r),
		    text));
		json_text("actual", p2p_peer_id_text(&wrong->actual, text));
	}
	if (r != NULL)
		json_attempts(r);
	json_end();
}

int
tool_fail(const char *what, int error, const struct p2p_report *r)
{
	char want[P2P_PEER_ID_TEXT_MAX], got[P2P_PEER_ID_TEXT_MAX], why[512];
	const struct p2p_attempt *a, *wrong = wrong_peer(r);
	size_t i;

	if (tool_json) {
		fail_json(what, error, r, wrong);
		return exit_of(error);
	}
	snprintf(why, sizeof(why), "%s", p2p_strerror(error));
	if (wrong != NULL && p2p_report_expected(r) != NULL)
		snprintf(why, sizeof(why), "dialed %s, but %s answered",
		    p2p_peer_id_text(p2p_report_expected(r), want),
		    p2p_peer_id_text(&wrong->actual, got));
	tool_say(what, why, hint_of_dial(error, r));
	for (i = 0; r != NULL && p2p_report_count(r) > 1 &&
	    i < p2p_report_count(r); i++) {
		a = p2p_report_attempt(r, i);
		fputs("  ", stderr);
		tool_put(stderr, a->address, strlen(a->address));
		fprintf(stderr, ": %s: %s (%.3f s)\n", p2p_stage_name(a->stage),
		    p2p_strerror(a->error), (double)a->time_us / 1e6);
	}
	return exit_of(error);
}

int
tool_fail_why(const char *what, int error, const char *why)
{
	if (why == NULL)
		return tool_fail(what, error, NULL);
	if (tool_json) {
		error_begin(p2p_error_name(error), what, why);
		json_end();
	} else {
		tool_say(what, why, hint_of(error));
	}
	return exit_of(error);
}

int
tool_usage_hint(const char *what, const char *why, const char *hint)
{
	char help[64];

	if (tool_json) {
		error_begin("usage", what, why);
		json_end();
		return TOOL_USAGE;
	}
	snprintf(help, sizeof(help), "%s --help", tool_name);
	tool_say(what, why, hint != NULL ? hint : help);
	return TOOL_USAGE;
}

int
tool_usage(const char *what, const char *why)
{
	return tool_usage_hint(what, why, NULL);
}

int
tool_bad_option(int c, char *const *argv)
{
	char letter[3] = { '-', (char)optopt, '\0' };
	const char *last = argv[optind - 1];
	bool is_long = strncmp(last, "--", 2) == 0;

	if (c == ':')
		return tool_usage(is_long ? last : letter, "wants a value");
	if (is_long && strchr(last, '=') != NULL && optopt != 0)
		return tool_usage(last, "takes no value");
	if (optopt > 0 && optopt <= CHAR_MAX)
		return tool_usage(letter, "no such option");
	return tool_usage(last, "no such option");
}
