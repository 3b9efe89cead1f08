/*
 * /tls/1.0.0 as a codec: an OpenSSL SSL object between two views in memory.
 *
 * OpenSSL reads from c->in, a view of the caller's bytes, and writes to c->out,
 * the caller's writer.  What it has to say while it only reads (the answer to a
 * key update, an alert) goes to c->kept, and from there in front of whatever is
 * sealed next, so records leave in the order in which they were numbered.
 *
 * An SSL object is not thread-safe.  Every call on it stands between enter()
 * and leave(): one lock a codec, held for the crypto of one record at most, so
 * that one thread may seal while another opens.
 *
 * Opening in place is safe because OpenSSL is given one whole record at a time.
 * It copies it out before it decrypts it, and keeps none when SSL_read() says
 * that it wants more.
 *
 * The certificate is judged in verify(), during the handshake, so a peer that
 * is refused gets an alert.  The id in a P2P_ERR_WRONG_PEER is what the
 * certificate claims: the peer has not yet proved that the certificate is its
 * own, and only a handshake that returned 0 has.
 */
#include "security/security.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/tls_cert.h"

/* RFC 8446, 5.1 and 5.2. */
#define RECORD_HEADER	5
#define RECORD_PLAIN	16384
#define RECORD_CIPHER	(RECORD_PLAIN + 256)
#define RECORD_OVERHEAD	22		/* header, type and tag */

/* A client may ask for records this short (RFC 6066, 4); OpenSSL agrees. */
#define RECORD_SHORT	512

/*
 * AES-GCM is good for 2^24.5 records of one key (RFC 8446, 5.5), which a fast
 * link sends in minutes.  We count what we hand over, up to RECORD_PLAIN bytes
 * each; OpenSSL may make 32 short records of that.
 */
#define REKEY_AFTER	(UINT32_C(1) << 19)

/*
 * An alert takes 24 bytes.  A peer that asks for more key updates than have
 * their answers kept, before it lets us write, gets no connection.
 */
#define KEPT_MAX	256
#define KEY_UPDATE	27

/* Messages after the handshake without data between them; rustls sends 4. */
#define CHATTER_MAX	64

/*
 * All that a peer may send before it is who it says; a hello with post-quantum
 * key shares takes 2 KiB, a certificate of an RSA-8192 identity 3.
 */
#define HANDSHAKE_MAX	(64 * 1024)
#define CERT_LIST_MAX	(8 * 1024)

#define ALPN_MAX	(SECURITY_MUXERS_MAX * 64)

static const char alpn_none[] = "libp2p";

struct tls_context {
	struct security_keylog	 keylog;
	SSL_CTX			*role[2];	/* listener, dialer */
	BIO_METHOD		*bio;
};

enum state {
	SHAKING,
	OPEN,
	SHUT,				/* the peer's close_notify came */
	DEAD,				/* error says why */
};

/*
 * Who may touch a member:
 *	I	nobody writes it after the handshake
 *	m	holder of mtx
 */
struct codec {
	struct lock		 mtx;		/* LOCK_LEAF */
	SSL			*ssl;		/* [m] */
	unsigned		 calls;		/* [m] a canary for TSan, which
						 * cannot see into OpenSSL */
	struct rd		 in;		/* [m] not read yet */
	struct wr		*out;		/* [m] NULL: kept is written */
	size_t			 kept_len;	/* [m] */
	uint8_t			 kept[KEPT_MAX];	/* [m] */
	unsigned		 chatter;	/* [m] */
	uint32_t		 sealed;	/* [m] with this key */
	size_t			 taken;		/* [m] bytes of handshake */
	enum state		 state;		/* [m] */
	int			 error;		/* [m] */
	bool			 dialer;	/* [I] */
	bool			 anyone;	/* [I] expected is not set */
	struct p2p_peer_id	 expected;	/* [I] */
	const char		*muxers[SECURITY_MUXERS_MAX + 1]; /* [I] */
	struct security_result	 result;	/* [I] */
};

