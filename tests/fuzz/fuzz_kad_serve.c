/*
 * Requests of one stream to a DHT instance that keeps what it is told: the
 * first byte says how the rest is cut into pieces.  What comes out is an answer
 * to what was asked, within its limits, or nothing, or the end of the stream.
 */
#include "base/varint.h"
#include "fuzz.h"
#include "host/host.h"
#include "host/peerstore.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "p2p/store.h"
#include "services/kad/kad.h"
#include "services/kad/kad_frame.h"

#define MEMBERS		30		/* in the table */
#define OUT_MAX		(P2P_RECORD_VALUE_MAX + KAD_MSG_SEND_MAX)

static struct p2p_kad *kad;
static struct p2p_peer_id sender;
static uint8_t out[OUT_MAX];

/* Seeds name them: the identity multihash of two bytes. */
static struct p2p_peer_id
peer(uint8_t n)
{
	struct p2p_peer_id id = { .len = 4, .bytes = { 0, 2, 'p', n } };

	return id;
}

static void
setup(void)
{
	static const struct p2p_record_rule rules[] = {
		{ .name = "any" },
		{ .name = NULL },
	};
	struct p2p_kad_config c = { .reach = P2P_KAD_ANY, .rules = rules };
	struct p2p_multiaddr *ma;
	struct p2p_host *host;
	struct p2p_peer_id id;
	uint8_t i;

	if (kad != NULL)
		return;
	FUZZ_CHECK(p2p_host_new(NULL, &host) == 0);
	FUZZ_CHECK(p2p_kad_new(host, &c, &kad) == 0);
	FUZZ_CHECK(p2p_multiaddr_parse("/ip4/1.2.3.4/tcp/5", &ma) == 0);
	sender = peer(0);
	for (i = 0; i < MEMBERS; i++) {
		id = peer(i);
		FUZZ_CHECK(peerstore_add(host->peerstore, &id, ma,
		    UINT64_MAX) == 0);
		kad_book_answered(kad, &id, 1);
	}
	p2p_multiaddr_free(ma);
}

/* The next input finds nothing of this one. */
static void
forget(const char *space)
{
	struct p2p_store_entry *list;
	size_t i, n;

	FUZZ_CHECK(p2p_store_list(kad->store.store, space, NULL, 0, NULL, 0,
	    SIZE_MAX, &list, &n) == 0);
	for (i = 0; i < n; i++)
		FUZZ_CHECK(p2p_store_remove(kad->store.store, space,
		    list[i].key, list[i].key_len) == 0);
	free(list);
}

/* But for who is asked for nobody hears of itself. */
static void
check_closer(const struct kad_msg *m, const struct kad_msg *a)
{
	size_t i;

	FUZZ_CHECK(a->ncloser <= KAD_PEERS_MAX);
	for (i = 0; i < a->ncloser; i++) {
		FUZZ_CHECK(a->closer[i].naddrs > 0 &&
		    a->closer[i].naddrs <= KAD_ADDRS_MAX);
		FUZZ_CHECK(!p2p_peer_id_equal(&a->closer[i].peer, &sender) ||
		    (i == 0 && m->type == KAD_FIND_NODE &&
		    rd_equal(&m->key, sender.bytes, sender.len)));
	}
}

static void
check_answer(const struct kad_msg *m, struct rd bytes)
{
	struct kad_msg a;
	uint64_t len;

	FUZZ_CHECK(varint_get(&bytes, &len) == 0 && len == bytes.len);
	FUZZ_CHECK(kad_msg_get(bytes, OUT_MAX, &a) == 0);
	FUZZ_CHECK(a.type == m->type);
	FUZZ_CHECK(bytes.len <= KAD_MSG_SEND_MAX ||
	    (a.has_record && a.ncloser + a.nproviders == 0));
	check_closer(m, &a);
	FUZZ_CHECK(a.nproviders <= KAD_PEERS_MAX &&
	    (a.nproviders == 0 || m->type == KAD_GET_PROVIDERS));
	FUZZ_CHECK(m->type == KAD_FIND_NODE || m->type == KAD_PING ?
	    a.key.len == 0 : rd_equal(&a.key, m->key.p, m->key.len));
	if (a.has_record)
		FUZZ_CHECK(rd_equal(&a.record.key, m->key.p, m->key.len));
	if (m->type == KAD_PUT_VALUE)
		FUZZ_CHECK(a.has_record && rd_equal(&a.record.value,
		    m->record.value.p, m->record.value.len));
	kad_msg_clear(&a);
}

/* False: the stream has ended. */
static bool
request(struct rd bytes)
{
	struct kad_msg m;
	struct wr w;
	int e;

	if (kad_msg_get(bytes, KAD_MSG_REQUEST_MAX, &m) != 0)
		return false;
	wr_init(&w, out, sizeof(out));
	if ((e = kad_answer(kad, &sender, &m, &w)) == 0) {
		FUZZ_CHECK(w.len > 0 || m.type == KAD_ADD_PROVIDER);
		FUZZ_CHECK(w.len == 0 || m.type != KAD_ADD_PROVIDER ||
		    m.wants_reply);
		if (w.len > 0)
			check_answer(&m, (struct rd){ out, w.len });
	}
	kad_msg_clear(&m);
	return e == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in, msg, all;
	struct kad_frame f;
	size_t n, i = 0;
	uint8_t cut;
	int e = 1;

	if (size == 0)
		return 0;
	setup();
	cut = data[0];
	all = (struct rd){ data + 1, size - 1 };
	kad_frame_init(&f, KAD_MSG_REQUEST_MAX);
	while (all.len > 0 && e == 1) {
		n = cut == 0 ? all.len : 1 + cut * ++i % 61;
		in = (struct rd){ all.p, n < all.len ? n : all.len };
		all.p += in.len;
		all.len -= in.len;
		while ((e = kad_frame_feed(&f, &in, &msg)) == 0)
			if (!request(msg)) {
				e = P2P_ERR_PROTOCOL;
				break;
			}
		FUZZ_CHECK(e != 1 || in.len == 0);
		FUZZ_CHECK(f.cap <= 2 * KAD_MSG_REQUEST_MAX);
	}
	kad_frame_fini(&f);
	forget(kad->store.records);
	forget(kad->store.providers);
	return 0;
}
