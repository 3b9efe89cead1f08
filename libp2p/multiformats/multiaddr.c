/*
 * An address is one block of memory: the struct, its bytes, its canonical text.
 *
 * Text is parsed to bytes, and every address is then made from bytes, so there
 * is one way to check and to print: what a text means is what its bytes print.
 */
#include "p2p/multiaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "multiformats/multiaddr_proto.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

#define TEXT_MAX	(4 * P2P_MULTIADDR_MAX)	/* characters, in or out */

struct p2p_multiaddr {
	size_t		 len;
	const char	*text;
	uint8_t		 bytes[];	/* then the text */
};

/* The next component of bytes. */
static int
next_part(struct rd *r, const struct multiaddr_proto **proto, struct rd *value)
{
	uint64_t code;
	int e;

	if ((e = varint_get(r, &code)) != 0)
		return e;
	if ((*proto = multiaddr_proto_code(code)) == NULL)
		return P2P_ERR_FORMAT;
	if ((*proto)->size != MULTIADDR_VARIABLE)
		return rd_bytes(r, (size_t)(*proto)->size, value);
	if ((e = varint_get_bytes(r, value)) != 0)
		return e;
	return value->len > 0 ? 0 : P2P_ERR_FORMAT;
}

/* Check bytes by printing them. */
static int
print(struct rd in, struct wr *out)
{
	const struct multiaddr_proto *proto;
	struct rd value;
	int e;

	if (in.len == 0)
		return P2P_ERR_FORMAT;
	while (in.len > 0) {
		if (next_part(&in, &proto, &value) != 0)
			return P2P_ERR_FORMAT;
		wr_printf(out, "/%s", proto->name);
		if (proto->print == NULL)
			continue;
		if (!proto->path)
			wr_u8(out, '/');
		if ((e = proto->print(value, out)) != 0)
			return P2P_ERR_FORMAT;
	}
	return out->full ? P2P_ERR_TOO_LARGE : 0;
}

int
p2p_multiaddr_decode(const uint8_t *bytes, size_t len,
    struct p2p_multiaddr **out)
{
	uint8_t text[TEXT_MAX];
	struct p2p_multiaddr *ma;
	struct wr w;
	int e;

	if (len > P2P_MULTIADDR_MAX)
		return P2P_ERR_TOO_LARGE;
	wr_init(&w, text, sizeof(text));
	if ((e = print((struct rd){ bytes, len }, &w)) != 0)
		return e;
	if ((ma = malloc(sizeof(*ma) + len + w.len + 1)) == NULL)
		return -ENOMEM;
	ma->len = len;
	memcpy(ma->bytes, bytes, len);
	memcpy(ma->bytes + len, text, w.len);
	ma->bytes[len + w.len] = '\0';
	ma->text = (const char *)ma->bytes + len;
	*out = ma;
	return 0;
}

/* Text up to the next slash; the reader stands behind it afterwards. */
static struct rd
segment(struct rd *in)
{
	const uint8_t *slash = memchr(in->p, '/', in->len);
	size_t n = slash != NULL ? (size_t)(slash - in->p) : in->len;
	struct rd out = { in->p, n };

	in->p += n + (slash != NULL);
	in->len -= n + (slash != NULL);
	return out;
}

static int
parse_part(struct rd *in, struct wr *out)
{
	const struct multiaddr_proto *proto;
	uint8_t value[MULTIADDR_VALUE_MAX];
	struct rd text;
	struct wr w;
	int e;

	if ((proto = multiaddr_proto_name(segment(in))) == NULL)
		return P2P_ERR_FORMAT;
	varint_put(out, proto->code);
	if (proto->size == 0)
		return 0;
	if (in->len == 0)
		return P2P_ERR_FORMAT;
	if (proto->path) {		/* the slash before it included */
		text = (struct rd){ in->p - 1, in->len + 1 };
		in->len = 0;
	} else {
		text = segment(in);
	}
	wr_init(&w, value, sizeof(value));
	if ((e = proto->parse(text, &w)) != 0)
		return e == P2P_ERR_TOO_LARGE ? e : P2P_ERR_FORMAT;
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	if (proto->size == MULTIADDR_VARIABLE)
		varint_put(out, w.len);
	else if (w.len != (size_t)proto->size)
		return P2P_ERR_FORMAT;
	wr_bytes(out, value, w.len);
	return 0;
}

int
p2p_multiaddr_parse(const char *text, struct p2p_multiaddr **out)
{
	uint8_t bytes[P2P_MULTIADDR_MAX];
	struct rd in = { (const uint8_t *)text, strlen(text) };
	struct wr w;
	int e;

	if (in.len > TEXT_MAX)
		return P2P_ERR_TOO_LARGE;
	while (in.len > 0 && in.p[in.len - 1] == '/')
		in.len--;
	if (in.len == 0 || in.p[0] != '/')
		return P2P_ERR_FORMAT;
	in.p++;
	in.len--;
	wr_init(&w, bytes, sizeof(bytes));
	while (in.len > 0)
		if ((e = parse_part(&in, &w)) != 0)
			return e;
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	return p2p_multiaddr_decode(bytes, w.len, out);
}

