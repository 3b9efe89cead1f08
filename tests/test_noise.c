/*
 * The Noise codec against itself, and against a peer that follows the
 * handshake but says what it should not.
 */
#include "security/security.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/noise_msg.h"
#include "security/noise_state.h"

#define PIPE_MAX	(512 * 1024)
#define MIB		(1024 * 1024)
#define ALL		SIZE_MAX	/* a chunk: what there is */

static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const none[] = { NULL };

/* One side, and what it has received. */
struct end {
	struct p2p_key		*key;
	struct p2p_peer_id	 id;
	void			*context;
	struct codec		*codec;
	int			 e;		/* of the last step; 1: more */
	uint8_t			 rx[PIPE_MAX];
	size_t			 off, len;
};

static struct end *
end_typed(enum p2p_key_type type, bool dialer, const char *const *muxers,
    const struct p2p_peer_id *expected)
{
	struct end *s = calloc(1, sizeof(*s));
	struct security_params p = { .dialer = dialer, .expected = expected,
	    .muxers = muxers };

	CHECK_OK(p2p_key_generate(type, 0, &s->key));
	CHECK_FATAL(s->key != NULL);
	p2p_peer_id_from_key(s->key, &s->id);
	CHECK_OK(security_noise.context_new(s->key, NULL, &s->context));
	p.key = s->key;
	p.context = s->context;
	CHECK_OK(security_noise.codec_new(&p, &s->codec));
	CHECK_FATAL(s->codec != NULL);
	s->e = 1;
	return s;
}

static struct end *
end_new(bool dialer, const char *const *muxers)
{
	return end_typed(P2P_KEY_ED25519, dialer, muxers, NULL);
}

static void
end_free(struct end *s)
{
	security_noise.codec_free(s->codec);
	security_noise.context_free(s->context);
	p2p_key_free(s->key);
	free(s);
}

static void
push(struct end *to, const void *bytes, size_t len)
{
	if (to->off == to->len)
		to->off = to->len = 0;
	CHECK_FATAL(len <= sizeof(to->rx) - to->len);
	memcpy(to->rx + to->len, bytes, len);
	to->len += len;
}

/*
 * A step on the first chunk bytes, in a malloc of their exact size; true when
 * something was taken or said.
 */
static bool
step(struct end *s, struct end *to, size_t chunk)
{
	static uint8_t out[SECURITY_OUT_MIN];
	size_t n = s->len - s->off;
	struct rd in;
	struct wr w;
	uint8_t *buf;

	n = n < chunk ? n : chunk;
	buf = malloc(n > 0 ? n : 1);
	memcpy(buf, s->rx + s->off, n);
	in = (struct rd){ buf, n };
	wr_init(&w, out, sizeof(out));
	s->e = security_noise.handshake(s->codec, &in, &w);
	s->off += n - in.len;
	push(to, out, w.len);
	free(buf);
	return n > in.len || w.len > 0;
}

/* What one side does with what it has, seen in growing pieces or at once. */
static bool
move(struct end *s, struct end *to, size_t chunk)
{
	size_t see = chunk == ALL ? ALL : 0;

	while (s->e == 1) {
		if (step(s, to, see))
			return true;
		if (see >= s->len - s->off)
			return false;
		see += chunk;
	}
	return false;
}

/* Until both are done, or nothing moves. */
static void
shake_in(struct end *d, struct end *l, size_t chunk)
{
	while (move(d, l, chunk) || move(l, d, chunk))
		;
}

static void
shake(struct end *d, struct end *l)
{
	shake_in(d, l, ALL);
}

static const struct security_result *
result(const struct end *s)
{
	return security_noise.result(s->codec);
}

static void
seal(struct end *s, struct end *to, const void *bytes, size_t len)
{
	size_t cap = security_noise.sealed_size(NULL, len);
	uint8_t *buf = malloc(cap);
	struct wr w;

	wr_init(&w, buf, cap);
	CHECK_OK(security_noise.seal(s->codec, bytes, len, &w));
	CHECK(!w.full);
	push(to, buf, w.len);
	free(buf);
}

