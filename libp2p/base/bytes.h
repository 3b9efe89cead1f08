/*
 * base/bytes.h -- all the bounds arithmetic there is.
 *
 * A reader (struct rd) is a view that is consumed from the front; every getter
 * is checked and leaves the reader alone when it fails.  A writer (struct wr)
 * fills a buffer of fixed size and is sticky: once something did not fit, full
 * stays set and nothing more is written; check it once at the end.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK	__attribute__((warn_unused_result))

struct rd {
	const uint8_t	*p;
	size_t		 len;		/* bytes left */
};

/* The same over bytes that may be changed. */
struct span {
	uint8_t		*p;
	size_t		 len;
};

struct wr {
	uint8_t		*p;
	size_t		 cap;
	size_t		 len;		/* bytes written */
	bool		 full;		/* something did not fit */
};

/* All getters return 0 or P2P_ERR_SHORT. */
int	rd_u8(struct rd *r, uint8_t *out) MUST_CHECK;
int	rd_be16(struct rd *r, uint16_t *out) MUST_CHECK;
int	rd_be32(struct rd *r, uint32_t *out) MUST_CHECK;
int	rd_be64(struct rd *r, uint64_t *out) MUST_CHECK;

/* A view of the next n bytes; it borrows the reader's memory. */
int	rd_bytes(struct rd *r, size_t n, struct rd *out) MUST_CHECK;

/* Copy the next n bytes out. */
int	rd_copy(struct rd *r, void *out, size_t n) MUST_CHECK;

bool	rd_equal(const struct rd *r, const void *bytes, size_t len);

void	wr_init(struct wr *w, void *buf, size_t cap);
void	wr_u8(struct wr *w, uint8_t v);
void	wr_be16(struct wr *w, uint16_t v);
void	wr_be32(struct wr *w, uint32_t v);
void	wr_be64(struct wr *w, uint64_t v);
void	wr_bytes(struct wr *w, const void *bytes, size_t len);

/* Room left, 0 once full. */
size_t	wr_room(const struct wr *w);

/*
 * Text as printf makes it, without its final zero.
 */
void	wr_printf(struct wr *w, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* Lower-case hexadecimal of len bytes into a string of 2 * len + 1. */
void	hex_put(char *out, const void *bytes, size_t len);

/*
 * The reverse: exactly strlen(text) / 2 bytes, at most cap.
 * Returns 0, P2P_ERR_FORMAT (odd length, a bad digit) or P2P_ERR_TOO_LARGE.
 */
int	hex_get(const char *text, uint8_t *out, size_t cap, size_t *len)
	    MUST_CHECK;

#endif
