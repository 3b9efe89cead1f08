/*
 * muxer/link.h -- one connection's socket, codec, batch and deadline: the write
 * side, and the end.
 *
 * Writers append frames to the staging buffer under the lock, and whoever finds
 * nobody flushing becomes the flusher: a role, not a lock.  Only the flusher
 * seals and sends, so the order of sealing is the order on the wire, and a
 * failed or short send never seals the same bytes twice.  Nobody holds the lock
 * while sealing or sending.
 *
 *	NOBODY	--a writer, the worker-->	BUSY
 *	BUSY	--all is sent-->		NOBODY
 *	BUSY	--socket full, none waits-->	PARKED (in the flusher pool)
 *	PARKED	--pool, or any writer-->	BUSY
 */
#ifndef MUXER_LINK_H
#define MUXER_LINK_H

#include <sys/queue.h>

#include "base/lock.h"
#include "muxer/muxer.h"
#include "security/security.h"
#include "transport/transport.h"

struct bufpool;
struct flusher;

/* Bytes: a batch, sealed or not. */
#define LINK_BUFFER		(160 * 1024)
#define LINK_BUFFERS_KEEP	16

enum link_role { LINK_NOBODY, LINK_BUSY, LINK_PARKED };

/*
 * Who may touch a member:
 *	I	nobody writes it after link_init()
 *	m	holder of mtx
 *	F	who holds the flusher role
 *	p	holder of the flusher pool's lock
 */
struct link {
	struct raw	 raw;		/* [I] owned */
	const struct security_ops *sec;	/* [I] */
	struct codec	*codec;		/* [I] owned; halves: F seals */
	const struct mux_ops *ops;	/* [I] */
	struct mux	*mux;		/* [m] owned by the session */
	struct bufpool	*pool;		/* [I] */
	struct flusher	*flusher;	/* [I] */
	struct lock	 mtx;		/* LOCK_MUX */
	struct cond	 room;		/* mtx: room, a free role, the end */
	enum link_role	 role;		/* [m] */
	uint8_t		*stage;		/* [m] NULL while empty */
	size_t		 stage_len;	/* [m] bytes of frames in it */
	bool		 talk;		/* [m] the codec wants a seal */
	int		 end;		/* [m] 0 alive, else the reason */
	bool		 ended;		/* [m] end is set (it may be 0) */
	bool		 by_us;		/* [m] who began the end */
	bool		 silent;	/* [m] the last words were said */
	uint64_t	 stalled;	/* [m] socket full since; 0: it takes */
	uint8_t		*out;		/* [F] sealed bytes not sent yet */
	size_t		 out_off, out_len;	/* [F] */
	TAILQ_ENTRY(link) parked;	/* [p] */
	bool		 in_pool;	/* [p] */
};

/* Takes raw and codec.  mux is set by the caller before anything else. */
void	link_init(struct link *l, struct raw *raw,
	    const struct security_ops *sec, struct codec *codec,
	    const struct mux_ops *ops, struct bufpool *pool,
	    struct flusher *flusher);
void	link_fini(struct link *l);	/* closes the socket; no thread left */

/*
 * All below: with mtx held, and they return with it held, though those marked
 * (*) let it go in between.
 */

/*
 * Room to put frames: false when staging is full (or without memory: the link
 * ends).  After writing into w, link_staged() makes it count.
 */
bool	link_room(struct link *l, struct wr *w);
void	link_staged(struct link *l, const struct wr *w);

/* (*) Send what waits, without blocking; what remains is parked. */
void	link_flush(struct link *l);

/* Let the pool do it: for writers of many small pieces. */
void	link_kick(struct link *l);

/*
 * (*) Wait for room in staging, flushing if nobody else does.  Returns 0
 * (look again), P2P_ERR_TIMEOUT or P2P_ERR_DISCONNECTED.
 */
int	link_wait(struct link *l, uint64_t deadline);

/* (*) Wait until everything staged was handed to the socket. */
int	link_drain(struct link *l, uint64_t deadline);

/*
 * (*) The codec's last words; only after link_drain().  Nothing is sent behind
 * them, whatever still comes in and wants an answer.
 */
void	link_goodbye(struct link *l);

/*
 * The first reason stays.  Shuts the socket down, which wakes everybody; the
 * worker takes the connection apart.  reason 0: a normal end.
 */
void	link_end(struct link *l, int reason, bool by_us);

/* (*) For the worker, after the end: wait for the role and keep it. */
void	link_retire(struct link *l);

/* For the flusher pool: the parked link's socket takes bytes again. */
void	link_resume(struct link *l);

/* Whether it is parked and stalled for too long at that time. */
bool	link_overdue(struct link *l, uint64_t now);

#endif
