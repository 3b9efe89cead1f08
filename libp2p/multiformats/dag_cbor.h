/*
 * multiformats/dag_cbor.h -- the DAG-CBOR that a signed record needs: one map
 * with fields that are known, and whatever else its maker put in.
 *
 * Spec: ipld/specs block-layer/codecs/dag-cbor.md on RFC 8949: definite
 * lengths, numbers in their shortest form, text keys that occur once, floats of
 * 64 bits that are numbers, no tag but 42.  The order of keys (shorter first,
 * then bytewise) is written; it is not asked for, as go's reader does not.
 */
#ifndef MULTIFORMATS_DAG_CBOR_H
#define MULTIFORMATS_DAG_CBOR_H

#include "base/bytes.h"

#define DAG_CBOR_DEPTH_MAX	16	/* maps and lists within each other */
#define DAG_CBOR_ENTRIES_MAX	64	/* of one map */

enum dag_cbor_type {
	DAG_CBOR_UINT,
	DAG_CBOR_BYTES,
};

/* A field that a map must have. */
struct dag_cbor_field {
	const char		*key;
	enum dag_cbor_type	 type;
	uint64_t		 uint;	/* either this */
	struct rd		 bytes;	/* or this, a view of the input */
};

/*
 * All of in is one map that has the n fields, whose values are filled in; what
 * it has besides is checked and passed over.  Returns 0 or P2P_ERR_FORMAT:
 * then the values are of no use.
 */
int	dag_cbor_get(struct rd in, struct dag_cbor_field *fields, size_t n)
	    MUST_CHECK;

/* A map of these fields and no more; they are in the order of the keys. */
void	dag_cbor_put(struct wr *w, const struct dag_cbor_field *fields,
	    size_t n);

#endif
