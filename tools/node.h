/*
 * tools/node.h -- the commands of p2p-node.
 */
#ifndef TOOLS_NODE_H
#define TOOLS_NODE_H

#include "tool.h"

/* Every option of every command; a command looks at its own. */
struct options {
	const char	*listen[TOOL_LIST_MAX + 1];
	const char	*connect[TOOL_LIST_MAX + 1];
	struct p2p_limit_setting limits[TOOL_LIST_MAX + 1];
	const char *const *security;	/* protocol ids, or NULL */
	const char *const *muxers;
	const char	*key;		/* file, or NULL: the default */
	const char	*out;
	const char	*type;
	unsigned	 bits;
	bool		 ephemeral;
	bool		 any_peer;
	bool		 serve_echo, serve_perf;
	bool		 help;
	unsigned	 timeout_ms;	/* of a one-shot command as a whole */
	uint64_t	 count;		/* -c, 0: not given */
	double		 interval;	/* -i */
	double		 hold;
	uint64_t	 parallel;
	bool		 have_bytes;
	uint64_t	 bytes, streams, chunk;
	uint64_t	 upload, download;
	const char	*arg;		/* PEER, TEXT, or new|show */
};

int	node_run(const struct options *o);
int	node_id(const struct options *o);
int	node_key(const struct options *o);
int	node_ping(const struct options *o);
int	node_identify(const struct options *o);
int	node_connect(const struct options *o);
int	node_echo(const struct options *o);
int	node_perf(const struct options *o);
int	node_maddr(const struct options *o);
int	node_peerid(const struct options *o);
int	node_version(const struct options *o);

/* A host for a one-shot command; says why and returns an exit status. */
int	node_host(const struct options *o, struct p2p_host **out);

/*
 * Connect to o->arg, having checked it.  The deadline of the whole command is
 * counted from here; node_left() is what remains, in ms, at least 1.
 */
int	node_reach(const struct options *o, struct p2p_host *h,
	    struct p2p_connection *c);
unsigned	node_left(void);

double	node_now(void);			/* seconds, monotonic */

/* p50 and p99 of n samples, which get sorted. */
double	node_percentile(double *samples, size_t n, double p);
/* The connection's fields of an event. */
void	node_json_connection(const struct p2p_connection *c);

#endif
