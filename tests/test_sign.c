#include "crypto/sign.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "check.h"
#include "crypto/hash.h"
#include "crypto/rand.h"
#include "crypto/wipe.h"
#include "p2p/error.h"

static const char go_msg[] = "Libp2p is the _best_!";
static const char js_msg[] =
    "hello! and welcome to some awesome crypto primitives";

/*
 * Made by others: go-libp2p core/crypto/test_data, js-libp2p
 * packages/crypto/test/fixtures.  NULL: in vectors/.  The ECDSA one has a high
 * S.  det: signing the same must yield the same.
 */
static const struct {
	enum p2p_key_type	 type;
	const char		*msg;
	const char		*priv;
	const char		*pub;
	const char		*sig;
	bool			 det;
} vectors[] = {
	{ P2P_KEY_RSA, go_msg, NULL, NULL, NULL, false },
	{ P2P_KEY_SECP256K1, go_msg,
	  "3141bd606a504c44f23494d8f3174ef25b1fb9b52daa07d058be83b6e046b158",
	  "02"
	  "3540ad842af8a43551a94d8383a555a99226506b88f953d2e70316a3a1b3d6a2",
	  "3044022031a7d633c2f3e45a16128d43751afaa8dc9ba24092c5f5b3cad2c8fe4c"
	  "f388f2022049ea8d219f458683d24775d543ea8fb290704347fb35493c403bc2c2"
	  "59b29d9e", false },
	{ P2P_KEY_SECP256K1, js_msg,
	  "358f15db8c2014d570e8e3a622454e2273975a3cca443ec0c45375b13d381d18",
	  "029c0ce5d53646ed47112560297a3e59b78b8cbd4bae37c7a0c236eeb91d0fbeaf",
	  "304402200e4c629e9f5d99439115e60989cd40087f6978c36078b0b50cf3d30af5"
	  "c38d4102204110342c8e7f0809897c1c7a66e49e1c6b7cb0a6ed6993640ec2fe74"
	  "2c1899a9", false },
	{ P2P_KEY_ECDSA, go_msg, NULL,
	  "3059301306072a8648ce3d020106082a8648ce3d03010703420004e29a8674f361"
	  "4e0ccb72406bfe2137e9f8c5f7d62d137f0a2edd233e35374777fd1f9aed4d2cfa"
	  "7371caafc6ef02db83b81f77cfe1bcd8c715acf0b9a2778ea9",
	  "3046022100846a6685b9e72b560cb2fc4a75f9cbc38a90aaeaa7f3f25ee719832d"
	  "b7b93a65022100cd992bb7bd2bcc28c7db04987d10adc490fe348270954f7696cb"
	  "0dffff0dfc3d", false },
	{ P2P_KEY_ED25519, js_msg,
	  "e838af14f0a0132f5c5873dda40d24a29e88f71f1de74c8f0c5bc10458214317",
	  "a3b0c32ffed03105c066203f3acaab9992a419d4195b921a75a59406cf5ad97e",
	  "a07d1e3ed5bdef5c574ccda9fb95bb396055afd51684e53cc41275c20cae871f27"
	  "a8ae674e3725de25acdeef993fc59843a7bfd7a1d4d8a3514d2de4974f6501",
	  true },
	{ P2P_KEY_ED25519, js_msg,
	  "c9d0016eb010e62542b895fc4e38ce8802267698e2c575c836bd9cdab8077639",
	  "e931dd61a49ef18149a6e1ffc1761654370ff9a8e1b4c6bf0e4bbbf3965be825",
	  "07e6afa4e43a4ed03ef3498e53c3b0d9a63e29a5a8a44bb3a3566620125496ed27"
	  "cfd51486ed3229b0b7e58526ff2ae444ba640eaf9cf3767d7d78d47c67fc0c",
	  true },
};

#define NVECTORS	(sizeof(vectors) / sizeof(vectors[0]))

/* SEC 2, 2.4.1: the order of secp256k1, halved. */
static const uint8_t secp_half[] = {
	0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d,
	0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
};

static struct rd
text(const char *s)
{
	return (struct rd){ (const uint8_t *)s, strlen(s) };
}

static struct rd
public_of(size_t i)
{
	struct rd r;

	r.p = vectors[i].pub != NULL ? check_unhex(vectors[i].pub, &r.len) :
	    check_vector("sign_rsa2048_public.hex", &r.len);
	return r;
}

static struct rd
sig_of(size_t i)
{
	struct rd r;

	r.p = vectors[i].sig != NULL ? check_unhex(vectors[i].sig, &r.len) :
	    check_vector("sign_rsa2048_sig.hex", &r.len);
	return r;
}

