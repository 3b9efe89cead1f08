/*
 * tests/check.h -- CUnit with words: a table of named tests, and checks that
 * print both errors as text.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct test {
	const char	*name;		/* a sentence */
	void		(*fn)(void);
};

/* The table each test program defines; ends in { NULL, NULL }. */
extern const struct test check_tests[];
extern const char check_suite[];

/* Run it: 0 when all passed.  argv[1], if given, picks tests by substring. */
int	check_main(int argc, char **argv);

#define TESTS(suite, ...)						\
	const char check_suite[] = suite;				\
	const struct test check_tests[] = { __VA_ARGS__, { NULL, NULL } }; \
	int main(int argc, char **argv) { return check_main(argc, argv); }

#define CHECK(cond)		CU_ASSERT(cond)
#define CHECK_FATAL(cond)	CU_ASSERT_FATAL(cond)

/* The expression is evaluated once. */
#define CHECK_OK(expr)		check_error((expr), 0, #expr, __FILE__, \
				    __LINE__)
#define CHECK_ERR(expr, code)	check_error((expr), (code), #expr, __FILE__, \
				    __LINE__)
#define CHECK_EQ(a, b)		check_int((long long)(a), (long long)(b), \
				    #a " == " #b, __FILE__, __LINE__)
#define CHECK_STR(a, b)		check_text((a), (b), #a, __FILE__, __LINE__)
#define CHECK_BYTES(a, alen, b, blen)					\
	check_bytes((a), (alen), (b), (blen), #a, __FILE__, __LINE__)

void	check_error(int got, int want, const char *expr, const char *file,
	    unsigned line);
void	check_int(long long got, long long want, const char *expr,
	    const char *file, unsigned line);
void	check_text(const char *got, const char *want, const char *expr,
	    const char *file, unsigned line);
void	check_bytes(const void *got, size_t gotlen, const void *want,
	    size_t wantlen, const char *expr, const char *file, unsigned line);

/* Hex text (spaces allowed) into a new buffer of exactly its size. */
uint8_t	*check_unhex(const char *hex, size_t *len);

/* The same from the file tests/vectors/name. */
uint8_t	*check_vector(const char *name, size_t *len);

/*
 * A fresh directory below the build directory to be in, which leaving removes;
 * and a file of this content and mode, in place of what had its name.
 */
void	check_dir_enter(void);
void	check_dir_leave(void);
void	check_file(const char *path, const void *bytes, size_t len,
	    mode_t mode);

/* The address of that text, which must be a good one. */
struct p2p_multiaddr;
struct p2p_multiaddr	*check_maddr(const char *text);

#endif
