/*
 * Peer ids: the input as text and as bytes.  What is read prints in both
 * forms, and both are read as the same id.
 */
#include "fuzz.h"
#include "p2p/peer_id.h"

static void
check_id(const struct p2p_peer_id *id)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id again;

	FUZZ_CHECK(p2p_peer_id_parse(p2p_peer_id_text(id, text), &again) == 0);
	FUZZ_CHECK(p2p_peer_id_equal(id, &again));
	FUZZ_CHECK(p2p_peer_id_parse(p2p_peer_id_cid(id, text), &again) == 0);
	FUZZ_CHECK(p2p_peer_id_equal(id, &again));
	FUZZ_CHECK(memcmp(id, &again, sizeof(again)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct p2p_peer_id id;

	if (p2p_peer_id_parse(text, &id) == 0)
		check_id(&id);
	if (p2p_peer_id_decode(data, size, &id) == 0) {
		FUZZ_CHECK(id.len == size);
		check_id(&id);
	}
	free(text);
	return 0;
}
