/*
 * The symmetric state and the three messages.  A message is a list of tokens;
 * each end walks the same list, one writing what the other reads, and mixes the
 * same values into ck and h in the same order.
 */
#include "security/noise_state.h"

#include <assert.h>
#include <string.h>

#include "crypto/wipe.h"
#include "p2p/error.h"

/* 32 bytes: it is the first h and ck as it stands (section 5.2). */
static const char name[] = "Noise_XX_25519_ChaChaPoly_SHA256";

_Static_assert(sizeof(name) - 1 == HASH_SHA256_SIZE, "no hashing of the name");

enum token { END, E, S, EE, ES, SE };

static const enum token messages[NOISE_XX_MESSAGES][5] = {
	{ E, END },
	{ E, EE, S, ES, END },
	{ S, SE, END },
};

static int
mix_hash(struct noise_xx *n, const void *bytes, size_t len)
{
	return hash_sha256_pair((struct rd){ n->h, sizeof(n->h) },
	    (struct rd){ bytes, len }, n->h);
}

static int
mix_key(struct noise_xx *n, const uint8_t shared[DH_SIZE])
{
	uint8_t out[HASH_SHA256_SIZE + AEAD_KEY];
	int e;

	e = hash_hkdf((struct rd){ n->ck, sizeof(n->ck) },
	    (struct rd){ shared, DH_SIZE }, out, sizeof(out));
	if (e == 0) {
		memcpy(n->ck, out, sizeof(n->ck));
		aead_free(n->half.aead);
		n->half = (struct noise_half){ NULL, 0 };
		e = aead_new(out + HASH_SHA256_SIZE, &n->half.aead);
	}
	wipe(out, sizeof(out));
	return e;
}

int
noise_half_seal(struct noise_half *h, struct rd ad, const uint8_t *plain,
    size_t len, uint8_t *out)
{
	if (h->nonce == NOISE_NONCE_END)
		return P2P_ERR_SECURITY;
	return aead_seal(h->aead, h->nonce++, ad, plain, len, out);
}

int
noise_half_open(struct noise_half *h, struct rd ad, const uint8_t *sealed,
    size_t len, uint8_t *out)
{
	if (h->nonce == NOISE_NONCE_END)
		return P2P_ERR_SECURITY;
	return aead_open(h->aead, h->nonce++, ad, sealed, len, out);
}

/* The prologue is empty, and mixed in all the same. */
int
noise_xx_init(struct noise_xx *n, bool dialer, const struct dh_pair *s,
    const struct dh_pair *e)
{
	memset(n, 0, sizeof(*n));
	n->dialer = dialer;
	n->s = *s;
	n->e = *e;
	memcpy(n->h, name, sizeof(n->h));
	memcpy(n->ck, name, sizeof(n->ck));
	return mix_hash(n, NULL, 0);
}

void
noise_xx_fini(struct noise_xx *n)
{
	aead_free(n->half.aead);
	wipe(n, sizeof(*n));
}

bool
noise_xx_done(const struct noise_xx *n)
{
	return n->next == NOISE_XX_MESSAGES;
}

bool
noise_xx_speaks(const struct noise_xx *n)
{
	return !noise_xx_done(n) && (n->next % 2 == 0) == n->dialer;
}

/* ES and SE name the dialer's key first. */
static int
mix_dh(struct noise_xx *n, enum token t)
{
	bool ephemeral = t == EE || (t == ES) == n->dialer;
	bool theirs = t == EE || (t == SE) == n->dialer;
	uint8_t shared[DH_SIZE];
	int e;

	e = dh_shared(ephemeral ? &n->e : &n->s, theirs ? n->re : n->rs,
	    shared);
	if (e == 0)
		e = mix_key(n, shared);
	wipe(shared, sizeof(shared));
	return e;
}

