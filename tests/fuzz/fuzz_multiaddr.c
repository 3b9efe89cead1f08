/* Bytes that decode print as text that parses to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "p2p/multiaddr.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p2p_multiaddr *a, *b;

	if (p2p_multiaddr_decode(data, size, &a) != 0)
		return 0;
	/* A path swallows what follows it in text: only bytes tell it apart. */
	if (strstr(p2p_multiaddr_text(a), "/unix/") == NULL) {
		if (p2p_multiaddr_parse(p2p_multiaddr_text(a), &b) != 0 ||
		    !p2p_multiaddr_equal(a, b))
			abort();
		p2p_multiaddr_free(b);
	}
	p2p_multiaddr_free(a);
	return 0;
}
