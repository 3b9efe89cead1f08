#include "services/identify_msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pb.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "proto/identify.pb-c.h"

#define PROTOCOL_VERSION		"ipfs/0.1.0"
#define BUDGET		(256 * 1024)
#define PREFIX_MAX	2		/* bytes of a length up to 16383 */

static ProtobufCBinaryData
binary(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)bytes };
}

static size_t
bytes_of(const ProtobufCBinaryData *list, size_t n)
{
	size_t i, bytes = 0;

	for (i = 0; i < n; i++)
		bytes += list[i].len;
	return bytes;
}

/* Pack what is left after dropping what does not fit. */
static int
pack(Proto__Identify *m, struct wr *w)
{
	size_t len;

	for (;;) {
		len = protobuf_c_message_get_packed_size(&m->base);
		if (len + PREFIX_MAX <= IDENTIFY_SEND_MAX)
			break;
		if (m->has_signed_peer_record)
			m->has_signed_peer_record = 0;
		else if (m->n_listen_addrs + m->n_protocols == 0)
			return P2P_ERR_TOO_LARGE;
		else if (bytes_of(m->listen_addrs, m->n_listen_addrs) >
		    bytes_of(m->protocols, m->n_protocols))
			m->n_listen_addrs--;
		else
			m->n_protocols--;
	}
	varint_put(w, len);
	pb_pack(&m->base, w);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}

static size_t
fill_addrs(const struct identify_self *self, ProtobufCBinaryData *out)
{
	const uint8_t *bytes;
	size_t n, len;

	for (n = 0; self->addrs[n] != NULL && n < IDENTIFY_ADDRS_MAX; n++) {
		bytes = p2p_multiaddr_bytes(self->addrs[n], &len);
		out[n] = binary(bytes, len);
	}
	return n;
}

int
identify_put(const struct identify_self *self, struct wr *w)
{
	ProtobufCBinaryData addrs[IDENTIFY_ADDRS_MAX];
	ProtobufCBinaryData protocols[IDENTIFY_PROTOCOLS_MAX];
	Proto__Identify m = PROTO__IDENTIFY__INIT;
	uint8_t record[ENVELOPE_MAX];
	const uint8_t *bytes;
	struct wr r;
	size_t n, len;

	bytes = p2p_key_public(self->key, &len);
	m.has_public_key = m.has_protocol_version = m.has_agent_version = 1;
	m.public_key = binary(bytes, len);
	m.protocol_version = binary(PROTOCOL_VERSION, strlen(PROTOCOL_VERSION));
	m.agent_version = binary(self->agent, strlen(self->agent));
	m.listen_addrs = addrs;
	m.n_listen_addrs = fill_addrs(self, addrs);
	for (n = 0; self->protocols[n] != NULL && n < IDENTIFY_PROTOCOLS_MAX;
	    n++)
		protocols[n] = binary(self->protocols[n],
		    strlen(self->protocols[n]));
	m.protocols = protocols;
	m.n_protocols = n;
	if (self->observed != NULL) {
		bytes = p2p_multiaddr_bytes(self->observed, &len);
		m.has_observed_addr = 1;
		m.observed_addr = binary(bytes, len);
	}
	wr_init(&r, record, sizeof(record));
	if (m.n_listen_addrs > 0 && peer_record_seal(self->key, self->seq,
	    (const struct p2p_multiaddr *const *)self->addrs, m.n_listen_addrs,
	    &r) == 0) {
		m.has_signed_peer_record = 1;
		m.signed_peer_record = binary(record, r.len);
	}
	return pack(&m, w);
}

/* A zero-terminated copy; NULL for what is no text, too long, or no memory. */
static char *
text_of(const ProtobufCBinaryData *b, size_t max)
{
	if (b->len == 0 || b->len > max || memchr(b->data, 0, b->len) != NULL)
		return NULL;
	return strndup((const char *)b->data, b->len);
}

static int
take_key(struct p2p_identity *id, const struct p2p_peer_id *peer,
    const Proto__Identify *m)
{
	struct p2p_peer_id of_key;
	struct p2p_key *key;

	if (!m->has_public_key)
		return 0;
	if (p2p_key_decode_public(m->public_key.data, m->public_key.len,
	    &key) != 0)
		return P2P_ERR_FORMAT;
	p2p_peer_id_from_key(key, &of_key);
	if (!p2p_peer_id_equal(&of_key, peer)) {
		p2p_key_free(key);
		return P2P_ERR_WRONG_PEER;
	}
	p2p_key_free(id->key);
	id->key = key;
	return 0;
}

/*
 * An address without the peer's own /p2p; another peer's is dropped, also if
 * it hides behind the peer's own.
 */
