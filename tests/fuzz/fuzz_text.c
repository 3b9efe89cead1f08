/*
 * Text from peers.  The first byte gives the flags, the second the room; what
 * comes out is valid, harmless, and comes out again unchanged.
 */
#include "base/unicode.h"
#include "fuzz.h"
#include "p2p/text.h"

static void
check_harmless(const char *text, size_t len, unsigned flags)
{
	struct rd r = { (const uint8_t *)text, len };
	uint32_t c;

	while (r.len > 0) {
		c = unicode_get(&r);
		FUZZ_CHECK(c != UNICODE_NONE);
		if (c == UNICODE_ZWJ ||
		    (c == '\n' && (flags & P2P_TEXT_NEWLINE) != 0))
			continue;
		FUZZ_CHECK(!unicode_is_unsafe(c));
		FUZZ_CHECK(c < 0x80 || (flags & P2P_TEXT_ASCII) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *in, *out, *again;
	size_t cap, len, len2;
	unsigned flags;

	if (size < 2)
		return 0;
	flags = data[0] & 3;
	cap = data[1] == 255 ? 9 * size : data[1] + 1u;
	in = fuzz_text(data + 2, size - 2);
	if ((out = malloc(cap)) == NULL || (again = malloc(cap)) == NULL)
		abort();
	len = p2p_text_clean(out, cap, in, size - 2, flags);
	FUZZ_CHECK(len < cap && strlen(out) == len);
	check_harmless(out, len, flags);
	FUZZ_CHECK(p2p_text_width(out) <= 2 * len);
	len2 = p2p_text_clean(again, cap, out, len, flags);
	FUZZ_CHECK(len == len2 && memcmp(out, again, len) == 0);
	free(again);
	free(out);
	free(in);
	return 0;
}
