/*
 * p2p/multiaddr.h -- addresses that say how they are to be dialed.
 *
 * Spec: multiformats/multiaddr README.md and protocols.csv; libp2p/specs
 * addressing/README.md.  Text: /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo...
 * Binary: varint(code), then a value of fixed size or varint(length) and that
 * many bytes, for each component; no outer length.
 */
#ifndef P2P_MULTIADDR_H
#define P2P_MULTIADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_peer_id;

#define P2P_MULTIADDR_MAX	1024	/* bytes of the binary form */

/* An address: immutable, any thread may read it. */
struct p2p_multiaddr;

/* One component, see p2p_multiaddr_part(). */
struct p2p_multiaddr_part {
	uint32_t	 code;		/* of protocols.csv */
	const char	*name;		/* static */
	const uint8_t	*value;		/* borrowed from the address */
	size_t		 len;		/* bytes of value, 0 for none */
};

/*
 * From text.  *out is new.  Trailing slashes are forgiven, "ipfs" is read as
 * "p2p".  Returns 0, P2P_ERR_FORMAT (also for an unknown protocol),
 * P2P_ERR_TOO_LARGE or -ENOMEM.
 */
int	p2p_multiaddr_parse(const char *text, struct p2p_multiaddr **out);

/* From exactly len bytes of the binary form.  Returns as above. */
int	p2p_multiaddr_decode(const uint8_t *bytes, size_t len,
	    struct p2p_multiaddr **out);

int	p2p_multiaddr_dup(const struct p2p_multiaddr *ma,
	    struct p2p_multiaddr **out);
void	p2p_multiaddr_free(struct p2p_multiaddr *ma);	/* NULL is fine */

/* The canonical text and the binary form; borrowed from the address. */
const char	*p2p_multiaddr_text(const struct p2p_multiaddr *ma);
const uint8_t	*p2p_multiaddr_bytes(const struct p2p_multiaddr *ma,
		    size_t *len);

/* Equal means: the same binary form. */
bool	p2p_multiaddr_equal(const struct p2p_multiaddr *a,
	    const struct p2p_multiaddr *b);

/*
 * Components in order; i from 0.  Returns false past the last one.
 */
bool	p2p_multiaddr_part(const struct p2p_multiaddr *ma, size_t i,
	    struct p2p_multiaddr_part *out);

/*
 * The value of one component as text, as it stands in the address ("4001"),
 * with a final zero; empty for a protocol without a value.
 * Returns 0 or P2P_ERR_TOO_LARGE.
 */
int	p2p_multiaddr_part_text(const struct p2p_multiaddr_part *part,
	    char *out, size_t cap);

/*
 * inner behind outer, as a new address.  Returns 0, P2P_ERR_TOO_LARGE,
 * P2P_ERR_FORMAT (nothing may follow a unix path) or -ENOMEM.
 */
int	p2p_multiaddr_encapsulate(const struct p2p_multiaddr *outer,
	    const struct p2p_multiaddr *inner, struct p2p_multiaddr **out);

/*
 * A new address that ends before the last occurrence of tail in ma.
 * Returns 0, P2P_ERR_NOT_FOUND (no such part), P2P_ERR_FORMAT (nothing would
 * be left) or -ENOMEM.
 */
int	p2p_multiaddr_decapsulate(const struct p2p_multiaddr *ma,
	    const struct p2p_multiaddr *tail, struct p2p_multiaddr **out);

/*
 * The peer that a dial of this address expects: the value of the last /p2p,
 * and only if that is the final component.  Returns 0 or P2P_ERR_NO_PEER.
 */
int	p2p_multiaddr_peer(const struct p2p_multiaddr *ma,
	    struct p2p_peer_id *out);

/*
 * ma with /p2p/ID at its end (unless it is there), as a new address.  Returns
 * 0, P2P_ERR_WRONG_PEER (it ends in the id of another), P2P_ERR_TOO_LARGE,
 * P2P_ERR_FORMAT (nothing may follow a unix path) or -ENOMEM.
 */
int	p2p_multiaddr_with_peer(const struct p2p_multiaddr *ma,
	    const struct p2p_peer_id *id, struct p2p_multiaddr **out);

/*
 * ma without its final /p2p/ID, if it has one, as a new address.
 * Returns 0, P2P_ERR_FORMAT (nothing would be left) or -ENOMEM.
 */
int	p2p_multiaddr_without_peer(const struct p2p_multiaddr *ma,
	    struct p2p_multiaddr **out);

#ifdef __cplusplus
}
#endif
#endif
