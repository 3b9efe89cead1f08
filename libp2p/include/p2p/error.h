/*
 * p2p/error.h -- what went wrong, as one int.
 *
 * 0 is good.  A negative value above -1000 is -errno from the system; the rest
 * are the codes below.  p2p_strerror() and p2p_error_name() know both kinds.
 */
#ifndef P2P_ERROR_H
#define P2P_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum p2p_error {
	P2P_ERR_SHORT = -1000,		/* the input ends too early */
	P2P_ERR_FORMAT = -1001,		/* malformed input */
	P2P_ERR_TOO_LARGE = -1002,	/* over a size limit */
	P2P_ERR_LIMIT = -1003,		/* a counted limit refused */
	P2P_ERR_TIMEOUT = -1004,	/* the deadline passed */
	P2P_ERR_CLOSED = -1005,		/* closed or reset by ourselves */
	P2P_ERR_RESET = -1006,		/* the peer reset the stream */
	P2P_ERR_DISCONNECTED = -1007,	/* the connection ended */
	P2P_ERR_WRONG_PEER = -1008,	/* another peer than the one dialed */
	P2P_ERR_SELF = -1009,		/* that is our own peer id */
	P2P_ERR_REFUSED = -1010,	/* refused by policy, ours or theirs */
	P2P_ERR_UNREACHABLE = -1011,	/* no address answered */
	P2P_ERR_NO_ADDRESS = -1012,	/* no address is known for the peer */
	P2P_ERR_NO_PEER = -1013,	/* the address names no peer */
	P2P_ERR_NO_PROTOCOL = -1014,	/* the peer speaks none of these */
	P2P_ERR_UNSUPPORTED = -1015,	/* not supported by this library */
	P2P_ERR_PROTOCOL = -1016,	/* the peer broke a protocol's rules */
	P2P_ERR_SECURITY = -1017,	/* authentication failed */
	P2P_ERR_SIGNATURE = -1018,	/* a signature does not verify */
	P2P_ERR_KEY_FILE = -1019,	/* the key file is not to be trusted */
	P2P_ERR_STOPPED = -1020,	/* the host is stopping */
	P2P_ERR_BUSY = -1021,		/* handlers still run */
	P2P_ERR_DEADLOCK = -1022,	/* not from a handler or callback */
	P2P_ERR_EXISTS = -1023,		/* already there */
	P2P_ERR_NOT_FOUND = -1024,	/* not there */
	P2P_ERR_DNS = -1025,		/* a name did not resolve */
	P2P_ERR_CRYPTO = -1026,		/* the crypto library failed */
};

/*
 * The code in words, for people ("the deadline passed").  Thread-safe; the
 * text is static and never NULL.
 */
const char	*p2p_strerror(int error);

/*
 * The code as a stable lower-case name, for programs ("wrong-peer",
 * "timeout").  System errors map to the nearest name ("refused", "no-memory")
 * or to "system".  Thread-safe; static; never NULL.
 */
const char	*p2p_error_name(int error);

#ifdef __cplusplus
}
#endif
#endif
