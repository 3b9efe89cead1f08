#include "base/bufpool.h"

#include <string.h>

#include "base/thread.h"
#include "check.h"

#define SIZE	4096
#define THREADS	4
#define ROUNDS	5000

static void
a_returned_buffer_is_given_out_again(void)
{
	struct bufpool p;
	void *a, *b;

	bufpool_init(&p, SIZE, 2);
	a = bufpool_get(&p);
	b = bufpool_get(&p);
	CHECK(a != NULL && b != NULL && a != b);
	memset(a, 0xff, SIZE);		/* a sanitizer sees the size */
	memset(b, 0xff, SIZE);
	bufpool_put(&p, a);
	CHECK_EQ(p.n, 1);
	CHECK(bufpool_get(&p) == a);
	CHECK_EQ(p.n, 0);
	bufpool_put(&p, a);
	bufpool_put(&p, b);
	CHECK(bufpool_get(&p) == b);	/* the warm one first */
	CHECK(bufpool_get(&p) == a);
	bufpool_put(&p, a);
	bufpool_put(&p, b);
	bufpool_fini(&p);
}

static void
no_more_are_kept_than_asked_for(void)
{
	struct bufpool p;
	void *bufs[5];
	size_t i;

	bufpool_init(&p, SIZE, 3);
	for (i = 0; i < 5; i++)
		bufs[i] = bufpool_get(&p);
	for (i = 0; i < 5; i++)
		bufpool_put(&p, bufs[i]);
	CHECK_EQ(p.n, 3);
	bufpool_fini(&p);
	CHECK_EQ(p.n, 0);
	bufpool_init(&p, SIZE, 0);
	bufpool_put(&p, bufpool_get(&p));
	CHECK_EQ(p.n, 0);
	bufpool_fini(&p);
}

static void
to_give_back_nothing_is_fine(void)
{
	struct bufpool p;

	bufpool_init(&p, SIZE, 1);
	bufpool_put(&p, NULL);
	CHECK_EQ(p.n, 0);
	bufpool_fini(&p);
}

struct user {
	struct thread	 thread;
	struct bufpool	*pool;
	uint8_t		 mark;
	unsigned	 wrong;
};

/* Three at a time, each the user's own from get to put. */
static void
use(void *arg)
{
	struct user *u = arg;
	uint8_t *bufs[3];
	int i, round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 3; i++) {
			bufs[i] = bufpool_get(u->pool);
			memset(bufs[i], u->mark, SIZE);
		}
		for (i = 0; i < 3; i++) {
			u->wrong += bufs[i][0] != u->mark ||
			    bufs[i][SIZE - 1] != u->mark;
			bufpool_put(u->pool, bufs[i]);
		}
	}
}

static void
threads_never_share_a_buffer(void)
{
	struct user users[THREADS] = { 0 };
	struct bufpool p;
	int i;

	bufpool_init(&p, SIZE, 4);
	for (i = 0; i < THREADS; i++) {
		users[i].pool = &p;
		users[i].mark = (uint8_t)(i + 1);
		CHECK_OK(thread_start(&users[i].thread, "user",
		    THREAD_STACK_SMALL, use, &users[i]));
	}
	for (i = 0; i < THREADS; i++) {
		thread_join(&users[i].thread);
		CHECK_EQ(users[i].wrong, 0);
	}
	CHECK(p.n >= 3 && p.n <= 4);
	bufpool_fini(&p);
}

TESTS("bufpool",
	{ "a returned buffer is given out again",
	    a_returned_buffer_is_given_out_again },
	{ "no more are kept than asked for", no_more_are_kept_than_asked_for },
	{ "to give back nothing is fine", to_give_back_nothing_is_fine },
	{ "threads never share a buffer", threads_never_share_a_buffer })
