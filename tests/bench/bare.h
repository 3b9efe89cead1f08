/*
 * tests/bench/bare.h -- what a connection costs without this library: a loop
 * over one socket, of SSL_write and SSL_read, or of Noise's frames sealed and
 * opened by hand.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum bare_kind { BARE_TLS, BARE_NOISE };

/* A connection to a child process that serves it; ends with this one. */
struct bare;
struct bare	*bare_start(enum bare_kind kind, pid_t *child);

/* Bytes up ('u') or down ('d'); GB/s. */
double	bare_bulk(struct bare *b, char how, uint64_t bytes);
/* Round trips of a byte, their times in seconds. */
void	bare_trips(struct bare *b, double *times, int n);

/* Mutual handshakes with a child, n of them, 4 at once; a second. */
struct bare_shaker;
struct bare_shaker	*bare_shaker_start(enum bare_kind kind,
			    pid_t *child);
double	bare_shakes(struct bare_shaker *s, int n);

/* codec.c: Noise sealed and opened in memory, by the codec and bare; GB/s. */
void	bench_codec(double *our, double *their);

double	bench_now(void);	/* seconds */
void	bench_must(int e, const char *what);
pid_t	bench_fork(void);	/* a child that ends when we do */

#endif
