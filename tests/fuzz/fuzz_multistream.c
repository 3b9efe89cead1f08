/* Both sides of a negotiation on arbitrary bytes. */
#include <string.h>

#include "negotiate/multistream.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
accept_echo(const char *name, void *arg, void **choice)
{
	*choice = arg;
	return strcmp(name, "/echo/1.0.0") == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "/a/1", "/b/1", NULL };
	uint8_t out[MSS_OUT_MAX];
	struct rd in = { data, size }, part;
	struct mss m;
	struct wr w;
	uint8_t side = 0;
	int e = 1;

	wr_init(&w, out, sizeof(out));
	if (rd_u8(&in, &side) == 0 && (side & 1))
		mss_dial(&m, names, &w);
	else
		mss_listen(&m, accept_echo, &m, &w);
	while (e == 1 && in.len > 0) {
		if (rd_bytes(&in, mss_need(&m) < in.len ? mss_need(&m) : in.len,
		    &part) != 0)
			break;
		wr_init(&w, out, sizeof(out));
		e = mss_input(&m, part, &w);
		if (w.full)
			__builtin_trap();
	}
	return 0;
}
