/*
 * TLS as a codec: two of them in memory, and bad certificates of every kind.
 */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "security/security.h"
#include "security/tls_cert.h"

#define OUT	SECURITY_OUT_MIN

static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const mplex[] = { "/mplex/6.7.0", NULL };
static const char *const both[] = { "/mplex/6.7.0", "/yamux/1.0.0", NULL };
static const char *const none[] = { NULL };

/* libp2p/specs tls/tls.md; the last one is invalid. */
static const char *const ids[] = {
	"12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv",
	"QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE",
	"16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs", NULL
};

static void
published_certificates_name_their_peers(void)
{
	char path[512], line[2048], text[P2P_PEER_ID_TEXT_MAX];
	const unsigned char *p;
	struct p2p_peer_id id;
	struct p2p_key *key;
	uint8_t *der;
	size_t len, i = 0;
	X509 *cert;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tls_cert.hex", getenv("VECTORS"));
	f = fopen(path, "r");
	CHECK_FATAL(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#')
			continue;
		p = der = check_unhex(line, &len);
		cert = d2i_X509(NULL, &p, (long)len);
		CHECK_FATAL(cert != NULL);
		if (ids[i] != NULL) {
			CHECK_OK(tls_cert_check(cert, &key));
			p2p_peer_id_from_key(key, &id);
			CHECK_STR(p2p_peer_id_text(&id, text), ids[i]);
			p2p_key_free(key);
		} else {
			CHECK_ERR(tls_cert_check(cert, &key), P2P_ERR_SECURITY);
		}
		i++;
		X509_free(cert);
		free(der);
	}
	fclose(f);
	CHECK_EQ(i, 4);
}

/* One side of a handshake. */
struct side {
	struct p2p_key		*key;
	struct p2p_peer_id	 id;
	void			*context;
	struct codec		*codec;
	uint8_t			*out;
	size_t			 outlen;
	int			 e;
};

static void
side_new(struct side *s, enum p2p_key_type type, const char *const *muxers,
    bool dialer, const struct p2p_peer_id *expected)
{
	struct security_params p = { .dialer = dialer, .expected = expected,
	    .muxers = muxers };

	CHECK_OK(p2p_key_generate(type, 0, &s->key));
	p2p_peer_id_from_key(s->key, &s->id);
	CHECK_OK(security_tls.context_new(s->key, muxers, &s->context));
	p.key = s->key;
	p.context = s->context;
	CHECK_OK(security_tls.codec_new(&p, &s->codec));
	s->out = malloc(OUT);
	s->outlen = 0;
	s->e = 1;
}

static void
side_free(struct side *s)
{
	security_tls.codec_free(s->codec);
	security_tls.context_free(s->context);
	p2p_key_free(s->key);
	free(s->out);
}

/* Let to take what from has said, in pieces of at most step bytes. */
static void
pass(struct side *from, struct side *to, size_t step)
{
	uint8_t held[OUT];
	size_t have = 0, at = 0, n;
	struct rd in;
	struct wr w;

	while (at < from->outlen && to->e == 1) {
		n = from->outlen - at < step ? from->outlen - at : step;
		memcpy(held + have, from->out + at, n);
		have += n;
		at += n;
		in = (struct rd){ held, have };
		wr_init(&w, to->out + to->outlen, OUT - to->outlen);
		to->e = security_tls.handshake(to->codec, &in, &w);
		to->outlen += w.len;
		memmove(held, in.p, in.len);
		have = in.len;
	}
	from->outlen = 0;
}

static void
shake(struct side *d, struct side *l, size_t step)
{
	struct rd nothing = { NULL, 0 };
	struct wr w;
	int i;

	wr_init(&w, d->out, OUT);
	d->e = security_tls.handshake(d->codec, &nothing, &w);
	d->outlen = w.len;
	for (i = 0; i < 10; i++) {
		pass(d, l, step);
		pass(l, d, step);
	}
}

