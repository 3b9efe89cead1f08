/*
 * A store in a file: who may have it, what is refused and then left as it was,
 * and what is there after a death, a full disk or a failing one at any moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "check.h"
#include "p2p/error.h"
#include "p2p/store.h"
#include "shim.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED	1
#endif
#endif

#ifdef SANITIZED
#define STRIDE		5	/* what is gone through at every place */
#else
#define STRIDE		1
#endif

#define FILE_MAX	(256 * 1024)
#define OPS		60		/* of the script */
#define KEYS		17
#define THREADS		4
#define EACH		12		/* puts of a thread */
#define CROWD		24		/* threads of one put each */

/* A file as it was. */
struct image {
	uint8_t		*bytes;
	size_t		 len;
	bool		 there;
};

static struct image
image(const char *path)
{
	struct image im = { malloc(FILE_MAX), 0, false };
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (im.bytes == NULL)
		abort();
	if ((im.there = fd != -1)) {
		while ((n = read(fd, im.bytes + im.len,
		    FILE_MAX - im.len)) > 0)
			im.len += (size_t)n;
		if (im.len == FILE_MAX)
			abort();
		close(fd);
	}
	return im;
}

static void
restore(const char *path, const struct image *im)
{
	if (im->there)
		check_file(path, im->bytes, im->len, 0600);
	else
		unlink(path);
}

static bool
same(const struct image *a, const struct image *b)
{
	return a->there == b->there && a->len == b->len &&
	    memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Whether a file is still what it was, also if it was not there. */
static bool
untouched(const char *path, const struct image *was)
{
	struct image is = image(path);
	bool good = same(&is, was);

	free(is.bytes);
	return good;
}

/* What its bytes are follows from n, so that any other are seen. */
static size_t
fill(uint8_t *value, unsigned n)
{
	size_t i, len = n % 7 == 5 ? 5000 : 20 + n % 90;

	for (i = 0; i < len; i++)
		value[i] = (uint8_t)(n * 131 + i * 7 + (i >> 8));
	return len;
}

static int
put(struct p2p_store *s, const char *key, unsigned n)
{
	uint8_t value[8192];
	struct p2p_store_entry e = { .key = (const uint8_t *)key,
	    .key_len = strlen(key), .value = value, .len = fill(value, n),
	    .owner = (const uint8_t *)"own", .owner_len = n % 4 };

	return p2p_store_put(s, "a", &e);
}

static bool
is_value(const struct p2p_store_entry *e, unsigned n)
{
	uint8_t value[8192];
	size_t len = fill(value, n);

	return e->len == len && memcmp(e->value, value, len) == 0;
}

static struct p2p_store *
must_open(const char *path)
{
	struct p2p_store *s = NULL;
	const char *why = NULL;

	CHECK_OK(p2p_store_open(path, &s, &why));
	if (s == NULL) {
		fprintf(stderr, "%s: %s\n", path, why != NULL ? why : "?");
		abort();
	}
	return s;
}

/* How many names the directory holds, besides . and .. */
static int
names_in(const char *path)
{
	struct dirent *d;
	DIR *dp = opendir(path);
	int n = -2;

	if (dp == NULL)
		abort();
	while ((d = readdir(dp)) != NULL)
		n++;
	closedir(dp);
	return n;
}

static void
uses(struct p2p_store *s, uint64_t entries, uint64_t bytes)
{
	struct p2p_store_usage u = { 0 };

	CHECK_OK(p2p_store_usage(s, "a", &u));
	CHECK_EQ(u.entries, entries);
	CHECK_EQ(u.bytes, bytes);
}

static void
what_was_put_is_there_for_the_next(void)
{
	struct p2p_store_usage before, after;
	struct p2p_store_entry *list;
	struct p2p_store *s;
	size_t i, n;
	char key[8];

	check_dir_enter();
	s = must_open("store");
	for (i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "%02zu", i);
		CHECK_OK(put(s, key, (unsigned)i));
	}
	CHECK_OK(p2p_store_usage(s, "a", &before));
	CHECK_EQ(before.entries, 30);
	p2p_store_free(s);
	CHECK_EQ(names_in("."), 2);	/* it, and its lock */
	s = must_open("store");
	CHECK_OK(p2p_store_usage(s, "a", &after));
	CHECK_EQ(after.entries, before.entries);
	CHECK_EQ(after.bytes, before.bytes);
	CHECK_OK(p2p_store_list(s, "a", NULL, 0, NULL, 0, 99, &list, &n));
	CHECK_EQ(n, 30);
	for (i = 0; i < n; i++)
		CHECK(is_value(&list[i], (unsigned)i));
	free(list);
	p2p_store_free(s);
	CHECK_EQ(thread_count(), 0);
	check_dir_leave();
}