static void
drop(struct rd r)
{
	free((void *)(uintptr_t)r.p);
}

static void
signatures_of_other_implementations_verify(void)
{
	struct sign_key *key;
	struct rd pub, sig;
	size_t i;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i);
		sig = sig_of(i);
		CHECK_OK(sign_import_public(vectors[i].type, pub, &key));
		CHECK_OK(sign_verify(key, text(vectors[i].msg), sig));
		sign_free(key);
		drop(sig);
		drop(pub);
	}
}

static void
private_keys_yield_the_public_ones_and_sign_alike(void)
{
	uint8_t buf[SIGN_PUBLIC_MAX], mine[P2P_KEY_SIGNATURE_MAX];
	struct sign_key *key;
	struct rd pub, sig, priv;
	size_t i, len;
	struct wr w;

	for (i = 0; i < NVECTORS; i++) {
		if (vectors[i].priv == NULL)
			continue;
		pub = public_of(i);
		sig = sig_of(i);
		priv.p = check_unhex(vectors[i].priv, &priv.len);
		CHECK_OK(sign_import_private(vectors[i].type, priv, &key));
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(sign_export_public(key, &w));
		CHECK_BYTES(buf, w.len, pub.p, pub.len);
		wr_init(&w, buf, sizeof(buf));
		CHECK_OK(sign_export_private(key, &w));
		CHECK_BYTES(buf, w.len, priv.p, priv.len);
		CHECK_OK(sign_sign(key, text(vectors[i].msg), mine, &len));
		if (vectors[i].det)
			CHECK_BYTES(mine, len, sig.p, sig.len);
		CHECK_OK(sign_verify(key, text(vectors[i].msg),
		    (struct rd){ mine, len }));
		sign_free(key);
		drop(priv);
		drop(sig);
		drop(pub);
	}
}

/* RUSTSEC-2019-0004: a check that is always true passes every other test. */
static void
no_changed_bit_of_a_signature_or_message_verifies(void)
{
	struct sign_key *key;
	struct rd pub, sig;
	uint8_t *s, msg[64];
	size_t i, j, n;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i);
		sig = sig_of(i);
		s = (uint8_t *)(uintptr_t)sig.p;
		n = strlen(vectors[i].msg);
		memcpy(msg, vectors[i].msg, n);
		CHECK_OK(sign_import_public(vectors[i].type, pub, &key));
		for (j = 0; j < 8 * sig.len; j++) {
			s[j / 8] ^= (uint8_t)(1u << j % 8);
			CHECK_ERR(sign_verify(key, (struct rd){ msg, n }, sig),
			    P2P_ERR_SIGNATURE);
			s[j / 8] ^= (uint8_t)(1u << j % 8);
		}
		for (j = 0; j < 8 * n; j++) {
			msg[j / 8] ^= (uint8_t)(1u << j % 8);
			CHECK_ERR(sign_verify(key, (struct rd){ msg, n }, sig),
			    P2P_ERR_SIGNATURE);
			msg[j / 8] ^= (uint8_t)(1u << j % 8);
		}
		for (j = 0; j < sig.len; j++)
			CHECK_ERR(sign_verify(key, (struct rd){ msg, n },
			    (struct rd){ sig.p, j }), P2P_ERR_SIGNATURE);
		CHECK_OK(sign_verify(key, (struct rd){ msg, n }, sig));
		sign_free(key);
		drop(sig);
		drop(pub);
	}
}

static void
no_changed_bit_of_a_public_key_verifies(void)
{
	struct sign_key *key;
	struct rd pub, sig;
	uint8_t *p;
	size_t i, j;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i);
		sig = sig_of(i);
		p = (uint8_t *)(uintptr_t)pub.p;
		for (j = 0; j < 8 * pub.len; j++) {
			p[j / 8] ^= (uint8_t)(1u << j % 8);
			if (sign_import_public(vectors[i].type, pub,
			    &key) == 0) {
				CHECK_ERR(sign_verify(key,
				    text(vectors[i].msg), sig),
				    P2P_ERR_SIGNATURE);
				sign_free(key);
			}
			p[j / 8] ^= (uint8_t)(1u << j % 8);
		}
		drop(sig);
		drop(pub);
	}
}

