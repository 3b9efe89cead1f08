/*
 * base/varint.h -- the unsigned varint of multiformats.
 *
 * Spec: multiformats/unsigned-varint README.md: groups of seven bits, least
 * significant first, at most nine bytes, minimal form required.  The varints
 * inside protobuf are another dialect and are protobuf-c's business.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include "base/bytes.h"

#define VARINT_MAX_LEN	9	/* bytes; values below 2^63 */

/*
 * Take one varint.  Returns 0, P2P_ERR_SHORT (more bytes are needed; the
 * reader is left alone) or P2P_ERR_FORMAT (ten bytes, or not minimal).
 */
int	varint_get(struct rd *r, uint64_t *out) MUST_CHECK;

void	varint_put(struct wr *w, uint64_t v);
size_t	varint_len(uint64_t v);

/* A varint length, then that many bytes, as a view. */
int	varint_get_bytes(struct rd *r, struct rd *out) MUST_CHECK;
void	varint_put_bytes(struct wr *w, const void *bytes, size_t len);

#endif
