#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/text.h"

bool tool_json;

static bool json_first;
static volatile sig_atomic_t got_signal;
static int signal_pipe[2] = { -1, -1 };

const char *
tool_clean(const char *text)
{
	static char buf[1024];

	p2p_text_clean(buf, sizeof(buf), text, strlen(text), 0);
	return buf;
}

void
tool_say(const char *what, const char *why, const char *hint)
{
	char clean[1024];

	p2p_text_clean(clean, sizeof(clean), what, strlen(what), 0);
	fprintf(stderr, "%s: %s: %s\n", tool_name, clean, tool_clean(why));
	if (hint != NULL)
		fprintf(stderr, "hint: %s\n", hint);
}

void
json_raw(const char *text)
{
	fputs(text, stdout);
}

/* UTF-8 to \u escapes; what is no UTF-8 becomes the replacement character. */
void
json_string(const char *value)
{
	char ascii[4096];
	const char *p;

	p2p_text_clean(ascii, sizeof(ascii), value, strlen(value),
	    P2P_TEXT_ASCII);
	putchar('"');
	for (p = ascii; *p != '\0'; p++) {
		if (strncmp(p, "\\u{", 3) == 0) {
			unsigned long c = strtoul(p + 3, NULL, 16);

			if (c > 0xffff)
				printf("\\u%04lx\\u%04lx", 0xd800 + ((c -
				    0x10000) >> 10), 0xdc00 + ((c - 0x10000) &
				    0x3ff));
			else
				printf("\\u%04lx", c);
			p = strchr(p, '}');
		} else if (*p == '"' || *p == '\\') {
			printf("\\%c", *p);
		} else {
			putchar(*p);
		}
	}
	putchar('"');
}

static void
name(const char *n)
{
	printf("%s\"%s\":", json_first ? "" : ",", n);
	json_first = false;
}

void
json_begin(const char *event)
{
	printf("{\"schema\":1,\"event\":\"%s\"", event);
	json_first = false;
}

void
json_text(const char *n, const char *value)
{
	name(n);
	json_string(value);
}

void
json_uint(const char *n, uint64_t value)
{
	name(n);
	printf("%llu", (unsigned long long)value);
}

void
json_time(const char *n, double seconds)
{
	name(n);
	printf("%.6f", seconds);
}

void
json_bool(const char *n, bool value)
{
	name(n);
	fputs(value ? "true" : "false", stdout);
}

void
json_null(const char *n)
{
	name(n);
	fputs("null", stdout);
}

void
json_list(const char *n, char *const *values)
{
	size_t i;

	name(n);
	putchar('[');
	for (i = 0; values[i] != NULL; i++) {
		if (i > 0)
			putchar(',');
		json_string(values[i]);
	}
	putchar(']');
}

void
json_end(void)
{
	fputs("}\n", stdout);
	fflush(stdout);
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
	case P2P_ERR_KEY_FILE:
		return TOOL_USAGE;
	default:
		return TOOL_FAILED;
	}
}

static const char *
hint_of(int error)
{
	switch (error) {
	case P2P_ERR_NO_PEER:
		return "end the address with /p2p/ID, or give --any-peer";
	case P2P_ERR_FORMAT:
		return "an address looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3...";
	case P2P_ERR_WRONG_PEER:
		return "somebody else answers there; ask for the peer's new id";
	case -ECONNREFUSED:
		return "nobody listens there; is the other side running?";
	case P2P_ERR_NO_PROTOCOL:
		return "the peer does not serve this; see identify";
	case P2P_ERR_TIMEOUT:
		return "is the address right, and is a firewall in the way?";
	default:
		return NULL;
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

	json_raw(",\"attempts\":[");
	for (i = 0; i < p2p_report_count(r); i++) {
		a = p2p_report_attempt(r, i);
		json_raw(i > 0 ? ",{" : "{");
		json_first = true;
		json_text("address", a->address);
		json_text("stage", p2p_stage_name(a->stage));
		json_text("error", p2p_error_name(a->error));
		json_time("time", (double)a->time_us / 1e6);
		json_raw("}");
	}
	json_raw("]");
	json_first = false;
}

static void
fail_json(int error, const struct p2p_report *r,
    const struct p2p_attempt *wrong)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	json_begin("error");
	json_text("error", p2p_error_name(error));
	json_text("message", p2p_strerror(error));
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
		fail_json(error, r, wrong);
		return exit_of(error);
	}
	snprintf(why, sizeof(why), "%s", p2p_strerror(error));
	if (wrong != NULL && p2p_report_expected(r) != NULL)
		snprintf(why, sizeof(why), "dialed %s, but %s answered",
		    p2p_peer_id_text(p2p_report_expected(r), want),
		    p2p_peer_id_text(&wrong->actual, got));
	tool_say(what, why, hint_of(error));
	for (i = 0; r != NULL && p2p_report_count(r) > 1 &&
	    i < p2p_report_count(r); i++) {
		a = p2p_report_attempt(r, i);
		fprintf(stderr, "  %s: %s: %s (%.3f s)\n",
		    tool_clean(a->address), p2p_stage_name(a->stage),
		    p2p_strerror(a->error), (double)a->time_us / 1e6);
	}
	return exit_of(error);
}

