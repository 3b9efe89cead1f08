/*
 * security/noise_msg.h -- the payload of Noise's second and third message: who
 * the static key belongs to, and which muxers it would speak.
 *
 * Spec: libp2p/specs noise/README.md, "Libp2p Data in Handshake Messages".
 */
#ifndef SECURITY_NOISE_MSG_H
#define SECURITY_NOISE_MSG_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/dh.h"

struct p2p_key;

/* An RSA-8192 key and its signature take 2150 bytes; the rest is muxers. */
#define NOISE_PAYLOAD_MAX	4096	/* bytes */

/* What a peer's payload says. */
struct noise_claim {
	struct p2p_key	*key;		/* new; free it */
	bool		 lists;		/* it names muxers at all */
	const char	*ours;		/* first of ours that it names */
	const char	*theirs;	/* first of its that is ours too */
};

/*
 * The identity's word for a static key, into sig[P2P_KEY_SIGNATURE_MAX].
 * Returns 0 or the errors of p2p_key_sign().
 */
int	noise_sign(const struct p2p_key *key, const uint8_t public[DH_SIZE],
	    uint8_t *sig, size_t *siglen) MUST_CHECK;

/* Append a payload; muxers ends in NULL and may be empty. */
void	noise_payload_put(const struct p2p_key *key, struct rd sig,
	    const char *const *muxers, struct wr *w);

/*
 * Read and verify a payload for the static key that the peer has proved to
 * hold; muxers is what we offer, and claim->ours and ->theirs point into it.
 * Returns 0 or P2P_ERR_SECURITY.
 */
int	noise_payload_get(struct rd payload, const uint8_t public[DH_SIZE],
	    const char *const *muxers, struct noise_claim *claim) MUST_CHECK;

#endif
