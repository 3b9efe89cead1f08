/*
 * The terminal as it was found: after the end, after any signal, and while we
 * are stopped.  What a handler does here is safe in one.
 */
#include "chat.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tool.h"

#define LEAVE_MAX	256	/* bytes */
#define LEAVE_MS	1000	/* for that it can be written at all */

static struct termios found;
static char leave[LEAVE_MAX];
static atomic_bool saved;
static atomic_uint told;
static int wake = -1;

/* Those that end the process, with or without a core. */
static const int fatal[] = { SIGHUP, SIGQUIT, SIGABRT, SIGILL, SIGFPE, SIGBUS,
    SIGSEGV, SIGSYS, SIGTRAP, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
    SIGPIPE };
#define FATAL	(sizeof(fatal) / sizeof(fatal[0]))
static struct sigaction before[FATAL];

/* Also when we are in the background by now. */
static void
let_set(void)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &one, NULL);
}

/* As that, but with nothing that can stop it: what ^S has stopped goes on. */
static void
set_flowing(struct termios t)
{
	t.c_iflag &= ~(tcflag_t)IXON;
	(void)tcsetattr(0, TCSANOW, &t);
}

void
chat_term_flow(void)
{
	struct termios now;

	let_set();
	if (atomic_load(&saved) && tcgetattr(0, &now) == 0)
		set_flowing(now);
}

/*
 * A terminal may be stopped, by ^S, and then is not any more; or whoever has
 * its other end reads nothing, and then is not waited for.
 */
static void
write_leave(void)
{
	struct pollfd p = { .fd = 1, .events = POLLOUT };
	int flags = fcntl(1, F_GETFL);

	set_flowing(found);
	if (leave[0] == '\0' || flags == -1 || poll(&p, 1, LEAVE_MS) != 1)
		return;
	(void)fcntl(1, F_SETFL, flags | O_NONBLOCK);
	(void)!write(1, leave, strlen(leave));
	(void)fcntl(1, F_SETFL, flags);
}

void
chat_term_restore(void)
{
	if (!atomic_exchange(&saved, false))
		return;
	let_set();
	write_leave();
	(void)tcsetattr(0, TCSANOW, &found);
}

void
chat_term_left(void)
{
	leave[0] = '\0';
}

static bool
is_fault(int sig)
{
	return sig == SIGILL || sig == SIGFPE || sig == SIGBUS ||
	    sig == SIGSEGV;
}

/*
 * A fault comes again when we return, for whoever had the signal before us;
 * what was sent does not.
 */
static void
on_fatal(int sig, siginfo_t *info, void *context)
{
	int e = errno;
	size_t i;

	(void)context;
	chat_term_restore();
	for (i = 0; i < FATAL; i++)
		if (fatal[i] == sig)
			(void)sigaction(sig, &before[i], NULL);
	if (info->si_code <= 0 || !is_fault(sig))
		(void)raise(sig);
	errno = e;
}

static void
on_told(int sig)
{
	int e = errno;

	atomic_fetch_or(&told, sig == SIGWINCH ? CHAT_RESIZED :
	    sig == SIGCONT ? CHAT_CONTINUED | CHAT_RESIZED : CHAT_SUSPEND);
	(void)!write(wake, "", 1);
	errno = e;
}

bool
chat_term_save(struct chat *c, const char *text)
{
	struct sigaction sa = { .sa_handler = on_told, .sa_flags = SA_RESTART };
	struct sigaction bad = { .sa_sigaction = on_fatal,
	    .sa_flags = SA_SIGINFO };
	static bool again;
	size_t i;

	if (tcgetattr(0, &found) == -1)
		return false;
	snprintf(leave, sizeof(leave), "%s", text);
	wake = c->wake[1];
	atomic_store(&saved, true);
	tool_at_force(chat_term_restore);
	if (again)
		return true;
	again = true;
	(void)atexit(chat_term_restore);
	sigemptyset(&sa.sa_mask);
	sigaction(SIGWINCH, &sa, NULL);
	sigaction(SIGTSTP, &sa, NULL);
	sigaction(SIGCONT, &sa, NULL);
	sigemptyset(&bad.sa_mask);
	for (i = 0; i < FATAL; i++) {
		sigaction(fatal[i], &bad, &before[i]);
		/* By nohup, or by the library: it ends nothing. */
		if (before[i].sa_handler == SIG_IGN)
			sigaction(fatal[i], &before[i], NULL);
	}
	return true;
}

unsigned
chat_term_told(void)
{
	return atomic_exchange(&told, 0);
}

/* As by default, which is to stop, all threads. */
void
chat_term_stop(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL }, ours;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTSTP, &sa, &ours);
	(void)kill(getpid(), SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
}

bool
chat_term_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
