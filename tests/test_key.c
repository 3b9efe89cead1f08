#include "identity/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

/*
 * libp2p/specs peer-ids/peer-ids.md, "Test vectors"; the ids are those of
 * go-libp2p.  A NULL message is in vectors/, too long for a line.
 */
static const struct {
	enum p2p_key_type	 type;
	const char		*priv;
	const char		*pub;
	const char		*id;
} vectors[] = {
	{ P2P_KEY_ED25519,
	  "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da6"
	  "0fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fc"
	  "e27e",
	  "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474"
	  "fce27e",
	  "0024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42"
	  "d474fce27e" },
	{ P2P_KEY_SECP256K1,
	  "0802122053dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdbd42abedb0a4404d56"
	  "ced8fb",
	  "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e6"
	  "30bfca99",
	  "002508021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fe"
	  "a0e630bfca99" },
	{ P2P_KEY_ECDSA,
	  "08031279307702010104203e5b1fe9712e6c314942a750bd67485de3c1efe85b1b"
	  "fb520ae8f9ae3dfa4a4ca00a06082a8648ce3d030107a14403420004de3d300fa3"
	  "6ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da305"
	  "25e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62",
	  "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d"
	  "300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f"
	  "8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62",
	  "122068362c312e155f4f7290b67f5cd094a22a0a4fbf20efd8c287934419350d36"
	  "f7" },
	{ P2P_KEY_RSA, NULL, NULL,
	  "1220b6c8a8c0a3105fc27afca4fb1173791f038e4343fd56b7c67b616dbc30a04c"
	  "cd" },
};

#define NVECTORS	(sizeof(vectors) / sizeof(vectors[0]))

/* js-libp2p packages/crypto/test/fixtures: the public key stands twice. */
static const char legacy[] =
    "08011260c9d0016eb010e62542b895fc4e38ce8802267698e2c575c836bd9cdab8077639"
    "e931dd61a49ef18149a6e1ffc1761654370ff9a8e1b4c6bf0e4bbbf3965be825e931dd61"
    "a49ef18149a6e1ffc1761654370ff9a8e1b4c6bf0e4bbbf3965be825";

static uint8_t *
private_of(size_t i, size_t *len)
{
	return vectors[i].priv != NULL ? check_unhex(vectors[i].priv, len) :
	    check_vector("key_rsa4096_private.hex", len);
}

static uint8_t *
public_of(size_t i, size_t *len)
{
	return vectors[i].pub != NULL ? check_unhex(vectors[i].pub, len) :
	    check_vector("key_rsa4096_public.hex", len);
}

static void
the_vectors_go_both_ways(void)
{
	uint8_t out[P2P_KEY_PRIVATE_MAX], *priv, *pub;
	size_t i, privlen, publen, len;
	struct p2p_key *key;
	const uint8_t *p;

	for (i = 0; i < NVECTORS; i++) {
		priv = private_of(i, &privlen);
		pub = public_of(i, &publen);
		CHECK_OK(p2p_key_decode_private(priv, privlen, &key));
		CHECK_EQ(p2p_key_type(key), vectors[i].type);
		CHECK(p2p_key_is_private(key));
		p = p2p_key_public(key, &len);
		CHECK_BYTES(p, len, pub, publen);
		CHECK_OK(p2p_key_encode_private(key, out, &len));
		CHECK_BYTES(out, len, priv, privlen);
		p2p_key_free(key);

		CHECK_OK(p2p_key_decode_public(pub, publen, &key));
		CHECK(!p2p_key_is_private(key));
		p = p2p_key_public(key, &len);
		CHECK_BYTES(p, len, pub, publen);
		CHECK_ERR(p2p_key_encode_private(key, out, &len),
		    P2P_ERR_UNSUPPORTED);
		CHECK_ERR(p2p_key_sign(key, pub, publen, out, &len),
		    P2P_ERR_UNSUPPORTED);
		p2p_key_free(key);
		free(pub);
		free(priv);
	}
}

