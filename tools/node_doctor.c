/*
 * p2p-node doctor: what would be in the way of a node with this configuration.
 * Nothing is changed, nobody is contacted, and nothing is listened on: a port
 * is free when it can be bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node_check.h"
#include "node_config.h"
#include "node_doctor.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define FILES_WANTED	1024	/* what the default limits are made for */
#define FILES_LEAST	64
#define NOT_BEFORE	1764547200	/* this program was not there before */
#define NOT_AFTER	4102444800	/* 2100 */

void
doctor_say(struct doctor *d, enum check_status status, const char *name,
    const char *hint, const char *fmt, ...)
{
	char text[PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check_show(&d->sum, status, name, -1, text, hint);
}

/* The rest goes on with flags alone when the file cannot be used. */
static bool
check_config(struct doctor *d, const struct options *o)
{
	struct config_error err;

	if (config_load(o, &d->c, &err) != TOOL_OK) {
		doctor_say(d, CHECK_FAIL, "configuration", err.hint[0] != '\0' ?
		    err.hint : "p2p-node --help", "%s: %s", err.what, err.why);
		return false;
	}
	d->o = &d->c->o;
	if (d->c->has_file)
		doctor_say(d, CHECK_OK, "configuration", NULL, "%s",
		    d->c->path);
	else
		doctor_say(d, CHECK_OK, "configuration", NULL,
		    "no file, the defaults");
	return true;
}

static void
check_key(struct doctor *d)
{
	const char *path = d->o->key, *why = NULL;
	char text[P2P_PEER_ID_TEXT_MAX], home[PATH_MAX];
	struct p2p_peer_id id;
	struct p2p_key *key;
	int e;

	if (d->o->ephemeral) {
		doctor_say(d, CHECK_OK, "key", NULL, "ephemeral");
		return;
	}
	if (path == NULL)
		path = tool_home("identity.key", home);
	if (path == NULL) {
		doctor_say(d, CHECK_FAIL, "key", TOOL_NO_HOME_HINT,
		    TOOL_NO_HOME);
		return;
	}
	e = p2p_key_load(path, &key, &why);
	if (e == -ENOENT) {
		doctor_say(d, CHECK_OK, "key", NULL, "%s: not there yet, run "
		    "makes it", path);
	} else if (e != 0) {
		doctor_say(d, CHECK_FAIL, "key", "mend the file (chmod 600, "
		    "yours, no link), or give another with --key", "%s: %s",
		    path, why != NULL ? why : p2p_strerror(e));
	} else {
		p2p_peer_id_from_key(key, &id);
		doctor_say(d, CHECK_OK, "key", NULL, "%s: %s, %s", path,
		    p2p_key_type_name(p2p_key_type(key)),
		    p2p_peer_id_text(&id, text));
		p2p_key_free(key);
	}
}

/* The directory of a file, or the nearest above it that is there. */
void
doctor_directory(struct doctor *d, const char *name, const char *file)
{
	static const char hint[] = "name another, or chmod u+wx it";
	char path[PATH_MAX], *dir;
	bool missing = false;
	struct stat st;

	snprintf(path, sizeof(path), "%s", file);
	dir = dirname(path);
	while (stat(dir, &st) == -1 && errno == ENOENT &&
	    strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0) {
		missing = true;
		dir = dirname(dir);
	}
	if (stat(dir, &st) == -1)
		doctor_say(d, CHECK_FAIL, name, hint, "%s: %s", dir,
		    p2p_strerror(-errno));
	else if (!S_ISDIR(st.st_mode))
		doctor_say(d, CHECK_FAIL, name, hint, "%s: %s", dir,
		    p2p_strerror(-ENOTDIR));
	else if (access(dir, W_OK | X_OK) == -1)
		doctor_say(d, CHECK_FAIL, name, hint, "%s: %s", dir,
		    p2p_strerror(-errno));
	else if (!missing && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		doctor_say(d, CHECK_WARN, name, "chmod go-w it",
		    "%s: others may put files there", dir);
	else
		doctor_say(d, CHECK_OK, name, NULL, "%s: %s", dir, missing ?
		    "what is missing below it can be made" : "can be written");
}

/* Whoever has no home needs none, or hears it of the key or the store. */
static void
check_home(struct doctor *d)
{
	bool good = d->o->ephemeral || d->o->key != NULL;
	char home[PATH_MAX];

	if (tool_home("x", home) != NULL)
		doctor_directory(d, "home", home);
	else
		doctor_say(d, good ? CHECK_OK : CHECK_FAIL, "home", good ?
		    NULL : TOOL_NO_HOME_HINT, TOOL_NO_HOME);
}

static socklen_t
socket_address(const struct p2p_multiaddr *ma, struct sockaddr_storage *ss)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct p2p_multiaddr_part ip, tcp;

	memset(ss, 0, sizeof(*ss));
	if (!p2p_multiaddr_part(ma, 0, &ip) ||
	    !p2p_multiaddr_part(ma, 1, &tcp) || strcmp(tcp.name, "tcp") != 0)
		return 0;
	if (strcmp(ip.name, "ip4") == 0) {
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, ip.value, 4);
		memcpy(&in->sin_port, tcp.value, 2);
		return sizeof(*in);
	}
	if (strcmp(ip.name, "ip6") != 0)
		return 0;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, ip.value, 16);
	memcpy(&in6->sin6_port, tcp.value, 2);
	return sizeof(*in6);
}

