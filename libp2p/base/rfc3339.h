/*
 * base/rfc3339.h -- a time of the calendar as text.
 *
 * Spec: RFC 3339 section 5.6, "date-time".  Times are nanoseconds since 1970
 * as uint64_t, which end in July 2554.
 */
#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include "base/bytes.h"

#define RFC3339_LEN	30	/* bytes of what rfc3339_put() writes */

/*
 * All of text is one time: none to nine digits of a second's fraction, and Z
 * or a numeric offset.  A leap second is the second that follows it.  Returns
 * 0, P2P_ERR_FORMAT (malformed, no day of the calendar, before 1970) or
 * P2P_ERR_TOO_LARGE (a time that is past what ns can hold).
 */
int	rfc3339_get(struct rd text, uint64_t *ns) MUST_CHECK;

/*
 * "2026-11-23T12:28:26.135000000Z", always with nine digits and in UTC; w must
 * have room for one byte more.
 */
void	rfc3339_put(struct wr *w, uint64_t ns);

#endif
