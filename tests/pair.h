/*
 * tests/pair.h -- two hosts that can reach each other.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "host/host.h"

struct mstream;
struct session;

struct pair {
	struct memory_net	*net;		/* NULL: TCP over loopback */
	struct p2p_host		*a, *b;		/* b listens */
	char			 target[256];	/* b's address with /p2p */
};

/* Over the memory transport, with socket buffers of so many bytes (0: any). */
void	pair_memory(struct pair *p, int buffers);
void	pair_tcp(struct pair *p);
/* Over the memory transport, with configurations (NULL: defaults). */
void	pair_config(struct pair *p, const struct p2p_host_config *a,
	    const struct p2p_host_config *b);
/*
 * Let virtual time pass for all connections of these hosts, in steps that no
 * keepalive takes for death, and each step only when everybody has seen the one
 * before and no ping is unanswered.
 */
void	hosts_pass(struct p2p_host *const *hosts, size_t n, unsigned seconds);
void	pair_pass(struct pair *p, unsigned seconds);

/* Wait until the host has so many connections. */
void	host_joined(struct p2p_host *h, size_t connections);

/* Whether no connection of the host has a ping to send or to be answered. */
bool	host_is_quiet(struct p2p_host *host);

/* The session of a host's first connection, which must be there. */
struct session	*pair_session(struct p2p_host *host);

/* Its first stream, which must be there. */
struct mstream	*pair_first_stream(struct session *s);

/* Stops both; checks that stop was good and that no thread is left. */
void	pair_free(struct pair *p);

#endif
