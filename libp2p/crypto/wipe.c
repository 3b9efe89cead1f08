/*
 * The owner of a secret wipes it, in the cleanup path, always.
 */
#include "crypto/wipe.h"

#include <openssl/crypto.h>

void
wipe(void *p, size_t len)
{
	if (p != NULL && len > 0)
		OPENSSL_cleanse(p, len);
}
