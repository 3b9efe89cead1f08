/*
 * base/wake.h -- a descriptor that becomes readable when somebody says so, to
 * stand beside a socket in poll(2).
 */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <stdint.h>

struct wake {
	int	fd;
};

int	wake_init(struct wake *w);		/* 0 or -errno */
void	wake_fini(struct wake *w);
void	wake_set(struct wake *w);		/* any thread */
void	wake_clear(struct wake *w);

/*
 * Wait until fd shows one of the poll(2) events, or the wake descriptor (-1:
 * none) is set, or the deadline passes.  fd may be -1.  Returns 0,
 * P2P_ERR_CLOSED (woken) or P2P_ERR_TIMEOUT.
 */
int	wake_poll(int fd, short events, int wake_fd, uint64_t deadline);

#endif
