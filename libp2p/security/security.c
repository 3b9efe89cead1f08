#include "security/security.h"

#include <string.h>

#include "p2p/error.h"

int
security_open(const struct security_ops *ops, struct codec *c, uint8_t *buf,
    size_t *len, size_t *plain, bool *talk)
{
	struct span in = { buf, *len };
	struct rd piece;
	bool wants;
	int e;

	*plain = 0;
	*talk = false;
	do {
		e = ops->open(c, &in, &piece, &wants);
		*talk = *talk || wants;
		memmove(buf + *plain, piece.p, piece.len);
		*plain += piece.len;
	} while (e == 0);
	memmove(buf + *plain, in.p, in.len);
	*len = in.len;
	return e == P2P_ERR_SHORT ? 0 : e;
}
