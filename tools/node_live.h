/*
 * tools/node_live.h -- what a running node does beside listening: it connects,
 * joins the DHT and provides, in a thread that may wait; and it reads the
 * configuration again when it is told to.
 */
#ifndef TOOLS_NODE_LIVE_H
#define TOOLS_NODE_LIVE_H

#include "node_dht.h"

struct live;

/* SIGHUP is kept for live_again(); before anything that takes long. */
void	live_signals(void);

/* A p2p_log_fn that follows the configuration. */
void	live_log(enum p2p_log_level level, const char *area, const char *line,
	    void *arg);
void	live_log_level(enum p2p_log_level level);

/*
 * Begin with what o says.  Output goes out between lock() and unlock(); dht may
 * be NULL.  An exit status, having said why.
 */
int	live_begin(const struct options *o, struct p2p_host *h,
	    struct dht_run *dht, void (*lock)(void), void (*unlock)(void),
	    struct live **out);

/* Readable when the configuration is to be read again: live_again(). */
int	live_fd(void);
void	live_again(struct live *l);

/* After the host has stopped. */
void	live_end(struct live *l);

#endif
