/*
 * /noise as a codec.  Every message, of the handshake and after it, has two
 * bytes of length in front.
 *
 * One static key a host, whose signature by the identity is made once.  The
 * secrets of a handshake are wiped as it ends, good or bad.  After it the two
 * directions share nothing that is written: the flusher seals with send, the
 * worker opens with recv, and no lock is needed.
 *
 * The muxer (noise/README.md, "Early Muxer Negotiation"): the listener lists
 * what it speaks, the dialer answers with the one it picked.  A listener with
 * several lists none, so that multistream decides: js, as a dialer, takes the
 * first of our list that it knows and still sends its own in its own order,
 * from which the rules would have us take another.
 */
#include "security/security.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wipe.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/noise_msg.h"
#include "security/noise_state.h"

#define LENGTH		2	/* bytes in front of a message */

/* e, s and the payload, two of them sealed. */
#define HANDSHAKE_MAX	(2 * DH_SIZE + 2 * AEAD_TAG + NOISE_PAYLOAD_MAX)

/*
 * Plaintext in a message of ours: what the cipher does to one of this size
 * stays in a processor's nearer caches, and the peer may begin sooner.
 */
#define PLAIN_MAX	(32 * 1024)

static const char *const no_muxers[] = { NULL };

struct noise_context {
	const struct p2p_key	*key;
	struct security_keylog	 keylog;
	struct dh_pair		 pair;
	uint8_t			 sig[P2P_KEY_SIGNATURE_MAX];
	size_t			 siglen;
};

/*
 * Who may touch a member:
 *	H	the thread of the handshake, then nobody
 *	I	nobody writes it after the handshake
 *	S	who seals		O	who opens
 */
struct codec {
	const struct noise_context *shared;	/* [I] */
	bool			 dialer;	/* [I] */
	bool			 anyone;	/* [I] expected is not set */
	struct p2p_peer_id	 expected;	/* [I] */
	const char		*muxers[SECURITY_MUXERS_MAX + 1]; /* [I] */
	const char		*answer[2];	/* [H] what msg 3 lists */
	struct noise_xx		 xx;		/* [H] */
	int			 error;		/* [H] 1: not done yet */
	struct security_result	 result;	/* [I] */
	struct noise_half	 send;		/* [S] */
	int			 send_error;	/* [S] */
	struct noise_half	 recv;		/* [O] */
	int			 recv_error;	/* [O] */
};

static void
noise_context_free(void *context)
{
	struct noise_context *n = context;

	if (n == NULL)
		return;
	wipe(n, sizeof(*n));
	free(n);
}

static int
noise_context_new(const struct p2p_key *key,
    const struct security_keylog *keylog, void **out)
{
	struct noise_context *n;
	int e;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return -ENOMEM;
	n->key = key;
	if (keylog != NULL)
		n->keylog = *keylog;
	if ((e = dh_new(&n->pair)) != 0 ||
	    (e = noise_sign(key, n->pair.public, n->sig, &n->siglen)) != 0) {
		noise_context_free(n);
		return e;
	}
	*out = n;
	return 0;
}

static void
noise_codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	noise_xx_fini(&c->xx);
	aead_free(c->send.aead);
	aead_free(c->recv.aead);
	p2p_key_free(c->result.remote_key);
	free(c);
}

static int
noise_codec_new(const struct security_params *params, struct codec **out)
{
	const struct noise_context *shared = params->context;
	struct dh_pair ephemeral;
	struct codec *c;
	size_t i;
	int e;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	c->shared = shared;
	c->dialer = params->dialer;
	c->error = 1;
	c->anyone = params->expected == NULL;
	if (!c->anyone)
		c->expected = *params->expected;
	for (i = 0; i < SECURITY_MUXERS_MAX && params->muxers[i] != NULL; i++)
		c->muxers[i] = params->muxers[i];
	e = params->muxers[i] != NULL ? P2P_ERR_TOO_LARGE : 0;
	if (e == 0 && (e = dh_new(&ephemeral)) == 0)
		e = noise_xx_init(&c->xx, c->dialer, &shared->pair,
		    &ephemeral);
	wipe(&ephemeral, sizeof(ephemeral));
	if (e != 0) {
		noise_codec_free(c);
		return e;
	}
	*out = c;
	return 0;
}

