/*
 * Records of IPNS: what a name points to, signed by the key that the name is
 * the hash of.
 *
 * Everything is said twice.  The truth is a map in DAG-CBOR, which signatureV2
 * covers; the other fields of the message are there for readers of before 2021
 * and must say the same, if there is a value or a signatureV1.  That signature
 * is made for those readers and never looked at.
 *
 * The order of checks is that of the spec's "Record Verification", and so of
 * R-3 in services.md.
 */
#include "p2p/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pb.h"
#include "base/rfc3339.h"
#include "multiformats/dag_cbor.h"
#include "multiformats/peer_hash.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "proto/ipns.pb-c.h"
#include "services/kad/kad_record.h"

#define BUDGET		(64 * 1024)	/* allocations for one, bytes */
#define PREFIX		"ipns-signature:"
#define EOL		0		/* the only validity type */
#define V1_TYPE		"EOL"		/* what version 1 signs: go, js */
#define SIGNED_EXTRA	64		/* around value or map, when signed */
#define NUMBER_MAX	INT64_MAX	/* go keeps them in an int64 */

/* The map, in the order of its keys. */
enum { TTL, VALUE, SEQUENCE, VALIDITY, VALIDITY_TYPE, NFIELDS };

static const struct dag_cbor_field schema[NFIELDS] = {
	[TTL] = { .key = "TTL", .type = DAG_CBOR_UINT },
	[VALUE] = { .key = "Value", .type = DAG_CBOR_BYTES },
	[SEQUENCE] = { .key = "Sequence", .type = DAG_CBOR_UINT },
	[VALIDITY] = { .key = "Validity", .type = DAG_CBOR_BYTES },
	[VALIDITY_TYPE] = { .key = "ValidityType", .type = DAG_CBOR_UINT },
};

struct entry {
	const Proto__Ipns	*pb;	/* owned */
	struct dag_cbor_field	 map[NFIELDS];
	uint64_t		 eol;
};

static ProtobufCBinaryData
binary(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)bytes };
}

/* Sign the concatenation of two. */
static int
sign_two(const struct p2p_key *key, struct rd a, struct rd b, uint8_t *sig,
    size_t *siglen)
{
	uint8_t msg[P2P_IPNS_MAX + SIGNED_EXTRA];
	struct wr w;

	wr_init(&w, msg, sizeof(msg));
	wr_bytes(&w, a.p, a.len);
	wr_bytes(&w, b.p, b.len);
	return w.full ? P2P_ERR_TOO_LARGE :
	    p2p_key_sign(key, msg, w.len, sig, siglen);
}

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

/* The map of version 2 into data, its signature, and the key if it is long. */
static int
put_v2(const struct p2p_key *key, const struct dag_cbor_field *map,
    Proto__Ipns *pb, struct wr *data, uint8_t *sig)
{
	size_t siglen, publen;
	const uint8_t *pub;
	int e;

	dag_cbor_put(data, map, NFIELDS);
	if (data->full)
		return P2P_ERR_TOO_LARGE;
	if ((e = sign_two(key, text(PREFIX),
	    (struct rd){ data->p, data->len }, sig, &siglen)) != 0)
		return e;
	pub = p2p_key_public(key, &publen);
	pb->has_pub_key = publen > PEER_HASH_IDENTITY_MAX;
	pb->pub_key = binary(pub, publen);
	pb->has_data = pb->has_signature_v2 = 1;
	pb->data = binary(data->p, data->len);
	pb->signature_v2 = binary(sig, siglen);
	return 0;
}

/* The fields of version 1: its signature is over value, validity and type. */
static int
put_v1(const struct p2p_key *key, const struct dag_cbor_field *map,
    Proto__Ipns *pb, uint8_t *sig)
{
	uint8_t tail[RFC3339_LEN + sizeof(V1_TYPE)];
	struct rd value = map[VALUE].bytes, validity = map[VALIDITY].bytes;
	size_t siglen;
	struct wr w;
	int e;

	wr_init(&w, tail, sizeof(tail));
	wr_bytes(&w, validity.p, validity.len);
	wr_bytes(&w, V1_TYPE, strlen(V1_TYPE));
	if ((e = sign_two(key, value, (struct rd){ tail, w.len }, sig,
	    &siglen)) != 0)
		return e;
	pb->has_value = pb->has_signature_v1 = pb->has_validity_type =
	    pb->has_validity = pb->has_sequence = pb->has_ttl = 1;
	pb->value = binary(value.p, value.len);
	pb->signature_v1 = binary(sig, siglen);
	pb->validity_type = EOL;
	pb->validity = binary(validity.p, validity.len);
	pb->sequence = map[SEQUENCE].uint;
	pb->ttl = map[TTL].uint;
	return 0;
}

