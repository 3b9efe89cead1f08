#include "identity/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

/* js-libp2p packages/peer-record/test/peer-record.spec.ts, made by go. */
static const char go_priv[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434bf6ee"
    "11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";
#define GO_SEQ		UINT64_C(0x162ed88937f81c58)
#define GO_ADDRS	10

#define MAX_ADDRS	(PEER_RECORD_ADDRS_MAX + 1)

static const struct family {
	const char	*domain;
	const char	*type;
	size_t		 typelen;
} network = { "libp2p-peer-record", "\x03\x01", 2 },
  rfc = { "libp2p-routing-state", "/libp2p/routing-state-record", 28 },
  crossed = { "libp2p-routing-state", "\x03\x01", 2 },
  no_domain = { "", "\x03\x01", 2 },
  other = { "libp2p-relay-rsvp", "\x03\x02", 2 },
  no_type = { "libp2p-peer-record", "", 0 };

static struct p2p_key *
go_key(void)
{
	struct p2p_key *key;
	uint8_t *in;
	size_t len;

	in = check_unhex(go_priv, &len);
	if (p2p_key_decode_private(in, len, &key) != 0)
		abort();
	free(in);
	return key;
}

static struct p2p_key *
fresh(enum p2p_key_type type)
{
	struct p2p_key *key;

	if (p2p_key_generate(type, 0, &key) != 0)
		abort();
	return key;
}

/* /ip4/1.2.3.4/tcp/0 and so on. */
static void
addrs_new(struct p2p_multiaddr **addrs, size_t n)
{
	char text[64];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "/ip4/1.2.3.4/tcp/%zu", i);
		if (p2p_multiaddr_parse(text, &addrs[i]) != 0)
			abort();
	}
}

static void
addrs_free(struct p2p_multiaddr **addrs, size_t n)
{
	while (n > 0)
		p2p_multiaddr_free(addrs[--n]);
}

static int
seal(const struct p2p_key *key, uint64_t seq, struct p2p_multiaddr **addrs,
    size_t n, struct wr *w)
{
	return peer_record_seal(key, seq,
	    (const struct p2p_multiaddr *const *)addrs, n, w);
}

static void
put_field(struct wr *w, unsigned field, const void *bytes, size_t len)
{
	wr_u8(w, (uint8_t)(field << 3 | 2));
	varint_put_bytes(w, bytes, len);
}

/* An envelope by hand, so that everything in it can be wrong. */
static void
put_envelope(struct wr *w, const struct p2p_key *key, const struct family *f,
    struct rd payload)
{
	uint8_t msg[ENVELOPE_READ_MAX + 128], sig[P2P_KEY_SIGNATURE_MAX];
	const uint8_t *pub;
	size_t len, siglen;
	struct wr m;

	wr_init(&m, msg, sizeof(msg));
	varint_put_bytes(&m, f->domain, strlen(f->domain));
	varint_put_bytes(&m, f->type, f->typelen);
	varint_put_bytes(&m, payload.p, payload.len);
	CHECK(!m.full);
	CHECK_OK(p2p_key_sign(key, msg, m.len, sig, &siglen));
	pub = p2p_key_public(key, &len);
	put_field(w, 1, pub, len);
	put_field(w, 2, f->type, f->typelen);
	put_field(w, 3, payload.p, payload.len);
	put_field(w, 5, sig, siglen);
}

static void
put_record(struct wr *w, const struct p2p_key *key, uint64_t seq)
{
	struct p2p_peer_id id;

	p2p_peer_id_from_key(key, &id);
	put_field(w, 1, id.bytes, id.len);
	wr_u8(w, 2 << 3);
	varint_put(w, seq);
}

static void
put_address(struct wr *w, const void *bytes, size_t len)
{
	uint8_t buf[256];
	struct wr a;

	wr_init(&a, buf, sizeof(buf));
	put_field(&a, 1, bytes, len);
	put_field(w, 3, buf, a.len);
}

