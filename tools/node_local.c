/*
 * Commands that need no network: id, key, maddr, peerid, version.
 */
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/version.h"

#define BYTES_MAX	1024

static char *
hex(const uint8_t *bytes, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	out[2 * len] = '\0';
	return out;
}

/* "0x..." to bytes; false: it is no such text. */
static bool
unhex(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	unsigned byte;
	size_t n;
	int used;

	if (strncmp(text, "0x", 2) != 0)
		return false;
	text += 2;
	for (n = 0; text[0] != '\0'; n++, text += 2)
		if (n == cap || sscanf(text, "%2x%n", &byte, &used) != 1 ||
		    used != 2)
			return false;
		else
			out[n] = (uint8_t)byte;
	*len = n;
	return true;
}

int
node_id(const struct options *o)
{
	char text[P2P_PEER_ID_TEXT_MAX], pub[2 * P2P_KEY_PUBLIC_MAX + 1];
	struct p2p_peer_id id;
	const uint8_t *bytes;
	struct p2p_key *key;
	const char *path;
	size_t len;
	bool made;
	int e;

	path = o->key != NULL ? o->key : tool_home("identity.key");
	if ((e = tool_key(path, false, &key, &made)) != 0)
		return e;
	p2p_peer_id_from_key(key, &id);
	bytes = p2p_key_public(key, &len);
	if (tool_json) {
		json_begin("id");
		json_text("peerId", p2p_peer_id_text(&id, text));
		json_text("peerIdCid", p2p_peer_id_cid(&id, text));
		json_text("publicKey", hex(bytes, len, pub));
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

int
node_key(const struct options *o)
{
	enum p2p_key_type type = P2P_KEY_ED25519;
	struct p2p_key *key = NULL;
	const char *path, *why = NULL;
	int e;

	path = o->out != NULL ? o->out : o->key != NULL ? o->key :
	    tool_home("identity.key");
	if (o->type != NULL && p2p_key_type_parse(o->type, &type) != 0)
		return tool_usage("--type", "knows ed25519, secp256k1, ecdsa, rsa");
	if (strcmp(o->arg, "new") == 0) {
		if ((e = p2p_key_generate(type, o->bits, &key)) == 0)
			e = p2p_key_save(key, path);
	} else if (strcmp(o->arg, "show") == 0) {
		e = p2p_key_load(path, &key, &why);
	} else {
		return tool_usage("key", "wants new or show");
	}
	if (e != 0 && why != NULL && !tool_json) {
		tool_say(path, why, NULL);
		e = TOOL_USAGE;
	} else if (e != 0) {
		e = tool_fail(path, e, NULL);
	} else {
		e = show_key(key, path);
	}
	p2p_key_free(key);
	return e;
}

static void
json_parts(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part part;
	char value[BYTES_MAX];
	size_t i;

	json_raw(",\"parts\":[");
	for (i = 0; p2p_multiaddr_part(ma, i, &part); i++) {
		json_raw(i > 0 ? ",{\"name\":" : "{\"name\":");
		json_string(part.name);
		if (part.len > 0 &&
		    p2p_multiaddr_part_text(&part, value, sizeof(value)) == 0) {
			json_raw(",\"value\":");
			json_string(value);
		}
		json_raw("}");
	}
	json_raw("]");
}

int
node_maddr(const struct options *o)
{
	char text[2 * P2P_MULTIADDR_MAX + 1], value[BYTES_MAX];
	struct p2p_multiaddr_part part;
	uint8_t buf[P2P_MULTIADDR_MAX];
	struct p2p_multiaddr *ma;
	const uint8_t *bytes;
	size_t len, i;
	int e;

	if (unhex(o->arg, buf, sizeof(buf), &len))
		e = p2p_multiaddr_decode(buf, len, &ma);
	else
		e = p2p_multiaddr_parse(o->arg, &ma);
	if (e != 0)
		return tool_fail(o->arg, e, NULL);
	bytes = p2p_multiaddr_bytes(ma, &len);
	hex(bytes, len, text);
	if (tool_json) {
		json_begin("maddr");
		json_text("text", p2p_multiaddr_text(ma));
		json_text("hex", text);
		json_parts(ma);
		json_end();
	} else {
		printf("%s\n0x%s\n", p2p_multiaddr_text(ma), text);
		for (i = 0; p2p_multiaddr_part(ma, i, &part); i++)
			printf("  %-12s %s\n", part.name,
			    p2p_multiaddr_part_text(&part, value,
			    sizeof(value)) == 0 ? value : "");
	}
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

	if (unhex(o->arg, buf, sizeof(buf), &len))
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
	hex(id.bytes, id.len, bytes);
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
	const char *const *f = p2p_features();

	(void)o;
	if (tool_json) {
		json_begin("version");
		json_text("version", p2p_version());
		json_list("features", (char *const *)(uintptr_t)f);
		json_end();
		return TOOL_OK;
	}
	printf("p2p-node %s (", p2p_version());
	for (; *f != NULL; f++)
		printf("%s%s", *f, f[1] != NULL ? " " : ")\n");
	return TOOL_OK;
}
