/*
 * The reader is a loop over a stack of open maps and lists, not a recursion:
 * what it holds is a struct of fixed size, and each turn takes a byte at least
 * or closes a level.  A map remembers its keys, for in any order they may
 * occur but once.
 */
#include "multiformats/dag_cbor.h"

#include <assert.h>
#include <string.h>

#include "multiformats/cid.h"
#include "p2p/error.h"

/* RFC 8949 section 3.1, the three bits in front. */
enum major {
	MAJOR_UINT = 0,
	MAJOR_NEGATIVE = 1,
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_LIST = 4,
	MAJOR_MAP = 5,
	MAJOR_TAG = 6,
	MAJOR_OTHER = 7,
};

#define MINOR_8		24	/* the argument follows: in 1, */
#define MINOR_16	25	/* 2, */
#define MINOR_32	26	/* 4 */
#define MINOR_64	27	/* or 8 bytes */
#define OTHER_FALSE	20
#define OTHER_NULL	22
#define TAG_CID		42
#define EXPONENT_MAX	0x7ff	/* of a double: no number */

struct level {
	uint64_t	left;		/* entries or values to come */
	bool		map;
	struct rd	keys[DAG_CBOR_ENTRIES_MAX];
	size_t		n;		/* of them */
};

struct walk {
	struct rd	 r;
	struct level	 levels[DAG_CBOR_DEPTH_MAX];
	unsigned	 depth;
};

/* The number behind the first byte, which must need that much room. */
static int
argument(struct rd *r, unsigned minor, uint64_t *out)
{
	uint64_t v = minor, least = 0;
	uint16_t v16;
	uint32_t v32;
	uint8_t v8;
	int e = 0;

	switch (minor) {
	case MINOR_8:
		least = MINOR_8;
		if ((e = rd_u8(r, &v8)) == 0)
			v = v8;
		break;
	case MINOR_16:
		least = UINT64_C(1) << 8;
		if ((e = rd_be16(r, &v16)) == 0)
			v = v16;
		break;
	case MINOR_32:
		least = UINT64_C(1) << 16;
		if ((e = rd_be32(r, &v32)) == 0)
			v = v32;
		break;
	case MINOR_64:
		least = UINT64_C(1) << 32;
		e = rd_be64(r, &v);
		break;
	}
	if (e != 0 || minor > MINOR_64 || v < least)
		return P2P_ERR_FORMAT;
	*out = v;
	return 0;
}

/* false, true, null, or a double that is a number. */
static int
other_skip(struct rd *r, unsigned minor)
{
	uint64_t bits;

	if (minor >= OTHER_FALSE && minor <= OTHER_NULL)
		return 0;
	if (minor != MINOR_64 || rd_be64(r, &bits) != 0 ||
	    (bits >> 52 & EXPONENT_MAX) == EXPONENT_MAX)
		return P2P_ERR_FORMAT;
	return 0;
}

/* What a value starts with; *arg is nothing when it is of MAJOR_OTHER. */
static int
head(struct rd *r, enum major *major, uint64_t *arg)
{
	uint8_t first;

	if (rd_u8(r, &first) != 0)
		return P2P_ERR_FORMAT;
	*major = (enum major)(first >> 5);
	*arg = 0;
	return *major == MAJOR_OTHER ? other_skip(r, first & 0x1f) :
	    argument(r, first & 0x1f, arg);
}

static int
string_get(struct rd *r, enum major want, struct rd *out)
{
	enum major major;
	uint64_t len;

	if (head(r, &major, &len) != 0 || major != want || len > r->len)
		return P2P_ERR_FORMAT;
	return rd_bytes(r, (size_t)len, out);
}

/* What a tag of 42 is about: a zero, then a CID. */
static int
cid_skip(struct rd *r)
{
	struct rd bytes;
	struct cid cid;
	uint8_t zero;

	if (string_get(r, MAJOR_BYTES, &bytes) != 0 ||
	    rd_u8(&bytes, &zero) != 0 || zero != 0 ||
	    cid_decode(bytes, &cid) != 0)
		return P2P_ERR_FORMAT;
	return 0;
}

static int
level_open(struct walk *w, bool map, uint64_t n)
{
	struct level *l;

	if (w->depth == DAG_CBOR_DEPTH_MAX ||
	    n > (map ? DAG_CBOR_ENTRIES_MAX : w->r.len))
		return P2P_ERR_FORMAT;
	l = &w->levels[w->depth++];
	l->left = n;
	l->map = map;
	l->n = 0;
	return 0;
}

