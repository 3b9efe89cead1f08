/*
 * p2p-chat: lines of text between peers, over /chat/1.0.0.  This file is the
 * command line, the beginning and the end; see chat.h for the parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "guard.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "term.h"
#include "tool.h"

#define LINGER_S	10

const char *tool_name = "p2p-chat";

struct options {
	const char	*listen[TOOL_LIST_MAX + 1];
	const char	*connect[TOOL_LIST_MAX + 1];
	struct tool_net	 net;
	const char	*key;
	bool		 ephemeral;
	bool		 plain;
	bool		 help, version;
};

static int
listen_all(struct chat *c, const char *const *addresses)
{
	static const char *const any[] = { "/ip4/0.0.0.0/tcp/0",
	    "/ip6/::/tcp/0", NULL };
	const char *const *a = addresses[0] != NULL ? addresses : any;
	int e, last = 0, good = 0;

	for (; *a != NULL; a++) {
		e = p2p_host_listen(c->host, *a, NULL);
		good += e == 0;
		last = e != 0 ? e : last;
		if (e != 0 && addresses[0] != NULL)
			return tool_fail(*a, e, NULL);
	}
	return good > 0 ? TOOL_OK : tool_fail("listen", last, NULL);
}

static int
each_address(struct chat *c, void (*show)(struct chat *c, const char *address))
{
	struct p2p_multiaddr **list, *full;
	size_t i;
	int e;

	if ((e = p2p_host_addresses(c->host, &list)) != 0)
		return e;
	for (i = 0; list[i] != NULL; i++) {
		if (p2p_multiaddr_with_peer(list[i], p2p_host_id(c->host),
		    &full) != 0)
			continue;
		show(c, p2p_multiaddr_text(full));
		p2p_multiaddr_free(full);
	}
	p2p_host_addresses_free(list);
	return 0;
}

/* Below the full screen, where it is whole and stays. */
static void
print_invite(struct chat *c, const char *address)
{
	(void)c;
	printf("invite: p2p-chat -c %s\n", address);
}

/*
 * The best front that there is for what we have been given; one that cannot
 * begin leaves the terminal to the next.
 */
static void
choose_front(struct chat *c, bool plain)
{
	const struct chat_front *const fronts[] = { plain ? NULL : chat_screen,
	    chat_line, &chat_plain };
	size_t i;

	c->front = tool_json ? &chat_json : &chat_pipe;
	if (tool_json || !isatty(0) || !isatty(1))
		return;
	for (i = term_is_dumb() ? 2 : 0; i < 3; i++) {
		c->front = fronts[i];
		if (i == 0 && fronts[i] != NULL) {
			(void)each_address(c, print_invite);
			tool_flush();
		}
		if (fronts[i] != NULL &&
		    (fronts[i]->begin == NULL || fronts[i]->begin(c)))
			return;
	}
}

/* Everything between the host's start and its stop. */
static int
converse(struct chat *c, const struct options *o, bool made)
{
	size_t i;
	int e;

	if ((e = listen_all(c, o->listen)) != 0)
		return e;
	pthread_mutex_lock(&c->turn);
	choose_front(c, o->plain);
	if (made)
		chat_notice(c, "a new key was made: %s", o->key);
	if ((e = p2p_host_handle(c->host, CHAT_ID, chat_handle, c)) == 0)
		e = each_address(c, chat_invite);
	for (i = 0; e == 0 && o->connect[i] != NULL; i++)
		chat_call(c, o->connect[i]);
	if (e == 0) {
		c->front->input(c);
		chat_finish(c);
	}
	chat_close(c);
	pthread_mutex_unlock(&c->turn);
	return e == 0 ? TOOL_OK : tool_fail("start", e, NULL);
}

/*
 * The links' threads are the host's, or wait for it.  One that still prints
 * cannot be waited for: then all ends here.
 */
static void
stop(struct chat *c)
{
	struct chat_peer *p;
	int e;

	if ((e = p2p_host_stop(c->host, 0)) != 0)
		_exit(tool_fail("stop", e, NULL));
	chat_call_join(c);
	chat_report(c);
	p2p_host_free(c->host);
	while ((p = TAILQ_FIRST(&c->peers)) != NULL) {
		TAILQ_REMOVE(&c->peers, p, next);
		free(p);
	}
}