static void
enter(struct codec *c)
{
	lock_lock(&c->mtx);
	c->calls++;
	ERR_clear_error();
}

static void
leave(struct codec *c)
{
	ERR_clear_error();
	c->calls++;
	lock_unlock(&c->mtx);
}

/*
 * The BIO.  All of it runs inside enter() and leave().  A failure without the
 * retry flag ends the SSL object; that is how a peer's limits are enforced in
 * the middle of OpenSSL's loops.
 */
static int
bio_read(BIO *bio, char *to, int len)
{
	struct codec *c = BIO_get_data(bio);
	size_t n = len > 0 ? (size_t)len : 0;

	BIO_clear_retry_flags(bio);
	if (n > c->in.len)
		n = c->in.len;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (c->state == SHAKING && (c->taken += n) > HANDSHAKE_MAX)
		return -1;
	if (c->chatter > CHATTER_MAX)
		return -1;
	return rd_copy(&c->in, to, n) == 0 ? (int)n : -1;
}

static int
bio_write(BIO *bio, const char *from, int len)
{
	struct codec *c = BIO_get_data(bio);
	size_t n = len > 0 ? (size_t)len : 0;

	BIO_clear_retry_flags(bio);
	if (c->out != NULL) {
		wr_bytes(c->out, from, n);
		return c->out->full ? -1 : len;
	}
	if (n > sizeof(c->kept) - c->kept_len)
		return -1;
	memcpy(c->kept + c->kept_len, from, n);
	c->kept_len += n;
	return len;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "libp2p codec");

	if (m == NULL || !BIO_meth_set_read(m, bio_read) ||
	    !BIO_meth_set_write(m, bio_write) ||
	    !BIO_meth_set_ctrl(m, bio_ctrl)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

/*
 * The muxer that ALPN agreed on: false for a name that we did not offer, which
 * OpenSSL does not check.
 */
static bool
find_muxer(const struct codec *c, const uint8_t *name, size_t len,
    const char **out)
{
	size_t i;

	*out = NULL;
	if (len == 0 || (len == sizeof(alpn_none) - 1 &&
	    memcmp(name, alpn_none, len) == 0))
		return true;
	for (i = 0; c->muxers[i] != NULL; i++) {
		if (strlen(c->muxers[i]) == len &&
		    memcmp(name, c->muxers[i], len) == 0) {
			*out = c->muxers[i];
			return true;
		}
	}
	return false;
}

static bool
chosen_muxer(const struct codec *c, const char **out)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(c->ssl, &name, &len);
	return find_muxer(c, name, len, out);
}

/* The first of the client's that we know. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	struct codec *c = SSL_get_app_data(ssl);
	struct rd list = { in, inlen }, name;
	const char *muxer;
	uint8_t len;

	(void)arg;
	while (rd_u8(&list, &len) == 0 && rd_bytes(&list, len, &name) == 0) {
		if (len > 0 && find_muxer(c, name.p, len, &muxer)) {
			*out = name.p;
			*outlen = len;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	c->error = P2P_ERR_NO_PROTOCOL;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
judge(struct codec *c, X509_STORE_CTX *store)
{
	time_t now = (time_t)(clock_wall_ns() / CLOCK_S);
	struct p2p_key *key = NULL;
	const char *muxer;

	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) != 1 ||
	    c->result.remote_key != NULL || !chosen_muxer(c, &muxer) ||
	    tls_cert_check(X509_STORE_CTX_get0_cert(store), now, &key) != 0)
		return P2P_ERR_SECURITY;
	c->result.remote_key = key;
	p2p_peer_id_from_key(key, &c->result.peer);
	if (!c->anyone && !p2p_peer_id_equal(&c->expected, &c->result.peer))
		return P2P_ERR_WRONG_PEER;
	return 0;
}

/* In place of chain building and everything else that OpenSSL would do. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct codec *c = SSL_get_app_data(ssl);
	int e;

	(void)arg;
	if ((e = judge(c, store)) != 0)
		c->error = e;
	X509_STORE_CTX_set_error(store,
	    e == 0 ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
	return e == 0;
}

/* Counts what a peer makes us do between its data. */
static void
watch(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
    void *arg)
{
	struct codec *c = arg;

	(void)version;
	(void)buf;
	(void)len;
	(void)ssl;
	if (!sent && type == SSL3_RT_HANDSHAKE && c->state == OPEN)
		c->chatter++;
}

