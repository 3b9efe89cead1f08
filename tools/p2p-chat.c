/*
 * p2p-chat: lines of text between peers, over /chat/1.0.0.
 *
 * The main thread reads what the user writes; each peer has a stream and a
 * thread that reads it: a handler's for those who came, one of ours for those
 * we went to.  A message goes to each peer once, over its oldest stream.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "p2p/text.h"
#include "tool.h"

#define CHAT_ID		"/chat/1.0.0"
#define LINE_MAX_LEN	4096	/* bytes of a message; longer ones are cut */
#define KEPT_MAX	256	/* messages kept while nobody is there */
#define WRITE_MS	10000	/* a peer that does not read */
#define TAIL		6	/* characters of a peer id that are shown */

const char *tool_name = "p2p-chat";

struct link {
	TAILQ_ENTRY(link)	 next;
	struct p2p_stream	*s;
	struct p2p_peer_id	 peer;
	char			 name[P2P_PEER_ID_TEXT_MAX];
};

/* Everything under mtx. */
static struct chat {
	pthread_mutex_t		 mtx;
	pthread_cond_t		 changed;	/* a peer came, or went */
	TAILQ_HEAD(, link)	 links;
	struct p2p_host		*host;
	bool			 pipe;		/* not a terminal */
	bool			 failed;	/* a message reached not all */
	unsigned		 calling;	/* dials that go on */
	char			*kept[KEPT_MAX];
	size_t			 nkept;
} chat = { .mtx = PTHREAD_MUTEX_INITIALIZER };

struct call {
	const char		*target;
	pthread_t		 thread;
};

static const char *
tail_of(const char *id)
{
	size_t n = strlen(id);

	return n > TAIL ? id + n - TAIL : id;
}

static void
clock_text(char *out, size_t cap)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, cap, "%H:%M:%S", &tm);
}

/* Talk, or an event; the lock is held. */
static void
notice(const char *text)
{
	if (tool_json) {
		json_begin("notice");
		json_text("text", text);
		json_end();
	} else {
		fprintf(stderr, "-!- %s\n", text);
	}
}

static void
show_peer(const struct link *l, bool here, int reason)
{
	char text[512];

	if (tool_json) {
		json_begin(here ? "joined" : "left");
		json_text("peer", l->name);
		if (here) {
			json_text("nick", tail_of(l->name));
			json_text("address",
			    p2p_multiaddr_text(p2p_stream_remote(l->s)));
		} else {
			json_text("reason", p2p_error_name(reason));
		}
		json_end();
		return;
	}
	snprintf(text, sizeof(text), "%s %s%s%s", tail_of(l->name),
	    here ? "has joined" : "has left", reason != 0 ? ": " : "",
	    reason != 0 ? p2p_strerror(reason) : "");
	notice(text);
}

static void
show_message(const struct link *l, const char *line, size_t len)
{
	char clean[4 * LINE_MAX_LEN], when[16];

	p2p_text_clean(clean, sizeof(clean), line, len, 0);
	if (tool_json) {
		json_begin("message");
		json_text("peer", l->name);
		json_text("nick", tail_of(l->name));
		json_text("text", clean);
		json_text("direction", "in");
		json_end();
		return;
	}
	clock_text(when, sizeof(when));
	if (chat.pipe)
		printf("%s\t%s\t%s\t%s\n", when, l->name, tail_of(l->name),
		    clean);
	else
		printf("%.5s <%s> %s\n", when, tail_of(l->name), clean);
	fflush(stdout);
}

/* The first link to its peer is the one that is written to. */
static bool
is_first(const struct link *l)
{
	const struct link *other;

	TAILQ_FOREACH(other, &chat.links, next)
		if (p2p_peer_id_equal(&other->peer, &l->peer))
			return other == l;
	return false;
}