static void
every_key_type_shakes_hands_in_any_pieces(void)
{
	static const size_t steps[] = { 1, 7, OUT };
	struct side d, l;
	size_t i;
	int type;

	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		for (i = 0; i < 3; i++) {
			side_new(&l, (enum p2p_key_type)type, both, false, NULL);
			side_new(&d, P2P_KEY_ED25519, yamux, true, &l.id);
			shake(&d, &l, steps[i]);
			CHECK_OK(d.e);
			CHECK_OK(l.e);
			CHECK(p2p_peer_id_equal(
			    &security_tls.result(l.codec)->peer, &d.id));
			CHECK(p2p_peer_id_equal(
			    &security_tls.result(d.codec)->peer, &l.id));
			CHECK_STR(security_tls.result(d.codec)->muxer,
			    "/yamux/1.0.0");
			CHECK_STR(security_tls.result(l.codec)->muxer,
			    "/yamux/1.0.0");
			side_free(&d);
			side_free(&l);
		}
	}
}

static void
the_muxer_is_the_dialers_first_common_one_or_left_open(void)
{
	struct side d, l;

	side_new(&l, P2P_KEY_ED25519, both, false, NULL);
	side_new(&d, P2P_KEY_ED25519, mplex, true, NULL);
	shake(&d, &l, OUT);
	CHECK_STR(security_tls.result(l.codec)->muxer, "/mplex/6.7.0");
	side_free(&d);
	side_free(&l);
	side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
	side_new(&d, P2P_KEY_ED25519, none, true, NULL);
	shake(&d, &l, OUT);
	CHECK_OK(d.e);
	CHECK(security_tls.result(l.codec)->muxer == NULL);
	CHECK(security_tls.result(d.codec)->muxer == NULL);
	side_free(&d);
	side_free(&l);
}

static void
another_peer_is_refused_and_named(void)
{
	struct side d, l, x;

	side_new(&x, P2P_KEY_ED25519, yamux, false, NULL);
	side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
	side_new(&d, P2P_KEY_ED25519, yamux, true, &x.id);
	shake(&d, &l, OUT);
	CHECK_ERR(d.e, P2P_ERR_WRONG_PEER);
	CHECK(p2p_peer_id_equal(&security_tls.result(d.codec)->peer, &l.id));
	CHECK(l.e < 0);
	side_free(&d);
	side_free(&l);
	side_free(&x);
}

/* A plain OpenSSL client with this certificate against our listener. */
static int
client_against(SSL_CTX *ctx)
{
	struct side l;
	uint8_t buf[OUT];
	struct rd in;
	struct wr w;
	SSL *ssl = SSL_new(ctx);
	BIO *rb = BIO_new(BIO_s_mem()), *wb = BIO_new(BIO_s_mem());
	int i, n, e;

	side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
	SSL_set_bio(ssl, rb, wb);
	SSL_set_connect_state(ssl);
	for (i = 0; i < 10 && l.e == 1; i++) {
		(void)SSL_do_handshake(ssl);
		if ((n = BIO_read(wb, buf, sizeof(buf))) <= 0)
			break;
		in = (struct rd){ buf, (size_t)n };
		wr_init(&w, l.out, OUT);
		l.e = security_tls.handshake(l.codec, &in, &w);
		BIO_write(rb, l.out, (int)w.len);
	}
	e = l.e;
	SSL_free(ssl);
	side_free(&l);
	return e;
}

