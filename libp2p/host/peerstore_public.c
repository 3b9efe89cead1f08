/*
 * The peer store as the application has it.
 */
#include "p2p/peerstore.h"

#include "base/clock.h"
#include "host/host.h"
#include "host/peerbook.h"
#include "host/peerstore.h"

int
p2p_peerstore_add(struct p2p_host *h, const struct p2p_peer_id *peer,
    const struct p2p_multiaddr *ma, uint64_t ttl_s)
{
	return peerstore_add(h->peerstore, peer, ma,
	    ttl_s > UINT64_MAX / CLOCK_S ? UINT64_MAX : ttl_s * CLOCK_S);
}

int
p2p_peerstore_addresses(struct p2p_host *h, const struct p2p_peer_id *peer,
    struct p2p_multiaddr ***out)
{
	return peerstore_addresses(h->peerstore, peer, out);
}

int
p2p_peerstore_remove(struct p2p_host *h, const struct p2p_peer_id *peer)
{
	int e = peerstore_remove(h->peerstore, peer);

	if (h->store != NULL)
		peerbook_forget(h, peer);
	return e;
}

int
p2p_peerstore_protocols(struct p2p_host *h, const struct p2p_peer_id *peer,
    char ***out)
{
	return peerstore_protocols(h->peerstore, peer, out);
}

int
p2p_peerstore_key(struct p2p_host *h, const struct p2p_peer_id *peer,
    struct p2p_key **out)
{
	return peerstore_key(h->peerstore, peer, out);
}

int
p2p_peerstore_put(struct p2p_host *h, const struct p2p_peer_id *peer,
    const char *name, const void *value, size_t len)
{
	return peerstore_put(h->peerstore, peer, name, value, len);
}

int
p2p_peerstore_get(struct p2p_host *h, const struct p2p_peer_id *peer,
    const char *name, void *value, size_t cap, size_t *len)
{
	return peerstore_get(h->peerstore, peer, name, value, cap, len);
}

int
p2p_peerstore_peers(struct p2p_host *h, struct p2p_peer_id **out, size_t *n)
{
	return peerstore_peers(h->peerstore, out, n);
}
