/*
 * base/pb.h -- protobuf-c on a leash.
 *
 * protobuf-c's own allocator may be asked for a hundred times the input, and
 * it recurses into what it does not know.  Here the input has a cap, and the
 * allocations of one message have a budget.
 */
#ifndef BASE_PB_H
#define BASE_PB_H

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

/*
 * Unpack a message of at most max bytes, spending at most budget bytes.
 * *out is freed with pb_free().  Returns 0, P2P_ERR_TOO_LARGE (over max or the
 * budget) or P2P_ERR_FORMAT.  The pointers inside are copies.
 */
int	pb_unpack(const ProtobufCMessageDescriptor *desc, struct rd in,
	    size_t max, size_t budget, ProtobufCMessage **out) MUST_CHECK;
void	pb_free(ProtobufCMessage *msg);

/* Pack into w; sets w->full when it does not fit. */
void	pb_pack(const ProtobufCMessage *msg, struct wr *w);

#endif
