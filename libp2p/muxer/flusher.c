/*
 * One epoll descriptor, one-shot entries.  An event names a link by pointer; it
 * counts only while the link is still in the list, which is looked up under
 * the lock, so a link that was forgotten between epoll_wait(2) and the look-up
 * is never touched.
 */
#include "muxer/flusher.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "muxer/link.h"

/*
 *	I	after flusher_new()	p	holder of mtx
 */
struct flusher {
	int		 epfd;		/* [I] */
	struct wake	 stop;		/* [I] */
	struct lock	 mtx;		/* LOCK_LEAF */
	struct cond	 idle;		/* a thread has let its link go */
	TAILQ_HEAD(, link) links;	/* [p] parked, or armed before */
	struct link	*busy[FLUSHER_THREADS_MAX + 1];	/* [p] last: check */
	unsigned	 n;		/* [I] */
	struct thread	 threads[FLUSHER_THREADS_MAX];
	struct slot {
		struct flusher	*f;
		unsigned	 i;
	}		 slots[FLUSHER_THREADS_MAX];
};

int
flusher_park(struct flusher *f, struct link *l)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLONESHOT,
	    .data.ptr = l };
	bool known;

	lock_lock(&f->mtx);
	known = l->in_pool;
	if (!known)
		TAILQ_INSERT_TAIL(&f->links, l, parked);
	l->in_pool = true;
	lock_unlock(&f->mtx);
	return epoll_ctl(f->epfd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
	    l->raw.fd, &ev) == -1 ? -errno : 0;
}

static bool
is_busy(const struct flusher *f, const struct link *l)
{
	unsigned i;

	for (i = 0; i <= FLUSHER_THREADS_MAX; i++)
		if (f->busy[i] == l)
			return true;
	return false;
}

void
flusher_forget(struct flusher *f, struct link *l)
{
	lock_lock(&f->mtx);
	if (l->in_pool) {
		TAILQ_REMOVE(&f->links, l, parked);
		l->in_pool = false;
		(void)epoll_ctl(f->epfd, EPOLL_CTL_DEL, l->raw.fd, NULL);
	}
	while (is_busy(f, l))
		cond_wait(&f->idle, &f->mtx, CLOCK_NEVER);
	lock_unlock(&f->mtx);
}

/*
 * Take the link for this thread if it is still there.  While another thread has
 * it, wait: that one may have parked it again, and an event is not repeated.
 */
static bool
claim(struct flusher *f, unsigned slot, const struct link *want)
{
	struct link *l;

	for (;;) {
		TAILQ_FOREACH(l, &f->links, parked)
			if (l == want)
				break;
		if (l == NULL || !is_busy(f, l))
			break;
		cond_wait(&f->idle, &f->mtx, CLOCK_NEVER);
	}
	f->busy[slot] = l;
	return l != NULL;
}

static void
let_go(struct flusher *f, unsigned slot)
{
	f->busy[slot] = NULL;
	cond_broadcast(&f->idle);
}

static void
handle(struct flusher *f, unsigned slot, struct link *l)
{
	bool mine;

	lock_lock(&f->mtx);
	mine = claim(f, slot, l);
	lock_unlock(&f->mtx);
	if (!mine)
		return;
	link_resume(l);
	lock_lock(&f->mtx);
	let_go(f, slot);
	lock_unlock(&f->mtx);
}

void
flusher_check(struct flusher *f, uint64_t now)
{
	const unsigned slot = FLUSHER_THREADS_MAX;
	struct link *l, *next;

	lock_lock(&f->mtx);
	for (l = TAILQ_FIRST(&f->links); l != NULL; l = next) {
		if (is_busy(f, l)) {
			next = TAILQ_NEXT(l, parked);
			continue;
		}
		f->busy[slot] = l;
		lock_unlock(&f->mtx);
		(void)link_overdue(l, now);
		lock_lock(&f->mtx);
		/* Forgotten meanwhile: the rest can wait for the next call. */
		next = l->in_pool ? TAILQ_NEXT(l, parked) : NULL;
		let_go(f, slot);
	}
	lock_unlock(&f->mtx);
}

static void
flusher_run(void *arg)
{
	const struct slot *slot = arg;
	struct flusher *f = slot->f;
	struct epoll_event ev;
	int n;

	for (;;) {
		n = epoll_wait(f->epfd, &ev, 1, -1);
		if (n == 1 && ev.data.ptr == NULL)
			return;
		if (n == 1)
			handle(f, slot->i, ev.data.ptr);
	}
}

static int
start(struct flusher *f, unsigned threads)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	int e;

	if ((e = wake_init(&f->stop)) != 0)
		return e;
	if ((f->epfd = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(f->epfd, EPOLL_CTL_ADD, f->stop.fd, &ev) == -1)
		return -errno;
	for (; f->n < threads && f->n < FLUSHER_THREADS_MAX; f->n++) {
		f->slots[f->n] = (struct slot){ f, f->n };
		if ((e = thread_start(&f->threads[f->n], "p2p-flush",
		    THREAD_STACK_SMALL, flusher_run, &f->slots[f->n])) != 0)
			return e;
	}
	return 0;
}

int
flusher_new(unsigned threads, struct flusher **out)
{
	struct flusher *f;
	int e;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -ENOMEM;
	f->epfd = f->stop.fd = -1;
	lock_init(&f->mtx, LOCK_LEAF);
	cond_init(&f->idle);
	TAILQ_INIT(&f->links);
	if ((e = start(f, threads)) != 0) {
		flusher_free(f);
		return e;
	}
	*out = f;
	return 0;
}

void
flusher_free(struct flusher *f)
{
	unsigned i;

	if (f == NULL)
		return;
	if (f->stop.fd != -1)
		wake_set(&f->stop);
	for (i = 0; i < f->n; i++)
		thread_join(&f->threads[i]);
	if (f->epfd != -1)
		close(f->epfd);
	wake_fini(&f->stop);
	cond_destroy(&f->idle);
	lock_destroy(&f->mtx);
	free(f);
}
