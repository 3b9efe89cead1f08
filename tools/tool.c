#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/pnet.h"
#include "p2p/text.h"
#include "p2p/version.h"

bool tool_json;

static atomic_int got_signal;	/* the handler may run in any thread */
static int signal_pipe[2] = { -1, -1 };
static void (*_Atomic at_force)(void);

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
tool_print_version(void)
{
	const char *const *f = p2p_features();

	printf("%s %s (", tool_name, p2p_version());
	for (; *f != NULL; f++)
		printf("%s%s", *f, f[1] != NULL ? " " : ")\n");
}

int
tool_version(void)
{
	const char *const *f = p2p_features();

	if (!tool_json) {
		tool_print_version();
		return TOOL_OK;
	}
	json_begin("version");
	json_text("version", p2p_version());
	json_array_begin("features");
	for (; *f != NULL; f++)
		json_text(NULL, *f);
	json_array_end();
	json_end();
	return TOOL_OK;
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

char *
tool_hex(const uint8_t *bytes, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	out[2 * len] = '\0';
	return out;
}

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

bool
tool_unhex(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	int high, low;
	size_t n;

	if (strncmp(text, "0x", 2) != 0)
		return false;
	text += 2;
	for (n = 0; text[0] != '\0'; n++, text += 2) {
		if (n == cap || (high = digit(text[0])) < 0 ||
		    (low = digit(text[1])) < 0)
			return false;
		out[n] = (uint8_t)(high << 4 | low);
	}
	*len = n;
	return true;
}

bool
tool_to_number(const char *text, uint64_t max, uint64_t *out)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	*out = v;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
	    errno == 0 && v <= max;
}

bool
tool_to_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return *end == '\0' && end != text && *out >= 0 && *out <= 2000000;
}

double
tool_seconds(const char *option, const char *text)
{
	double v;

	if (!tool_to_seconds(text, &v))
		exit(tool_usage(option, TOOL_NO_SECONDS));
	return v;
}

bool
tool_add(const char **list, const char *value)
{
	size_t n;

	for (n = 0; list[n] != NULL; n++)
		;
	if (n == TOOL_LIST_MAX)
		return false;
	list[n] = value;
	return true;
}

void
tool_append(const char *option, const char **list, const char *value)
{
	if (!tool_add(list, value))
		exit(tool_usage(option, TOOL_TOO_MANY));
}

const char *
tool_home(const char *file, char out[PATH_MAX])
{
	const char *dir;

	if ((dir = getenv("P2P_HOME")) != NULL && dir[0] != '\0')
		snprintf(out, PATH_MAX, "%s/%s", dir, file);
	else if ((dir = getenv("XDG_DATA_HOME")) != NULL && dir[0] == '/')
		snprintf(out, PATH_MAX, "%s/p2p/%s", dir, file);
	else if ((dir = getenv("HOME")) != NULL && dir[0] == '/')
		snprintf(out, PATH_MAX, "%s/.local/share/p2p/%s", dir,
		    file);
	else
		return NULL;
	return out;
}

int
tool_no_home(void)
{
	return tool_usage_hint("home", TOOL_NO_HOME, TOOL_NO_HOME_HINT);
}

/* Another process may make it at the same time: then its key is ours, too. */
static int
make_key(const char *path, struct p2p_key **out, bool *made, const char **why)
{
	int e;

	if ((e = p2p_key_generate(P2P_KEY_ED25519, 0, out)) == 0)
		e = p2p_key_save(*out, path);
	*made = e == 0;
	if (e != P2P_ERR_EXISTS && e != -EEXIST)
		return e;
	p2p_key_free(*out);
	*out = NULL;
	return p2p_key_load(path, out, why);
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
	if (e == -ENOENT)
		e = make_key(path, out, made, &why);
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

static bool
has_limit(const struct p2p_host *h, const char *name)
{
	struct p2p_limit_info l;
	size_t i;

	for (i = 0; p2p_host_limit(h, i, &l) == 0; i++)
		if (strcmp(l.name, name) == 0)
			return true;
	return false;
}

/* Is s, which was refused, fine without its i-th? */
static bool
is_fine_without(const struct p2p_psk *psk, const struct p2p_limit_setting *s,
    size_t i)
{
	struct p2p_limit_setting rest[TOOL_LIST_MAX + 1] = { { NULL, 0 } };
	struct p2p_host_config c = { .limits = rest, .psk = psk };
	struct p2p_host *h;
	size_t n = 0, j;

	for (j = 0; s[j].name != NULL; j++)
		if (j != i)
			rest[n++] = s[j];
	if (p2p_host_new(&c, &h) != 0)
		return false;
	p2p_host_free(h);
	return true;
}

/* Why a host cannot be made: which limit is unknown, or out of range. */
static int
bad_limit(const struct p2p_psk *psk, const struct p2p_limit_setting *s)
{
	struct p2p_host_config c = { .psk = psk };
	struct p2p_host *h;
	char what[128];
	bool known;
	size_t i;
	int e;

	if (s == NULL || s->name == NULL)
		return tool_fail("start", P2P_ERR_LIMIT, NULL);
	if ((e = p2p_host_new(&c, &h)) != 0)
		return tool_fail("start", e, NULL);
	for (i = 0, known = true; s[i].name != NULL && known; i++)
		known = has_limit(h, s[i].name);
	p2p_host_free(h);
	snprintf(what, sizeof(what), "--limit %s", s[i - 1].name);
	if (!known)
		return tool_usage_hint(what, "no such limit",
		    "run prints all limits when it starts");
	for (i = 0; s[i].name != NULL && !is_fine_without(psk, s, i); i++)
		;
	if (s[i].name == NULL)
		return tool_usage("--limit", "values that are out of range, or "
		    "do not go together");
	snprintf(what, sizeof(what), "--limit %s=%llu", s[i].name,
	    (unsigned long long)s[i].value);
	return tool_usage_hint(what, "this value is out of range", "too small, "
	    "more than descriptors carry (ulimit -n), or at odds with others");
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
		return bad_limit(config->psk, config->limits);
	if (e == P2P_ERR_REFUSED)
		return tool_usage_hint("LIBP2P_FORCE_PNET", "set, but no "
		    "private network is given", "--pnet FILE names its "
		    "swarm.key");
	if (e == P2P_ERR_TOO_LARGE)
		return tool_usage("--security, --muxer", "at most eight names "
		    "each");
	if (e != P2P_ERR_UNSUPPORTED)
		return tool_fail("start", e, NULL);
	if (c.psk != NULL && !p2p_pnet_available())
		return tool_usage("--pnet", "not in this build, which has no "
		    "libsodium");
	c.security = NULL;
	if (p2p_host_new(&c, &h) != 0)
		return tool_usage("--muxer", "not in this build, or named "
		    "twice");
	p2p_host_free(h);
	if (c.psk != NULL && tool_offers_plaintext(config->security))
		return tool_usage("--security plaintext", "not in a private "
		    "network");
	return tool_usage("--security", "not in this build, or named twice");
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

void
tool_at_force(void (*fn)(void))
{
	atomic_store(&at_force, fn);
}

/* A sanitizer's _exit() flushes, and so waits for what is locked. */
void
tool_force(int status)
{
	void (*fn)(void) = atomic_load(&at_force);

	if (fn != NULL)
		fn();
	_Exit(status);
}

static void
on_signal(int sig)
{
	int saved = errno, none = 0;
	char c = 0;

	if (!atomic_compare_exchange_strong(&got_signal, &none, sig))
		tool_force(128 + sig);
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
