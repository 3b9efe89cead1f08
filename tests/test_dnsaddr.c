#include "transport/dnsaddr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

#define ID	"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define OTHER	"QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"

#define TXT	16
#define IN	1

/* RFC 1035, 4.1: one question, one TXT record of two strings. */
static const char wire[] =
    "1234 8180 0001 0001 0000 0000"
    "085f646e7361646472 0178 00 0010 0001"
    "c00c 0010 0001 0000003c 001f"
    "07 646e7361646472" "16 3d2f6970342f3132372e302e302e312f7463702f3830";

static uint8_t buf[DNSADDR_ANSWER_MAX];

/* The front of a message; the counts are set by whoever fills it. */
static struct wr
header(unsigned flags, unsigned questions, unsigned answers)
{
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	wr_be16(&w, 0x1234);
	wr_be16(&w, (uint16_t)flags);
	wr_be16(&w, (uint16_t)questions);
	wr_be16(&w, (uint16_t)answers);
	wr_be32(&w, 0);
	return w;
}

static void
record(struct wr *w, unsigned type, unsigned class, const void *data,
    size_t len)
{
	wr_be16(w, 0xc00c);
	wr_be16(w, (uint16_t)type);
	wr_be16(w, (uint16_t)class);
	wr_be32(w, 60);
	wr_be16(w, (uint16_t)len);
	wr_bytes(w, data, len);
}

/* A text as strings of at most piece bytes. */
static void
text_record(struct wr *w, const char *text, size_t len, size_t piece)
{
	uint8_t data[4096];
	struct wr d;
	size_t n;

	wr_init(&d, data, sizeof(data));
	do {
		n = len < piece ? len : piece;
		wr_u8(&d, (uint8_t)n);
		wr_bytes(&d, text, n);
		text += n;
		len -= n;
	} while (len > 0);
	CHECK_FATAL(!d.full);
	record(w, TXT, IN, data, d.len);
}

static void
text(struct wr *w, const char *s)
{
	text_record(w, s, strlen(s), 255);
}

static void
drop(struct p2p_multiaddr **found, size_t n)
{
	while (n > 0)
		p2p_multiaddr_free(found[--n]);
}

/* The addresses that end in suffix ("": any), with a space behind each. */
static const char *
found_in(const struct wr *w, const char *suffix)
{
	static char out[16 * 256];
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX], *tail = NULL;
	struct rd want = { NULL, 0 };
	size_t i, n = 0;

	CHECK_FATAL(!w->full);
	if (suffix[0] != '\0') {
		CHECK_OK(p2p_multiaddr_parse(suffix, &tail));
		want.p = p2p_multiaddr_bytes(tail, &want.len);
	}
	CHECK_OK(dnsaddr_get((struct rd){ w->p, w->len }, want, found, &n));
	for (out[0] = '\0', i = 0; i < n; i++) {
		strcat(out, p2p_multiaddr_text(found[i]));
		strcat(out, " ");
	}
	drop(found, n);
	p2p_multiaddr_free(tail);
	return out;
}

static int
refusal(const struct wr *w)
{
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	size_t n = 4711;
	int e;

	e = dnsaddr_get((struct rd){ w->p, w->len }, (struct rd){ NULL, 0 },
	    found, &n);
	if (e == 0)
		drop(found, n);
	else
		CHECK_EQ(n, 4711);
	return e;
}

static void
the_strings_of_a_record_are_joined(void)
{
	struct wr w = header(0x8180, 0, 3);
	size_t len;
	uint8_t *msg = check_unhex(wire, &len);
	struct wr whole = { msg, len, len, false };

	CHECK_STR(found_in(&whole, ""), "/ip4/127.0.0.1/tcp/80 ");
	free(msg);
	text_record(&w, "dnsaddr=/ip4/127.0.0.1/tcp/1", 28, 1);
	text_record(&w, "dnsaddr=/ip4/127.0.0.1/tcp/2", 28, 255);
	record(&w, TXT, IN, "\x00\x1c" "dnsaddr=/ip4/127.0.0.1/tcp/3\x00", 31);
	CHECK_STR(found_in(&w, ""), "/ip4/127.0.0.1/tcp/1 /ip4/127.0.0.1/tcp/2 "
	    "/ip4/127.0.0.1/tcp/3 ");
}

