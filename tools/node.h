/*
 * tools/node.h -- the commands of p2p-node.
 */
#ifndef TOOLS_NODE_H
#define TOOLS_NODE_H

#include "tool.h"

/* The options of the DHT; lists end in NULL. */
struct dht_options {
	const char	*network[TOOL_LIST_MAX + 1];
	const char	*bootstrap[TOOL_LIST_MAX + 1];
	const char	*namespaces[TOOL_LIST_MAX + 1];
	const char	*provide[TOOL_LIST_MAX + 1];
	const char	*mode;		/* NULL: off */
	const char	*store;		/* "memory", a file, NULL: default */
	bool		 allow_private;
	bool		 trace;
	bool		 parked;	/* off, and said aloud */
};

struct config;
struct config_flags;

/* Every option of every command; a command looks at its own. */
struct options {
	const char	*listen[TOOL_LIST_MAX + 1];
	const char	*connect[TOOL_LIST_MAX + 1];
	struct p2p_limit_setting limits[TOOL_LIST_MAX + 1];
	struct tool_net	 net;
	const char	*key;		/* file, or NULL: the default */
	const char	*out;
	const char	*type;
	unsigned	 bits;
	bool		 ephemeral;
	bool		 any_peer;
	bool		 serve_echo, serve_perf;
	bool		 help, version;
	double		 timeout;	/* of the whole, 0: default */
	uint64_t	 count;		/* -c, 0: not given */
	double		 interval;	/* -i */
	double		 hold;
	uint64_t	 parallel;
	bool		 have_bytes;
	uint64_t	 bytes, streams, chunk;
	uint64_t	 upload, download;
	struct dht_options dht;
	enum p2p_log_level log;		/* 0: off */
	const char	*config;	/* file, or NULL: the default */
	bool		 origin;
	const struct config_flags *flags;	/* as they were given */
	const struct config *loaded;	/* what all of this comes from */
	const char	*arg;		/* PEER, TEXT, new|show, ... */
	const char	*more[2];	/* behind it, or NULL */
};

/* Before anything is said. */
#define NODE_OPTIONS	{ .interval = 1, .streams = 1, .parallel = 1 }

struct command {
	const char	*name;
	int		(*run)(const struct options *o);
	unsigned	 least, most;	/* arguments */
	const char	*args, *help;
	void		(*details)(void);	/* of its help, or NULL */
};

/* The table, in the order of the help; ends in a NULL name. */
extern const struct command node_commands[];

/*
 * Read the command line.  *c is the command to run, or NULL: help or the
 * version is asked for.  Returns an exit status, having said why.
 */
int	node_options(int argc, char **argv, struct options *o,
	    const struct command **c);

/* Of one command, or of all of them when c is NULL. */
void	node_help(const struct command *c);

int	node_run(const struct options *o);
int	node_id(const struct options *o);
int	node_key(const struct options *o);
int	node_ping(const struct options *o);
int	node_identify(const struct options *o);
int	node_connect(const struct options *o);
int	node_echo(const struct options *o);
int	node_perf(const struct options *o);
int	node_dht(const struct options *o);
void	node_dht_help(void);
int	node_maddr(const struct options *o);
int	node_peerid(const struct options *o);
int	node_demo(const struct options *o);
int	node_doctor(const struct options *o);
int	node_config(const struct options *o);
void	node_config_help(void);
int	node_version(const struct options *o);

#endif
