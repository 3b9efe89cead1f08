/*
 * An IPNS record of ours, for others to check.
 *
 *	ipns VALUE SEQUENCE v1|v2	prints its key and itself, in hex
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "p2p/error.h"
#include "p2p/key.h"
#include "p2p/record.h"

static void
put_hex(const uint8_t *bytes, size_t len, char end)
{
	size_t i;

	for (i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	putchar(end);
}

int
main(int argc, char **argv)
{
	struct p2p_ipns what = { .ttl = UINT64_C(60000000000) };
	uint8_t name[P2P_RECORD_KEY_MAX], *bytes;
	struct p2p_peer_id id;
	struct p2p_key *key;
	size_t len;
	int e;

	if (argc != 4)
		return 2;
	what.value = (const uint8_t *)argv[1];
	what.len = strlen(argv[1]);
	what.sequence = strtoull(argv[2], NULL, 10);
	what.eol = ((uint64_t)time(NULL) + 3600) * UINT64_C(1000000000);
	what.v2_only = strcmp(argv[3], "v2") == 0;
	if ((e = p2p_key_generate(P2P_KEY_ED25519, 0, &key)) != 0 ||
	    (e = p2p_ipns_make(key, &what, &bytes, &len)) != 0) {
		fprintf(stderr, "ipns: %s\n", p2p_strerror(e));
		return 1;
	}
	p2p_peer_id_from_key(key, &id);
	put_hex(name, p2p_record_key("ipns", &id, name), ' ');
	put_hex(bytes, len, '\n');
	free(bytes);
	p2p_key_free(key);
	return 0;
}