static void
the_vector_of_go_opens(void)
{
	struct p2p_key *key = go_key();
	struct p2p_peer_id id;
	struct peer_record rec;
	uint8_t *in;
	char want[64];
	size_t i, len;

	in = check_vector("peer_record_go.hex", &len);
	p2p_peer_id_from_key(key, &id);
	CHECK_OK(peer_record_open((struct rd){ in, len }, &rec));
	CHECK_BYTES(rec.peer.bytes, rec.peer.len, id.bytes, id.len);
	CHECK(rec.seq == GO_SEQ);
	CHECK_EQ(rec.n, GO_ADDRS);
	for (i = 0; i < rec.n; i++) {
		snprintf(want, sizeof(want), "/ip4/1.2.3.4/tcp/%zu", i);
		CHECK_STR(p2p_multiaddr_text(rec.addrs[i]), want);
	}
	peer_record_clear(&rec);
	CHECK_EQ(rec.n, 0);
	p2p_key_free(key);
	free(in);
}

/* Ed25519 is deterministic, and so is our encoding. */
static void
we_seal_the_same_bytes_as_go(void)
{
	struct p2p_multiaddr *addrs[GO_ADDRS];
	struct p2p_key *key = go_key();
	uint8_t buf[ENVELOPE_MAX], *want;
	struct wr w;
	size_t len;

	want = check_vector("peer_record_go.hex", &len);
	addrs_new(addrs, GO_ADDRS);
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(seal(key, GO_SEQ, addrs, GO_ADDRS, &w));
	CHECK_BYTES(buf, w.len, want, len);
	addrs_free(addrs, GO_ADDRS);
	p2p_key_free(key);
	free(want);
}

static void
a_record_of_each_key_type_goes_both_ways(void)
{
	struct p2p_multiaddr *addrs[3];
	uint8_t buf[ENVELOPE_MAX];
	enum p2p_key_type type;
	struct peer_record rec;
	struct p2p_peer_id id;
	struct p2p_key *key;
	struct wr w;

	addrs_new(addrs, 3);
	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		key = fresh(type);
		p2p_peer_id_from_key(key, &id);
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(seal(key, UINT64_MAX, addrs, 3, &w));
		CHECK_OK(peer_record_open((struct rd){ buf, w.len }, &rec));
		CHECK_BYTES(rec.peer.bytes, rec.peer.len, id.bytes, id.len);
		CHECK(rec.seq == UINT64_MAX);
		CHECK_EQ(rec.n, 3);
		CHECK(p2p_multiaddr_equal(rec.addrs[2], addrs[2]));
		peer_record_clear(&rec);
		p2p_key_free(key);
	}
	addrs_free(addrs, 3);
}

static int
open_family(const struct family *f)
{
	uint8_t env[ENVELOPE_MAX], record[256];
	struct p2p_key *key = go_key();
	struct peer_record rec;
	struct wr w, p;
	int e;

	wr_init(&p, record, sizeof(record));
	put_record(&p, key, 7);
	wr_init(&w, env, sizeof(env));
	put_envelope(&w, key, f, (struct rd){ record, p.len });
	if ((e = peer_record_open((struct rd){ env, w.len }, &rec)) == 0) {
		CHECK_EQ(rec.seq, 7);
		peer_record_clear(&rec);
	}
	p2p_key_free(key);
	return e;
}