static void
log_secret(const SSL *ssl, const char *line)
{
	const struct tls_context *t =
	    SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	t->keylog.line(line, t->keylog.arg);
}

static SSL_CTX *
role_new(bool dialer, X509 *cert, EVP_PKEY *pkey)
{
	SSL_CTX *ctx;

	ctx = SSL_CTX_new(dialer ? TLS_client_method() : TLS_server_method());
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	SSL_CTX_set_read_ahead(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	if (!dialer)
		SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_num_tickets(ctx, 0) ||
	    !SSL_CTX_set_max_early_data(ctx, 0) ||
	    !SSL_CTX_set_recv_max_early_data(ctx, 0) ||
	    SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, pkey) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static void
tls_context_free(void *context)
{
	struct tls_context *t = context;

	if (t == NULL)
		return;
	SSL_CTX_free(t->role[0]);
	SSL_CTX_free(t->role[1]);
	BIO_meth_free(t->bio);
	free(t);
}

static void
log_secrets(struct tls_context *t)
{
	int i;

	for (i = 0; i < 2; i++) {
		(void)SSL_CTX_set_app_data(t->role[i], t);
		SSL_CTX_set_keylog_callback(t->role[i], log_secret);
	}
}

static int
tls_context_new(const struct p2p_key *key,
    const struct security_keylog *keylog, void **out)
{
	time_t now = (time_t)(clock_wall_ns() / CLOCK_S);
	struct tls_context *t;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	int e;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return -ENOMEM;
	if (keylog != NULL)
		t->keylog = *keylog;
	if ((e = tls_cert_new(key, now, &cert, &pkey)) != 0)
		goto done;
	e = P2P_ERR_CRYPTO;
	if ((t->bio = bio_method()) == NULL ||
	    (t->role[0] = role_new(false, cert, pkey)) == NULL ||
	    (t->role[1] = role_new(true, cert, pkey)) == NULL)
		goto done;
	if (keylog != NULL)
		log_secrets(t);
	*out = t;
	t = NULL;
	e = 0;
done:
	tls_context_free(t);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return e;
}

/* RFC 7301: names with a length byte each; ours in order, "libp2p" last. */
static int
offer_alpn(struct codec *c)
{
	uint8_t buf[ALPN_MAX];
	struct wr w;
	size_t i, len;

	wr_init(&w, buf, sizeof(buf));
	for (i = 0; c->muxers[i] != NULL; i++) {
		len = strlen(c->muxers[i]);
		if (len == 0 || len > UINT8_MAX)
			return P2P_ERR_TOO_LARGE;
		wr_u8(&w, (uint8_t)len);
		wr_bytes(&w, c->muxers[i], len);
	}
	wr_u8(&w, sizeof(alpn_none) - 1);
	wr_bytes(&w, alpn_none, sizeof(alpn_none) - 1);
	if (w.full)
		return P2P_ERR_TOO_LARGE;
	return SSL_set_alpn_protos(c->ssl, buf, (unsigned)w.len) == 0 ? 0 :
	    -ENOMEM;
}

static int
attach(struct codec *c, const struct tls_context *t)
{
	BIO *bio;

	if ((c->ssl = SSL_new(t->role[c->dialer])) == NULL ||
	    !SSL_set_app_data(c->ssl, c) || (bio = BIO_new(t->bio)) == NULL)
		return -ENOMEM;
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_msg_callback(c->ssl, watch);
	SSL_set_msg_callback_arg(c->ssl, c);
	if (!c->dialer) {
		SSL_set_accept_state(c->ssl);
		return 0;
	}
	SSL_set_connect_state(c->ssl);
	return offer_alpn(c);
}

static void
tls_codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	enter(c);
	SSL_free(c->ssl);
	leave(c);
	lock_destroy(&c->mtx);
	p2p_key_free(c->result.remote_key);
	free(c);
}

