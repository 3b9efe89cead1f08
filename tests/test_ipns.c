/*
 * IPNS records.  First those of others: vectors/ipns_spec_*.hex are the test
 * vectors of ipfs/specs src/ipns/ipns-record.md (as in ipfs/gateway-conformance
 * fixtures/ipns_records), the other ipns_*.hex were made with
 * github.com/ipfs/boxo v0.41.0.  Then ours, then for each check of R-3
 * (services.md) a record that breaks it alone.
 */
#include "p2p/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/varint.h"
#include "check.h"
#include "multiformats/dag_cbor.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "services/kad/kad_record.h"

#define NOW	(UINT64_C(1795436906) * CLOCK_S)	/* in November 2026 */
#define YEAR	(365 * 86400 * CLOCK_S)

/* The signer of most of boxo's; it is that of peer_record_go.hex too. */
static const char go_private[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434bf6ee"
    "11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";
static const char go_name[] =
    "12D3KooWB1b3qZxWJanuhtseF3DmPggHCtG36KZ9ixkqHtdKH9fh";
static const char go_value[] =
    "/ipfs/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

#define GO_EOL	(UINT64_C(4951110506) * CLOCK_S + 135792468)
#define GO_TTL	(300 * CLOCK_S)

static struct p2p_key *
go_key(void)
{
	struct p2p_key *key = NULL;
	uint8_t *in;
	size_t len;

	in = check_unhex(go_private, &len);
	CHECK_OK(p2p_key_decode_private(in, len, &key));
	CHECK_FATAL(key != NULL);
	free(in);
	return key;
}

static struct p2p_peer_id
id_of(const struct p2p_key *key)
{
	struct p2p_peer_id id;

	p2p_peer_id_from_key(key, &id);
	return id;
}

/* Both doors: p2p_ipns_open() and the rule of the table say the same. */
static int
open_at(const struct p2p_peer_id *name, const uint8_t *bytes, size_t len,
    uint64_t now, struct p2p_ipns **out)
{
	const struct kad_rules rules = { &p2p_record_ipns, 1 };
	uint8_t key[P2P_RECORD_KEY_MAX];
	struct p2p_record r = { .key = key, .value = bytes, .len = len };
	struct p2p_ipns *ipns = NULL;
	int e;

	r.key_len = p2p_record_key("ipns", name, key);
	e = p2p_ipns_open(name, bytes, len, now, &ipns);
	CHECK_ERR(kad_rules_validate(&rules, &r, now), e);
	CHECK((e == 0) == (ipns != NULL));
	if (out != NULL)
		*out = ipns;
	else
		free(ipns);
	return e;
}

/*
 * Vectors
 */

static const struct vector {
	const char	*file, *name, *value;
	uint64_t	 sequence;
	int		 error;
	bool		 v2_only;
} vectors[] = {
	{ "ipns_v1v2.hex", go_name, go_value, 7, 0, false },
	{ "ipns_v2.hex", go_name, go_value, 8, 0, true },
	{ "ipns_rsa.hex", "Qmdu8hPvsJWVDNfF4w8Gf3PLmGL1z5Vq8VHz96YBeVT6A2",
	  go_value, 9, 0, false },
	{ "ipns_secp256k1.hex",
	  "16Uiu2HAm9sb2KaXn4fap1pXm9ttbUJ6DXEzejZwwp6NeGLgv9thz",
	  go_value, 10, 0, false },
	{ "ipns_expired.hex", go_name, go_value, 11, P2P_ERR_TIMEOUT, false },
	/* with "A", "_app", "_true", "_bytes" and "_negative" in the map */
	{ "ipns_extra.hex", go_name, go_value, 12, 0, true },
	{ "ipns_spec_v1.hex",
	  "k51qzi5uqu5dm4tm0wt8srkg9h9suud4wuiwjimndrkydqm81cqtlb5ak6p7ku",
	  "", 0, P2P_ERR_FORMAT, false },
	{ "ipns_spec_v1v2.hex",
	  "k51qzi5uqu5dlkw8pxuw9qmqayfdeh4kfebhmreauqdc6a7c3y7d5i9fi8mk9w",
	  "/ipfs/bafkqaddwgevxmmraojswg33smq", 0, 0, false },
	{ "ipns_spec_bad_value.hex",
	  "k51qzi5uqu5dlmit2tuwdvnx4sbnyqgmvbxftl0eo3f33wwtb9gr7yozae9kpw",
	  "", 0, P2P_ERR_FORMAT, false },
	{ "ipns_spec_bad_v2.hex",
	  "k51qzi5uqu5diamp7qnnvs1p1gzmku3eijkeijs3418j23j077zrkok63xdm8c",
	  "", 0, P2P_ERR_SIGNATURE, false },
	{ "ipns_spec_bad_v1.hex",
	  "k51qzi5uqu5dilgf7gorsh9vcqqq4myo6jd4zmqkuy9pxyxi5fua3uf7axph4y",
	  "/ipfs/bafkqahtwgevxmmrao5uxi2bamjzg623fnyqhg2lhnzqxi5lsmuqhmmi", 0,
	  0, false },
	{ "ipns_spec_v2.hex",
	  "k51qzi5uqu5dit2ku9mutlfgwyz8u730on38kd10m97m36bjt66my99hb6103f",
	  "/ipfs/bafkqadtwgiww63tmpeqhezldn5zgi", 0, 0, true },
};

#define NVECTORS	(sizeof(vectors) / sizeof(vectors[0]))

static void
records_of_others_are_judged_as_they_should_be(void)
{
	const struct vector *v;
	struct p2p_peer_id name;
	struct p2p_ipns *got;
	uint8_t *in;
	size_t len;

	for (v = vectors; v < vectors + NVECTORS; v++) {
		in = check_vector(v->file, &len);
		CHECK_OK(p2p_peer_id_parse(v->name, &name));
		CHECK_ERR(open_at(&name, in, len, NOW, &got), v->error);
		free(in);	/* *got is a copy */
		if (got == NULL)
			continue;
		CHECK_BYTES(got->value, got->len, v->value, strlen(v->value));
		CHECK_EQ(got->sequence, v->sequence);
		CHECK_EQ(got->v2_only, v->v2_only);
		if (v->value == go_value) {
			CHECK_EQ(got->eol, GO_EOL);
			CHECK_EQ(got->ttl, GO_TTL);
		}
		free(got);
	}
}

static void
the_expired_record_was_good_once(void)
{
	const uint64_t eol = UINT64_C(1577836800) * CLOCK_S;	/* 2020 */
	struct p2p_peer_id name;
	struct p2p_ipns *got;
	uint8_t *in;
	size_t len;

	in = check_vector("ipns_expired.hex", &len);
	CHECK_OK(p2p_peer_id_parse(go_name, &name));
	CHECK_ERR(open_at(&name, in, len, eol, NULL), P2P_ERR_TIMEOUT);
	CHECK_OK(open_at(&name, in, len, eol - 1, &got));
	if (got != NULL)
		CHECK_EQ(got->eol, eol);
	free(got);
	free(in);
}

static void
we_make_the_same_bytes_as_boxo(void)
{
	static const struct {
		const char	*file;
		uint64_t	 sequence;
		bool		 v2_only;
	} same[] = { { "ipns_v1v2.hex", 7, false },
	    { "ipns_v2.hex", 8, true } };
	struct p2p_ipns what = { (const uint8_t *)go_value, strlen(go_value),
	    0, GO_EOL, GO_TTL, false };
	struct p2p_key *key = go_key();
	uint8_t *want, *got;
	size_t i, n, len;

	for (i = 0; i < 2; i++) {
		what.sequence = same[i].sequence;
		what.v2_only = same[i].v2_only;
		CHECK_OK(p2p_ipns_make(key, &what, &got, &len));
		want = check_vector(same[i].file, &n);
		CHECK_BYTES(got, len, want, n);
		free(want);
		free(got);
	}
	p2p_key_free(key);
}

/* What a changed record opens to, if it does. */
struct flips {
	struct p2p_peer_id	 name;
	const struct vector	*v;
};

static int
open_flipped(const uint8_t *bytes, size_t len, const struct flips *f)
{
	struct p2p_ipns *got = NULL;
	int e;

	if ((e = p2p_ipns_open(&f->name, bytes, len, NOW, &got)) != 0)
		return e;
	CHECK_BYTES(got->value, got->len, f->v->value, strlen(f->v->value));
	CHECK(got->sequence == f->v->sequence && got->eol == GO_EOL &&
	    got->ttl == GO_TTL && got->v2_only == f->v->v2_only);
	free(got);
	return 0;
}

/* The first n bytes, in a malloc of their size. */
static int
open_part(const uint8_t *bytes, size_t n, const struct flips *f)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	int e;

	memcpy(copy, bytes, n);
	e = open_flipped(copy, n, f);
	free(copy);
	return e;
}

