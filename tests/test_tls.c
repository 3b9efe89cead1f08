/*
 * The TLS codec against itself, and against OpenSSL as a peer that breaks the
 * rules.  Both kinds of end exchange bytes through two pipes in memory.
 */
#include "security/security.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/tls_cert.h"

#define PIPE_MAX	(512 * 1024)
#define MIB		(1024 * 1024)
#define DAY		(24 * 60 * 60)
#define ALL		SIZE_MAX	/* a chunk: what there is */

static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const none[] = { NULL };

struct pipe {
	uint8_t	buf[PIPE_MAX];
	size_t	off, len;
};

/* One side: a codec of ours, or an SSL object under the test's control. */
struct end {
	struct p2p_key		*key;
	struct p2p_peer_id	 id;
	void			*context;
	struct codec		*codec;
	SSL_CTX			*ctx;
	SSL			*ssl;
	int			 e;		/* of the last step; 1: more */
	uint8_t			 out[SECURITY_OUT_MIN];
	struct pipe		 rx;
};

static struct end *
end_new(void)
{
	struct end *s = calloc(1, sizeof(*s));

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &s->key));
	CHECK_FATAL(s->key != NULL);
	p2p_peer_id_from_key(s->key, &s->id);
	s->e = 1;
	return s;
}

static struct end *
ours(bool dialer, const char *const *muxers, const struct p2p_peer_id *expected)
{
	struct end *s = end_new();
	struct security_params p = { .key = s->key, .dialer = dialer,
	    .expected = expected, .muxers = muxers };

	CHECK_OK(security_tls.context_new(s->key, NULL, &s->context));
	p.context = s->context;
	CHECK_OK(security_tls.codec_new(&p, &s->codec));
	CHECK_FATAL(s->codec != NULL);
	return s;
}

