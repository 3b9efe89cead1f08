/*
 * The network.  Everything that happens is an event at a time; an event is a
 * request that arrives, an answer that arrives, a wait that ends, a node that
 * leaves for another, or a refresh.
 */
#include "sim.h"
#include "peer.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/kad/kad_query.h"
#include "services/kad/kad_table.h"

#define SECOND		UINT64_C(1000000000)
#define TIMEOUT		(10 * SECOND)	/* of a request */
#define REFRESH		(600 * SECOND)
#define CHURN_TIME	(3600 * SECOND)	/* of churn before the measurement */
#define REQUEST_BYTES	60		/* on the wire, with its frames */
#define ANSWER_BYTES	70		/* and this for each peer in it */
#define PEER_BYTES	80
#define NEAREST		3	/* of which a look-up must find one */
#define BOOTSTRAP	3	/* honest nodes that a new one knows */

enum what { REQUEST, ANSWER, EXPIRY, DEPARTURE, REFRESHING };

struct event {
	uint64_t		at;
	enum what		what;
	uint32_t		node;		/* who is asked, or meant */
	struct lookup		*lookup;
	struct p2p_peer_id	*closer;	/* ANSWER: n of them */
	size_t			n;
};

struct lookup {
	uint32_t		from;
	struct kad_key		target;
	struct kad_query	*q;
	uint64_t		begun, ended;
	unsigned		refs;		/* events that name it */
	bool			measured, over;
};

struct node {
	struct kad_table	*table;
	bool			alive, sybil;
};

struct sim {
	struct sim_params	p;
	uint64_t		now, random, bytes;
	struct node		*nodes;
	uint32_t		n, cap;		/* nodes that ever were */
	uint32_t		*live;		/* those that are there */
	uint32_t		nlive, nhonest;
	struct event		*heap;
	size_t			nheap, capheap;
	unsigned		running, found, measured;
	unsigned		*hops, *messages;
	double			*times;
	uint32_t		invented;
};

/*
 * xorshift64*: Vigna, "An experimental exploration of Marsaglia's generators".
 */
static uint64_t
draw(struct sim *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(2685821657736338717);
}

static double
draw_unit(struct sim *s)
{
	return (double)(draw(s) >> 11) / 9007199254740992.0;
}

/* One way: 20 ms, and an exponential tail with a mean of 60. */
static uint64_t
latency(struct sim *s)
{
	return (uint64_t)((0.02 - 0.06 * log(1 - draw_unit(s))) *
	    (double)SECOND);
}

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* The heap: least time in front. */
static void
push(struct sim *s, struct event ev)
{
	size_t i;

	if (s->nheap == s->capheap) {
		s->capheap = s->capheap == 0 ? 1024 : 2 * s->capheap;
		s->heap = must(realloc(s->heap, s->capheap * sizeof(ev)));
	}
	if (ev.lookup != NULL)
		ev.lookup->refs++;
	for (i = s->nheap++; i > 0 && s->heap[(i - 1) / 2].at > ev.at;
	    i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = ev;
}

static struct event
pop(struct sim *s)
{
	struct event first = s->heap[0], last = s->heap[--s->nheap];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < s->nheap) {
		if (c + 1 < s->nheap && s->heap[c + 1].at < s->heap[c].at)
			c++;
		if (s->heap[c].at >= last.at)
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return first;
}

static void
unref(struct lookup *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	kad_query_free(l->q);
	free(l);
}

static void
learn(struct sim *s, uint32_t node, const struct p2p_peer_id *who)
{
	(void)!kad_table_add(s->nodes[node].table, who, NULL, 0, false,
	    s->now + 1);
}

/* The honest ones nearest to a key, nearest first: by going through all. */
static size_t
truly_nearest(const struct sim *s, const struct lookup *l,
    struct p2p_peer_id *out)
{
	struct kad_key keys[NEAREST + 1], key;
	struct p2p_peer_id id;
	size_t n = 0, at;
	uint32_t i;

	for (i = 0; i < s->nlive; i++) {
		id = peer(s->live[i]);
		if (s->live[i] == l->from || s->nodes[s->live[i]].sybil ||
		    kad_key_of_peer(&id, &key) != 0)
			continue;
		for (at = n; at > 0 && kad_compare(&l->target, &key,
		    &keys[at - 1]) < 0; at--) {
			keys[at] = keys[at - 1];
			if (at < NEAREST)
				out[at] = out[at - 1];
		}
		if (at == NEAREST)
			continue;
		keys[at] = key;
		out[at] = id;
		n += n < NEAREST;
	}
	return n;
}

/* Whether one of these answered: a record, which twenty have, is found then. */
static bool
is_found(struct sim *s, const struct lookup *l)
{
	struct p2p_peer_id want[NEAREST], got[KAD_K];
	size_t n = truly_nearest(s, l, want), m, i, j;

	m = kad_query_result(l->q, got, KAD_K);
	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++)
			if (p2p_peer_id_equal(&want[i], &got[j]))
				return true;
	return false;
}

