#include "schedule.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

#define STOPS_MAX	8

struct stop {
	const char	*what;
	const void	*object;
	const char	*thread;
	bool		 used;
	unsigned	 standing;
	unsigned	 round;		/* grows with each release */
};

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct stop stops[STOPS_MAX];

static struct timespec
until(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += SCHEDULE_WAIT_MS / 1000;
	return ts;
}

static bool
fits(const struct stop *s, const char *what, const void *object,
    const char *thread)
{
	return s->used && s->object == object && strcmp(s->what, what) == 0 &&
	    (s->thread == NULL || strcmp(s->thread, thread) == 0);
}

static void
hook(const char *what, const void *object)
{
	struct timespec end = until();
	unsigned i, round;
	char name[16] = "";

	(void)pthread_getname_np(pthread_self(), name, sizeof(name));
	pthread_mutex_lock(&mtx);
	for (i = 0; i < STOPS_MAX && !fits(&stops[i], what, object, name); i++)
		;
	if (i < STOPS_MAX && strcmp(what, "wait") != 0) {
		round = stops[i].round;
		stops[i].standing++;
		pthread_cond_broadcast(&changed);
		while (stops[i].round == round)
			if (pthread_cond_timedwait(&changed, &mtx, &end) != 0)
				break;
	}
	pthread_mutex_unlock(&mtx);
}

void
schedule_begin(void)
{
	memset(stops, 0, sizeof(stops));
	lock_test_hook = hook;
}

void
schedule_end(void)
{
	lock_test_hook = NULL;
}

struct stop *
stop_at(const char *what, const void *object, const char *thread)
{
	unsigned i;

	pthread_mutex_lock(&mtx);
	for (i = 0; i < STOPS_MAX && stops[i].used; i++)
		;
	if (i == STOPS_MAX)
		abort();
	stops[i] = (struct stop){ what, object, thread, true, 0,
	    stops[i].round };
	pthread_mutex_unlock(&mtx);
	return &stops[i];
}

void
stop_reached(struct stop *s)
{
	struct timespec end = until();

	pthread_mutex_lock(&mtx);
	while (s->standing == 0)
		if (pthread_cond_timedwait(&changed, &mtx, &end) != 0)
			break;
	CHECK(s->standing > 0);
	pthread_mutex_unlock(&mtx);
}

void
stop_release(struct stop *s)
{
	pthread_mutex_lock(&mtx);
	s->used = false;
	s->round++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mtx);
}

void
schedule_waiters(struct lock *l, const struct cond *c, unsigned n)
{
	unsigned have = 0;
	int i;

	for (i = 0; i < SCHEDULE_WAIT_MS && have < n; i++) {
		lock_lock(l);
		have = c->waiters;
		lock_unlock(l);
		if (have < n)
			(void)poll(NULL, 0, 1);
	}
	CHECK(have >= n);
}