static void
the_ids_are_those_of_the_vectors(void)
{
	struct p2p_key *key, *inner;
	struct p2p_peer_id id;
	uint8_t *pub, *want;
	const uint8_t *p;
	size_t i, publen, wantlen, len;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i, &publen);
		want = check_unhex(vectors[i].id, &wantlen);
		CHECK_OK(p2p_key_decode_public(pub, publen, &key));
		p2p_peer_id_from_key(key, &id);
		CHECK_BYTES(id.bytes, id.len, want, wantlen);
		if (want[0] != 0) {
			CHECK_ERR(p2p_peer_id_key(&id, &inner),
			    P2P_ERR_NOT_FOUND);
		} else {
			CHECK_OK(p2p_peer_id_key(&id, &inner));
			p = p2p_key_public(inner, &len);
			CHECK_BYTES(p, len, pub, publen);
			p2p_key_free(inner);
		}
		p2p_key_free(key);
		free(want);
		free(pub);
	}
}

static void
an_id_that_holds_no_sound_key_has_none(void)
{
	struct p2p_peer_id id = { 0 };
	struct p2p_key *key;

	CHECK_ERR(p2p_peer_id_key(&id, &key), P2P_ERR_NOT_FOUND);
	id = (struct p2p_peer_id){ 6, { 0, 4, 8, 1, 0x12, 0 } };
	CHECK_ERR(p2p_peer_id_key(&id, &key), P2P_ERR_NOT_FOUND);
	id = (struct p2p_peer_id){ 3, { 0, 4, 8 } };
	CHECK_ERR(p2p_peer_id_key(&id, &key), P2P_ERR_NOT_FOUND);
}

static void
a_fresh_key_of_each_type_works_end_to_end(void)
{
	static const uint8_t msg[] = "a message";
	uint8_t priv[P2P_KEY_PRIVATE_MAX], sig[P2P_KEY_SIGNATURE_MAX];
	enum p2p_key_type type;
	struct p2p_key *key, *again, *copy;
	struct p2p_peer_id a, b;
	size_t len, siglen;

	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		CHECK_OK(p2p_key_generate(type, 0, &key));
		CHECK_OK(p2p_key_encode_private(key, priv, &len));
		CHECK_OK(p2p_key_decode_private(priv, len, &again));
		CHECK_OK(p2p_key_dup(again, &copy));
		p2p_key_free(again);
		CHECK(p2p_key_is_private(copy));
		p2p_peer_id_from_key(key, &a);
		p2p_peer_id_from_key(copy, &b);
		CHECK_BYTES(a.bytes, a.len, b.bytes, b.len);
		CHECK_OK(p2p_key_sign(copy, msg, sizeof(msg), sig, &siglen));
		CHECK_OK(p2p_key_verify(key, msg, sizeof(msg), sig, siglen));
		CHECK_ERR(p2p_key_verify(key, msg, sizeof(msg) - 1, sig,
		    siglen), P2P_ERR_SIGNATURE);
		p2p_key_free(copy);
		p2p_key_free(key);
	}
}

static void
two_fresh_keys_differ(void)
{
	struct p2p_key *a, *b;
	const uint8_t *p, *q;
	size_t n, m;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &a));
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &b));
	p = p2p_key_public(a, &n);
	q = p2p_key_public(b, &m);
	CHECK(n == m && memcmp(p, q, n) != 0);
	p2p_key_free(a);
	p2p_key_free(b);
}

