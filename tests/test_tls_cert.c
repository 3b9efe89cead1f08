/*
 * Certificates, first those of libp2p/specs tls/tls.md, "Test vectors", then
 * our own, then every way in which one can be wrong.
 */
#include "security/tls_cert.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/peer_id.h"

#define NOW	((time_t)1700000000)
#define DAY	(24 * 60 * 60)

/* libp2p/specs tls/tls.md; valid from 1975 to 4096. */
static const char vector_ed25519[] =
    "308201ae30820156a0030201020204499602d2300a06082a8648ce3d04030230"
    "2031123010060355040a13096c69627032702e696f310a300806035504051301"
    "313020170d3735303130313133303030305a180f343039363031303131333030"
    "30305a302031123010060355040a13096c69627032702e696f310a3008060355"
    "04051301313059301306072a8648ce3d020106082a8648ce3d03010703420004"
    "0c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd60133"
    "1c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a37c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92"
    "fedb59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b90440d90d"
    "2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215"
    "a8207792e42849cccc6cd8136c6e4bde92a58c5e08cfd4206eb5fe0bf909300a"
    "06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c"
    "9fb48943ae6ee6d28427dc6071ae55e702203625f116a7a454db9c56986c82a2"
    "5682f7248ea1cb764d322ea983ed36a31b77";
static const char vector_ecdsa[] =
    "308201f63082019da0030201020204499602d2300a06082a8648ce3d04030230"
    "2031123010060355040a13096c69627032702e696f310a300806035504051301"
    "313020170d3735303130313133303030305a180f343039363031303131333030"
    "30305a302031123010060355040a13096c69627032702e696f310a3008060355"
    "04051301313059301306072a8648ce3d020106082a8648ce3d03010703420004"
    "0c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd60133"
    "1c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f080312"
    "5b3059301306072a8648ce3d020106082a8648ce3d03010703420004bf30511f"
    "909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7"
    "563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f204473045"
    "0220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9"
    "386a022100aa59d704a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8"
    "918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940"
    "a7e4484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f"
    "95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5088a";
static const char vector_secp256k1[] =
    "308201ba3082015fa0030201020204499602d2300a06082a8648ce3d04030230"
    "2031123010060355040a13096c69627032702e696f310a300806035504051301"
    "313020170d3735303130313133303030305a180f343039363031303131333030"
    "30305a302031123010060355040a13096c69627032702e696f310a3008060355"
    "04051301313059301306072a8648ce3d020106082a8648ce3d03010703420004"
    "0c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd60133"
    "1c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a38184308181307f060a2b0601040183a25a01010471306f0425080212210206"
    "dc6968726765b820f050263ececf7f71e4955892776c0970542efd689d238204"
    "4630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34ec"
    "f464c7a8ab022026b3109b8a3f40ef833169777eb2aa337cfb6282f188de0666"
    "d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217eeef"
    "9ec9204b3f774a08b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b00d"
    "afa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0";
static const char vector_invalid[] =
    "308201f73082019da0030201020204499602d2300a06082a8648ce3d04030230"
    "2031123010060355040a13096c69627032702e696f310a300806035504051301"
    "313020170d3735303130313133303030305a180f343039363031303131333030"
    "30305a302031123010060355040a13096c69627032702e696f310a3008060355"
    "04051301313059301306072a8648ce3d020106082a8648ce3d03010703420004"
    "0c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd60133"
    "1c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f080312"
    "5b3059301306072a8648ce3d020106082a8648ce3d03010703420004bf30511f"
    "909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7"
    "563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f204473045"
    "022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65c"
    "ade72802206de96e2a5be9b6202adba24ee0362e490641ac45c240db71fe955f"
    "2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717"
    "358f850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d"
    "41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56eef0d0df";

static X509 *
decode(const uint8_t *der, size_t len)
{
	const unsigned char *p = der;

	return d2i_X509(NULL, &p, (long)len);
}

