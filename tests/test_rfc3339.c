/*
 * Times as text: the examples of RFC 3339 section 5.8 and one of a live js node
 * (services.md D-12), then the calendar against the C library's, then what is
 * no time.
 */
#include "base/rfc3339.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

static int
get(const char *text, uint64_t *ns)
{
	return rfc3339_get((struct rd){ (const uint8_t *)text, strlen(text) },
	    ns);
}

static const char *
put(uint64_t ns)
{
	static char text[RFC3339_LEN + 1];
	struct wr w;

	wr_init(&w, text, sizeof(text));
	rfc3339_put(&w, ns);
	CHECK(!w.full);
	CHECK_EQ(w.len, RFC3339_LEN);
	return text;
}

static const struct {
	const char	*text;
	uint64_t	 secs, frac;
} good[] = {
	/* RFC 3339, 5.8; the second and the third are the same moment */
	{ "1985-04-12T23:20:50.52Z", 482196050, 520000000 },
	{ "1996-12-19T16:39:57-08:00", 851042397, 0 },
	{ "1996-12-20T00:39:57Z", 851042397, 0 },
	{ "1990-12-31T23:59:60Z", 662688000, 0 },
	{ "1990-12-31T15:59:60-08:00", 662688000, 0 },
	/* D-12 */
	{ "2026-11-23T12:28:26.135000000Z", 1795436906, 135000000 },
	/* ipfs/specs src/ipns/ipns-record.md */
	{ "1970-01-01T00:00:00.000000001Z", 0, 1 },
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "1969-12-31T23:59:00-00:01", 0, 0 },
	{ "1970-01-01T23:59:00+23:59", 0, 0 },
	{ "2000-02-29t12:00:00z", 951825600, 0 },
	{ "2000-03-01T00:00:00.5+00:00", 951868800, 500000000 },
	{ "2024-12-31T23:59:59.999999999Z", 1735689599, 999999999 },
	{ "2554-07-21T23:34:33.709551615Z", 18446744073, 709551615 },
	{ "2554-07-22T23:33:33.709551615+23:59", 18446744073, 709551615 },
};

static void
times_of_the_documents_are_read(void)
{
	uint64_t ns;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_OK(get(good[i].text, &ns));
		CHECK_EQ(ns, good[i].secs * CLOCK_S + good[i].frac);
	}
}

static void
each_number_of_digits_is_read(void)
{
	static const char digits[] = "123456789";
	char text[64];
	uint64_t ns, want = 0, unit = CLOCK_S;
	int n;

	for (n = 1; n <= 9; n++) {
		snprintf(text, sizeof(text), "1970-01-01T00:00:01.%.*s+00:00",
		    n, digits);
		unit /= 10;
		want += unit * (uint64_t)n;
		CHECK_OK(get(text, &ns));
		CHECK_EQ(ns, CLOCK_S + want);
	}
}

