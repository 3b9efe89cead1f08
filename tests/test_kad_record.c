/*
 * The rules of records: the /pk record of libp2p/interop (src/utils/
 * dht-record.ts), then keys, sizes and tables.
 */
#include "services/kad/kad_record.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "services/kad/kad_key.h"

#define NOW	1795436906135000000	/* 2026-11-23T12:28:26.135Z */

static const char interop_key[] = "2f706b2f"
    "122057793ff481bb00422ced1e1255236568fa0661d9709b6e551b22e9e15ca19722";
static const char interop_value[] =
    "080012a60230820122300d06092a864886f70d01010105000382010f003082010a028201"
    "0100c2588f998971dac9e3eef76a311bf9159505aff69ea3b664c55a36aa28ee08de1127"
    "228a4d431bb9c0840240c75f6e98a0843a78d945491a3ea5e1f7cee2bc71383510db5290"
    "702383975b7bffae9fb40c84cc1220fb4a7db862fffb0de42f8fd8fb33a17deb20f30e2d"
    "0f194791fe69355a392f77df35f101e08a2fc95b2c018768938814fcb52482f899f5e90a"
    "1905e8abbcdbb1647ad80a5b0417e1ce8320d64197a6ba3848926375c63adebabdf6eb82"
    "109bcadfee13b62bf922bbb6f74c1a26c9bc6122d1436787e0e6de3c152b1959701092ab"
    "ef84599f73eaedb2fcef9f87293e1bbe8e0fef3f1a7fd2e8b94c7e633f88473644a63cb9"
    "48e4d25c54490203010001";
static const char interop_kad_key[] =
    "159e0705f67dbe5e180dfeb70ecd205e951276f7730535a6c09b9c5615dcec6b";

/* One that likes values that start with its argument, the longest best. */
static int
starts(const struct p2p_record *r, uint64_t now, void *arg)
{
	const char *with = arg;

	CHECK_EQ(now, NOW);
	return r->len > 0 && r->value[0] == (uint8_t)*with ? 0 :
	    P2P_ERR_REFUSED;
}

static int
longest(const struct p2p_record *a, const struct p2p_record *b, void *arg)
{
	CHECK_STR((const char *)arg, "x");
	return a->len < b->len ? -1 : a->len > b->len;
}

static struct kad_rules
rules_of(struct p2p_record_rule *list)
{
	static char x[] = "x", p[] = "p";

	list[0] = (struct p2p_record_rule){ .name = "any" };
	list[1] = p2p_record_pk;
	list[2] = (struct p2p_record_rule){ "x", starts, longest, x };
	list[3] = (struct p2p_record_rule){ "pk2", starts, NULL, p };
	return (struct kad_rules){ list, 4 };
}

static struct p2p_record
record(const char *key, size_t key_len, const char *value, size_t len)
{
	return (struct p2p_record){ (const uint8_t *)key, key_len,
	    (const uint8_t *)value, len };
}

static struct p2p_record
text(const char *key, const char *value)
{
	return record(key, strlen(key), value, strlen(value));
}

static int
validate(struct p2p_record r)
{
	struct p2p_record_rule list[4];
	struct kad_rules rules = rules_of(list);

	return kad_rules_validate(&rules, &r, NOW);
}

static int
compare(struct p2p_record a, struct p2p_record b)
{
	struct p2p_record_rule list[4];
	struct kad_rules rules = rules_of(list);

	return kad_rules_compare(&rules, &a, &b);
}

static void
the_record_of_interop_is_valid(void)
{
	uint8_t *key, *value, *want, made[P2P_RECORD_KEY_MAX];
	struct p2p_peer_id id;
	struct p2p_key *k;
	struct kad_key hash;
	struct p2p_record r;
	size_t len;

	key = check_unhex(interop_key, &r.key_len);
	value = check_unhex(interop_value, &r.len);
	r.key = key;
	r.value = value;
	CHECK_EQ(r.len, 299);
	CHECK_OK(validate(r));
	CHECK_EQ(compare(r, r), 0);

	CHECK_OK(kad_key_of(r.key, r.key_len, &hash));
	want = check_unhex(interop_kad_key, &len);
	CHECK_BYTES(hash.b, KAD_KEY_SIZE, want, len);
	free(want);

	CHECK_OK(p2p_key_decode_public(value, r.len, &k));
	p2p_peer_id_from_key(k, &id);
	len = p2p_record_key("pk", &id, made);
	CHECK_BYTES(made, len, key, r.key_len);
	CHECK_OK(kad_record_peer(&r, &id));
	CHECK_BYTES(id.bytes, id.len, key + 4, r.key_len - 4);
	p2p_key_free(k);
	free(value);
	free(key);
}

static int
validate_value(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_record r = *(struct p2p_record *)arg;

	r.value = bytes;
	r.len = len;
	return validate(r);
}

static int
validate_key(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_record r = *(struct p2p_record *)arg;

	r.key = bytes;
	r.key_len = len;
	return validate(r);
}

/* What a key is the hash of cannot be changed, nor can the key. */
static void
any_change_of_a_public_key_is_refused(void)
{
	uint8_t *key, *value;
	struct p2p_record r;

	key = check_unhex(interop_key, &r.key_len);
	value = check_unhex(interop_value, &r.len);
	r.key = key;
	r.value = value;
	CHECK_EQ(mangle(value, r.len, 1, validate_value, &r), 9 * r.len);
	CHECK_EQ(mangle(key, r.key_len, 1, validate_key, &r), 9 * r.key_len);
	free(value);
	free(key);
}

