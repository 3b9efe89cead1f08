/*
 * host/report.h -- the story of a dial, address by address.
 */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "p2p/host.h"

#define REPORT_MAX	16

struct p2p_report {
	struct p2p_attempt	 attempts[REPORT_MAX];	/* address: owned */
	size_t			 n;
	bool			 any;
	struct p2p_peer_id	 expected;
};

#endif
