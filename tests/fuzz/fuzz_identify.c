/*
 * Identify messages of a peer whose key is fixed: a sequence of messages, each
 * with two bytes of length in front, merged.  What came of them is said again
 * as our own, and understood.
 */
#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "services/identify_msg.h"

/* The signer of vectors/peer_record_go.hex. */
static const char priv[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434bf6ee"
    "11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";

static struct p2p_key *key;
static struct p2p_peer_id peer;

static void
setup(void)
{
	uint8_t in[sizeof(priv) / 2];
	size_t len;

	if (key != NULL)
		return;
	if (hex_get(priv, in, sizeof(in), &len) != 0 ||
	    p2p_key_decode_private(in, len, &key) != 0)
		abort();
	p2p_peer_id_from_key(key, &peer);
}

static void
check_seen(const struct identify_seen *seen)
{
	const struct p2p_identity *id = seen->identity;
	struct p2p_peer_id named;
	size_t i;

	FUZZ_CHECK(seen->nprotocols <= IDENTIFY_PROTOCOLS_MAX);
	FUZZ_CHECK(seen->naddrs <= IDENTIFY_ADDRS_MAX);
	for (i = 0; id->protocols[i] != NULL; i++)
		FUZZ_CHECK(strlen(id->protocols[i]) <= IDENTIFY_PROTOCOL_LEN);
	FUZZ_CHECK(i == seen->nprotocols);
	for (i = 0; id->addresses[i] != NULL; i++)
		FUZZ_CHECK(p2p_multiaddr_peer(id->addresses[i], &named) != 0);
	FUZZ_CHECK(i == seen->naddrs);
	FUZZ_CHECK(seen->have_record == id->signed_record);
	if (seen->have_record)
		FUZZ_CHECK(p2p_peer_id_equal(&seen->record.peer, &peer));
	if (id->key != NULL) {
		p2p_peer_id_from_key(id->key, &named);
		FUZZ_CHECK(p2p_peer_id_equal(&named, &peer));
	}
}

static void
say_again(const struct p2p_identity *id)
{
	struct identify_self self = {
		.key = key,
		.agent = id->agent_version != NULL ? id->agent_version : "a",
		.protocols = id->protocols,
		.addrs = id->addresses,
		.observed = id->observed,
		.seq = 1,
	};
	struct identify_seen seen = { 0 };
	uint8_t buf[IDENTIFY_SEND_MAX];
	struct rd msg;
	struct wr w;
	int e;

	wr_init(&w, buf, sizeof(buf));
	if ((e = identify_put(&self, &w)) != 0) {
		FUZZ_CHECK(e == P2P_ERR_TOO_LARGE);
		return;
	}
	/* The length takes two bytes from 128 on, and a key alone is 36. */
	msg = (struct rd){ buf, w.len };
	msg.p += buf[0] < 0x80 ? 1 : 2;
	msg.len -= buf[0] < 0x80 ? 1 : 2;
	FUZZ_CHECK(identify_get(&seen, &peer, msg) == 0);
	FUZZ_CHECK(strcmp(seen.identity->agent_version, self.agent) == 0);
	check_seen(&seen);
	identify_clear(&seen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identify_seen seen = { 0 };
	struct rd in = { data, size }, msg;
	uint16_t len;
	int e = 0;

	setup();
	while (e == 0 && rd_be16(&in, &len) == 0) {
		if (rd_bytes(&in, len < in.len ? len : in.len, &msg) != 0)
			break;
		e = identify_get(&seen, &peer, msg);
		FUZZ_CHECK(e != P2P_ERR_SHORT && e <= 0);
		if (seen.identity != NULL)
			check_seen(&seen);
	}
	if (e == 0 && seen.identity != NULL)
		say_again(seen.identity);
	identify_clear(&seen);
	return 0;
}
