/*
 * The worker takes jobs in the order in which they come, and owns their texts.
 * Everything else belongs to the thread of the command.  mtx guards the queue.
 *
 * A configuration with a mistake is not taken at all: the old one is left as it
 * is before anything is done.
 */
#include "node_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "node_config.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/perf.h"

struct job {
	struct job	*next;
	char		*connect[TOOL_LIST_MAX + 1];
	struct dht_work	 dht;
	bool		 any_peer;
};

struct live {
	const struct config	*first;		/* as it was begun */
	const struct config	*now;
	struct config		*own;		/* now, if not the first */
	const struct options	*o;		/* of the call */
	struct p2p_host		*h;
	struct dht_run		*dht;		/* or NULL */
	void			(*lock)(void), (*unlock)(void);
	pthread_t		 worker;
	pthread_mutex_t		 mtx;
	pthread_cond_t		 cond;
	struct job		*head, *tail;
	bool			 over;
};

static atomic_int log_level;
static int hangup[2] = { -1, -1 };

void
live_log_level(enum p2p_log_level level)
{
	atomic_store(&log_level, (int)level);
}

void
live_log(enum p2p_log_level level, const char *area, const char *line,
    void *arg)
{
	static const char *const names[] = { "", "error", "warn", "info",
	    "debug" };

	(void)arg;
	if ((int)level <= atomic_load(&log_level))
		fprintf(stderr, "%s: %s: %s\n", names[level], area, line);
}

static void
on_hangup(int sig)
{
	int saved = errno;
	char c = (char)sig;

	/* Full: it is readable anyway. */
	if (write(hangup[1], &c, 1) == -1)
		errno = saved;
	errno = saved;
}

void
live_signals(void)
{
	struct sigaction sa = { .sa_handler = on_hangup,
	    .sa_flags = SA_RESTART };

	if (pipe2(hangup, O_CLOEXEC | O_NONBLOCK) == -1)
		exit(tool_fail("pipe", -errno, NULL));
	sigemptyset(&sa.sa_mask);
	sigaction(SIGHUP, &sa, NULL);
}

int
live_fd(void)
{
	return hangup[0];
}

static void
free_list(char **list)
{
	for (; *list != NULL; list++)
		free(*list);
}

static void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	free_list(j->connect);
	free_list(j->dht.bootstrap);
	free_list(j->dht.provide);
	free_list(j->dht.forget);
	free(j);
}

static bool
is_in(const char *const *list, const char *text)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

/* Copies of what is in list and not in old, which may be NULL. */
static bool
added(char **out, const char *const *list, const char *const *old)
{
	for (; *list != NULL; list++)
		if ((old == NULL || !is_in(old, *list)) &&
		    (*out++ = strdup(*list)) == NULL)
			return false;
	return true;
}

/* What is to be done to get from old, or from nothing, to o. */
static struct job *
job_new(const struct options *o, const struct options *old)
{
	static const char *const none[] = { NULL };
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->any_peer = o->any_peer;
	if (added(j->connect, o->connect, old != NULL ? old->connect : NULL) &&
	    added(j->dht.bootstrap, o->dht.bootstrap, old != NULL ?
	    old->dht.bootstrap : NULL) &&
	    added(j->dht.provide, o->dht.provide, old != NULL ?
	    old->dht.provide : NULL) &&
	    added(j->dht.forget, old != NULL ? old->dht.provide : none,
	    o->dht.provide))
		return j;
	job_free(j);
	return NULL;
}

static struct job *
next_job(struct live *l)
{
	struct job *j;

	pthread_mutex_lock(&l->mtx);
	while (l->head == NULL && !l->over)
		pthread_cond_wait(&l->cond, &l->mtx);
	if ((j = l->over ? NULL : l->head) != NULL)
		l->head = j->next;
	pthread_mutex_unlock(&l->mtx);
	return j;
}

static void
add_job(struct live *l, struct job *j)
{
	pthread_mutex_lock(&l->mtx);
	if (l->head == NULL)
		l->head = j;
	else
		l->tail->next = j;
	l->tail = j;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->mtx);
}

/* One after the other; the end of the host ends the waiting. */
static void
connect_all(struct live *l, const struct job *j)
{
	struct p2p_connect_options co = { .any_peer = j->any_peer };
	struct p2p_report *report;
	size_t i;
	int e;

	for (i = 0; j->connect[i] != NULL && tool_signal() == 0; i++) {
		e = tool_connect(l->h, j->connect[i], &co, NULL, &report);
		l->lock();
		if (e != 0 && tool_signal() == 0)
			(void)tool_fail(j->connect[i], e, report);
		l->unlock();
		p2p_report_free(report);
	}
}

static void *
work(void *arg)
{
	struct live *l = arg;
	struct job *j;

	while ((j = next_job(l)) != NULL) {
		connect_all(l, j);
		dht_run_work(l->dht, &j->dht, l->lock, l->unlock);
		job_free(j);
	}
	return NULL;
}

