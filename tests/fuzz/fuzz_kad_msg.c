/*
 * A message of the DHT.  What is understood is said again and understood the
 * same: as many peers, the same key and record.
 */
#include "base/varint.h"
#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "services/kad/kad_msg.h"

static uint8_t out[2 * KAD_MSG_REQUEST_MAX];

static size_t
tell(const struct kad_contact *list, size_t n, struct kad_tell *to)
{
	size_t i;

	FUZZ_CHECK(n <= KAD_PEERS_READ_MAX);
	for (i = 0; i < n && i < KAD_PEERS_MAX; i++) {
		FUZZ_CHECK(list[i].naddrs <= KAD_ADDRS_READ_MAX);
		to[i] = (struct kad_tell){ list[i].peer, list[i].addrs,
		    list[i].naddrs };
	}
	return i;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kad_tell closer[KAD_PEERS_MAX], providers[KAD_PEERS_MAX];
	struct kad_msg m, again;
	struct kad_say say = { .closer = closer, .providers = providers };
	struct wr w;
	struct rd r;
	uint64_t len;

	if (kad_msg_get((struct rd){ data, size }, KAD_MSG_REQUEST_MAX,
	    &m) != 0)
		return 0;
	say.type = m.type;
	say.key = m.key;
	say.record = m.has_record ? &m.record : NULL;
	say.ncloser = tell(m.closer, m.ncloser, closer);
	say.nproviders = tell(m.providers, m.nproviders, providers);
	wr_init(&w, out, sizeof(out));
	FUZZ_CHECK(kad_msg_put(&say, &w) == 0);
	r = (struct rd){ out, w.len };
	FUZZ_CHECK(varint_get(&r, &len) == 0 && len == r.len);
	FUZZ_CHECK(kad_msg_get(r, sizeof(out), &again) == 0);
	FUZZ_CHECK(again.type == m.type && rd_equal(&again.key, m.key.p,
	    m.key.len) && again.has_record == m.has_record);
	FUZZ_CHECK(again.ncloser <= say.ncloser &&
	    again.nproviders <= say.nproviders);
	if (w.len < KAD_MSG_SEND_MAX / 2)
		FUZZ_CHECK(again.ncloser == say.ncloser &&
		    again.nproviders == say.nproviders);
	kad_msg_clear(&again);
	kad_msg_clear(&m);
	return 0;
}
