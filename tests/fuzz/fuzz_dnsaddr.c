/*
 * Answers of name servers.  The first byte is the length of the wanted suffix,
 * which follows; the rest is the answer.
 */
#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "transport/dnsaddr.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	struct rd in = { data, size }, suffix;
	const uint8_t *bytes;
	size_t n, len;
	uint8_t want;
	int e;

	if (rd_u8(&in, &want) != 0 || rd_bytes(&in, want, &suffix) != 0)
		return 0;
	(void)dnsaddr_is_cut(in);
	if ((e = dnsaddr_get(in, suffix, found, &n)) != 0) {
		FUZZ_CHECK(e == P2P_ERR_FORMAT || e == P2P_ERR_DNS);
		return 0;
	}
	FUZZ_CHECK(n <= DNSADDR_TXT_MAX);
	while (n > 0) {
		bytes = p2p_multiaddr_bytes(found[--n], &len);
		FUZZ_CHECK(len > suffix.len);
		FUZZ_CHECK(suffix.len == 0 || memcmp(bytes + len - suffix.len,
		    suffix.p, suffix.len) == 0);
		p2p_multiaddr_free(found[n]);
	}
	return 0;
}
