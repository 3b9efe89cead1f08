/*
 * What all commands that use the network share: what is offered, the private
 * network, and the two ways to look inside.  Whatever makes a connection less
 * private than it seems is said on stderr at each start.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "p2p/error.h"

#define PLAINTEXT	"/plaintext/2.0.0"

static const char *const secret_names[][2] = {
	{ "tls", "/tls/1.0.0" }, { "noise", "/noise" },
	{ "plaintext", PLAINTEXT }, { NULL, NULL }
};
static const char *const muxer_names[][2] = {
	{ "yamux", "/yamux/1.0.0" }, { "mplex", "/mplex/6.7.0" },
	{ NULL, NULL }
};

/* Short names stand for protocol ids; the host knows which it has. */
static const char *
protocols(char *list, const char *const (*names)[2], const char **out)
{
	size_t n = 0, i;
	char *p, *rest;

	for (p = strtok_r(list, ",", &rest); p != NULL;
	    p = strtok_r(NULL, ",", &rest)) {
		for (i = 0; names[i][0] != NULL; i++)
			if (strcmp(names[i][0], p) == 0)
				break;
		if (n == TOOL_LIST_MAX || (names[i][0] == NULL && p[0] != '/'))
			return "unknown name in the list";
		out[n++] = names[i][0] != NULL ? names[i][1] : p;
	}
	out[n] = NULL;
	return n == 0 ? "an empty list" : NULL;
}

const char *
tool_security_list(struct tool_net *n, char *list)
{
	return protocols(list, secret_names, n->security);
}

const char *
tool_muxer_list(struct tool_net *n, char *list)
{
	return protocols(list, muxer_names, n->muxers);
}

void
tool_security(struct tool_net *n, char *list)
{
	const char *why = tool_security_list(n, list);

	if (why != NULL)
		exit(tool_usage("--security", why));
}

void
tool_muxers(struct tool_net *n, char *list)
{
	const char *why = tool_muxer_list(n, list);

	if (why != NULL)
		exit(tool_usage("--muxer", why));
}

bool
tool_offers_plaintext(const char *const *security)
{
	for (; *security != NULL; security++)
		if (strcmp(*security, PLAINTEXT) == 0)
			return true;
	return false;
}

static void
warn(const char *what, const char *why)
{
	fprintf(stderr, "%s: warning: ", tool_name);
	tool_put(stderr, what, strlen(what));
	fprintf(stderr, ": %s\n", why);
}

/* A line is one call, so that lines of several threads do not mix. */
static void
write_line(const char *line, void *file)
{
	fprintf(file, "%s\n", line);
}

/*
 * Append to a file, which is made for its owner alone.  Nothing else than a
 * file: a pipe that nobody reads would stop every connection.
 */
static int
open_secrets(const char *path, FILE **out)
{
	struct stat st;
	int fd, e;

	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK, 0600);
	if (fd == -1 || fstat(fd, &st) == -1) {
		e = -errno;
		if (fd != -1)
			close(fd);
		return tool_usage_hint(path, p2p_strerror(e), "name a file "
		    "that can be written, or one to be made");
	}
	if (!S_ISREG(st.st_mode) || (*out = fdopen(fd, "a")) == NULL) {
		close(fd);
		return tool_usage_hint(path, "no regular file",
		    "name a file, or one to be made");
	}
	setvbuf(*out, NULL, _IOLBF, BUFSIZ);
	if ((st.st_mode & 077) != 0)
		warn(path, "others may read this file; chmod 600 it");
	return TOOL_OK;
}

/* *out stays NULL when there is no such path. */
static int
debug_into(const char *path, const char *why, FILE **out)
{
	int e;

	if (path == NULL || path[0] == '\0')
		return TOOL_OK;
	if ((e = open_secrets(path, out)) == TOOL_OK)
		warn(path, why);
	return e;
}

static int
join_network(const char *path, struct tool_net_state *s,
    struct p2p_host_config *config)
{
	int e;

	if (path == NULL)
		return TOOL_OK;
	e = p2p_psk_load(path, &s->psk);
	if (e == P2P_ERR_FORMAT)
		return tool_usage_hint(path, "not a swarm.key file",
		    "man p2p_pnet says what is in one");
	if (e == P2P_ERR_KEY_FILE)
		return tool_usage_hint(path, "not safe to use", "it must be a "
		    "file, and not everybody's to write: chmod go-w");
	if (e != 0)
		return tool_usage_hint(path, p2p_strerror(e), "--pnet names "
		    "the swarm.key file of the network");
	config->psk = &s->psk;
	return TOOL_OK;
}

int
tool_net_begin(const struct tool_net *n, struct tool_net_state *s,
    struct p2p_host_config *config)
{
	int e;

	*s = (struct tool_net_state){ .keylog = NULL };
	if (n->security[0] != NULL)
		config->security = n->security;
	if (n->muxers[0] != NULL)
		config->muxers = n->muxers;
	if ((e = join_network(n->pnet, s, config)) != 0 ||
	    (e = debug_into(getenv("SSLKEYLOGFILE"), "the secrets of all "
	    "connections go into this file", &s->keylog)) != 0 ||
	    (e = debug_into(n->capture, "all that is sent and received goes "
	    "into this file, decrypted", &s->capture)) != 0) {
		tool_net_end(s);
		return e;
	}
	config->keylog = s->keylog != NULL ? write_line : NULL;
	config->keylog_arg = s->keylog;
	config->capture = s->capture != NULL ? write_line : NULL;
	config->capture_arg = s->capture;
	if (tool_offers_plaintext(n->security))
		warn("--security plaintext", "nothing is encrypted, and anyone "
		    "on the way can read and change it: for tests only");
	return TOOL_OK;
}

/* What could not be written is known by now. */
static void
close_secrets(FILE *f, const char *what)
{
	bool bad;

	if (f == NULL)
		return;
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad)
		warn(what, "not all could be written");
}

void
tool_net_end(struct tool_net_state *s)
{
	close_secrets(s->keylog, "SSLKEYLOGFILE");
	close_secrets(s->capture, "--capture");
	p2p_psk_wipe(&s->psk);
}
