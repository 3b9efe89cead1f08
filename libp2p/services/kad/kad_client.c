/*
 * The public calls that move records: put, get, provide.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/dial.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"

#define TIMEOUT_MS	60000
#define CORRECT		(2 * CLOCK_S)	/* for those who had a worse one */
#define AGAIN		(22 * 3600 * CLOCK_S)	/* before 48 h, twice */

struct p2p_kad_cancel {
	struct p2p_kad	*k;
	atomic_bool	 fired;
};

int
p2p_kad_cancel_new(struct p2p_kad *k, struct p2p_kad_cancel **out)
{
	struct p2p_kad_cancel *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	c->k = k;
	*out = c;
	return 0;
}

void
p2p_kad_cancel(struct p2p_kad_cancel *c)
{
	atomic_store(&c->fired, true);
	lock_lock(&c->k->mtx);
	kad_box_poke_all(c->k);
	lock_unlock(&c->k->mtx);
	dial_poke(c->k->host);
}

void
p2p_kad_cancel_free(struct p2p_kad_cancel *c)
{
	free(c);
}

bool
kad_is_cancelled(const struct p2p_kad_cancel *c)
{
	return atomic_load(&c->fired);
}

int
kad_call_begin(struct kad_call *c, struct p2p_kad *k,
    const struct p2p_kad_options *o, struct p2p_kad_result *result)
{
	memset(c, 0, sizeof(*c));
	c->k = k;
	if (o != NULL)
		c->o = *o;
	c->result = result != NULL ? result : &c->none;
	memset(c->result, 0, sizeof(*c->result));
	c->begun = clock_now();
	c->deadline = clock_after(c->begun, (c->o.timeout_ms != 0 ?
	    c->o.timeout_ms : TIMEOUT_MS) * CLOCK_MS);
	if (atomic_load(&k->closed) || (c->o.cancel != NULL &&
	    kad_is_cancelled(c->o.cancel)))
		return P2P_ERR_CLOSED;
	return 0;
}

int
kad_call_end(struct kad_call *c, int error)
{
	c->result->time_us = (clock_now() - c->begun) / CLOCK_US;
	return error;
}

/* One message to many, at once; each outcome is counted and told. */
struct spread {
	struct kad_call		*c;
	struct kad_box		*box;
	struct rd		 key;	/* hashed for distances */
	unsigned		 stored, refused;
};

static int
tell_stored(struct spread *sp, const struct kad_job *job)
{
	struct p2p_kad_event ev = { .kind = P2P_KAD_STORED,
	    .peer = job->peer, .error = job->error, .time_us = job->time_us };
	struct kad_key a, b;

	if (kad_key_of(sp->key.p, sp->key.len, &a) == 0 &&
	    kad_key_of_peer(&job->peer, &b) == 0)
		ev.distance = KAD_KEY_BITS - kad_cpl(&a, &b);
	return kad_tell(&sp->c->o, &ev) ? 0 : P2P_ERR_CLOSED;
}

/* The next outcome; P2P_ERR_NOT_FOUND: there is none to come. */
static int
next_outcome(struct spread *sp)
{
	struct kad_job *job;
	int e;

	if ((e = kad_box_wait(sp->box, &job)) != 0)
		return e;
	if (job->error == 0)
		sp->stored++;
	else
		sp->refused++;
	kad_book_failed(sp->c->k, &job->peer, job->error);
	e = tell_stored(sp, job);
	kad_job_free(job);
	return e;
}

static int
spread(struct spread *sp, const struct kad_say *say,
    const struct p2p_peer_id *peers, size_t n, uint64_t deadline)
{
	size_t i;
	int e;

	if ((e = kad_box_new(sp->c->k, say, deadline, sp->c->o.cancel,
	    &sp->box)) != 0)
		return e;
	for (i = 0; i < n && e == 0; i++)
		while ((e = kad_box_ask(sp->box, &peers[i])) ==
		    P2P_ERR_LIMIT)
			if ((e = next_outcome(sp)) != 0)
				break;
	while (e == 0)
		e = next_outcome(sp);
	kad_box_leave(sp->box);
	return e == P2P_ERR_NOT_FOUND ? 0 : e;
}

