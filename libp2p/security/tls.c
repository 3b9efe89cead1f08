/*
 * /tls/1.0.0 as a codec: an OpenSSL object between two views in memory.
 *
 * One BIO stands at the bottom of the object.  Reading takes from a view of the
 * caller's input, writing appends to the caller's output, or, when OpenSSL has
 * something to say while it reads (an alert, a key update), to a small buffer of
 * ours that goes in front of the next seal's output.
 *
 * An SSL object must not be used by two threads at once, so the two halves of
 * the codec share a lock, held for the crypto of one call and never for I/O.
 * canary is touched inside the lock next to every SSL call: the thread sanitizer
 * does not see into libssl, but it sees that.
 *
 * TLS 1.3 only, no tickets, no resumption, no early data.  All certificate
 * checks are ours (tls_cert.c): no path is built, no CA is trusted.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/security.h"
#include "security/tls_cert.h"

#define ALPN_MAX	256	/* bytes of our list */
#define ALPN_LIBP2P	"libp2p"
#define CERT_MAX	8192	/* bytes of a peer's certificate message */
#define TALK_MAX	1024	/* bytes OpenSSL may say while reading */
#define RECORD_PLAIN	16384
#define RECORD_HEADER	5
#define RECORD_MAX	(RECORD_PLAIN + 256)	/* RFC 8446 5.2 */
#define RECORD_EXTRA	64	/* header, type, tag, and to spare */

/* What all connections of a host share. */
struct context {
	SSL_CTX		*client, *server;
	unsigned char	 alpn[ALPN_MAX];
	unsigned	 alpnlen;
	const char	*muxers[SECURITY_MUXERS_MAX + 1];
};

struct codec {
	struct lock	 mtx;		/* LOCK_LEAF: everything below */
	SSL		*ssl;
	struct context	*context;
	bool		 dialer, have_expected;
	struct p2p_peer_id expected;
	struct security_result result;
	int		 failure;	/* of the certificate callback */
	struct rd	 in;		/* what the BIO reads */
	struct wr	*out;		/* what it writes to, or NULL: talk */
	uint8_t		 talk[TALK_MAX];
	size_t		 talklen;
	unsigned	 canary;
};

static BIO_METHOD *bio_method;
static int codec_index;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
bio_read(BIO *b, char *buf, size_t len, size_t *got)
{
	struct codec *c = BIO_get_data(b);
	struct rd part;

	BIO_clear_retry_flags(b);
	if (len > c->in.len)
		len = c->in.len;
	if (len == 0 || rd_bytes(&c->in, len, &part) != 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	memcpy(buf, part.p, len);
	*got = len;
	return 1;
}

static int
bio_write(BIO *b, const char *buf, size_t len, size_t *put)
{
	struct codec *c = BIO_get_data(b);
	struct wr talk;

	BIO_clear_retry_flags(b);
	*put = len;
	if (c->out != NULL) {
		wr_bytes(c->out, buf, len);
		return !c->out->full;
	}
	wr_init(&talk, c->talk + c->talklen, TALK_MAX - c->talklen);
	wr_bytes(&talk, buf, len);
	c->talklen += talk.len;
	return !talk.full;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static void
init_once(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "libp2p codec");
	codec_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (bio_method == NULL || codec_index < 0 ||
	    BIO_meth_set_read_ex(bio_method, bio_read) != 1 ||
	    BIO_meth_set_write_ex(bio_method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(bio_method, bio_ctrl) != 1)
		abort();
}

static struct codec *
codec_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, codec_index);
}

/* In place of all of OpenSSL's own verification. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct codec *c = codec_of(ssl);
	struct p2p_key *key;

	(void)arg;
	c->failure = P2P_ERR_SECURITY;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) != 1 ||
	    tls_cert_check(X509_STORE_CTX_get0_cert(store), &key) != 0)
		return 0;
	p2p_key_free(c->result.remote_key);
	c->result.remote_key = key;
	p2p_peer_id_from_key(key, &c->result.peer);
	if (c->have_expected &&
	    !p2p_peer_id_equal(&c->expected, &c->result.peer)) {
		c->failure = P2P_ERR_WRONG_PEER;
		return 0;
	}
	c->failure = 0;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Whether one entry of an ALPN list is offered by us. */
static bool
offered(const struct context *ctx, struct rd name)
{
	struct rd ours = { ctx->alpn, ctx->alpnlen }, one;
	uint8_t n;

	while (rd_u8(&ours, &n) == 0 && rd_bytes(&ours, n, &one) == 0)
		if (rd_equal(&one, name.p, name.len))
			return true;
	return false;
}

