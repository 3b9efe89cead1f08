#include "bare.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "p2p/error.h"
#include "p2p/key.h"
#include "security/noise_msg.h"
#include "security/noise_state.h"
#include "security/tls_cert.h"

#define TLS_CHUNK	16384		/* bytes a record */
#define NOISE_CHUNK	(32 * 1024)	/* bytes a message, as ours has */
#define IN_MAX		(128 * 1024)
#define AT_ONCE		4

/* What all connections of one end share. */
struct side {
	enum bare_kind	 kind;
	SSL_CTX		*ctx;
	struct p2p_key	*key;
	struct dh_pair	 pair;
	uint8_t		 sig[P2P_KEY_SIGNATURE_MAX];
	size_t		 siglen;
};

struct bare {
	int			 fd;
	SSL			*ssl;		/* TLS */
	struct noise_half	 send, recv;	/* Noise */
	uint8_t			 out[2 + NOISE_CHUNK + AEAD_TAG];
	uint8_t			 in[IN_MAX];
	size_t			 from, to;	/* sealed bytes of in */
	size_t			 at, plain;	/* opened ones, to be taken */
};

struct bare_shaker {
	struct side		 side;
	struct sockaddr_in	 a;
	int			 l;		/* or -1: dial */
	int			 n;
};

double
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
bench_must(int e, const char *what)
{
	if (e == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, p2p_strerror(e));
	exit(1);
}

pid_t
bench_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int
yes(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static void
side_init(struct side *s, enum bare_kind kind, bool server)
{
	EVP_PKEY *pkey;
	X509 *cert;

	s->kind = kind;
	bench_must(p2p_key_generate(P2P_KEY_ED25519, 0, &s->key), "key");
	bench_must(dh_new(&s->pair), "static key");
	bench_must(noise_sign(s->key, s->pair.public, s->sig, &s->siglen),
	    "sign");
	s->ctx = SSL_CTX_new(server ? TLS_server_method() :
	    TLS_client_method());
	bench_must(tls_cert_new(s->key, time(NULL), &cert, &pkey), "cert");
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(s->ctx, 0);
	SSL_CTX_use_certificate(s->ctx, cert);
	SSL_CTX_use_PrivateKey(s->ctx, pkey);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(s->ctx, yes, NULL);
}

static void
send_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = send(fd, p, len, MSG_NOSIGNAL)) <= 0)
			exit(1);
}

static void
recv_all(int fd, uint8_t *p, size_t len)
{
	if (len > 0 && recv(fd, p, len, MSG_WAITALL) != (ssize_t)len)
		exit(1);
}

static void
say(struct bare *b, struct side *s, struct noise_xx *xx)
{
	static const char *const muxers[] = { "/yamux/1.0.0", NULL };
	uint8_t payload[NOISE_PAYLOAD_MAX], msg[2 + NOISE_PAYLOAD_MAX + 128];
	struct wr p, w;

	wr_init(&p, payload, sizeof(payload));
	if (xx->next > 0)
		noise_payload_put(s->key, (struct rd){ s->sig, s->siglen },
		    muxers, &p);
	wr_init(&w, msg, sizeof(msg));
	wr_be16(&w, 0);
	bench_must(noise_xx_write(xx, (struct rd){ payload, p.len }, &w),
	    "write");
	msg[0] = (uint8_t)((w.len - 2) >> 8);
	msg[1] = (uint8_t)(w.len - 2);
	send_all(b->fd, msg, w.len);
}

static void
hear(struct bare *b, struct noise_xx *xx)
{
	static const char *const muxers[] = { "/yamux/1.0.0", NULL };
	uint8_t head[2], msg[NOISE_PAYLOAD_MAX + 128];
	uint8_t plain[sizeof(msg)];
	struct noise_claim claim;
	struct rd payload;
	size_t len;

	recv_all(b->fd, head, 2);
	if ((len = (size_t)head[0] << 8 | head[1]) > sizeof(msg))
		exit(1);
	recv_all(b->fd, msg, len);
	bench_must(noise_xx_read(xx, (struct rd){ msg, len }, plain, &payload),
	    "read");
	if (xx->next == 1)
		return;
	bench_must(noise_payload_get(payload, xx->rs, muxers, &claim),
	    "payload");
	p2p_key_free(claim.key);
}

