/*
 * The handshake against published vectors: flynn/noise vectors.txt without
 * payloads, and a full libp2p handshake with the same keys.
 */
#include "security/noise_state.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/noise_msg.h"

#define MESSAGE_MAX	1024

/* flynn/noise: no payload in any message. */
static const char *const bare[NOISE_XX_MESSAGES] = {
	"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254",
	("64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466"
	"3414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4ef4ed56c133cff45"
	"60a34e36ea82109f26cf2e5a5caf992b608d55c747f615e5a3425a7a19eefb8f"),
	("87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9"
	"7e5ea11b16f3968710b23a3be3202dc1b5e1ce3c963347491e74f5c0768a9b42"),
};

/* libp2p/specs peer-ids.md, and the key of the envelope's vector. */
static const char dialer_key[] =
    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60f"
    "ee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
static const char listener_key[] =
    "0801124085fbe72b6064289004a531f967898df5319ee02992fdd84021fa5052434b"
    "f6ee11bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f6652105c91e2c4";

static const char dialer_payload[] =
    "0a24080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d4"
    "74fce27e1240a0381ec5f8954ac607c1059e453ca7d6bf2456009e8b7c262b06a418"
    "f3685dfc951b443e04084e41bbc282b6387462059ee65bc28d5b286d804a25f5c091"
    "6507220e120c2f79616d75782f312e302e30";
static const char listener_payload[] =
    "0a240801122011bba3ed1721948cefb4e50b0a0bb5cad8a6b52dc7b1a40f4f665210"
    "5c91e2c4124008552ea21b0e81684c37ce291a5dd432cd66314ab8638b76815d579f"
    "333953dc65242a6649be2f3a81c857409f44b16d3983f4fffa1f7bf09856d3dac50a"
    "1501220e120c2f79616d75782f312e302e30";

static const char *const full[NOISE_XX_MESSAGES] = {
	"358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254",
	("64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466"
	"3414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4ef4ed56c133cff45"
	"60a34e36ea82109f26cf2e5a5caf992b8b4dc7d75b05581997103f1de1a3bce9"
	"4db6ee95b8d5874b1c02206c68d267ff2f42c843a6d787e85f461ad356a748a9"
	"23342524e8ab99690c2a3f16cb70bf1ab7ce3ace81158d7b245e05494a5c6c1d"
	"a971f2ee7057f81bcbe284753559c1972f118f4daac61e5094216610cafd32b1"
	"ac73bf9b837316a6e27512692cb9070812c3a35aea83e6d1"),
	("87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9"
	"cc3253be043c9b3b7881680c584e9e6302320cd7b9b479fd98c480fafdd61f5e"
	"93858f566ed8b6e39a20b486d45185eb32978db15c655ce1de6fbbdffb953a0c"
	"39f0b45a87a12bdc01aee67172c64b22b78e1170970225393bcdaf4d88e502fc"
	"1b160fd8ebc2f9bab60db8d2f09cc148c20dbe810831018a8cbc9debef6fdb1c"
	"510dfc961b06f8a7e737aaa97fd3a09c49237bc421652b5d"),
};

static const char *const muxers[] = { "/yamux/1.0.0", NULL };

/* Consecutive byte values, as the vectors have them. */
static struct dh_pair
pair_from(uint8_t first)
{
	struct dh_pair p;
	size_t i;

	for (i = 0; i < DH_SIZE; i++)
		p.secret[i] = (uint8_t)(first + i);
	CHECK_OK(dh_from_secret(&p));
	return p;
}

static void
start(struct noise_xx *d, struct noise_xx *l)
{
	struct dh_pair s, e;

	s = pair_from(0x00);
	e = pair_from(0x20);
	CHECK_OK(noise_xx_init(d, true, &s, &e));
	s = pair_from(0x01);
	e = pair_from(0x41);
	CHECK_OK(noise_xx_init(l, false, &s, &e));
}