/* What the check says; the peer id as text if it is good. */
static int
check_der(const uint8_t *der, size_t len, char *text)
{
	X509 *cert = decode(der, len);
	struct p2p_key *key = NULL;
	struct p2p_peer_id id;
	int e;

	if (cert == NULL)
		return P2P_ERR_FORMAT;
	if ((e = tls_cert_check(cert, NOW, &key)) == 0 && text != NULL) {
		p2p_peer_id_from_key(key, &id);
		p2p_peer_id_text(&id, text);
	}
	p2p_key_free(key);
	X509_free(cert);
	return e;
}

static void
vector(const char *hex, const char *want)
{
	char text[P2P_PEER_ID_TEXT_MAX] = "";
	uint8_t *der;
	size_t len;

	der = check_unhex(hex, &len);
	CHECK_OK(check_der(der, len, text));
	CHECK_STR(text, want);
	free(der);
}

static void
an_ed25519_vector_names_its_peer(void)
{
	vector(vector_ed25519,
	    "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv");
}

static void
an_ecdsa_vector_names_its_peer(void)
{
	vector(vector_ecdsa, "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE");
}

static void
a_secp256k1_vector_names_its_peer(void)
{
	vector(vector_secp256k1,
	    "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs");
}

static void
the_invalid_vector_is_refused(void)
{
	uint8_t *der;
	size_t len;

	der = check_unhex(vector_invalid, &len);
	CHECK_ERR(check_der(der, len, NULL), P2P_ERR_SIGNATURE);
	free(der);
}

static int
mangled(const uint8_t *der, size_t len, void *arg)
{
	char text[P2P_PEER_ID_TEXT_MAX] = "";

	(void)arg;
	return check_der(der, len, text);
}

/*
 * Of the signature's own bits one may still do: not every bit of an encoding
 * is covered by it.  None may change the identity.
 */
static void
no_truncation_and_no_flip_of_a_certificate_passes(void)
{
	uint8_t *der;
	size_t len;

	der = check_unhex(vector_ed25519, &len);
	CHECK_EQ(mangle(der, len, 1, mangled, NULL), len + 8 * len);
	free(der);
}

static struct p2p_key *
identity(enum p2p_key_type type)
{
	struct p2p_key *key = NULL;

	CHECK_OK(p2p_key_generate(type, 0, &key));
	CHECK_FATAL(key != NULL);
	return key;
}

static void
round_trip(enum p2p_key_type type)
{
	struct p2p_key *key = identity(type), *got = NULL;
	struct p2p_peer_id a, b;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;

	CHECK_OK(tls_cert_new(key, NOW, &cert, &pkey));
	CHECK_FATAL(cert != NULL);
	CHECK_OK(tls_cert_check(cert, NOW, &got));
	CHECK_FATAL(got != NULL);
	p2p_peer_id_from_key(key, &a);
	p2p_peer_id_from_key(got, &b);
	CHECK(p2p_peer_id_equal(&a, &b));
	CHECK(!p2p_key_is_private(got));
	X509_free(cert);
	EVP_PKEY_free(pkey);
	p2p_key_free(key);
	p2p_key_free(got);
}

static void
every_kind_of_identity_goes_into_a_certificate_and_out(void)
{
	round_trip(P2P_KEY_ED25519);
	round_trip(P2P_KEY_SECP256K1);
	round_trip(P2P_KEY_ECDSA);
	round_trip(P2P_KEY_RSA);
}

static void
our_certificate_is_what_the_strictest_peer_wants(void)
{
	struct p2p_key *key = identity(P2P_KEY_ED25519);
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	char oid[64];
	time_t t;

	CHECK_OK(tls_cert_new(key, NOW, &cert, &pkey));
	CHECK_FATAL(cert != NULL);
	CHECK_EQ(X509_get_version(cert), X509_VERSION_3);
	CHECK_EQ(X509_get_ext_count(cert), 1);
	OBJ_obj2txt(oid, sizeof(oid),
	    X509_EXTENSION_get_object(X509_get_ext(cert, 0)), 1);
	CHECK_STR(oid, "1.3.6.1.4.1.53594.1.1");
	CHECK_EQ(X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_issuer_name(cert)), 0);
	CHECK_EQ(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
	CHECK_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(cert)) > 0, 1);
	t = NOW - DAY;
	CHECK_EQ(ASN1_TIME_cmp_time_t(X509_get0_notBefore(cert), t), 0);
	t = NOW + (time_t)36500 * DAY;
	CHECK_EQ(ASN1_TIME_cmp_time_t(X509_get0_notAfter(cert), t), 0);
	CHECK_EQ(X509_get0_notAfter(cert)->type, V_ASN1_GENERALIZEDTIME);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	p2p_key_free(key);
}

