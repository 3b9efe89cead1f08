/*
 * host/peerbook.h -- where peers are, over the end of the process.
 *
 * In the space "peers" of the host's store, by peer id: for each address the
 * time it is good until (8 bytes, big endian, ns since 1970; 0: for ever), then
 * varint(length) and the address.
 */
#ifndef HOST_PEERBOOK_H
#define HOST_PEERBOOK_H

#include "base/bytes.h"

struct p2p_host;
struct p2p_peer_id;
struct p2p_store;

/* Read it into the peer store.  Returns 0 or as the store. */
int	peerbook_load(struct p2p_host *host, struct p2p_store *store)
	    MUST_CHECK;

/*
 * Write what has changed; may wait for a disk.  Failures are logged, and tried
 * again when the peer changes again.
 */
void	peerbook_save(struct p2p_host *host);

/* It is not to be read back; may wait for a disk. */
void	peerbook_forget(struct p2p_host *host,
	    const struct p2p_peer_id *peer);

#endif