/* To the nearest to the key, whom a look-up finds first. */
static int
spread_nearest(struct kad_call *c, const struct kad_say *say)
{
	struct spread sp = { .c = c, .key = say->key };
	struct kad_lookup l;
	int e;

	if ((e = kad_find_closest(c, say->key, &l)) != 0)
		return e;
	if (l.nclosest == 0)
		return P2P_ERR_UNREACHABLE;
	e = spread(&sp, say, l.closest, l.nclosest, c->deadline);
	c->result->found = (unsigned)l.nclosest;
	c->result->stored = sp.stored;
	c->result->refused = sp.refused;
	if (e == 0 || e == P2P_ERR_TIMEOUT)
		e = sp.stored > 0 ? 0 : e != 0 ? e : P2P_ERR_REFUSED;
	return e;
}

/* What is to be done again with that key, or NULL. */
static struct kad_kept *
find_kept(struct p2p_kad *k, const struct p2p_record *r, bool is_record)
{
	struct kad_kept *kept;

	lock_assert_held(&k->mtx);
	TAILQ_FOREACH(kept, &k->kept, link)
		if (kept->is_record == is_record &&
		    kept->key_len == r->key_len &&
		    memcmp(kept->bytes, r->key, r->key_len) == 0)
			break;
	return kept;
}

/* It is done, for now; unless it was forgotten meanwhile. */
static void
put_off(struct p2p_kad *k, const struct p2p_record *r, bool is_record)
{
	struct kad_kept *kept;

	lock_lock(&k->mtx);
	if ((kept = find_kept(k, r, is_record)) != NULL &&
	    kept->len == r->len && (r->len == 0 ||
	    memcmp(kept->bytes + kept->key_len, r->value, r->len) == 0))
		kept->due = clock_after(clock_now(), AGAIN);
	lock_unlock(&k->mtx);
}

/*
 * Remember to do it again, soon unless it is put off; in place of what was to
 * be done with that key.
 */
static int
keep(struct p2p_kad *k, const struct p2p_record *r, bool is_record)
{
	struct kad_kept *kept, *other;

	if ((kept = malloc(sizeof(*kept) + r->key_len + r->len)) == NULL)
		return -ENOMEM;
	*kept = (struct kad_kept){ .is_record = is_record,
	    .key_len = r->key_len, .len = r->len,
	    .due = clock_after(clock_now(), KAD_RETRY) };
	memcpy(kept->bytes, r->key, r->key_len);
	if (r->len > 0)
		memcpy(kept->bytes + r->key_len, r->value, r->len);
	lock_lock(&k->mtx);
	if ((other = find_kept(k, r, is_record)) != NULL)
		TAILQ_REMOVE(&k->kept, other, link);
	TAILQ_INSERT_TAIL(&k->kept, kept, link);
	cond_broadcast(&k->changed);
	lock_unlock(&k->mtx);
	free(other);
	return 0;
}

int
p2p_kad_forget(struct p2p_kad *k, const void *key, size_t len)
{
	struct kad_kept *kept, *next;
	int e = P2P_ERR_NOT_FOUND, gone = 0;

	lock_lock(&k->mtx);
	for (kept = TAILQ_FIRST(&k->kept); kept != NULL; kept = next) {
		next = TAILQ_NEXT(kept, link);
		if (kept->key_len != len || memcmp(kept->bytes, key, len) != 0)
			continue;
		TAILQ_REMOVE(&k->kept, kept, link);
		free(kept);
		e = 0;
	}
	lock_unlock(&k->mtx);
	if (len > 0 && len <= KAD_PROVIDER_KEY_MAX)
		gone = kad_store_unprovide(&k->store, (struct rd){ key, len },
		    &k->host->id);
	return gone != 0 ? gone : e;
}

static int
put(struct kad_call *c, const struct p2p_record *r)
{
	struct kad_record sent = { .key = { r->key, r->key_len },
	    .value = { r->value, r->len } };
	struct kad_say say = { .type = KAD_PUT_VALUE, .key = sent.key,
	    .record = &sent };
	int e;

	/* That there is no room here says nothing of the others. */
	e = kad_store_put(&c->k->store, r, NULL, clock_wall_ns());
	if (e != 0 && e != P2P_ERR_LIMIT)
		return e;
	if (c->o.keep && (e = keep(c->k, r, true)) != 0)
		return e;
	if ((e = spread_nearest(c, &say)) == 0 && c->o.keep)
		put_off(c->k, r, true);
	return e;
}

int
p2p_kad_put(struct p2p_kad *k, const struct p2p_record *r,
    const struct p2p_kad_options *o, struct p2p_kad_result *result)
{
	struct kad_call c;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) == 0)
		e = put(&c, r);
	return kad_call_end(&c, e);
}

