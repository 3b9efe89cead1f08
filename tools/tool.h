/*
 * tools/tool.h -- what p2p-node and p2p-chat share: words, options, JSON.
 *
 * stdout is data, stderr is talk.  Exit status as in p2p-node(1).
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "p2p/host.h"

enum tool_exit {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,
	TOOL_NOT_FOUND = 3,
	TOOL_TIMEOUT = 4,
};

#define TOOL_LIST_MAX	32

extern const char *tool_name;		/* "p2p-node" */
extern bool tool_json;

/* "p2p-node: what: why" on stderr; a hint line when hint is not NULL. */
void	tool_say(const char *what, const char *why, const char *hint);

/*
 * Report a failed operation in the form asked for and return the exit status
 * that fits it.  report may be NULL; it is not freed.
 */
int	tool_fail(const char *what, int error,
	    const struct p2p_report *report);
int	tool_usage(const char *what, const char *why);

/*
 * One JSON object a line on stdout: begin, fields, end (which flushes).  Text
 * is escaped to printable ASCII, whatever it holds.
 */
void	json_begin(const char *event);
void	json_text(const char *name, const char *value);
void	json_uint(const char *name, uint64_t value);
void	json_time(const char *name, double seconds);
void	json_bool(const char *name, bool value);
void	json_null(const char *name);
void	json_list(const char *name, char *const *values);	/* ends in NULL */
void	json_end(void);
/* Raw parts, for what is nested. */
void	json_raw(const char *text);
void	json_string(const char *value);

/* Text of a peer's for the terminal: cleaned, in a static buffer of its own. */
const char	*tool_clean(const char *text);

/* Numbers of options; they end the program with a usage error. */
uint64_t	tool_number(const char *option, const char *text, uint64_t max);
double		tool_seconds(const char *option, const char *text);

/* Split "a,b" and map short names to protocol ids; ends in NULL. */
const char *const	*tool_protocols(const char *option, char *list,
			    const char *const (*names)[2]);

/* The directory of keys and state: $P2P_HOME or the XDG one; static buffer. */
const char	*tool_home(const char *file);

/*
 * The host's key: ephemeral, or from a file, which is made when missing.
 * *made tells so.  Returns an exit status, having said why.
 */
int	tool_key(const char *path, bool ephemeral, struct p2p_key **out,
	    bool *made);

/* SIGINT and SIGTERM set a flag and make a descriptor readable. */
void	tool_signals(void);
int	tool_signal(void);		/* the signal, or 0 */
int	tool_signal_fd(void);

#endif