static void
mode_is(const char *path, mode_t want)
{
	struct stat st = { 0 };

	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, want);
}

static void
modes_are_tight_under_any_umask(void)
{
	static const mode_t masks[] = { 0, 022, 077 };
	struct p2p_store *s;
	char path[64];
	mode_t old;
	size_t i;

	check_dir_enter();
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		old = umask(masks[i]);
		snprintf(path, sizeof(path), "a%zu/b//store", i);
		s = must_open(path);
		CHECK_OK(put(s, "k", 1));
		umask(old);
		mode_is(path, 0600);
		snprintf(path, sizeof(path), "a%zu/b/store-wal", i);
		mode_is(path, 0600);
		snprintf(path, sizeof(path), "a%zu/b/store-shm", i);
		mode_is(path, 0600);
		snprintf(path, sizeof(path), "a%zu/b/store.lock", i);
		mode_is(path, 0600);
		snprintf(path, sizeof(path), "a%zu/b", i);
		mode_is(path, 0700);
		snprintf(path, sizeof(path), "a%zu", i);
		mode_is(path, 0700);
		p2p_store_free(s);
	}
	check_dir_leave();
}

static void
a_path_may_be_odd(void)
{
	static const char *const paths[] = { ":memory:", "file:x?mode=memory",
	    "a b'\"%;--", "link/store", "./x" };
	struct p2p_store *s = NULL;
	size_t i;

	check_dir_enter();
	CHECK_EQ(mkdir("dir", 0700), 0);
	CHECK_EQ(symlink("dir", "link"), 0);	/* of a directory */
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		s = must_open(paths[i]);
		CHECK_OK(put(s, "k", 1));
		p2p_store_free(s);
		CHECK_EQ(access(paths[i], F_OK), 0);
	}
	CHECK_EQ(access("dir/store", F_OK), 0);
	CHECK_ERR(p2p_store_open("", &s, NULL), -EISDIR);
	CHECK_ERR(p2p_store_open("dir/", &s, NULL), -EISDIR);
	CHECK_ERR(p2p_store_open("..", &s, NULL), -EISDIR);
	CHECK_ERR(p2p_store_open("x/store", &s, NULL), -ENOTDIR);
	check_dir_leave();
}