static void
sizes_of_rsa_outside_the_range_are_not_made(void)
{
	static const unsigned bits[] = { 1, 512, 2047, 8193, 16384 };
	struct p2p_key *key;
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		CHECK_ERR(p2p_key_generate(P2P_KEY_RSA, bits[i], &key),
		    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(p2p_key_generate((enum p2p_key_type)4, 0, &key),
	    P2P_ERR_UNSUPPORTED);
}

static void
a_legacy_key_of_96_bytes_is_read_and_written_short(void)
{
	uint8_t out[P2P_KEY_PRIVATE_MAX], *in;
	struct p2p_key *key;
	size_t len, n;

	in = check_unhex(legacy, &len);
	CHECK_OK(p2p_key_decode_private(in, len, &key));
	CHECK_OK(p2p_key_encode_private(key, out, &n));
	CHECK_EQ(n, 4 + 64);
	CHECK_BYTES(out + 4, 64, in + 4, 64);
	p2p_key_free(key);
	in[len - 1] ^= 1;		/* the third part */
	CHECK_ERR(p2p_key_decode_private(in, len, &key), P2P_ERR_FORMAT);
	in[len - 1] ^= 1;
	in[4 + 32] ^= 1;		/* the second part */
	CHECK_ERR(p2p_key_decode_private(in, len, &key), P2P_ERR_FORMAT);
	free(in);
}

static int
decode_public(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_key *key;
	const uint8_t *p;
	size_t n;
	int e;

	(void)arg;
	if ((e = p2p_key_decode_public(bytes, len, &key)) != 0)
		return e;
	p = p2p_key_public(key, &n);
	CHECK_BYTES(p, n, bytes, len);	/* one encoding a key */
	p2p_key_free(key);
	return 0;
}

/* What passes in spite of a changed bit is still the key in arg. */
static int
decode_private(const uint8_t *bytes, size_t len, void *arg)
{
	const struct p2p_key *want = arg;
	struct p2p_key *key;
	const uint8_t *p, *q;
	size_t n, m;
	int e;

	if ((e = p2p_key_decode_private(bytes, len, &key)) != 0)
		return e;
	p = p2p_key_public(key, &n);
	q = p2p_key_public(want, &m);
	CHECK_BYTES(p, n, q, m);
	p2p_key_free(key);
	return 0;
}

static void
what_decodes_is_canonical_and_no_prefix_does(void)
{
	uint8_t *in;
	size_t i, len;

	for (i = 0; i < NVECTORS; i++) {
		in = public_of(i, &len);
		CHECK(mangle(in, len, 1, decode_public, NULL) > len);
		free(in);
	}
}

static void
no_changed_bit_makes_another_private_key(void)
{
	struct p2p_key *key;
	uint8_t *in;
	size_t i, len;

	for (i = 0; i < NVECTORS; i++) {
		if (vectors[i].type != P2P_KEY_ED25519 &&
		    vectors[i].type != P2P_KEY_ECDSA)
			continue;	/* no copy inside, or slow */
		in = private_of(i, &len);
		CHECK_OK(p2p_key_decode_private(in, len, &key));
		CHECK(mangle(in, len, 1, decode_private, key) > 8 * len);
		p2p_key_free(key);
		free(in);
	}
}

/* Each says what is wrong with it; the key is the first vector's. */
#define ED	"1ed1e8fae2c4a144b8be8fd4b47bf3d3" \
		"b34b871c3cacf6010f0e42d474fce27e"
#define X	"7777e994e452c21604f91de093ce415f" \
		"5432f701dd8cd1a7a6fea0e630bfca99"

static const struct {
	const char	*what;
	const char	*hex;
	int		 e;
} bad[] = {
	{ "nothing", "", P2P_ERR_FORMAT },
	{ "no type", "1220" ED, P2P_ERR_FORMAT },
	{ "data first", "1220" ED "0801", P2P_ERR_FORMAT },
	{ "no data", "0801", P2P_ERR_FORMAT },
	{ "empty data", "08011200", P2P_ERR_FORMAT },
	{ "long varint of type", "0881001220" ED, P2P_ERR_FORMAT },
	{ "long varint of length", "080112a000" ED, P2P_ERR_FORMAT },
	{ "a third field", "08011220" ED "1801", P2P_ERR_FORMAT },
	{ "the type twice", "080108011220" ED, P2P_ERR_FORMAT },
	{ "a type of the future", "08041220" ED, P2P_ERR_UNSUPPORTED },
	{ "31 bytes", "0801121f00112233445566778899aabbccddeeff0011223344556677"
	  "8899aabbccddee", P2P_ERR_FORMAT },
	{ "33 bytes", "08011221" ED "00", P2P_ERR_FORMAT },
	{ "a length beyond 2^62", "080112ffffffffffffffff7f" ED,
	  P2P_ERR_FORMAT },
	{ "secp256k1 prefix of 05", "0802122105" X, P2P_ERR_FORMAT },
	{ "secp256k1 infinity", "0802120100", P2P_ERR_FORMAT },
	{ "secp256k1 x is no point", "0802122102"
	  "0000000000000000000000000000000000000000000000000000000000000005",
	  P2P_ERR_FORMAT },
	{ "secp256k1 x beyond the field", "0802122102"
	  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	  P2P_ERR_FORMAT },
	{ "ECDSA point off the curve", "0803125b3059301306072a8648ce3d02010608"
	  "2a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f"
	  "162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb"
	  "4dcec034e9f77c409e63", P2P_ERR_FORMAT },
	{ "ECDSA point compressed", "0803123b3039301306072a8648ce3d02010608"
	  "2a8648ce3d03010703220002de3d300fa36ae0e8f5d530899d83abab44abf3161f"
	  "162a4bc901d8e6ecda020e", P2P_ERR_FORMAT },
	{ "RSA of nothing", "08001200", P2P_ERR_FORMAT },
};

static void
odd_public_keys_are_refused(void)
{
	struct p2p_key *key;
	uint8_t *in;
	size_t i, len;
	int e;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in = check_unhex(bad[i].hex, &len);
		e = p2p_key_decode_public(in, len, &key);
		if (e != bad[i].e)
			fprintf(stderr, "%s:\n", bad[i].what);
		CHECK_ERR(e, bad[i].e);
		free(in);
	}
}

