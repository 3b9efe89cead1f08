/*
 * Which addresses count in a DHT of which reach, and which belong together:
 * IANA's registries of special-purpose addresses, at both ends of each net.
 */
#include "services/kad/kad_addr.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "p2p/multiaddr.h"

#define RELAY	"/ip4/8.8.8.8/tcp/1/p2p/" \
		"12D3KooWLU2znyJMtDiHArqAGbZn8CgUGp92kxDBtefftEEaHSZS/" \
		"p2p-circuit"

/* What an address is good for: a letter for each reach, public to any. */
static const struct {
	const char	*text, *counts;
} table[] = {
	{ "/ip4/8.8.8.8/tcp/1", "PLA" },
	{ "/ip4/1.0.0.0/udp/1/quic-v1", "PLA" },
	{ "/ip4/126.255.255.255/tcp/1", "PLA" },
	{ "/ip4/127.0.0.1/tcp/1", "A" },
	{ "/ip4/127.255.255.255/tcp/1", "A" },
	{ "/ip4/128.0.0.0/tcp/1", "PLA" },
	{ "/ip4/9.255.255.255/tcp/1", "PLA" },
	{ "/ip4/10.0.0.0/tcp/1", "LA" },
	{ "/ip4/10.255.255.255/tcp/1", "LA" },
	{ "/ip4/11.0.0.0/tcp/1", "PLA" },
	{ "/ip4/172.15.255.255/tcp/1", "PLA" },
	{ "/ip4/172.16.0.0/tcp/1", "LA" },
	{ "/ip4/172.31.255.255/tcp/1", "LA" },
	{ "/ip4/172.32.0.0/tcp/1", "PLA" },
	{ "/ip4/192.167.255.255/tcp/1", "PLA" },
	{ "/ip4/192.168.0.0/tcp/1", "LA" },
	{ "/ip4/192.168.255.255/tcp/1", "LA" },
	{ "/ip4/192.169.0.0/tcp/1", "PLA" },
	{ "/ip4/169.254.1.1/tcp/1", "LA" },
	{ "/ip4/169.255.0.0/tcp/1", "PLA" },
	{ "/ip4/100.63.255.255/tcp/1", "PLA" },
	{ "/ip4/100.64.0.0/tcp/1", "LA" },
	{ "/ip4/100.127.255.255/tcp/1", "LA" },
	{ "/ip4/100.128.0.0/tcp/1", "PLA" },
	{ "/ip4/0.0.0.0/tcp/1", "A" },
	{ "/ip4/0.255.255.255/tcp/1", "A" },
	{ "/ip4/192.0.0.255/tcp/1", "A" },
	{ "/ip4/192.0.1.0/tcp/1", "PLA" },
	{ "/ip4/192.0.2.255/tcp/1", "A" },
	{ "/ip4/192.0.3.0/tcp/1", "PLA" },
	{ "/ip4/198.51.100.1/tcp/1", "A" },
	{ "/ip4/203.0.113.1/tcp/1", "A" },
	{ "/ip4/198.17.255.255/tcp/1", "PLA" },
	{ "/ip4/198.18.0.0/tcp/1", "A" },
	{ "/ip4/198.19.255.255/tcp/1", "A" },
	{ "/ip4/198.20.0.0/tcp/1", "PLA" },
	{ "/ip4/223.255.255.255/tcp/1", "PLA" },
	{ "/ip4/224.0.0.1/tcp/1", "A" },
	{ "/ip4/240.0.0.1/tcp/1", "A" },
	{ "/ip4/255.255.255.255/tcp/1", "A" },
	{ "/ip6/::/tcp/1", "A" },
	{ "/ip6/::1/tcp/1", "A" },
	{ "/ip6/::2/tcp/1", "A" },
	{ "/ip6/2000::/tcp/1", "PLA" },
	{ "/ip6/2606:4700::1111/tcp/1", "PLA" },
	{ "/ip6/2001:db7:ffff::1/tcp/1", "PLA" },
	{ "/ip6/2001:db8::1/tcp/1", "A" },
	{ "/ip6/2001:db8:ffff::1/tcp/1", "A" },
	{ "/ip6/2001:db9::1/tcp/1", "PLA" },
	{ "/ip6/1fff::1/tcp/1", "A" },
	{ "/ip6/4000::1/tcp/1", "A" },
	{ "/ip6/fbff::1/tcp/1", "A" },
	{ "/ip6/fc00::1/tcp/1", "LA" },
	{ "/ip6/fdff:ffff::1/tcp/1", "LA" },
	{ "/ip6/fe7f::1/tcp/1", "A" },
	{ "/ip6/fe80::1/tcp/1", "LA" },
	{ "/ip6/febf::1/tcp/1", "LA" },
	{ "/ip6/fec0::1/tcp/1", "A" },
	{ "/ip6/ff02::1/tcp/1", "A" },
	{ "/ip6/::ffff:8.8.8.8/tcp/1", "PLA" },
	{ "/ip6/::ffff:10.1.2.3/tcp/1", "LA" },
	{ "/ip6/::ffff:127.0.0.1/tcp/1", "A" },
	{ "/ip6/::ffff:0.0.0.0/tcp/1", "A" },
	{ "/dns/example.com/tcp/1", "PLA" },
	{ "/dns4/example.com/tcp/1", "PLA" },
	{ "/dns6/example.com/tcp/1", "PLA" },
	{ "/dnsaddr/example.com", "PLA" },
	{ "/dns4/localhost/tcp/1", "A" },
	{ "/dns4/a.localhost/tcp/1", "A" },
	{ "/dns4/LocalHost/tcp/1", "A" },
	{ "/dns4/localhost./tcp/1", "A" },
	{ "/dns4/not-localhost/tcp/1", "PLA" },
	{ "/dns4/localhost.example.com/tcp/1", "PLA" },
	{ "/dns/printer.local/tcp/1", "LA" },
	{ "/dns/Printer.LOCAL./tcp/1", "LA" },
	{ "/dns/printerlocal/tcp/1", "PLA" },
	{ "/dns/local.example.com/tcp/1", "PLA" },
	{ "/unix/tmp%2Fsocket", "A" },
	{ RELAY, "" },
	{ RELAY "/ip4/8.8.8.8/tcp/1", "" },
};

