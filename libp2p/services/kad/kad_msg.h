/*
 * services/kad/kad_msg.h -- one message of the DHT, without a stream.
 *
 * Spec: libp2p/specs kad-dht/README.md; spec digest services.md 1.1.
 * Wire: varint(length), then a protobuf Message.
 */
#ifndef KAD_MSG_H
#define KAD_MSG_H

#include <stdbool.h>

#include "base/bytes.h"
#include "p2p/peer_id.h"

struct p2p_multiaddr;

/* What others send in an answer: providers make it large; go takes 4 MiB. */
#define KAD_MSG_ANSWER_MAX	(1024 * 1024)	/* bytes */
/* What is asked: a value, and some bytes. */
#define KAD_MSG_REQUEST_MAX	(80 * 1024)
#define KAD_MSG_SEND_MAX	(16 * 1024)	/* rust takes no more, S-10 */
#define KAD_PEERS_MAX		20	/* in an answer of ours, of each kind */
#define KAD_PEERS_READ_MAX	64	/* that count in others', of each */
#define KAD_ADDRS_MAX		8	/* of a peer, in an answer of ours */
#define KAD_ADDRS_READ_MAX	16	/* that count in others' */
#define KAD_PROVIDER_KEY_MAX	80	/* bytes: go */

enum kad_type {
	KAD_PUT_VALUE = 0,
	KAD_GET_VALUE = 1,
	KAD_ADD_PROVIDER = 2,
	KAD_GET_PROVIDERS = 3,
	KAD_FIND_NODE = 4,
	KAD_PING = 5,
};

/* A peer and where it is; the addresses are without /p2p. */
struct kad_contact {
	struct p2p_peer_id	 peer;
	struct p2p_multiaddr	**addrs;	/* owned by the message */
	size_t			 naddrs;
};

struct kad_record {
	struct rd	key, value;
	struct rd	time;		/* text, RFC 3339; may be empty */
};

/*
 * What was received.  Views are of a copy that the message owns.  Peers whose
 * ids make no sense are left out, as are addresses that are none, or another
 * peer's.
 */
struct kad_msg {
	enum kad_type		 type;
	struct rd		 key;
	bool			 has_record;
	struct kad_record	 record;
	struct kad_contact	*closer, *providers;
	size_t			 ncloser, nproviders;
	bool			 wants_reply;	/* as py asks for one, S-16 */
	uint8_t			*bytes;		/* owned */
};

/*
 * Decode a message (without its length) of at most max bytes.  Returns 0,
 * P2P_ERR_FORMAT (no message, an unknown type), P2P_ERR_TOO_LARGE or -ENOMEM.
 */
int	kad_msg_get(struct rd in, size_t max, struct kad_msg *out) MUST_CHECK;
void	kad_msg_clear(struct kad_msg *m);

/* What a contact holds, and a list of them that was malloced. */
void	kad_contact_clear(struct kad_contact *c);
void	kad_contacts_free(struct kad_contact *list, size_t n);

/* A peer to tell of: its addresses are the caller's. */
struct kad_tell {
	struct p2p_peer_id	 peer;
	struct p2p_multiaddr *const *addrs;
	size_t			 naddrs;
};

/*
 * Append a peer, with its first KAD_ADDRS_MAX addresses, as it stands among the
 * closer peers of a message: to be kept, and told again as it is.  w->full: it
 * is too small.
 */
void	kad_msg_put_closer(const struct kad_tell *tell, struct wr *w);

/* What is to be sent. */
struct kad_say {
	enum kad_type		 type;
	struct rd		 key;
	const struct kad_record	*record;	/* or NULL */
	const struct kad_tell	*closer, *providers;
	size_t			 ncloser, nproviders;
	struct rd		 told;	/* more closer peers: put_closer()'s */
};

/*
 * Append a message with its length in front: at most KAD_MSG_SEND_MAX bytes of
 * it, unless its record alone takes more.  What does not fit is left out:
 * addresses first, of those that have most, then peers, the farthest first.
 * Returns 0 or P2P_ERR_TOO_LARGE (w is too small; or say->told, of which
 * nothing can be left out, makes it too large: then w is left alone).
 */
int	kad_msg_put(const struct kad_say *say, struct wr *w) MUST_CHECK;

#endif
