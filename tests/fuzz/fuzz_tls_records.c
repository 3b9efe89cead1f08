/*
 * Records after a handshake.  The input is a program: each byte is a step, its
 * two low bits say which, the others how much.  What comes out of open() is
 * always what went into seal(), in order, up to the first byte that was changed
 * on the way.
 *
 * A pair of codecs that took no harm is used again by the next input.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "p2p/key.h"
#include "security/security.h"

#define PLAIN_MAX	(256 * 1024)
#define WIRE_MAX	(2 * PLAIN_MAX)

enum { SEAL, DELIVER, FLIP, INSERT };

static const char *const muxers[] = { "/yamux/1.0.0", NULL };
static struct p2p_key *key;
static void *context;
static struct codec *from, *to;

static uint8_t plain[PLAIN_MAX];	/* all that was sealed */
static size_t sealed, opened;
static uint8_t wire[WIRE_MAX];		/* sealed, not delivered */
static size_t wired;
static bool harmed;			/* changed, or refused */

static void
pair_free(void)
{
	security_tls.codec_free(from);
	security_tls.codec_free(to);
	from = to = NULL;
}

static void
pair_new(void)
{
	static uint8_t out[2][SECURITY_OUT_MIN];
	struct security_params p = { .muxers = muxers };
	size_t len[2] = { 0, 0 };
	int e[2] = { 1, 1 }, i;
	struct rd in;
	struct wr w;

	if (key == NULL && (p2p_key_generate(P2P_KEY_ED25519, 0, &key) != 0 ||
	    security_tls.context_new(key, NULL, &context) != 0))
		abort();
	p.key = key;
	p.context = context;
	if (security_tls.codec_new(&p, &to) != 0)
		abort();
	p.dialer = true;
	if (security_tls.codec_new(&p, &from) != 0)
		abort();
	for (i = 0; e[0] == 1 || e[1] == 1; i = 1 - i) {
		in = (struct rd){ out[1 - i], len[1 - i] };
		wr_init(&w, out[i], sizeof(out[i]));
		e[i] = security_tls.handshake(i == 0 ? from : to, &in, &w);
		len[i] = w.len;
		FUZZ_CHECK(e[i] >= 0 && in.len == 0);
	}
}

static void
seal(size_t len)
{
	struct wr w;

	if (len > PLAIN_MAX - sealed ||
	    security_tls.sealed_size(NULL, len) > WIRE_MAX - wired)
		return;
	wr_init(&w, wire + wired, WIRE_MAX - wired);
	FUZZ_CHECK(security_tls.seal(from, plain + sealed, len, &w) == 0);
	FUZZ_CHECK(!w.full && w.len <= security_tls.sealed_size(NULL, len));
	sealed += len;
	wired += w.len;
}

/* The first len bytes of the wire, behind what open() has left of others. */
static void
deliver(size_t len)
{
	size_t have = len, n;
	uint8_t *buf;
	bool talk;
	int e;

	if ((buf = malloc(len > 0 ? len : 1)) == NULL)
		abort();
	memcpy(buf, wire, len);
	e = security_open(&security_tls, to, buf, &have, &n, &talk);
	FUZZ_CHECK(e <= 1 && n <= len && have <= len - n);
	FUZZ_CHECK(n <= sealed - opened);
	FUZZ_CHECK(memcmp(buf, plain + opened, n) == 0);
	FUZZ_CHECK(have == 0 || memcmp(buf + n, wire + len - have, have) == 0);
	FUZZ_CHECK(harmed || e == 0);
	harmed |= e != 0;
	opened += n;
	memmove(wire, wire + len - have, wired - len + have);
	wired -= len - have;
	free(buf);
}

static void
step(uint8_t what, struct rd *in)
{
	size_t much = what >> 2;
	struct rd raw;
	uint8_t at;

	switch (what & 3) {
	case SEAL:
		seal(much == 63 ? 40000 : much * much * 4);
		break;
	case DELIVER:
		deliver(much == 63 ? wired : wired * much / 63);
		break;
	case FLIP:
		if (wired == 0 || rd_u8(in, &at) != 0)
			break;
		wire[at % wired] ^= (uint8_t)(1u << much % 8);
		harmed = true;
		break;
	case INSERT:
		if (rd_bytes(in, much, &raw) != 0 || wired + much > WIRE_MAX)
			break;
		memcpy(wire + wired, raw.p, much);
		wired += much;
		harmed |= much > 0;
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd in = { data, size };
	uint8_t last[512], what;
	struct wr w;
	size_t i;

	for (i = 0; plain[1] == 0 && i < PLAIN_MAX; i++)
		plain[i] = (uint8_t)(i * 31 >> 3 | 1);
	sealed = opened = wired = 0;
	harmed = false;
	if (from == NULL)
		pair_new();
	while (rd_u8(&in, &what) == 0)
		step(what, &in);
	deliver(wired);
	if (!harmed) {
		FUZZ_CHECK(opened == sealed && wired == 0);
		return 0;
	}
	wr_init(&w, last, sizeof(last));
	security_tls.close(to, &w);
	FUZZ_CHECK(!w.full);
	pair_free();
	return 0;
}
