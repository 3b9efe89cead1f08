/*
 * Swarm keys as text and as files.  All of it holds in a build without
 * libsodium, too, but for the fingerprint, which is refused there.
 */
#include "p2p/pnet.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "check.h"
#include "mangle.h"
#include "p2p/error.h"

#define TYPE	"/key/swarm/psk/1.0.0/"
#define HEX	"6189c5cf0b87fb800c1a9feeda73c6ab" \
		"5e998db48fb9e6a978575c770ceef683"
#define UPPER	"6189C5CF0B87FB800C1A9FEEDA73C6AB" \
		"5E998DB48FB9E6A978575C770CEEF683"
#define B64	"YYnFzwuH+4AMGp/u2nPGq16ZjbSPueapeFdcdwzu9oM="
#define BIN	"\x61\x89\xc5\xcf\x0b\x87\xfb\x80\x0c\x1a\x9f\xee" \
		"\xda\x73\xc6\xab\x5e\x99\x8d\xb4\x8f\xb9\xe6\xa9" \
		"\x78\x57\x5c\x77\x0c\xee\xf6\x83"

/* The key of rust-libp2p's transports/pnet, which HEX is. */
static const uint8_t key[P2P_PSK_SIZE] = BIN "";

static const char *const good[] = {
	TYPE "\n/base16/\n" HEX,
	TYPE "\n/base16/\n" HEX "\n",
	TYPE "\n/base16/\n" UPPER "\n",
	TYPE "\r\n/base16/\r\n" HEX "\r\n",
	TYPE "\r\n/base16/\n" HEX "\r\n",
	TYPE "\n/base64/\n" B64,
	TYPE "\n/base64/\n" B64 "\n",
	TYPE "\r\n/base64/\r\n" B64 "\r\n",
	TYPE "\n/bin/\n" BIN,
	TYPE "\n/bin/\n" BIN "\n",
	TYPE "\r\n/bin/\r\n" BIN "\r\n",
};

#define NGOOD	(sizeof(good) / sizeof(good[0]))

static const char *const bad[] = {
	"",
	"\n",
	HEX "\n",
	TYPE,
	TYPE "\n",
	TYPE "\n" HEX "\n",
	TYPE "\n/base16/",
	TYPE "\n/base16/\n",
	TYPE "\n/base16/\n\n" HEX "\n",
	TYPE "\n\n/base16/\n" HEX "\n",
	"\n" TYPE "\n/base16/\n" HEX "\n",
	"\xef\xbb\xbf" TYPE "\n/base16/\n" HEX "\n",
	" " TYPE "\n/base16/\n" HEX "\n",
	TYPE " \n/base16/\n" HEX "\n",
	TYPE "/base16/" HEX "\n",
	TYPE "\r/base16/\r" HEX "\r",
	TYPE "\n/base16\n" HEX "\n",
	TYPE "\n/base32/\n" HEX "\n",
	TYPE "\n/BASE16/\n" HEX "\n",
	"/key/swarm/psk/1.0.1/\n/base16/\n" HEX "\n",
	"/key/swarm/psk/1.0.0\n/base16/\n" HEX "\n",
	TYPE "\n/base16/\n" HEX "\n\n",
	TYPE "\n/base16/\n" HEX "\r",
	TYPE "\n/base16/\n" HEX " \n",
	TYPE "\n/base16/\n" HEX "0\n",
	TYPE "\n/base16/\n" HEX "00\n",
	TYPE "\n/base16/\n" HEX "\njunk",
	TYPE "\n/base16/\n0x" HEX "\n",
	TYPE "\n/base16/\n" B64 "\n",
	TYPE "\n/base64/\n" HEX "\n",
	TYPE "\n/base64/\n" B64 "=\n",
	TYPE "\n/base64/\n" B64 "\n\n",
	/* no padding, padding in place of a digit, the alphabet of URLs */
	TYPE "\n/base64/\nYYnFzwuH+4AMGp/u2nPGq16ZjbSPueapeFdcdwzu9oM\n",
	TYPE "\n/base64/\nYYnFzwuH+4AMGp/u2nPGq16ZjbSPueapeFdcdwzu9o==\n",
	TYPE "\n/base64/\nYYnFzwuH-4AMGp_u2nPGq16ZjbSPueapeFdcdwzu9oM=\n",
	/* bits behind the last byte */
	TYPE "\n/base64/\nYYnFzwuH+4AMGp/u2nPGq16ZjbSPueapeFdcdwzu9oN=\n",
	TYPE "\n/bin/\n" BIN "\n\n",
	TYPE "\n/bin/\n" BIN "\x01",
	TYPE "\n/bin/\n" HEX "\n",
};

#define NBAD	(sizeof(bad) / sizeof(bad[0]))

