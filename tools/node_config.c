/*
 * All sources become one list of settings, of which options are made as of a
 * command line; whoever reads the configuration again gets a new one, and the
 * old one stays what it was.
 */
#include "node_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nearest.h"
#include "p2p/error.h"

#define SETTINGS_MAX	4096	/* of all sources */
#define SEE_MANUAL	"man p2p-node.conf has the form and all keys"

bool
config_is_early(int val)
{
	const struct known *k = known_by_val(val);

	return !known_is_key(k) && (val == 'h' || val == O_VERSION ||
	    val == O_JSON || val == O_COLOR || val == O_CONFIG ||
	    val == O_ORIGIN);
}

bool
config_path(char *out, size_t cap)
{
	static const char name[] = "p2p-node.conf";
	const char *dir;

	if ((dir = getenv("P2P_HOME")) != NULL && dir[0] != '\0')
		snprintf(out, cap, "%s/%s", dir, name);
	else if ((dir = getenv("XDG_CONFIG_HOME")) != NULL && dir[0] == '/')
		snprintf(out, cap, "%s/p2p/%s", dir, name);
	else if ((dir = getenv("HOME")) != NULL && dir[0] == '/')
		snprintf(out, cap, "%s/.config/p2p/%s", dir, name);
	else
		return false;
	return true;
}

void
config_free(struct config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		free(c->list[i].value);
		free(c->list[i].cut);
	}
	free(c->list);
	free(c);
}

int
config_say(const struct config_error *err)
{
	return tool_usage_hint(err->what, err->why,
	    err->hint[0] != '\0' ? err->hint : NULL);
}

static int
wrong(struct config_error *err, const char *why)
{
	snprintf(err->why, sizeof(err->why), "%s", why);
	return TOOL_USAGE;
}

/* The environment's name of a key: P2P_ALLOW_PRIVATE. */
static const char *
env_name(const struct known *k, char *out, size_t cap)
{
	char *p;

	snprintf(out, cap, "P2P_%s", k->name);
	for (p = out + 4; *p != '\0'; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return out;
}

/* Where a setting was said: what an error begins with, and an origin. */
static void
place(const struct config *c, const struct config_setting *s, char *out,
    size_t cap)
{
	char name[64];

	if (s->origin == CONFIG_FILE)
		snprintf(out, cap, "%s:%u", c->path, s->line);
	else if (s->origin == CONFIG_ENV)
		snprintf(out, cap, "%s", env_name(s->known, name,
		    sizeof(name)));
	else
		snprintf(out, cap, "%s%s%s", known_text(s->known, name,
		    sizeof(name)), s->known->val == O_LIMIT ? " " : "",
		    s->known->val == O_LIMIT ? s->value : "");
}

static int
add(struct config *c, const struct known *k, const char *value, size_t len,
    enum config_origin origin, unsigned line, struct config_error *err)
{
	struct config_setting s = { .known = k, .origin = origin,
	    .line = line }, *list;

	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 32;
		list = realloc(c->list, c->cap * sizeof(*list));
		if (list == NULL || c->n == SETTINGS_MAX) {
			c->list = list != NULL ? list : c->list;
			snprintf(err->what, sizeof(err->what), "options");
			return wrong(err, TOOL_TOO_MANY);
		}
		c->list = list;
	}
	if (value != NULL && ((s.value = strndup(value, len)) == NULL ||
	    (s.cut = strdup(s.value)) == NULL)) {
		free(s.value);
		snprintf(err->what, sizeof(err->what), "options");
		return wrong(err, p2p_strerror(-ENOMEM));
	}
	c->list[c->n++] = s;
	return TOOL_OK;
}

/* Whether a source before this one has the key. */
static bool
is_set_above(const struct config *c, const struct known *k,
    enum config_origin origin)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->list[i].known == k && c->list[i].origin > origin)
			return true;
	return false;
}

static int
add_flags(struct config *c, const struct config_flags *f,
    struct config_error *err)
{
	const char *value;
	size_t i;
	int e = TOOL_OK;

