#include "negotiate/multistream.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"

static const char *const names[] = { "/a/1.0.0", "/b/1.0.0", NULL };

static bool
accept_b(const char *name, void *arg, void **choice)
{
	*choice = arg;
	return strcmp(name, "/b/1.0.0") == 0;
}

static bool
accept_none(const char *name, void *arg, void **choice)
{
	(void)name;
	(void)arg;
	(void)choice;
	return false;
}

/* Give all of in, as mss_need() asks for it; out collects the answers. */
static int
give(struct mss *m, struct rd *in, struct wr *out)
{
	struct rd part;
	size_t n;
	int e = 1;

	while (e == 1 && in->len > 0) {
		n = mss_need(m) < in->len ? mss_need(m) : in->len;
		CHECK_OK(rd_bytes(in, n, &part));
		e = mss_input(m, part, out);
	}
	return e;
}

static void
the_first_bytes_are_the_published_ones(void)
{
	static const char *const noise[] = { "/noise", NULL };
	uint8_t out[MSS_OUT_MAX], *want;
	struct mss m;
	struct wr w;
	size_t len;

	wr_init(&w, out, sizeof(out));
	mss_dial(&m, noise, &w);
	want = check_unhex("132f6d756c746973747265616d2f312e302e300a"
	    "072f6e6f6973650a", &len);
	CHECK_BYTES(out, w.len, want, len);
	free(want);
}

static void
two_sides_agree_at_every_split(void)
{
	uint8_t dout[1024], lout[1024];
	struct mss d, l;
	struct wr dw, lw;
	struct rd in;
	size_t dsent = 0, lsent = 0, step;
	int de = 1, le = 1;

	for (step = 1; step < 40; step++) {
		wr_init(&dw, dout, sizeof(dout));
		wr_init(&lw, lout, sizeof(lout));
		mss_dial(&d, names, &dw);
		mss_listen(&l, accept_b, &l, &lw);
		de = le = 1;
		dsent = lsent = 0;
		while (de == 1 || le == 1) {
			in = (struct rd){ dout + dsent, dw.len - dsent < step ?
			    dw.len - dsent : step };
			dsent += in.len;
			if (le == 1)
				le = give(&l, &in, &lw);
			in = (struct rd){ lout + lsent, lw.len - lsent < step ?
			    lw.len - lsent : step };
			lsent += in.len;
			if (de == 1)
				de = give(&d, &in, &dw);
		}
		CHECK_OK(de);
		CHECK_OK(le);
		CHECK_STR(mss_name(&d), "/b/1.0.0");
		CHECK(mss_choice(&l) == &l);
	}
}

static void
bytes_behind_the_agreement_are_not_taken(void)
{
	static const uint8_t wire[] = "\x13" "/multistream/1.0.0\n\x09"
	    "/b/1.0.0\n" "payload";
	struct rd in = { wire, sizeof(wire) - 1 };
	uint8_t out[MSS_OUT_MAX];
	struct mss m;
	struct wr w;

	wr_init(&w, out, sizeof(out));
	mss_listen(&m, accept_b, NULL, &w);
	CHECK_OK(give(&m, &in, &w));
	CHECK_EQ(in.len, strlen("payload"));
}

static void
refusals_end_with_no_protocol(void)
{
	static const uint8_t wire[] = "\x13" "/multistream/1.0.0\n"
	    "\x03na\n\x03na\n";
	struct rd in = { wire, sizeof(wire) - 1 };
	uint8_t out[MSS_OUT_MAX];
	struct mss m;
	struct wr w;

	wr_init(&w, out, sizeof(out));
	mss_dial(&m, names, &w);
	CHECK_ERR(give(&m, &in, &w), P2P_ERR_NO_PROTOCOL);
}

