/*
 * tools/node_config.h -- what holds for a node: flags before the environment
 * before the configuration file before the defaults.
 *
 * A list is taken as a whole from the first of these that has any of it.
 */
#ifndef TOOLS_NODE_CONFIG_H
#define TOOLS_NODE_CONFIG_H

#include <limits.h>

#include "conf.h"
#include "node_known.h"

struct config_flag {
	const struct known	*known;
	const char		*value;		/* or NULL */
};

struct config_flags {
	struct config_flag	*list;
	size_t			 n;
};

enum config_origin { CONFIG_FILE, CONFIG_ENV, CONFIG_FLAG };

struct config_setting {
	const struct known	*known;
	char			*value;		/* NULL: a flag without one */
	char			*cut;		/* what options point into */
	enum config_origin	 origin;
	unsigned		 line;		/* of the file */
};

/* All that was said, and what it comes to. */
struct config {
	struct config_setting	*list;
	size_t			 n, cap;
	char			 path[PATH_MAX];	/* "": no file */
	bool			 has_file;		/* it was there */
	int			 only;		/* of one key; 0: of all */
	struct options		 o;
};

/* What is wrong with it, to be said. */
struct config_error {
	char	what[PATH_MAX + 16];
	char	why[128];
	char	hint[64];		/* or empty */
};

/* Options of the call itself: they are taken before anything else. */
bool	config_is_early(int val);

/* Where the file is looked for without --config; false: nowhere. */
bool	config_path(char *out, size_t cap);

/*
 * Read all sources; base has the options of the call.  Returns 0 or TOOL_USAGE;
 * then *err says why, and nothing was said yet.
 */
int	config_load(const struct options *base, struct config **out,
	    struct config_error *err);
void	config_free(struct config *c);

/* Say it; returns TOOL_USAGE. */
int	config_say(const struct config_error *err);

/*
 * The options of a command: of run, from all sources; of id and key, the key
 * alone, if no flag says it; of others, from flags.  An exit status.
 */
int	config_options(const struct command *c, struct options *o);

/*
 * The value that holds for a key, the i-th of a list, and its origin as text;
 * false: there is none any more.  *value NULL: none is set.
 */
struct config_value {
	const char	*value;		/* word, or of the configuration */
	char		 word[PATH_MAX];
	char		 origin[PATH_MAX + 16];
};
bool	config_value(const struct config *c, const struct known *k, size_t i,
	    struct config_value *out);

/* Whether two configurations say the same of a key. */
bool	config_same(const struct config *a, const struct config *b,
	    const struct known *k);

#endif
