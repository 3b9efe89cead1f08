#include "p2p/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "p2p/error.h"

#define BIG	(P2P_KEY_PRIVATE_MAX + 2)

/* How many names the directory holds, besides . and .. */
static int
names_in(const char *path)
{
	struct dirent *d;
	DIR *dp = opendir(path);
	int n = 0;

	if (dp == NULL)
		abort();
	while ((d = readdir(dp)) != NULL)
		n += strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0;
	closedir(dp);
	return n;
}

static struct p2p_key *
fresh(enum p2p_key_type type)
{
	struct p2p_key *key;

	if (p2p_key_generate(type, 0, &key) != 0)
		abort();
	return key;
}

static void
refused(const char *path, const char *because)
{
	struct p2p_key *key = NULL;
	const char *why = NULL;

	CHECK_ERR(p2p_key_load(path, &key, &why), P2P_ERR_KEY_FILE);
	CHECK(key == NULL);
	CHECK_STR(why, because);
	CHECK_ERR(p2p_key_load(path, &key, NULL), P2P_ERR_KEY_FILE);
}

static void
a_saved_key_of_each_type_loads(void)
{
	enum p2p_key_type type;
	struct p2p_key *key, *got;
	const uint8_t *p, *q;
	const char *why = NULL;
	size_t n, m;

	check_dir_enter();
	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		key = fresh(type);
		CHECK_OK(p2p_key_save(key, p2p_key_type_name(type)));
		CHECK_OK(p2p_key_load(p2p_key_type_name(type), &got, &why));
		CHECK(why == NULL);
		p = p2p_key_public(key, &n);
		q = p2p_key_public(got, &m);
		CHECK_BYTES(q, m, p, n);
		CHECK(p2p_key_is_private(got));
		p2p_key_free(got);
		p2p_key_free(key);
	}
	CHECK_EQ(names_in("."), 4);
	check_dir_leave();
}

static void
modes_are_tight_under_any_umask(void)
{
	static const mode_t masks[] = { 0, 022, 0377 };
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	struct stat st;
	char path[64];
	mode_t old;
	size_t i;

	check_dir_enter();
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		snprintf(path, sizeof(path), "key%zu", i);
		old = umask(masks[i]);
		CHECK_OK(p2p_key_save(key, path));
		umask(old);
		CHECK_EQ(stat(path, &st), 0);
		CHECK_EQ(st.st_mode & 07777, 0600);
		CHECK_EQ(st.st_nlink, 1);
	}
	old = umask(0);
	CHECK_OK(p2p_key_save(key, "a/b//c/key"));
	umask(old);
	CHECK_EQ(stat("a", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
	CHECK_EQ(stat("a/b/c", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
	CHECK_EQ(names_in("a/b/c"), 1);
	p2p_key_free(key);
	check_dir_leave();
}

static void
a_save_replaces_nothing(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	struct stat st;
	char got[8] = "";
	int fd;

	check_dir_enter();
	check_file("file", (const uint8_t *)"precious", 8, 0600);
	CHECK_ERR(p2p_key_save(key, "file"), P2P_ERR_EXISTS);
	fd = open("file", O_RDONLY);
	CHECK(read(fd, got, sizeof(got)) == 8 && !memcmp(got, "precious", 8));
	close(fd);
	check_file("empty", NULL, 0, 0600);
	CHECK_ERR(p2p_key_save(key, "empty"), P2P_ERR_EXISTS);
	CHECK_EQ(stat("empty", &st), 0);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(symlink("nowhere", "dangling"), 0);
	CHECK_ERR(p2p_key_save(key, "dangling"), P2P_ERR_EXISTS);
	CHECK_EQ(access("nowhere", F_OK), -1);
	CHECK_EQ(mkdir("dir", 0700), 0);
	CHECK_ERR(p2p_key_save(key, "dir"), P2P_ERR_EXISTS);
	CHECK_EQ(names_in("."), 4);	/* and no temporary file stays */
	p2p_key_free(key);
	check_dir_leave();
}

/* F23: a kill between the two names of a file, or before the second. */
static void
a_save_removes_what_a_killed_one_left(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519);

	check_dir_enter();
	check_file(".key.0123abcd", (const uint8_t *)"half", 4, 0600);
	check_file(".key.0123abcde", (const uint8_t *)"not ours", 8, 0600);
	check_file(".key.backup", (const uint8_t *)"not ours", 8, 0600);
	check_file(".key2.0123abcd", (const uint8_t *)"another's", 9, 0600);
	CHECK_OK(p2p_key_save(key, "key"));
	CHECK_EQ(access(".key.0123abcd", F_OK), -1);
	CHECK_EQ(names_in("."), 4);
	p2p_key_free(key);
	check_dir_leave();
}

static void
a_failed_save_leaves_nothing(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519), *pub;
	const uint8_t *p;
	char name[300];
	size_t n;

	check_dir_enter();
	check_file("file", (const uint8_t *)"x", 1, 0600);
	CHECK_ERR(p2p_key_save(key, "file/key"), -ENOTDIR);
	CHECK_ERR(p2p_key_save(key, "dir/"), -EISDIR);
	CHECK_ERR(p2p_key_save(key, ""), -EISDIR);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_ERR(p2p_key_save(key, name), -ENAMETOOLONG);
	p = p2p_key_public(key, &n);
	CHECK_OK(p2p_key_decode_public(p, n, &pub));
	CHECK_ERR(p2p_key_save(pub, "public"), P2P_ERR_UNSUPPORTED);
	CHECK_EQ(names_in("."), 1);
	p2p_key_free(pub);
	p2p_key_free(key);
	check_dir_leave();
}

static void
a_missing_file_is_only_missing(void)
{
	struct p2p_key *key;
	const char *why = NULL;

	check_dir_enter();
	CHECK_ERR(p2p_key_load("none", &key, &why), -ENOENT);
	CHECK_ERR(p2p_key_load("no/where", &key, &why), -ENOENT);
	CHECK(why == NULL);
	CHECK_EQ(names_in("."), 0);
	check_dir_leave();
}

static void
a_file_cut_anywhere_is_refused_and_left_alone(void)
{
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	uint8_t bytes[P2P_KEY_PRIVATE_MAX];
	struct stat st;
	size_t i, len;

	check_dir_enter();
	CHECK_OK(p2p_key_encode_private(key, bytes, &len));
	check_file("key", bytes, 0, 0600);
	refused("key", "empty");
	for (i = 1; i < len; i++) {
		check_file("key", bytes, i, 0600);
		refused("key",
		    "not one sound private key (truncated or damaged)");
		CHECK_EQ(stat("key", &st), 0);
		CHECK_EQ(st.st_size, i);
	}
	p2p_key_free(key);
	check_dir_leave();
}

static void
odd_content_is_refused(void)
{
	static const char unsound[] =
	    "not one sound private key (truncated or damaged)";
	struct p2p_key *key = fresh(P2P_KEY_ED25519);
	uint8_t bytes[BIG] = { 0 };
	const uint8_t *p;
	size_t len, n;

	check_dir_enter();
	CHECK_OK(p2p_key_encode_private(key, bytes, &len));
	check_file("key", bytes, len + 1, 0600);	/* trailing byte */
	refused("key", unsound);
	bytes[len - 1] ^= 1;				/* halves differ */
	check_file("key", bytes, len, 0600);
	refused("key", unsound);
	bytes[len - 1] ^= 1;
	bytes[1] = 9;					/* a type of 9 */
	check_file("key", bytes, len, 0600);
	refused("key", "a key of an unsupported type or size");
	p = p2p_key_public(key, &n);
	check_file("key", p, n, 0600);			/* a public key */
	refused("key", unsound);
	check_file("key", bytes, BIG, 0600);
	refused("key", "too large for a key");
	check_file("key", (const uint8_t *)"-----BEGIN", 10, 0600);
	refused("key", unsound);
	p2p_key_free(key);
	check_dir_leave();
}

static void
a_file_open_to_others_is_refused(void)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0601,
	    0644, 0666, 0777 };
	struct p2p_key *key = fresh(P2P_KEY_ED25519), *got;
	size_t i;

	check_dir_enter();
	CHECK_OK(p2p_key_save(key, "key"));
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		CHECK_EQ(chmod("key", modes[i]), 0);
		refused("key", "accessible to group or others (chmod 600 it)");
	}
	CHECK_EQ(chmod("key", 0400), 0);
	CHECK_OK(p2p_key_load("key", &got, NULL));
	p2p_key_free(got);
	p2p_key_free(key);
	check_dir_leave();
}

