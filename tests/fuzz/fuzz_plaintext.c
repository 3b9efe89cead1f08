/*
 * A codec whose peer sends the input, in steps of as many bytes as its first
 * byte says.  Whom it believes has an id that fits the key, and what came
 * behind the exchange is still there.
 */
#include "base/bytes.h"
#include "base/varint.h"
#include "fuzz.h"
#include "p2p/key.h"
#include "security/security.h"

static const char *const muxers[] = { NULL };
static struct p2p_key *key;
static uint8_t out[SECURITY_OUT_MIN];

/* Returns how much was used up. */
static size_t
feed(struct codec *c, const uint8_t *data, size_t size, size_t chunk, int *e)
{
	struct rd in;
	struct wr w;
	size_t n, used = 0;

	do {
		n = size - used < chunk ? size - used : chunk;
		in = (struct rd){ data + used, n };
		wr_init(&w, out, sizeof(out));
		*e = security_plaintext.handshake(c, &in, &w);
		FUZZ_CHECK(!w.full && *e <= 1);
		FUZZ_CHECK(*e != 1 || in.len == 0);
		used += n - in.len;
	} while (*e == 1 && used < size);
	return used;
}

static void
believed(const struct security_result *r, struct rd in, size_t used)
{
	const uint8_t *begin = in.p;
	struct p2p_peer_id id;
	struct rd body;

	p2p_peer_id_from_key(r->remote_key, &id);
	FUZZ_CHECK(p2p_peer_id_equal(&id, &r->peer));
	FUZZ_CHECK(r->muxer == NULL);
	FUZZ_CHECK(varint_get_bytes(&in, &body) == 0);
	FUZZ_CHECK(in.p == begin + used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct security_params p = { .muxers = muxers };
	struct codec *c;
	size_t used;
	int e;

	if (size == 0)
		return 0;
	if (key == NULL && p2p_key_generate(P2P_KEY_ED25519, 0, &key) != 0)
		abort();
	p.key = key;
	if (security_plaintext.codec_new(&p, &c) != 0)
		abort();
	used = feed(c, data + 1, size - 1, data[0] == 0 ? size : data[0], &e);
	if (e == 0)
		believed(security_plaintext.result(c),
		    (struct rd){ data + 1, size - 1 }, used);
	security_plaintext.codec_free(c);
	return 0;
}