/* Open what has come, up to chunk bytes at a time. */
static int
open_in(struct end *s, size_t chunk, uint8_t *out, size_t *outlen)
{
	static uint8_t left[NOISE_FRAME_MAX + 2];
	size_t n, keep = 0, plain = 0;
	uint8_t *buf;
	bool talk;
	int e = 0;

	*outlen = 0;
	while (e == 0 && s->off < s->len) {
		n = s->len - s->off < chunk ? s->len - s->off : chunk;
		buf = malloc(keep + n);
		memcpy(buf, left, keep);
		memcpy(buf + keep, s->rx + s->off, n);
		s->off += n;
		keep += n;
		e = security_open(&security_noise, s->codec, buf, &keep,
		    &plain, &talk);
		CHECK(!talk);
		CHECK_FATAL(keep <= sizeof(left));
		memcpy(out + *outlen, buf, plain);
		*outlen += plain;
		memcpy(left, buf + plain, keep);
		free(buf);
	}
	return e;
}

static void
carries(struct end *from, struct end *to, const char *text)
{
	uint8_t out[1024];
	size_t len;

	seal(from, to, text, strlen(text));
	CHECK_OK(open_in(to, ALL, out, &len));
	CHECK_BYTES(out, len, text, strlen(text));
}

static void
connect_in(struct end **d, struct end **l, size_t chunk)
{
	*d = end_new(true, yamux);
	*l = end_new(false, yamux);
	shake_in(*d, *l, chunk);
	CHECK_OK((*d)->e);
	CHECK_OK((*l)->e);
	CHECK_FATAL((*d)->e == 0 && (*l)->e == 0);
}

static void
end_free_both(struct end *d, struct end *l)
{
	end_free(d);
	end_free(l);
}

static void
two_codecs_learn_who_the_other_is(void)
{
	struct end *d, *l;
	const uint8_t *a, *b;
	size_t alen, blen;

	connect_in(&d, &l, ALL);
	CHECK(p2p_peer_id_equal(&result(d)->peer, &l->id));
	CHECK(p2p_peer_id_equal(&result(l)->peer, &d->id));
	a = p2p_key_public(result(l)->remote_key, &alen);
	b = p2p_key_public(d->key, &blen);
	CHECK_BYTES(a, alen, b, blen);
	CHECK_STR(result(d)->muxer, "/yamux/1.0.0");
	CHECK_STR(result(l)->muxer, "/yamux/1.0.0");
	CHECK_STR(security_noise.id, "/noise");
	carries(d, l, "hello");
	carries(l, d, "hello yourself");
	end_free_both(d, l);
}

static void
one_byte_at_a_time_is_enough(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t len;

	connect_in(&d, &l, 1);
	seal(d, l, "one", 3);
	seal(d, l, "two", 3);
	CHECK_OK(open_in(l, 1, out, &len));
	CHECK_BYTES(out, len, "onetwo", 6);
	end_free_both(d, l);
}

static void
all_four_key_types_prove_themselves(void)
{
	static const enum p2p_key_type types[] = { P2P_KEY_RSA,
	    P2P_KEY_ED25519, P2P_KEY_SECP256K1, P2P_KEY_ECDSA };
	struct end *d, *l;
	size_t i;

	for (i = 0; i < 4; i++) {
		l = end_typed(types[i], false, yamux, NULL);
		d = end_typed(types[3 - i], true, yamux, &l->id);
		shake(d, l);
		CHECK_OK(d->e);
		CHECK_OK(l->e);
		CHECK(p2p_peer_id_equal(&result(d)->peer, &l->id));
		CHECK(p2p_peer_id_equal(&result(l)->peer, &d->id));
		end_free_both(d, l);
	}
}

static void
a_dialer_refuses_the_wrong_peer_and_says_who_it_is(void)
{
	struct end *other = end_new(true, yamux);
	struct end *l = end_new(false, yamux);
	struct end *d = end_typed(P2P_KEY_ED25519, true, yamux, &other->id);

	shake(d, l);
	CHECK_ERR(d->e, P2P_ERR_WRONG_PEER);
	CHECK(p2p_peer_id_equal(&result(d)->peer, &l->id));
	CHECK_EQ(l->e, 1);		/* was not told: no third message */
	CHECK_EQ(l->len, l->off);
	(void)step(d, l, ALL);
	CHECK_ERR(d->e, P2P_ERR_WRONG_PEER);
	end_free_both(d, l);
	end_free(other);
}

