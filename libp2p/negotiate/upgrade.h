/*
 * negotiate/upgrade.h -- from a raw connection to a secured one with a muxer.
 *
 * Spec: libp2p/specs connections/README.md:
 *	raw > [private network] > multistream: security > handshake > muxer
 *	(inlined in the handshake, else multistream inside)
 * all under one absolute deadline.
 */
#ifndef NEGOTIATE_UPGRADE_H
#define NEGOTIATE_UPGRADE_H

#include "muxer/muxer.h"
#include "p2p/host.h"
#include "p2p/pnet.h"
#include "security/security.h"
#include "transport/transport.h"

#define UPGRADE_PROTOCOLS_MAX	8

/* What a host offers, preferred first; made once. */
struct upgrader {
	const struct p2p_key	*key;		/* borrowed */
	const struct security_ops *security[UPGRADE_PROTOCOLS_MAX];
	void			*contexts[UPGRADE_PROTOCOLS_MAX];
	const struct mux_ops	*muxers[UPGRADE_PROTOCOLS_MAX];
	const char		*security_ids[UPGRADE_PROTOCOLS_MAX + 1];
	const char		*muxer_ids[UPGRADE_PROTOCOLS_MAX + 1];
	void	(*capture)(const char *line, void *arg);	/* NULL: none */
	void			*capture_arg;
	bool			 private;
	struct p2p_psk		 psk;		/* if private */
};

/* Lists of protocol ids end in NULL; NULL: the defaults. */
struct upgrader_params {
	const struct p2p_key	*key;		/* outlives the upgrader */
	const char *const	*security;
	const char *const	*muxers;
	const struct security_keylog *keylog;	/* NULL: nobody */
	void	(*capture)(const char *line, void *arg);	/* NULL: none */
	void			*capture_arg;
	const struct p2p_psk	*psk;		/* copied; NULL: the public */
};

/*
 * Returns 0, P2P_ERR_UNSUPPORTED (an unknown id, or one that is named twice,
 * plaintext in a private network, a private network without libsodium),
 * P2P_ERR_TOO_LARGE (too many), P2P_ERR_CRYPTO or -ENOMEM.
 */
int	upgrader_init(struct upgrader *u, const struct upgrader_params *p);
void	upgrader_fini(struct upgrader *u);

/* The outcome.  raw stays with the caller; the codec is the caller's. */
struct upgraded {
	const char		*security;	/* the id of what was agreed */
	const struct security_ops *sec;
	struct codec		*codec;
	const struct mux_ops	*mux;
	struct p2p_peer_id	 peer;
	uint8_t			*early;		/* read already; free(3) it */
	size_t			 plain, cipher;	/* bytes of it, in this order */
};

/*
 * Blocks until done, the deadline, or the wake descriptor (-1: none) is set.
 * *stage is where it got to.  Returns 0 or P2P_ERR_TIMEOUT, P2P_ERR_CLOSED
 * (woken), P2P_ERR_NO_PROTOCOL, P2P_ERR_PROTOCOL, P2P_ERR_SECURITY,
 * P2P_ERR_WRONG_PEER (out->peer is who it was), P2P_ERR_DISCONNECTED, -errno.
 */
int	upgrade(const struct upgrader *u, struct raw *raw, bool dialer,
	    const struct p2p_peer_id *expected, int wake_fd, uint64_t deadline,
	    enum p2p_stage *stage, struct upgraded *out);

#endif
