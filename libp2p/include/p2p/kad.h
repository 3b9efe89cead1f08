/*
 * p2p/kad.h -- the DHT: find peers, providers and records among many.
 *
 * Spec: libp2p/specs kad-dht/README.md; protocol "/ipfs/kad/1.0.0", or another
 * one for a network of its own.  Any thread may call anything but
 * p2p_kad_free().  Calls that ask the network block, up to their timeout; they
 * ask up to ten peers at once, in threads of the host.
 */
#ifndef P2P_KAD_H
#define P2P_KAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/peer_id.h"
#include "p2p/record.h"
#include "p2p/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_kad;
struct p2p_kad_cancel;
struct p2p_multiaddr;

#define P2P_KAD_ID	"/ipfs/kad/1.0.0"	/* the public network */
#define P2P_KAD_LAN_ID	"/ipfs/lan/kad/1.0.0"	/* Kubo's local one */
#define P2P_KAD_K	20	/* peers that keep a record, and of an answer */
#define P2P_KAD_MULTIHASH_MAX	80	/* bytes of what is provided */

enum p2p_kad_mode {
	P2P_KAD_CLIENT,		/* ask only */
	P2P_KAD_SERVER,		/* answer, too */
	P2P_KAD_AUTO,		/* server once somebody could reach us */
};

/* Which addresses count as routable. */
enum p2p_kad_reach {
	P2P_KAD_PUBLIC,		/* of the internet */
	P2P_KAD_PRIVATE,	/* of a local network, but not loopback */
	P2P_KAD_ANY,
};

/* Whether the request to keep a provider is answered. */
enum p2p_kad_reply {
	P2P_KAD_REPLY_AUTO,	/* if it asks for it, as py-libp2p does */
	P2P_KAD_REPLY_NEVER,	/* as the specification has it */
	P2P_KAD_REPLY_ALWAYS,
};

/*
 * All zero: a client of the public network that keeps everything in memory.
 * Everything is copied, but store and what the rules point to: these are yours,
 * and live longer.
 */
struct p2p_kad_config {
	const char		*protocol;	/* NULL: P2P_KAD_ID */
	enum p2p_kad_mode	 mode;
	enum p2p_kad_reach	 reach;
	enum p2p_kad_reply	 reply;
	struct p2p_store	*store;
	/* Of what others may store here; see p2p_kad(3) for the defaults. */
	struct p2p_store_caps	 records, providers;
	/* Beside /pk and /ipns, which cannot change; ends in a NULL name. */
	const struct p2p_record_rule *rules;
};

/*
 * Take part in a DHT.  *out is freed with p2p_kad_free() before the host is.
 * Returns 0, P2P_ERR_FORMAT (no name of a protocol or a rule), P2P_ERR_EXISTS
 * (this protocol is served already, a rule twice), P2P_ERR_NO_ADDRESS (a server
 * that listens nowhere), P2P_ERR_LIMIT (a server that takes less than 64
 * inbound connections, more than eight of these on a host) or -errno.
 */
int	p2p_kad_new(struct p2p_host *host, const struct p2p_kad_config *config,
	    struct p2p_kad **out);

/*
 * All calls return P2P_ERR_CLOSED, also those that are being made; nothing is
 * answered any more.  Any thread; does not block.  Idempotent.
 */
void	p2p_kad_close(struct p2p_kad *kad);

/* Close, wait for its threads, free.  No other thread is in a call. */
void	p2p_kad_free(struct p2p_kad *kad);

/*
 * Become a server or a client: streams of others end, and they are told.
 * Returns 0, P2P_ERR_DEADLOCK (a rule calls while a request is served, which
 * would wait for itself) or as p2p_kad_new().
 */
int	p2p_kad_set_mode(struct p2p_kad *kad, enum p2p_kad_mode mode);
/* What it is now: client or server. */
enum p2p_kad_mode	p2p_kad_mode(struct p2p_kad *kad);

