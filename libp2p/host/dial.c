/*
 * A dial group: the caller starts a thread for each address, a quarter of a
 * second apart, or at once when the one before has failed, and waits.  The
 * first connection wins; the group's wake descriptor ends the other attempts,
 * which all wait in poll(2) with it, and the caller joins them.
 *
 * A group is in the table from before the names of its addresses are resolved
 * until it has an outcome.  Other callers that want the same peer find it
 * there, under one lock with the live connections, and wait instead of dialing
 * too, each with its own deadline: however many ask at once, one connection is
 * made.
 */
#include "host/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/peerstore.h"
#include "host/report.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/resolve.h"

#define STAGGER		(250 * CLOCK_MS)
#define PARALLEL	8
#define CONNECT_MAX	(5 * CLOCK_S)	/* of one TCP connect */
#define ADDRS_MAX	REPORT_MAX

_Static_assert(ADDRS_MAX == sizeof(((struct dial_target *)0)->addrs) /
    sizeof(struct p2p_multiaddr *), "every address has its attempt");

struct attempt {
	struct dial_group	*group;
	const struct p2p_multiaddr *ma;
	struct thread		 thread;
	enum p2p_stage		 stage;
	int			 error;
	uint64_t		 begun, time_us;
	struct p2p_peer_id	 actual;
	bool			 done;		/* under group->mtx */
};

/*
 *	I	after dial() began	g	holder of mtx
 *	w	holder of host->swarm
 */
struct dial_group {
	TAILQ_ENTRY(dial_group) link;	/* [w] host->dials */
	struct p2p_host	*host;		/* [I] */
	struct dial_target *target;	/* [I] the caller's */
	const struct dial_options *o;	/* [I] the caller's */
	struct wake	 cancel;	/* [I] set: give up */
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 changed;	/* mtx: an attempt is done */
	struct attempt	 attempts[ADDRS_MAX];
	size_t		 started;	/* the caller's */
	size_t		 done;		/* [g] */
	struct conn	*winner;	/* [g] counted */
};

static int
connect_raw(struct attempt *a, struct raw *raw)
{
	struct dial_group *g = a->group;
	const struct host_transport *t;
	uint64_t deadline = clock_after(clock_now(), CONNECT_MAX);

	a->stage = P2P_STAGE_CONNECT;
	if ((t = host_transport_for(g->host, a->ma)) == NULL)
		return P2P_ERR_UNSUPPORTED;
	return t->ops->dial(t->context, a->ma, g->cancel.fd,
	    deadline < g->o->deadline ? deadline : g->o->deadline, raw);
}

static int
attempt_conn(struct attempt *a, struct conn **out)
{
	struct dial_group *g = a->group;
	const struct p2p_peer_id *expected = g->target->any_peer ? NULL :
	    &g->target->peer;
	struct raw raw = { .fd = -1 };
	struct upgraded up = { 0 };
	struct conn_params cp = { .host = g->host, .raw = &raw, .up = &up,
	    .outbound = true, .keep = g->o->keep };
	int e;

	if ((e = connect_raw(a, &raw)) != 0)
		return e;
	e = upgrade(&g->host->upgrader, &raw, true, expected, g->cancel.fd,
	    g->o->deadline, &a->stage, &up);
	a->actual = up.peer;
	if (e == 0 && p2p_peer_id_equal(&up.peer, &g->host->id))
		e = P2P_ERR_SELF;
	cp.time_us = (clock_now() - a->begun) / CLOCK_US;
	if (e == 0)
		e = conn_start(&cp, out);
	if (up.codec != NULL && e != 0)
		up.sec->codec_free(up.codec);
	free(up.early);
	raw_close(&raw);
	return e;
}

static void
attempt_run(void *arg)
{
	struct attempt *a = arg;
	struct dial_group *g = a->group;
	struct conn *c = NULL;

	a->error = attempt_conn(a, &c);
	a->time_us = (clock_now() - a->begun) / CLOCK_US;
	limit_give(&g->host->limits[LIMIT_DIALS], 1);
	lock_lock(&g->mtx);
	if (c != NULL && g->winner == NULL) {
		g->winner = c;
		c = NULL;
	} else if (c != NULL) {
		a->error = P2P_ERR_CLOSED;	/* another one was faster */
	}
	a->done = true;
	g->done++;
	cond_broadcast(&g->changed);
	lock_unlock(&g->mtx);
	if (c != NULL) {
		house_dismiss(c);
		conn_unref(c);
	}
}

