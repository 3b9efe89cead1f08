/*
 * Commands, and what Tab makes of them.  What begins with a slash is never said
 * to anybody, known or not.
 */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/stream.h"
#include "tool.h"

#define AGENT_MAX	128	/* bytes of a peer's that are shown */
#define CHOICES_MAX	32

/* The first word of arg, which is cut off; the rest. */
static char *
next_word(char *arg)
{
	char *rest = arg + strcspn(arg, " \t");

	if (*rest != '\0')
		*rest++ = '\0';
	return rest + strspn(rest, " \t");
}

struct here {
	char	name[P2P_PEER_ID_TEXT_MAX], nick[CHAT_NICK_MAX + 1];
	char	address[160];
};

/* A copy of who is here, which the caller frees; NULL when nobody is. */
static struct here *
list_here(struct chat *c, size_t *n)
{
	const struct chat_link *l;
	struct here *list;
	size_t most = 1;

	*n = 0;
	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		most++;
	list = calloc(most, sizeof(*list));
	TAILQ_FOREACH(l, &c->links, next) {
		if (list == NULL || l->ending || l->error != 0)
			continue;
		memcpy(list[*n].name, l->name, sizeof(l->name));
		memcpy(list[*n].nick, l->who->nick, sizeof(l->who->nick));
		snprintf(list[*n].address, sizeof(list->address), "%s",
		    p2p_multiaddr_text(p2p_stream_remote(l->s)));
		++*n;
	}
	pthread_mutex_unlock(&c->mtx);
	return list;
}

static bool
do_peers(struct chat *c, char *arg)
{
	char label[CHAT_LABEL_MAX];
	size_t n, i;
	struct here *list = list_here(c, &n);

	(void)arg;
	for (i = 0; i < n; i++)
		chat_notice(c, "%s %s %s", chat_label(list[i].name,
		    list[i].nick, label), list[i].name, list[i].address);
	if (chat_call_list(c) == 0 && n == 0)
		chat_notice(c, "nobody is here");
	free(list);
	return true;
}

static bool
do_connect(struct chat *c, char *arg)
{
	if (arg[0] != '\0')
		chat_call(c, arg);
	else
		chat_notice(c, "/connect wants an address");
	return true;
}

static bool
do_nick(struct chat *c, char *arg)
{
	if (!chat_nick(c, arg)) {
		chat_notice(c, "a nick is 1 to 32 printable columns");
		return true;
	}
	chat_notice(c, "you are %s now, here; others see it with /me alone",
	    arg);
	if (chat_peer_same_nick(c, NULL, arg))
		chat_notice(c, "warning: a peer has the nick %s, too", arg);
	return true;
}

static bool
do_name(struct chat *c, char *arg)
{
	char label[CHAT_LABEL_MAX];
	char *nick = next_word(arg);
	struct chat_peer p;

	if (nick[0] == '\0' || strchr(nick, ' ') != NULL ||
	    !chat_is_nick(nick)) {
		chat_notice(c, "/name wants a peer and a nick of one word");
		return true;
	}
	if (!chat_peer_named(c, arg, &p))
		return true;
	if (chat_peer_is_id(c, &p.id, nick)) {
		chat_notice(c, "%s is the end of another's peer id", nick);
		return true;
	}
	if (!chat_peer_nick(c, &p.id, nick))
		return true;
	chat_notice(c, "%s is %s on this screen", p.name,
	    chat_label(p.name, nick, label));
	if (chat_peer_same_nick(c, &p.id, nick))
		chat_notice(c, "warning: somebody else is called %s, too",
		    nick);
	return true;
}

static bool
do_ping(struct chat *c, char *arg)
{
	struct chat_peer p;

	if (arg[0] == '\0')
		chat_notice(c, "/ping wants a peer");
	else if (chat_peer_named(c, arg, &p))
		chat_call_ping(c, &p.id);
	return true;
}

