/*
 * tools/node_known.h -- the options of p2p-node, one table for the command
 * line, the help, the environment and the configuration file.
 */
#ifndef TOOLS_NODE_KNOWN_H
#define TOOLS_NODE_KNOWN_H

#include "node.h"

/* Those of one letter are that letter. */
enum {
	O_KEY = 256, O_EPHEMERAL, O_SECURITY, O_MUXER, O_SERVE, O_LIMIT,
	O_CONNECT, O_JSON, O_TIMEOUT, O_ANY, O_TYPE, O_OUT, O_BITS,
	O_PARALLEL, O_HOLD, O_BYTES, O_STREAMS, O_CHUNK, O_UPLOAD, O_DOWNLOAD,
	O_VERSION, O_PNET, O_CAPTURE, O_DHT, O_NETWORK, O_BOOTSTRAP,
	O_PRIVATE, O_NAMESPACE, O_STORE, O_PROVIDE, O_TRACE, O_CONFIG,
	O_ORIGIN, O_COLOR, O_LOG
};

struct known {
	const char	*name;		/* one letter: it has no long form */
	int		 val;
	unsigned	 commands;	/* bits, in the order of the table */
	const char	*arg, *help;
	/* What holds without it, as in a file; NULL: nothing. */
	const char	*without;
	bool		 repeat;
};

extern const struct known node_known[];	/* ends in a NULL name */
#define NODE_KNOWN	64		/* at most so many */

/* Whether it stands in the configuration file: those of run that say how. */
bool	known_is_key(const struct known *k);

const struct known	*known_by_val(int val);
const struct known	*known_by_key(const char *key);	/* or NULL */

bool	known_is_of(const struct known *k, const struct command *c);

/* "--name", or "-x"; returns out. */
const char	*known_text(const struct known *k, char *out, size_t cap);

/*
 * Set what value says in o, which it stays a part of; it may be cut up.  NULL,
 * or why it is wrong.
 */
const char	*known_take(const struct known *k, struct options *o,
		    char *value);

/*
 * What known_take() leaves to the command: whether the value of a key makes
 * sense.  NULL, or why not.
 */
const char	*known_check(const struct known *k, const char *value);

/* What is wrong with a value of connect where any-peer is not set, likewise. */
const char	*known_check_peer(const char *value);

#endif
