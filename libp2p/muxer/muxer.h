/*
 * muxer/muxer.h -- the contract of a stream muxer: a state machine that turns
 * bytes into events and calls into bytes.
 *
 * A muxer's core (struct mux) knows no socket, thread, lock or clock.  All its
 * functions are called with the connection's lock (LOCK_MUX) held; time is an
 * argument.  muxer/session.c is the threaded shell around any of them.
 *
 * Bytes for the peer come in three kinds.  Data frames are put where the caller
 * wants them; everything else waits in the core as bits and counters of fixed
 * size until a batch is made, and then goes out as its head (before the data:
 * opening, accepting, credit, pongs) or its tail (behind it: finish, reset,
 * goaway).
 */
#ifndef MUXER_MUXER_H
#define MUXER_MUXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct limit;
struct mux;

/* Every muxer's stream begins with this. */
struct mux_stream {
	void	*user;		/* the session's; NULL once released */
};

enum mux_event_kind {
	MUX_NONE,		/* the input is used up */
	MUX_STREAM,		/* the peer opened: accept, or reset it */
	MUX_DATA,		/* a piece of a frame's payload */
	MUX_FIN,		/* the peer finished its half */
	MUX_RESET,		/* the peer aborted, code says why (0: not) */
	MUX_WINDOW,		/* there is room to send again */
	MUX_GOAWAY,		/* the peer is leaving, code says why */
	MUX_STALL,		/* tick() reset it, see full(); drop its data */
};

struct mux_event {
	enum mux_event_kind	 kind;
	struct mux_stream	*stream;
	struct rd		 data;	/* view into the input */
	uint32_t		 code;
};

struct mux_params {
	bool		 dialer;	/* we opened the connection */
	uint64_t	 now;
	struct limit	*streams_in;	/* of the peer's at once */
	struct limit	*streams_out;	/* of ours at once */
	uint32_t	 max_window;	/* bytes a stream's may grow to */
	struct limit	*windows;	/* bytes promised above the initial */
	uint64_t	 keepalive;	/* between pings, ns; 0: none */
	uint64_t	 pong_timeout;	/* ns */
};

struct mux_ops {
	const char	*id;		/* "/yamux/1.0.0" */

	int	(*new)(const struct mux_params *params, struct mux **out);
	void	(*free)(struct mux *m);	/* with all its streams */

	/*
	 * Take from in up to the next event.  Returns 0 (ev->kind is MUX_NONE
	 * when in is used up), or an error that ends the connection:
	 * P2P_ERR_PROTOCOL, P2P_ERR_LIMIT (flooding), P2P_ERR_TOO_LARGE (over
	 * a window).  A goaway for it waits in the tail then.
	 */
	int	(*next)(struct mux *m, struct rd *in, uint64_t now,
		    struct mux_event *ev);

	/*
	 * The users are behind: read no more until they have consumed enough,
	 * or tick() has reset who is in the way, which next() tells even
	 * without input.  NULL: never, windows are the brake.
	 */
	bool	(*full)(const struct mux *m);

	/*
	 * Open a stream.  Returns 0, P2P_ERR_LIMIT (too many, see
	 * streams_out), P2P_ERR_DISCONNECTED (goaway was received or sent, or
	 * the ids are used up) or -ENOMEM.
	 */
	int	(*open)(struct mux *m, uint64_t now, void *user,
		    struct mux_stream **out);
	void	(*accept)(struct mux *m, struct mux_stream *s, void *user);

	/* Bytes of payload that the peer lets us send now. */
	size_t	(*window)(const struct mux *m, const struct mux_stream *s);

	/*
	 * Put one data frame with a front part of data into w (taken from
	 * data); w has room for MUX_FRAME_ROOM and some payload.
	 */
	void	(*data)(struct mux *m, struct mux_stream *s, struct wr *w,
		    struct rd *data);

	/* Our half ends behind the data put so far. */
	void	(*finish)(struct mux *m, struct mux_stream *s);
	/*
	 * Both halves end now.  The stream's id may still be in use.  A stream
	 * of the peer's that comes to nothing (MUX_RESET_NEGOTIATION) or of
	 * which it has too many (MUX_RESET_RATE) counts as flooding.
	 */
	void	(*reset)(struct mux *m, struct mux_stream *s, uint32_t code);

	/* The user took n bytes of what MUX_DATA delivered. */
	void	(*consumed)(struct mux *m, struct mux_stream *s, size_t n,
		    uint64_t now);

	/*
	 * The user is gone: finish if open, discard what still comes (with a
	 * bound), forget the stream as soon as the protocol allows.
	 */
	void	(*release)(struct mux *m, struct mux_stream *s, uint64_t now);

	/* No new streams; tell the peer. */
	void	(*goaway)(struct mux *m, uint32_t code);

	/* Whether head or tail has something to say. */
	bool	(*pending)(const struct mux *m);
	/* As much as fits; what does not waits for the next batch. */
	void	(*head)(struct mux *m, struct wr *w);
	void	(*tail)(struct mux *m, struct wr *w);

	/*
	 * Time passes: keepalive, deadlines of half frames, of lingering
	 * streams and of users that are behind.  Returns 0 or P2P_ERR_TIMEOUT.
	 * when() is the next time that tick() wants to be called at the latest.
	 */
	int	(*tick)(struct mux *m, uint64_t now);
	uint64_t (*when)(const struct mux *m);

	/*
	 * For people who debug: take the header of the frame in front of in,
	 * put it into w in words, and say how many bytes of body follow.
	 * Needs no session.  Returns 0, P2P_ERR_SHORT or P2P_ERR_FORMAT.
	 */
	int	(*describe)(struct rd *in, uint64_t *body, struct wr *w);

	unsigned (*streams)(const struct mux *m);	/* ids in use */
	uint64_t (*rtt)(const struct mux *m);		/* ns; 0: unknown */
};

#define MUX_FRAME_ROOM	64	/* most that data() puts around a payload */

/* Codes of goaway and reset, go-libp2p core/network, spec/core.md 5. */
enum mux_code {
	MUX_CODE_NONE = 0,
	MUX_GOAWAY_PROTOCOL = 1,
	MUX_GOAWAY_INTERNAL = 2,
	MUX_RESET_NEGOTIATION = 0x1001,
	MUX_RESET_LIMIT = 0x1002,
	MUX_RESET_RATE = 0x1003,
};

extern const struct mux_ops mux_mplex;
extern const struct mux_ops mux_yamux;

#endif