static void
a_certificate_is_good_from_a_day_ago_to_a_hundred_years(void)
{
	struct p2p_key *key = identity(P2P_KEY_ED25519), *got = NULL;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	time_t end = NOW + (time_t)36500 * DAY;

	CHECK_OK(tls_cert_new(key, NOW, &cert, &pkey));
	CHECK_FATAL(cert != NULL);
	CHECK_ERR(tls_cert_check(cert, NOW - DAY - 1, &got), P2P_ERR_SECURITY);
	CHECK(got == NULL);
	CHECK_OK(tls_cert_check(cert, NOW - DAY, &got));
	p2p_key_free(got);
	CHECK_OK(tls_cert_check(cert, end - 1, &got));
	p2p_key_free(got);
	CHECK_ERR(tls_cert_check(cert, end + 1, &got), P2P_ERR_SECURITY);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	p2p_key_free(key);
}

static void
a_public_key_makes_no_certificate(void)
{
	struct p2p_key *key = identity(P2P_KEY_ED25519), *half = NULL;
	const uint8_t *pub;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;
	size_t len;

	pub = p2p_key_public(key, &len);
	CHECK_OK(p2p_key_decode_public(pub, len, &half));
	CHECK_ERR(tls_cert_new(half, NOW, &cert, &pkey), P2P_ERR_UNSUPPORTED);
	CHECK(cert == NULL && pkey == NULL);
	p2p_key_free(half);
	p2p_key_free(key);
}

/*
 * The forger.  The zero recipe makes a good certificate with an Ed25519
 * identity and a P-256 key; each member spoils one thing.
 */
enum forgery {
	GOOD, NO_EXTENSION, TWICE, NOT_A_SEQUENCE, TRAILING, INSIDE_TRAILING,
	LONG_LENGTH, INDEFINITE, EMPTY, BAD_KEY_MESSAGE, EMPTY_KEY,
	UNKNOWN_KEY_TYPE, EMPTY_SIGNATURE, SHORT_SIGNATURE, LONG_SIGNATURE,
	FLIPPED_SIGNATURE, OTHER_KEY, OTHER_SPKI, NO_PREFIX
};

struct recipe {
	enum forgery	 forgery;
	EVP_PKEY	*pkey;		/* NULL: a fresh P-256 key; taken */
	const EVP_MD	*md;		/* NULL: SHA-256 */
	bool		 no_md;		/* Ed25519 */
	bool		 critical;	/* the libp2p extension */
	bool		 other;		/* an unknown extension before it */
	bool		 other_critical;
	int		 known;		/* nid of a known one, critical */
	bool		 broken;	/* signed by another key */
	long		 from, to;	/* days from NOW; 0, 0: good */
	bool		 old;		/* of version 1 */
};

static void
tlv(struct wr *w, uint8_t tag, const uint8_t *p, size_t len, bool longer)
{
	wr_u8(w, tag);
	if (longer)
		wr_u8(w, 0x82);
	else if (len >= 0x80)
		wr_u8(w, 0x81);
	if (longer)
		wr_be16(w, (uint16_t)len);
	else
		wr_u8(w, (uint8_t)len);
	wr_bytes(w, p, len);
}