int
tool_usage(const char *what, const char *why)
{
	if (tool_json) {
		json_begin("error");
		json_text("error", "usage");
		json_text("message", why);
		json_end();
	} else {
		tool_say(what, why, NULL);
		fprintf(stderr, "hint: %s --help\n", tool_name);
	}
	return TOOL_USAGE;
}

uint64_t
tool_number(const char *option, const char *text, uint64_t max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v > max)
		exit(tool_usage(option, "not a number in range"));
	return v;
}

double
tool_seconds(const char *option, const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end != '\0' || end == text || !(v >= 0) || v > 4000000)
		exit(tool_usage(option, "not a number of seconds"));
	return v;
}

const char *const *
tool_protocols(const char *option, char *list, const char *const (*names)[2])
{
	static const char *lists[4][TOOL_LIST_MAX + 1];
	static size_t used;
	const char **out = lists[used++ % 4];
	size_t n = 0, i;
	char *p, *rest;

	for (p = strtok_r(list, ",", &rest); p != NULL;
	    p = strtok_r(NULL, ",", &rest)) {
		for (i = 0; names[i][0] != NULL; i++)
			if (strcmp(names[i][0], p) == 0)
				break;
		if (n == TOOL_LIST_MAX || (names[i][0] == NULL && p[0] != '/'))
			exit(tool_usage(option, "unknown name in the list"));
		out[n++] = names[i][0] != NULL ? names[i][1] : p;
	}
	out[n] = NULL;
	if (n == 0)
		exit(tool_usage(option, "an empty list"));
	return out;
}

const char *
tool_home(const char *file)
{
	static char path[PATH_MAX];
	const char *dir;

	if ((dir = getenv("P2P_HOME")) != NULL && dir[0] != '\0')
		snprintf(path, sizeof(path), "%s/%s", dir, file);
	else if ((dir = getenv("XDG_DATA_HOME")) != NULL && dir[0] == '/')
		snprintf(path, sizeof(path), "%s/p2p/%s", dir, file);
	else if ((dir = getenv("HOME")) != NULL && dir[0] == '/')
		snprintf(path, sizeof(path), "%s/.local/share/p2p/%s", dir,
		    file);
	else
		exit(tool_usage("home", "no HOME: set P2P_HOME"));
	return path;
}

int
tool_key(const char *path, bool ephemeral, struct p2p_key **out, bool *made)
{
	const char *why = NULL;
	int e;

	*made = false;
	*out = NULL;
	if (ephemeral)
		return TOOL_OK;
	e = p2p_key_load(path, out, &why);
	if (e == -ENOENT) {
		*made = true;
		if ((e = p2p_key_generate(P2P_KEY_ED25519, 0, out)) == 0)
			e = p2p_key_save(*out, path);
	}
	if (e == 0)
		return TOOL_OK;
	p2p_key_free(*out);
	*out = NULL;
	if (tool_json || why == NULL)
		return tool_fail(path, e, NULL);
	tool_say(path, why, "nothing was changed; mend the file, or give "
	    "another with --key");
	return TOOL_USAGE;
}

static void
on_signal(int sig)
{
	char c = 0;
	int saved = errno;

	got_signal = sig;
	if (write(signal_pipe[1], &c, 1) == -1)
		errno = saved;		/* full: it is readable anyway */
	errno = saved;
}

void
tool_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		exit(tool_fail("pipe", -errno, NULL));
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

int
tool_signal(void)
{
	return got_signal;
}

int
tool_signal_fd(void)
{
	return signal_pipe[0];
}
