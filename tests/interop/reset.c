/*
 * Our side of the reset cells: "reset listen" serves /test/reset/1.0.0, which
 * reads one byte and resets; "reset dial MADDR" sends one and must see it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <p2p/error.h>
#include <p2p/host.h>
#include <p2p/multiaddr.h>
#include <p2p/stream.h>

#define PROTOCOL	"/test/reset/1.0.0"

static void
reset(struct p2p_stream *s, void *arg)
{
	char c;

	(void)arg;
	p2p_stream_read_timeout(s, 10000);
	(void)p2p_stream_read(s, &c, 1);
	p2p_stream_reset(s);
}

static int
serve(struct p2p_host *h)
{
	char id[P2P_PEER_ID_TEXT_MAX];
	struct p2p_multiaddr *ma;
	int e;

	if ((e = p2p_host_handle(h, PROTOCOL, reset, NULL)) != 0 ||
	    (e = p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", &ma)) != 0)
		return e;
	printf("{\"event\":\"listening\",\"address\":\"%s/p2p/%s\"}\n",
	    p2p_multiaddr_text(ma), p2p_peer_id_text(p2p_host_id(h), id));
	fflush(stdout);
	p2p_multiaddr_free(ma);
	pause();
	return 0;
}

static int
dial(struct p2p_host *h, const char *target)
{
	struct p2p_stream *s;
	ssize_t n;
	char c = 'r';
	int e;

	if ((e = p2p_host_open(h, target, PROTOCOL, 10000, &s)) != 0)
		return e;
	p2p_stream_read_timeout(s, 10000);
	if ((e = p2p_stream_write_full(s, &c, 1)) == 0) {
		n = p2p_stream_read(s, &c, 1);
		printf("{\"event\":\"reset\",\"seen\":%s}\n",
		    n == P2P_ERR_RESET ? "true" : "false");
		e = n == P2P_ERR_RESET ? 0 : n < 0 ? (int)n : P2P_ERR_PROTOCOL;
	}
	p2p_stream_free(s);
	return e;
}

int
main(int argc, char **argv)
{
	struct p2p_host *h;
	int e;

	if (argc < 2 || p2p_host_new(NULL, &h) != 0)
		return 2;
	if (strcmp(argv[1], "listen") == 0)
		e = serve(h);
	else
		e = argc == 3 ? dial(h, argv[2]) : P2P_ERR_NOT_FOUND;
	if (e != 0)
		fprintf(stderr, "reset: %s\n", p2p_strerror(e));
	p2p_host_free(h);
	return e != 0;
}