	for (i = 0; i < f->n && e == TOOL_OK; i++) {
		value = f->list[i].value;
		if (!config_is_early(f->list[i].known->val))
			e = add(c, f->list[i].known, value, value != NULL ?
			    strlen(value) : 0, CONFIG_FLAG, 0, err);
	}
	return e;
}

/* Values of a list stand apart by blanks. */
static int
add_env(struct config *c, const struct known *k, struct config_error *err)
{
	char name[64];
	const char *p = getenv(env_name(k, name, sizeof(name)));
	size_t len;
	int e = TOOL_OK;

	if (p == NULL || p[0] == '\0' || is_set_above(c, k, CONFIG_ENV))
		return TOOL_OK;
	if (!k->repeat)
		return add(c, k, p, strlen(p), CONFIG_ENV, 0, err);
	for (; e == TOOL_OK && *(p += strspn(p, " \t\n")) != '\0'; p += len) {
		len = strcspn(p, " \t\n");
		e = add(c, k, p, len, CONFIG_ENV, 0, err);
	}
	return e;
}

static int
unknown_key(const char *key, struct config_error *err)
{
	struct nearest near = nearest_of(key);
	const struct known *k;

	for (k = node_known; k->name != NULL; k++)
		if (known_is_key(k))
			nearest_try(&near, k->name);
	(void)nearest_hint(&near, "", err->hint, sizeof(err->hint));
	snprintf(err->why, sizeof(err->why), "%.40s: no such key", key);
	return TOOL_USAGE;
}

/* NULL is a key that is not known. */
static bool
is_wanted(const struct config *c, const struct known *k)
{
	return c->only == 0 || (k != NULL && k->val == c->only);
}

/* Values of what is set above are looked at, too, and then not used. */
static int
add_entry(struct config *c, const struct conf_entry *en,
    struct config_error *err)
{
	const struct known *k = known_by_key(en->key);
	struct config_setting s = { .known = k, .origin = CONFIG_FILE,
	    .line = en->line };
	struct options scratch = { .interval = 0 };
	const char *why;
	char *cut;
	size_t i;

	s.value = NULL;
	place(c, &s, err->what, sizeof(err->what));
	if (k == NULL)
		return unknown_key(en->key, err);
	for (i = 0; i < c->n; i++) {
		if (c->list[i].known != k || k->repeat ||
		    c->list[i].origin != CONFIG_FILE)
			continue;
		snprintf(err->why, sizeof(err->why), "%s: is on line %u "
		    "already", k->name, c->list[i].line);
		return TOOL_USAGE;
	}
	if (!is_set_above(c, k, CONFIG_FILE))
		return add(c, k, en->value, strlen(en->value), CONFIG_FILE,
		    en->line, err);
	if ((cut = strdup(en->value)) == NULL)
		return wrong(err, p2p_strerror(-ENOMEM));
	if ((why = known_check(k, en->value)) == NULL)
		why = known_take(k, &scratch, cut);
	free(cut);
	if (why == NULL)
		return TOOL_OK;
	snprintf(err->why, sizeof(err->why), "%s: %s", k->name, why);
	return TOOL_USAGE;
}

static int
add_text(struct config *c, char *text, size_t len, struct config_error *err)
{
	struct conf *conf = malloc(sizeof(*conf));
	const char *why;
	unsigned line;
	size_t i;
	int e = TOOL_OK;

	if (conf == NULL)
		return wrong(err, p2p_strerror(-ENOMEM));
	if ((line = conf_parse(text, len, conf, &why)) != 0) {
		snprintf(err->what, sizeof(err->what), "%s:%u", c->path, line);
		e = wrong(err, why);
	}
	for (i = 0; e == TOOL_OK && i < conf->n; i++)
		if (is_wanted(c, known_by_key(conf->list[i].key)))
			e = add_entry(c, &conf->list[i], err);
	free(conf);
	return e;
}

/* A file that was named must be there. */
static int
add_file(struct config *c, const char *path, struct config_error *err)
{
	const char *why = NULL;
	char *text;
	size_t len;
	int e;

	if (path != NULL)
		snprintf(c->path, sizeof(c->path), "%s", path);
	else if (!config_path(c->path, sizeof(c->path)))
		return TOOL_OK;
	snprintf(err->what, sizeof(err->what), "%s", c->path);
	snprintf(err->hint, sizeof(err->hint), SEE_MANUAL);
	e = conf_read(c->path, &text, &len, &why);
	if ((e == -ENOENT || e == -ENOTDIR) && path == NULL)
		return TOOL_OK;
	if (e != 0)
		return wrong(err, why != NULL ? why : p2p_strerror(e));
	c->has_file = true;
	e = add_text(c, text, len, err);
	free(text);
	return e;
}

