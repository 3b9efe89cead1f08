/*
 * identity/key.h -- what the rest of the library may know of a key beyond
 * p2p/key.h.
 */
#ifndef IDENTITY_KEY_H
#define IDENTITY_KEY_H

#include "p2p/key.h"
#include "p2p/peer_id.h"

/* The id of the public half, borrowed from the key. */
const struct p2p_peer_id	*key_peer_id(const struct p2p_key *key);

#endif
