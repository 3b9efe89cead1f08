/*
 * muxer/yamux_state.h -- what a yamux session and its streams remember; for
 * yamux.c and yamux_stream.c alone.
 */
#ifndef MUXER_YAMUX_STATE_H
#define MUXER_YAMUX_STATE_H

#include <sys/queue.h>

#include "base/bucket.h"
#include "base/table.h"
#include "muxer/muxer.h"
#include "muxer/yamux_frame.h"

#define YAMUX_WINDOW_MIN	(256u * 1024)	/* at first, YMX-1 */
#define YAMUX_REFUSED_MAX	256	/* refused ids that await their RST */

struct stream {
	struct mux_stream base;		/* first, see muxer.h */
	UT_hash_handle	 hh;
	TAILQ_ENTRY(stream) head, tail;
	uint32_t	 id;
	uint32_t	 send_window;
	uint32_t	 recv_window;
	uint32_t	 recv_max;
	uint32_t	 unread;	/* announced by headers, not consumed */
	uint32_t	 credit;	/* to announce */
	uint32_t	 code;		/* of our RST */
	uint32_t	 discarded;	/* bytes since release */
	uint64_t	 credited;	/* when credit was last queued */
	uint64_t	 linger;	/* reset at this time; 0: no */
	bool		 ours;
	bool		 acked;		/* the peer was heard on it */
	bool		 in_table;
	bool		 on_head, on_tail;
	bool		 syn, ack;	/* to send, head */
	bool		 fin, rst;	/* to send, tail */
	bool		 local_done;	/* finish() was called */
	bool		 remote_done;	/* FIN received */
	bool		 reset;		/* by either side */
	bool		 released;
};

struct mux {
	struct mux_params p;
	struct stream	*table;		/* by id */
	TAILQ_HEAD(, stream) head, tail;
	uint32_t	 next_id;
	uint32_t	 last_in;	/* the highest id of the peer's */
	unsigned	 n_in, n_out, unacked;
	uint64_t	 late_bytes;	/* may come for streams that left */
	unsigned	 late_ends;	/* and so many FINs or RSTs */
	uint8_t		 hdr[YAMUX_HDR_SIZE];
	size_t		 hdr_len;
	struct yamux_hdr body;		/* the frame whose body comes */
	uint32_t	 body_left;
	bool		 in_body;
	uint64_t	 frame_due;	/* 0: between frames */
	struct bucket	 glitches;
	unsigned	 owed;		/* tokens, at the next SYN */
	uint32_t	 refused[YAMUX_REFUSED_MAX];
	unsigned	 n_refused;
	bool		 pong, ping;	/* to send */
	uint32_t	 pong_value, ping_value;
	unsigned	 pongs_lost;
	bool		 ping_out;	/* sent, no answer yet */
	uint64_t	 ping_sent, ping_next, heard, rtt;
	bool		 goaway, goaway_sent, goaway_in;
	uint32_t	 goaway_code;
};

/* yamux_stream.c */
int	yamux_stream_new(struct mux *m, uint32_t id, bool ours, uint64_t now,
	    struct stream **out);
struct stream	*yamux_find(struct mux *m, uint32_t id);
void	yamux_mark_acked(struct mux *m, struct stream *s);

/* It has something to say: before the next data, or behind it. */
void	yamux_queue_head(struct mux *m, struct stream *s);
void	yamux_queue_tail(struct mux *m, struct stream *s);

/* Out of the id table; the memory goes when the user has gone as well. */
void	yamux_leave(struct mux *m, struct stream *s);
/* The same once both ends have been told everything. */
void	yamux_leave_if_done(struct mux *m, struct stream *s);

/* The peer may not know yet that a stream is no more: so much is forgiven. */
void	yamux_expect_late(struct mux *m, uint32_t window);

/* The session ends with this error; its goaway is queued. */
int	yamux_fail(struct mux *m, int error);
/* Take one token; an empty bucket ends the connection. */
int	yamux_glitch(struct mux *m, uint64_t now);

#endif