/* The muxer that two lists agree on; NULL: left to multistream. */
static void
agree(const char *const *dialer, const char *const *listener, const char *want)
{
	struct end *d = end_new(true, dialer), *l = end_new(false, listener);

	shake(d, l);
	CHECK_OK(d->e);
	CHECK_OK(l->e);
	if (want == NULL) {
		CHECK(result(d)->muxer == NULL && result(l)->muxer == NULL);
	} else {
		CHECK_STR(result(d)->muxer, want);
		CHECK_STR(result(l)->muxer, want);
	}
	end_free_both(d, l);
}

static void
the_listeners_only_muxer_is_chosen_in_the_handshake(void)
{
	static const char *const ab[] = { "/a", "/b", NULL };
	static const char *const b[] = { "/b", NULL };

	agree(b, b, "/b");
	agree(ab, b, "/b");
	agree(ab, ab, NULL);	/* several: see noise.c */
	agree(b, ab, NULL);
	agree(none, none, NULL);
	agree(ab, none, NULL);
}

static void
a_muxer_that_is_not_ours_ends_the_handshake(void)
{
	static const char *const a[] = { "/a", NULL };
	struct end *d = end_new(true, a), *l = end_new(false, yamux);

	shake(d, l);
	CHECK_ERR(d->e, P2P_ERR_NO_PROTOCOL);
	end_free_both(d, l);
}

/* A peer in the test's hands: XX by the book, any payload. */
struct rogue {
	struct noise_xx	 xx;
	struct dh_pair	 s;
	struct p2p_key	*key;
};

static void
rogue_init(struct rogue *r, bool dialer)
{
	struct dh_pair e;

	CHECK_OK(dh_new(&r->s));
	CHECK_OK(dh_new(&e));
	CHECK_OK(noise_xx_init(&r->xx, dialer, &r->s, &e));
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &r->key));
}

static void
rogue_fini(struct rogue *r)
{
	noise_xx_fini(&r->xx);
	p2p_key_free(r->key);
}

static void
rogue_say(struct rogue *r, struct end *to, const void *payload, size_t len)
{
	static uint8_t msg[NOISE_FRAME_MAX + 2];
	struct wr w;

	wr_init(&w, msg, sizeof(msg));
	wr_be16(&w, 0);
	CHECK_OK(noise_xx_write(&r->xx, (struct rd){ payload, len }, &w));
	msg[0] = (uint8_t)((w.len - 2) >> 8);
	msg[1] = (uint8_t)(w.len - 2);
	push(to, msg, w.len);
}

/* What ours has said in answer to its input so far, read by the rogue. */
static void
rogue_hear(struct rogue *r, struct end *s)
{
	static uint8_t out[SECURITY_OUT_MIN], plain[SECURITY_OUT_MIN];
	struct rd in = { s->rx + s->off, s->len - s->off }, msg, payload;
	struct wr w;
	uint16_t len;

	wr_init(&w, out, sizeof(out));
	s->e = security_noise.handshake(s->codec, &in, &w);
	s->off = s->len - in.len;
	CHECK_EQ(s->e, 1);
	in = (struct rd){ out, w.len };
	CHECK_OK(rd_be16(&in, &len));
	CHECK_OK(rd_bytes(&in, len, &msg));
	CHECK_EQ(in.len, 0);
	CHECK_OK(noise_xx_read(&r->xx, msg, plain, &payload));
}

/* The last message that comes decides. */
static int
decide(struct end *s)
{
	static uint8_t out[SECURITY_OUT_MIN];
	struct rd in = { s->rx + s->off, s->len - s->off };
	struct wr w;

	wr_init(&w, out, sizeof(out));
	return s->e = security_noise.handshake(s->codec, &in, &w);
}

