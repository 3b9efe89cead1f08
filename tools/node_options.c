/*
 * The command line of p2p-node: what it says first of all sources, and which
 * command is to run.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "node_config.h"

/* The command of that name, or NULL, having suggested the nearest one. */
static const struct command *
find(const char *name)
{
	struct nearest near = nearest_of(name);
	const struct command *c;
	char hint[64];

	for (c = node_commands; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
		nearest_try(&near, c->name);
	}
	(void)tool_usage_hint(name, "no such command",
	    nearest_hint(&near, "", hint, sizeof(hint)));
	return NULL;
}

/* getopt's tables from ours. */
static void
prepare(struct option *longs, char *shorts)
{
	const struct known *k;

	*shorts++ = ':';		/* a missing value is told apart */
	for (k = node_known; k->name != NULL; k++) {
		if (k->name[1] != '\0')
			*longs++ = (struct option){ k->name, k->arg != NULL,
			    NULL, k->val };
		if (k->val >= 256)
			continue;
		*shorts++ = (char)k->val;
		if (k->arg != NULL)
			*shorts++ = ':';
	}
	*longs = (struct option){ NULL, 0, NULL, 0 };
	*shorts = '\0';
}

/* What getopt_long() did not like; of a long one, what it may have meant. */
static int
bad_option(int c, char *const *argv)
{
	const char *last = argv[optind - 1], *hint;
	const struct known *k;
	struct nearest near;
	char word[64], text[64];

	if (c == ':' || optopt != 0 || strncmp(last, "--", 2) != 0)
		return tool_bad_option(c, argv);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(last + 2, "="),
	    last + 2);
	near = nearest_of(word);
	for (k = node_known; k->name != NULL; k++)
		if (k->name[1] != '\0')
			nearest_try(&near, k->name);
	hint = nearest_hint(&near, "--", text, sizeof(text));
	return tool_usage_hint(last, "no such option", hint);
}

/* Options of other commands are mistakes, not noise. */
static int
check_given(const struct command *c, const struct config_flags *f)
{
	char what[32], why[64];
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (known_is_of(f->list[i].known, c))
			continue;
		snprintf(why, sizeof(why), "not an option of %s", c->name);
		return tool_usage(known_text(f->list[i].known, what,
		    sizeof(what)), why);
	}
	return TOOL_OK;
}

static int
take_arguments(const struct command *c, struct options *o, int n, char **args)
{
	int i;

	if (n < (int)c->least)
		return tool_usage(c->name, "an argument is missing");
	if (n > (int)c->most)
		return tool_usage(args[c->most], "one argument too many");
	o->arg = n > 0 ? args[0] : NULL;
	for (i = 1; i < n; i++)
		o->more[i - 1] = args[i];
	return TOOL_OK;
}

/*
 * Those that are not for the whole of it are kept until all is known.  They and
 * their values last as long as the process.
 */
static int
read_flags(int argc, char **argv, struct options *o, struct config_flags *f)
{
	struct option longs[NODE_KNOWN];
	char shorts[2 * NODE_KNOWN + 2], what[32];
	const char *why;
	int opt;

	if ((f->list = calloc((size_t)argc + 1, sizeof(*f->list))) == NULL)
		return tool_fail("options", -12, NULL);
	prepare(longs, shorts);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return bad_option(opt, argv);
		f->list[f->n++] = (struct config_flag){ known_by_val(opt),
		    optarg };
		if (!config_is_early(opt))
			continue;
		why = known_take(known_by_val(opt), o, optarg);
		if (why != NULL)
			return tool_usage(known_text(known_by_val(opt), what,
			    sizeof(what)), why);
	}
	return TOOL_OK;
}

int
node_options(int argc, char **argv, struct options *o,
    const struct command **out)
{
	static struct config_flags flags;
	const struct command *c = node_commands;	/* run */
	int e;

	*out = NULL;
	if ((e = read_flags(argc, argv, o, &flags)) != TOOL_OK)
		return e;
	if (optind < argc && (c = find(argv[optind])) == NULL)
		return TOOL_USAGE;
	if (o->help) {
		node_help(optind < argc ? c : NULL);
		return TOOL_OK;
	}
	if (o->version)
		return node_version(o);
	if ((e = check_given(c, &flags)) != 0)
		return e;
	if (optind < argc)
		optind++;
	o->flags = &flags;
	if ((e = config_options(c, o)) != TOOL_OK ||
	    (e = take_arguments(c, o, argc - optind, argv + optind)) != 0)
		return e;
	*out = c;
	return TOOL_OK;
}