/* How the links of a peer are framed, in words; "" when it is not here. */
static const char *
framing_of(struct chat *c, const struct p2p_peer_id *id)
{
	static const char *const words[] = {
		[CHAT_UNKNOWN] = ", has said nothing yet",
		[CHAT_BY_LINE] = ", text by line",
		[CHAT_BY_LENGTH] = ", text by length" };
	const struct chat_link *l;
	const char *s = "";

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		if (!l->ending && p2p_peer_id_equal(&l->peer, id))
			s = words[l->framing];
	pthread_mutex_unlock(&c->mtx);
	return s;
}

static bool
do_whois(struct chat *c, char *arg)
{
	char label[CHAT_LABEL_MAX], agent[AGENT_MAX];
	size_t n, i, len = 0;
	struct here *list;
	struct chat_peer p;

	if (arg[0] == '\0') {
		chat_notice(c, "/whois wants a peer");
		return true;
	}
	if (!chat_peer_named(c, arg, &p))
		return true;
	chat_notice(c, "%s is %s%s%s", chat_label(p.name, p.nick, label),
	    p.name, p.links > 0 ? ", here" : ", gone",
	    framing_of(c, &p.id));
	list = list_here(c, &n);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, p.name) == 0)
			chat_notice(c, "  at %s", list[i].address);
	free(list);
	if (p2p_peerstore_get(c->host, &p.id, "agent", agent, sizeof(agent),
	    &len) == 0)
		chat_notice(c, "  says that it is %.*s", (int)(len <
		    sizeof(agent) ? len : sizeof(agent)), agent);
	return true;
}

static bool
do_me(struct chat *c, char *arg)
{
	char text[CHAT_LINE_MAX + CHAT_NICK_MAX + 8];
	const char *nick;
	int head;

	chat_make_room(c);
	if (arg[0] == '\0') {
		chat_notice(c, "/me wants what you do");
		return true;
	}
	pthread_mutex_lock(&c->out);
	nick = c->nick[0] != '\0' ? c->nick : chat_tail(c->self);
	head = snprintf(text, sizeof(text), "* %s ", nick);
	pthread_mutex_unlock(&c->out);
	snprintf(text + head, sizeof(text) - (size_t)head, "%s", arg);
	if (strlen(text) > CHAT_LINE_MAX)
		chat_notice(c, "not sent: a message has at most %d bytes",
		    CHAT_LINE_MAX);
	else
		chat_say(c, text, strlen(text), (size_t)head);
	return true;
}

static bool
do_msg(struct chat *c, char *arg)
{
	char *text = next_word(arg), label[CHAT_LABEL_MAX];
	struct chat_peer p;

	chat_make_room(c);
	if (text[0] == '\0')
		chat_notice(c, "/msg wants a peer and a text");
	else if (chat_peer_named(c, arg, &p) &&
	    !chat_say_to(c, &p, text, strlen(text)))
		chat_notice(c, "not sent: %s is not here",
		    chat_label(p.name, p.nick, label));
	return true;
}

static bool
do_clear(struct chat *c, char *arg)
{
	(void)arg;
	if (c->front->clear != NULL)
		c->front->clear(c);
	return true;
}

static bool
do_quit(struct chat *c, char *arg)
{
	(void)c;
	(void)arg;
	return false;
}

static bool	do_help(struct chat *c, char *arg);