static int
tls_codec_new(const struct security_params *params, struct codec **out)
{
	struct codec *c;
	size_t i;
	int e;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	lock_init(&c->mtx, LOCK_LEAF);
	c->dialer = params->dialer;
	c->anyone = params->expected == NULL;
	if (!c->anyone)
		c->expected = *params->expected;
	for (i = 0; i < SECURITY_MUXERS_MAX && params->muxers[i] != NULL; i++)
		c->muxers[i] = params->muxers[i];
	enter(c);
	e = params->muxers[i] != NULL ? P2P_ERR_TOO_LARGE :
	    attach(c, params->context);
	leave(c);
	if (e != 0) {
		tls_codec_free(c);
		return e;
	}
	*out = c;
	return 0;
}

/* The first error stays.  An alert, if any, is in out or kept already. */
static int
die(struct codec *c, int e)
{
	lock_assert_held(&c->mtx);
	if (c->error == 0)
		c->error = e;
	c->state = DEAD;
	return c->error;
}

/* What OpenSSL's failure means to a caller. */
static int
reason(void)
{
	unsigned long e = ERR_peek_error();

	if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) ==
	    SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL)
		return P2P_ERR_NO_PROTOCOL;
	if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
		return -ENOMEM;
	return P2P_ERR_SECURITY;
}