/* What each end of ours says to a peer with that payload. */
static void
judged(struct rd payload, const struct rogue *as, const char *const *ours,
    int want)
{
	struct rogue r = *as;
	struct end *s;
	int i;

	for (i = 0; i < 2; i++) {
		CHECK_OK(noise_xx_init(&r.xx, i == 0, &r.s, &r.s));
		s = end_new(i == 1, ours);
		if (i == 0)
			rogue_say(&r, s, NULL, 0);
		rogue_hear(&r, s);
		rogue_say(&r, s, payload.p, payload.len);
		CHECK_ERR(decide(s), want);
		end_free(s);
		noise_xx_fini(&r.xx);
	}
}

/* A good payload of the rogue's, but with such a signature and key. */
static size_t
make_payload(const struct rogue *r, const struct p2p_key *key,
    const struct p2p_key *signer, const uint8_t *public,
    const char *const *muxers, uint8_t buf[NOISE_PAYLOAD_MAX])
{
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	size_t len;
	struct wr w;

	CHECK_OK(noise_sign(signer, public != NULL ? public : r->s.public, sig,
	    &len));
	wr_init(&w, buf, NOISE_PAYLOAD_MAX);
	noise_payload_put(key, (struct rd){ sig, len }, muxers, &w);
	CHECK(!w.full);
	return w.len;
}

static void
payloads_that_prove_nothing_are_refused(void)
{
	static const uint8_t zero[DH_SIZE];
	uint8_t buf[NOISE_PAYLOAD_MAX], big[NOISE_PAYLOAD_MAX + 2] = { 0x1a };
	struct p2p_key *other = NULL;
	struct rogue r;
	size_t n;

	rogue_init(&r, true);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &other));
	n = make_payload(&r, r.key, r.key, NULL, yamux, buf);
	judged((struct rd){ buf, n }, &r, yamux, 0);
	judged((struct rd){ buf, 0 }, &r, yamux, P2P_ERR_SECURITY);
	judged((struct rd){ buf, 38 }, &r, yamux, P2P_ERR_SECURITY);
	n = make_payload(&r, r.key, other, NULL, yamux, buf);
	judged((struct rd){ buf, n }, &r, yamux, P2P_ERR_SECURITY);
	n = make_payload(&r, r.key, r.key, zero, yamux, buf);
	judged((struct rd){ buf, n }, &r, yamux, P2P_ERR_SECURITY);
	/* Unknown fields are ignored, but not without end. */
	n = make_payload(&r, r.key, r.key, NULL, yamux, buf);
	memcpy(buf + n, "\x1a\x05" "early\x28\x01", 9);
	judged((struct rd){ buf, n + 9 }, &r, yamux, 0);
	big[1] = 0xfe;
	big[2] = 0x1f;			/* 4094 bytes */
	judged((struct rd){ big, sizeof(big) }, &r, yamux, P2P_ERR_SECURITY);
	p2p_key_free(other);
	rogue_fini(&r);
}

/* A listener answers js, whose list has its own order. */
static void
muxers_of_others_are_matched_by_the_dialers_order(void)
{
	static const char *const js[] = { "/mplex/6.7.0", "/yamux/1.0.0",
	    NULL };
	static const char *const old[] = { "/spdy/3.1.0", NULL };
	uint8_t buf[NOISE_PAYLOAD_MAX];
	struct rogue r;
	size_t n;

	rogue_init(&r, true);
	n = make_payload(&r, r.key, r.key, NULL, js, buf);
	judged((struct rd){ buf, n }, &r, yamux, 0);
	n = make_payload(&r, r.key, r.key, NULL, none, buf);
	judged((struct rd){ buf, n }, &r, yamux, 0);
	n = make_payload(&r, r.key, r.key, NULL, old, buf);
	judged((struct rd){ buf, n }, &r, yamux, P2P_ERR_NO_PROTOCOL);
	rogue_fini(&r);
}

