#include "services/kad/kad_key.h"

#include <endian.h>
#include <string.h>

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

/* The i-th 64 bits, as a number. */
static uint64_t
word(const struct kad_key *k, unsigned i)
{
	uint64_t v;

	memcpy(&v, k->b + 8 * i, sizeof(v));
	return be64toh(v);
}

int
kad_compare(const struct kad_key *target, const struct kad_key *a,
    const struct kad_key *b)
{
	uint64_t t, x, y;
	unsigned i;

	for (i = 0; i < KAD_KEY_SIZE / 8; i++) {
		t = word(target, i);
		x = t ^ word(a, i);
		y = t ^ word(b, i);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}
