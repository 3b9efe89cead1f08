/*
 * The value type over multiformats/peer_hash.  Bytes behind len are zero, so
 * that a copy of an id is the id.  What needs a key is in peer_id_key.c.
 */
#include "p2p/peer_id.h"

#include <assert.h>
#include <string.h>

#include "multiformats/peer_hash.h"
#include "p2p/error.h"

static_assert(PEER_HASH_MAX == P2P_PEER_ID_MAX, "one limit, two names");

int
p2p_peer_id_parse(const char *text, struct p2p_peer_id *out)
{
	struct p2p_peer_id id = { 0 };
	struct wr w;
	int e;

	wr_init(&w, id.bytes, sizeof(id.bytes));
	if ((e = peer_hash_parse((struct rd){ (const uint8_t *)text,
	    strlen(text) }, &w)) != 0)
		return e;
	id.len = (uint8_t)w.len;
	*out = id;
	return 0;
}

int
p2p_peer_id_decode(const uint8_t *bytes, size_t len, struct p2p_peer_id *out)
{
	struct p2p_peer_id id = { 0 };
	int e;

	if ((e = peer_hash_check((struct rd){ bytes, len })) != 0)
		return e;
	id.len = (uint8_t)len;
	memcpy(id.bytes, bytes, len);
	*out = id;
	return 0;
}

char *
p2p_peer_id_text(const struct p2p_peer_id *id, char *out)
{
	struct wr w;

	wr_init(&w, out, P2P_PEER_ID_TEXT_MAX);
	peer_hash_print(&w, (struct rd){ id->bytes, id->len });
	wr_u8(&w, '\0');
	assert(!w.full);
	return out;
}

char *
p2p_peer_id_cid(const struct p2p_peer_id *id, char *out)
{
	struct wr w;

	wr_init(&w, out, P2P_PEER_ID_TEXT_MAX);
	peer_hash_print_cid(&w, (struct rd){ id->bytes, id->len });
	wr_u8(&w, '\0');
	assert(!w.full);
	return out;
}

bool
p2p_peer_id_equal(const struct p2p_peer_id *a, const struct p2p_peer_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
