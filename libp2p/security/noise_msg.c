/*
 * The payload names an identity key, whose signature of the static key is all
 * that ties the two together.  Unknown fields are ignored, early data and
 * certificate hashes too: they are for other transports.
 */
#include "security/noise_msg.h"

#include <errno.h>
#include <string.h>

#include "base/pb.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "proto/noise.pb-c.h"
#include "security/security.h"

#define PREFIX		"noise-libp2p-static-key:"
#define SIGNED		(sizeof(PREFIX) - 1 + DH_SIZE)

/* What one payload may allocate, bytes: an honest one takes 3 KiB. */
#define BUDGET		(64 * 1024)

static void
signed_bytes(const uint8_t public[DH_SIZE], uint8_t out[SIGNED])
{
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	memcpy(out + sizeof(PREFIX) - 1, public, DH_SIZE);
}

int
noise_sign(const struct p2p_key *key, const uint8_t public[DH_SIZE],
    uint8_t *sig, size_t *siglen)
{
	uint8_t msg[SIGNED];

	signed_bytes(public, msg);
	return p2p_key_sign(key, msg, sizeof(msg), sig, siglen);
}

static ProtobufCBinaryData
view(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)bytes };
}

void
noise_payload_put(const struct p2p_key *key, struct rd sig,
    const char *const *muxers, struct wr *w)
{
	Proto__NoiseHandshakePayload p = PROTO__NOISE_HANDSHAKE_PAYLOAD__INIT;
	Proto__NoiseExtensions ext = PROTO__NOISE_EXTENSIONS__INIT;
	ProtobufCBinaryData list[SECURITY_MUXERS_MAX];
	const uint8_t *pub;
	size_t n, len;

	pub = p2p_key_public(key, &len);
	p.has_identity_key = p.has_identity_sig = 1;
	p.identity_key = view(pub, len);
	p.identity_sig = view(sig.p, sig.len);
	for (n = 0; n < SECURITY_MUXERS_MAX && muxers[n] != NULL; n++)
		list[n] = view(muxers[n], strlen(muxers[n]));
	ext.stream_muxers = list;
	ext.n_stream_muxers = n;
	if (n > 0)
		p.extensions = &ext;
	pb_pack(&p.base, w);
}

/* Its index in our list, or -1. */
static int
index_in(const char *const *muxers, ProtobufCBinaryData name)
{
	int i;

	for (i = 0; muxers[i] != NULL; i++)
		if (strlen(muxers[i]) == name.len &&
		    memcmp(muxers[i], name.data, name.len) == 0)
			return i;
	return -1;
}

static void
match_muxers(const Proto__NoiseExtensions *ext, const char *const *muxers,
    struct noise_claim *claim)
{
	int found, best = -1;
	size_t i;

	if (ext == NULL)
		return;
	claim->lists = ext->n_stream_muxers > 0;
	for (i = 0; i < ext->n_stream_muxers; i++) {
		found = index_in(muxers, ext->stream_muxers[i]);
		if (found == -1)
			continue;
		if (claim->theirs == NULL)
			claim->theirs = muxers[found];
		if (best == -1 || found < best)
			best = found;
	}
	if (best != -1)
		claim->ours = muxers[best];
}

static int
verify(const Proto__NoiseHandshakePayload *p, const uint8_t public[DH_SIZE],
    struct p2p_key **out)
{
	struct p2p_key *key = NULL;
	uint8_t msg[SIGNED];
	int e;

	if (!p->has_identity_key || !p->has_identity_sig)
		return P2P_ERR_SECURITY;
	e = p2p_key_decode_public(p->identity_key.data, p->identity_key.len,
	    &key);
	if (e == -ENOMEM)
		return e;
	signed_bytes(public, msg);
	if (e != 0 || p2p_key_verify(key, msg, sizeof(msg),
	    p->identity_sig.data, p->identity_sig.len) != 0) {
		p2p_key_free(key);
		return P2P_ERR_SECURITY;
	}
	*out = key;
	return 0;
}

int
noise_payload_get(struct rd payload, const uint8_t public[DH_SIZE],
    const char *const *muxers, struct noise_claim *claim)
{
	Proto__NoiseHandshakePayload *p;
	ProtobufCMessage *msg;
	int e;

	memset(claim, 0, sizeof(*claim));
	if (pb_unpack(&proto__noise_handshake_payload__descriptor, payload,
	    NOISE_PAYLOAD_MAX, BUDGET, &msg) != 0)
		return P2P_ERR_SECURITY;
	p = (Proto__NoiseHandshakePayload *)msg;
	if ((e = verify(p, public, &claim->key)) == 0)
		match_muxers(p->extensions, muxers, claim);
	pb_free(msg);
	return e;
}
