#include "p2p/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "mangle.h"
#include "p2p/error.h"
#include "p2p/peer_id.h"

/* libp2p/specs peer-ids/peer-ids.md; peer ids derived from them. */
static const struct {
	enum p2p_key_type type;
	const char	*priv, *pub, *base58, *cid;
} vectors[] = {
	{ P2P_KEY_ED25519, "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1"
	    "feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf"
	    "6010f0e42d474fce27e",
	    "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d47"
	    "4fce27e",
	    "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
	    "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6" },
	{ P2P_KEY_SECP256K1, "0802122053dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdb"
	    "d42abedb0a4404d56ced8fb",
	    "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e6"
	    "30bfca99",
	    "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
	    "bafzaajiiaijcca3xo7uzjzcsyilaj6i54cj44qk7kqzpoao5rti2pjx6udtdbp6kte" },
	{ P2P_KEY_ECDSA, "08031279307702010104203e5b1fe9712e6c314942a750bd67485d"
	    "e3c1efe85b1bfb520ae8f9ae3dfa4a4ca00a06082a8648ce3d030107a14403420"
	    "004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda02"
	    "0e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e6"
	    "2",
	    "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d"
	    "300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5"
	    "f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62",
	    "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
	    "bafzbeidigywdclqvl5hxfefwp5onbffcfife7pza57mmfb4tiqmtkdjw64" },
};

#define N_VECTORS	(sizeof(vectors) / sizeof(vectors[0]))

/* libp2p/go-libp2p core/crypto/test_data and js-libp2p's fixtures. */
static const struct {
	const char	*pub, *msg, *sig;
} signatures[] = {
	{ "08021221023540ad842af8a43551a94d8383a555a99226506b88f953d2e70316a3a1"
	    "b3d6a2", "Libp2p is the _best_!",
	    "3044022031a7d633c2f3e45a16128d43751afaa8dc9ba24092c5f5b3cad2c8fe4c"
	    "f388f2022049ea8d219f458683d24775d543ea8fb290704347fb35493c403bc2c2"
	    "59b29d9e" },
	{ "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004e29a86"
	    "74f3614e0ccb72406bfe2137e9f8c5f7d62d137f0a2edd233e35374777fd1f9aed"
	    "4d2cfa7371caafc6ef02db83b81f77cfe1bcd8c715acf0b9a2778ea9",
	    "Libp2p is the _best_!",
	    "3046022100846a6685b9e72b560cb2fc4a75f9cbc38a90aaeaa7f3f25ee719832d"
	    "b7b93a65022100cd992bb7bd2bcc28c7db04987d10adc490fe348270954f7696cb"
	    "0dffff0dfc3d" },
	{ "08021221029c0ce5d53646ed47112560297a3e59b78b8cbd4bae37c7a0c236eeb91d"
	    "0fbeaf", "hello! and welcome to some awesome crypto primitives",
	    "304402200e4c629e9f5d99439115e60989cd40087f6978c36078b0b50cf3d30af5"
	    "c38d4102204110342c8e7f0809897c1c7a66e49e1c6b7cb0a6ed6993640ec2fe74"
	    "2c1899a9" },
};

static struct p2p_key *
private_of(const char *hex)
{
	struct p2p_key *key = NULL;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(hex, &len);
	CHECK_OK(p2p_key_decode_private(bytes, len, &key));
	free(bytes);
	return key;
}

static void
fixtures_give_their_public_keys_and_ids(void)
{
	uint8_t out[P2P_KEY_PRIVATE_MAX], *want;
	char text[P2P_PEER_ID_TEXT_MAX];
	struct p2p_peer_id id, parsed;
	const uint8_t *pub;
	struct p2p_key *key;
	size_t i, len, wantlen;

	for (i = 0; i < N_VECTORS; i++) {
		key = private_of(vectors[i].priv);
		CHECK_FATAL(key != NULL);
		CHECK_EQ(p2p_key_type(key), vectors[i].type);
		want = check_unhex(vectors[i].pub, &wantlen);
		pub = p2p_key_public(key, &len);
		CHECK_BYTES(pub, len, want, wantlen);
		free(want);
		want = check_unhex(vectors[i].priv, &wantlen);
		CHECK_OK(p2p_key_encode_private(key, out, &len));
		CHECK_BYTES(out, len, want, wantlen);
		free(want);
		p2p_peer_id_from_key(key, &id);
		CHECK_STR(p2p_peer_id_text(&id, text), vectors[i].base58);
		CHECK_STR(p2p_peer_id_cid(&id, text), vectors[i].cid);
		CHECK_OK(p2p_peer_id_parse(vectors[i].cid, &parsed));
		CHECK(p2p_peer_id_equal(&id, &parsed));
		p2p_key_free(key);
	}
}

