/*
 * Keys from strangers and from files.  The first byte picks the reader.  What
 * decodes must be the only encoding of its key, and a pair must work.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "p2p/key.h"
#include "p2p/peer_id.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_public(const uint8_t *bytes, size_t len)
{
	struct p2p_key *key, *inner;
	struct p2p_peer_id id;
	const uint8_t *pub;
	size_t publen;

	if (p2p_key_decode_public(bytes, len, &key) != 0)
		return;
	pub = p2p_key_public(key, &publen);
	assert(publen == len && memcmp(pub, bytes, len) == 0);
	p2p_peer_id_from_key(key, &id);
	if (p2p_peer_id_key(&id, &inner) == 0)
		p2p_key_free(inner);
	(void)p2p_key_verify(key, bytes, len, bytes, len);
	p2p_key_free(key);
}

static void
fuzz_private(const uint8_t *bytes, size_t len)
{
	uint8_t out[P2P_KEY_PRIVATE_MAX], sig[P2P_KEY_SIGNATURE_MAX];
	struct p2p_key *key, *again;
	size_t n, siglen;

	if (p2p_key_decode_private(bytes, len, &key) != 0)
		return;
	assert(p2p_key_encode_private(key, out, &n) == 0);
	assert(p2p_key_decode_private(out, n, &again) == 0);
	assert(p2p_key_sign(again, bytes, len, sig, &siglen) == 0);
	assert(p2p_key_verify(key, bytes, len, sig, siglen) == 0);
	p2p_key_free(again);
	p2p_key_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return 0;
	if (bytes[0] % 2 == 0)
		fuzz_public(bytes + 1, len - 1);
	else
		fuzz_private(bytes + 1, len - 1);
	return 0;
}
