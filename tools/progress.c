#include "progress.h"

#include <pthread.h>
#include <stdio.h>

#include "term.h"
#include "tool.h"

#define AFTER	0.3	/* seconds: nothing for what is quick, */
#define EVERY	0.1	/* and not more than ten a second */

static struct {
	pthread_mutex_t	 mtx;
	progress_fn	 fn;
	void		*arg;
	double		 next;		/* when it is drawn */
	bool		 shown;
} line = { .mtx = PTHREAD_MUTEX_INITIALIZER };

static void
erase(void)
{
	if (line.shown)
		fputs("\r\033[K", stderr);
	line.shown = false;
}

void
progress_set(progress_fn fn, void *arg)
{
	pthread_mutex_lock(&line.mtx);
	erase();
	line.fn = term_can_erase(stderr) ? fn : NULL;
	line.arg = arg;
	line.next = tool_now() + AFTER;
	pthread_mutex_unlock(&line.mtx);
}

void
progress_draw(double now)
{
	char text[80];

	pthread_mutex_lock(&line.mtx);
	if (line.fn != NULL && now >= line.next) {
		line.fn(text, sizeof(text), line.arg);
		fprintf(stderr, "\r%s\033[K", text);
		line.shown = true;
		line.next = now + EVERY;
	}
	pthread_mutex_unlock(&line.mtx);
}

bool
progress_next(double *when)
{
	bool any;

	pthread_mutex_lock(&line.mtx);
	any = line.fn != NULL;
	*when = line.next;
	pthread_mutex_unlock(&line.mtx);
	return any;
}

void
progress_lock(void)
{
	pthread_mutex_lock(&line.mtx);
	erase();
}

void
progress_unlock(void)
{
	pthread_mutex_unlock(&line.mtx);
}
