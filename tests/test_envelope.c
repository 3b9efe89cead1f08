#include "identity/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

/* js-libp2p packages/peer-record/test, made by go. */
static const char envelope[] =
    "0a240801122011bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4"
    "120203011aaa010a2600240801122011bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a4"
    "0f4f6652105c91e2c410d8b8e0bf9391b697161a0a0a0804010203040600001a0a0a0804010203"
    "040600011a0a0a0804010203040600021a0a0a0804010203040600031a0a0a0804010203040600"
    "041a0a0a0804010203040600051a0a0a0804010203040600061a0a0a0804010203040600071a0a"
    "0a0804010203040600081a0a0a0804010203040600092a40b197f76b9f288af2b467fe666f7744"
    "76287049b424b73975c8860efb02372d026a799584541ad72f2654346485bca3ece36462b7d1b1"
    "391c8d276dc4ab8bca0b";

static void
the_published_record_opens(void)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct peer_record r;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(envelope, &len);
	CHECK_OK(peer_record_open((struct rd){ bytes, len }, &r));
	CHECK_STR(p2p_peer_id_text(&r.peer, text),
	    "12D3KooWB1b3qZxWJanuhtseF3DmPggHCtG36KZ9ixkqHtdKH9fh");
	CHECK_EQ(r.n, 10);
	CHECK_STR(p2p_multiaddr_text(r.addrs[9]), "/ip4/1.2.3.4/tcp/9");
	peer_record_clear(&r);
	free(bytes);
}

static int
open_only(const uint8_t *bytes, size_t len, void *arg)
{
	struct peer_record r;
	int e;

	(void)arg;
	if ((e = peer_record_open((struct rd){ bytes, len }, &r)) == 0)
		peer_record_clear(&r);
	return e;
}

/* A flip in the envelope's own framing may be skipped as an unknown field. */
static void
no_changed_record_opens(void)
{
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(envelope, &len);
	CHECK(mangle(bytes, len, 1, open_only, NULL) >= 9 * len - 8);
	free(bytes);
}

static void
a_sealed_record_opens_again(void)
{
	struct p2p_multiaddr *ma;
	struct p2p_key *key;
	struct peer_record r;
	uint8_t buf[ENVELOPE_MAX];
	struct wr w;

	CHECK_OK(p2p_key_generate(P2P_KEY_SECP256K1, 0, &key));
	CHECK_OK(p2p_multiaddr_parse("/ip4/1.2.3.4/tcp/5", &ma));
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(peer_record_seal(key, 77,
	    (const struct p2p_multiaddr *const *)&ma, 1, &w));
	CHECK_OK(peer_record_open((struct rd){ buf, w.len }, &r));
	CHECK_EQ(r.seq, 77);
	CHECK_EQ(r.n, 1);
	CHECK(p2p_multiaddr_equal(r.addrs[0], ma));
	peer_record_clear(&r);
	p2p_multiaddr_free(ma);
	p2p_key_free(key);
}

TESTS("envelope",
	{ "the published record opens", the_published_record_opens },
	{ "no changed record opens", no_changed_record_opens },
	{ "a sealed record opens again", a_sealed_record_opens_again })
