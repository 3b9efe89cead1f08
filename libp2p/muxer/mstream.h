/*
 * muxer/mstream.h -- a stream inside its session; for session.c and mstream.c.
 */
#ifndef MUXER_MSTREAM_H
#define MUXER_MSTREAM_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/limit.h"
#include "muxer/queue.h"
#include "muxer/session.h"

/*
 *	I	after session_new()	m	holder of link.mtx
 *	R	the worker alone	a	atomic
 */
struct session {
	struct link	 link;		/* [I] */
	struct limit	 streams_in, streams_out;	/* [a] */
	struct limit	 windows, buffered;	/* [a] */
	struct bufpool	*segments;	/* [I] of receive queues */
	int		(*inbound)(struct mstream *s, void *arg); /* [I] */
	void		*arg;		/* [I] */
	uint8_t		*early;		/* [R] plain, then cipher */
	size_t		 early_plain, early_cipher;	/* [R] */
	TAILQ_HEAD(, mstream) streams;	/* [m] */
	TAILQ_HEAD(, mstream) wakes;	/* [R] readers to signal */
	bool		 dead;		/* [m] taken apart */
	bool		 leaving;	/* [m] shutdown has begun */
	atomic_bool	 behind;	/* [a] the users are: mux_ops.full */
	struct cond	 death;		/* link.mtx: dead */
	uint64_t	 used;		/* [m] when streams last came or went */
	atomic_uint	 refs;		/* [a] conn, each mstream */
};

/*
 *	I	after it was made	m	holder of session->link.mtx
 *	s	holder of mtx		ms	set with both, read with either
 *	R	the worker alone
 */
struct mstream {
	struct session	*session;	/* [I] counted */
	struct mux_stream *core;	/* [m] the muxer's; NULL: released */
	TAILQ_ENTRY(mstream) link;	/* [m] session->streams */
	TAILQ_ENTRY(mstream) wake;	/* [R] session->wakes */
	bool		 waking;	/* [R] */
	struct cond	 writable;	/* link.mtx: window, end */
	size_t		 burst;		/* [m] small writes without a pause */
	bool		 write_done;	/* [m] close_write was called */
	unsigned	 writing;	/* [m] users inside a write */
	unsigned	 refs;		/* [m] the user, the worker's hand */
	int		 end;		/* [ms] 0: none, else the error */
	struct lock	 mtx;		/* LOCK_STREAM */
	struct cond	 readable;	/* mtx: bytes, fin, end */
	struct queue	 queue;		/* [s] */
	size_t		 taken;		/* [s] consumed, core not told yet */
	bool		 fin;		/* [s] the peer finished */
};

/* Make one around a core's stream; link.mtx is held.  NULL: no memory. */
struct mstream	*mstream_new(struct session *s);

/* Set its end if it has none, wake everybody; link.mtx is held. */
void	mstream_end(struct mstream *ms, int error);

/*
 * For the worker, behind the events of a batch: whether the users are behind,
 * into s->behind; link.mtx is held.  link.room tells when they no longer are.
 */
void	mstream_weigh(struct session *s);

/* Drop a reference; link.mtx is held on entry and released on return. */
void	mstream_unref_unlock(struct mstream *ms);

#endif
