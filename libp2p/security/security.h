/*
 * security/security.h -- the contract of a security protocol: a codec, not a
 * stream.
 *
 * A codec has no file descriptor and no clock.  While it shakes hands it takes
 * bytes of the peer and makes bytes for the peer; afterwards it seals batches
 * and opens records.  Sealing and opening are two halves: one thread may seal
 * while another opens, and two threads never do the same half at once (the
 * flusher role and the worker see to that).
 */
#ifndef SECURITY_SECURITY_H
#define SECURITY_SECURITY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "p2p/peer_id.h"

struct p2p_key;
struct codec;

#define SECURITY_MUXERS_MAX	8

/*
 * Who is told the secrets of connections, a line each without its newline: for
 * debugging what is on the wire.
 */
struct security_keylog {
	void	(*line)(const char *line, void *arg);	/* any thread */
	void	*arg;
};

/*
 * What a handshake needs.  Borrowed for codec_new() only, but for key and
 * context, which outlive the codec.
 */
struct security_params {
	const struct p2p_key	*key;		/* our identity */
	void			*context;	/* of ops->context_new */
	bool			 dialer;
	const struct p2p_peer_id *expected;	/* NULL: anyone */
	const char *const	*muxers;	/* ids we offer; ends in NULL */
};

/* What a handshake found out. */
struct security_result {
	struct p2p_peer_id	 peer;
	struct p2p_key		*remote_key;	/* owned by the codec */
	const char		*muxer;		/* one of params' by inlined
						 * negotiation, or NULL */
};

struct security_ops {
	const char	*id;			/* "/tls/1.0.0" */
	bool		 clear;			/* it encrypts nothing */

	/*
	 * What all connections of a host share (certificate, static key).
	 * Any thread; thread-safe afterwards.  key outlives it.  keylog is
	 * copied; NULL: nobody is told.
	 */
	int	(*context_new)(const struct p2p_key *key,
		    const struct security_keylog *keylog, void **out);
	void	(*context_free)(void *context);

	int	(*codec_new)(const struct security_params *params,
		    struct codec **out);
	void	(*codec_free)(struct codec *c);	/* NULL is fine */

	/*
	 * One step.  Consumes from in what it can; appends to out what the
	 * peer must get, also when it fails (an alert), and the caller sends
	 * it before anything else.  Returns 1 when more input is needed, 0
	 * when done (in may hold bytes of the next layer), or an error:
	 * P2P_ERR_WRONG_PEER (result's peer says who it is),
	 * P2P_ERR_SECURITY, P2P_ERR_NO_PROTOCOL (no muxer in common),
	 * P2P_ERR_TOO_LARGE (out is too small: needs SECURITY_OUT_MIN).
	 */
	int	(*handshake)(struct codec *c, struct rd *in, struct wr *out);
	const struct security_result *(*result)(const struct codec *c);

	/* Upper bound of what seal makes of len bytes. */
	size_t	(*sealed_size)(const struct codec *c, size_t len);

	/*
	 * Turn len bytes of plaintext into records, appended to out, which
	 * has room for sealed_size(len).  len may be 0: then only what the
	 * protocol itself has to say (a key update) is written, if anything.
	 * The flusher's thread.  Returns 0 or an error that ends the
	 * connection.
	 */
	int	(*seal)(struct codec *c, const uint8_t *plain, size_t len,
		    struct wr *out);

	/*
	 * Open the record in front of in, in place, and take it off in.
	 * *plain views what was in it, among its bytes; nothing, if it was the
	 * protocol's own.  What is left comes again, in front of what the peer
	 * sends next.  The worker's thread.  Returns 0, P2P_ERR_SHORT (the
	 * record, of at most 64 KiB and some bytes, is not there in full), 1
	 * (the peer closed cleanly: nothing more will come) or an error; after
	 * the last two in is empty.  *talk says whether a seal is wanted soon.
	 */
	int	(*open)(struct codec *c, struct span *in, struct rd *plain,
		    bool *talk);

	/* The last words (close_notify); appended to out, may be nothing. */
	void	(*close)(struct codec *c, struct wr *out);
};

/*
 * All records in front of buf, *len bytes, whose plaintext is moved together
 * there, *plain bytes; behind it is what is left of an incomplete one, and *len
 * becomes its size.  Returns as ops->open does, but 0 for P2P_ERR_SHORT; *plain
 * is set either way.
 */
int	security_open(const struct security_ops *ops, struct codec *c,
	    uint8_t *buf, size_t *len, size_t *plain, bool *talk);

#define SECURITY_OUT_MIN	(64 * 1024)	/* room for a handshake step */

extern const struct security_ops security_tls;
extern const struct security_ops security_noise;
extern const struct security_ops security_plaintext;	/* none: for tests */

#endif
