/*
 * negotiate/multistream.h -- multistream-select 1.0, without I/O.
 *
 * Spec: libp2p/specs connections/README.md, multiformats/multistream-select.
 * Wire: varint(n), then n bytes of text that end in a newline.  Both sides send
 * "/multistream/1.0.0"; the dialer proposes, the listener echoes the proposal
 * or answers "na".
 *
 * A negotiation never takes a byte that belongs to the layer above: mss_need()
 * says how many bytes may be read next, at the most.
 */
#ifndef NEGOTIATE_MULTISTREAM_H
#define NEGOTIATE_MULTISTREAM_H

#include <stdbool.h>

#include "base/bytes.h"

#define MSS_LINE_MAX	1024	/* bytes with the newline: go, js */
#define MSS_NAME_MAX	140	/* bytes of a protocol id of ours */
#define MSS_PROPOSALS_MAX 64	/* that a listener answers */
#define MSS_OUT_MAX	320	/* bytes that one step may write */

/* Whether the listener accepts a name; *choice is kept for mss_choice(). */
typedef bool (*mss_accept_fn)(const char *name, void *arg, void **choice);

struct mss {
	const char *const	*names;		/* dialer: ours by preference */
	mss_accept_fn		 accept;	/* listener */
	void			*arg;
	void			*choice;
	size_t			 at;		/* dialer: name proposed */
	unsigned		 proposals;	/* listener: answered so far */
	bool			 header;	/* the peer's was seen */
	uint8_t			 line[MSS_LINE_MAX];
	size_t			 have, want;	/* of line; want 0: in length */
	uint8_t			 prefix[2];
	size_t			 nprefix;
};

/* Begin as dialer (names ends in NULL): header and first proposal go to out. */
void	mss_dial(struct mss *m, const char *const *names, struct wr *out);

/* Begin as listener: the header goes to out. */
void	mss_listen(struct mss *m, mss_accept_fn accept, void *arg,
	    struct wr *out);

size_t	mss_need(const struct mss *m);

/*
 * Take at most mss_need() bytes; the answer goes to out, which has room for
 * MSS_OUT_MAX.  Returns 1 (more), 0 (agreed), P2P_ERR_PROTOCOL, or
 * P2P_ERR_NO_PROTOCOL (dialer: all were refused).
 */
int	mss_input(struct mss *m, struct rd in, struct wr *out) MUST_CHECK;

/* After 0: the dialer's name, the listener's choice. */
const char	*mss_name(const struct mss *m);
void		*mss_choice(const struct mss *m);

#endif