static void
noise_shake(struct bare *b, struct side *s, bool server)
{
	uint8_t dialer[AEAD_KEY], listener[AEAD_KEY];
	struct noise_xx xx;
	struct dh_pair e;

	bench_must(dh_new(&e), "ephemeral key");
	bench_must(noise_xx_init(&xx, !server, &s->pair, &e), "init");
	while (!noise_xx_done(&xx))
		if (noise_xx_speaks(&xx))
			say(b, s, &xx);
		else
			hear(b, &xx);
	bench_must(noise_xx_split(&xx, dialer, listener), "split");
	bench_must(aead_new(server ? listener : dialer, &b->send.aead), "key");
	bench_must(aead_new(server ? dialer : listener, &b->recv.aead), "key");
	noise_xx_fini(&xx);
}

/* A handshake over a fresh socket. */
static struct bare *
shake(struct side *s, int fd, bool server)
{
	struct bare *b = calloc(1, sizeof(*b));
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	b->fd = fd;
	if (s->kind == BARE_NOISE) {
		noise_shake(b, s, server);
		return b;
	}
	b->ssl = SSL_new(s->ctx);
	SSL_set_fd(b->ssl, fd);
	if ((server ? SSL_accept(b->ssl) : SSL_connect(b->ssl)) != 1)
		exit(1);
	return b;
}

static void
bare_free(struct bare *b)
{
	SSL_free(b->ssl);
	aead_free(b->send.aead);
	aead_free(b->recv.aead);
	close(b->fd);
	free(b);
}

static size_t
chunk_of(const struct bare *b)
{
	return b->ssl != NULL ? TLS_CHUNK : NOISE_CHUNK;
}

/* At most chunk_of() bytes. */
static void
bare_write(struct bare *b, const void *p, size_t len)
{
	size_t sealed = len + AEAD_TAG;

	if (b->ssl != NULL) {
		if (SSL_write(b->ssl, p, (int)len) != (int)len)
			exit(1);
		return;
	}
	b->out[0] = (uint8_t)(sealed >> 8);
	b->out[1] = (uint8_t)sealed;
	bench_must(noise_half_seal(&b->send, (struct rd){ NULL, 0 }, p, len,
	    b->out + 2), "seal");
	send_all(b->fd, b->out, 2 + sealed);
}

/* The next message, opened where it lies. */
static void
next_message(struct bare *b)
{
	size_t len;
	ssize_t n;

	for (;;) {
		len = b->to - b->from < 2 ? 0 : 2 +
		    ((size_t)b->in[b->from] << 8 | b->in[b->from + 1]);
		if (len > 0 && b->to - b->from >= len)
			break;
		memmove(b->in, b->in + b->from, b->to - b->from);
		b->to -= b->from;
		b->from = 0;
		n = recv(b->fd, b->in + b->to, IN_MAX - b->to, 0);
		if (n <= 0)
			exit(1);
		b->to += (size_t)n;
	}
	b->at = b->from + 2;
	bench_must(noise_half_open(&b->recv, (struct rd){ NULL, 0 },
	    b->in + b->at, len - 2, b->in + b->at), "open");
	b->plain = len - 2 - AEAD_TAG;
	b->from += len;
}

static size_t
bare_read(struct bare *b, void *p, size_t len)
{
	int n;

	if (b->ssl != NULL) {
		if ((n = SSL_read(b->ssl, p, (int)len)) <= 0)
			exit(1);
		return (size_t)n;
	}
	if (b->plain == 0)
		next_message(b);
	len = len < b->plain ? len : b->plain;
	memcpy(p, b->in + b->at, len);
	b->at += len;
	b->plain -= len;
	return len;
}

static void
send_bulk(struct bare *b, uint64_t left)
{
	static uint8_t buf[NOISE_CHUNK];
	size_t n;

	for (; left > 0; left -= n) {
		n = left < chunk_of(b) ? (size_t)left : chunk_of(b);
		bare_write(b, buf, n);
	}
}

