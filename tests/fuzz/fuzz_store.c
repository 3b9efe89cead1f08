/*
 * A store's file, and its log: four bytes say how many of the rest are the
 * file.  Whatever they are, opening it, listing, and putting and removing an
 * entry ends soon and well; a file that is refused is as it was.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "p2p/error.h"
#include "p2p/store.h"

#define FILE_MAX	(64 * 1024)

/* libFuzzer has paths of its own that begin here: no chdir(2). */
static char dir[] = "fuzz-store.XXXXXX";
static char file[64], wal[64], shm[64], lock[64];

static void
clean(void)
{
	unlink(file);
	unlink(wal);
	unlink(shm);
}

static void
leave(void)
{
	clean();
	unlink(lock);
	rmdir(dir);
}

static void
enter(void)
{
	static int entered;

	if (entered)
		return;
	entered = 1;
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(file, sizeof(file), "%s/store", dir);
	snprintf(wal, sizeof(wal), "%s/store-wal", dir);
	snprintf(shm, sizeof(shm), "%s/store-shm", dir);
	snprintf(lock, sizeof(lock), "%s/store.lock", dir);
	atexit(leave);
}

static void
spill(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	FUZZ_CHECK(fd != -1 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static int
untouched(const char *path, const uint8_t *data, size_t size)
{
	static uint8_t buf[FILE_MAX + 1];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n == (ssize_t)size && memcmp(buf, data, size) == 0;
}

static void
use(struct p2p_store *s)
{
	struct p2p_store_entry e = { .key = (const uint8_t *)"new",
	    .key_len = 3, .value = (const uint8_t *)"v", .len = 1 }, *list;
	struct p2p_store_usage u;
	size_t i, n;

	if (p2p_store_list(s, "a", NULL, 0, NULL, 0, 1000, &list, &n) == 0) {
		for (i = 0; i < n; i++)
			FUZZ_CHECK(list[i].key_len > 0 &&
			    list[i].key_len <= P2P_STORE_KEY_MAX &&
			    list[i].len <= P2P_STORE_VALUE_MAX);
		free(list);
	}
	if (p2p_store_put(s, "a", &e) == 0) {
		FUZZ_CHECK(p2p_store_get(s, "a", "new", 3, &list) == 0);
		free(list);
		FUZZ_CHECK(p2p_store_usage(s, "a", &u) == 0 && u.entries > 0);
	}
	(void)p2p_store_expire(s);
	(void)p2p_store_remove(s, "a", "new", 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p2p_store *s;
	const char *why = NULL;
	size_t len;
	int e;

	if (size < 4 || size > FILE_MAX)
		return 0;
	len = (size_t)data[2] << 8 | data[3];
	data += 4;
	size -= 4;
	if (len > size)
		len = size;
	enter();
	clean();
	spill(file, data, len);
	if (size > len)
		spill(wal, data + len, size - len);
	if ((e = p2p_store_open(file, &s, &why)) != 0) {
		FUZZ_CHECK(untouched(file, data, len));
		FUZZ_CHECK(size == len || untouched(wal, data + len,
		    size - len));
		FUZZ_CHECK(e != P2P_ERR_FORMAT || why != NULL);
		return 0;
	}
	use(s);
	p2p_store_free(s);
	return 0;
}
