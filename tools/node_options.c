/*
 * The command line of p2p-node, from one table: an option is taken by the
 * commands that it names, refused by the others, and stands in their help.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

/* Bits in the order of node_commands. */
enum {
	C_RUN = 1, C_ID = 2, C_KEY = 4, C_PING = 8, C_IDENTIFY = 16,
	C_CONNECT = 32, C_ECHO = 64, C_PERF = 128, C_DHT = 256, C_MADDR = 512,
	C_PEERID = 1024, C_VERSION = 2048,
	C_PEER = C_PING | C_IDENTIFY | C_CONNECT | C_ECHO | C_PERF,
	C_NET = C_RUN | C_PEER | C_DHT,
	C_ALL = 2 * C_VERSION - 1
};

enum {
	O_KEY = 256, O_EPHEMERAL, O_SECURITY, O_MUXER, O_SERVE, O_LIMIT,
	O_CONNECT, O_JSON, O_TIMEOUT, O_ANY, O_TYPE, O_OUT, O_BITS,
	O_PARALLEL, O_HOLD, O_BYTES, O_STREAMS, O_CHUNK, O_UPLOAD, O_DOWNLOAD,
	O_VERSION, O_PNET, O_CAPTURE, O_DHT, O_NETWORK, O_BOOTSTRAP,
	O_PRIVATE, O_NAMESPACE, O_STORE, O_PROVIDE, O_TRACE
};

/* A name of one letter has no long form. */
static const struct known {
	const char	*name;
	int		 val;
	unsigned	 commands;
	const char	*arg, *help;
} known[] = {
	{ "json", O_JSON, C_ALL, NULL, "one JSON object a line on stdout" },
	{ "help", 'h', C_ALL, NULL, "this text; of a command behind its name" },
	{ "version", O_VERSION, C_ALL, NULL, "as the command version" },
	{ "timeout", O_TIMEOUT, C_ALL & ~(unsigned)C_RUN, "SECONDS",
	    "bound of the whole command (30)" },
	{ "key", O_KEY, C_NET | C_ID | C_KEY, "FILE", "this key file" },
	{ "ephemeral", O_EPHEMERAL, C_NET, NULL,
	    "a key that lives as long as the process" },
	{ "security", O_SECURITY, C_NET, "LIST",
	    "tls, noise; offered, preferred first" },
	{ "muxer", O_MUXER, C_NET, "LIST",
	    "yamux, mplex; offered, preferred first (yamux)" },
	{ "pnet", O_PNET, C_NET, "FILE", "in the network of this swarm.key" },
	{ "capture", O_CAPTURE, C_NET, "FILE",
	    "append all frames, decrypted, to a file" },
	{ "any-peer", O_ANY, C_NET, NULL,
	    "take whoever answers at an address" },
	{ "limit", O_LIMIT, C_NET, "NAME=VALUE", "set a limit (repeat)" },
	{ "listen", 'l', C_RUN | C_DHT, "MADDR", "listen there (repeat)" },
	{ "bootstrap", O_BOOTSTRAP, C_NET, "MADDR",
	    "a peer of the DHT to begin with, ipfs, none (repeat)" },
	{ "network", O_NETWORK, C_NET, "NAME",
	    "ipfs, lan, or a protocol id (ipfs; run: repeat)" },
	{ "allow-private", O_PRIVATE, C_NET, NULL,
	    "private and loopback addresses count, too" },
	{ "namespace", O_NAMESPACE, C_RUN | C_DHT, "NAME",
	    "records under /NAME/ need no validation (repeat)" },
	{ "trace", O_TRACE, C_DHT, NULL, "show each peer that answers" },
	{ "n", 'n', C_DHT, "N", "so many providers are enough" },
	{ "dht", O_DHT, C_RUN, "MODE", "off, client, server, auto (off)" },
	{ "store", O_STORE, C_RUN, "FILE",
	    "of the DHT, or: memory (a file next to the key)" },
	{ "provide", O_PROVIDE, C_RUN, "CID",
	    "say that we provide it, now and again (repeat)" },
	{ "serve", O_SERVE, C_RUN, "LIST", "also serve echo, perf" },
	{ "connect", O_CONNECT, C_RUN, "MADDR", "connect at start (repeat)" },
	{ "type", O_TYPE, C_KEY, "TYPE", "ed25519, secp256k1, ecdsa, rsa" },
	{ "out", O_OUT, C_KEY, "FILE", "where the key goes" },
	{ "bits", O_BITS, C_KEY, "N", "size of an rsa key (2048)" },
	{ "c", 'c', C_PING | C_CONNECT | C_ECHO, "N", "so many times" },
	{ "i", 'i', C_PING, "SECONDS", "between two pings (1)" },
	{ "parallel", O_PARALLEL, C_CONNECT, "P", "so many at once (1)" },
	{ "hold", O_HOLD, C_CONNECT, "SECONDS", "stay connected so long" },
	{ "bytes", O_BYTES, C_ECHO, "N", "bytes a stream, compared "
	    "(default: stdin)" },
	{ "streams", O_STREAMS, C_ECHO | C_PERF, "S", "streams at once (1)" },
	{ "chunk", O_CHUNK, C_ECHO | C_PERF, "C", "bytes a write (65536)" },
	{ "upload-bytes", O_UPLOAD, C_PERF, "N", "sent, over all streams" },
	{ "download-bytes", O_DOWNLOAD, C_PERF, "N", "received, likewise" },
	{ NULL, 0, 0, NULL, NULL },
};

