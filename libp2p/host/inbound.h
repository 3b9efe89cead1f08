/*
 * host/inbound.h -- connections that have been accepted and are not upgraded
 * yet.
 */
#ifndef HOST_INBOUND_H
#define HOST_INBOUND_H

#include "host/host.h"

/* From an accept thread: admit it or close it.  Takes raw.  Does not block. */
void	inbound_accept(struct p2p_host *host, struct raw *raw);

/* Whether an upgrade still runs; host->swarm is held. */
bool	inbound_busy(struct p2p_host *host);

/* Join the threads that have ended.  No lock is held. */
void	inbound_reap(struct p2p_host *host);

#endif
