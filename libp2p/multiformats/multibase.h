/*
 * multiformats/multibase.h -- bytes as text that names its own alphabet.
 *
 * Spec: multiformats/multibase README.md; RFC 4648 for the bases that are
 * powers of two.  Text: one prefix character, then the digits.
 */
#ifndef MULTIFORMATS_MULTIBASE_H
#define MULTIFORMATS_MULTIBASE_H

#include "base/bytes.h"

enum multibase {
	MULTIBASE_16 = 'f',
	MULTIBASE_32 = 'b',		/* lower case, no padding */
	MULTIBASE_36 = 'k',
	MULTIBASE_58 = 'z',		/* the alphabet of Bitcoin */
	MULTIBASE_64 = 'm',		/* no padding */
	MULTIBASE_64URL = 'u',		/* no padding */
};

/*
 * Bases 36 and 58 cost the square of their length: no more digits or bytes
 * than this are taken, so that the worst input costs a million steps.
 */
#define MULTIBASE_BIG_MAX	1024

/*
 * Text with its prefix into out.  Bases 16, 32 and 36 are read in either case,
 * also under the upper-case prefix.  Padding, bits left over that are not zero,
 * and no digits at all are refused.
 * Returns 0, P2P_ERR_FORMAT, P2P_ERR_UNSUPPORTED (an unknown prefix) or
 * P2P_ERR_TOO_LARGE (out is too small, or over MULTIBASE_BIG_MAX); out is
 * changed only by success.
 */
int	multibase_decode(struct rd text, struct wr *out) MUST_CHECK;

/*
 * Bytes as text with its prefix, or "bare": the digits alone.  Sets out->full
 * when it does not fit or is over MULTIBASE_BIG_MAX.
 */
void	multibase_encode(enum multibase base, struct rd bytes, struct wr *out);
void	multibase_encode_bare(enum multibase base, struct rd bytes,
	    struct wr *out);

/* The digits alone; returns as multibase_decode(). */
int	multibase_decode_bare(enum multibase base, struct rd text,
	    struct wr *out) MUST_CHECK;

/*
 * The 2^bits digits of an alphabet, most significant first, without padding:
 * what the powers of two above are made of, for those who bring an alphabet of
 * their own.  lax forgives bits left over that are not zero.  Returns 0,
 * P2P_ERR_FORMAT or P2P_ERR_TOO_LARGE; out is changed only by success.
 */
int	multibase_unpack(const char *alphabet, unsigned bits, bool lax,
	    struct rd text, struct wr *out) MUST_CHECK;
void	multibase_pack(const char *alphabet, unsigned bits, struct rd bytes,
	    struct wr *out);

#endif
