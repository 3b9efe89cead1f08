/*
 * One thread, one question at a time.  Everything shared is under mtx.
 */
#include "dns_stub.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"

#define PREFIX		"\x08_dnsaddr"
#define PREFIX_LEN	9
#define QUERY_MAX	512
#define MESSAGE_MAX	65535
#define QUESTIONS_MAX	4096
#define HELD_MAX	64
#define PATIENCE_S	10

struct query {
	uint8_t		 bytes[QUERY_MAX];
	size_t		 len;
	size_t		 question;	/* bytes, behind the header */
	size_t		 udp_max;	/* of an answer */
	char		 name[256];
	struct sockaddr_in from;
};

struct dns_stub {
	const struct dns_stub_name *names;
	struct sockaddr_in sa;
	int		 udp, tcp;
	struct wake	 stop;
	struct thread	 thread;
	struct query	 held[HELD_MAX];	/* of the thread alone */
	size_t		 nheld;
	int		 silent[HELD_MAX];
	size_t		 nsilent;
	struct lock	 mtx;
	struct cond	 came;
	char		*asked[QUESTIONS_MAX];
	unsigned	 nasked, ntcp;
};

/* The labels behind _dnsaddr, with dots, and where the question ends. */
static bool
query_get(struct query *q)
{
	struct rd in = { q->bytes, q->len }, part;
	size_t used = 0;
	uint8_t n;

	if (rd_bytes(&in, 12, &part) != 0 ||
	    rd_bytes(&in, PREFIX_LEN, &part) != 0 ||
	    !rd_equal(&part, PREFIX, PREFIX_LEN))
		return false;
	while (rd_u8(&in, &n) == 0 && n > 0 && rd_bytes(&in, n, &part) == 0)
		used += (size_t)snprintf(q->name + used,
		    sizeof(q->name) - used, "%s%.*s", used > 0 ? "." : "",
		    (int)n, (const char *)part.p);
	if (rd_bytes(&in, 4, &part) != 0)
		return false;
	q->question = q->len - 12 - in.len;
	/* RFC 6891: root, OPT, and the size in place of the class. */
	q->udp_max = in.len >= 11 && in.p[2] == 41 ?
	    (size_t)in.p[3] << 8 | in.p[4] : 512;
	return true;
}

static const struct dns_stub_name *
find(const struct dns_stub *s, const char *name)
{
	const struct dns_stub_name *i;
	size_t len;

	for (i = s->names; i->name != NULL; i++) {
		len = strlen(i->name);
		if (strcmp(i->name, name) == 0 || (i->name[len - 1] == '*' &&
		    strncmp(i->name, name, len - 1) == 0))
			return i;
	}
	return NULL;
}

static void
put_text(struct wr *w, const char *text)
{
	size_t len = strlen(text);

	wr_be16(w, 0xc00c);
	wr_be32(w, 16 << 16 | 1);
	wr_be32(w, 60);
	wr_be16(w, (uint16_t)(len + 1));
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, text, len);
}

/* How often a text is said. */
static unsigned
times(const struct dns_stub_name *n, size_t i)
{
	if (n == NULL || i == DNS_STUB_TEXTS || n->texts[i] == NULL)
		return 0;
	return i == 0 && n->many > 0 ? n->many : 1;
}

static unsigned
flags(const struct dns_stub_name *n)
{
	return n == NULL ? 0x8183 : n->how == DNS_STUB_FAIL ? 0x8182 : 0x8180;
}

/* The whole answer to q.  Not the test's thread, so no checks. */
static void
answer_put(struct wr *w, const struct query *q, const struct dns_stub_name *n)
{
	unsigned count = 0, j;
	char text[256];
	size_t i;

	for (i = 0; times(n, i) > 0; i++)
		count += times(n, i);
	if (n != NULL && n->how == DNS_STUB_BROKEN)
		count++;
	wr_bytes(w, q->bytes, 2);
	wr_be16(w, (uint16_t)flags(n));
	wr_be16(w, 1);
	wr_be16(w, (uint16_t)count);
	wr_be32(w, 0);
	wr_bytes(w, q->bytes + 12, q->question);
	for (i = 0; times(n, i) > 0; i++) {
		for (j = 0; j < times(n, i); j++) {
			if (snprintf(text, sizeof(text), n->texts[i], j) > 255)
				abort();
			put_text(w, text);
		}
	}
	if (w->full)
		abort();
}

static void
answer_udp(struct dns_stub *s, const struct query *q)
{
	static uint8_t buf[MESSAGE_MAX];
	const struct dns_stub_name *n = find(s, q->name);
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	answer_put(&w, q, n);
	if (w.len > q->udp_max || (n != NULL && n->how >= DNS_STUB_ONLY_TCP &&
	    n->how <= DNS_STUB_TCP_OTHER)) {
		buf[2] |= 0x02;
		buf[6] = buf[7] = 0;
		w.len = 12 + q->question;
	}
	(void)sendto(s->udp, buf, w.len, 0, (const void *)&q->from,
	    sizeof(q->from));
}

static void
note(struct dns_stub *s, const struct query *q, bool tcp)
{
	lock_lock(&s->mtx);
	if (s->nasked < QUESTIONS_MAX)
		s->asked[s->nasked++] = strdup(q->name);
	s->ntcp += tcp;
	cond_broadcast(&s->came);
	lock_unlock(&s->mtx);
}

