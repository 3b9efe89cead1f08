/*
 * muxer/mplex_state.h -- what an mplex session and its streams remember; for
 * mplex.c and mplex_stream.c alone.
 */
#ifndef MUXER_MPLEX_STATE_H
#define MUXER_MPLEX_STATE_H

#include <sys/queue.h>

#include "crypto/hash.h"

/* Ids are the peer's choice. */
#define HASH_FUNCTION(key, len, out)	((out) = hash_keyed((key), (len)))
#include "base/bucket.h"
#include "base/table.h"
#include "muxer/mplex_frame.h"
#include "muxer/muxer.h"

#define MPLEX_QUEUE	(256u * 1024)	/* bytes a stream may hold unread */
#define MPLEX_QUEUES	(2048u * 1024)	/* and all of a connection */
#define MPLEX_STALL	(500 * CLOCK_MS)	/* full, and nothing is taken */
#define MPLEX_REFUSED_MAX	256	/* refused ids that await their reset */

struct stream {
	struct mux_stream base;		/* first, see muxer.h */
	UT_hash_handle	 hh;
	TAILQ_ENTRY(stream) all, head, tail;
	uint64_t	 key;		/* mplex_key() */
	size_t		 held;		/* delivered, not consumed */
	uint64_t	 taken;		/* when something was consumed */
	uint32_t	 discarded;	/* bytes since release */
	uint64_t	 linger;	/* reset at this time; 0: no */
	bool		 ours;
	bool		 in_table;
	bool		 on_head, on_tail;
	bool		 syn;		/* NewStream, to send, head */
	bool		 fin, rst;	/* to send, tail */
	bool		 local_done;	/* finish() was called */
	bool		 remote_done;	/* Close received */
	bool		 reset;		/* by either side */
	bool		 released;
	bool		 stalled;	/* reset by tick(), the user not told */
	bool		 forgiven;	/* mplex_expect_late() was called */
};

struct mux {
	struct mux_params p;
	uint64_t	 now;		/* the last time heard of */
	struct stream	*table;		/* by key */
	struct stream	*last;		/* found in it: frames come in rows */
	TAILQ_HEAD(, stream) all;	/* those that have left, too */
	TAILQ_HEAD(, stream) head, tail;
	uint64_t	 next_id;	/* of ours */
	uint64_t	 end_in;	/* above the highest id of the peer's */
	unsigned	 n_in, n_out, n_stalled;
	size_t		 held;		/* of all streams */
	unsigned	 n_over;	/* streams that hold too much */
	bool		 full;
	uint64_t	 full_since;
	uint64_t	 late_bytes;	/* may come for streams that left */
	uint64_t	 late_ends;	/* and so many Closes or Resets */
	uint8_t		 buf[MPLEX_HDR_MAX];
	size_t		 buf_len;
	struct mplex_hdr hdr;		/* the frame whose body comes */
	uint32_t	 body_left;
	uint64_t	 frame_due;	/* 0: between frames */
	struct bucket	 glitches;
	unsigned	 owed;		/* tokens, at the next NewStream */
	uint64_t	 refused[MPLEX_REFUSED_MAX];
	unsigned	 n_refused;
	bool		 goaway;
};

/* Threads that race may bring their times out of order. */
static inline void
mplex_time(struct mux *m, uint64_t now)
{
	if (now > m->now)
		m->now = now;
}

/* mplex_stream.c */

/* A stream's name in the table: both ends count from 0 (MPX-1). */
static inline uint64_t
mplex_key(uint64_t id, bool ours)
{
	return id << 1 | ours;
}

int	mplex_stream_new(struct mux *m, uint64_t id, bool ours,
	    struct stream **out);
struct stream	*mplex_find(struct mux *m, uint64_t key);

/* It has something to say: before the next data, or behind it. */
void	mplex_queue_head(struct mux *m, struct stream *s);
void	mplex_queue_tail(struct mux *m, struct stream *s);

/* Out of the id table; the memory goes when the user has gone as well. */
void	mplex_leave(struct mux *m, struct stream *s);
/* The same once both ends have been told everything. */
void	mplex_leave_if_done(struct mux *m, struct stream *s);

/* The peer may not know yet that a stream is no more: so much is forgiven. */
void	mplex_expect_late(struct mux *m, bool data);
/* The same of one that is in the table, once. */
void	mplex_forgive(struct mux *m, struct stream *s);

/* Take one token; P2P_ERR_LIMIT when there is none. */
int	mplex_glitch(struct mux *m);

/* Its user has n bytes more to take, or fewer; the core may be full now. */
void	mplex_hold(struct mux *m, struct stream *s, size_t n);
void	mplex_let_go(struct mux *m, struct stream *s, size_t n);

/* The stream whose user is furthest behind, and has been for long, or NULL. */
struct stream	*mplex_behind(struct mux *m);
/* When the first of them will be; CLOCK_NEVER while not full. */
uint64_t	mplex_behind_when(const struct mux *m);

#endif