static struct p2p_multiaddr *
addr_of(const ProtobufCBinaryData *b, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr *ma, *bare = NULL;
	struct p2p_peer_id named;

	if (p2p_multiaddr_decode(b->data, b->len, &ma) != 0)
		return NULL;
	if (p2p_multiaddr_peer(ma, &named) != 0 ||
	    p2p_peer_id_equal(&named, peer))
		(void)p2p_multiaddr_without_peer(ma, &bare);
	p2p_multiaddr_free(ma);
	if (bare != NULL && p2p_multiaddr_peer(bare, &named) == 0) {
		p2p_multiaddr_free(bare);
		bare = NULL;
	}
	return bare;
}

static void
take_lists(struct identify_seen *seen, const struct p2p_peer_id *peer,
    const Proto__Identify *m)
{
	struct p2p_identity *id = seen->identity;
	struct p2p_multiaddr *ma;
	char *text;
	size_t i;

	for (i = 0; i < m->n_protocols; i++) {
		if (seen->nprotocols == IDENTIFY_PROTOCOLS_MAX)
			break;
		text = text_of(&m->protocols[i], IDENTIFY_PROTOCOL_LEN);
		if (text != NULL)
			id->protocols[seen->nprotocols++] = text;
	}
	for (i = 0; i < m->n_listen_addrs; i++) {
		if (seen->naddrs == IDENTIFY_ADDRS_MAX)
			break;
		if ((ma = addr_of(&m->listen_addrs[i], peer)) != NULL)
			id->addresses[seen->naddrs++] = ma;
	}
}

static void
replace(char **old, char *text)
{
	if (text == NULL)
		return;
	free(*old);
	*old = text;
}

static void
take_rest(struct identify_seen *seen, const struct p2p_peer_id *peer,
    const Proto__Identify *m)
{
	struct p2p_identity *id = seen->identity;
	struct peer_record record;
	struct p2p_multiaddr *ma;

	if (m->has_protocol_version)
		replace(&id->protocol_version,
		    text_of(&m->protocol_version, IDENTIFY_TEXT_MAX));
	if (m->has_agent_version)
		replace(&id->agent_version,
		    text_of(&m->agent_version, IDENTIFY_TEXT_MAX));
	if (m->has_observed_addr && p2p_multiaddr_decode(m->observed_addr.data,
	    m->observed_addr.len, &ma) == 0) {
		p2p_multiaddr_free(id->observed);
		id->observed = ma;
	}
	if (m->has_signed_peer_record && peer_record_open((struct rd){
	    m->signed_peer_record.data, m->signed_peer_record.len },
	    &record) == 0) {
		if (!p2p_peer_id_equal(&record.peer, peer)) {
			peer_record_clear(&record);
			return;
		}
		if (seen->have_record)		/* the last one counts */
			peer_record_clear(&seen->record);
		seen->record = record;
		seen->have_record = id->signed_record = true;
	}
}

static int
begin(struct identify_seen *seen, const struct p2p_peer_id *peer)
{
	struct p2p_identity *id;

	if (seen->identity != NULL)
		return 0;
	if ((id = calloc(1, sizeof(*id))) == NULL)
		return -ENOMEM;
	id->peer = *peer;
	id->protocols = calloc(IDENTIFY_PROTOCOLS_MAX + 1, sizeof(char *));
	id->addresses = calloc(IDENTIFY_ADDRS_MAX + 1,
	    sizeof(struct p2p_multiaddr *));
	if (id->protocols == NULL || id->addresses == NULL) {
		p2p_identity_free(id);
		return -ENOMEM;
	}
	seen->identity = id;
	return 0;
}

int
identify_get(struct identify_seen *seen, const struct p2p_peer_id *peer,
    struct rd msg)
{
	ProtobufCMessage *m;
	int e;

	if ((e = begin(seen, peer)) != 0 ||
	    (e = pb_unpack(&proto__identify__descriptor, msg,
	    IDENTIFY_READ_MAX, BUDGET, &m)) != 0)
		return e;
	e = take_key(seen->identity, peer, (const Proto__Identify *)m);
	if (e == 0) {
		take_lists(seen, peer, (const Proto__Identify *)m);
		take_rest(seen, peer, (const Proto__Identify *)m);
	}
	pb_free(m);
	return e;
}

void
identify_clear(struct identify_seen *seen)
{
	p2p_identity_free(seen->identity);
	if (seen->have_record)
		peer_record_clear(&seen->record);
	memset(seen, 0, sizeof(*seen));
}

void
p2p_identity_free(struct p2p_identity *id)
{
	size_t i;

	if (id == NULL)
		return;
	for (i = 0; id->protocols != NULL && id->protocols[i] != NULL; i++)
		free(id->protocols[i]);
	for (i = 0; id->addresses != NULL && id->addresses[i] != NULL; i++)
		p2p_multiaddr_free(id->addresses[i]);
	free(id->protocols);
	free(id->addresses);
	free(id->protocol_version);
	free(id->agent_version);
	p2p_multiaddr_free(id->observed);
	p2p_key_free(id->key);
	free(id);
}
