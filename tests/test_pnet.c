/*
 * The keystreams of a private network against the vectors of others, in every
 * segmentation, and in two threads.  Without libsodium test_pnet_none.c is run
 * in place of this.
 */
#include "security/pnet.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "check.h"
#include "crypto/hash.h"
#include "crypto/xsalsa20.h"
#include "p2p/error.h"

#define SOME	200		/* three blocks and a bit */
#define MUCH	(1024 * 1024 + 13)

/* The key of rust-libp2p's transports/pnet; the nonce 00 to 17. */
#define KEY	"6189c5cf0b87fb800c1a9feeda73c6ab" \
		"5e998db48fb9e6a978575c770ceef683"
#define NONCE	"000102030405060708090a0b0c0d0e0f1011121314151617"

int	__real_rand_bytes(void *out, size_t len);
int	__wrap_rand_bytes(void *out, size_t len);
void	__real_free(void *p);
void	__wrap_free(void *p);

/* What the next rand_bytes() does: its bytes, or its failure. */
static const uint8_t *fixed_nonce;
static bool no_rand;

/* Whether what is freed still holds this. */
static const void *watched, *secret;
static bool secret_left;

int
__wrap_rand_bytes(void *out, size_t len)
{
	if (no_rand) {
		memset(out, 0, len);
		return P2P_ERR_CRYPTO;
	}
	if (fixed_nonce == NULL)
		return __real_rand_bytes(out, len);
	CHECK_EQ(len, PNET_NONCE);
	memcpy(out, fixed_nonce, len);
	return 0;
}

void
__wrap_free(void *p)
{
	if (p != NULL && p == watched)
		secret_left = memmem(p, malloc_usable_size(p), secret,
		    P2P_PSK_SIZE) != NULL;
	__real_free(p);
}

static struct p2p_psk
psk_of(const char *hex)
{
	uint8_t *bytes;
	struct p2p_psk psk;
	size_t len;

	bytes = check_unhex(hex, &len);
	CHECK_FATAL(len == sizeof(psk.key));
	memcpy(psk.key, bytes, len);
	free(bytes);
	return psk;
}

static struct pnet *
end_new(const struct p2p_psk *psk)
{
	struct pnet *p = NULL;

	CHECK(p2p_pnet_available());
	CHECK_OK(pnet_new(psk, &p));
	CHECK_FATAL(p != NULL);
	return p;
}

/* With this nonce for ours. */
static struct pnet *
end_fixed(const struct p2p_psk *psk, const char *nonce)
{
	struct pnet *p;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(nonce, &len);
	fixed_nonce = bytes;
	p = end_new(psk);
	fixed_nonce = NULL;
	free(bytes);
	return p;
}

static void
shake128_is_that_of_fips_202(void)
{
	static const uint8_t empty[] = { 0x7f, 0x9c, 0x2b, 0xa4, 0xe8, 0x8f,
	    0x82, 0x7d, 0x61, 0x60, 0x45, 0x50, 0x76, 0x05, 0x85, 0x3e };
	uint8_t out[40], half[16];

	CHECK_OK(hash_shake128("", 0, out, sizeof(out)));
	CHECK_BYTES(out, sizeof(empty), empty, sizeof(empty));
	CHECK_OK(hash_shake128("", 0, half, sizeof(half)));
	CHECK_BYTES(half, sizeof(half), out, sizeof(half));
}

/* Zeros, sealed, are the keystream. */
static void
seals_to(const char *key, const char *nonce, const char *stream)
{
	struct p2p_psk psk = psk_of(key);
	struct pnet *p = end_fixed(&psk, nonce);
	uint8_t *want, *got;
	size_t len;

	want = check_unhex(stream, &len);
	got = calloc(1, len);
	pnet_seal(p, got, len);
	CHECK_BYTES(got, len, want, len);
	free(got);
	free(want);
	pnet_free(p);
}