/* For those that have not seen it said, and for scripts. */
static int
tell_lost(const struct chat *c)
{
	if (c->lost)
		return tool_fail_why("message", P2P_ERR_UNREACHABLE,
		    c->peers_n == 0 ?
		    "nobody came to be handed it; see --connect and --linger" :
		    "not all were handed to everybody who was there");
	if (c->refused)
		return tool_fail_why("message", P2P_ERR_TOO_LARGE,
		    "one was not sent, as it was too long");
	return TOOL_OK;
}

static int
run(struct chat *c, const struct options *o)
{
	struct p2p_host_config config = { 0 };
	struct tool_net_state net;
	struct p2p_key *key = NULL;
	bool made = false;
	int e;

	if (o->key != NULL &&
	    (e = tool_key(o->key, o->ephemeral, &key, &made)) != 0)
		return e;
	config.key = key;
	if ((e = tool_net_begin(&o->net, &net, &config)) == TOOL_OK &&
	    (e = tool_host(&config, &c->host)) != TOOL_OK)
		tool_net_end(&net);
	p2p_key_free(key);
	if (e != 0)
		return e;
	p2p_peer_id_text(p2p_host_id(c->host), c->self);
	e = converse(c, o, made);
	stop(c);
	tool_net_end(&net);
	return e == TOOL_OK ? tell_lost(c) : e;
}

/* What is no address of a peer, so that no call is ever going to work. */
static int
check_targets(const char *const *targets)
{
	static const char hint[] = "an address is like "
	    "/ip4/192.0.2.1/tcp/4001/p2p/12D3...";
	struct p2p_multiaddr *ma;
	struct p2p_peer_id id;
	int e = 0;

	for (; *targets != NULL && e == 0; targets++) {
		if (**targets != '/') {
			e = p2p_peer_id_parse(*targets, &id) != 0 ?
			    P2P_ERR_FORMAT : 0;
		} else if ((e = p2p_multiaddr_parse(*targets, &ma)) == 0) {
			e = p2p_multiaddr_peer(ma, &id);
			p2p_multiaddr_free(ma);
		}
		if (e != 0)
			return tool_usage_hint(*targets, p2p_strerror(e),
			    hint);
	}
	return TOOL_OK;
}

static void
help(void)
{
	printf("usage: p2p-chat [OPTIONS]\n\n"
	    "  -l, --listen MADDR   listen there (repeat; else a free port)\n"
	    "  -c, --connect MADDR  talk to that peer (repeat)\n"
	    "  -n, --nick NAME      your name, on your own screen\n"
	    "  --key FILE           this key (default: one for this run)\n"
	    "  --ephemeral          a key for this run\n"
	    "  --security LIST      tls, noise; offered, preferred first\n"
	    "  --muxer LIST         yamux, mplex; likewise (yamux)\n"
	    "  --pnet FILE          in the network of this swarm.key\n"
	    "  --capture FILE       append all frames, decrypted, to a file\n"
	    "  --json               events as JSON lines\n"
	    "  --plain              lines, not a full screen\n"
	    "  --color WHEN         auto, always, never (auto)\n"
	    "  --framing FORM       how text is sent: line, lp (js), auto\n"
	    "  --linger SECONDS     wait for a first peer at the end (10)\n"
	    "  --version            which libp2p this is\n"
	    "  -h, --help           this text\n"
	    "\nmore: man p2p-chat\n");
}

enum { O_KEY = 256, O_EPHEMERAL, O_SECURITY, O_MUXER, O_PNET, O_CAPTURE,
    O_JSON, O_PLAIN, O_COLOR, O_FRAMING, O_LINGER, O_VERSION };