/* One line to every peer; the lock is held.  Returns to how many it went. */
static unsigned
send_all(const char *line, size_t len)
{
	char buf[LINE_MAX_LEN + 1];
	struct link *l;
	unsigned n = 0;

	memcpy(buf, line, len);
	buf[len] = '\n';
	TAILQ_FOREACH(l, &chat.links, next) {
		if (!is_first(l))
			continue;
		if (p2p_stream_write_full(l->s, buf, len + 1) == 0) {
			n++;
		} else {
			chat.failed = true;
			p2p_stream_reset(l->s);
		}
	}
	return n;
}

static void
send_kept(void)
{
	size_t i;

	for (i = 0; i < chat.nkept; i++) {
		(void)send_all(chat.kept[i], strlen(chat.kept[i]));
		free(chat.kept[i]);
	}
	chat.nkept = 0;
}

static void
enter(struct link *l)
{
	pthread_mutex_lock(&chat.mtx);
	TAILQ_INSERT_TAIL(&chat.links, l, next);
	if (is_first(l))
		show_peer(l, true, 0);
	send_kept();
	pthread_cond_broadcast(&chat.changed);
	pthread_mutex_unlock(&chat.mtx);
}

static void
leave(struct link *l, int reason)
{
	bool first;

	pthread_mutex_lock(&chat.mtx);
	first = is_first(l);
	TAILQ_REMOVE(&chat.links, l, next);
	if (first && !is_first(l))
		show_peer(l, false, reason);
	pthread_cond_broadcast(&chat.changed);
	pthread_mutex_unlock(&chat.mtx);
}

/* Read a peer's lines until its half ends; a line too long is cut in pieces. */
static void
run_link(struct p2p_stream *s)
{
	char buf[LINE_MAX_LEN], *nl;
	struct link l = { .s = s, .peer = *p2p_stream_peer(s) };
	size_t have = 0, len;
	ssize_t n;

	p2p_peer_id_text(&l.peer, l.name);
	p2p_stream_write_timeout(s, WRITE_MS);
	enter(&l);
	while ((n = p2p_stream_read(s, buf + have, sizeof(buf) - have)) > 0) {
		have += (size_t)n;
		while (have > 0) {
			nl = memchr(buf, '\n', have);
			if (nl == NULL && have < sizeof(buf))
				break;
			len = nl != NULL ? (size_t)(nl - buf) : have;
			pthread_mutex_lock(&chat.mtx);
			if (len > 0)
				show_message(&l, buf, len);
			pthread_mutex_unlock(&chat.mtx);
			len += nl != NULL;
			memmove(buf, buf + len, have - len);
			have -= len;
		}
	}
	pthread_mutex_lock(&chat.mtx);
	if (n == 0 && have > 0)
		show_message(&l, buf, have);
	pthread_mutex_unlock(&chat.mtx);
	leave(&l, (int)n);
}

static void
handle(struct p2p_stream *s, void *arg)
{
	(void)arg;
	run_link(s);
}

static void *
run_call(void *arg)
{
	static const char *const protocols[] = { CHAT_ID, NULL };
	const struct call *c = arg;
	struct p2p_connection conn;
	struct p2p_report *report;
	struct p2p_stream *s = NULL;
	int e;

	e = p2p_host_connect(chat.host, c->target, NULL, &conn, &report);
	if (e == 0) {
		e = p2p_host_open_on(chat.host, conn.number, protocols, 10000,
		    &s);
		p2p_multiaddr_free(conn.remote);
	}
	pthread_mutex_lock(&chat.mtx);
	if (e != 0)
		(void)tool_fail(c->target, e, report);
	if (e != 0)
		chat.calling--;
	pthread_cond_broadcast(&chat.changed);
	pthread_mutex_unlock(&chat.mtx);
	p2p_report_free(report);
	if (e != 0)
		return NULL;
	run_link(s);
	p2p_stream_free(s);
	pthread_mutex_lock(&chat.mtx);
	chat.calling--;
	pthread_cond_broadcast(&chat.changed);
	pthread_mutex_unlock(&chat.mtx);
	return NULL;
}

