/*
 * p2p/perf.h -- how fast a peer can be written to and read from.
 *
 * Spec: libp2p/specs perf/perf.md, protocol "/perf/1.0.0".
 * Wire: the opener sends a big-endian u64, the bytes it wants back, then the
 *       upload, then ends its half; the peer sends that many bytes and ends.
 */
#ifndef P2P_PERF_H
#define P2P_PERF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_host;
struct p2p_peer_id;

#define P2P_PERF_ID	"/perf/1.0.0"

/* Serve it; off until called.  Returns as p2p_host_handle(). */
int	p2p_perf_serve(struct p2p_host *host);

struct p2p_perf_result {
	uint64_t	upload_us;	/* first byte written to half closed */
	uint64_t	download_us;	/* half closed to end of file */
	uint64_t	uploaded;	/* bytes */
	uint64_t	downloaded;
};

/*
 * Progress, from the calling thread, at most once a second and at the end of
 * each phase; return nonzero to stop with P2P_ERR_CLOSED.
 */
typedef int (*p2p_perf_fn)(const struct p2p_perf_result *so_far, void *arg);

struct p2p_perf_options {
	uint64_t	 upload;	/* bytes */
	uint64_t	 download;	/* bytes */
	unsigned	 chunk;		/* bytes a call, 0: 65536 */
	unsigned	 timeout_ms;	/* of the whole run; 0: 15000 to
					   open, then none */
	p2p_perf_fn	 progress;	/* or NULL */
	void		*arg;
};

/*
 * One run over one new stream: upload, then download.  Once the stream is open,
 * *out is filled, also on failure.  Returns 0, P2P_ERR_PROTOCOL (not the bytes
 * asked for), P2P_ERR_CLOSED (progress said so), P2P_ERR_TOO_LARGE (chunk over
 * 16 MiB), or as p2p_host_open() and the calls of the stream.
 */
int	p2p_perf(struct p2p_host *host, const struct p2p_peer_id *peer,
	    const struct p2p_perf_options *options,
	    struct p2p_perf_result *out);

#ifdef __cplusplus
}
#endif
#endif