static const struct option longs[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "connect", required_argument, NULL, 'c' },
	{ "nick", required_argument, NULL, 'n' },
	{ "key", required_argument, NULL, O_KEY },
	{ "ephemeral", no_argument, NULL, O_EPHEMERAL },
	{ "security", required_argument, NULL, O_SECURITY },
	{ "muxer", required_argument, NULL, O_MUXER },
	{ "pnet", required_argument, NULL, O_PNET },
	{ "capture", required_argument, NULL, O_CAPTURE },
	{ "json", no_argument, NULL, O_JSON },
	{ "plain", no_argument, NULL, O_PLAIN },
	{ "color", required_argument, NULL, O_COLOR },
	{ "framing", required_argument, NULL, O_FRAMING },
	{ "linger", required_argument, NULL, O_LINGER },
	{ "version", no_argument, NULL, O_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
take_framing(struct chat *c, const char *text)
{
	if (strcmp(text, "line") == 0)
		c->framing = CHAT_BY_LINE;
	else if (strcmp(text, "lp") == 0)
		c->framing = CHAT_BY_LENGTH;
	else if (strcmp(text, "auto") == 0)
		c->framing = CHAT_UNKNOWN;
	else
		return false;
	return true;
}

static int
take(struct chat *chat, struct options *o, int c, char *const *argv)
{
	switch (c) {
	case 'l': tool_append("--listen", o->listen, optarg); break;
	case 'c': tool_append("--connect", o->connect, optarg); break;
	case 'n':
		if (!chat_nick(chat, optarg))
			return tool_usage("--nick", "1 to 32 columns, "
			    "printable");
		break;
	case O_KEY: o->key = optarg; break;
	case O_EPHEMERAL: o->ephemeral = true; break;
	case O_SECURITY: tool_security(&o->net, optarg); break;
	case O_MUXER: tool_muxers(&o->net, optarg); break;
	case O_PNET: o->net.pnet = optarg; break;
	case O_CAPTURE: o->net.capture = optarg; break;
	case O_JSON: tool_json = true; break;
	case O_PLAIN: o->plain = true; break;
	case O_COLOR:
		if (!term_option(optarg))
			return tool_usage("--color", "auto, always or never");
		break;
	case O_FRAMING:
		if (!take_framing(chat, optarg))
			return tool_usage("--framing", "line, lp or auto");
		break;
	case O_LINGER:
		chat->linger = tool_seconds("--linger", optarg);
		break;
	case O_VERSION: o->version = true; break;
	case 'h': o->help = true; break;
	default: return tool_bad_option(c, argv);
	}
	return TOOL_OK;
}

static void
begin(struct chat *c)
{
	pthread_condattr_t attr;

	TAILQ_INIT(&c->links);
	TAILQ_INIT(&c->peers);
	TAILQ_INIT(&c->said);
	TAILQ_INIT(&c->calls);
	STAILQ_INIT(&c->kept.items);
	STAILQ_INIT(&c->posted);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->again, &attr);
	pthread_condattr_destroy(&attr);
}

int
main(int argc, char **argv)
{
	struct chat chat = { .mtx = PTHREAD_MUTEX_INITIALIZER,
	    .out = PTHREAD_MUTEX_INITIALIZER,
	    .turn = PTHREAD_MUTEX_INITIALIZER, .linger = LINGER_S,
	    .patient = true, .room = PTHREAD_COND_INITIALIZER,
	    .main = pthread_self() };
	struct options o = { .help = false };
	struct guard guard = { .locks = { &chat.out, &chat.turn },
	    .stuck = chat_term_flow };
	int c, e;

	tool_start(argv);
	(void)term_option("auto");
	(void)setlocale(LC_CTYPE, "");	/* numbers stay C's */
	begin(&chat);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:c:n:h", longs, NULL)) != -1)
		if ((e = take(&chat, &o, c, argv)) != 0)
			return e;
	if (o.help || o.version) {
		if (o.help)
			help();
		else
			(void)tool_version();
		tool_flush();
		return TOOL_OK;
	}
	if (optind < argc)
		return tool_usage(argv[optind], "no such argument");
	if ((e = check_targets(o.connect)) != 0)
		return e;
	if (pipe2(chat.wake, O_CLOEXEC | O_NONBLOCK) == -1)
		return tool_fail("pipe", -errno, NULL);
	tool_signals();
	guard_begin(&guard);
	e = run(&chat, &o);
	guard_end(&guard);
	return e;
}