static void
a_longer_signature_is_refused(void)
{
	static uint8_t longer[P2P_KEY_SIGNATURE_MAX + 2];
	struct sign_key *key;
	struct rd pub, sig;
	size_t i;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i);
		sig = sig_of(i);
		memset(longer, 0, sizeof(longer));
		memcpy(longer, sig.p, sig.len);
		CHECK_OK(sign_import_public(vectors[i].type, pub, &key));
		CHECK_ERR(sign_verify(key, text(vectors[i].msg),
		    (struct rd){ longer, sig.len + 1 }), P2P_ERR_SIGNATURE);
		CHECK_ERR(sign_verify(key, text(vectors[i].msg),
		    (struct rd){ longer, sizeof(longer) }), P2P_ERR_SIGNATURE);
		sign_free(key);
		drop(sig);
		drop(pub);
	}
}

/* The s of 30 len 02 rlen r 02 slen s, as 32 bytes. */
static void
s_of(const uint8_t *sig, uint8_t out[32])
{
	const uint8_t *s = sig + 4 + sig[3] + 2;
	size_t len = s[-1];

	if (len == 33) {
		s++;
		len--;
	}
	memset(out, 0, 32);
	memcpy(out + 32 - len, s, len);
}

/* Half of them would have a high one by themselves. */
static void
secp256k1_signs_with_a_low_s(void)
{
	uint8_t sig[P2P_KEY_SIGNATURE_MAX], s[32], i;
	struct sign_key *key;
	struct rd msg = { &i, 1 };
	size_t len;

	CHECK_OK(sign_generate(P2P_KEY_SECP256K1, 0, &key));
	for (i = 0; i < 64; i++) {
		CHECK_OK(sign_sign(key, msg, sig, &len));
		CHECK_EQ(sig[1], len - 2);
		s_of(sig, s);
		CHECK(memcmp(s, secp_half, sizeof(s)) <= 0);
		CHECK_OK(sign_verify(key, msg, (struct rd){ sig, len }));
	}
	sign_free(key);
}

/* X.690, 8.1.3: a tag and a length. */
static void
der(struct wr *w, uint8_t tag, size_t len)
{
	wr_u8(w, tag);
	if (len > 0xff)
		wr_u8(w, 0x82);
	else if (len > 0x7f)
		wr_u8(w, 0x81);
	if (len > 0xff)
		wr_u8(w, (uint8_t)(len >> 8));
	wr_u8(w, (uint8_t)len);
}

static size_t
der_len(size_t len)
{
	return len + (len > 0xff ? 4 : len > 0x7f ? 3 : 2);
}

/* An RSA SubjectPublicKeyInfo with a modulus of so many bits. */
static struct rd
rsa_of(unsigned bits, const uint8_t *exp, size_t explen, bool odd)
{
	static const uint8_t alg[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86,
	    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	size_t nlen = (bits + 7) / 8, pad = bits % 8 == 0, seq, i;
	uint8_t *buf = malloc(4096);
	struct wr w;

	wr_init(&w, buf, 4096);
	seq = der_len(pad + nlen) + der_len(explen);
	der(&w, 0x30, sizeof(alg) + der_len(1 + der_len(seq)));
	wr_bytes(&w, alg, sizeof(alg));
	der(&w, 0x03, 1 + der_len(seq));
	wr_u8(&w, 0);
	der(&w, 0x30, seq);
	der(&w, 0x02, pad + nlen);
	if (pad)
		wr_u8(&w, 0);
	wr_u8(&w, (uint8_t)(1u << (bits + 7) % 8));
	for (i = 1; i < nlen; i++)
		wr_u8(&w, i < nlen - 1 || odd ? 0x5b : 0x5a);
	der(&w, 0x02, explen);
	wr_bytes(&w, exp, explen);
	return (struct rd){ buf, w.len };
}

static const uint8_t f4[] = { 1, 0, 1 };

static void
rsa_outside_the_range_is_refused_at_once(void)
{
	static const struct {
		unsigned bits;
		int	 e;
	} sizes[] = {
		{ 512, P2P_ERR_UNSUPPORTED }, { 1024, P2P_ERR_UNSUPPORTED },
		{ 2047, P2P_ERR_UNSUPPORTED },
		{ 2048, 0 }, { 3072, 0 }, { 4096, 0 }, { 8192, 0 },
		{ 8193, P2P_ERR_UNSUPPORTED }, { 16384, P2P_ERR_UNSUPPORTED },
	};
	struct timespec t0, t1;
	struct sign_key *key;
	struct rd in;
	long us;
	size_t i;
	int e;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		in = rsa_of(sizes[i].bits, f4, sizeof(f4), true);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
		e = sign_import_public(P2P_KEY_RSA, in, &key);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
		if (e == 0)
			sign_free(key);
		us = (t1.tv_sec - t0.tv_sec) * 1000000 +
		    (t1.tv_nsec - t0.tv_nsec) / 1000;
		CHECK_ERR(e, sizes[i].e);
		CHECK(us < 20000);	/* a few hundred, without sanitizers */
		drop(in);
	}
}

