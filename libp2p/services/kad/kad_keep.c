/*
 * The housekeeper of a DHT: it probes candidates and those that were silent for
 * long, refreshes the table, puts and provides again what is kept, looks
 * whether we can be reached, forgets what has expired and saves the table.
 *
 * It asks the network as any caller would, one look-up at a time; only probes
 * run beside it, in threads of the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/rand.h"
#include "host/conn.h"
#include "host/pool.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad.h"
#include "services/kad/kad_addr.h"

/* ln(1/k)/ln(1-alpha/k) intervals of ten minutes: T-4, with k 20, alpha 10. */
#define STALE_AFTER	(43 * 60 * CLOCK_S)
#define FEW		10		/* peers: T-8 */
#define MEND_EVERY	(120 * CLOCK_S)
#define SAVE_EVERY	(30 * CLOCK_S)
#define EXPIRE_EVERY	(3600 * CLOCK_S)
#define IDLE_STREAM	(8 * CLOCK_S)
#define ROUND		(2 * CLOCK_S)
#define SETTLED		(180 * CLOCK_S)	/* the beginning is over: T-1 */
#define REFRESH_MS	60000

struct keeper {
	struct p2p_kad	*k;
	uint64_t	 now, begun;
	uint64_t	 refreshed, mended, saved, expired;
	bool		 settled;
};

struct probe {
	struct p2p_kad		*k;	/* counted */
	struct p2p_peer_id	 peer;
};

/*
 * C-7: a server answers where it is itself.  One that does not is no member,
 * and is one no longer.
 */
static void
probe(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	uint8_t buf[KAD_MSG_SEND_MAX];
	struct kad_say say = { .type = KAD_FIND_NODE,
	    .key = { peer->bytes, peer->len } };
	struct kad_request r = { .type = say.type, .key = say.key };
	struct kad_msg answer;
	struct wr w;
	int e;

	wr_init(&w, buf, sizeof(buf));
	if ((e = kad_msg_put(&say, &w)) != 0)
		return;
	r.frame = (struct rd){ buf, w.len };
	e = kad_ask(k, peer, &r, clock_after(clock_now(), KAD_ASK_TIMEOUT),
	    &k->closed, &answer);
	if (e == 0) {
		kad_book_answered(k, peer, answer.ncloser);
		kad_msg_clear(&answer);
	} else {
		kad_book_failed(k, peer, e);
	}
}

static void
run_probe(void *arg)
{
	struct probe *p = arg;

	host_enter(p->k->host);
	if (!atomic_load(&p->k->closed))
		probe(p->k, &p->peer);
	lock_lock(&p->k->mtx);
	p->k->probing--;
	p->k->stats.probed++;
	cond_broadcast(&p->k->changed);
	lock_unlock(&p->k->mtx);
	host_enter(NULL);
	kad_unref(p->k);
	free(p);
}

/* False: not now; k->probing has counted it already. */
static bool
start_probe(struct p2p_kad *k, const struct p2p_peer_id *peer)
{
	struct pool_job job = { .fn = run_probe, .what = "dht" };
	struct probe *p;

	if ((p = malloc(sizeof(*p))) != NULL) {
		*p = (struct probe){ k, *peer };
		kad_ref(k);
		job.arg = p;
		if (pool_submit(k->host->pool, &job) == 0)
			return true;
		kad_unref(k);
		free(p);
	}
	lock_lock(&k->mtx);
	k->probing--;
	lock_unlock(&k->mtx);
	return false;
}

/* The oldest candidate, if one more may be probed. */
static struct kad_candidate *
take_candidate(struct p2p_kad *k)
{
	struct kad_candidate *c = NULL;

	lock_lock(&k->mtx);
	if (k->probing < KAD_PROBES_MAX &&
	    (c = TAILQ_FIRST(&k->candidates)) != NULL) {
		TAILQ_REMOVE(&k->candidates, c, link);
		k->ncandidates--;
		k->probing++;
	}
	lock_unlock(&k->mtx);
	return c;
}