static SSL_CTX *
client_ctx(EVP_PKEY *pkey, X509 *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (cert != NULL) {
		CHECK_EQ(SSL_CTX_use_certificate(ctx, cert), 1);
		CHECK_EQ(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
	}
	return ctx;
}

/* How a certificate is spoiled before it is signed again. */
enum spoil { NOTHING, EXPIRED, FUTURE, NO_EXTENSION, CRITICAL, TWICE, RESIGN };

static X509 *
spoil(X509 *good, EVP_PKEY *pkey, enum spoil how)
{
	X509 *c = X509_dup(good);
	X509_EXTENSION *ext;
	EVP_PKEY *other = NULL;

	if (how == EXPIRED)
		X509_time_adj_ex(X509_getm_notAfter(c), 0, -60, NULL);
	if (how == FUTURE)
		X509_time_adj_ex(X509_getm_notBefore(c), 0, 3600, NULL);
	if (how == NO_EXTENSION)
		X509_EXTENSION_free(X509_delete_ext(c, 0));
	if (how == TWICE)
		X509_add_ext(c, X509_get_ext(c, 0), -1);
	if (how == CRITICAL) {
		ext = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage,
		    "critical,digitalSignature");
		X509_add_ext(c, ext, -1);
		X509_EXTENSION_free(ext);
	}
	if (how == RESIGN)
		other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509_sign(c, other != NULL ? other : pkey, EVP_sha256());
	EVP_PKEY_free(other);
	return c;
}

static void
spoiled_certificates_are_refused(void)
{
	struct p2p_key *key;
	EVP_PKEY *pkey;
	X509 *good, *bad;
	SSL_CTX *ctx;
	int how;

	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	CHECK_OK(tls_cert_make(key, &pkey, &good));
	for (how = NOTHING; how <= RESIGN; how++) {
		bad = spoil(good, pkey, (enum spoil)how);
		ctx = client_ctx(pkey, bad);
		CHECK_ERR(client_against(ctx), how == NOTHING ? 0 :
		    P2P_ERR_SECURITY);
		SSL_CTX_free(ctx);
		X509_free(bad);
	}
	ctx = client_ctx(NULL, NULL);		/* no certificate */
	CHECK_ERR(client_against(ctx), P2P_ERR_SECURITY);
	SSL_CTX_free(ctx);
	ctx = client_ctx(pkey, good);		/* two of them */
	SSL_CTX_add1_chain_cert(ctx, good);
	CHECK_ERR(client_against(ctx), P2P_ERR_SECURITY);
	SSL_CTX_free(ctx);
	ctx = client_ctx(pkey, good);		/* TLS 1.2 */
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	CHECK_ERR(client_against(ctx), P2P_ERR_SECURITY);
	SSL_CTX_free(ctx);
	ctx = client_ctx(pkey, good);		/* ALPN without overlap */
	SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x02h2", 3);
	CHECK_ERR(client_against(ctx), P2P_ERR_NO_PROTOCOL);
	SSL_CTX_free(ctx);
	X509_free(good);
	EVP_PKEY_free(pkey);
	p2p_key_free(key);
}

static void
garbage_in_a_handshake_is_an_error(void)
{
	uint8_t junk[512];
	struct side l;
	struct rd in;
	struct wr w;
	size_t i;

	memset(junk, 0x16, sizeof(junk));
	for (i = 0; i < 3; i++) {
		side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
		memset(junk, (int)(0x14 + i), sizeof(junk));
		in = (struct rd){ junk, sizeof(junk) };
		wr_init(&w, l.out, OUT);
		CHECK_ERR(security_tls.handshake(l.codec, &in, &w),
		    P2P_ERR_SECURITY);
		side_free(&l);
	}
}

#define STREAM	(1 << 20)

