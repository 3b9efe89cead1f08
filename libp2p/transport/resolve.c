/*
 * A bounded pool of resolver threads.  A caller queues a job and waits with its
 * deadline; a job is counted, by the caller and by the thread, so that a caller
 * who gave up leaves nothing behind that the thread could miss.
 *
 * dns, dns4 and dns6 ask getaddrinfo(3), which reads /etc/hosts too; dnsaddr
 * asks for TXT records of _dnsaddr.NAME with res_nquery(3), and what they hold
 * may be names again, to a depth of DEPTH_MAX.
 */
#include "transport/resolve.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/peer_id.h"

#define THREADS_MAX	4
#define JOBS_MAX	32
#define LOOKUPS_MAX	32	/* of one address, rust's figure */
#define DEPTH_MAX	4	/* go's */
#define TXT_MAX		16
#define NAME_MAX_LEN	255
#define ANSWER_MAX	65536
#define CODE_IP4	4
#define CODE_IP6	41

enum { DNS = 53, DNS4 = 54, DNS6 = 55, DNSADDR = 56 };

struct job {
	STAILQ_ENTRY(job) link;
	struct p2p_multiaddr *ma;
	struct p2p_multiaddr *found[RESOLVE_MAX];
	size_t		 n;
	unsigned	 lookups;
	int		 error;
	bool		 done;
	unsigned	 refs;		/* the caller, the queue or a thread */
};

/* Everything under mtx.  Counted: its owner and each thread. */
struct resolver {
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 came;		/* a job, or the stop */
	struct cond	 changed;	/* a job is done, or the stop */
	STAILQ_HEAD(, job) queue;
	unsigned	 jobs;
	unsigned	 idle, nthreads;
	struct thread	 threads[THREADS_MAX];
	bool		 running[THREADS_MAX];	/* inside a look-up */
	bool		 stop;
	unsigned	 refs;
};

struct slot {
	struct resolver	*r;
	unsigned	 i;
};

int
resolver_new(struct resolver **out)
{
	struct resolver *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -ENOMEM;
	lock_init(&r->mtx, LOCK_LEAF);
	cond_init(&r->came);
	cond_init(&r->changed);
	STAILQ_INIT(&r->queue);
	r->refs = 1;
	*out = r;
	return 0;
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

static void	lookup(struct job *j, const struct p2p_multiaddr *ma,
		    unsigned depth);

/* One "dnsaddr=..." whose end is what followed the name. */
static void
found_text(struct job *j, const char *text, struct rd rest, unsigned depth)
{
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	size_t len;

	if (strncmp(text, "dnsaddr=", 8) != 0 ||
	    p2p_multiaddr_parse(text + 8, &ma) != 0)
		return;
	bytes = p2p_multiaddr_bytes(ma, &len);
	if (len >= rest.len && (rest.len == 0 ||
	    memcmp(bytes + len - rest.len, rest.p, rest.len) == 0)) {
		if (resolve_needed(ma))
			lookup(j, ma, depth + 1);
		else if (j->n < RESOLVE_MAX &&
		    p2p_multiaddr_dup(ma, &j->found[j->n]) == 0)
			j->n++;
	}
	p2p_multiaddr_free(ma);
}

/* The character strings of one TXT record, joined. */
static bool
txt_of(ns_msg *msg, int i, char *out, size_t cap)
{
	struct rd in, one;
	struct wr w;
	uint8_t n;
	ns_rr rr;

	if (ns_parserr(msg, ns_s_an, i, &rr) != 0 ||
	    ns_rr_type(rr) != ns_t_txt)
		return false;
	in = (struct rd){ ns_rr_rdata(rr), ns_rr_rdlen(rr) };
	wr_init(&w, out, cap);
	while (rd_u8(&in, &n) == 0 && rd_bytes(&in, n, &one) == 0)
		wr_bytes(&w, one.p, one.len);
	wr_u8(&w, '\0');
	return !w.full;
}

static void
lookup_txt(struct job *j, const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr_part *part, unsigned depth)
{
	char name[NAME_MAX_LEN + 16], text[1024];
	const uint8_t *all;
	struct __res_state state;
	unsigned char *answer;
	struct rd rest;
	size_t len;
	ns_msg msg;
	int i, n, used = 0;

	if (part->len > NAME_MAX_LEN || (answer = malloc(ANSWER_MAX)) == NULL)
		return;
	all = p2p_multiaddr_bytes(ma, &len);
	rest.p = part->value + part->len;
	rest.len = (size_t)(all + len - rest.p);
	snprintf(name, sizeof(name), "_dnsaddr.%.*s", (int)part->len,
	    (const char *)part->value);
	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) == 0) {
		n = res_nquery(&state, name, ns_c_in, ns_t_txt, answer,
		    ANSWER_MAX);
		if (n > 0 && ns_initparse(answer, n, &msg) == 0)
			for (i = 0; i < ns_msg_count(msg, ns_s_an) &&
			    used < TXT_MAX; i++)
				if (txt_of(&msg, i, text, sizeof(text))) {
					used++;
					found_text(j, text, rest, depth);
				}
		res_nclose(&state);
	}
	free(answer);
}

