/*
 * tools/node_dht.h -- what the commands share that use a DHT.
 */
#ifndef TOOLS_NODE_DHT_H
#define TOOLS_NODE_DHT_H

#include "node.h"
#include "p2p/kad.h"

/* Multiaddrs, and the public ones behind "ipfs"; end in NULL. */
struct dht_targets {
	const char	*list[TOOL_LIST_MAX + 8];
	size_t		 n;
};

/* Whether --bootstrap names anybody. */
bool	dht_wanted(const struct options *o);

/*
 * All that a list as of --bootstrap names; what makes no sense ends the
 * program.
 */
void	dht_targets(const char *const *names, struct dht_targets *out);

/*
 * An instance of one network (NULL: ipfs).  Says why when it cannot; an exit
 * status.
 */
int	dht_open(const struct options *o, struct p2p_host *h,
	    const char *network, enum p2p_kad_mode mode,
	    struct p2p_store *store, struct p2p_kad **out);

/*
 * KEY of the command line, and VALUE, which is new: free(3) it.  An exit
 * status, having said why.
 */
int	dht_key(const char *text, uint8_t out[P2P_RECORD_KEY_MAX],
	    size_t *len);
int	dht_value(const char *text, uint8_t **out, size_t *len);

/* The multihash of a CID; a bad one ends the program. */
void	dht_cid(const char *text, uint8_t *out, size_t *len);

/*
 * Why nobody was found to begin with, or nobody could come to what is provided:
 * whether that was the reason, which has been said then.
 */
bool	dht_none_counts(const struct options *o, int error);
bool	dht_nobody_comes(const char *cid, int error);

/*
 * For node_run.c: begin after listening, then do the rest in a thread that may
 * wait, then end.  Output goes out between lock() and unlock().
 */
struct dht_run;
/* The store that --store says, if there is a DHT; *out NULL: in memory. */
int	dht_run_store(const struct options *o, struct p2p_store **out);
int	dht_run_begin(const struct options *o, struct p2p_host *h,
	    struct p2p_store *store, struct dht_run **out);
/* Lists end in NULL; what is to be forgotten was provided. */
struct dht_work {
	char	*bootstrap[TOOL_LIST_MAX + 1];
	char	*provide[TOOL_LIST_MAX + 1];
	char	*forget[TOOL_LIST_MAX + 1];
};
void	dht_run_work(struct dht_run *r, const struct dht_work *w,
	    void (*lock)(void), void (*unlock)(void));
/* Another --dht; false, having said why. */
bool	dht_run_mode(struct dht_run *r, const char *mode);
void	dht_run_close(struct dht_run *r);
void	dht_run_end(struct dht_run *r);

/* For node_shot.c: where a peer id is, by the DHT; an exit status. */
int	dht_resolve(const struct options *o, struct p2p_host *h);

#endif