static void
a_public_key_of_each_type_is_valid_under_its_own_name(void)
{
	uint8_t key[P2P_RECORD_KEY_MAX], other[P2P_RECORD_KEY_MAX];
	struct p2p_peer_id id, no = { 34, { 0x12, 0x20 } };
	struct p2p_key *k;
	struct p2p_record r;
	int type;

	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		CHECK_OK(p2p_key_generate((enum p2p_key_type)type, 0, &k));
		p2p_peer_id_from_key(k, &id);
		r.value = p2p_key_public(k, &r.len);
		r.key = key;
		r.key_len = p2p_record_key("pk", &id, key);
		CHECK_OK(validate(r));
		r.key = other;
		r.key_len = p2p_record_key("pk", &no, other);
		CHECK_ERR(validate(r), P2P_ERR_WRONG_PEER);
		p2p_key_free(k);
	}
}

/* R-1; what follows the second slash may be anything, slashes too. */
static void
a_key_has_a_namespace_and_more(void)
{
	static const char *const bad[] = { "", "/", "//", "///", "any", "any/",
	    "any/k", "/any", "/any/", "//k", "//any/k", "\0/any/k" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(validate(text(bad[i], "v")), P2P_ERR_FORMAT);
	CHECK_OK(validate(text("/any/k", "")));
	CHECK_OK(validate(text("/any//", "v")));
	CHECK_OK(validate(text("/any/a/b", "v")));
	CHECK_OK(validate(record("/any/\0\xff", 7, "v", 1)));
}

static void
an_unknown_namespace_is_refused(void)
{
	static const char *const bad[] = { "/an/k", "/anyy/k", "/Any/k",
	    "/ any/k", "/ipns/k", "/pk3/k" };
	struct kad_rules none = { NULL, 0 };
	struct p2p_record r = text("/any/k", "v");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(validate(text(bad[i], "v")), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(validate(record("/any\0/k", 7, "v", 1)),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(kad_rules_validate(&none, &r, NOW), P2P_ERR_UNSUPPORTED);
	CHECK_EQ(kad_rules_compare(&none, &r, &r), 0);
}

static void
sizes_are_limited(void)
{
	static char key[P2P_RECORD_KEY_MAX + 1] = "/any/";
	static char value[P2P_RECORD_VALUE_MAX + 1];

	CHECK_OK(validate(record(key, P2P_RECORD_KEY_MAX, value,
	    P2P_RECORD_VALUE_MAX)));
	CHECK_ERR(validate(record(key, P2P_RECORD_KEY_MAX + 1, value, 1)),
	    P2P_ERR_TOO_LARGE);
	CHECK_ERR(validate(record(key, 6, value, P2P_RECORD_VALUE_MAX + 1)),
	    P2P_ERR_TOO_LARGE);
	/* before anything is looked at */
	CHECK_ERR(validate(record(NULL, SIZE_MAX, NULL, 0)),
	    P2P_ERR_TOO_LARGE);
}

static void
a_rule_of_the_caller_decides(void)
{
	CHECK_OK(validate(text("/x/k", "x")));
	CHECK_ERR(validate(text("/x/k", "y")), P2P_ERR_REFUSED);
	CHECK_ERR(validate(text("/x/k", "")), P2P_ERR_REFUSED);
	CHECK_OK(validate(text("/pk2/k", "p")));
	CHECK_ERR(validate(text("/pk2/k", "x")), P2P_ERR_REFUSED);
	CHECK_EQ(compare(text("/x/k", "x1"), text("/x/k", "x")), 1);
	CHECK_EQ(compare(text("/x/k", "x"), text("/x/k", "x1")), -1);
	CHECK_EQ(compare(text("/x/k", "x"), text("/x/k", "y")), 0);
	CHECK_EQ(compare(text("/any/k", "a"), text("/any/k", "bb")), 0);
	CHECK_EQ(compare(text("/pk2/k", "p"), text("/pk2/k", "pp")), 0);
	CHECK_EQ(compare(text("", "p"), text("", "pp")), 0);
}

static void
a_key_that_names_no_peer_has_no_public_key(void)
{
	struct p2p_peer_id id;
	struct p2p_record r = text("/pk/nobody", "v");

	CHECK_ERR(validate(r), P2P_ERR_FORMAT);
	CHECK_ERR(kad_record_peer(&r, &id), P2P_ERR_FORMAT);
	r = text("nobody", "v");
	CHECK_ERR(kad_record_peer(&r, &id), P2P_ERR_FORMAT);
}

TESTS("kad_record",
	{ "the record of interop is valid", the_record_of_interop_is_valid },
	{ "any change of a public key is refused",
	    any_change_of_a_public_key_is_refused },
	{ "a public key of each type is valid under its own name",
	    a_public_key_of_each_type_is_valid_under_its_own_name },
	{ "a key has a namespace and more", a_key_has_a_namespace_and_more },
	{ "an unknown namespace is refused", an_unknown_namespace_is_refused },
	{ "sizes are limited", sizes_are_limited },
	{ "a rule of the caller decides", a_rule_of_the_caller_decides },
	{ "a key that names no peer has no public key",
	    a_key_that_names_no_peer_has_no_public_key })