static void
the_keystreams_are_those_of_nacl(void)
{
	/* NaCl's own, as in go's x/crypto/salsa20. */
	seals_to("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f6"
	    "8389", "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37",
	    "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880");
	seals_to(KEY, NONCE,
	    "20847ee9fb08cb6a2da5306341e2cc059972d4d8b5c9c16e04c5c5f0cf8a15e7"
	    "5e5c6b5fa06471a6f43a3212f4b28e5917255c07683849a5ad0b7bca72fc8013");
}

static void
the_header_of_multistream_goes_as_in_the_vector(void)
{
	static const char header[] = "\x13" "/multistream/1.0.0\n";
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *us = end_fixed(&psk, NONCE), *them = end_new(&psk);
	uint8_t *wire, out[PNET_NONCE + sizeof(header) - 1];
	size_t len, n;

	wire = check_unhex(NONCE "33ab139c977ca21959d755022ccdfd2ba95ce4d2",
	    &len);
	memcpy(out, pnet_nonce(us), PNET_NONCE);
	memcpy(out + PNET_NONCE, header, sizeof(header) - 1);
	pnet_seal(us, out + PNET_NONCE, sizeof(header) - 1);
	CHECK_BYTES(out, sizeof(out), wire, len);
	n = len;
	pnet_open(them, wire, &n);
	CHECK_BYTES(wire, n, header, sizeof(header) - 1);
	free(wire);
	pnet_free(us);
	pnet_free(them);
}

/* Blocks 2^32 - 1 and 2^32, by an implementation of its own in Python. */
static void
a_stream_goes_on_behind_256_gib(void)
{
	struct p2p_psk psk = psk_of(KEY);
	uint8_t *nonce, *want, got[2 * XSALSA20_BLOCK] = { 0 };
	struct xsalsa20 x;
	size_t len, i;

	nonce = check_unhex(NONCE, &len);
	want = check_unhex(
	    "f64be178e94da9530095e19154b497f3c6002dccd9d4b0b8b94fe70dc7bb79d6"
	    "e3a5665bf2a9464be124f6392f28e6287a31f61aaa2dad16c912ae6006183db5"
	    "616c0a94c2e7562ea681fc3e303096c0a4d1947beb6d3b4c132084294b50e442"
	    "658ff04e0fda36bce9ee05ad0b3a1731214424e1a63684d58b981371a8b87e8d",
	    &len);
	xsalsa20_init(&x, psk.key, nonce);
	x.block = UINT32_MAX;
	xsalsa20_xor(&x, got, sizeof(got));
	CHECK_BYTES(got, sizeof(got), want, len);
	memset(got, 0, sizeof(got));
	xsalsa20_init(&x, psk.key, nonce);
	x.block = UINT32_MAX;
	for (i = 0; i < sizeof(got); i++)
		xsalsa20_xor(&x, got + i, 1);
	CHECK_BYTES(got, sizeof(got), want, len);
	free(nonce);
	free(want);
}

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7);
}

/* len bytes of plaintext and what the wire of NONCE carries for them. */
static void
message(size_t len, uint8_t *plain, uint8_t *wire)
{
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *p = end_fixed(&psk, NONCE);
	size_t i;

	for (i = 0; i < len; i++)
		plain[i] = pattern(i);
	memcpy(wire, pnet_nonce(p), PNET_NONCE);
	memcpy(wire + PNET_NONCE, plain, len);
	pnet_seal(p, wire + PNET_NONCE, len);
	pnet_free(p);
}

/* The next piece: the first one's size, then the others'. */
static size_t
piece(size_t at, size_t len, size_t first, size_t then)
{
	size_t n = at == 0 && first > 0 ? first : then;

	return n < len - at ? n : len - at;
}

/* Each piece stands in a malloc of its exact size. */
static void
seals_in(const uint8_t *plain, const uint8_t *wire, size_t len, size_t first,
    size_t then)
{
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *p = end_fixed(&psk, NONCE);
	uint8_t *buf, *got = malloc(len);
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = piece(at, len, first, then);
		buf = malloc(n);
		memcpy(buf, plain + at, n);
		pnet_seal(p, buf, n);
		memcpy(got + at, buf, n);
		free(buf);
	}
	CHECK(memcmp(got, wire + PNET_NONCE, len) == 0);
	free(got);
	pnet_free(p);
}

