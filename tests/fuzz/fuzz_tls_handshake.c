/*
 * A codec whose peer sends the input.  Its first byte chooses the role, and
 * with how many bytes a step the rest is fed.  If the top bit is set, an
 * honest codec shakes hands first, up to a step that the second byte chooses,
 * so that the input also meets later states, open() among them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "p2p/key.h"
#include "security/security.h"

#define IN_MAX	(128 * 1024)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const muxers[] = { "/yamux/1.0.0", NULL };

struct side {
	struct codec	*codec;
	int		 e;
	uint8_t		 out[SECURITY_OUT_MIN];
	size_t		 len;
};

static struct p2p_key *key;
static void *context;
static struct side sides[2];		/* listener, dialer */

/* One step of s on these bytes; what it says is in s->out. */
static void
step(struct side *s, const uint8_t *p, size_t len)
{
	struct rd in = { p, len };
	struct wr w;

	wr_init(&w, s->out, sizeof(s->out));
	if (s->e == 1)
		s->e = security_tls.handshake(s->codec, &in, &w);
	s->len = w.len;
	if (s->e > 1 || w.full)
		abort();
}

static void
honest(unsigned steps)
{
	unsigned i;

	step(&sides[1], NULL, 0);
	for (i = 0; i < steps; i++)
		step(&sides[i % 2], sides[1 - i % 2].out,
		    sides[1 - i % 2].len);
}

static void
feed(struct side *s, const uint8_t *data, size_t len, size_t chunk)
{
	uint8_t *buf = malloc(IN_MAX);
	size_t have = 0, plain, n;
	bool talk;
	int e = 0;

	while (len > 0 && e == 0) {
		n = len < chunk ? len : chunk;
		if (s->e == 1) {
			step(s, data, n);
		} else if (s->e == 0) {
			memcpy(buf + have, data, n);
			have += n;
			e = security_open(&security_tls, s->codec, buf, &have,
			    &plain, &talk);
			memmove(buf, buf + plain, have);
		} else {
			break;
		}
		data += n;
		len -= n;
	}
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct security_params p = { .muxers = muxers };
	struct side *s;
	uint8_t last[512];
	struct wr w;
	int i;

	if (len < 2 || len > IN_MAX / 2)
		return 0;
	if (key == NULL && (p2p_key_generate(P2P_KEY_ED25519, 0, &key) != 0 ||
	    security_tls.context_new(key, NULL, &context) != 0))
		abort();
	for (i = 0; i < 2; i++) {
		p.key = key;
		p.context = context;
		p.dialer = i == 1;
		if (security_tls.codec_new(&p, &sides[i].codec) != 0)
			abort();
		sides[i].e = 1;
	}
	s = &sides[data[0] & 1];
	honest((data[0] & 0x80) != 0 ? data[1] % 4 : 0);
	feed(s, data + 2, len - 2, (data[0] >> 1 & 0x1f) == 0 ? len :
	    data[0] >> 1 & 0x1f);
	wr_init(&w, last, sizeof(last));
	security_tls.close(s->codec, &w);
	if (w.full)
		abort();
	for (i = 0; i < 2; i++)
		security_tls.codec_free(sides[i].codec);
	return 0;
}