int
p2p_ipns_make(const struct p2p_key *key, const struct p2p_ipns *what,
    uint8_t **out, size_t *len)
{
	uint8_t data[P2P_IPNS_MAX], eol[RFC3339_LEN + 1], *bytes;
	uint8_t sig1[P2P_KEY_SIGNATURE_MAX], sig2[P2P_KEY_SIGNATURE_MAX];
	struct dag_cbor_field map[NFIELDS];
	Proto__Ipns pb = PROTO__IPNS__INIT;
	struct wr w;
	size_t size;
	int e;

	if (what->sequence > NUMBER_MAX || what->ttl > NUMBER_MAX)
		return P2P_ERR_TOO_LARGE;
	memcpy(map, schema, sizeof(map));
	wr_init(&w, eol, sizeof(eol));
	rfc3339_put(&w, what->eol);
	map[TTL].uint = what->ttl;
	map[VALUE].bytes = (struct rd){ what->value, what->len };
	map[SEQUENCE].uint = what->sequence;
	map[VALIDITY].bytes = (struct rd){ eol, w.len };
	map[VALIDITY_TYPE].uint = EOL;

	wr_init(&w, data, sizeof(data));
	if ((e = put_v2(key, map, &pb, &w, sig2)) != 0 ||
	    (!what->v2_only && (e = put_v1(key, map, &pb, sig1)) != 0))
		return e;
	if ((size = protobuf_c_message_get_packed_size(&pb.base)) >
	    P2P_IPNS_MAX)
		return P2P_ERR_TOO_LARGE;
	if ((bytes = malloc(size)) == NULL)
		return -ENOMEM;
	wr_init(&w, bytes, size);
	pb_pack(&pb.base, &w);
	*out = bytes;
	*len = w.len;
	return 0;
}

static void
entry_clear(struct entry *en)
{
	pb_free((ProtobufCMessage *)(uintptr_t)en->pb);
}

/* Absent fields have a length of zero. */
static int
entry_get(struct rd in, struct entry *en)
{
	ProtobufCMessage *msg;
	int e;

	*en = (struct entry){ .pb = NULL };
	if ((e = pb_unpack(&proto__ipns__descriptor, in, P2P_IPNS_MAX, BUDGET,
	    &msg)) != 0)
		return e;
	en->pb = (const Proto__Ipns *)msg;
	if (en->pb->signature_v2.len == 0 || en->pb->data.len == 0)
		return P2P_ERR_FORMAT;
	return 0;
}

/* The key of the name: in the record, or in the name itself. */
static int
entry_key(const struct entry *en, const struct p2p_peer_id *name,
    struct p2p_key **out)
{
	const ProtobufCBinaryData *pub = &en->pb->pub_key;
	struct p2p_peer_id id;
	struct p2p_key *key;
	int e;

	if (pub->len == 0)
		return p2p_peer_id_key(name, out) == 0 ? 0 : P2P_ERR_FORMAT;
	if ((e = p2p_key_decode_public(pub->data, pub->len, &key)) != 0)
		return e;
	p2p_peer_id_from_key(key, &id);
	if (!p2p_peer_id_equal(&id, name)) {
		p2p_key_free(key);
		return P2P_ERR_WRONG_PEER;
	}
	*out = key;
	return 0;
}

static int
entry_map(struct entry *en)
{
	memcpy(en->map, schema, sizeof(en->map));
	return dag_cbor_get((struct rd){ en->pb->data.data,
	    en->pb->data.len }, en->map, NFIELDS);
}

static int
entry_verify(const struct entry *en, const struct p2p_key *key)
{
	uint8_t msg[P2P_IPNS_MAX + SIGNED_EXTRA];
	struct wr w;

	wr_init(&w, msg, sizeof(msg));
	wr_bytes(&w, PREFIX, strlen(PREFIX));
	wr_bytes(&w, en->pb->data.data, en->pb->data.len);
	return p2p_key_verify(key, msg, w.len, en->pb->signature_v2.data,
	    en->pb->signature_v2.len);
}

static bool
has_v1(const struct entry *en)
{
	return en->pb->signature_v1.len > 0 || en->pb->value.len > 0;
}