static int
believe(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* An honest one; the test spoils ctx and then calls theirs_start(). */
static struct end *
theirs(bool dialer)
{
	struct end *s = end_new();
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;

	s->ctx = SSL_CTX_new(dialer ? TLS_client_method() :
	    TLS_server_method());
	CHECK_OK(tls_cert_new(s->key, time(NULL), &cert, &pkey));
	CHECK_EQ(SSL_CTX_use_certificate(s->ctx, cert), 1);
	CHECK_EQ(SSL_CTX_use_PrivateKey(s->ctx, pkey), 1);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(s->ctx, believe, NULL);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return s;
}

static struct end *
theirs_start(struct end *s)
{
	s->ssl = SSL_new(s->ctx);
	SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (SSL_is_server(s->ssl))
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	return s;
}

static void
end_free(struct end *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	security_tls.codec_free(s->codec);
	security_tls.context_free(s->context);
	p2p_key_free(s->key);
	free(s);
}

static void
push(struct pipe *p, const void *bytes, size_t len)
{
	if (p->off == p->len)
		p->off = p->len = 0;
	CHECK_FATAL(len <= sizeof(p->buf) - p->len);
	memcpy(p->buf + p->len, bytes, len);
	p->len += len;
}

/* What OpenSSL wrote goes to the other end. */
static void
drain(struct end *s, struct end *to)
{
	int n;

	while ((n = BIO_read(SSL_get_wbio(s->ssl), s->out,
	    sizeof(s->out))) > 0)
		push(&to->rx, s->out, (size_t)n);
}

static void
step_ssl(struct end *s, struct end *to, size_t n)
{
	int r;

	ERR_clear_error();
	BIO_write(SSL_get_rbio(s->ssl), s->rx.buf + s->rx.off, (int)n);
	s->rx.off += n;
	r = SSL_do_handshake(s->ssl);
	s->e = r == 1 ? 0 : SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_READ ?
	    1 : P2P_ERR_SECURITY;
	drain(s, to);
	ERR_clear_error();
}

/* One step of a handshake on at most chunk bytes. */
static void
step(struct end *s, struct end *to, size_t chunk)
{
	size_t n = s->rx.len - s->rx.off;
	struct rd in;
	struct wr w;

	if (n > chunk)
		n = chunk;
	if (s->ssl != NULL) {
		step_ssl(s, to, n);
		return;
	}
	in = (struct rd){ s->rx.buf + s->rx.off, n };
	wr_init(&w, s->out, sizeof(s->out));
	s->e = security_tls.handshake(s->codec, &in, &w);
	CHECK(!w.full);
	CHECK(s->e != 1 || in.len == 0);
	s->rx.off += n - in.len;
	push(&to->rx, s->out, w.len);
}

/* Until both are done, one failed and the other knows, or nothing moves. */
static void
shake_in(struct end *dialer, struct end *listener, size_t chunk)
{
	step(dialer, listener, 0);
	for (;;) {
		if (listener->e == 1 && listener->rx.len > listener->rx.off)
			step(listener, dialer, chunk);
		else if (dialer->e == 1 && dialer->rx.len > dialer->rx.off)
			step(dialer, listener, chunk);
		else
			break;
	}
}

static void
shake(struct end *dialer, struct end *listener)
{
	shake_in(dialer, listener, ALL);
}

static const struct security_result *
result(const struct end *s)
{
	return security_tls.result(s->codec);
}

static void
seal(struct end *s, struct end *to, const void *bytes, size_t len)
{
	size_t cap = security_tls.sealed_size(NULL, len);
	uint8_t *buf = malloc(cap);
	struct wr w;

	wr_init(&w, buf, cap);
	CHECK_OK(security_tls.seal(s->codec, bytes, len, &w));
	CHECK(!w.full);
	push(&to->rx, buf, w.len);
	free(buf);
}

/* Open what has come, in a malloc of its exact size; up to chunk bytes. */
static int
open_all(struct end *s, size_t chunk, uint8_t *out, size_t *outlen, bool *talk)
{
	uint8_t left[32 * 1024], *buf;
	size_t n, keep = 0, plain = 0;
	bool t;
	int e = 0;

	*outlen = 0;
	*talk = false;
	while (e == 0 && s->rx.off < s->rx.len) {
		n = s->rx.len - s->rx.off;
		n = n < chunk ? n : chunk;
		buf = malloc(keep + n);
		memcpy(buf, left, keep);
		memcpy(buf + keep, s->rx.buf + s->rx.off, n);
		s->rx.off += n;
		keep += n;
		t = false;
		e = security_open(&security_tls, s->codec, buf, &keep,
		    &plain, &t);
		*talk = *talk || t;
		CHECK_FATAL(e < 0 || keep <= sizeof(left));
		if (e >= 0) {
			memcpy(out + *outlen, buf, plain);
			*outlen += plain;
			memcpy(left, buf + plain, keep);
		}
		free(buf);
	}
	return e;
}

static int
open_some(struct end *s, uint8_t *out, size_t *len)
{
	bool talk;

	return open_all(s, ALL, out, len, &talk);
}

static void
carries(struct end *from, struct end *to, const char *text)
{
	uint8_t out[1024];
	size_t len;

	seal(from, to, text, strlen(text));
	CHECK_OK(open_some(to, out, &len));
	CHECK_BYTES(out, len, text, strlen(text));
}

/* A pair of ours that has shaken hands. */
static void
connect_in(struct end **d, struct end **l, size_t chunk)
{
	*d = ours(true, yamux, NULL);
	*l = ours(false, yamux, NULL);
	shake_in(*d, *l, chunk);
	CHECK_OK((*d)->e);
	CHECK_OK((*l)->e);
	CHECK_FATAL((*d)->e == 0 && (*l)->e == 0);
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
	CHECK(result(d)->muxer == yamux[0]);
	CHECK(result(l)->muxer == yamux[0]);
	CHECK_STR(security_tls.id, "/tls/1.0.0");
	carries(d, l, "hello");
	carries(l, d, "hello yourself");
	end_free(d);
	end_free(l);
}

static void
one_byte_at_a_time_is_enough(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t len;
	bool talk;

	connect_in(&d, &l, 1);
	seal(d, l, "one", 3);
	seal(d, l, "two", 3);
	CHECK_OK(open_all(l, 1, out, &len, &talk));
	CHECK_BYTES(out, len, "onetwo", 6);
	seal(l, d, "three", 5);
	CHECK_OK(open_all(d, 1, out, &len, &talk));
	CHECK_BYTES(out, len, "three", 5);
	end_free(d);
	end_free(l);
}

static void
the_expected_peer_is_accepted(void)
{
	struct end *l = ours(false, yamux, NULL);
	struct end *d = ours(true, yamux, &l->id);

	shake(d, l);
	CHECK_OK(d->e);
	CHECK_OK(l->e);
	end_free(d);
	end_free(l);
}

static void
a_dialer_refuses_the_wrong_peer_and_says_who_it_is(void)
{
	struct end *other = end_new();
	struct end *l = ours(false, yamux, NULL);
	struct end *d = ours(true, yamux, &other->id);

	shake(d, l);
	CHECK_ERR(d->e, P2P_ERR_WRONG_PEER);
	CHECK(p2p_peer_id_equal(&result(d)->peer, &l->id));
	CHECK_ERR(l->e, P2P_ERR_SECURITY);	/* by the alert */
	step(d, l, 0);
	CHECK_ERR(d->e, P2P_ERR_WRONG_PEER);
	end_free(d);
	end_free(l);
	end_free(other);
}

/* The muxer that two lists agree on. */
static void
agree(const char *const *dialer, const char *const *listener, const char *want)
{
	struct end *d = ours(true, dialer, NULL);
	struct end *l = ours(false, listener, NULL);

	shake(d, l);
	CHECK_OK(d->e);
	CHECK_OK(l->e);
	if (want == NULL) {
		CHECK(result(d)->muxer == NULL && result(l)->muxer == NULL);
	} else {
		CHECK_STR(result(d)->muxer, want);
		CHECK_STR(result(l)->muxer, want);
	}
	end_free(d);
	end_free(l);
}

static void
the_dialers_first_known_muxer_is_chosen(void)
{
	static const char *const ab[] = { "/a", "/b", NULL };
	static const char *const ba[] = { "/b", "/a", NULL };
	static const char *const bc[] = { "/b", "/c", NULL };
	static const char *const c[] = { "/c", NULL };

	agree(ab, ab, "/a");
	agree(ab, ba, "/a");
	agree(ba, ab, "/b");
	agree(ab, bc, "/b");
	agree(c, ab, NULL);
	agree(none, ab, NULL);		/* as rust, which offers "libp2p" */
	agree(ab, none, NULL);
	agree(none, none, NULL);
}

static void
a_client_without_alpn_is_accepted(void)
{
	struct end *d = theirs_start(theirs(true));
	struct end *l = ours(false, yamux, NULL);

	shake(d, l);
	CHECK_OK(d->e);
	CHECK_OK(l->e);
	CHECK(result(l)->muxer == NULL);
	CHECK(p2p_peer_id_equal(&result(l)->peer, &d->id));
	end_free(d);
	end_free(l);
}

/* An alert in the clear: type 21, its level and number at the end. */
static void
alerted(const struct end *s, uint8_t number)
{
	uint8_t want[] = { 21, 3, 3, 0, 2, 2, number };

	CHECK_BYTES(s->rx.buf, s->rx.len, want, sizeof(want));
}

static void
alpn_without_overlap_ends_the_handshake(void)
{
	static const uint8_t h2[] = "\2h2\10http/1.1";
	struct end *d = theirs(true);
	struct end *l = ours(false, yamux, NULL);

	SSL_CTX_set_alpn_protos(d->ctx, h2, sizeof(h2) - 1);
	theirs_start(d);
	shake(d, l);
	CHECK_ERR(l->e, P2P_ERR_NO_PROTOCOL);
	CHECK_ERR(d->e, P2P_ERR_SECURITY);
	alerted(d, SSL_AD_NO_APPLICATION_PROTOCOL);
	end_free(d);
	end_free(l);
}

/* What the dialer offered, or a choice of its own. */
struct choice {
	uint8_t		 seen[256];
	size_t		 seen_len;
	const char	*name;
	int		 e;
};

static int
choose(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	struct choice *c = arg;

	(void)ssl;
	memcpy(c->seen, in, inlen);
	c->seen_len = inlen;
	*out = (const unsigned char *)c->name;
	*outlen = (unsigned char)strlen(c->name);
	return c->e;
}

static int
choosing(struct choice *c, const char **muxer)
{
	struct end *d = ours(true, yamux, NULL);
	struct end *l = theirs(false);
	int e;

	SSL_CTX_set_alpn_select_cb(l->ctx, choose, c);
	theirs_start(l);
	shake(d, l);
	e = d->e;
	*muxer = result(d)->muxer;
	end_free(d);
	end_free(l);
	return e;
}

static void
a_dialer_offers_libp2p_last_and_takes_only_what_it_offered(void)
{
	static const uint8_t offer[] = "\14/yamux/1.0.0\6libp2p";
	struct choice c = { .name = "/yamux/1.0.0", .e = SSL_TLSEXT_ERR_OK };
	const char *muxer;

	CHECK_OK(choosing(&c, &muxer));
	CHECK(muxer == yamux[0]);
	CHECK_BYTES(c.seen, c.seen_len, offer, sizeof(offer) - 1);
	c.name = "libp2p";
	CHECK_OK(choosing(&c, &muxer));
	CHECK(muxer == NULL);
	c.name = "/mplex/6.7.0";
	CHECK_ERR(choosing(&c, &muxer), P2P_ERR_SECURITY);
	c.e = SSL_TLSEXT_ERR_NOACK;		/* no ALPN at all */
	CHECK_OK(choosing(&c, &muxer));
	CHECK(muxer == NULL);
	c.e = SSL_TLSEXT_ERR_ALERT_FATAL;
	CHECK_ERR(choosing(&c, &muxer), P2P_ERR_NO_PROTOCOL);
}

/* A rule-breaker's context. */
typedef void (*spoil_fn)(struct end *s);

static void
tls12(struct end *s)
{
	SSL_CTX_set_max_proto_version(s->ctx, TLS1_2_VERSION);
}

static void
no_cert(struct end *s)
{
	SSL_CTX *ctx = SSL_CTX_new(SSL_CTX_get_ssl_method(s->ctx));

	SSL_CTX_set_cert_verify_callback(ctx, believe, NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_free(s->ctx);
	s->ctx = ctx;
}

static void
two_certs(struct end *s)
{
	X509 *cert = SSL_CTX_get0_certificate(s->ctx);

	CHECK_EQ(SSL_CTX_add1_chain_cert(s->ctx, cert), 1);
}

static void
cert_of(struct end *s, time_t when)
{
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;

	CHECK_OK(tls_cert_new(s->key, when, &cert, &pkey));
	CHECK_EQ(SSL_CTX_use_certificate(s->ctx, cert), 1);
	CHECK_EQ(SSL_CTX_use_PrivateKey(s->ctx, pkey), 1);
	X509_free(cert);
	EVP_PKEY_free(pkey);
}

static void
expired(struct end *s)
{
	cert_of(s, time(NULL) - (time_t)(TLS_CERT_DAYS + 1) * DAY);
}

static void
not_yet(struct end *s)
{
	cert_of(s, time(NULL) + TLS_CERT_BACKDATE + 60);
}

/* A fresh certificate with this extension, or none. */
static void
cert_with(struct end *s, X509_EXTENSION *ext)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 60);
	X509_set_pubkey(cert, pkey);
	if (ext != NULL)
		CHECK_EQ(X509_add_ext(cert, ext, -1), 1);
	X509_sign(cert, pkey, EVP_sha256());
	CHECK_EQ(SSL_CTX_use_certificate(s->ctx, cert), 1);
	CHECK_EQ(SSL_CTX_use_PrivateKey(s->ctx, pkey), 1);
	X509_free(cert);
	EVP_PKEY_free(pkey);
}

