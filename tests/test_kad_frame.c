/*
 * Messages out of a stream of bytes: in whatever pieces they come, they are the
 * same; and what was announced costs nothing before it has come.
 */
#include "services/kad/kad_frame.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"

#define MAX	1000000		/* bytes of a message here */

/* Lengths of one, two and three bytes, and what grows in steps. */
static const size_t sizes[] = { 1, 2, 127, 128, 1023, 1024, 1025, 16383,
    16384, 70000 };
#define NSIZES	(sizeof(sizes) / sizeof(sizes[0]))

/* Messages of some lengths, one after another; the caller frees it. */
static uint8_t *
stream_of(const size_t *list, size_t n, size_t *len)
{
	size_t i, j, cap = 0;
	struct wr w;
	uint8_t *buf;

	for (i = 0; i < n; i++)
		cap += list[i] + VARINT_MAX_LEN;
	buf = malloc(cap);
	CHECK_FATAL(buf != NULL);
	wr_init(&w, buf, cap);
	for (i = 0; i < n; i++) {
		varint_put(&w, list[i]);
		for (j = 0; j < list[i]; j++)
			wr_u8(&w, (uint8_t)(i * 31 + j));
	}
	*len = w.len;
	return buf;
}

/* Whether it is message i of such a stream. */
static bool
is_message(struct rd msg, size_t i, size_t len)
{
	size_t j;

	if (msg.len != len)
		return false;
	for (j = 0; j < len; j++)
		if (msg.p[j] != (uint8_t)(i * 31 + j))
			return false;
	return true;
}

/* All that a piece completes, in a malloc of its exact size. */
static size_t
feed(struct kad_frame *f, const uint8_t *bytes, size_t len,
    const size_t *list, size_t done)
{
	uint8_t *piece = malloc(len > 0 ? len : 1);
	struct rd in = { piece, len }, msg;
	int e;

	CHECK_FATAL(piece != NULL);
	if (len > 0)
		memcpy(piece, bytes, len);
	while ((e = kad_frame_feed(f, &in, &msg)) == 0) {
		CHECK(is_message(msg, done, list[done]));
		done++;
	}
	CHECK_EQ(e, 1);
	CHECK_EQ(in.len, 0);
	free(piece);
	return done;
}

static void
pieces_do_not_matter(void)
{
	static const size_t small[] = { 1, 130, 3, 2 };
	size_t len, i, j, done, step;
	struct kad_frame f;
	uint8_t *bytes;

	bytes = stream_of(small, 4, &len);
	/* Cut at any two places: three pieces, some of them empty. */
	for (i = 0; i <= len; i++) {
		for (j = i; j <= len; j++) {
			kad_frame_init(&f, MAX);
			done = feed(&f, bytes, i, small, 0);
			done = feed(&f, bytes + i, j - i, small, done);
			done = feed(&f, bytes + j, len - j, small, done);
			CHECK_EQ(done, 4);
			CHECK(!kad_frame_partial(&f));
			kad_frame_fini(&f);
		}
	}
	free(bytes);
	bytes = stream_of(sizes, NSIZES, &len);
	for (step = 1; step < len; step = step * 3 + 1) {
		kad_frame_init(&f, MAX);
		for (i = done = 0; i < len; i += step)
			done = feed(&f, bytes + i, i + step < len ? step :
			    len - i, sizes, done);
		CHECK_EQ(done, NSIZES);
		kad_frame_fini(&f);
	}
	free(bytes);
}

static void
every_prefix_is_partial(void)
{
	static const size_t one[] = { 300 };
	struct kad_frame f;
	uint8_t *bytes;
	size_t len, i;

	bytes = stream_of(one, 1, &len);
	for (i = 0; i < len; i++) {
		kad_frame_init(&f, MAX);
		CHECK_EQ(feed(&f, bytes, i, one, 0), 0);
		CHECK_EQ(kad_frame_partial(&f), i > 0);
		CHECK_EQ(feed(&f, bytes + i, len - i, one, 0), 1);
		CHECK(!kad_frame_partial(&f));
		kad_frame_fini(&f);
	}
	free(bytes);
}

