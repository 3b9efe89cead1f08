/*
 * Peers that we go to: a thread each, which becomes the link's reader, and
 * goes again when the peer has gone.  Pauses double from PAUSE_MIN_S to
 * PAUSE_MAX_S, give or take a fifth so that many do not come back at once; a
 * link that held for a while makes them short again.  A call that cannot ever
 * succeed ends, and so does each ping after its answer.
 */
#include "chat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"
#include "p2p/stream.h"
#include "tool.h"

#define OPEN_MS		10000
#define PING_MS		5000
#define PAUSE_MIN_S	1.0
#define PAUSE_MAX_S	60.0
#define HELD_S		10		/* a link that counts */

struct chat_call {
	TAILQ_ENTRY(chat_call)	 next;		/* [M] */
	struct chat		*chat;		/* [I] */
	pthread_t		 thread;	/* [I] */
	struct p2p_peer_id	 peer;		/* [m] once known */
	bool			 known;		/* [m] */
	bool			 done;		/* [m] may be joined */
	bool			 missing;	/* [m] it is not there */
	bool			 hurry;		/* [m] now, says the user */
	unsigned		 tries;		/* [m] since it was there */
	double			 at;		/* [m] of the next try */
	double			 pause;		/* the thread's own */
	char			 target[];	/* [I] "": a ping */
};

void
chat_handle(struct p2p_stream *s, void *chat)
{
	chat_link_run(chat, s, false);
}

static bool
is_here(struct chat *c, const struct p2p_peer_id *peer)
{
	bool here;

	pthread_mutex_lock(&c->mtx);
	here = chat_peer_is_here(c, peer);
	pthread_mutex_unlock(&c->mtx);
	return here;
}

static void
end_calling(struct chat *c)
{
	pthread_mutex_lock(&c->mtx);
	c->calling--;
	pthread_mutex_unlock(&c->mtx);
	chat_wake(c);
}

/* It will be no better another time. */
static bool
is_final(int e)
{
	switch (e) {
	case P2P_ERR_FORMAT:
	case P2P_ERR_TOO_LARGE:
	case P2P_ERR_NO_PEER:
	case P2P_ERR_NO_ADDRESS:
	case P2P_ERR_NO_PROTOCOL:
	case P2P_ERR_SELF:
	case P2P_ERR_STOPPED:
	case P2P_ERR_UNSUPPORTED:
	case P2P_ERR_WRONG_PEER:
		return true;
	default:
		return false;
	}
}

static void
learn_peer(struct chat_call *call, const struct p2p_peer_id *peer)
{
	pthread_mutex_lock(&call->chat->mtx);
	call->peer = *peer;
	call->known = true;
	pthread_mutex_unlock(&call->chat->mtx);
}

/*
 * Connect and open a stream.  *here: no need to, the peer is.  Only the first
 * of several failures is told.
 */
static int
dial(struct chat_call *call, bool tell, struct p2p_stream **s, bool *here)
{
	static const char *const protocols[] = { CHAT_ID, NULL };
	struct chat *c = call->chat;
	struct p2p_connection conn;
	struct p2p_report *report;
	int e;

	*s = NULL;
	*here = false;
	e = tool_connect(c->host, call->target, NULL, &conn, &report);
	if (e == 0) {
		learn_peer(call, &conn.peer);
		if (!(*here = is_here(c, &conn.peer)))
			e = p2p_host_open_on(c->host, conn.number, protocols,
			    OPEN_MS, s);
		p2p_multiaddr_free(conn.remote);
	}
	if (e != 0 && e != P2P_ERR_STOPPED && (tell || is_final(e)))
		chat_failed(c, call->target, e, report);
	p2p_report_free(report);
	return e;
}

static void
set_missing(struct chat_call *call, bool missing)
{
	pthread_mutex_lock(&call->chat->mtx);
	call->missing = missing;
	call->tries = missing ? call->tries + 1 : 0;
	pthread_mutex_unlock(&call->chat->mtx);
	chat_wake(call->chat);
}

static double
jitter(double seconds)
{
	uint16_t r = 0;

	(void)!getrandom(&r, sizeof(r), GRND_NONBLOCK);
	return seconds * (0.8 + 0.4 * r / UINT16_MAX);
}

/* mtx is held.  false: all is over. */
static bool
sleep_until(struct chat_call *call, double until)
{
	struct chat *c = call->chat;
	struct timespec ts = { (time_t)until,
	    (long)((until - (double)(time_t)until) * 1e9) };

	while (!c->ending && !call->hurry && tool_now() < until &&
	    !(call->known && chat_peer_is_here(c, &call->peer)))
		(void)pthread_cond_timedwait(&c->again, &c->mtx, &ts);
	call->hurry = false;
	return !c->ending;
}

/* Until it is time to go again, which it is when the peer is not here. */
static bool
wait_again(struct chat_call *call)
{
	struct chat *c = call->chat;
	bool go;

	pthread_mutex_lock(&c->mtx);
	while (!c->ending && call->known && chat_peer_is_here(c, &call->peer)) {
		call->missing = false;
		pthread_cond_wait(&c->again, &c->mtx);
	}
	call->missing = !c->ending;
	call->at = tool_now() + jitter(call->pause);
	go = sleep_until(call, call->at);
	pthread_mutex_unlock(&c->mtx);
	call->pause = call->pause * 2 < PAUSE_MAX_S ? call->pause * 2 :
	    PAUSE_MAX_S;
	return go;
}