static void
published_signatures_verify_and_no_flipped_bit_does(void)
{
	struct p2p_key *key;
	uint8_t *pub, *sig;
	size_t i, bit, publen, siglen;
	const char *msg;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		msg = signatures[i].msg;
		pub = check_unhex(signatures[i].pub, &publen);
		sig = check_unhex(signatures[i].sig, &siglen);
		CHECK_OK(p2p_key_decode_public(pub, publen, &key));
		CHECK_OK(p2p_key_verify(key, (const uint8_t *)msg, strlen(msg),
		    sig, siglen));
		for (bit = 0; bit < 8 * siglen; bit += 3) {
			sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CHECK_ERR(p2p_key_verify(key, (const uint8_t *)msg,
			    strlen(msg), sig, siglen), P2P_ERR_SIGNATURE);
			sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		p2p_key_free(key);
		free(pub);
		free(sig);
	}
}

static void
every_type_signs_what_it_verifies(void)
{
	static const uint8_t msg[] = "message";
	uint8_t sig[P2P_KEY_SIGNATURE_MAX];
	struct p2p_key *key, *copy;
	size_t len;
	int type, i;

	for (type = P2P_KEY_RSA; type <= P2P_KEY_ECDSA; type++) {
		CHECK_OK(p2p_key_generate((enum p2p_key_type)type, 0, &key));
		CHECK_OK(p2p_key_dup(key, &copy));
		for (i = 0; i < 8; i++) {
			CHECK_OK(p2p_key_sign(key, msg, sizeof(msg), sig,
			    &len));
			CHECK_OK(p2p_key_verify(copy, msg, sizeof(msg), sig,
			    len));
			CHECK_ERR(p2p_key_verify(copy, msg, sizeof(msg) - 1,
			    sig, len), P2P_ERR_SIGNATURE);
			/* A low S: its first byte is at most 7f, and short. */
			if (type == P2P_KEY_SECP256K1)
				CHECK(len <= 71);
		}
		p2p_key_free(key);
		p2p_key_free(copy);
	}
	CHECK_ERR(p2p_key_generate(P2P_KEY_RSA, 1024, &key),
	    P2P_ERR_UNSUPPORTED);
	CHECK_ERR(p2p_key_generate(P2P_KEY_RSA, 16384, &key),
	    P2P_ERR_UNSUPPORTED);
}

static void
the_old_ed25519_form_is_read_if_its_copies_agree(void)
{
	static const char old[] = "08011260c9d0016eb010e62542b895fc4e38ce880226"
	    "7698e2c575c836bd9cdab8077639e931dd61a49ef18149a6e1ffc1761654370ff"
	    "9a8e1b4c6bf0e4bbbf3965be825e931dd61a49ef18149a6e1ffc1761654370ff9"
	    "a8e1b4c6bf0e4bbbf3965be825";
	struct p2p_key *key;
	uint8_t *bytes;
	size_t len;

	bytes = check_unhex(old, &len);
	CHECK_OK(p2p_key_decode_private(bytes, len, &key));
	p2p_key_free(key);
	bytes[len - 1] ^= 1;
	CHECK_ERR(p2p_key_decode_private(bytes, len, &key), P2P_ERR_FORMAT);
	bytes[len - 1] ^= 1;
	bytes[40] ^= 1;
	CHECK_ERR(p2p_key_decode_private(bytes, len, &key), P2P_ERR_FORMAT);
	free(bytes);
}

static int
decode_public(const uint8_t *bytes, size_t len, void *arg)
{
	struct p2p_key *key;
	int e;

	(void)arg;
	if ((e = p2p_key_decode_public(bytes, len, &key)) == 0)
		p2p_key_free(key);
	return e;
}

static void
mangled_public_keys_are_refused_or_sound(void)
{
	uint8_t *msg;
	size_t i, len;

	for (i = 0; i < N_VECTORS; i++) {
		msg = check_unhex(vectors[i].pub, &len);
		CHECK(mangle(msg, len, 1, decode_public, NULL) >= len);
		free(msg);
	}
}

static void
peer_ids_of_other_kinds_are_refused(void)
{
	struct p2p_peer_id id;

	CHECK_OK(p2p_peer_id_parse(
	    "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe", &id));
	CHECK_OK(p2p_peer_id_parse(
	    "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA", &id));
	CHECK_ERR(p2p_peer_id_parse("bafkreifoybygix7fh3r3g5rqle3wcnhqldgdg4shzf4"
	    "k3ulyw3gn7mabt4", &id), P2P_ERR_UNSUPPORTED);
	CHECK_ERR(p2p_peer_id_parse("", &id), P2P_ERR_FORMAT);
	CHECK_ERR(p2p_peer_id_parse("Qm", &id), P2P_ERR_FORMAT);
	CHECK_ERR(p2p_peer_id_parse("12D3KooW0OIl", &id), P2P_ERR_FORMAT);
}