/* NOI-4: go ignores it, and it is authentic once the handshake is over. */
static void
a_payload_of_the_first_message_means_nothing(void)
{
	uint8_t buf[NOISE_PAYLOAD_MAX];
	struct end *l = end_new(false, yamux);
	struct rogue r;
	size_t n;

	rogue_init(&r, true);
	rogue_say(&r, l, "hello", 5);
	rogue_hear(&r, l);
	n = make_payload(&r, r.key, r.key, NULL, yamux, buf);
	rogue_say(&r, l, buf, n);
	CHECK_OK(decide(l));
	rogue_fini(&r);
	end_free(l);
}

static void
a_message_too_long_is_refused_before_it_is_there(void)
{
	struct end *l = end_new(false, yamux);

	push(l, "\x80\x00", 2);
	CHECK_ERR(decide(l), P2P_ERR_SECURITY);
	end_free(l);
	l = end_new(false, yamux);
	push(l, "\x00\x1f" "0123456789abcdef0123456789abcde", 33);
	CHECK_ERR(decide(l), P2P_ERR_SECURITY);		/* 31: no key */
	end_free(l);
}

/* Every handshake message cut: never done, and nothing is used up. */
static void
a_truncated_handshake_waits(void)
{
	struct end *d, *l;
	size_t len;
	int m;

	for (m = 0; m < 3; m++) {
		d = end_new(true, yamux);
		l = end_new(false, yamux);
		(void)step(d, l, ALL);
		if (m > 0)
			(void)step(l, d, ALL);
		if (m > 1)
			(void)step(d, l, ALL);
		for (len = 0; len < (m == 1 ? d : l)->len; len++) {
			CHECK(!step(m == 1 ? d : l, m == 1 ? l : d, len));
			CHECK_EQ((m == 1 ? d : l)->e, 1);
		}
		(void)step(m == 1 ? d : l, m == 1 ? l : d, ALL);
		CHECK_EQ((m == 1 ? d : l)->e, m == 0);
		end_free_both(d, l);
	}
}

/* A bit of a message flipped: nobody ends up with a connection. */
static void
no_handshake_with_a_flipped_bit_is_done(void)
{
	struct end *d, *l, *s;
	size_t i, len = 1;
	int m;

	for (m = 0; m < 3; m++) {
		for (i = 0; i < len; i++) {
			d = end_new(true, yamux);
			l = end_new(false, yamux);
			(void)step(d, l, ALL);
			if (m > 0)
				(void)step(l, d, ALL);
			if (m > 1)
				(void)step(d, l, ALL);
			s = m == 1 ? d : l;
			len = s->len;
			s->rx[i] ^= (uint8_t)(1 << (i % 8));
			shake(s, s == d ? l : d);
			CHECK(l->e != 0);
			CHECK(m == 2 || d->e != 0);
			end_free_both(d, l);
		}
	}
}

static void
a_mebibyte_survives_odd_chunks(void)
{
	uint8_t *data = malloc(MIB), *out = malloc(MIB);
	size_t at, n, len, chunk = 1, got = 0;
	struct end *d, *l;

	connect_in(&d, &l, ALL);
	for (at = 0; at < MIB; at++)
		data[at] = (uint8_t)(at * 31 + at / 255);
	for (at = 0; at < MIB; at += n) {
		n = MIB - at < 131071 ? MIB - at : 131071;
		seal(d, l, data + at, n);
		CHECK_OK(open_in(l, chunk, out + got, &len));
		got += len;
		chunk = chunk * 7 + 13;
	}
	CHECK_BYTES(out, got, data, MIB);
	free(data);
	free(out);
	end_free_both(d, l);
}

static void
nothing_seals_to_nothing_and_room_is_checked(void)
{
	struct end *d, *l;
	uint8_t buf[64];
	struct wr w;

	connect_in(&d, &l, ALL);
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(security_noise.seal(d->codec, NULL, 0, &w));
	CHECK_EQ(w.len, 0);		/* NOI-13 */
	CHECK_OK(security_noise.seal(d->codec, (const uint8_t *)"x", 1, &w));
	CHECK_EQ(w.len, 19);
	wr_init(&w, buf, 2 + 3 + 15);
	CHECK_ERR(security_noise.seal(d->codec, (const uint8_t *)"abc", 3,
	    &w), P2P_ERR_TOO_LARGE);
	wr_init(&w, buf, sizeof(buf));
	CHECK_ERR(security_noise.seal(d->codec, (const uint8_t *)"abc", 3,
	    &w), P2P_ERR_TOO_LARGE);	/* and it stays so */
	CHECK_EQ(w.len, 0);
	end_free_both(d, l);
}