static void
start_attempt(struct dial_group *g)
{
	struct attempt *a = &g->attempts[g->started];
	int e;

	a->group = g;
	a->ma = g->target->addrs[g->started++];
	a->stage = P2P_STAGE_CONNECT;
	a->begun = clock_now();
	if ((e = g->target->errors[g->started - 1]) != 0)
		a->stage = P2P_STAGE_RESOLVE;	/* a name without addresses */
	else if ((e = limit_take(&g->host->limits[LIMIT_DIALS], 1)) == 0 &&
	    (e = thread_start(&a->thread, "p2p-dial", THREAD_STACK,
	    attempt_run, a)) != 0)
		limit_give(&g->host->limits[LIMIT_DIALS], 1);
	if (e == 0)
		return;
	a->error = e;
	lock_lock(&g->mtx);
	a->done = true;
	g->done++;
	lock_unlock(&g->mtx);
}

static bool
has_given_up(const struct dial_group *g)
{
	return g->o->given_up != NULL && atomic_load(g->o->given_up);
}

/* Wait for a winner, the end of all, or the time to start one more. */
static bool
wait_step(struct dial_group *g)
{
	bool more = g->started < g->target->n;
	size_t done;
	uint64_t until = g->o->deadline;
	bool decided;

	if (more && clock_after(clock_now(), STAGGER) < until)
		until = clock_after(clock_now(), STAGGER);
	lock_lock(&g->mtx);
	done = g->done;
	while (g->winner == NULL && g->done < g->started &&
	    !(more && g->done > done) && !has_given_up(g))
		if (!cond_wait(&g->changed, &g->mtx, until))
			break;
	decided = g->winner != NULL || clock_now() >= g->o->deadline ||
	    (g->done == g->started && !more) ||
	    atomic_load(&g->host->stopped) || has_given_up(g);
	lock_unlock(&g->mtx);
	return decided;
}

static unsigned
running(struct dial_group *g)
{
	unsigned n;

	lock_lock(&g->mtx);
	n = (unsigned)(g->started - g->done);
	lock_unlock(&g->mtx);
	return n;
}

static void
run_group(struct dial_group *g)
{
	bool decided = false, late;
	size_t i;

	while (!decided) {
		if (g->started < g->target->n && running(g) < PARALLEL)
			start_attempt(g);
		decided = wait_step(g);
	}
	late = clock_now() >= g->o->deadline;
	wake_set(&g->cancel);
	for (i = 0; i < g->started; i++)
		thread_join(&g->attempts[i].thread);
	for (i = 0; late && g->winner == NULL && i < g->started; i++)
		if (g->attempts[i].error == P2P_ERR_CLOSED)
			g->attempts[i].error = P2P_ERR_TIMEOUT;
}

static int
outcome(const struct dial_group *g)
{
	size_t i;

	if (atomic_load(&g->host->stopped))
		return P2P_ERR_STOPPED;
	if (has_given_up(g))
		return P2P_ERR_CLOSED;
	if (g->started == 1 && g->attempts[0].error != P2P_ERR_CLOSED)
		return g->attempts[0].error;
	for (i = 0; i < g->started; i++)
		if (g->attempts[i].error == P2P_ERR_WRONG_PEER ||
		    g->attempts[i].error == P2P_ERR_SELF)
			return g->attempts[i].error;
	return clock_now() >= g->o->deadline ? P2P_ERR_TIMEOUT :
	    P2P_ERR_UNREACHABLE;
}

static int
make_report(const struct dial_group *g, struct p2p_report **out)
{
	const struct attempt *a;
	struct p2p_report *r;
	size_t i;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -ENOMEM;
	r->any = g->target->any_peer;
	r->expected = g->target->peer;
	for (i = 0; i < g->started; i++) {
		a = &g->attempts[i];
		r->attempts[i].stage = a->stage;
		r->attempts[i].error = a->error;
		r->attempts[i].time_us = a->time_us;
		r->attempts[i].actual = a->actual;
		r->attempts[i].address = strdup(p2p_multiaddr_text(a->ma));
		r->n++;
		if (r->attempts[i].address == NULL) {
			p2p_report_free(r);
			return -ENOMEM;
		}
	}
	*out = r;
	return 0;
}