static void
one_at_a_time_may_have_it(void)
{
	struct p2p_store *s, *other = NULL;
	const char *why = NULL;
	int status = -1;
	pid_t pid;

	check_dir_enter();
	CHECK_EQ(symlink(".", "here"), 0);
	s = must_open("store");
	CHECK_ERR(p2p_store_open("store", &other, &why), P2P_ERR_BUSY);
	CHECK_STR(why, "open already, here or in another process");
	CHECK_ERR(p2p_store_open("here/store", &other, NULL), P2P_ERR_BUSY);
	CHECK_OK(put(s, "k", 1));	/* and the first one has it still */
	p2p_store_free(s);
	if ((pid = fork()) == 0) {
		s = must_open("store");
		kill(getpid(), SIGSTOP);
		_exit(put(s, "k", 2) != 0);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_ERR(p2p_store_open("store", &other, NULL), P2P_ERR_BUSY);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	p2p_store_free(must_open("store"));
	CHECK(other == NULL);
	check_dir_leave();
}

/* Refused for that reason, and all that is there stays as it was. */
static void
refused(const char *because)
{
	static const char *const files[] = { "store", "store-wal",
	    "store-shm", "store-journal" };
	struct p2p_store *s = NULL;
	const char *why = NULL;
	struct image im[4];
	size_t i;

	for (i = 0; i < 4; i++)
		im[i] = image(files[i]);
	CHECK_ERR(p2p_store_open("store", &s, &why), P2P_ERR_FORMAT);
	CHECK_STR(why, because);
	CHECK(s == NULL);
	for (i = 0; i < 4; i++) {
		CHECK(untouched(files[i], &im[i]));
		free(im[i].bytes);
	}
	CHECK_EQ(access("store.new", F_OK), -1);
}

static void
what_is_no_plain_file_of_ours_is_refused(void)
{
	check_dir_enter();
	p2p_store_free(must_open("store"));
	CHECK_EQ(chmod("store", 0620), 0);
	refused("writable by group or others (chmod 600 it)");
	CHECK_EQ(chmod("store", 0600), 0);
	CHECK_EQ(link("store", "again"), 0);
	refused("known by two names (a hard link)");
	CHECK_EQ(unlink("store"), 0);
	CHECK_EQ(symlink("again", "store"), 0);
	refused("a symbolic link");
	CHECK_EQ(unlink("store"), 0);
	CHECK_EQ(symlink("nowhere", "store"), 0);
	refused("a symbolic link");
	CHECK_EQ(access("nowhere", F_OK), -1);
	CHECK_EQ(unlink("store"), 0);
	CHECK_EQ(mkdir("store", 0700), 0);
	refused("not a regular file");
	CHECK_EQ(rmdir("store"), 0);
	CHECK_EQ(rename("again", "store"), 0);
	if (geteuid() == 0) {
		CHECK_EQ(chown("store", 12345, (gid_t)-1), 0);
		refused("owned by another user");
		CHECK_EQ(chown("store", 0, (gid_t)-1), 0);
	}
	CHECK_EQ(symlink("elsewhere", "store-wal"), 0);
	refused("a symbolic link");
	CHECK_EQ(unlink("store-wal"), 0);
	p2p_store_free(must_open("store"));
	CHECK_EQ(unlink("store.lock"), 0);
	CHECK_EQ(symlink("elsewhere", "store.lock"), 0);
	refused("its lock is not a regular file");
	CHECK_EQ(access("elsewhere", F_OK), -1);
	check_dir_leave();
}

/* With SQLite alone, as anybody could. */
static void
change(const char *path, const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	sqlite3_close(db);
	CHECK_EQ(chmod(path, 0600), 0);
}

static void
what_is_no_store_is_refused(void)
{
	static const struct {
		const char	*sql, *why;
	} cases[] = {
		{ "PRAGMA application_id=1", "a database of something else" },
		{ "PRAGMA user_version=2", "made by a newer version" },
		{ "PRAGMA user_version=0", "damaged" },
		{ "PRAGMA user_version=-1", "made by a newer version" },
		{ "PRAGMA journal_mode=DELETE", "damaged" },
		{ "CREATE TABLE more(a)", "not made by this library" },
		{ "DROP INDEX by_time", "not made by this library" },
		{ "CREATE TRIGGER t AFTER INSERT ON entries BEGIN "
		    "DELETE FROM entries; END", "not made by this library" },
		{ "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET "
		    "sql=replace(sql, 'expires INTEGER', 'expires INT')",
		    "not made by this library" },
		{ "INSERT INTO entries VALUES('a', x'', x'', 0, "
		    "zeroblob(8), x'')", "damaged" },
		{ "INSERT INTO entries VALUES('a' || char(0) || 'b', x'00', "
		    "x'', 0, zeroblob(8), x'')", "damaged" },
		{ "INSERT INTO entries VALUES('a', x'00', zeroblob(65), 0, "
		    "zeroblob(8), x'')", "damaged" },
	};
	size_t i;

	check_dir_enter();
	check_file("store", NULL, 0, 0600);
	refused("empty");
	check_file("store", "text", 4, 0600);
	refused("not a database");
	unlink("store");
	change("store", "CREATE TABLE a(b)");
	refused("a database of something else");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unlink("store");
		p2p_store_free(must_open("store"));
		change("store", cases[i].sql);
		refused(cases[i].why);
	}
	check_dir_leave();
}

