#include "chat_edit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void
chat_edit_insert(struct chat_edit *e, const wchar_t *text, size_t n)
{
	if (n > CHAT_EDIT_MAX - e->len)
		n = CHAT_EDIT_MAX - e->len;
	wmemmove(e->text + e->at + n, e->text + e->at, e->len - e->at);
	wmemcpy(e->text + e->at, text, n);
	e->len += n;
	e->at += n;
}

static void
delete(struct chat_edit *e, size_t from, size_t to)
{
	wmemmove(e->text + from, e->text + to, e->len - to);
	e->len -= to - from;
	e->at = from;
}

static size_t
word_begin(const struct chat_edit *e)
{
	size_t i = e->at;

	while (i > 0 && e->text[i - 1] == L' ')
		i--;
	while (i > 0 && e->text[i - 1] != L' ')
		i--;
	return i;
}

static void
recall(struct chat_edit *e, size_t back)
{
	e->back = back;
	e->len = e->at = 0;
	if (back > 0)
		chat_edit_insert(e, e->history[back - 1],
		    wcslen(e->history[back - 1]));
}

void
chat_edit_do(struct chat_edit *e, enum chat_edit_op op)
{
	switch (op) {
	case CHAT_EDIT_LEFT: e->at -= e->at > 0; break;
	case CHAT_EDIT_RIGHT: e->at += e->at < e->len; break;
	case CHAT_EDIT_HOME: e->at = 0; break;
	case CHAT_EDIT_END: e->at = e->len; break;
	case CHAT_EDIT_BACKSPACE:
		if (e->at > 0)
			delete(e, e->at - 1, e->at);
		break;
	case CHAT_EDIT_DELETE:
		if (e->at < e->len)
			delete(e, e->at, e->at + 1);
		break;
	case CHAT_EDIT_DELETE_WORD: delete(e, word_begin(e), e->at); break;
	case CHAT_EDIT_DELETE_HEAD: delete(e, 0, e->at); break;
	case CHAT_EDIT_DELETE_TAIL: e->len = e->at; break;
	case CHAT_EDIT_OLDER:
		if (e->back < e->history_n)
			recall(e, e->back + 1);
		break;
	case CHAT_EDIT_NEWER:
		if (e->back > 0)
			recall(e, e->back - 1);
		break;
	}
}

char *
chat_edit_text(const struct chat_edit *e, size_t n)
{
	mbstate_t state = { 0 };
	size_t len = 0, i, got;
	char *out = malloc(n * MB_LEN_MAX + 1);

	if (out == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if ((got = wcrtomb(out + len, e->text[i], &state)) !=
		    (size_t)-1)
			len += got;
	out[len] = '\0';
	return out;
}

void
chat_edit_take(struct chat_edit *e)
{
	wchar_t *copy = malloc((e->len + 1) * sizeof(*copy));

	if (copy != NULL && e->len > 0) {
		wmemcpy(copy, e->text, e->len);
		copy[e->len] = L'\0';
		if (e->history_n == CHAT_EDIT_HISTORY)
			free(e->history[--e->history_n]);
		memmove(e->history + 1, e->history,
		    e->history_n * sizeof(*e->history));
		e->history[0] = copy;
		e->history_n++;
		copy = NULL;
	}
	free(copy);
	e->len = e->at = e->back = 0;
}

void
chat_edit_free(struct chat_edit *e)
{
	while (e->history_n > 0)
		free(e->history[--e->history_n]);
}
