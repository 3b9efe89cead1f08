/*
 * services/kad/kad.h -- the inside of a DHT instance.
 *
 * The cores (table, query, messages, rules, store) have no lock and no thread;
 * this is the shell around them:
 *
 *	kad.c		made, switched between its modes, ended
 *	kad_book.c	who is in the table, and where they are
 *	kad_told.c	how they are told of
 *	kad_answer.c	what a request gets
 *	kad_serve.c	requests of an inbound stream
 *	kad_ask.c	one request to one peer, over streams that are kept
 *	kad_box.c	one request to many, and their answers as they come
 *	kad_lookup.c	a look-up
 *	kad_client.c, kad_find.c	the public calls
 *	kad_keep.c	the housekeeper: probes, refresh, republish, expiry
 *
 * One lock (LOCK_SERVICE), held for look-ups and copies only.  The instance is
 * counted: requests that nobody waits for any more end by themselves, in the
 * host's threads.
 */
#ifndef KAD_H
#define KAD_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/thread.h"
#include "host/host.h"
#include "p2p/kad.h"
#include "services/kad/kad_msg.h"
#include "services/kad/kad_query.h"
#include "services/kad/kad_size.h"
#include "services/kad/kad_store.h"
#include "services/kad/kad_table.h"

#define KAD_ASK_TIMEOUT		(10 * CLOCK_S)	/* of one request: go */
#define KAD_OPEN_TIMEOUT	(5 * CLOCK_S)	/* a part of it: the stream */
/* Of one in its caller's thread, which hears of no close meanwhile. */
#define KAD_INLINE_TIMEOUT	(2 * CLOCK_S)
#define KAD_REQUESTS_MAX	128	/* under way at once */
#define KAD_CANDIDATES_MAX	256	/* that wait to be probed */
#define KAD_PROBES_MAX		16	/* at once */
#define KAD_IDLE_MAX		128	/* streams that are kept */
#define KAD_HEARD_TTL		(30 * 60 * CLOCK_S)	/* of addresses */
#define KAD_MEMBER_TTL		(3 * 3600 * CLOCK_S)	/* of the table's */
#define KAD_REFRESH_EVERY	(10 * 60 * CLOCK_S)
#define KAD_RETRY		(300 * CLOCK_S)	/* of a put that failed */
#define KAD_RULES_MAX		16

/* An inbound stream that is being served. */
struct kad_serving {
	TAILQ_ENTRY(kad_serving) link;
	struct p2p_stream	*stream;
	pthread_t		 thread;
	bool			 ending;	/* [k] was told to end */
	bool			 held;		/* [k] is being told */
};

/* An outbound stream that may be used again. */
struct kad_idle {
	TAILQ_ENTRY(kad_idle)	 link;
	struct p2p_peer_id	 peer;
	struct p2p_stream	*stream;
	uint64_t		 since;
};

/* A peer that may belong into the table. */
struct kad_candidate {
	TAILQ_ENTRY(kad_candidate) link;
	struct p2p_peer_id	 peer;
};

/* What is to be put or provided again. */
struct kad_kept {
	TAILQ_ENTRY(kad_kept)	 link;
	bool			 is_record;
	uint64_t		 due;
	size_t			 key_len, len;
	uint8_t			 bytes[];	/* key, value */
};

struct kad_box;

/*
 *	I	after p2p_kad_new()	k	holder of mtx
 *	a	atomic			K	the housekeeper
 */
