#include "p2p/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "check.h"

#define FIRST	P2P_ERR_SHORT
#define LAST	P2P_ERR_CRYPTO

static void
every_code_has_a_name_and_a_text_of_its_own(void)
{
	int a, b;

	for (a = FIRST; a >= LAST; a--) {
		CHECK(strcmp(p2p_error_name(a), "unknown") != 0);
		CHECK(strcmp(p2p_strerror(a), "unknown error") != 0);
		for (b = FIRST; b > a; b--) {
			CHECK(strcmp(p2p_error_name(a), p2p_error_name(b)));
			CHECK(strcmp(p2p_strerror(a), p2p_strerror(b)));
		}
	}
}

/* Scripts compare the names: lower case, digits and hyphens. */
static void
names_are_plain_words(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
	const char *name;
	int e;

	for (e = 0; e >= LAST - 10; e--) {
		name = p2p_error_name(e);
		CHECK(name[0] != '\0');
		CHECK_EQ(strspn(name, letters), strlen(name));
	}
}

static void
the_names_are_the_published_ones(void)
{
	static const struct {
		int		 error;
		const char	*name;
	} names[] = {
		{ 0, "ok" }, { P2P_ERR_TIMEOUT, "timeout" },
		{ P2P_ERR_WRONG_PEER, "wrong-peer" },
		{ P2P_ERR_NO_PROTOCOL, "no-protocol" },
		{ P2P_ERR_UNREACHABLE, "unreachable" },
		{ P2P_ERR_DISCONNECTED, "disconnected" },
		{ P2P_ERR_KEY_FILE, "key-file" }, { P2P_ERR_DNS, "dns" },
		{ -ECONNREFUSED, "refused" }, { -ECONNRESET, "disconnected" },
		{ -EPIPE, "disconnected" }, { -ETIMEDOUT, "timeout" },
		{ -ENETUNREACH, "unreachable" },
		{ -EHOSTUNREACH, "unreachable" }, { -ENOMEM, "no-memory" },
		{ -EADDRINUSE, "address-in-use" }, { -EACCES, "permission" },
		{ -EPERM, "permission" }, { -ENOENT, "not-found" },
		{ -EEXIST, "exists" }, { -EIO, "system" },
		{ -EMFILE, "system" }, { -999, "system" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_STR(p2p_error_name(names[i].error), names[i].name);
}

static void
system_errors_have_the_system_s_text(void)
{
	int e;

	CHECK_STR(p2p_strerror(0), "success");
	for (e = 1; e < 133; e++)
		if (strerrordesc_np(e) != NULL)
			CHECK_STR(p2p_strerror(-e), strerrordesc_np(e));
	CHECK_STR(p2p_strerror(-999), "unknown error");
}

static void
what_is_no_code_is_unknown(void)
{
	static const int codes[] = { 1, ENOMEM, INT_MAX, LAST - 1, -2000,
	    INT_MIN };
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		CHECK_STR(p2p_error_name(codes[i]), "unknown");
		CHECK_STR(p2p_strerror(codes[i]), "unknown error");
	}
}

TESTS("error",
	{ "every code has a name and a text of its own",
	    every_code_has_a_name_and_a_text_of_its_own },
	{ "names are plain words", names_are_plain_words },
	{ "the names are the published ones",
	    the_names_are_the_published_ones },
	{ "system errors have the system's text",
	    system_errors_have_the_system_s_text },
	{ "what is no code is unknown", what_is_no_code_is_unknown })
