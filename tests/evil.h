/*
 * tests/evil.h -- a peer that shakes hands like one of ours and then does what
 * it likes: frames are made here without any check.
 */
#ifndef TESTS_EVIL_H
#define TESTS_EVIL_H

#include "host/host.h"
#include "muxer/yamux_frame.h"
#include "pair.h"

#define EVIL_WAIT_MS	10000	/* real time that anything may take */

struct evil {
	struct p2p_key	*key;
	struct upgrader	 u;
	struct raw	 raw;
	struct upgraded	 up;
	uint8_t		 plain[192 * 1024];	/* opened, not looked at yet */
	size_t		 nplain;
	uint8_t		 cipher[65536];
	size_t		 ncipher;
	bool		 early;		/* cipher came with the handshake */
	uint64_t	 acks, resets;	/* seen; bits of ids below 64 */
	bool		 closed;	/* the host hung up, evil_pass() */
	bool		 mute;		/* answers no ping */
};

/* Connect by TCP or through net (NULL: TCP), and upgrade. */
void	evil_new(struct evil *v, const char *target, struct memory_net *net);
/* The same, and offer these muxers; the frames are the caller's business. */
void	evil_new_over(struct evil *v, const char *target,
	    struct memory_net *net, const char *const *muxers);
void	evil_free(struct evil *v);

/* One header as it is; false once the host has hung up. */
bool	evil_frame(struct evil *v, uint8_t version, uint8_t type,
	    unsigned flags, uint32_t id, uint32_t len);

/* Bytes of any kind, sealed and sent. */
bool	evil_send(struct evil *v, const void *bytes, size_t len);

/* A data frame with its body. */
bool	evil_data(struct evil *v, unsigned flags, uint32_t id,
	    const void *bytes, size_t len);

/*
 * The next frame of this type and stream, others are passed over, and pings
 * answered; its body is left out.  False: the host has hung up, or said nothing
 * for too long.
 */
bool	evil_expect(struct evil *v, enum yamux_type type, unsigned flag,
	    uint32_t id, struct yamux_hdr *h);

/*
 * The next frame, whatever it is, with the first cap bytes of its body; false:
 * the host has hung up, or said nothing for too long.
 */
bool	evil_next(struct evil *v, struct yamux_hdr *h, void *body, size_t cap);

/*
 * Let virtual time pass for this connection and for the honest pair; pings are
 * answered, everything else the host says is read.  Ends when it hangs up.
 */
void	evil_pass(struct evil *v, struct pair *p, unsigned seconds);

/* Wait until the host resets this stream, or hangs up: whether it reset. */
bool	evil_reset(struct evil *v, uint32_t id);

/* A plain TCP connection to the target. */
int	evil_connect(const char *target);

/* Read what a socket still says until it closes; false: it does not. */
bool	evil_closes(int fd);

/* The use of a limit, and waiting until it is so. */
uint64_t	evil_used(struct p2p_host *h, enum host_limit which);
void		evil_settles(struct p2p_host *h, enum host_limit which,
		    uint64_t want);
/* Wait until it has refused at least so often. */
void		evil_refuses(struct p2p_host *h, enum host_limit which,
		    uint64_t least);

#endif