static void
measure(struct sim *s, struct lookup *l)
{
	struct p2p_peer_id got;

	if (s->measured == s->p.lookups)
		return;
	s->found += is_found(s, l);
	s->hops[s->measured] = kad_query_result(l->q, &got, 1) == 1 ?
	    kad_query_hops(l->q, &got) + 1 : 0;
	s->messages[s->measured] = kad_query_asked(l->q);
	s->times[s->measured] = (double)(l->ended - l->begun) / (double)SECOND;
	s->measured++;
}

/* Ask whoever is next; a look-up that has nobody left to ask is over. */
static void
go_on(struct sim *s, struct lookup *l)
{
	struct p2p_peer_id ask;
	struct event ev = { .lookup = l };

	while (!l->over && kad_query_next(l->q, &ask)) {
		ev.node = number(&ask);
		s->bytes += REQUEST_BYTES;
		ev.what = REQUEST;
		ev.at = s->now + latency(s);
		if (draw_unit(s) < s->p.loss) {
			ev.what = EXPIRY;
			ev.at = s->now + TIMEOUT;
		}
		push(s, ev);
	}
	if (l->over || !kad_query_done(l->q))
		return;
	l->over = true;
	l->ended = s->now;
	s->running--;
	if (l->measured)
		measure(s, l);
}

static void
begin(struct sim *s, uint32_t from, const struct kad_key *target,
    bool measured)
{
	struct kad_query_params p = { .target = *target, .self = peer(from) };
	struct p2p_peer_id seeds[KAD_K];
	struct lookup *l = must(calloc(1, sizeof(*l)));
	size_t n;

	*l = (struct lookup){ .from = from, .target = *target,
	    .begun = s->now, .refs = 1, .measured = measured };
	n = kad_table_nearest(s->nodes[from].table, target, NULL, seeds,
	    KAD_K);
	if (kad_query_new(&p, seeds, n, &l->q) != 0) {
		free(l);
		return;
	}
	s->running++;
	go_on(s, l);
	unref(l);
}

/* What a Sybil says: ids near the target that nobody has. */
static size_t
invent(struct sim *s, const struct kad_key *target, struct p2p_peer_id *out)
{
	struct kad_key key;
	size_t n, tries;

	for (n = 0; n < KAD_K; n++) {
		for (tries = 0; tries < 64; tries++) {
			out[n] = peer(UINT32_MAX - ++s->invented);
			if (kad_key_of_peer(&out[n], &key) == 0 &&
			    kad_cpl(&key, target) >= 6)
				break;
		}
	}
	return n;
}

static void
on_request(struct sim *s, const struct event *ev)
{
	struct lookup *l = ev->lookup;
	struct p2p_peer_id from = peer(l->from);
	struct event back = { .what = ANSWER, .node = ev->node, .lookup = l };

	if (ev->node >= s->n || !s->nodes[ev->node].alive) {
		back.what = EXPIRY;
		back.at = l->begun > s->now ? s->now : s->now + TIMEOUT;
		push(s, back);
		return;
	}
	back.closer = must(malloc(KAD_K * sizeof(*back.closer)));
	back.n = s->nodes[ev->node].sybil ?
	    invent(s, &l->target, back.closer) :
	    kad_table_nearest(s->nodes[ev->node].table, &l->target, &from,
	    back.closer, KAD_K);
	learn(s, ev->node, &from);
	s->bytes += ANSWER_BYTES + PEER_BYTES * back.n;
	back.at = s->now + latency(s);
	if (draw_unit(s) < s->p.loss) {
		back.what = EXPIRY;
		back.at = s->now + TIMEOUT;
	}
	push(s, back);
}

