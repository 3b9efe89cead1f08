/*
 * Arguments of a DHT: keys, values, CIDs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node_dht.h"
#include "p2p/error.h"

/* "/pk/ID" and "/ipns/ID" mean the bytes of the id. */
static bool
key_of_peer(const char *text, uint8_t *out, size_t *len)
{
	static const char *const names[] = { "pk", "ipns" };
	struct p2p_peer_id id;
	char prefix[8];
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = (size_t)snprintf(prefix, sizeof(prefix), "/%s/", names[i]);
		if (strncmp(text, prefix, n) != 0 ||
		    p2p_peer_id_parse(text + n, &id) != 0)
			continue;
		*len = p2p_record_key(names[i], &id, out);
		return true;
	}
	return false;
}

int
dht_key(const char *text, uint8_t out[P2P_RECORD_KEY_MAX], size_t *len)
{
	struct p2p_peer_id id;

	if (strncmp(text, "0x", 2) == 0) {
		if (!tool_unhex(text, out, P2P_RECORD_KEY_MAX, len) ||
		    *len == 0)
			return tool_usage(text, "not a key in hex");
		return TOOL_OK;
	}
	if (key_of_peer(text, out, len))
		return TOOL_OK;
	if (p2p_peer_id_parse(text, &id) == 0) {
		memcpy(out, id.bytes, id.len);
		*len = id.len;
		return TOOL_OK;
	}
	*len = strlen(text);
	if (*len == 0 || *len > P2P_RECORD_KEY_MAX)
		return tool_usage("KEY", "has 1 to 256 bytes");
	memcpy(out, text, *len);
	return TOOL_OK;
}

/*
 * All of a regular file: no deadline runs yet, and a fifo could wait for ever.
 * One byte more than a record holds is too much.
 */
static int
read_file(const char *path, uint8_t *out, size_t *len)
{
	static const char hint[] = "@FILE is what is in a file; a text that "
	    "begins with @ goes as 0xHEX";
	const size_t cap = P2P_RECORD_VALUE_MAX + 1;
	struct stat st;
	ssize_t n = 1;
	int fd, e = 0;

	*len = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		e = -errno;
	else if (!S_ISREG(st.st_mode))
		e = -EINVAL;
	for (; e == 0 && *len < cap && n > 0; *len += (size_t)n)
		if ((n = read(fd, out + *len, cap - *len)) < 0)
			e = -errno, n = 0;
	if (fd != -1)
		close(fd);
	if (e == -EINVAL)
		return tool_usage_hint(path, "not a regular file", hint);
	if (e != 0)
		return tool_usage_hint(path, p2p_strerror(e), hint);
	return *len == cap ? tool_usage(path, "too large for a record") :
	    TOOL_OK;
}

static int
read_value(const char *text, uint8_t *out, size_t *len)
{
	if (text[0] == '@')
		return read_file(text + 1, out, len);
	if (strncmp(text, "0x", 2) == 0)
		return tool_unhex(text, out, P2P_RECORD_VALUE_MAX, len) ?
		    TOOL_OK : tool_usage("VALUE", "not a value in hex");
	if ((*len = strlen(text)) > P2P_RECORD_VALUE_MAX)
		return tool_usage("VALUE", "too large for a record");
	memcpy(out, text, *len);
	return TOOL_OK;
}

int
dht_value(const char *text, uint8_t **out, size_t *len)
{
	uint8_t *value;
	int e;

	if ((value = malloc(P2P_RECORD_VALUE_MAX + 1)) == NULL)
		return tool_fail("VALUE", -ENOMEM, NULL);
	if ((e = read_value(text, value, len)) == TOOL_OK)
		*out = value;
	else
		free(value);
	return e;
}

void
dht_cid(const char *text, uint8_t *out, size_t *len)
{
	if (p2p_kad_multihash(text, out, len) != 0)
		exit(tool_usage_hint(text, "not a CID",
		    "one is like bafybeihfg3d7r... or Qm..."));
}
