#include <unistd.h>

#include "p2p/multiaddr.h"
#include "transport/transport.h"

void
raw_close(struct raw *raw)
{
	if (raw->fd != -1)
		close(raw->fd);
	p2p_multiaddr_free(raw->local);
	p2p_multiaddr_free(raw->remote);
	*raw = (struct raw){ .fd = -1 };
}