/* NOI-13: what others may send although we do not. */
static void
an_empty_message_is_no_data(void)
{
	struct end *l;
	uint8_t out[64], frame[2 + AEAD_TAG] = { 0, AEAD_TAG };
	uint8_t k1[AEAD_KEY], k2[AEAD_KEY], buf[NOISE_PAYLOAD_MAX];
	struct noise_half half = { NULL, 0 };
	struct rogue r;
	size_t n, len;

	l = end_new(false, yamux);
	rogue_init(&r, true);
	rogue_say(&r, l, NULL, 0);
	rogue_hear(&r, l);
	n = make_payload(&r, r.key, r.key, NULL, yamux, buf);
	rogue_say(&r, l, buf, n);
	CHECK_OK(decide(l));
	CHECK_OK(noise_xx_split(&r.xx, k1, k2));
	CHECK_OK(aead_new(k1, &half.aead));
	CHECK_OK(noise_half_seal(&half, (struct rd){ NULL, 0 }, NULL, 0,
	    frame + 2));
	l->off = l->len;
	push(l, frame, sizeof(frame));
	CHECK_OK(open_in(l, ALL, out, &len));
	CHECK_EQ(len, 0);
	frame[1] = AEAD_TAG - 1;	/* shorter than a tag */
	push(l, frame, sizeof(frame));
	CHECK_ERR(open_in(l, ALL, out, &len), P2P_ERR_SECURITY);
	aead_free(half.aead);
	rogue_fini(&r);
	end_free(l);
}

/* NOI-5: what came whole before it counts, nothing after it. */
static void
every_flipped_byte_of_a_message_ends_the_codec(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t i, len;

	for (i = 1; i < 2 + 3 + AEAD_TAG; i++) {	/* 0: just longer */
		connect_in(&d, &l, ALL);
		seal(d, l, "one", 3);
		seal(d, l, "two", 3);
		l->rx[l->off + 2 + 3 + AEAD_TAG + i] ^= 0x01;
		CHECK_ERR(open_in(l, ALL, out, &len), P2P_ERR_SECURITY);
		CHECK_BYTES(out, len, "one", 3);
		seal(d, l, "six", 3);		/* would open */
		CHECK_ERR(open_in(l, ALL, out, &len), P2P_ERR_SECURITY);
		CHECK_EQ(len, 0);
		carries(l, d, "the other half lives");
		end_free_both(d, l);
	}
}

static void
a_replayed_or_swapped_message_ends_the_codec(void)
{
	struct end *d, *l;
	uint8_t out[64], copy[2 + 3 + AEAD_TAG];
	size_t len;

	connect_in(&d, &l, ALL);
	seal(d, l, "one", 3);
	memcpy(copy, l->rx + l->off, sizeof(copy));
	CHECK_OK(open_in(l, ALL, out, &len));
	push(l, copy, sizeof(copy));
	CHECK_ERR(open_in(l, ALL, out, &len), P2P_ERR_SECURITY);
	end_free_both(d, l);
	connect_in(&d, &l, ALL);
	seal(d, l, "one", 3);
	memcpy(copy, l->rx + l->off, sizeof(copy));
	push(d, copy, sizeof(copy));		/* back to who said it */
	CHECK_ERR(open_in(d, ALL, out, &len), P2P_ERR_SECURITY);
	end_free_both(d, l);
}

/* A cut message stays in the buffer: whoever reads the end knows. */
static void
a_cut_message_is_not_an_end(void)
{
	struct end *d, *l;
	uint8_t buf[64];
	size_t len, plain, cut;
	bool talk;

	connect_in(&d, &l, ALL);
	seal(d, l, "cut me", 6);
	for (cut = 0; cut < 2 + 6 + AEAD_TAG; cut++) {
		memcpy(buf, l->rx + l->off, cut);
		len = cut;
		CHECK_OK(security_open(&security_noise, l->codec, buf, &len,
		    &plain, &talk));
		CHECK_EQ(plain, 0);
		CHECK_EQ(len, cut);
	}
	end_free_both(d, l);
}

