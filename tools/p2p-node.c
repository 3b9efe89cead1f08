/*
 * p2p-node: a libp2p node, and a tool to look at others.  The command line is
 * read in node_options.c; the commands are in the other node_*.c.
 */
#include "node.h"

const char *tool_name = "p2p-node";

/* The first is what is done unasked. */
const struct command node_commands[] = {
	{ "run", node_run, false, "", "start a node (the default)" },
	{ "id", node_id, false, "", "show this node's peer id" },
	{ "key", node_key, true, "new|show", "make or show a key file" },
	{ "ping", node_ping, true, "PEER", "measure the round trip" },
	{ "identify", node_identify, true, "PEER", "ask a peer who it is" },
	{ "connect", node_connect, true, "PEER", "connect, and say how" },
	{ "echo", node_echo, true, "PEER", "send, compare what comes back" },
	{ "perf", node_perf, true, "PEER", "measure throughput" },
	{ "maddr", node_maddr, true, "TEXT|0xHEX", "take an address apart" },
	{ "peerid", node_peerid, true, "TEXT|0xHEX", "convert a peer id" },
	{ "version", node_version, false, "", "show the version" },
	{ NULL, NULL, false, NULL, NULL },
};

int
main(int argc, char **argv)
{
	struct options o = { .interval = 1, .streams = 1, .parallel = 1 };
	const struct command *c;
	int status;

	tool_start(argv);
	status = node_options(argc, argv, &o, &c);
	if (status == TOOL_OK && c != NULL)
		status = c->run(&o);
	tool_flush();
	return status;
}
