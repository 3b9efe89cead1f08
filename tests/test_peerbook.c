/*
 * Where peers are, over the end of a host: what a store says is there again, if
 * it is good, and for as long as it was to be.
 */
#include "host/peerbook.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/varint.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/host.h"
#include "p2p/multiaddr.h"
#include "p2p/peerstore.h"
#include "p2p/store.h"
#include "sim/peer.h"

#define SPACE	"peers"
#define DAY	(24 * 3600 * CLOCK_S)
#define WAIT_MS	10000

static struct p2p_host *
start(struct p2p_store *store)
{
	struct p2p_host_config c = { .store = store };
	struct p2p_host *h = NULL;

	CHECK_OK(p2p_host_new(&c, &h));
	CHECK_FATAL(h != NULL);
	return h;
}

static struct p2p_host *
restart(struct p2p_host *h, struct p2p_store *store)
{
	p2p_host_free(h);
	return start(store);
}

static void
add(struct p2p_host *h, uint32_t n, const char *addr, uint64_t ttl_s)
{
	struct p2p_multiaddr *ma = check_maddr(addr);
	struct p2p_peer_id id = peer(n);

	CHECK_OK(p2p_peerstore_add(h, &id, ma, ttl_s));
	p2p_multiaddr_free(ma);
}

/* How many addresses it has; *first, if not NULL, is text of one. */
static size_t
count(struct p2p_host *h, uint32_t n, char first[64])
{
	struct p2p_peer_id id = peer(n);
	struct p2p_multiaddr **list;
	size_t i = 0;

	if (p2p_peerstore_addresses(h, &id, &list) != 0)
		return 0;
	if (first != NULL)
		snprintf(first, 64, "%s", p2p_multiaddr_text(list[0]));
	while (list[i] != NULL)
		i++;
	p2p_host_addresses_free(list);
	return i;
}

static void
peers_are_there_after_a_restart(void)
{
	struct p2p_store *store;
	struct p2p_host *h;
	char text[64];
	uint32_t i;

	CHECK_OK(p2p_store_memory(&store));
	h = start(store);
	add(h, 1, "/ip4/1.2.3.4/tcp/1", 3600);
	add(h, 1, "/ip4/1.2.3.4/tcp/2", P2P_TTL_FOREVER);
	for (i = 2; i < 600; i++)
		add(h, i, "/ip4/5.6.7.8/tcp/9", 3600);
	h = restart(h, store);
	CHECK_EQ(count(h, 1, NULL), 2);
	for (i = 2; i < 600; i++)
		CHECK_EQ(count(h, i, text), 1);
	CHECK_STR(text, "/ip4/5.6.7.8/tcp/9");
	/* And once more, though nothing has changed. */
	h = restart(h, store);
	CHECK_EQ(count(h, 1, NULL), 2);
	CHECK_EQ(count(h, 599, NULL), 1);
	p2p_host_free(h);
	p2p_store_free(store);
}

/* Time goes on while no host is there. */
static void
an_address_lives_as_long_as_it_was_to(void)
{
	struct p2p_store *store;
	struct p2p_host *h;
	char text[64];

	CHECK_OK(p2p_store_memory(&store));
	h = start(store);
	add(h, 1, "/ip4/1.2.3.4/tcp/1", 1000);
	add(h, 1, "/ip4/1.2.3.4/tcp/2", 3000);
	add(h, 1, "/ip4/1.2.3.4/tcp/3", P2P_TTL_FOREVER);
	add(h, 2, "/ip4/1.2.3.4/tcp/1", 1000);
	p2p_host_free(h);
	clock_test_advance(900 * CLOCK_S);
	h = start(store);
	CHECK_EQ(count(h, 1, NULL), 3);
	CHECK_EQ(count(h, 2, NULL), 1);
	clock_test_advance(200 * CLOCK_S);	/* with a host */
	CHECK_EQ(count(h, 1, NULL), 2);
	CHECK_EQ(count(h, 2, NULL), 0);
	p2p_host_free(h);
	clock_test_advance(2000 * CLOCK_S);	/* without */
	h = start(store);
	CHECK_EQ(count(h, 1, text), 1);
	CHECK_STR(text, "/ip4/1.2.3.4/tcp/3");
	p2p_host_free(h);
	/* What has no end is forgotten, too, if nobody comes back for it. */
	clock_test_advance(29 * DAY);
	h = start(store);
	CHECK_EQ(count(h, 1, NULL), 1);
	p2p_host_free(h);
	clock_test_advance(DAY);
	h = start(store);
	CHECK_EQ(count(h, 1, NULL), 0);
	p2p_host_free(h);
	p2p_store_free(store);
}

