/*
 * A peer without manners, for the tests of the tools:
 *
 *	raw send MADDR PROTOCOL		stdin as it is to a stream of PROTOCOL
 *	raw silent PROTOCOL [AGENT]	serves it, reads, and never answers
 *
 * The second says where it listens as p2p-node run does, and ends when its
 * stdin does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <p2p/error.h>
#include <p2p/host.h>
#include <p2p/multiaddr.h>
#include <p2p/stream.h>

#define WAIT_MS	20000

static void
silent(struct p2p_stream *s, void *arg)
{
	char buf[4096];

	(void)arg;
	while (p2p_stream_read(s, buf, sizeof(buf)) > 0)
		;
}

static int
serve(struct p2p_host *h, const char *protocol)
{
	char id[P2P_PEER_ID_TEXT_MAX], c;
	struct p2p_multiaddr *ma;
	int e;

	(void)p2p_host_unhandle(h, protocol);
	if ((e = p2p_host_handle(h, protocol, silent, NULL)) != 0 ||
	    (e = p2p_host_listen(h, "/ip4/127.0.0.1/tcp/0", &ma)) != 0)
		return e;
	printf("{\"event\":\"listening\",\"address\":\"%s/p2p/%s\"}\n",
	    p2p_multiaddr_text(ma), p2p_peer_id_text(p2p_host_id(h), id));
	fflush(stdout);
	p2p_multiaddr_free(ma);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

/* All of stdin, our end, and then the peer's. */
static int
send_all(struct p2p_host *h, const char *target, const char *protocol)
{
	struct p2p_stream *s;
	char buf[65536];
	ssize_t n;
	int e;

	if ((e = p2p_host_open(h, target, protocol, WAIT_MS, &s)) != 0)
		return e;
	p2p_stream_read_timeout(s, WAIT_MS);
	p2p_stream_write_timeout(s, WAIT_MS);
	while (e == 0 && (n = read(0, buf, sizeof(buf))) > 0)
		e = p2p_stream_write_full(s, buf, (size_t)n);
	if (e == 0)
		e = p2p_stream_close_write(s);
	while (e == 0 && (n = p2p_stream_read(s, buf, sizeof(buf))) != 0)
		e = n < 0 ? (int)n : 0;
	p2p_stream_free(s);
	return e;
}

int
main(int argc, char **argv)
{
	struct p2p_host_config config = { 0 };
	struct p2p_host *h;
	int e;

	if (argc == 4 && strcmp(argv[1], "silent") == 0)
		config.agent = argv[3];
	if (argc < 3 || argc > 4 || (e = p2p_host_new(&config, &h)) != 0)
		return 2;
	if (strcmp(argv[1], "silent") == 0)
		e = serve(h, argv[2]);
	else
		e = argc == 4 ? send_all(h, argv[2], argv[3]) : P2P_ERR_FORMAT;
	if (e != 0)
		fprintf(stderr, "raw: %s\n", p2p_strerror(e));
	p2p_host_free(h);
	return e != 0;
}