static size_t
to_sign(X509 *cert, EVP_PKEY *other, bool bare, uint8_t *msg)
{
	static const char prefix[] = "libp2p-tls-handshake:";
	X509_PUBKEY *pub = X509_get_X509_PUBKEY(cert);
	uint8_t *p = msg;
	X509 *x = NULL;
	int n;

	if (other != NULL) {
		x = X509_new();
		X509_set_pubkey(x, other);
		pub = X509_get_X509_PUBKEY(x);
	}
	if (!bare) {
		memcpy(p, prefix, sizeof(prefix) - 1);
		p += sizeof(prefix) - 1;
	}
	n = i2d_X509_PUBKEY(pub, &p);
	CHECK(n > 0);
	X509_free(x);
	return (size_t)(p - msg);
}

/* Public key and signature, spoiled as asked. */
static void
parts(X509 *cert, enum forgery f, struct wr *inner)
{
	struct p2p_key *key = identity(P2P_KEY_ED25519);
	struct p2p_key *liar = identity(P2P_KEY_ED25519);
	EVP_PKEY *spki = f == OTHER_SPKI ? EVP_EC_gen("P-256") : NULL;
	uint8_t msg[2048], sig[P2P_KEY_SIGNATURE_MAX + 1], pub[128];
	const uint8_t *bytes;
	size_t len, siglen, publen;

	len = to_sign(cert, spki, f == NO_PREFIX, msg);
	CHECK_OK(p2p_key_sign(f == OTHER_KEY ? liar : key, msg, len, sig,
	    &siglen));
	bytes = p2p_key_public(key, &publen);
	memcpy(pub, bytes, publen);
	if (f == BAD_KEY_MESSAGE)
		publen--;
	if (f == EMPTY_KEY)
		publen = 0;
	if (f == UNKNOWN_KEY_TYPE)
		pub[1] = 7;
	if (f == EMPTY_SIGNATURE)
		siglen = 0;
	if (f == SHORT_SIGNATURE)
		siglen--;
	if (f == LONG_SIGNATURE)
		sig[siglen++] = 0;
	if (f == FLIPPED_SIGNATURE)
		sig[5] ^= 0x10;
	tlv(inner, 0x04, pub, publen, f == LONG_LENGTH);
	tlv(inner, 0x04, sig, siglen, false);
	if (f == INSIDE_TRAILING)
		tlv(inner, 0x04, sig, 1, false);
	EVP_PKEY_free(spki);
	p2p_key_free(key);
	p2p_key_free(liar);
}

static void
add(X509 *cert, const char *oid, bool critical, const uint8_t *p, size_t len)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 0);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	ASN1_OCTET_STRING_set(value, p, (int)len);
	ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, value);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(obj);
}

static void
add_forged(X509 *cert, const struct recipe *r)
{
	static const char oid[] = "1.3.6.1.4.1.53594.1.1";
	uint8_t inner[1024], outer[1100];
	struct wr in, w;

	wr_init(&in, inner, sizeof(inner));
	wr_init(&w, outer, sizeof(outer));
	parts(cert, r->forgery, &in);
	if (r->forgery == INDEFINITE) {
		wr_be16(&w, 0x3080);
		wr_bytes(&w, inner, in.len);
		wr_be16(&w, 0);
	} else if (r->forgery != EMPTY) {
		tlv(&w, r->forgery == NOT_A_SEQUENCE ? 0x31 : 0x30, inner,
		    in.len, false);
	}
	if (r->forgery == TRAILING)
		wr_u8(&w, 0);
	CHECK(!in.full && !w.full);
	add(cert, oid, r->critical, outer, w.len);
	if (r->forgery == TWICE)
		add(cert, oid, r->critical, outer, w.len);
}

