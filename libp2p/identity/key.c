/*
 * Keys as protobuf messages: PublicKey and PrivateKey, { 1: type, 2: data }.
 *
 * The two messages are written here by hand and not by protobuf-c: the bytes
 * of a PublicKey are hashed into the peer id, so there is exactly one right
 * encoding (peer-ids.md: both fields present, in order, minimal varints,
 * nothing else), RSA's type of zero included.  The reader accepts that one and
 * refuses the rest; a general protobuf reader could not.
 *
 * A p2p_key carries its PublicKey message and its peer id from birth: making
 * them may fail, asking for them may not.  The public half always comes from
 * libcrypto's view of the key, never from what a file claims
 * (RUSTSEC-2022-0093).
 */
#include "identity/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "crypto/wipe.h"
#include "p2p/error.h"

#define TAG_TYPE	0x08	/* field 1, varint */
#define TAG_DATA	0x12	/* field 2, bytes */

#define RSA_DEFAULT_BITS	2048

/* Multihash codes, and the largest key that stands in its id unhashed. */
#define MH_IDENTITY	0x00
#define MH_SHA2_256	0x12
#define INLINE_MAX	42	/* bytes: peer-ids.md, "Peer Ids" */

struct p2p_key {
	struct sign_key		*sign;		/* [I] owned */
	struct p2p_peer_id	 id;		/* [I] */
	size_t			 len;		/* [I] of pub */
	uint8_t			 pub[P2P_KEY_PUBLIC_MAX]; /* [I] PublicKey */
};

static const struct {
	enum p2p_key_type	 type;
	const char		*name;
} names[] = {
	{ P2P_KEY_ED25519, "ed25519" }, { P2P_KEY_SECP256K1, "secp256k1" },
	{ P2P_KEY_ECDSA, "ecdsa" }, { P2P_KEY_RSA, "rsa" },
};

#define NNAMES	(sizeof(names) / sizeof(names[0]))