/*
 * Bytes of a vector that nothing depends on: signatureV1 with its tag and its
 * length, the tag of validityType behind it, for an absent number is zero, and
 * the tag of a key that the name contains too.
 */
struct loose {
	size_t	from, to, key;
};

static bool
is_loose(const struct loose *l, size_t at)
{
	return at == l->key || (at >= l->from && at < l->to);
}

static void
no_changed_bit_changes_a_record(void)
{
	static const struct loose loose[] = {
		{ 67, 67 + 2 + 64 + 1, SIZE_MAX },	/* ipns_v1v2 */
		{ 0, 0, SIZE_MAX },			/* ipns_v2 */
		{ 67, 67 + 3 + 256 + 1, SIZE_MAX },	/* ipns_rsa */
		{ 67, 67 + 2 + 70 + 1, 182 },		/* ipns_secp256k1 */
	};
	struct flips f;
	uint8_t *in;
	size_t i, bit, n, len;
	int e;

	for (i = 0; i < 4; i++) {
		f.v = &vectors[i];
		CHECK_OK(p2p_peer_id_parse(f.v->name, &f.name));
		in = check_vector(f.v->file, &len);
		for (n = 0; n < len; n++)
			CHECK(open_part(in, n, &f) != 0);
		for (bit = 0; bit < 8 * len; bit++) {
			in[bit / 8] ^= (uint8_t)(1 << bit % 8);
			e = open_flipped(in, len, &f);
			CHECK(e != 0 || is_loose(&loose[i], bit / 8));
			in[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		CHECK_OK(open_flipped(in, len, &f));
		free(in);
	}
}

/*
 * Records of our own
 */

static void
a_record_of_each_key_type_goes_both_ways(void)
{
	struct p2p_ipns what = { (const uint8_t *)"/ipns/example.com", 17,
	    INT64_MAX, NOW + 1, 0, false }, *got;
	struct p2p_peer_id name;
	struct p2p_key *key;
	uint8_t *bytes;
	size_t len;
	int i;

	for (i = 0; i < 2 * (P2P_KEY_ECDSA + 1); i++) {
		CHECK_OK(p2p_key_generate((enum p2p_key_type)(i / 2), 0,
		    &key));
		what.v2_only = i % 2;
		CHECK_OK(p2p_ipns_make(key, &what, &bytes, &len));
		name = id_of(key);
		CHECK_OK(open_at(&name, bytes, len, NOW, &got));
		CHECK_FATAL(got != NULL);
		CHECK_BYTES(got->value, got->len, what.value, what.len);
		CHECK_EQ(got->sequence, INT64_MAX);
		CHECK_EQ(got->eol, NOW + 1);
		CHECK_EQ(got->ttl, 0);
		CHECK_EQ(got->v2_only, what.v2_only);
		free(got);
		CHECK_ERR(open_at(&name, bytes, len, NOW + 1, NULL),
		    P2P_ERR_TIMEOUT);
		free(bytes);
		p2p_key_free(key);
	}
}

static void
a_record_without_a_value_is_one(void)
{
	struct p2p_ipns what = { .eol = UINT64_MAX }, *got;
	struct p2p_key *key = go_key();
	struct p2p_peer_id name = id_of(key);
	uint8_t *bytes;
	size_t len;

	CHECK_OK(p2p_ipns_make(key, &what, &bytes, &len));
	CHECK_OK(open_at(&name, bytes, len, UINT64_MAX - 1, &got));
	CHECK_FATAL(got != NULL);
	CHECK_EQ(got->len, 0);
	CHECK(got->eol == UINT64_MAX);
	CHECK_EQ(got->v2_only, false);
	free(got);
	free(bytes);
	p2p_key_free(key);
}

/* The longest value that fits makes a record that is read. */
static void
sizes_of_what_is_made_are_limited(void)
{
	static uint8_t value[2 * P2P_IPNS_MAX];
	struct p2p_ipns what = { .value = value, .eol = NOW + YEAR };
	struct p2p_key *key = go_key();
	struct p2p_peer_id name = id_of(key);
	uint8_t *bytes = NULL;
	size_t len = 0, n, last = 0;
	int i;

	for (i = 0; i < 2; i++) {
		what.v2_only = i == 1;
		for (n = P2P_IPNS_MAX / (i == 0 ? 2 : 1); n > 0; n--) {
			what.len = n;
			if (p2p_ipns_make(key, &what, &bytes, &len) == 0)
				break;
		}
		CHECK(len > P2P_IPNS_MAX - 2);	/* it may have it twice */
		CHECK(n > last);
		last = n;
		CHECK_OK(open_at(&name, bytes, len, NOW, NULL));
		free(bytes);
		what.len = n + 1;
		CHECK_ERR(p2p_ipns_make(key, &what, &bytes, &len),
		    P2P_ERR_TOO_LARGE);
		what.len = sizeof(value);
		CHECK_ERR(p2p_ipns_make(key, &what, &bytes, &len),
		    P2P_ERR_TOO_LARGE);
	}
	what = (struct p2p_ipns){ .sequence = UINT64_C(1) << 63 };
	CHECK_ERR(p2p_ipns_make(key, &what, &bytes, &len), P2P_ERR_TOO_LARGE);
	what = (struct p2p_ipns){ .ttl = UINT64_C(1) << 63 };
	CHECK_ERR(p2p_ipns_make(key, &what, &bytes, &len), P2P_ERR_TOO_LARGE);
	p2p_key_free(key);
}

static void
a_public_key_alone_makes_nothing(void)
{
	struct p2p_ipns what = { .eol = NOW };
	struct p2p_key *key = go_key(), *pub;
	const uint8_t *p;
	uint8_t *bytes = NULL;
	size_t len = 0;

	p = p2p_key_public(key, &len);
	CHECK_OK(p2p_key_decode_public(p, len, &pub));
	CHECK_ERR(p2p_ipns_make(pub, &what, &bytes, &len),
	    P2P_ERR_UNSUPPORTED);
	CHECK(bytes == NULL);
	p2p_key_free(pub);
	p2p_key_free(key);
}

/*
 * Records by hand
 */

/* A record that is good unless something is changed. */
struct draft {
	struct p2p_key	*key;		/* signs */
	struct rd	 pub;		/* field 7, if any */
	/* the map, unless there is one in hex */
	const char	*value, *validity;
	uint64_t	 type, sequence, ttl;
	const char	*map;
	/* version 1: none, unless v1; a number of ABSENT is left out */
	bool		 v1;
	const char	*sig1, *value1, *validity1;
	uint64_t	 type1, sequence1, ttl1;
	/* how to damage it */
	const char	*prefix;	/* what is signed with the map */
	bool		 no_sig, empty_sig, no_data, empty_data;
	size_t		 pad_to;	/* with an unknown field */
};

#define ABSENT	UINT64_MAX

static struct draft
draft(struct p2p_key *key)
{
	return (struct draft){ .key = key, .value = "/ipfs/x",
	    .validity = "2027-01-01T00:00:00Z", .sequence = 5, .ttl = 6,
	    .v1 = true, .sig1 = "whatever", .value1 = "/ipfs/x",
	    .validity1 = "2027-01-01T00:00:00Z", .sequence1 = 5, .ttl1 = 6,
	    .prefix = "ipns-signature:" };
}

static void
put_bytes(struct wr *w, unsigned field, const void *bytes, size_t len)
{
	wr_u8(w, (uint8_t)(field << 3 | 2));
	varint_put_bytes(w, bytes, len);
}

static void
put_text(struct wr *w, unsigned field, const char *s)
{
	if (s != NULL)
		put_bytes(w, field, s, strlen(s));
}

static void
put_number(struct wr *w, unsigned field, uint64_t v)
{
	if (v == ABSENT)
		return;
	wr_u8(w, (uint8_t)(field << 3));
	varint_put(w, v);
}

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

static void
put_map(struct wr *w, const struct draft *d)
{
	const struct dag_cbor_field map[] = {
		{ "TTL", DAG_CBOR_UINT, .uint = d->ttl },
		{ "Value", DAG_CBOR_BYTES, .bytes = text(d->value) },
		{ "Sequence", DAG_CBOR_UINT, .uint = d->sequence },
		{ "Validity", DAG_CBOR_BYTES, .bytes = text(d->validity) },
		{ "ValidityType", DAG_CBOR_UINT, .uint = d->type },
	};
	uint8_t *raw;
	size_t len;

	if (d->map == NULL) {
		dag_cbor_put(w, map, 5);
		return;
	}
	raw = check_unhex(d->map, &len);
	wr_bytes(w, raw, len);
	free(raw);
}

static void
build(const struct draft *d, struct wr *w)
{
	uint8_t data[1024], msg[1024 + 64], sig[P2P_KEY_SIGNATURE_MAX];
	static const uint8_t zeros[2 * P2P_IPNS_MAX];
	size_t siglen;
	struct wr m, s;

	wr_init(&m, data, sizeof(data));
	put_map(&m, d);
	wr_init(&s, msg, sizeof(msg));
	wr_bytes(&s, d->prefix, strlen(d->prefix));
	wr_bytes(&s, data, m.len);
	CHECK_OK(p2p_key_sign(d->key, msg, s.len, sig, &siglen));
	if (d->v1) {
		put_text(w, 1, d->value1);
		put_text(w, 2, d->sig1);
		put_number(w, 3, d->type1);
		put_text(w, 4, d->validity1);
		put_number(w, 5, d->sequence1);
		put_number(w, 6, d->ttl1);
	}
	if (d->pub.p != NULL)
		put_bytes(w, 7, d->pub.p, d->pub.len);
	if (!d->no_sig)
		put_bytes(w, 8, sig, d->empty_sig ? 0 : siglen);
	if (!d->no_data)
		put_bytes(w, 9, data, d->empty_data ? 0 : m.len);
	if (d->pad_to > 0)	/* a tag and two bytes of length */
		put_bytes(w, 15, zeros, d->pad_to - w->len - 3);
	CHECK(!w->full && !m.full && !s.full);
}

static int
open_named(const struct draft *d, const struct p2p_peer_id *name)
{
	uint8_t buf[2 * P2P_IPNS_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	build(d, &w);
	return open_at(name, buf, w.len, NOW, NULL);
}

/* That record under the name of its signer. */
static int
open_draft(struct draft d)
{
	struct p2p_peer_id name = id_of(d.key);

	return open_named(&d, &name);
}

/* A draft of go's key with one thing changed. */
#define OPEN_WITH(key, ...) __extension__ ({				\
	struct draft d_ = draft(key);					\
	__VA_ARGS__;							\
	open_draft(d_);							\
})

static void
sizes_of_what_is_read_are_limited(void)
{
	struct p2p_key *key = go_key();

	CHECK_OK(OPEN_WITH(key, ));
	CHECK_OK(OPEN_WITH(key, d_.pad_to = P2P_IPNS_MAX));
	CHECK_ERR(OPEN_WITH(key, d_.pad_to = P2P_IPNS_MAX + 1),
	    P2P_ERR_TOO_LARGE);
	p2p_key_free(key);
}

static void
a_record_has_a_signature_and_data(void)
{
	struct p2p_key *key = go_key();
	struct p2p_peer_id name = id_of(key);

	CHECK_ERR(OPEN_WITH(key, d_.no_sig = true), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.empty_sig = true), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.no_data = true), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.empty_data = true), P2P_ERR_FORMAT);
	CHECK_ERR(open_at(&name, NULL, 0, NOW, NULL), P2P_ERR_FORMAT);
	p2p_key_free(key);
}

