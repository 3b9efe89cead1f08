/*
 * A build without libsodium: it refuses, and never sends in the clear what was
 * to be sealed.
 */
#include "security/pnet.h"

#include "check.h"
#include "crypto/xsalsa20.h"
#include "p2p/error.h"

static void
a_build_without_libsodium_says_so(void)
{
	CHECK(!p2p_pnet_available());
	CHECK_ERR(xsalsa20_ready(), P2P_ERR_UNSUPPORTED);
}

static void
there_is_no_private_network_in_it(void)
{
	struct p2p_psk psk = { { 1 } };
	struct pnet *p = NULL;
	char text[P2P_PSK_FINGERPRINT_MAX] = "as it was";

	CHECK_ERR(pnet_new(&psk, &p), P2P_ERR_UNSUPPORTED);
	CHECK(p == NULL);
	pnet_free(p);
	CHECK_ERR(p2p_psk_fingerprint(&psk, text), P2P_ERR_UNSUPPORTED);
	CHECK_STR(text, "as it was");
}

TESTS("pnet_none",
	{ "a build without libsodium says so",
	    a_build_without_libsodium_says_so },
	{ "there is no private network in it",
	    there_is_no_private_network_in_it })
