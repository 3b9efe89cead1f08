/*
 * security/pnet.h -- the two keystreams of one connection in a private network.
 *
 * Spec: libp2p/specs pnet/Private-Networks-PSK-V1.md.
 * Wire, each way: a random nonce of 24 bytes, then everything else XORed with
 * XSalsa20(key, nonce), one stream to the end of the connection.
 *
 * It lies below everything, has no I/O and authenticates nothing: a peer with
 * another key shows as garbage in what comes above, and the connection is to
 * be closed then.  Our nonce should go out at once, without waiting for the
 * peer's: some send theirs with their first words only (PSK-2).
 *
 * Sealing and opening are two halves: one thread may seal while another opens,
 * and two threads never do the same half at once.
 */
#ifndef SECURITY_PNET_H
#define SECURITY_PNET_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "p2p/pnet.h"

#define PNET_NONCE	24	/* bytes */

struct pnet;

/*
 * Draws our nonce and copies the key.  Returns 0, P2P_ERR_UNSUPPORTED (a build
 * without libsodium), P2P_ERR_CRYPTO or -ENOMEM.
 */
int	pnet_new(const struct p2p_psk *psk, struct pnet **out) MUST_CHECK;
void	pnet_free(struct pnet *p);	/* wipes it; NULL is fine */

/* Ours, PNET_NONCE bytes, borrowed: it goes out before anything else. */
const uint8_t	*pnet_nonce(const struct pnet *p);

/* In place, what is sent next: each byte once, in the order of the wire. */
void	pnet_seal(struct pnet *p, uint8_t *buf, size_t len);

/*
 * In place, the *len bytes that were received next.  The peer's nonce is taken
 * off first, in however many pieces it comes; what is left is moved to the
 * front of buf, and *len becomes its size.
 */
void	pnet_open(struct pnet *p, uint8_t *buf, size_t *len);

#endif
