/*
 * A box is where the answers to one request come in.  Its caller asks and
 * waits; each request runs in a thread of the host's pool.  When the caller
 * leaves, the requests under way give up what can be given up, and end by
 * themselves: the last one frees the box.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/conn.h"
#include "host/dial.h"
#include "host/pool.h"
#include "p2p/error.h"
#include "services/kad/kad.h"

/*
 *	I	after kad_box_new()	b	holder of mtx
 *	k	holder of k->mtx	a	atomic
 */
struct kad_box {
	TAILQ_ENTRY(kad_box)	 link;		/* [k] k->boxes */
	struct p2p_kad		*k;		/* [I] counted */
	struct p2p_kad_cancel	*cancel;	/* [I] or NULL; its caller's */
	struct kad_request	 request;	/* [I] views of bytes */
	uint64_t		 deadline;	/* [I] */
	atomic_bool		 given_up;	/* [a] */
	atomic_uint		 refs;		/* [a] its caller, each job */
	struct lock		 mtx;		/* LOCK_LEAF */
	struct cond		 came;
	STAILQ_HEAD(, kad_job)	 done;		/* [b] */
	unsigned		 asked;		/* [b] not in done yet */
	uint8_t			 bytes[];	/* [I] */
};

static size_t
say_size(const struct kad_say *say)
{
	size_t n = say->key.len + KAD_MSG_SEND_MAX;

	return say->record == NULL ? n : n + say->record->key.len +
	    2 * say->record->value.len;
}

/* The frame, and behind it what answers are held against. */
static int
fill(struct kad_box *box, const struct kad_say *say, size_t cap)
{
	struct kad_request *r = &box->request;
	struct wr w;
	int e;

	wr_init(&w, box->bytes, cap);
	if ((e = kad_msg_put(say, &w)) != 0)
		return e;
	r->type = say->type;
	r->frame = (struct rd){ box->bytes, w.len };
	r->key = (struct rd){ box->bytes + w.len, say->key.len };
	wr_bytes(&w, say->key.p, say->key.len);
	if (say->record != NULL) {
		r->value = (struct rd){ box->bytes + w.len,
		    say->record->value.len };
		wr_bytes(&w, say->record->value.p, say->record->value.len);
	}
	return w.full ? P2P_ERR_TOO_LARGE : 0;
}

static void
unref(struct kad_box *box)
{
	struct kad_job *job;

	if (atomic_fetch_sub(&box->refs, 1) > 1)
		return;
	while ((job = STAILQ_FIRST(&box->done)) != NULL) {
		STAILQ_REMOVE_HEAD(&box->done, link);
		kad_job_free(job);
	}
	cond_destroy(&box->came);
	lock_destroy(&box->mtx);
	kad_unref(box->k);
	free(box);
}

int
kad_box_new(struct p2p_kad *k, const struct kad_say *say, uint64_t deadline,
    struct p2p_kad_cancel *cancel, struct kad_box **out)
{
	size_t cap = say_size(say);
	struct kad_box *box;
	int e;

	if ((box = calloc(1, sizeof(*box) + cap)) == NULL)
		return -ENOMEM;
	if ((e = fill(box, say, cap)) != 0) {
		free(box);
		return e;
	}
	box->k = k;
	box->cancel = cancel;
	box->deadline = deadline;
	atomic_init(&box->refs, 1);
	lock_init(&box->mtx, LOCK_LEAF);
	cond_init(&box->came);
	STAILQ_INIT(&box->done);
	kad_ref(k);
	lock_lock(&k->mtx);
	TAILQ_INSERT_TAIL(&k->boxes, box, link);
	lock_unlock(&k->mtx);
	*out = box;
	return 0;
}

void
kad_box_leave(struct kad_box *box)
{
	unsigned asked;

	if (box == NULL)
		return;
	lock_lock(&box->k->mtx);
	TAILQ_REMOVE(&box->k->boxes, box, link);
	lock_unlock(&box->k->mtx);
	atomic_store(&box->given_up, true);
	lock_lock(&box->mtx);
	asked = box->asked;
	lock_unlock(&box->mtx);
	if (asked > 0)
		dial_poke(box->k->host);
	unref(box);
}

static bool
is_over(const struct kad_box *box)
{
	return atomic_load(&box->k->closed) || (box->cancel != NULL &&
	    kad_is_cancelled(box->cancel));
}

/*
 * One more request of the instance, if it may be; who has none under way waits
 * until it may.
 */