#define KNOWN	(sizeof(known) / sizeof(known[0]))

static unsigned
bit_of(const struct command *c)
{
	return 1u << (c - node_commands);
}

/* "--name ARG", or "-x, --name ARG", or "-x ARG". */
static void
help_option(const struct known *k)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%c%s%s%s%s%s",
	    k->val < 256 ? "-" : "", k->val < 256 ? k->val : '-',
	    k->val < 256 ? "" : "-", k->name[1] == '\0' ? "" :
	    k->val < 256 ? ", --" : "", k->name[1] == '\0' ? "" : k->name,
	    k->arg != NULL ? " " : "", k->arg != NULL ? k->arg : "");
	printf("  %-21s %s\n", text, k->help);
}

/* The commands that take the options which follow. */
static void
help_heading(unsigned commands)
{
	const struct command *c;
	const char *comma = "";

	for (c = node_commands; commands != C_ALL && c->name != NULL; c++) {
		if ((commands & bit_of(c)) == 0)
			continue;
		printf("%s%s", comma, c->name);
		comma = ", ";
	}
	printf("%s:\n", commands == C_ALL ? "all commands" : "");
}

void
node_help(const struct command *c)
{
	const struct command *each;
	const struct known *k;
	unsigned last = 0;

	if (c != NULL) {
		printf("usage: p2p-node %s [OPTIONS]%s%s\n\n%s\n\n", c->name,
		    c->args[0] != '\0' ? " " : "", c->args, c->help);
		if (c->details != NULL)
			c->details();
	} else {
		printf("usage: p2p-node [COMMAND] [OPTIONS] [ARGUMENT]\n\n"
		    "commands:\n");
		for (each = node_commands; each->name != NULL; each++)
			printf("  %-9s %-11s %s\n", each->name, each->args,
			    each->help);
		printf("\nPEER is an address that ends in /p2p/ID, or with "
		    "--bootstrap a peer id.\n\n");
	}
	for (k = known; k->name != NULL; k++) {
		if (c != NULL && (k->commands & bit_of(c)) == 0)
			continue;
		if (c == NULL && k->commands != last)
			help_heading(last = k->commands);
		help_option(k);
	}
	printf("\nmore: man p2p-node\n");
}

