/*
 * services/kad/kad_frame.h -- messages out of a stream of bytes.
 *
 * Wire: varint(length), then so many bytes, as often as the sender likes.  No
 * I/O: bytes are fed in whatever pieces they come.  Memory grows with what has
 * come, not with what was announced.
 */
#ifndef KAD_FRAME_H
#define KAD_FRAME_H

#include "base/bytes.h"
#include "base/varint.h"

struct kad_frame {
	size_t	 max;			/* bytes of a message */
	uint8_t	*buf;			/* owned */
	size_t	 cap, len, want;	/* want: known once in_body */
	bool	 in_body;
	uint8_t	 prefix[VARINT_MAX_LEN];
	size_t	 nprefix;
};

void	kad_frame_init(struct kad_frame *f, size_t max);
void	kad_frame_fini(struct kad_frame *f);

/*
 * Take bytes from in.  Returns 1 (all were taken, more are needed), 0 (*msg is
 * a message, until the next call; in has the rest), P2P_ERR_FORMAT (no length,
 * or none at all), P2P_ERR_TOO_LARGE or -ENOMEM.
 */
int	kad_frame_feed(struct kad_frame *f, struct rd *in, struct rd *msg)
	    MUST_CHECK;

/* Whether a message has begun that has not ended. */
bool	kad_frame_partial(const struct kad_frame *f);

#endif
