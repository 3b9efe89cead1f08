/*
 * The key of a private network as a file.  Content is judged strictly: the two
 * lines in front, one key, at most one line end behind it.  What differs
 * between editors and systems, the line ends, is not.
 *
 * The file is judged mildly, unlike that of an identity.  It is copied to every
 * node, lies in /etc, is mounted as a symbolic link by what runs containers,
 * and others read it as group or world; go and js ask nothing.  Whoever learns
 * it can enter the network, and is still nobody in it.  But a file that all may
 * write to lets anybody move this node into a network of his own.
 *
 * multibase is not constant in time.  Here that tells nobody anything: a key is
 * read once, at start, from a file of whoever starts the node.
 */
#include "p2p/pnet.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/rand.h"
#include "crypto/wipe.h"
#include "crypto/xsalsa20.h"
#include "multiformats/multibase.h"
#include "p2p/error.h"

static const char first_line[] = "/key/swarm/psk/1.0.0/";

/* A fingerprint is the first 16 bytes of SHAKE128 over a block of Salsa20. */
static const char finprint[] = "finprint";
#define FINGERPRINT	16	/* bytes */

_Static_assert(sizeof(finprint) - 1 == XSALSA20_SHORT, "it is a nonce");

bool
p2p_pnet_available(void)
{
	return xsalsa20_ready() == 0;
}

/* Takes text off the front. */
static bool
take(struct rd *r, const char *text)
{
	size_t len = strlen(text);

	if (r->len < len || memcmp(r->p, text, len) != 0)
		return false;
	r->p += len;
	r->len -= len;
	return true;
}

static bool
take_eol(struct rd *r)
{
	return take(r, "\r\n") || take(r, "\n");
}

static bool
take_line(struct rd *r, const char *text)
{
	struct rd tail = *r;

	if (!take(&tail, text) || !take_eol(&tail))
		return false;
	*r = tail;
	return true;
}

/* digits of them, then pad; 32 bytes of a base go into so many. */
static bool
take_digits(struct rd *r, enum multibase base, size_t digits, const char *pad,
    struct p2p_psk *psk)
{
	struct rd text;
	struct wr w;

	wr_init(&w, psk->key, sizeof(psk->key));
	return rd_bytes(r, digits, &text) == 0 && take(r, pad) &&
	    multibase_decode_bare(base, text, &w) == 0 &&
	    w.len == sizeof(psk->key);
}

static bool
take_key(struct rd *r, struct p2p_psk *psk)
{
	if (take_line(r, "/base16/"))
		return take_digits(r, MULTIBASE_16, 64, "", psk);
	if (take_line(r, "/base64/"))
		return take_digits(r, MULTIBASE_64, 43, "=", psk);
	if (take_line(r, "/bin/"))
		return rd_copy(r, psk->key, sizeof(psk->key)) == 0;
	return false;
}

int
p2p_psk_parse(const void *text, size_t len, struct p2p_psk *out)
{
	struct rd r = { text, len };
	struct p2p_psk psk;
	int e = P2P_ERR_FORMAT;

	if (take_line(&r, first_line) && take_key(&r, &psk) &&
	    (take_eol(&r) || r.len == 0) && r.len == 0) {
		*out = psk;
		e = 0;
	}
	p2p_psk_wipe(&psk);
	return e;
}

/* Returns 0, P2P_ERR_KEY_FILE or -errno. */
static int
judge(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	return S_ISREG(st.st_mode) && (st.st_mode & S_IWOTH) == 0 ? 0 :
	    P2P_ERR_KEY_FILE;
}

/* O_NONBLOCK: open(2) of a FIFO must not wait for its writer. */
int
p2p_psk_load(const char *path, struct p2p_psk *out)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	uint8_t buf[P2P_PSK_FILE_MAX];	/* what fills it holds no key */
	size_t len;
	int fd, e;

	if ((fd = open(path, flags)) == -1)
		return errno == ENXIO ? P2P_ERR_KEY_FILE : -errno;
	if ((e = judge(fd)) == 0 &&
	    (e = file_read(fd, buf, sizeof(buf), &len)) == 0)
		e = p2p_psk_parse(buf, len, out);
	wipe(buf, sizeof(buf));
	close(fd);
	return e;
}

int
p2p_psk_new(struct p2p_psk *out)
{
	return rand_bytes(out->key, sizeof(out->key));
}

void
p2p_psk_wipe(struct p2p_psk *psk)
{
	wipe(psk, sizeof(*psk));
}

char *
p2p_psk_text(const struct p2p_psk *psk, char *out)
{
	struct rd key = { psk->key, sizeof(psk->key) };
	struct wr w;

	wr_init(&w, out, P2P_PSK_FILE_MAX);
	wr_printf(&w, "%s\n/base16/\n", first_line);
	multibase_encode_bare(MULTIBASE_16, key, &w);
	wr_bytes(&w, "\n", 2);
	assert(!w.full);
	return out;
}

int
p2p_psk_fingerprint(const struct p2p_psk *psk, char *out)
{
	uint8_t block[XSALSA20_BLOCK], hash[FINGERPRINT];
	int e;

	if ((e = xsalsa20_ready()) != 0)
		return e;
	xsalsa20_short(psk->key, (const uint8_t *)finprint, block);
	e = hash_shake128(block, sizeof(block), hash, sizeof(hash));
	wipe(block, sizeof(block));
	if (e == 0)
		hex_put(out, hash, sizeof(hash));
	return e;
}
