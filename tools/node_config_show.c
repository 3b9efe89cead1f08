/*
 * p2p-node config: what holds and why, whether a file is right, where it is.
 */
#include <string.h>

#include "json.h"
#include "nearest.h"
#include "node_config.h"

void
node_config_help(void)
{
	printf("  show          what holds; with --origin, where it is said\n"
	    "  check [FILE]  whether it can be used\n"
	    "  path          where the file is\n\n");
}

/* As in a file; what is not set is a comment. */
static void
show_value(const struct known *k, const struct config_value *v, bool origin)
{
	if (tool_json) {
		json_begin("config");
		json_text("key", k->name);
		if (v->value != NULL)
			json_text("value", v->value);
		else
			json_null("value");
		json_text("origin", v->origin);
		json_end();
		return;
	}
	printf("%s%s =%s", v->value != NULL ? "" : "# ", k->name,
	    v->value != NULL ? " " : "");
	if (v->value != NULL)
		tool_put(stdout, v->value, strlen(v->value));
	if (origin) {
		printf("  # ");
		tool_put(stdout, v->origin, strlen(v->origin));
	}
	putchar('\n');
}

static void
show(const struct config *c, bool origin)
{
	const struct known *k;
	struct config_value v;
	size_t i;

	for (k = node_known; k->name != NULL; k++)
		for (i = 0; known_is_key(k) && config_value(c, k, i, &v); i++)
			show_value(k, &v, origin);
}

/* Limits and lists have to go together, too: a host says whether they do. */
static int
check_host(const struct options *o)
{
	struct p2p_host_config hc = { .limits = o->limits };
	struct p2p_host *h;
	int e;

	if (o->net.security[0] != NULL)
		hc.security = o->net.security;
	if (o->net.muxers[0] != NULL)
		hc.muxers = o->net.muxers;
	if ((e = tool_host(&hc, &h)) == TOOL_OK)
		p2p_host_free(h);
	return e;
}

static int
check(const struct config *c)
{
	int e;

	if ((e = check_host(&c->o)) != TOOL_OK)
		return e;
	if (tool_json) {
		json_begin("checked");
		json_text("path", c->path);
		json_bool("found", c->has_file);
		json_uint("settings", c->n);
		json_end();
		return TOOL_OK;
	}
	if (c->path[0] != '\0')
		tool_put(stdout, c->path, strlen(c->path));
	printf("%s%s, %zu settings in all\n", c->path[0] != '\0' ? ": " : "",
	    c->has_file ? "is right" : "no file there", c->n);
	return TOOL_OK;
}

static int
path(const struct options *o)
{
	char text[PATH_MAX];

	if (o->config != NULL)
		snprintf(text, sizeof(text), "%s", o->config);
	else if (!config_path(text, sizeof(text)))
		return tool_usage_hint("config", "no HOME is set",
		    "P2P_HOME=DIR says where the configuration is");
	if (tool_json) {
		json_begin("path");
		json_text("path", text);
		json_end();
		return TOOL_OK;
	}
	tool_put(stdout, text, strlen(text));
	putchar('\n');
	return TOOL_OK;
}

static int
no_verb(const char *word)
{
	struct nearest near = nearest_of(word);
	char hint[64];

	nearest_try(&near, "show");
	nearest_try(&near, "check");
	nearest_try(&near, "path");
	return tool_usage_hint(word, "config wants show, check or path",
	    nearest_hint(&near, "config ", hint, sizeof(hint)));
}

int
node_config(const struct options *o)
{
	struct options base = *o;
	struct config_error err;
	struct config *c;
	int e = TOOL_OK;

	if (o->more[0] != NULL && strcmp(o->arg, "check") != 0)
		return tool_usage(o->more[0], "one argument too many");
	if (strcmp(o->arg, "path") == 0)
		return path(o);
	if (strcmp(o->arg, "show") != 0 && strcmp(o->arg, "check") != 0)
		return no_verb(o->arg);
	if (o->more[0] != NULL)
		base.config = o->more[0];
	if (config_load(&base, &c, &err) != TOOL_OK)
		return config_say(&err);
	if (strcmp(o->arg, "show") == 0)
		show(c, o->origin);
	else
		e = check(c);
	config_free(c);
	return e;
}
