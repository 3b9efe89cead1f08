/*
 * A look-up: kad_query says whom to ask, a box does it, and what comes back
 * goes to the query, to the table, and to whoever looks.  All in its caller's
 * thread.
 *
 * Addresses that are heard stay here; only those of peers that are about to be
 * asked go to the peer store: whoever makes them up fills nothing of ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"
#include "services/kad/kad_addr.h"

#define HEARD_MAX	2048	/* contacts of one look-up */
#define TIMES_MAX	4	/* of one peer: the first word may be a lie */
#define GROUP_MAX	3	/* peers of one address group in an answer */

bool
kad_tell(const struct p2p_kad_options *o, const struct p2p_kad_event *ev)
{
	return o->event == NULL || o->event(ev, o->event_arg);
}

static unsigned
distance(const struct kad_lookup *l, const struct p2p_peer_id *peer)
{
	struct kad_key key;

	return kad_key_of_peer(peer, &key) != 0 ? KAD_KEY_BITS :
	    KAD_KEY_BITS - kad_cpl(&key, &l->key);
}

/* One thing about one peer; a caller that has enough ends the look-up. */
static void
tell(struct kad_lookup *l, enum p2p_kad_event_kind kind,
    const struct p2p_peer_id *peer, int error, uint64_t time_us)
{
	struct p2p_kad_event ev = { .kind = kind, .peer = *peer,
	    .error = error, .time_us = time_us };

	if (l->o->event == NULL)
		return;
	ev.distance = distance(l, peer);
	ev.hops = kad_query_hops(l->query, peer);
	if (!kad_tell(l->o, &ev))
		l->error = P2P_ERR_CLOSED;
}

static unsigned
times_heard(const struct kad_lookup *l, const struct p2p_peer_id *peer)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < l->nheard; i++)
		n += p2p_peer_id_equal(&l->heard[i].peer, peer);
	return n;
}

/*
 * Takes what the contact holds.  Addresses are remembered when the peer's turn
 * comes; of one that was asked already, perhaps where it is not, at once.
 */
static void
hear(struct kad_lookup *l, struct kad_contact *c)
{
	struct kad_contact *list;
	size_t cap = l->heard_cap > 0 ? 2 * l->heard_cap : 64;

	if (l->nheard == HEARD_MAX || times_heard(l, &c->peer) >= TIMES_MAX)
		return;
	if (l->nheard == l->heard_cap) {
		if ((list = realloc(l->heard, cap * sizeof(*list))) == NULL)
			return;
		l->heard = list;
		l->heard_cap = cap;
	}
	if (kad_query_was_asked(l->query, &c->peer))
		(void)kad_book_heard(l->k, c, KAD_HEARD_TTL);
	l->heard[l->nheard++] = *c;
	*c = (struct kad_contact){ .peer = c->peer };
}

static void
ask(struct kad_lookup *l, const struct p2p_peer_id *peer, bool *limited)
{
	size_t i;
	int e;

	for (i = 0; i < l->nheard; i++)
		if (p2p_peer_id_equal(&l->heard[i].peer, peer))
			(void)kad_book_heard(l->k, &l->heard[i],
			    KAD_HEARD_TTL);
	if ((e = kad_box_ask(l->box, peer)) == 0) {
		tell(l, P2P_KAD_ASKING, peer, 0, 0);
		return;
	}
	kad_query_put_back(l->query, peer);
	*limited = e == P2P_ERR_LIMIT;
	if (!*limited)
		l->error = e;
}

/*
 * Whether a peer of an answer may be asked: not ourselves, with an address that
 * counts, or one that we know.
 */
static bool
is_usable(struct kad_lookup *l, const struct kad_contact *c)
{
	struct p2p_multiaddr **known;
	bool knows;
	size_t i;

	if (p2p_peer_id_equal(&c->peer, &l->k->host->id))
		return false;
	for (i = 0; i < c->naddrs; i++)
		if (kad_addr_counts(c->addrs[i], l->k->reach))
			return true;
	known = kad_book_addresses(l->k, &c->peer);
	knows = known != NULL;
	p2p_host_addresses_free(known);
	return knows;
}

static bool
is_of_group(const struct kad_contact *c, uint64_t group)
{
	uint64_t g;
	size_t i;

	for (i = 0; i < c->naddrs; i++)
		if (kad_addr_group(c->addrs[i], &g) && g == group)
			return true;
	return false;
}

/*
 * D3: an answer with many peers of one address group is made up, as far as
 * these go.  Nobody is counted so but on the internet.
 */
static bool
is_crowd(const struct kad_lookup *l, const struct kad_msg *m,
    const struct kad_contact *c)
{
	uint64_t group;
	size_t i, j, n;

	if (l->k->reach != P2P_KAD_PUBLIC)
		return false;
	for (i = 0; i < c->naddrs; i++) {
		if (!kad_addr_group(c->addrs[i], &group))
			continue;
		for (j = n = 0; j < m->ncloser && j < KAD_CLOSER_MAX; j++)
			n += is_of_group(&m->closer[j], group);
		if (n > GROUP_MAX)
			return true;
	}
	return false;
}