static void
plain_cert(struct end *s)
{
	cert_with(s, NULL);
}

/* The extension signs another certificate's key: its own proves nothing. */
static void
borrowed_extension(struct end *s)
{
	X509 *own = SSL_CTX_get0_certificate(s->ctx);
	X509_EXTENSION *ext = X509_EXTENSION_dup(X509_get_ext(own, 0));

	cert_with(s, ext);
	X509_EXTENSION_free(ext);
}

static void
big_cert(struct end *s)
{
	X509 *cert = SSL_CTX_get0_certificate(s->ctx);
	int i;

	for (i = 0; i < 64; i++)
		CHECK_EQ(SSL_CTX_add1_chain_cert(s->ctx, cert), 1);
}

static const struct {
	const char	*what;
	spoil_fn	 spoil;
	bool		 client_only;
} breakers[] = {
	{ "TLS 1.2", tls12, false },
	{ "no certificate", no_cert, true },
	{ "two certificates", two_certs, false },
	{ "expired", expired, false },
	{ "not yet valid", not_yet, false },
	{ "no extension", plain_cert, false },
	{ "an extension signed for another certificate", borrowed_extension,
	    false },
	{ "a chain over the limit", big_cert, false },
};

static void
a_listener_refuses_every_client_that_breaks_a_rule(void)
{
	struct end *d, *l;
	size_t i;

	for (i = 0; i < sizeof(breakers) / sizeof(breakers[0]); i++) {
		d = theirs(true);
		breakers[i].spoil(d);
		theirs_start(d);
		l = ours(false, yamux, NULL);
		shake(d, l);
		CHECK_ERR(l->e, P2P_ERR_SECURITY);
		CHECK(result(l)->remote_key == NULL);
		CHECK(d->rx.len > 0);		/* an alert among it */
		end_free(d);
		end_free(l);
	}
}