/* The server takes the client's first choice that it has. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	struct rd list = { in, inlen }, one;
	uint8_t n;

	while (rd_u8(&list, &n) == 0 && rd_bytes(&list, n, &one) == 0) {
		if (n > 0 && offered(arg, one)) {
			*out = one.p;
			*outlen = n;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	codec_of(ssl)->failure = P2P_ERR_NO_PROTOCOL;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
make_alpn(struct context *ctx, const char *const *muxers)
{
	struct wr w;
	size_t i;

	wr_init(&w, ctx->alpn, sizeof(ctx->alpn));
	for (i = 0; muxers[i] != NULL; i++) {
		if (i == SECURITY_MUXERS_MAX)
			return P2P_ERR_TOO_LARGE;
		ctx->muxers[i] = muxers[i];
		wr_u8(&w, (uint8_t)strlen(muxers[i]));
		wr_bytes(&w, muxers[i], strlen(muxers[i]));
	}
	wr_u8(&w, (uint8_t)strlen(ALPN_LIBP2P));
	wr_bytes(&w, ALPN_LIBP2P, strlen(ALPN_LIBP2P));
	ctx->alpnlen = (unsigned)w.len;
	return w.full ? P2P_ERR_TOO_LARGE : 0;
}

static SSL_CTX *
make_ctx(const struct context *ctx, const SSL_METHOD *method, EVP_PKEY *pkey,
    X509 *cert)
{
	SSL_CTX *s = SSL_CTX_new(method);

	if (s == NULL)
		return NULL;
	SSL_CTX_set_options(s, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(s, CERT_MAX);
	SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    NULL);
	SSL_CTX_set_cert_verify_callback(s, verify, NULL);
	SSL_CTX_set_alpn_select_cb(s, select_alpn, (void *)(uintptr_t)ctx);
	if (SSL_CTX_set_min_proto_version(s, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(s, 0) != 1 ||
	    SSL_CTX_set_max_early_data(s, 0) != 1 ||
	    SSL_CTX_set_alpn_protos(s, ctx->alpn, ctx->alpnlen) != 0 ||
	    SSL_CTX_use_certificate(s, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(s, pkey) != 1) {
		SSL_CTX_free(s);
		return NULL;
	}
	return s;
}

static void
tls_context_free(void *context)
{
	struct context *ctx = context;

	if (ctx == NULL)
		return;
	SSL_CTX_free(ctx->client);
	SSL_CTX_free(ctx->server);
	free(ctx);
}

static int
tls_context_new(const struct p2p_key *key, const char *const *muxers,
    void **out)
{
	struct context *ctx;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	int e;

	pthread_once(&once, init_once);
	if ((ctx = calloc(1, sizeof(*ctx))) == NULL)
		return -ENOMEM;
	if ((e = make_alpn(ctx, muxers)) != 0 ||
	    (e = tls_cert_make(key, &pkey, &cert)) != 0)
		goto done;
	ctx->client = make_ctx(ctx, TLS_client_method(), pkey, cert);
	ctx->server = make_ctx(ctx, TLS_server_method(), pkey, cert);
	if (ctx->client == NULL || ctx->server == NULL) {
		e = P2P_ERR_CRYPTO;
		goto done;
	}
	*out = ctx;
	ctx = NULL;
done:
	X509_free(cert);
	EVP_PKEY_free(pkey);
	tls_context_free(ctx);
	return e;
}

static void
tls_codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	SSL_free(c->ssl);
	p2p_key_free(c->result.remote_key);
	lock_destroy(&c->mtx);
	free(c);
}

static int
tls_codec_new(const struct security_params *p, struct codec **out)
{
	struct context *ctx = p->context;
	struct codec *c;
	BIO *bio;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	lock_init(&c->mtx, LOCK_LEAF);
	c->context = ctx;
	c->dialer = p->dialer;
	if (p->expected != NULL) {
		c->have_expected = true;
		c->expected = *p->expected;
	}
	c->ssl = SSL_new(p->dialer ? ctx->client : ctx->server);
	bio = BIO_new(bio_method);
	if (c->ssl == NULL || bio == NULL ||
	    SSL_set_ex_data(c->ssl, codec_index, c) != 1) {
		BIO_free(bio);
		tls_codec_free(c);
		return P2P_ERR_CRYPTO;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	if (p->dialer)
		SSL_set_connect_state(c->ssl);
	else
		SSL_set_accept_state(c->ssl);
	*out = c;
	return 0;
}

/* The muxer that ALPN chose; NULL for libp2p's own, or none. */
static void
note_muxer(struct codec *c)
{
	const unsigned char *name;
	unsigned len;
	struct rd chosen;
	size_t i;

	SSL_get0_alpn_selected(c->ssl, &name, &len);
	chosen = (struct rd){ name, len };
	for (i = 0; c->context->muxers[i] != NULL; i++)
		if (rd_equal(&chosen, c->context->muxers[i],
		    strlen(c->context->muxers[i])))
			c->result.muxer = c->context->muxers[i];
}

