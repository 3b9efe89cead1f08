/*
 * p2p/pnet.h -- private networks: one key that all nodes of a network share.
 *
 * Spec: libp2p/specs pnet/Private-Networks-PSK-V1.md.  A key file has three
 * lines: "/key/swarm/psk/1.0.0/", an encoding ("/base16/", "/base64/" or
 * "/bin/"), and 32 bytes in that encoding.
 */
#ifndef P2P_PNET_H
#define P2P_PNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define P2P_PSK_SIZE		32	/* bytes */
#define P2P_PSK_FILE_MAX	128	/* bytes; base16 with CRLF takes 99 */
#define P2P_PSK_FINGERPRINT_MAX	33	/* a fingerprint with its zero */

/* A plain value and a secret: whoever has one wipes it. */
struct p2p_psk {
	uint8_t	key[P2P_PSK_SIZE];
};

/*
 * Can this build take part in private networks?  It cannot without libsodium;
 * keys can be read and made all the same, but have no fingerprints.
 */
bool	p2p_pnet_available(void);

/* A random key.  Returns 0 or P2P_ERR_CRYPTO. */
int	p2p_psk_new(struct p2p_psk *out);
void	p2p_psk_wipe(struct p2p_psk *psk);

/*
 * Read exactly the content of a key file.  Lines end in LF or CRLF, the last
 * one need not.  base16 is read in either case; base64 is padded.
 * Returns 0 or P2P_ERR_FORMAT.
 */
int	p2p_psk_parse(const void *text, size_t len, struct p2p_psk *out);

/*
 * Load a key file: a regular file, or a link to one, that not everybody may
 * write to.  Who may read it is not asked, as in go and js.
 * Returns 0, -errno, P2P_ERR_KEY_FILE (the file is not to be trusted) or
 * P2P_ERR_FORMAT (it holds no key).
 */
int	p2p_psk_load(const char *path, struct p2p_psk *out);

/*
 * Write the content of a key file, in base16, with a final zero into
 * out[P2P_PSK_FILE_MAX], and return out; the caller wipes it.
 */
char	*p2p_psk_text(const struct p2p_psk *psk, char *out);

/*
 * Write a text that tells keys apart without giving them away, the same that
 * go and rust show, into out[P2P_PSK_FINGERPRINT_MAX].
 * Returns 0, P2P_ERR_UNSUPPORTED (no libsodium) or P2P_ERR_CRYPTO.
 */
int	p2p_psk_fingerprint(const struct p2p_psk *psk, char *out);

#ifdef __cplusplus
}
#endif
#endif
