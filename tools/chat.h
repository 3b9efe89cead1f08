/*
 * tools/chat.h -- the parts of p2p-chat.
 *
 * The core knows no terminal: peers, commands, queues, calls.  It tells what
 * happens as events, and a front shows them: a pipe, JSON, or a terminal.
 *
 * Who runs: the main thread reads what the user says, runs the commands, and
 * alone touches a terminal; each link has a reader (the handler's thread, or
 * one of ours for a peer that we called) and a writer of its own; each call has
 * a thread, which is also its link's reader, and so has each /ping.  Nobody
 * writes to a peer while holding a lock, so a peer that does not read holds up
 * its own writer alone.  A reader whose event finds no room waits for the main
 * thread, and its peer for it.
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
#include <time.h>

#include "chat_frame.h"
#include "p2p/peer_id.h"

struct p2p_host;
struct p2p_report;
struct p2p_stream;

#define CHAT_ID			"/chat/1.0.0"
#define CHAT_QUEUE_MESSAGES	1024	/* that wait for one peer */
#define CHAT_QUEUE_BYTES	(256 * 1024)
#define CHAT_NICK_MAX		64	/* bytes */
#define CHAT_PEER_LINKS		4	/* more streams of a peer are reset */
#define CHAT_PEERS_KEPT		256	/* that have gone and have no nick */
#define CHAT_CALLS_MAX		64	/* that go on at a time, pings too */
#define CHAT_EVENTS_MAX		256	/* that wait for the main thread */
#define CHAT_KEPT_S		60	/* a message nobody is there for */
#define CHAT_FLOOD_MESSAGES	20	/* of a peer on a terminal, in */
#define CHAT_FLOOD_S		10
#define CHAT_LABEL_MAX		(CHAT_NICK_MAX + 16)	/* "nick·SQxZiS" */