static struct rd
public_of(const struct p2p_key *key)
{
	struct rd pub;

	pub.p = p2p_key_public(key, &pub.len);
	return pub;
}

static void
the_key_is_that_of_the_name(void)
{
	struct p2p_key *key = go_key(), *rsa, *other;
	struct p2p_peer_id name = id_of(key), of_rsa, of_other;
	struct draft d;

	CHECK_OK(p2p_key_generate(P2P_KEY_RSA, 2048, &rsa));
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	of_rsa = id_of(rsa);
	of_other = id_of(other);

	/* in the record, in the name, or in both */
	CHECK_OK(OPEN_WITH(key, d_.pub = public_of(key)));
	CHECK_OK(OPEN_WITH(rsa, d_.pub = public_of(rsa)));
	CHECK_ERR(OPEN_WITH(rsa, ), P2P_ERR_FORMAT);
	/* an empty field is none */
	CHECK_OK(OPEN_WITH(key, d_.pub = (struct rd){ name.bytes, 0 }));
	/* another's, whoever has signed */
	CHECK_ERR(OPEN_WITH(key, d_.pub = public_of(other)),
	    P2P_ERR_WRONG_PEER);
	CHECK_ERR(OPEN_WITH(key, d_.pub = public_of(rsa)),
	    P2P_ERR_WRONG_PEER);
	d = draft(other);
	d.pub = public_of(other);
	CHECK_ERR(open_named(&d, &name), P2P_ERR_WRONG_PEER);
	CHECK_ERR(open_named(&d, &of_rsa), P2P_ERR_WRONG_PEER);
	d.pub.p = NULL;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_SIGNATURE);
	CHECK_OK(open_named(&d, &of_other));
	d = draft(key);
	d.pub = public_of(rsa);
	CHECK_ERR(open_named(&d, &of_rsa), P2P_ERR_SIGNATURE);
	/* none at all */
	CHECK_ERR(OPEN_WITH(key, d_.pub = text("\x08\x01")), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.pub = text("\x08\x09\x12\x01x")),
	    P2P_ERR_UNSUPPORTED);
	p2p_key_free(other);
	p2p_key_free(rsa);
	p2p_key_free(key);
}

