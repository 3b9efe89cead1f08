#include "chat_frame.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "p2p/error.h"

/* All pieces, each followed by a bar; "!" where a line was cut. */
struct got {
	char	text[200000];
	size_t	len;
};
static struct got got;

static void
drain(struct chat_frame *f, bool end)
{
	const char *line;
	ssize_t n;
	bool cut;

	while ((n = chat_frame_next(f, end, &line, &cut)) >= 0) {
		CHECK_FATAL(n <= CHAT_LINE_MAX);
		CHECK_FATAL(got.len + (size_t)n + 3 < sizeof(got.text));
		memcpy(got.text + got.len, line, (size_t)n);
		got.len += (size_t)n;
		got.text[got.len++] = '|';
		if (cut)
			got.text[got.len++] = '!';
	}
	got.text[got.len] = '\0';
}

/* One chunk, in a buffer of its exact size. */
static int
feed(struct chat_frame *f, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1), *p = copy;
	ssize_t used = 0;

	memcpy(copy, bytes, len);
	do {
		if ((used = chat_frame_take(f, p, len)) < 0)
			break;
		p += used;
		len -= (size_t)used;
		drain(f, false);
	} while (len > 0 || chat_frame_pending(f));
	free(copy);
	return used < 0 ? (int)used : 0;
}

static const struct {
	const char	*bytes;
	size_t		 len;
	enum chat_framing framing;
	const char	*lines;
} vectors[] = {
	/* go, py: examples/chat and chat.py write the line they have read. */
	{ "hello\n", 6, CHAT_BY_LINE, "hello|" },
	{ "a\nb\r\n\nc", 7, CHAT_BY_LINE, "a|b||c|" },
	{ "\n", 1, CHAT_BY_LINE, "|" },
	{ "h", 1, CHAT_BY_LINE, "h|" },
	{ "\tx\n", 3, CHAT_BY_LINE, "\tx|" },
	{ "\033[31mred\n", 9, CHAT_BY_LINE, "\033[31mred|" },
	/* js: chat/src/stream.js, lp.encode() of what the terminal gave. */
	{ "\006hello\n", 7, CHAT_BY_LENGTH, "hello|" },
	{ "\005hello", 6, CHAT_BY_LENGTH, "hello|" },
	{ "\005hello\003abc", 10, CHAT_BY_LENGTH, "hello|abc|" },
	{ "\003a\nb", 4, CHAT_BY_LENGTH, "a|b|" },
	{ "\002\r\n", 3, CHAT_BY_LENGTH, "|" },
	{ "\000", 1, CHAT_BY_LENGTH, "|" },
	{ "\005hel", 4, CHAT_BY_LENGTH, "hel|" },
	/* A first letter that happens to be the length: see CAVEATS. */
	{ "!23456789012345678901234567890123\n", 34, CHAT_BY_LENGTH,
	    "23456789012345678901234567890123|" },
	{ "!2345678901234567890123456789012\n", 33, CHAT_BY_LINE,
	    "!2345678901234567890123456789012|" },
};
#define N	(sizeof(vectors) / sizeof(vectors[0]))

static void
the_first_chunk_says_which(void)
{
	struct chat_frame f;
	size_t i;

	for (i = 0; i < N; i++) {
		f = (struct chat_frame){ .framing = CHAT_UNKNOWN };
		got.len = 0;
		CHECK_OK(feed(&f, vectors[i].bytes, vectors[i].len));
		drain(&f, true);
		CHECK_EQ(f.framing, vectors[i].framing);
		CHECK_STR(got.text, vectors[i].lines);
	}
}

static void
it_stays_and_chunks_do_not_matter_after_that(void)
{
	struct chat_frame f;
	size_t i, cut;

	for (i = 0; i < N; i++)
		for (cut = 0; cut <= vectors[i].len; cut++) {
			f = (struct chat_frame){
			    .framing = vectors[i].framing };
			got.len = 0;
			CHECK_OK(feed(&f, vectors[i].bytes, cut));
			CHECK_OK(feed(&f, vectors[i].bytes + cut,
			    vectors[i].len - cut));
			drain(&f, true);
			CHECK_STR(got.text, vectors[i].lines);
		}
}

static void
a_length_of_two_bytes_is_known_too(void)
{
	struct chat_frame f = { .framing = CHAT_UNKNOWN };
	uint8_t bytes[2 + 300];
	size_t i;

	memset(bytes, 'x', sizeof(bytes));
	CHECK_EQ(chat_frame_prefix(bytes, 300), 2);
	got.len = 0;
	for (i = 0; i < 3; i++)
		CHECK_OK(feed(&f, bytes, sizeof(bytes)));
	CHECK_EQ(f.framing, CHAT_BY_LENGTH);
	CHECK_EQ(got.len, 3 * 301);
}

