/* Whatever goes in, nothing that drives a terminal comes out. */
#include <stdlib.h>
#include <string.h>

#include "p2p/text.h"

#include <stdint.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[256];
	size_t n, i, cap;

	for (cap = 1; cap <= sizeof(out); cap *= 4) {
		n = p2p_text_clean(out, cap, (const char *)data, size,
		    P2P_TEXT_ASCII);
		if (n >= cap || out[n] != '\0')
			abort();
		for (i = 0; i < n; i++)
			if (out[i] < 0x20 || out[i] > 0x7e)
				abort();
		n = p2p_text_clean(out, cap, (const char *)data, size, 0);
		for (i = 0; i < n; i++)
			if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
				abort();
		(void)p2p_text_width(out);
	}
	return 0;
}