static int
provide(struct kad_call *c, struct rd key)
{
	struct p2p_record r = { key.p, key.len, NULL, 0 };
	struct kad_say say = { .type = KAD_ADD_PROVIDER, .key = key,
	    .nproviders = 1 };
	struct kad_tell self = { .peer = c->k->host->id };
	struct p2p_multiaddr **own;
	int e;

	if (key.len == 0 || key.len > KAD_PROVIDER_KEY_MAX)
		return P2P_ERR_FORMAT;
	if ((own = kad_book_own(c->k)) == NULL)
		return P2P_ERR_NO_ADDRESS;
	for (self.addrs = own; own[self.naddrs] != NULL; self.naddrs++)
		;
	say.providers = &self;
	e = kad_store_provide(&c->k->store, key, &self.peer, NULL, 0,
	    clock_wall_ns());
	if ((e == 0 || e == P2P_ERR_LIMIT) && (!c->o.keep ||
	    (e = keep(c->k, &r, false)) == 0) &&
	    (e = spread_nearest(c, &say)) == 0 && c->o.keep)
		put_off(c->k, &r, false);
	p2p_host_addresses_free(own);
	return e;
}

int
p2p_kad_provide(struct p2p_kad *k, const void *multihash, size_t len,
    const struct p2p_kad_options *o, struct p2p_kad_result *result)
{
	struct kad_call c;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) == 0)
		e = provide(&c, (struct rd){ multihash, len });
	return kad_call_end(&c, e);
}

/* Of what was forgotten meanwhile we are no provider any more. */
static int
forget_again(struct p2p_kad *k, const struct p2p_record *r)
{
	bool kept;

	lock_lock(&k->mtx);
	kept = find_kept(k, r, false) != NULL;
	lock_unlock(&k->mtx);
	return kept ? 0 : kad_store_unprovide(&k->store,
	    (struct rd){ r->key, r->key_len }, &k->host->id);
}

int
kad_again(struct p2p_kad *k, const struct kad_kept *kept)
{
	struct p2p_record r = { kept->bytes, kept->key_len,
	    kept->bytes + kept->key_len, kept->len };
	int e, gone = 0;

	e = kept->is_record ? p2p_kad_put(k, &r, NULL, NULL) :
	    p2p_kad_provide(k, r.key, r.key_len, NULL, NULL);
	if (!kept->is_record)
		gone = forget_again(k, &r);
	/* Where a better one is known, so soon nothing is going to change. */
	if (e == 0 || e == P2P_ERR_EXISTS)
		put_off(k, &r, kept->is_record);
	return e != 0 ? e : gone;
}

/* What a search for a value has seen. */
struct getting {
	struct p2p_kad		*k;
	struct rd		 key;
	struct kad_stored	*best;		/* owned, or NULL */
	unsigned		 quorum, answers;
	/* Who answered, and the hash of what; zero: nothing valid. */
	struct p2p_peer_id	 peers[KAD_ASKED_MAX];
	struct kad_key		 values[KAD_ASKED_MAX];
	size_t			 n;
};

static int
dup_best(struct getting *g, const struct p2p_record *r)
{
	struct p2p_record record;
	struct kad_stored *s;

	if ((s = kad_record_dup(r, sizeof(*s), &record)) == NULL)
		return -ENOMEM;
	*s = (struct kad_stored){ .record = record };
	free(g->best);
	g->best = s;
	return 0;
}

static bool
tell_value(const struct kad_lookup *l, const struct p2p_peer_id *from,
    const struct p2p_record *r)
{
	struct p2p_kad_event ev = { .kind = P2P_KAD_VALUE, .peer = *from,
	    .record = r };

	return kad_tell(l->o, &ev);
}

/* One valid answer; false: that is enough, or it cannot go on. */
static bool
value(struct kad_lookup *l, const struct p2p_peer_id *from,
    const struct p2p_record *r)
{
	struct getting *g = l->arg;

	if (g->best == NULL || kad_rules_compare(&g->k->rules, r,
	    &g->best->record) > 0)
		l->error = dup_best(g, r);
	g->answers++;
	l->result->found++;
	if (l->error == 0 && !tell_value(l, from, r))
		l->error = P2P_ERR_CLOSED;
	return l->error == 0 && (g->quorum == 0 || g->answers < g->quorum);
}

