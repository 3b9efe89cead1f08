/*
 * Signed envelopes, spec digest ENV-1 to ENV-7.
 *
 * The public key travels as an embedded message, whose bytes are kept as they
 * are: they are what the signer's peer id hashes.
 */
#include "identity/envelope.h"

#include <string.h>

#include "base/pb.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "proto/envelope.pb-c.h"

#define BUDGET		(64 * 1024)	/* bytes of allocation for one message */

/* The two families of spec digest section 4; the first one is written. */
static const struct family {
	const char	*domain;
	const char	*type;
	size_t		 typelen;
} families[] = {
	{ "libp2p-peer-record", "\x03\x01", 2 },
	{ "libp2p-routing-state", "/libp2p/routing-state-record", 28 },
};

#define N_FAMILIES	(sizeof(families) / sizeof(families[0]))

static void
signed_bytes(const struct family *f, struct rd payload, struct wr *w)
{
	varint_put_bytes(w, f->domain, strlen(f->domain));
	varint_put_bytes(w, f->type, f->typelen);
	varint_put_bytes(w, payload.p, payload.len);
}

static ProtobufCBinaryData
binary(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)bytes };
}

/* The record alone. */
static int
put_record(const struct p2p_peer_id *peer, uint64_t seq,
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
		infos[i].multiaddr = binary(bytes, len);
		list[i] = &infos[i];
	}
	r.has_peer_id = r.has_seq = 1;
	r.peer_id = binary(peer->bytes, peer->len);
	r.seq = seq;
	r.addresses = list;
	r.n_addresses = n;
	pb_pack(&r.base, w);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

int
peer_record_seal(const struct p2p_key *key, uint64_t seq,
    const struct p2p_multiaddr *const *addrs, size_t n, struct wr *out)
{
	uint8_t payload[ENVELOPE_MAX], msg[ENVELOPE_MAX + 128];
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	Proto__Envelope env = PROTO__ENVELOPE__INIT;
	struct p2p_peer_id peer;
	const uint8_t *pub;
	size_t publen, siglen;
	struct wr p, m;
	int e;

	p2p_peer_id_from_key(key, &peer);
	wr_init(&p, payload, sizeof(payload));
	if ((e = put_record(&peer, seq, addrs, n, &p)) != 0)
		return e;
	wr_init(&m, msg, sizeof(msg));
	signed_bytes(&families[0], (struct rd){ payload, p.len }, &m);
	if ((e = p2p_key_sign(key, msg, m.len, sig, &siglen)) != 0)
		return e;
	pub = p2p_key_public(key, &publen);
	env.has_public_key = env.has_payload_type = 1;
	env.has_payload = env.has_signature = 1;
	env.public_key = binary(pub, publen);
	env.payload_type = binary(families[0].type, families[0].typelen);
	env.payload = binary(payload, p.len);
	env.signature = binary(sig, siglen);
	pb_pack(&env.base, out);
	return out->full ? P2P_ERR_TOO_LARGE : 0;
}

/* The signature under the family that the payload type names. */
static int
check_signature(const Proto__Envelope *env, struct p2p_peer_id *signer)
{
	uint8_t msg[ENVELOPE_READ_MAX + 128];
	const struct family *f = NULL;
	struct p2p_key *key;
	struct wr m;
	size_t i;
	int e;

	for (i = 0; i < N_FAMILIES && f == NULL; i++)
		if (env->payload_type.len == families[i].typelen &&
		    memcmp(env->payload_type.data, families[i].type,
		    families[i].typelen) == 0)
			f = &families[i];
	if (f == NULL)
		return P2P_ERR_UNSUPPORTED;
	if (p2p_key_decode_public(env->public_key.data, env->public_key.len,
	    &key) != 0)
		return P2P_ERR_FORMAT;
	wr_init(&m, msg, sizeof(msg));
	signed_bytes(f, (struct rd){ env->payload.data, env->payload.len }, &m);
	e = m.full ? P2P_ERR_TOO_LARGE : p2p_key_verify(key, msg, m.len,
	    env->signature.data, env->signature.len);
	p2p_peer_id_from_key(key, signer);
	p2p_key_free(key);
	return e;
}

static int
take_record(const Proto__PeerRecord *r, const struct p2p_peer_id *signer,
    struct peer_record *out)
{
	const Proto__PeerRecord__AddressInfo *a;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (p2p_peer_id_decode(r->peer_id.data, r->peer_id.len, &out->peer) !=
	    0)
		return P2P_ERR_FORMAT;
	if (!p2p_peer_id_equal(&out->peer, signer))
		return P2P_ERR_WRONG_PEER;
	out->seq = r->seq;
	for (i = 0; i < r->n_addresses; i++) {
		a = r->addresses[i];
		if (out->n < PEER_RECORD_ADDRS_MAX &&
		    p2p_multiaddr_decode(a->multiaddr.data, a->multiaddr.len,
		    &out->addrs[out->n]) == 0)
			out->n++;
	}
	return 0;
}

int
peer_record_open(struct rd in, struct peer_record *out)
{
	ProtobufCMessage *env = NULL, *record = NULL;
	const Proto__Envelope *e;
	struct p2p_peer_id signer;
	int error;

	if ((error = pb_unpack(&proto__envelope__descriptor, in,
	    ENVELOPE_READ_MAX, BUDGET, &env)) != 0)
		return error;
	e = (const Proto__Envelope *)env;
	if ((error = check_signature(e, &signer)) != 0 ||
	    (error = pb_unpack(&proto__peer_record__descriptor,
	    (struct rd){ e->payload.data, e->payload.len }, ENVELOPE_READ_MAX,
	    BUDGET, &record)) != 0)
		goto done;
	error = take_record((const Proto__PeerRecord *)record, &signer, out);
done:
	pb_free(record);
	pb_free(env);
	return error;
}

void
peer_record_clear(struct peer_record *r)
{
	while (r->n > 0)
		p2p_multiaddr_free(r->addrs[--r->n]);
}
