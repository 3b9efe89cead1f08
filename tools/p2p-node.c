/*
 * p2p-node: a libp2p node, and a tool to look at others.  This file is the
 * command line; the commands are in node_*.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

const char *tool_name = "p2p-node";

static const struct command {
	const char	*name;
	int		(*run)(const struct options *o);
	bool		 wants_arg;
	const char	*args, *help;
} commands[] = {
	{ "run", node_run, false, "", "start a node (the default)" },
	{ "id", node_id, false, "", "show this node's peer id" },
	{ "key", node_key, true, "new|show", "make or show a key file" },
	{ "ping", node_ping, true, "PEER", "measure the round trip" },
	{ "identify", node_identify, true, "PEER", "ask a peer who it is" },
	{ "connect", node_connect, true, "PEER", "connect, and say how" },
	{ "echo", node_echo, true, "PEER", "send, and compare what comes back" },
	{ "perf", node_perf, true, "PEER", "measure throughput" },
	{ "maddr", node_maddr, true, "TEXT|0xHEX", "take an address apart" },
	{ "peerid", node_peerid, true, "TEXT|0xHEX", "convert a peer id" },
	{ "version", node_version, false, "", "show the version" },
	{ NULL, NULL, false, NULL, NULL },
};

enum {
	O_KEY = 256, O_EPHEMERAL, O_SECURITY, O_MUXER, O_SERVE, O_LIMIT,
	O_CONNECT, O_JSON, O_TIMEOUT, O_ANY, O_TYPE, O_OUT, O_BITS,
	O_PARALLEL, O_HOLD, O_BYTES, O_STREAMS, O_CHUNK, O_UPLOAD, O_DOWNLOAD,
	O_VERSION
};

static const struct option longs[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "key", required_argument, NULL, O_KEY },
	{ "ephemeral", no_argument, NULL, O_EPHEMERAL },
	{ "security", required_argument, NULL, O_SECURITY },
	{ "muxer", required_argument, NULL, O_MUXER },
	{ "serve", required_argument, NULL, O_SERVE },
	{ "limit", required_argument, NULL, O_LIMIT },
	{ "connect", required_argument, NULL, O_CONNECT },
	{ "json", no_argument, NULL, O_JSON },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "any-peer", no_argument, NULL, O_ANY },
	{ "type", required_argument, NULL, O_TYPE },
	{ "out", required_argument, NULL, O_OUT },
	{ "bits", required_argument, NULL, O_BITS },
	{ "parallel", required_argument, NULL, O_PARALLEL },
	{ "hold", required_argument, NULL, O_HOLD },
	{ "bytes", required_argument, NULL, O_BYTES },
	{ "streams", required_argument, NULL, O_STREAMS },
	{ "chunk", required_argument, NULL, O_CHUNK },
	{ "upload-bytes", required_argument, NULL, O_UPLOAD },
	{ "download-bytes", required_argument, NULL, O_DOWNLOAD },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, O_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char *const security_names[][2] = {
	{ "tls", "/tls/1.0.0" }, { NULL, NULL }
};

static const char *const muxer_names[][2] = {
	{ "yamux", "/yamux/1.0.0" }, { NULL, NULL }
};

static void
help(void)
{
	const struct command *c;

	printf("usage: p2p-node [COMMAND] [OPTIONS]\n\ncommands:\n");
	for (c = commands; c->name != NULL; c++)
		printf("  %-9s %-11s %s\n", c->name, c->args, c->help);
	printf("\n"
	    "PEER is an address that ends in /p2p/ID.\n\n"
	    "all commands:\n"
	    "  --json               one JSON object a line on stdout\n"
	    "  --timeout SECONDS    bound of a one-shot command (30)\n"
	    "  --key FILE           this key file\n"
	    "  --ephemeral          a key that lives as long as the process\n"
	    "  --security LIST      offered, preferred first (tls)\n"
	    "  --muxer LIST         offered, preferred first (yamux)\n"
	    "  --any-peer           take whoever answers at an address\n"
	    "run:\n"
	    "  -l, --listen MADDR   listen there (repeat)\n"
	    "  --serve LIST         also serve: echo, perf\n"
	    "  --limit NAME=VALUE   set a limit (repeat)\n"
	    "  --connect MADDR      connect at start (repeat)\n"
	    "key:  --type ed25519|secp256k1|ecdsa|rsa  --out FILE  --bits N\n"
	    "ping: -c N  -i SECONDS\n"
	    "connect: -c N  --parallel P  --hold SECONDS\n"
	    "echo: --bytes N  --streams S  --chunk C  -c N\n"
	    "perf: --upload-bytes N  --download-bytes N  --streams S  --chunk C\n"
	    "\nmore: man p2p-node\n");
}

static void
append(const char *option, const char **list, const char *value)
{
	size_t n;

	for (n = 0; list[n] != NULL; n++)
		;
	if (n == TOOL_LIST_MAX)
		exit(tool_usage(option, "too many"));
	list[n] = value;
}

static void
add_limit(struct options *o, char *text)
{
	char *eq = strchr(text, '=');
	size_t n;

	for (n = 0; o->limits[n].name != NULL; n++)
		;
	if (eq == NULL || n == TOOL_LIST_MAX)
		exit(tool_usage("--limit", "wants NAME=VALUE"));
	*eq = '\0';
	o->limits[n].name = text;
	o->limits[n].value = tool_number("--limit", eq + 1, UINT64_MAX);
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

/* The option switch: one line each. */
static void
take(struct options *o, int c, char *arg)
{
	switch (c) {
	case 'l': append("--listen", o->listen, arg); break;
	case O_CONNECT: append("--connect", o->connect, arg); break;
	case 'c': o->count = tool_number("-c", arg, 100000000); break;
	case 'i': o->interval = tool_seconds("-i", arg); break;
	case 'h': o->help = true; break;
	case O_KEY: o->key = arg; break;
	case O_EPHEMERAL: o->ephemeral = true; break;
	case O_SECURITY:
		o->security = tool_protocols("--security", arg, security_names);
		break;
	case O_MUXER:
		o->muxers = tool_protocols("--muxer", arg, muxer_names);
		break;
	case O_SERVE: add_serve(o, arg); break;
	case O_LIMIT: add_limit(o, arg); break;
	case O_JSON: tool_json = true; break;
	case O_TIMEOUT:
		o->timeout_ms = (unsigned)(tool_seconds("--timeout", arg) *
		    1000);
		break;
	case O_ANY: o->any_peer = true; break;
	case O_TYPE: o->type = arg; break;
	case O_OUT: o->out = arg; break;
	case O_BITS: o->bits = (unsigned)tool_number("--bits", arg, 16384);
		break;
	case O_PARALLEL: o->parallel = tool_number("--parallel", arg, 1024);
		break;
	case O_HOLD: o->hold = tool_seconds("--hold", arg); break;
	case O_BYTES:
		o->have_bytes = true;
		o->bytes = tool_number("--bytes", arg, UINT64_MAX);
		break;
	case O_STREAMS: o->streams = tool_number("--streams", arg, 256); break;
	case O_CHUNK: o->chunk = tool_number("--chunk", arg, 16 << 20); break;
	case O_UPLOAD:
		o->upload = tool_number("--upload-bytes", arg, UINT64_MAX);
		break;
	case O_DOWNLOAD:
		o->download = tool_number("--download-bytes", arg, UINT64_MAX);
		break;
	default: exit(TOOL_USAGE);	/* getopt has said why */
	}
}

static const struct command *
find(const char *name)
{
	const struct command *c;

	for (c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* --json counts wherever it stands, also for errors of the command line. */
static void
look_for_json(char **argv)
{
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--json") == 0)
			tool_json = true;
}

int
main(int argc, char **argv)
{
	struct options o = { .timeout_ms = 30000, .interval = 1, .streams = 1,
	    .parallel = 1 };
	const struct command *c = find("run");
	int opt;

	look_for_json(argv);
	while ((opt = getopt_long(argc, argv, "l:c:i:h", longs, NULL)) != -1) {
		if (opt == O_VERSION)
			return node_version(&o);
		take(&o, opt, optarg);
	}
	if (o.help) {
		help();
		return TOOL_OK;
	}
	if (o.timeout_ms == 0)
		return tool_usage("--timeout", "must be more than 0");
	if (optind < argc && (c = find(argv[optind])) == NULL)
		return tool_usage(argv[optind], "no such command");
	if (optind < argc)
		optind++;
	if (c->wants_arg && optind == argc)
		return tool_usage(c->name, "an argument is missing");
	if (optind < argc && c->wants_arg)
		o.arg = argv[optind++];
	if (optind < argc)
		return tool_usage(argv[optind], "one argument too many");
	return c->run(&o);
}