/* NSS form: a label, the dialer's ephemeral key as on the wire, the key. */
static void
log_key(const struct codec *c, const char *label, const uint8_t key[AEAD_KEY])
{
	char line[64 + 2 * DH_SIZE + 2 * AEAD_KEY + 1];
	struct wr w;

	wr_init(&w, line, sizeof(line) - 1);
	wr_printf(&w, "%s ", label);
	hex_put(line + w.len, c->dialer ? c->xx.e.public : c->xx.re, DH_SIZE);
	w.len += 2 * DH_SIZE;
	wr_u8(&w, ' ');
	hex_put(line + w.len, key, AEAD_KEY);
	c->shared->keylog.line(line, c->shared->keylog.arg);
	wipe(line, sizeof(line));
}

/* All three messages are through: two cipher states, and no more secrets. */
static int
finish(struct codec *c)
{
	uint8_t dialer[AEAD_KEY], listener[AEAD_KEY];
	int e;

	if ((e = noise_xx_split(&c->xx, dialer, listener)) == 0 &&
	    (e = aead_new(c->dialer ? dialer : listener,
	    &c->send.aead)) == 0)
		e = aead_new(c->dialer ? listener : dialer, &c->recv.aead);
	if (e == 0 && c->shared->keylog.line != NULL) {
		log_key(c, "NOISE_DIALER_KEY", dialer);
		log_key(c, "NOISE_LISTENER_KEY", listener);
	}
	wipe(dialer, sizeof(dialer));
	wipe(listener, sizeof(listener));
	noise_xx_fini(&c->xx);
	return e;
}

/* What our payload lists: see the top. */
static const char *const *
muxers_to_list(const struct codec *c)
{
	if (c->dialer)
		return c->answer;
	return c->muxers[0] != NULL && c->muxers[1] == NULL ? c->muxers :
	    no_muxers;
}

static int
speak(struct codec *c, struct wr *out)
{
	uint8_t payload[NOISE_PAYLOAD_MAX];
	struct rd sig = { c->shared->sig, c->shared->siglen };
	size_t at = out->len, len;
	struct wr w;
	int e;

	wr_init(&w, payload, sizeof(payload));
	if (c->xx.next > 0)
		noise_payload_put(c->shared->key, sig, muxers_to_list(c), &w);
	wr_be16(out, 0);
	if (w.full || out->full)
		return P2P_ERR_TOO_LARGE;
	if ((e = noise_xx_write(&c->xx, (struct rd){ payload, w.len },
	    out)) != 0) {
		out->len = at;		/* a half is none */
		return e;
	}
	len = out->len - at - LENGTH;
	out->p[at] = (uint8_t)(len >> 8);
	out->p[at + 1] = (uint8_t)len;
	return 0;
}

/*
 * The dialer picks by its own order what the listener lists.  A listener that
 * listed what the dialer does not know has nothing in common with it.
 */
static int
choose_muxer(struct codec *c, const struct noise_claim *claim)
{
	if (!claim->lists || (!c->dialer && muxers_to_list(c) == no_muxers))
		return 0;		/* multistream, inside */
	c->result.muxer = c->dialer ? claim->ours : claim->theirs;
	if (c->dialer)
		c->answer[0] = c->result.muxer;
	return c->result.muxer != NULL ? 0 : P2P_ERR_NO_PROTOCOL;
}

static int
judge(struct codec *c, struct rd payload)
{
	struct noise_claim claim;
	int e;

	if ((e = noise_payload_get(payload, c->xx.rs, c->muxers, &claim)) != 0)
		return e;
	c->result.remote_key = claim.key;
	p2p_peer_id_from_key(claim.key, &c->result.peer);
	if (!c->anyone && !p2p_peer_id_equal(&c->expected, &c->result.peer))
		return P2P_ERR_WRONG_PEER;
	return choose_muxer(c, &claim);
}