static int
decode(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	size_t n;
	int e;

	(void)arg;
	e = dnsaddr_get((struct rd){ bytes, len }, (struct rd){ NULL, 0 },
	    found, &n);
	if (e == 0)
		drop(found, n);
	return e;
}

static void
every_prefix_is_refused_and_every_flip_is_survived(void)
{
	size_t len;
	uint8_t *msg = check_unhex(wire, &len);

	CHECK(mangle(msg, len, 1, decode, NULL) > len);
	free(msg);
}

static void
only_addresses_that_end_in_the_suffix_fit(void)
{
	struct wr w = header(0x8180, 0, 6);

	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/" OTHER);
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/2");
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/3/p2p/" ID);
	text(&w, "dnsaddr=/p2p/" ID);		/* nothing in front */
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/4/p2p/" ID "/p2p-circuit");
	text(&w, "dnsaddr=/dnsaddr/b.test/p2p/" ID);
	CHECK_STR(found_in(&w, "/p2p/" ID),
	    "/ip4/127.0.0.1/tcp/3/p2p/" ID " /dnsaddr/b.test/p2p/" ID " ");
}

/* tcp/1 is 06 00 01, which other values may have at their end. */
static void
a_suffix_begins_at_a_component(void)
{
	struct wr w = header(0x8180, 0, 2);

	text(&w, "dnsaddr=/ip4/1.6.6.4/tcp/1");
	text(&w, "dnsaddr=/memory/393217");	/* 0x060001 */
	CHECK_STR(found_in(&w, "/tcp/1"), "/ip4/1.6.6.4/tcp/1 ");
	w = header(0x8180, 0, 1);
	text(&w, "dnsaddr=/ip4/127.6.0.1");
	CHECK_STR(found_in(&w, "/tcp/1"), "");
}

static void
other_records_and_other_texts_are_passed_over(void)
{
	static const char good[] = "\x1c" "dnsaddr=/ip4/127.0.0.1/tcp/9";
	char big[DNSADDR_TEXT_MAX + 2];
	struct wr w = header(0x8180, 0, 12);

	record(&w, 5, IN, "\xc0\x0c", 2);		/* CNAME */
	record(&w, 99, IN, good, 29);			/* SPF */
	record(&w, TXT, 3, good, 29);			/* CHAOS */
	record(&w, TXT, IN, NULL, 0);
	record(&w, TXT, IN, "\0", 1);
	text(&w, "v=spf1 -all");
	text(&w, "dnsaddr=");
	text(&w, "dnsaddr=/ip4/127.0.0.1/nonsense/1");
	text(&w, "DNSADDR=/ip4/127.0.0.1/tcp/8");
	text_record(&w, "dnsaddr=/ip4/127.0.0.1\0/tcp/8", 29, 255);
	memset(big, '/', sizeof(big));			/* trailing slashes */
	memcpy(big, "dnsaddr=/ip4/127.0.0.1/tcp/7", 28);
	text_record(&w, big, DNSADDR_TEXT_MAX + 1, 255);
	record(&w, TXT, IN, good, 29);
	CHECK_STR(found_in(&w, ""), "/ip4/127.0.0.1/tcp/9 ");
	w = header(0x8180, 0, 1);
	text_record(&w, big, DNSADDR_TEXT_MAX, 255);
	CHECK_STR(found_in(&w, ""), "/ip4/127.0.0.1/tcp/7 ");
}

static void
the_first_sixteen_that_fit_are_taken(void)
{
	struct wr w = header(0x8180, 0, 1000);
	struct p2p_multiaddr *found[DNSADDR_TXT_MAX];
	char line[128];
	size_t n;
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), i >= 900 ?
		    "dnsaddr=/ip4/127.0.0.1/tcp/%d" : "x%d", i);
		text(&w, line);
	}
	CHECK_OK(dnsaddr_get((struct rd){ w.p, w.len }, (struct rd){ NULL, 0 },
	    found, &n));
	CHECK_EQ(n, DNSADDR_TXT_MAX);
	CHECK_STR(p2p_multiaddr_text(found[0]), "/ip4/127.0.0.1/tcp/900");
	CHECK_STR(p2p_multiaddr_text(found[n - 1]), "/ip4/127.0.0.1/tcp/915");
	drop(found, n);
}

