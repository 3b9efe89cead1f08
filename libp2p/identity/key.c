/*
 * Keys and their messages: { 1: type (varint), 2: data (bytes) }, exactly these
 * two fields in this order, both always there (spec digest KEY-2, KEY-3).  The
 * public message is hashed into the peer id, so it must be reproduced to the
 * byte; four lines over the checked reader say that better than a protobuf
 * library, which would accept other spellings.
 */
#include "p2p/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"
#include "crypto/rand.h"
#include "crypto/sign.h"
#include "p2p/error.h"

#define TAG_TYPE	0x08	/* field 1, varint */
#define TAG_DATA	0x12	/* field 2, bytes */
#define ED25519_PART	32	/* bytes of the seed, and of the public key */

struct p2p_key {
	enum p2p_key_type	 type;
	bool			 private;
	struct sign_key		*sign;
	size_t			 publen;
	uint8_t			 pub[P2P_KEY_PUBLIC_MAX];
};

static const char *const names[] = {
	[P2P_KEY_RSA] = "rsa",
	[P2P_KEY_ED25519] = "ed25519",
	[P2P_KEY_SECP256K1] = "secp256k1",
	[P2P_KEY_ECDSA] = "ecdsa",
};

#define N_TYPES	(sizeof(names) / sizeof(names[0]))

const char *
p2p_key_type_name(enum p2p_key_type type)
{
	return (size_t)type < N_TYPES ? names[type] : "unknown";
}

int
p2p_key_type_parse(const char *name, enum p2p_key_type *out)
{
	size_t i;

	for (i = 0; i < N_TYPES; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum p2p_key_type)i;
			return 0;
		}
	}
	return P2P_ERR_UNSUPPORTED;
}

static int
message_get(struct rd in, enum p2p_key_type *type, struct rd *data)
{
	uint8_t tag;
	uint64_t t;

	if (rd_u8(&in, &tag) != 0 || tag != TAG_TYPE ||
	    varint_get(&in, &t) != 0)
		return P2P_ERR_FORMAT;
	if (t >= N_TYPES)
		return P2P_ERR_UNSUPPORTED;
	if (rd_u8(&in, &tag) != 0 || tag != TAG_DATA ||
	    varint_get_bytes(&in, data) != 0 || in.len != 0)
		return P2P_ERR_FORMAT;
	*type = (enum p2p_key_type)t;
	return 0;
}

static void
message_put(struct wr *w, enum p2p_key_type type, const void *data, size_t len)
{
	wr_u8(w, TAG_TYPE);
	varint_put(w, type);
	wr_u8(w, TAG_DATA);
	varint_put_bytes(w, data, len);
}

/* Around a sign key, which is taken on success. */
static int
key_new(enum p2p_key_type type, bool private, struct sign_key *sign,
    struct p2p_key **out)
{
	uint8_t data[P2P_KEY_PUBLIC_MAX];
	struct p2p_key *k;
	struct wr d, w;
	int e;

	wr_init(&d, data, sizeof(data));
	if ((e = sign_export_public(sign, &d)) != 0)
		return e;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return -ENOMEM;
	wr_init(&w, k->pub, sizeof(k->pub));
	message_put(&w, type, data, d.len);
	if (w.full) {
		free(k);
		return P2P_ERR_UNSUPPORTED;
	}
	k->publen = w.len;
	k->type = type;
	k->private = private;
	k->sign = sign;
	*out = k;
	return 0;
}

static int
finish(enum p2p_key_type type, bool private, struct sign_key *sign,
    struct p2p_key **out)
{
	int e;

	if ((e = key_new(type, private, sign, out)) != 0)
		sign_free(sign);
	return e;
}

int
p2p_key_generate(enum p2p_key_type type, unsigned bits, struct p2p_key **out)
{
	struct sign_key *sign;
	int e;

	if ((size_t)type >= N_TYPES)
		return P2P_ERR_UNSUPPORTED;
	if ((e = sign_generate(type, bits, &sign)) != 0)
		return e;
	return finish(type, true, sign, out);
}

void
p2p_key_free(struct p2p_key *k)
{
	if (k == NULL)
		return;
	sign_free(k->sign);
	free(k);
}

int
p2p_key_dup(const struct p2p_key *key, struct p2p_key **out)
{
	uint8_t buf[P2P_KEY_PRIVATE_MAX];
	size_t len;
	int e;

	if (!key->private)
		return p2p_key_decode_public(key->pub, key->publen, out);
	if ((e = p2p_key_encode_private(key, buf, &len)) == 0)
		e = p2p_key_decode_private(buf, len, out);
	rand_wipe(buf, sizeof(buf));
	return e;
}

enum p2p_key_type
p2p_key_type(const struct p2p_key *k)
{
	return k->type;
}

bool
p2p_key_is_private(const struct p2p_key *k)
{
	return k->private;
}

const uint8_t *
p2p_key_public(const struct p2p_key *k, size_t *len)
{
	*len = k->publen;
	return k->pub;
}

