/*
 * The binary form of an address: what decodes prints, and what was printed
 * parses to the same bytes.
 */
#include "base/bytes.h"
#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

static void
check_parts(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part part;
	char text[4 * P2P_MULTIADDR_MAX];
	size_t i;

	for (i = 0; p2p_multiaddr_part(ma, i, &part); i++)
		FUZZ_CHECK(p2p_multiaddr_part_text(&part, text,
		    sizeof(text)) == 0);
	FUZZ_CHECK(i > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p2p_multiaddr *ma, *again, *twice;
	const uint8_t *bytes;
	size_t len;
	int e;

	if (p2p_multiaddr_decode(data, size, &ma) != 0)
		return 0;
	bytes = p2p_multiaddr_bytes(ma, &len);
	FUZZ_CHECK(len == size && memcmp(bytes, data, size) == 0);
	FUZZ_CHECK(p2p_multiaddr_parse(p2p_multiaddr_text(ma), &again) == 0);
	FUZZ_CHECK(p2p_multiaddr_equal(ma, again));
	FUZZ_CHECK(strcmp(p2p_multiaddr_text(ma),
	    p2p_multiaddr_text(again)) == 0);
	check_parts(ma);
	FUZZ_CHECK(p2p_multiaddr_decapsulate(ma, again, &twice) ==
	    P2P_ERR_FORMAT);
	if ((e = p2p_multiaddr_encapsulate(ma, again, &twice)) == 0)
		p2p_multiaddr_free(twice);
	else
		FUZZ_CHECK(e == P2P_ERR_TOO_LARGE || e == P2P_ERR_FORMAT);
	p2p_multiaddr_free(again);
	p2p_multiaddr_free(ma);
	return 0;
}
