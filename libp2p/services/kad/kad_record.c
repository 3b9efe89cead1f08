/*
 * The table of rules, and the rule that needs no more than a key: /pk.  That
 * of /ipns is in kad_ipns.c.
 */
#include "services/kad/kad_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/error.h"
#include "p2p/key.h"

int
kad_record_split(const struct p2p_record *r, struct rd *ns, struct rd *rest)
{
	const uint8_t *slash;
	size_t len;

	if (r->key_len < 2 || r->key[0] != '/' ||
	    (slash = memchr(r->key + 1, '/', r->key_len - 1)) == NULL)
		return P2P_ERR_FORMAT;
	len = (size_t)(slash - r->key);
	*ns = (struct rd){ r->key + 1, len - 1 };
	*rest = (struct rd){ slash + 1, r->key_len - len - 1 };
	return ns->len > 0 && rest->len > 0 ? 0 : P2P_ERR_FORMAT;
}

void *
kad_record_dup(const struct p2p_record *r, size_t head, struct p2p_record *out)
{
	uint8_t *block, *p;

	if ((block = malloc(head + r->key_len + r->len)) == NULL)
		return NULL;
	p = block + head;
	memcpy(p, r->key, r->key_len);
	if (r->len > 0)
		memcpy(p + r->key_len, r->value, r->len);
	*out = (struct p2p_record){ p, r->key_len, p + r->key_len, r->len };
	return block;
}

int
kad_record_peer(const struct p2p_record *r, struct p2p_peer_id *out)
{
	struct rd ns, rest;

	if (kad_record_split(r, &ns, &rest) != 0 ||
	    p2p_peer_id_decode(rest.p, rest.len, out) != 0)
		return P2P_ERR_FORMAT;
	return 0;
}

/* NULL: there is none. */
static const struct p2p_record_rule *
rule_of(const struct kad_rules *rules, const struct rd *ns)
{
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (rd_equal(ns, rules->list[i].name,
		    strlen(rules->list[i].name)))
			return &rules->list[i];
	return NULL;
}

int
kad_rules_validate(const struct kad_rules *rules, const struct p2p_record *r,
    uint64_t now)
{
	const struct p2p_record_rule *rule;
	struct rd ns, rest;
	int e;

	if (r->key_len > P2P_RECORD_KEY_MAX || r->len > P2P_RECORD_VALUE_MAX)
		return P2P_ERR_TOO_LARGE;
	if ((e = kad_record_split(r, &ns, &rest)) != 0)
		return e;
	if ((rule = rule_of(rules, &ns)) == NULL)
		return P2P_ERR_UNSUPPORTED;
	return rule->validate != NULL ? rule->validate(r, now, rule->arg) : 0;
}

int
kad_rules_check_key(const struct kad_rules *rules, struct rd key)
{
	const struct p2p_record r = { .key = key.p, .key_len = key.len };
	struct rd ns, rest;
	int e;

	if (key.len > P2P_RECORD_KEY_MAX)
		return P2P_ERR_TOO_LARGE;
	if ((e = kad_record_split(&r, &ns, &rest)) != 0)
		return e;
	return rule_of(rules, &ns) != NULL ? 0 : P2P_ERR_UNSUPPORTED;
}

int
kad_rules_compare(const struct kad_rules *rules, const struct p2p_record *a,
    const struct p2p_record *b)
{
	const struct p2p_record_rule *rule;
	struct rd ns, rest;

	if (kad_record_split(a, &ns, &rest) != 0 ||
	    (rule = rule_of(rules, &ns)) == NULL || rule->compare == NULL)
		return 0;
	return rule->compare(a, b, rule->arg);
}

/* The value is the PublicKey whose hash the key is: there is but one. */
static int
pk_validate(const struct p2p_record *r, uint64_t now, void *arg)
{
	struct p2p_peer_id named, id;
	struct p2p_key *key;
	int e;

	(void)now;
	(void)arg;
	if ((e = kad_record_peer(r, &named)) != 0 ||
	    (e = p2p_key_decode_public(r->value, r->len, &key)) != 0)
		return e;
	p2p_peer_id_from_key(key, &id);
	p2p_key_free(key);
	return p2p_peer_id_equal(&id, &named) ? 0 : P2P_ERR_WRONG_PEER;
}

const struct p2p_record_rule p2p_record_pk = { .name = "pk",
    .validate = pk_validate };

size_t
p2p_record_key(const char *name, const struct p2p_peer_id *peer, uint8_t *out)
{
	struct wr w;

	wr_init(&w, out, P2P_RECORD_KEY_MAX);
	wr_u8(&w, '/');
	wr_bytes(&w, name, strlen(name));
	wr_u8(&w, '/');
	wr_bytes(&w, peer->bytes, peer->len);
	assert(!w.full);
	return w.len;
}