/* From a malloc of its exact size; what fails leaves the output alone. */
static int
parse(const char *text, size_t len, struct p2p_psk *out)
{
	static const struct p2p_psk mark = { { 0xa5, 0x5a } };
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int e;

	memcpy(copy, text, len);
	*out = mark;
	e = p2p_psk_parse(copy, len, out);
	if (e != 0)
		CHECK_BYTES(out->key, P2P_PSK_SIZE, mark.key, P2P_PSK_SIZE);
	free(copy);
	return e;
}

static void
three_encodings_and_two_line_ends_give_one_key(void)
{
	struct p2p_psk psk;
	size_t i;

	for (i = 0; i < NGOOD; i++) {
		CHECK_OK(parse(good[i], strlen(good[i]), &psk));
		CHECK_BYTES(psk.key, P2P_PSK_SIZE, key, sizeof(key));
	}
}

static void
anything_else_is_refused(void)
{
	struct p2p_psk psk;
	size_t i;
	int e;

	for (i = 0; i < NBAD; i++) {
		e = parse(bad[i], strlen(bad[i]), &psk);
		if (e != P2P_ERR_FORMAT)
			fprintf(stderr, "bad[%zu]\n", i);
		CHECK_ERR(e, P2P_ERR_FORMAT);
	}
	/* A zero byte is no end. */
	CHECK_ERR(parse(TYPE "\n/base16/\n" HEX "\n\0", strlen(good[1]) + 1,
	    &psk), P2P_ERR_FORMAT);
	CHECK_ERR(parse(TYPE "\0\n/base16/\n" HEX, strlen(good[0]) + 1, &psk),
	    P2P_ERR_FORMAT);
}

/* Only a letter of base16 in the other case may stand for the same key. */
static int
parse_mangled(const uint8_t *bytes, size_t len, void *arg)
{
	const char *text = arg;
	struct p2p_psk psk;
	size_t i;
	int e;

	e = p2p_psk_parse(bytes, len, &psk);
	if (e != 0 || memcmp(psk.key, key, sizeof(key)) != 0)
		return e;
	if (strspn(text + len, "\r\n") == strlen(text) - len && text[len] != 0)
		return P2P_ERR_SHORT;	/* the last line has no end */
	CHECK_EQ(len, strlen(text));
	CHECK(strstr(text, "/base16/") != NULL);
	for (i = 0; i < len; i++)
		CHECK_EQ(tolower(bytes[i]), tolower((uint8_t)text[i]));
	return 0;
}

static void
no_truncation_and_no_changed_bit_passes_unseen(void)
{
	size_t i, n, len;

	for (i = 0; i < NGOOD; i++) {
		len = strlen(good[i]);
		n = mangle((const uint8_t *)good[i], len, 1, parse_mangled,
		    (void *)(uintptr_t)good[i]);
		/* No flip in front of the key is read. */
		CHECK(n >= len - 2 + 8 * strlen(TYPE "\n/bin/\n"));
		if (strstr(good[i], "/bin/") != NULL && len == 61)
			CHECK_EQ(n, len + 8 * (len - P2P_PSK_SIZE));
	}
}

static void
a_new_key_goes_through_its_text(void)
{
	struct p2p_psk a, b, c;
	char text[P2P_PSK_FILE_MAX];

	memcpy(a.key, key, sizeof(key));
	CHECK(p2p_psk_text(&a, text) == text);
	CHECK_STR(text, TYPE "\n/base16/\n" HEX "\n");
	CHECK_OK(p2p_psk_new(&a));
	CHECK_OK(p2p_psk_new(&b));
	CHECK(memcmp(&a, &b, sizeof(a)) != 0);
	p2p_psk_text(&a, text);
	CHECK_OK(p2p_psk_parse(text, strlen(text), &c));
	CHECK_BYTES(c.key, P2P_PSK_SIZE, a.key, P2P_PSK_SIZE);
}

static void
a_wiped_key_is_zero(void)
{
	static const uint8_t zero[P2P_PSK_SIZE];
	struct p2p_psk psk;

	memcpy(psk.key, key, sizeof(key));
	p2p_psk_wipe(&psk);
	CHECK_BYTES(psk.key, P2P_PSK_SIZE, zero, sizeof(zero));
}

