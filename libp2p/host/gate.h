/*
 * host/gate.h -- who may come in: connections, rates and penalties of the
 * addresses they come from.
 *
 * Spec: spec digest of limits (faults.md 2c); penalties as OpenSSH's
 * PerSourcePenalties has them.
 *
 * A source is an IPv4 address or an IPv6 /56; IPv6 sources of one /48 are
 * counted together as well.  What is remembered of sources has a fixed size;
 * when all of it is in use by sources that count, a new one is not counted.
 * Loopback addresses and transports without addresses are not counted either,
 * unless told otherwise.  Any thread; one lock (LOCK_LEAF), no clock.
 */
#ifndef HOST_GATE_H
#define HOST_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate;
struct limit;
struct p2p_multiaddr;
struct source;

#define GATE_SOURCES	4096	/* remembered */

/* What a source did; the seconds are in gate.c. */
enum gate_offence {
	GATE_LEFT,		/* hung up before it was anybody */
	GATE_HANDSHAKE,		/* a handshake that cannot be */
	GATE_DEADLINE,		/* did not finish in time */
	GATE_VIOLATION,		/* broke a protocol afterwards */
	GATE_OFFENCES
};

struct gate_params {
	struct limit	*per_ip;	/* max: connections of one source */
	struct limit	*per_net;	/* max: connections of one /48 */
	struct limit	*burst;		/* max: connections at once, then */
	struct limit	*every_s;	/* max: seconds for each more */
	struct limit	*penalty_s;	/* max: the longest penalty */
	bool		 loopback_too;
};

/* One connection's place; zero means that it is not counted. */
struct gate_pass {
	struct source	*source, *net;
};

int	gate_new(const struct gate_params *params, struct gate **out);
void	gate_free(struct gate *g);	/* no pass is out */

/*
 * A connection from remote (NULL: unknown).  Returns 0 and a pass, or
 * P2P_ERR_LIMIT or P2P_ERR_REFUSED (a penalty); the limit that refused counts
 * it.
 */
int	gate_enter(struct gate *g, const struct p2p_multiaddr *remote,
	    uint64_t now, struct gate_pass *pass);
void	gate_leave(struct gate *g, struct gate_pass *pass);

/* A pass that is not counted is never punished. */
void	gate_punish(struct gate *g, const struct gate_pass *pass,
	    enum gate_offence offence, uint64_t now);

bool	gate_counts(const struct gate_pass *pass);

#endif
