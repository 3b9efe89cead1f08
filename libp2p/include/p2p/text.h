/*
 * p2p/text.h -- text from peers, made safe to show.
 */
#ifndef P2P_TEXT_H
#define P2P_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum p2p_text_flags {
	P2P_TEXT_NEWLINE = 1,	/* a newline may stay (message bodies) */
	P2P_TEXT_ASCII = 2,	/* the rest as \u{XXXX} (no UTF-8 terminal) */
};

/*
 * Copy len bytes of src to dst as valid UTF-8 without anything that could
 * drive a terminal or mislead a reader: broken UTF-8, control characters (C0,
 * DEL, C1), bidirectional and invisible format characters, line and paragraph
 * separators, noncharacters and private use become U+FFFD, each replaced, not
 * dropped; a fifth combining mark in a row likewise, and one with nothing to
 * sit on; the zero width joiner may stay between two wide characters.  dst gets
 * a final zero and is cut between characters when cap is short (0: it is left
 * alone).  Cleaning cleaned text changes nothing.
 * Returns the bytes written without the zero.
 */
size_t	p2p_text_clean(char *dst, size_t cap, const char *src, size_t len,
	    unsigned flags);

/* The columns that cleaned text takes on a terminal. */
size_t	p2p_text_width(const char *text);

#ifdef __cplusplus
}
#endif
#endif
