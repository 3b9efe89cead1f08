/*
 * IANA's registries of special-purpose addresses, as far as a node could meet
 * them; a name counts as public unless it says that it is local.
 */
#include "services/kad/kad_addr.h"

#include <string.h>

#include "p2p/multiaddr.h"

enum scope {
	NOWHERE,		/* no one could dial it */
	LOOPBACK,
	PRIVATE,
	PUBLIC,
};

struct net {
	uint8_t		prefix[4];
	unsigned	bits;
	enum scope	scope;
};

static const struct net nets4[] = {
	{ { 127 }, 8, LOOPBACK },
	{ { 10 }, 8, PRIVATE },
	{ { 172, 16 }, 12, PRIVATE },
	{ { 192, 168 }, 16, PRIVATE },
	{ { 169, 254 }, 16, PRIVATE },		/* link-local */
	{ { 100, 64 }, 10, PRIVATE },		/* behind a carrier's NAT */
	{ { 0 }, 8, NOWHERE },
	{ { 192, 0, 0 }, 24, NOWHERE },
	{ { 192, 0, 2 }, 24, NOWHERE },		/* documentation */
	{ { 198, 51, 100 }, 24, NOWHERE },
	{ { 203, 0, 113 }, 24, NOWHERE },
	{ { 198, 18 }, 15, NOWHERE },		/* benchmarks */
	{ { 224 }, 3, NOWHERE },		/* multicast, reserved */
};

static const struct net nets6[] = {
	{ { 0xfc }, 7, PRIVATE },		/* unique local */
	{ { 0xfe, 0x80 }, 10, PRIVATE },	/* link-local */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, NOWHERE },	/* documentation */
	{ { 0x20 }, 3, PUBLIC },
};

/* IPv4 networks that were given out as a whole: go's list. */
static const uint8_t wide[] = { 12, 17, 19, 38, 48, 53, 56, 73 };

static bool
is_in(const uint8_t *ip, const struct net *n)
{
	unsigned bit;

	for (bit = 0; bit < n->bits; bit++)
		if (((ip[bit / 8] ^ n->prefix[bit / 8]) & 0x80 >> bit % 8) != 0)
			return false;
	return true;
}

static enum scope
look_up(const uint8_t *ip, const struct net *nets, size_t n, enum scope other)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_in(ip, &nets[i]))
			return nets[i].scope;
	return other;
}

static enum scope
scope4(const uint8_t *ip)
{
	return look_up(ip, nets4, sizeof(nets4) / sizeof(nets4[0]), PUBLIC);
}

/* ::ffff:0:0/96: the IPv4 address is behind it. */
static bool
is_mapped(const uint8_t *ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static enum scope
scope6(const uint8_t *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (memcmp(ip, one, sizeof(one)) == 0)
		return LOOPBACK;
	if (is_mapped(ip))
		return scope4(ip + 12);
	return look_up(ip, nets6, sizeof(nets6) / sizeof(nets6[0]), NOWHERE);
}

/* The domain or a name in it; case is no matter, nor is a last dot. */
static bool
is_below(const struct p2p_multiaddr_part *p, const char *domain)
{
	size_t i, len = p->len, tail = strlen(domain);

	len -= len > 0 && p->value[len - 1] == '.';
	if (len < tail)
		return false;
	for (i = 0; i < tail; i++)
		if ((p->value[len - tail + i] | 0x20) != domain[i])
			return false;
	return len == tail || p->value[len - tail - 1] == '.';
}

static enum scope
scope_of_name(const struct p2p_multiaddr_part *p)
{
	if (is_below(p, "localhost"))
		return LOOPBACK;
	return is_below(p, "local") ? PRIVATE : PUBLIC;
}

static bool
is_relayed(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part p;
	size_t i;

	for (i = 0; p2p_multiaddr_part(ma, i, &p); i++)
		if (strcmp(p.name, "p2p-circuit") == 0)
			return true;
	return false;
}

static enum scope
scope_of(const struct p2p_multiaddr *ma)
{
	struct p2p_multiaddr_part p;

	if (!p2p_multiaddr_part(ma, 0, &p) || is_relayed(ma))
		return NOWHERE;
	if (strcmp(p.name, "ip4") == 0)
		return scope4(p.value);
	if (strcmp(p.name, "ip6") == 0)
		return scope6(p.value);
	return strncmp(p.name, "dns", 3) == 0 ? scope_of_name(&p) : NOWHERE;
}

bool
kad_addr_counts(const struct p2p_multiaddr *ma, enum p2p_kad_reach reach)
{
	switch (reach) {
	case P2P_KAD_PUBLIC:
		return scope_of(ma) == PUBLIC;
	case P2P_KAD_PRIVATE:
		return scope_of(ma) >= PRIVATE;
	case P2P_KAD_ANY:
		break;
	}
	return !is_relayed(ma);
}

/* Of a local network is who has an address there: go's rule. */
bool
kad_addr_routable(struct p2p_multiaddr *const *addrs, enum p2p_kad_reach reach)
{
	size_t i;

	for (i = 0; addrs[i] != NULL; i++)
		if (reach == P2P_KAD_PRIVATE ? scope_of(addrs[i]) == PRIVATE :
		    kad_addr_counts(addrs[i], reach))
			return true;
	return false;
}

static uint64_t
group4(const uint8_t *ip)
{
	return (uint64_t)4 << 32 | (uint64_t)ip[0] << 8 |
	    (memchr(wide, ip[0], sizeof(wide)) != NULL ? 0 : ip[1]);
}

static uint64_t
group6(const uint8_t *ip)
{
	return is_mapped(ip) ? group4(ip + 12) :
	    (uint64_t)6 << 32 | (uint64_t)ip[0] << 24 |
	    (uint64_t)ip[1] << 16 | (uint64_t)ip[2] << 8 | ip[3];
}

bool
kad_addr_group(const struct p2p_multiaddr *ma, uint64_t *out)
{
	struct p2p_multiaddr_part p;

	if (!p2p_multiaddr_part(ma, 0, &p))
		return false;
	if (strcmp(p.name, "ip6") == 0)
		*out = group6(p.value);
	else if (strcmp(p.name, "ip4") == 0)
		*out = group4(p.value);
	else
		return false;
	return true;
}

size_t
kad_addr_groups(struct p2p_multiaddr *const *addrs, uint64_t *out, size_t max)
{
	size_t i, j, n = 0;
	uint64_t group;

	for (i = 0; addrs[i] != NULL && n < max; i++) {
		if (!kad_addr_group(addrs[i], &group))
			continue;
		for (j = 0; j < n && out[j] != group; j++)
			;
		if (j == n)
			out[n++] = group;
	}
	return n;
}
