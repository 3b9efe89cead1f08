/*
 * Sources live in an array and in a hash by their eight bytes of key, in the
 * order of their last visit.  A source can be forgotten when nothing of it
 * counts any more: no connection, no penalty, a full bucket.  Penalties add up;
 * they bite from PENALTY_MIN on, so that a single slip costs nothing.
 */
#include "host/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/bucket.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/lock.h"
#include "crypto/hash.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define HASH_FUNCTION(key, len, out) ((out) = hash_keyed((key), (len)))
#include "base/table.h"

#define KEY_SIZE	8
#define PENALTY_MIN	(15 * CLOCK_S)	/* what is less is not enforced */
#define FORGET_TRIES	16		/* old sources looked at for a place */

enum { CODE_IP4 = 4, CODE_IP6 = 41, KEY_IP4 = 4, KEY_56 = 56, KEY_48 = 48 };

/* Seconds for each offence. */
static const uint64_t penalties[GATE_OFFENCES] = {
	[GATE_LEFT] = 1,
	[GATE_HANDSHAKE] = 5,
	[GATE_DEADLINE] = 10,
	[GATE_VIOLATION] = 30,
};

/* Everything under gate->mtx. */
struct source {
	UT_hash_handle	 hh;
	TAILQ_ENTRY(source) link;	/* last visit, oldest first */
	uint8_t		 key[KEY_SIZE];	/* kind, then address bytes */
	unsigned	 passes;	/* connections, and who holds it */
	struct bucket	 rate;
	uint64_t	 penalty;	/* until then */
	bool		 enforced;	/* the penalty reached its minimum */
};

struct gate {
	struct lock	 mtx;		/* LOCK_LEAF */
	struct gate_params p;
	struct source	*table;		/* by key */
	TAILQ_HEAD(, source) visits;
	struct source	*sources;	/* GATE_SOURCES of them */
	unsigned	 nsources;
};

int
gate_new(const struct gate_params *params, struct gate **out)
{
	struct gate *g;

	if ((g = calloc(1, sizeof(*g))) == NULL ||
	    (g->sources = calloc(GATE_SOURCES, sizeof(*g->sources))) == NULL) {
		free(g);
		return -ENOMEM;
	}
	lock_init(&g->mtx, LOCK_LEAF);
	g->p = *params;
	TAILQ_INIT(&g->visits);
	*out = g;
	return 0;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	HASH_CLEAR(hh, g->table);
	lock_destroy(&g->mtx);
	free(g->sources);
	free(g);
}

/* The time that a source has to wait for one more connection; 0: none. */
static uint64_t
period(const struct gate *g)
{
	uint64_t s = g->p.every_s->max;

	return s > UINT64_MAX / CLOCK_S ? UINT64_MAX : s * CLOCK_S;
}

/* Loopback and what has no IP address give 0: not counted. */
static uint8_t
key_of(const struct gate *g, const struct p2p_multiaddr *ma,
    uint8_t key[KEY_SIZE])
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	struct p2p_multiaddr_part ip;

	memset(key, 0, KEY_SIZE);
	if (ma == NULL || !p2p_multiaddr_part(ma, 0, &ip))
		return 0;
	if (ip.code == CODE_IP4 && (g->p.loopback_too || ip.value[0] != 127)) {
		memcpy(key + 1, ip.value, 4);
		return key[0] = KEY_IP4;
	}
	if (ip.code == CODE_IP6 && (g->p.loopback_too ||
	    memcmp(ip.value, loopback6, sizeof(loopback6)) != 0)) {
		memcpy(key + 1, ip.value, 7);
		return key[0] = KEY_56;
	}
	return 0;
}

static bool
forgettable(const struct gate *g, const struct source *s, uint64_t now)
{
	return s->passes == 0 && s->penalty <= now &&
	    (period(g) == 0 || bucket_full(&s->rate, now));
}