static void
opens_in(const uint8_t *plain, const uint8_t *wire, size_t len, size_t first,
    size_t then)
{
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *p = end_new(&psk);
	uint8_t *buf, *got = malloc(len + PNET_NONCE);
	size_t at, n, left, have = 0;

	for (at = 0; at < len + PNET_NONCE; at += n) {
		n = left = piece(at, len + PNET_NONCE, first, then);
		buf = malloc(n);
		memcpy(buf, wire + at, n);
		pnet_open(p, buf, &left);
		CHECK_EQ(left, at + n <= PNET_NONCE ? 0 :
		    at >= PNET_NONCE ? n : at + n - PNET_NONCE);
		memcpy(got + have, buf, left);
		have += left;
		free(buf);
	}
	CHECK_EQ(have, len);
	CHECK(memcmp(got, plain, len) == 0);
	free(got);
	pnet_free(p);
}

static void
every_segmentation_is_the_same_stream(void)
{
	uint8_t plain[SOME], wire[PNET_NONCE + SOME];
	size_t first, then;

	message(SOME, plain, wire);
	for (then = 1; then <= SOME + PNET_NONCE; then++) {
		seals_in(plain, wire, SOME, 0, then);
		opens_in(plain, wire, SOME, 0, then);
	}
	for (first = 1; first <= SOME + PNET_NONCE; first++) {
		for (then = 62; then <= 66; then++) {
			seals_in(plain, wire, SOME, first, then);
			opens_in(plain, wire, SOME, first, then);
		}
		seals_in(plain, wire, SOME, first, SIZE_MAX);
		opens_in(plain, wire, SOME, first, SIZE_MAX);
	}
}

static void
a_big_buffer_is_the_same_stream(void)
{
	uint8_t *plain = malloc(MUCH), *wire = malloc(PNET_NONCE + MUCH);

	message(MUCH, plain, wire);
	seals_in(plain, wire, MUCH, 1, 65535);
	opens_in(plain, wire, MUCH, 1, 65535);
	opens_in(plain, wire, MUCH, 0, SIZE_MAX);
	free(plain);
	free(wire);
}

static void
nothing_is_left_of_no_bytes(void)
{
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *us = end_new(&psk), *them = end_new(&psk);
	uint8_t nonce[PNET_NONCE], one = 'x';
	size_t len = 0;

	pnet_open(us, NULL, &len);
	CHECK_EQ(len, 0);
	pnet_seal(them, NULL, 0);
	memcpy(nonce, pnet_nonce(them), PNET_NONCE);
	len = PNET_NONCE;
	pnet_open(us, nonce, &len);
	CHECK_EQ(len, 0);
	pnet_open(us, NULL, &len);
	CHECK_EQ(len, 0);
	pnet_seal(them, &one, 1);
	len = 1;
	pnet_open(us, &one, &len);
	CHECK_EQ(len, 1);
	CHECK_EQ(one, 'x');
	pnet_free(us);
	pnet_free(them);
}

static void
each_end_draws_a_nonce_of_its_own(void)
{
	struct p2p_psk psk = psk_of(KEY);
	struct pnet *a = end_new(&psk), *b = end_new(&psk), *c = NULL;
	uint8_t x[SOME] = { 0 }, y[SOME] = { 0 };

	CHECK(memcmp(pnet_nonce(a), pnet_nonce(b), PNET_NONCE) != 0);
	pnet_seal(a, x, SOME);
	pnet_seal(b, y, SOME);
	CHECK(memcmp(x, y, SOME) != 0);
	no_rand = true;
	CHECK_ERR(pnet_new(&psk, &c), P2P_ERR_CRYPTO);
	no_rand = false;
	CHECK(c == NULL);
	pnet_free(a);
	pnet_free(b);
}