/* The peers of an answer, into the query. */
static void
merge(struct kad_lookup *l, const struct p2p_peer_id *peer,
    struct kad_msg *m)
{
	struct p2p_peer_id closer[KAD_CLOSER_MAX];
	bool use[KAD_CLOSER_MAX];
	size_t i, n = 0;
	int e;

	for (i = 0; i < m->ncloser && i < KAD_CLOSER_MAX; i++)
		use[i] = is_usable(l, &m->closer[i]) &&
		    !is_crowd(l, m, &m->closer[i]);
	for (i = 0; i < m->ncloser && i < KAD_CLOSER_MAX; i++) {
		if (!use[i])
			continue;
		closer[n++] = m->closer[i].peer;
		hear(l, &m->closer[i]);
	}
	e = kad_query_answered(l->query, peer, closer, n);
	if (e != 0 && l->error == 0)
		l->error = e;
}

static void
take(struct kad_lookup *l, struct kad_job *job)
{
	size_t closer = job->answer.ncloser;

	if (job->error != 0) {
		kad_query_failed(l->query, &job->peer);
		kad_book_failed(l->k, &job->peer, job->error);
		tell(l, P2P_KAD_FAILED, &job->peer, job->error, job->time_us);
		return;
	}
	merge(l, &job->peer, &job->answer);
	kad_book_answered(l->k, &job->peer, closer);
	tell(l, P2P_KAD_ANSWERED, &job->peer, 0, job->time_us);
	if (l->answered != NULL && !l->enough &&
	    !l->answered(l, &job->peer, &job->answer))
		l->enough = true;
	l->result->hops = kad_query_hops(l->query, &job->peer);
}

/* Until enough is known, or nobody is left to ask. */
static int
run(struct kad_lookup *l)
{
	struct p2p_peer_id peer;
	struct kad_job *job;
	bool limited;
	int e;

	while (!l->enough && l->error == 0) {
		limited = false;
		while (!limited && l->error == 0 &&
		    kad_query_next(l->query, &peer))
			ask(l, &peer, &limited);
		if (l->error != 0 || kad_query_done(l->query))
			break;
		if ((e = kad_box_wait(l->box, &job)) != 0)
			return e == P2P_ERR_NOT_FOUND ? 0 : e;
		take(l, job);
		kad_job_free(job);
	}
	return l->error;
}

/* How the network looks from here. */
static void
judge(struct kad_lookup *l)
{
	struct kad_key keys[KAD_K];
	size_t i;

	for (i = 0; i < l->nclosest; i++)
		if (kad_key_of_peer(&l->closest[i], &keys[i]) != 0)
			return;
	lock_lock(&l->k->mtx);
	if (kad_size_crowded(&l->k->size, &l->key, keys, l->nclosest)) {
		l->result->crowded = true;
		l->k->stats.crowded++;
	} else if (l->follow_up) {
		kad_size_sample(&l->k->size, &l->key, keys, l->nclosest);
	}
	lock_unlock(&l->k->mtx);
}

static int
begin(struct kad_lookup *l)
{
	struct kad_query_params params = { .self = l->k->host->id };
	struct p2p_peer_id near[KAD_K];
	const struct p2p_peer_id *seeds = l->seeds;
	size_t n = l->nseeds;
	int e;

	if ((e = kad_key_of(l->target.p, l->target.len, &l->key)) != 0)
		return e;
	params.target = l->key;
	if (seeds == NULL) {
		lock_lock(&l->k->mtx);
		n = kad_table_nearest(l->k->table, &l->key, NULL, near, KAD_K);
		lock_unlock(&l->k->mtx);
		seeds = near;
	}
	if ((e = kad_query_new(&params, seeds, n, &l->query)) != 0)
		return e;
	return kad_box_new(l->k, &l->say, l->deadline, l->o->cancel, &l->box);
}

int
kad_lookup_run(struct kad_lookup *l)
{
	int e;

	if ((e = begin(l)) == 0 && (e = run(l)) == 0 && l->follow_up &&
	    !l->enough) {
		kad_query_follow_up(l->query);
		e = run(l);
	}
	kad_box_leave(l->box);
	l->box = NULL;
	if (l->query != NULL) {
		l->nclosest = kad_query_result(l->query, l->closest, KAD_K);
		l->result->asked += kad_query_asked(l->query);
		l->result->failed += kad_query_failures(l->query);
		if (e == 0)
			judge(l);
	}
	kad_contacts_free(l->heard, l->nheard);
	l->heard = NULL;
	l->nheard = l->heard_cap = 0;
	kad_query_free(l->query);
	l->query = NULL;
	return e;
}
