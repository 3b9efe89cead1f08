/*
 * An address is one allocation: the binary form, then the canonical text, both
 * behind the struct.  Every way to make one ends in make(), which walks the
 * binary form, checks each value and prints it; so an address that exists is
 * valid, and its text parses to the same bytes again.
 *
 * The binary form is its own index: components are found by walking, at most
 * P2P_MULTIADDR_MAX bytes.
 */
#include "p2p/multiaddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "multiformats/multiaddr_proto.h"
#include "multiformats/peer_hash.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

/*
 * Text grows most from protocols without a value: "/p2p-websocket-star" is two
 * bytes.  So ten times the binary form holds any text, and more is no address.
 */
#define TEXT_MAX	(10 * P2P_MULTIADDR_MAX)

struct p2p_multiaddr {
	size_t		 len;		/* bytes of the binary form */
	const char	*text;		/* inside data, behind the bytes */
	uint8_t		 data[];
};

/* Take one component off in; *out has a view, *proto its entry. */
static int
part_get(struct rd *in, struct p2p_multiaddr_part *out,
    const struct multiaddr_proto **proto)
{
	const struct multiaddr_proto *p;
	struct rd value = { 0 };
	uint64_t code;
	int e;

	if (varint_get(in, &code) != 0 ||
	    (p = multiaddr_proto_by_code(code)) == NULL)
		return P2P_ERR_FORMAT;
	if (p->size == MULTIADDR_PROTO_VAR)
		e = varint_get_bytes(in, &value);
	else
		e = rd_bytes(in, (size_t)p->size, &value);
	if (e != 0)
		return P2P_ERR_FORMAT;
	out->code = p->code;
	out->name = p->name;
	out->value = value.len > 0 ? value.p : NULL;
	out->len = value.len;
	*proto = p;
	return 0;
}

