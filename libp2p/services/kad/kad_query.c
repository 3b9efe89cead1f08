/*
 * All peers that are known stand in one array, nearest first.
 *
 * Who invents peers ever closer to the target could keep a look-up busy for
 * ever.  It ends at asked_max, and long before that a liar is known by its
 * fruits: once LIES of the peers that somebody named did not answer and none
 * did, no other of his is asked, unless somebody else names it (D4).
 */
#include "services/kad/kad_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "services/kad/kad_table.h"

#define LIES	4

/* Who named somebody, by number of those who answered; 0 is the table. */
struct source {
	unsigned	good, bad, waiting;
};

struct known {
	struct p2p_peer_id	peer;
	struct kad_key		key;
	enum kad_peer_state	state;
	uint16_t		hops;
	uint16_t		source;		/* who named it first */
	uint16_t		number;		/* as a source, 0: none yet */
};

struct kad_query {
	struct kad_query_params	p;
	size_t			n;
	struct known		list[KAD_KNOWN_MAX];
	size_t			nsources;
	struct source		sources[KAD_ASKED_MAX + 1];
	unsigned		waiting, asked, failures;
	bool			follow_up;
};

/* Nobody whom its source named has answered, and several did not. */
static bool
is_discredited(const struct kad_query *q, const struct known *k)
{
	const struct source *s = &q->sources[k->source];

	return k->source != 0 && s->good == 0 && s->bad >= LIES;
}

