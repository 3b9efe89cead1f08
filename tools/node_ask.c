/*
 * One-shot commands that ask a peer: ping and identify.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "node_shot.h"
#include "p2p/error.h"
#include "p2p/identify.h"
#include "p2p/key.h"
#include "p2p/multiaddr.h"
#include "p2p/ping.h"

#define COUNT		4	/* pings, unless -c says */
#define REPLY_MS	10000	/* a ping without one by then is lost */

/* Figures of a series of pings. */
struct pings {
	double		*times;
	size_t		 sent, got;
};

static void
show_ping(const struct pings *p, double time)
{
	if (tool_json) {
		json_begin("ping");
		json_uint("seq", p->sent);
		json_time("time", time);
		json_end();
	} else {
		printf("32 bytes: seq=%zu time=%.3f ms\n", p->sent,
		    time * 1000);
		tool_flush();
	}
}

static void
show_pings(struct pings *p)
{
	double sum = 0, p50, p99, least, most;
	size_t i;

	for (i = 0; i < p->got; i++)
		sum += p->times[i];
	p50 = shot_percentile(p->times, p->got, 0.5);
	p99 = shot_percentile(p->times, p->got, 0.99);
	least = p->got > 0 ? p->times[0] : 0;
	most = p->got > 0 ? p->times[p->got - 1] : 0;
	sum = p->got > 0 ? sum / (double)p->got : 0;
	if (tool_json) {
		json_begin("summary");
		json_uint("sent", p->sent);
		json_uint("received", p->got);
		json_time("min", least);
		json_time("avg", sum);
		json_time("max", most);
		json_time("p50", p50);
		json_time("p99", p99);
		json_end();
		return;
	}
	printf("--- %zu pings, %zu ok, %.0f%% loss", p->sent, p->got,
	    p->sent > 0 ? 100.0 * (double)(p->sent - p->got) /
	    (double)p->sent : 0);
	if (p->got > 0)
		printf(", min/avg/max = %.3f/%.3f/%.3f ms", least * 1000,
		    sum * 1000, most * 1000);
	printf("\n");
}

/* A reply that does not come is a loss; anything else ends the series. */
static int
ping_loop(uint64_t count, double interval, struct p2p_ping *ping,
    struct pings *p)
{
	unsigned left;
	uint64_t rtt;
	int e = 0;

	while (p->sent < count) {
		if (p->sent > 0 && (interval > 0 ? shot_pause(interval) :
		    shot_over()))
			return P2P_ERR_TIMEOUT;
		p->sent++;
		left = shot_left();
		e = p2p_ping_once(ping, left < REPLY_MS ? left : REPLY_MS,
		    &rtt);
		if (e == 0) {
			p->times[p->got++] = (double)rtt / 1e6;
			show_ping(p, (double)rtt / 1e6);
		} else if (e != P2P_ERR_TIMEOUT || shot_over()) {
			return e;
		}
	}
	return p->got > 0 ? 0 : P2P_ERR_TIMEOUT;
}

static int
ping(const struct options *o, struct p2p_host *h,
    const struct p2p_connection *c)
{
	uint64_t count = o->count > 0 ? o->count : COUNT;
	char text[P2P_PEER_ID_TEXT_MAX];
	struct pings p = { 0 };
	struct p2p_ping *series;
	int e;

	if (!tool_json)
		printf("PING %s (%s) handshake %.1f ms\n",
		    p2p_peer_id_text(&c->peer, text),
		    p2p_multiaddr_text(c->remote), (double)c->time_us / 1000);
	tool_flush();
	if ((p.times = calloc(count, sizeof(*p.times))) == NULL)
		return shot_fail("ping", -ENOMEM, NULL);
	if ((e = p2p_ping_open(h, &c->peer, shot_left(), &series)) == 0) {
		e = ping_loop(count, o->interval, series, &p);
		p2p_ping_close(series);
	}
	show_pings(&p);
	free(p.times);
	return e != 0 ? shot_fail("ping", e, NULL) : TOOL_OK;
}

int
node_ping(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_host *h;
	int e;

	if ((e = shot_begin(o, o->interval *
	    (double)(o->count > 0 ? o->count : COUNT), &h)) != 0)
		return e;
	if ((e = shot_reach(o, h, &c)) == 0) {
		e = ping(o, h, &c);
		p2p_multiaddr_free(c.remote);
	}
	return shot_end(h, e);
}

static void
addresses_json(const struct p2p_identity *id)
{
	size_t i;

	json_array_begin("listenAddresses");
	for (i = 0; id->addresses[i] != NULL; i++)
		json_text(NULL, p2p_multiaddr_text(id->addresses[i]));
	json_array_end();
	if (id->observed != NULL)
		json_text("observedAddress", p2p_multiaddr_text(id->observed));
	else
		json_null("observedAddress");
}

static void
identify_json(const struct p2p_identity *id, const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];

	json_begin("identify");
	json_text("peerId", p2p_peer_id_text(&id->peer, text));
	json_text("protocolVersion", id->protocol_version != NULL ?
	    id->protocol_version : "");
	json_text("agentVersion", id->agent_version != NULL ?
	    id->agent_version : "");
	json_list("protocols", id->protocols);
	addresses_json(id);
	if (id->key != NULL)
		json_text("publicKeyType",
		    p2p_key_type_name(p2p_key_type(id->key)));
	else
		json_null("publicKeyType");
	json_bool("signedRecord", id->signed_record);
	json_text("address", p2p_multiaddr_text(c->remote));
	json_text("security", c->security);
	json_text("muxer", c->muxer);
	json_end();
}

/* A line of what the peer says of itself. */
static void
said(const char *label, const char *text)
{
	printf("%-10s ", label);
	if (text != NULL)
		tool_put(stdout, text, strlen(text));
	printf("%s\n", text != NULL ? "" : "(none)");
}

static void
identify_text(const struct p2p_identity *id, const struct p2p_connection *c)
{
	char text[P2P_PEER_ID_TEXT_MAX];
	size_t i;

	said("Peer ID", p2p_peer_id_text(&id->peer, text));
	said("Agent", id->agent_version);
	said("Version", id->protocol_version);
	printf("%-10s %s (%s, %s)\n", "Connection",
	    p2p_multiaddr_text(c->remote), c->security, c->muxer);
	if (id->observed != NULL)
		said("Sees us as", p2p_multiaddr_text(id->observed));
	for (i = 0; id->addresses[i] != NULL; i++)
		said(i == 0 ? "Listening" : "",
		    p2p_multiaddr_text(id->addresses[i]));
	for (i = 0; id->protocols[i] != NULL; i++)
		said(i == 0 ? "Protocols" : "", id->protocols[i]);
	said("Record", id->signed_record ? "signed" : "not signed");
}

int
node_identify(const struct options *o)
{
	struct p2p_connection c;
	struct p2p_identity *id;
	struct p2p_host *h;
	int e;

	if ((e = shot_begin(o, 0, &h)) != 0)
		return e;
	if ((e = shot_reach(o, h, &c)) == 0) {
		e = p2p_identify(h, &c.peer, shot_left(), &id);
		if (e != 0) {
			e = shot_fail("identify", e, NULL);
		} else {
			if (tool_json)
				identify_json(id, &c);
			else
				identify_text(id, &c);
			p2p_identity_free(id);
		}
		p2p_multiaddr_free(c.remote);
	}
	return shot_end(h, e);
}
