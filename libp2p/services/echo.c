#include "p2p/echo.h"

#include <stdlib.h>

#include "p2p/host.h"
#include "p2p/stream.h"

#define CHUNK	(64 * 1024)
#define IDLE_MS	60000	/* nothing comes, nothing is taken */

static void
echo(struct p2p_stream *s, void *arg)
{
	uint8_t *buf;
	ssize_t n;

	(void)arg;
	p2p_stream_read_timeout(s, IDLE_MS);
	p2p_stream_write_timeout(s, IDLE_MS);
	if ((buf = malloc(CHUNK)) == NULL) {
		p2p_stream_reset(s);
		return;
	}
	while ((n = p2p_stream_read(s, buf, CHUNK)) > 0)
		if (p2p_stream_write_full(s, buf, (size_t)n) != 0)
			break;
	if (n != 0)
		p2p_stream_reset(s);	/* not all of it came back */
	free(buf);
}

int
p2p_echo_serve(struct p2p_host *host)
{
	return p2p_host_handle(host, P2P_ECHO_ID, echo, NULL);
}
