/*
 * muxer/yamux_frame.h -- the frame of yamux.
 *
 * Spec: libp2p/specs yamux/README.md, hashicorp/yamux spec.md.  12 bytes, big
 * endian: version(1)=0 type(1) flags(2) stream(4) length(4); a body behind
 * Data frames only.
 */
#ifndef MUXER_YAMUX_FRAME_H
#define MUXER_YAMUX_FRAME_H

#include "base/bytes.h"

#define YAMUX_HDR_SIZE	12

enum yamux_type {
	YAMUX_DATA = 0,
	YAMUX_WINDOW = 1,
	YAMUX_PING = 2,
	YAMUX_GOAWAY = 3,
};

#define YAMUX_SYN	0x1u
#define YAMUX_ACK	0x2u
#define YAMUX_FIN	0x4u
#define YAMUX_RST	0x8u

struct yamux_hdr {
	enum yamux_type	type;
	uint16_t	flags;		/* unknown bits are kept */
	uint32_t	stream;
	uint32_t	length;
};

/*
 * Returns 0, P2P_ERR_SHORT, or P2P_ERR_FORMAT: another version or type, data or
 * window of stream 0, ping or goaway of another.
 */
int	yamux_hdr_get(struct rd *r, struct yamux_hdr *h) MUST_CHECK;
void	yamux_hdr_put(struct wr *w, const struct yamux_hdr *h);

/* A header in words: see mux_ops in muxer.h. */
int	yamux_describe(struct rd *in, uint64_t *body, struct wr *w)
	    MUST_CHECK;

#endif