int
live_begin(const struct options *o, struct p2p_host *h, struct dht_run *dht,
    void (*lock)(void), void (*unlock)(void), struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));
	struct job *j = l != NULL ? job_new(o, NULL) : NULL;

	if (j == NULL) {
		free(l);
		return tool_fail("connect", -ENOMEM, NULL);
	}
	*l = (struct live){ .first = o->loaded, .now = o->loaded, .o = o,
	    .h = h, .dht = dht, .lock = lock, .unlock = unlock,
	    .mtx = PTHREAD_MUTEX_INITIALIZER,
	    .cond = PTHREAD_COND_INITIALIZER };
	add_job(l, j);
	if (pthread_create(&l->worker, NULL, work, l) != 0) {
		job_free(j);
		free(l);
		return tool_fail("connect", -EAGAIN, NULL);
	}
	*out = l;
	return TOOL_OK;
}

void
live_end(struct live *l)
{
	struct job *j;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->mtx);
	l->over = true;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->mtx);
	pthread_join(l->worker, NULL);
	while ((j = l->head) != NULL) {
		l->head = j->next;
		job_free(j);
	}
	config_free(l->own);
	free(l);
}

/* A service comes or goes; it stays as it is when that cannot be done. */
static bool
serve(struct p2p_host *h, bool before, bool after, const char *id,
    int (*begin)(struct p2p_host *h))
{
	int e;

	if (before == after)
		return true;
	e = after ? begin(h) : p2p_host_unhandle(h, id);
	if (e != 0)
		(void)tool_fail(id, e, NULL);
	return e == 0;
}

/* Do at once what can be done at once; false: not this one, not now. */
static bool
apply(struct live *l, const struct known *k, const struct options *o)
{
	const struct options *old = &l->now->o;

	switch (k->val) {
	case O_CONNECT: case O_ANY:
		return true;		/* the worker's */
	case O_BOOTSTRAP: case O_PROVIDE:
		return l->dht != NULL;
	case O_DHT:
		return l->dht != NULL && o->dht.mode != NULL &&
		    dht_run_mode(l->dht, o->dht.mode);
	case O_LOG:
		live_log_level(o->log);
		return true;
	case O_SERVE:
		return serve(l->h, old->serve_echo, o->serve_echo, P2P_ECHO_ID,
		    p2p_echo_serve) &&
		    serve(l->h, old->serve_perf, o->serve_perf, P2P_PERF_ID,
		    p2p_perf_serve);
	default:
		return false;
	}
}

/* Of a key that only a start can change, the start's value is the one. */
static bool
is_live(const struct live *l, const struct known *k)
{
	switch (k->val) {
	case O_CONNECT: case O_ANY: case O_LOG: case O_SERVE:
		return true;
	case O_BOOTSTRAP: case O_PROVIDE: case O_DHT:
		return l->dht != NULL;
	default:
		return false;
	}
}

static void
show(const char *const *changed, const char *const *ignored)
{
	const char *const *p;

	if (tool_json) {
		json_begin("reloaded");
		json_array_begin("changed");
		for (p = changed; *p != NULL; p++)
			json_text(NULL, *p);
		json_array_end();
		json_array_begin("ignored");
		for (p = ignored; *p != NULL; p++)
			json_text(NULL, *p);
		json_array_end();
		json_end();
		return;
	}
	fputs("reloaded:", stderr);
	for (p = changed; *p != NULL; p++)
		fprintf(stderr, "%s %s", p > changed ? "," : "", *p);
	fprintf(stderr, "%s\n", changed[0] == NULL ? " nothing changed" : "");
	for (p = ignored; *p != NULL; p++)
		tool_say(*p, "needs a restart", NULL);
}

/* The old one goes when nobody looks at it any more. */
static void
take(struct live *l, struct config *c, struct job *j)
{
	const char *changed[NODE_KNOWN] = { NULL }, *ignored[NODE_KNOWN] =
	    { NULL };
	const struct known *k;
	size_t n = 0, m = 0;

	for (k = node_known; k->name != NULL; k++) {
		if (!known_is_key(k) || config_same(is_live(l, k) ? l->now :
		    l->first, c, k))
			continue;
		if (apply(l, k, &c->o))
			changed[n++] = k->name;
		else
			ignored[m++] = k->name;
	}
	show(changed, ignored);
	add_job(l, j);
	config_free(l->own);
	l->now = l->own = c;
}

void
live_again(struct live *l)
{
	struct options base = NODE_OPTIONS;
	struct config_error err;
	struct config *c;
	struct job *j;
	char sink[64];

	while (read(hangup[0], sink, sizeof(sink)) > 0)
		;
	base.flags = l->o->flags;
	base.config = l->o->config;
	l->lock();
	if (config_load(&base, &c, &err) != TOOL_OK) {
		(void)config_say(&err);
		if (!tool_json)
			tool_say("reload", "nothing was changed", NULL);
	} else if ((j = job_new(&c->o, &l->now->o)) == NULL) {
		config_free(c);
		(void)tool_fail("reload", -ENOMEM, NULL);
	} else {
		take(l, c, j);
	}
	l->unlock();
}