static void
names_are_passed_over_and_never_followed(void)
{
	struct wr w;
	int i;

	w = header(0x8180, 1, 1);
	wr_be16(&w, 0xc00c);			/* at itself */
	wr_be32(&w, TXT << 16 | IN);
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/1");
	CHECK_STR(found_in(&w, ""), "/ip4/127.0.0.1/tcp/1 ");
	w = header(0x8180, 2, 1);		/* at each other, and outside */
	wr_be16(&w, 0xc012);
	wr_be32(&w, TXT << 16 | IN);
	wr_be16(&w, 0xc00c);
	wr_be32(&w, TXT << 16 | IN);
	wr_be16(&w, 0xffff);
	wr_be32(&w, TXT << 16 | IN);
	wr_be32(&w, 60);
	wr_be16(&w, 29);
	wr_bytes(&w, "\x1c" "dnsaddr=/ip4/127.0.0.1/tcp/2", 29);
	CHECK_STR(found_in(&w, ""), "/ip4/127.0.0.1/tcp/2 ");
	w = header(0x8180, 1, 0);		/* 127 labels are 255 bytes */
	for (i = 0; i < 127; i++)
		wr_be16(&w, 0x0161);
	wr_u8(&w, 0);
	wr_be32(&w, TXT << 16 | IN);
	CHECK_OK(refusal(&w));
	w = header(0x8180, 1, 0);
	for (i = 0; i < 128; i++)
		wr_be16(&w, 0x0161);
	wr_u8(&w, 0);
	wr_be32(&w, TXT << 16 | IN);
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
}

/* RFC 1035, 4.1.4: the label types 01 and 10 are reserved. */
static void
broken_messages_are_refused(void)
{
	static const uint8_t zeros[128];
	struct wr w;

	w = header(0x8180, 1, 0);
	wr_be16(&w, 0x4061);
	wr_bytes(&w, zeros, sizeof(zeros));
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x8180, 1, 0);
	wr_be16(&w, 0x8000);
	wr_bytes(&w, zeros, sizeof(zeros));
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x8180, 0, 2);		/* a good one first */
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/1");
	record(&w, TXT, IN, "\x05" "abc", 4);
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x8180, 0, 65535);
	text(&w, "dnsaddr=/ip4/127.0.0.1/tcp/1");
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x8180, 65535, 0);
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x0100, 0, 0);		/* a query */
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
	w = header(0x9180, 0, 0);		/* another opcode */
	CHECK_ERR(refusal(&w), P2P_ERR_FORMAT);
}

static void
an_error_is_told_from_an_empty_answer(void)
{
	struct wr w = header(0x8183, 0, 0);		/* NXDOMAIN */

	CHECK_ERR(refusal(&w), P2P_ERR_DNS);
	w = header(0x8182, 0, 0);			/* SERVFAIL */
	CHECK_ERR(refusal(&w), P2P_ERR_DNS);
	w = header(0x8180, 0, 0);
	CHECK_OK(refusal(&w));
	CHECK_STR(found_in(&w, ""), "");
}

static void
a_cut_answer_says_so(void)
{
	struct wr w = header(0x8380, 0, 0);
	size_t i;

	CHECK(dnsaddr_is_cut((struct rd){ w.p, w.len }));
	for (i = 0; i < w.len; i++)
		CHECK(!dnsaddr_is_cut((struct rd){ w.p, i }));
	w = header(0x8180, 0, 0);
	CHECK(!dnsaddr_is_cut((struct rd){ w.p, w.len }));
	w = header(0x0380, 0, 0);
	CHECK(!dnsaddr_is_cut((struct rd){ w.p, w.len }));
}

TESTS("dnsaddr",
	{ "the strings of a record are joined",
	    the_strings_of_a_record_are_joined },
	{ "every prefix is refused and every flip is survived",
	    every_prefix_is_refused_and_every_flip_is_survived },
	{ "only addresses that end in the suffix fit",
	    only_addresses_that_end_in_the_suffix_fit },
	{ "a suffix begins at a component", a_suffix_begins_at_a_component },
	{ "other records and other texts are passed over",
	    other_records_and_other_texts_are_passed_over },
	{ "the first sixteen that fit are taken",
	    the_first_sixteen_that_fit_are_taken },
	{ "names are passed over and never followed",
	    names_are_passed_over_and_never_followed },
	{ "broken messages are refused", broken_messages_are_refused },
	{ "an error is told from an empty answer",
	    an_error_is_told_from_an_empty_answer },
	{ "a cut answer says so", a_cut_answer_says_so })