static const enum p2p_kad_reach reaches[] = { P2P_KAD_PUBLIC,
    P2P_KAD_PRIVATE, P2P_KAD_ANY };

static void
each_address_counts_where_it_can_be_reached(void)
{
	struct p2p_multiaddr *ma;
	char got[4], line[256], want[256];
	size_t i, j, n;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ma = check_maddr(table[i].text);
		for (j = n = 0; j < 3; j++)
			if (kad_addr_counts(ma, reaches[j]))
				got[n++] = "PLA"[j];
		got[n] = '\0';
		snprintf(line, sizeof(line), "%s %s", table[i].text, got);
		snprintf(want, sizeof(want), "%s %s", table[i].text,
		    table[i].counts);
		CHECK_STR(line, want);
		p2p_multiaddr_free(ma);
	}
}

/* One of them makes the peer; in a local network it is one of its own. */
static void
a_peer_is_routable_by_one_of_its_addresses(void)
{
	static const struct {
		const char	*list[3], *routable;
	} peers[] = {
		{ { NULL }, "" },
		{ { "/ip4/8.8.8.8/tcp/1" }, "PA" },
		{ { "/ip4/10.0.0.1/tcp/1" }, "LA" },
		{ { "/ip4/127.0.0.1/tcp/1" }, "A" },
		{ { "/ip4/127.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1" }, "PA" },
		{ { "/ip4/8.8.8.8/tcp/1", "/ip6/fc00::1/tcp/1" }, "PLA" },
		{ { RELAY }, "" },
		{ { RELAY, "/ip4/127.0.0.1/tcp/1" }, "A" },
	};
	struct p2p_multiaddr *list[3];
	char got[4];
	size_t i, j, n;

	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		for (j = 0; peers[i].list[j] != NULL; j++)
			list[j] = check_maddr(peers[i].list[j]);
		list[j] = NULL;
		for (j = n = 0; j < 3; j++)
			if (kad_addr_routable(list, reaches[j]))
				got[n++] = "PLA"[j];
		got[n] = '\0';
		CHECK_STR(got, peers[i].routable);
		for (j = 0; list[j] != NULL; j++)
			p2p_multiaddr_free(list[j]);
	}
}

