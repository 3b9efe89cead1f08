/*
 * p2p-node run: listen, say so, and stay until told to stop.
 *
 * Events come from the library's threads and from the one of node_live.c:
 * whoever prints holds out.  When nobody reads, it is held for good: so a
 * thread of its own sees to it that a signal ends the process nevertheless.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "json.h"
#include "node_live.h"
#include "p2p/echo.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/perf.h"
#include "p2p/store.h"

#define STOP_MS	2000

static const char *const default_listen[] = {
	"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001", NULL
};

static const char *const any_port[] = {
	"/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0", NULL
};

static pthread_mutex_t out = PTHREAD_MUTEX_INITIALIZER;

struct run {
	const struct options	*o;
	struct p2p_host		*h;
	struct dht_run		*dht;		/* or NULL */
	struct p2p_store	*store;		/* or NULL: in memory */
	const char		*key;		/* file, or NULL */
	bool			 made;		/* just now */
	double			 begun;
};

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
			tool_say(default_listen[i], "the port is busy, taking "
			    "a free one", NULL);
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
	int e;

	if (o->listen[0] == NULL)
		return listen_default(h);
	for (i = 0; o->listen[i] != NULL; i++)
		if ((e = p2p_host_listen(h, o->listen[i], NULL)) != 0)
			return tool_fail(o->listen[i], e, NULL);
	return TOOL_OK;
}

/* From how far away an address may be of use: 0 to 2. */
static int
reach_of(const struct p2p_multiaddr *ma)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	struct p2p_multiaddr_part part;

	if (!p2p_multiaddr_part(ma, 0, &part))
		return 0;
	if (strcmp(part.name, "ip4") == 0)
		return part.value[0] == 127 ? 0 : part.value[0] == 169 &&
		    part.value[1] == 254 ? 1 : 2;
	if (strcmp(part.name, "ip6") == 0)
		return memcmp(part.value, loopback6, 16) == 0 ? 0 :
		    part.value[0] == 0xfe && (part.value[1] & 0xc0) == 0x80 ?
		    1 : 2;
	return 2;
}

static void
show_try(const struct p2p_multiaddr *ma)
{
	if (ma == NULL)
		return;
	printf("%-10s p2p-node ping %s%s\n", "Try", p2p_multiaddr_text(ma),
	    reach_of(ma) > 0 ? "   (from another machine)" : "");
}

static int
show_addresses(struct p2p_host *h)
{
	struct p2p_multiaddr **list, *full, *best = NULL;
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
		if (best != NULL && reach_of(full) <= reach_of(best)) {
			p2p_multiaddr_free(full);
			continue;
		}
		p2p_multiaddr_free(best);
		best = full;
	}
	if (!tool_json)
		show_try(best);
	p2p_multiaddr_free(best);
	p2p_host_addresses_free(list);
	return TOOL_OK;
}

/* All ceilings, or what they refused, for a person. */
static void
print_limits(struct p2p_host *h, bool refused)
{
	struct p2p_limit_info l;
	bool any = false;
	size_t i;

	for (i = 0; p2p_host_limit(h, i, &l) == 0; i++) {
		if (refused && l.refused == 0)
			continue;
		fprintf(stderr, "%s%s=%llu", any ? " " : refused ?
		    "refused: " : "limits: ", l.name,
		    (unsigned long long)(refused ? l.refused : l.max));
		any = true;
	}
	if (any)
		putc('\n', stderr);
}

/* The same as a field of an event. */
static void
json_limits(struct p2p_host *h, bool refused)
{
	struct p2p_limit_info l;
	size_t i;

	json_object_begin(refused ? "refused" : "limits");
	for (i = 0; p2p_host_limit(h, i, &l) == 0; i++)
		if (!refused || l.refused > 0)
			json_uint(l.name, refused ? l.refused : l.max);
	json_object_end();
}