static void
what_follows_the_handshake_is_left_to_the_next_layer(void)
{
	struct end *d = end_new(true, yamux), *l = end_new(false, yamux);
	uint8_t out[64];
	size_t len;

	(void)step(d, l, ALL);
	(void)step(l, d, ALL);
	(void)step(d, l, ALL);
	CHECK_OK(d->e);
	seal(d, l, "at once", 7);
	(void)step(l, d, ALL);
	CHECK_OK(l->e);
	CHECK(l->off < l->len);
	CHECK_OK(open_in(l, ALL, out, &len));
	CHECK_BYTES(out, len, "at once", 7);
	end_free_both(d, l);
}

static void
before_the_handshake_nothing_is_sealed_or_opened(void)
{
	struct end *d = end_new(true, yamux);
	uint8_t buf[64] = { 0 };
	size_t len = 20, plain;
	struct wr w;
	bool talk;

	wr_init(&w, buf + 32, 32);
	CHECK_ERR(security_noise.seal(d->codec, buf, 1, &w),
	    P2P_ERR_SECURITY);
	CHECK_ERR(security_open(&security_noise, d->codec, buf, &len, &plain,
	    &talk), P2P_ERR_SECURITY);
	security_noise.close(d->codec, &w);
	CHECK_EQ(w.len, 0);
	end_free(d);
}

/* One direction each, with the codecs shared and no lock between them. */
struct lane {
	struct end	*from, *to;
	struct thread	 thread;
	bool		 good;
};

#define LANE_ROUNDS	2000

static void
lane_run(void *arg)
{
	struct lane *lane = arg;
	uint8_t plain[100], buf[256];
	size_t len, got;
	struct wr w;
	bool talk;
	int i;

	lane->good = true;
	for (i = 0; i < LANE_ROUNDS && lane->good; i++) {
		memset(plain, i, sizeof(plain));
		wr_init(&w, buf, sizeof(buf));
		lane->good = security_noise.seal(lane->from->codec, plain,
		    sizeof(plain), &w) == 0;
		len = w.len;
		lane->good = lane->good && security_open(&security_noise, 
		    lane->to->codec, buf, &len, &got, &talk) == 0 &&
		    got == sizeof(plain) && memcmp(buf, plain, got) == 0;
	}
}

static void
both_halves_of_both_codecs_run_at_once(void)
{
	struct lane lanes[2];
	struct end *d, *l;

	connect_in(&d, &l, ALL);
	lanes[0] = (struct lane){ .from = d, .to = l };
	lanes[1] = (struct lane){ .from = l, .to = d };
	CHECK_OK(thread_start(&lanes[0].thread, "lane", THREAD_STACK, lane_run,
	    &lanes[0]));
	CHECK_OK(thread_start(&lanes[1].thread, "lane", THREAD_STACK, lane_run,
	    &lanes[1]));
	thread_join(&lanes[0].thread);
	thread_join(&lanes[1].thread);
	CHECK(lanes[0].good && lanes[1].good);
	end_free_both(d, l);
}

/* The lines of a handshake, which decrypt it. */
struct lines {
	unsigned	n;
	char		text[4][256];
};

static void
keep_line(const char *line, void *arg)
{
	struct lines *k = arg;

	CHECK_FATAL(k->n < 4);
	snprintf(k->text[k->n++], sizeof(k->text[0]), "%s", line);
}

