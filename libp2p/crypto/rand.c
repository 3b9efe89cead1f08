/*
 * Randomness fails closed: there is no second source, and a caller cannot
 * take what is left in its buffer for random.
 */
#include "crypto/rand.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#include "p2p/error.h"

int
rand_bytes(void *out, size_t len)
{
	if (RAND_bytes_ex(NULL, out, len, 0) == 1)
		return 0;
	ERR_clear_error();
	if (len > 0)
		memset(out, 0, len);
	return P2P_ERR_CRYPTO;
}
