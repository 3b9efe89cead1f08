/*
 * transport/transport.h -- the contract of a transport: it makes raw byte
 * streams with a descriptor that can be polled.
 *
 * Whoever holds a struct raw owns its descriptor and addresses.  Reading,
 * writing, deadlines and shutdown are not the transport's business: one piece
 * of code does them for all (negotiate/upgrade.c, muxer/link.c).
 */
#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct p2p_multiaddr;

struct raw {
	int			 fd;		/* nonblocking, close-on-exec */
	struct p2p_multiaddr	*local;		/* owned; may be NULL */
	struct p2p_multiaddr	*remote;	/* owned */
};

void	raw_close(struct raw *raw);	/* everything; fd -1 is fine */

struct transport_listener;

struct transport_ops {
	const char	*name;

	/* Whether this transport speaks the address; any thread. */
	bool	(*speaks)(const struct p2p_multiaddr *ma);

	/*
	 * Connect; blocks until connected, the deadline, or the wake
	 * descriptor is set.  Names must have been resolved.  Returns 0,
	 * P2P_ERR_TIMEOUT, P2P_ERR_CLOSED (woken) or -errno.
	 */
	int	(*dial)(void *context, const struct p2p_multiaddr *ma,
		    int wake_fd, uint64_t deadline, struct raw *out);

	/* Bind and listen.  Returns 0, P2P_ERR_UNSUPPORTED or -errno. */
	int	(*listen)(void *context, const struct p2p_multiaddr *ma,
		    struct transport_listener **out);

	/* The address with its real port; borrowed from the listener. */
	const struct p2p_multiaddr *(*address)(
		    const struct transport_listener *l);

	/*
	 * Wait for a connection until the wake descriptor is set.  One thread
	 * at a time.  Returns 0, P2P_ERR_CLOSED or -errno; after an error it
	 * may be called again (the caller paces itself).
	 */
	int	(*accept)(struct transport_listener *l, int wake_fd,
		    struct raw *out);

	/* Close it.  No thread may be in accept. */
	void	(*free)(struct transport_listener *l);
};

extern const struct transport_ops transport_tcp;	/* context: NULL */

/*
 * The memory transport, for tests: /memory/N names meet in a net, connections
 * are socket pairs.  context: struct memory_net.
 */
struct memory_net;
extern const struct transport_ops transport_memory;
int	memory_net_new(struct memory_net **out);
void	memory_net_free(struct memory_net *net);	/* no listener left */
/* From now on, new connections have socket buffers of this size. */
void	memory_net_buffers(struct memory_net *net, int bytes);

#endif
