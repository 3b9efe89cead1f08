/*
 * The codec inside leaves bytes in the caller's buffer; they come again, and
 * are through the keystream.  The peer's nonce is not among them: it came
 * before the handshake.
 */
#include "security/pnet_codec.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Who may touch a member:
 *	I	nobody writes it after pnet_wrap()
 *	O	the thread that opens
 */
struct codec {
	struct pnet		*pnet;		/* [I] */
	const struct security_ops *sec;		/* [I] */
	struct codec		*inner;		/* [I] */
	size_t			 opened;	/* [O] bytes left in front */
};

static void
wrapped_free(struct codec *c)
{
	if (c == NULL)
		return;
	c->sec->codec_free(c->inner);
	pnet_free(c->pnet);
	free(c);
}

static const struct security_result *
wrapped_result(const struct codec *c)
{
	return c->sec->result(c->inner);
}

static size_t
wrapped_sealed_size(const struct codec *c, size_t len)
{
	return c->sec->sealed_size(c->inner, len);
}

/* An alert of a seal that failed must go through the keystream, too. */
static int
wrapped_seal(struct codec *c, const uint8_t *plain, size_t len, struct wr *out)
{
	size_t before = out->len;
	int e;

	e = c->sec->seal(c->inner, plain, len, out);
	pnet_seal(c->pnet, out->p + before, out->len - before);
	return e;
}

static int
wrapped_open(struct codec *c, struct span *in, struct rd *plain, bool *talk)
{
	size_t fresh = in->len - c->opened;
	int e;

	pnet_open(c->pnet, in->p + c->opened, &fresh);
	e = c->sec->open(c->inner, in, plain, talk);
	c->opened = in->len;
	return e;
}

static void
wrapped_close(struct codec *c, struct wr *out)
{
	size_t before = out->len;

	c->sec->close(c->inner, out);
	pnet_seal(c->pnet, out->p + before, out->len - before);
}

/* No handshake and no context: it comes when those are over. */
static const struct security_ops wrapped = {
	.id = "pnet",
	.codec_free = wrapped_free,
	.result = wrapped_result,
	.sealed_size = wrapped_sealed_size,
	.seal = wrapped_seal,
	.open = wrapped_open,
	.close = wrapped_close,
};

int
pnet_wrap(struct pnet *pnet, size_t opened, const struct security_ops **sec,
    struct codec **codec)
{
	struct codec *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	c->pnet = pnet;
	c->sec = *sec;
	c->inner = *codec;
	c->opened = opened;
	*sec = &wrapped;
	*codec = c;
	return 0;
}
