/*
 * What the values of options mean.
 */
#include "node_known.h"

#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/kad.h"
#include "p2p/multiaddr.h"
#include "term.h"

#define NOT_ZERO	"must be more than 0"

/* Said twice, it has to be the same: nobody knows which one was meant. */
static const char *
add_limit(struct options *o, char *text)
{
	char *eq = strchr(text, '=');
	uint64_t value;
	size_t n;

	if (eq == NULL)
		return "wants NAME=VALUE";
	*eq = '\0';
	if (!tool_to_number(eq + 1, UINT64_MAX, &value))
		return TOOL_NO_NUMBER;
	for (n = 0; o->limits[n].name != NULL; n++)
		if (strcmp(o->limits[n].name, text) == 0)
			return o->limits[n].value == value ? NULL :
			    "has another value already";
	if (n == TOOL_LIST_MAX)
		return TOOL_TOO_MANY;
	o->limits[n] = (struct p2p_limit_setting){ text, value };
	return NULL;
}

static const char *
add_serve(struct options *o, char *list)
{
	char *p, *rest;

	if ((p = strtok_r(list, ",", &rest)) == NULL)
		return "an empty list";
	for (; p != NULL; p = strtok_r(NULL, ",", &rest)) {
		if (strcmp(p, "echo") == 0)
			o->serve_echo = true;
		else if (strcmp(p, "perf") == 0)
			o->serve_perf = true;
		else
			return "knows echo and perf";
	}
	return NULL;
}

static const char *
append(const char **list, const char *value)
{
	return tool_add(list, value) ? NULL : TOOL_TOO_MANY;
}

static const char *
text(const char **out, const char *value)
{
	*out = value;
	return NULL;
}

static const char *
number(uint64_t *out, const char *value, uint64_t max)
{
	return tool_to_number(value, max, out) ? NULL : TOOL_NO_NUMBER;
}

static const char *
at_least_one(uint64_t *out, const char *value, uint64_t max)
{
	const char *why = number(out, value, max);

	return why != NULL || *out > 0 ? why : NOT_ZERO;
}

static const char *
seconds(double *out, const char *value)
{
	return tool_to_seconds(value, out) ? NULL : TOOL_NO_SECONDS;
}

/* An option that is there means yes; a key says it. */
static const char *
yes(bool *out, const char *value)
{
	*out = value == NULL || strcmp(value, "yes") == 0;
	return *out || strcmp(value, "no") == 0 ? NULL : "is yes or no";
}

static const char *
log_level(enum p2p_log_level *out, const char *value)
{
	static const char *const names[] = { "off", "error", "warn", "info",
	    "debug" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		*out = (enum p2p_log_level)i;
		return NULL;
	}
	return "off, error, warn, info or debug";
}

static const char *
take_timeout(struct options *o, const char *value)
{
	const char *why = seconds(&o->timeout, value);

	return why != NULL || o->timeout > 0 ? why : NOT_ZERO;
}

static const char *
take_bits(struct options *o, const char *value)
{
	uint64_t v = 0;
	const char *why = number(&v, value, 16384);

	o->bits = (unsigned)v;
	return why;
}

static const char *
take_bytes(struct options *o, const char *value)
{
	o->have_bytes = true;
	return number(&o->bytes, value, UINT64_MAX);
}

/* Of one-shot commands. */
static const char *
take_shot(int val, struct options *o, char *v)
{
	switch (val) {
	case 'c': return at_least_one(&o->count, v, 100000000);
	case 'n': return at_least_one(&o->count, v, 1000000);
	case 'i': return seconds(&o->interval, v);
	case O_TIMEOUT: return take_timeout(o, v);
	case O_TRACE: return yes(&o->dht.trace, v);
	case O_ORIGIN: return yes(&o->origin, v);
	case O_TYPE: return text(&o->type, v);
	case O_OUT: return text(&o->out, v);
	case O_BITS: return take_bits(o, v);
	case O_PARALLEL: return at_least_one(&o->parallel, v, 1024);
	case O_HOLD: return seconds(&o->hold, v);
	case O_BYTES: return take_bytes(o, v);
	case O_STREAMS: return at_least_one(&o->streams, v, 256);
	case O_CHUNK: return at_least_one(&o->chunk, v, 16 << 20);
	case O_UPLOAD: return number(&o->upload, v, UINT64_MAX);
	case O_DOWNLOAD: return number(&o->download, v, UINT64_MAX);
	default: return NULL;
	}
}