static void
add_limit(struct options *o, char *text)
{
	char *eq = strchr(text, '='), what[64];
	size_t n;

	for (n = 0; o->limits[n].name != NULL; n++)
		;
	snprintf(what, sizeof(what), "--limit %s", text);
	if (n == TOOL_LIST_MAX)
		exit(tool_usage("--limit", "too many"));
	if (eq == NULL)
		exit(tool_usage(what, "wants NAME=VALUE"));
	*eq = '\0';
	o->limits[n].name = text;
	o->limits[n].value = tool_number(what, eq + 1, UINT64_MAX);
}

static void
add_serve(struct options *o, char *list)
{
	char *p, *rest;

	for (p = strtok_r(list, ",", &rest); p != NULL;
	    p = strtok_r(NULL, ",", &rest)) {
		if (strcmp(p, "echo") == 0)
			o->serve_echo = true;
		else if (strcmp(p, "perf") == 0)
			o->serve_perf = true;
		else
			exit(tool_usage("--serve", "knows echo and perf"));
	}
}

static uint64_t
at_least_one(const char *option, const char *text, uint64_t max)
{
	uint64_t v = tool_number(option, text, max);

	if (v == 0)
		exit(tool_usage(option, "must be more than 0"));
	return v;
}

/* The option switch: one line each. */
static void
take(struct options *o, int c, char *arg)
{
	switch (c) {
	case 'l': tool_append("--listen", o->listen, arg); break;
	case O_CONNECT: tool_append("--connect", o->connect, arg); break;
	case 'c': o->count = at_least_one("-c", arg, 100000000); break;
	case 'i': o->interval = tool_seconds("-i", arg); break;
	case 'h': o->help = true; break;
	case O_VERSION: o->version = true; break;
	case O_KEY: o->key = arg; break;
	case O_EPHEMERAL: o->ephemeral = true; break;
	case O_SECURITY: tool_security(&o->net, arg); break;
	case O_MUXER: tool_muxers(&o->net, arg); break;
	case O_PNET: o->net.pnet = arg; break;
	case O_CAPTURE: o->net.capture = arg; break;
	case O_SERVE: add_serve(o, arg); break;
	case O_LIMIT: add_limit(o, arg); break;
	case O_JSON: tool_json = true; break;
	case O_TIMEOUT:
		if ((o->timeout = tool_seconds("--timeout", arg)) == 0)
			exit(tool_usage("--timeout", "must be more than 0"));
		break;
	case O_ANY: o->any_peer = true; break;
	case O_DHT: o->dht.mode = arg; break;
	case O_NETWORK: tool_append("--network", o->dht.network, arg); break;
	case O_BOOTSTRAP:
		tool_append("--bootstrap", o->dht.bootstrap, arg);
		break;
	case O_PRIVATE: o->dht.allow_private = true; break;
	case O_NAMESPACE:
		tool_append("--namespace", o->dht.namespaces, arg);
		break;
	case O_STORE: o->dht.store = arg; break;
	case O_PROVIDE: tool_append("--provide", o->dht.provide, arg); break;
	case O_TRACE: o->dht.trace = true; break;
	case 'n': o->count = at_least_one("-n", arg, 1000000); break;
	case O_TYPE: o->type = arg; break;
	case O_OUT: o->out = arg; break;
	case O_BITS: o->bits = (unsigned)tool_number("--bits", arg, 16384);
		break;
	case O_PARALLEL: o->parallel = at_least_one("--parallel", arg, 1024);
		break;
	case O_HOLD: o->hold = tool_seconds("--hold", arg); break;
	case O_BYTES:
		o->have_bytes = true;
		o->bytes = tool_number("--bytes", arg, UINT64_MAX);
		break;
	case O_STREAMS: o->streams = at_least_one("--streams", arg, 256);
		break;
	case O_CHUNK: o->chunk = at_least_one("--chunk", arg, 16 << 20); break;
	case O_UPLOAD:
		o->upload = tool_number("--upload-bytes", arg, UINT64_MAX);
		break;
	case O_DOWNLOAD:
		o->download = tool_number("--download-bytes", arg, UINT64_MAX);
		break;
	default: break;
	}
}

