/*
 * tests/rogue.h -- a host that serves the protocol of the DHT as it likes.
 */
#ifndef TESTS_ROGUE_H
#define TESTS_ROGUE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "dht.h"
#include "p2p/host.h"
#include "services/kad/kad_msg.h"

struct p2p_stream;
struct rogue;

/* What it does about a request; false: it returns, and the stream ends. */
typedef bool (*rogue_fn)(struct rogue *r, struct p2p_stream *s,
    const struct kad_msg *m);

struct rogue {
	struct p2p_host	*host;
	char		 target[256];	/* its address with /p2p */
	/* By type of request; NULL: an honest answer of who knows nothing. */
	_Atomic rogue_fn on[KAD_PING + 1];
	void		*arg;		/* set before its function is */
	atomic_uint	 asked[KAD_PING + 1];
};

/* known: it says in identify that it serves the protocol. */
void	rogue_start(struct rogue *r, const char *protocol, bool known);
void	rogue_stop(struct rogue *r);

/* The node has it in its table. */
void	rogue_join(struct rogue *r, struct dht_node *node);

/* Answers, as they are and as a message. */
bool	rogue_write(struct p2p_stream *s, const void *bytes, size_t len);
bool	rogue_say(struct p2p_stream *s, const struct kad_say *say);

/* Says nothing, and waits for the end. */
bool	rogue_silent(struct rogue *r, struct p2p_stream *s,
	    const struct kad_msg *m);
/* The same, and ten seconds go by meanwhile. */
bool	rogue_late(struct rogue *r, struct p2p_stream *s,
	    const struct kad_msg *m);

/* Wait until it was asked so often. */
void	rogue_is_asked(struct rogue *r, enum kad_type type, unsigned times);

#endif
