/*
 * CIDs and multibase: the input as text and as bytes.  What decodes prints in
 * every base, and each is read as the same bytes.
 */
#include "fuzz.h"
#include "multiformats/cid.h"

#define STORE_MAX	4096

static void
check_cid(const struct cid *cid, struct rd bytes)
{
	static const char bases[] = "fbkzmu";
	uint8_t text[STORE_MAX], store[STORE_MAX];
	struct cid again;
	struct wr t, w;
	size_t i;

	for (i = 0; bases[i] != '\0'; i++) {
		wr_init(&t, text, sizeof(text));
		cid_print(&t, cid, (enum multibase)bases[i]);
		/* Bases 36 and 58 print more digits than they read. */
		if (t.full || t.len > MULTIBASE_BIG_MAX)
			continue;
		wr_init(&w, store, sizeof(store));
		FUZZ_CHECK(cid_parse((struct rd){ text, t.len }, &w,
		    &again) == 0);
		FUZZ_CHECK(rd_equal(&bytes, store, w.len));
	}
	wr_init(&w, store, sizeof(store));
	cid_put(&w, cid);
	FUZZ_CHECK(w.full || rd_equal(&bytes, store, w.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t store[STORE_MAX];
	struct cid cid;
	struct wr w;

	if (cid_decode((struct rd){ data, size }, &cid) == 0)
		check_cid(&cid, (struct rd){ data, size });
	wr_init(&w, store, sizeof(store));
	if (cid_parse((struct rd){ data, size }, &w, &cid) == 0)
		check_cid(&cid, (struct rd){ store, w.len });
	return 0;
}
