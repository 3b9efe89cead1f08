/*
 * Own arithmetic and no timegm(3): neither locale nor zone of the process have
 * a say in what a peer's bytes mean.  Days are counted in the proleptic
 * Gregorian calendar, in int64_t, in which no four digits of a year overflow.
 */
#include "base/rfc3339.h"

#include <stdbool.h>

#include "base/clock.h"
#include "p2p/error.h"

#define DAY		86400	/* seconds */
#define LEAPS_TO_1969	477	/* leap days of the years 1 to 1969 */
#define DIGITS_MAX	9	/* of a fraction */

static bool
leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t
month_days(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };

	return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970 to the first day of a year; years before 1 are just early. */
static int64_t
year_start(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + y / 4 - y / 100 + y / 400 - LEAPS_TO_1969;
}

/* Exactly n digits, as a number of lo to hi. */
static int
number(struct rd *r, size_t n, int64_t lo, int64_t hi, int64_t *out)
{
	struct rd digits;
	int64_t v = 0;
	size_t i;

	if (rd_bytes(r, n, &digits) != 0)
		return P2P_ERR_FORMAT;
	for (i = 0; i < n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return P2P_ERR_FORMAT;
		v = 10 * v + (digits.p[i] - '0');
	}
	if (v < lo || v > hi)
		return P2P_ERR_FORMAT;
	*out = v;
	return 0;
}

/* One byte, which must be a or b. */
static int
either(struct rd *r, char a, char b)
{
	uint8_t c;

	return rd_u8(r, &c) == 0 && (c == a || c == b) ? 0 : P2P_ERR_FORMAT;
}

/* "2026-11-23": days since 1970. */
static int
date_get(struct rd *r, int64_t *days)
{
	int64_t year, month, day, m;
	int e;

	if ((e = number(r, 4, 0, 9999, &year)) != 0 ||
	    (e = either(r, '-', '-')) != 0 ||
	    (e = number(r, 2, 1, 12, &month)) != 0 ||
	    (e = either(r, '-', '-')) != 0 ||
	    (e = number(r, 2, 1, month_days(year, month), &day)) != 0)
		return e;
	*days = year_start(year) + day - 1;
	for (m = 1; m < month; m++)
		*days += month_days(year, m);
	return 0;
}

/* "12:28:26": seconds of the day. */
static int
clock_get(struct rd *r, int64_t *secs)
{
	int64_t hour, minute, second;
	int e;

	if ((e = number(r, 2, 0, 23, &hour)) != 0 ||
	    (e = either(r, ':', ':')) != 0 ||
	    (e = number(r, 2, 0, 59, &minute)) != 0 ||
	    (e = either(r, ':', ':')) != 0 ||
	    (e = number(r, 2, 0, 60, &second)) != 0)
		return e;
	*secs = 3600 * hour + 60 * minute + second;
	return 0;
}

/* ".135", or nothing. */
static int
fraction_get(struct rd *r, uint64_t *ns)
{
	uint64_t unit = CLOCK_S;
	size_t n;

	*ns = 0;
	if (r->len == 0 || r->p[0] != '.')
		return 0;
	if (either(r, '.', '.') != 0)
		return P2P_ERR_FORMAT;
	for (n = 0; r->len > 0 && r->p[0] >= '0' && r->p[0] <= '9'; n++) {
		if (n == DIGITS_MAX)
			return P2P_ERR_FORMAT;
		unit /= 10;
		*ns += unit * (uint64_t)(r->p[0] - '0');
		r->p++;
		r->len--;
	}
	return n > 0 ? 0 : P2P_ERR_FORMAT;
}

/* "Z" or "+01:00": seconds that local time is ahead. */
static int
offset_get(struct rd *r, int64_t *ahead)
{
	int64_t hour, minute;
	uint8_t c;
	int e;

	*ahead = 0;
	if (rd_u8(r, &c) != 0)
		return P2P_ERR_FORMAT;
	if (c == 'Z' || c == 'z')
		return 0;
	if (c != '+' && c != '-')
		return P2P_ERR_FORMAT;
	if ((e = number(r, 2, 0, 23, &hour)) != 0 ||
	    (e = either(r, ':', ':')) != 0 ||
	    (e = number(r, 2, 0, 59, &minute)) != 0)
		return e;
	*ahead = (3600 * hour + 60 * minute) * (c == '+' ? 1 : -1);
	return 0;
}

int
rfc3339_get(struct rd text, uint64_t *ns)
{
	int64_t days, secs, ahead;
	uint64_t frac;
	int e;

	if ((e = date_get(&text, &days)) != 0 ||
	    (e = either(&text, 'T', 't')) != 0 ||
	    (e = clock_get(&text, &secs)) != 0 ||
	    (e = fraction_get(&text, &frac)) != 0 ||
	    (e = offset_get(&text, &ahead)) != 0)
		return e;
	if (text.len != 0)
		return P2P_ERR_FORMAT;
	secs += DAY * days - ahead;
	if (secs < 0)
		return P2P_ERR_FORMAT;
	if ((uint64_t)secs > (UINT64_MAX - frac) / CLOCK_S)
		return P2P_ERR_TOO_LARGE;
	*ns = (uint64_t)secs * CLOCK_S + frac;
	return 0;
}

void
rfc3339_put(struct wr *w, uint64_t ns)
{
	int64_t secs = (int64_t)(ns / CLOCK_S), days = secs / DAY;
	int64_t year = 1970 + days / 366, month = 1;

	secs %= DAY;
	while (year_start(year + 1) <= days)
		year++;
	days -= year_start(year);
	for (; days >= month_days(year, month); month++)
		days -= month_days(year, month);
	wr_printf(w, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", (unsigned)year,
	    (unsigned)month, (unsigned)days + 1, (unsigned)(secs / 3600),
	    (unsigned)(secs / 60 % 60), (unsigned)(secs % 60),
	    (unsigned)(ns % CLOCK_S));
}