static void
rsa_of_odd_numbers_is_refused(void)
{
	static const uint8_t even[] = { 1, 0, 0 }, one[] = { 1 },
	    wide[] = { 1, 0, 0, 0, 1 }, negative[] = { 0x81, 0, 1 },
	    padded[] = { 0, 1, 0, 1 };
	static const struct rd exps[] = {
		{ even, sizeof(even) }, { one, sizeof(one) },
		{ wide, sizeof(wide) }, { negative, sizeof(negative) },
		{ padded, sizeof(padded) },
	};
	struct sign_key *key;
	struct rd in;
	size_t i;

	for (i = 0; i < sizeof(exps) / sizeof(exps[0]); i++) {
		in = rsa_of(2048, exps[i].p, exps[i].len, true);
		CHECK_ERR(sign_import_public(P2P_KEY_RSA, in, &key),
		    P2P_ERR_FORMAT);
		drop(in);
	}
	in = rsa_of(2048, f4, sizeof(f4), false);
	CHECK_ERR(sign_import_public(P2P_KEY_RSA, in, &key), P2P_ERR_FORMAT);
	drop(in);
}

static void
a_key_of_one_type_is_not_taken_for_another(void)
{
	enum p2p_key_type type;
	struct sign_key *key;
	struct rd pub;
	size_t i;

	for (i = 0; i < NVECTORS; i++) {
		pub = public_of(i);
		for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++)
			if (type != vectors[i].type)
				CHECK_ERR(sign_import_public(type, pub, &key),
				    P2P_ERR_FORMAT);
		CHECK_ERR(sign_import_public((enum p2p_key_type)7, pub, &key),
		    P2P_ERR_UNSUPPORTED);
		drop(pub);
	}
}

/* P-384 in SEC 1: the right algorithm on a curve that libp2p has not. */
static void
another_curve_is_unsupported(void)
{
	static const char p384[] =
	    "303e0201010430"
	    "000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000001"
	    "a00706052b81040022";
	struct sign_key *key;
	struct rd in;

	in.p = check_unhex(p384, &in.len);
	CHECK_ERR(sign_import_private(P2P_KEY_ECDSA, in, &key),
	    P2P_ERR_UNSUPPORTED);
	drop(in);
}

/* FIPS 180-4 examples, "abc". */
static void
the_hash_is_sha_256(void)
{
	uint8_t got[HASH_SHA256_SIZE], *want;
	size_t len;

	want = check_unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
	    "10ff61f20015ad", &len);
	CHECK_OK(hash_sha256("abc", 3, got));
	CHECK_BYTES(got, sizeof(got), want, len);
	free(want);
}

static void
random_bytes_differ_and_wiped_ones_are_zero(void)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 }, zero[32] = { 0 };

	CHECK_OK(rand_bytes(a, sizeof(a)));
	CHECK_OK(rand_bytes(b, sizeof(b)));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK(memcmp(a, zero, sizeof(a)) != 0);
	wipe(a, sizeof(a));
	CHECK_BYTES(a, sizeof(a), zero, sizeof(zero));
	wipe(NULL, 0);
	CHECK_OK(rand_bytes(NULL, 0));
}

TESTS("sign",
	{ "the hash is SHA-256", the_hash_is_sha_256 },
	{ "random bytes differ and wiped ones are zero",
	    random_bytes_differ_and_wiped_ones_are_zero },
	{ "signatures of other implementations verify",
	    signatures_of_other_implementations_verify },
	{ "private keys yield the public ones and sign alike",
	    private_keys_yield_the_public_ones_and_sign_alike },
	{ "secp256k1 signs with a low S", secp256k1_signs_with_a_low_s },
	{ "no changed bit of a signature or message verifies",
	    no_changed_bit_of_a_signature_or_message_verifies },
	{ "no changed bit of a public key verifies",
	    no_changed_bit_of_a_public_key_verifies },
	{ "a longer signature is refused", a_longer_signature_is_refused },
	{ "RSA outside the range is refused at once",
	    rsa_outside_the_range_is_refused_at_once },
	{ "RSA of odd numbers is refused", rsa_of_odd_numbers_is_refused },
	{ "a key of one type is not taken for another",
	    a_key_of_one_type_is_not_taken_for_another },
	{ "another curve is unsupported", another_curve_is_unsupported })
