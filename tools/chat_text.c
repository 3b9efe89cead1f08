/*
 * Words for a terminal.  Whatever is a peer's goes through one cleaner here,
 * before any front sees it.
 */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/text.h"

/* Readable on black and on white: of 256 colours, and of 8. */
const unsigned char chat_palette[CHAT_COLOURS] = { 33, 37, 64, 71, 94, 98, 125,
    133, 136, 166, 167, 172 };
const unsigned char chat_basic[CHAT_COLOURS] = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4,
    5, 6 };

char *
chat_label(const char *peer, const char *nick, char out[CHAT_LABEL_MAX])
{
	snprintf(out, CHAT_LABEL_MAX, "%s%s%s", nick, nick[0] == '\0' ? "" :
	    chat_term_is_utf8() ? "\302\267" : "~", chat_tail(peer));
	return out;
}

/* FNV-1a over the id: the same peer has the same colour everywhere. */
static int
colour_of(const char *peer)
{
	uint32_t h = 2166136261u;

	for (; *peer != '\0'; peer++)
		h = (h ^ (uint8_t)*peer) * 16777619u;
	return 1 + (int)(h % CHAT_COLOURS);
}

/* A byte becomes up to ten: \u{10ffff}. */
char *
chat_clean(const char *text, size_t len)
{
	bool ascii = !chat_term_is_utf8();
	size_t cap = (ascii ? 10 : 3) * len + 1;
	char *out = malloc(cap);

	if (out != NULL)
		p2p_text_clean(out, cap, text, len,
		    ascii ? P2P_TEXT_ASCII : 0);
	return out;
}

static char *
put_message(const struct chat_event *e, const char *label)
{
	char who[2 * CHAT_LABEL_MAX + 16], to[CHAT_LABEL_MAX];

	if (e->action > 0)
		snprintf(who, sizeof(who), "* %s", label);
	else if (e->to[0] != '\0')
		snprintf(who, sizeof(who), "<%s -> %s>", label,
		    chat_label(e->to, "", to));
	else
		snprintf(who, sizeof(who), "<%s>", label);
	return chat_clean(who, strlen(who));
}

bool
chat_words(const struct chat_event *e, struct chat_words *w)
{
	char label[CHAT_LABEL_MAX] = "", text[512];
	struct tm tm;

	*w = (struct chat_words){ .who = NULL };
	localtime_r(&e->at, &tm);
	strftime(w->time, sizeof(w->time), "%H:%M", &tm);
	if (e->peer != NULL)
		chat_label(e->peer, e->nick, label);
	if (e->kind == CHAT_MESSAGE) {
		w->who = put_message(e, label);
		w->colour = colour_of(e->peer);
		w->text = chat_clean(e->text + e->action, e->len - e->action);
		return w->who != NULL && w->text != NULL;
	}
	w->copied = e->kind == CHAT_INVITE;
	w->who = strdup(e->kind == CHAT_INVITE ? "invite:" : "-!-");
	if (e->kind == CHAT_INVITE)
		snprintf(text, sizeof(text), "p2p-chat -c %s", e->text);
	else if (e->kind == CHAT_JOINED)
		snprintf(text, sizeof(text), "%s has joined", label);
	else if (e->kind == CHAT_LEFT)
		snprintf(text, sizeof(text), "%s has left%s%s", label,
		    e->reason != 0 ? ": " : "",
		    e->reason != 0 ? p2p_strerror(e->reason) : "");
	w->text = e->kind == CHAT_NOTICE ? chat_clean(e->text, e->len) :
	    chat_clean(text, strlen(text));
	return w->who != NULL && w->text != NULL;
}

void
chat_words_free(struct chat_words *w)
{
	free(w->who);
	free(w->text);
	w->who = w->text = NULL;
}