static void
on_answer(struct sim *s, const struct event *ev)
{
	struct lookup *l = ev->lookup;
	struct p2p_peer_id who = peer(ev->node);

	if (!s->nodes[l->from].alive)
		return;
	learn(s, l->from, &who);
	kad_table_answered(s->nodes[l->from].table, &who, s->now);
	if (kad_query_answered(l->q, &who, ev->closer, ev->n) != 0)
		abort();
	go_on(s, l);
}

static void
on_expiry(struct sim *s, const struct event *ev)
{
	struct lookup *l = ev->lookup;
	struct p2p_peer_id who = peer(ev->node);

	if (!s->nodes[l->from].alive)
		return;
	(void)kad_table_remove(s->nodes[l->from].table, &who);
	kad_query_failed(l->q, &who);
	go_on(s, l);
}

/* A key that has so many bits in common with the node's own. */
static struct kad_key
key_in_bucket(struct sim *s, const struct kad_key *own, unsigned cpl)
{
	struct kad_key key;
	unsigned i;

	for (i = 0; i < KAD_KEY_SIZE; i++)
		key.b[i] = (uint8_t)(draw(s) >> 56);
	for (i = 0; i <= cpl; i++) {
		key.b[i / 8] &= (uint8_t)~(0x80 >> (i % 8));
		key.b[i / 8] |= own->b[i / 8] & (0x80 >> (i % 8));
	}
	key.b[cpl / 8] ^= (uint8_t)(0x80 >> (cpl % 8));
	return key;
}

static void
refresh(struct sim *s, uint32_t node)
{
	const struct kad_table *t = s->nodes[node].table;
	const struct kad_key *own = kad_table_key(t);
	struct kad_key key;
	unsigned cpl, last;

	begin(s, node, own, false);
	last = kad_table_max_cpl(t);
	for (cpl = 0; cpl <= last && cpl <= KAD_REFRESH_CPL; cpl++) {
		key = key_in_bucket(s, own, cpl);
		begin(s, node, &key, false);
	}
}

static uint32_t
add_node(struct sim *s)
{
	struct kad_table_params p = { .self = peer(s->n) };
	struct p2p_peer_id other;
	uint32_t i = s->n, j, k;

	if (s->n == s->cap)
		abort();
	if (kad_table_new(&p, &s->nodes[i].table) != 0)
		abort();
	s->nodes[i].alive = true;
	s->nodes[i].sybil = draw_unit(s) < s->p.sybils;
	s->n++;
	for (j = 0; j < BOOTSTRAP && s->nhonest > 0; j++) {
		do {
			k = s->live[draw(s) % s->nlive];
		} while (s->nodes[k].sybil);
		other = peer(k);
		learn(s, i, &other);
	}
	s->nhonest += !s->nodes[i].sybil;
	s->live[s->nlive++] = i;
	return i;
}

/* One goes, another comes. */
static void
on_departure(struct sim *s)
{
	uint32_t at = (uint32_t)(draw(s) % s->nlive), node = s->live[at];

	s->nodes[node].alive = false;
	s->nhonest -= !s->nodes[node].sybil;
	kad_table_free(s->nodes[node].table);
	s->nodes[node].table = NULL;
	s->live[at] = s->live[--s->nlive];
	refresh(s, add_node(s));
}

static void
handle(struct sim *s, const struct event *ev)
{
	switch (ev->what) {
	case REQUEST: on_request(s, ev); break;
	case ANSWER: on_answer(s, ev); break;
	case EXPIRY: on_expiry(s, ev); break;
	case DEPARTURE: on_departure(s); break;
	case REFRESHING:
		if (s->nodes[ev->node].alive)
			refresh(s, ev->node);
		break;
	}
	free(ev->closer);
	unref(ev->lookup);
}