/* One try; how it ended. */
static int
talk(struct chat_call *call, bool first, bool *told)
{
	struct chat *c = call->chat;
	struct p2p_stream *s;
	double began;
	bool here;
	int e = dial(call, first || !*told, &s, &here);

	if (s != NULL) {
		set_missing(call, false);
		began = tool_now();
		chat_link_run(c, s, first);
		p2p_stream_free(s);
		if (tool_now() - began >= HELD_S)
			call->pause = PAUSE_MIN_S;
		*told = false;
		return 0;
	}
	if (here && first)
		chat_notice(c, "%s is here already", call->target);
	if (first)
		end_calling(c);
	if (e != 0 && !is_final(e)) {
		set_missing(call, true);
		if (!*told)
			chat_notice(c, "%s: will try again, every 1 to 60 s",
			    call->target);
		*told = true;
	}
	return e;
}

static void
finish(struct chat_call *call)
{
	pthread_mutex_lock(&call->chat->mtx);
	call->missing = false;
	call->done = true;
	pthread_mutex_unlock(&call->chat->mtx);
	chat_wake(call->chat);
}

static void *
run_call(void *arg)
{
	struct chat_call *call = arg;
	bool first = true, told = false;

	call->pause = PAUSE_MIN_S;
	do {
		if (is_final(talk(call, first, &told)))
			break;
		first = false;
	} while (wait_again(call));
	finish(call);
	return NULL;
}

static void *
run_ping(void *arg)
{
	struct chat_call *call = arg;
	char name[P2P_PEER_ID_TEXT_MAX];
	uint64_t us;
	int e;

	p2p_peer_id_text(&call->peer, name);
	if ((e = p2p_ping(call->chat->host, &call->peer, PING_MS, &us)) == 0)
		chat_notice(call->chat, "ping %s: %.2f ms", chat_tail(name),
		    (double)us / 1e3);
	else if (e != P2P_ERR_STOPPED)
		chat_notice(call->chat, "ping %s: %s", chat_tail(name),
		    p2p_strerror(e));
	finish(call);
	return NULL;
}

static void
join(struct chat *c, struct chat_call *call)
{
	pthread_join(call->thread, NULL);
	TAILQ_REMOVE(&c->calls, call, next);
	c->calls_n--;
	free(call);
}

/* Those that are over, so that their number stays small. */
static void
join_done(struct chat *c)
{
	struct chat_call *call, *next;
	bool done;

	for (call = TAILQ_FIRST(&c->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, next);
		pthread_mutex_lock(&c->mtx);
		done = call->done;
		pthread_mutex_unlock(&c->mtx);
		if (done)
			join(c, call);
	}
}

/* A thread for it, or a notice why there is none. */
static bool
start(struct chat *c, const char *target, const struct p2p_peer_id *peer)
{
	struct chat_call *call;
	size_t len = strlen(target);

	join_done(c);
	call = c->calls_n < CHAT_CALLS_MAX ?
	    calloc(1, sizeof(*call) + len + 1) : NULL;
	if (call == NULL) {
		chat_notice(c, "%s: too many calls", target);
		return false;
	}
	call->chat = c;
	memcpy(call->target, target, len);
	if (peer != NULL)
		call->peer = *peer;
	if (pthread_create(&call->thread, NULL, peer != NULL ? run_ping :
	    run_call, call) != 0) {
		chat_notice(c, "%s: no thread for it", target);
		free(call);
		return false;
	}
	TAILQ_INSERT_TAIL(&c->calls, call, next);
	c->calls_n++;
	return true;
}

/* One that waits to go there again goes now; NULL: there is none. */
static const char *
hurry(struct chat *c, const char *target)
{
	const char *state = NULL;
	struct chat_call *call;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(call, &c->calls, next) {
		if (call->done || strcmp(call->target, target) != 0)
			continue;
		call->hurry = call->missing;
		state = call->missing ? "trying now" : call->known ?
		    "is here already" : "is being called";
	}
	pthread_cond_broadcast(&c->again);
	pthread_mutex_unlock(&c->mtx);
	return state;
}

void
chat_call(struct chat *c, const char *target)
{
	const char *state = hurry(c, target);

	if (state != NULL) {
		chat_notice(c, "%s %s", target, state);
		return;
	}
	pthread_mutex_lock(&c->mtx);
	c->calling++;
	pthread_mutex_unlock(&c->mtx);
	if (!start(c, target, NULL))
		end_calling(c);
}

void
chat_call_ping(struct chat *c, const struct p2p_peer_id *peer)
{
	(void)start(c, "", peer);
}

void
chat_call_join(struct chat *c)
{
	while (!TAILQ_EMPTY(&c->calls))
		join(c, TAILQ_FIRST(&c->calls));
}

unsigned
chat_call_missing(struct chat *c)
{
	const struct chat_call *call;
	unsigned n = 0;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(call, &c->calls, next)
		n += call->missing;
	pthread_mutex_unlock(&c->mtx);
	return n;
}

unsigned
chat_call_list(struct chat *c)
{
	const struct chat_call *call;
	unsigned n = 0, tries;
	double left;
	bool missing;

	TAILQ_FOREACH(call, &c->calls, next) {
		pthread_mutex_lock(&c->mtx);
		missing = call->missing;
		tries = call->tries;
		left = call->at - tool_now();
		pthread_mutex_unlock(&c->mtx);
		if (!missing)
			continue;
		chat_notice(c, "reconnecting %s, tried %u times, again in "
		    "%.0f s", call->target, tries, left > 0 ? left : 0);
		n++;
	}
	return n;
}
