#include "services/identify_msg.h"

#include <string.h>

#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

/* identify.proto: listenAddrs is field 2, bytes. */
#define TAG_ADDR	0x12

static struct p2p_key *key;
static struct p2p_peer_id peer;

static void
begin(void)
{
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	p2p_peer_id_from_key(key, &peer);
}

static void
put_addr(struct wr *w, const char *text, const struct p2p_peer_id *first,
    const struct p2p_peer_id *second)
{
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	char id[P2P_PEER_ID_TEXT_MAX], line[512];
	struct wr t;
	size_t len;

	wr_init(&t, line, sizeof(line));
	wr_printf(&t, "%s", text);
	if (first != NULL)
		wr_printf(&t, "/p2p/%s", p2p_peer_id_text(first, id));
	if (second != NULL)
		wr_printf(&t, "/p2p/%s", p2p_peer_id_text(second, id));
	wr_u8(&t, '\0');
	CHECK_OK(p2p_multiaddr_parse(line, &ma));
	bytes = p2p_multiaddr_bytes(ma, &len);
	CHECK_FATAL(len < 128);
	wr_u8(w, TAG_ADDR);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, bytes, len);
	p2p_multiaddr_free(ma);
}

/* Found by fuzz_identify: only the last /p2p was looked at, and cut off. */
static void
another_peer_behind_our_own_id_is_dropped(void)
{
	struct identify_seen seen = { 0 };
	struct p2p_peer_id other;
	struct p2p_key *others;
	uint8_t buf[1024];
	struct wr w;

	begin();
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &others));
	p2p_peer_id_from_key(others, &other);
	wr_init(&w, buf, sizeof(buf));
	put_addr(&w, "/ip4/127.0.0.1/tcp/1", NULL, NULL);
	put_addr(&w, "/ip4/127.0.0.1/tcp/2", &peer, NULL);
	put_addr(&w, "/ip4/127.0.0.1/tcp/3", &other, NULL);
	put_addr(&w, "/ip4/127.0.0.1/tcp/4", &other, &peer);
	put_addr(&w, "/ip4/127.0.0.1/tcp/5", &peer, &peer);
	CHECK_OK(identify_get(&seen, &peer, (struct rd){ buf, w.len }));
	CHECK_EQ(seen.naddrs, 2);
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[0]),
	    "/ip4/127.0.0.1/tcp/1");
	CHECK_STR(p2p_multiaddr_text(seen.identity->addresses[1]),
	    "/ip4/127.0.0.1/tcp/2");
	identify_clear(&seen);
	p2p_key_free(others);
	p2p_key_free(key);
}

TESTS("identify_msg",
	{ "another peer behind our own id is dropped",
	    another_peer_behind_our_own_id_is_dropped })