int
p2p_key_decode_public(const uint8_t *bytes, size_t len, struct p2p_key **out)
{
	enum p2p_key_type type;
	struct sign_key *sign;
	struct p2p_key *k;
	struct rd data;
	int e;

	if (len > P2P_KEY_PUBLIC_MAX)
		return P2P_ERR_UNSUPPORTED;
	if ((e = message_get((struct rd){ bytes, len }, &type, &data)) != 0 ||
	    (e = sign_import_public(type, data, &sign)) != 0 ||
	    (e = finish(type, false, sign, &k)) != 0)
		return e;
	/* Another spelling of the same key would be another peer id. */
	if (k->publen != len || memcmp(k->pub, bytes, len) != 0) {
		p2p_key_free(k);
		return P2P_ERR_FORMAT;
	}
	*out = k;
	return 0;
}

/* Ed25519 carries its public key behind the seed, once, or twice of old. */
static int
ed25519_private(struct rd data, struct sign_key **out)
{
	uint8_t pub[ED25519_PART];
	struct rd seed, copy;
	struct wr w;
	int e;

	if (data.len != 2 * ED25519_PART && data.len != 3 * ED25519_PART)
		return P2P_ERR_FORMAT;
	if ((e = rd_bytes(&data, ED25519_PART, &seed)) != 0 ||
	    (e = sign_import_private(P2P_KEY_ED25519, seed, out)) != 0)
		return e;
	wr_init(&w, pub, sizeof(pub));
	e = sign_export_public(*out, &w);
	while (e == 0 && data.len > 0) {
		e = rd_bytes(&data, ED25519_PART, &copy);
		if (e == 0 && !rd_equal(&copy, pub, sizeof(pub)))
			e = P2P_ERR_FORMAT;
	}
	if (e != 0) {
		sign_free(*out);
		*out = NULL;
	}
	return e;
}

/*
 * RSA and ECDSA carry both halves in one DER; a signature that verifies shows
 * that they belong together.
 */
static int
check_halves(const struct p2p_key *k)
{
	static const uint8_t msg[] = "halves";
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	struct p2p_key *pub;
	size_t len;
	int e;

	if ((e = p2p_key_decode_public(k->pub, k->publen, &pub)) != 0)
		return e;
	if ((e = p2p_key_sign(k, msg, sizeof(msg), sig, &len)) == 0)
		e = p2p_key_verify(pub, msg, sizeof(msg), sig, len);
	p2p_key_free(pub);
	return e == 0 ? 0 : P2P_ERR_FORMAT;
}

int
p2p_key_decode_private(const uint8_t *bytes, size_t len, struct p2p_key **out)
{
	enum p2p_key_type type;
	struct sign_key *sign = NULL;
	struct p2p_key *k;
	struct rd data;
	int e;

	if (len > P2P_KEY_PRIVATE_MAX)
		return P2P_ERR_UNSUPPORTED;
	if ((e = message_get((struct rd){ bytes, len }, &type, &data)) != 0)
		return e;
	e = type == P2P_KEY_ED25519 ? ed25519_private(data, &sign) :
	    sign_import_private(type, data, &sign);
	if (e != 0 || (e = finish(type, true, sign, &k)) != 0)
		return e;
	if ((e = check_halves(k)) != 0) {
		p2p_key_free(k);
		return e;
	}
	*out = k;
	return 0;
}

int
p2p_key_encode_private(const struct p2p_key *k, uint8_t *out, size_t *len)
{
	uint8_t data[P2P_KEY_PRIVATE_MAX];
	struct wr d, w;
	int e;

	if (!k->private)
		return P2P_ERR_UNSUPPORTED;
	wr_init(&d, data, sizeof(data));
	if ((e = sign_export_private(k->sign, &d)) == 0 &&
	    k->type == P2P_KEY_ED25519)
		e = sign_export_public(k->sign, &d);
	wr_init(&w, out, P2P_KEY_PRIVATE_MAX);
	if (e == 0)
		message_put(&w, k->type, data, d.len);
	rand_wipe(data, sizeof(data));
	if (e != 0 || w.full)
		return e != 0 ? e : P2P_ERR_TOO_LARGE;
	*len = w.len;
	return 0;
}

int
p2p_key_sign(const struct p2p_key *k, const uint8_t *msg, size_t len,
    uint8_t *sig, size_t *siglen)
{
	struct wr w;
	int e;

	if (!k->private)
		return P2P_ERR_UNSUPPORTED;
	wr_init(&w, sig, P2P_KEY_SIGNATURE_MAX);
	if ((e = sign_sign(k->sign, (struct rd){ msg, len }, &w)) == 0)
		*siglen = w.len;
	return e;
}

int
p2p_key_verify(const struct p2p_key *k, const uint8_t *msg, size_t len,
    const uint8_t *sig, size_t siglen)
{
	return sign_verify(k->sign, (struct rd){ msg, len },
	    (struct rd){ sig, siglen });
}
