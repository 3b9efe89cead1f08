/*
 * services/services.h -- what a host gets from this room when it is made.
 */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

struct p2p_host;

/* Serve identify and push, ask every new connection, push changes. */
int	identify_attach(struct p2p_host *host);

#endif