/* A megabyte sealed here and opened there, in odd pieces. */
static void
send_stream(struct side *from, struct side *to, size_t chunk, size_t read)
{
	uint8_t *plain = malloc(STREAM), *sealed, *got = malloc(STREAM);
	uint8_t *buf = malloc(read + 32768);
	size_t i, n, at, have = 0, opened, done = 0;
	struct wr w;
	bool talk;

	for (i = 0; i < STREAM; i++)
		plain[i] = (uint8_t)(i * 31 >> 3);
	sealed = malloc(2 * STREAM + 65536);
	wr_init(&w, sealed, 2 * STREAM + 65536);
	for (i = 0; i < STREAM; i += n) {
		n = STREAM - i < chunk ? STREAM - i : chunk;
		CHECK_OK(security_tls.seal(from->codec, plain + i, n, &w));
	}
	for (at = 0; at < w.len; at += n) {
		n = w.len - at < read ? w.len - at : read;
		memcpy(buf + have, sealed + at, n);
		have += n;
		CHECK_OK(security_tls.open(to->codec, buf, &have, &opened,
		    &talk));
		CHECK_FATAL(done + opened <= STREAM);
		memcpy(got + done, buf, opened);
		done += opened;
		memmove(buf, buf + opened, have);
	}
	CHECK_BYTES(got, done, plain, STREAM);
	free(plain);
	free(sealed);
	free(got);
	free(buf);
}

static struct side left, right;

static void
send_back(void *arg)
{
	(void)arg;
	send_stream(&right, &left, 5000, 777);
}

static void
a_megabyte_passes_both_ways_at_once(void)
{
	struct thread t = { 0 };

	side_new(&right, P2P_KEY_ED25519, yamux, false, NULL);
	side_new(&left, P2P_KEY_ED25519, yamux, true, NULL);
	shake(&left, &right, OUT);
	CHECK_OK(thread_start(&t, "back", THREAD_STACK, send_back, NULL));
	send_stream(&left, &right, 70000, 100000);
	thread_join(&t);
	side_free(&left);
	side_free(&right);
}

static void
a_flipped_bit_ends_the_codec(void)
{
	uint8_t rec[256], copy[256];
	struct side d, l;
	size_t len, plain, bit;
	struct wr w;
	bool talk;

	for (bit = 40; bit < 8 * 40; bit += 29) {
		side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
		side_new(&d, P2P_KEY_ED25519, yamux, true, NULL);
		shake(&d, &l, OUT);
		wr_init(&w, rec, sizeof(rec));
		CHECK_OK(security_tls.seal(d.codec, (const uint8_t *)"attack",
		    6, &w));
		memcpy(copy, rec, w.len);
		if (bit / 8 < w.len)
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		len = w.len;
		if (bit / 8 < w.len)
			CHECK_ERR(security_tls.open(l.codec, copy, &len, &plain,
			    &talk), P2P_ERR_SECURITY);
		side_free(&d);
		side_free(&l);
	}
}

static void
close_notify_is_a_clean_end(void)
{
	uint8_t rec[512];
	struct side d, l;
	size_t len, plain;
	struct wr w;
	bool talk;

	side_new(&l, P2P_KEY_ED25519, yamux, false, NULL);
	side_new(&d, P2P_KEY_ED25519, yamux, true, NULL);
	shake(&d, &l, OUT);
	wr_init(&w, rec, sizeof(rec));
	CHECK_OK(security_tls.seal(d.codec, (const uint8_t *)"bye", 3, &w));
	security_tls.close(d.codec, &w);
	len = w.len;
	CHECK_EQ(security_tls.open(l.codec, rec, &len, &plain, &talk), 1);
	CHECK_BYTES(rec, plain, "bye", 3);
	side_free(&d);
	side_free(&l);
}

TESTS("tls",
	{ "published certificates name their peers",
	    published_certificates_name_their_peers },
	{ "every key type shakes hands in any pieces",
	    every_key_type_shakes_hands_in_any_pieces },
	{ "the muxer is the dialer's first common one or left open",
	    the_muxer_is_the_dialers_first_common_one_or_left_open },
	{ "another peer is refused and named",
	    another_peer_is_refused_and_named },
	{ "spoiled certificates are refused",
	    spoiled_certificates_are_refused },
	{ "garbage in a handshake is an error",
	    garbage_in_a_handshake_is_an_error },
	{ "a megabyte passes both ways at once",
	    a_megabyte_passes_both_ways_at_once },
	{ "a flipped bit ends the codec", a_flipped_bit_ends_the_codec },
	{ "close_notify is a clean end", close_notify_is_a_clean_end })