/* One message from a to b, as it must be, with a payload that arrives. */
static void
pass(struct noise_xx *a, struct noise_xx *b, const char *payload,
    const char *wire)
{
	uint8_t msg[MESSAGE_MAX], out[MESSAGE_MAX];
	size_t wantlen, len;
	uint8_t *want = check_unhex(wire, &wantlen);
	uint8_t *said = check_unhex(payload, &len);
	struct rd got;
	struct wr w;

	CHECK(noise_xx_speaks(a));
	CHECK(!noise_xx_speaks(b));
	wr_init(&w, msg, sizeof(msg));
	CHECK_OK(noise_xx_write(a, (struct rd){ said, len }, &w));
	CHECK_BYTES(msg, w.len, want, wantlen);
	CHECK_OK(noise_xx_read(b, (struct rd){ msg, w.len }, out, &got));
	CHECK_BYTES(got.p, got.len, said, len);
	free(want);
	free(said);
}

/* The first transport message of a direction. */
static void
carries(const uint8_t key[AEAD_KEY], const char *text, const char *wire)
{
	struct noise_half send = { NULL, 0 }, recv = { NULL, 0 };
	struct rd no_ad = { NULL, 0 };
	uint8_t buf[64], out[64];
	size_t len, n = strlen(text);
	uint8_t *want = check_unhex(wire, &len);

	CHECK_OK(aead_new(key, &send.aead));
	CHECK_OK(aead_new(key, &recv.aead));
	CHECK_OK(noise_half_seal(&send, no_ad, (const uint8_t *)text, n, buf));
	CHECK_BYTES(buf, n + AEAD_TAG, want, len);
	CHECK_OK(noise_half_open(&recv, no_ad, buf, n + AEAD_TAG, out));
	CHECK_BYTES(out, n, text, n);
	CHECK_ERR(noise_half_open(&recv, no_ad, buf, n + AEAD_TAG, out),
	    P2P_ERR_SECURITY);		/* a replay */
	aead_free(send.aead);
	aead_free(recv.aead);
	free(want);
}

static void
the_vector_without_payloads_holds(void)
{
	uint8_t dialer[AEAD_KEY], listener[AEAD_KEY];
	struct noise_xx d, l;

	start(&d, &l);
	pass(&d, &l, "", bare[0]);
	pass(&l, &d, "", bare[1]);
	pass(&d, &l, "", bare[2]);
	CHECK(noise_xx_done(&d) && noise_xx_done(&l));
	CHECK_OK(noise_xx_split(&d, dialer, listener));
	carries(dialer, "yellowsubmarine",
	    "a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6");
	carries(listener, "submarineyellow",
	    "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521");
	noise_xx_fini(&d);
	noise_xx_fini(&l);
}

static void
the_vector_of_a_libp2p_handshake_holds(void)
{
	uint8_t dialer[AEAD_KEY], listener[AEAD_KEY], *h;
	struct noise_xx d, l;
	size_t len;

	start(&d, &l);
	pass(&d, &l, "", full[0]);
	pass(&l, &d, listener_payload, full[1]);
	pass(&d, &l, dialer_payload, full[2]);
	h = check_unhex("f1036371ebe66adfeba843cfc6ec43c096f91279ae0ff84c00a9"
	    "8c14161d8268", &len);
	CHECK_BYTES(d.h, sizeof(d.h), h, len);
	CHECK_BYTES(l.h, sizeof(l.h), h, len);
	free(h);
	CHECK_OK(noise_xx_split(&l, dialer, listener));
	h = check_unhex("4759d15f0f4cfb9c3cef133e60b44ea3479cae90880a7e71df96"
	    "f111d78d5953", &len);
	CHECK_BYTES(dialer, sizeof(dialer), h, len);
	free(h);
	h = check_unhex("a8b5dce3cef845d63c9671c350eb15cbb50b6c6d5f0d3231d32d"
	    "711dab1ed191", &len);
	CHECK_BYTES(listener, sizeof(listener), h, len);
	free(h);
	carries(dialer, "ping", "ac22f220ecaa8e816e5700a3cad3d085288ab951");
	carries(listener, "pong", "275fa6494e794a7804925248f6f37dd47e3a466d");
	noise_xx_fini(&d);
	noise_xx_fini(&l);
}