/* A line of the user's; commands come with the comfort. */
static void
say(const char *line, size_t len)
{
	pthread_mutex_lock(&chat.mtx);
	if (len == 0) {
		;
	} else if (!TAILQ_EMPTY(&chat.links)) {
		(void)send_all(line, len);
	} else if (chat.nkept < KEPT_MAX) {
		chat.kept[chat.nkept++] = strndup(line, len);
		if (chat.nkept == 1 && !chat.pipe)
			notice("nobody here yet: kept until someone joins");
	} else {
		chat.failed = true;
	}
	pthread_mutex_unlock(&chat.mtx);
}

/* Whole lines of what was read; the rest stays. */
static size_t
say_lines(char *buf, size_t have, bool end)
{
	char *nl;
	size_t len;

	while (have > 0) {
		nl = memchr(buf, '\n', have);
		if (nl == NULL && have < LINE_MAX_LEN && !end)
			break;
		len = nl != NULL ? (size_t)(nl - buf) : have;
		say(buf, len);
		len += nl != NULL;
		memmove(buf, buf + len, have - len);
		have -= len;
	}
	return have;
}

/* Until the end of stdin, or a signal. */
static void
read_input(void)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
	    { .fd = tool_signal_fd(), .events = POLLIN } };
	char buf[LINE_MAX_LEN];
	size_t have = 0;
	ssize_t n;

	for (;;) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return;
		if (tool_signal() != 0)
			return;
		if (p[0].revents == 0)
			continue;
		n = read(0, buf + have, sizeof(buf) - have);
		if (n <= 0)
			break;
		have = say_lines(buf, have + (size_t)n, false);
	}
	(void)say_lines(buf, have, true);
}

/* Messages are kept for a first peer: give it a while to come. */
static void
linger(double seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	pthread_mutex_lock(&chat.mtx);
	while (chat.nkept > 0 && tool_signal() == 0)
		if (pthread_cond_timedwait(&chat.changed, &chat.mtx, &until) ==
		    ETIMEDOUT)
			break;
	if (chat.nkept > 0)
		chat.failed = true;
	while (chat.nkept > 0)
		free(chat.kept[--chat.nkept]);
	pthread_mutex_unlock(&chat.mtx);
}

/* Finish our half of every stream, so that the peers see a clean end. */
static void
say_goodbye(void)
{
	struct link *l;

	pthread_mutex_lock(&chat.mtx);
	TAILQ_FOREACH(l, &chat.links, next)
		(void)p2p_stream_close_write(l->s);
	pthread_mutex_unlock(&chat.mtx);
}

static int
listen_all(const char *const *addresses)
{
	static const char *const any[] = { "/ip4/0.0.0.0/tcp/0",
	    "/ip6/::/tcp/0", NULL };
	const char *const *a = addresses[0] != NULL ? addresses : any;
	int e, last = 0, good = 0;

	for (; *a != NULL; a++) {
		e = p2p_host_listen(chat.host, *a, NULL);
		good += e == 0;
		last = e != 0 ? e : last;
		if (e != 0 && addresses[0] != NULL)
			return tool_fail(*a, e, NULL);
	}
	return good > 0 ? TOOL_OK : tool_fail("listen", last, NULL);
}

static int
show_addresses(void)
{
	struct p2p_multiaddr **list, *full;
	size_t i;
	int e;

	if ((e = p2p_host_addresses(chat.host, &list)) != 0)
		return tool_fail("addresses", e, NULL);
	for (i = 0; list[i] != NULL; i++) {
		if (p2p_multiaddr_with_peer(list[i], p2p_host_id(chat.host),
		    &full) != 0)
			continue;
		if (tool_json) {
			json_begin("listening");
			json_text("address", p2p_multiaddr_text(full));
			json_end();
		} else {
			fprintf(stderr, "invite: p2p-chat -c %s\n",
			    p2p_multiaddr_text(full));
		}
		p2p_multiaddr_free(full);
	}
	p2p_host_addresses_free(list);
	return TOOL_OK;
}