/* Check and print all of in. */
static int
print(struct rd in, struct wr *w)
{
	const struct multiaddr_proto *proto;
	struct p2p_multiaddr_part part;
	struct rd value;
	int e;

	while (in.len > 0) {
		if ((e = part_get(&in, &part, &proto)) != 0)
			return e;
		if (proto->path && in.len > 0)
			return P2P_ERR_FORMAT;
		wr_u8(w, '/');
		wr_bytes(w, part.name, strlen(part.name));
		if (proto->size == 0)
			continue;
		if (!proto->path)	/* a path brings its own slash */
			wr_u8(w, '/');
		value = (struct rd){ part.value, part.len };
		if ((e = proto->print(value, w)) != 0)
			return e;
	}
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

static int
make(struct rd in, struct p2p_multiaddr **out)
{
	struct p2p_multiaddr *ma;
	char text[TEXT_MAX];
	struct wr w;
	int e;

	if (in.len == 0)
		return P2P_ERR_FORMAT;
	if (in.len > P2P_MULTIADDR_MAX)
		return P2P_ERR_TOO_LARGE;
	wr_init(&w, text, sizeof(text));
	if ((e = print(in, &w)) != 0)
		return e;
	if ((ma = malloc(sizeof(*ma) + in.len + w.len + 1)) == NULL)
		return -ENOMEM;
	ma->len = in.len;
	ma->text = (char *)ma->data + in.len;
	memcpy(ma->data, in.p, in.len);
	memcpy(ma->data + in.len, text, w.len);
	ma->data[in.len + w.len] = '\0';
	*out = ma;
	return 0;
}

/* The next segment: up to a slash, which is taken too, or the end. */
static struct rd
segment_get(struct rd *in)
{
	const uint8_t *slash = NULL;
	struct rd seg = *in;

	if (in->len > 0)
		slash = memchr(in->p, '/', in->len);
	if (slash != NULL)
		seg.len = (size_t)(slash - in->p);
	in->p += seg.len + (slash != NULL);
	in->len -= seg.len + (slash != NULL);
	return seg;
}

/* The value of one component, from the text behind its name. */
static int
value_parse(const struct multiaddr_proto *proto, struct rd *in, struct wr *w)
{
	uint8_t buf[P2P_MULTIADDR_MAX];
	struct wr value;
	struct rd text;
	int e;

	if (in->len == 0)
		return P2P_ERR_FORMAT;
	if (proto->path) {
		text = (struct rd){ in->p - 1, in->len + 1 };
		*in = (struct rd){ in->p + in->len, 0 };
	} else {
		text = segment_get(in);
	}
	wr_init(&value, buf, sizeof(buf));
	if ((e = proto->parse(text, &value)) != 0)
		return e;
	if (value.full)
		return P2P_ERR_TOO_LARGE;
	if (proto->size == MULTIADDR_PROTO_VAR)
		varint_put(w, value.len);
	wr_bytes(w, buf, value.len);
	return 0;
}

/* One component, from the text behind its slash. */
static int
part_parse(struct rd *in, struct wr *w)
{
	const struct multiaddr_proto *proto;

	if ((proto = multiaddr_proto_by_name(segment_get(in))) == NULL)
		return P2P_ERR_FORMAT;
	varint_put(w, proto->code);
	return proto->size == 0 ? 0 : value_parse(proto, in, w);
}

int
p2p_multiaddr_parse(const char *text, struct p2p_multiaddr **out)
{
	uint8_t buf[P2P_MULTIADDR_MAX];
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
	wr_init(&w, buf, sizeof(buf));
	while (in.len > 0)
		if ((e = part_parse(&in, &w)) != 0)
			return e;
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	return make((struct rd){ buf, w.len }, out);
}

int
p2p_multiaddr_decode(const uint8_t *bytes, size_t len,
    struct p2p_multiaddr **out)
{
	return make((struct rd){ bytes, len }, out);
}

int
p2p_multiaddr_dup(const struct p2p_multiaddr *ma, struct p2p_multiaddr **out)
{
	size_t size = sizeof(*ma) + ma->len + strlen(ma->text) + 1;
	struct p2p_multiaddr *copy;

	if ((copy = malloc(size)) == NULL)
		return -ENOMEM;
	memcpy(copy, ma, size);
	copy->text = (char *)copy->data + copy->len;
	*out = copy;
	return 0;
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
	return ma->data;
}

bool
p2p_multiaddr_equal(const struct p2p_multiaddr *a,
    const struct p2p_multiaddr *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

bool
p2p_multiaddr_part(const struct p2p_multiaddr *ma, size_t i,
    struct p2p_multiaddr_part *out)
{
	const struct multiaddr_proto *proto;
	struct p2p_multiaddr_part part;
	struct rd in = { ma->data, ma->len };

	while (in.len > 0 && part_get(&in, &part, &proto) == 0)
		if (i-- == 0) {
			*out = part;
			return true;
		}
	return false;
}

int
p2p_multiaddr_part_text(const struct p2p_multiaddr_part *part, char *out,
    size_t cap)
{
	const struct multiaddr_proto *proto;
	struct wr w;
	int e;

	wr_init(&w, out, cap);
	proto = multiaddr_proto_by_code(part->code);
	if (proto != NULL && proto->size != 0 && (e = proto->print(
	    (struct rd){ part->value, part->len }, &w)) != 0)
		return e;
	wr_u8(&w, '\0');
	return w.full ? P2P_ERR_TOO_LARGE : 0;
}

int
p2p_multiaddr_encapsulate(const struct p2p_multiaddr *outer,
    const struct p2p_multiaddr *inner, struct p2p_multiaddr **out)
{
	uint8_t buf[P2P_MULTIADDR_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	wr_bytes(&w, outer->data, outer->len);
	wr_bytes(&w, inner->data, inner->len);
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	return make((struct rd){ buf, w.len }, out);
}

int
p2p_multiaddr_decapsulate(const struct p2p_multiaddr *ma,
    const struct p2p_multiaddr *tail, struct p2p_multiaddr **out)
{
	const struct multiaddr_proto *proto;
	struct p2p_multiaddr_part part;
	struct rd in = { ma->data, ma->len };
	size_t at = SIZE_MAX;

	do
		if (in.len >= tail->len &&
		    memcmp(in.p, tail->data, tail->len) == 0)
			at = ma->len - in.len;
	while (in.len > 0 && part_get(&in, &part, &proto) == 0);
	if (at == SIZE_MAX)
		return P2P_ERR_NOT_FOUND;
	return make((struct rd){ ma->data, at }, out);
}

/* The final component, and where it begins. */
static size_t
last_part(const struct p2p_multiaddr *ma, struct p2p_multiaddr_part *out)
{
	const struct multiaddr_proto *proto;
	struct rd in = { ma->data, ma->len };
	size_t at = 0;

	*out = (struct p2p_multiaddr_part){ 0 };
	while (in.len > 0) {
		at = ma->len - in.len;
		if (part_get(&in, out, &proto) != 0)
			break;
	}
	return at;
}

int
p2p_multiaddr_peer(const struct p2p_multiaddr *ma, struct p2p_peer_id *out)
{
	struct p2p_multiaddr_part part;

	(void)last_part(ma, &part);
	if (part.code != MULTIADDR_P2P)
		return P2P_ERR_NO_PEER;
	memset(out, 0, sizeof(*out));
	out->len = (uint8_t)part.len;	/* at most PEER_HASH_MAX: checked */
	memcpy(out->bytes, part.value, part.len);
	return 0;
}

int
p2p_multiaddr_with_peer(const struct p2p_multiaddr *ma,
    const struct p2p_peer_id *id, struct p2p_multiaddr **out)
{
	uint8_t buf[P2P_MULTIADDR_MAX];
	struct p2p_peer_id have;
	struct wr w;

	if (p2p_multiaddr_peer(ma, &have) == 0) {
		if (have.len == id->len &&
		    memcmp(have.bytes, id->bytes, id->len) == 0)
			return p2p_multiaddr_dup(ma, out);
		return P2P_ERR_WRONG_PEER;
	}
	wr_init(&w, buf, sizeof(buf));
	wr_bytes(&w, ma->data, ma->len);
	varint_put(&w, MULTIADDR_P2P);
	varint_put_bytes(&w, id->bytes, id->len);
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	return make((struct rd){ buf, w.len }, out);
}

int
p2p_multiaddr_without_peer(const struct p2p_multiaddr *ma,
    struct p2p_multiaddr **out)
{
	struct p2p_multiaddr_part part;
	size_t at = last_part(ma, &part);

	if (part.code != MULTIADDR_P2P)
		return p2p_multiaddr_dup(ma, out);
	return make((struct rd){ ma->data, at }, out);
}
