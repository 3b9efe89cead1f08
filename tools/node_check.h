/*
 * tools/node_check.h -- results of doctor and demo, one after another.
 */
#ifndef TOOLS_NODE_CHECK_H
#define TOOLS_NODE_CHECK_H

#include "tool.h"

enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL };

/* What all came to. */
struct check_sum {
	unsigned	n[3];		/* by status */
	double		begun;
};

/*
 * A line, or an event; the detail may be anybody's text.  hint may be NULL;
 * time below 0: not of interest.
 */
void	check_show(struct check_sum *sum, enum check_status status,
	    const char *name, double time, const char *detail,
	    const char *hint);

/* The event summary; an exit status. */
int	check_end(const struct check_sum *sum);

#endif