/* How many letters are to be changed, added or dropped to get b from a. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[16], i, j, above, left, n = strlen(b);

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i] != '\0'; i++) {
		left = row[0];
		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = left + (a[i] != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			left = above;
		}
	}
	return row[n];
}

/* The command of that name, or NULL, having suggested the nearest one. */
static const struct command *
find(const char *name)
{
	const struct command *c, *near = NULL;
	size_t d, least = 3;
	char hint[64];

	for (c = node_commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	for (c = node_commands; c->name != NULL; c++) {
		d = distance(name, c->name);
		if (d < least && d < strlen(c->name)) {
			least = d;
			near = c;
		}
	}
	if (near != NULL)
		snprintf(hint, sizeof(hint), "did you mean %s?", near->name);
	(void)tool_usage_hint(name, "no such command",
	    near != NULL ? hint : NULL);
	return NULL;
}

/* getopt's tables from ours. */
static void
prepare(struct option *longs, char *shorts)
{
	const struct known *k;

	*shorts++ = ':';		/* a missing value is told apart */
	for (k = known; k->name != NULL; k++) {
		if (k->name[1] != '\0')
			*longs++ = (struct option){ k->name, k->arg != NULL,
			    NULL, k->val };
		if (k->val >= 256)
			continue;
		*shorts++ = (char)k->val;
		if (k->arg != NULL)
			*shorts++ = ':';
	}
	*longs = (struct option){ NULL, 0, NULL, 0 };
	*shorts = '\0';
}

static const struct known *
known_of(int val)
{
	const struct known *k;

	for (k = known; k->name != NULL && k->val != val; k++)
		;
	return k;
}

/* Options of other commands are mistakes, not noise. */
static int
check_given(const struct command *c, const bool *given)
{
	char what[32], why[64];
	size_t i;

	for (i = 0; i + 1 < KNOWN; i++) {
		if (!given[i] || (known[i].commands & bit_of(c)) != 0)
			continue;
		snprintf(what, sizeof(what), "%s%s",
		    known[i].name[1] == '\0' ? "-" : "--", known[i].name);
		snprintf(why, sizeof(why), "not an option of %s", c->name);
		return tool_usage(what, why);
	}
	return TOOL_OK;
}

static int
take_arguments(const struct command *c, struct options *o, int n, char **args)
{
	int i;

	if (n < (int)c->least)
		return tool_usage(c->name, "an argument is missing");
	if (n > (int)c->most)
		return tool_usage(args[c->most], "one argument too many");
	o->arg = n > 0 ? args[0] : NULL;
	for (i = 1; i < n; i++)
		o->more[i - 1] = args[i];
	return TOOL_OK;
}

int
node_options(int argc, char **argv, struct options *o,
    const struct command **out)
{
	struct option longs[KNOWN];
	const struct command *c = node_commands;	/* run */
	bool given[KNOWN] = { false };
	char shorts[2 * KNOWN + 2];
	int opt, e;

	prepare(longs, shorts);
	*out = NULL;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return tool_bad_option(opt, argv);
		given[known_of(opt) - known] = true;
		take(o, opt, optarg);
	}
	if (optind < argc && (c = find(argv[optind])) == NULL)
		return TOOL_USAGE;
	if (o->help) {
		node_help(optind < argc ? c : NULL);
		return TOOL_OK;
	}
	if (o->version)
		return node_version(o);
	if ((e = check_given(c, given)) != 0)
		return e;
	if (optind < argc)
		optind++;
	if ((e = take_arguments(c, o, argc - optind, argv + optind)) != 0)
		return e;
	*out = c;
	return TOOL_OK;
}