static const struct command {
	const char	*name;
	bool		(*run)(struct chat *c, char *arg);
	bool		 peer;		/* its first word is one */
	const char	*args, *what;
} commands[] = {
	{ "/help", do_help, false, "", "this list" },
	{ "/nick", do_nick, false, " NAME", "your name, on your own screen" },
	{ "/name", do_name, true, " PEER NAME", "a peer's, on your screen" },
	{ "/peers", do_peers, false, "", "who is here, and who is missing" },
	{ "/connect", do_connect, false, " MADDR", "talk to that peer too" },
	{ "/ping", do_ping, true, " PEER", "how far away it is" },
	{ "/whois", do_whois, true, " PEER", "all of its id, its address" },
	{ "/me", do_me, false, " TEXT", "say \"* NAME TEXT\"" },
	{ "/msg", do_msg, true, " PEER TEXT", "to one peer alone" },
	{ "/clear", do_clear, false, "", "an empty screen" },
	{ "/quit", do_quit, false, "", "leave" },
};
#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static bool
do_help(struct chat *c, char *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < COMMANDS; i++)
		chat_notice(c, "%s%-*s %s", commands[i].name,
		    (int)(19 - strlen(commands[i].name)), commands[i].args,
		    commands[i].what);
	chat_notice(c, "//TEXT              say /TEXT");
	return true;
}

static void
refuse(struct chat *c, const char *name)
{
	struct nearest n = nearest_of(name + 1);
	size_t i;

	for (i = 0; i < COMMANDS && name[1] != '\0'; i++)
		nearest_try(&n, commands[i].name + 1);
	if (n.name != NULL)
		chat_notice(c, "no such command: %.40s; did you mean /%s? "
		    "/%.40s says it", name, n.name, name);
	else
		chat_notice(c, "no such command: %.40s; /help lists them, "
		    "and / before it says it", name);
}

bool
chat_command(struct chat *c, const char *line, size_t len)
{
	char text[CHAT_LINE_MAX + 1], *rest;
	size_t i;

	while (len > 1 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	memcpy(text, line, len);
	text[len] = '\0';
	rest = next_word(text);
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(text, commands[i].name) == 0)
			return commands[i].run(c, rest);
	refuse(c, text);
	return true;
}

struct choices {
	const char	*start;		/* the word so far */
	size_t		 len, n;
	char		 words[CHOICES_MAX][P2P_PEER_ID_TEXT_MAX];
};

static void
offer(struct choices *ch, const char *word)
{
	if (ch->n < CHOICES_MAX && strlen(word) >= ch->len &&
	    strncmp(word, ch->start, ch->len) == 0)
		snprintf(ch->words[ch->n++], sizeof(ch->words[0]), "%s", word);
}

/* A peer by its nick, or by the tail of its id. */
static void
offer_peers(struct chat *c, struct choices *ch)
{
	const struct chat_peer *p;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next) {
		if (p->links == 0)
			continue;
		if (p->nick[0] != '\0')
			offer(ch, p->nick);
		if (p->nick[0] == '\0' || ch->len > 0)
			offer(ch, chat_tail(p->name));
	}
	pthread_mutex_unlock(&c->mtx);
}

static void
show_choices(struct chat *c, const struct choices *ch)
{
	char text[CHOICES_MAX * P2P_PEER_ID_TEXT_MAX];
	size_t i, n = 0;

	for (i = 0; i < ch->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
		    i > 0 ? "  " : "", ch->words[i]);
	chat_notice(c, "%s", text);
}

void
chat_complete(struct chat *c, const char *before, size_t len, char *out,
    size_t cap)
{
	struct choices ch = { .n = 0 };
	size_t i, same;

	for (i = len; i > 0 && before[i - 1] != ' '; i--)
		;
	ch.start = before + i;
	ch.len = len - i;
	if (i == 0 && len > 0 && before[0] == '/')
		for (same = 0; same < COMMANDS; same++)
			offer(&ch, commands[same].name);
	else
		offer_peers(c, &ch);
	out[0] = '\0';
	if (ch.n == 0)
		return;
	for (same = ch.len; ch.words[0][same] != '\0'; same++) {
		for (i = 1; i < ch.n; i++)
			if (ch.words[i][same] != ch.words[0][same])
				break;
		if (i < ch.n)
			break;
	}
	snprintf(out, cap, "%.*s%s", (int)(same - ch.len),
	    ch.words[0] + ch.len, ch.n == 1 ? " " : "");
	if (out[0] == '\0')
		show_choices(c, &ch);
}
