#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/lock.h"
#include "check.h"

/* What a thread found out about itself. */
struct seen {
	char		 name[32];
	unsigned	 blocked, open;		/* signals */
	size_t		 stack;
	unsigned	 count;
};

static void
look(void *arg)
{
	struct seen *s = arg;
	pthread_attr_t attr;
	sigset_t set;
	int sig;

	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	for (sig = 1; sig < 32; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		if (sigismember(&set, sig) == 1)
			s->blocked++;
		else
			s->open++;
	}
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstacksize(&attr, &s->stack);
		pthread_attr_destroy(&attr);
	}
	s->count = thread_count();
}

static void
run(const char *name, size_t stack, struct seen *s)
{
	struct thread t = { 0 };

	*s = (struct seen){ 0 };
	CHECK_OK(thread_start(&t, name, stack, look, s));
	CHECK(t.started);
	thread_join(&t);
	CHECK(!t.started);
	CHECK_EQ(thread_count(), 0);
}

static void
a_thread_has_its_name(void)
{
	struct seen s;

	run("p2p-worker", THREAD_STACK_SMALL, &s);
	CHECK_STR(s.name, "p2p-worker");
	run("a-name-of-more-than-fifteen", THREAD_STACK_SMALL, &s);
	CHECK_STR(s.name, "a-name-of-more-");
}

static void
a_thread_blocks_every_signal_and_its_starter_none(void)
{
	sigset_t before, after;
	struct seen s;
	int sig;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	run("signals", THREAD_STACK_SMALL, &s);
	CHECK_EQ(s.open, 0);
	CHECK_EQ(s.blocked, 29);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (sig = 1; sig < 32; sig++)
		CHECK_EQ(sigismember(&before, sig), sigismember(&after, sig));
	CHECK_EQ(sigismember(&after, SIGTERM), 0);
}

static void
a_thread_has_the_stack_it_asked_for(void)
{
	struct seen s;

	run("small", THREAD_STACK_SMALL, &s);
	CHECK(s.stack >= THREAD_STACK_SMALL);
	run("large", THREAD_STACK, &s);
	CHECK(s.stack >= THREAD_STACK);
	/* Not the system's 8 MiB: a host has hundreds. */
	CHECK(s.stack <= 4 * 1024 * 1024);
}

static void
a_running_thread_is_counted(void)
{
	struct seen s;

	CHECK_EQ(thread_count(), 0);
	run("counted", THREAD_STACK_SMALL, &s);
	CHECK_EQ(s.count, 1);
}

static void
what_never_started_is_joined_at_once(void)
{
	struct thread t = { 0 };
	struct seen s = { 0 };

	thread_join(&t);
	thread_abandon(&t);
	CHECK_OK(thread_start(&t, "twice", THREAD_STACK_SMALL, look, &s));
	thread_join(&t);
	thread_join(&t);
	CHECK_EQ(thread_count(), 0);
}

static void
never(void *arg)
{
	*(bool *)arg = true;
}

static void
a_failed_start_leaves_nothing(void)
{
	struct thread t = { 0 };
	bool ran = false;

	/* More than the address space has. */
	CHECK(thread_start(&t, "huge", SIZE_MAX / 4, never, &ran) < 0);
	CHECK(!t.started);
	CHECK_EQ(thread_count(), 0);
	thread_join(&t);
	CHECK(!ran);
}

static struct lock mtx;
static struct cond changed;
static bool go, gone;

static void
wait_for_go(void *arg)
{
	lock_lock(&mtx);
	while (!go)
		cond_wait(&changed, &mtx, CLOCK_NEVER);
	(void)arg;
	gone = true;
	cond_broadcast(&changed);
	lock_unlock(&mtx);
}

static void
begin(struct thread *t, void *arg)
{
	lock_init(&mtx, LOCK_LEAF);
	cond_init(&changed);
	go = gone = false;
	CHECK_OK(thread_start(t, "waits", THREAD_STACK_SMALL, wait_for_go,
	    arg));
}

static void
let_go(void)
{
	lock_lock(&mtx);
	go = true;
	cond_broadcast(&changed);
	lock_unlock(&mtx);
}

static void
an_abandoned_thread_ends_by_itself(void)
{
	struct thread t = { 0 };
	uint64_t deadline = clock_deadline_ms(20000);

	begin(&t, NULL);
	thread_abandon(&t);
	CHECK(!t.started);
	thread_join(&t);		/* nothing to wait for: it still runs */
	CHECK_EQ(thread_count(), 1);
	let_go();
	while (thread_count() > 0 && clock_now() < deadline)
		sched_yield();
	CHECK_EQ(thread_count(), 0);
	cond_destroy(&changed);
	lock_destroy(&mtx);
}

TESTS("thread",
	{ "a thread has its name", a_thread_has_its_name },
	{ "a thread blocks every signal and its starter none",
	    a_thread_blocks_every_signal_and_its_starter_none },
	{ "a thread has the stack it asked for",
	    a_thread_has_the_stack_it_asked_for },
	{ "a running thread is counted", a_running_thread_is_counted },
	{ "what never started is joined at once",
	    what_never_started_is_joined_at_once },
	{ "a failed start leaves nothing", a_failed_start_leaves_nothing },
	{ "an abandoned thread ends by itself",
	    an_abandoned_thread_ends_by_itself })
