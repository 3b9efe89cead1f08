/*
 * muxer/mplex_frame.h -- the header of a frame.
 *
 * Spec: libp2p/specs mplex/README.md, "Message format".
 * Wire: uvarint(stream id << 3 | flag), uvarint(length), the body.
 */
#ifndef MUXER_MPLEX_FRAME_H
#define MUXER_MPLEX_FRAME_H

#include "base/bytes.h"

#define MPLEX_HDR_MAX	12		/* bytes: nine, and three */
#define MPLEX_BODY_MAX	(1024 * 1024)	/* bytes of a body, MPX-2 */
#define MPLEX_ID_MAX	((UINT64_C(1) << 60) - 1)	/* MPX-2 */

/*
 * Who says it is part of what is said: an initiator is the end that opened the
 * stream, so ids of both ends live side by side (MPX-1).
 */
enum mplex_flag {
	MPLEX_NEW = 0,			/* the body is a name */
	MPLEX_MESSAGE_RECEIVER = 1,
	MPLEX_MESSAGE_INITIATOR = 2,
	MPLEX_CLOSE_RECEIVER = 3,
	MPLEX_CLOSE_INITIATOR = 4,
	MPLEX_RESET_RECEIVER = 5,
	MPLEX_RESET_INITIATOR = 6,
};

struct mplex_hdr {
	uint64_t		id;
	enum mplex_flag		flag;
	uint32_t		length;		/* of the body */
};

/*
 * Take one header; the body is left to the caller.  Returns 0, P2P_ERR_SHORT
 * (more bytes are needed; never with MPLEX_HDR_MAX of them), P2P_ERR_FORMAT (no
 * varint of the least length, an unknown flag) or P2P_ERR_TOO_LARGE (the body).
 */
int	mplex_hdr_get(struct rd *r, struct mplex_hdr *h) MUST_CHECK;
void	mplex_hdr_put(struct wr *w, const struct mplex_hdr *h);

/* A header in words: see mux_ops in muxer.h. */
int	mplex_describe(struct rd *in, uint64_t *body, struct wr *w) MUST_CHECK;

#endif