static void
probe_candidates(struct p2p_kad *k)
{
	struct kad_candidate *c;
	bool more = true;

	while (more && (c = take_candidate(k)) != NULL) {
		more = start_probe(k, &c->peer);
		free(c);
	}
}

static void
probe_stale(struct keeper *kp)
{
	struct p2p_peer_id list[KAD_PROBES_MAX];
	struct p2p_kad *k = kp->k;
	size_t i, n = 0;

	lock_lock(&k->mtx);
	if (kp->now > STALE_AFTER && k->probing < KAD_PROBES_MAX)
		n = kad_table_stale(k->table, kp->now - STALE_AFTER, list,
		    KAD_PROBES_MAX - k->probing);
	k->probing += (unsigned)n;
	lock_unlock(&k->mtx);
	for (i = 0; i < n; i++)
		(void)start_probe(k, &list[i]);
}

/* All connected peers are candidates once more. */
static void
reconsider(struct p2p_kad *k)
{
	struct p2p_connection *list;
	size_t i, n;

	if (p2p_host_connections(k->host, &list, &n) != 0)
		return;
	for (i = 0; i < n; i++)
		kad_book_learned(k, &list[i].peer);
	p2p_host_connections_free(list, n);
}

static size_t
size_of_table(struct p2p_kad *k)
{
	size_t n;

	lock_lock(&k->mtx);
	n = kad_table_size(k->table);
	lock_unlock(&k->mtx);
	return n;
}

/* T-8: few peers; with none the ones to begin with are asked again. */
static void
mend(struct keeper *kp)
{
	const struct p2p_kad_options o = { .timeout_ms = REFRESH_MS };
	const char **targets = NULL;
	struct p2p_kad *k = kp->k;
	size_t i, n = 0;

	if (size_of_table(k) > FEW)
		return;
	kp->mended = kp->now;
	reconsider(k);
	if (size_of_table(k) > 0)
		return;
	kad_book_load(k);
	lock_lock(&k->mtx);
	if (k->ntargets > 0 && (targets = calloc(k->ntargets,
	    sizeof(*targets))) != NULL)
		for (; n < k->ntargets; n++)
			if ((targets[n] = strdup(k->targets[n])) == NULL)
				break;
	lock_unlock(&k->mtx);
	if (n > 0)
		(void)p2p_kad_bootstrap(k, targets, n, &o, NULL);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)targets[i]);
	free(targets);
}

static void
refresh(struct keeper *kp)
{
	const struct p2p_kad_options o = { .timeout_ms = REFRESH_MS };
	struct kad_call c;
	int e;

	kp->refreshed = kp->now;
	if (size_of_table(kp->k) == 0)
		return;
	if ((e = kad_call_begin(&c, kp->k, &o, NULL)) == 0 &&
	    (e = kad_refresh(&c, KAD_REFRESH_EVERY)) != 0 &&
	    e != P2P_ERR_CLOSED)
		log_line(&kp->k->host->log, P2P_LOG_INFO, "kad",
		    "the refresh of the table failed: %s", p2p_strerror(e));
	probe_stale(kp);
}

/* The next that is due, copied; its time is moved on. */
static struct kad_kept *
next_kept(struct keeper *kp)
{
	struct kad_kept *kept, *copy = NULL;
	struct p2p_kad *k = kp->k;

	lock_lock(&k->mtx);
	TAILQ_FOREACH(kept, &k->kept, link)
		if (kept->due <= kp->now)
			break;
	if (kept != NULL && (copy = malloc(sizeof(*copy) + kept->key_len +
	    kept->len)) != NULL) {
		kept->due = clock_after(kp->now, KAD_RETRY);
		memcpy(copy, kept, sizeof(*copy) + kept->key_len + kept->len);
	}
	lock_unlock(&k->mtx);
	return copy;
}

