#include "figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
quantile(double *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[(size_t)((double)(n - 1) * q)];
}

void
figure_record(struct figure *f, int round, double ours, double theirs)
{
	f->ours[round] = ours;
	f->theirs[round] = theirs;
	f->ratio[round] = theirs > 0 ? ours / theirs : 0;
}

void
figure_print(struct figure *f, int rounds, const char *unit)
{
	size_t n = (size_t)rounds;
	double ratio = quantile(f->ratio, n, 0.5);

	printf("%-28s %10.2f ", f->name, quantile(f->ours, n, 0.5));
	if (ratio > 0)
		printf("%10.2f %-6s ratio %.2f (%.2f to %.2f)\n",
		    quantile(f->theirs, n, 0.5), unit, ratio, f->ratio[0],
		    f->ratio[rounds - 1]);
	else
		printf("%10s %s\n", "", unit);
	fflush(stdout);
}

void
process_size(pid_t pid, long *kib, long *threads)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "VmRSS: %ld", kib);
		(void)sscanf(line, "Threads: %ld", threads);
	}
	if (f != NULL)
		fclose(f);
}

/* proc(5): fields 14 and 15; the name before them is in brackets. */
double
process_time(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], line[1024], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL)
		(void)sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u"
		    " %*u %*u %lu %lu", &user, &system);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