/* The group that dials this peer; the swarm's lock is held. */
static struct dial_group *
find_group(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	struct dial_group *g;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(g, &h->dials, link)
		if (!g->target->any_peer &&
		    p2p_peer_id_equal(&g->target->peer, peer))
			break;
	return g;
}

/*
 * A live connection into *out, or a place in the table for g: one look, under
 * one lock.  Waits while others dial the same peer.  fresh: never look.
 */
static int
enter(struct dial_group *g, struct conn **out)
{
	struct p2p_host *h = g->host;
	const struct p2p_peer_id *peer = g->target->any_peer || g->o->fresh ?
	    NULL : &g->target->peer;
	int e = 0;

	*out = NULL;
	lock_lock(&h->swarm);
	while (peer != NULL && (*out = swarm_find_locked(h, peer)) == NULL &&
	    !atomic_load(&h->stopped) && !has_given_up(g) &&
	    find_group(h, peer) != NULL)
		if (!cond_wait(&h->swarm_changed, &h->swarm, g->o->deadline)) {
			e = P2P_ERR_TIMEOUT;
			break;
		}
	if (has_given_up(g))
		e = P2P_ERR_CLOSED;
	if (atomic_load(&h->stopped))
		e = P2P_ERR_STOPPED;
	if (e == 0 && *out != NULL) {
		(*out)->keep = (*out)->keep || g->o->keep;
		conn_ref(*out);
	} else if (e == 0) {
		TAILQ_INSERT_TAIL(&h->dials, g, link);
	} else {
		*out = NULL;
	}
	lock_unlock(&h->swarm);
	return e;
}

