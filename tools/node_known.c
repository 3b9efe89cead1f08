/*
 * The table and what reads it alone: an option is taken by the commands that it
 * names, refused by the others, and stands in their help.
 */
#include "node_known.h"

#include <string.h>

/* Bits in the order of node_commands. */
enum {
	C_RUN = 1, C_ID = 2, C_KEY = 4, C_PING = 8, C_IDENTIFY = 16,
	C_CONNECT = 32, C_ECHO = 64, C_PERF = 128, C_DHT = 256, C_MADDR = 512,
	C_PEERID = 1024, C_DEMO = 2048, C_DOCTOR = 4096, C_CONFIG = 8192,
	C_VERSION = 16384,
	C_PEER = C_PING | C_IDENTIFY | C_CONNECT | C_ECHO | C_PERF,
	C_SET = C_RUN | C_DOCTOR | C_CONFIG,	/* read the configuration */
	C_NET = C_SET | C_PEER | C_DHT,
	C_ALL = 2 * C_VERSION - 1
};

const struct known node_known[] = {
	{ "json", O_JSON, C_ALL, NULL, "one JSON object a line on stdout",
	    NULL, false },
	{ "help", 'h', C_ALL, NULL, "this text; of a command behind its name",
	    NULL, false },
	{ "version", O_VERSION, C_ALL, NULL, "as the command version",
	    NULL, false },
	{ "color", O_COLOR, C_ALL, "WHEN", "auto, always, never (auto)",
	    NULL, false },
	{ "timeout", O_TIMEOUT, C_ALL & ~(unsigned)C_SET, "SECONDS",
	    "bound of the whole command (30)", NULL, false },
	{ "limit", O_LIMIT, C_NET | C_DEMO, "NAME=VALUE",
	    "set a limit (repeat)", NULL, true },
	{ "key", O_KEY, C_NET | C_ID | C_KEY, "FILE", "this key file",
	    "@identity.key", false },
	{ "ephemeral", O_EPHEMERAL, C_NET, NULL,
	    "a key that lives as long as the process", "no", false },
	{ "security", O_SECURITY, C_NET, "LIST",
	    "tls, noise; offered, preferred first", "tls,noise", false },
	{ "muxer", O_MUXER, C_NET, "LIST",
	    "yamux, mplex; offered, preferred first (yamux)", "yamux", false },
	{ "pnet", O_PNET, C_NET, "FILE", "in the network of this swarm.key",
	    NULL, false },
	{ "capture", O_CAPTURE, C_NET, "FILE",
	    "append all frames, decrypted, to a file", NULL, false },
	{ "any-peer", O_ANY, C_NET, NULL,
	    "take whoever answers at an address", "no", false },
	{ "listen", 'l', C_SET | C_DHT, "MADDR", "listen there (repeat)",
	    "/ip4/0.0.0.0/tcp/4001 /ip6/::/tcp/4001", true },
	{ "bootstrap", O_BOOTSTRAP, C_NET, "MADDR",
	    "a peer of the DHT to begin with, ipfs, none (repeat)",
	    "none", true },
	{ "network", O_NETWORK, C_NET, "NAME",
	    "ipfs, lan, or a protocol id (ipfs; run: repeat)", "ipfs", true },
	{ "allow-private", O_PRIVATE, C_NET, NULL,
	    "private and loopback addresses count, too", "no", false },
	{ "namespace", O_NAMESPACE, C_SET | C_DHT, "NAME",
	    "records under /NAME/ need no validation (repeat)", NULL, true },
	{ "trace", O_TRACE, C_DHT, NULL, "show each peer that answers",
	    NULL, false },
	{ "n", 'n', C_DHT, "N", "so many providers are enough", NULL, false },
	{ "dht", O_DHT, C_SET, "MODE", "off, client, server, auto (off)",
	    "off", false },
	{ "store", O_STORE, C_SET, "FILE",
	    "of the DHT, or: memory (a file next to the key)",
	    "@store.sqlite", false },
	{ "provide", O_PROVIDE, C_SET, "CID",
	    "say that we provide it, now and again (repeat)", NULL, true },
	{ "serve", O_SERVE, C_SET, "LIST", "also serve echo, perf",
	    NULL, true },
	{ "connect", O_CONNECT, C_SET, "MADDR", "connect at start (repeat)",
	    NULL, true },
	{ "log", O_LOG, C_SET, "LEVEL",
	    "off, error, warn, info, debug; on stderr (off)", "off", false },
	{ "config", O_CONFIG, C_SET, "FILE",
	    "this configuration file, which must be there", NULL, false },
	{ "origin", O_ORIGIN, C_CONFIG, NULL, "show: also where it is said",
	    NULL, false },
	{ "type", O_TYPE, C_KEY, "TYPE", "ed25519, secp256k1, ecdsa, rsa",
	    NULL, false },
	{ "out", O_OUT, C_KEY, "FILE", "where the key goes", NULL, false },
	{ "bits", O_BITS, C_KEY, "N", "size of an rsa key (2048)",
	    NULL, false },
	{ "c", 'c', C_PING | C_CONNECT | C_ECHO, "N", "so many times",
	    NULL, false },
	{ "i", 'i', C_PING, "SECONDS", "between two pings (1)", NULL, false },
	{ "parallel", O_PARALLEL, C_CONNECT, "P", "so many at once (1)",
	    NULL, false },
	{ "hold", O_HOLD, C_CONNECT, "SECONDS", "stay connected so long",
	    NULL, false },
	{ "bytes", O_BYTES, C_ECHO, "N", "bytes a stream, compared "
	    "(default: stdin)", NULL, false },
	{ "streams", O_STREAMS, C_ECHO | C_PERF, "S", "streams at once (1)",
	    NULL, false },
	{ "chunk", O_CHUNK, C_ECHO | C_PERF, "C", "bytes a write (65536)",
	    NULL, false },
	{ "upload-bytes", O_UPLOAD, C_PERF, "N", "sent, over all streams",
	    NULL, false },
	{ "download-bytes", O_DOWNLOAD, C_PERF, "N", "received, likewise",
	    NULL, false },
	{ NULL, 0, 0, NULL, NULL, NULL, false },
};

_Static_assert(sizeof(node_known) / sizeof(node_known[0]) <= NODE_KNOWN,
    "NODE_KNOWN is too small");

static unsigned
bit_of(const struct command *c)
{
	return 1u << (c - node_commands);
}

bool
known_is_of(const struct known *k, const struct command *c)
{
	return (k->commands & bit_of(c)) != 0;
}

bool
known_is_key(const struct known *k)
{
	return (k->commands & C_RUN) != 0 && k->commands != C_ALL &&
	    k->val != O_CONFIG;
}

const struct known *
known_by_val(int val)
{
	const struct known *k;

	for (k = node_known; k->name != NULL && k->val != val; k++)
		;
	return k;
}

const struct known *
known_by_key(const char *key)
{
	const struct known *k;

	for (k = node_known; k->name != NULL; k++)
		if (known_is_key(k) && strcmp(k->name, key) == 0)
			return k;
	return NULL;
}

const char *
known_text(const struct known *k, char *out, size_t cap)
{
	snprintf(out, cap, "%s%s", k->name[1] == '\0' ? "-" : "--", k->name);
	return out;
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
	for (k = node_known; k->name != NULL; k++) {
		if (c != NULL && !known_is_of(k, c))
			continue;
		if (c == NULL && k->commands != last)
			help_heading(last = k->commands);
		help_option(k);
	}
	printf("\nmore: man p2p-node\n");
}

