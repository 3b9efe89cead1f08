/*
 * What an instance looks like from outside: its table and its counters.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "p2p/error.h"
#include "services/kad/kad.h"

#define STALE_AFTER	(2 * KAD_REFRESH_EVERY)

static struct p2p_kad_bucket
describe(const struct p2p_kad *k, unsigned cpl, uint64_t now)
{
	struct p2p_kad_bucket b = { .prefix = cpl };
	const struct kad_entry *en = kad_table_first(k->table, cpl);
	uint64_t at = kad_table_refreshed(k->table, cpl), last;

	for (; en != NULL; en = TAILQ_NEXT(en, next)) {
		last = en->answered > en->added ? en->answered : en->added;
		b.peers++;
		b.stale += now - last >= STALE_AFTER;
	}
	b.age_us = at == 0 ? 0 : (now - at) / CLOCK_US;
	return b;
}

size_t
p2p_kad_table(struct p2p_kad *k, struct p2p_kad_bucket *out, size_t max)
{
	uint64_t now;
	size_t n = 0;
	unsigned last;

	lock_lock(&k->mtx);
	now = clock_now();	/* after all that is in the table */
	last = kad_table_max_cpl(k->table);
	if (kad_table_size(k->table) > 0)
		for (; n <= last && n < max; n++)
			out[n] = describe(k, (unsigned)n, now);
	lock_unlock(&k->mtx);
	return n;
}

int
p2p_kad_peers(struct p2p_kad *k, struct p2p_peer_id **out, size_t *n)
{
	const struct kad_entry *en;
	struct p2p_peer_id *list;
	unsigned cpl;
	size_t i = 0;

	lock_lock(&k->mtx);
	list = malloc((kad_table_size(k->table) + 1) * sizeof(*list));
	for (cpl = 0; list != NULL && cpl < KAD_KEY_BITS; cpl++)
		for (en = kad_table_first(k->table, cpl); en != NULL;
		    en = TAILQ_NEXT(en, next))
			list[i++] = en->peer;
	lock_unlock(&k->mtx);
	if (list == NULL)
		return -ENOMEM;
	*out = list;
	*n = i;
	return 0;
}

void
p2p_kad_stats(struct p2p_kad *k, struct p2p_kad_stats *out)
{
	struct p2p_store_usage records = { 0 }, providers = { 0 };

	(void)p2p_store_usage(k->store.store, k->store.records, &records);
	(void)p2p_store_usage(k->store.store, k->store.providers, &providers);
	lock_lock(&k->mtx);
	*out = k->stats;
	out->peers = kad_table_size(k->table);
	out->network = (uint64_t)kad_size_guess(&k->size);
	lock_unlock(&k->mtx);
	out->over_cap = records.refused + providers.refused;
	out->records = records.entries;
	out->providers = providers.entries;
}