/* As the file has it: times and addresses in hex, W for an hour from now. */
static void
plant(struct p2p_store *store, struct rd key, const char *hex)
{
	struct p2p_store_entry en = { .key = key.p, .key_len = key.len };
	uint64_t hour = clock_wall_ns() + 3600 * CLOCK_S;
	uint8_t buf[256], *bytes;
	struct wr w;
	size_t len;

	wr_init(&w, buf, sizeof(buf));
	for (; *hex != '\0'; hex++) {
		if (*hex == 'W') {
			wr_be64(&w, hour);
		} else {
			bytes = check_unhex((char[]){ hex[0], hex[1], 0 },
			    &len);
			wr_bytes(&w, bytes, len);
			free(bytes);
			hex++;
		}
	}
	en.value = buf;
	en.len = w.len;
	CHECK_OK(p2p_store_put(store, SPACE, &en));
}

#define ADDR	"08" "0401020304" "060001"	/* /ip4/1.2.3.4/tcp/1 */
#define PAST	"0000000000000001"
#define FOREVER	"0000000000000000"

static void
what_is_damaged_is_skipped(void)
{
	static const struct {
		const char	*hex;
		size_t		 addrs;
	} list[] = {
		{ "W" ADDR, 1 },
		{ "", 0 },
		{ "00", 0 },
		{ FOREVER, 0 },
		{ FOREVER "08", 0 },
		{ FOREVER "08040102", 0 },
		{ FOREVER ADDR, 1 },
		{ PAST ADDR, 0 },
		{ PAST ADDR "W" ADDR, 1 },
		{ "W" "02ffff" "W" ADDR, 1 },		/* no address */
		{ "W" "00" "W" ADDR, 1 },
		{ "W" ADDR "W" "08040102", 1 },
		{ "W" ADDR "ff", 1 },
		{ "W" "8800" "0401020304060001", 0 },	/* not minimal */
	};
	struct p2p_peer_id id, *all;
	struct p2p_store *store;
	struct p2p_host *h;
	size_t i, n, good = 0;

	CHECK_OK(p2p_store_memory(&store));
	plant(store, (struct rd){ (const uint8_t *)"nobody", 6 }, "W" ADDR);
	plant(store, (struct rd){ (const uint8_t *)"\0\4abcde", 7 },
	    "W" ADDR);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		id = peer((uint32_t)i);
		plant(store, (struct rd){ id.bytes, id.len }, list[i].hex);
		good += list[i].addrs;
	}
	h = start(store);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		CHECK_EQ(count(h, (uint32_t)i, NULL), list[i].addrs);
	CHECK_OK(p2p_peerstore_peers(h, &all, &n));
	CHECK_EQ(n, good);
	free(all);
	p2p_host_free(h);
	p2p_store_free(store);
}

