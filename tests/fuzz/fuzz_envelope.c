/*
 * Envelopes.  A fuzzer cannot sign, so the first byte chooses: the input is an
 * envelope as it came, or a payload that is signed here by a fixed key, which
 * leads into the record behind the signature.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "identity/envelope.h"
#include "p2p/key.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char domain[] = "libp2p-peer-record";
static const uint8_t type[] = { 3, 1 };

/* The signer of vectors/peer_record_go.hex. */
static const char priv[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434bf6ee"
    "11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";

static const struct p2p_key *
fixed_key(void)
{
	static struct p2p_key *key;
	uint8_t in[sizeof(priv) / 2];
	size_t len;

	if (key == NULL &&
	    (hex_get(priv, in, sizeof(in), &len) != 0 ||
	    p2p_key_decode_private(in, len, &key) != 0))
		abort();
	return key;
}

static void
put_field(struct wr *w, uint8_t tag, const void *bytes, size_t len)
{
	wr_u8(w, tag);
	varint_put_bytes(w, bytes, len);
}

static void
sign_payload(struct rd payload, struct wr *w)
{
	uint8_t msg[ENVELOPE_READ_MAX + 64], sig[P2P_KEY_SIGNATURE_MAX];
	const uint8_t *pub;
	size_t publen, siglen;
	struct wr m;

	wr_init(&m, msg, sizeof(msg));
	varint_put_bytes(&m, domain, strlen(domain));
	varint_put_bytes(&m, type, sizeof(type));
	varint_put_bytes(&m, payload.p, payload.len);
	if (m.full || p2p_key_sign(fixed_key(), msg, m.len, sig, &siglen) != 0)
		return;
	pub = p2p_key_public(fixed_key(), &publen);
	put_field(w, 0x0a, pub, publen);
	put_field(w, 0x12, type, sizeof(type));
	put_field(w, 0x1a, payload.p, payload.len);
	put_field(w, 0x2a, sig, siglen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t buf[ENVELOPE_READ_MAX];
	struct peer_record rec, again;
	struct rd in;
	struct wr w;

	if (len == 0)
		return 0;
	in = (struct rd){ bytes + 1, len - 1 };
	if (bytes[0] % 2 != 0) {
		wr_init(&w, buf, sizeof(buf));
		sign_payload(in, &w);
		in = (struct rd){ buf, w.full ? 0 : w.len };
	}
	if (peer_record_open(in, &rec) != 0)
		return 0;
	assert(rec.n <= PEER_RECORD_ADDRS_MAX);
	if (bytes[0] % 2 != 0) {
		wr_init(&w, buf, sizeof(buf));
		if (peer_record_seal(fixed_key(), rec.seq,
		    (const struct p2p_multiaddr *const *)rec.addrs, rec.n,
		    &w) == 0) {
			assert(peer_record_open((struct rd){ buf, w.len },
			    &again) == 0);
			assert(again.seq == rec.seq && again.n == rec.n);
			peer_record_clear(&again);
		}
	}
	peer_record_clear(&rec);
	return 0;
}
