/* Text that parses is canonical after one round. */
#include <stdlib.h>
#include <string.h>

#include "p2p/multiaddr.h"
#include "p2p/peer_id.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct p2p_multiaddr *a, *b;
	struct p2p_peer_id id;

	(void)p2p_peer_id_parse(text, &id);
	if (p2p_multiaddr_parse(text, &a) == 0) {
		if (p2p_multiaddr_parse(p2p_multiaddr_text(a), &b) != 0 ||
		    !p2p_multiaddr_equal(a, b))
			abort();
		p2p_multiaddr_free(b);
		p2p_multiaddr_free(a);
	}
	free(text);
	return 0;
}
