/*
 * tests/relay.h -- a man in the middle: a transport whose connections run
 * through a thread that does with the bytes what a test wants.
 *
 * One connection at a time; the next dial ends the one before.
 */
#ifndef TESTS_RELAY_H
#define TESTS_RELAY_H

#include <stdatomic.h>

#include "base/thread.h"
#include "base/wake.h"
#include "pair.h"

#define RELAY_LATE_MS	20000	/* real time; longer without a byte is a hang */

enum relay_way {
	RELAY_UP,		/* from the dialer to the listener */
	RELAY_DOWN,
};

/* Bytes that came, in the relay's thread. */
struct relay;
typedef void (*relay_fn)(struct relay *r, enum relay_way way,
		    const uint8_t *bytes, size_t len);

struct relay {
	relay_fn	 got;		/* NULL: all passes as it is */
	void		(*dialed)(struct relay *r);	/* NULL; before bytes */
	void		*arg;
	/*
	 * Not 0: when nothing has moved for so many milliseconds, time goes on
	 * by leap_s seconds, at most RELAY_LEAPS times a connection.  From the
	 * second time on it waits longer, so that whoever is late with a first
	 * is not late by the machine's load.
	 */
	unsigned	 quiet_ms;
	unsigned	 leap_s;
	atomic_uint	 dials;		/* counted from the beginning */
	atomic_uint	 hangs;		/* connections that came to no end */
	/* The relay's own. */
	bool		 tcp;
	struct memory_net *net;
	struct p2p_multiaddr *target;
	int		 from[2];	/* by way: where bytes come from */
	bool		 open[2];	/* and may still come */
	bool		 over;		/* all is said */
	unsigned	 leaps;
	struct wake	 hang_up;
	struct thread	 thread;
};

#define RELAY_LEAPS	4
#define RELAY_LEAP_MS	500

/*
 * Two hosts, of which a dials p->target through the relay and b listens; over
 * socket pairs, or loopback TCP with resets that are real.  The relay is zero
 * but for its first members.  pair_free() comes after relay_hang_up().
 */
void	relay_pair(struct relay *r, struct pair *p,
	    const struct p2p_host_config *a, const struct p2p_host_config *b);
void	relay_pair_tcp(struct relay *r, struct pair *p,
	    const struct p2p_host_config *a, const struct p2p_host_config *b);
void	relay_fini(struct relay *r);

/* Wait until both ends of the connection, if there is one, have ended it. */
void	relay_wait(struct relay *r);
/* End it, and wait for that. */
void	relay_hang_up(struct relay *r);

/* For relay_fn: bytes go on, that way's end of file, and the end of both. */
void	relay_send(struct relay *r, enum relay_way way, const void *bytes,
	    size_t len);
void	relay_end(struct relay *r, enum relay_way way);
void	relay_reset(struct relay *r);

#endif