static void
both_families_are_read_and_no_mixture(void)
{
	CHECK_OK(open_family(&network));
	CHECK_OK(open_family(&rfc));
	CHECK_ERR(open_family(&crossed), P2P_ERR_SIGNATURE);
	CHECK_ERR(open_family(&no_domain), P2P_ERR_SIGNATURE);
	CHECK_ERR(open_family(&other), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(open_family(&no_type), P2P_ERR_UNSUPPORTED);
}

/* RUSTSEC-2022-0009: signed by A, about B. */
static void
a_record_about_somebody_else_is_refused(void)
{
	uint8_t env[ENVELOPE_MAX], record[256];
	struct p2p_key *a = fresh(P2P_KEY_ED25519), *b = go_key();
	struct peer_record rec;
	struct wr w, p;

	wr_init(&p, record, sizeof(record));
	put_record(&p, b, 7);
	wr_init(&w, env, sizeof(env));
	put_envelope(&w, a, &network, (struct rd){ record, p.len });
	CHECK_ERR(peer_record_open((struct rd){ env, w.len }, &rec),
	    P2P_ERR_WRONG_PEER);
	p2p_key_free(b);
	p2p_key_free(a);
}

/* The signature of A under the key of B, and the other way round. */
static void
a_signature_by_another_key_is_refused(void)
{
	uint8_t *in;
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	struct peer_record rec;
	const uint8_t *pub;
	size_t len, publen;

	in = check_vector("peer_record_go.hex", &len);
	pub = p2p_key_public(key, &publen);
	memcpy(in + 2, pub, publen);
	CHECK_ERR(peer_record_open((struct rd){ in, len }, &rec),
	    P2P_ERR_SIGNATURE);
	p2p_key_free(key);
	free(in);
}

/* The signature covers all but the frame around it. */
static int
open_mangled(const uint8_t *bytes, size_t len, void *arg)
{
	struct peer_record rec;
	int e;

	(void)arg;
	if ((e = peer_record_open((struct rd){ bytes, len }, &rec)) != 0)
		return e;
	CHECK(rec.seq == GO_SEQ);
	CHECK_EQ(rec.n, GO_ADDRS);
	peer_record_clear(&rec);
	return 0;
}

static void
no_changed_bit_changes_a_record(void)
{
	uint8_t *in;
	size_t len;

	in = check_vector("peer_record_go.hex", &len);
	CHECK_EQ(mangle(in, len, 1, open_mangled, NULL), 9 * len);
	free(in);
}

static void
addresses_that_do_not_parse_are_skipped(void)
{
	static const uint8_t good[] = { 4, 1, 2, 3, 4, 6, 0, 1 };
	uint8_t env[ENVELOPE_MAX], record[1024];
	struct p2p_key *key = go_key();
	struct peer_record rec;
	struct wr w, p;

	wr_init(&p, record, sizeof(record));
	put_record(&p, key, 7);
	put_address(&p, "", 0);
	put_address(&p, "\xff\xff\xff", 3);
	put_address(&p, good, sizeof(good));
	put_address(&p, good, sizeof(good) - 1);
	put_field(&p, 3, "", 0);
	put_field(&p, 9, "unknown", 7);
	wr_init(&w, env, sizeof(env));
	put_envelope(&w, key, &network, (struct rd){ record, p.len });
	CHECK_OK(peer_record_open((struct rd){ env, w.len }, &rec));
	CHECK_EQ(rec.n, 1);
	CHECK_STR(p2p_multiaddr_text(rec.addrs[0]), "/ip4/1.2.3.4/tcp/1");
	peer_record_clear(&rec);
	p2p_key_free(key);
}

static void
more_addresses_than_we_keep_are_dropped(void)
{
	static const uint8_t good[] = { 4, 1, 2, 3, 4, 6, 0, 1 };
	uint8_t env[ENVELOPE_MAX], record[2048];
	struct p2p_key *key = go_key();
	struct peer_record rec;
	struct wr w, p;
	size_t i;

	wr_init(&p, record, sizeof(record));
	put_record(&p, key, 7);
	for (i = 0; i < PEER_RECORD_ADDRS_MAX + 10; i++)
		put_address(&p, good, sizeof(good));
	wr_init(&w, env, sizeof(env));
	put_envelope(&w, key, &network, (struct rd){ record, p.len });
	CHECK_OK(peer_record_open((struct rd){ env, w.len }, &rec));
	CHECK_EQ(rec.n, PEER_RECORD_ADDRS_MAX);
	peer_record_clear(&rec);
	p2p_key_free(key);
}

static int
open_payload(const void *payload, size_t len)
{
	uint8_t *env = malloc(3 * ENVELOPE_READ_MAX);
	struct p2p_key *key = go_key();
	struct peer_record rec;
	struct wr w;
	int e;

	wr_init(&w, env, 3 * ENVELOPE_READ_MAX);
	put_envelope(&w, key, &network, (struct rd){ payload, len });
	e = peer_record_open((struct rd){ env, w.len }, &rec);
	CHECK(e != 0);
	p2p_key_free(key);
	free(env);
	return e;
}

/* Well signed, and still no record. */
static void
signed_nonsense_is_refused(void)
{
	uint8_t buf[ENVELOPE_READ_MAX];
	struct p2p_peer_id id;
	struct p2p_key *key = go_key();
	struct wr w;
	size_t i;

	CHECK_ERR(open_payload("", 0), P2P_ERR_FORMAT);
	CHECK_ERR(open_payload("\x0a\x7f", 2), P2P_ERR_FORMAT);
	CHECK_ERR(open_payload("\x10\x01", 2), P2P_ERR_FORMAT);	/* no peer */
	p2p_peer_id_from_key(key, &id);
	wr_init(&w, buf, sizeof(buf));
	put_field(&w, 1, id.bytes, id.len);
	CHECK_ERR(open_payload(buf, w.len), P2P_ERR_FORMAT);	/* no seq */
	wr_init(&w, buf, sizeof(buf) - 256);
	for (i = 0; !w.full; i++)
		put_field(&w, 3, "", 0);
	CHECK_ERR(open_payload(buf, w.len), P2P_ERR_TOO_LARGE);	/* budget */
	p2p_key_free(key);
}

static void
sizes_are_limited_both_ways(void)
{
	struct p2p_multiaddr *addrs[MAX_ADDRS];
	uint8_t buf[2 * ENVELOPE_READ_MAX] = { 0 };
	struct p2p_key *key = go_key(), *rsa;
	struct peer_record rec;
	struct wr w;

	addrs_new(addrs, MAX_ADDRS);
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(seal(key, 1, addrs, MAX_ADDRS, &w), P2P_ERR_TOO_LARGE);
	CHECK_EQ(w.len, 0);
	CHECK_OK(seal(key, 1, addrs, MAX_ADDRS - 1, &w));
	CHECK(w.len <= ENVELOPE_MAX);
	wr_init(&w, buf, 100);
	CHECK_ERR(seal(key, 1, addrs, 1, &w), P2P_ERR_TOO_LARGE);
	CHECK_ERR(peer_record_open((struct rd){ buf, ENVELOPE_READ_MAX + 1 },
	    &rec), P2P_ERR_TOO_LARGE);
	CHECK_ERR(peer_record_open((struct rd){ buf, 0 }, &rec),
	    P2P_ERR_UNSUPPORTED);
	CHECK_OK(p2p_key_generate(P2P_KEY_RSA, 2048, &rsa));
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(seal(rsa, 1, addrs, 0, &w));
	addrs_free(addrs, MAX_ADDRS);
	p2p_key_free(rsa);
	p2p_key_free(key);
}

static void
a_public_key_alone_seals_nothing(void)
{
	struct p2p_key *key = go_key(), *pub;
	uint8_t buf[ENVELOPE_MAX];
	const uint8_t *p;
	struct wr w;
	size_t len;

	p = p2p_key_public(key, &len);
	CHECK_OK(p2p_key_decode_public(p, len, &pub));
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(seal(pub, 1, NULL, 0, &w), P2P_ERR_UNSUPPORTED);
	CHECK_EQ(w.len, 0);
	p2p_key_free(pub);
	p2p_key_free(key);
}

TESTS("envelope",
	{ "the vector of go opens", the_vector_of_go_opens },
	{ "we seal the same bytes as go", we_seal_the_same_bytes_as_go },
	{ "a record of each key type goes both ways",
	    a_record_of_each_key_type_goes_both_ways },
	{ "both families are read and no mixture",
	    both_families_are_read_and_no_mixture },
	{ "a record about somebody else is refused",
	    a_record_about_somebody_else_is_refused },
	{ "a signature by another key is refused",
	    a_signature_by_another_key_is_refused },
	{ "no changed bit changes a record", no_changed_bit_changes_a_record },
	{ "addresses that do not parse are skipped",
	    addresses_that_do_not_parse_are_skipped },
	{ "more addresses than we keep are dropped",
	    more_addresses_than_we_keep_are_dropped },
	{ "signed nonsense is refused", signed_nonsense_is_refused },
	{ "sizes are limited both ways", sizes_are_limited_both_ways },
	{ "a public key alone seals nothing",
	    a_public_key_alone_seals_nothing })