static int
step(struct codec *c)
{
	int n;

	n = SSL_do_handshake(c->ssl);
	if (n != 1 && SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
		return 1;
	if (n != 1)
		return die(c, reason());
	if (c->result.remote_key == NULL || SSL_session_reused(c->ssl) ||
	    SSL_version(c->ssl) != TLS1_3_VERSION ||
	    !chosen_muxer(c, &c->result.muxer))
		return die(c, P2P_ERR_SECURITY);
	c->state = OPEN;
	return 0;
}

static int
tls_handshake(struct codec *c, struct rd *in, struct wr *out)
{
	int e;

	if (wr_room(out) < SECURITY_OUT_MIN)
		return P2P_ERR_TOO_LARGE;
	enter(c);
	if (c->state == SHAKING) {
		c->in = *in;
		c->out = out;
		e = step(c);
		*in = c->in;
		c->in = (struct rd){ NULL, 0 };
		c->out = NULL;
	} else {
		e = c->state == DEAD ? c->error : 0;
	}
	leave(c);
	return e;
}

static const struct security_result *
tls_result(const struct codec *c)
{
	return &c->result;
}

static size_t
tls_sealed_size(const struct codec *c, size_t len)
{
	size_t records = len / RECORD_SHORT + 1;

	(void)c;
	return KEPT_MAX + KEY_UPDATE + len + records * RECORD_OVERHEAD;
}

static void
put_kept(struct codec *c, struct wr *out)
{
	lock_assert_held(&c->mtx);
	wr_bytes(out, c->kept, c->kept_len);
	c->kept_len = 0;
}

/* OpenSSL owes the peer an answer to a key update and waits for a write. */
static bool
owes_update(const struct codec *c)
{
	return c->state == OPEN &&
	    SSL_get_key_update_type(c->ssl) != SSL_KEY_UPDATE_NONE;
}

/* OpenSSL sends the update in front of the next record. */
static bool
renew_key(struct codec *c)
{
	if (++c->sealed <= REKEY_AFTER)
		return true;
	c->sealed = 0;
	return SSL_key_update(c->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1;
}

/* SSL_write() with nothing to write is undefined. */
static bool
write_record(struct codec *c, const uint8_t *plain, size_t len)
{
	if (len > 0)
		return renew_key(c) &&
		    SSL_write(c->ssl, plain, (int)len) == (int)len;
	return !owes_update(c) ||
	    (SSL_key_update(c->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
	    SSL_do_handshake(c->ssl) == 1);
}

/* What was kept, then one record of at most RECORD_PLAIN bytes. */
static int
seal_record(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	int e = 0;

	enter(c);
	put_kept(c, out);
	c->out = out;
	if (c->state != OPEN && c->state != SHUT)
		e = c->state == DEAD ? c->error : P2P_ERR_SECURITY;
	else if (!write_record(c, plain, len))
		e = die(c, out->full ? P2P_ERR_TOO_LARGE : P2P_ERR_CRYPTO);
	c->out = NULL;
	leave(c);
	return e;
}

static int
tls_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	int e;

	while (len > RECORD_PLAIN) {
		if ((e = seal_record(c, plain, RECORD_PLAIN, out)) != 0)
			return e;
		plain += RECORD_PLAIN;
		len -= RECORD_PLAIN;
	}
	return seal_record(c, plain, len, out);
}

/*
 * The size of the record in front, 0 if it is not there in full.  A header that
 * no record may have counts with all that follows it: OpenSSL shall say what is
 * wrong with it.
 */
static size_t
whole_record(const struct span *in)
{
	size_t n;

	if (in->len < RECORD_HEADER)
		return 0;
	n = RECORD_HEADER + ((size_t)in->p[3] << 8 | in->p[4]);
	if (n > RECORD_HEADER + RECORD_CIPHER)
		return in->len;
	return n <= in->len ? n : 0;
}

/* One SSL_read() of one record: *got bytes, 0 if it was OpenSSL's own. */
static int
open_record(struct codec *c, uint8_t *to, size_t room, size_t *got)
{
	int n;

	if (c->state != OPEN)
		return c->state == SHUT ? 1 :
		    c->state == DEAD ? c->error : P2P_ERR_SECURITY;
	if (room == 0)
		return P2P_ERR_SHORT;
	n = SSL_read(c->ssl, to, room < INT_MAX ? (int)room : INT_MAX);
	if (n > 0) {
		*got = (size_t)n;
		c->chatter = 0;
		return 0;
	}
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return c->in.len < room ? 0 : P2P_ERR_SHORT;
	case SSL_ERROR_ZERO_RETURN:
		c->state = SHUT;
		return 1;
	default:
		return die(c, reason());
	}
}

static int
tls_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	size_t n = whole_record(in), got = 0;
	int e;

	enter(c);
	c->in = (struct rd){ in->p, n };
	e = open_record(c, in->p, n, &got);
	n -= c->in.len;
	c->in = (struct rd){ NULL, 0 };
	*talk = c->kept_len > 0 || owes_update(c);
	leave(c);
	*plain = (struct rd){ in->p, got };
	if (e != 0 && e != P2P_ERR_SHORT)
		n = in->len;
	in->p += n;
	in->len -= n;
	return e;
}

/* The kept alert of a codec that died is its last word, else close_notify. */
static void
tls_close(struct codec *c, struct wr *out)
{
	enter(c);
	put_kept(c, out);
	c->out = out;
	if (c->state == OPEN || c->state == SHUT)
		(void)SSL_shutdown(c->ssl);
	c->out = NULL;
	leave(c);
}

const struct security_ops security_tls = {
	.id = "/tls/1.0.0",
	.context_new = tls_context_new,
	.context_free = tls_context_free,
	.codec_new = tls_codec_new,
	.codec_free = tls_codec_free,
	.handshake = tls_handshake,
	.result = tls_result,
	.sealed_size = tls_sealed_size,
	.seal = tls_seal,
	.open = tls_open,
	.close = tls_close,
};
