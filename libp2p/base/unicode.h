/*
 * base/unicode.h -- UTF-8, and the few properties of characters that decide
 * whether text from a peer can be shown.
 *
 * Spec: RFC 3629; Unicode 15 general categories and East Asian Width.  Never
 * the locale: the same bytes give the same answer everywhere.
 */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/bytes.h"

#define UNICODE_REPLACEMENT	0xfffdu
#define UNICODE_ZWJ		0x200du		/* zero width joiner */
#define UNICODE_NONE		0xffffffffu	/* broken UTF-8 */

/*
 * Take one character from r, which is not empty.  Broken UTF-8 (overlong,
 * surrogates, above U+10FFFF, truncated) gives UNICODE_NONE and takes the
 * longest part that could have begun a character, at least one byte.
 */
uint32_t	unicode_get(struct rd *r);

/* Append one character as UTF-8, whole or not at all. */
void	unicode_put(struct wr *w, uint32_t c);

/* All of bytes is valid UTF-8 of characters that are safe (below). */
bool	unicode_is_clean(struct rd bytes);

/*
 * May not be shown as it is: controls (C0, DEL, C1), format and other
 * invisible characters, separators of lines and paragraphs, private use,
 * noncharacters.  The joiner and the newline are among them.
 */
bool	unicode_is_unsafe(uint32_t c);

/* Sits on the character before it and takes no column. */
bool	unicode_is_mark(uint32_t c);

/* Takes two columns on a terminal. */
bool	unicode_is_wide(uint32_t c);

#endif
