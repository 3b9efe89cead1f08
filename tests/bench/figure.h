/*
 * tests/bench/figure.h -- a figure of ours beside another's, taken in turn
 * several times; the median of the ratios is what counts.
 */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stddef.h>
#include <sys/types.h>

#define FIGURE_ROUNDS_MAX	16

struct figure {
	const char	*name;
	double		 ours[FIGURE_ROUNDS_MAX], theirs[FIGURE_ROUNDS_MAX];
	double		 ratio[FIGURE_ROUNDS_MAX];
};

void	figure_record(struct figure *f, int round, double ours,
	    double theirs);
/* A line; without what is compared where theirs is 0. */
void	figure_print(struct figure *f, int rounds, const char *unit);

/* v is sorted. */
double	quantile(double *v, size_t n, double q);

/* Resident memory and threads of a process; what is not known stays. */
void	process_size(pid_t pid, long *kib, long *threads);
/* Processor time of a process and its threads, in seconds. */
double	process_time(pid_t pid);

#endif