static void
what_is_no_plain_file_of_ours_is_refused(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct p2p_key *key = fresh(P2P_KEY_ED25519), *got;
	int s;

	check_dir_enter();
	CHECK_OK(p2p_key_save(key, "key"));
	CHECK_EQ(symlink("key", "link"), 0);
	refused("link", "a symbolic link");
	CHECK_EQ(symlink("none", "dangling"), 0);
	refused("dangling", "a symbolic link");
	CHECK_EQ(mkdir("dir", 0700), 0);
	refused("dir", "not a regular file");
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	refused("fifo", "not a regular file");
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	refused("sock", "not a regular file");
	close(s);
	refused("/dev/null", "not a regular file");
	if (geteuid() == 0) {
		CHECK_EQ(chown("key", 12345, (gid_t)-1), 0);
		refused("key", "owned by another user");
	} else {
		CHECK_EQ(chmod("key", 0), 0);
		CHECK_ERR(p2p_key_load("key", &got, NULL), -EACCES);
	}
	p2p_key_free(key);
	check_dir_leave();
}

TESTS("key_file",
	{ "a saved key of each type loads", a_saved_key_of_each_type_loads },
	{ "modes are tight under any umask", modes_are_tight_under_any_umask },
	{ "a save replaces nothing", a_save_replaces_nothing },
	{ "a save removes what a killed one left",
	    a_save_removes_what_a_killed_one_left },
	{ "a failed save leaves nothing", a_failed_save_leaves_nothing },
	{ "a missing file is only missing", a_missing_file_is_only_missing },
	{ "a file cut anywhere is refused and left alone",
	    a_file_cut_anywhere_is_refused_and_left_alone },
	{ "odd content is refused", odd_content_is_refused },
	{ "a file open to others is refused",
	    a_file_open_to_others_is_refused },
	{ "what is no plain file of ours is refused",
	    what_is_no_plain_file_of_ours_is_refused })
