/*
 * Commands that need no network: id, key, maddr, peerid, version.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "node.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

#define BYTES_MAX	(4 * P2P_MULTIADDR_MAX)	/* text of one part */

int
node_id(const struct options *o)
{
	char text[P2P_PEER_ID_TEXT_MAX], pub[2 * P2P_KEY_PUBLIC_MAX + 1];
	struct p2p_peer_id id;
	const uint8_t *bytes;
	struct p2p_key *key;
	char home[PATH_MAX];
	const char *path;
	size_t len;
	bool made;
	int e;

	path = o->key != NULL ? o->key : tool_home("identity.key", home);
	if (path == NULL)
		return tool_no_home();
	if ((e = tool_key(path, false, &key, &made)) != 0)
		return e;
	p2p_peer_id_from_key(key, &id);
	bytes = p2p_key_public(key, &len);
	if (tool_json) {
		json_begin("id");
		json_text("peerId", p2p_peer_id_text(&id, text));
		json_text("peerIdCid", p2p_peer_id_cid(&id, text));
		json_text("publicKey", tool_hex(bytes, len, pub));
		json_text("keyType", p2p_key_type_name(p2p_key_type(key)));
		json_end();
	} else {
		printf("%s\n", p2p_peer_id_text(&id, text));
		if (made)
			fprintf(stderr, "new key: %s\n", path);
	}
	p2p_key_free(key);
	return TOOL_OK;
}

static int
show_key(const struct p2p_key *key, const char *path)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id;

	p2p_peer_id_from_key(key, &id);
	p2p_peer_id_text(&id, text);
	if (tool_json) {
		json_begin("key");
		json_text("peerId", text);
		json_text("keyType", p2p_key_type_name(p2p_key_type(key)));
		json_text("path", path);
		json_end();
	} else {
		printf("%s %s %s\n", text,
		    p2p_key_type_name(p2p_key_type(key)), path);
	}
	return TOOL_OK;
}

static int
make_key(const struct options *o, const char *path, struct p2p_key **out)
{
	enum p2p_key_type type = P2P_KEY_ED25519;
	struct p2p_key *key;
	int e;

	if (o->type != NULL && p2p_key_type_parse(o->type, &type) != 0)
		return tool_usage("--type", "knows ed25519, secp256k1, ecdsa, "
		    "rsa");
	if (o->bits != 0 && type != P2P_KEY_RSA)
		return tool_usage("--bits", "is for rsa");
	if ((e = p2p_key_generate(type, o->bits, &key)) != 0)
		return e == P2P_ERR_UNSUPPORTED ?
		    tool_usage("--bits", "from 2048 to 8192") :
		    tool_fail("key", e, NULL);
	if ((e = p2p_key_save(key, path)) == 0) {
		*out = key;
		return TOOL_OK;
	}
	p2p_key_free(key);
	(void)tool_fail(path, e, NULL);
	return e == P2P_ERR_EXISTS ? TOOL_FAILED : TOOL_USAGE;
}

int
node_key(const struct options *o)
{
	bool fresh = strcmp(o->arg, "new") == 0;
	struct p2p_key *key = NULL;
	const char *path, *why = NULL;
	char home[PATH_MAX];
	int e;

	if (!fresh && strcmp(o->arg, "show") != 0)
		return tool_usage(o->arg, "key wants new or show");
	path = o->out != NULL ? o->out : o->key != NULL ? o->key :
	    tool_home("identity.key", home);
	if (path == NULL)
		return tool_no_home();
	if (fresh) {
		if ((e = make_key(o, path, &key)) != 0)
			return e;
	} else if ((e = p2p_key_load(path, &key, &why)) != 0) {
		(void)tool_fail_why(path, e, why);
		return TOOL_USAGE;
	}
	e = show_key(key, path);
	p2p_key_free(key);
	return e;
}

static void
maddr_json(const struct p2p_multiaddr *ma, const char *bytes)
{
	struct p2p_multiaddr_part part;
	char value[BYTES_MAX];
	size_t i;

	json_begin("maddr");
	json_text("text", p2p_multiaddr_text(ma));
	json_text("hex", bytes);
	json_array_begin("parts");
	for (i = 0; p2p_multiaddr_part(ma, i, &part); i++) {
		json_object_begin(NULL);
		json_text("name", part.name);
		if (part.len > 0 &&
		    p2p_multiaddr_part_text(&part, value, sizeof(value)) == 0)
			json_text("value", value);
		json_object_end();
	}
	json_array_end();
	json_end();
}

static void
maddr_text(const struct p2p_multiaddr *ma, const char *bytes)
{
	const char *text = p2p_multiaddr_text(ma);
	struct p2p_multiaddr_part part;
	char value[BYTES_MAX];
	size_t i;

	tool_put(stdout, text, strlen(text));
	printf("\n0x%s\n", bytes);
	for (i = 0; p2p_multiaddr_part(ma, i, &part); i++) {
		printf("  %-12s ", part.name);
		if (p2p_multiaddr_part_text(&part, value, sizeof(value)) == 0)
			tool_put(stdout, value, strlen(value));
		putchar('\n');
	}
}

int
node_maddr(const struct options *o)
{
	char text[2 * P2P_MULTIADDR_MAX + 1];
	uint8_t buf[P2P_MULTIADDR_MAX];
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	size_t len;
	int e;

	if (tool_unhex(o->arg, buf, sizeof(buf), &len))
		e = p2p_multiaddr_decode(buf, len, &ma);
	else
		e = p2p_multiaddr_parse(o->arg, &ma);
	if (e != 0)
		return tool_fail(o->arg, e, NULL);
	bytes = p2p_multiaddr_bytes(ma, &len);
	if (tool_json)
		maddr_json(ma, tool_hex(bytes, len, text));
	else
		maddr_text(ma, tool_hex(bytes, len, text));
	p2p_multiaddr_free(ma);
	return TOOL_OK;
}

int
node_peerid(const struct options *o)
{
	char text[P2P_PEER_ID_TEXT_MAX], cid[P2P_PEER_ID_TEXT_MAX];
	char bytes[2 * P2P_PEER_ID_MAX + 1];
	uint8_t buf[P2P_PEER_ID_MAX];
	const char *type = NULL;
	struct p2p_peer_id id;
	struct p2p_key *key;
	size_t len;
	int e;

	if (tool_unhex(o->arg, buf, sizeof(buf), &len))
		e = p2p_peer_id_decode(buf, len, &id);
	else
		e = p2p_peer_id_parse(o->arg, &id);
	if (e != 0)
		return tool_usage(o->arg, "not a peer id");
	if (p2p_peer_id_key(&id, &key) == 0) {
		type = p2p_key_type_name(p2p_key_type(key));
		p2p_key_free(key);
	}
	p2p_peer_id_text(&id, text);
	p2p_peer_id_cid(&id, cid);
	tool_hex(id.bytes, id.len, bytes);
	if (!tool_json) {
		printf("%s\n%s\n0x%s\n%s\n", text, cid, bytes,
		    type != NULL ? type : "unknown key (the id is a hash)");
		return TOOL_OK;
	}
	json_begin("peerid");
	json_text("base58", text);
	json_text("cid", cid);
	json_text("hex", bytes);
	if (type != NULL)
		json_text("keyType", type);
	else
		json_null("keyType");
	json_end();
	return TOOL_OK;
}

int
node_version(const struct options *o)
{
	(void)o;
	return tool_version();
}
