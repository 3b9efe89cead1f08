/*
 * libc asks over UDP, with EDNS0 (which brings most answers in one datagram),
 * its retries and its list of name servers.  It does not ask over TCP, although
 * it could: res_nquery(3) connects and reads there without any time limit, and
 * a server that accepts and says nothing would hold the thread for ever.  So
 * RES_IGNTC is set, and an answer that was cut short is asked for again here,
 * with poll(2) and the deadline.
 */
#include "transport/dns_txt.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/wake.h"
#include "p2p/error.h"
#include "transport/dnsaddr.h"

#define QUERY_MAX	512
#define HEADER_LEN	12
#define ID_LEN		2

/*
 * libc gives each of n servers a share of n times retrans, and goes round retry
 * times.
 */
static void
bound_time(struct __res_state *state, uint64_t deadline)
{
	uint64_t now = clock_now(), s;
	int servers = state->nscount > 0 ? state->nscount : 1;

	s = deadline <= now ? 1 : (deadline - now + CLOCK_S - 1) / CLOCK_S;
	if (s > DNS_TXT_TIME_S)
		s = DNS_TXT_TIME_S;
	state->retry = (int)s >= 2 * servers ? 2 : 1;
	state->retrans = (int)s / (state->retry * servers);
	if (state->retrans == 0)
		state->retrans = 1;
}

static bool
again(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int
write_all(int fd, const uint8_t *p, size_t len, uint64_t deadline)
{
	ssize_t n;
	int e;

	while (len > 0) {
		if ((e = wake_poll(fd, POLLOUT, -1, deadline)) != 0)
			return e;
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && !again(errno))
			return -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
read_all(int fd, uint8_t *p, size_t len, uint64_t deadline)
{
	ssize_t n;
	int e;

	while (len > 0) {
		if ((e = wake_poll(fd, POLLIN, -1, deadline)) != 0)
			return e;
		n = recv(fd, p, len, 0);
		if (n == 0)
			return P2P_ERR_SHORT;
		if (n == -1 && !again(errno))
			return -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* RFC 1035, 4.2.2: the message with its length in front, both ways. */
static int
exchange(int fd, struct rd query, uint64_t deadline, uint8_t *buf, size_t *len)
{
	uint8_t out[2 + QUERY_MAX], head[2];
	struct rd in = { head, sizeof(head) };
	uint16_t size;
	struct wr w;
	int e;

	wr_init(&w, out, sizeof(out));
	wr_be16(&w, (uint16_t)query.len);
	wr_bytes(&w, query.p, query.len);
	if ((e = write_all(fd, out, w.len, deadline)) != 0 ||
	    (e = read_all(fd, head, sizeof(head), deadline)) != 0 ||
	    (e = rd_be16(&in, &size)) != 0 ||
	    (e = read_all(fd, buf, size, deadline)) != 0)
		return e;
	if (size < ID_LEN || memcmp(buf, query.p, ID_LEN) != 0)
		return P2P_ERR_FORMAT;
	*len = size;
	return 0;
}

static int
ask_tcp(const struct sockaddr *sa, struct rd query, uint64_t deadline,
    uint8_t *buf, size_t *len)
{
	socklen_t salen = sa->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd, e;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -errno;
	if (connect(fd, sa, salen) == -1 && errno != EINPROGRESS)
		e = -errno;
	else
		e = exchange(fd, query, deadline, buf, len);
	close(fd);
	return e;
}

/* The i-th name server; glibc keeps those of IPv6 beside the others. */
static const struct sockaddr *
server_at(const struct __res_state *state, int i)
{
	if (state->nsaddr_list[i].sin_family == AF_INET)
		return (const void *)&state->nsaddr_list[i];
	return (const void *)state->_u._ext.nsaddrs[i];
}

static int
ask_again(struct __res_state *state, const char *name, uint64_t deadline,
    uint8_t *buf, size_t *len)
{
	uint8_t query[QUERY_MAX];
	const struct sockaddr *sa;
	int i, n;

	n = res_nmkquery(state, ns_o_query, name, ns_c_in, ns_t_txt, NULL, 0,
	    NULL, query, sizeof(query));
	if (n <= 0)
		return P2P_ERR_DNS;
	for (i = 0; i < state->nscount; i++)
		if ((sa = server_at(state, i)) != NULL && ask_tcp(sa,
		    (struct rd){ query, (size_t)n }, deadline, buf, len) == 0)
			return 0;
	return P2P_ERR_DNS;
}

int
dns_txt(const char *name, const struct sockaddr_in *server, uint64_t deadline,
    uint8_t *buf, size_t *len)
{
	uint64_t last = clock_after(clock_now(), DNS_TXT_TIME_S * CLOCK_S);
	struct __res_state state;
	int n, e;

	if (deadline > last)
		deadline = last;
	memset(&state, 0, sizeof(state));
	if (res_ninit(&state) != 0)
		return P2P_ERR_DNS;
	if (server != NULL) {
		state.nscount = 1;
		state.nsaddr_list[0] = *server;
	}
	state.options |= RES_IGNTC | RES_USE_EDNS0;
	bound_time(&state, deadline);
	memset(buf, 0, HEADER_LEN);
	n = res_nquery(&state, name, ns_c_in, ns_t_txt, buf,
	    DNSADDR_ANSWER_MAX);
	/* One that was cut down to nothing is no answer to libc. */
	if (dnsaddr_is_cut((struct rd){ buf, HEADER_LEN })) {
		e = ask_again(&state, name, deadline, buf, len);
	} else {
		e = n > 0 ? 0 : P2P_ERR_DNS;
		if (e == 0)
			*len = (size_t)n;
	}
	res_nclose(&state);
	return e;
}