static void
a_key_of_the_dht_names_a_peer(void)
{
	const struct kad_rules rules = { &p2p_record_ipns, 1 };
	struct p2p_record r = { (const uint8_t *)"/ipns/example.com", 17,
	    (const uint8_t *)"x", 1 };

	CHECK_ERR(kad_rules_validate(&rules, &r, NOW), P2P_ERR_FORMAT);
}

static void
the_signature_is_over_the_map_and_its_purpose(void)
{
	struct p2p_key *key = go_key();

	CHECK_ERR(OPEN_WITH(key, d_.prefix = ""), P2P_ERR_SIGNATURE);
	CHECK_ERR(OPEN_WITH(key, d_.prefix = "ipns-signature"),
	    P2P_ERR_SIGNATURE);
	CHECK_ERR(OPEN_WITH(key, d_.prefix = "/ipfs/x"), P2P_ERR_SIGNATURE);
	p2p_key_free(key);
}

#define MAP_TTL		"6354544c 06"
#define MAP_VALUE	"6556616c7565 472f697066732f78"
#define MAP_SEQUENCE	"6853657175656e6365 05"
#define MAP_VALIDITY	"6856616c6964697479 54323032372d30312d30315430303a30" \
			"303a30305a"
#define MAP_TYPE	"6c56616c696469747954797065 00"