/* EncryptAndHash: without a key yet, it is the plain bytes. */
static int
put_sealed(struct noise_xx *n, struct rd plain, struct wr *w)
{
	size_t len = plain.len + (n->half.aead != NULL ? AEAD_TAG : 0);
	uint8_t *to = w->p + w->len;
	int e = 0;

	if (len > NOISE_FRAME_MAX || wr_room(w) < len)
		return P2P_ERR_TOO_LARGE;
	if (n->half.aead == NULL)
		wr_bytes(w, plain.p, plain.len);
	else if ((e = noise_half_seal(&n->half, (struct rd){ n->h,
	    sizeof(n->h) }, plain.p, plain.len, to)) == 0)
		w->len += len;
	return e == 0 ? mix_hash(n, to, len) : e;
}

static int
get_sealed(struct noise_xx *n, struct rd sealed, uint8_t *out)
{
	int e = 0;

	if (n->half.aead != NULL)
		e = noise_half_open(&n->half, (struct rd){ n->h,
		    sizeof(n->h) }, sealed.p, sealed.len, out);
	else if (sealed.len > 0)
		memcpy(out, sealed.p, sealed.len);
	return e == 0 ? mix_hash(n, sealed.p, sealed.len) : e;
}

static int
put_token(struct noise_xx *n, enum token t, struct wr *w)
{
	if (t == S)
		return put_sealed(n, (struct rd){ n->s.public, DH_SIZE }, w);
	if (t != E)
		return mix_dh(n, t);
	wr_bytes(w, n->e.public, DH_SIZE);
	return w->full ? P2P_ERR_TOO_LARGE :
	    mix_hash(n, n->e.public, DH_SIZE);
}

static int
get_token(struct noise_xx *n, enum token t, struct rd *in)
{
	struct rd sealed;
	int e;

	if (t == S)
		return (e = rd_bytes(in, DH_SIZE + AEAD_TAG, &sealed)) != 0 ?
		    e : get_sealed(n, sealed, n->rs);
	if (t != E)
		return mix_dh(n, t);
	return (e = rd_copy(in, n->re, DH_SIZE)) != 0 ? e :
	    mix_hash(n, n->re, DH_SIZE);
}

int
noise_xx_write(struct noise_xx *n, struct rd payload, struct wr *w)
{
	const enum token *t;
	int e;

	assert(noise_xx_speaks(n));
	for (t = messages[n->next]; *t != END; t++)
		if ((e = put_token(n, *t, w)) != 0)
			return e;
	if ((e = put_sealed(n, payload, w)) != 0)
		return e;
	n->next++;
	return 0;
}

int
noise_xx_read(struct noise_xx *n, struct rd message, uint8_t *out,
    struct rd *payload)
{
	const enum token *t;
	size_t tag;
	int e;

	assert(!noise_xx_done(n) && !noise_xx_speaks(n));
	if (message.len > NOISE_FRAME_MAX)
		return P2P_ERR_TOO_LARGE;
	for (t = messages[n->next]; *t != END; t++)
		if ((e = get_token(n, *t, &message)) != 0)
			return e;
	tag = n->half.aead != NULL ? AEAD_TAG : 0;
	if (message.len < tag)
		return P2P_ERR_SHORT;
	if ((e = get_sealed(n, message, out)) != 0)
		return e;
	*payload = (struct rd){ out, message.len - tag };
	n->next++;
	return 0;
}

int
noise_xx_split(const struct noise_xx *n, uint8_t dialer[AEAD_KEY],
    uint8_t listener[AEAD_KEY])
{
	uint8_t out[2 * AEAD_KEY];
	int e;

	assert(noise_xx_done(n));
	e = hash_hkdf((struct rd){ n->ck, sizeof(n->ck) },
	    (struct rd){ NULL, 0 }, out, sizeof(out));
	if (e == 0) {
		memcpy(dialer, out, AEAD_KEY);
		memcpy(listener, out + AEAD_KEY, AEAD_KEY);
	}
	wipe(out, sizeof(out));
	return e;
}
