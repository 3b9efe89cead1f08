/*
 * store/store.h -- the contract of a store's back end.
 *
 * store.c checks arguments, so that a back end gets good ones only: a name of
 * 1 to P2P_STORE_SPACE_MAX printable characters, a key that is not empty, and
 * lengths within their limits.  No lock is held by any caller, as a back end
 * may wait for a disk.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/bytes.h"
#include "p2p/store.h"

/* A back end's own struct begins with this. */
struct p2p_store {
	const struct store_ops	*ops;	/* [I] */
};

/* Entries that are found, on their way to the caller: zero to begin with. */
struct store_found {
	struct p2p_store_entry	*entries;	/* pointers are not set yet */
	size_t			 n, room;
	uint8_t			*bytes;		/* key, value, owner of each */
	size_t			 len, cap;
};

/* Keys that begin with prefix and are not before from. */
struct store_range {
	struct rd	 prefix, from;
	size_t		 max;			/* entries, at least 1 */
};

struct store_ops {
	int	(*put)(struct p2p_store *store, const char *space,
		    const struct p2p_store_entry *entry);
	int	(*remove)(struct p2p_store *store, const char *space,
		    struct rd key);
	/* Adds to found what has not expired, in the order of the keys. */
	int	(*list)(struct p2p_store *store, const char *space,
		    const struct store_range *range,
		    struct store_found *found);
	/* The same for one key; nothing is added when it is not there. */
	int	(*get)(struct p2p_store *store, const char *space,
		    struct rd key, struct store_found *found);
	int	(*expire)(struct p2p_store *store);
	int	(*usage)(struct p2p_store *store, const char *space,
		    struct p2p_store_usage *out);
	/* No member of caps is 0; per_owner may be UINT64_MAX. */
	int	(*cap)(struct p2p_store *store, const char *space,
		    const struct p2p_store_caps *caps);
	void	(*free)(struct p2p_store *store);
};

/* What a space begins with. */
extern const struct p2p_store_caps store_caps;

/* A copy of an entry.  Returns 0 or -ENOMEM. */
int	store_found_add(struct store_found *found,
	    const struct p2p_store_entry *entry) MUST_CHECK;

/* Bytes of an entry that count. */
uint64_t	store_size(const struct p2p_store_entry *entry);

/* Whether an entry with that member has expired at this time. */
bool	store_expired(uint64_t expires, uint64_t now);

/*
 * Whether a count may become after, which it was not before, under a cap: what
 * adds nothing is never refused.
 */
bool	store_fits(uint64_t before, uint64_t after, uint64_t cap);

bool	store_begins(struct rd key, struct rd prefix);

/* See p2p_store_open(); path is not NULL, *why is. */
int	sqlite_open(const char *path, struct p2p_store **out,
	    const char **why);

#endif