/* What is parked with a DHT that is off is no mistake, but flags are. */
static bool
is_parked(const struct config *c)
{
	bool off = false;
	size_t i;

	for (i = 0; i < c->n; i++) {
		switch (c->list[i].known->val) {
		case O_DHT:
			off = strcmp(c->list[i].value, "off") == 0;
			break;
		case O_PROVIDE: case O_NETWORK: case O_STORE:
		case O_NAMESPACE: case O_BOOTSTRAP:
			if (c->list[i].origin == CONFIG_FLAG)
				return false;
			break;
		default:
			break;
		}
	}
	return off;
}

static int
wrong_setting(const struct config_setting *s, const char *why,
    struct config_error *err)
{
	snprintf(err->why, sizeof(err->why), "%s%s%s",
	    s->origin == CONFIG_FILE ? s->known->name : "",
	    s->origin == CONFIG_FILE ? ": " : "", why);
	return TOOL_USAGE;
}

/* What makes sense or not by what is said elsewhere; flags: see below. */
static int
check_together(const struct config *c, struct config_error *err)
{
	const struct config_setting *s;
	const char *why;
	size_t i;

	for (i = 0; i < c->n; i++) {
		s = &c->list[i];
		if (s->known->val != O_CONNECT || c->o.any_peer ||
		    s->origin == CONFIG_FLAG ||
		    (why = known_check_peer(s->value)) == NULL)
			continue;
		place(c, s, err->what, sizeof(err->what));
		snprintf(err->hint, sizeof(err->hint), "any-peer takes whoever "
		    "answers there");
		return wrong_setting(s, why, err);
	}
	return TOOL_OK;
}

/* Flags are checked by their command, in its own words. */
static int
take_all(struct config *c, struct config_error *err)
{
	const struct config_setting *s;
	const char *why;
	size_t i;

	for (i = 0; i < c->n; i++) {
		s = &c->list[i];
		place(c, s, err->what, sizeof(err->what));
		snprintf(err->hint, sizeof(err->hint), "%s",
		    s->origin != CONFIG_FLAG ? SEE_MANUAL : "");
		why = s->origin == CONFIG_FLAG ? NULL :
		    known_check(s->known, s->value);
		if (why == NULL)
			why = known_take(s->known, &c->o, s->cut);
		if (why != NULL)
			return wrong_setting(s, why, err);
	}
	c->o.dht.parked = is_parked(c);
	return check_together(c, err);
}

/* What a command takes from environment and file. */
enum sources { SOURCES_NONE, SOURCES_KEY, SOURCES_ALL };

static int
load(const struct options *base, enum sources from, struct config **out,
    struct config_error *err)
{
	struct config *c = calloc(1, sizeof(*c));
	const struct known *k;
	int e;

	*err = (struct config_error){ .what = "options" };
	if (c == NULL)
		return wrong(err, p2p_strerror(-ENOMEM));
	c->o = *base;
	c->only = from == SOURCES_KEY ? O_KEY : 0;
	e = add_flags(c, base->flags, err);
	if (from == SOURCES_KEY &&
	    (is_set_above(c, known_by_val(O_KEY), CONFIG_ENV) ||
	    is_set_above(c, known_by_val(O_OUT), CONFIG_ENV)))
		from = SOURCES_NONE;
	for (k = node_known; from != SOURCES_NONE && e == TOOL_OK &&
	    k->name != NULL; k++)
		if (known_is_key(k) && is_wanted(c, k))
			e = add_env(c, k, err);
	if (from != SOURCES_NONE && e == TOOL_OK)
		e = add_file(c, base->config, err);
	if (e == TOOL_OK)
		e = take_all(c, err);
	if (e == TOOL_OK)
		*out = c;
	else
		config_free(c);
	return e;
}