static void
the_map_is_strict_and_whole(void)
{
	static const char *const good[] = {
		"a5" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE,
		/* not in order, as go writes none and reads it */
		"a5" MAP_TYPE MAP_VALIDITY MAP_SEQUENCE MAP_VALUE MAP_TTL,
		/* more than we know, also of one that has most of the name */
		"a7 6161 8201a16162f6" MAP_TTL MAP_VALUE MAP_SEQUENCE
		    MAP_VALIDITY MAP_TYPE "6c56616c696469747954797066 20",
	};
	static const char *const bad[] = {
		"a4" MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE,
		"a4" MAP_TTL MAP_SEQUENCE MAP_VALIDITY MAP_TYPE,
		"a4" MAP_TTL MAP_VALUE MAP_VALIDITY MAP_TYPE,
		"a4" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_TYPE,
		"a4" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY,
		/* twice */
		"a6" MAP_TTL MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY
		    MAP_TYPE,
		"a6" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE
		    "6853657175656e6365 06",
		"a7 6161 01 6161 01" MAP_TTL MAP_VALUE MAP_SEQUENCE
		    MAP_VALIDITY MAP_TYPE,
		/* text for bytes, a negative number, a long form */
		"a5" MAP_TTL "6556616c7565 672f697066732f78" MAP_SEQUENCE
		    MAP_VALIDITY MAP_TYPE,
		"a5 6354544c 20" MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE,
		"a5 6354544c 1806" MAP_VALUE MAP_SEQUENCE MAP_VALIDITY
		    MAP_TYPE,
		/* more behind it, or less */
		"a5" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE "00",
		"a5" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY
		    "6c56616c696469747954797065",
		"bf" MAP_TTL MAP_VALUE MAP_SEQUENCE MAP_VALIDITY MAP_TYPE "ff",
		"85 01 02 03 04 05", "f6",
	};
	struct p2p_key *key = go_key();
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_OK(OPEN_WITH(key, d_.map = good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(OPEN_WITH(key, d_.map = bad[i]), P2P_ERR_FORMAT);
	p2p_key_free(key);
}

static void
what_is_said_twice_is_the_same(void)
{
	struct p2p_key *key = go_key();

	CHECK_ERR(OPEN_WITH(key, d_.value1 = "/ipfs/y"), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.value1 = "/ipfs/"), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.value1 = NULL), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.validity1 = NULL), P2P_ERR_FORMAT);
	/* the same time in other words */
	CHECK_ERR(OPEN_WITH(key, d_.validity1 = "2027-01-01T00:00:00.0Z"),
	    P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.type1 = 1), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.type1 = UINT64_C(1) << 32),
	    P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.sequence1 = 6), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.sequence1 = ABSENT), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.ttl1 = 5), P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.ttl1 = ABSENT), P2P_ERR_FORMAT);
	/* either of value and signatureV1 is enough for that */
	CHECK_ERR(OPEN_WITH(key, d_.sig1 = NULL; d_.ttl1 = 5),
	    P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.value = ""; d_.value1 = NULL; d_.ttl1 = 5),
	    P2P_ERR_FORMAT);
	CHECK_OK(OPEN_WITH(key, d_.value = ""; d_.value1 = NULL));
	CHECK_OK(OPEN_WITH(key, d_.sig1 = NULL));
	/* a number that is absent is zero */
	CHECK_OK(OPEN_WITH(key, d_.type1 = ABSENT));
	CHECK_OK(OPEN_WITH(key, d_.sequence = 0; d_.sequence1 = ABSENT));
	CHECK_OK(OPEN_WITH(key, d_.ttl = 0; d_.ttl1 = ABSENT));
	/* without both, the rest is nobody's business */
	CHECK_OK(OPEN_WITH(key, d_.sig1 = d_.value1 = NULL; d_.ttl1 = 5));
	CHECK_OK(OPEN_WITH(key, d_.sig1 = d_.value1 = ""; d_.ttl1 = 5));
	CHECK_OK(OPEN_WITH(key, d_.v1 = false));
	p2p_key_free(key);
}