static bool
same(const ProtobufCBinaryData *a, const struct dag_cbor_field *b)
{
	return rd_equal(&b->bytes, a->data, a->len);
}

/* A number that is absent is zero: some leave out those. */
static bool
twins_agree(const struct entry *en)
{
	const Proto__Ipns *pb = en->pb;

	return same(&pb->value, &en->map[VALUE]) &&
	    same(&pb->validity, &en->map[VALIDITY]) &&
	    pb->validity_type == en->map[VALIDITY_TYPE].uint &&
	    pb->sequence == en->map[SEQUENCE].uint &&
	    pb->ttl == en->map[TTL].uint;
}

/* A time that uint64_t does not hold is as good as never. */
static int
entry_eol(struct entry *en)
{
	int e;

	if (en->map[VALIDITY_TYPE].uint != EOL)
		return P2P_ERR_UNSUPPORTED;
	e = rfc3339_get(en->map[VALIDITY].bytes, &en->eol);
	if (e == P2P_ERR_TOO_LARGE) {
		en->eol = UINT64_MAX;
		return 0;
	}
	return e;
}

/* All of R-3.  *en is to be cleared whatever comes out. */
static int
entry_check(const struct p2p_peer_id *name, struct rd in, uint64_t now,
    struct entry *en)
{
	struct p2p_key *key = NULL;
	int e;

	if ((e = entry_get(in, en)) != 0 ||
	    (e = entry_key(en, name, &key)) != 0 ||
	    (e = entry_map(en)) != 0 ||
	    (e = entry_verify(en, key)) != 0)
		goto done;
	if (has_v1(en) && !twins_agree(en))
		e = P2P_ERR_FORMAT;
	else if ((e = entry_eol(en)) == 0 && en->eol <= now)
		e = P2P_ERR_TIMEOUT;
done:
	p2p_key_free(key);
	return e;
}

int
p2p_ipns_open(const struct p2p_peer_id *name, const void *bytes, size_t len,
    uint64_t now, struct p2p_ipns **out)
{
	struct entry en;
	struct rd value;
	struct p2p_ipns *ipns;
	int e;

	if ((e = entry_check(name, (struct rd){ bytes, len }, now, &en)) != 0)
		goto done;
	value = en.map[VALUE].bytes;
	if ((ipns = malloc(sizeof(*ipns) + value.len)) == NULL) {
		e = -ENOMEM;
		goto done;
	}
	*ipns = (struct p2p_ipns){
		.value = (const uint8_t *)(ipns + 1),
		.len = value.len,
		.sequence = en.map[SEQUENCE].uint,
		.eol = en.eol,
		.ttl = en.map[TTL].uint,
		.v2_only = !has_v1(&en),
	};
	memcpy(ipns + 1, value.p, value.len);
	*out = ipns;
done:
	entry_clear(&en);
	return e;
}

static int
ipns_validate(const struct p2p_record *r, uint64_t now, void *arg)
{
	struct p2p_peer_id name;
	struct entry en;
	int e;

	(void)arg;
	if ((e = kad_record_peer(r, &name)) != 0)
		return e;
	e = entry_check(&name, (struct rd){ r->value, r->len }, now, &en);
	entry_clear(&en);
	return e;
}

/* Without the signatures, which have been checked. */
static bool
entry_read(const struct p2p_record *r, struct entry *en)
{
	return entry_get((struct rd){ r->value, r->len }, en) == 0 &&
	    entry_map(en) == 0 && entry_eol(en) == 0;
}

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* The bytes decide where nothing else does, so that all choose the same. */
static int
bytes_compare(const struct p2p_record *a, const struct p2p_record *b)
{
	int c = memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : order(a->len, b->len);
}

static int
ipns_compare(const struct p2p_record *a, const struct p2p_record *b, void *arg)
{
	struct entry x, y;
	bool x_good, y_good;
	int c;

	(void)arg;
	x_good = entry_read(a, &x);
	y_good = entry_read(b, &y);
	c = x_good - y_good;
	if (x_good && y_good) {
		c = order(x.map[SEQUENCE].uint, y.map[SEQUENCE].uint);
		if (c == 0)
			c = order(x.eol, y.eol);
		if (c == 0)
			c = bytes_compare(a, b);
	}
	entry_clear(&y);
	entry_clear(&x);
	return c;
}

const struct p2p_record_rule p2p_record_ipns = { .name = "ipns",
    .validate = ipns_validate, .compare = ipns_compare };