/* A line of ours.  It lives until the main thread has seen its end. */
struct chat_message {
	TAILQ_ENTRY(chat_message) next;	/* [m] in chat.said */
	unsigned	 pending;	/* [m] who has it still */
	bool		 got;		/* [m] a peer was handed it */
	bool		 sent;		/* [M] somebody was there */
	bool		 shown;		/* [M] at once, on a terminal */
	double		 until;		/* [I] kept no longer; 0: for ever */
	char		 to[P2P_PEER_ID_TEXT_MAX];	/* [I] "": everybody */
	size_t		 action;	/* [I] bytes of "* nick " before it */
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

/* How much a peer says: windows of CHAT_FLOOD_S. */
struct chat_meter {
	double		 since;
	unsigned	 n;		/* in this window */
	unsigned long	 hidden;	/* since it was muted */
	bool		 muted;
};

/* What is remembered of a peer, in chat.peers, last seen first. */
struct chat_peer {
	TAILQ_ENTRY(chat_peer)	 next;		/* [m] */
	struct p2p_peer_id	 id;		/* [I] */
	char			 name[P2P_PEER_ID_TEXT_MAX];	/* [I] */
	char			 nick[CHAT_NICK_MAX + 1];	/* [m] */
	unsigned		 links;		/* [m] it stays as long */
	struct chat_meter	 meter;		/* [m] */
};

/* A stream to a peer, on its reader's stack. */
struct chat_link {
	TAILQ_ENTRY(chat_link)	 next;		/* [m] */
	struct chat		*chat;		/* [I] */
	struct p2p_stream	*s;		/* [I] */
	struct p2p_peer_id	 peer;		/* [I] */
	char			 name[P2P_PEER_ID_TEXT_MAX];	/* [I] */
	struct chat_peer	*who;		/* [I] once it has joined */
	enum chat_framing	 framing;	/* [m] the peer's */
	pthread_t		 writer;	/* [I] */
	pthread_cond_t		 work;		/* something for the writer */
	struct chat_queue	 queue;		/* [m] */
	unsigned		 held;		/* [m] others that use s */
	bool			 ending;	/* [m] nothing more is queued */
	int			 error;		/* [m] why no more is written */
};

struct chat_call;
struct chat_posted;

/* What a front shows.  All is borrowed for the call. */
enum chat_kind {
	CHAT_NOTICE,		/* text */
	CHAT_INVITE,		/* text: the address */
	CHAT_JOINED,		/* peer, nick, address */
	CHAT_LEFT,		/* peer, nick, reason */
	CHAT_MESSAGE,		/* peer, nick, text, to, ours, action */
};

struct chat_event {
	enum chat_kind	 kind;
	time_t		 at;
	const char	*peer;		/* an id */
	const char	*nick;		/* "": none */
	const char	*address;
	const char	*to;		/* an id; "": everybody */
	const char	*text;		/* as it came; may hold zeros */
	size_t		 len;
	size_t		 action;	/* bytes before what is done */
	int		 reason;
	bool		 ours;
};

/* What a terminal is told from outside. */
#define CHAT_RESIZED	1u
#define CHAT_SUSPEND	2u
#define CHAT_CONTINUED	4u	/* somebody else had the terminal */

/*
 * A front.  show is for those where any thread may print, out is held; with
 * NULL there, events are posted to the main thread, which calls draw for each
 * and drawn after the last.  What else is NULL is not needed.
 */
struct chat_front {
	bool	  terminal;	/* somebody looks at it and types */
	bool	  commands;	/* a line that begins with a slash is one */
	bool	(*begin)(struct chat *c);	/* false: it cannot */
	void	(*end)(struct chat *c);
	void	(*show)(struct chat *c, const struct chat_event *e);
	void	(*draw)(struct chat *c, const struct chat_event *e);
	void	(*drawn)(struct chat *c);
	void	(*told)(struct chat *c, unsigned what);
	void	(*clear)(struct chat *c);
	void	(*input)(struct chat *c);
};

extern const struct chat_front chat_pipe, chat_json, chat_plain;
/* NULL: not in this build. */
extern const struct chat_front *const chat_line, *const chat_screen;

struct chat {
	pthread_mutex_t		 mtx;
	pthread_mutex_t		 out;		/* what is shown */
	pthread_mutex_t		 turn;		/* main's, but while it waits */
	pthread_cond_t		 again;		/* calls: look again */
	pthread_cond_t		 room;		/* in posted */
	struct p2p_host		*host;		/* [I] */
	const struct chat_front	*front;		/* [I] */
	pthread_t		 main;		/* [I] */
	double			 linger;	/* [I] seconds */
	enum chat_framing	 framing;	/* [I] unknown: as they do */
	char			 self[P2P_PEER_ID_TEXT_MAX];	/* [I] */
	char			 nick[CHAT_NICK_MAX + 1];	/* [o] */
	int			 wake[2];	/* [I] for the main thread */
	bool			 leaving;	/* main: a signal is no news */
	STAILQ_HEAD(, chat_posted) posted;	/* [o] for draw */
	size_t			 posted_n;	/* [o] */
	bool			 closed;	/* [o] nothing more is shown */
	TAILQ_HEAD(, chat_link)	 links;		/* [m] */
	TAILQ_HEAD(chat_peers, chat_peer) peers;		/* [m] */
	unsigned		 peers_n;	/* [m] */
	unsigned		 muted;		/* [m] of them */
	TAILQ_HEAD(, chat_message) said;	/* [m] not shown yet */
	struct chat_queue	 kept;		/* [m] nobody was there */
	TAILQ_HEAD(, chat_call)	 calls;		/* [M] */
	unsigned		 calls_n;	/* [M] */
	unsigned		 calling;	/* [m] not ended yet */
	bool			 patient;	/* [m] wait for a first peer */
	bool			 ending;	/* [m] all was said */
	bool			 lost;		/* [m] one reached not all */
	bool			 refused;	/* [m] one was too long */
};

void	chat_wake(struct chat *c);	/* the main thread looks again */

/*
 * chat_link.c: talk over a stream until the peer's half ends.  called: it was
 * one of c->calling until now.
 */
void	chat_link_run(struct chat *c, struct p2p_stream *s, bool called);

/*
 * chat_call.c: a handler of CHAT_ID; one more peer to go to, and to go to again
 * whenever it has gone; a ping, whose time is a notice.
 */
void	chat_handle(struct p2p_stream *s, void *chat);
void	chat_call(struct chat *c, const char *target);
void	chat_call_ping(struct chat *c, const struct p2p_peer_id *peer);
void	chat_call_join(struct chat *c);
/* A notice for each that is not there; how many. */
unsigned	chat_call_list(struct chat *c);
unsigned	chat_call_missing(struct chat *c);

/*
 * chat_peer.c: who was here.  With mtx held; found returns NULL when the peer
 * is not known.
 */
struct chat_peer	*chat_peer_get(struct chat *c,
			    const struct p2p_peer_id *id);
struct chat_peer	*chat_peer_found(struct chat *c,
			    const struct p2p_peer_id *id);
bool	chat_peer_is_here(struct chat *c, const struct p2p_peer_id *id);
unsigned	chat_peer_count(struct chat *c);

/*
 * Whom a word of the user's means: a nick, the end of a peer id of four
 * characters or more, both, or the id; an end only when nothing else fits.
 * Locks mtx.  *out is a copy.  false: said why in a notice.
 */
bool	chat_peer_named(struct chat *c, const char *word,
	    struct chat_peer *out);
/* Another's nick, on our screen; false: nobody knows that peer. */
bool	chat_peer_nick(struct chat *c, const struct p2p_peer_id *id,
	    const char *nick);
/* It is another's id, or the end of it. */
bool	chat_peer_is_id(struct chat *c, const struct p2p_peer_id *id,
	    const char *nick);
/* Somebody else than id (NULL: us) goes by that nick. */
bool	chat_peer_same_nick(struct chat *c, const struct p2p_peer_id *id,
	    const char *nick);
/* One that is muted no more is said to be; the main thread's. */
void	chat_peer_tick(struct chat *c);

/* One more message now; false: it is hidden, *first as the first. */
bool	chat_meter_add(struct chat_meter *m, double now, bool *first);
/* It has been quiet: muted no more. */
bool	chat_meter_over(struct chat_meter *m, double now);

/*
 * chat_queue.c: one line for everybody who is there, or for the first to come.
 * The main thread's, as are the rest here.
 */
void	chat_say(struct chat *c, const char *text, size_t len, size_t action);
/* For one peer; false: it is not here. */
bool	chat_say_to(struct chat *c, const struct chat_peer *to,
	    const char *text, size_t len);
/* A queue is full; one is not even half empty. */
bool	chat_is_full(struct chat *c);
bool	chat_is_behind(struct chat *c);
/* Reset whoever is not half empty. */
void	chat_drop_slow(struct chat *c);
/* Show what was handed over, and forget it. */
void	chat_report(struct chat *c);
/* What is still kept is lost: all of it, or what was kept long enough. */
void	chat_drop_kept(struct chat *c);
unsigned	chat_drop_old(struct chat *c, double now);
double	chat_kept_s(const struct chat *c);
/* End our half of all links as soon as their queues are empty. */
void	chat_end(struct chat *c);

/* With mtx held. */
bool	chat_put(struct chat_queue *q, struct chat_message *m);
struct chat_message	*chat_take(struct chat_queue *q);
void	chat_move(struct chat_queue *from, struct chat_queue *to);
void	chat_settle(struct chat *c, struct chat_message *m, bool handed);

/*
 * chat_input.c: until the end of stdin, /quit or a signal; then the rest.
 * chat_wait() waits for until (less than 0: for ever) or less: for input (then
 * true), a signal, news; it shows what there is to show.
 */
bool	chat_wait(struct chat *c, double until, bool input);
/* Before a message: a peer that does not keep up is no peer for long. */
void	chat_make_room(struct chat *c);
void	chat_input(struct chat *c);
/* One line of the user's, without its end; false: leave. */
bool	chat_take_line(struct chat *c, const char *line, size_t len);
void	chat_finish(struct chat *c);

/*
 * chat_command.c: a line that begins with a slash; false: leave.  Text of at
 * most CHAT_LINE_MAX bytes.
 */
bool	chat_command(struct chat *c, const char *line, size_t len);
/*
 * What a Tab after these bytes adds, as text in out: "" when nothing is
 * certain.  Then the choices are in a notice, if there are any.
 */
void	chat_complete(struct chat *c, const char *before, size_t len,
	    char *out, size_t cap);

/* chat_event.c: what happens, to the front.  They take out, unless said. */
void	chat_notice(struct chat *c, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));
void	chat_invite(struct chat *c, const char *address);
void	chat_failed(struct chat *c, const char *what, int error,
	    const struct p2p_report *report);
