/*
 * Peers that we go to: a thread each, which becomes the link's reader.
 */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/stream.h"
#include "tool.h"

#define OPEN_MS	10000

struct chat_call {
	TAILQ_ENTRY(chat_call)	 next;		/* [M] */
	struct chat		*chat;		/* [I] */
	pthread_t		 thread;	/* [I] */
	bool			 done;		/* [m] may be joined */
	char			 target[];	/* [I] */
};

void
chat_handle(struct p2p_stream *s, void *chat)
{
	chat_link_run(chat, s, false);
}

static bool
is_here(struct chat *c, const struct p2p_peer_id *peer)
{
	const struct chat_link *l;
	bool here = false;

	pthread_mutex_lock(&c->mtx);
	TAILQ_FOREACH(l, &c->links, next)
		here = here || (!l->ending &&
		    p2p_peer_id_equal(&l->peer, peer));
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

/* Connect and open a stream; NULL: said why, or the peer is here already. */
static struct p2p_stream *
dial(struct chat *c, const char *target)
{
	static const char *const protocols[] = { CHAT_ID, NULL };
	struct p2p_stream *s = NULL;
	struct p2p_connection conn;
	struct p2p_report *report;
	bool here = false;
	int e;

	e = tool_connect(c->host, target, NULL, &conn, &report);
	if (e == 0) {
		if (!(here = is_here(c, &conn.peer)))
			e = p2p_host_open_on(c->host, conn.number, protocols,
			    OPEN_MS, &s);
		p2p_multiaddr_free(conn.remote);
	}
	if (e != 0 && e != P2P_ERR_STOPPED) {
		pthread_mutex_lock(&c->out);
		(void)tool_fail(target, e, report);
		pthread_mutex_unlock(&c->out);
	}
	if (here)
		chat_notice(c, "%s is here already", target);
	p2p_report_free(report);
	return s;
}

static void *
run_call(void *arg)
{
	struct chat_call *call = arg;
	struct chat *c = call->chat;
	struct p2p_stream *s = dial(c, call->target);

	if (s != NULL)
		chat_link_run(c, s, true);
	else
		end_calling(c);
	p2p_stream_free(s);
	pthread_mutex_lock(&c->mtx);
	call->done = true;
	pthread_mutex_unlock(&c->mtx);
	return NULL;
}

static void
join(struct chat *c, struct chat_call *call)
{
	pthread_join(call->thread, NULL);
	TAILQ_REMOVE(&c->calls, call, next);
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

void
chat_call(struct chat *c, const char *target)
{
	struct chat_call *call = calloc(1, sizeof(*call) + strlen(target) + 1);

	join_done(c);
	if (call == NULL)
		exit(tool_fail(target, P2P_ERR_LIMIT, NULL));
	call->chat = c;
	memcpy(call->target, target, strlen(target));
	pthread_mutex_lock(&c->mtx);
	c->calling++;
	pthread_mutex_unlock(&c->mtx);
	if (pthread_create(&call->thread, NULL, run_call, call) == 0) {
		TAILQ_INSERT_TAIL(&c->calls, call, next);
		return;
	}
	end_calling(c);
	chat_notice(c, "%s: no thread for it", target);
	free(call);
}

void
chat_call_join(struct chat *c)
{
	while (!TAILQ_EMPTY(&c->calls))
		join(c, TAILQ_FIRST(&c->calls));
}
