/*
 * A bounded pool of resolver threads.  A caller queues a job and waits with its
 * deadline; a job is counted, by the caller and by the thread, so that a caller
 * who gave up leaves nothing behind that the thread could miss.
 *
 * dns, dns4 and dns6 ask getaddrinfo(3), which reads /etc/hosts too, and cannot
 * be told to hurry; dnsaddr asks for the TXT records of _dnsaddr.NAME
 * (dns_txt.h), and what they hold (dnsaddr.h) may be names again, to a depth of
 * DEPTH_MAX.  Before each question a job looks whether it is still wanted.
 */
#include "transport/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/dns_txt.h"
#include "transport/dnsaddr.h"

#define THREADS_MAX	4
#define JOBS_MAX	32
#define LOOKUPS_MAX	32	/* of one address, rust's figure */
#define DEPTH_MAX	4	/* go's */
#define NAME_MAX_LEN	255
#define CODE_IP4	4
#define CODE_IP6	41
#define DNSADDR_PREFIX	"_dnsaddr."

enum { DNS = 53, DNS4 = 54, DNS6 = 55, DNSADDR = 56 };

/* The thread that runs it has found, n and lookups; the rest is under mtx. */
struct job {
	STAILQ_ENTRY(job) link;
	struct p2p_multiaddr *ma;	/* [I] */
	uint64_t	 deadline;	/* [I] the caller's */
	struct p2p_multiaddr *found[RESOLVE_MAX];
	size_t		 n;
	unsigned	 lookups;
	int		 error;
	bool		 queued, done;
	unsigned	 refs;		/* the caller, the queue or a thread */
};

/* One thread of the pool; under the resolver's mtx, but for what is [I]. */
struct slot {
	struct resolver	*r;		/* [I] */
	struct thread	 thread;	/* who set used starts it */
	bool		 used;
	bool		 running;	/* inside a look-up */
};

/* Everything under mtx.  Counted: its owner and each thread. */
struct resolver {
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 came;		/* a job, or the stop */
	struct cond	 changed;	/* a job is done, or the stop */
	STAILQ_HEAD(, job) queue;
	unsigned	 jobs;		/* waiting in the queue or running */
	unsigned	 waiting;
	unsigned	 idle, nthreads;
	struct slot	 slots[THREADS_MAX];
	bool		 stop;
	unsigned	 refs;
	bool		 one_server;	/* [I] of the first look-up on */
	struct sockaddr_in server;	/* [I] */
};

int
resolver_new(struct resolver **out)
{
	struct resolver *r;
	unsigned i;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -ENOMEM;
	lock_init(&r->mtx, LOCK_LEAF);
	cond_init(&r->came);
	cond_init(&r->changed);
	STAILQ_INIT(&r->queue);
	for (i = 0; i < THREADS_MAX; i++)
		r->slots[i].r = r;
	r->refs = 1;
	*out = r;
	return 0;
}

void
resolver_test_server(struct resolver *r, const struct sockaddr_in *sa)
{
	r->one_server = true;
	r->server = *sa;
}

/* The lock is held and let go. */
static void
unref_unlock(struct resolver *r)
{
	bool last = --r->refs == 0;

	lock_unlock(&r->mtx);
	if (!last)
		return;
	cond_destroy(&r->came);
	cond_destroy(&r->changed);
	lock_destroy(&r->mtx);
	free(r);
}

static void
job_unref(struct job *j)
{
	if (--j->refs > 0)
		return;
	while (j->n > 0)
		p2p_multiaddr_free(j->found[--j->n]);
	p2p_multiaddr_free(j->ma);
	free(j);
}

bool
resolve_needed(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part first;

	return p2p_multiaddr_part(ma, 0, &first) && first.code >= DNS &&
	    first.code <= DNSADDR;
}

