#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sanitizer's red zones and shadow frames take; clang and gcc ask. */
#ifndef __has_feature
#define __has_feature(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { EXTRA = 1024 * 1024 };
#else
enum { EXTRA = 0 };
#endif

struct start {
	void	(*fn)(void *arg);
	void	*arg;
	char	 name[16];
};

static atomic_uint running;

static void *
run(void *arg)
{
	struct start s = *(struct start *)arg;

	free(arg);
	(void)pthread_setname_np(pthread_self(), s.name);
	s.fn(s.arg);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static int
create(struct thread *t, size_t stack, struct start *s)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int e;

	if ((e = pthread_attr_init(&attr)) != 0)
		return -e;
	if ((e = pthread_attr_setstacksize(&attr, stack)) == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		e = pthread_create(&t->id, &attr, run, s);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	pthread_attr_destroy(&attr);
	return -e;
}

int
thread_start(struct thread *t, const char *name, size_t stack,
    void (*fn)(void *arg), void *arg)
{
	struct start *s;
	int e;

	if ((s = malloc(sizeof(*s))) == NULL)
		return -ENOMEM;
	s->fn = fn;
	s->arg = arg;
	snprintf(s->name, sizeof(s->name), "%s", name);
	stack += EXTRA;
	atomic_fetch_add(&running, 1);
	if ((e = create(t, stack, s)) != 0) {
		atomic_fetch_sub(&running, 1);
		free(s);
		return e;
	}
	t->started = true;
	return 0;
}

void
thread_join(struct thread *t)
{
	if (!t->started)
		return;
	t->started = false;
	if (pthread_join(t->id, NULL) != 0)
		abort();
}

void
thread_abandon(struct thread *t)
{
	if (!t->started)
		return;
	t->started = false;
	if (pthread_detach(t->id) != 0)
		abort();
}

unsigned
thread_count(void)
{
	return atomic_load(&running);
}