static void
check_payload(const char *key_hex, uint8_t static_from, const char *payload)
{
	struct dh_pair s = pair_from(static_from);
	uint8_t sig[P2P_KEY_SIGNATURE_MAX], buf[MESSAGE_MAX], *bytes, *want;
	struct noise_claim claim;
	struct p2p_key *key = NULL;
	size_t len, siglen, wantlen;
	struct wr w;

	bytes = check_unhex(key_hex, &len);
	CHECK_OK(p2p_key_decode_private(bytes, len, &key));
	CHECK_OK(noise_sign(key, s.public, sig, &siglen));
	wr_init(&w, buf, sizeof(buf));
	noise_payload_put(key, (struct rd){ sig, siglen }, muxers, &w);
	want = check_unhex(payload, &wantlen);
	CHECK_BYTES(buf, w.len, want, wantlen);
	CHECK_OK(noise_payload_get((struct rd){ want, wantlen }, s.public,
	    muxers, &claim));
	CHECK(claim.lists);
	CHECK(claim.ours == muxers[0]);
	CHECK(claim.theirs == muxers[0]);
	p2p_key_free(claim.key);
	s.public[0] ^= 1;
	CHECK_ERR(noise_payload_get((struct rd){ want, wantlen }, s.public,
	    muxers, &claim), P2P_ERR_SECURITY);
	CHECK(claim.key == NULL);
	p2p_key_free(key);
	free(bytes);
	free(want);
}

static void
payloads_are_made_as_in_the_vector(void)
{
	check_payload(dialer_key, 0x00, dialer_payload);
	check_payload(listener_key, 0x01, listener_payload);
}

struct wanted {
	uint8_t	public[DH_SIZE];
};

static int
get_payload(const uint8_t *bytes, size_t len, void *arg)
{
	const struct wanted *want = arg;
	struct noise_claim claim;
	int e;

	e = noise_payload_get((struct rd){ bytes, len }, want->public, muxers,
	    &claim);
	p2p_key_free(claim.key);
	return e;
}

/* Flips in the muxers' field are no business of the signature's. */
static void
a_payload_cut_or_flipped_is_refused(void)
{
	struct dh_pair s = pair_from(0x00);
	struct wanted want;
	size_t len, refused;
	uint8_t *bytes = check_unhex(dialer_payload, &len);

	memcpy(want.public, s.public, DH_SIZE);
	refused = mangle(bytes, len, 0, get_payload, &want);
	CHECK(refused >= 8 * 102);	/* each bit of key and signature */
	free(bytes);
}

static void
an_oversized_payload_is_refused(void)
{
	static uint8_t big[NOISE_PAYLOAD_MAX + 1] = { 0x0a, 0 };
	struct noise_claim claim;
	uint8_t public[DH_SIZE] = { 0 };

	CHECK_ERR(noise_payload_get((struct rd){ big, sizeof(big) }, public,
	    muxers, &claim), P2P_ERR_SECURITY);
	CHECK_ERR(noise_payload_get((struct rd){ big, 0 }, public, muxers,
	    &claim), P2P_ERR_SECURITY);	/* no key */
}

struct stage {
	unsigned	message;	/* that is mangled */
};

/* A handshake whose message so and so is replaced. */
static int
run_with(const uint8_t *bytes, size_t len, void *arg)
{
	const struct stage *st = arg;
	const char *payloads[] = { "", listener_payload, dialer_payload };
	uint8_t msg[MESSAGE_MAX], *out = malloc(len > 0 ? len : 1), *said;
	struct noise_xx d, l, *a, *b;
	struct rd got;
	struct wr w;
	unsigned i;
	size_t n;
	int e = 0;

	start(&d, &l);
	for (i = 0; i <= st->message; i++) {
		a = i % 2 == 0 ? &d : &l;
		b = i % 2 == 0 ? &l : &d;
		said = check_unhex(payloads[i], &n);
		wr_init(&w, msg, sizeof(msg));
		CHECK_OK(noise_xx_write(a, (struct rd){ said, n }, &w));
		free(said);
		if (i == st->message)
			e = noise_xx_read(b, (struct rd){ bytes, len }, out,
			    &got);
		else
			CHECK_OK(noise_xx_read(b, (struct rd){ msg, w.len },
			    msg, &got));
	}
	noise_xx_fini(&d);
	noise_xx_fini(&l);
	free(out);
	return e;
}

/* The first is in the clear: its flips show in the second. */
static void
messages_cut_or_flipped_are_refused(void)
{
	struct stage st;
	uint8_t *bytes;
	size_t len;

	st.message = 0;
	bytes = check_unhex(full[0], &len);
	CHECK_EQ(mangle(bytes, len, 1, run_with, &st), len);
	free(bytes);
	for (st.message = 1; st.message < NOISE_XX_MESSAGES; st.message++) {
		bytes = check_unhex(full[st.message], &len);
		CHECK_EQ(mangle(bytes, len, 1, run_with, &st), 9 * len);
		free(bytes);
	}
}