static void
serve_udp(struct dns_stub *s)
{
	struct query q = { 0 };
	const struct dns_stub_name *n;
	socklen_t salen = sizeof(q.from);
	ssize_t len;
	size_t i;

	len = recvfrom(s->udp, q.bytes, sizeof(q.bytes), 0, (void *)&q.from,
	    &salen);
	if (len <= 0)
		return;
	q.len = (size_t)len;
	if (!query_get(&q))
		return;
	n = find(s, q.name);
	note(s, &q, false);
	if (n != NULL && n->how == DNS_STUB_HOLD) {
		if (s->nheld < HELD_MAX)
			s->held[s->nheld++] = q;
		return;
	}
	for (i = 0; n != NULL && n->how == DNS_STUB_RELEASE && i < s->nheld;
	    i++)
		answer_udp(s, &s->held[i]);
	answer_udp(s, &q);
}

/* Both sides know the protocol, so a blocking read with a limit will do. */
static bool
read_query(int fd, struct query *q)
{
	struct timeval limit = { PATIENCE_S, 0 };
	uint8_t head[2];

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (recv(fd, head, 2, MSG_WAITALL) != 2)
		return false;
	q->len = (size_t)head[0] << 8 | head[1];
	return q->len <= sizeof(q->bytes) && recv(fd, q->bytes, q->len,
	    MSG_WAITALL) == (ssize_t)q->len && query_get(q);
}

static void
serve_tcp(struct dns_stub *s)
{
	static uint8_t buf[2 + MESSAGE_MAX];
	const struct dns_stub_name *n;
	struct query q = { 0 };
	struct wr w;
	int fd;

	if ((fd = accept(s->tcp, NULL, NULL)) == -1)
		return;
	if (!read_query(fd, &q)) {
		close(fd);
		return;
	}
	n = find(s, q.name);
	note(s, &q, true);
	if (n != NULL && n->how == DNS_STUB_TCP_SILENT &&
	    s->nsilent < HELD_MAX) {
		s->silent[s->nsilent++] = fd;
		return;
	}
	wr_init(&w, buf + 2, MESSAGE_MAX);
	if (n == NULL || n->how != DNS_STUB_TCP_EMPTY)
		answer_put(&w, &q, n);
	buf[0] = (uint8_t)(w.len >> 8);
	buf[1] = (uint8_t)w.len;
	if (n != NULL && n->how == DNS_STUB_TCP_OTHER)
		buf[2] ^= 1;
	if (n != NULL && n->how == DNS_STUB_TCP_SHORT)
		w.len /= 2;
	(void)send(fd, buf, 2 + w.len, MSG_NOSIGNAL);
	close(fd);
}

static void
run(void *arg)
{
	struct dns_stub *s = arg;
	struct pollfd p[3] = {
		{ s->stop.fd, POLLIN, 0 },
		{ s->udp, POLLIN, 0 },
		{ s->tcp, POLLIN, 0 },
	};

	while (poll(p, 3, -1) > 0 && p[0].revents == 0) {
		if (p[1].revents != 0)
			serve_udp(s);
		if (p[2].revents != 0)
			serve_tcp(s);
	}
}

/* A port that is free for both. */
static bool
bind_both(struct dns_stub *s)
{
	socklen_t len = sizeof(s->sa);

	s->sa = (struct sockaddr_in){ .sin_family = AF_INET };
	s->sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->udp, (void *)&s->sa, sizeof(s->sa)) == 0 &&
	    getsockname(s->udp, (void *)&s->sa, &len) == 0 &&
	    bind(s->tcp, (void *)&s->sa, sizeof(s->sa)) == 0 &&
	    listen(s->tcp, HELD_MAX) == 0)
		return true;
	close(s->udp);
	close(s->tcp);
	return false;
}

struct dns_stub *
dns_stub_new(const struct dns_stub_name *names)
{
	struct dns_stub *s = calloc(1, sizeof(*s));
	int tries = 100;

	s->names = names;
	while (!bind_both(s))
		CHECK_FATAL(--tries > 0);
	lock_init(&s->mtx, LOCK_LEAF);
	cond_init(&s->came);
	CHECK_OK(wake_init(&s->stop));
	CHECK_OK(thread_start(&s->thread, "dns-stub", THREAD_STACK, run, s));
	return s;
}

void
dns_stub_free(struct dns_stub *s)
{
	wake_set(&s->stop);
	thread_join(&s->thread);
	while (s->nheld > 0)
		answer_udp(s, &s->held[--s->nheld]);
	wake_fini(&s->stop);
	close(s->udp);
	close(s->tcp);
	while (s->nsilent > 0)
		close(s->silent[--s->nsilent]);
	while (s->nasked > 0)
		free(s->asked[--s->nasked]);
	cond_destroy(&s->came);
	lock_destroy(&s->mtx);
	free(s);
}

const struct sockaddr_in *
dns_stub_address(const struct dns_stub *s)
{
	return &s->sa;
}

static unsigned
count(const struct dns_stub *s, const char *name)
{
	unsigned i, n = 0;

	for (i = 0; i < s->nasked; i++)
		n += name == NULL || strcmp(s->asked[i], name) == 0;
	return n;
}

void
dns_stub_wait(struct dns_stub *s, const char *name, unsigned n)
{
	uint64_t deadline = clock_after(clock_now(), 60 * CLOCK_S);

	lock_lock(&s->mtx);
	while (count(s, name) < n && cond_wait(&s->came, &s->mtx, deadline))
		;
	CHECK(count(s, name) >= n);
	lock_unlock(&s->mtx);
}

unsigned
dns_stub_asked(struct dns_stub *s, const char *name)
{
	unsigned n;

	lock_lock(&s->mtx);
	n = count(s, name);
	lock_unlock(&s->mtx);
	return n;
}

unsigned
dns_stub_tcp(struct dns_stub *s)
{
	unsigned n;

	lock_lock(&s->mtx);
	n = s->ntcp;
	lock_unlock(&s->mtx);
	return n;
}