/* Fed in one piece, and byte by byte. */
static int
error_of(const uint8_t *bytes, size_t len, size_t max, size_t step)
{
	struct kad_frame f;
	struct rd in, msg;
	size_t i, n;
	int e = 1;

	kad_frame_init(&f, max);
	for (i = 0; i < len && e == 1; i += n) {
		n = len - i < step ? len - i : step;
		in = (struct rd){ bytes + i, n };
		e = kad_frame_feed(&f, &in, &msg);
	}
	kad_frame_fini(&f);
	return e;
}

static void
lengths_that_make_no_sense_are_refused(void)
{
	static const struct {
		const char	*hex;
		size_t		 max;
		int		 error;
	} list[] = {
		{ "00", MAX, P2P_ERR_FORMAT },
		{ "8000", MAX, P2P_ERR_FORMAT },	/* not minimal */
		{ "818000", MAX, P2P_ERR_FORMAT },
		{ "ff00", MAX, P2P_ERR_FORMAT },
		{ "ffffffffffffffffff01", MAX, P2P_ERR_FORMAT },
		{ "808080808080808080", MAX, P2P_ERR_FORMAT },
		{ "ffffffffffffffff7f", MAX, P2P_ERR_TOO_LARGE },
		{ "ffffffffffffffff7f", SIZE_MAX / 2 - 1, P2P_ERR_TOO_LARGE },
		{ "c1843d", MAX, P2P_ERR_TOO_LARGE },	/* 1000001 */
		{ "c0843d", MAX, 1 },			/* 1000000 */
		{ "8101", 128, P2P_ERR_TOO_LARGE },
		{ "8001", 128, 1 },
		{ "8001", 127, P2P_ERR_TOO_LARGE },
		{ "01", 1, 1 },
		{ "02", 1, P2P_ERR_TOO_LARGE },
		{ "0105", 1, 0 },
	};
	uint8_t *bytes;
	size_t i, len;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bytes = check_unhex(list[i].hex, &len);
		CHECK_EQ(error_of(bytes, len, list[i].max, len),
		    list[i].error);
		CHECK_EQ(error_of(bytes, len, list[i].max, 1), list[i].error);
		free(bytes);
	}
}

/* The largest message of all is announced, and comes little by little. */
static void
memory_grows_with_what_came(void)
{
	size_t len, i, n, most = 0;
	const size_t one[] = { MAX };
	struct kad_frame f;
	struct rd in, msg;
	uint8_t *bytes;
	int e = 1;

	bytes = stream_of(one, 1, &len);
	kad_frame_init(&f, MAX);
	in = (struct rd){ bytes, 3 };
	CHECK_EQ(kad_frame_feed(&f, &in, &msg), 1);
	CHECK(f.cap <= 1024);
	for (i = 3; i < len; i += n) {
		n = len - i < 1000 ? len - i : 1000;
		in = (struct rd){ bytes + i, n };
		e = kad_frame_feed(&f, &in, &msg);
		if (f.cap > 2 * (i - 3 + n) + 1024)
			most = f.cap;
	}
	CHECK_EQ(e, 0);
	CHECK(is_message(msg, 0, MAX));
	CHECK_EQ(most, 0);
	/* The next one is in the same place. */
	bytes[0] = 1;
	in = (struct rd){ bytes, 2 };
	CHECK_EQ(kad_frame_feed(&f, &in, &msg), 0);
	CHECK_EQ(msg.len, 1);
	CHECK(f.cap < 2 * MAX + 1024);
	kad_frame_fini(&f);
	free(bytes);
}

TESTS("kad_frame",
    { "pieces do not matter", pieces_do_not_matter },
    { "every prefix is partial", every_prefix_is_partial },
    { "lengths that make no sense are refused",
      lengths_that_make_no_sense_are_refused },
    { "memory grows with what came", memory_grows_with_what_came })