int
p2p_multiaddr_dup(const struct p2p_multiaddr *ma, struct p2p_multiaddr **out)
{
	return p2p_multiaddr_decode(ma->bytes, ma->len, out);
}

void
p2p_multiaddr_free(struct p2p_multiaddr *ma)
{
	free(ma);
}

const char *
p2p_multiaddr_text(const struct p2p_multiaddr *ma)
{
	return ma->text;
}

const uint8_t *
p2p_multiaddr_bytes(const struct p2p_multiaddr *ma, size_t *len)
{
	*len = ma->len;
	return ma->bytes;
}

bool
p2p_multiaddr_equal(const struct p2p_multiaddr *a,
    const struct p2p_multiaddr *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool
p2p_multiaddr_part(const struct p2p_multiaddr *ma, size_t i,
    struct p2p_multiaddr_part *out)
{
	const struct multiaddr_proto *proto;
	struct rd r = { ma->bytes, ma->len }, value;

	do {
		if (r.len == 0 || next_part(&r, &proto, &value) != 0)
			return false;
	} while (i-- > 0);
	*out = (struct p2p_multiaddr_part){ proto->code, proto->name, value.p,
	    value.len };
	return true;
}

int
p2p_multiaddr_part_text(const struct p2p_multiaddr_part *part, char *out,
    size_t cap)
{
	const struct multiaddr_proto *proto = multiaddr_proto_code(part->code);
	struct wr w;
	int e;

	wr_init(&w, out, cap);
	if (proto->print != NULL &&
	    (e = proto->print((struct rd){ part->value, part->len }, &w)) != 0)
		return e;
	wr_u8(&w, '\0');
	return w.full ? P2P_ERR_TOO_LARGE : 0;
}

int
p2p_multiaddr_encapsulate(const struct p2p_multiaddr *outer,
    const struct p2p_multiaddr *inner, struct p2p_multiaddr **out)
{
	uint8_t bytes[P2P_MULTIADDR_MAX];
	struct wr w;

	wr_init(&w, bytes, sizeof(bytes));
	wr_bytes(&w, outer->bytes, outer->len);
	wr_bytes(&w, inner->bytes, inner->len);
	return w.full ? P2P_ERR_TOO_LARGE :
	    p2p_multiaddr_decode(bytes, w.len, out);
}

int
p2p_multiaddr_decapsulate(const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr *tail, struct p2p_multiaddr **out)
{
	const struct multiaddr_proto *proto;
	struct rd r = { ma->bytes, ma->len }, value;
	size_t last = ma->len;

	while (r.len > 0) {
		if (r.len >= tail->len &&
		    memcmp(r.p, tail->bytes, tail->len) == 0)
			last = (size_t)(r.p - ma->bytes);
		if (next_part(&r, &proto, &value) != 0)
			return P2P_ERR_FORMAT;
	}
	if (last == ma->len)
		return P2P_ERR_NOT_FOUND;
	return p2p_multiaddr_decode(ma->bytes, last, out);
}

/* The final component if it is a /p2p; *at is where it begins. */
static bool
final_peer(const struct p2p_multiaddr *ma, struct rd *id, size_t *at)
{
	const struct multiaddr_proto *proto = NULL;
	struct rd r = { ma->bytes, ma->len };

	while (r.len > 0) {
		*at = (size_t)(r.p - ma->bytes);
		if (next_part(&r, &proto, id) != 0)
			return false;
	}
	return proto != NULL && proto->code == MULTIADDR_P2P;
}

int
p2p_multiaddr_peer(const struct p2p_multiaddr *ma, struct p2p_peer_id *out)
{
	struct rd id;
	size_t at;

	if (!final_peer(ma, &id, &at))
		return P2P_ERR_NO_PEER;
	out->len = (uint8_t)id.len;	/* checked when the address was made */
	memcpy(out->bytes, id.p, id.len);
	return 0;
}

int
p2p_multiaddr_with_peer(const struct p2p_multiaddr *ma,
    const struct p2p_peer_id *id, struct p2p_multiaddr **out)
{
	uint8_t bytes[P2P_MULTIADDR_MAX];
	struct rd has;
	struct wr w;
	size_t at;

	wr_init(&w, bytes, sizeof(bytes));
	wr_bytes(&w, ma->bytes, ma->len);
	if (!final_peer(ma, &has, &at) || !rd_equal(&has, id->bytes, id->len)) {
		varint_put(&w, MULTIADDR_P2P);
		varint_put_bytes(&w, id->bytes, id->len);
	}
	return w.full ? P2P_ERR_TOO_LARGE :
	    p2p_multiaddr_decode(bytes, w.len, out);
}

int
p2p_multiaddr_without_peer(const struct p2p_multiaddr *ma,
    struct p2p_multiaddr **out)
{
	struct rd has;
	size_t at;

	return p2p_multiaddr_decode(ma->bytes, final_peer(ma, &has, &at) ? at :
	    ma->len, out);
}
