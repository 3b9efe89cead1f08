/*
 * protobuf-c does the parsing, on its leash; what comes out is copied into one
 * message of ours with peers and addresses that make sense, and with ends to
 * all lists.
 */
#include "services/kad/kad_msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pb.h"
#include "base/varint.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "proto/dht.pb-c.h"

/* What a message may allocate while it is parsed, by its size. */
#define BUDGET(max)	(16 * (max) + 64 * 1024)
#define REPLY_FIELD	11		/* S-16 */
#define LENGTH_DELIMITED 2
#define TAG(field)	((field) << 3 | LENGTH_DELIMITED)
#define CLOSER_FIELD	8
#define ID_FIELD	1		/* of a peer */
#define ADDRS_FIELD	2

static size_t
length(int has, const ProtobufCBinaryData *b)
{
	return has ? b->len : 0;
}

/* A view of a copy at *to, which moves behind it. */
static struct rd
copy(int has, const ProtobufCBinaryData *b, uint8_t **to)
{
	struct rd r = { *to, length(has, b) };

	if (r.len == 0)
		return (struct rd){ NULL, 0 };
	memcpy(*to, b->data, r.len);
	*to += r.len;
	return r;
}

/* An address of that peer's without its id; NULL: none, or another's. */
static struct p2p_multiaddr *
address_of(const ProtobufCBinaryData *b, const struct p2p_peer_id *peer)
{
	struct p2p_multiaddr *ma, *bare = NULL;
	struct p2p_peer_id named;

	if (p2p_multiaddr_decode(b->data, b->len, &ma) != 0)
		return NULL;
	if (p2p_multiaddr_peer(ma, &named) != 0)
		return ma;
	if (p2p_peer_id_equal(&named, peer))
		(void)p2p_multiaddr_without_peer(ma, &bare);
	p2p_multiaddr_free(ma);
	return bare;
}

static int
take_contact(const Proto__DhtPeer *p, struct kad_contact *c)
{
	size_t i, n = p->n_addrs;

	if (!p->has_id || p2p_peer_id_decode(p->id.data, p->id.len,
	    &c->peer) != 0)
		return P2P_ERR_FORMAT;
	n = n < KAD_ADDRS_READ_MAX ? n : KAD_ADDRS_READ_MAX;
	if (n == 0)
		return 0;
	if ((c->addrs = calloc(n, sizeof(*c->addrs))) == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if ((c->addrs[c->naddrs] = address_of(&p->addrs[i],
		    &c->peer)) != NULL)
			c->naddrs++;
	return 0;
}

static int
take_contacts(Proto__DhtPeer *const *list, size_t n,
    struct kad_contact **out, size_t *nout)
{
	size_t i;
	int e;

	n = n < KAD_PEERS_READ_MAX ? n : KAD_PEERS_READ_MAX;
	if (n == 0)
		return 0;
	if ((*out = calloc(n, sizeof(**out))) == NULL)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		e = take_contact(list[i], &(*out)[*nout]);
		if (e == 0)
			(*nout)++;
		else if (e == -ENOMEM)
			return e;
	}
	return 0;
}

static bool
asks_for_reply(const ProtobufCMessage *m)
{
	unsigned i;

	for (i = 0; i < m->n_unknown_fields; i++)
		if (m->unknown_fields[i].tag == REPLY_FIELD &&
		    m->unknown_fields[i].wire_type == LENGTH_DELIMITED)
			return true;
	return false;
}

/* The key and the record, into one block. */
static int
take_bytes(const Proto__DhtMessage *p, struct kad_msg *m)
{
	const Proto__DhtRecord *r = p->record;
	size_t len = length(p->has_key, &p->key);
	uint8_t *to;

	m->has_record = r != NULL;
	if (r != NULL)
		len += length(r->has_key, &r->key) +
		    length(r->has_value, &r->value) +
		    length(r->has_time_received, &r->time_received);
	if (len == 0)
		return 0;
	if ((to = m->bytes = malloc(len)) == NULL)
		return -ENOMEM;
	m->key = copy(p->has_key, &p->key, &to);
	if (r != NULL) {
		m->record.key = copy(r->has_key, &r->key, &to);
		m->record.value = copy(r->has_value, &r->value, &to);
		m->record.time = copy(r->has_time_received,
		    &r->time_received, &to);
	}
	return 0;
}

static int
take_message(const Proto__DhtMessage *p, struct kad_msg *m)
{
	int e;

	if (p->has_type && (p->type < KAD_PUT_VALUE || p->type > KAD_PING))
		return P2P_ERR_FORMAT;
	m->type = p->has_type ? (enum kad_type)p->type : KAD_PUT_VALUE;
	m->wants_reply = asks_for_reply(&p->base);
	if ((e = take_bytes(p, m)) != 0 ||
	    (e = take_contacts(p->closer_peers, p->n_closer_peers, &m->closer,
	    &m->ncloser)) != 0)
		return e;
	return take_contacts(p->provider_peers, p->n_provider_peers,
	    &m->providers, &m->nproviders);
}

int
kad_msg_get(struct rd in, size_t max, struct kad_msg *out)
{
	struct kad_msg m = { .type = KAD_PUT_VALUE };
	ProtobufCMessage *msg;
	int e;

	if ((e = pb_unpack(&proto__dht_message__descriptor, in, max,
	    BUDGET(max), &msg)) != 0)
		return e;
	e = take_message((const Proto__DhtMessage *)msg, &m);
	pb_free(msg);		/* empty peers make much of few bytes */
	if (e != 0) {
		kad_msg_clear(&m);
		return e;
	}
	*out = m;
	return 0;
}

