/*
 * tools/chat_edit.h -- the line that is typed on the full screen.  One thread.
 */
#ifndef TOOLS_CHAT_EDIT_H
#define TOOLS_CHAT_EDIT_H

#include <stddef.h>
#include <wchar.h>

#include "chat_frame.h"

#define CHAT_EDIT_MAX		CHAT_LINE_MAX	/* characters */
#define CHAT_EDIT_HISTORY	50		/* lines */

struct chat_edit {
	wchar_t	 text[CHAT_EDIT_MAX];
	size_t	 len, at;
	wchar_t	*history[CHAT_EDIT_HISTORY];	/* the newest first */
	size_t	 history_n, back;		/* 0: none of them is shown */
};

enum chat_edit_op {
	CHAT_EDIT_LEFT, CHAT_EDIT_RIGHT, CHAT_EDIT_HOME, CHAT_EDIT_END,
	CHAT_EDIT_BACKSPACE, CHAT_EDIT_DELETE, CHAT_EDIT_DELETE_WORD,
	CHAT_EDIT_DELETE_HEAD, CHAT_EDIT_DELETE_TAIL,
	CHAT_EDIT_OLDER, CHAT_EDIT_NEWER,
};

void	chat_edit_insert(struct chat_edit *e, const wchar_t *text, size_t n);
void	chat_edit_do(struct chat_edit *e, enum chat_edit_op op);
/* The text, or what is before the cursor, as a new string; NULL: no memory. */
char	*chat_edit_text(const struct chat_edit *e, size_t n);
/* It goes into the history, and an empty one is begun. */
void	chat_edit_take(struct chat_edit *e);
void	chat_edit_free(struct chat_edit *e);

#endif
