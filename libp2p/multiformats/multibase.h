/*
 * multiformats/multibase.h -- bytes as text, in the alphabets libp2p uses.
 *
 * Spec: multiformats/multibase; RFC 4648.  The first character of a multibase
 * text names its base.
 */
#ifndef MULTIFORMATS_MULTIBASE_H
#define MULTIFORMATS_MULTIBASE_H

#include "base/bytes.h"

#define MULTIBASE_TEXT_MAX	512	/* characters we decode */

enum multibase {
	MULTIBASE_16 = 'f',
	MULTIBASE_32 = 'b',		/* lower case, no padding */
	MULTIBASE_36 = 'k',		/* lower case */
	MULTIBASE_58BTC = 'z',
	MULTIBASE_64 = 'm',		/* no padding */
	MULTIBASE_64URL = 'u',		/* no padding */
};

/*
 * Without the prefix.  Decoding: *len is the capacity of out before and the
 * bytes after.  Returns 0, P2P_ERR_FORMAT or P2P_ERR_TOO_LARGE.
 */
int	multibase_decode_raw(enum multibase base, const char *text,
	    size_t textlen, uint8_t *out, size_t *len) MUST_CHECK;

/* Appends the text without the prefix. */
void	multibase_encode_raw(enum multibase base, const uint8_t *bytes,
	    size_t len, struct wr *out);

/* With the prefix; P2P_ERR_UNSUPPORTED for another base. */
int	multibase_decode(const char *text, size_t textlen, uint8_t *out,
	    size_t *len) MUST_CHECK;
void	multibase_encode(enum multibase base, const uint8_t *bytes, size_t len,
	    struct wr *out);

#endif