static void
another_key_makes_garbage(void)
{
	struct p2p_psk ours = psk_of(KEY), theirs = ours;
	uint8_t plain[SOME], wire[PNET_NONCE + SOME];
	struct pnet *p;
	size_t i, same = 0, len = sizeof(wire);

	theirs.key[0] ^= 1;
	message(SOME, plain, wire);
	p = end_new(&theirs);
	pnet_open(p, wire, &len);
	CHECK_EQ(len, SOME);
	for (i = 0; i < SOME; i++)
		same += wire[i] == plain[i];
	CHECK(same < 20);		/* one of 256 by chance */
	pnet_free(p);
}

static void
no_key_is_left_in_freed_memory(void)
{
	struct p2p_psk psk = psk_of(KEY);
	uint8_t wire[PNET_NONCE + 1] = { 0 };
	struct pnet *p;
	size_t len;
	int i;

	secret = psk.key;
	for (i = 0; i < 2; i++) {	/* without the peer's nonce, and with */
		p = end_new(&psk);
		CHECK(memmem(p, malloc_usable_size(p), psk.key,
		    P2P_PSK_SIZE) != NULL);
		if (i == 1) {
			len = sizeof(wire);
			pnet_open(p, wire, &len);
			CHECK(memmem(p, malloc_usable_size(p), psk.key,
			    P2P_PSK_SIZE) == NULL);
		}
		secret_left = true;
		watched = p;
		pnet_free(p);
		watched = NULL;
		CHECK(!secret_left);
	}
	secret = NULL;
}

/* One thread's half, SOME bytes a call. */
struct half {
	struct pnet	*p;
	uint8_t		*buf;
	size_t		 len;
	bool		 open;
};

static void
run_half(void *arg)
{
	struct half *h = arg;
	size_t at, n;

	for (at = 0; at < h->len; at += SOME) {
		n = piece(at, h->len, 0, SOME);
		if (h->open)
			pnet_open(h->p, h->buf + at, &n);
		else
			pnet_seal(h->p, h->buf + at, n);
	}
}

static void
one_thread_may_seal_while_another_opens(void)
{
	struct p2p_psk psk = psk_of(KEY);
	uint8_t *plain = malloc(MUCH), *wire = malloc(PNET_NONCE + MUCH);
	uint8_t *sealed = malloc(MUCH);
	struct pnet *p = end_fixed(&psk, NONCE);
	struct half halves[2] = { { p, wire + PNET_NONCE, MUCH, true },
	    { p, sealed, MUCH, false } };
	struct thread threads[2];
	size_t i, len = PNET_NONCE;

	message(MUCH, plain, wire);
	memcpy(sealed, plain, MUCH);
	pnet_open(p, wire, &len);
	CHECK_EQ(len, 0);
	for (i = 0; i < 2; i++)
		CHECK_OK(thread_start(&threads[i], "half", THREAD_STACK,
		    run_half, &halves[i]));
	for (i = 0; i < 2; i++)
		thread_join(&threads[i]);
	CHECK(memcmp(wire + PNET_NONCE, plain, MUCH) == 0);
	message(MUCH, plain, wire);
	CHECK(memcmp(sealed, wire + PNET_NONCE, MUCH) == 0);
	free(plain);
	free(wire);
	free(sealed);
	pnet_free(p);
}

TESTS("pnet",
	{ "SHAKE128 is that of FIPS 202", shake128_is_that_of_fips_202 },
	{ "the keystreams are those of NaCl",
	    the_keystreams_are_those_of_nacl },
	{ "the header of multistream goes as in the vector",
	    the_header_of_multistream_goes_as_in_the_vector },
	{ "a stream goes on behind 256 GiB",
	    a_stream_goes_on_behind_256_gib },
	{ "every segmentation is the same stream",
	    every_segmentation_is_the_same_stream },
	{ "a big buffer is the same stream",
	    a_big_buffer_is_the_same_stream },
	{ "nothing is left of no bytes", nothing_is_left_of_no_bytes },
	{ "each end draws a nonce of its own",
	    each_end_draws_a_nonce_of_its_own },
	{ "another key makes garbage", another_key_makes_garbage },
	{ "no key is left in freed memory",
	    no_key_is_left_in_freed_memory },
	{ "one thread may seal while another opens",
	    one_thread_may_seal_while_another_opens })