static void
only_an_end_that_is_to_come_is_valid(void)
{
	struct p2p_key *key = go_key();

	CHECK_ERR(OPEN_WITH(key, d_.type = d_.type1 = 1), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(OPEN_WITH(key, d_.v1 = false; d_.type = 1),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(OPEN_WITH(key, d_.v1 = false; d_.validity = ""),
	    P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.v1 = false; d_.validity = "tomorrow"),
	    P2P_ERR_FORMAT);
	CHECK_ERR(OPEN_WITH(key, d_.v1 = false;
	    d_.validity = "2026-11-23T12:28:26Z"), P2P_ERR_TIMEOUT);
	CHECK_OK(OPEN_WITH(key, d_.v1 = false;
	    d_.validity = "2026-11-23T12:28:26.000000001Z"));
	CHECK_OK(OPEN_WITH(key, d_.v1 = false;
	    d_.validity = "2026-11-23T13:28:27+01:00"));
	CHECK_OK(OPEN_WITH(key, d_.v1 = false;
	    d_.validity = "9999-12-31T23:59:59Z"));
	p2p_key_free(key);
}

/* In a message with two things wrong, the first of the list is told. */
static void
checks_are_in_the_order_of_the_spec(void)
{
	struct p2p_key *key = go_key(), *other;
	struct p2p_peer_id name = id_of(key);
	struct draft d = draft(key);

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	d.v1 = false;
	d.validity = "2020-01-01T00:00:00Z";
	d.type = 1;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_UNSUPPORTED);
	d.v1 = true;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_FORMAT);
	d.prefix = "";
	CHECK_ERR(open_named(&d, &name), P2P_ERR_SIGNATURE);
	d.map = "a0";
	CHECK_ERR(open_named(&d, &name), P2P_ERR_FORMAT);
	d.pub = public_of(other);
	CHECK_ERR(open_named(&d, &name), P2P_ERR_WRONG_PEER);
	d.empty_data = true;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_FORMAT);
	d.empty_data = false;
	d.empty_sig = true;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_FORMAT);
	d.pad_to = P2P_IPNS_MAX + 1;
	CHECK_ERR(open_named(&d, &name), P2P_ERR_TOO_LARGE);
	p2p_key_free(other);
	p2p_key_free(key);
}