/* The option switch: one line each. */
const char *
known_take(const struct known *k, struct options *o, char *v)
{
	switch (k->val) {
	case 'h': return yes(&o->help, v);
	case O_VERSION: return yes(&o->version, v);
	case O_JSON: return yes(&tool_json, v);
	case O_COLOR: return term_option(v) ? NULL : "auto, always or never";
	case O_CONFIG: return text(&o->config, v);
	case 'l': return append(o->listen, v);
	case O_CONNECT: return append(o->connect, v);
	case O_KEY: return text(&o->key, v);
	case O_EPHEMERAL: return yes(&o->ephemeral, v);
	case O_SECURITY: return tool_security_list(&o->net, v);
	case O_MUXER: return tool_muxer_list(&o->net, v);
	case O_PNET: return text(&o->net.pnet, v);
	case O_CAPTURE: return text(&o->net.capture, v);
	case O_SERVE: return add_serve(o, v);
	case O_LIMIT: return add_limit(o, v);
	case O_ANY: return yes(&o->any_peer, v);
	case O_LOG: return log_level(&o->log, v);
	case O_DHT: return text(&o->dht.mode, v);
	case O_NETWORK: return append(o->dht.network, v);
	case O_BOOTSTRAP: return append(o->dht.bootstrap, v);
	case O_PRIVATE: return yes(&o->dht.allow_private, v);
	case O_NAMESPACE: return append(o->dht.namespaces, v);
	case O_STORE: return text(&o->dht.store, v);
	case O_PROVIDE: return append(o->dht.provide, v);
	default: return take_shot(k->val, o, v);
	}
}

/* An address, and with peer, one that ends in it. */
static const char *
check_address(const char *value, bool peer)
{
	struct p2p_multiaddr *ma;
	struct p2p_peer_id id;
	int e;

	if (p2p_multiaddr_parse(value, &ma) != 0)
		return "not an address";
	e = peer ? p2p_multiaddr_peer(ma, &id) : 0;
	p2p_multiaddr_free(ma);
	return e != 0 ? "the address names no peer" : NULL;
}

const char *
known_check_peer(const char *value)
{
	return value[0] == '/' ? check_address(value, true) : NULL;
}

static const char *
check_mode(const char *value)
{
	static const char *const modes[] = { "off", "client", "server",
	    "auto" };
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(value, modes[i]) == 0)
			return NULL;
	return "off, client, server or auto";
}

static const char *
check_limit(const char *value)
{
	struct p2p_limit_info l;
	size_t i, len = strcspn(value, "=");
	struct p2p_host *h;
	int e = 0;

	if (p2p_host_new(NULL, &h) != 0)
		return NULL;		/* the start will say why */
	for (i = 0; (e = p2p_host_limit(h, i, &l)) == 0; i++)
		if (strlen(l.name) == len &&
		    strncmp(l.name, value, len) == 0)
			break;
	p2p_host_free(h);
	return e != 0 ? "no such limit" : NULL;
}

const char *
known_check(const struct known *k, const char *v)
{
	uint8_t hash[P2P_KAD_MULTIHASH_MAX];
	struct p2p_peer_id id;
	size_t len;

	switch (k->val) {
	case 'l':
		return check_address(v, false);
	case O_CONNECT:
		return p2p_peer_id_parse(v, &id) == 0 ? NULL :
		    check_address(v, false);
	case O_BOOTSTRAP:
		return strcmp(v, "ipfs") == 0 || strcmp(v, "none") == 0 ?
		    NULL : check_address(v, true);
	case O_NETWORK:
		return strcmp(v, "ipfs") == 0 || strcmp(v, "lan") == 0 ||
		    v[0] == '/' ? NULL : "ipfs, lan, or a protocol id";
	case O_PROVIDE:
		return p2p_kad_multihash(v, hash, &len) == 0 ? NULL :
		    "not a CID";
	case O_DHT:
		return check_mode(v);
	case O_LIMIT:
		return check_limit(v);
	default:
		return NULL;
	}
}
