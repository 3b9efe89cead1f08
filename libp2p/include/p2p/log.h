/*
 * p2p/log.h -- where the library's remarks go: to a function of yours.
 */
#ifndef P2P_LOG_H
#define P2P_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum p2p_log_level {
	P2P_LOG_ERROR = 1,	/* something of ours failed */
	P2P_LOG_WARN,		/* a peer or the system misbehaved */
	P2P_LOG_INFO,		/* connections, listeners */
	P2P_LOG_DEBUG,		/* streams and protocols */
};

/*
 * One line, without a newline, in printable ASCII, valid during the call.
 * area names the part of the library ("yamux").  Called from any thread, with
 * no lock held, possibly from several threads at once; it must not call back
 * into the host it came from.
 */
typedef void (*p2p_log_fn)(enum p2p_log_level level, const char *area,
    const char *line, void *arg);

#ifdef __cplusplus
}
#endif
#endif