/* Lines of addresses that are one group; no two lines are one. */
static const char *const groups[][3] = {
	{ "/ip4/8.8.8.8/tcp/1", "/ip4/8.8.255.1/udp/9/quic-v1",
	  "/ip6/::ffff:8.8.4.4/tcp/1" },
	{ "/ip4/8.9.8.8/tcp/1", "/ip4/8.9.0.0/tcp/1" },
	{ "/ip4/9.8.8.8/tcp/1" },
	{ "/ip4/12.0.0.1/tcp/1", "/ip4/12.255.1.1/tcp/1",
	  "/ip6/::ffff:12.77.4.4/tcp/1" },
	{ "/ip4/17.0.0.1/tcp/1", "/ip4/17.255.1.1/tcp/1" },
	{ "/ip4/19.0.0.1/tcp/1", "/ip4/19.255.1.1/tcp/1" },
	{ "/ip4/38.0.0.1/tcp/1", "/ip4/38.255.1.1/tcp/1" },
	{ "/ip4/48.0.0.1/tcp/1", "/ip4/48.255.1.1/tcp/1" },
	{ "/ip4/53.0.0.1/tcp/1", "/ip4/53.255.1.1/tcp/1" },
	{ "/ip4/56.0.0.1/tcp/1", "/ip4/56.255.1.1/tcp/1" },
	{ "/ip4/73.0.0.1/tcp/1", "/ip4/73.255.1.1/tcp/1" },
	{ "/ip4/13.0.0.1/tcp/1" },
	{ "/ip4/13.255.1.1/tcp/1" },
	{ "/ip6/2606:4700::1/tcp/1", "/ip6/2606:4700:ffff::1/tcp/1" },
	{ "/ip6/2606:4701::1/tcp/1" },
	{ "/ip6/2607:4700::1/tcp/1" },
	{ "/ip6/::8.8.8.8/tcp/1", "/ip6/::1/tcp/1" },
};
#define NGROUPS	(sizeof(groups) / sizeof(groups[0]))

static void
addresses_belong_together_by_network(void)
{
	uint64_t seen[NGROUPS], group;
	struct p2p_multiaddr *ma;
	size_t i, j;

	for (i = 0; i < NGROUPS; i++) {
		for (j = 0; j < 3 && groups[i][j] != NULL; j++) {
			ma = check_maddr(groups[i][j]);
			CHECK(kad_addr_group(ma, &group));
			if (j == 0)
				seen[i] = group;
			CHECK_EQ(group, seen[i]);
			p2p_multiaddr_free(ma);
		}
		for (j = 0; j < i; j++)
			CHECK(seen[i] != seen[j]);
	}
	ma = check_maddr("/dns4/example.com/tcp/1");
	CHECK(!kad_addr_group(ma, &group));
	p2p_multiaddr_free(ma);
}

static void
groups_of_a_list_are_each_counted_once(void)
{
	static const char *const texts[] = { "/ip4/8.8.8.8/tcp/1",
	    "/dns/example.com/tcp/1", "/ip4/8.8.4.4/tcp/2",
	    "/ip4/9.9.9.9/tcp/1", "/ip6/2606:4700::1/tcp/1",
	    "/ip4/8.8.8.8/tcp/3" };
	struct p2p_multiaddr *list[7];
	uint64_t out[8] = { 0 };
	size_t i;

	for (i = 0; i < 6; i++)
		list[i] = check_maddr(texts[i]);
	list[6] = NULL;
	CHECK_EQ(kad_addr_groups(list, out, 8), 3);
	CHECK(out[0] != out[1] && out[1] != out[2] && out[0] != out[2]);
	CHECK_EQ(out[3], 0);
	CHECK_EQ(kad_addr_groups(list, out, 2), 2);
	CHECK_EQ(kad_addr_groups(&list[6], out, 8), 0);
	for (i = 0; i < 6; i++)
		p2p_multiaddr_free(list[i]);
}

TESTS("kad_addr",
    { "each address counts where it can be reached",
      each_address_counts_where_it_can_be_reached },
    { "a peer is routable by one of its addresses",
      a_peer_is_routable_by_one_of_its_addresses },
    { "addresses belong together by network",
      addresses_belong_together_by_network },
    { "groups of a list are each counted once",
      groups_of_a_list_are_each_counted_once })
