#include "check.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "p2p/error.h"
#include "p2p/multiaddr.h"

/* A hang is a failure: no program runs longer than this. */
#define CHECK_TIMEOUT_S	300

static char own_dir[64];
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static void
result(bool good, const char *text, const char *file, unsigned line)
{
	/* CUnit counts without a lock; checks run in threads, too. */
	pthread_mutex_lock(&counting);
	CU_assertImplementation(good ? CU_TRUE : CU_FALSE, line, text, file, "",
	    CU_FALSE);
	pthread_mutex_unlock(&counting);
	if (!good)
		fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

void
check_error(int got, int want, const char *expr, const char *file,
    unsigned line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: got %d (%s), want %d (%s)", expr, got,
	    p2p_strerror(got), want, p2p_strerror(want));
	result(got == want, text, file, line);
}

void
check_int(long long got, long long want, const char *expr, const char *file,
    unsigned line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: got %lld, want %lld", expr, got,
	    want);
	result(got == want, text, file, line);
}

void
check_text(const char *got, const char *want, const char *expr,
    const char *file, unsigned line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s: got \"%s\", want \"%s\"", expr,
	    got != NULL ? got : "(null)", want);
	result(got != NULL && strcmp(got, want) == 0, text, file, line);
}

void
check_bytes(const void *got, size_t gotlen, const void *want, size_t wantlen,
    const char *expr, const char *file, unsigned line)
{
	char text[1024], a[2 * 64 + 1], b[2 * 64 + 1];
	bool same = gotlen == wantlen &&
	    (wantlen == 0 || memcmp(got, want, wantlen) == 0);

	hex_put(a, got, gotlen > 64 ? 64 : gotlen);
	hex_put(b, want, wantlen > 64 ? 64 : wantlen);
	snprintf(text, sizeof(text), "%s: got %zu %s, want %zu %s", expr,
	    gotlen, a, wantlen, b);
	result(same, text, file, line);
}

uint8_t *
check_unhex(const char *hex, size_t *len)
{
	char *packed = malloc(strlen(hex) + 1), *p = packed;
	uint8_t *out;
	size_t n;

	for (; *hex != '\0'; hex++)
		if (strchr(" \t\n", *hex) == NULL)
			*p++ = *hex;
	*p = '\0';
	n = strlen(packed) / 2;
	out = malloc(n > 0 ? n : 1);
	if (hex_get(packed, out, n, len) != 0)
		abort();
	free(packed);
	return out;
}

uint8_t *
check_vector(const char *name, size_t *len)
{
	const char *dir = getenv("srcdir");	/* automake sets it */
	char path[512], hex[16384];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/vectors/%s",
	    dir != NULL ? dir : ".", name);
	if ((f = fopen(path, "r")) == NULL) {
		perror(path);
		abort();
	}
	n = fread(hex, 1, sizeof(hex) - 1, f);
	fclose(f);
	hex[n] = '\0';
	return check_unhex(hex, len);
}

int
check_main(int argc, char **argv)
{
	const struct test *t;
	CU_pSuite suite;
	unsigned failed;

	alarm(CHECK_TIMEOUT_S);
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    (suite = CU_add_suite(check_suite, NULL, NULL)) == NULL)
		return 99;
	for (t = check_tests; t->name != NULL; t++)
		if (argc < 2 || strstr(t->name, argv[1]) != NULL)
			CU_add_test(suite, t->name, t->fn);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	if (CU_get_number_of_tests_run() == 0)
		failed = 1;		/* a run that tested nothing */
	CU_cleanup_registry();
	return failed > 0;
}

void
check_dir_enter(void)
{
	snprintf(own_dir, sizeof(own_dir), "check.%ld.XXXXXX", (long)getpid());
	if (mkdtemp(own_dir) == NULL || chdir(own_dir) == -1) {
		perror(own_dir);
		abort();
	}
}

void
check_dir_leave(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", own_dir);
	if (chdir("..") == -1 || system(cmd) != 0)
		abort();
}

void
check_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || write(fd, bytes, len) != (ssize_t)len ||
	    fchmod(fd, mode) == -1 || close(fd) == -1)
		abort();
}

struct p2p_multiaddr *
check_maddr(const char *text)
{
	struct p2p_multiaddr *ma = NULL;

	CHECK_OK(p2p_multiaddr_parse(text, &ma));
	CHECK_FATAL(ma != NULL);
	return ma;
}