static char dir[] = "/tmp/test_key.XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[2][256];
	static unsigned i;

	snprintf(path[++i % 2], sizeof(path[0]), "%s/%s", dir, name);
	return path[i % 2];
}

static void
put_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK_FATAL(fd != -1);
	CHECK_EQ(write(fd, bytes, len), (ssize_t)len);
	CHECK_EQ(fchmod(fd, mode), 0);
	close(fd);
}

static void
a_saved_key_is_private_and_never_replaced(void)
{
	struct p2p_key *key, *back;
	struct p2p_peer_id a, b;
	struct stat st;
	mode_t old;

	CHECK_FATAL(mkdtemp(dir) != NULL);
	CHECK_OK(p2p_key_generate(P2P_KEY_ED25519, 0, &key));
	old = umask(0);
	CHECK_OK(p2p_key_save(key, in_dir("new/identity.key")));
	umask(old);
	CHECK_EQ(stat(in_dir("new"), &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0700);
	CHECK_EQ(stat(in_dir("new/identity.key"), &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_ERR(p2p_key_save(key, in_dir("new/identity.key")),
	    P2P_ERR_EXISTS);
	CHECK_OK(p2p_key_load(in_dir("new/identity.key"), &back, NULL));
	p2p_peer_id_from_key(key, &a);
	p2p_peer_id_from_key(back, &b);
	CHECK(p2p_peer_id_equal(&a, &b));
	p2p_key_free(key);
	p2p_key_free(back);
}

static void
odd_key_files_are_refused_and_left_alone(void)
{
	uint8_t good[P2P_KEY_PRIVATE_MAX], *bytes;
	char path[256];
	const char *why;
	struct p2p_key *key;
	struct stat st;
	size_t len, n;

	snprintf(path, sizeof(path), "%s", in_dir("odd.key"));
	bytes = check_unhex(vectors[0].priv, &len);
	memcpy(good, bytes, len);
	free(bytes);
	for (n = 0; n < len; n++) {
		put_file(path, good, n, 0600);
		why = NULL;
		CHECK_ERR(p2p_key_load(path, &key, &why), P2P_ERR_KEY_FILE);
		CHECK(why != NULL);
		CHECK_EQ(stat(path, &st), 0);
		CHECK_EQ(st.st_size, n);
	}
	good[len] = 0;
	put_file(path, good, len + 1, 0600);
	CHECK_ERR(p2p_key_load(path, &key, &why), P2P_ERR_KEY_FILE);
	good[len - 1] ^= 1;
	put_file(path, good, len, 0600);
	CHECK_ERR(p2p_key_load(path, &key, &why), P2P_ERR_KEY_FILE);
	good[len - 1] ^= 1;
	put_file(path, good, len, 0640);
	CHECK_ERR(p2p_key_load(path, &key, &why), P2P_ERR_KEY_FILE);
	put_file(path, good, len, 0600);
	CHECK_EQ(symlink(path, in_dir("link.key")), 0);
	CHECK_ERR(p2p_key_load(in_dir("link.key"), &key, &why),
	    P2P_ERR_KEY_FILE);
	CHECK_ERR(p2p_key_load(dir, &key, &why), P2P_ERR_KEY_FILE);
	CHECK_ERR(p2p_key_load(in_dir("none"), &key, &why), -ENOENT);
	CHECK_OK(p2p_key_load(path, &key, &why));
	p2p_key_free(key);
	unlink(in_dir("link.key"));
	unlink(path);
	unlink(in_dir("new/identity.key"));
	rmdir(in_dir("new"));
	CHECK_EQ(rmdir(dir), 0);	/* no temporary file was left */
}

TESTS("key",
	{ "fixtures give their public keys and ids",
	    fixtures_give_their_public_keys_and_ids },
	{ "published signatures verify and no flipped bit does",
	    published_signatures_verify_and_no_flipped_bit_does },
	{ "every type signs what it verifies",
	    every_type_signs_what_it_verifies },
	{ "the old ed25519 form is read if its copies agree",
	    the_old_ed25519_form_is_read_if_its_copies_agree },
	{ "mangled public keys are refused or sound",
	    mangled_public_keys_are_refused_or_sound },
	{ "peer ids of other kinds are refused",
	    peer_ids_of_other_kinds_are_refused },
	{ "a saved key is private and never replaced",
	    a_saved_key_is_private_and_never_replaced },
	{ "odd key files are refused and left alone",
	    odd_key_files_are_refused_and_left_alone })
