#include "evil.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"

uint64_t
evil_used(struct p2p_host *h, enum host_limit which)
{
	struct p2p_limit_info info = { 0 };

	CHECK_OK(p2p_host_limit(h, which, &info));
	return info.used;
}

void
evil_settles(struct p2p_host *h, enum host_limit which, uint64_t want)
{
	int i;

	for (i = 0; i < EVIL_WAIT_MS && evil_used(h, which) != want; i++)
		(void)poll(NULL, 0, 1);
	CHECK_EQ(evil_used(h, which), want);
}

void
evil_refuses(struct p2p_host *h, enum host_limit which, uint64_t least)
{
	int i;

	for (i = 0; i < EVIL_WAIT_MS &&
	    atomic_load(&h->limits[which].refused) < least; i++)
		(void)poll(NULL, 0, 1);
	CHECK(atomic_load(&h->limits[which].refused) >= least);
}

static void
dial(const char *target, struct memory_net *net, struct raw *raw)
{
	struct p2p_multiaddr *ma;

	CHECK_OK(p2p_multiaddr_parse(target, &ma));
	CHECK_OK((net != NULL ? &transport_memory : &transport_tcp)->dial(net,
	    ma, -1, clock_after(clock_now(), 5 * CLOCK_S), raw));
	p2p_multiaddr_free(ma);
}

int
evil_connect(const char *target)
{
	struct raw raw;

	dial(target, NULL, &raw);
	p2p_multiaddr_free(raw.local);
	p2p_multiaddr_free(raw.remote);
	return raw.fd;
}

bool
evil_closes(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	while (poll(&p, 1, EVIL_WAIT_MS) == 1) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno != EAGAIN))
			return true;
	}
	return false;
}

void
evil_new_over(struct evil *v, const char *target, struct memory_net *net,
    const char *const *muxers)
{
	enum p2p_stage stage;

	v->nplain = v->ncipher = 0;
	v->resets = v->acks = 0;
	v->closed = v->mute = false;
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &v->key));
	CHECK_OK(upgrader_init(&v->u, &(struct upgrader_params){
	    .key = v->key, .muxers = muxers }));
	dial(target, net, &v->raw);
	CHECK_OK(upgrade(&v->u, &v->raw, true, NULL, -1,
	    clock_after(clock_now(), 5 * CLOCK_S), &stage, &v->up));
	CHECK_FATAL(v->up.plain == 0);
	memcpy(v->cipher, v->up.early, v->up.cipher);
	v->ncipher = v->up.cipher;
	v->early = v->ncipher > 0;
}

void
evil_new(struct evil *v, const char *target, struct memory_net *net)
{
	evil_new_over(v, target, net, NULL);
}

void
evil_free(struct evil *v)
{
	v->up.sec->codec_free(v->up.codec);
	free(v->up.early);
	raw_close(&v->raw);
	upgrader_fini(&v->u);
	p2p_key_free(v->key);
}