static int
announce(const struct run *r)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	int e;

	p2p_peer_id_text(p2p_host_id(r->h), text);
	if (tool_json) {
		if ((e = show_addresses(r->h)) != 0)
			return e;
		json_begin("ready");
		json_text("peerId", text);
		json_limits(r->h, false);
		json_end();
		return TOOL_OK;
	}
	print_limits(r->h, false);
	tool_print_version();
	printf("%-10s %s   key: ", "Peer ID", text);
	if (r->key != NULL)
		tool_put(stdout, r->key, strlen(r->key));
	printf("%s%s\n", r->key != NULL ? "" : "ephemeral",
	    r->made ? " (new)" : "");
	if ((e = show_addresses(r->h)) != 0)
		return e;
	printf("Ready in %.2f s. Ctrl-C stops; twice forces.\n",
	    tool_now() - r->begun);
	tool_flush();
	return TOOL_OK;
}

static void
lock_out(void)
{
	pthread_mutex_lock(&out);
}

static void
unlock_out(void)
{
	pthread_mutex_unlock(&out);
}

/* Until a signal; when nobody reads stdout any more, that is an end too. */
static void
wait_for_signal(struct live *l)
{
	struct pollfd p[3] = { { .fd = tool_signal_fd(), .events = POLLIN },
	    { .fd = 1 }, { .fd = live_fd(), .events = POLLIN } };

	while (tool_signal() == 0) {
		if (poll(p, 3, -1) <= 0)
			continue;
		if ((p[1].revents & POLLERR) != 0)
			guard_hung_up();
		if (p[2].revents != 0) {
			tool_notify("RELOADING=1");
			live_again(l);
			tool_notify("READY=1");
		}
	}
}

static int
serve(struct run *r)
{
	const struct options *o = r->o;
	struct live *live;
	int e;

	if (o->serve_echo && (e = p2p_echo_serve(r->h)) != 0)
		return tool_fail("echo", e, NULL);
	if (o->serve_perf && (e = p2p_perf_serve(r->h)) != 0)
		return tool_fail("perf", e, NULL);
	if ((e = listen_all(o, r->h)) != 0 ||
	    (e = dht_run_begin(o, r->h, r->store, &r->dht)) != 0)
		return e;
	pthread_mutex_lock(&out);
	e = announce(r);
	pthread_mutex_unlock(&out);
	if (e != 0)
		return e;
	if ((e = live_begin(o, r->h, r->dht, lock_out, unlock_out, &live)) !=
	    TOOL_OK)
		return e;
	tool_notify("READY=1");
	wait_for_signal(live);
	tool_notify("STOPPING=1");
	dht_run_close(r->dht);
	e = p2p_host_stop(r->h, STOP_MS);
	live_end(live);
	return e != 0 ? tool_fail("stop", e, NULL) : TOOL_OK;
}

int
node_run(const struct options *o)
{
	struct p2p_host_config config = { .limits = o->limits,
	    .event = on_event, .log = live_log,
	    .log_level = P2P_LOG_DEBUG };
	struct guard g = { .locks = { &out } };
	struct run r = { .o = o, .begun = tool_now() };
	struct tool_net_state net;
	char path[PATH_MAX];
	struct p2p_key *key;
	int status;

	if (!o->ephemeral && (r.key = o->key != NULL ? o->key :
	    tool_home("identity.key", path)) == NULL)
		return tool_no_home();
	if ((status = tool_key(r.key, o->ephemeral, &key, &r.made)) != 0)
		return status;
	config.key = key;
	tool_signals();
	live_signals();
	live_log_level(o->log);
	if ((status = dht_run_store(o, &r.store)) == TOOL_OK) {
		config.store = r.store;
		if ((status = tool_net_begin(&o->net, &net, &config)) ==
		    TOOL_OK && (status = tool_host(&config, &r.h)) != TOOL_OK)
			tool_net_end(&net);
	}
	p2p_key_free(key);
	if (status != TOOL_OK) {
		p2p_store_free(r.store);
		return status;
	}
	guard_begin(&g);
	status = serve(&r);
	dht_run_end(r.dht);
	lock_out();
	if (status == TOOL_OK && tool_json) {
		json_begin("stopped");
		json_limits(r.h, true);
		json_end();
	} else if (status == TOOL_OK) {
		print_limits(r.h, true);
	}
	unlock_out();
	p2p_host_free(r.h);
	guard_end(&g);
	p2p_store_free(r.store);
	tool_net_end(&net);
	return status;
}