static X509 *
forge(struct recipe r)
{
	static const uint8_t any[] = { 0x05, 0x00 };
	static const uint8_t usage[] = { 0x03, 0x02, 0x07, 0x80 };
	EVP_PKEY *pkey = r.pkey != NULL ? r.pkey : EVP_EC_gen("P-256");
	EVP_PKEY *other = r.broken ? EVP_EC_gen("P-256") : NULL;
	X509 *x = X509_new();
	time_t now = NOW;

	X509_set_version(x, r.old ? X509_VERSION_1 : X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_time_adj_ex(X509_getm_notBefore(x),
	    (int)(r.from != 0 ? r.from : -1), 0, &now);
	X509_time_adj_ex(X509_getm_notAfter(x), (int)(r.to != 0 ? r.to : 1), 0,
	    &now);
	X509_set_pubkey(x, pkey);
	if (r.other || r.other_critical)
		add(x, "1.2.3.4", r.other_critical, any, sizeof(any));
	if (r.known != 0)
		add(x, OBJ_nid2sn(r.known), false, usage, sizeof(usage));
	if (r.forgery != NO_EXTENSION)
		add_forged(x, &r);
	CHECK(X509_sign(x, r.broken ? other : pkey, r.no_md ? NULL :
	    r.md != NULL ? r.md : EVP_sha256()) > 0);
	EVP_PKEY_free(other);
	EVP_PKEY_free(pkey);
	return x;
}

static int
forged(struct recipe r)
{
	struct p2p_key *key = NULL;
	X509 *x = forge(r);
	uint8_t *der = NULL;
	int len, e;

	/* Over the wire, as a peer's. */
	len = i2d_X509(x, &der);
	CHECK_FATAL(len > 0);
	X509_free(x);
	x = decode(der, (size_t)len);
	CHECK_FATAL(x != NULL);
	e = tls_cert_check(x, NOW, &key);
	CHECK_EQ(key != NULL, e == 0);
	p2p_key_free(key);
	X509_free(x);
	OPENSSL_free(der);
	return e;
}

/* RFC 5280, 4.1.2.1: go would not even see its extensions. */
static void
a_certificate_of_version_1_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .old = true }), P2P_ERR_FORMAT);
}

static void
what_other_implementations_make_is_good(void)
{
	CHECK_OK(forged((struct recipe){ 0 }));
	CHECK_OK(forged((struct recipe){ .critical = true }));	/* rust, js */
	CHECK_OK(forged((struct recipe){ .known = NID_key_usage })); /* py */
	CHECK_OK(forged((struct recipe){ .other = true }));
}

static void
certificate_keys_of_the_usual_kinds_are_good(void)
{
	CHECK_OK(forged((struct recipe){ .pkey = EVP_EC_gen("P-384"),
	    .md = EVP_sha384() }));
	CHECK_OK(forged((struct recipe){ .pkey = EVP_EC_gen("P-521"),
	    .md = EVP_sha512() }));
	CHECK_OK(forged((struct recipe){ .no_md = true,
	    .pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") }));
	CHECK_OK(forged((struct recipe){
	    .pkey = EVP_RSA_gen(2048) }));
}

static EVP_PKEY *
explicit_curve(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	CHECK(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"));
	return pkey;
}

static void
weak_or_odd_certificate_keys_are_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .pkey = EVP_EC_gen("secp256k1") }),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(forged((struct recipe){ .pkey = EVP_RSA_gen(1024) }),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(forged((struct recipe){ .no_md = true,
	    .pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED448") }),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(forged((struct recipe){ .pkey = explicit_curve() }),
	    P2P_ERR_UNSUPPORTED);
}

static void
sha1_and_md5_are_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .md = EVP_sha1() }),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(forged((struct recipe){ .pkey = EVP_RSA_gen(2048),
	    .md = EVP_md5() }), P2P_ERR_UNSUPPORTED);
}

static void
an_expired_certificate_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .from = -3, .to = -2 }),
	    P2P_ERR_SECURITY);
}

static void
a_certificate_of_tomorrow_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .from = 1, .to = 2 }),
	    P2P_ERR_SECURITY);
}

static void
a_broken_self_signature_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .broken = true }),
	    P2P_ERR_SIGNATURE);
}

static void
a_certificate_without_the_extension_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .forgery = NO_EXTENSION }),
	    P2P_ERR_SECURITY);
}

static void
two_libp2p_extensions_are_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .forgery = TWICE }), P2P_ERR_FORMAT);
}

