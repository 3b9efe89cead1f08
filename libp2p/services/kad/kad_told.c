/*
 * How the peers of the table are told of: each entry keeps its peer as it is in
 * an answer, so that a request needs no look at the peer store.  It is made
 * when it is asked for, and again when identify has heard something, or when it
 * is a minute old: so long an address may be told that has expired in the peer
 * store, or one that others have told us of may be left out.  That there is
 * nothing to tell is kept as well.
 */
#include "base/clock.h"
#include "p2p/host.h"
#include "services/kad/kad.h"

#define AGE_MAX		(60 * CLOCK_S)

/* Make one; of those without addresses there is nothing to tell. */
static void
make(struct p2p_kad *k, const struct p2p_peer_id *peer, uint64_t now)
{
	struct p2p_multiaddr **addrs = kad_book_addresses(k, peer);
	struct kad_tell tell = { .peer = *peer, .addrs = addrs };
	uint8_t buf[KAD_MSG_SEND_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	if (addrs != NULL) {
		while (addrs[tell.naddrs] != NULL)
			tell.naddrs++;
		kad_msg_put_closer(&tell, &w);
	}
	lock_lock(&k->mtx);
	if (!w.full)
		kad_table_tell(k->table, peer, (struct rd){ buf, w.len }, now);
	lock_unlock(&k->mtx);
	p2p_host_addresses_free(addrs);
}

/* Whose is to be made before they are told of; how many. */
static size_t
missing(const struct kad_entry *const *list, size_t n, uint64_t now,
    struct p2p_peer_id *out)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		if (list[i]->told_at == 0 ||
		    now - list[i]->told_at >= AGE_MAX)
			out[found++] = list[i]->peer;
	return found;
}

int
kad_told_nearest(struct p2p_kad *k, struct rd key,
    const struct p2p_peer_id *from, const struct p2p_peer_id *other, size_t n,
    struct wr *w)
{
	const struct kad_entry *list[KAD_K];
	struct p2p_peer_id old[KAD_K];
	uint64_t now = clock_now();
	struct kad_key target;
	size_t i, found, nold;
	int e;

	if ((e = kad_key_of(key.p, key.len, &target)) != 0)
		return e;
	lock_lock(&k->mtx);
	found = kad_table_nearest_entries(k->table, &target, from, list,
	    KAD_K);
	if ((nold = missing(list, found, now, old)) > 0) {
		lock_unlock(&k->mtx);
		for (i = 0; i < nold; i++)
			make(k, &old[i], now);
		lock_lock(&k->mtx);
		found = kad_table_nearest_entries(k->table, &target, from,
		    list, KAD_K);
	}
	for (i = 0; i < found && n > 0; i++) {
		if (list[i]->told.len == 0 || (other != NULL &&
		    p2p_peer_id_equal(&list[i]->peer, other)))
			continue;
		wr_bytes(w, list[i]->told.p, list[i]->told.len);
		n--;
	}
	lock_unlock(&k->mtx);
	return 0;
}