/* As protobuf has it: of a field that is there twice, the last counts. */
static void
the_last_of_two_fields_counts(void)
{
	struct p2p_key *key = go_key();
	struct p2p_peer_id name = id_of(key);
	struct draft d = draft(key);
	struct p2p_ipns *got;
	uint8_t buf[1024];
	struct wr w;

	d.v1 = false;
	wr_init(&w, buf, sizeof(buf));
	put_bytes(&w, 9, "first", 5);
	put_bytes(&w, 8, "first", 5);
	build(&d, &w);
	CHECK_OK(open_at(&name, buf, w.len, NOW, &got));
	CHECK_FATAL(got != NULL);
	CHECK_BYTES(got->value, got->len, "/ipfs/x", 7);
	free(got);
	put_bytes(&w, 9, "last", 4);
	CHECK_ERR(open_at(&name, buf, w.len, NOW, NULL), P2P_ERR_FORMAT);
	/* two records in a row are the second */
	wr_init(&w, buf, sizeof(buf));
	build(&d, &w);
	d.value = "/ipfs/second";
	build(&d, &w);
	CHECK_OK(open_at(&name, buf, w.len, NOW, &got));
	CHECK_FATAL(got != NULL);
	CHECK_BYTES(got->value, got->len, "/ipfs/second", 12);
	free(got);
	p2p_key_free(key);
}

/* What is in ten kilobytes of fields may not take a hundred. */
static void
many_fields_are_refused(void)
{
	uint8_t buf[P2P_IPNS_MAX];
	struct p2p_key *key = go_key();
	struct p2p_peer_id name = id_of(key);
	struct draft d = draft(key);
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	build(&d, &w);
	while (wr_room(&w) >= 2)
		put_bytes(&w, 15, "", 0);
	CHECK_ERR(open_at(&name, buf, w.len, NOW, NULL), P2P_ERR_TOO_LARGE);
	p2p_key_free(key);
}

/*
 * Which is better
 */

