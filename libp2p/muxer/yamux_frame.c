#include "muxer/yamux_frame.h"

#include "p2p/error.h"

int
yamux_hdr_get(struct rd *r, struct yamux_hdr *h)
{
	uint8_t version, type;
	struct rd in;
	int e;

	if ((e = rd_bytes(r, YAMUX_HDR_SIZE, &in)) != 0 ||
	    (e = rd_u8(&in, &version)) != 0 ||
	    (e = rd_u8(&in, &type)) != 0 ||
	    (e = rd_be16(&in, &h->flags)) != 0 ||
	    (e = rd_be32(&in, &h->stream)) != 0 ||
	    (e = rd_be32(&in, &h->length)) != 0)
		return e;
	if (version != 0 || type > YAMUX_GOAWAY)
		return P2P_ERR_FORMAT;
	h->type = type;
	if ((type == YAMUX_DATA || type == YAMUX_WINDOW) == (h->stream == 0))
		return P2P_ERR_FORMAT;
	return 0;
}

void
yamux_hdr_put(struct wr *w, const struct yamux_hdr *h)
{
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)h->type);
	wr_be16(w, h->flags);
	wr_be32(w, h->stream);
	wr_be32(w, h->length);
}

int
yamux_describe(struct rd *in, uint64_t *body, struct wr *w)
{
	static const char *const types[] = { "data", "window", "ping",
	    "goaway" };
	static const char *const flags[] = { " syn", " ack", " fin", " rst" };
	struct yamux_hdr h;
	size_t i;
	int e;

	if ((e = yamux_hdr_get(in, &h)) != 0)
		return e;
	wr_printf(w, "yamux %s", types[h.type]);
	for (i = 0; i < 4; i++)
		if ((h.flags & 1u << i) != 0)
			wr_printf(w, "%s", flags[i]);
	if ((h.flags & ~0xfu) != 0)
		wr_printf(w, " flags=0x%x", h.flags & ~0xfu);
	if (h.stream != 0)
		wr_printf(w, " stream=%u", h.stream);
	wr_printf(w, h.type == YAMUX_DATA ? " length=%u" : " value=%u",
	    h.length);
	*body = h.type == YAMUX_DATA ? h.length : 0;
	return 0;
}
