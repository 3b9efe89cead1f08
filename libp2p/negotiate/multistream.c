/*
 * multistream-select 1.0, spec digest MSS-1 to MSS-14.
 *
 * The length prefix has at most two bytes (a line has at most MSS_LINE_MAX), so
 * it is read one byte at a time and then the line exactly.
 */
#include "negotiate/multistream.h"

#include <string.h>

#include "base/varint.h"
#include "p2p/error.h"

#define HEADER	"/multistream/1.0.0"

static void
put_line(struct wr *w, const char *text, size_t len)
{
	varint_put(w, len + 1);
	wr_bytes(w, text, len);
	wr_u8(w, '\n');
}

static void
propose(const struct mss *m, struct wr *out)
{
	put_line(out, m->names[m->at], strlen(m->names[m->at]));
}

void
mss_dial(struct mss *m, const char *const *names, struct wr *out)
{
	memset(m, 0, sizeof(*m));
	m->names = names;
	put_line(out, HEADER, strlen(HEADER));
	propose(m, out);
}

void
mss_listen(struct mss *m, mss_accept_fn accept, void *arg, struct wr *out)
{
	memset(m, 0, sizeof(*m));
	m->accept = accept;
	m->arg = arg;
	put_line(out, HEADER, strlen(HEADER));
}

size_t
mss_need(const struct mss *m)
{
	return m->want > 0 ? m->want - m->have : 1;
}

static bool
is(struct rd line, const char *text)
{
	return rd_equal(&line, text, strlen(text));
}

static int
dialer_line(struct mss *m, struct rd line, struct wr *out)
{
	if (is(line, m->names[m->at]))
		return 0;
	if (!is(line, "na"))
		return P2P_ERR_PROTOCOL;
	if (m->names[++m->at] == NULL)
		return P2P_ERR_NO_PROTOCOL;
	propose(m, out);
	return 1;
}

static int
listener_line(struct mss *m, struct rd line, struct wr *out)
{
	char name[MSS_NAME_MAX + 1];

	if (m->proposals++ >= MSS_PROPOSALS_MAX)
		return P2P_ERR_PROTOCOL;
	if (line.len > MSS_NAME_MAX || memchr(line.p, '\0', line.len) != NULL) {
		put_line(out, "na", 2);
		return 1;
	}
	memcpy(name, line.p, line.len);
	name[line.len] = '\0';
	if (!m->accept(name, m->arg, &m->choice)) {
		put_line(out, "na", 2);
		return 1;
	}
	put_line(out, name, line.len);
	return 0;
}

static int
on_line(struct mss *m, struct wr *out)
{
	struct rd line = { m->line, m->want - 1 };

	if (m->line[m->want - 1] != '\n')
		return P2P_ERR_PROTOCOL;
	m->have = m->want = m->nprefix = 0;
	if (!m->header) {
		m->header = true;
		return 1;
	}
	return m->names != NULL ? dialer_line(m, line, out) :
	    listener_line(m, line, out);
}

/*
 * Whatever is no header is refused with its first byte that differs: garbage
 * of a peer in another private network may claim a line that never ends.
 */
static bool
may_be_header(const struct mss *m)
{
	return m->header || (m->want == strlen(HEADER) + 1 &&
	    memcmp(m->line, HEADER "\n", m->have) == 0);
}

static int
on_prefix(struct mss *m, struct rd *in)
{
	struct rd prefix;
	uint64_t len;
	int e;

	if (rd_copy(in, &m->prefix[m->nprefix], 1) != 0)
		return 1;
	m->nprefix++;
	prefix = (struct rd){ m->prefix, m->nprefix };
	if ((e = varint_get(&prefix, &len)) == P2P_ERR_SHORT)
		return m->nprefix < sizeof(m->prefix) ? 1 : P2P_ERR_PROTOCOL;
	if (e != 0 || len == 0 || len > MSS_LINE_MAX)
		return P2P_ERR_PROTOCOL;
	m->want = (size_t)len;
	m->have = 0;
	return may_be_header(m) ? 1 : P2P_ERR_PROTOCOL;
}

int
mss_input(struct mss *m, struct rd in, struct wr *out)
{
	size_t n;
	int e = 1;

	while (e == 1 && in.len > 0) {
		if (m->want == 0) {
			e = on_prefix(m, &in);
			continue;
		}
		n = m->want - m->have < in.len ? m->want - m->have : in.len;
		if (rd_copy(&in, m->line + m->have, n) != 0)
			return P2P_ERR_PROTOCOL;
		m->have += n;
		if (!may_be_header(m))
			return P2P_ERR_PROTOCOL;
		if (m->have == m->want)
			e = on_line(m, out);
	}
	return e;
}

const char *
mss_name(const struct mss *m)
{
	return m->names[m->at];
}

void *
mss_choice(const struct mss *m)
{
	return m->choice;
}