static int
try_bind(const struct sockaddr_storage *ss, socklen_t len)
{
	int fd, e = 0, on = 1;

	if ((fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, len) == -1)
		e = -errno;
	close(fd);
	return e;
}

static const char *
bind_hint(int e, bool unasked)
{
	if (e == -EADDRINUSE)
		return unasked ? "run takes a free one then" : "another "
		    "program has this port, or a node that runs; port 0 takes "
		    "a free one";
	if (e == -EACCES)
		return "ports below 1024 are not for everybody";
	return unasked ? "the other family will do" :
	    "is it an address of this machine?";
}

/* Nobody asked for the defaults: run goes on without one of them. */
static void
check_listen(struct doctor *d, const char *text, bool unasked)
{
	struct sockaddr_storage ss;
	struct p2p_multiaddr *ma;
	socklen_t len = 0;
	int e;

	if ((e = p2p_multiaddr_parse(text, &ma)) == 0) {
		len = socket_address(ma, &ss);
		p2p_multiaddr_free(ma);
	}
	if (e != 0 || len == 0)
		doctor_say(d, CHECK_FAIL, "listen", "listen to one like "
		    "/ip4/0.0.0.0/tcp/4001", "%s: %s", text, p2p_strerror(
		    e != 0 ? e : P2P_ERR_UNSUPPORTED));
	else if ((e = try_bind(&ss, len)) != 0)
		doctor_say(d, unasked ? CHECK_WARN : CHECK_FAIL, "listen",
		    bind_hint(e, unasked), "%s: %s", text, p2p_strerror(e));
	else
		doctor_say(d, CHECK_OK, "listen", NULL, "%s: can be had", text);
}

static void
check_listens(struct doctor *d)
{
	size_t i;

	for (i = 0; d->o->listen[i] != NULL; i++)
		check_listen(d, d->o->listen[i], false);
	if (i == 0) {
		check_listen(d, "/ip4/0.0.0.0/tcp/4001", true);
		check_listen(d, "/ip6/::/tcp/4001", true);
	}
}

static void
check_files(struct doctor *d)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		doctor_say(d, CHECK_WARN, "descriptors", NULL, "%s",
		    p2p_strerror(-errno));
	else
		doctor_say(d, r.rlim_cur < FILES_LEAST ? CHECK_FAIL :
		    r.rlim_cur < FILES_WANTED ? CHECK_WARN : CHECK_OK,
		    "descriptors", r.rlim_cur < FILES_WANTED ? "ulimit -n 1024 "
		    "lets it have more connections" : NULL, "%llu",
		    (unsigned long long)r.rlim_cur);
}

/* Limits and offers have to go together. */
static void
check_limits(struct doctor *d)
{
	struct p2p_host_config hc = { .limits = d->o->limits };
	struct p2p_host *h;
	int e;

	if (d->o->net.security[0] != NULL)
		hc.security = d->o->net.security;
	if (d->o->net.muxers[0] != NULL)
		hc.muxers = d->o->net.muxers;
	if ((e = p2p_host_new(&hc, &h)) != 0) {
		doctor_say(d, CHECK_FAIL, "limits", "config check says which",
		    "%s", p2p_strerror(e));
		return;
	}
	doctor_say(d, CHECK_OK, "limits", NULL, "a host can be made of them");
	p2p_host_free(h);
}

/* Certificates and records carry the time: a wrong one refuses good peers. */
static void
check_clock(struct doctor *d)
{
	time_t now = time(NULL);
	char text[32] = "?";
	struct tm tm;
	bool good = now >= NOT_BEFORE && now < NOT_AFTER;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	doctor_say(d, good ? CHECK_OK : CHECK_FAIL, "clock", good ? NULL :
	    "set it: records and certificates have a time", "%s", text);
}

/* Read, and not asked. */
static void
check_resolver(struct doctor *d)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512];
	unsigned n = 0;

	if (f == NULL) {
		doctor_say(d, CHECK_WARN, "resolver", "names (/dns...) cannot "
		    "be looked up; addresses of numbers can be used", "%s: %s",
		    RESOLV_CONF, p2p_strerror(-errno));
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		n += strncmp(line, "nameserver", 10) == 0;
	fclose(f);
	doctor_say(d, n > 0 ? CHECK_OK : CHECK_WARN, "resolver", n > 0 ? NULL :
	    "names (/dns...) are asked of this machine alone",
	    "%s: %u servers", RESOLV_CONF, n);
}

static void
check_pnet(struct doctor *d)
{
	struct p2p_psk psk;
	int e;

	if (d->o->net.pnet == NULL)
		return;
	if ((e = p2p_psk_load(d->o->net.pnet, &psk)) != 0)
		doctor_say(d, CHECK_FAIL, "pnet", "man p2p_pnet says what is "
		    "in such a file", "%s: %s", d->o->net.pnet,
		    p2p_strerror(e));
	else
		doctor_say(d, CHECK_OK, "pnet", NULL, "%s", d->o->net.pnet);
	p2p_psk_wipe(&psk);
}

int
node_doctor(const struct options *o)
{
	struct doctor d = { .o = o, .sum = { .begun = tool_now() } };

	tool_signals();
	if (check_config(&d, o)) {
		check_key(&d);
		check_home(&d);
		doctor_store(&d);
	}
	if (tool_signal() == 0 && d.c != NULL) {
		check_pnet(&d);
		check_listens(&d);
		check_limits(&d);
	}
	check_files(&d);
	check_clock(&d);
	check_resolver(&d);
	config_free(d.c);
	return tool_signal() != 0 ? 128 + tool_signal() : check_end(&d.sum);
}
