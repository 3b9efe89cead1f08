/*
 * store/sqlite_write.h -- what the one thread that changes a file does.
 *
 * What others must not touch while it runs is marked W: writer thread only.
 */
#ifndef STORE_SQLITE_WRITE_H
#define STORE_SQLITE_WRITE_H

#include <sqlite3.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "store/store.h"
#include "store/treap.h"

struct sqlite_space {
	struct treap_node by_name;
	struct p2p_store_caps caps;	/* [m] the store's mtx */
	struct p2p_store_usage used;	/* [m] as told */
	struct p2p_store_usage now;	/* [W] in this transaction */
	struct p2p_store_usage then;	/* [W] as of the last commit */
	char		 name[];
};

enum sqlite_what { SQLITE_PUT, SQLITE_REMOVE, SQLITE_EXPIRE };

/* What a thread waits for; it lives on its stack. */
struct sqlite_op {
	TAILQ_ENTRY(sqlite_op) link;	/* [m] */
	enum sqlite_what what;		/* [I] */
	struct sqlite_space *space;	/* [I] */
	const char	*name;		/* [I] the space's */
	struct p2p_store_caps caps;	/* [I] as it was asked */
	const struct p2p_store_entry *entry;	/* [I] of remove, the key */
	int		 result;	/* [W] until it is done */
	bool		 done;		/* [m] */
	struct cond	 cv;		/* [m] it is done */
};

enum { SQLITE_WRITE_BEGIN, SQLITE_WRITE_COMMIT, SQLITE_WRITE_ROLLBACK,
    SQLITE_WRITE_OLD, SQLITE_WRITE_PUT, SQLITE_WRITE_REMOVE,
    SQLITE_WRITE_OWNED, SQLITE_WRITE_EXPIRED, SQLITE_WRITE_DROP,
    SQLITE_WRITE_STATEMENTS };

#define SQLITE_OWNERS_KEPT	64

/* What an owner has in a space, as counted up to a cap, and from there on. */
struct sqlite_owned {
	const struct sqlite_space *space;	/* NULL: it is free */
	uint64_t	 cap, n;
	size_t		 len;
	uint8_t		 owner[P2P_STORE_OWNER_MAX];
};

struct sqlite_writer {
	sqlite3		*db;
	sqlite3_stmt	*stmt[SQLITE_WRITE_STATEMENTS];
	struct sqlite_owned owned[SQLITE_OWNERS_KEPT];
	unsigned	 next_owned;	/* to be replaced */
};

/* On errors, too, close it. */
int	sqlite_write_open(struct sqlite_writer *w, const char *path) MUST_CHECK;
void	sqlite_write_close(struct sqlite_writer *w);

/* Tell fn of each space in the file, until it returns an error. */
int	sqlite_write_load(struct sqlite_writer *w,
	    int (*fn)(void *arg, struct rd name,
	    const struct p2p_store_usage *used), void *arg) MUST_CHECK;

/*
 * Do all of these in one commit, and set the result of each.  If that fails as
 * a whole, each has a commit of its own, so that none fails for another.
 */
void	sqlite_write_run(struct sqlite_writer *w, struct sqlite_op **ops,
	    size_t n);

#endif
