/*
 * Swarm keys.  What parses fits into the buffer that files are read into, takes
 * no byte more behind it, and survives its own text.
 */
#include <string.h>

#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/pnet.h"

static void
longer(const uint8_t *data, size_t size)
{
	uint8_t text[P2P_PSK_FILE_MAX + 1];
	struct p2p_psk psk;
	int e;

	memcpy(text, data, size);
	text[size] = 'x';
	e = p2p_psk_parse(text, size + 1, &psk);
	FUZZ_CHECK(e == P2P_ERR_FORMAT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[P2P_PSK_FILE_MAX];
	struct p2p_psk psk, again;
	int e;

	if ((e = p2p_psk_parse(data, size, &psk)) != 0) {
		FUZZ_CHECK(e == P2P_ERR_FORMAT);
		return 0;
	}
	FUZZ_CHECK(size < P2P_PSK_FILE_MAX);
	longer(data, size);
	p2p_psk_text(&psk, text);
	FUZZ_CHECK(p2p_psk_parse(text, strlen(text), &again) == 0);
	FUZZ_CHECK(memcmp(&psk, &again, sizeof(psk)) == 0);
	return 0;
}
