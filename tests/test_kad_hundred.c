/*
 * Many real hosts in one process, over TCP on loopback: one is known to all,
 * the rest they find out.  Then all of them are restarted, one after another.
 * With TEST_HOSTS=100 there are a hundred, and 15,000 threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "dht.h"
#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/store.h"

#define HOSTS_MAX	100
#define HOSTS_FEW	30		/* unless TEST_HOSTS says more */

static struct dht net;
static struct p2p_store *stores[HOSTS_MAX];
static struct p2p_key *keys[HOSTS_MAX];
static size_t hosts = HOSTS_FEW;	/* and keys */

static void
choose_hosts(void)
{
	const char *text = getenv("TEST_HOSTS");

	if (text != NULL)
		hosts = strtoul(text, NULL, 10);
	CHECK_FATAL(hosts > P2P_KAD_K && hosts <= HOSTS_MAX);
}

static size_t
resident_mib(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f != NULL && fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) >> 20;
}

static void
report(const char *when)
{
	static uint64_t last;
	uint64_t now = clock_now();

	printf("\n    %s: %zu hosts, %u threads, %zu MiB resident, %.1f s ",
	    when, net.n, thread_count(), resident_mib(),
	    last != 0 ? (double)(now - last) / 1e9 : 0.0);
	last = now;
	fflush(stdout);
}

static struct p2p_record
record(unsigned i, char key[32], char value[32])
{
	struct p2p_record r = { (uint8_t *)key, 0, (uint8_t *)value, 0 };

	r.key_len = (size_t)snprintf(key, 32, "/test/key-%u", i);
	r.len = (size_t)snprintf(value, 32, "value-%u", i);
	return r;
}

static void
start(size_t i, const struct dht_node *by)
{
	struct p2p_kad_config c = dht_config(P2P_KAD_SERVER);

	c.store = stores[i];
	dht_node_start_as(&net.node[i], keys[i], &c, dht_many);
	if (by != NULL)
		dht_join(&net.node[i], by);
}

/* Each host looks for keys that others put. */
static void
everybody_finds(unsigned n)
{
	char key[32], value[32];
	struct p2p_record want, *got;
	unsigned k, missing = 0;
	size_t i;

	for (i = 0; i < net.n; i++) {
		for (k = 0; k < n; k++) {
			want = record((unsigned)(i * 31 + k) % hosts, key,
			    value);
			got = NULL;
			if (p2p_kad_get(net.node[i].kad, want.key,
			    want.key_len, &(struct p2p_kad_options){
			    .quorum = 1 }, &got, NULL) != 0 ||
			    got->len != want.len ||
			    memcmp(got->value, want.value, want.len) != 0)
				missing++;
			free(got);
		}
	}
	CHECK_EQ(missing, 0);
}

static void
a_hundred_hosts_find_everything(void)
{
	char key[32], value[32];
	struct p2p_kad_result res;
	struct p2p_record r;
	unsigned k;
	size_t i;

	choose_hosts();
	for (i = 0; i < hosts; i++) {
		CHECK_OK(p2p_store_memory(&stores[i]));
		CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &keys[i]));
		start(i, i > 0 ? &net.node[0] : NULL);
		net.n++;
	}
	report("joined");
	for (k = 0; k < hosts; k++) {
		r = record(k, key, value);
		CHECK_OK(p2p_kad_put(net.node[k % hosts].kad, &r, NULL, &res));
		CHECK_EQ(res.stored, P2P_KAD_K);
	}
	everybody_finds((unsigned)hosts);
	report("found");
}

/* Each comes back with its store, as one that was restarted does. */
static void
a_rolling_restart_loses_nothing(void)
{
	size_t i;

	for (i = 0; i < hosts; i++) {
		dht_node_stop(&net.node[i]);
		start(i, &net.node[(i + 1) % hosts]);
	}
	everybody_finds((unsigned)hosts / 10);
	report("restarted");
	dht_stop(&net);
	for (i = 0; i < hosts; i++) {
		p2p_store_free(stores[i]);
		p2p_key_free(keys[i]);
	}
	CHECK_EQ(thread_count(), 0);
}

TESTS("kad_hundred",
    { "a hundred hosts find everything", a_hundred_hosts_find_everything },
    { "a rolling restart loses nothing", a_rolling_restart_loses_nothing })