struct p2p_kad {
	struct p2p_host		*host;		/* [I] outlives its jobs */
	char			*protocol;	/* [I] */
	const char		*protocols[2];	/* [I] to open */
	enum p2p_kad_reach	 reach;		/* [I] */
	enum p2p_kad_reply	 reply;		/* [I] */
	struct p2p_record_rule	 rule_list[KAD_RULES_MAX];	/* [I] */
	struct kad_rules	 rules;		/* [I] */
	struct p2p_store	*own_store;	/* [I] to be freed, or NULL */
	struct kad_store	 store;		/* [I] locks itself */
	char			 seeds[P2P_STORE_SPACE_MAX]; /* [I] a space */
	struct host_watch	 watch;
	atomic_bool		 closed;	/* [a] */
	atomic_uint		 refs;		/* [a] owner, jobs */
	struct lock		 mtx;		/* LOCK_SERVICE */
	struct cond		 changed;	/* mtx: for the housekeeper */
	struct cond		 mode_changed;	/* mtx: switch or hold ended */
	struct kad_table	*table;		/* [k] */
	struct kad_size		 size;		/* [k] */
	bool			 is_auto;	/* [k] */
	bool			 is_server;	/* [k] */
	bool			 switching;	/* [k] a thread is at it */
	TAILQ_HEAD(, kad_serving) servings;	/* [k] */
	TAILQ_HEAD(, kad_idle)	 idle;		/* [k] oldest first */
	unsigned		 nidle;		/* [k] */
	struct p2p_peer_id	 one_shot[64];	/* [k] keep no stream */
	unsigned		 next_one_shot;	/* [k] */
	TAILQ_HEAD(, kad_candidate) candidates;	/* [k] oldest first */
	unsigned		 ncandidates, probing;	/* [k] */
	TAILQ_HEAD(, kad_box)	 boxes;		/* [k] */
	unsigned		 requests;	/* [k] under way */
	struct cond		 request_done;	/* mtx */
	TAILQ_HEAD(, kad_kept)	 kept;		/* [k] */
	char			**targets;	/* [k] of bootstrap */
	size_t			 ntargets;	/* [k] */
	bool			 refresh_now;	/* [k] the table is young */
	bool			 unsaved;	/* [k] the table has changed */
	bool			 settled;	/* [k] nobody gives way now */
	struct p2p_kad_stats	 stats;		/* [k] */
	struct thread		 keeper;	/* [I] */
};

void	kad_ref(struct p2p_kad *k);
void	kad_unref(struct p2p_kad *k);

/* kad_book.c */

/* A peer's addresses that count: an array ending in NULL; NULL when none. */
struct p2p_multiaddr	**kad_book_addresses(struct p2p_kad *k,
			    const struct p2p_peer_id *peer);
/* Our own that count; NULL when none. */
struct p2p_multiaddr	**kad_book_own(struct p2p_kad *k);
/* Remember where a peer is said to be; whether one of them counts. */
bool	kad_book_heard(struct p2p_kad *k, const struct kad_contact *c,
	    uint64_t ttl);
/* It answered, with so many peers: it may enter the table. */
void	kad_book_answered(struct p2p_kad *k, const struct p2p_peer_id *peer,
	    size_t closer);
/*
 * It did not, and why: out of the table, if that says something of the peer.
 * One that answered lately may refuse a question: py does, of long keys.
 */
void	kad_book_failed(struct p2p_kad *k, const struct p2p_peer_id *peer,
	    int error);
/* Identify has heard something of a peer. */
void	kad_book_learned(void *k, const struct p2p_peer_id *peer);
/* Whether a connection to it would be missed: it is in the table. */
bool	kad_book_values(void *k, const struct p2p_peer_id *peer);
/*
 * Save the table, if it has changed or could not be saved; read it back as
 * candidates.
 */
void	kad_book_save(struct p2p_kad *k);
void	kad_book_load(struct p2p_kad *k);

/* kad_told.c */

/*
 * Append the nearest of the table, at most n of them, as kad_msg_put_closer()
 * has them, without who asks and another one (or NULL).  w->full: it is too
 * small.  Returns 0 or P2P_ERR_CRYPTO.
 */
int	kad_told_nearest(struct p2p_kad *k, struct rd key,
	    const struct p2p_peer_id *from, const struct p2p_peer_id *other,
	    size_t n, struct wr *w) MUST_CHECK;

/* kad_answer.c */

/*
 * The answer to a request, with its length in front, into w, which is empty
 * when there is none to be.  An error: the stream is to be reset.
 */
int	kad_answer(struct p2p_kad *k, const struct p2p_peer_id *from,
	    const struct kad_msg *m, struct wr *w) MUST_CHECK;

/* kad_serve.c: the handler. */
void	kad_serve(struct p2p_stream *s, void *k);

/* kad_ask.c */

/* A request, encoded once for all who get it. */
struct kad_request {
	enum kad_type	 type;
	struct rd	 key;
	struct rd	 value;		/* PUT_VALUE: to be echoed */
	struct rd	 frame;		/* the message with its length */
};

/*
 * Ask a peer, connecting if needed; the answer fits the request.  *out is empty
 * after ADD_PROVIDER.  given_up as in struct dial_options.
 */
int	kad_ask(struct p2p_kad *k, const struct p2p_peer_id *peer,
	    const struct kad_request *r, uint64_t deadline,
	    const atomic_bool *given_up, struct kad_msg *out) MUST_CHECK;