/* A payload of the first message is not authentic and means nothing. */
static int
listen(struct codec *c, struct rd *in)
{
	uint8_t payload[HANDSHAKE_MAX];
	bool first = c->xx.next == 0;
	struct rd r = *in, message, view;
	uint16_t len;
	int e;

	if (rd_be16(&r, &len) != 0)
		return 1;
	if (len > HANDSHAKE_MAX)
		return P2P_ERR_SECURITY;
	if (rd_bytes(&r, len, &message) != 0)
		return 1;
	*in = r;
	e = noise_xx_read(&c->xx, message, payload, &view);
	if (e == P2P_ERR_SHORT)
		return P2P_ERR_SECURITY;
	return e != 0 || first ? e : judge(c, view);
}

static int
step(struct codec *c, struct rd *in, struct wr *out)
{
	int e = 0;

	while (e == 0 && !noise_xx_done(&c->xx))
		e = noise_xx_speaks(&c->xx) ? speak(c, out) : listen(c, in);
	return e == 0 ? finish(c) : e;
}

static int
noise_handshake(struct codec *c, struct rd *in, struct wr *out)
{
	if (wr_room(out) < SECURITY_OUT_MIN)
		return P2P_ERR_TOO_LARGE;
	if (c->error == 1)
		c->error = step(c, in, out);
	if (c->error < 0) {
		noise_xx_fini(&c->xx);
		c->send_error = c->recv_error = c->error;
	}
	return c->error;
}

static const struct security_result *
noise_result(const struct codec *c)
{
	return &c->result;
}

static size_t
noise_sealed_size(const struct codec *c, size_t len)
{
	(void)c;
	return len + (len / PLAIN_MAX + 1) * (LENGTH + AEAD_TAG);
}

static int
seal_message(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	int e;

	if (wr_room(out) < LENGTH + len + AEAD_TAG)
		return P2P_ERR_TOO_LARGE;
	wr_be16(out, (uint16_t)(len + AEAD_TAG));
	e = noise_half_seal(&c->send, (struct rd){ NULL, 0 }, plain, len,
	    out->p + out->len);
	if (e == 0)
		out->len += len + AEAD_TAG;
	return e;
}

/* js chokes on empty messages: without bytes there is none. */
static int
noise_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	size_t n;

	if (c->send_error == 0 && c->send.aead == NULL)
		return P2P_ERR_SECURITY;
	while (c->send_error == 0 && len > 0) {
		n = len < PLAIN_MAX ? len : PLAIN_MAX;
		c->send_error = seal_message(c, plain, n, out);
		plain += n;
		len -= n;
	}
	return c->send_error;
}

/* The cipher works in place: nothing is moved. */
static int
open_message(struct codec *c, struct span *in, struct rd *plain)
{
	struct rd r = { in->p, in->len };
	uint16_t len;
	int e;

	if (rd_be16(&r, &len) != 0 || r.len < len)
		return P2P_ERR_SHORT;
	if ((e = noise_half_open(&c->recv, (struct rd){ NULL, 0 }, r.p, len,
	    in->p + LENGTH)) != 0)
		return e;
	*plain = (struct rd){ in->p + LENGTH, (size_t)len - AEAD_TAG };
	in->p += LENGTH + len;
	in->len -= (size_t)LENGTH + len;
	return 0;
}

static int
noise_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	int e = c->recv_error;

	*talk = false;
	*plain = (struct rd){ in->p, 0 };
	if (e == 0)
		e = c->recv.aead != NULL ? open_message(c, in, plain) :
		    P2P_ERR_SECURITY;
	if (e != 0 && e != P2P_ERR_SHORT) {
		c->recv_error = e;
		in->len = 0;
	}
	return e;
}

/* Noise has no last words: the end of the stream between messages is one. */
static void
noise_close(struct codec *c, struct wr *out)
{
	(void)c;
	(void)out;
}

const struct security_ops security_noise = {
	.id = "/noise",
	.context_new = noise_context_new,
	.context_free = noise_context_free,
	.codec_new = noise_codec_new,
	.codec_free = noise_codec_free,
	.handshake = noise_handshake,
	.result = noise_result,
	.sealed_size = noise_sealed_size,
	.seal = noise_seal,
	.open = noise_open,
	.close = noise_close,
};
