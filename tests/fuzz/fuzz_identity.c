/* Keys, envelopes, identify messages and certificates of a peer's. */
#include <openssl/x509.h>
#include <time.h>

#include "identity/envelope.h"
#include "p2p/key.h"
#include "security/tls_cert.h"
#include "services/identify_msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identify_seen seen = { 0 };
	struct peer_record record;
	struct p2p_peer_id id = { 0 };
	struct p2p_key *key;
	const unsigned char *p = data;
	X509 *cert;

	if (p2p_key_decode_public(data, size, &key) == 0)
		p2p_key_free(key);
	if (p2p_key_decode_private(data, size, &key) == 0)
		p2p_key_free(key);
	if (p2p_peer_id_decode(data, size, &id) == 0 &&
	    p2p_peer_id_key(&id, &key) == 0)
		p2p_key_free(key);
	if (peer_record_open((struct rd){ data, size }, &record) == 0)
		peer_record_clear(&record);
	(void)(identify_get(&seen, &id, (struct rd){ data, size }) == 0);
	identify_clear(&seen);
	if ((cert = d2i_X509(NULL, &p, (long)size)) != NULL) {
		if (tls_cert_check(cert, time(NULL), &key) == 0)
			p2p_key_free(key);
		X509_free(cert);
	}
	return 0;
}