/* An address of this ip and what followed the name in ma. */
static void
found_ip(struct job *j, const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr_part *name, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	uint8_t bytes[P2P_MULTIADDR_MAX];
	const uint8_t *all, *rest = name->value + name->len;
	size_t len;
	struct wr w;

	if (j->n == RESOLVE_MAX)
		return;
	all = p2p_multiaddr_bytes(ma, &len);
	wr_init(&w, bytes, sizeof(bytes));
	wr_u8(&w, sa->sa_family == AF_INET ? CODE_IP4 : CODE_IP6);
	if (sa->sa_family == AF_INET)
		wr_bytes(&w, &in->sin_addr, 4);
	else
		wr_bytes(&w, &in6->sin6_addr, 16);
	wr_bytes(&w, rest, (size_t)(all + len - rest));
	if (!w.full && p2p_multiaddr_decode(bytes, w.len, &j->found[j->n]) == 0)
		j->n++;
}

static void
lookup_ip(struct job *j, const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr_part *part)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *i;
	char name[NAME_MAX_LEN + 1];

	if (part->len > NAME_MAX_LEN)
		return;
	memcpy(name, part->value, part->len);
	name[part->len] = '\0';
	hints.ai_family = part->code == DNS4 ? AF_INET :
	    part->code == DNS6 ? AF_INET6 : AF_UNSPEC;
	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return;
	for (i = list; i != NULL; i = i->ai_next)
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
			found_ip(j, ma, part, i->ai_addr);
	freeaddrinfo(list);
}

/* What the TXT records of a name hold for us, in out. */
static size_t
ask(const struct resolver *r, const struct job *j, struct rd name,
    struct rd rest, struct p2p_multiaddr **out)
{
	char text[NAME_MAX_LEN + sizeof(DNSADDR_PREFIX)];
	struct rd answer;
	uint8_t *buf;
	size_t n = 0;

	if (name.len > NAME_MAX_LEN ||
	    (buf = malloc(DNSADDR_ANSWER_MAX)) == NULL)
		return 0;
	snprintf(text, sizeof(text), DNSADDR_PREFIX "%.*s", (int)name.len,
	    (const char *)name.p);
	answer.p = buf;
	if (dns_txt(text, r->one_server ? &r->server : NULL, j->deadline, buf,
	    &answer.len) != 0 || dnsaddr_get(answer, rest, out, &n) != 0)
		n = 0;
	free(buf);
	return n;
}

static void	lookup(struct resolver *r, struct job *j,
		    const struct p2p_multiaddr *ma, unsigned depth);

static void
lookup_txt(struct resolver *r, struct job *j, const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr_part *part, unsigned depth)
{
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	struct rd name = { part->value, part->len }, rest;
	const uint8_t *all;
	size_t i, n, len;

	all = p2p_multiaddr_bytes(ma, &len);
	rest.p = name.p + name.len;
	rest.len = (size_t)(all + len - rest.p);
	n = ask(r, j, name, rest, found);
	for (i = 0; i < n; i++) {
		if (resolve_needed(found[i])) {
			lookup(r, j, found[i], depth + 1);
		} else if (j->n < RESOLVE_MAX) {
			j->found[j->n++] = found[i];
			continue;
		}
		p2p_multiaddr_free(found[i]);
	}
}

/* Nobody waits for it any more: what it would still ask, it need not. */
static bool
is_over(struct resolver *r, const struct job *j)
{
	bool over;

	lock_lock(&r->mtx);
	over = r->stop || j->refs == 1 || clock_now() >= j->deadline;
	lock_unlock(&r->mtx);
	return over;
}

static void
lookup(struct resolver *r, struct job *j, const struct p2p_multiaddr *ma,
    unsigned depth)
{
	struct p2p_multiaddr_part part;

	if (depth > DEPTH_MAX || j->n == RESOLVE_MAX ||
	    j->lookups == LOOKUPS_MAX || !p2p_multiaddr_part(ma, 0, &part) ||
	    is_over(r, j))
		return;
	j->lookups++;
	if (part.code == DNSADDR)
		lookup_txt(r, j, ma, &part, depth);
	else
		lookup_ip(j, ma, &part);
}

/* Out of the queue, which held a reference; the lock is held. */
static void
unqueue(struct resolver *r, struct job *j)
{
	STAILQ_REMOVE(&r->queue, j, job, link);
	j->queued = false;
	r->waiting--;
}