static void
a_dialer_refuses_every_server_that_breaks_a_rule(void)
{
	struct end *d, *l;
	size_t i;

	for (i = 0; i < sizeof(breakers) / sizeof(breakers[0]); i++) {
		if (breakers[i].client_only)
			continue;
		l = theirs(false);
		breakers[i].spoil(l);
		theirs_start(l);
		d = ours(true, yamux, NULL);
		shake(d, l);
		CHECK_ERR(d->e, P2P_ERR_SECURITY);
		CHECK(result(d)->remote_key == NULL);
		end_free(d);
		end_free(l);
	}
}

/* The dialer is done before the listener judges its certificate. */
static void
a_refused_dialer_learns_it_from_its_first_open(void)
{
	struct end *d = ours(true, yamux, NULL);
	struct end *l = theirs(false);
	uint8_t out[64];
	size_t len;

	/* A listener that accepts no certificate at all. */
	SSL_CTX_set_cert_verify_callback(l->ctx, NULL, NULL);
	theirs_start(l);
	shake(d, l);
	CHECK_OK(d->e);
	CHECK_ERR(l->e, P2P_ERR_SECURITY);
	CHECK_ERR(open_some(d, out, &len), P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);
}

static void
a_clients_early_words_are_left_to_the_next_layer(void)
{
	struct end *d = ours(true, yamux, NULL);
	struct end *l = ours(false, yamux, NULL);
	uint8_t out[64];
	size_t len;

	step(d, l, 0);
	step(l, d, ALL);
	step(d, l, ALL);
	CHECK_OK(d->e);
	seal(d, l, "early", 5);
	step(l, d, ALL);
	CHECK_OK(l->e);
	CHECK_EQ(l->rx.len - l->rx.off, 5 + 22);
	CHECK_OK(open_some(l, out, &len));
	CHECK_BYTES(out, len, "early", 5);
	end_free(d);
	end_free(l);
}

static void
a_handshake_wants_its_room_and_loses_nothing(void)
{
	struct end *d = ours(true, yamux, NULL);
	struct end *l = ours(false, yamux, NULL);
	uint8_t small[SECURITY_OUT_MIN - 1];
	struct rd in;
	struct wr w;

	step(d, l, 0);
	in = (struct rd){ l->rx.buf, l->rx.len };
	wr_init(&w, small, sizeof(small));
	CHECK_ERR(security_tls.handshake(l->codec, &in, &w),
	    P2P_ERR_TOO_LARGE);
	CHECK_EQ(in.len, l->rx.len);
	CHECK_EQ(w.len, 0);
	shake(d, l);
	CHECK_OK(d->e);
	CHECK_OK(l->e);
	end_free(d);
	end_free(l);
}

/*
 * Steps of a handshake: 0 the hello to the listener, 1 the answer to the
 * dialer, 2 the dialer's end.  Returns whose turn it is then.
 */
static struct end *
at_step(struct end *d, struct end *l, unsigned n)
{
	step(d, l, 0);
	if (n >= 1)
		step(l, d, ALL);
	if (n >= 2)
		step(d, l, ALL);
	return n == 1 ? d : l;
}

static void
replaced(unsigned n, const uint8_t *bytes, size_t len)
{
	struct end *d = ours(true, yamux, NULL);
	struct end *l = ours(false, yamux, NULL);
	struct end *turn = at_step(d, l, n);

	turn->rx.off = turn->rx.len = 0;
	push(&turn->rx, bytes, len);
	step(turn, turn == d ? l : d, ALL);
	CHECK_ERR(turn->e, P2P_ERR_SECURITY);
	step(turn, turn == d ? l : d, 0);
	CHECK_ERR(turn->e, P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);
}

