/*
 * The budget is a counter that the allocator callback decrements; protobuf-c
 * reports a refused allocation as a failed unpack.  Messages are freed with
 * plain free(), which is all that the callback's counterpart does, so a message
 * may outlive the budget it was made under.
 */
#include "base/pb.h"

#include <stdlib.h>

#include "p2p/error.h"

struct budget {
	size_t	left;
	bool	spent;
};

static void *
budget_alloc(void *arg, size_t size)
{
	struct budget *b = arg;

	if (size > b->left) {
		b->spent = true;
		return NULL;
	}
	b->left -= size;
	return malloc(size > 0 ? size : 1);
}

static void
budget_free(void *arg, void *p)
{
	(void)arg;
	free(p);
}

int
pb_unpack(const ProtobufCMessageDescriptor *desc, struct rd in, size_t max,
    size_t budget, ProtobufCMessage **out)
{
	struct budget b = { .left = budget };
	ProtobufCAllocator alloc = { budget_alloc, budget_free, &b };
	ProtobufCMessage *msg;

	if (in.len > max)
		return P2P_ERR_TOO_LARGE;
	msg = protobuf_c_message_unpack(desc, &alloc, in.len, in.p);
	if (msg == NULL)
		return b.spent ? P2P_ERR_TOO_LARGE : P2P_ERR_FORMAT;
	*out = msg;
	return 0;
}

void
pb_free(ProtobufCMessage *msg)
{
	ProtobufCAllocator alloc = { budget_alloc, budget_free, NULL };

	if (msg != NULL)
		protobuf_c_message_free_unpacked(msg, &alloc);
}

void
pb_pack(const ProtobufCMessage *msg, struct wr *w)
{
	size_t len = protobuf_c_message_get_packed_size(msg);

	if (len > wr_room(w)) {
		w->full = true;
		return;
	}
	protobuf_c_message_pack(msg, w->p + w->len);
	w->len += len;
}
