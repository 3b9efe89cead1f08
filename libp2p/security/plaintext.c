/*
 * /plaintext/2.0.0: no security at all, for tests.  Both sides say who they
 * are, once, and prove nothing; then the bytes go as they are.  It is offered
 * only where a configuration names it (PLT-2).
 *
 *	varint(len)  Exchange { 1: peer id, 2: public key }
 *
 * An end that was refused carries nothing: state does not change after the
 * handshake, so the halves need no lock.
 */
#include "security/security.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pb.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "proto/plaintext.pb-c.h"

/*
 * What a peer may send before it is known.  An RSA key of 8192 bits and its id
 * take 1106 bytes; the rest is for fields to come.  go reads 64 KiB, rust 100
 * bytes, which is two of the four key types.
 */
#define EXCHANGE_MAX	2048

_Static_assert(P2P_KEY_PUBLIC_MAX + P2P_PEER_ID_MAX + 5 <= EXCHANGE_MAX,
    "any identity of ours fits");

/* Allocations for one message, bytes: enough for a thousand empty fields. */
#define BUDGET		(64 * 1024)

enum state {
	SHAKING,
	OPEN,
	DEAD,				/* error says why */
};

/* Nobody writes to it after the handshake. */
struct codec {
	const struct p2p_key	*key;		/* borrowed */
	bool			 said;		/* our exchange is out */
	bool			 anyone;	/* expected is not set */
	struct p2p_peer_id	 expected;
	size_t			 have;		/* bytes of buf */
	uint8_t			 buf[VARINT_MAX_LEN + EXCHANGE_MAX];
	enum state		 state;
	int			 error;
	struct security_result	 result;
};

/* Nothing is shared. */
static int
plaintext_context_new(const struct p2p_key *key,
    const struct security_keylog *keylog, void **out)
{
	(void)key;
	(void)keylog;
	*out = NULL;
	return 0;
}

static void
plaintext_context_free(void *context)
{
	(void)context;
}

static int
plaintext_codec_new(const struct security_params *params, struct codec **out)
{
	struct codec *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	c->key = params->key;
	c->anyone = params->expected == NULL;
	if (!c->anyone)
		c->expected = *params->expected;
	*out = c;
	return 0;
}

static void
plaintext_codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	p2p_key_free(c->result.remote_key);
	free(c);
}

static void
exchange_put(const struct p2p_key *key, struct wr *w)
{
	Proto__Exchange msg = PROTO__EXCHANGE__INIT;
	struct p2p_peer_id id;
	const uint8_t *pub;
	size_t len;

	pub = p2p_key_public(key, &len);
	p2p_peer_id_from_key(key, &id);
	msg.has_id = msg.has_pubkey = 1;
	msg.id = (ProtobufCBinaryData){ id.len, id.bytes };
	msg.pubkey = (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)pub };
	varint_put(w, protobuf_c_message_get_packed_size(&msg.base));
	pb_pack(&msg.base, w);
}

/*
 * The id must be that of the key, and of whom we dialed.  A field that is not
 * there is as an empty one, which is neither.  A peer that says two things of
 * itself has no name in the result.
 */
static int
judge(struct codec *c, const Proto__Exchange *msg)
{
	struct rd said = { msg->id.data, msg->id.len };
	struct p2p_peer_id id;
	struct p2p_key *key;
	int e;

	if ((e = p2p_key_decode_public(msg->pubkey.data, msg->pubkey.len,
	    &key)) != 0)
		return e == -ENOMEM ? e : P2P_ERR_SECURITY;
	p2p_peer_id_from_key(key, &id);
	if (!rd_equal(&said, id.bytes, id.len)) {
		p2p_key_free(key);
		return P2P_ERR_SECURITY;
	}
	c->result.peer = id;
	c->result.remote_key = key;
	if (!c->anyone && !p2p_peer_id_equal(&c->expected, &id))
		return P2P_ERR_WRONG_PEER;
	return 0;
}

static int
exchange_get(struct codec *c, struct rd body)
{
	ProtobufCMessage *msg = NULL;
	int e;

	if (pb_unpack(&proto__exchange__descriptor, body, EXCHANGE_MAX, BUDGET,
	    &msg) != 0)
		return P2P_ERR_SECURITY;
	e = judge(c, (const Proto__Exchange *)msg);
	pb_free(msg);
	return e;
}

/*
 * Not one byte more than the exchange is taken from in.  Its length comes a
 * byte at a time.  Returns 1 (more), 0 (body is there) or P2P_ERR_SECURITY.
 */
static int
collect(struct codec *c, struct rd *in, struct rd *body)
{
	uint64_t len;
	struct rd r;
	size_t n;
	int e;

	for (;;) {
		r = (struct rd){ c->buf, c->have };
		e = varint_get(&r, &len);
		if (e != 0 && e != P2P_ERR_SHORT)
			return P2P_ERR_SECURITY;
		if (e == 0 && len > EXCHANGE_MAX)
			return P2P_ERR_SECURITY;
		if (e == 0 && r.len == len)
			break;
		if (in->len == 0)
			return 1;
		n = e == 0 ? (size_t)len - r.len : 1;
		n = n < in->len ? n : in->len;
		if (rd_copy(in, c->buf + c->have, n) != 0)
			return P2P_ERR_SECURITY;
		c->have += n;
	}
	*body = r;
	return 0;
}

static int
plaintext_handshake(struct codec *c, struct rd *in, struct wr *out)
{
	struct rd body;
	int e;

	if (wr_room(out) < SECURITY_OUT_MIN)
		return P2P_ERR_TOO_LARGE;
	if (c->state != SHAKING)
		return c->error;
	if (!c->said)
		exchange_put(c->key, out);
	c->said = true;
	if ((e = collect(c, in, &body)) == 1)
		return 1;
	if (e == 0)
		e = exchange_get(c, body);
	c->state = e == 0 ? OPEN : DEAD;
	c->error = e;
	return e;
}

static const struct security_result *
plaintext_result(const struct codec *c)
{
	return &c->result;
}

static size_t
plaintext_sealed_size(const struct codec *c, size_t len)
{
	(void)c;
	return len;
}

static int
plaintext_seal(struct codec *c, const uint8_t *plain, size_t len,
    struct wr *out)
{
	if (c->state != OPEN)
		return P2P_ERR_SECURITY;
	wr_bytes(out, plain, len);
	return out->full ? P2P_ERR_TOO_LARGE : 0;
}

static int
plaintext_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	bool good = c->state == OPEN;
	int e = !good ? P2P_ERR_SECURITY : in->len == 0 ? P2P_ERR_SHORT : 0;

	*talk = false;
	*plain = (struct rd){ in->p, good ? in->len : 0 };
	in->p += in->len;
	in->len = 0;
	return e;
}

static void
plaintext_close(struct codec *c, struct wr *out)
{
	(void)c;
	(void)out;
}

const struct security_ops security_plaintext = {
	.id = "/plaintext/2.0.0",
	.clear = true,
	.context_new = plaintext_context_new,
	.context_free = plaintext_context_free,
	.codec_new = plaintext_codec_new,
	.codec_free = plaintext_codec_free,
	.handshake = plaintext_handshake,
	.result = plaintext_result,
	.sealed_size = plaintext_sealed_size,
	.seal = plaintext_seal,
	.open = plaintext_open,
	.close = plaintext_close,
};
