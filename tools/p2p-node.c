/*
 * p2p-node: a libp2p node, and a tool to look at others.  The command line is
 * read in node_options.c; the commands are in the other node_*.c.
 */
#include "node.h"
#include "term.h"

const char *tool_name = "p2p-node";

/* The first is what is done unasked. */
const struct command node_commands[] = {
	{ "run", node_run, 0, 0, "", "start a node (the default)", NULL },
	{ "id", node_id, 0, 0, "", "show this node's peer id", NULL },
	{ "key", node_key, 1, 1, "new|show", "make or show a key file", NULL },
	{ "ping", node_ping, 1, 1, "PEER", "measure the round trip", NULL },
	{ "identify", node_identify, 1, 1, "PEER",
	    "ask a peer who it is", NULL },
	{ "connect", node_connect, 1, 1, "PEER", "connect, and say how", NULL },
	{ "echo", node_echo, 1, 1, "PEER",
	    "send, compare what comes back", NULL },
	{ "perf", node_perf, 1, 1, "PEER", "measure throughput", NULL },
	{ "dht", node_dht, 1, 3, "VERB ...", "find, put and get in a DHT",
	    node_dht_help },
	{ "maddr", node_maddr, 1, 1, "TEXT|0xHEX",
	    "take an address apart", NULL },
	{ "peerid", node_peerid, 1, 1, "TEXT|0xHEX",
	    "convert a peer id", NULL },
	{ "demo", node_demo, 0, 0, "", "five nodes show what works", NULL },
	{ "doctor", node_doctor, 0, 0, "", "look for what is in the way",
	    NULL },
	{ "config", node_config, 1, 2, "VERB ...",
	    "show or check the configuration", node_config_help },
	{ "version", node_version, 0, 0, "", "show the version", NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

int
main(int argc, char **argv)
{
	struct options o = NODE_OPTIONS;
	const struct command *c;
	int status;

	tool_start(argv);
	(void)term_option("auto");
	status = node_options(argc, argv, &o, &c);
	if (status == TOOL_OK && c != NULL)
		status = c->run(&o);
	tool_flush();
	return status;
}
