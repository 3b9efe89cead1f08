/*
 * The halves have nothing in common but what is written once, so there is no
 * lock.  The key is needed until the peer's nonce is complete, and is wiped
 * then: the streams run on keys derived from it.
 *
 * A peer that sends our own nonce back is a mirror.  It hears nothing but its
 * own echo, and the handshake above does not take an echo for a peer.
 */
#include "security/pnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rand.h"
#include "crypto/wipe.h"
#include "crypto/xsalsa20.h"
#include "p2p/error.h"

_Static_assert(PNET_NONCE == XSALSA20_NONCE && P2P_PSK_SIZE == XSALSA20_KEY,
    "the sizes are the cipher's");

/*
 * Who may touch a member:
 *	I	nobody writes it after pnet_new()
 *	S	the thread that seals
 *	O	the thread that opens
 */
struct pnet {
	uint8_t		nonce[PNET_NONCE];	/* [I] */
	struct xsalsa20	out;			/* [S] */
	struct xsalsa20	in;			/* [O] from the nonce on */
	struct p2p_psk	psk;			/* [O] until then */
	uint8_t		theirs[PNET_NONCE];	/* [O] */
	size_t		have;			/* [O] bytes of theirs */
};

int
pnet_new(const struct p2p_psk *psk, struct pnet **out)
{
	struct pnet *p;
	int e;

	if ((e = xsalsa20_ready()) != 0)
		return e;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	if ((e = rand_bytes(p->nonce, sizeof(p->nonce))) != 0) {
		pnet_free(p);
		return e;
	}
	p->psk = *psk;
	xsalsa20_init(&p->out, psk->key, p->nonce);
	*out = p;
	return 0;
}

void
pnet_free(struct pnet *p)
{
	wipe(p, sizeof(*p));
	free(p);
}

const uint8_t *
pnet_nonce(const struct pnet *p)
{
	return p->nonce;
}

void
pnet_seal(struct pnet *p, uint8_t *buf, size_t len)
{
	xsalsa20_xor(&p->out, buf, len);
}

/* Returns how many of len bytes at buf belong to the peer's nonce. */
static size_t
take_nonce(struct pnet *p, const uint8_t *buf, size_t len)
{
	size_t n = PNET_NONCE - p->have;

	if (n > len)
		n = len;
	if (n == 0)
		return 0;
	memcpy(p->theirs + p->have, buf, n);
	if ((p->have += n) == PNET_NONCE) {
		xsalsa20_init(&p->in, p->psk.key, p->theirs);
		p2p_psk_wipe(&p->psk);
	}
	return n;
}

void
pnet_open(struct pnet *p, uint8_t *buf, size_t *len)
{
	size_t n = take_nonce(p, buf, *len);

	if (n > 0)
		memmove(buf, buf + n, *len -= n);
	xsalsa20_xor(&p->in, buf, *len);
}
