/*
 * Noise in memory: batches sealed and opened by the codec, beside the cipher
 * in a loop over messages of the same size with the same two bytes in front.
 */
#include "bare.h"

#include <stdlib.h>
#include <string.h>

#include "p2p/key.h"
#include "security/noise_state.h"
#include "security/security.h"

#define BATCH	(128 * 1024)	/* bytes, as the link makes them */
#define MESSAGE	(32 * 1024)
#define BATCHES	2000

/* Two codecs that have shaken hands. */
static void
shake(struct codec *c[2])
{
	static const char *const muxers[] = { "/yamux/1.0.0", NULL };
	static uint8_t buf[2][SECURITY_OUT_MIN];
	struct security_params p = { .muxers = muxers };
	struct rd in = { NULL, 0 };
	struct p2p_key *key;
	struct wr w;
	int i;

	bench_must(p2p_key_generate(P2P_KEY_ED25519, 0, &key), "key");
	bench_must(security_noise.context_new(key, NULL, &p.context), "key");
	p.key = key;
	for (i = 0; i < 2; i++) {
		p.dialer = i == 0;
		bench_must(security_noise.codec_new(&p, &c[i]), "codec");
	}
	for (i = 0; i < 4; i++) {
		wr_init(&w, buf[i % 2], SECURITY_OUT_MIN);
		if (security_noise.handshake(c[i % 2], &in, &w) < 0)
			exit(1);
		in = (struct rd){ buf[i % 2], w.len };
	}
}

static double
ours(struct codec *c[2], const uint8_t *plain, uint8_t *out, size_t cap)
{
	double t = bench_now();
	size_t len, got;
	struct wr w;
	bool talk;
	int i;

	for (i = 0; i < BATCHES; i++) {
		wr_init(&w, out, cap);
		bench_must(security_noise.seal(c[0], plain, BATCH, &w),
		    "seal");
		len = w.len;
		bench_must(security_open(&security_noise, c[1], out, &len,
		    &got, &talk), "open");
		if (got != BATCH || len != 0)
			exit(1);
	}
	return (double)BATCHES * BATCH / (bench_now() - t) / 1e9;
}

static double
bare(struct noise_half h[2], const uint8_t *plain, uint8_t *out)
{
	const size_t sealed = MESSAGE + AEAD_TAG;
	struct rd no_ad = { NULL, 0 };
	double t = bench_now();
	uint8_t *p;
	size_t at;
	int i;

	for (i = 0; i < BATCHES; i++) {
		for (at = 0, p = out; at < BATCH; at += MESSAGE) {
			*p++ = (uint8_t)(sealed >> 8);
			*p++ = (uint8_t)sealed;
			bench_must(noise_half_seal(&h[0], no_ad, plain + at,
			    MESSAGE, p), "seal");
			p += sealed;
		}
		for (at = 0, p = out; at < BATCH; at += MESSAGE) {
			p += 2;
			bench_must(noise_half_open(&h[1], no_ad, p, sealed, p),
			    "open");
			p += sealed;
		}
	}
	return (double)BATCHES * BATCH / (bench_now() - t) / 1e9;
}

void
bench_codec(double *our, double *their)
{
	static const uint8_t key[AEAD_KEY] = { 1 };
	static struct noise_half h[2];
	static struct codec *c[2];
	static uint8_t *plain, *out;
	static size_t cap;

	if (plain == NULL) {
		shake(c);
		bench_must(aead_new(key, &h[0].aead), "key");
		bench_must(aead_new(key, &h[1].aead), "key");
		plain = calloc(1, BATCH);
		cap = security_noise.sealed_size(c[0], BATCH);
		out = malloc(cap);
	}
	*our = ours(c, plain, out, cap);
	*their = bare(h, plain, out);
}