void
kad_contact_clear(struct kad_contact *c)
{
	size_t i;

	for (i = 0; i < c->naddrs; i++)
		p2p_multiaddr_free(c->addrs[i]);
	free(c->addrs);
	memset(c, 0, sizeof(*c));
}

void
kad_contacts_free(struct kad_contact *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		kad_contact_clear(&list[i]);
	free(list);
}

void
kad_msg_clear(struct kad_msg *m)
{
	kad_contacts_free(m->closer, m->ncloser);
	kad_contacts_free(m->providers, m->nproviders);
	free(m->bytes);
	memset(m, 0, sizeof(*m));
}

/* A field of so many bytes, with what is in front of them. */
static size_t
field_len(size_t len)
{
	return 1 + varint_len(len) + len;
}

void
kad_msg_put_closer(const struct kad_tell *tell, struct wr *w)
{
	size_t i, n = tell->naddrs, len, all = field_len(tell->peer.len);
	const uint8_t *bytes;

	n = n < KAD_ADDRS_MAX ? n : KAD_ADDRS_MAX;
	for (i = 0; i < n; i++) {
		(void)p2p_multiaddr_bytes(tell->addrs[i], &len);
		all += field_len(len);
	}
	wr_u8(w, TAG(CLOSER_FIELD));
	varint_put(w, all);
	wr_u8(w, TAG(ID_FIELD));
	varint_put_bytes(w, tell->peer.bytes, tell->peer.len);
	for (i = 0; i < n; i++) {
		bytes = p2p_multiaddr_bytes(tell->addrs[i], &len);
		wr_u8(w, TAG(ADDRS_FIELD));
		varint_put_bytes(w, bytes, len);
	}
}

static ProtobufCBinaryData
binary(struct rd bytes)
{
	return (ProtobufCBinaryData){ bytes.len,
	    (uint8_t *)(uintptr_t)bytes.p };
}

/* One kind of peers of a message that is being made. */
struct row {
	Proto__DhtPeer		peers[KAD_PEERS_MAX];
	Proto__DhtPeer		*list[KAD_PEERS_MAX];
	ProtobufCBinaryData	addrs[KAD_PEERS_MAX][KAD_ADDRS_MAX];
	size_t			n;
};

static void
fill_row(struct row *row, const struct kad_tell *tell, size_t n)
{
	const uint8_t *bytes;
	Proto__DhtPeer *p;
	size_t i, j, len;

	row->n = n < KAD_PEERS_MAX ? n : KAD_PEERS_MAX;
	for (i = 0; i < row->n; i++) {
		p = row->list[i] = &row->peers[i];
		proto__dht_peer__init(p);
		p->has_id = 1;
		p->id = binary((struct rd){ tell[i].peer.bytes,
		    tell[i].peer.len });
		p->addrs = row->addrs[i];
		for (j = 0; j < tell[i].naddrs && j < KAD_ADDRS_MAX; j++) {
			bytes = p2p_multiaddr_bytes(tell[i].addrs[j], &len);
			row->addrs[i][j] = binary((struct rd){ bytes, len });
		}
		p->n_addrs = j;
	}
}

/* One address less of the peer with most of both kinds; false: none has two. */
static bool
drop_address(struct row *const rows[2])
{
	Proto__DhtPeer *most = NULL;
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < rows[i]->n; j++)
			if (most == NULL ||
			    rows[i]->peers[j].n_addrs > most->n_addrs)
				most = &rows[i]->peers[j];
	if (most == NULL || most->n_addrs < 2)
		return false;
	most->n_addrs--;
	return true;
}

int
kad_msg_put(const struct kad_say *say, struct wr *w)
{
	Proto__DhtMessage m = PROTO__DHT_MESSAGE__INIT;
	Proto__DhtRecord record = PROTO__DHT_RECORD__INIT;
	struct row closer, providers, *const rows[2] = { &closer, &providers };
	size_t len;

	fill_row(&closer, say->closer, say->ncloser);
	fill_row(&providers, say->providers, say->nproviders);
	m.has_type = 1;
	m.type = say->type;
	m.has_key = say->key.len > 0;
	m.key = binary(say->key);
	if (say->record != NULL) {
		record.has_key = record.has_value = 1;
		record.key = binary(say->record->key);
		record.value = binary(say->record->value);
		record.has_time_received = say->record->time.len > 0;
		record.time_received = binary(say->record->time);
		m.record = &record;
	}
	m.closer_peers = closer.list;
	m.provider_peers = providers.list;
	do {
		m.n_closer_peers = closer.n;
		m.n_provider_peers = providers.n;
		len = protobuf_c_message_get_packed_size(&m.base) +
		    say->told.len;
		if (len <= KAD_MSG_SEND_MAX - VARINT_MAX_LEN)
			break;
		if (say->told.len > 0)
			return P2P_ERR_TOO_LARGE;
		if (closer.n + providers.n == 0)
			break;
		if (!drop_address(rows))
			rows[closer.n < providers.n]->n--;
	} while (true);
	varint_put(w, len);
	pb_pack(&m.base, w);
	wr_bytes(w, say->told.p, say->told.len);
	return w->full ? P2P_ERR_TOO_LARGE : 0;
}
