/*
 * p2p/stream.h -- a conversation with a peer: two halves, read and write.
 *
 * Streams come from p2p_host_open() or are handed to a handler.  Reading and
 * writing may go on at once in two threads; close and reset may be called from
 * any thread and wake both.
 *
 * Timeouts: each call waits for at most the stream's read or write timeout,
 * counted from its own beginning (default: none).  A call that times out loses
 * nothing: what a read had not returned stays queued, and p2p_stream_write()
 * says how far it came.
 */
#ifndef P2P_STREAM_H
#define P2P_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct p2p_multiaddr;
struct p2p_peer_id;
struct p2p_stream;

/*
 * Wait for bytes, and take up to len of them; none at once when len is 0.
 * Returns the number of bytes, 0 once the peer has finished its half and
 * everything was read, or P2P_ERR_TIMEOUT (nothing is lost), P2P_ERR_RESET (by
 * the peer), P2P_ERR_CLOSED (by us), P2P_ERR_DISCONNECTED.  Bytes that came
 * before a reset by the peer are returned before its error.
 */
ssize_t	p2p_stream_read(struct p2p_stream *s, void *buf, size_t len);

/*
 * Read exactly len bytes.  Returns 0, or P2P_ERR_SHORT (the peer finished
 * early), or as above.  The bytes read before a failure are lost.
 */
int	p2p_stream_read_full(struct p2p_stream *s, void *buf, size_t len);

/*
 * Write all of buf, whatever its size, waiting for the peer's window as often
 * as needed.  Returns len; or, if the time or the stream ended in between, the
 * bytes taken so far when there were any, else the error.  Bytes taken are on
 * their way; a later failure shows in the next call.  len 0 does nothing.
 */
ssize_t	p2p_stream_write(struct p2p_stream *s, const void *buf, size_t len);

/* Write all or fail: 0, or an error with an unknown part written. */
int	p2p_stream_write_full(struct p2p_stream *s, const void *buf,
	    size_t len);

/*
 * Finish our half: the peer reads what was written, then the end of file.
 * Reading goes on.  Does not block.  Idempotent.  Returns 0, or why the stream
 * has ended.
 */
int	p2p_stream_close_write(struct p2p_stream *s);

/*
 * Abort both halves at once.  Wakes every caller with P2P_ERR_CLOSED.  The
 * peer sees a reset.  The stream stays yours until p2p_stream_free().
 */
void	p2p_stream_reset(struct p2p_stream *s);

/*
 * Finish our half, discard what still comes, and give the stream up: the
 * pointer is dead.  NULL is fine.  Does not block.  The host must still be
 * there.  A handler must not call this: its stream is freed when it returns.
 */
void	p2p_stream_free(struct p2p_stream *s);

/* For calls that begin from now on; 0 is no timeout. */
void	p2p_stream_read_timeout(struct p2p_stream *s, unsigned timeout_ms);
void	p2p_stream_write_timeout(struct p2p_stream *s, unsigned timeout_ms);

/* Who, over what; all borrowed from the stream. */
const struct p2p_peer_id	*p2p_stream_peer(const struct p2p_stream *s);
const char	*p2p_stream_protocol(const struct p2p_stream *s);
const struct p2p_multiaddr	*p2p_stream_remote(const struct p2p_stream *s);
const struct p2p_multiaddr	*p2p_stream_local(const struct p2p_stream *s);

#ifdef __cplusplus
}
#endif
#endif
