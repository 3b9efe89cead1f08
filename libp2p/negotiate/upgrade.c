/*
 * The steps of an upgrade over one buffered reader: bytes that were read past
 * the end of one layer belong to the next (UPG-6).
 *
 * Two windows on the input: cipher is what came from the socket, plain is what
 * the codec has opened of it.  Before there is a codec, negotiation reads from
 * cipher; inside the codec it reads from plain.  What is left of both in the
 * end is the session's.
 */
#include "negotiate/upgrade.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/wake.h"
#include "muxer/capture.h"
#include "negotiate/multistream.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"
#include "security/pnet_codec.h"

/*
 * Bytes read ahead of an upgrade's steps; the longest message of Noise fits,
 * whose plaintext is used up before more is read.
 */
#define IN_MAX	(80 * 1024)

static const struct security_ops *const known_security[] = {
	&security_tls,
	&security_noise,
	&security_plaintext,	/* never by default: PLT-2 */
	NULL
};

static const struct mux_ops *const known_muxers[] = {
	&mux_yamux,
	&mux_mplex,		/* by name only: see p2p_host(3) */
	NULL
};

struct io {
	int		 fd, wake_fd;
	uint64_t	 deadline;
	struct pnet	*pnet;		/* NULL: the public network */
	const struct security_ops *sec;	/* NULL: no codec yet */
	struct codec	*codec;
	uint8_t		*buf;		/* IN_MAX: plain, then cipher */
	size_t		 off;		/* plain bytes used up */
	size_t		 plain;		/* end of plain bytes */
	size_t		 cipher;	/* bytes behind plain */
	uint8_t		*out;		/* SECURITY_OUT_MIN */
};

static int
find_security(struct upgrader *u, const char *id, size_t n)
{
	size_t i;

	for (i = 0; known_security[i] != NULL; i++) {
		if (strcmp(known_security[i]->id, id) == 0) {
			u->security[n] = known_security[i];
			u->security_ids[n] = known_security[i]->id;
			return 0;
		}
	}
	return P2P_ERR_UNSUPPORTED;
}

static int
find_muxer(struct upgrader *u, const char *id, size_t n)
{
	size_t i;

	for (i = 0; known_muxers[i] != NULL; i++) {
		if (strcmp(known_muxers[i]->id, id) == 0) {
			u->muxers[n] = known_muxers[i];
			u->muxer_ids[n] = known_muxers[i]->id;
			return 0;
		}
	}
	return P2P_ERR_UNSUPPORTED;
}

static int
pick(struct upgrader *u, const char *const *ids,
    int (*find)(struct upgrader *, const char *, size_t))
{
	size_t n, i;
	int e;

	for (n = 0; ids[n] != NULL; n++)
		if (n == UPGRADE_PROTOCOLS_MAX)
			return P2P_ERR_TOO_LARGE;
	for (n = 0; ids[n] != NULL; n++) {
		for (i = 0; i < n; i++)
			if (strcmp(ids[i], ids[n]) == 0)
				return P2P_ERR_UNSUPPORTED;
		if ((e = find(u, ids[n], n)) != 0)
			return e;
	}
	return n > 0 ? 0 : P2P_ERR_UNSUPPORTED;
}

/* Whoever has no key must not be able to listen in. */
static int
go_private(struct upgrader *u, const struct p2p_psk *psk)
{
	size_t i;

	if (psk == NULL)
		return 0;
	for (i = 0; u->security_ids[i] != NULL; i++)
		if (u->security[i]->clear)
			return P2P_ERR_UNSUPPORTED;
	u->private = true;
	u->psk = *psk;
	return p2p_pnet_available() ? 0 : P2P_ERR_UNSUPPORTED;
}

