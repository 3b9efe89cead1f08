/*
 * tools/node_shot.h -- what one-shot commands share: a host, the bound of the
 * command as a whole, signals, summaries.
 *
 * A thread watches over the command.  When its time is over or a signal came
 * it stops the host, so that whatever waits comes back; then shot_over() is
 * true and shot_over_fd() readable.
 */
#ifndef TOOLS_NODE_SHOT_H
#define TOOLS_NODE_SHOT_H

#include "node.h"
#include "progress.h"

struct p2p_connection;

/*
 * Begin: a host, and the clock runs.  Says why when it cannot; an exit status.
 * waits is what the command was asked to wait in between: the default timeout
 * does not count it.
 */
int	shot_begin(const struct options *o, double waits,
	    struct p2p_host **out);

/* End the watch, free the host; the exit status that status has become. */
int	shot_end(struct p2p_host *h, int status);

/* Connect to o->arg; an exit status. */
int	shot_reach(const struct options *o, struct p2p_host *h,
	    struct p2p_connection *c);

/* tool_fail(), unless a signal ended it, and knowing of the time. */
int	shot_fail(const char *what, int error,
	    const struct p2p_report *report);

unsigned	shot_left(void);	/* ms, at least 1 */
bool		shot_over(void);
int		shot_over_fd(void);

/*
 * From now on there is no bound: until a signal, which ends the command as it
 * ends run.
 */
void	shot_stay(void);

/* Wait; true: it is over. */
bool	shot_pause(double seconds);

/* As progress_set(), drawn by the watcher. */
void	shot_progress(progress_fn fn, void *arg);

/* p50 and p99 of n samples, which get sorted. */
double	shot_percentile(double *samples, size_t n, double p);

/* What a series came to: the event and the line. */
struct shot_series {
	const char	*noun;		/* "connections" */
	uint64_t	 count, failed;
	double		 took;		/* seconds */
	double		*times;		/* of those that did not fail */
	size_t		 good;
};
void	shot_summary(const struct shot_series *s);

#endif
