/*
 * tools/chat_frame.h -- the bytes of a chat stream, and the lines in them.
 *
 * go and py send lines that end in a newline; js sends varint(length) before
 * each text.  The first chunk that comes says which: when its varint is the
 * length of the rest it is the latter.  So it is, too, when the first byte is
 * a control character that no text begins with.  A stream stays what it is.
 *
 * No sockets, threads or allocation.
 */
#ifndef TOOLS_CHAT_FRAME_H
#define TOOLS_CHAT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHAT_LINE_MAX	4096		/* bytes of our message, a piece */
#define CHAT_SHOWN_MAX	(64 * 1024)	/* of one that comes; the rest is cut */
#define CHAT_FRAME_MAX	(1024 * 1024)	/* a length beyond is an error */
#define CHAT_PREFIX_MAX	3		/* bytes of varint(CHAT_FRAME_MAX) */

/* Lines of bytes, whole or in pieces: chat_lines.c. */
struct chat_lines {
	char	buf[CHAT_LINE_MAX + 2];
	size_t	from, have;
};

/* Where to put bytes, never none, after chat_lines_next() has returned -1. */
char	*chat_lines_space(struct chat_lines *l, size_t *cap);
/*
 * The length of the next line, at *line until the next call, or -1.  A carriage
 * return before the newline is dropped.  A line that is too long comes in
 * pieces, cut between characters; *whole is false for all but the last.  end:
 * nothing more will come.
 */
ssize_t	chat_lines_next(struct chat_lines *l, bool end, const char **line,
	    bool *whole);

enum chat_framing {
	CHAT_UNKNOWN = 0,
	CHAT_BY_LINE,
	CHAT_BY_LENGTH,
};

/* All zero at the beginning. */
struct chat_frame {
	enum chat_framing framing;
	bool		 inside;	/* a text: left of it are to come */
	bool		 ended;		/* its last byte was a newline */
	uint32_t	 left;
	unsigned	 shift;		/* of the length that is being read */
	size_t		 shown;		/* of the line, in pieces */
	struct chat_lines lines;
};

/* What a first chunk says; len is not 0. */
enum chat_framing	chat_frame_guess(const uint8_t *p, size_t len);

/*
 * Take bytes, all or as many as there is room for: then chat_frame_next()
 * until it returns -1 makes room.  The first call is given the whole first
 * chunk.  Returns how many, or P2P_ERR_TOO_LARGE (a length) or P2P_ERR_FORMAT
 * (no length).
 */
ssize_t	chat_frame_take(struct chat_frame *f, const uint8_t *p, size_t len);
/* A newline is to be added: take once more, even nothing. */
bool	chat_frame_pending(const struct chat_frame *f);
/*
 * As chat_lines_next(); after CHAT_SHOWN_MAX bytes of one line the rest of it
 * is left out, and *cut is true for the piece that was the last.
 */
ssize_t	chat_frame_next(struct chat_frame *f, bool end, const char **line,
	    bool *cut);

/*
 * How many newlines, 0 to 2, go before the first line of a stream, or else it
 * would be taken for a text with a length.  They are lines of nothing.
 */
size_t	chat_frame_blank(const char *line, size_t len);
/* The length of text of len bytes, before it: how many bytes of out. */
size_t	chat_frame_prefix(uint8_t out[CHAT_PREFIX_MAX], size_t len);

#endif