static int
compare_bytes(struct rd a, struct rd b)
{
	const struct kad_rules rules = { &p2p_record_ipns, 1 };
	struct p2p_record x = { (const uint8_t *)"/ipns/k", 7, a.p, a.len };
	struct p2p_record y = { x.key, x.key_len, b.p, b.len };
	int c = kad_rules_compare(&rules, &x, &y);

	CHECK((c > 0) == (kad_rules_compare(&rules, &y, &x) < 0));
	return (c > 0) - (c < 0);
}

static int
compare(struct draft a, struct draft b)
{
	uint8_t abuf[1024], bbuf[1024];
	struct wr x, y;

	wr_init(&x, abuf, sizeof(abuf));
	build(&a, &x);
	wr_init(&y, bbuf, sizeof(bbuf));
	build(&b, &y);
	return compare_bytes((struct rd){ abuf, x.len },
	    (struct rd){ bbuf, y.len });
}

static void
the_higher_sequence_then_the_later_end_is_better(void)
{
	struct p2p_key *key = go_key();
	struct draft a = draft(key), b;

	a.v1 = false;
	b = a;
	CHECK_EQ(compare(a, b), 0);
	b.sequence = 6;
	b.validity = "2026-12-01T00:00:00Z";
	CHECK_EQ(compare(a, b), -1);
	b.sequence = a.sequence;
	CHECK_EQ(compare(a, b), 1);
	b.validity = "2027-01-01T00:00:00.000000001Z";
	CHECK_EQ(compare(a, b), -1);
	/* as numbers, and as times */
	a.sequence = UINT64_C(1) << 63;
	CHECK_EQ(compare(a, b), 1);
	a.sequence = b.sequence;
	a.validity = "2027-01-01T01:00:00+01:00";
	CHECK_EQ(compare(a, b), -1);
	p2p_key_free(key);
}

static void
then_the_larger_bytes_are_better(void)
{
	struct p2p_key *key = go_key();
	struct draft a = draft(key), b = a;
	uint8_t buf[1024];
	struct wr w;
	size_t len;

	b.sig1 = "whatevez";
	CHECK_EQ(compare(a, b), -1);
	wr_init(&w, buf, sizeof(buf));
	build(&a, &w);
	len = w.len;
	put_bytes(&w, 15, "", 0);
	CHECK_EQ(compare_bytes((struct rd){ buf, w.len },
	    (struct rd){ buf, len }), 1);
	p2p_key_free(key);
}

static void
a_record_is_better_than_none(void)
{
	struct p2p_key *key = go_key();
	struct draft a = draft(key), b = a;

	b.sequence = 9;
	b.validity = "tomorrow";
	CHECK_EQ(compare(a, b), 1);
	b = a;
	b.map = "a0";
	CHECK_EQ(compare(a, b), 1);
	CHECK_EQ(compare(b, b), 0);
	CHECK_EQ(compare_bytes(text("x"), text("y")), 0);
	CHECK_EQ(compare_bytes(text(""), text("")), 0);
	p2p_key_free(key);
}

TESTS("ipns",
	{ "records of others are judged as they should be",
	    records_of_others_are_judged_as_they_should_be },
	{ "the expired record was good once",
	    the_expired_record_was_good_once },
	{ "we make the same bytes as boxo", we_make_the_same_bytes_as_boxo },
	{ "no changed bit changes a record", no_changed_bit_changes_a_record },
	{ "a record of each key type goes both ways",
	    a_record_of_each_key_type_goes_both_ways },
	{ "a record without a value is one", a_record_without_a_value_is_one },
	{ "sizes of what is made are limited",
	    sizes_of_what_is_made_are_limited },
	{ "a public key alone makes nothing",
	    a_public_key_alone_makes_nothing },
	{ "sizes of what is read are limited",
	    sizes_of_what_is_read_are_limited },
	{ "a record has a signature and data",
	    a_record_has_a_signature_and_data },
	{ "the key is that of the name", the_key_is_that_of_the_name },
	{ "a key of the DHT names a peer", a_key_of_the_dht_names_a_peer },
	{ "the signature is over the map and its purpose",
	    the_signature_is_over_the_map_and_its_purpose },
	{ "the map is strict and whole", the_map_is_strict_and_whole },
	{ "what is said twice is the same", what_is_said_twice_is_the_same },
	{ "only an end that is to come is valid",
	    only_an_end_that_is_to_come_is_valid },
	{ "checks are in the order of the spec",
	    checks_are_in_the_order_of_the_spec },
	{ "the last of two fields counts", the_last_of_two_fields_counts },
	{ "many fields are refused", many_fields_are_refused },
	{ "the higher sequence, then the later end is better",
	    the_higher_sequence_then_the_later_end_is_better },
	{ "then the larger bytes are better",
	    then_the_larger_bytes_are_better },
	{ "a record is better than none", a_record_is_better_than_none })