int
config_load(const struct options *base, struct config **out,
    struct config_error *err)
{
	return load(base, SOURCES_ALL, out, err);
}

/* A variable that is none of ours, but nearly: of a key's name in capitals. */
static void
warn_of(const char *name, size_t len)
{
	char word[32], what[64], near_name[64], hint[96];
	struct nearest near;
	const struct known *k;
	size_t i;

	if (len - 4 >= sizeof(word))
		return;
	for (i = 4; i < len; i++)
		word[i - 4] = name[i] == '_' ? '-' :
		    (char)tolower((unsigned char)name[i]);
	word[i - 4] = '\0';
	near = nearest_of(word);
	for (k = node_known; k->name != NULL; k++)
		if (known_is_key(k))
			nearest_try(&near, k->name);
	if (near.name == NULL)
		return;
	snprintf(what, sizeof(what), "%.*s", (int)len, name);
	k = known_by_key(near.name);
	if (strcmp(what, env_name(k, near_name, sizeof(near_name))) == 0)
		return;
	near.name = near_name;
	tool_say(what, "no such variable", nearest_hint(&near, "", hint,
	    sizeof(hint)));
}

static void
warn_of_variables(void)
{
	char *const *p;

	for (p = environ; *p != NULL; p++)
		if (strncmp(*p, "P2P_", 4) == 0 &&
		    strncmp(*p, "P2P_HOME=", 9) != 0)
			warn_of(*p, strcspn(*p, "="));
}

/* What it is made of lasts as long as the process. */
int
config_options(const struct command *c, struct options *o)
{
	enum sources from = c->run == node_run ? SOURCES_ALL :
	    c->run == node_id || c->run == node_key ? SOURCES_KEY :
	    SOURCES_NONE;
	static struct config *held;
	struct config_error err;

	if (c->run == node_run || c->run == node_config)
		warn_of_variables();
	if (c->run == node_config || c->run == node_doctor)
		return TOOL_OK;		/* they have their own words for it */
	if (load(o, from, &held, &err) != TOOL_OK)
		return config_say(&err);
	*o = held->o;
	o->loaded = held;
	return TOOL_OK;
}

/* The i-th word of what holds without it; "@" is a file of ours, if any. */
static bool
without(const struct known *k, size_t i, struct config_value *out)
{
	const char *p = k->without;

	snprintf(out->origin, sizeof(out->origin), "default");
	out->value = NULL;
	if (p == NULL)
		return i == 0;
	for (; i > 0 && p != NULL; i--)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	if (p == NULL)
		return false;
	if (p[0] == '@') {
		out->value = tool_home(p + 1, out->word);
		return true;
	}
	out->value = out->word;
	snprintf(out->word, sizeof(out->word), "%.*s", (int)strcspn(p, " "),
	    p);
	return true;
}

bool
config_value(const struct config *c, const struct known *k, size_t i,
    struct config_value *out)
{
	const struct config_setting *s = NULL;
	size_t j, n = 0;

	for (j = 0; j < c->n; j++) {
		if (c->list[j].known != k)
			continue;
		/* Of what is no list, the last one counts. */
		if (n++ == i || !k->repeat)
			s = &c->list[j];
	}
	if (n == 0)
		return without(k, i, out);
	if (s == NULL || (!k->repeat && i > 0))
		return false;
	out->value = s->value != NULL ? s->value : "yes";
	if (s->origin == CONFIG_FLAG)
		snprintf(out->origin, sizeof(out->origin), "flag");
	else
		place(c, s, out->origin, sizeof(out->origin));
	return true;
}

bool
config_same(const struct config *a, const struct config *b,
    const struct known *k)
{
	struct config_value x, y;
	char saved[PATH_MAX];
	bool more;
	size_t i;

	for (i = 0;; i++) {
		more = config_value(a, k, i, &x);
		/* The next value may be written over this one. */
		snprintf(saved, sizeof(saved), "%s", more && x.value != NULL ?
		    x.value : "");
		if (config_value(b, k, i, &y) != more)
			return false;
		if (!more)
			return true;
		if (strcmp(saved, y.value != NULL ? y.value : "") != 0)
			return false;
	}
}
