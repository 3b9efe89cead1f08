/*
 * An envelope says who signed what for which purpose; a peer record is one
 * payload.  What is signed is not what travels:
 *
 *	varint(len) domain  varint(len) payload type  varint(len) payload
 *
 * The domain is never sent: it follows from the payload type, so a type that
 * names no domain cannot be checked and is refused.  Nothing inside a payload
 * is looked at before its signature holds, and a record counts only if it is
 * about its own signer.
 *
 * The public key is a message in the schema of the spec and plain bytes in
 * ours, the same on the wire: identity/key.c alone reads keys.
 */
#include "identity/envelope.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/pb.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "proto/envelope.pb-c.h"

/*
 * Allocations for one message, bytes.  64 addresses take about 9 KiB; 4096
 * empty ones, which fit into an envelope, would take 200.
 */
#define BUDGET		(64 * 1024)

/* Around a payload in the signed bytes: domain, type, three lengths. */
#define SIGNED_EXTRA	64

/* What the network uses, which we write; then the letter of RFC 0003. */
static const struct family {
	const char	*domain;
	const char	*type;
	size_t		 typelen;
} families[] = {
	{ "libp2p-peer-record", "\x03\x01", 2 },
	{ "libp2p-routing-state", "/libp2p/routing-state-record", 28 },
};

#define NFAMILIES	(sizeof(families) / sizeof(families[0]))

static void
signed_bytes(const struct family *f, struct rd payload, struct wr *w)
{
	varint_put_bytes(w, f->domain, strlen(f->domain));
	varint_put_bytes(w, f->type, f->typelen);
	varint_put_bytes(w, payload.p, payload.len);
	assert(!w->full);
}

static ProtobufCBinaryData
view(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)bytes };
}

static int
record_put(const struct p2p_peer_id *peer, uint64_t seq,
    const struct p2p_multiaddr *const *addrs, size_t n, struct wr *w)
{
	Proto__PeerRecord__AddressInfo infos[PEER_RECORD_ADDRS_MAX];
	Proto__PeerRecord__AddressInfo *list[PEER_RECORD_ADDRS_MAX];
	Proto__PeerRecord r = PROTO__PEER_RECORD__INIT;
	const uint8_t *bytes;
	size_t i, len;

	if (n > PEER_RECORD_ADDRS_MAX)
		return P2P_ERR_TOO_LARGE;
	for (i = 0; i < n; i++) {
		proto__peer_record__address_info__init(&infos[i]);
		bytes = p2p_multiaddr_bytes(addrs[i], &len);
		infos[i].has_multiaddr = 1;
		infos[i].multiaddr = view(bytes, len);
		list[i] = &infos[i];
	}
	r.has_peer_id = r.has_seq = 1;
	r.peer_id = view(peer->bytes, peer->len);
	r.seq = seq;
	r.addresses = list;
	r.n_addresses = n;
	pb_pack(&r.base, w);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

int
peer_record_seal(const struct p2p_key *key, uint64_t seq,
    const struct p2p_multiaddr *const *addrs, size_t n, struct wr *w)
{
	uint8_t payload[ENVELOPE_MAX], msg[ENVELOPE_MAX + SIGNED_EXTRA];
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	Proto__Envelope env = PROTO__ENVELOPE__INIT;
	struct p2p_peer_id peer;
	const uint8_t *pub;
	size_t publen, siglen;
	struct wr p, m;
	int e;

	p2p_peer_id_from_key(key, &peer);
	wr_init(&p, payload, sizeof(payload));
	if ((e = record_put(&peer, seq, addrs, n, &p)) != 0)
		return e;
	wr_init(&m, msg, sizeof(msg));
	signed_bytes(&families[0], (struct rd){ payload, p.len }, &m);
	if ((e = p2p_key_sign(key, msg, m.len, sig, &siglen)) != 0)
		return e;
	pub = p2p_key_public(key, &publen);
	env.has_public_key = env.has_payload_type = 1;
	env.has_payload = env.has_signature = 1;
	env.public_key = view(pub, publen);
	env.payload_type = view(families[0].type, families[0].typelen);
	env.payload = view(payload, p.len);
	env.signature = view(sig, siglen);
	if (protobuf_c_message_get_packed_size(&env.base) > ENVELOPE_MAX)
		return P2P_ERR_TOO_LARGE;
	pb_pack(&env.base, w);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

static const struct family *
family_of(const ProtobufCBinaryData *type)
{
	struct rd r = { type->data, type->len };
	size_t i;

	for (i = 0; i < NFAMILIES; i++)
		if (rd_equal(&r, families[i].type, families[i].typelen))
			return &families[i];
	return NULL;
}

/* Does the key in it sign it?  Then *signer is that key's id. */
static int
envelope_verify(const Proto__Envelope *env, struct p2p_peer_id *signer)
{
	uint8_t msg[ENVELOPE_READ_MAX + SIGNED_EXTRA];
	const struct family *f;
	struct p2p_key *key;
	struct wr m;
	int e;

	if ((f = family_of(&env->payload_type)) == NULL)
		return P2P_ERR_UNSUPPORTED;
	if ((e = p2p_key_decode_public(env->public_key.data,
	    env->public_key.len, &key)) != 0)
		return e;
	wr_init(&m, msg, sizeof(msg));
	signed_bytes(f, (struct rd){ env->payload.data, env->payload.len }, &m);
	e = p2p_key_verify(key, msg, m.len, env->signature.data,
	    env->signature.len);
	p2p_peer_id_from_key(key, signer);
	p2p_key_free(key);
	return e;
}

/* go drops addresses it cannot read, rust the whole record; we as go. */
static int
record_take(const Proto__PeerRecord *r, const struct p2p_peer_id *signer,
    struct peer_record *out)
{
	const ProtobufCBinaryData *a;
	struct peer_record rec = { .peer = *signer, .seq = r->seq };
	size_t i;
	int e;

	if (!r->has_peer_id || !r->has_seq)
		return P2P_ERR_FORMAT;
	if (r->peer_id.len != signer->len ||
	    memcmp(r->peer_id.data, signer->bytes, signer->len) != 0)
		return P2P_ERR_WRONG_PEER;
	for (i = 0; i < r->n_addresses && rec.n < PEER_RECORD_ADDRS_MAX; i++) {
		a = &r->addresses[i]->multiaddr;
		e = p2p_multiaddr_decode(a->data, a->len, &rec.addrs[rec.n]);
		if (e == -ENOMEM) {
			peer_record_clear(&rec);
			return e;
		}
		rec.n += e == 0;
	}
	*out = rec;
	return 0;
}

int
peer_record_open(struct rd in, struct peer_record *out)
{
	ProtobufCMessage *msg = NULL, *rec = NULL;
	const Proto__Envelope *env;
	struct p2p_peer_id signer;
	int e;

	if ((e = pb_unpack(&proto__envelope__descriptor, in,
	    ENVELOPE_READ_MAX, BUDGET, &msg)) != 0)
		return e;
	env = (const Proto__Envelope *)msg;
	if ((e = envelope_verify(env, &signer)) != 0 ||
	    (e = pb_unpack(&proto__peer_record__descriptor,
	    (struct rd){ env->payload.data, env->payload.len },
	    ENVELOPE_READ_MAX, BUDGET, &rec)) != 0)
		goto done;
	e = record_take((const Proto__PeerRecord *)rec, &signer, out);
done:
	pb_free(rec);
	pb_free(msg);
	return e;
}

void
peer_record_clear(struct peer_record *r)
{
	while (r->n > 0)
		p2p_multiaddr_free(r->addrs[--r->n]);
}
