#include "host/report.h"

#include <stdlib.h>

size_t
p2p_report_count(const struct p2p_report *r)
{
	return r->n;
}

const struct p2p_attempt *
p2p_report_attempt(const struct p2p_report *r, size_t i)
{
	return i < r->n ? &r->attempts[i] : NULL;
}

const struct p2p_peer_id *
p2p_report_expected(const struct p2p_report *r)
{
	return r->any ? NULL : &r->expected;
}

void
p2p_report_free(struct p2p_report *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		free((char *)(uintptr_t)r->attempts[i].address);
	free(r);
}

const char *
p2p_stage_name(enum p2p_stage stage)
{
	switch (stage) {
	case P2P_STAGE_RESOLVE:		return "resolve";
	case P2P_STAGE_CONNECT:		return "connect";
	case P2P_STAGE_SECURITY:	return "security";
	case P2P_STAGE_MUXER:		return "muxer";
	case P2P_STAGE_DONE:		return "done";
	}
	return "unknown";
}