/* rust-libp2p transports/pnet: its test of fingerprints. */
static void
the_fingerprint_is_that_of_rust(void)
{
	char text[P2P_PSK_FINGERPRINT_MAX] = "as it was";
	struct p2p_psk psk;

	memcpy(psk.key, key, sizeof(key));
	if (!p2p_pnet_available()) {
		CHECK_ERR(p2p_psk_fingerprint(&psk, text),
		    P2P_ERR_UNSUPPORTED);
		CHECK_STR(text, "as it was");
		return;
	}
	CHECK_OK(p2p_psk_fingerprint(&psk, text));
	CHECK_STR(text, "45fc986bbc9388a11d939df26f730f0c");
	psk.key[31] ^= 1;
	CHECK_OK(p2p_psk_fingerprint(&psk, text));
	CHECK_EQ(strlen(text), P2P_PSK_FINGERPRINT_MAX - 1);
	CHECK(strcmp(text, "45fc986bbc9388a11d939df26f730f0c") != 0);
}

static void
loads(const char *path)
{
	struct p2p_psk psk;

	CHECK_OK(p2p_psk_load(path, &psk));
	CHECK_BYTES(psk.key, P2P_PSK_SIZE, key, sizeof(key));
}

static void
refused(const char *path, int e)
{
	struct p2p_psk psk = { { 0xa5 } };

	CHECK_ERR(p2p_psk_load(path, &psk), e);
	CHECK_EQ(psk.key[0], 0xa5);
}

/* The descriptor that the next open(2) gets. */
static int
next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void
a_file_that_others_may_read_loads(void)
{
	static const mode_t modes[] = { 0400, 0600, 0640, 0644, 0664, 0755 };
	int fd = next_fd();
	size_t i;

	check_dir_enter();
	for (i = 0; i < NGOOD; i++) {
		check_file("swarm.key", good[i], strlen(good[i]), 0600);
		loads("swarm.key");
	}
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		check_file("swarm.key", good[0], strlen(good[0]), modes[i]);
		loads("swarm.key");
	}
	CHECK_EQ(symlink("swarm.key", "link"), 0);
	loads("link");
	CHECK_EQ(next_fd(), fd);
	check_dir_leave();
}

static void
a_file_that_everybody_may_write_is_refused(void)
{
	static const mode_t modes[] = { 0602, 0606, 0646, 0666, 0777 };
	int fd = next_fd();
	size_t i;

	check_dir_enter();
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		check_file("swarm.key", good[0], strlen(good[0]), modes[i]);
		refused("swarm.key", P2P_ERR_KEY_FILE);
	}
	CHECK_EQ(next_fd(), fd);
	check_dir_leave();
}

static void
what_is_no_file_is_refused_and_nothing_waits(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "socket" };
	int fd = next_fd(), s;

	check_dir_enter();
	refused("missing", -ENOENT);
	CHECK_EQ(mkdir("directory", 0700), 0);
	refused("directory", P2P_ERR_KEY_FILE);
	refused("directory/missing", -ENOENT);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	refused("fifo", P2P_ERR_KEY_FILE);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	refused("socket", P2P_ERR_KEY_FILE);
	close(s);
	refused("/dev/zero", P2P_ERR_KEY_FILE);
	CHECK_EQ(symlink("nowhere", "dangling"), 0);
	refused("dangling", -ENOENT);
	CHECK_EQ(symlink("loop", "loop"), 0);
	refused("loop", -ELOOP);
	CHECK_EQ(next_fd(), fd);
	check_dir_leave();
}

static void
a_file_with_more_or_less_than_a_key_is_refused(void)
{
	char big[P2P_PSK_FILE_MAX * 4];
	size_t i, len = strlen(good[0]);

	check_dir_enter();
	memset(big, '\n', sizeof(big));
	memcpy(big, good[0], len);
	for (i = 0; i < len; i++) {
		check_file("swarm.key", big, i, 0600);
		refused("swarm.key", P2P_ERR_FORMAT);
	}
	check_file("swarm.key", big, len + 1, 0600);
	loads("swarm.key");
	for (i = len + 2; i < sizeof(big); i++) {
		check_file("swarm.key", big, i, 0600);
		refused("swarm.key", P2P_ERR_FORMAT);
	}
	check_dir_leave();
}

TESTS("psk",
	{ "three encodings and two line ends give one key",
	    three_encodings_and_two_line_ends_give_one_key },
	{ "anything else is refused", anything_else_is_refused },
	{ "no truncation and no changed bit passes unseen",
	    no_truncation_and_no_changed_bit_passes_unseen },
	{ "a new key goes through its text", a_new_key_goes_through_its_text },
	{ "a wiped key is zero", a_wiped_key_is_zero },
	{ "the fingerprint is that of rust", the_fingerprint_is_that_of_rust },
	{ "a file that others may read loads",
	    a_file_that_others_may_read_loads },
	{ "a file that everybody may write is refused",
	    a_file_that_everybody_may_write_is_refused },
	{ "what is no file is refused and nothing waits",
	    what_is_no_file_is_refused_and_nothing_waits },
	{ "a file with more or less than a key is refused",
	    a_file_with_more_or_less_than_a_key_is_refused })