static void
garbage_or_an_alert_at_each_step_ends_the_handshake(void)
{
	static const uint8_t http[] = "GET / HTTP/1.1\r\nHost: example\r\n\r\n";
	static const uint8_t notify[] = { 21, 3, 3, 0, 2, 1, 0 };
	static const uint8_t fatal[] = { 21, 3, 3, 0, 2, 2, 40 };
	static const uint8_t odd[] = { 21, 3, 3, 0, 1, 0 };
	static const uint8_t data[] = { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7,
	    8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	static const uint8_t long_record[] = { 22, 3, 3, 0xff, 0xff, 0 };
	static const uint8_t mss[] = "\23/multistream/1.0.0\n";
	unsigned n;

	for (n = 0; n < 3; n++) {
		replaced(n, http, sizeof(http) - 1);
		replaced(n, notify, sizeof(notify));
		replaced(n, fatal, sizeof(fatal));
		replaced(n, odd, sizeof(odd));
		replaced(n, data, sizeof(data));
		replaced(n, long_record, sizeof(long_record));
		replaced(n, mss, sizeof(mss) - 1);
	}
}

static void
a_truncated_handshake_is_never_done(void)
{
	struct end *d, *l, *turn;
	unsigned n;
	size_t all, len;

	for (n = 0; n < 3; n++) {
		all = len = 1;
		for (; len < all + 1; len += 37) {
			d = ours(true, yamux, NULL);
			l = ours(false, yamux, NULL);
			turn = at_step(d, l, n);
			all = turn->rx.len - turn->rx.off - 1;
			step(turn, turn == d ? l : d, len < all ? len : all);
			CHECK_EQ(turn->e, 1);
			end_free(d);
			end_free(l);
		}
	}
}

/*
 * The steps of 11 spare the versions in the headers of plain records: RFC 8446,
 * 5.1 says to ignore those.
 */
static void
no_handshake_with_a_flipped_bit_is_done(void)
{
	struct end *d, *l, *turn;
	uint8_t *p;
	unsigned n;
	size_t i, len;

	for (n = 0; n < 3; n++) {
		for (i = 0, len = 1; i < len; i += 11) {
			d = ours(true, yamux, NULL);
			l = ours(false, yamux, NULL);
			turn = at_step(d, l, n);
			p = turn->rx.buf + turn->rx.off;
			len = turn->rx.len - turn->rx.off;
			p[i] ^= (uint8_t)(1u << i % 8);
			step(turn, turn == d ? l : d, ALL);
			shake(d, l);
			CHECK(d->e != 0 || l->e != 0);
			CHECK(n != 2 || l->e != 0);
			end_free(d);
			end_free(l);
		}
	}
}

static void
a_peer_that_only_begins_is_cut_off(void)
{
	/* A hello of 100000 bytes, in records of 16384 zeros. */
	static uint8_t rec[5 + 16384] = { 22, 3, 3, 0x40, 0, 1, 1, 0x86, 0xa0 };
	struct end *d = end_new();
	struct end *l = ours(false, yamux, NULL);
	unsigned i;

	for (i = 0; i < 5 && l->e == 1; i++) {
		push(&l->rx, rec, sizeof(rec));
		memset(rec + 5, 0, 4);
		step(l, d, ALL);
	}
	CHECK_ERR(l->e, P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);
}

static void
fill(uint8_t *p, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void
a_mebibyte_survives_odd_chunks(void)
{
	static const size_t sizes[] = { 1, 16383, 16384, 16385, 3, 40000, 77,
	    65536, 131071 };
	static const size_t chunks[] = { ALL, 4099, 16406, 33333, 5 };
	uint8_t *data = malloc(MIB), *out = malloc(MIB);
	struct end *d, *l;
	size_t done, n, i, len;
	bool talk;

	fill(data, MIB, 1);
	connect_in(&d, &l, ALL);
	for (done = 0, i = 0; done < MIB; done += n, i++) {
		n = sizes[i % 9] < MIB - done ? sizes[i % 9] : MIB - done;
		seal(i % 2 == 0 ? d : l, i % 2 == 0 ? l : d, data + done, n);
		CHECK_OK(open_all(i % 2 == 0 ? l : d, chunks[i % 5], out, &len,
		    &talk));
		CHECK_BYTES(out, len, data + done, n);
		CHECK(!talk);
	}
	end_free(d);
	end_free(l);
	free(data);
	free(out);
}

static void
sealed_size_is_a_bound_and_nothing_seals_to_nothing(void)
{
	static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 131072 };
	uint8_t *data = calloc(1, 131072), *out = malloc(131072);
	struct end *d, *l;
	size_t i, len;

	connect_in(&d, &l, ALL);
	for (i = 0; i < 6; i++) {
		seal(d, l, data, sizes[i]);
		len = l->rx.len - l->rx.off;
		CHECK(len <= security_tls.sealed_size(NULL, sizes[i]));
		CHECK_EQ(len, sizes[i] + (sizes[i] + 16383) / 16384 * 22);
		CHECK_OK(open_some(l, out, &len));
		CHECK_EQ(len, sizes[i]);
	}
	end_free(d);
	end_free(l);
	free(data);
	free(out);
}

/* RFC 6066, 4: OpenSSL grants it, and the bound must know. */
static void
a_client_may_want_short_records(void)
{
	uint8_t *data = calloc(1, 131072);
	struct end *d, *l;
	size_t len;

	d = theirs(true);
	CHECK(SSL_CTX_set_tlsext_max_fragment_length(d->ctx,
	    TLSEXT_max_fragment_length_512));
	theirs_start(d);
	l = ours(false, yamux, NULL);
	shake(d, l);
	CHECK_OK(l->e);
	seal(l, d, data, 131072);
	len = d->rx.len - d->rx.off;
	CHECK_EQ(len, 131072 + 131072 / 512 * 22);
	CHECK(len <= security_tls.sealed_size(NULL, 131072));
	end_free(d);
	end_free(l);
	free(data);
}

/* RFC 8446, 5.5: a key is replaced long before it is worn out. */
static void
keys_are_renewed_in_time(void)
{
	struct end *d, *l;
	uint8_t out[64];
	unsigned i, renewed = 0;
	size_t len;

	connect_in(&d, &l, ALL);
	for (i = 0; i < (1u << 19) + 10; i++) {
		seal(d, l, "x", 1);
		renewed += l->rx.len - l->rx.off > 1 + 22;
		if (open_some(l, out, &len) != 0 || len != 1)
			break;
	}
	CHECK_EQ(i, (1u << 19) + 10);
	CHECK_EQ(renewed, 1);
	end_free(d);
	end_free(l);
}

static void
seal_without_room_ends_the_codec(void)
{
	struct end *d, *l;
	uint8_t out[100], data[100] = { 0 };
	struct wr w;

	connect_in(&d, &l, ALL);
	wr_init(&w, out, sizeof(out));
	CHECK_ERR(security_tls.seal(d->codec, data, 100, &w),
	    P2P_ERR_TOO_LARGE);
	wr_init(&w, out, sizeof(out));
	CHECK_ERR(security_tls.seal(d->codec, data, 1, &w),
	    P2P_ERR_TOO_LARGE);
	CHECK_EQ(w.len, 0);
	end_free(d);
	end_free(l);
}

static void
records_cut_anywhere_open_in_place(void)
{
	static const char text[] = "0123456789abcdefghijABCDEFGHIJ";
	uint8_t buf[256], cipher[256];
	struct end *d, *l;
	size_t all, cut, len, plain, rest;
	bool talk;

	connect_in(&d, &l, ALL);
	for (cut = 0; cut <= 3 * (22 + 10); cut++) {
		l->rx.off = l->rx.len = 0;
		seal(d, l, text, 10);
		seal(d, l, text + 10, 10);
		seal(d, l, text + 20, 10);
		all = l->rx.len;
		memcpy(cipher, l->rx.buf, all);
		memcpy(buf, cipher, cut);
		len = cut;
		CHECK_OK(security_open(&security_tls, l->codec, buf, &len,
		    &plain, &talk));
		CHECK_EQ(plain, cut / 32 * 10);
		CHECK_BYTES(buf, plain, text, plain);
		CHECK_BYTES(buf + plain, len, cipher + cut / 32 * 32,
		    cut % 32);
		rest = plain;
		memmove(buf, buf + plain, len);
		memcpy(buf + len, cipher + cut, all - cut);
		len += all - cut;
		CHECK_OK(security_open(&security_tls, l->codec, buf, &len,
		    &plain, &talk));
		CHECK_EQ(len, 0);
		CHECK_BYTES(buf, plain, &text[rest], 30 - rest);
	}
	end_free(d);
	end_free(l);
}

static void
every_flipped_byte_of_a_record_ends_the_codec(void)
{
	uint8_t good[64], bad[64], out[64 + 512];
	struct end *d, *l;
	size_t i, len, n, plain;
	struct wr w;
	bool talk;

	for (i = 0; i < 22 + 4; i++) {
		connect_in(&d, &l, ALL);
		seal(d, l, "data", 4);
		n = l->rx.len - l->rx.off;
		CHECK_EQ(n, 26);
		memcpy(good, l->rx.buf + l->rx.off, n);
		memcpy(bad, good, n);
		bad[i] ^= (uint8_t)(1u << i % 8);
		if (i == 3 || i == 4)		/* a shorter record, then */
			bad[3] = 0, bad[4] = 20;
		len = n;
		CHECK_ERR(security_open(&security_tls, l->codec, bad, &len,
		    &plain, &talk), P2P_ERR_SECURITY);
		CHECK(talk);			/* the alert */
		/* The good record comes too late. */
		len = n;
		CHECK_ERR(security_open(&security_tls, l->codec, good, &len,
		    &plain, &talk), P2P_ERR_SECURITY);
		wr_init(&w, out, sizeof(out));
		CHECK_ERR(security_tls.seal(l->codec, out, 4, &w),
		    P2P_ERR_SECURITY);
		CHECK_EQ(w.len, 24);
		end_free(d);
		end_free(l);
	}
}

static void
a_replayed_record_ends_the_codec(void)
{
	uint8_t rec[64], out[64];
	struct end *d, *l;
	size_t n, len;

	connect_in(&d, &l, ALL);
	seal(d, l, "data", 4);
	n = l->rx.len - l->rx.off;
	memcpy(rec, l->rx.buf + l->rx.off, n);
	push(&l->rx, rec, n);
	CHECK_ERR(open_some(l, out, &len), P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);
}

static void
close_notify_is_a_clean_end_after_the_data(void)
{
	uint8_t buf[256], out[512];
	struct end *d, *l;
	size_t len, plain;
	struct wr w;
	bool talk;

	connect_in(&d, &l, ALL);
	wr_init(&w, buf, sizeof(buf));
	CHECK_OK(security_tls.seal(d->codec, (const uint8_t *)"bye", 3, &w));
	security_tls.close(d->codec, &w);
	CHECK_EQ(w.len, 25 + 24);
	wr_u8(&w, 23);			/* and something after the end */
	len = w.len;
	CHECK_EQ(security_open(&security_tls, l->codec, buf, &len, &plain,
	    &talk), 1);
	CHECK_BYTES(buf, plain, "bye", 3);
	CHECK_EQ(len, 0);
	len = 1;
	CHECK_EQ(security_open(&security_tls, l->codec, buf, &len, &plain,
	    &talk), 1);
	CHECK_EQ(plain, 0);
	/* The other direction is still open. */
	wr_init(&w, out, sizeof(out));
	CHECK_OK(security_tls.seal(l->codec, buf, 3, &w));
	CHECK_EQ(w.len, 25);
	end_free(d);
	end_free(l);
}

static void
close_before_the_handshake_says_nothing(void)
{
	struct end *d = ours(true, yamux, NULL);
	uint8_t buf[64];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	security_tls.close(d->codec, &w);
	CHECK_EQ(w.len, 0);
	end_free(d);
}

static void
a_cut_record_is_not_an_end(void)
{
	uint8_t buf[64];
	struct end *d, *l;
	size_t len, plain, cut;
	struct wr w;
	bool talk;

	connect_in(&d, &l, ALL);
	wr_init(&w, buf, sizeof(buf));
	security_tls.close(d->codec, &w);
	for (cut = 0; cut < w.len; cut++) {
		len = cut;
		CHECK_OK(security_open(&security_tls, l->codec, buf, &len,
		    &plain, &talk));
		CHECK_EQ(len, cut);
		CHECK_EQ(plain, 0);
	}
	end_free(d);
	end_free(l);
}

/* A dialer of ours with an OpenSSL listener that has shaken hands. */
static void
connect_theirs(struct end **d, struct end **l)
{
	*d = ours(true, yamux, NULL);
	*l = theirs(false);
	SSL_CTX_set_num_tickets((*l)->ctx, 4);		/* as rustls */
	theirs_start(*l);
	shake(*d, *l);
	CHECK_OK((*d)->e);
	CHECK_OK((*l)->e);
}

static void
say(struct end *s, struct end *to, const char *text)
{
	CHECK_EQ(SSL_write(s->ssl, text, (int)strlen(text)),
	    (int)strlen(text));
	drain(s, to);
}

/* Until nothing more comes. */
static void
hears(struct end *s, const char *text)
{
	char out[256];
	int n, len = 0;

	BIO_write(SSL_get_rbio(s->ssl), s->rx.buf + s->rx.off,
	    (int)(s->rx.len - s->rx.off));
	s->rx.off = s->rx.len;
	while ((n = SSL_read(s->ssl, out + len, (int)sizeof(out) - len)) > 0)
		len += n;
	CHECK_EQ(SSL_get_error(s->ssl, n), SSL_ERROR_WANT_READ);
	CHECK_BYTES(out, (size_t)len, text, strlen(text));
}

static void
tickets_are_swallowed(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t len;

	connect_theirs(&d, &l);
	say(l, d, "after the tickets");
	CHECK_OK(open_some(d, out, &len));
	CHECK_BYTES(out, len, "after the tickets", 17);
	end_free(d);
	end_free(l);
}

static void
a_key_update_is_answered_by_the_next_seal(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t len;
	bool talk;
	int i;

	connect_theirs(&d, &l);
	for (i = 0; i < 40; i++) {
		CHECK(SSL_key_update(l->ssl, SSL_KEY_UPDATE_REQUESTED));
		say(l, d, "new key");
		CHECK_OK(open_all(d, ALL, out, &len, &talk));
		CHECK_BYTES(out, len, "new key", 7);
		CHECK(talk);
		if (i % 2 == 0) {
			seal(d, l, "mine too", 8);
			hears(l, "mine too");
		} else {
			seal(d, l, NULL, 0);
			CHECK_EQ(l->rx.len - l->rx.off, 27);
			hears(l, "");
		}
		seal(d, l, "and on", 6);
		hears(l, "and on");
		CHECK_OK(open_all(d, ALL, out, &len, &talk));
		CHECK(!talk);
	}
	end_free(d);
	end_free(l);
}

static void
several_key_updates_are_answered_in_order(void)
{
	struct end *d, *l;
	uint8_t out[64];
	size_t len;
	bool talk;
	int i;

	connect_theirs(&d, &l);
	for (i = 0; i < 5; i++) {
		CHECK(SSL_key_update(l->ssl, SSL_KEY_UPDATE_REQUESTED));
		say(l, d, "x");
	}
	CHECK_OK(open_all(d, ALL, out, &len, &talk));
	CHECK_EQ(len, 5);
	CHECK(talk);
	seal(d, l, "answer", 6);
	hears(l, "answer");
	end_free(d);
	end_free(l);
}

static void
a_flood_of_key_updates_ends_the_codec(void)
{
	struct end *d, *l;
	uint8_t out[256];
	size_t len;
	int i;

	/* Each wants an answer: more than are kept. */
	connect_theirs(&d, &l);
	for (i = 0; i < 20; i++) {
		CHECK(SSL_key_update(l->ssl, SSL_KEY_UPDATE_REQUESTED));
		say(l, d, "x");
	}
	CHECK_ERR(open_some(d, out, &len), P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);

	/* None wants one, and no data between. */
	connect_theirs(&d, &l);
	for (i = 0; i < 100; i++) {
		CHECK(SSL_key_update(l->ssl, SSL_KEY_UPDATE_NOT_REQUESTED));
		CHECK_EQ(SSL_do_handshake(l->ssl), 1);
		drain(l, d);
	}
	CHECK_ERR(open_some(d, out, &len), P2P_ERR_SECURITY);
	end_free(d);
	end_free(l);
}

static void
too_many_or_too_long_muxer_names_are_refused(void)
{
	static const char *const many[] = { "1", "2", "3", "4", "5", "6", "7",
	    "8", "9", NULL };
	char name[300];
	const char *const long_name[] = { name, NULL };
	struct end *s = ours(true, yamux, NULL);
	struct security_params p = { .key = s->key, .context = s->context,
	    .dialer = true, .muxers = many };
	struct codec *c = NULL;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_ERR(security_tls.codec_new(&p, &c), P2P_ERR_TOO_LARGE);
	p.muxers = long_name;
	CHECK_ERR(security_tls.codec_new(&p, &c), P2P_ERR_TOO_LARGE);
	CHECK(c == NULL);
	security_tls.codec_free(NULL);
	security_tls.context_free(NULL);
	end_free(s);
}

/*
 * Both halves of both codecs at once.  A wire is a bounded queue between a
 * sealer and an opener.
 */
#define WIRE_MAX	(48 * 1024)

struct wire {
	pthread_mutex_t	 mtx;
	pthread_cond_t	 cv;
	uint8_t		 buf[WIRE_MAX];
	size_t		 len;
};

struct half {
	struct end	*end;
	struct wire	*wire;
	const uint8_t	*data;
	bool		 good;
};

static void
sealer(void *arg)
{
	static const size_t sizes[] = { 1, 1000, 16384, 20000, 17 };
	struct half *h = arg;
	uint8_t buf[32 * 1024];
	size_t done, n, i;
	struct wr w;

	h->good = true;
	for (done = 0, i = 0; done < MIB; done += n, i++) {
		n = sizes[i % 5] < MIB - done ? sizes[i % 5] : MIB - done;
		wr_init(&w, buf, sizeof(buf));
		if (security_tls.seal(h->end->codec, h->data + done, n,
		    &w) != 0)
			h->good = false;
		pthread_mutex_lock(&h->wire->mtx);
		while (h->wire->len + w.len > WIRE_MAX)
			pthread_cond_wait(&h->wire->cv, &h->wire->mtx);
		memcpy(h->wire->buf + h->wire->len, buf, w.len);
		h->wire->len += w.len;
		pthread_cond_broadcast(&h->wire->cv);
		pthread_mutex_unlock(&h->wire->mtx);
	}
}

static void
opener(void *arg)
{
	struct half *h = arg;
	uint8_t *buf = malloc(2 * WIRE_MAX);
	size_t done = 0, len = 0, plain;
	bool talk;

	h->good = true;
	while (done < MIB && h->good) {
		pthread_mutex_lock(&h->wire->mtx);
		while (h->wire->len == 0)
			pthread_cond_wait(&h->wire->cv, &h->wire->mtx);
		memcpy(buf + len, h->wire->buf, h->wire->len);
		len += h->wire->len;
		h->wire->len = 0;
		pthread_cond_broadcast(&h->wire->cv);
		pthread_mutex_unlock(&h->wire->mtx);
		h->good = security_open(&security_tls, h->end->codec, buf,
		    &len, &plain, &talk) == 0 && plain <= MIB - done &&
		    memcmp(buf, h->data + done, plain) == 0;
		done += plain;
		memmove(buf, buf + plain, len);
	}
	free(buf);
}

static void
both_halves_of_both_codecs_run_at_once(void)
{
	static struct wire wires[2];
	uint8_t *data = malloc(MIB);
	struct end *e[2];
	struct half h[4];
	struct thread t[4] = { { .started = false } };
	int i;

	fill(data, MIB, 7);
	connect_in(&e[0], &e[1], ALL);
	for (i = 0; i < 2; i++) {
		pthread_mutex_init(&wires[i].mtx, NULL);
		pthread_cond_init(&wires[i].cv, NULL);
	}
	for (i = 0; i < 4; i++) {
		/* 0 seals into wire 0, 1 into 1; 2 opens 1, 3 opens 0. */
		h[i] = (struct half){ e[i % 2], &wires[i < 2 ? i : 3 - i],
		    data, false };
		CHECK_OK(thread_start(&t[i], "test", THREAD_STACK,
		    i < 2 ? sealer : opener, &h[i]));
	}
	for (i = 0; i < 4; i++) {
		thread_join(&t[i]);
		CHECK(h[i].good);
	}
	end_free(e[0]);
	end_free(e[1]);
	free(data);
}

/* Handshakes of one context on several threads: it is shared. */
static void
dialing(void *arg)
{
	struct half *h = arg;
	struct security_params p = { .key = h->end->key,
	    .context = h->end->context, .muxers = yamux };
	static const bool roles[] = { true, false };
	struct end *s[2];
	int i, round;

	h->good = true;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 2; i++) {
			s[i] = calloc(1, sizeof(*s[i]));
			s[i]->e = 1;
			p.dialer = roles[i];
			if (security_tls.codec_new(&p, &s[i]->codec) != 0)
				abort();
		}
		shake(s[0], s[1]);
		if (s[0]->e != 0 || s[1]->e != 0)
			h->good = false;
		end_free(s[0]);
		end_free(s[1]);
	}
}