/* V15, V16: what ends a negotiation, for both sides. */
static const struct {
	const char	*wire;
	size_t		 len;
} bad[] = {
	{ "\x13" "/multistream/2.0.0\n", 20 },
	{ "\x03na\n", 4 },
	{ "\x00", 1 },
	{ "\x81\x00", 2 },
	{ "\x81\x08", 2 },			/* 1025 */
	{ "\xff\xff", 2 },
	{ "\x13" "/multistream/1.0.0 ", 20 },	/* no newline */
	{ "\x13" "/multistream/1.0.0\n\x04" "abcd", 25 },
	{ "\x13" "/multistream/1.0.0\n\x00", 21 },
	{ "\x13" "/multistream/1.0.0\n\x81\x08", 22 },
	{ "\x13" "/multistream/1.0.0\n\x81\x00", 22 },
};

static void
broken_lines_end_the_negotiation(void)
{
	uint8_t out[MSS_OUT_MAX];
	struct rd in;
	struct mss m;
	struct wr w;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in = (struct rd){ (const uint8_t *)bad[i].wire, bad[i].len };
		wr_init(&w, out, sizeof(out));
		mss_listen(&m, accept_b, NULL, &w);
		CHECK_ERR(give(&m, &in, &w), P2P_ERR_PROTOCOL);
		in = (struct rd){ (const uint8_t *)bad[i].wire, bad[i].len };
		wr_init(&w, out, sizeof(out));
		mss_dial(&m, names, &w);
		CHECK_ERR(give(&m, &in, &w), P2P_ERR_PROTOCOL);
	}
}

/* Garbage may promise a line that never ends: nobody waits for that. */
static void
no_header_is_refused_with_its_first_wrong_byte(void)
{
	uint8_t wire[] = "\x13" "/multistream/1.0.0\n", out[MSS_OUT_MAX];
	struct rd in;
	struct mss m;
	struct wr w;
	size_t i;

	for (i = 0; i < sizeof(wire) - 1; i++) {
		wr_init(&w, out, sizeof(out));
		mss_listen(&m, accept_b, NULL, &w);
		in = (struct rd){ wire, i };
		CHECK(i == 0 || give(&m, &in, &w) == 1);
		wire[i] ^= 1;
		in = (struct rd){ wire + i, 1 };
		CHECK_ERR(give(&m, &in, &w), P2P_ERR_PROTOCOL);
		wire[i] ^= 1;
	}
}

static void
endless_proposals_end_the_negotiation(void)
{
	static const uint8_t header[] = "\x13" "/multistream/1.0.0\n";
	static const uint8_t proposal[] = "\x05" "/x/1\n";
	uint8_t out[MSS_OUT_MAX];
	struct rd in = { header, sizeof(header) - 1 };
	struct mss m;
	struct wr w;
	int i, e;

	wr_init(&w, out, sizeof(out));
	mss_listen(&m, accept_none, NULL, &w);
	CHECK_EQ(give(&m, &in, &w), 1);
	for (i = 0, e = 1; e == 1 && i < 1000; i++) {
		wr_init(&w, out, sizeof(out));
		in = (struct rd){ proposal, 6 };
		e = give(&m, &in, &w);
		if (e == 1)
			CHECK_BYTES(out, w.len, "\x03na\n", 4);
	}
	CHECK_ERR(e, P2P_ERR_PROTOCOL);
	CHECK_EQ(i, MSS_PROPOSALS_MAX + 1);
}

TESTS("multistream",
	{ "the first bytes are the published ones",
	    the_first_bytes_are_the_published_ones },
	{ "two sides agree at every split", two_sides_agree_at_every_split },
	{ "bytes behind the agreement are not taken",
	    bytes_behind_the_agreement_are_not_taken },
	{ "refusals end with no protocol", refusals_end_with_no_protocol },
	{ "broken lines end the negotiation",
	    broken_lines_end_the_negotiation },
	{ "no header is refused with its first wrong byte",
	    no_header_is_refused_with_its_first_wrong_byte },
	{ "endless proposals end the negotiation",
	    endless_proposals_end_the_negotiation })
