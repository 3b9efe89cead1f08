/*
 * muxer/capture.h -- what a connection says, decrypted, as text: for people who
 * debug a protocol.
 *
 * A codec around another one that passes everything on and describes each
 * frame.  A line is
 *
 *	TIME PEER@ADDRESS DIRECTION TEXT
 *
 * where TIME is UTC, PEER the last six characters of the peer's id, DIRECTION
 * ">" for what we send and "<" for what we get, and TEXT a frame's header in
 * words, or "| " and some bytes of its body: printable ASCII as it is, the
 * rest as \n, \r, \t, \\, \" or \xHH.
 */
#ifndef MUXER_CAPTURE_H
#define MUXER_CAPTURE_H

#include "muxer/muxer.h"
#include "p2p/peer_id.h"
#include "security/security.h"

struct capture_params {
	void		(*line)(const char *line, void *arg);	/* any thread */
	void		*arg;
	const char	*address;	/* the remote's, copied */
	struct p2p_peer_id peer;
	const struct mux_ops *mux;
	const char	*security;	/* static; for the first line */
	bool		 dialer;
	struct rd	 early;		/* opened already */
};

/*
 * Put a capture around *sec and *codec, which it takes and replaces.
 * Returns 0 or -ENOMEM; then they are as before.
 */
int	capture_wrap(const struct capture_params *p,
	    const struct security_ops **sec, struct codec **codec);

#endif
