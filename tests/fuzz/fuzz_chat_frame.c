/*
 * A peer's chat stream.  The first byte says how long the first chunk is; the
 * rest comes in chunks of that size, too, and again byte by byte: the lines are
 * the same.
 */
#include "chat_frame.h"
#include "fuzz.h"

struct lines {
	char	*text;
	size_t	 len;
	int	 error;
};

static void
drain(struct chat_frame *f, bool end, struct lines *out)
{
	const char *line;
	ssize_t n;
	bool cut;

	while ((n = chat_frame_next(f, end, &line, &cut)) >= 0) {
		FUZZ_CHECK(n <= CHAT_LINE_MAX);
		FUZZ_CHECK(memchr(line, '\n', (size_t)n) == NULL);
		memcpy(out->text + out->len, line, (size_t)n);
		out->len += (size_t)n;
		out->text[out->len++] = '\n';
	}
}

static void
run(const uint8_t *data, size_t size, size_t first, size_t chunk,
    struct lines *out)
{
	struct chat_frame f = { .framing = CHAT_UNKNOWN };
	ssize_t used = 0;
	size_t n;

	/* A length of two bytes may be an empty line. */
	if ((out->text = malloc(2 * size + 16)) == NULL)
		abort();
	out->len = 0;
	for (; size > 0; first = chunk) {
		n = size < first ? size : first;
		size -= n;
		do {
			if ((used = chat_frame_take(&f, data, n)) < 0)
				break;
			FUZZ_CHECK((size_t)used <= n);
			data += used;
			n -= (size_t)used;
			drain(&f, false, out);
		} while (n > 0 || chat_frame_pending(&f));
		if (used < 0)
			break;
	}
	drain(&f, true, out);
	out->error = used < 0 ? (int)used : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines a, b;
	size_t chunk;

	if (size < 2)
		return 0;
	chunk = data[0] + 1u;
	run(data + 1, size - 1, chunk, chunk, &a);
	run(data + 1, size - 1, chunk, 1, &b);
	FUZZ_CHECK(a.error == b.error);
	FUZZ_CHECK(a.error != 0 || (a.len == b.len &&
	    memcmp(a.text, b.text, a.len) == 0));
	free(a.text);
	free(b.text);
	return 0;
}
