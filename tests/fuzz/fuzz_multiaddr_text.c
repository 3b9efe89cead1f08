/*
 * The text of an address: what parses prints canonically, and the canonical
 * text is a fixed point.
 */
#include "fuzz.h"
#include "p2p/multiaddr.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p2p_multiaddr *ma, *again;
	char *text = fuzz_text(data, size);

	if (p2p_multiaddr_parse(text, &ma) == 0) {
		FUZZ_CHECK(p2p_multiaddr_parse(p2p_multiaddr_text(ma),
		    &again) == 0);
		FUZZ_CHECK(p2p_multiaddr_equal(ma, again));
		FUZZ_CHECK(strcmp(p2p_multiaddr_text(ma),
		    p2p_multiaddr_text(again)) == 0);
		p2p_multiaddr_free(again);
		p2p_multiaddr_free(ma);
	}
	free(text);
	return 0;
}