static void
resolver_run(void *arg)
{
	struct slot *slot = arg;
	struct resolver *r = slot->r;
	struct job *j;

	lock_lock(&r->mtx);
	for (;;) {
		r->idle++;
		while ((j = STAILQ_FIRST(&r->queue)) == NULL && !r->stop)
			cond_wait(&r->came, &r->mtx, CLOCK_NEVER);
		r->idle--;
		if (r->stop)
			break;
		unqueue(r, j);
		slot->running = true;
		lock_unlock(&r->mtx);
		lookup(r, j, j->ma, 0);
		lock_lock(&r->mtx);
		slot->running = false;
		j->error = j->n > 0 ? 0 : clock_now() >= j->deadline ?
		    P2P_ERR_TIMEOUT : P2P_ERR_DNS;
		j->done = true;
		r->jobs--;
		cond_broadcast(&r->changed);
		job_unref(j);
	}
	unref_unlock(r);
}

/*
 * One more thread when more jobs wait than threads are idle.  The lock is held,
 * but let go for the start.
 */
static int
ensure_thread(struct resolver *r)
{
	struct slot *slot = NULL;
	unsigned i;
	int e;

	for (i = 0; i < THREADS_MAX && slot == NULL; i++)
		if (!r->slots[i].used)
			slot = &r->slots[i];
	if (r->waiting <= r->idle || slot == NULL)
		return 0;
	slot->used = true;
	r->refs++;
	lock_unlock(&r->mtx);
	e = thread_start(&slot->thread, "p2p-dns", THREAD_STACK, resolver_run,
	    slot);
	lock_lock(&r->mtx);
	if (e == 0) {
		r->nthreads++;
		return 0;
	}
	slot->used = false;
	r->refs--;
	return r->nthreads > 0 ? 0 : e;
}

static int
wait_job(struct resolver *r, struct job *j)
{
	while (!j->done && !r->stop)
		if (!cond_wait(&r->changed, &r->mtx, j->deadline))
			return P2P_ERR_TIMEOUT;
	return j->done ? j->error : P2P_ERR_CLOSED;
}

/* Queue the job and wait for it; the lock is held. */
static int
run_job(struct resolver *r, struct job *j)
{
	int e;

	if (r->stop)
		return P2P_ERR_CLOSED;
	if (r->jobs == JOBS_MAX)
		return P2P_ERR_LIMIT;
	j->refs++;
	j->queued = true;
	r->jobs++;
	r->waiting++;
	STAILQ_INSERT_TAIL(&r->queue, j, link);
	cond_signal(&r->came);
	if ((e = ensure_thread(r)) == 0)
		e = wait_job(r, j);
	if (j->queued) {
		unqueue(r, j);
		r->jobs--;
		job_unref(j);
	}
	return e;
}

int
resolve(struct resolver *r, const struct p2p_multiaddr *ma, uint64_t deadline,
    struct p2p_multiaddr **out, size_t *n)
{
	struct job *j;
	int e;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return -ENOMEM;
	j->refs = 1;
	j->deadline = deadline;
	if ((e = p2p_multiaddr_dup(ma, &j->ma)) != 0) {
		free(j);
		return e;
	}
	lock_lock(&r->mtx);
	if ((e = run_job(r, j)) == 0) {
		memcpy(out, j->found, j->n * sizeof(*out));
		*n = j->n;
		j->n = 0;
	}
	job_unref(j);
	lock_unlock(&r->mtx);
	return e;
}

void
resolver_stop(struct resolver *r)
{
	lock_lock(&r->mtx);
	r->stop = true;
	cond_broadcast(&r->came);
	cond_broadcast(&r->changed);
	lock_unlock(&r->mtx);
}

void
resolver_free(struct resolver *r)
{
	struct slot *slot;
	bool stuck;
	unsigned i;

	if (r == NULL)
		return;
	resolver_stop(r);
	for (i = 0; i < THREADS_MAX; i++) {
		slot = &r->slots[i];
		lock_lock(&r->mtx);
		stuck = slot->running;
		lock_unlock(&r->mtx);
		if (stuck)
			thread_abandon(&slot->thread);
		else
			thread_join(&slot->thread);
	}
	lock_lock(&r->mtx);
	unref_unlock(r);
}