static void
logged_keys_open_what_was_sealed(void)
{
	struct lines k = { 0, { "" } };
	struct security_keylog log = { keep_line, &k };
	struct end *d = end_new(true, yamux), *l = end_new(false, yamux);
	struct security_params p = { .dialer = true, .muxers = yamux };
	struct noise_half half = { NULL, 0 };
	char label[64], first[128], key[128], want[2 * DH_SIZE + 1];
	uint8_t bytes[AEAD_KEY], out[64];
	size_t len;

	security_noise.codec_free(d->codec);
	security_noise.context_free(d->context);
	CHECK_OK(security_noise.context_new(d->key, &log, &d->context));
	p.key = d->key;
	p.context = d->context;
	CHECK_OK(security_noise.codec_new(&p, &d->codec));
	(void)step(d, l, ALL);
	hex_put(want, l->rx + 2, DH_SIZE);	/* as on the wire */
	shake(d, l);
	CHECK_OK(d->e);
	CHECK_EQ(k.n, 2);
	CHECK_EQ(sscanf(k.text[0], "%63s %127s %127s", label, first, key), 3);
	CHECK_STR(label, "NOISE_DIALER_KEY");
	CHECK_STR(first, want);
	CHECK_OK(hex_get(key, bytes, sizeof(bytes), &len));
	CHECK_OK(aead_new(bytes, &half.aead));
	seal(d, l, "secret", 6);
	CHECK_OK(noise_half_open(&half, (struct rd){ NULL, 0 },
	    l->rx + l->off + 2, 6 + AEAD_TAG, out));
	CHECK_BYTES(out, 6, "secret", 6);
	CHECK(strncmp(k.text[1], "NOISE_LISTENER_KEY ", 19) == 0);
	aead_free(half.aead);
	end_free_both(d, l);
}

/* The peer's key is of low order: our ephemeral one was in out by then. */
static void
a_message_that_fails_half_way_is_not_said(void)
{
	static const uint8_t first[2 + DH_SIZE] = { 0, DH_SIZE };
	struct end *s = end_new(false, yamux), *peer = end_new(true, yamux);

	push(s, first, sizeof(first));
	(void)move(s, peer, ALL);
	CHECK_ERR(s->e, P2P_ERR_SECURITY);
	CHECK_EQ(peer->len, 0);
	end_free(s);
	end_free(peer);
}

TESTS("noise",
    { "a message that fails half way is not said",
      a_message_that_fails_half_way_is_not_said },
    { "two codecs learn who the other is", two_codecs_learn_who_the_other_is },
    { "one byte at a time is enough", one_byte_at_a_time_is_enough },
    { "all four key types prove themselves",
      all_four_key_types_prove_themselves },
    { "a dialer refuses the wrong peer and says who it is",
      a_dialer_refuses_the_wrong_peer_and_says_who_it_is },
    { "the listener's only muxer is chosen in the handshake",
      the_listeners_only_muxer_is_chosen_in_the_handshake },
    { "a muxer that is not ours ends the handshake",
      a_muxer_that_is_not_ours_ends_the_handshake },
    { "payloads that prove nothing are refused",
      payloads_that_prove_nothing_are_refused },
    { "muxers of others are matched by the dialer's order",
      muxers_of_others_are_matched_by_the_dialers_order },
    { "a payload of the first message means nothing",
      a_payload_of_the_first_message_means_nothing },
    { "a message too long is refused before it is there",
      a_message_too_long_is_refused_before_it_is_there },
    { "a truncated handshake waits", a_truncated_handshake_waits },
    { "no handshake with a flipped bit is done",
      no_handshake_with_a_flipped_bit_is_done },
    { "a mebibyte survives odd chunks", a_mebibyte_survives_odd_chunks },
    { "nothing seals to nothing and room is checked",
      nothing_seals_to_nothing_and_room_is_checked },
    { "an empty message is no data", an_empty_message_is_no_data },
    { "every flipped byte of a message ends the codec",
      every_flipped_byte_of_a_message_ends_the_codec },
    { "a replayed or swapped message ends the codec",
      a_replayed_or_swapped_message_ends_the_codec },
    { "a cut message is not an end", a_cut_message_is_not_an_end },
    { "what follows the handshake is left to the next layer",
      what_follows_the_handshake_is_left_to_the_next_layer },
    { "before the handshake nothing is sealed or opened",
      before_the_handshake_nothing_is_sealed_or_opened },
    { "both halves of both codecs run at once",
      both_halves_of_both_codecs_run_at_once },
    { "logged keys open what was sealed", logged_keys_open_what_was_sealed })