const char *
p2p_key_type_name(enum p2p_key_type type)
{
	size_t i;

	for (i = 0; i < NNAMES; i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}

int
p2p_key_type_parse(const char *name, enum p2p_key_type *out)
{
	size_t i;

	for (i = 0; i < NNAMES; i++)
		if (strcmp(names[i].name, name) == 0) {
			*out = names[i].type;
			return 0;
		}
	return P2P_ERR_UNSUPPORTED;
}

/* peer-ids.md: { 1: type, 2: data }, nothing left out, nothing more. */
static void
msg_put(struct wr *w, enum p2p_key_type type, const uint8_t *data, size_t len)
{
	wr_u8(w, TAG_TYPE);
	varint_put(w, (uint64_t)type);
	wr_u8(w, TAG_DATA);
	varint_put_bytes(w, data, len);
}

static int
msg_get(struct rd r, enum p2p_key_type *type, struct rd *data)
{
	uint64_t v;
	uint8_t tag;

	if (rd_u8(&r, &tag) != 0 || tag != TAG_TYPE ||
	    varint_get(&r, &v) != 0)
		return P2P_ERR_FORMAT;
	if (v > P2P_KEY_ECDSA)
		return P2P_ERR_UNSUPPORTED;
	if (rd_u8(&r, &tag) != 0 || tag != TAG_DATA ||
	    varint_get_bytes(&r, data) != 0 || r.len != 0)
		return P2P_ERR_FORMAT;
	*type = (enum p2p_key_type)v;
	return 0;
}

/* peer-ids.md, "Peer Ids": the key itself if short, else its hash. */
static int
make_id(struct p2p_key *key)
{
	uint8_t hash[HASH_SHA256_SIZE];
	struct wr w;
	int e;

	wr_init(&w, key->id.bytes, sizeof(key->id.bytes));
	if (key->len <= INLINE_MAX) {
		wr_u8(&w, MH_IDENTITY);
		varint_put_bytes(&w, key->pub, key->len);
	} else {
		if ((e = hash_sha256(key->pub, key->len, hash)) != 0)
			return e;
		wr_u8(&w, MH_SHA2_256);
		varint_put_bytes(&w, hash, sizeof(hash));
	}
	key->id.len = (uint8_t)w.len;
	return 0;
}

/* Takes sign on success. */
static int
key_new(struct sign_key *sign, struct p2p_key **out)
{
	uint8_t data[SIGN_PUBLIC_MAX];
	struct p2p_key *key;
	struct wr d, w;
	int e;

	if ((key = calloc(1, sizeof(*key))) == NULL)
		return -ENOMEM;
	wr_init(&d, data, sizeof(data));
	if ((e = sign_export_public(sign, &d)) != 0)
		goto done;
	wr_init(&w, key->pub, sizeof(key->pub));
	msg_put(&w, sign_type(sign), data, d.len);
	key->len = w.len;
	if ((e = make_id(key)) != 0)
		goto done;
	key->sign = sign;
	*out = key;
	key = NULL;
done:
	free(key);		/* nothing secret in it yet */
	return e;
}

/* Takes sign always, so that each maker of keys can end in it. */
static int
key_wrap(struct sign_key *sign, struct p2p_key **out)
{
	int e;

	if ((e = key_new(sign, out)) != 0)
		sign_free(sign);
	return e;
}

int
p2p_key_generate(enum p2p_key_type type, unsigned bits, struct p2p_key **out)
{
	struct sign_key *sign;
	int e;

	if (bits == 0)
		bits = RSA_DEFAULT_BITS;
	if ((e = sign_generate(type, bits, &sign)) != 0)
		return e;
	return key_wrap(sign, out);
}

void
p2p_key_free(struct p2p_key *key)
{
	if (key == NULL)
		return;
	sign_free(key->sign);
	free(key);
}

int
p2p_key_dup(const struct p2p_key *key, struct p2p_key **out)
{
	struct sign_key *sign;
	int e;

	if ((e = sign_dup(key->sign, &sign)) != 0)
		return e;
	return key_wrap(sign, out);
}

enum p2p_key_type
p2p_key_type(const struct p2p_key *key)
{
	return sign_type(key->sign);
}

bool
p2p_key_is_private(const struct p2p_key *key)
{
	return sign_is_private(key->sign);
}

const uint8_t *
p2p_key_public(const struct p2p_key *key, size_t *len)
{
	*len = key->len;
	return key->pub;
}

const struct p2p_peer_id *
key_peer_id(const struct p2p_key *key)
{
	return &key->id;
}

int
p2p_key_decode_public(const uint8_t *bytes, size_t len, struct p2p_key **out)
{
	enum p2p_key_type type;
	struct sign_key *sign;
	struct rd data;
	int e;

	if ((e = msg_get((struct rd){ bytes, len }, &type, &data)) != 0 ||
	    (e = sign_import_public(type, data, &sign)) != 0)
		return e;
	return key_wrap(sign, out);
}

/*
 * Ed25519 in a PrivateKey: seed, public key, and in old files the public key
 * once more.  All copies must be what the seed yields.
 */
static int
ed25519_get(struct rd data, struct sign_key **out)
{
	uint8_t pub[SIGN_ED25519_LEN];
	struct sign_key *sign = NULL;
	struct rd part;
	struct wr w;
	int e;

	if (data.len != 2 * SIGN_ED25519_LEN &&
	    data.len != 3 * SIGN_ED25519_LEN)
		return P2P_ERR_FORMAT;
	wr_init(&w, pub, sizeof(pub));
	if ((e = rd_bytes(&data, SIGN_ED25519_LEN, &part)) != 0 ||
	    (e = sign_import_private(P2P_KEY_ED25519, part, &sign)) != 0 ||
	    (e = sign_export_public(sign, &w)) != 0)
		goto done;
	while (data.len > 0) {
		if ((e = rd_bytes(&data, SIGN_ED25519_LEN, &part)) != 0)
			goto done;
		if (!rd_equal(&part, pub, sizeof(pub))) {
			e = P2P_ERR_FORMAT;
			goto done;
		}
	}
	*out = sign;
	sign = NULL;
done:
	sign_free(sign);
	return e;
}

int
p2p_key_decode_private(const uint8_t *bytes, size_t len, struct p2p_key **out)
{
	enum p2p_key_type type;
	struct sign_key *sign;
	struct rd data;
	int e;

	if ((e = msg_get((struct rd){ bytes, len }, &type, &data)) != 0)
		return e;
	if (type == P2P_KEY_ED25519)
		e = ed25519_get(data, &sign);
	else
		e = sign_import_private(type, data, &sign);
	if (e != 0)
		return e;
	return key_wrap(sign, out);
}

int
p2p_key_encode_private(const struct p2p_key *key, uint8_t *out, size_t *len)
{
	uint8_t data[SIGN_PRIVATE_MAX];
	struct wr d, w;
	int e;

	if (!p2p_key_is_private(key))
		return P2P_ERR_UNSUPPORTED;
	wr_init(&d, data, sizeof(data));
	wr_init(&w, out, P2P_KEY_PRIVATE_MAX);
	if ((e = sign_export_private(key->sign, &d)) != 0)
		goto done;
	if (p2p_key_type(key) == P2P_KEY_ED25519 &&
	    (e = sign_export_public(key->sign, &d)) != 0)
		goto done;
	msg_put(&w, p2p_key_type(key), data, d.len);
	*len = w.len;
done:
	wipe(data, sizeof(data));
	return e;
}

int
p2p_key_sign(const struct p2p_key *key, const uint8_t *msg, size_t len,
    uint8_t *sig, size_t *siglen)
{
	if (!p2p_key_is_private(key))
		return P2P_ERR_UNSUPPORTED;
	return sign_sign(key->sign, (struct rd){ msg, len }, sig, siglen);
}

int
p2p_key_verify(const struct p2p_key *key, const uint8_t *msg, size_t len,
    const uint8_t *sig, size_t siglen)
{
	return sign_verify(key->sign, (struct rd){ msg, len },
	    (struct rd){ sig, siglen });
}