static int
take_turn(struct kad_box *box)
{
	struct p2p_kad *k = box->k;
	bool idle;
	int e = 0;

	lock_lock(&box->mtx);
	idle = box->asked == 0 && STAILQ_EMPTY(&box->done);
	lock_unlock(&box->mtx);
	lock_lock(&k->mtx);
	while (idle && k->requests >= KAD_REQUESTS_MAX && !is_over(box) &&
	    cond_wait(&k->request_done, &k->mtx, box->deadline))
		;
	if (k->requests < KAD_REQUESTS_MAX)
		k->requests++;
	else
		e = !idle ? P2P_ERR_LIMIT : is_over(box) ? P2P_ERR_CLOSED :
		    P2P_ERR_TIMEOUT;
	lock_unlock(&k->mtx);
	return e;
}

static void
run(struct kad_job *job, uint64_t timeout)
{
	struct kad_box *box = job->box;
	struct p2p_kad *k = box->k;
	uint64_t begun = clock_now();
	uint64_t soon = clock_after(begun, timeout);

	job->error = kad_ask(k, &job->peer, &box->request,
	    soon < box->deadline ? soon : box->deadline, &box->given_up,
	    &job->answer);
	job->time_us = (clock_now() - begun) / CLOCK_US;
	lock_lock(&k->mtx);
	k->requests--;
	cond_broadcast(&k->request_done);
	lock_unlock(&k->mtx);
	lock_lock(&box->mtx);
	box->asked--;
	STAILQ_INSERT_TAIL(&box->done, job, link);
	cond_broadcast(&box->came);
	lock_unlock(&box->mtx);
	unref(box);
}

static void
run_in_pool(void *arg)
{
	const struct p2p_host *h = ((struct kad_job *)arg)->box->k->host;

	host_enter(h);
	run(arg, KAD_ASK_TIMEOUT);
	host_enter(NULL);
}

int
kad_box_ask(struct kad_box *box, const struct p2p_peer_id *peer)
{
	struct pool_job job = { .fn = run_in_pool, .what = "dht" };
	struct kad_job *j;
	unsigned asked;
	int e;

	if ((e = take_turn(box)) != 0)
		return e;
	if ((j = calloc(1, sizeof(*j))) == NULL) {
		e = -ENOMEM;
		goto failed;
	}
	j->box = box;
	j->peer = *peer;
	job.arg = j;
	atomic_fetch_add(&box->refs, 1);
	lock_lock(&box->mtx);
	asked = box->asked++;
	lock_unlock(&box->mtx);
	if ((e = pool_submit(box->k->host->pool, &job)) == 0)
		return 0;
	if (asked == 0 && e != P2P_ERR_STOPPED) {
		run(j, KAD_INLINE_TIMEOUT);	/* slowly, but on it goes */
		return 0;
	}
	lock_lock(&box->mtx);
	box->asked--;
	lock_unlock(&box->mtx);
	unref(box);
	free(j);
	if (asked > 0 && e != P2P_ERR_STOPPED)
		e = P2P_ERR_LIMIT;	/* of threads: later there may be one */
failed:
	lock_lock(&box->k->mtx);
	box->k->requests--;
	cond_broadcast(&box->k->request_done);
	lock_unlock(&box->k->mtx);
	return e;
}

int
kad_box_wait(struct kad_box *box, struct kad_job **out)
{
	int e = 0;

	lock_lock(&box->mtx);
	while (STAILQ_EMPTY(&box->done) && box->asked > 0 && !is_over(box) &&
	    cond_wait(&box->came, &box->mtx, box->deadline))
		;
	if (is_over(box))
		e = P2P_ERR_CLOSED;
	else if (clock_now() >= box->deadline)
		e = P2P_ERR_TIMEOUT;
	else if (STAILQ_EMPTY(&box->done))
		e = P2P_ERR_NOT_FOUND;
	if (e == 0) {
		*out = STAILQ_FIRST(&box->done);
		STAILQ_REMOVE_HEAD(&box->done, link);
	}
	lock_unlock(&box->mtx);
	return e;
}

void
kad_job_free(struct kad_job *job)
{
	kad_msg_clear(&job->answer);
	free(job);
}

void
kad_box_poke_all(struct p2p_kad *k)
{
	struct kad_box *box;

	lock_assert_held(&k->mtx);
	cond_broadcast(&k->request_done);
	TAILQ_FOREACH(box, &k->boxes, link) {
		/* One of them may be in a request, see kad_box_ask(). */
		if (is_over(box))
			atomic_store(&box->given_up, true);
		lock_lock(&box->mtx);
		cond_broadcast(&box->came);
		lock_unlock(&box->mtx);
	}
}