/* Whoever was to be forgotten is not there again. */
static void
a_peer_that_was_removed_stays_away(void)
{
	struct p2p_peer_id id = peer(1);
	struct p2p_store *store;
	struct p2p_host *h;

	CHECK_OK(p2p_store_memory(&store));
	h = start(store);
	add(h, 1, "/ip4/1.2.3.4/tcp/1", P2P_TTL_FOREVER);
	add(h, 2, "/ip4/1.2.3.4/tcp/2", P2P_TTL_FOREVER);
	h = restart(h, store);
	CHECK_EQ(count(h, 1, NULL), 1);
	CHECK_OK(p2p_peerstore_remove(h, &id));
	CHECK_ERR(p2p_peerstore_remove(h, &id), P2P_ERR_NOT_FOUND);
	h = restart(h, store);
	CHECK_EQ(count(h, 1, NULL), 0);
	CHECK_EQ(count(h, 2, NULL), 1);
	p2p_host_free(h);
	p2p_store_free(store);
}

static bool
is_stored(struct p2p_store *store, uint32_t n)
{
	struct p2p_peer_id id = peer(n);
	struct p2p_store_entry *en;

	if (p2p_store_get(store, SPACE, id.bytes, id.len, &en) != 0)
		return false;
	free(en);
	return true;
}

/* Saved every ten seconds: whether it is there in time. */
static bool
is_saved(struct p2p_store *store, uint32_t n)
{
	int i;

	clock_test_advance(10 * CLOCK_S);
	for (i = 0; i < WAIT_MS && !is_stored(store, n); i++)
		(void)poll(NULL, 0, 1);
	return is_stored(store, n);
}

static void
what_has_changed_is_saved_meanwhile(void)
{
	struct p2p_store *store;
	struct p2p_host *h;

	clock_test_advance(1);	/* before anybody waits */
	CHECK_OK(p2p_store_memory(&store));
	h = start(store);
	add(h, 1, "/ip4/1.2.3.4/tcp/1", 3600);
	CHECK(is_saved(store, 1));
	CHECK(!is_stored(store, 2));
	add(h, 2, "/ip4/1.2.3.4/tcp/1", 3600);
	CHECK(is_saved(store, 2));
	p2p_host_free(h);
	p2p_store_free(store);
}

/* The one who is killed: not a word of farewell. */
static void
run_and_die(void)
{
	struct p2p_store *store;
	struct p2p_host *h;

	clock_test_advance(1);	/* before anybody waits */
	if (p2p_store_open("peers.db", &store, NULL) != 0)
		_exit(2);
	h = start(store);
	add(h, 1, "/ip4/1.2.3.4/tcp/1", 3600);
	add(h, 2, "/ip4/1.2.3.4/tcp/2", P2P_TTL_FOREVER);
	_exit(is_saved(store, 1) && is_saved(store, 2) ? 0 : 3);
}

static void
a_kill_loses_nothing_that_was_saved(void)
{
	struct p2p_store *store;
	struct p2p_host *h;
	int e, status = -1;
	char text[64];
	pid_t pid;

	check_dir_enter();
	e = p2p_store_open("peers.db", &store, NULL);
	if (e == P2P_ERR_UNSUPPORTED)		/* built without SQLite */
		goto done;
	CHECK_OK(e);
	p2p_store_free(store);
	if ((pid = fork()) == 0)
		run_and_die();
	CHECK_FATAL(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_OK(p2p_store_open("peers.db", &store, NULL));
	h = start(store);
	CHECK_EQ(count(h, 1, text), 1);
	CHECK_STR(text, "/ip4/1.2.3.4/tcp/1");
	CHECK_EQ(count(h, 2, NULL), 1);
	p2p_host_free(h);
	p2p_store_free(store);
done:
	check_dir_leave();
}

TESTS("peerbook",
    { "a kill loses nothing that was saved",
      a_kill_loses_nothing_that_was_saved },
    { "peers are there after a restart", peers_are_there_after_a_restart },
    { "an address lives as long as it was to",
      an_address_lives_as_long_as_it_was_to },
    { "what is damaged is skipped", what_is_damaged_is_skipped },
    { "a peer that was removed stays away",
      a_peer_that_was_removed_stays_away },
    { "what has changed is saved meanwhile",
      what_has_changed_is_saved_meanwhile })