static void
leave(struct dial_group *g)
{
	struct p2p_host *h = g->host;

	lock_lock(&h->swarm);
	TAILQ_REMOVE(&h->dials, g, link);
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

static int
group_new(struct p2p_host *h, struct dial_target *target,
    const struct dial_options *o, struct dial_group **out)
{
	struct dial_group *g;
	int e;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return -ENOMEM;
	if ((e = wake_init(&g->cancel)) != 0) {
		free(g);
		return e;
	}
	lock_init(&g->mtx, LOCK_LEAF);
	cond_init(&g->changed);
	g->host = h;
	g->target = target;
	g->o = o;
	*out = g;
	return 0;
}

static void
group_free(struct dial_group *g)
{
	cond_destroy(&g->changed);
	lock_destroy(&g->mtx);
	wake_fini(&g->cancel);
	free(g);
}

void
dial_stop(struct p2p_host *h)
{
	struct dial_group *g;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(g, &h->dials, link)
		wake_set(&g->cancel);
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

/* A group that still resolves looks later, and does not dial then. */
void
dial_poke(struct p2p_host *h)
{
	struct dial_group *g;

	lock_lock(&h->swarm);
	TAILQ_FOREACH(g, &h->dials, link) {
		lock_lock(&g->mtx);
		cond_broadcast(&g->changed);
		lock_unlock(&g->mtx);
	}
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

bool
dial_wait(struct p2p_host *h, uint64_t deadline)
{
	bool none;

	lock_lock(&h->swarm);
	while (!TAILQ_EMPTY(&h->dials) &&
	    cond_wait(&h->swarm_changed, &h->swarm, deadline))
		;
	none = TAILQ_EMPTY(&h->dials);
	lock_unlock(&h->swarm);
	return none;
}

static void
target_clear(struct dial_target *t)
{
	while (t->n > 0)
		p2p_multiaddr_free(t->addrs[--t->n]);
}

/* One more address to try, or one that cannot be tried and why.  Takes ma. */
static void
add(struct dial_target *t, struct p2p_multiaddr *ma, int error)
{
	if (t->n == ADDRS_MAX) {
		p2p_multiaddr_free(ma);
		return;
	}
	t->errors[t->n] = error;
	t->addrs[t->n++] = ma;
}

/* The same, resolved first if it is a name. */
static void
add_address(struct p2p_host *h, struct dial_target *t,
    struct p2p_multiaddr *ma, uint64_t deadline)
{
	struct p2p_multiaddr *found[RESOLVE_MAX];
	size_t i, n;
	int e;

	if (!resolve_needed(ma)) {
		add(t, ma, 0);
		return;
	}
	if ((e = resolve(h->resolver, ma, deadline, found, &n)) != 0) {
		add(t, ma, e);
		return;
	}
	p2p_multiaddr_free(ma);
	for (i = 0; i < n; i++)
		add(t, found[i], 0);
}

/*
 * A name may stand for many peers (dnsaddr): resolved with the one that is
 * meant.  Takes ma.
 */
static struct p2p_multiaddr *
named(struct p2p_multiaddr *ma, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr *with;

	if (!resolve_needed(ma) || p2p_multiaddr_with_peer(ma, peer, &with) !=
	    0)
		return ma;
	p2p_multiaddr_free(ma);
	return with;
}

/* The addresses that the peer store knows and that are not backed off from. */
static int
from_store(struct p2p_host *h, struct dial_target *t, uint64_t deadline)
{
	struct p2p_multiaddr **known;
	size_t i;
	int e;

	e = peerstore_dialable(h->peerstore, &t->peer, clock_now(), &known);
	if (e != 0)
		return e == P2P_ERR_NOT_FOUND ? P2P_ERR_NO_ADDRESS : e;
	for (i = 0; known[i] != NULL; i++)
		add_address(h, t, named(known[i], &t->peer), deadline);
	free(known);
	return 0;
}

/* Whether an attempt says something of its address, and not of us. */
static bool
is_telling(int error)
{
	switch (error) {
	case P2P_ERR_CLOSED:		/* cancelled */
	case P2P_ERR_STOPPED:
	case P2P_ERR_LIMIT:
	case -EAGAIN:
	case -EMFILE:
	case -ENFILE:
	case -ENOBUFS:
	case -ENOMEM:
		return false;
	default:
		return true;
	}
}

/* What became of the addresses that the peer store gave. */
static void
to_store(const struct dial_group *g)
{
	struct p2p_host *h = g->host;
	size_t i;

	for (i = 0; i < g->started; i++)
		if (is_telling(g->attempts[i].error))
			peerstore_dialed(h->peerstore, &g->target->peer,
			    g->attempts[i].ma, g->attempts[i].error == 0,
			    clock_now());
}

/* What the caller's text means; *ma is NULL for a bare peer id. */
static int
parse_target(const char *text, bool any_peer, struct dial_target *t,
    struct p2p_multiaddr **ma)
{
	int e;

	*ma = NULL;
	if (text[0] != '/')
		return p2p_peer_id_parse(text, &t->peer);
	if ((e = p2p_multiaddr_parse(text, ma)) != 0)
		return e;
	if (p2p_multiaddr_peer(*ma, &t->peer) == 0)
		return 0;
	if (any_peer) {
		t->any_peer = true;
		return 0;
	}
	p2p_multiaddr_free(*ma);
	*ma = NULL;
	return P2P_ERR_NO_PEER;
}

/* The group is in the table: addresses, attempts, an outcome. */
static int
dial(struct dial_group *g, struct p2p_multiaddr *ma, struct conn **out,
    struct p2p_report **report)
{
	struct p2p_host *h = g->host;
	int e;

	if (ma != NULL)
		add_address(h, g->target, ma, g->o->deadline);
	else if ((e = from_store(h, g->target, g->o->deadline)) != 0)
		return e;
	run_group(g);
	if (!g->target->any_peer)
		to_store(g);
	if (report != NULL && make_report(g, report) != 0)
		*report = NULL;
	*out = g->winner;
	return g->winner != NULL ? 0 : outcome(g);
}

int
dial_target_conn(struct p2p_host *h, const char *text,
    const struct dial_options *o, struct conn **out,
    struct p2p_report **report)
{
	struct dial_target t = { .n = 0 };
	struct p2p_multiaddr *ma;
	struct dial_group *g;
	int e;

	if ((e = parse_target(text, o->any_peer, &t, &ma)) != 0)
		return e;
	if (!t.any_peer && p2p_peer_id_equal(&t.peer, &h->id))
		e = P2P_ERR_SELF;
	else
		e = group_new(h, &t, o, &g);
	if (e != 0) {
		p2p_multiaddr_free(ma);
		return e;
	}
	if ((e = enter(g, out)) == 0 && *out == NULL) {
		e = dial(g, ma, out, report);
		ma = NULL;
		leave(g);
	}
	group_free(g);
	p2p_multiaddr_free(ma);
	target_clear(&t);
	return e;
}