/* out is held. */
void	chat_show_peer(struct chat_link *l, bool here, int reason);
/* The next event does not wait; out is held, and given up until then. */
void	chat_room(struct chat *c);
						/* [o] */
void	chat_show_message(struct chat_link *from, const char *text,
	    size_t len);
void	chat_show_ours(struct chat *c, const struct chat_message *m);
/* The main thread draws what was posted. */
void	chat_drain(struct chat *c);
/* The front is at its end; nobody waits for it any more. */
void	chat_close(struct chat *c);
const char	*chat_tail(const char *peer);
bool	chat_is_nick(const char *name);
bool	chat_nick(struct chat *c, const char *name);	/* false: no good */

/*
 * chat_text.c: for terminals.  label: the nick and the tail of the id, always;
 * the separator is ASCII where the terminal is.
 */
char	*chat_label(const char *peer, const char *nick,
	    char out[CHAT_LABEL_MAX]);
/* An event as two texts, which are cleaned and which the caller frees. */
struct chat_words {
	char	 time[8];	/* "HH:MM" */
	char	*who;		/* "<alice·SQxZiS>", "-!-", ... */
	char	*text;
	int	 colour;	/* of who: 0 none, else from 1 */
	bool	 copied;	/* ours alone, and whole when it is copied */
};
bool	chat_words(const struct chat_event *e, struct chat_words *out);
void	chat_words_free(struct chat_words *w);
/* The same for a text alone; NULL: no memory. */
char	*chat_clean(const char *text, size_t len);
#define CHAT_COLOURS	12
extern const unsigned char chat_palette[CHAT_COLOURS];	/* of 256 */
extern const unsigned char chat_basic[CHAT_COLOURS];	/* of 8 */

/*
 * chat_term.c: the terminal as it was found.  save is called before anything
 * changes it, restore after; in between, whatever ends the process restores it.
 * leave is what to write to the terminal then, may be "".
 */
bool	chat_term_save(struct chat *c, const char *leave);
void	chat_term_restore(void);
/* What ^S has stopped goes on: for the end. */
void	chat_term_flow(void);
/* That has been written. */
void	chat_term_left(void);
/* CHAT_RESIZED and so on, since the last call. */
unsigned	chat_term_told(void);
/* Stop, as SIGTSTP does; returns when continued. */
void	chat_term_stop(void);
bool	chat_term_is_utf8(void);

#endif