static void
lookup(struct job *j, const struct p2p_multiaddr *ma, unsigned depth)
{
	struct p2p_multiaddr_part part;

	if (depth > DEPTH_MAX || j->n == RESOLVE_MAX ||
	    j->lookups++ >= LOOKUPS_MAX || !p2p_multiaddr_part(ma, 0, &part))
		return;
	if (part.code == DNSADDR)
		lookup_txt(j, ma, &part, depth);
	else
		lookup_ip(j, ma, &part);
}

static void
resolver_run(void *arg)
{
	struct slot slot = *(struct slot *)arg;
	struct resolver *r = slot.r;
	struct job *j;

	free(arg);
	lock_lock(&r->mtx);
	for (;;) {
		r->idle++;
		while ((j = STAILQ_FIRST(&r->queue)) == NULL && !r->stop)
			cond_wait(&r->came, &r->mtx, CLOCK_NEVER);
		r->idle--;
		if (r->stop)
			break;
		STAILQ_REMOVE_HEAD(&r->queue, link);
		r->running[slot.i] = true;
		lock_unlock(&r->mtx);
		lookup(j, j->ma, 0);
		lock_lock(&r->mtx);
		r->running[slot.i] = false;
		j->error = j->n > 0 ? 0 : P2P_ERR_DNS;
		j->done = true;
		r->jobs--;
		cond_broadcast(&r->changed);
		job_unref(j);
	}
	unref_unlock(r);
}

/* One more thread when nobody is idle; the lock is held. */
static int
ensure_thread(struct resolver *r)
{
	struct slot *slot;
	int e;

	if (r->idle > 0 || r->nthreads == THREADS_MAX)
		return 0;
	if ((slot = malloc(sizeof(*slot))) == NULL)
		return -ENOMEM;
	*slot = (struct slot){ r, r->nthreads };
	r->refs++;
	e = thread_start(&r->threads[r->nthreads], "p2p-dns", THREAD_STACK,
	    resolver_run, slot);
	if (e == 0) {
		r->nthreads++;
		return 0;
	}
	r->refs--;
	free(slot);
	return r->nthreads > 0 ? 0 : e;
}

static int
wait_job(struct resolver *r, struct job *j, uint64_t deadline)
{
	while (!j->done && !r->stop)
		if (!cond_wait(&r->changed, &r->mtx, deadline))
			return P2P_ERR_TIMEOUT;
	return j->done ? j->error : P2P_ERR_CLOSED;
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
	if ((e = p2p_multiaddr_dup(ma, &j->ma)) != 0) {
		free(j);
		return e;
	}
	lock_lock(&r->mtx);
	if (r->stop)
		e = P2P_ERR_CLOSED;
	else if (r->jobs >= JOBS_MAX)
		e = P2P_ERR_LIMIT;
	else
		e = ensure_thread(r);
	if (e == 0) {
		j->refs++;
		r->jobs++;
		STAILQ_INSERT_TAIL(&r->queue, j, link);
		cond_signal(&r->came);
		e = wait_job(r, j, deadline);
	}
	if (e == 0) {
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
	struct job *j;

	lock_lock(&r->mtx);
	r->stop = true;
	while ((j = STAILQ_FIRST(&r->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->queue, link);
		r->jobs--;
		job_unref(j);
	}
	cond_broadcast(&r->came);
	cond_broadcast(&r->changed);
	lock_unlock(&r->mtx);
}

void
resolver_free(struct resolver *r)
{
	bool stuck;
	unsigned i;

	if (r == NULL)
		return;
	resolver_stop(r);
	for (i = 0; i < r->nthreads; i++) {
		lock_lock(&r->mtx);
		stuck = r->running[i];
		lock_unlock(&r->mtx);
		if (stuck)
			thread_abandon(&r->threads[i]);
		else
			thread_join(&r->threads[i]);
	}
	lock_lock(&r->mtx);
	unref_unlock(r);
}
