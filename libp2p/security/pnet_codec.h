/*
 * security/pnet_codec.h -- a codec that lies in a private network: what
 * another one seals goes through the outgoing keystream, what comes in goes
 * through the other before that one opens it.
 */
#ifndef SECURITY_PNET_CODEC_H
#define SECURITY_PNET_CODEC_H

#include "security/pnet.h"
#include "security/security.h"

/*
 * Put the keystreams around *sec and *codec, whose handshake is over; takes
 * pnet and *codec.  opened: so many bytes that the codec gets first went
 * through pnet_open() already.  Returns 0 or -ENOMEM; then nothing is taken.
 */
int	pnet_wrap(struct pnet *pnet, size_t opened,
	    const struct security_ops **sec, struct codec **codec) MUST_CHECK;

#endif