/* Why the handshake failed, from our callbacks or the peer's alert. */
static int
handshake_error(const struct codec *c)
{
	unsigned long err = ERR_peek_last_error();
	int reason = ERR_GET_REASON(err);

	if (c->failure != 0)
		return c->failure;
	if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)
		return P2P_ERR_NO_PROTOCOL;
	return P2P_ERR_SECURITY;
}

static int
tls_handshake(struct codec *c, struct rd *in, struct wr *out)
{
	int n, e = 0;

	lock_lock(&c->mtx);
	c->in = *in;
	c->out = out;
	c->canary++;
	ERR_clear_error();
	if ((n = SSL_do_handshake(c->ssl)) == 1)
		note_muxer(c);
	else
		e = SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ ? 1 :
		    handshake_error(c);
	if (e == 0 && c->result.remote_key == NULL)
		e = P2P_ERR_SECURITY;
	*in = c->in;
	c->in = (struct rd){ NULL, 0 };
	c->out = NULL;
	lock_unlock(&c->mtx);
	ERR_clear_error();
	return out->full ? P2P_ERR_TOO_LARGE : e;
}

static const struct security_result *
tls_result(const struct codec *c)
{
	return &c->result;
}

static size_t
tls_sealed_size(size_t len)
{
	return len + (len / RECORD_PLAIN + 1) * RECORD_EXTRA + TALK_MAX;
}

static void
put_talk(struct codec *c, struct wr *out)
{
	wr_bytes(out, c->talk, c->talklen);
	c->talklen = 0;
}

static int
tls_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	size_t n;
	int e = 0;

	lock_lock(&c->mtx);
	put_talk(c, out);
	c->out = out;
	while (len > 0 && e == 0) {
		c->canary++;
		ERR_clear_error();
		if (SSL_write_ex(c->ssl, plain, len, &n) != 1 || out->full) {
			e = P2P_ERR_DISCONNECTED;
		} else {
			plain += n;
			len -= n;
		}
	}
	c->out = NULL;
	lock_unlock(&c->mtx);
	return e;
}

/*
 * One whole record, which ends at *end of buf, gives less plaintext than it is
 * long: it can be read to the front of the same buffer.  Returns 0, 1 (the peer
 * closed) or an error.
 */
static int
open_record(struct codec *c, uint8_t *buf, size_t end, size_t *plain)
{
	size_t n;
	int err;

	do {
		c->canary++;
		ERR_clear_error();
		if (SSL_read_ex(c->ssl, buf + *plain, end - *plain, &n) != 1) {
			err = SSL_get_error(c->ssl, 0);
			if (err == SSL_ERROR_WANT_READ)
				return c->in.len == 0 ? 0 : P2P_ERR_SECURITY;
			return err == SSL_ERROR_ZERO_RETURN ? 1 :
			    P2P_ERR_SECURITY;
		}
		*plain += n;
	} while (c->in.len > 0 || SSL_pending(c->ssl) > 0);
	return 0;
}

/* The size of the record at the front; 0: its header is not whole yet. */
static int
record_size(struct rd in, size_t *size)
{
	uint8_t type;
	uint16_t version, len;

	*size = 0;
	if (rd_u8(&in, &type) != 0 || rd_be16(&in, &version) != 0 ||
	    rd_be16(&in, &len) != 0)
		return 0;
	*size = RECORD_HEADER + (size_t)len;
	return len <= RECORD_MAX ? 0 : P2P_ERR_SECURITY;
}

static int
tls_open(struct codec *c, uint8_t *buf, size_t *len, size_t *plain,
    bool *talk)
{
	struct rd in = { buf, *len };
	size_t size = 0;
	int e = 0;

	*plain = 0;
	lock_lock(&c->mtx);
	while (e == 0 && (e = record_size(in, &size)) == 0 && size > 0 &&
	    rd_bytes(&in, size, &c->in) == 0)
		e = open_record(c, buf, (size_t)(in.p - buf), plain);
	c->in = (struct rd){ NULL, 0 };
	*talk = c->talklen > 0;
	lock_unlock(&c->mtx);
	ERR_clear_error();
	memmove(buf + *plain, in.p, in.len);
	*len = in.len;
	return e;
}

static void
tls_close(struct codec *c, struct wr *out)
{
	lock_lock(&c->mtx);
	put_talk(c, out);
	c->out = out;
	c->canary++;
	(void)SSL_shutdown(c->ssl);
	c->out = NULL;
	lock_unlock(&c->mtx);
	ERR_clear_error();
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
