/*
 * p2p-node run: listen, say so, and stay until told to stop.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/perf.h"
#include "p2p/version.h"

#define STOP_MS	2000

static const char *const default_listen[] = {
	"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001", NULL
};

static const char *const any_port[] = {
	"/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0", NULL
};

static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;

/* Connections, as events or as lines. */
static void
on_event(const struct p2p_event *ev, void *arg)
{
	bool up = ev->kind == P2P_EVENT_CONNECTED;
	char text[P2P_PEER_ID_TEXT_MAX];

	(void)arg;
	if (ev->kind == P2P_EVENT_IDENTIFIED)
		return;
	p2p_peer_id_text(&ev->peer, text);
	pthread_mutex_lock(&out);
	if (!tool_json) {
		fprintf(stderr, "%s %s %s\n", up ? "connected" : "disconnected",
		    text, p2p_multiaddr_text(ev->remote));
	} else {
		json_begin(up ? "connected" : "disconnected");
		json_text("peer", text);
		json_text("address", p2p_multiaddr_text(ev->remote));
		json_text("direction", ev->outbound ? "outbound" : "inbound");
		json_text("security", ev->security);
		json_text("muxer", ev->muxer);
		if (!up) {
			json_text("reason", p2p_error_name(ev->reason));
			json_text("initiator", ev->by_us ? "local" : "remote");
		}
		json_end();
	}
	pthread_mutex_unlock(&out);
}

static int
listen_one(struct p2p_host *h, const char *address, int *error)
{
	if ((*error = p2p_host_listen(h, address, NULL)) == 0)
		return TOOL_OK;
	return tool_fail(address, *error, NULL);
}

/*
 * The defaults: port 4001 of both families, or any when it is busy; a machine
 * without one of the families is served by the other.
 */
static int
listen_default(struct p2p_host *h)
{
	int i, e, last = 0, good = 0;

	for (i = 0; default_listen[i] != NULL; i++) {
		e = p2p_host_listen(h, default_listen[i], NULL);
		if (e == -EADDRINUSE) {
			fprintf(stderr, "p2p-node: port 4001 is busy, taking "
			    "a free one\n");
			e = p2p_host_listen(h, any_port[i], NULL);
		}
		good += e == 0;
		last = e != 0 ? e : last;
	}
	return good > 0 ? TOOL_OK : tool_fail("listen", last, NULL);
}

static int
listen_all(const struct options *o, struct p2p_host *h)
{
	size_t i;
	int e, error;

	if (o->listen[0] == NULL)
		return listen_default(h);
	for (i = 0; o->listen[i] != NULL; i++)
		if ((e = listen_one(h, o->listen[i], &error)) != 0)
			return error == P2P_ERR_UNSUPPORTED ? TOOL_USAGE : e;
	return TOOL_OK;
}

static int
show_addresses(struct p2p_host *h)
{
	struct p2p_multiaddr **list, *full, *first = NULL;
	const char *label = "Listening";
	size_t i;
	int e;

	if ((e = p2p_host_addresses(h, &list)) != 0)
		return tool_fail("addresses", e, NULL);
	for (i = 0; list[i] != NULL; i++) {
		if (p2p_multiaddr_with_peer(list[i], p2p_host_id(h), &full) !=
		    0)
			continue;
		if (tool_json) {
			json_begin("listening");
			json_text("address", p2p_multiaddr_text(full));
			json_end();
		} else {
			printf("%-10s %s\n", label, p2p_multiaddr_text(full));
			label = "";
		}
		p2p_multiaddr_free(first);
		first = full;
	}
	if (!tool_json && first != NULL)
		printf("%-10s p2p-node ping %s\n", "Try",
		    p2p_multiaddr_text(first));
	p2p_multiaddr_free(first);
	p2p_host_addresses_free(list);
	return TOOL_OK;
}

static void
show_head(struct p2p_host *h, const char *path, bool made)
{
	const char *const *f = p2p_features();
	char text[P2P_PEER_ID_TEXT_MAX];

	if (tool_json)
		return;
	printf("p2p-node %s (", p2p_version());
	for (; *f != NULL; f++)
		printf("%s%s", *f, f[1] != NULL ? " " : ")\n");
	printf("%-10s %s   key: %s%s\n", "Peer ID",
	    p2p_peer_id_text(p2p_host_id(h), text),
	    path != NULL ? path : "ephemeral", made ? " (new)" : "");
}

static int
connect_all(const struct options *o, struct p2p_host *h)
{
	struct p2p_connect_options co = { .any_peer = o->any_peer };
	struct p2p_report *report;
	size_t i;
	int e;

	for (i = 0; o->connect[i] != NULL && tool_signal() == 0; i++) {
		if ((e = p2p_host_connect(h, o->connect[i], &co, NULL,
		    &report)) != 0)
			(void)tool_fail(o->connect[i], e, report);
		p2p_report_free(report);
	}
	return TOOL_OK;
}

static int
serve(const struct options *o, struct p2p_host *h, const char *path, bool made)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	struct pollfd p = { .fd = tool_signal_fd(), .events = POLLIN };
	int e;

	if (o->serve_echo && (e = p2p_echo_serve(h)) != 0)
		return tool_fail("echo", e, NULL);
	if (o->serve_perf && (e = p2p_perf_serve(h)) != 0)
		return tool_fail("perf", e, NULL);
	if ((e = listen_all(o, h)) != 0)
		return e;
	pthread_mutex_lock(&out);
	show_head(h, path, made);
	e = show_addresses(h);
	if (tool_json) {
		json_begin("ready");
		json_text("peerId", p2p_peer_id_text(p2p_host_id(h), text));
		json_end();
	} else {
		printf("Ready. Ctrl-C stops; twice forces.\n");
		fflush(stdout);
	}
	pthread_mutex_unlock(&out);
	if (e != 0)
		return e;
	(void)connect_all(o, h);
	while (tool_signal() == 0)
		(void)poll(&p, 1, -1);
	return TOOL_OK;
}

int
node_run(const struct options *o)
{
	struct p2p_host_config config = { .security = o->security,
	    .muxers = o->muxers, .limits = o->limits, .event = on_event };
	const char *path = NULL;
	struct p2p_host *h;
	struct p2p_key *key;
	bool made;
	int e, status;

	if (!o->ephemeral)
		path = o->key != NULL ? o->key : tool_home("identity.key");
	if ((status = tool_key(path, o->ephemeral, &key, &made)) != 0)
		return status;
	config.key = key;
	tool_signals();
	if ((e = p2p_host_new(&config, &h)) != 0) {
		p2p_key_free(key);
		(void)tool_fail("start", e, NULL);
		return TOOL_USAGE;
	}
	p2p_key_free(key);
	status = serve(o, h, path, made);
	if ((e = p2p_host_stop(h, STOP_MS)) != 0)
		return tool_fail("stop", e, NULL);
	p2p_host_free(h);
	if (tool_json && status == TOOL_OK) {
		json_begin("stopped");
		json_end();
	}
	return status;
}
