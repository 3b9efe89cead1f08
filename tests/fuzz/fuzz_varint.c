/*
 * Varints, and blocks with a varint in front: what is read is written again as
 * the same bytes, and what ends too early leaves the reader alone.
 */
#include "base/varint.h"
#include "fuzz.h"
#include "p2p/error.h"

static void
check_block(struct rd in)
{
	struct rd rest = in, block;
	uint8_t *store;
	struct wr w;

	if (varint_get_bytes(&rest, &block) != 0) {
		FUZZ_CHECK(rest.p == in.p && rest.len == in.len);
		return;
	}
	FUZZ_CHECK(block.p + block.len == rest.p);
	if ((store = malloc(in.len)) == NULL)
		abort();
	wr_init(&w, store, in.len);
	varint_put_bytes(&w, block.p, block.len);
	FUZZ_CHECK(!w.full && w.len == in.len - rest.len);
	FUZZ_CHECK(memcmp(store, in.p, w.len) == 0);
	free(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = { data, size }, before;
	uint8_t store[VARINT_MAX_LEN];
	struct wr w;
	uint64_t v;
	int e = 0;

	check_block(in);
	while (e == 0 && in.len > 0) {
		before = in;
		if ((e = varint_get(&in, &v)) != 0)
			break;
		wr_init(&w, store, sizeof(store));
		varint_put(&w, v);
		FUZZ_CHECK(!w.full && w.len == varint_len(v));
		FUZZ_CHECK(w.len == before.len - in.len);
		FUZZ_CHECK(memcmp(store, before.p, w.len) == 0);
	}
	if (e == P2P_ERR_SHORT)
		FUZZ_CHECK(in.p == before.p && in.len < VARINT_MAX_LEN);
	return 0;
}
