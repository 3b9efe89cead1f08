/*
 * A host as an application gets it: the bare one, with ping and identify.
 */
#include "host/host.h"
#include "p2p/ping.h"
#include "services/services.h"

int
p2p_host_new(const struct p2p_host_config *config, struct p2p_host **out)
{
	struct p2p_host *h;
	int e;

	if ((e = host_new(config, &h)) != 0)
		return e;
	if ((e = p2p_ping_serve(h)) == 0 &&
	    (config == NULL || !config->no_identify))
		e = identify_attach(h);
	if (e != 0) {
		p2p_host_free(h);
		return e;
	}
	*out = h;
	return 0;
}
