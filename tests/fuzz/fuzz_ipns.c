/*
 * IPNS records, and the two readers below them.  The first byte chooses:
 *
 *	0	a record as it came, and the rules of the table on it
 *	1	a byte n, n bytes of fields, and a map, which is signed here by
 *		a fixed key: a fuzzer cannot sign, and this leads behind that
 *	2	a map in DAG-CBOR
 *	3	a time of RFC 3339
 */
#include "base/rfc3339.h"
#include "base/varint.h"
#include "fuzz.h"
#include "multiformats/dag_cbor.h"
#include "p2p/key.h"
#include "services/kad/kad_record.h"

#define NOW	UINT64_C(1795436906000000000)

/* The signer of vectors/ipns_v1v2.hex. */
static const char priv[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434bf6ee"
    "11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";

static const struct p2p_key *
fixed_key(void)
{
	static struct p2p_key *key;
	uint8_t in[sizeof(priv) / 2];
	size_t len;

	if (key == NULL &&
	    (hex_get(priv, in, sizeof(in), &len) != 0 ||
	    p2p_key_decode_private(in, len, &key) != 0))
		abort();
	return key;
}

/* What was read is made again, and reads the same. */
static void
make_again(const struct p2p_peer_id *name, const struct p2p_ipns *what)
{
	struct p2p_ipns *got;
	uint8_t *bytes;
	size_t len;

	if (p2p_ipns_make(fixed_key(), what, &bytes, &len) != 0)
		return;
	FUZZ_CHECK(len <= P2P_IPNS_MAX);
	FUZZ_CHECK(p2p_ipns_open(name, bytes, len, NOW, &got) == 0);
	FUZZ_CHECK(got->len == what->len && (got->len == 0 ||
	    memcmp(got->value, what->value, got->len) == 0));
	FUZZ_CHECK(got->sequence == what->sequence && got->eol == what->eol &&
	    got->ttl == what->ttl && got->v2_only == what->v2_only);
	free(got);
	free(bytes);
}

static void
fuzz_record(struct rd in)
{
	const struct p2p_record_rule both[] = { p2p_record_pk,
	    p2p_record_ipns };
	const struct kad_rules rules = { both, 2 };
	uint8_t key[P2P_RECORD_KEY_MAX];
	struct p2p_record a = { .key = key, .value = in.p, .len = in.len };
	struct p2p_record b = a;
	struct p2p_peer_id name;
	struct p2p_ipns *ipns;
	int e;

	p2p_peer_id_from_key(fixed_key(), &name);
	a.key_len = b.key_len = p2p_record_key("ipns", &name, key);
	e = p2p_ipns_open(&name, in.p, in.len, NOW, &ipns);
	FUZZ_CHECK(kad_rules_validate(&rules, &a, NOW) == e);
	FUZZ_CHECK(kad_rules_compare(&rules, &a, &a) == 0);
	b.len /= 2;
	FUZZ_CHECK((kad_rules_compare(&rules, &a, &b) > 0) ==
	    (kad_rules_compare(&rules, &b, &a) < 0));
	if (e != 0)
		return;
	FUZZ_CHECK(ipns->eol > NOW);
	make_again(&name, ipns);
	free(ipns);
}

static void
fuzz_signed(struct rd in)
{
	static const char prefix[] = "ipns-signature:";
	static uint8_t buf[2 * P2P_IPNS_MAX], msg[P2P_IPNS_MAX];
	uint8_t sig[P2P_KEY_SIGNATURE_MAX], n;
	struct rd fields;
	size_t siglen;
	struct wr m, w;

	if (rd_u8(&in, &n) != 0 || rd_bytes(&in, n, &fields) != 0)
		return;
	wr_init(&m, msg, sizeof(msg));
	wr_bytes(&m, prefix, strlen(prefix));
	wr_bytes(&m, in.p, in.len);
	if (m.full || p2p_key_sign(fixed_key(), msg, m.len, sig, &siglen) != 0)
		return;
	wr_init(&w, buf, sizeof(buf));
	wr_bytes(&w, fields.p, fields.len);
	wr_u8(&w, 0x42);
	varint_put_bytes(&w, sig, siglen);
	wr_u8(&w, 0x4a);
	varint_put_bytes(&w, in.p, in.len);
	FUZZ_CHECK(!w.full);
	fuzz_record((struct rd){ buf, w.len });
}

static void
fuzz_map(struct rd in)
{
	struct dag_cbor_field f[] = { { .key = "TTL", .type = DAG_CBOR_UINT },
	    { .key = "Value", .type = DAG_CBOR_BYTES } }, again[2];
	uint8_t *buf;
	struct wr w;

	if (dag_cbor_get(in, f, 2) != 0)
		return;
	memcpy(again, f, sizeof(f));
	buf = malloc(in.len);
	wr_init(&w, buf, in.len);
	dag_cbor_put(&w, f, 2);		/* takes no more than what was read */
	FUZZ_CHECK(!w.full);
	FUZZ_CHECK(dag_cbor_get((struct rd){ buf, w.len }, again, 2) == 0);
	FUZZ_CHECK(again[0].uint == f[0].uint &&
	    rd_equal(&again[1].bytes, f[1].bytes.p, f[1].bytes.len));
	free(buf);
}

static void
fuzz_time(struct rd in)
{
	uint8_t buf[RFC3339_LEN + 1];
	uint64_t ns, again;
	struct wr w;

	if (rfc3339_get(in, &ns) != 0)
		return;
	wr_init(&w, buf, sizeof(buf));
	rfc3339_put(&w, ns);
	FUZZ_CHECK(!w.full && w.len == RFC3339_LEN);
	FUZZ_CHECK(rfc3339_get((struct rd){ buf, w.len }, &again) == 0);
	FUZZ_CHECK(again == ns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(struct rd) = { fuzz_record, fuzz_signed,
	    fuzz_map, fuzz_time };

	if (size > 0)
		targets[data[0] % 4]((struct rd){ data + 1, size - 1 });
	return 0;
}
