/*
 * base/log.h -- the library never prints; it tells a hook of the host's.
 *
 * A line names its area and is made of plain ASCII: text that came from a peer
 * is escaped here, so a caller may hand over anything.  No secrets, no line a
 * frame above LOG_DEBUG.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "p2p/log.h"

struct log {
	p2p_log_fn	 fn;		/* NULL: nobody listens */
	void		*arg;
	enum p2p_log_level max;		/* lines above this are not made */
};

/* log may be NULL.  Lines are cut at 512 bytes. */
void	log_line(const struct log *log, enum p2p_log_level level,
	    const char *area, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

#endif
