/*
 * p2p/store.h -- a small key-value store: in memory, or durable in a file.
 *
 * What a node must not forget: records and providers of the DHT, peers, the
 * routing table.  Entries live in spaces, each of which has a name and caps;
 * each entry may expire, and may be held against an owner: the peer that made
 * us keep it.  Any thread may call anything, with no lock of ours held: all of
 * it may wait for the disk.
 */
#ifndef P2P_STORE_H
#define P2P_STORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_store;

#define P2P_STORE_SPACE_MAX	200		/* characters of a name */
#define P2P_STORE_KEY_MAX	512		/* bytes */
#define P2P_STORE_OWNER_MAX	64		/* bytes */
#define P2P_STORE_VALUE_MAX	(128 * 1024)	/* bytes */

struct p2p_store_entry {
	const uint8_t	*key;
	size_t		 key_len;	/* 1 to P2P_STORE_KEY_MAX */
	const uint8_t	*value;
	size_t		 len;		/* up to P2P_STORE_VALUE_MAX */
	const uint8_t	*owner;
	size_t		 owner_len;	/* 0: nobody but ourselves */
	uint64_t	 expires;	/* ns since 1970; 0: never */
};

/* Of one space; 0 in a member: the default. */
struct p2p_store_caps {
	uint64_t	entries;	/* 65536 */
	uint64_t	bytes;		/* of keys, values, owners: 64 MiB */
	uint64_t	per_owner;	/* entries of one owner: all */
};

/* What a space holds now, with what has expired and was not yet dropped. */
struct p2p_store_usage {
	uint64_t	entries, bytes;
	uint64_t	refused;	/* puts over a cap, since it opened */
	uint64_t	damaged;	/* found since then: see get */
};

/*
 * A store that lives as long as the process.  Returns 0 or -ENOMEM.
 */
int	p2p_store_memory(struct p2p_store **out);

/*
 * A store in a file, which is made when it is missing, with mode 0600; a
 * missing directory is made with mode 0700.  What is there is checked first: a
 * file that is damaged, newer than this library, or no store of ours is refused
 * and left untouched.  One process at a time may have it open.
 * Returns 0, P2P_ERR_UNSUPPORTED (built without SQLite), P2P_ERR_BUSY (another
 * process, or this one, has it), P2P_ERR_FORMAT (see above) or -errno; *why, if
 * why is not NULL, is then a static text that says what is wrong, or NULL.
 */
int	p2p_store_open(const char *path, struct p2p_store **out,
	    const char **why);

/* Everything that was put is there for the next one to open it. */
void	p2p_store_free(struct p2p_store *store);	/* NULL is fine */

/*
 * Caps of a space, until the store is freed; what is there already stays.  A
 * space that is not there yet is made, and so is that of a put, with default
 * caps.  A name is 1 to P2P_STORE_SPACE_MAX printable characters of ASCII.
 * Returns 0, P2P_ERR_FORMAT (a bad name) or -ENOMEM.
 */
int	p2p_store_cap(struct p2p_store *store, const char *space,
	    const struct p2p_store_caps *caps);

/*
 * Put an entry, in place of the one with its key.  Blocks until it is safe from
 * the death of the process; writers that come together share one commit.  What
 * has expired is dropped before a cap refuses.
 * Returns 0, P2P_ERR_LIMIT (over a cap), P2P_ERR_TOO_LARGE, P2P_ERR_FORMAT (no
 * key, a bad name) or -errno; then the one before, if any, is still there.
 */
int	p2p_store_put(struct p2p_store *store, const char *space,
	    const struct p2p_store_entry *entry);

/* As put; no error when there is none. */
int	p2p_store_remove(struct p2p_store *store, const char *space,
	    const void *key, size_t len);

/*
 * An entry that has not expired, as one new block; free(3) it.  One whose bytes
 * were damaged in the file counts as not there.  Returns 0, P2P_ERR_NOT_FOUND
 * or -errno.
 */
int	p2p_store_get(struct p2p_store *store, const char *space,
	    const void *key, size_t len, struct p2p_store_entry **out);

/*
 * Entries whose keys begin with prefix, in the order of their keys as bytes, at
 * most max of them, and only those behind the key after (NULL: from the first).
 * *out is one new block of *n, or NULL when *n is 0; free(3) it.  Expired and
 * damaged ones are left out.  Returns 0 or -errno.
 */
int	p2p_store_list(struct p2p_store *store, const char *space,
	    const void *prefix, size_t prefix_len,
	    const void *after, size_t after_len, size_t max,
	    struct p2p_store_entry **out, size_t *n);

/* Forget what has expired, in all spaces. */
int	p2p_store_expire(struct p2p_store *store);

/* Returns 0 or P2P_ERR_NOT_FOUND (no such space). */
int	p2p_store_usage(struct p2p_store *store, const char *space,
	    struct p2p_store_usage *out);

#ifdef __cplusplus
}
#endif
#endif