/* Everything between the host's start and its stop. */
static int
converse(const char *const *listen, const char *const *connect, double seconds)
{
	struct call calls[TOOL_LIST_MAX];
	size_t i, n = 0;
	int e;

	if ((e = p2p_host_handle(chat.host, CHAT_ID, handle, NULL)) != 0)
		return tool_fail("chat", e, NULL);
	if ((e = listen_all(listen)) != 0 || (e = show_addresses()) != 0)
		return e;
	for (i = 0; connect[i] != NULL; i++) {
		calls[n].target = connect[i];
		chat.calling++;
		if (pthread_create(&calls[n].thread, NULL, run_call,
		    &calls[n]) == 0)
			n++;
	}
	read_input();
	linger(seconds);
	say_goodbye();
	e = p2p_host_stop(chat.host, 0);
	for (i = 0; i < n; i++)
		pthread_join(calls[i].thread, NULL);
	if (e != 0)
		return tool_fail("stop", e, NULL);
	return chat.failed ? TOOL_FAILED : TOOL_OK;
}

/* Waits are by the monotonic clock. */
static void
init(void)
{
	pthread_condattr_t attr;

	TAILQ_INIT(&chat.links);
	chat.pipe = !isatty(0) || !isatty(1);
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&chat.changed, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
}

static void
help(void)
{
	printf("usage: p2p-chat [OPTIONS]\n\n"
	    "  -l, --listen MADDR   listen there (repeat; default: a free port)\n"
	    "  -c, --connect MADDR  talk to that peer (repeat)\n"
	    "  -n, --nick NAME      your name, on your own screen\n"
	    "  --key FILE           this key (default: one for this run)\n"
	    "  --ephemeral          a key for this run\n"
	    "  --security LIST      offered, preferred first (tls)\n"
	    "  --muxer LIST         offered, preferred first (yamux)\n"
	    "  --json               events as JSON lines\n"
	    "  --plain              lines, whatever the terminal can do\n"
	    "  --linger SECONDS     wait for a first peer at the end (10)\n"
	    "\nmore: man p2p-chat\n");
}

enum { O_KEY = 256, O_EPHEMERAL, O_SECURITY, O_MUXER, O_JSON, O_PLAIN,
    O_LINGER };

static const struct option longs[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "connect", required_argument, NULL, 'c' },
	{ "nick", required_argument, NULL, 'n' },
	{ "key", required_argument, NULL, O_KEY },
	{ "ephemeral", no_argument, NULL, O_EPHEMERAL },
	{ "security", required_argument, NULL, O_SECURITY },
	{ "muxer", required_argument, NULL, O_MUXER },
	{ "json", no_argument, NULL, O_JSON },
	{ "plain", no_argument, NULL, O_PLAIN },
	{ "linger", required_argument, NULL, O_LINGER },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	const char *listen[TOOL_LIST_MAX + 1] = { NULL };
	const char *connect[TOOL_LIST_MAX + 1] = { NULL }, *path = NULL;
	struct p2p_host_config config = { 0 };
	struct p2p_key *key = NULL;
	double seconds = 10;
	bool made;
	int c, e;

	while ((c = getopt_long(argc, argv, "l:c:n:h", longs, NULL)) != -1) {
		switch (c) {
		case 'l': tool_append("--listen", listen, optarg); break;
		case 'c': tool_append("--connect", connect, optarg); break;
		case 'n': case O_PLAIN: case O_EPHEMERAL: break;
		case O_KEY: path = optarg; break;
		case O_JSON: tool_json = true; break;
		case O_LINGER: seconds = tool_seconds("--linger", optarg); break;
		case O_SECURITY:
			config.security = tool_security(optarg);
			break;
		case O_MUXER:
			config.muxers = tool_muxers(optarg);
			break;
		case 'h': help(); return TOOL_OK;
		default: return TOOL_USAGE;
		}
	}
	if (optind < argc)
		return tool_usage(argv[optind], "no such argument");
	init();
	if (path != NULL && (e = tool_key(path, false, &key, &made)) != 0)
		return e;
	config.key = key;
	tool_signals();
	e = p2p_host_new(&config, &chat.host);
	p2p_key_free(key);
	if (e != 0)
		return tool_fail("start", e, NULL);
	e = converse(listen, connect, seconds);
	p2p_host_free(chat.host);
	return e;
}
