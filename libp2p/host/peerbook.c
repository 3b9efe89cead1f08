#include "host/peerbook.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/varint.h"
#include "host/host.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/store.h"

#define SPACE		"peers"
#define PAGE		256		/* peers at a time */
#define VALUE_MAX	8192		/* bytes of one peer */
#define LIFE		(30 * 24 * 3600 * CLOCK_S)	/* of what has no end */

/* From a time on the wall to how long from now; 0: it is over. */
static uint64_t
left(uint64_t expires, uint64_t wall)
{
	if (expires == 0)
		return UINT64_MAX;
	return expires > wall ? expires - wall : 0;
}

static void
load_peer(struct p2p_host *h, const struct p2p_store_entry *en, uint64_t wall)
{
	struct rd r = { en->value, en->len }, bytes;
	struct p2p_multiaddr *ma;
	struct p2p_peer_id id;
	uint64_t expires;

	if (p2p_peer_id_decode(en->key, en->key_len, &id) != 0)
		return;
	while (rd_be64(&r, &expires) == 0 &&
	    varint_get_bytes(&r, &bytes) == 0) {
		if (left(expires, wall) == 0 ||
		    p2p_multiaddr_decode(bytes.p, bytes.len, &ma) != 0)
			continue;
		(void)peerstore_add(h->peerstore, &id, ma,
		    left(expires, wall));
		p2p_multiaddr_free(ma);
	}
}

int
peerbook_load(struct p2p_host *h, struct p2p_store *store)
{
	struct p2p_store_caps caps = {
	    .entries = h->limits[LIMIT_PEERS].max };
	uint8_t after[P2P_STORE_KEY_MAX];
	uint64_t wall = clock_wall_ns();
	struct p2p_peer_id changed[PAGE];
	struct p2p_store_entry *list;
	size_t i, n = PAGE, len = 0;
	int e;

	if ((e = p2p_store_cap(store, SPACE, &caps)) != 0)
		return e;
	while (n == PAGE) {
		if ((e = p2p_store_list(store, SPACE, NULL, 0,
		    len > 0 ? after : NULL, len, PAGE, &list, &n)) != 0)
			return e;
		for (i = 0; i < n; i++)
			load_peer(h, &list[i], wall);
		if (n > 0) {
			len = list[n - 1].key_len;
			memcpy(after, list[n - 1].key, len);
		}
		free(list);
	}
	/* What was read has not changed. */
	while (peerstore_changed(h->peerstore, changed, PAGE) == PAGE)
		;
	return 0;
}

static int
write_peer(struct p2p_host *h, const struct p2p_peer_id *peer,
    const struct peerstore_saved *s)
{
	uint64_t now = clock_now(), wall = clock_wall_ns(), until = 0;
	struct p2p_store_entry en = { .key = peer->bytes,
	    .key_len = peer->len };
	uint8_t value[VALUE_MAX];
	const uint8_t *bytes;
	struct wr w;
	size_t i, len;

	wr_init(&w, value, sizeof(value));
	for (i = 0; i < s->n; i++) {
		bytes = p2p_multiaddr_bytes(s->addrs[i], &len);
		if (wr_room(&w) < 8 + varint_len(len) + len)
			break;
		if (s->expires[i] <= now)
			continue;
		until = s->expires[i] == CLOCK_NEVER ? 0 :
		    wall + (s->expires[i] - now);
		wr_be64(&w, until);
		varint_put_bytes(&w, bytes, len);
		if (until == 0)
			until = wall + LIFE;
		if (en.expires < until)
			en.expires = until;
	}
	en.value = value;
	en.len = w.len;
	if (w.len == 0)
		return 0;	/* all of them are over by now */
	return p2p_store_put(h->store, SPACE, &en);
}

void
peerbook_save(struct p2p_host *h)
{
	struct p2p_peer_id list[PAGE];
	struct peerstore_saved s;
	size_t i, n = PAGE;
	int e = 0;

	while (n == PAGE) {
		n = peerstore_changed(h->peerstore, list, PAGE);
		for (i = 0; i < n; i++) {
			if (peerstore_save(h->peerstore, &list[i], &s) != 0)
				continue;
			e = write_peer(h, &list[i], &s);
			peerstore_saved_clear(&s);
			if (e != 0 && e != P2P_ERR_LIMIT)
				log_line(&h->log, P2P_LOG_WARN, "peerbook",
				    "a peer could not be saved: %s",
				    p2p_strerror(e));
		}
	}
}

void
peerbook_forget(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	int e;

	if ((e = p2p_store_remove(h->store, SPACE, peer->bytes, peer->len)) !=
	    0)
		log_line(&h->log, P2P_LOG_WARN, "peerbook",
		    "a peer could not be forgotten: %s", p2p_strerror(e));
}