bool
evil_send(struct evil *v, const void *bytes, size_t len)
{
	static uint8_t out[160 * 1024];
	struct pollfd p = { .fd = v->raw.fd, .events = POLLOUT };
	struct wr s;
	size_t done = 0;
	ssize_t n;

	wr_init(&s, out, sizeof(out));
	if (v->up.sec->seal(v->up.codec, bytes, len, &s) != 0)
		return false;
	while (done < s.len) {
		if (poll(&p, 1, EVIL_WAIT_MS) != 1)
			return false;
		n = send(v->raw.fd, out + done, s.len - done,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void
put(struct wr *w, uint8_t version, uint8_t type, unsigned flags, uint32_t id,
    uint32_t len)
{
	wr_u8(w, version);
	wr_u8(w, type);
	wr_be16(w, (uint16_t)flags);
	wr_be32(w, id);
	wr_be32(w, len);
}

bool
evil_frame(struct evil *v, uint8_t version, uint8_t type, unsigned flags,
    uint32_t id, uint32_t len)
{
	uint8_t plain[YAMUX_HDR_SIZE];
	struct wr w;

	wr_init(&w, plain, sizeof(plain));
	put(&w, version, type, flags, id, len);
	return evil_send(v, plain, w.len);
}

bool
evil_data(struct evil *v, unsigned flags, uint32_t id, const void *bytes,
    size_t len)
{
	static uint8_t plain[130 * 1024];
	struct wr w;

	wr_init(&w, plain, sizeof(plain));
	put(&w, 0, YAMUX_DATA, flags, id, (uint32_t)len);
	wr_bytes(&w, bytes, len);
	CHECK_FATAL(!w.full);
	return evil_send(v, plain, w.len);
}

/* More plaintext; false at the end. */
static bool
more(struct evil *v)
{
	struct pollfd p = { .fd = v->raw.fd, .events = POLLIN };
	size_t plain = 0, len;
	bool talk;
	ssize_t n;

	if (!v->early) {
		if (poll(&p, 1, EVIL_WAIT_MS) != 1)
			return false;
		n = recv(v->raw.fd, v->cipher + v->ncipher,
		    sizeof(v->cipher) - v->ncipher, MSG_DONTWAIT);
		if (n <= 0)
			return false;
		v->ncipher += (size_t)n;
	}
	v->early = false;
	len = v->ncipher;
	if (security_open(v->up.sec, v->up.codec, v->cipher, &len, &plain,
	    &talk) < 0)
		return false;
	CHECK_FATAL(plain <= sizeof(v->plain) - v->nplain);
	memcpy(v->plain + v->nplain, v->cipher, plain);
	v->nplain += plain;
	memmove(v->cipher, v->cipher + plain, len);
	v->ncipher = len;
	return true;
}

/* Take n plain bytes. */
static bool
take(struct evil *v, void *to, size_t n)
{
	while (v->nplain < n)
		if (!more(v))
			return false;
	if (to != NULL)
		memcpy(to, v->plain, n);
	memmove(v->plain, v->plain + n, v->nplain - n);
	v->nplain -= n;
	return true;
}

/* Remember what a frame did to a stream; answer a ping. */
static void
note(struct evil *v, const struct yamux_hdr *h)
{
	uint64_t bit = h->stream > 0 && h->stream < 64 ?
	    UINT64_C(1) << h->stream : 0;

	v->acks |= h->flags & YAMUX_ACK ? bit : 0;
	v->resets |= h->flags & YAMUX_RST ? bit : 0;
	if (h->type == YAMUX_PING && (h->flags & YAMUX_SYN) && !v->mute)
		(void)evil_frame(v, 0, YAMUX_PING, YAMUX_ACK, 0, h->length);
}

bool
evil_next(struct evil *v, struct yamux_hdr *h, void *body, size_t cap)
{
	uint8_t buf[YAMUX_HDR_SIZE];
	struct rd r = { buf, sizeof(buf) };

	if (!take(v, buf, sizeof(buf)))
		return false;
	CHECK_OK(yamux_hdr_get(&r, h));
	if (h->type == YAMUX_DATA) {
		cap = h->length < cap ? h->length : cap;
		if (!take(v, body, cap) || !take(v, NULL, h->length - cap))
			return false;
	}
	note(v, h);
	return true;
}

bool
evil_expect(struct evil *v, enum yamux_type type, unsigned flag, uint32_t id,
    struct yamux_hdr *h)
{
	while (evil_next(v, h, NULL, 0))
		if (h->type == type && h->stream == id &&
		    (flag == 0 || (h->flags & flag)))
			return true;
	return false;
}

/* One frame that is there already; false: none is whole, or the end. */
static bool
glance(struct evil *v)
{
	struct pollfd p = { .fd = v->raw.fd, .events = POLLIN };
	uint8_t buf[YAMUX_HDR_SIZE];
	struct yamux_hdr h;
	struct rd r = { buf, sizeof(buf) };

	if (v->nplain < sizeof(buf)) {
		if (!v->early && poll(&p, 1, 0) != 1)
			return false;
		v->closed = !more(v);
		return !v->closed;
	}
	if (!take(v, buf, sizeof(buf)) || yamux_hdr_get(&r, &h) != 0 ||
	    (h.type == YAMUX_DATA && !take(v, NULL, h.length))) {
		v->closed = true;
		return false;
	}
	note(v, &h);
	return true;
}

void
evil_pass(struct evil *v, struct pair *p, unsigned seconds)
{
	unsigned step;
	bool quiet;
	int i;

	for (step = 0; !v->closed; seconds -= step) {
		for (i = 0, quiet = false; !quiet && !v->closed &&
		    i < EVIL_WAIT_MS; i++) {
			while (glance(v))
				;
			quiet = host_is_quiet(p->a) && host_is_quiet(p->b);
			(void)poll(NULL, 0, 1);
		}
		CHECK(quiet || v->closed);
		if (seconds == 0)
			break;
		step = seconds < 4 ? seconds : 4;
		clock_test_advance(step * CLOCK_S);
	}
}

bool
evil_reset(struct evil *v, uint32_t id)
{
	int i;

	for (i = 0; i < EVIL_WAIT_MS && !v->closed &&
	    (v->resets >> id & 1) == 0; i++) {
		while (glance(v))
			;
		(void)poll(NULL, 0, 1);
	}
	return v->resets >> id & 1;
}
