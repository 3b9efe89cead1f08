#include "services/kad/kad_refresh.h"

#include <string.h>

#include "p2p/error.h"

#define TRIES	(64u << KAD_REFRESH_CPL)	/* 2^(cpl + 1) are usual */

/* The last bucket worth a look-up, as the gaps say. */
static unsigned
last_bucket(const struct kad_table *t)
{
	unsigned last = kad_table_max_cpl(t), c;

	if (last > KAD_REFRESH_CPL)
		last = KAD_REFRESH_CPL;
	for (c = 0; c <= last; c++)
		if (kad_table_bucket_size(t, c) == 0 &&
		    kad_table_refreshed(t, c) != 0)
			return 2 * (c + 1) < last ? 2 * (c + 1) : last;
	return last;
}

int
kad_refresh_next(const struct kad_table *t, unsigned from, uint64_t now,
    uint64_t age)
{
	unsigned c, last = last_bucket(t);
	uint64_t at;

	for (c = from; c <= last; c++) {
		at = kad_table_refreshed(t, c);
		if (at == 0 || now - at >= age)
			return (int)c;
	}
	return -1;
}

int
kad_refresh_id(const struct kad_key *ours, unsigned cpl,
    const uint8_t seed[KAD_KEY_SIZE], uint8_t out[KAD_REFRESH_ID_SIZE])
{
	struct kad_key key;
	uint32_t i;
	int e;

	out[0] = 0x12;		/* sha2-256, 32 bytes */
	out[1] = KAD_KEY_SIZE;
	memcpy(out + 2, seed, KAD_KEY_SIZE);
	for (i = 0; i < TRIES; i++) {
		memcpy(out + 2, &i, sizeof(i));
		if ((e = kad_key_of(out, KAD_REFRESH_ID_SIZE, &key)) != 0)
			return e;
		if (kad_cpl(ours, &key) == cpl)
			return 0;
	}
	return P2P_ERR_CRYPTO;
}