static const char *const bad_private[] = {
	/* secp256k1: 0, the order, all ones, 31 bytes */
	"08021220" "00000000000000000000000000000000"
	"00000000000000000000000000000000",
	"08021220" "fffffffffffffffffffffffffffffffe"
	"baaedce6af48a03bbfd25e8cd0364141",
	"08021220" "ffffffffffffffffffffffffffffffff"
	"ffffffffffffffffffffffffffffffff",
	"0802121f" "00112233445566778899aabbccddeeff"
	"00112233445566778899aabbccddee",
	/* Ed25519: a seed alone; a public key of another seed */
	"08011220" ED,
	"08011240" ED ED,
	/* RSA, ECDSA: no DER */
	"080012020500", "080312020500", "08001200", "08031200",
};

static void
odd_private_keys_are_refused(void)
{
	struct p2p_key *key;
	uint8_t *in;
	size_t i, len;

	for (i = 0; i < sizeof(bad_private) / sizeof(bad_private[0]); i++) {
		in = check_unhex(bad_private[i], &len);
		CHECK_ERR(p2p_key_decode_private(in, len, &key),
		    P2P_ERR_FORMAT);
		free(in);
	}
}

static void
type_names_go_both_ways(void)
{
	enum p2p_key_type type, got;

	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		CHECK_OK(p2p_key_type_parse(p2p_key_type_name(type), &got));
		CHECK_EQ(got, type);
	}
	CHECK_STR(p2p_key_type_name(P2P_KEY_ED25519), "ed25519");
	CHECK_ERR(p2p_key_type_parse("dsa", &got), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(p2p_key_type_parse("", &got), P2P_ERR_UNSUPPORTED);
}

TESTS("key",
	{ "the vectors go both ways", the_vectors_go_both_ways },
	{ "the ids are those of the vectors",
	    the_ids_are_those_of_the_vectors },
	{ "a fresh key of each type works end to end",
	    a_fresh_key_of_each_type_works_end_to_end },
	{ "two fresh keys differ", two_fresh_keys_differ },
	{ "a legacy key of 96 bytes is read and written short",
	    a_legacy_key_of_96_bytes_is_read_and_written_short },
	{ "type names go both ways", type_names_go_both_ways },
	{ "sizes of RSA outside the range are not made",
	    sizes_of_rsa_outside_the_range_are_not_made },
	{ "an id that holds no sound key has none",
	    an_id_that_holds_no_sound_key_has_none },
	{ "odd public keys are refused", odd_public_keys_are_refused },
	{ "odd private keys are refused", odd_private_keys_are_refused },
	{ "what decodes is canonical and no prefix does",
	    what_decodes_is_canonical_and_no_prefix_does },
	{ "no changed bit makes another private key",
	    no_changed_bit_makes_another_private_key })