/* What happens in the course of a call, for p2p_kad_event_fn. */
enum p2p_kad_event_kind {
	P2P_KAD_ASKING = 1,	/* a peer is being asked */
	P2P_KAD_ANSWERED,
	P2P_KAD_FAILED,		/* it did not answer, see error */
	P2P_KAD_FOUND,		/* a provider, or the peer looked for */
	P2P_KAD_VALUE,		/* a valid record */
	P2P_KAD_STORED,		/* the peer keeps it, or not: see error */
};

struct p2p_kad_event {
	enum p2p_kad_event_kind	 kind;
	struct p2p_peer_id	 peer;
	/* FOUND: the peer's; ends in NULL, may be empty; for the call. */
	struct p2p_multiaddr	*const *addresses;
	const struct p2p_record	*record;	/* VALUE */
	int			 error;		/* FAILED, STORED; or 0 */
	unsigned		 distance;	/* bits that differ: 0 to 256 */
	unsigned		 hops;		/* peers that led to it */
	uint64_t		 time_us;	/* it took to answer */
};

/* From the thread of the call.  False ends the call: P2P_ERR_CLOSED. */
typedef bool (*p2p_kad_event_fn)(const struct p2p_kad_event *event,
    void *arg);

/* May be NULL, or all zero. */
struct p2p_kad_options {
	unsigned		 timeout_ms;	/* of all; 0: 60000 */
	struct p2p_kad_cancel	*cancel;	/* or NULL */
	p2p_kad_event_fn	 event;
	void			*event_arg;
	/* get: answers that are enough; 0: all there are */
	unsigned		 quorum;
	/* find_providers: so many are enough; 0: all there are */
	size_t			 want;
	/* put, provide: again, in time, until told otherwise or closed */
	bool			 keep;
};

/* What a call came to; filled in also when it failed. */
struct p2p_kad_result {
	unsigned	asked, failed;	/* peers */
	unsigned	hops;		/* that led to the last one found */
	unsigned	found;		/* peers, providers, answers with it */
	unsigned	stored, refused;	/* peers that keep it, or not */
	uint64_t	time_us;
	bool		crowded;	/* see p2p_kad(3), CAVEATS */
};

/*
 * A handle to end calls from another thread: those that have it in their
 * options return P2P_ERR_CLOSED, and so will later ones.  Freed after them.
 */
int	p2p_kad_cancel_new(struct p2p_kad *kad, struct p2p_kad_cancel **out);
void	p2p_kad_cancel(struct p2p_kad_cancel *cancel);
void	p2p_kad_cancel_free(struct p2p_kad_cancel *cancel);

/*
 * Get to know the network by some of its peers: multiaddrs that end in /p2p/ID,
 * or peer ids; n of them.  Looks up ourselves; the rest of the table is filled
 * afterwards, by the housekeeper.
 * Returns 0, P2P_ERR_UNREACHABLE (none of them answered), P2P_ERR_NOT_FOUND
 * (none that did has an address that counts), P2P_ERR_NO_PEER, P2P_ERR_FORMAT,
 * P2P_ERR_TIMEOUT, P2P_ERR_CLOSED or -ENOMEM.
 */
int	p2p_kad_bootstrap(struct p2p_kad *kad, const char *const *targets,
	    size_t n, const struct p2p_kad_options *options,
	    struct p2p_kad_result *result);

/*
 * Put a record where everybody will look for it.  Returns 0 when at least one
 * other peer keeps it, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED (no rule for its
 * namespace), P2P_ERR_TOO_LARGE, or what its rule says; P2P_ERR_EXISTS (a
 * better one is known), P2P_ERR_NOT_FOUND (the table is empty),
 * P2P_ERR_REFUSED (nobody keeps it), P2P_ERR_TIMEOUT, P2P_ERR_CLOSED.
 */
int	p2p_kad_put(struct p2p_kad *kad, const struct p2p_record *record,
	    const struct p2p_kad_options *options,
	    struct p2p_kad_result *result);