static void
points_of_low_order_are_refused(void)
{
	/* RFC 7748, 6.1, and cr.yp.to/ecdh.html: 0, 1, p - 1, p, p + 1. */
	static const char *const points[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
	};
	uint8_t msg[MESSAGE_MAX], shared[DH_SIZE], *point;
	struct dh_pair ours = pair_from(0x00);
	struct noise_xx d, l;
	struct rd got;
	struct wr w;
	size_t i, len;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		point = check_unhex(points[i], &len);
		CHECK_ERR(dh_shared(&ours, point, shared), P2P_ERR_SECURITY);
		start(&d, &l);
		CHECK_OK(noise_xx_read(&l, (struct rd){ point, len }, msg,
		    &got));
		wr_init(&w, msg, sizeof(msg));
		CHECK_ERR(noise_xx_write(&l, (struct rd){ NULL, 0 }, &w),
		    P2P_ERR_SECURITY);
		noise_xx_fini(&d);
		noise_xx_fini(&l);
		free(point);
	}
}

/* Section 5.1: 2^64 - 1 is reserved, and there is no rekeying. */
static void
nonces_end(void)
{
	static const uint8_t key[AEAD_KEY] = { 1 };
	struct noise_half send = { NULL, NOISE_NONCE_END - 1 };
	struct noise_half recv = { NULL, NOISE_NONCE_END - 1 };
	struct rd no_ad = { NULL, 0 };
	uint8_t buf[3 + AEAD_TAG];
	int i;

	CHECK_OK(aead_new(key, &send.aead));
	CHECK_OK(aead_new(key, &recv.aead));
	CHECK_OK(noise_half_seal(&send, no_ad, (const uint8_t *)"end", 3,
	    buf));
	CHECK_OK(noise_half_open(&recv, no_ad, buf, sizeof(buf), buf));
	CHECK_BYTES(buf, 3, "end", 3);
	for (i = 0; i < 2; i++) {
		CHECK_ERR(noise_half_seal(&send, no_ad, buf, 3, buf),
		    P2P_ERR_SECURITY);
		CHECK_ERR(noise_half_open(&recv, no_ad, buf, sizeof(buf),
		    buf), P2P_ERR_SECURITY);
	}
	CHECK_EQ(send.nonce, NOISE_NONCE_END);
	aead_free(send.aead);
	aead_free(recv.aead);
}

/* RFC 8439, 2.8.2 has another form of nonce; 5869, A.3 has no salt and info. */
static void
the_primitives_are_what_they_say(void)
{
	uint8_t known[22], out[42], *want;
	size_t len;

	memset(known, 0x0b, sizeof(known));
	CHECK_OK(hash_hkdf((struct rd){ NULL, 0 },
	    (struct rd){ known, sizeof(known) }, out, sizeof(out)));
	want = check_unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3"
	    "454e5f3c738d2d9d201395faa4b61a96c8", &len);
	CHECK_BYTES(out, sizeof(out), want, len);
	free(want);
	CHECK_OK(hash_sha256_pair((struct rd){ (const uint8_t *)"a", 1 },
	    (struct rd){ (const uint8_t *)"bc", 2 }, out));
	want = check_unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
	    "10ff61f20015ad", &len);
	CHECK_BYTES(out, HASH_SHA256_SIZE, want, len);
	free(want);
}

TESTS("noise_state",
    { "the vector without payloads holds", the_vector_without_payloads_holds },
    { "the vector of a libp2p handshake holds",
      the_vector_of_a_libp2p_handshake_holds },
    { "payloads are made as in the vector",
      payloads_are_made_as_in_the_vector },
    { "a payload cut or flipped is refused",
      a_payload_cut_or_flipped_is_refused },
    { "an oversized payload is refused", an_oversized_payload_is_refused },
    { "messages cut or flipped are refused",
      messages_cut_or_flipped_are_refused },
    { "points of low order are refused", points_of_low_order_are_refused },
    { "nonces end", nonces_end },
    { "the primitives are what they say", the_primitives_are_what_they_say })
