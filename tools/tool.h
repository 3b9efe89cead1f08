/*
 * tools/tool.h -- what p2p-node and p2p-chat share: words, options, keys,
 * signals.
 *
 * stdout is data, stderr is talk.  Exit status as in p2p-node(1).
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "p2p/host.h"
#include "p2p/pnet.h"

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

/*
 * Before anything else: no descriptor of ours becomes 0, 1 or 2, and --json
 * counts wherever it stands, also for errors of the command line.
 */
void	tool_start(char *const *argv);

/* Write stdout out; when that fails, say so and end the program. */
void	tool_flush(void);

/* Seconds, monotonic. */
double	tool_now(void);

/* Text that may be a peer's, made fit for a terminal. */
void	tool_put(FILE *out, const char *text, size_t len);

/* Which libp2p this is: "p2p-node 0.1.0 (tcp tls ...)"; or an event. */
void	tool_print_version(void);
int	tool_version(void);

/* "p2p-node: what: why" on stderr; a hint line when hint is not NULL. */
void	tool_say(const char *what, const char *why, const char *hint);

/*
 * Report a failed operation in the form asked for and return the exit status
 * that fits it.  report may be NULL; it is not freed.  why, if not NULL, knows
 * more than the error.
 */
int	tool_fail(const char *what, int error,
	    const struct p2p_report *report);
int	tool_fail_why(const char *what, int error, const char *why);

/* A mistake on the command line; the hint is --help when NULL. */
int	tool_usage(const char *what, const char *why);
int	tool_usage_hint(const char *what, const char *why, const char *hint);

/* The same for what getopt_long() answered '?' or ':' to. */
int	tool_bad_option(int c, char *const *argv);

/* Texts of values; false: TOOL_NO_NUMBER, TOOL_NO_SECONDS, TOOL_TOO_MANY. */
#define TOOL_NO_NUMBER	"not a number in range"
#define TOOL_NO_SECONDS	"not a number of seconds"
#define TOOL_TOO_MANY	"too many"
bool	tool_to_number(const char *text, uint64_t max, uint64_t *out);
bool	tool_to_seconds(const char *text, double *out);
/* One more in a list of TOOL_LIST_MAX that ends in NULL. */
bool	tool_add(const char **list, const char *value);

/* The same for options; they end the program with a usage error. */
double	tool_seconds(const char *option, const char *text);
void	tool_append(const char *option, const char **list,
	    const char *value);

/* Hex digits into out[2 * len + 1]; returns out. */
char	*tool_hex(const uint8_t *bytes, size_t len, char *out);

/* "0x..." to at most cap bytes; false: it is no such text. */
bool	tool_unhex(const char *text, uint8_t *out, size_t cap, size_t *len);

/*
 * tool_net.c: the options that all commands on the network have.  All zero
 * means the library's defaults.
 */
struct tool_net {
	const char	*security[TOOL_LIST_MAX + 1];	/* protocol ids */
	const char	*muxers[TOOL_LIST_MAX + 1];
	const char	*pnet, *capture;	/* files, or NULL */
};

/* What they need while the host lives. */
struct tool_net_state {
	struct p2p_psk	 psk;
	FILE		*keylog, *capture;	/* NULL: none */
};

/* "tls,/x/1" to protocol ids; NULL, or why the list is bad. */
const char	*tool_security_list(struct tool_net *n, char *list);
const char	*tool_muxer_list(struct tool_net *n, char *list);

/* The same; a bad list ends the program. */
void	tool_security(struct tool_net *n, char *list);
void	tool_muxers(struct tool_net *n, char *list);

/* Whether plaintext is in a list of protocol ids that ends in NULL. */
bool	tool_offers_plaintext(const char *const *security);

/*
 * Set what they say in config, and warn of what weakens it; SSLKEYLOGFILE is
 * looked at here.  Returns an exit status, having said why; on TOOL_OK
 * tool_net_end() is due when the host is gone.
 */
int	tool_net_begin(const struct tool_net *n, struct tool_net_state *s,
	    struct p2p_host_config *config);
void	tool_net_end(struct tool_net_state *s);

/*
 * A file in the directory of keys and state, $P2P_HOME or the XDG one: out.
 * NULL: there is none; tool_no_home() says so and returns TOOL_USAGE.
 */
const char	*tool_home(const char *file, char out[PATH_MAX]);
int		 tool_no_home(void);
#define TOOL_NO_HOME		"no HOME is set"
#define TOOL_NO_HOME_HINT	"P2P_HOME=DIR says where the key is"

/*
 * The host's key: ephemeral, or from a file, which is made when missing.
 * *made tells so.  Returns an exit status, having said why.
 */
int	tool_key(const char *path, bool ephemeral, struct p2p_key **out,
	    bool *made);

/* Make a host, or say which option it does not want; an exit status. */
int	tool_host(const struct p2p_host_config *config, struct p2p_host **out);

/* p2p_host_connect(), but what is neither address nor peer id is malformed. */
int	tool_connect(struct p2p_host *host, const char *target,
	    const struct p2p_connect_options *options,
	    struct p2p_connection *out, struct p2p_report **report);

/*
 * The first SIGINT or SIGTERM sets a flag and makes a descriptor readable; the
 * second ends the process at once.
 */
void	tool_signals(void);
int	tool_signal(void);		/* the signal, or 0 */
int	tool_signal_fd(void);

/* Called before that end, in the handler; NULL: nothing is. */
void	tool_at_force(void (*fn)(void));
/* That end, for whoever cannot wait; nothing is flushed. */
void	tool_force(int status) __attribute__((__noreturn__));

/*
 * tool_notify.c: tell the service manager, when there is one, a state:
 * "READY=1", "RELOADING=1" (and "READY=1" when that is done), "STOPPING=1".
 * What fails is said and is no reason to stop.
 */
void	tool_notify(const char *state);

#endif
