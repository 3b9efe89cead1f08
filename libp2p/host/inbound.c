/*
 * Inbound connections from accept(2) to the table.
 *
 * The accept thread admits: limits, and the gate's counts, rates and penalties
 * of sources.  An upgrade has a thread of its own, short-lived and counted,
 * which housekeeping or stop joins; only what comes out of it is a conn.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/rand.h"
#include "host/conn.h"
#include "host/inbound.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

/*
 *	I	after it was made	w	holder of host->swarm
 */
struct upgrading {
	TAILQ_ENTRY(upgrading) link;	/* [w] */
	struct p2p_host	*host;		/* [I] */
	struct raw	 raw;		/* the thread's */
	struct gate_pass pass;		/* the thread's */
	struct thread	 thread;	/* [w] */
	bool		 started;	/* [w] thread may be joined */
	bool		 done;		/* [w] */
};

/* Who fails to become anybody is remembered for a while. */
static void
punish(struct upgrading *u, int error)
{
	enum gate_offence offence;

	switch (error) {
	case P2P_ERR_TIMEOUT:
		offence = GATE_DEADLINE;
		break;
	case P2P_ERR_PROTOCOL:
	case P2P_ERR_SECURITY:
	case P2P_ERR_TOO_LARGE:
		offence = GATE_HANDSHAKE;
		break;
	case P2P_ERR_DISCONNECTED:
	case -ECONNRESET:
	case -EPIPE:
		offence = GATE_LEFT;
		break;
	default:
		return;			/* no fault of its own */
	}
	gate_punish(u->host->gate, &u->pass, offence, clock_now());
}

static int
upgrade_one(struct upgrading *u)
{
	struct p2p_host *h = u->host;
	struct conn_params cp = { .host = h, .raw = &u->raw,
	    .pass = &u->pass };
	struct upgraded up;
	enum p2p_stage stage;
	struct conn *c;
	int e;

	e = upgrade(&h->upgrader, &u->raw, false, NULL, h->stopping.fd,
	    clock_after(clock_now(), HOST_UPGRADE_TIMEOUT), &stage, &up);
	if (e != 0) {
		punish(u, e);
		return e;
	}
	cp.up = &up;
	if ((e = conn_start(&cp, &c)) == 0)
		conn_unref(c);
	else if (up.codec != NULL)
		up.sec->codec_free(up.codec);
	free(up.early);
	return e;
}

static void
upgrade_run(void *arg)
{
	struct upgrading *u = arg;
	struct p2p_host *h = u->host;
	int e;

	if ((e = upgrade_one(u)) != 0)
		log_line(&h->log, P2P_LOG_INFO, "swarm", "inbound from %s: %s",
		    u->raw.remote != NULL ? p2p_multiaddr_text(u->raw.remote) :
		    "?", p2p_strerror(e));
	raw_close(&u->raw);
	gate_leave(h->gate, &u->pass);
	limit_give(&h->limits[LIMIT_UPGRADES], 1);
	lock_lock(&h->swarm);
	u->done = true;
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
}

/*
 * From three quarters of the places on, some are refused at random, more the
 * fewer there are: who fills them all cannot keep everybody else out (OpenSSH's
 * MaxStartups).  Sources that are not counted are not refused so either.
 */
static bool
unlucky(struct p2p_host *h, const struct gate_pass *pass)
{
	struct limit *l = &h->limits[LIMIT_UPGRADES];
	uint64_t used = atomic_load(&l->used), from = l->max - l->max / 4;
	uint8_t dice;

	if (!gate_counts(pass) || used <= from ||
	    rand_bytes(&dice, sizeof(dice)) != 0)
		return false;
	if (dice * (l->max - from + 1) >= (used - from) * 256)
		return false;
	atomic_fetch_add(&l->refused, 1);
	return true;
}

/* Into the table with its thread. */
static int
start(struct upgrading *u)
{
	struct p2p_host *h = u->host;
	int e = 0;

	lock_lock(&h->swarm);
	if (atomic_load(&h->stopped))
		e = P2P_ERR_STOPPED;
	else
		TAILQ_INSERT_TAIL(&h->upgrades, u, link);
	lock_unlock(&h->swarm);
	if (e != 0)
		return e;
	e = thread_start(&u->thread, "p2p-upgrade", THREAD_STACK, upgrade_run,
	    u);
	lock_lock(&h->swarm);
	u->started = e == 0;
	if (e != 0)
		TAILQ_REMOVE(&h->upgrades, u, link);
	cond_broadcast(&h->swarm_changed);
	lock_unlock(&h->swarm);
	return e;
}

/* On success raw and pass are the upgrade's; its place is taken. */
static int
begin(struct p2p_host *h, struct raw *raw, const struct gate_pass *pass)
{
	struct limit *in = &h->limits[LIMIT_CONNECTIONS_IN];
	struct upgrading *u;
	int e;

	/* A look ahead, so that no handshake is wasted on a full house. */
	if ((e = limit_take(in, 1)) != 0)
		return e;
	limit_give(in, 1);
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return -ENOMEM;
	u->host = h;
	u->raw = *raw;
	u->pass = *pass;
	if ((e = start(u)) != 0)
		free(u);
	return e;
}

void
inbound_accept(struct p2p_host *h, struct raw *raw)
{
	struct limit *places = &h->limits[LIMIT_UPGRADES];
	struct gate_pass pass;
	int e;

	if ((e = gate_enter(h->gate, raw->remote, clock_now(), &pass)) == 0) {
		if (unlucky(h, &pass))
			e = P2P_ERR_LIMIT;
		else if ((e = limit_take(places, 1)) == 0 &&
		    (e = begin(h, raw, &pass)) != 0)
			limit_give(places, 1);
		if (e == 0)
			return;
		gate_leave(h->gate, &pass);
	}
	log_line(&h->log, P2P_LOG_INFO, "swarm", "inbound refused: %s",
	    p2p_strerror(e));
	raw_close(raw);
}

bool
inbound_busy(struct p2p_host *h)
{
	struct upgrading *u;

	lock_assert_held(&h->swarm);
	TAILQ_FOREACH(u, &h->upgrades, link)
		if (!u->done)
			break;
	return u != NULL;
}

void
inbound_reap(struct p2p_host *h)
{
	TAILQ_HEAD(, upgrading) over = TAILQ_HEAD_INITIALIZER(over);
	struct upgrading *u, *next;

	lock_lock(&h->swarm);
	for (u = TAILQ_FIRST(&h->upgrades); u != NULL; u = next) {
		next = TAILQ_NEXT(u, link);
		if (!u->done || !u->started)
			continue;
		TAILQ_REMOVE(&h->upgrades, u, link);
		TAILQ_INSERT_TAIL(&over, u, link);
	}
	lock_unlock(&h->swarm);
	while ((u = TAILQ_FIRST(&over)) != NULL) {
		TAILQ_REMOVE(&over, u, link);
		thread_join(&u->thread);
		free(u);
	}
}