static void
one_context_serves_many_threads(void)
{
	struct end *s = ours(true, yamux, NULL);
	struct thread t[3] = { { .started = false } };
	struct half h[3];
	int i;

	for (i = 0; i < 3; i++) {
		h[i] = (struct half){ .end = s };
		CHECK_OK(thread_start(&t[i], "test", THREAD_STACK, dialing,
		    &h[i]));
	}
	for (i = 0; i < 3; i++) {
		thread_join(&t[i]);
		CHECK(h[i].good);
	}
	end_free(s);
}

TESTS("tls",
    { "two codecs learn who the other is", two_codecs_learn_who_the_other_is },
    { "one byte at a time is enough", one_byte_at_a_time_is_enough },
    { "the expected peer is accepted", the_expected_peer_is_accepted },
    { "a dialer refuses the wrong peer and says who it is",
	a_dialer_refuses_the_wrong_peer_and_says_who_it_is },
    { "the dialer's first known muxer is chosen",
	the_dialers_first_known_muxer_is_chosen },
    { "a client without ALPN is accepted", a_client_without_alpn_is_accepted },
    { "ALPN without overlap ends the handshake",
	alpn_without_overlap_ends_the_handshake },
    { "a dialer offers libp2p last and takes only what it offered",
	a_dialer_offers_libp2p_last_and_takes_only_what_it_offered },
    { "a listener refuses every client that breaks a rule",
	a_listener_refuses_every_client_that_breaks_a_rule },
    { "a dialer refuses every server that breaks a rule",
	a_dialer_refuses_every_server_that_breaks_a_rule },
    { "a refused dialer learns it from its first open",
	a_refused_dialer_learns_it_from_its_first_open },
    { "a client's early words are left to the next layer",
	a_clients_early_words_are_left_to_the_next_layer },
    { "a handshake wants its room and loses nothing",
	a_handshake_wants_its_room_and_loses_nothing },
    { "garbage or an alert at each step ends the handshake",
	garbage_or_an_alert_at_each_step_ends_the_handshake },
    { "a truncated handshake is never done",
	a_truncated_handshake_is_never_done },
    { "no handshake with a flipped bit is done",
	no_handshake_with_a_flipped_bit_is_done },
    { "a peer that only begins is cut off",
	a_peer_that_only_begins_is_cut_off },
    { "a mebibyte survives odd chunks", a_mebibyte_survives_odd_chunks },
    { "sealed_size is a bound and nothing seals to nothing",
	sealed_size_is_a_bound_and_nothing_seals_to_nothing },
    { "a client may want short records", a_client_may_want_short_records },
    { "keys are renewed in time", keys_are_renewed_in_time },
    { "seal without room ends the codec", seal_without_room_ends_the_codec },
    { "records cut anywhere open in place",
	records_cut_anywhere_open_in_place },
    { "every flipped byte of a record ends the codec",
	every_flipped_byte_of_a_record_ends_the_codec },
    { "a replayed record ends the codec", a_replayed_record_ends_the_codec },
    { "close_notify is a clean end after the data",
	close_notify_is_a_clean_end_after_the_data },
    { "close before the handshake says nothing",
	close_before_the_handshake_says_nothing },
    { "a cut record is not an end", a_cut_record_is_not_an_end },
    { "tickets are swallowed", tickets_are_swallowed },
    { "a key update is answered by the next seal",
	a_key_update_is_answered_by_the_next_seal },
    { "several key updates are answered in order",
	several_key_updates_are_answered_in_order },
    { "a flood of key updates ends the codec",
	a_flood_of_key_updates_ends_the_codec },
    { "too many or too long muxer names are refused",
	too_many_or_too_long_muxer_names_are_refused },
    { "both halves of both codecs run at once",
	both_halves_of_both_codecs_run_at_once },
    { "one context serves many threads", one_context_serves_many_threads })
