#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/text.h"

bool tool_json;

static atomic_int got_signal;	/* the handler may run in any thread */
static int signal_pipe[2] = { -1, -1 };

void
tool_start(char *const *argv)
{
	int fd;

	/* Opened the wrong way round, so that using one is an error. */
	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
			(void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--json") == 0)
			tool_json = true;
}

void
tool_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	fprintf(stderr, "%s: standard output: %s\n", tool_name,
	    errno != 0 ? p2p_strerror(-errno) : "write error");
	_exit(TOOL_FAILED);
}

double
tool_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A replaced byte takes three. */
void
tool_put(FILE *out, const char *text, size_t len)
{
	char *clean = malloc(3 * len + 1);

	if (clean == NULL)
		return;
	fwrite(clean, 1, p2p_text_clean(clean, 3 * len + 1, text, len, 0),
	    out);
	free(clean);
}

void
tool_say(const char *what, const char *why, const char *hint)
{
	flockfile(stderr);
	fprintf(stderr, "%s: ", tool_name);
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
	case -EADDRINUSE:
		return "another program has this port; port 0 takes a free one";
	case P2P_ERR_NO_PROTOCOL:
		return "the peer does not serve this; see identify";
	case P2P_ERR_NO_ADDRESS:
		return "give an address that ends in /p2p/ID";
	case P2P_ERR_TIMEOUT:
		return "is a firewall in the way? --timeout gives it longer";
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
	tool_say(what, why, hint_of(error));
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

	if (*end != '\0' || end == text || !(v >= 0) || v > 2000000)
		exit(tool_usage(option, "not a number of seconds"));
	return v;
}

void
tool_append(const char *option, const char **list, const char *value)
{
	size_t n;

	for (n = 0; list[n] != NULL; n++)
		;
	if (n == TOOL_LIST_MAX)
		exit(tool_usage(option, "too many"));
	list[n] = value;
}

/* Short names stand for protocol ids; the host knows which it has. */
static void
protocols(const char *option, char *list, const char *const (*names)[2],
    const char **out)
{
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
}

const char *const *
tool_security(char *list)
{
	static const char *const names[][2] = { { "tls", "/tls/1.0.0" },
	    { "noise", "/noise" }, { NULL, NULL } };
	static const char *out[TOOL_LIST_MAX + 1];

	protocols("--security", list, names, out);
	return out;
}

const char *const *
tool_muxers(char *list)
{
	static const char *const names[][2] = { { "yamux", "/yamux/1.0.0" },
	    { "mplex", "/mplex/6.7.0" }, { NULL, NULL } };
	static const char *out[TOOL_LIST_MAX + 1];

	protocols("--muxer", list, names, out);
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
		exit(tool_usage_hint("home", "no HOME is set",
		    "P2P_HOME=DIR says where the key is"));
	return path;
}

/* Whatever is wrong with a key file, it is the configuration that is. */
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
	(void)tool_fail_why(path, e, why);
	if (!tool_json && why != NULL)
		fprintf(stderr, "hint: nothing was changed; mend the file, or "
		    "give another with --key\n");
	return TOOL_USAGE;
}

/* Why a host cannot be made: the first limit that it refuses by itself. */
static int
bad_limit(const struct p2p_limit_setting *s)
{
	struct p2p_limit_setting one[2] = { { NULL, 0 }, { NULL, 0 } };
	struct p2p_host_config c = { .limits = one };
	struct p2p_host *h;
	char what[128];
	int e = P2P_ERR_LIMIT;

	for (; s != NULL && s->name != NULL; s++) {
		one[0] = *s;
		if ((e = p2p_host_new(&c, &h)) != 0)
			break;
		p2p_host_free(h);
	}
	if (s == NULL || s->name == NULL)
		return tool_fail("start", P2P_ERR_LIMIT, NULL);
	snprintf(what, sizeof(what), "--limit %s=%llu", s->name,
	    (unsigned long long)s->value);
	if (e == P2P_ERR_NOT_FOUND)
		return tool_usage_hint(what, "no such limit",
		    "run prints all limits when it starts");
	return tool_usage_hint(what, "this value is out of range",
	    "too small, or more than the descriptors (ulimit -n) carry");
}

int
tool_host(const struct p2p_host_config *config, struct p2p_host **out)
{
	struct p2p_host_config c = *config;
	struct p2p_host *h;
	int e;

	if ((e = p2p_host_new(config, out)) == 0)
		return TOOL_OK;
	if (e == P2P_ERR_NOT_FOUND || e == P2P_ERR_LIMIT)
		return bad_limit(config->limits);
	if (e != P2P_ERR_UNSUPPORTED)
		return tool_fail("start", e, NULL);
	c.muxers = NULL;
	if (p2p_host_new(&c, &h) != 0)
		return tool_usage("--security", "not in this build");
	p2p_host_free(h);
	return tool_usage("--muxer", "not in this build");
}

int
tool_connect(struct p2p_host *host, const char *target,
    const struct p2p_connect_options *options, struct p2p_connection *out,
    struct p2p_report **report)
{
	struct p2p_peer_id id;

	*report = NULL;
	if (target[0] != '/' && p2p_peer_id_parse(target, &id) != 0)
		return P2P_ERR_FORMAT;
	return p2p_host_connect(host, target, options, out, report);
}

static void
on_signal(int sig)
{
	int saved = errno, none = 0;
	char c = 0;

	if (!atomic_compare_exchange_strong(&got_signal, &none, sig))
		_exit(128 + sig);
	if (write(signal_pipe[1], &c, 1) == -1)
		errno = saved;		/* full: it is readable anyway */
	errno = saved;
}

void
tool_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		exit(tool_fail("pipe", -errno, NULL));
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

int
tool_signal(void)
{
	return atomic_load(&got_signal);
}

int
tool_signal_fd(void)
{
	return signal_pipe[0];
}
