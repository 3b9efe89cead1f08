/*
 * The names in front of records are passed over, not read: an answer's records
 * belong to its question, by way of CNAMEs perhaps, and who sent the answer
 * could have said anything there.  So compression pointers are not followed,
 * and cannot lead in circles.
 *
 * Only questions and answers are looked at; what follows them is others'.
 */
#include "transport/dnsaddr.h"

#include <errno.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/multiaddr.h"

/* RFC 1035, 4.1.1, 3.1 and 3.2. */
#define FLAG_ANSWER	0x8000
#define FLAG_CUT	0x0200
#define OPCODE		0x7800
#define RCODE		0x000f
#define NAME_MAX_LEN	255
#define LABEL_POINTER	0xc0
#define TYPE_TXT	16
#define CLASS_IN	1

#define KEY	"dnsaddr="
#define KEY_LEN	(sizeof(KEY) - 1)

struct header {
	uint16_t	flags;
	uint16_t	questions, answers;
};

static int
header_get(struct rd *in, struct header *h)
{
	struct rd rest;
	int e;

	if ((e = rd_bytes(in, 2, &rest)) != 0 ||	/* the id */
	    (e = rd_be16(in, &h->flags)) != 0 ||
	    (e = rd_be16(in, &h->questions)) != 0 ||
	    (e = rd_be16(in, &h->answers)) != 0)
		return e;
	return rd_bytes(in, 4, &rest);
}

static int
name_skip(struct rd *in)
{
	size_t total = 0;
	struct rd label;
	uint8_t n;
	int e;

	for (;;) {
		if ((e = rd_u8(in, &n)) != 0)
			return e;
		if ((n & LABEL_POINTER) == LABEL_POINTER)
			return rd_u8(in, &n);
		if ((n & LABEL_POINTER) != 0 ||
		    (total += n + 1u) > NAME_MAX_LEN)
			return P2P_ERR_FORMAT;
		if (n == 0)
			return 0;
		if ((e = rd_bytes(in, n, &label)) != 0)
			return e;
	}
}

/* Name, type and class. */
static int
question_skip(struct rd *in)
{
	struct rd rest;
	int e;

	if ((e = name_skip(in)) != 0)
		return e;
	return rd_bytes(in, 4, &rest);
}

static int
record_get(struct rd *in, bool *is_txt, struct rd *data)
{
	uint16_t type, class, len;
	uint32_t ttl;
	int e;

	if ((e = name_skip(in)) != 0 ||
	    (e = rd_be16(in, &type)) != 0 ||
	    (e = rd_be16(in, &class)) != 0 ||
	    (e = rd_be32(in, &ttl)) != 0 ||
	    (e = rd_be16(in, &len)) != 0)
		return e;
	*is_txt = type == TYPE_TXT && class == CLASS_IN;
	return rd_bytes(in, len, data);
}

/* The strings of one record, joined, with a final zero. */
static int
text_get(struct rd data, struct wr *w)
{
	struct rd one;
	uint8_t n;
	int e;

	while (data.len > 0) {
		if ((e = rd_u8(&data, &n)) != 0 ||
		    (e = rd_bytes(&data, n, &one)) != 0)
			return e;
		wr_bytes(w, one.p, one.len);
	}
	wr_u8(w, '\0');
	return 0;
}

/* Whether ma is whole components, at least one, and then the suffix. */
static int
fits(const struct p2p_multiaddr *ma, struct rd suffix)
{
	struct p2p_multiaddr *head;
	struct rd all;
	int e;

	all.p = p2p_multiaddr_bytes(ma, &all.len);
	if (suffix.len == 0)
		return 0;
	if (all.len <= suffix.len ||
	    memcmp(all.p + all.len - suffix.len, suffix.p, suffix.len) != 0)
		return P2P_ERR_NOT_FOUND;
	if ((e = p2p_multiaddr_decode(all.p, all.len - suffix.len, &head)) == 0)
		p2p_multiaddr_free(head);
	return e;
}

/* Returns 0, -ENOMEM, or another error: no address for us. */
static int
address_get(const char *text, size_t len, struct rd suffix,
    struct p2p_multiaddr **out)
{
	struct p2p_multiaddr *ma;
	int e;

	if (strlen(text) != len || strncmp(text, KEY, KEY_LEN) != 0)
		return P2P_ERR_NOT_FOUND;
	if ((e = p2p_multiaddr_parse(text + KEY_LEN, &ma)) != 0)
		return e;
	if ((e = fits(ma, suffix)) != 0)
		p2p_multiaddr_free(ma);
	else
		*out = ma;
	return e;
}

static int
answers_get(struct rd in, unsigned count, struct rd suffix,
    struct p2p_multiaddr **out, size_t *n)
{
	char text[DNSADDR_TEXT_MAX + 1];
	struct rd data;
	struct wr w;
	bool is_txt;
	int e;

	for (; count > 0; count--) {
		if ((e = record_get(&in, &is_txt, &data)) != 0)
			return e;
		if (!is_txt)
			continue;
		wr_init(&w, text, sizeof(text));
		if ((e = text_get(data, &w)) != 0)
			return e;
		if (w.full || *n == DNSADDR_TXT_MAX)
			continue;
		e = address_get(text, w.len - 1, suffix, &out[*n]);
		if (e == -ENOMEM)
			return e;
		*n += e == 0;
	}
	return 0;
}

int
dnsaddr_get(struct rd answer, struct rd suffix,
    struct p2p_multiaddr *out[DNSADDR_TXT_MAX], size_t *n)
{
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	size_t count = 0;
	struct header h;
	int e;

	if (header_get(&answer, &h) != 0 || (h.flags & FLAG_ANSWER) == 0 ||
	    (h.flags & OPCODE) != 0)
		return P2P_ERR_FORMAT;
	if ((h.flags & RCODE) != 0)
		return P2P_ERR_DNS;
	for (; h.questions > 0; h.questions--)
		if (question_skip(&answer) != 0)
			return P2P_ERR_FORMAT;
	e = answers_get(answer, h.answers, suffix, found, &count);
	if (e == 0) {
		memcpy(out, found, count * sizeof(*out));
		*n = count;
		return 0;
	}
	while (count > 0)
		p2p_multiaddr_free(found[--count]);
	return e == -ENOMEM ? e : P2P_ERR_FORMAT;
}

bool
dnsaddr_is_cut(struct rd answer)
{
	struct header h;

	return header_get(&answer, &h) == 0 && (h.flags & FLAG_ANSWER) != 0 &&
	    (h.flags & FLAG_CUT) != 0;
}