static void
what_lies_beside_it_is_not_taken_for_it(void)
{
	struct image im, wal;
	struct p2p_store *s;

	check_dir_enter();
	s = must_open("store");
	CHECK_OK(put(s, "k", 1));
	wal = image("store-wal");
	CHECK(wal.len > 0);
	p2p_store_free(s);
	im = image("store");
	check_file("store-journal", "x", 1, 0600);
	refused("a journal that is not ours lies beside it");
	unlink("store-journal");
	unlink("store");
	restore("store-wal", &wal);
	refused("missing, but its log is there");
	unlink("store-wal");
	restore("store", &im);
	p2p_store_free(must_open("store"));
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

/* A version in the log counts, too, though the file does not have it yet. */
static void
a_newer_log_is_refused_and_left_alone(void)
{
	struct image im, wal;
	sqlite3 *db;

	check_dir_enter();
	p2p_store_free(must_open("store"));
	CHECK_EQ(sqlite3_open("store", &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL),
	    SQLITE_OK);
	im = image("store");
	wal = image("store-wal");
	sqlite3_close(db);
	restore("store", &im);
	restore("store-wal", &wal);
	CHECK(wal.len > 0);
	refused("not of a version that is known here");
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

/*
 * A few entries in a file of small pages, so that each byte can be gone
 * through; with its log, if wanted, as a death leaves them.
 */
static void
small_store(struct image *im, struct image *wal, bool log)
{
	struct p2p_store *s;
	char key[8];
	unsigned i;

	shim_pages(512, 0);
	s = must_open("store");
	for (i = 0; i < 6; i++) {
		snprintf(key, sizeof(key), "%u", i);
		CHECK_OK(put(s, key, i == 5 ? 1000 : i));
	}
	*im = image("store");
	*wal = image("store-wal");
	p2p_store_free(s);
	if (!log) {
		free(im->bytes);
		free(wal->bytes);
		*im = image("store");
		*wal = image("store-wal");
	}
	shim_pages(0, 0);
}

/* How a damaged store was found. */
struct tally {
	unsigned	opened, refused, other;	/* other: an error of -errno */
	unsigned	wrong;			/* what must not be */
	bool		log;		/* may end early: an older state */
};

/* What is there was put, and what is not there is known to be damaged. */
static void
look(struct tally *t, struct p2p_store *s)
{
	struct p2p_store_usage u = { 0 };
	struct p2p_store_entry *list = NULL;
	unsigned i, k;
	size_t n = 0;

	if (p2p_store_list(s, "a", NULL, 0, NULL, 0, 99, &list, &n) != 0)
		return;
	for (i = 0; i < n; i++) {
		k = (unsigned)(list[i].key[0] - '0');
		t->wrong += list[i].key_len != 1 || k > 5 ||
		    !is_value(&list[i], k == 5 ? 1000 : k);
	}
	free(list);
	(void)p2p_store_usage(s, "a", &u);
	t->wrong += t->log ? n + u.damaged > 6 : n + u.damaged != 6;
}

/* Either it opens and tells no lies, or it stays as it is. */
static void
try_damaged(struct tally *t, const struct image *im, const struct image *wal)
{
	struct p2p_store *s;
	int e;

	restore("store", im);
	restore("store-wal", wal);
	unlink("store-shm");
	if ((e = p2p_store_open("store", &s, NULL)) != 0) {
		t->refused += e == P2P_ERR_FORMAT;
		t->other += e != P2P_ERR_FORMAT;
		t->wrong += !untouched("store", im) ||
		    !untouched("store-wal", wal);
		return;
	}
	t->opened++;
	look(t, s);
	t->wrong += put(s, "new", 3) != 0;
	p2p_store_free(s);
}

static void
show(const struct tally *t)
{
	printf("(%u opened, %u refused, %u other) ", t->opened, t->refused,
	    t->other);
	CHECK_EQ(t->wrong, 0);
}

static void
a_file_cut_anywhere_is_refused_or_whole(void)
{
	struct image im, wal;
	struct tally t = { 0 };
	size_t len;

	check_dir_enter();
	small_store(&im, &wal, false);
	len = im.len;
	CHECK(len > 2048 && len < 16384);
	for (im.len = 0; im.len < len; im.len += STRIDE)
		try_damaged(&t, &im, &wal);
	/* The last page may be one with nothing behind its first bytes. */
	CHECK(t.opened < 512);
	im.len = len;
	try_damaged(&t, &im, &wal);
	show(&t);
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

static void
flip_all(struct image *im, struct image *wal, struct image *which,
    struct tally *t)
{
	static const uint8_t flips[] = { 0xff, 0x01 };
	size_t i, j;

	for (i = 0; i < which->len; i += STRIDE) {
		for (j = 0; j < sizeof(flips); j++) {
			which->bytes[i] ^= flips[j];
			try_damaged(t, im, wal);
			which->bytes[i] ^= flips[j];
		}
	}
}

static void
no_flip_of_a_byte_makes_it_lie(void)
{
	struct image im, wal;
	struct tally t = { 0 };

	check_dir_enter();
	small_store(&im, &wal, false);
	flip_all(&im, &wal, &im, &t);
	CHECK(t.opened > 0 && t.refused > 0);
	show(&t);
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

/* A log that ends early, or is not sound from there on, is an older state. */
static void
no_damage_to_its_log_makes_it_lie(void)
{
	struct image im, wal;
	struct tally t = { .log = true };
	size_t len;

	check_dir_enter();
	small_store(&im, &wal, true);
	CHECK(wal.len > 4096);
	len = wal.len;
	for (wal.len = 0; wal.len < len; wal.len += 7 * STRIDE)
		try_damaged(&t, &im, &wal);
	wal.len = len;
	CHECK_EQ(t.refused, 0);
	show(&t);
	t = (struct tally){ .log = true };
	for (len = 0; len < wal.len; len += 5 * STRIDE) {
		wal.bytes[len] ^= 0x41;
		try_damaged(&t, &im, &wal);
		wal.bytes[len] ^= 0x41;
	}
	show(&t);
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

static void
zeroed_pages_are_seen(void)
{
	uint8_t page[512];
	struct image im, wal;
	struct tally t = { 0 };
	size_t at;

	check_dir_enter();
	small_store(&im, &wal, false);
	for (at = 0; at < im.len; at += sizeof(page)) {
		memcpy(page, im.bytes + at, sizeof(page));
		memset(im.bytes + at, 0, sizeof(page));
		try_damaged(&t, &im, &wal);
		memcpy(im.bytes + at, page, sizeof(page));
	}
	CHECK(t.refused > 3);
	show(&t);
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

/* The one byte is of a value, which SQLite does not look at. */
static void
a_damaged_entry_is_left_out_and_can_be_put_again(void)
{
	struct p2p_store_usage u;
	struct p2p_store_entry *got;
	uint8_t value[8192];
	struct image im, wal;
	struct p2p_store *s;
	uint8_t *p;

	check_dir_enter();
	small_store(&im, &wal, false);
	p = memmem(im.bytes, im.len, value, fill(value, 3));
	CHECK_FATAL(p != NULL);
	p[4] ^= 1;
	restore("store", &im);
	s = must_open("store");
	CHECK_ERR(p2p_store_get(s, "a", "3", 1, &got), P2P_ERR_NOT_FOUND);
	CHECK_OK(p2p_store_usage(s, "a", &u));
	CHECK_EQ(u.damaged, 1);
	CHECK_EQ(u.entries, 6);
	CHECK_OK(put(s, "3", 3));
	CHECK_OK(p2p_store_get(s, "a", "3", 1, &got));
	CHECK(is_value(got, 3));
	free(got);
	p2p_store_free(s);
	free(im.bytes);
	free(wal.bytes);
	check_dir_leave();
}

/* What entries are there after so many changes: 0, or a number and 1. */
struct model {
	unsigned	n[KEYS];
};

static void
key_of(unsigned i, char key[8])
{
	snprintf(key, 8, "k%02u", i % KEYS);
}

static unsigned
key_at(unsigned op)
{
	return op * 7 % KEYS;
}

static void
apply(struct model *m, unsigned op)
{
	m->n[key_at(op)] = op % 5 == 4 ? 0 : op + 1;
}

static int
change_at(struct p2p_store *s, unsigned op)
{
	char key[8];

	key_of(key_at(op), key);
	return op % 5 == 4 ? p2p_store_remove(s, "a", key, strlen(key)) :
	    put(s, key, op);
}

/* Whether the store holds exactly that, and counts it right. */
static bool
matches(struct p2p_store *s, const struct model *m)
{
	struct p2p_store_usage u = { 0 };
	struct p2p_store_entry *list = NULL;
	size_t n = 0, at = 0, bytes = 0;
	bool good;
	char key[8];
	unsigned i;

	if (p2p_store_list(s, "a", NULL, 0, NULL, 0, 999, &list, &n) != 0)
		return false;
	good = true;
	for (i = 0; i < KEYS; i++) {
		if (m->n[i] == 0)
			continue;
		key_of(i, key);
		good = good && at < n && list[at].key_len == strlen(key) &&
		    memcmp(list[at].key, key, strlen(key)) == 0 &&
		    is_value(&list[at], m->n[i] - 1);
		if (good)
			bytes += list[at].key_len + list[at].len +
			    list[at].owner_len;
		at++;
	}
	free(list);
	(void)p2p_store_usage(s, "a", &u);
	return good && at == n && u.entries == n && u.bytes == bytes;
}

/* The script of a life, half of it each time the store is open. */
static void
live(int out)
{
	struct p2p_store *s;
	unsigned op;

	s = must_open("dir/store");
	for (op = 0; op < OPS; op++) {
		if (op == OPS / 2) {
			p2p_store_free(s);
			s = must_open("dir/store");
		}
		if (change_at(s, op) != 0)
			abort();
		if (write(out, &op, sizeof(op)) != sizeof(op))
			abort();
	}
	p2p_store_free(s);
}

/* A child that ends at that event: the last change it told of, and 1. */
static unsigned
die_at(long at, void (*fn)(int out), unsigned *told, size_t cap)
{
	unsigned n = 0;
	ssize_t got;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		abort();
	if ((pid = fork()) == 0) {
		shim_set(at > 0 ? SHIM_KILL : SHIM_NOTHING, at, false);
		fn(fds[1]);
		n = (unsigned)shim_events();
		if (write(fds[1], &n, sizeof(n)) != sizeof(n))
			abort();
		_exit(0);
	}
	close(fds[1]);
	while (n < cap && (got = read(fds[0], &told[n], sizeof(*told))) > 0)
		n++;
	close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(at == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == 0 :
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return n;
}

static void
clear_dir(void)
{
	if (system("rm -rf dir") != 0)
		abort();
}

/* F23: at most the change that it was about may be there, or not. */
static void
a_death_at_any_moment_loses_nothing_that_was_told(void)
{
	unsigned told[OPS + 1], n, i, wrong = 0;
	struct model before, after;
	struct p2p_store *s;
	long at, events;

	check_dir_enter();
	shim_pages(0, 12);
	CHECK_EQ(die_at(0, live, told, OPS + 1), OPS + 1);
	events = told[OPS];
	CHECK(events > 300);
	for (at = 1; at <= events; at += STRIDE) {
		clear_dir();
		n = die_at(at, live, told, OPS + 1);
		before = (struct model){ { 0 } };
		for (i = 0; i < n && i < OPS; i++)
			apply(&before, i);
		after = before;
		if (n < OPS)
			apply(&after, n);
		s = must_open("dir/store");
		wrong += !matches(s, &before) && !matches(s, &after);
		wrong += put(s, "again", 1) != 0;
		p2p_store_free(s);
		wrong += names_in("dir") != 2;
	}
	printf("(%ld events) ", events);
	CHECK_EQ(wrong, 0);
	shim_pages(0, 0);
	check_dir_leave();
}

static struct p2p_store *shared;
static int told_to;
static atomic_int results[CROWD];

static void *
put_and_tell(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, i, n;
	char key[8];

	for (i = 0; i < EACH; i++) {
		n = me * EACH + i;
		snprintf(key, sizeof(key), "%03u", n);
		if (put(shared, key, n) != 0 ||
		    write(told_to, &n, sizeof(n)) != sizeof(n))
			abort();
	}
	return NULL;
}

static void
live_together(int out)
{
	pthread_t t[THREADS];
	uintptr_t i;

	told_to = out;
	shared = must_open("dir/store");
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, put_and_tell, (void *)i) != 0)
			abort();
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	p2p_store_free(shared);
}

static void
a_death_loses_nothing_of_a_shared_commit(void)
{
	unsigned told[THREADS * EACH + 1], n, i, wrong = 0;
	struct p2p_store_entry *got;
	struct p2p_store *s;
	char key[8];
	long at;

	check_dir_enter();
	shim_pages(0, 12);
	for (at = 15; at < 160; at += 3 * STRIDE) {
		clear_dir();
		n = die_at(at, live_together, told, THREADS * EACH + 1);
		s = must_open("dir/store");
		for (i = 0; i < n; i++) {
			snprintf(key, sizeof(key), "%03u", told[i]);
			if (p2p_store_get(s, "a", key, 3, &got) != 0) {
				wrong++;
				continue;
			}
			wrong += !is_value(got, told[i]);
			free(got);
		}
		p2p_store_free(s);
	}
	CHECK_EQ(wrong, 0);
	shim_pages(0, 0);
	check_dir_leave();
}

/* What went wrong in a life with a failing disk. */
struct woes {
	unsigned	opens, changes;		/* that failed, as they may */
	unsigned	wrong;
};

/* The script again, with a model that believes the results. */
static void
endure(struct woes *w, struct model *m)
{
	struct p2p_store *s = NULL;
	unsigned op;
	int e;

	*m = (struct model){ { 0 } };
	for (op = 0; op < OPS; op++) {
		if (op == OPS / 2) {
			p2p_store_free(s);
			s = NULL;
		}
		if (s == NULL && (e = p2p_store_open("dir/store", &s,
		    NULL)) != 0) {
			w->opens++;
			w->wrong += e != -ENOSPC && e != -EIO;
			continue;
		}
		if ((e = change_at(s, op)) == 0) {
			apply(m, op);
			continue;
		}
		w->changes++;
		w->wrong += e != -ENOSPC && e != -EIO;
		w->wrong += !matches(s, m);
	}
	if (s != NULL)
		w->wrong += !matches(s, m);
	p2p_store_free(s);
}

static void
every_failure(enum shim_what what, bool sticky, long stride)
{
	struct woes w = { 0 }, total = { 0 };
	struct p2p_store *s;
	struct model m;
	long at, events;

	check_dir_enter();
	shim_pages(0, 12);
	shim_set(SHIM_NOTHING, 0, false);
	endure(&w, &m);
	events = shim_events();
	CHECK_EQ(w.opens + w.changes + w.wrong, 0);
	for (at = 1; at <= events; at += stride) {
		clear_dir();
		w = (struct woes){ 0 };
		shim_set(what, at, sticky);
		endure(&w, &m);
		CHECK(shim_failures() > 0);
		shim_set(SHIM_NOTHING, 0, false);
		s = must_open("dir/store");
		w.wrong += !matches(s, &m);
		p2p_store_free(s);
		if (w.wrong > 0)
			fprintf(stderr, "event %ld: %u wrong\n", at, w.wrong);
		total.opens += w.opens;
		total.changes += w.changes;
		total.wrong += w.wrong;
	}
	printf("(%ld events, %u opens and %u changes failed) ", events,
	    total.opens, total.changes);
	CHECK(total.changes > 0);
	CHECK_EQ(total.wrong, 0);
	CHECK_EQ(thread_count(), 0);
	shim_pages(0, 0);
	check_dir_leave();
}

static void
a_disk_full_once_changes_nothing_and_goes_by(void)
{
	every_failure(SHIM_FULL, false, STRIDE);
}

static void
a_disk_that_fails_once_changes_nothing_and_goes_by(void)
{
	every_failure(SHIM_FAIL, false, STRIDE);
}

static void
a_disk_that_stays_full_or_broken_is_survived(void)
{
	every_failure(SHIM_FULL, true, 3 * STRIDE);
	every_failure(SHIM_FAIL, true, 3 * STRIDE);
}

/* Puts that share commits, some larger than what SQLite keeps in memory. */
static void *
put_and_note(void *arg)
{
	static const uint8_t big[P2P_STORE_VALUE_MAX];
	unsigned n = (unsigned)(uintptr_t)arg;
	struct p2p_store_entry e = { .value = big,
	    .len = n % 3 == 0 ? 10 : sizeof(big) };
	char key[8];

	snprintf(key, sizeof(key), "%03u", n);
	e.key = (const uint8_t *)key;
	e.key_len = 3;
	atomic_store(&results[n], p2p_store_put(shared, "a", &e));
	return NULL;
}

/* What each was told is what is there, and what is counted. */
static bool
honest(unsigned *failed)
{
	struct p2p_store_usage u = { 0 };
	struct p2p_store_entry *got;
	unsigned i, wrong = 0;
	uint64_t n = 0, bytes = 0;
	char key[8];
	int e;

	for (i = 0; i < CROWD; i++) {
		snprintf(key, sizeof(key), "%03u", i);
		e = p2p_store_get(shared, "a", key, 3, &got);
		wrong += (e == 0) != (atomic_load(&results[i]) == 0);
		*failed += atomic_load(&results[i]) != 0;
		if (e == 0) {
			n++;
			bytes += got->key_len + got->len;
			free(got);
		}
	}
	(void)p2p_store_usage(shared, "a", &u);
	return wrong == 0 && u.entries == n && u.bytes == bytes;
}

static void
a_failure_fails_nobody_else(void)
{
	unsigned failed = 0, wrong = 0, lives = 0;
	pthread_t t[CROWD];
	uintptr_t i;
	long at;

	check_dir_enter();
	for (at = 1; at < 700; at += 17 * STRIDE, lives++) {
		clear_dir();
		shared = must_open("dir/store");
		shim_set(SHIM_FULL, at, false);
		for (i = 0; i < CROWD; i++)
			CHECK_EQ(pthread_create(&t[i], NULL, put_and_note,
			    (void *)i), 0);
		for (i = 0; i < CROWD; i++)
			pthread_join(t[i], NULL);
		shim_set(SHIM_NOTHING, 0, false);
		wrong += !honest(&failed);
		p2p_store_free(shared);
	}
	printf("(%u of %u failed) ", failed, lives * CROWD);
	CHECK_EQ(wrong, 0);
	CHECK(failed <= lives);		/* one each time, at most */
	check_dir_leave();
}

static void
a_file_removed_while_it_is_open_is_no_crash(void)
{
	struct p2p_store *s;

	check_dir_enter();
	s = must_open("dir/store");
	CHECK_OK(put(s, "k", 1));
	clear_dir();
	(void)put(s, "l", 2);
	p2p_store_free(s);
	CHECK_EQ(access("dir", F_OK), -1);
	s = must_open("dir/store");
	CHECK_OK(put(s, "k", 1));
	uses(s, 1, 23);
	p2p_store_free(s);
	check_dir_leave();
}

TESTS("store_file",
	{ "what was put is there for the next",
	    what_was_put_is_there_for_the_next },
	{ "modes are tight under any umask", modes_are_tight_under_any_umask },
	{ "a path may be odd", a_path_may_be_odd },
	{ "one at a time may have it", one_at_a_time_may_have_it },
	{ "what is no plain file of ours is refused",
	    what_is_no_plain_file_of_ours_is_refused },
	{ "what is no store is refused", what_is_no_store_is_refused },
	{ "what lies beside it is not taken for it",
	    what_lies_beside_it_is_not_taken_for_it },
	{ "a newer log is refused and left alone",
	    a_newer_log_is_refused_and_left_alone },
	{ "a file cut anywhere is refused or whole",
	    a_file_cut_anywhere_is_refused_or_whole },
	{ "no flip of a byte makes it lie", no_flip_of_a_byte_makes_it_lie },
	{ "no damage to its log makes it lie",
	    no_damage_to_its_log_makes_it_lie },
	{ "zeroed pages are seen", zeroed_pages_are_seen },
	{ "a damaged entry is left out and can be put again",
	    a_damaged_entry_is_left_out_and_can_be_put_again },
	{ "a death at any moment loses nothing that was told",
	    a_death_at_any_moment_loses_nothing_that_was_told },
	{ "a death loses nothing of a shared commit",
	    a_death_loses_nothing_of_a_shared_commit },
	{ "a disk full once changes nothing and goes by",
	    a_disk_full_once_changes_nothing_and_goes_by },
	{ "a disk that fails once changes nothing and goes by",
	    a_disk_that_fails_once_changes_nothing_and_goes_by },
	{ "a disk that stays full or broken is survived",
	    a_disk_that_stays_full_or_broken_is_survived },
	{ "a failure fails nobody else", a_failure_fails_nobody_else },
	{ "a file removed while it is open is no crash",
	    a_file_removed_while_it_is_open_is_no_crash })
