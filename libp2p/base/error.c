/*
 * Error texts and names.  Both switches list every code and have no default,
 * so that -Wswitch finds a code without a text.
 */
#include "p2p/error.h"

#include <errno.h>
#include <string.h>

static const char *
own_text(enum p2p_error error)
{
	switch (error) {
	case P2P_ERR_SHORT:		return "the input ends too early";
	case P2P_ERR_FORMAT:		return "malformed input";
	case P2P_ERR_TOO_LARGE:		return "too large";
	case P2P_ERR_LIMIT:		return "a limit is reached";
	case P2P_ERR_TIMEOUT:		return "the deadline passed";
	case P2P_ERR_CLOSED:		return "closed on this side";
	case P2P_ERR_RESET:		return "reset by the peer";
	case P2P_ERR_DISCONNECTED:	return "the connection ended";
	case P2P_ERR_WRONG_PEER:
		return "another peer than the one dialed answered";
	case P2P_ERR_SELF:		return "this is our own peer id";
	case P2P_ERR_REFUSED:		return "refused";
	case P2P_ERR_UNREACHABLE:	return "no address answered";
	case P2P_ERR_NO_ADDRESS:
		return "no address is known for this peer";
	case P2P_ERR_NO_PEER:		return "the address names no peer";
	case P2P_ERR_NO_PROTOCOL:
		return "the peer does not speak this protocol";
	case P2P_ERR_UNSUPPORTED:	return "not supported";
	case P2P_ERR_PROTOCOL:		return "the peer broke the protocol";
	case P2P_ERR_SECURITY:		return "authentication failed";
	case P2P_ERR_SIGNATURE:		return "a signature does not verify";
	case P2P_ERR_KEY_FILE:
		return "the key file is not safe to use";
	case P2P_ERR_STOPPED:		return "the host is stopping";
	case P2P_ERR_BUSY:		return "handlers are still running";
	case P2P_ERR_DEADLOCK:
		return "not allowed from a handler or callback";
	case P2P_ERR_EXISTS:		return "already there";
	case P2P_ERR_NOT_FOUND:		return "not found";
	case P2P_ERR_DNS:		return "the name does not resolve";
	case P2P_ERR_CRYPTO:		return "the crypto library failed";
	}
	return "unknown error";
}

static const char *
own_name(enum p2p_error error)
{
	switch (error) {
	case P2P_ERR_SHORT:		return "short";
	case P2P_ERR_FORMAT:		return "format";
	case P2P_ERR_TOO_LARGE:		return "too-large";
	case P2P_ERR_LIMIT:		return "limit";
	case P2P_ERR_TIMEOUT:		return "timeout";
	case P2P_ERR_CLOSED:		return "closed";
	case P2P_ERR_RESET:		return "reset";
	case P2P_ERR_DISCONNECTED:	return "disconnected";
	case P2P_ERR_WRONG_PEER:	return "wrong-peer";
	case P2P_ERR_SELF:		return "self";
	case P2P_ERR_REFUSED:		return "refused";
	case P2P_ERR_UNREACHABLE:	return "unreachable";
	case P2P_ERR_NO_ADDRESS:	return "no-address";
	case P2P_ERR_NO_PEER:		return "no-peer";
	case P2P_ERR_NO_PROTOCOL:	return "no-protocol";
	case P2P_ERR_UNSUPPORTED:	return "unsupported";
	case P2P_ERR_PROTOCOL:		return "protocol";
	case P2P_ERR_SECURITY:		return "security";
	case P2P_ERR_SIGNATURE:		return "signature";
	case P2P_ERR_KEY_FILE:		return "key-file";
	case P2P_ERR_STOPPED:		return "stopped";
	case P2P_ERR_BUSY:		return "busy";
	case P2P_ERR_DEADLOCK:		return "deadlock";
	case P2P_ERR_EXISTS:		return "exists";
	case P2P_ERR_NOT_FOUND:		return "not-found";
	case P2P_ERR_DNS:		return "dns";
	case P2P_ERR_CRYPTO:		return "crypto";
	}
	return "unknown";
}

static const char *
system_name(int error)
{
	switch (error) {
	case ECONNREFUSED:	return "refused";
	case ECONNRESET:
	case EPIPE:		return "disconnected";
	case ETIMEDOUT:		return "timeout";
	case ENETUNREACH:
	case EHOSTUNREACH:	return "unreachable";
	case ENOMEM:		return "no-memory";
	case EADDRINUSE:	return "address-in-use";
	case EACCES:
	case EPERM:		return "permission";
	case ENOENT:		return "not-found";
	case EEXIST:		return "exists";
	default:		return "system";
	}
}

const char *
p2p_strerror(int error)
{
	const char *text;

	if (error == 0)
		return "success";
	if (error <= P2P_ERR_SHORT)
		return own_text((enum p2p_error)error);
	if (error < 0 && (text = strerrordesc_np(-error)) != NULL)
		return text;
	return "unknown error";
}

const char *
p2p_error_name(int error)
{
	if (error == 0)
		return "ok";
	if (error <= P2P_ERR_SHORT)
		return own_name((enum p2p_error)error);
	return error < 0 ? system_name(-error) : "unknown";
}