static void
do_again(struct keeper *kp)
{
	struct kad_kept *kept;
	int e;

	while (!atomic_load(&kp->k->closed) &&
	    (kept = next_kept(kp)) != NULL) {
		if ((e = kad_again(kp->k, kept)) != 0 && e != P2P_ERR_CLOSED)
			log_line(&kp->k->host->log, P2P_LOG_WARN, "kad",
			    "%s again failed: %s", kept->is_record ? "put" :
			    "provide", p2p_strerror(e));
		free(kept);
	}
}

/* Somebody from where it counts has come in by itself. */
static bool
was_reached(struct p2p_kad *k)
{
	struct p2p_connection *list;
	bool reached = false;
	size_t i, n;

	if (p2p_host_connections(k->host, &list, &n) != 0)
		return false;
	for (i = 0; i < n && !reached; i++)
		reached = !list[i].outbound &&
		    kad_addr_counts(list[i].remote, k->reach);
	p2p_host_connections_free(list, n);
	return reached;
}

/* The automatic mode: a server from when somebody could come. */
static void
choose_mode(struct p2p_kad *k)
{
	struct p2p_multiaddr **own;
	bool waits;

	lock_lock(&k->mtx);
	waits = k->is_auto && !k->is_server;
	lock_unlock(&k->mtx);
	if (!waits || (own = kad_book_own(k)) == NULL)
		return;
	p2p_host_addresses_free(own);
	if (was_reached(k) && kad_serve_now(k) == 0 &&
	    p2p_kad_mode(k) == P2P_KAD_SERVER)
		log_line(&k->host->log, P2P_LOG_INFO, "kad",
		    "%s: serving from now on", k->protocol);
}

static void
settle(struct keeper *kp)
{
	if (kp->settled || kp->now - kp->begun < SETTLED)
		return;
	kp->settled = true;
	lock_lock(&kp->k->mtx);
	kp->k->settled = true;
	kad_table_settle(kp->k->table);
	lock_unlock(&kp->k->mtx);
}

/* False: the end has come.  *refresh: the table is to be refreshed at once. */
static bool
wait_for_work(struct p2p_kad *k, uint64_t until, bool *refresh)
{
	lock_lock(&k->mtx);
	while (!atomic_load(&k->closed) && (TAILQ_EMPTY(&k->candidates) ||
	    k->probing >= KAD_PROBES_MAX) && !k->refresh_now)
		if (!cond_wait(&k->changed, &k->mtx, until))
			break;
	*refresh = k->refresh_now;
	k->refresh_now = false;
	lock_unlock(&k->mtx);
	return !atomic_load(&k->closed);
}

static void
round_of(struct keeper *kp)
{
	choose_mode(kp->k);
	kad_ask_close_idle(kp->k, IDLE_STREAM);
	settle(kp);
	if (kp->now - kp->mended >= MEND_EVERY)
		mend(kp);
	if (kp->now - kp->refreshed >= KAD_REFRESH_EVERY)
		refresh(kp);
	do_again(kp);
	if (kp->now - kp->saved >= SAVE_EVERY) {
		kp->saved = kp->now;
		kad_book_save(kp->k);
	}
	if (kp->now - kp->expired >= EXPIRE_EVERY) {
		kp->expired = kp->now;
		(void)p2p_store_expire(kp->k->store.store);
	}
}

void
kad_keep_run(void *arg)
{
	struct p2p_kad *k = arg;
	struct keeper kp = { .k = k, .begun = clock_now() };
	uint64_t due;
	bool now;

	host_enter(k->host);
	kp.refreshed = kp.mended = kp.saved = kp.expired = kp.begun;
	due = clock_after(kp.begun, ROUND);
	kad_book_load(k);
	reconsider(k);
	while (wait_for_work(k, due, &now)) {
		probe_candidates(k);
		kp.now = clock_now();
		if (now)
			refresh(&kp);
		if (kp.now < due)
			continue;
		round_of(&kp);
		due = clock_after(clock_now(), ROUND);
	}
	kad_book_save(k);
	host_enter(NULL);
}
