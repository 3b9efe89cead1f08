/*
 * transport/resolve.h -- names in addresses become numbers: /dns, /dns4, /dns6
 * and /dnsaddr, by a bounded pool of threads, with deadlines.
 *
 * Spec: multiformats/multiaddr; libp2p/specs addressing/README.md; limits as
 * in spec/faults.md 2c: 32 look-ups, depth 4, 16 TXT records a name.
 */
#ifndef TRANSPORT_RESOLVE_H
#define TRANSPORT_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_multiaddr;
struct resolver;
struct sockaddr_in;

#define RESOLVE_MAX	16	/* addresses that come out of one name */

int	resolver_new(struct resolver **out);
/*
 * Wake all waiters with P2P_ERR_CLOSED, let idle threads end; a thread inside
 * a look-up is left behind (base/thread.h).  Then free.
 */
void	resolver_stop(struct resolver *r);
void	resolver_free(struct resolver *r);

/*
 * Tests only, before the first look-up: ask this name server for TXT records,
 * and no other.
 */
void	resolver_test_server(struct resolver *r, const struct sockaddr_in *sa);

/* Whether the address begins with a name. */
bool	resolve_needed(const struct p2p_multiaddr *ma);

/*
 * Resolve one address; *n addresses (at most RESOLVE_MAX) are new in out.
 * Blocks up to the deadline.  Returns 0 with at least one, P2P_ERR_DNS,
 * P2P_ERR_TIMEOUT, P2P_ERR_LIMIT or P2P_ERR_CLOSED.
 */
int	resolve(struct resolver *r, const struct p2p_multiaddr *ma,
	    uint64_t deadline, struct p2p_multiaddr **out, size_t *n);

#endif
