/*
 * security/noise_state.h -- the handshake XX of Noise, without its payloads'
 * meaning, and the two cipher states that it leaves.
 *
 * Spec: noiseprotocol.org/noise.html, revision 34, sections 5 and 7;
 * libp2p/specs noise/README.md: Noise_XX_25519_ChaChaPoly_SHA256, no prologue.
 *
 *	-> e
 *	<- e, ee, s, es
 *	-> s, se
 */
#ifndef SECURITY_NOISE_STATE_H
#define SECURITY_NOISE_STATE_H

#include "crypto/aead.h"
#include "crypto/dh.h"
#include "crypto/hash.h"

#define NOISE_FRAME_MAX		65535	/* bytes, without the length */
#define NOISE_NONCE_END		UINT64_MAX	/* reserved (section 5.1) */
#define NOISE_XX_MESSAGES	3

/* One direction.  Whoever uses one alone needs no lock. */
struct noise_half {
	struct aead	*aead;
	uint64_t	 nonce;
};

/*
 * Seal or open one message as aead_seal() and aead_open() do, with the next
 * nonce.  P2P_ERR_SECURITY also once the nonces are used up: there is no
 * rekeying, the connection is over.
 */
int	noise_half_seal(struct noise_half *h, struct rd ad,
	    const uint8_t *plain, size_t len, uint8_t *out) MUST_CHECK;
int	noise_half_open(struct noise_half *h, struct rd ad,
	    const uint8_t *sealed, size_t len, uint8_t *out) MUST_CHECK;

/* A handshake.  Holds secrets until noise_xx_fini(). */
struct noise_xx {
	bool		 dialer;
	unsigned	 next;		/* message that is due, 0 to 3 */
	struct dh_pair	 s, e;		/* ours */
	uint8_t		 rs[DH_SIZE];	/* theirs, known after message 1, 2 */
	uint8_t		 re[DH_SIZE];
	uint8_t		 ck[HASH_SHA256_SIZE];
	uint8_t		 h[HASH_SHA256_SIZE];
	struct noise_half half;		/* of the handshake itself */
};

/*
 * s is our static pair, e a fresh one: used once, for this handshake.  Both are
 * copied.  Returns 0 or P2P_ERR_CRYPTO.
 */
int	noise_xx_init(struct noise_xx *n, bool dialer, const struct dh_pair *s,
	    const struct dh_pair *e) MUST_CHECK;
void	noise_xx_fini(struct noise_xx *n);	/* wipes everything */

/* Whether the next message is ours; false when all are done. */
bool	noise_xx_speaks(const struct noise_xx *n);
bool	noise_xx_done(const struct noise_xx *n);

/*
 * Append our next message with that payload to w, without a frame around it.
 * Returns 0, P2P_ERR_TOO_LARGE (no room), P2P_ERR_SECURITY or P2P_ERR_CRYPTO.
 */
int	noise_xx_write(struct noise_xx *n, struct rd payload, struct wr *w)
	    MUST_CHECK;

/*
 * Take the peer's next message, whole.  Its payload is decrypted into out,
 * which is as large as the message and apart from it; *payload views it.
 * Returns 0, P2P_ERR_SHORT, P2P_ERR_SECURITY or P2P_ERR_CRYPTO.
 */
int	noise_xx_read(struct noise_xx *n, struct rd message, uint8_t *out,
	    struct rd *payload) MUST_CHECK;

/*
 * After the last message: the key of the dialer's direction, then the
 * listener's.  The caller wipes them.
 */
int	noise_xx_split(const struct noise_xx *n, uint8_t dialer[AEAD_KEY],
	    uint8_t listener[AEAD_KEY]) MUST_CHECK;

#endif
