/*
 * How much a peer says.  Time goes in windows of CHAT_FLOOD_S; one with more
 * than CHAT_FLOOD_MESSAGES mutes the peer, until a window was over in which it
 * said less.  Only chat_meter_over() ends that, so that it is always told.
 */
#include "chat.h"

bool
chat_meter_add(struct chat_meter *m, double now, bool *first)
{
	*first = false;
	if (!m->muted && now - m->since >= CHAT_FLOOD_S) {
		m->since = now;
		m->n = 0;
	}
	m->n += m->n <= CHAT_FLOOD_MESSAGES;
	if (m->n > CHAT_FLOOD_MESSAGES && !m->muted)
		m->muted = *first = true;
	m->hidden += m->muted;
	return !m->muted;
}

bool
chat_meter_over(struct chat_meter *m, double now)
{
	if (!m->muted || now - m->since < CHAT_FLOOD_S)
		return false;
	m->muted = m->n > CHAT_FLOOD_MESSAGES;
	m->since = now;
	m->n = 0;
	return !m->muted;
}
