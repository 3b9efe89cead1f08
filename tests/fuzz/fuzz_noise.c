/*
 * A codec in either role whose peer sends the input.  The first byte says who
 * it is and how far an honest peer has come before: the rest is the next
 * message as it stands (also of the session), or the payload of one that is
 * sealed as it should be, or data that must come through as it is.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "p2p/key.h"
#include "security/noise_msg.h"
#include "security/noise_state.h"
#include "security/security.h"

#define IN_MAX	(128 * 1024)

static const char *const muxers[] = { "/yamux/1.0.0", "/mplex/6.7.0", NULL };

static struct p2p_key *key;
static void *context;
static uint8_t sig[P2P_KEY_SIGNATURE_MAX];
static size_t siglen;
static struct dh_pair statics;

/* The codec under test, and the peer that knows all secrets. */
struct game {
	struct codec	*codec;
	int		 e;
	struct noise_xx	 xx;
	uint8_t		 in[IN_MAX];	/* what the peer says */
	size_t		 len;
	uint8_t		 out[SECURITY_OUT_MIN];	/* what the codec said */
};

/* One step on all there is; what the codec says, the peer reads. */
static void
step(struct game *g)
{
	static uint8_t plain[SECURITY_OUT_MIN];
	struct rd in = { g->in, g->len }, msg, payload;
	struct wr w;
	uint16_t len;

	wr_init(&w, g->out, sizeof(g->out));
	g->e = security_noise.handshake(g->codec, &in, &w);
	FUZZ_CHECK(g->e <= 1 && !w.full);
	memmove(g->in, in.p, in.len);
	g->len = in.len;
	in = (struct rd){ g->out, w.len };
	if (g->e < 0 || rd_be16(&in, &len) != 0)
		return;
	FUZZ_CHECK(rd_bytes(&in, len, &msg) == 0 && in.len == 0);
	if (!noise_xx_done(&g->xx) && !noise_xx_speaks(&g->xx))
		(void)noise_xx_read(&g->xx, msg, plain, &payload);
}

/* The peer's next message with that payload. */
static void
say(struct game *g, struct rd payload)
{
	struct wr w;

	wr_init(&w, g->in + g->len, NOISE_FRAME_MAX + 2);
	wr_be16(&w, 0);
	if (noise_xx_write(&g->xx, payload, &w) != 0)
		return;
	g->in[g->len] = (uint8_t)((w.len - 2) >> 8);
	g->in[g->len + 1] = (uint8_t)(w.len - 2);
	g->len += w.len;
}

static struct rd
honest_payload(const struct game *g)
{
	static uint8_t buf[NOISE_PAYLOAD_MAX];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	if (g->xx.next > 0)
		noise_payload_put(key, (struct rd){ sig, siglen }, muxers, &w);
	return (struct rd){ buf, w.len };
}

static void
begin(struct game *g, bool dialer)
{
	struct security_params p = { .key = key, .context = context,
	    .dialer = dialer, .muxers = muxers };
	struct dh_pair e;

	if (security_noise.codec_new(&p, &g->codec) != 0 || dh_new(&e) != 0 ||
	    noise_xx_init(&g->xx, !dialer, &statics, &e) != 0)
		abort();
	g->len = 0;
	g->e = 1;
	if (dialer)
		step(g);
}

/* After the handshake: raw bytes, which nobody could have sealed. */
static void
garbage(struct game *g)
{
	size_t plain, len = g->len;
	bool talk;
	int e;

	e = security_open(&security_noise, g->codec, g->in, &len, &plain,
	    &talk);
	FUZZ_CHECK(plain == 0 && len <= g->len && e <= 0);
	if (e < 0)
		FUZZ_CHECK(security_open(&security_noise, g->codec, g->in,
		    &len, &plain, &talk) == e);
}

/* Sealed by the codec, opened by the peer's keys. */
static void
data(struct game *g, const uint8_t *p, size_t len)
{
	uint8_t k[2][AEAD_KEY], *buf;
	struct noise_half half = { NULL, 0 };
	size_t cap = security_noise.sealed_size(g->codec, len), got = 0;
	struct rd in, msg;
	struct wr w;
	uint16_t n;

	if (noise_xx_split(&g->xx, k[0], k[1]) != 0 ||
	    aead_new(k[g->xx.dialer ? 1 : 0], &half.aead) != 0)
		abort();
	buf = malloc(cap);
	wr_init(&w, buf, cap);
	FUZZ_CHECK(security_noise.seal(g->codec, p, len, &w) == 0 && !w.full);
	for (in = (struct rd){ buf, w.len }; in.len > 0; got += n - AEAD_TAG) {
		FUZZ_CHECK(rd_be16(&in, &n) == 0 && n > AEAD_TAG &&
		    rd_bytes(&in, n, &msg) == 0);
		FUZZ_CHECK(noise_half_open(&half, (struct rd){ NULL, 0 },
		    msg.p, n, g->out) == 0);
		FUZZ_CHECK(got + n - AEAD_TAG <= len &&
		    memcmp(g->out, p + got, n - AEAD_TAG) == 0);
	}
	FUZZ_CHECK(got == len);
	aead_free(half.aead);
	free(buf);
}

static void
init(void)
{
	if (p2p_key_generate(P2P_KEY_ED25519, 0, &key) != 0 ||
	    security_noise.context_new(key, NULL, &context) != 0 ||
	    dh_new(&statics) != 0 ||
	    noise_sign(key, statics.public, sig, &siglen) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	static struct game g;
	unsigned honest, how;

	if (size < 1 || size > 60000)
		return 0;
	if (key == NULL)
		init();
	begin(&g, (in[0] & 1) != 0);
	how = in[0] >> 1 & 3;
	for (honest = in[0] >> 3 & 3; honest > 0; honest--) {
		if (noise_xx_speaks(&g.xx))
			say(&g, honest_payload(&g));
		if (g.e == 1)
			step(&g);
	}
	in++;
	size--;
	if (how == 0 && noise_xx_speaks(&g.xx) && size <= 4200) {
		say(&g, (struct rd){ in, size });
	} else if (how == 1 && g.e == 0 && noise_xx_done(&g.xx)) {
		data(&g, in, size);
	} else {
		memcpy(g.in + g.len, in, size);
		g.len += size;
	}
	if (g.e == 1)
		step(&g);
	else if (g.e == 0 && g.len > 0)
		garbage(&g);
	noise_xx_fini(&g.xx);
	security_noise.codec_free(g.codec);
	return 0;
}