/*
 * The best record with that key.  *out is one new block; free(3) it.  Who had a
 * worse one, or none, is given the best.  Returns 0, P2P_ERR_NOT_FOUND,
 * P2P_ERR_TIMEOUT, P2P_ERR_CLOSED or as above.
 */
int	p2p_kad_get(struct p2p_kad *kad, const void *key, size_t len,
	    const struct p2p_kad_options *options, struct p2p_record **out,
	    struct p2p_kad_result *result);

/*
 * The multihash in a CID of any form, into out[P2P_KAD_MULTIHASH_MAX].  Returns
 * 0, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED (a version above 1) or
 * P2P_ERR_TOO_LARGE.
 */
int	p2p_kad_multihash(const char *cid, uint8_t *out, size_t *len);

/*
 * Say that we provide what a multihash names.  Returns 0 when at least one
 * other peer keeps it, P2P_ERR_FORMAT, P2P_ERR_NO_ADDRESS (nobody could come:
 * we listen nowhere that is routable), or as p2p_kad_put().
 */
int	p2p_kad_provide(struct p2p_kad *kad, const void *multihash, size_t len,
	    const struct p2p_kad_options *options,
	    struct p2p_kad_result *result);

/* What options.keep began is not done again: of p2p_kad_put(), _provide(). */
int	p2p_kad_forget(struct p2p_kad *kad, const void *key, size_t len);

/*
 * Who provides it: told as P2P_KAD_FOUND, each once, as they are found; the
 * peer store has their addresses.  Returns 0 or P2P_ERR_NOT_FOUND, or as above.
 */
int	p2p_kad_find_providers(struct p2p_kad *kad, const void *multihash,
	    size_t len, const struct p2p_kad_options *options,
	    struct p2p_kad_result *result);

/*
 * Where a peer is.  *addresses is a new array that ends in NULL, freed with
 * p2p_host_addresses_free(); the peer store has them, too.  Returns 0 or
 * P2P_ERR_NOT_FOUND, or as above.
 */
int	p2p_kad_find_peer(struct p2p_kad *kad, const struct p2p_peer_id *peer,
	    const struct p2p_kad_options *options,
	    struct p2p_multiaddr ***addresses, struct p2p_kad_result *result);

/*
 * The peers nearest to a key that answer, into out[P2P_KAD_K], nearest first,
 * *n of them.  Returns 0 or as above.
 */
int	p2p_kad_closest(struct p2p_kad *kad, const void *key, size_t len,
	    const struct p2p_kad_options *options, struct p2p_peer_id *out,
	    size_t *n, struct p2p_kad_result *result);

/* A part of the routing table: peers whose keys begin as ours, for so long. */
struct p2p_kad_bucket {
	unsigned	prefix;		/* bits in common */
	unsigned	peers;
	unsigned	stale;		/* have not answered for long */
	uint64_t	age_us;		/* since it was refreshed; 0: never */
};

/*
 * The buckets from the widest to the last that has peers, into out, at most
 * max.  Returns how many.
 */
size_t	p2p_kad_table(struct p2p_kad *kad, struct p2p_kad_bucket *out,
	    size_t max);

/* The peers of the table: a new array of *n; free(3) it. */
int	p2p_kad_peers(struct p2p_kad *kad, struct p2p_peer_id **out, size_t *n);

/* Counters since the beginning, but for what is there now. */
struct p2p_kad_stats {
	uint64_t	peers;		/* in the table now */
	uint64_t	streams;	/* being served now */
	uint64_t	records, providers;	/* kept now */
	uint64_t	network;	/* peers in all, a guess; 0: none yet */
	uint64_t	served;		/* requests answered */
	uint64_t	refused;	/* requests that were not */
	uint64_t	over_cap;	/* of these, for want of room */
	uint64_t	probed, admitted;	/* candidates for the table */
	uint64_t	evicted;	/* from the table */
	uint64_t	crowded;	/* look-ups that found it so */
};
void	p2p_kad_stats(struct p2p_kad *kad, struct p2p_kad_stats *out);

#ifdef __cplusplus
}
#endif
#endif