int
upgrader_init(struct upgrader *u, const struct upgrader_params *p)
{
	static const char *const default_security[] = { "/tls/1.0.0",
	    "/noise", NULL };
	static const char *const default_muxers[] = { "/yamux/1.0.0", NULL };
	size_t i;
	int e;

	memset(u, 0, sizeof(*u));
	u->key = p->key;
	u->capture = p->capture;
	u->capture_arg = p->capture_arg;
	if ((e = pick(u, p->security != NULL ? p->security : default_security,
	    find_security)) != 0 ||
	    (e = pick(u, p->muxers != NULL ? p->muxers : default_muxers,
	    find_muxer)) != 0 ||
	    (e = go_private(u, p->psk)) != 0)
		return e;
	for (i = 0; i < UPGRADE_PROTOCOLS_MAX && u->security[i] != NULL; i++)
		if ((e = u->security[i]->context_new(p->key, p->keylog,
		    &u->contexts[i])) != 0)
			return e;
	return 0;
}

void
upgrader_fini(struct upgrader *u)
{
	size_t i;

	for (i = 0; i < UPGRADE_PROTOCOLS_MAX; i++)
		if (u->contexts[i] != NULL)
			u->security[i]->context_free(u->contexts[i]);
	p2p_psk_wipe(&u->psk);
	memset(u, 0, sizeof(*u));
}