static void
take_bulk(struct bare *b, uint64_t left)
{
	static uint8_t buf[NOISE_CHUNK];

	while (left > 0)
		left -= bare_read(b, buf, left < chunk_of(b) ? (size_t)left :
		    chunk_of(b));
}

/* The child's end: 'u' sink, 'd' source, each of so many bytes; 'e' echo. */
static void
serve(struct bare *b)
{
	uint64_t bytes;
	char cmd, c;

	for (;;) {
		bare_read(b, &cmd, 1);
		if (cmd == 'e') {
			while (bare_read(b, &c, 1) == 1 && c != 'q')
				bare_write(b, &c, 1);
			continue;
		}
		if (bare_read(b, &bytes, sizeof(bytes)) != sizeof(bytes))
			exit(1);
		if (cmd == 'd') {
			send_bulk(b, bytes);
		} else {
			take_bulk(b, bytes);
			bare_write(b, "k", 1);
		}
	}
}

/* A listening socket on loopback, and where it is. */
static int
listen_on(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	*a = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(l, (struct sockaddr *)a, sizeof(*a)) != 0 ||
	    listen(l, 64) != 0 ||
	    getsockname(l, (struct sockaddr *)a, &len) != 0)
		exit(1);
	return l;
}

static int
dial(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0)
		exit(1);
	return fd;
}

struct bare *
bare_start(enum bare_kind kind, pid_t *child)
{
	struct sockaddr_in a;
	struct side side = { .kind = kind };
	int l = listen_on(&a);

	if ((*child = bench_fork()) == 0) {
		side_init(&side, kind, true);
		serve(shake(&side, accept(l, NULL, NULL), true));
	}
	close(l);
	side_init(&side, kind, false);
	return shake(&side, dial(&a), false);
}

double
bare_bulk(struct bare *b, char how, uint64_t bytes)
{
	double t = bench_now();
	char c;

	bare_write(b, &how, 1);
	bare_write(b, &bytes, sizeof(bytes));
	if (how == 'u') {
		send_bulk(b, bytes);
		bare_read(b, &c, 1);
	} else {
		take_bulk(b, bytes);
	}
	return (double)bytes / (bench_now() - t) / 1e9;
}

void
bare_trips(struct bare *b, double *times, int n)
{
	double t;
	char c;
	int i;

	bare_write(b, "e", 1);
	for (i = 0; i < n; i++) {
		t = bench_now();
		bare_write(b, "x", 1);
		bare_read(b, &c, 1);
		times[i] = bench_now() - t;
	}
	bare_write(b, "q", 1);
}

/* The listener says a byte, so that the dialer knows that it was let in. */
static void *
shake_many(void *arg)
{
	struct bare_shaker *s = arg;
	struct bare *b;
	char c;
	int i;

	for (i = 0; s->l != -1 || i < s->n; i++) {
		b = shake(&s->side, s->l != -1 ? accept(s->l, NULL, NULL) :
		    dial(&s->a), s->l != -1);
		if (s->l != -1)
			bare_write(b, "k", 1);
		else
			bare_read(b, &c, 1);
		bare_free(b);
	}
	return NULL;
}

static void
shake_threads(struct bare_shaker *s)
{
	pthread_t t[AT_ONCE];
	int i;

	for (i = 0; i < AT_ONCE; i++)
		if (pthread_create(&t[i], NULL, shake_many, s) != 0)
			exit(1);
	for (i = 0; i < AT_ONCE; i++)
		pthread_join(t[i], NULL);
}

struct bare_shaker *
bare_shaker_start(enum bare_kind kind, pid_t *child)
{
	struct bare_shaker *s = calloc(1, sizeof(*s));

	s->l = listen_on(&s->a);
	if ((*child = bench_fork()) == 0) {
		side_init(&s->side, kind, true);
		shake_threads(s);
		_exit(0);
	}
	close(s->l);
	s->l = -1;
	side_init(&s->side, kind, false);
	return s;
}

double
bare_shakes(struct bare_shaker *s, int n)
{
	double begun = bench_now();

	s->n = n / AT_ONCE;
	shake_threads(s);
	return s->n * AT_ONCE / (bench_now() - begun);
}
