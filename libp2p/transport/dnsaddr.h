/*
 * transport/dnsaddr.h -- the addresses in a DNS answer, without the asking.
 *
 * Spec: multiformats/multiaddr, dnsaddr; spec digest MA-16; RFC 1035, 4.1
 *       (messages) and 3.3.14 (TXT).
 * Wire: header(12), questions, answers; the data of a TXT record is strings of
 *       length(1) and that many bytes, which joined are "dnsaddr=/ip4/...".
 */
#ifndef TRANSPORT_DNSADDR_H
#define TRANSPORT_DNSADDR_H

#include "base/bytes.h"

struct p2p_multiaddr;

#define DNSADDR_TXT_MAX		16	/* records that fit; rust's figure */
#define DNSADDR_TEXT_MAX	1024	/* bytes of one, strings joined */
#define DNSADDR_ANSWER_MAX	65535	/* bytes: what TCP can carry */

/*
 * The addresses of the TXT records that end in suffix (the binary form of what
 * followed the name; may be empty) and have something in front of it.  Records
 * of other kinds and other texts are passed over, and all after
 * DNSADDR_TXT_MAX that fit.
 * Returns 0 (*n, maybe 0, addresses in out are new), P2P_ERR_FORMAT (no answer,
 * or a broken one), P2P_ERR_DNS (the answer is an error) or -ENOMEM.
 */
int	dnsaddr_get(struct rd answer, struct rd suffix,
	    struct p2p_multiaddr *out[DNSADDR_TXT_MAX], size_t *n) MUST_CHECK;

/* Whether it is an answer that says it was cut short: ask again over TCP. */
bool	dnsaddr_is_cut(struct rd answer);

#endif
