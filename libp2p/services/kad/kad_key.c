#include "services/kad/kad_key.h"

#include "crypto/hash.h"

_Static_assert(KAD_KEY_SIZE == HASH_SHA256_SIZE, "a key is a SHA-256");

int
kad_key_of(const void *bytes, size_t len, struct kad_key *out)
{
	return hash_sha256(bytes, len, out->b);
}

int
kad_key_of_peer(const struct p2p_peer_id *peer, struct kad_key *out)
{
	return kad_key_of(peer->bytes, peer->len, out);
}

unsigned
kad_cpl(const struct kad_key *a, const struct kad_key *b)
{
	unsigned i, bit, x;

	for (i = 0; i < KAD_KEY_SIZE && a->b[i] == b->b[i]; i++)
		;
	if (i == KAD_KEY_SIZE)
		return KAD_KEY_BITS;
	x = a->b[i] ^ b->b[i];
	for (bit = 0; (x & 0x80u >> bit) == 0; bit++)
		;
	return 8 * i + bit;
}

int
kad_compare(const struct kad_key *target, const struct kad_key *a,
    const struct kad_key *b)
{
	unsigned i, x, y;

	for (i = 0; i < KAD_KEY_SIZE; i++) {
		x = target->b[i] ^ a->b[i];
		y = target->b[i] ^ b->b[i];
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}