/* Streams that nobody used for so long end; 0: all. */
void	kad_ask_close_idle(struct p2p_kad *k, uint64_t age);

/* kad_box.c */

struct kad_job {
	STAILQ_ENTRY(kad_job)	 link;
	struct kad_box		*box;		/* counted until it is there */
	struct p2p_peer_id	 peer;
	struct kad_msg		 answer;
	int			 error;
	uint64_t		 time_us;
};

/*
 * Where the answers to one request come in.  Its caller alone calls these.
 * cancel may be NULL.
 */
int	kad_box_new(struct p2p_kad *k, const struct kad_say *say,
	    uint64_t deadline, struct p2p_kad_cancel *cancel,
	    struct kad_box **out) MUST_CHECK;
/* Nobody waits for the rest. */
void	kad_box_leave(struct kad_box *box);
/*
 * Ask one more peer: in a thread of the host, or in this one when there is none
 * to be had.  Waits for others of the instance only when none of this box is
 * under way; else P2P_ERR_LIMIT: wait for another answer first.
 * P2P_ERR_TIMEOUT, P2P_ERR_CLOSED as kad_box_wait().
 */
int	kad_box_ask(struct kad_box *box, const struct p2p_peer_id *peer)
	    MUST_CHECK;
/*
 * The next answer, to be freed with kad_job_free().  Returns 0,
 * P2P_ERR_NOT_FOUND (nobody was asked), P2P_ERR_TIMEOUT, P2P_ERR_CLOSED.
 */
int	kad_box_wait(struct kad_box *box, struct kad_job **out) MUST_CHECK;
void	kad_job_free(struct kad_job *job);

/* All waiters of the instance look again; k->mtx is held. */
void	kad_box_poke_all(struct p2p_kad *k);

/* kad_lookup.c */

struct kad_lookup {
	struct p2p_kad		*k;
	struct kad_say		 say;		/* to everybody */
	struct rd		 target;	/* bytes to be hashed */
	bool			 follow_up;	/* the result is to be alive */
	const struct p2p_peer_id *seeds;	/* NULL: of the table */
	size_t			 nseeds;
	const struct p2p_kad_options *o;	/* not NULL */
	uint64_t		 deadline;
	/*
	 * Told of each answer; false: it is enough.  The answer may be emptied.
	 */
	bool			(*answered)(struct kad_lookup *l,
				    const struct p2p_peer_id *peer,
				    struct kad_msg *answer);
	void			*arg;
	/* What came out. */
	struct p2p_peer_id	 closest[KAD_K];
	size_t			 nclosest;
	struct p2p_kad_result	*result;	/* not NULL */
	/* The look-up's own. */
	struct kad_key		 key;
	struct kad_query	*query;
	struct kad_box		*box;
	struct kad_contact	*heard;		/* of peers not asked yet */
	size_t			 nheard, heard_cap;
	bool			 enough;
	int			 error;		/* of ours, or a cancel */
};

int	kad_lookup_run(struct kad_lookup *l) MUST_CHECK;

/* Tell whoever called; false: the call ends. */
bool	kad_tell(const struct p2p_kad_options *o,
	    const struct p2p_kad_event *ev);

/* kad_client.c */

/* What each public call begins and ends with. */
struct kad_call {
	struct p2p_kad			*k;
	struct p2p_kad_options		 o;
	struct p2p_kad_result		*result, none;
	uint64_t			 begun, deadline;
};
int	kad_call_begin(struct kad_call *c, struct p2p_kad *k,
	    const struct p2p_kad_options *o, struct p2p_kad_result *result);
int	kad_call_end(struct kad_call *c, int error);
struct p2p_kad_cancel;
bool	kad_is_cancelled(const struct p2p_kad_cancel *cancel);

/* Put or provide again, from the housekeeper. */
int	kad_again(struct p2p_kad *k, const struct kad_kept *kept);

/* kad_find.c: the nearest that answer, as calls see it. */
int	kad_find_closest(struct kad_call *c, struct rd target,
	    struct kad_lookup *l);
/* Ourselves, then each bucket that was not refreshed for so long. */
int	kad_refresh(struct kad_call *c, uint64_t age);
void	kad_free_targets(char **list, size_t n);

/* kad_keep.c */
void	kad_keep_run(void *k);

/* kad.c: become a server, if the mode is still automatic. */
int	kad_serve_now(struct p2p_kad *k);

#endif
