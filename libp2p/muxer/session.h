/*
 * muxer/session.h -- the threaded shell around a muxer's core: one upgraded
 * connection and its streams.
 *
 * One worker thread calls session_run() and is the only one that reads the
 * socket, parses, and takes the session apart.  Any thread opens streams, reads
 * and writes them, and ends the session.
 */
#ifndef MUXER_SESSION_H
#define MUXER_SESSION_H

#include <sys/types.h>

#include "base/limit.h"
#include "muxer/link.h"

struct mstream;
struct session;

struct session_params {
	struct raw		*raw;		/* taken */
	const struct security_ops *sec;
	struct codec		*codec;		/* taken */
	const struct mux_ops	*ops;
	struct rd		 plain;		/* read already, copied */
	struct rd		 cipher;	/* read already, copied */
	bool			 dialer;
	struct limit		*streams_in, *streams_out; /* of each */
	uint32_t		 max_window;
	struct limit		*windows_each;	/* bytes, of each */
	struct limit		*buffered_each;	/* bytes, of each */
	struct limit		*windows;	/* bytes, of all */
	struct limit		*buffered;	/* bytes, of all */
	struct bufpool		*pool;		/* of LINK_BUFFER bytes each */
	struct bufpool		*segments;	/* queue_segments_init() */
	struct flusher		*flusher;
	/*
	 * A stream of the peer's: called by the worker with no lock held; must
	 * not block.  Takes the stream when it returns 0; otherwise the stream
	 * is reset: P2P_ERR_REFUSED says that the peer has too many.
	 */
	int			(*inbound)(struct mstream *s, void *arg);
	void			*arg;
};

/*
 * Returns 0 or -ENOMEM; raw and codec are taken on success only.  The session
 * has one reference.
 */
int	session_new(const struct session_params *p, struct session **out);
void	session_ref(struct session *s);
void	session_unref(struct session *s);	/* the last one closes the fd */

/*
 * The worker: demultiplex until the connection ends, then set the end of every
 * stream.  Returns the reason: 0 for a normal end.
 */
int	session_run(struct session *s);

/* Who began the end; after session_run(). */
bool	session_ended_by_us(const struct session *s);

/* End it now.  Any thread, any number of times. */
void	session_close(struct session *s, int reason);

/* Begin to end it kindly: no new streams, the goaway is sent.  No waiting. */
void	session_leave(struct session *s);

/* The same, but not if somebody holds a stream: false then. */
bool	session_leave_idle(struct session *s);

/*
 * End it kindly: goaway, everything staged is sent, the peer gets until the
 * deadline to finish; then end it.  Blocks.  Not the worker.
 */
void	session_shutdown(struct session *s, uint64_t deadline);

/*
 * Open a stream; nothing is sent before the first write.  Does not block.
 * Returns 0, P2P_ERR_LIMIT, P2P_ERR_DISCONNECTED or -ENOMEM.
 */
int	session_open(struct session *s, struct mstream **out);

/* Its link, for addresses; borrowed. */
const struct link	*session_link(const struct session *s);

bool		session_alive(struct session *s);
unsigned	session_streams(struct session *s);

/* Whether nobody holds a stream of it, and when that was last otherwise. */
bool		session_idle(struct session *s, uint64_t *since);
uint64_t	session_rtt(struct session *s);		/* ns, 0: unknown */

/*
 * One stream.  All may be called from any thread; read from one at a time,
 * write from one at a time.  Deadlines as in base/clock.h.
 */
ssize_t	mstream_read(struct mstream *ms, void *buf, size_t len,
	    uint64_t deadline);
ssize_t	mstream_write(struct mstream *ms, const void *buf, size_t len,
	    uint64_t deadline);
int	mstream_close_write(struct mstream *ms);
void	mstream_reset(struct mstream *ms, uint32_t code);
void	mstream_free(struct mstream *ms);	/* see p2p_stream_free() */

struct session	*mstream_session(const struct mstream *ms);

#endif