static void
an_unknown_critical_extension_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .other_critical = true }),
	    P2P_ERR_UNSUPPORTED);
}

static void
a_malformed_extension_is_refused(void)
{
	static const enum forgery all[] = { NOT_A_SEQUENCE, TRAILING,
	    INSIDE_TRAILING, LONG_LENGTH, INDEFINITE, EMPTY };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK_ERR(forged((struct recipe){ .forgery = all[i] }),
		    P2P_ERR_FORMAT);
}

static void
a_bad_public_key_message_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .forgery = BAD_KEY_MESSAGE }),
	    P2P_ERR_FORMAT);
	CHECK_ERR(forged((struct recipe){ .forgery = EMPTY_KEY }),
	    P2P_ERR_FORMAT);
	CHECK_ERR(forged((struct recipe){ .forgery = UNKNOWN_KEY_TYPE }),
	    P2P_ERR_UNSUPPORTED);
}

static void
a_wrong_identity_signature_is_refused(void)
{
	static const enum forgery all[] = { EMPTY_SIGNATURE, SHORT_SIGNATURE,
	    LONG_SIGNATURE, FLIPPED_SIGNATURE };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK_ERR(forged((struct recipe){ .forgery = all[i] }),
		    P2P_ERR_SIGNATURE);
}

static void
a_signature_by_another_key_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .forgery = OTHER_KEY }),
	    P2P_ERR_SIGNATURE);
}

static void
a_signature_over_another_certificate_key_is_refused(void)
{
	CHECK_ERR(forged((struct recipe){ .forgery = OTHER_SPKI }),
	    P2P_ERR_SIGNATURE);
	CHECK_ERR(forged((struct recipe){ .forgery = NO_PREFIX }),
	    P2P_ERR_SIGNATURE);
}

TESTS("tls_cert",
    { "a certificate of version 1 is refused",
	a_certificate_of_version_1_is_refused },
    { "an Ed25519 vector names its peer", an_ed25519_vector_names_its_peer },
    { "an ECDSA vector names its peer", an_ecdsa_vector_names_its_peer },
    { "a secp256k1 vector names its peer",
	a_secp256k1_vector_names_its_peer },
    { "the invalid vector is refused", the_invalid_vector_is_refused },
    { "no truncation and no flip of a certificate passes",
	no_truncation_and_no_flip_of_a_certificate_passes },
    { "every kind of identity goes into a certificate and out",
	every_kind_of_identity_goes_into_a_certificate_and_out },
    { "our certificate is what the strictest peer wants",
	our_certificate_is_what_the_strictest_peer_wants },
    { "a certificate is good from a day ago to a hundred years",
	a_certificate_is_good_from_a_day_ago_to_a_hundred_years },
    { "a public key makes no certificate", a_public_key_makes_no_certificate },
    { "what other implementations make is good",
	what_other_implementations_make_is_good },
    { "certificate keys of the usual kinds are good",
	certificate_keys_of_the_usual_kinds_are_good },
    { "weak or odd certificate keys are refused",
	weak_or_odd_certificate_keys_are_refused },
    { "SHA-1 and MD5 are refused", sha1_and_md5_are_refused },
    { "an expired certificate is refused", an_expired_certificate_is_refused },
    { "a certificate of tomorrow is refused",
	a_certificate_of_tomorrow_is_refused },
    { "a broken self-signature is refused",
	a_broken_self_signature_is_refused },
    { "a certificate without the extension is refused",
	a_certificate_without_the_extension_is_refused },
    { "two libp2p extensions are refused", two_libp2p_extensions_are_refused },
    { "an unknown critical extension is refused",
	an_unknown_critical_extension_is_refused },
    { "a malformed extension is refused", a_malformed_extension_is_refused },
    { "a bad public key message is refused",
	a_bad_public_key_message_is_refused },
    { "a wrong identity signature is refused",
	a_wrong_identity_signature_is_refused },
    { "a signature by another key is refused",
	a_signature_by_another_key_is_refused },
    { "a signature over another certificate key is refused",
	a_signature_over_another_certificate_key_is_refused })
