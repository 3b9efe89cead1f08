/*
 * identity/envelope.h -- signed envelopes and the peer records in them.
 *
 * Spec: libp2p/specs RFC/0002-signed-envelopes.md, RFC/0003-routing-records.md.
 * The network signs peer records under the domain "libp2p-peer-record" with the
 * payload type 03 01; the RFC's own pair ("libp2p-routing-state",
 * "/libp2p/routing-state-record") is what rust sends.  We write the first and
 * read both.
 */
#ifndef IDENTITY_ENVELOPE_H
#define IDENTITY_ENVELOPE_H

#include <stdint.h>

#include "base/bytes.h"
#include "p2p/peer_id.h"

struct p2p_key;
struct p2p_multiaddr;

#define ENVELOPE_MAX		4096	/* bytes, whole envelope we write */
#define ENVELOPE_READ_MAX	8192	/* bytes we read: go's cap */
#define PEER_RECORD_ADDRS_MAX	64	/* addresses kept of one record */

struct peer_record {
	struct p2p_peer_id	 peer;
	uint64_t		 seq;
	struct p2p_multiaddr	*addrs[PEER_RECORD_ADDRS_MAX];	/* owned */
	size_t			 n;
};

/*
 * Seal a record of key's own peer id: n addresses (at most
 * PEER_RECORD_ADDRS_MAX), sequence number seq.  Returns 0, P2P_ERR_TOO_LARGE,
 * P2P_ERR_UNSUPPORTED (no private half) or P2P_ERR_CRYPTO.
 */
int	peer_record_seal(const struct p2p_key *key, uint64_t seq,
	    const struct p2p_multiaddr *const *addrs, size_t n, struct wr *w)
	    MUST_CHECK;

/*
 * Open an envelope: the signature under the domain that the payload type
 * names, then the record, whose peer must be the signer's id.  Addresses that
 * do not parse are skipped.  Returns 0, P2P_ERR_SIGNATURE, P2P_ERR_FORMAT,
 * P2P_ERR_TOO_LARGE, P2P_ERR_UNSUPPORTED (another payload, an unsupported
 * key), P2P_ERR_WRONG_PEER (a record of somebody else) or -ENOMEM.
 * *out is emptied with peer_record_clear().
 */
int	peer_record_open(struct rd in, struct peer_record *out) MUST_CHECK;
void	peer_record_clear(struct peer_record *r);

#endif
