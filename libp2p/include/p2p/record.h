/*
 * p2p/record.h -- what may be stored in the DHT, and which of two is better.
 *
 * Spec: libp2p/specs kad-dht/README.md, "Entry validation"; ipfs/specs
 * src/ipns/ipns-record.md.  A key is "/" namespace "/" and the rest, which may
 * be any bytes; each namespace has a rule.
 */
#ifndef P2P_RECORD_H
#define P2P_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "p2p/peer_id.h"

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_key;

#define P2P_RECORD_KEY_MAX	256		/* bytes */
#define P2P_RECORD_VALUE_MAX	(64 * 1024)	/* bytes */

/* Bytes of a caller's. */
struct p2p_record {
	const uint8_t	*key;
	size_t		 key_len;
	const uint8_t	*value;
	size_t		 len;
};

/*
 * The rule of a namespace.  Called from any thread, several at once; must not
 * call the DHT.  now is the wall clock in ns since 1970.
 */
struct p2p_record_rule {
	const char	*name;		/* "ipns"; without slashes */
	/* 0, or why it is not valid; NULL: all are. */
	int	(*validate)(const struct p2p_record *record, uint64_t now,
		    void *arg);
	/*
	 * Of two valid records with one key: > 0 when a is better, < 0 when b
	 * is, 0 alike.  NULL: always alike, and the newest received wins.
	 */
	int	(*compare)(const struct p2p_record *a,
		    const struct p2p_record *b, void *arg);
	void	*arg;
};

/* The rules that the public network has, for /pk and /ipns. */
extern const struct p2p_record_rule p2p_record_pk, p2p_record_ipns;

/*
 * A key of a namespace and the id of a peer: "/pk/" or "/ipns/" and the bytes
 * of its id.  Writes it into out[P2P_RECORD_KEY_MAX], where both must fit, and
 * returns its length.
 */
size_t	p2p_record_key(const char *name, const struct p2p_peer_id *peer,
	    uint8_t *out);

#define P2P_IPNS_MAX	10240	/* bytes of a record */

/* What an IPNS record says. */
struct p2p_ipns {
	const uint8_t	*value;		/* what the name points to */
	size_t		 len;		/* "/ipfs/bafy...", bytes */
	uint64_t	 sequence;	/* below 2^63 when made: go */
	uint64_t	 eol;		/* valid before, ns since 1970 */
	uint64_t	 ttl;		/* may be cached for, ns; as sequence */
	bool		 v2_only;	/* without the fields of version 1 */
};

/*
 * Make and sign a record: *out is one new block of *len bytes; free(3) it.
 * Returns 0, P2P_ERR_TOO_LARGE (over P2P_IPNS_MAX, of which the value takes
 * twice its length unless v2_only; a number of 2^63 or more),
 * P2P_ERR_UNSUPPORTED (no private half), P2P_ERR_CRYPTO or -ENOMEM.
 */
int	p2p_ipns_make(const struct p2p_key *key, const struct p2p_ipns *what,
	    uint8_t **out, size_t *len);

/*
 * Check a record of that name in full, and read it.  *out is one new block
 * with all it points to; free(3) it.  An end later than ns can say is
 * UINT64_MAX.  Returns 0; P2P_ERR_TOO_LARGE; P2P_ERR_FORMAT (malformed, without
 * a signature of version 2 or a key, or its two versions differ);
 * P2P_ERR_WRONG_PEER (the key in it is not that of the name);
 * P2P_ERR_UNSUPPORTED (a key or a validity of another type);
 * P2P_ERR_SIGNATURE; P2P_ERR_TIMEOUT (eol is not after now); or -ENOMEM.
 */
int	p2p_ipns_open(const struct p2p_peer_id *name, const void *bytes,
	    size_t len, uint64_t now, struct p2p_ipns **out);

#ifdef __cplusplus
}
#endif
#endif