/* Until the time, or until nothing is left to happen. */
static void
advance(struct sim *s, uint64_t until)
{
	struct event ev;

	while (s->nheap > 0 && s->heap[0].at <= until) {
		ev = pop(s);
		s->now = ev.at;
		handle(s, &ev);
	}
	if (until != UINT64_MAX)
		s->now = until;
}

static void
grow(struct sim *s)
{
	struct kad_key own;
	uint32_t i;

	for (i = 0; i < s->p.nodes; i++) {
		own = *kad_table_key(s->nodes[add_node(s)].table);
		begin(s, i, &own, false);
		advance(s, s->now + SECOND / 20);
	}
	advance(s, UINT64_MAX);
	for (i = 0; i < s->p.nodes; i++) {
		refresh(s, i);
		advance(s, s->now + SECOND / 100);
	}
	advance(s, UINT64_MAX);
}

/* An hour in which some go and others come, and everybody refreshes. */
static void
churn(struct sim *s)
{
	uint64_t begun = s->now, t;
	unsigned gone = (unsigned)(s->p.churn * s->p.nodes), i;
	struct event ev = { .what = DEPARTURE };

	for (i = 0; i < gone; i++) {
		ev.at = begun + CHURN_TIME / gone * i;
		push(s, ev);
	}
	ev.what = REFRESHING;
	for (i = 0; i < s->n; i++) {
		ev.node = i;
		for (t = draw(s) % REFRESH; t < CHURN_TIME; t += REFRESH) {
			ev.at = begun + t;
			push(s, ev);
		}
	}
	s->bytes = 0;
	advance(s, begun + CHURN_TIME);
}

static int
by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

static int
by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
lookups(struct sim *s)
{
	struct kad_key target;
	uint32_t from;
	unsigned i, j;

	for (i = 0; i < s->p.lookups; i++) {
		for (j = 0; j < KAD_KEY_SIZE; j++)
			target.b[j] = (uint8_t)(draw(s) >> 56);
		do {
			from = s->live[draw(s) % s->nlive];
		} while (s->nodes[from].sybil);
		begin(s, from, &target, true);
		advance(s, s->now + SECOND / 10);
	}
	advance(s, UINT64_MAX);
}

static void
conclude(struct sim *s, struct sim_result *out)
{
	unsigned n = s->measured;

	qsort(s->hops, n, sizeof(s->hops[0]), by_value);
	qsort(s->messages, n, sizeof(s->messages[0]), by_value);
	qsort(s->times, n, sizeof(s->times[0]), by_time);
	out->hops[0] = s->hops[n / 2];
	out->hops[1] = s->hops[n * 99 / 100];
	out->messages[0] = s->messages[n / 2];
	out->messages[1] = s->messages[n * 99 / 100];
	out->seconds = s->times[n / 2];
	out->success = (double)s->found / n;
}

int
sim_run(const struct sim_params *p, struct sim_result *out)
{
	struct sim s = { .p = *p, .random = 88172645463325252u + p->seed };
	uint32_t i;

	s.cap = 2 * p->nodes + 16;
	s.nodes = calloc(s.cap, sizeof(*s.nodes));
	s.live = calloc(s.cap, sizeof(*s.live));
	s.hops = calloc(p->lookups, sizeof(*s.hops));
	s.messages = calloc(p->lookups, sizeof(*s.messages));
	s.times = calloc(p->lookups, sizeof(*s.times));
	if (s.nodes == NULL || s.live == NULL || s.hops == NULL ||
	    s.messages == NULL || s.times == NULL)
		return -1;
	*out = (struct sim_result){ .success = 0 };
	grow(&s);
	if (p->churn > 0) {
		churn(&s);
		out->kb_hour = (double)s.bytes / p->nodes / 1000;
	}
	lookups(&s);
	if (s.measured == 0)
		return -1;
	conclude(&s, out);
	for (i = 0; i < s.n; i++)
		kad_table_free(s.nodes[i].table);
	free(s.nodes);
	free(s.live);
	free(s.heap);
	free(s.hops);
	free(s.messages);
	free(s.times);
	return 0;
}
