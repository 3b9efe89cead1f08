/*
 * Who was here: the nick that the user gave a peer, and how much it says, are
 * remembered when it goes, so that coming again makes nobody new.  Of those
 * that have gone and have no nick the last CHAT_PEERS_KEPT are.
 */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define TAIL_MIN	4	/* characters of an id that name a peer */

struct chat_peer *
chat_peer_found(struct chat *c, const struct p2p_peer_id *id)
{
	struct chat_peer *p;

	TAILQ_FOREACH(p, &c->peers, next)
		if (p2p_peer_id_equal(&p->id, id))
			return p;
	return NULL;
}

/* The one that was last seen first, if there are too many. */
static void
forget_oldest(struct chat *c)
{
	struct chat_peer *p;

	if (c->peers_n < CHAT_PEERS_KEPT)
		return;
	TAILQ_FOREACH_REVERSE(p, &c->peers, chat_peers, next)
		if (p->links == 0 && p->nick[0] == '\0' && !p->meter.muted)
			break;
	if (p == NULL)
		return;
	TAILQ_REMOVE(&c->peers, p, next);
	c->peers_n--;
	free(p);
}

struct chat_peer *
chat_peer_get(struct chat *c, const struct p2p_peer_id *id)
{
	struct chat_peer *p = chat_peer_found(c, id);

	if (p != NULL) {
		TAILQ_REMOVE(&c->peers, p, next);
		TAILQ_INSERT_HEAD(&c->peers, p, next);
		return p;
	}
	forget_oldest(c);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->id = *id;
	p2p_peer_id_text(id, p->name);
	TAILQ_INSERT_HEAD(&c->peers, p, next);
	c->peers_n++;
	return p;
}

bool
chat_peer_is_here(struct chat *c, const struct p2p_peer_id *id)
{
	const struct chat_link *l;

	TAILQ_FOREACH(l, &c->links, next)
		if (!l->ending && l->error == 0 &&
		    p2p_peer_id_equal(&l->peer, id))
			return true;
	return false;
}

unsigned
chat_peer_count(struct chat *c)
{
	const struct chat_peer *p;
	unsigned n = 0;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next)
		n += p->links > 0;
	pthread_mutex_unlock(&c->mtx);
	return n;
}

/* How well a word fits: 0 not at all, 1 the tail, 2 the nick, 3 the id. */
static int
fits(const struct chat_peer *p, const char *word)
{
	size_t n = strlen(word), all = strlen(p->name);
	char label[CHAT_LABEL_MAX];

	if (strcmp(word, p->name) == 0)
		return 3;
	if (p->nick[0] != '\0' && (strcmp(word, p->nick) == 0 ||
	    strcmp(word, chat_label(p->name, p->nick, label)) == 0))
		return 2;
	return n >= TAIL_MIN && n < all &&
	    strcmp(word, p->name + all - n) == 0;
}

/*
 * How well it fits comes first: a nick never means a stranger whose id ends so.
 * Of two with a nick the one that is here is meant; of two tails, neither.
 */
bool
chat_peer_named(struct chat *c, const char *word, struct chat_peer *out)
{
	const struct chat_peer *p;
	int best = 0, fit;
	unsigned n = 0;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next) {
		if ((fit = fits(p, word)) == 0)
			continue;
		fit = 2 * fit + (fit > 1 && p->links > 0);
		n = fit > best ? 1 : n + (fit == best);
		if (fit > best)
			*out = *p;
		best = fit > best ? fit : best;
	}
	pthread_mutex_unlock(&c->mtx);
	if (n == 0)
		chat_notice(c, "no peer is called %.80s; /peers shows all",
		    word[0] != '\0' ? word : "so");
	else if (n > 1)
		chat_notice(c, "%u peers are called %.80s; say the end of the "
		    "id, too", n, word);
	return n == 1;
}

bool
chat_peer_is_id(struct chat *c, const struct p2p_peer_id *id, const char *nick)
{
	size_t n = strlen(nick), all;
	const struct chat_peer *p;
	bool is = false;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next) {
		all = strlen(p->name);
		is = is || (n >= TAIL_MIN && n <= all &&
		    !p2p_peer_id_equal(&p->id, id) &&
		    strcmp(nick, p->name + all - n) == 0);
	}
	pthread_mutex_unlock(&c->mtx);
	return is;
}

bool
chat_peer_nick(struct chat *c, const struct p2p_peer_id *id, const char *nick)
{
	struct chat_peer *p;

	pthread_mutex_lock(&c->mtx);
	if ((p = chat_peer_found(c, id)) != NULL)
		memcpy(p->nick, nick, strlen(nick) + 1);
	pthread_mutex_unlock(&c->mtx);
	return p != NULL;
}

bool
chat_peer_same_nick(struct chat *c, const struct p2p_peer_id *id,
    const char *nick)
{
	const struct chat_peer *p;
	bool same;

	pthread_mutex_lock(&c->out);
	same = id != NULL && strcmp(c->nick, nick) == 0;
	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(p, &c->peers, next)
		same = same || (strcmp(p->nick, nick) == 0 &&
		    (id == NULL || !p2p_peer_id_equal(&p->id, id)));
	pthread_mutex_unlock(&c->mtx);
	pthread_mutex_unlock(&c->out);
	return same;
}

void
chat_peer_tick(struct chat *c)
{
	char label[CHAT_LABEL_MAX];
	unsigned long hidden;
	struct chat_peer *p;

	do {
		pthread_mutex_lock(&c->mtx);
		TAILQ_FOREACH(p, &c->peers, next)
			if (chat_meter_over(&p->meter, tool_now()))
				break;
		if (p != NULL) {
			chat_label(p->name, p->nick, label);
			hidden = p->meter.hidden;
			p->meter.hidden = 0;
			c->muted--;
		}
		pthread_mutex_unlock(&c->mtx);
		if (p != NULL)
			chat_notice(c, "%s is no longer muted; %lu messages "
			    "were not shown", label, hidden);
	} while (p != NULL);
}
