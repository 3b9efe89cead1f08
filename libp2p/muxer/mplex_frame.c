#include "muxer/mplex_frame.h"

#include "base/varint.h"
#include "p2p/error.h"

#define LENGTH_LEN	3	/* bytes that say 1 MiB */

/*
 * A length of four bytes is too large or not minimal: that is known before the
 * fourth has come.
 */
static int
get_length(struct rd *r, uint64_t *len)
{
	int e = varint_get(r, len);

	if (e == P2P_ERR_SHORT && r->len >= LENGTH_LEN)
		return P2P_ERR_TOO_LARGE;
	if (e != 0)
		return e;
	return *len > MPLEX_BODY_MAX ? P2P_ERR_TOO_LARGE : 0;
}

int
mplex_hdr_get(struct rd *r, struct mplex_hdr *h)
{
	struct rd in = *r;
	uint64_t head, len;
	int e;

	if ((e = varint_get(&in, &head)) != 0)
		return e;
	if ((head & 7) > MPLEX_RESET_INITIATOR)
		return P2P_ERR_FORMAT;
	if ((e = get_length(&in, &len)) != 0)
		return e;
	h->id = head >> 3;
	h->flag = (enum mplex_flag)(head & 7);
	h->length = (uint32_t)len;
	*r = in;
	return 0;
}

void
mplex_hdr_put(struct wr *w, const struct mplex_hdr *h)
{
	varint_put(w, h->id << 3 | h->flag);
	varint_put(w, h->length);
}

int
mplex_describe(struct rd *in, uint64_t *body, struct wr *w)
{
	static const char *const flags[] = { "new stream", "message receiver",
	    "message initiator", "close receiver", "close initiator",
	    "reset receiver", "reset initiator" };
	struct mplex_hdr h;
	int e;

	if ((e = mplex_hdr_get(in, &h)) != 0)
		return e;
	wr_printf(w, "mplex %s stream=%llu length=%u", flags[h.flag],
	    (unsigned long long)h.id, h.length);
	*body = h.length;
	return 0;
}
