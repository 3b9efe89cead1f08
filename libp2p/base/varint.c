/*
 * multiformats/unsigned-varint README.md.
 */
#include "base/varint.h"

#include "p2p/error.h"

int
varint_get(struct rd *r, uint64_t *out)
{
	struct rd in = *r;
	uint64_t v = 0;
	unsigned i;
	uint8_t b;
	int e;

	for (i = 0; i < VARINT_MAX_LEN; i++) {
		if ((e = rd_u8(&in, &b)) != 0)
			return e;
		v |= (uint64_t)(b & 0x7f) << 7 * i;
		if (b & 0x80)
			continue;
		if (b == 0 && i > 0)
			return P2P_ERR_FORMAT;
		*out = v;
		*r = in;
		return 0;
	}
	return P2P_ERR_FORMAT;
}

void
varint_put(struct wr *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

size_t
varint_len(uint64_t v)
{
	size_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

int
varint_get_bytes(struct rd *r, struct rd *out)
{
	struct rd in = *r;
	uint64_t len;
	int e;

	if ((e = varint_get(&in, &len)) != 0)
		return e;
	if (len > in.len)
		return P2P_ERR_SHORT;
	if ((e = rd_bytes(&in, (size_t)len, out)) != 0)
		return e;
	*r = in;
	return 0;
}

void
varint_put_bytes(struct wr *w, const void *bytes, size_t len)
{
	varint_put(w, len);
	wr_bytes(w, bytes, len);
}