/* Where a key stands, or would: how many are nearer. */
static size_t
place(const struct kad_query *q, const struct kad_key *key)
{
	size_t from = 0, to = q->n, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (kad_compare(&q->p.target, &q->list[mid].key, key) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Into its place; the farthest that was only heard of gives way. */
static int
learn(struct kad_query *q, const struct p2p_peer_id *peer, uint16_t hops,
    uint16_t source)
{
	struct known k = { .peer = *peer, .state = KAD_HEARD, .hops = hops,
	    .source = source };
	size_t at;
	int e;

	if (p2p_peer_id_equal(peer, &q->p.self))
		return 0;
	if ((e = kad_key_of_peer(peer, &k.key)) != 0)
		return e;
	at = place(q, &k.key);
	if (at < q->n && kad_compare(&q->p.target, &k.key,
	    &q->list[at].key) == 0) {
		if (q->list[at].state == KAD_HEARD &&
		    is_discredited(q, &q->list[at]))
			q->list[at].source = source;
		return 0;			/* known */
	}
	if (q->n == KAD_KNOWN_MAX) {
		if (at == q->n || q->list[q->n - 1].state != KAD_HEARD)
			return 0;
		q->n--;
	}
	memmove(&q->list[at + 1], &q->list[at],
	    (q->n - at) * sizeof(q->list[0]));
	q->list[at] = k;
	q->n++;
	return 0;
}

int
kad_query_new(const struct kad_query_params *params,
    const struct p2p_peer_id *seeds, size_t n, struct kad_query **out)
{
	struct kad_query *q;
	size_t i;
	int e = 0;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return -ENOMEM;
	q->p = *params;
	if (q->p.k == 0)
		q->p.k = KAD_K;
	if (q->p.alpha == 0)
		q->p.alpha = KAD_ALPHA;
	if (q->p.beta == 0)
		q->p.beta = KAD_BETA;
	if (q->p.asked_max == 0 || q->p.asked_max > KAD_ASKED_MAX)
		q->p.asked_max = KAD_ASKED_MAX;
	q->nsources = 1;
	for (i = 0; i < n && e == 0; i++)
		e = learn(q, &seeds[i], 0, 0);
	if (e == 0 && q->n == 0)
		e = P2P_ERR_NOT_FOUND;
	if (e != 0) {
		free(q);
		return e;
	}
	*out = q;
	return 0;
}

void
kad_query_free(struct kad_query *q)
{
	free(q);
}

/* NULL for who is not known; or there is no hash of it. */
static struct known *
find(struct kad_query *q, const struct p2p_peer_id *peer)
{
	struct kad_key key;
	size_t at;

	if (kad_key_of_peer(peer, &key) != 0)
		return NULL;
	at = place(q, &key);
	return at < q->n && p2p_peer_id_equal(&q->list[at].peer, peer) ?
	    &q->list[at] : NULL;
}

/* Whether it is still a candidate: it may be asked, or is being asked. */
static bool
is_open(const struct kad_query *q, const struct known *k)
{
	return k->state == KAD_WAITING ||
	    (k->state == KAD_HEARD && !is_discredited(q, k));
}

/* Nobody gets more questions on the word of one than it takes to doubt it. */
static bool
is_enough(const struct kad_query *q, const struct known *k)
{
	const struct source *s = &q->sources[k->source];

	return k->source != 0 && s->good == 0 && s->bad + s->waiting >= LIES;
}

/*
 * The nearest of the first so many that count which may be asked now.  Those
 * that do not answer, and what liars named, do not count.
 */
static struct known *
candidate(struct kad_query *q, size_t of)
{
	struct known *k;
	size_t i, n;

	for (i = n = 0; i < q->n && n < of; i++) {
		k = &q->list[i];
		if (k->state == KAD_HEARD && !is_enough(q, k))
			return k;
		n += k->state == KAD_WAITING || k->state == KAD_QUERIED;
	}
	return NULL;
}

bool
kad_query_next(struct kad_query *q, struct p2p_peer_id *out)
{
	struct known *k;

	if (q->waiting >= q->p.alpha || q->asked >= q->p.asked_max ||
	    kad_query_done(q))
		return false;
	k = candidate(q, q->follow_up ? q->p.k : KAD_KNOWN_MAX);
	if (k == NULL)
		return false;
	k->state = KAD_WAITING;
	q->sources[k->source].waiting++;
	q->waiting++;
	q->asked++;
	*out = k->peer;
	return true;
}

void
kad_query_put_back(struct kad_query *q, const struct p2p_peer_id *peer)
{
	struct known *k = find(q, peer);

	if (k == NULL || k->state != KAD_WAITING)
		return;
	k->state = KAD_HEARD;
	q->sources[k->source].waiting--;
	q->waiting--;
	q->asked--;
}

/* The peer is judged, and with it who named it. */
static void
settle(struct kad_query *q, struct known *k, bool good)
{
	q->waiting--;
	q->sources[k->source].waiting--;
	k->state = good ? KAD_QUERIED : KAD_UNREACHABLE;
	if (good) {
		q->sources[k->source].good++;
		k->number = (uint16_t)q->nsources++;
	} else {
		q->sources[k->source].bad++;
		q->failures++;
	}
}

int
kad_query_answered(struct kad_query *q, const struct p2p_peer_id *peer,
    const struct p2p_peer_id *closer, size_t n)
{
	struct known *k = find(q, peer);
	uint16_t number, hops;
	size_t i;
	int e = 0;

	if (k == NULL || k->state != KAD_WAITING)
		return 0;
	settle(q, k, true);
	number = k->number;
	hops = (uint16_t)(k->hops + 1);
	for (i = 0; i < n && i < KAD_CLOSER_MAX && e == 0; i++)
		e = learn(q, &closer[i], hops, number);
	return e;
}

void
kad_query_failed(struct kad_query *q, const struct p2p_peer_id *peer)
{
	struct known *k = find(q, peer);

	if (k != NULL && k->state == KAD_WAITING)
		settle(q, k, false);
}

/* Whether the first so many that count have all answered. */
static bool
have_answered(const struct kad_query *q, size_t of)
{
	const struct known *k;
	size_t i, n;

	for (i = n = 0; i < q->n && n < of; i++) {
		k = &q->list[i];
		if (is_open(q, k))
			return false;
		n += k->state == KAD_QUERIED;
	}
	return n == of;
}

static bool
is_starved(const struct kad_query *q)
{
	size_t i;

	if (q->waiting > 0)
		return false;
	if (q->asked >= q->p.asked_max)
		return true;
	for (i = 0; i < q->n; i++)
		if (is_open(q, &q->list[i]))
			return false;
	return true;
}

bool
kad_query_done(const struct kad_query *q)
{
	return is_starved(q) ||
	    have_answered(q, q->follow_up ? q->p.k : q->p.beta);
}

void
kad_query_follow_up(struct kad_query *q)
{
	q->follow_up = true;
}

size_t
kad_query_result(const struct kad_query *q, struct p2p_peer_id *out, size_t n)
{
	size_t i, found = 0;

	for (i = 0; i < q->n && found < n; i++)
		if (q->list[i].state == KAD_QUERIED)
			out[found++] = q->list[i].peer;
	return found;
}

unsigned
kad_query_asked(const struct kad_query *q)
{
	return q->asked;
}

unsigned
kad_query_failures(const struct kad_query *q)
{
	return q->failures;
}

unsigned
kad_query_hops(const struct kad_query *q, const struct p2p_peer_id *peer)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (p2p_peer_id_equal(&q->list[i].peer, peer))
			return q->list[i].hops;
	return KAD_KNOWN_MAX;
}

bool
kad_query_was_asked(const struct kad_query *q, const struct p2p_peer_id *peer)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (p2p_peer_id_equal(&q->list[i].peer, peer))
			return q->list[i].state != KAD_HEARD;
	return false;
}