/* Pass over a value, or into it. */
static int
value_skip(struct walk *w)
{
	enum major major;
	struct rd bytes;
	uint64_t arg;
	int e;

	if ((e = head(&w->r, &major, &arg)) != 0)
		return e;
	switch (major) {
	case MAJOR_UINT:
	case MAJOR_NEGATIVE:
	case MAJOR_OTHER:
		return 0;
	case MAJOR_BYTES:
	case MAJOR_TEXT:
		if (arg > w->r.len)
			return P2P_ERR_FORMAT;
		return rd_bytes(&w->r, (size_t)arg, &bytes);
	case MAJOR_LIST:
	case MAJOR_MAP:
		return level_open(w, major == MAJOR_MAP, arg);
	case MAJOR_TAG:
		return arg == TAG_CID ? cid_skip(&w->r) : P2P_ERR_FORMAT;
	}
	return P2P_ERR_FORMAT;
}

static int
key_get(struct rd *r, struct level *l, struct rd *key)
{
	size_t i;
	int e;

	if ((e = string_get(r, MAJOR_TEXT, key)) != 0)
		return e;
	for (i = 0; i < l->n; i++)
		if (rd_equal(key, l->keys[i].p, l->keys[i].len))
			return P2P_ERR_FORMAT;
	l->keys[l->n++] = *key;
	return 0;
}

static struct dag_cbor_field *
field_of(const struct rd *key, struct dag_cbor_field *fields, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rd_equal(key, fields[i].key, strlen(fields[i].key)))
			return &fields[i];
	return NULL;
}

static int
field_get(struct rd *r, struct dag_cbor_field *f)
{
	enum major major;

	if (f->type == DAG_CBOR_BYTES)
		return string_get(r, MAJOR_BYTES, &f->bytes);
	if (head(r, &major, &f->uint) != 0 || major != MAJOR_UINT)
		return P2P_ERR_FORMAT;
	return 0;
}

int
dag_cbor_get(struct rd in, struct dag_cbor_field *fields, size_t n)
{
	struct walk w;		/* large, so it is not cleared */
	struct rd key = { NULL, 0 };
	struct dag_cbor_field *f;
	struct level *l;
	size_t found = 0;
	int e;

	w.r = in;
	w.depth = 0;
	if ((e = value_skip(&w)) != 0)
		return e;
	if (w.depth == 0 || !w.levels[0].map)
		return P2P_ERR_FORMAT;
	while (w.depth > 0) {
		l = &w.levels[w.depth - 1];
		if (l->left == 0) {
			w.depth--;
			continue;
		}
		l->left--;
		if (l->map && (e = key_get(&w.r, l, &key)) != 0)
			return e;
		f = w.depth == 1 ? field_of(&key, fields, n) : NULL;
		if ((e = f != NULL ? field_get(&w.r, f) :
		    value_skip(&w)) != 0)
			return e;
		found += f != NULL;
	}
	return found == n && w.r.len == 0 ? 0 : P2P_ERR_FORMAT;
}

static void
head_put(struct wr *w, enum major major, uint64_t v)
{
	uint8_t first = (uint8_t)(major << 5);

	if (v < MINOR_8) {
		wr_u8(w, (uint8_t)(first | v));
	} else if (v <= UINT8_MAX) {
		wr_u8(w, first | MINOR_8);
		wr_u8(w, (uint8_t)v);
	} else if (v <= UINT16_MAX) {
		wr_u8(w, first | MINOR_16);
		wr_be16(w, (uint16_t)v);
	} else if (v <= UINT32_MAX) {
		wr_u8(w, first | MINOR_32);
		wr_be32(w, (uint32_t)v);
	} else {
		wr_u8(w, first | MINOR_64);
		wr_be64(w, v);
	}
}

static void
string_put(struct wr *w, enum major major, const void *bytes, size_t len)
{
	head_put(w, major, len);
	wr_bytes(w, bytes, len);
}

/* RFC 7049 section 3.9: the shorter first, then bytewise. */
static bool
in_order(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);

	return alen != blen ? alen < blen : strcmp(a, b) < 0;
}

void
dag_cbor_put(struct wr *w, const struct dag_cbor_field *fields, size_t n)
{
	const struct dag_cbor_field *f;

	head_put(w, MAJOR_MAP, n);
	for (f = fields; f < fields + n; f++) {
		assert(f == fields || in_order(f[-1].key, f->key));
		string_put(w, MAJOR_TEXT, f->key, strlen(f->key));
		if (f->type == DAG_CBOR_BYTES)
			string_put(w, MAJOR_BYTES, f->bytes.p, f->bytes.len);
		else
			head_put(w, MAJOR_UINT, f->uint);
	}
}
