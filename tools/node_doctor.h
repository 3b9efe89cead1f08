/*
 * tools/node_doctor.h -- the parts of p2p-node doctor.
 */
#ifndef TOOLS_NODE_DOCTOR_H
#define TOOLS_NODE_DOCTOR_H

#include <stdarg.h>

#include "node_check.h"
#include "node_config.h"

struct doctor {
	struct check_sum	 sum;
	struct config		*c;
	const struct options	*o;	/* of c */
};

void	doctor_say(struct doctor *d, enum check_status status,
	    const char *name, const char *hint, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));

/* Whether the directory of a file is there or can be made, and be written. */
void	doctor_directory(struct doctor *d, const char *name,
	    const char *file);

/* Whether the store that run would have is whole. */
void	doctor_store(struct doctor *d);

#endif