static void
nine_digits_are_written(void)
{
	CHECK_STR(put(0), "1970-01-01T00:00:00.000000000Z");
	CHECK_STR(put(1795436906135000000), "2026-11-23T12:28:26.135000000Z");
	CHECK_STR(put(951825600 * CLOCK_S), "2000-02-29T12:00:00.000000000Z");
	CHECK_STR(put(UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
}

/* Every day that can be said, and both its ends. */
static void
the_calendar_is_that_of_the_c_library(void)
{
	uint64_t day, ns, got;
	char want[64];
	struct tm tm;
	time_t t;

	for (day = 0; day <= UINT64_MAX / CLOCK_S / 86400; day++) {
		t = (time_t)(day * 86400);
		ns = day * 86400 * CLOCK_S;
		CHECK_FATAL(gmtime_r(&t, &tm) != NULL);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000000000Z",
		    &tm);
		CHECK_FATAL(strcmp(put(ns), want) == 0);
		CHECK_FATAL(get(want, &got) == 0 && got == ns);
		if (day == 0)
			continue;
		CHECK_FATAL(get(put(ns - 1), &got) == 0 && got == ns - 1);
	}
}

static const char *const bad[] = {
	"", "Z", "2026", "2026-11-23", "2026-11-23T12:28:26",
	"2026-11-23T12:28:26.Z", "2026-11-23T12:28:26.1234567890Z",
	"2026-11-23T12:28:26.0000000000Z", "2026-11-23T12:28:26,5Z",
	"2026-11-23T12:28:26.5", "2026-11-23 12:28:26Z",
	"2026-11-23T12:28:26ZZ", "2026-11-23T12:28:26Z ",
	" 2026-11-23T12:28:26Z", "2026-11-23T12:28:26X",
	"2026-11-23T12:28Z", "2026-1-23T12:28:26Z", "026-11-23T12:28:26Z",
	"+2026-11-23T12:28:26Z", "2026-11-23T1+:28:26Z",
	"2026-11-23T 1:28:26Z", "2026/11/23T12:28:26Z",
	"2026-11-23T12.28.26Z",
	/* no such day, no such time */
	"2026-00-23T12:28:26Z", "2026-13-23T12:28:26Z",
	"2026-11-00T12:28:26Z", "2026-11-31T12:28:26Z",
	"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
	"2000-02-30T00:00:00Z", "2026-04-31T00:00:00Z",
	"2026-01-32T00:00:00Z", "2026-11-23T24:00:00Z",
	"2026-11-23T12:60:00Z", "2026-11-23T12:28:61Z",
	/* offsets */
	"2026-11-23T12:28:26+", "2026-11-23T12:28:26+01",
	"2026-11-23T12:28:26+0100", "2026-11-23T12:28:26+24:00",
	"2026-11-23T12:28:26+01:60", "2026-11-23T12:28:26+01:00Z",
	"2026-11-23T12:28:26 01:00",
	/* before 1970 */
	"1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00+00:01",
	"0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
};

static const char *const late[] = {
	"2554-07-21T23:34:33.709551616Z", "2554-07-21T23:34:34Z",
	"2554-07-21T23:34:33.709551615-00:01", "2555-01-01T00:00:00Z",
	"9999-12-31T23:59:60.999999999-23:59",
};

static void
what_is_no_time_is_refused(void)
{
	uint64_t ns = 42;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(get(bad[i], &ns), P2P_ERR_FORMAT);
	for (i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		CHECK_ERR(get(late[i], &ns), P2P_ERR_TOO_LARGE);
	CHECK_ERR(rfc3339_get((struct rd){ (const uint8_t *)
	    "2026-11-23T12:28:26\0Z", 21 }, &ns), P2P_ERR_FORMAT);
	CHECK_EQ(ns, 42);
}

static int
get_mangled(const uint8_t *bytes, size_t len, void *arg)
{
	uint64_t ns;

	(void)arg;
	return rfc3339_get((struct rd){ bytes, len }, &ns);
}

static void
no_part_of_a_time_is_one(void)
{
	static const char *const texts[] = { "2026-11-23T12:28:26.135000000Z",
	    "1996-12-19T16:39:57-08:00" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		mangle((const uint8_t *)texts[i], strlen(texts[i]), 1,
		    get_mangled, NULL);
}

static void
too_little_room_is_said(void)
{
	char text[RFC3339_LEN + 1];
	struct wr w;

	wr_init(&w, text, RFC3339_LEN);
	rfc3339_put(&w, 1);
	CHECK(w.full);
}

TESTS("rfc3339",
	{ "times of the documents are read", times_of_the_documents_are_read },
	{ "each number of digits is read", each_number_of_digits_is_read },
	{ "nine digits are written", nine_digits_are_written },
	{ "the calendar is that of the C library",
	    the_calendar_is_that_of_the_c_library },
	{ "what is no time is refused", what_is_no_time_is_refused },
	{ "no part of a time is one", no_part_of_a_time_is_one },
	{ "too little room is said", too_little_room_is_said })