/* A place for a new source: a free one, or that of one to forget; or NULL. */
static struct source *
place(struct gate *g, uint64_t now)
{
	struct source *s;
	unsigned i = 0;

	if (g->nsources < GATE_SOURCES)
		return &g->sources[g->nsources++];
	TAILQ_FOREACH(s, &g->visits, link) {
		if (forgettable(g, s, now))
			break;
		if (++i == FORGET_TRIES)
			return NULL;
	}
	if (s != NULL) {
		if (TABLE_ADDED(s))
			HASH_DEL(g->table, s);
		TAILQ_REMOVE(&g->visits, s, link);
	}
	return s;
}

/* The source of that key, remembered from now on if there is a place. */
static struct source *
visit(struct gate *g, const uint8_t key[KEY_SIZE], uint64_t now)
{
	struct source *s;

	HASH_FIND(hh, g->table, key, KEY_SIZE, s);
	if (s != NULL) {
		TAILQ_REMOVE(&g->visits, s, link);
		TAILQ_INSERT_TAIL(&g->visits, s, link);
		return s;
	}
	if ((s = place(g, now)) == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	memcpy(s->key, key, KEY_SIZE);
	if (period(g) != 0)
		bucket_init(&s->rate, g->p.burst->max, period(g), now);
	HASH_ADD(hh, g->table, key, KEY_SIZE, s);
	TAILQ_INSERT_TAIL(&g->visits, s, link);
	return TABLE_ADDED(s) ? s : NULL;
}

static int
refuse(struct limit *by, int error)
{
	atomic_fetch_add(&by->refused, 1);
	return error;
}

/* What the source and its net say; the lock is held. */
static int
judge(struct gate *g, struct source *s, const struct source *net,
    uint64_t now)
{
	if (s->enforced && s->penalty > now)
		return refuse(g->p.penalty_s, P2P_ERR_REFUSED);
	if (s->penalty <= now)
		s->enforced = false;
	if (s->passes >= g->p.per_ip->max)
		return refuse(g->p.per_ip, P2P_ERR_LIMIT);
	if (net != NULL && net->passes >= g->p.per_net->max)
		return refuse(g->p.per_net, P2P_ERR_LIMIT);
	if (period(g) != 0 && !bucket_take(&s->rate, now))
		return refuse(g->p.burst, P2P_ERR_LIMIT);
	return 0;
}

int
gate_enter(struct gate *g, const struct p2p_multiaddr *remote, uint64_t now,
    struct gate_pass *pass)
{
	struct source *s, *net = NULL;
	uint8_t key[KEY_SIZE], kind;
	int e = 0;

	*pass = (struct gate_pass){ NULL, NULL };
	if ((kind = key_of(g, remote, key)) == 0)
		return 0;
	lock_lock(&g->mtx);
	if ((s = visit(g, key, now)) != NULL) {
		s->passes++;		/* net must not take its place */
		if (kind == KEY_56) {
			key[0] = KEY_48;
			key[KEY_SIZE - 1] = 0;
			net = visit(g, key, now);
		}
		s->passes--;
		e = judge(g, s, net, now);
	}
	if (s != NULL && e == 0) {
		s->passes++;
		if (net != NULL)
			net->passes++;
		*pass = (struct gate_pass){ s, net };
	}
	lock_unlock(&g->mtx);
	return e;
}

void
gate_leave(struct gate *g, struct gate_pass *pass)
{
	if (pass->source == NULL)
		return;
	lock_lock(&g->mtx);
	pass->source->passes--;
	if (pass->net != NULL)
		pass->net->passes--;
	lock_unlock(&g->mtx);
	*pass = (struct gate_pass){ NULL, NULL };
}

void
gate_punish(struct gate *g, const struct gate_pass *pass,
    enum gate_offence offence, uint64_t now)
{
	struct source *s = pass->source;
	uint64_t most = g->p.penalty_s->max, until;

	if (s == NULL)
		return;
	most = clock_after(now, most > UINT64_MAX / CLOCK_S ? CLOCK_NEVER :
	    most * CLOCK_S);
	lock_lock(&g->mtx);
	until = clock_after(s->penalty > now ? s->penalty : now,
	    penalties[offence] * CLOCK_S);
	s->penalty = until < most ? until : most;
	if (s->penalty >= now + PENALTY_MIN)
		s->enforced = true;
	lock_unlock(&g->mtx);
}

bool
gate_counts(const struct gate_pass *pass)
{
	return pass->source != NULL;
}
