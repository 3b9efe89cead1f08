/*
 * tests/sim/peer.h -- peers by number, for tests of Kademlia: the identity
 * multihash of four bytes.
 */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include "p2p/peer_id.h"

static inline struct p2p_peer_id
peer(uint32_t n)
{
	struct p2p_peer_id id = { .len = 6, .bytes = { 0, 4, (uint8_t)(n >> 24),
	    (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };

	return id;
}

static inline uint32_t
number(const struct p2p_peer_id *id)
{
	return (uint32_t)id->bytes[2] << 24 | (uint32_t)id->bytes[3] << 16 |
	    (uint32_t)id->bytes[4] << 8 | id->bytes[5];
}

#endif