static void
what_we_put_before_a_text_is_what_we_read(void)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 4097, 16383, 16384,
	    65535 };
	static uint8_t bytes[65535 + CHAT_PREFIX_MAX];
	struct chat_frame f;
	size_t i, n;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		f = (struct chat_frame){ .framing = CHAT_UNKNOWN };
		memset(bytes, 'x', sizeof(bytes));
		n = chat_frame_prefix(bytes, sizes[i]);
		got.len = 0;
		CHECK_OK(feed(&f, bytes, n + sizes[i]));
		CHECK_EQ(f.framing, CHAT_BY_LENGTH);
		CHECK_EQ(f.inside, 0);
		CHECK_EQ(got.len, sizes[i] + (sizes[i] == 0 ? 1 :
		    (sizes[i] + CHAT_LINE_MAX - 1) / CHAT_LINE_MAX));
	}
}

/* All first characters with all lengths. */
static void
a_line_of_ours_is_taken_for_one(void)
{
	char bytes[300];
	size_t c, len, n;

	for (c = 1; c < 0x80; c++)
		for (len = 2; len < sizeof(bytes) - 2; len++) {
			memset(bytes, '\n', sizeof(bytes));
			memset(bytes + 2, (int)c, len - 1);
			n = chat_frame_blank(bytes + 2, len);
			CHECK_FATAL(n <= 2);
			CHECK_EQ(chat_frame_guess((uint8_t *)bytes + 2 - n,
			    n + len), CHAT_BY_LINE);
			if (c >= ' ' && c != len - 1)
				CHECK_EQ(n, 0);
		}
}

static void
bad_lengths_are_refused(void)
{
	static const struct { const char *bytes; size_t len; int e; } bad[] = {
		{ "\201\200\200\001", 4, P2P_ERR_TOO_LARGE },
		{ "\377\377\377\377\377\377\377\377\377\001", 10,
		    P2P_ERR_TOO_LARGE },
		{ "\201\200\100", 3, P2P_ERR_TOO_LARGE },	/* 1 MiB + 1 */
		{ "\200\000", 2, P2P_ERR_FORMAT },
		{ "\201\000", 2, P2P_ERR_FORMAT },
	};
	struct chat_frame f;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f = (struct chat_frame){ .framing = CHAT_BY_LENGTH };
		got.len = 0;
		CHECK_ERR(feed(&f, bad[i].bytes, bad[i].len), bad[i].e);
		CHECK_EQ(got.len, 0);
	}
	f = (struct chat_frame){ .framing = CHAT_BY_LENGTH };
	CHECK_OK(feed(&f, "\200\200\100", 3));		/* 1 MiB */
	CHECK_EQ(f.left, CHAT_FRAME_MAX);
}

/* 100 kB in one line: 64 kB of it, and that it was cut; then the next. */
static void
a_line_without_end_is_cut(void)
{
	static uint8_t bytes[100003];
	struct chat_frame f;
	int by_length;

	for (by_length = 0; by_length < 2; by_length++) {
		f = (struct chat_frame){ .framing = CHAT_BY_LINE };
		memset(bytes, 'x', sizeof(bytes));
		got.len = 0;
		if (by_length) {
			f.framing = CHAT_BY_LENGTH;
			CHECK_EQ(chat_frame_prefix(bytes, 100000), 3);
			CHECK_OK(feed(&f, bytes, sizeof(bytes)));
			CHECK_OK(feed(&f, "\004next", 5));
		} else {
			CHECK_OK(feed(&f, bytes, 100000));
			CHECK_OK(feed(&f, "\nnext\n", 6));
		}
		CHECK_EQ(got.len, CHAT_SHOWN_MAX + 16 + 1 + 5);
		CHECK_STR(got.text + got.len - 8, "x|!next|");
	}
}

TESTS("chat_frame",
    { "the first chunk says which framing it is", the_first_chunk_says_which },
    { "it stays so, and chunks do not matter after that",
      it_stays_and_chunks_do_not_matter_after_that },
    { "a length of two bytes is known, too",
      a_length_of_two_bytes_is_known_too },
    { "what we put before a text is what we read",
      what_we_put_before_a_text_is_what_we_read },
    { "a line of ours is taken for one", a_line_of_ours_is_taken_for_one },
    { "bad lengths are refused", bad_lengths_are_refused },
    { "a line without end is cut", a_line_without_end_is_cut })