static int
send_all(struct io *io, const uint8_t *p, size_t len)
{
	ssize_t n;
	int e;

	while (len > 0) {
		n = send(io->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			e = wake_poll(io->fd, POLLOUT, io->wake_fd,
			    io->deadline);
			if (e != 0)
				return e;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* Bytes of this layer; in a private network they go through its keystream. */
static int
put(struct io *io, const uint8_t *p, size_t len)
{
	uint8_t buf[4096];
	size_t n;
	int e;

	if (io->pnet == NULL)
		return send_all(io, p, len);
	for (; len > 0; p += n, len -= n) {
		n = len < sizeof(buf) ? len : sizeof(buf);
		memcpy(buf, p, n);
		pnet_seal(io->pnet, buf, n);
		if ((e = send_all(io, buf, n)) != 0)
			return e;
	}
	return 0;
}

/* n bytes more came from the socket; 0 may be left of them. */
static void
take_in(struct io *io, size_t n)
{
	if (io->pnet != NULL)
		pnet_open(io->pnet, io->buf + io->plain + io->cipher, &n);
	io->cipher += n;
}

/* Append what the socket has to cipher; blocks for at least one byte. */
static int
fill(struct io *io)
{
	size_t used = io->plain + io->cipher;
	ssize_t n;
	int e;

	if (used == IN_MAX)
		return P2P_ERR_TOO_LARGE;
	for (;;) {
		e = wake_poll(io->fd, POLLIN, io->wake_fd, io->deadline);
		if (e != 0)
			return e;
		n = recv(io->fd, io->buf + used, IN_MAX - used, MSG_DONTWAIT);
		if (n > 0)
			take_in(io, (size_t)n);
		if (io->plain + io->cipher > used)
			return 0;
		if (n == 0)
			return P2P_ERR_DISCONNECTED;
		if (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
		    errno != EINTR)
			return -errno;
	}
}

/* Consume n bytes of cipher from its front. */
static void
eat_cipher(struct io *io, size_t n)
{
	uint8_t *p = io->buf + io->plain;

	memmove(p, p + n, io->cipher - n);
	io->cipher -= n;
}

/* Consume used plain bytes, so that new ones fit. */
static void
eat_plain(struct io *io)
{
	memmove(io->buf, io->buf + io->off,
	    io->plain - io->off + io->cipher);
	io->plain -= io->off;
	io->off = 0;
}

/*
 * More plain bytes through the codec: first of what came behind the handshake,
 * for which the peer may wait to be answered, then of the socket.
 */
static int
open_more(struct io *io)
{
	size_t len, plain = 0;
	bool talk, tried = false;
	int e;

	eat_plain(io);
	while (plain == 0) {
		if ((io->cipher == 0 || tried) && (e = fill(io)) != 0)
			return e;
		tried = true;
		len = io->cipher;
		e = security_open(io->sec, io->codec, io->buf + io->plain,
		    &len, &plain, &talk);
		if (e != 0)
			return e < 0 ? e : P2P_ERR_DISCONNECTED;
		io->cipher = len;
	}
	io->plain += plain;
	return 0;
}

/* One to max bytes for a negotiation, from whichever layer it is on. */
static int
take(struct io *io, size_t max, uint8_t *to, size_t *n)
{
	int e;

	if (io->sec == NULL) {
		if (io->cipher == 0 && (e = fill(io)) != 0)
			return e;
		*n = io->cipher < max ? io->cipher : max;
		memcpy(to, io->buf, *n);
		eat_cipher(io, *n);
		return 0;
	}
	if (io->off == io->plain && (e = open_more(io)) != 0)
		return e;
	*n = io->plain - io->off < max ? io->plain - io->off : max;
	memcpy(to, io->buf + io->off, *n);
	io->off += *n;
	return 0;
}

static int
say(struct io *io, const struct wr *text)
{
	struct wr w;
	int e;

	if (text->len == 0)
		return 0;
	if (io->sec == NULL)
		return put(io, text->p, text->len);
	wr_init(&w, io->out, SECURITY_OUT_MIN);
	if ((e = io->sec->seal(io->codec, text->p, text->len, &w)) != 0)
		return e;
	return put(io, io->out, w.len);
}

static bool
in_list(const char *name, void *arg, void **choice)
{
	const char *const *list = arg;

	for (; *list != NULL; list++) {
		if (strcmp(*list, name) == 0) {
			*choice = (void *)(uintptr_t)*list;
			return true;
		}
	}
	return false;
}

/* Agree on one of ids; *out is the list's own pointer. */
static int
negotiate(struct io *io, bool dialer, const char *const *ids,
    const char **out)
{
	uint8_t buf[MSS_LINE_MAX], text[MSS_OUT_MAX];
	struct mss m;
	struct wr w;
	size_t n;
	int e, said;

	wr_init(&w, text, sizeof(text));
	if (dialer)
		mss_dial(&m, ids, &w);
	else
		mss_listen(&m, in_list, (void *)(uintptr_t)ids, &w);
	if ((e = say(io, &w)) != 0)
		return e;
	for (;;) {
		if ((e = take(io, mss_need(&m), buf, &n)) != 0)
			return e;
		wr_init(&w, text, sizeof(text));
		e = mss_input(&m, (struct rd){ buf, n }, &w);
		if (e < 0 && e != P2P_ERR_NO_PROTOCOL)
			return e;
		if ((said = say(io, &w)) != 0)
			return said;
		if (e < 0)
			return e;
		if (e == 0)
			break;
	}
	*out = dialer ? mss_name(&m) : mss_choice(&m);
	return 0;
}

static int
handshake(struct io *io)
{
	struct rd in;
	struct wr w;
	int e, sent;

	for (;;) {
		in = (struct rd){ io->buf, io->cipher };
		wr_init(&w, io->out, SECURITY_OUT_MIN);
		e = io->sec->handshake(io->codec, &in, &w);
		eat_cipher(io, io->cipher - in.len);
		sent = put(io, io->out, w.len);
		if (e < 0)
			return e;
		if (sent != 0)
			return sent;
		if (e == 0)
			return 0;
		if ((e = fill(io)) != 0)
			return e;
	}
}

static size_t
index_of(const char *const *ids, const char *id)
{
	size_t i;

	for (i = 0; strcmp(ids[i], id) != 0; i++)
		;
	return i;
}

static int
secure(const struct upgrader *u, struct io *io, bool dialer,
    const struct p2p_peer_id *expected, struct upgraded *out)
{
	struct security_params params = { .key = u->key, .dialer = dialer,
	    .expected = expected, .muxers = u->muxer_ids };
	const struct security_ops *sec;
	const char *id;
	size_t i;
	int e;

	if ((e = negotiate(io, dialer, u->security_ids, &id)) != 0)
		return e;
	i = index_of(u->security_ids, id);
	sec = u->security[i];
	params.context = u->contexts[i];
	if ((e = sec->codec_new(&params, &out->codec)) != 0)
		return e;
	out->security = sec->id;
	out->sec = io->sec = sec;
	io->codec = out->codec;
	e = handshake(io);
	out->peer = sec->result(out->codec)->peer;
	return e;
}

static int
choose_muxer(const struct upgrader *u, struct io *io, bool dialer,
    struct upgraded *out)
{
	const char *id = out->sec->result(out->codec)->muxer;
	int e;

	if (id == NULL && (e = negotiate(io, dialer, u->muxer_ids, &id)) != 0)
		return e;
	out->mux = u->muxers[index_of(u->muxer_ids, id)];
	return 0;
}

/* Ours first, without waiting for theirs (PSK-2). */
static int
enter_network(const struct upgrader *u, struct io *io)
{
	int e;

	if (!u->private)
		return 0;
	if ((e = pnet_new(&u->psk, &io->pnet)) != 0)
		return e;
	return send_all(io, pnet_nonce(io->pnet), PNET_NONCE);
}

/* The keystreams go on below the codec. */
static int
keep_network(struct io *io, struct upgraded *out)
{
	int e;

	if (io->pnet == NULL)
		return 0;
	e = pnet_wrap(io->pnet, io->cipher, &out->sec, &out->codec);
	if (e == 0)
		io->pnet = NULL;
	return e;
}

/* Whoever debugs sees all that the session will say and get. */
static int
begin_capture(const struct upgrader *u, const struct io *io,
    const struct raw *raw, bool dialer, struct upgraded *out)
{
	struct capture_params p = { .line = u->capture, .arg = u->capture_arg,
	    .peer = out->peer, .mux = out->mux, .security = out->security,
	    .dialer = dialer,
	    .early = { io->buf + io->off, io->plain - io->off } };

	if (u->capture == NULL)
		return 0;
	p.address = raw->remote != NULL ? p2p_multiaddr_text(raw->remote) :
	    "unknown";
	return capture_wrap(&p, &out->sec, &out->codec);
}

/* What is left in both windows is the session's. */
static void
leave_early(struct io *io, struct upgraded *out)
{
	eat_plain(io);
	out->early = io->buf;
	out->plain = io->plain;
	out->cipher = io->cipher;
	io->buf = NULL;
}

int
upgrade(const struct upgrader *u, struct raw *raw, bool dialer,
    const struct p2p_peer_id *expected, int wake_fd, uint64_t deadline,
    enum p2p_stage *stage, struct upgraded *out)
{
	struct io io = { .fd = raw->fd, .wake_fd = wake_fd,
	    .deadline = deadline };
	int e = -ENOMEM;

	memset(out, 0, sizeof(*out));
	*stage = P2P_STAGE_SECURITY;
	io.buf = malloc(IN_MAX);
	io.out = malloc(SECURITY_OUT_MIN);
	if (io.buf == NULL || io.out == NULL)
		goto done;
	if ((e = enter_network(u, &io)) != 0 ||
	    (e = secure(u, &io, dialer, expected, out)) != 0)
		goto done;
	*stage = P2P_STAGE_MUXER;
	if ((e = choose_muxer(u, &io, dialer, out)) != 0)
		goto done;
	if ((e = keep_network(&io, out)) != 0 ||
	    (e = begin_capture(u, &io, raw, dialer, out)) != 0)
		goto done;
	*stage = P2P_STAGE_DONE;
	leave_early(&io, out);
done:
	if (e != 0 && out->codec != NULL) {
		out->sec->codec_free(out->codec);
		out->codec = NULL;
	}
	pnet_free(io.pnet);
	free(io.buf);
	free(io.out);
	return e;
}
