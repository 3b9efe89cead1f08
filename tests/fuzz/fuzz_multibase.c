/*
 * Multibase: the input as text, and as bytes that are written in every base and
 * read again.  The first byte chooses a base for text without a prefix.
 */
#include "fuzz.h"
#include "multiformats/multibase.h"

#define STORE_MAX	8192
#define BIG_MAX		256	/* bytes in bases 36 and 58: quadratic */

static const char bases[] = "fbkzmu";

static void
check_bytes(struct rd bytes)
{
	uint8_t text[2 * STORE_MAX], back[STORE_MAX];
	struct wr t, w;
	size_t i;
	int bare, e;

	if (bytes.len == 0 || bytes.len > STORE_MAX)
		return;
	for (i = 0; bases[i] != '\0'; i++) {
		for (bare = 0; bare < 2; bare++) {
			if (strchr("kz", bases[i]) != NULL &&
			    bytes.len > BIG_MAX)
				continue;
			wr_init(&t, text, sizeof(text));
			wr_init(&w, back, sizeof(back));
			(bare ? multibase_encode_bare : multibase_encode)(
			    (enum multibase)bases[i], bytes, &t);
			FUZZ_CHECK(!t.full);
			e = bare ? multibase_decode_bare((enum multibase)
			    bases[i], (struct rd){ text, t.len }, &w) :
			    multibase_decode((struct rd){ text, t.len }, &w);
			FUZZ_CHECK(e == 0);
			FUZZ_CHECK(rd_equal(&bytes, back, w.len));
		}
	}
}

/* An alphabet of somebody's own, strict and lax. */
static void
check_unpack(struct rd text)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t strict[STORE_MAX], lax[STORE_MAX];
	struct wr s, l;

	wr_init(&s, strict, sizeof(strict));
	wr_init(&l, lax, sizeof(lax));
	if (multibase_unpack(hex, 4, false, text, &s) != 0) {
		FUZZ_CHECK(s.len == 0 && !s.full);
		return;
	}
	FUZZ_CHECK(multibase_unpack(hex, 4, true, text, &l) == 0);
	FUZZ_CHECK(s.len == l.len && memcmp(strict, lax, s.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd text = { data, size };
	uint8_t store[STORE_MAX];
	struct wr w;

	wr_init(&w, store, sizeof(store));
	if (multibase_decode(text, &w) == 0)
		check_bytes((struct rd){ store, w.len });
	else
		FUZZ_CHECK(w.len == 0 && !w.full);
	if (size == 0)
		return 0;
	text = (struct rd){ data + 1, size - 1 };
	wr_init(&w, store, sizeof(store));
	if (multibase_decode_bare((enum multibase)bases[data[0] % 6], text,
	    &w) == 0)
		check_bytes((struct rd){ store, w.len });
	check_bytes(text);
	check_unpack(text);
	return 0;
}
