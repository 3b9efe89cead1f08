/*
 * Each direction has a parser of its own, as the codec's halves run apart: the
 * flusher describes what it seals, the worker what it opens.  The bytes are
 * described as they pass, header by header; nothing is held back, and bytes
 * that are no frames are shown all the same.
 */
#include "muxer/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "p2p/error.h"

#define HEAD_MAX	32	/* bytes of a frame's header, of any muxer */
#define BODY_LINE	64	/* bytes of a body in a line */
#define LINE_MAX_LEN	768	/* 64 bytes as \xHH, and what is before them */
#define PREFIX_MAX	320

/* One direction. */
struct half {
	char	 arrow;
	uint8_t	 head[HEAD_MAX];
	size_t	 len;		/* bytes of it */
	uint64_t body;		/* bytes of a frame that are to come */
	bool	 lost;		/* no frames any more */
};

/* Everything but the halves is not written after capture_wrap(). */
struct codec {
	const struct security_ops *sec;
	struct codec		*inner;
	const struct mux_ops	*mux;
	void			(*line)(const char *, void *);
	void			*arg;
	char			 name[PREFIX_MAX];
	struct half		 in, out;
};

static void
put_time(struct wr *w)
{
	uint64_t now = clock_wall_ns();
	time_t s = (time_t)(now / CLOCK_S);
	char text[32];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	wr_printf(w, "%s.%06uZ", text, (unsigned)(now % CLOCK_S / 1000));
}

static void
put_byte(struct wr *w, uint8_t b)
{
	static const char escaped[] = "\n\r\t\\\"", names[] = "nrt\\\"";
	const char *p = b != 0 ? strchr(escaped, b) : NULL;

	if (p != NULL)
		wr_printf(w, "\\%c", names[p - escaped]);
	else if (b >= ' ' && b <= '~')
		wr_u8(w, b);
	else
		wr_printf(w, "\\x%02x", b);
}

/* One line: text, or if that is NULL, bytes of a body. */
static void
say(struct codec *c, char arrow, const char *text, struct rd body)
{
	char buf[PREFIX_MAX + LINE_MAX_LEN];
	struct wr w;
	size_t i;

	wr_init(&w, buf, sizeof(buf) - 1);
	put_time(&w);
	wr_printf(&w, " %s %c %s", c->name, arrow, text != NULL ? text : "| ");
	for (i = 0; i < body.len; i++)
		put_byte(&w, body.p[i]);
	buf[w.len] = '\0';
	c->line(buf, c->arg);
}

static void
show_body(struct codec *c, struct half *h, struct rd *in, uint64_t most)
{
	struct rd piece;
	size_t n;

	while (in->len > 0 && most > 0) {
		n = in->len < BODY_LINE ? in->len : BODY_LINE;
		n = n < most ? n : (size_t)most;
		if (rd_bytes(in, n, &piece) != 0)
			return;
		say(c, h->arrow, NULL, piece);
		most -= n;
	}
}

/* A byte at a time: the muxer says when a header is whole. */
static void
take_head(struct codec *c, struct half *h, struct rd *in)
{
	char text[256];
	struct rd head;
	struct wr w;
	int e = P2P_ERR_SHORT;

	while (e == P2P_ERR_SHORT && h->len < HEAD_MAX &&
	    rd_copy(in, h->head + h->len, 1) == 0) {
		h->len++;
		head = (struct rd){ h->head, h->len };
		wr_init(&w, text, sizeof(text) - 1);
		e = c->mux->describe(&head, &h->body, &w);
	}
	if (e == P2P_ERR_SHORT && h->len < HEAD_MAX)
		return;
	if (e == 0) {
		text[w.len] = '\0';
		say(c, h->arrow, text, (struct rd){ NULL, 0 });
	} else {
		h->lost = true;
		say(c, h->arrow, "no frame: bytes from here on",
		    (struct rd){ NULL, 0 });
		say(c, h->arrow, NULL, (struct rd){ h->head, h->len });
	}
	h->len = 0;
}

static void
show(struct codec *c, struct half *h, struct rd in)
{
	size_t before;

	while (in.len > 0) {
		before = in.len;
		if (h->lost) {
			show_body(c, h, &in, UINT64_MAX);
		} else if (h->body > 0) {
			show_body(c, h, &in, h->body);
			h->body -= before - in.len;
		} else {
			take_head(c, h, &in);
		}
	}
}

static void
capture_free(struct codec *c)
{
	if (c == NULL)
		return;
	say(c, '-', "is over", (struct rd){ NULL, 0 });
	c->sec->codec_free(c->inner);
	free(c);
}

static const struct security_result *
capture_result(const struct codec *c)
{
	return c->sec->result(c->inner);
}

static size_t
capture_sealed_size(const struct codec *c, size_t len)
{
	return c->sec->sealed_size(c->inner, len);
}

static int
capture_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	show(c, &c->out, (struct rd){ plain, len });
	return c->sec->seal(c->inner, plain, len, out);
}

static int
capture_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	int e;

	e = c->sec->open(c->inner, in, plain, talk);
	show(c, &c->in, *plain);
	return e;
}

static void
capture_close(struct codec *c, struct wr *out)
{
	c->sec->close(c->inner, out);
}

/* No handshake and no context: it comes when those are over. */
static const struct security_ops capture = {
	.id = "capture",
	.codec_free = capture_free,
	.result = capture_result,
	.sealed_size = capture_sealed_size,
	.seal = capture_seal,
	.open = capture_open,
	.close = capture_close,
};

int
capture_wrap(const struct capture_params *p, const struct security_ops **sec,
    struct codec **codec)
{
	char id[P2P_PEER_ID_TEXT_MAX];
	struct codec *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	c->sec = *sec;
	c->inner = *codec;
	c->mux = p->mux;
	c->line = p->line;
	c->arg = p->arg;
	c->in.arrow = '<';
	c->out.arrow = '>';
	p2p_peer_id_text(&p->peer, id);
	snprintf(c->name, sizeof(c->name), "%s@%s",
	    strlen(id) > 6 ? id + strlen(id) - 6 : id, p->address);
	*sec = &capture;
	*codec = c;
	snprintf(id, sizeof(id), "begins: %s, %s, %s", p->dialer ? "dialed" :
	    "accepted", p->security, p->mux->id);
	say(c, p->dialer ? '>' : '<', id, (struct rd){ NULL, 0 });
	show(c, &c->in, p->early);
	return 0;
}