static bool
value_answered(struct kad_lookup *l, const struct p2p_peer_id *from,
    struct kad_msg *m)
{
	struct getting *g = l->arg;
	struct p2p_record r = { g->key.p, g->key.len, m->record.value.p,
	    m->record.value.len };
	struct kad_key hash = { { 0 } };
	bool valid;

	valid = m->has_record && kad_rules_validate(&g->k->rules, &r,
	    clock_wall_ns()) == 0 && kad_key_of(r.value, r.len, &hash) == 0;
	if (g->n < KAD_ASKED_MAX) {
		g->peers[g->n] = *from;
		g->values[g->n++] = hash;
	}
	return valid ? value(l, from, &r) : true;
}

static bool
has_best(const struct getting *g, const struct p2p_peer_id *peer,
    const struct kad_key *best)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (p2p_peer_id_equal(&g->peers[i], peer))
			return memcmp(&g->values[i], best, sizeof(*best)) == 0;
	return true;		/* it was not asked */
}

/* O-3: the nearest who had none, or a worse one, get the best. */
static void
correct(struct kad_call *c, struct getting *g, const struct kad_lookup *l)
{
	struct kad_record sent = { .key = g->key,
	    .value = { g->best->record.value, g->best->record.len } };
	struct kad_say say = { .type = KAD_PUT_VALUE, .key = g->key,
	    .record = &sent };
	uint64_t soon = clock_after(clock_now(), CORRECT);
	struct kad_call quiet = { .k = c->k, .result = &quiet.none,
	    .o = { .cancel = c->o.cancel } };
	struct spread sp = { .c = &quiet, .key = g->key };
	struct p2p_peer_id wrong[KAD_K];
	struct kad_key best;
	size_t i, n = 0;

	if (kad_key_of(sent.value.p, sent.value.len, &best) != 0)
		return;
	for (i = 0; i < l->nclosest; i++)
		if (!has_best(g, &l->closest[i], &best))
			wrong[n++] = l->closest[i];
	if (n > 0)
		(void)spread(&sp, &say, wrong, n,
		    soon < c->deadline ? soon : c->deadline);
}

/* The answer that we have ourselves; false: that is enough. */
static bool
own_value(struct kad_lookup *l)
{
	struct getting *g = l->arg;
	struct kad_stored *own;
	bool more;

	if (kad_store_get(&g->k->store, g->key.p, g->key.len,
	    clock_wall_ns(), &own) != 0)
		return true;
	more = value(l, &g->k->host->id, &own->record);
	free(own);
	return more;
}

static int
get(struct kad_call *c, struct getting *g, struct p2p_record **out)
{
	struct kad_lookup l = { .k = c->k, .target = g->key, .o = &c->o,
	    .say = { .type = KAD_GET_VALUE, .key = g->key },
	    .follow_up = true, .deadline = c->deadline,
	    .result = c->result, .answered = value_answered, .arg = g };
	int e;

	if ((e = kad_rules_check_key(&c->k->rules, g->key)) != 0)
		return e;
	e = own_value(&l) ? kad_lookup_run(&l) : l.error;
	if (g->best == NULL)
		return e != 0 ? e : P2P_ERR_NOT_FOUND;
	if (e != 0 && e != P2P_ERR_NOT_FOUND && e != P2P_ERR_TIMEOUT)
		return e;
	correct(c, g, &l);
	*out = &g->best->record;
	return 0;
}

/* The record alone, as the caller shall have it. */
static int
hand_out(const struct p2p_record *r, struct p2p_record **out)
{
	struct p2p_record record, *new;

	if ((new = kad_record_dup(r, sizeof(*new), &record)) == NULL)
		return -ENOMEM;
	*new = record;
	*out = new;
	return 0;
}

int
p2p_kad_get(struct p2p_kad *k, const void *key, size_t len,
    const struct p2p_kad_options *o, struct p2p_record **out,
    struct p2p_kad_result *result)
{
	struct p2p_record *best;
	struct getting *g;
	struct kad_call c;
	int e;

	if ((e = kad_call_begin(&c, k, o, result)) != 0)
		return kad_call_end(&c, e);
	if ((g = calloc(1, sizeof(*g))) == NULL)
		return kad_call_end(&c, -ENOMEM);
	g->k = k;
	g->key = (struct rd){ key, len };
	g->quorum = c.o.quorum;
	if ((e = get(&c, g, &best)) == 0)
		e = hand_out(best, out);
	free(g->best);
	free(g);
	return kad_call_end(&c, e);
}
