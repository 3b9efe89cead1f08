/*
 * tools/chat.h -- the parts of p2p-chat.
 *
 * Who runs: the main thread reads stdin, and it alone prints what was handed
 * over; each link has a reader (the handler's thread, or one of ours for a
 * peer that we called) and a writer of its own.  Nobody writes to a peer while
 * holding a lock, so a peer that does not read holds up its own writer alone.
 *
 * Who may touch a member:
 *	I	nobody writes it after the beginning
 *	m	holder of chat.mtx	M	the main thread alone
 *	o	holder of chat.out, which comes before mtx
 */
#ifndef TOOLS_CHAT_H
#define TOOLS_CHAT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "p2p/peer_id.h"

struct p2p_host;
struct p2p_stream;

#define CHAT_ID			"/chat/1.0.0"
#define CHAT_LINE_MAX		4096	/* bytes of a message */
#define CHAT_QUEUE_MESSAGES	1024	/* that wait for one peer */
#define CHAT_QUEUE_BYTES	(256 * 1024)
#define CHAT_NICK_MAX		64	/* bytes */
#define CHAT_PEER_LINKS		4	/* more streams of a peer are reset */

/* A line of ours.  It lives until the main thread has seen its end. */
struct chat_message {
	TAILQ_ENTRY(chat_message) next;	/* [m] in chat.said */
	unsigned	 pending;	/* [m] who has it still */
	bool		 got;		/* [m] a peer was handed it */
	size_t		 len;		/* [I] with the newline */
	char		 text[];	/* [I] */
};

struct chat_item {
	STAILQ_ENTRY(chat_item)	 next;
	struct chat_message	*m;
};

struct chat_queue {
	STAILQ_HEAD(, chat_item) items;
	size_t			 n, bytes;
};

/* A stream to a peer, on its reader's stack. */
struct chat_link {
	TAILQ_ENTRY(chat_link)	 next;		/* [m] */
	struct chat		*chat;		/* [I] */
	struct p2p_stream	*s;		/* [I] */
	struct p2p_peer_id	 peer;		/* [I] */
	char			 name[P2P_PEER_ID_TEXT_MAX];	/* [I] */
	pthread_t		 writer;	/* [I] */
	pthread_cond_t		 work;		/* something for the writer */
	struct chat_queue	 queue;		/* [m] */
	unsigned		 held;		/* [m] others that use s */
	bool			 ending;	/* [m] nothing more is queued */
	int			 error;		/* [m] why no more is written */
};

struct chat_call;

struct chat {
	pthread_mutex_t		 mtx;
	pthread_mutex_t		 out;		/* stdout and talk */
	struct p2p_host		*host;		/* [I] */
	bool			 pipe;		/* [I] no terminal */
	double			 linger;	/* [I] seconds */
	char			 self[P2P_PEER_ID_TEXT_MAX];	/* [I] */
	char			 nick[CHAT_NICK_MAX + 1];	/* [o] */
	int			 wake[2];	/* [I] for the main thread */
	TAILQ_HEAD(, chat_link)	 links;		/* [m] */
	TAILQ_HEAD(, chat_message) said;	/* [m] not shown yet */
	struct chat_queue	 kept;		/* [m] nobody was there */
	TAILQ_HEAD(, chat_call)	 calls;		/* [M] */
	unsigned		 calling;	/* [m] not ended yet */
	bool			 patient;	/* [m] wait for a first peer */
	bool			 ending;	/* [m] all was said */
	bool			 lost;		/* [m] one reached not all */
};

void	chat_wake(struct chat *c);	/* the main thread looks again */

/*
 * chat_link.c: talk over a stream until the peer's half ends.  called: it was
 * one of c->calling until now.
 */
void	chat_link_run(struct chat *c, struct p2p_stream *s, bool called);

/* A handler of CHAT_ID, and one more peer to go to: chat_call.c. */
void	chat_handle(struct p2p_stream *s, void *chat);
void	chat_call(struct chat *c, const char *target);
void	chat_call_join(struct chat *c);

/*
 * chat_queue.c: one line for everybody who is there, or for the first to come.
 * The main thread's, as are the rest here.
 */
void	chat_say(struct chat *c, const char *text, size_t len);
/* A queue is full; one is not even half empty. */
bool	chat_is_full(struct chat *c);
bool	chat_is_behind(struct chat *c);
/* Reset whoever is not half empty. */
void	chat_drop_slow(struct chat *c);
/* Show what was handed over, and forget it. */
void	chat_report(struct chat *c);
/* What is still kept is lost. */
void	chat_drop_kept(struct chat *c);
/* End our half of all links as soon as their queues are empty. */
void	chat_end(struct chat *c);

/* With mtx held. */
bool	chat_put(struct chat_queue *q, struct chat_message *m);
struct chat_message	*chat_take(struct chat_queue *q);
void	chat_move(struct chat_queue *from, struct chat_queue *to);
void	chat_settle(struct chat *c, struct chat_message *m, bool handed);

/* chat_input.c: until the end of stdin, /quit or a signal; then the rest. */
void	chat_input(struct chat *c);
void	chat_finish(struct chat *c);

/*
 * chat_lines.c: bytes to lines.  A carriage return before the newline is
 * dropped.  Put bytes at chat_lines_space(), which is never 0 bytes, after
 * chat_lines_next() has returned -1.
 */
struct chat_lines {
	char	buf[CHAT_LINE_MAX + 2];
	size_t	from, have;
};

char	*chat_lines_space(struct chat_lines *l, size_t *cap);
/*
 * The length of the next line, at *line until the next call, or -1.  A line
 * that is too long comes in pieces, cut between characters; *whole is false for
 * all but the last.  end: nothing more will come.
 */
ssize_t	chat_lines_next(struct chat_lines *l, bool end, const char **line,
	    bool *whole);

/* chat_show.c: events or lines.  They take out, unless said otherwise. */
void	chat_notice(struct chat *c, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));
void	chat_show_peer(const struct chat_link *l, bool here, int reason);
						/* [o] */
void	chat_show_message(struct chat *c, const struct chat_link *from,
	    const char *text, size_t len);	/* NULL: ours */
const char	*chat_tail(const char *peer);
bool	chat_nick(struct chat *c, const char *name);	/* false: no good */

#endif
