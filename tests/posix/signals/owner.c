/* O_ASYNC: who is told, by which signal, and what it says. */
#include "../lib.h"

#include <sys/syscall.h>

/* The next such signal that says `code`; others that come before it do not matter. */
static bool take(int sig, int code, siginfo_t *info)
{
    struct timespec limit = {PATIENCE_MS / 1000, 0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    do {
        if (sigtimedwait(&set, info, &limit) < 0)
            return false;
    } while (info->si_code != code);
    return true;
}

static void block(int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    MUST(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void chosen(int f)
{
    struct pair t = tcp_pair(f);
    siginfo_t info = {.si_code = 0};
    block(SIGRTMIN);
    MUST(fcntl(t.s, F_SETOWN, getpid()));
    MUST(fcntl(t.s, F_SETSIG, SIGRTMIN));
    MUST(fcntl(t.s, F_SETFL, O_ASYNC));
    MUST(send(t.c, "x", 1, 0));
    OK(take(SIGRTMIN, POLL_IN, &info), nm(f, "a signal that was chosen comes"));
    EQ(info.si_signo, SIGRTMIN, nm(f, "its number"));
    EQ(info.si_fd, t.s, nm(f, "it tells the descriptor"));
    OK(info.si_band & POLLIN, nm(f, "it tells what has come about"));
}

static void by_copy(int f)
{
    struct pair t = tcp_pair(f);
    siginfo_t info = {.si_code = 0};
    int copy = MUST(dup(t.s));
    block(SIGRTMIN);
    MUST(fcntl(t.s, F_SETOWN, getpid()));
    MUST(fcntl(t.s, F_SETSIG, SIGRTMIN));
    MUST(fcntl(copy, F_SETFL, O_ASYNC));
    MUST(send(t.c, "x", 1, 0));
    OK(take(SIGRTMIN, POLL_IN, &info), nm(f, "by a copy, it comes"));
    EQ(info.si_fd, copy, nm(f, "it tells the copy that asked"));
}

static void usual(int f)
{
    struct pair t = tcp_pair(f);
    siginfo_t info = {.si_code = 0};
    block(SIGIO);
    MUST(fcntl(t.s, F_SETOWN, getpid()));
    MUST(fcntl(t.s, F_SETFL, O_ASYNC));
    MUST(send(t.c, "x", 1, 0));
    OK(take(SIGIO, SI_KERNEL, &info), nm(f, "SIGIO is the kernel's"));
}

static void of_thread(int f)
{
    struct f_owner_ex who = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    struct pair t = tcp_pair(f);
    siginfo_t info = {.si_code = 0};
    block(SIGRTMIN);
    MUST(fcntl(t.s, F_SETOWN_EX, &who));
    MUST(fcntl(t.s, F_SETSIG, SIGRTMIN));
    MUST(fcntl(t.s, F_SETFL, O_ASYNC));
    MUST(send(t.c, "x", 1, 0));
    OK(take(SIGRTMIN, POLL_IN, &info), nm(f, "a thread is told"));
    EQ(info.si_fd, t.s, nm(f, "a thread is told the descriptor"));
}

static void connected(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);
    siginfo_t info = {.si_code = 0};
    block(SIGRTMIN);
    MUST(fcntl(l, F_SETOWN, getpid()));
    MUST(fcntl(l, F_SETSIG, SIGRTMIN));
    MUST(fcntl(l, F_SETFL, O_ASYNC));
    MUST(connect_to(fd, a));
    OK(take(SIGRTMIN, POLL_IN, &info), nm(f, "a connection that waits is told"));
    EQ(info.si_fd, l, nm(f, "of the listener"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(chosen), CASE(by_copy), CASE(usual), CASE(of_thread),
                                         CASE(connected)};
    return run_cases(cases, COUNT(cases));
}
